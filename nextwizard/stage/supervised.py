"""The generated program under a real supervisord, without root."""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from nextwizard import quoting
from nextwizard.errors import Problem, ToolError
from nextwizard.tools import find, run, start

from .service import BOOT_S, Stopped, last_words


if TYPE_CHECKING:
    from nextwizard.tools import Result, Server

    from .place import Stage


_WRAPPER = """[supervisord]
nodaemon = true
logfile = {log}
pidfile = {pid}
childlogdir = {folder}

[unix_http_server]
file = {socket}

[supervisorctl]
serverurl = unix://{socket}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

"""
_STOPPED = re.compile(r"(?m)\bstopped: .*\(exit status (\d+)\)$")
_TMPFILES = re.compile(r"(?m)^printf 'd /run/%s (0[0-7]{3}) ")
_NEEDS_ROOT = re.compile(r"(?m)^(?:user|socket_owner)\s*=.*$")


def python_of(stage: Stage) -> str:
    """Return an interpreter that has supervisor, or nothing."""
    script = find("supervisord")
    beside = ""
    if script:
        with (
            suppress(OSError),
            open(script, encoding="utf-8", errors="replace") as file,
        ):
            beside = file.readline().removeprefix("#!").strip()
    for python in dict.fromkeys((stage.python, sys.executable, beside)):
        with suppress(ToolError):
            if python and not run([python, "-c", "import supervisor"], timeout=20).code:
                return python
    return ""


def write(stage: Stage) -> str:
    """Write a configuration that loads the generated one without root; its path.

    Owner and account are left out, which only root can give; everything else stands.
    """
    name = stage.text("project.name")
    for path in ("deploy/boot.py", "deploy/gunicorn.conf.py"):
        if os.path.exists(os.path.join(stage.root, path)):
            text = stage.moved(stage.read(path), quoting.py)
            stage.write(text, "deploy", os.path.basename(path))
    os.makedirs(stage.place("log"), exist_ok=True)
    _runtime(stage)
    text = stage.moved(
        stage.read(f"{stage.text('unit.folder')}/{name}.conf"), quoting.ini
    )
    text = _NEEDS_ROOT.sub("", text)
    if stage.app:
        text = re.sub(r"(--host|-b) [^\s']+", r"\1 127.0.0.1", text)
        text = re.sub(r"(--port|-p) \d+", rf"\1 {stage.app}", text)
    wrapper = _WRAPPER.format(
        log=quoting.ini(stage.place("supervisord.log")),
        pid=quoting.ini(stage.place("supervisord.pid")),
        folder=quoting.ini(stage.place("log")),
        socket=quoting.ini(stage.place("ctl.sock")),
    )
    return stage.write(wrapper + text, "supervisord.conf")


def _runtime(stage: Stage) -> None:
    """Make the socket's directory with the mode that the runbook gives it."""
    place = stage.place("run")
    os.makedirs(place, exist_ok=True)
    if found := _TMPFILES.search(stage.read("deploy/README.md")):
        os.chmod(place, int(found[1], 8))


class Supervised:
    """The generated program, held by supervisord and told by supervisorctl."""

    def __init__(self, stage: Stage) -> None:
        """Write the configuration; nothing is started."""
        self.stage = stage
        self.name = stage.text("project.name")
        self.python = python_of(stage)
        if not self.python:
            fix = "Install it: python3 -m pip install supervisor, or apt."
            raise ToolError(Problem("supervisord", "is not installed", fix))
        self.config = write(stage)
        self.log = stage.place("log", f"{self.name}.log")
        self.server: Server | None = None
        self.ended = Stopped()

    @property
    def running(self) -> bool:
        """Whether supervisord is there."""
        return self.server is not None and self.server.running

    @property
    def workers(self) -> frozenset[int]:
        """The processes of its session besides the main one."""
        if self.server is None:
            return frozenset()
        return frozenset(self.server.members()) - {self.server.pid}

    def start(self) -> None:
        """Start supervisord, and with it the program; ToolError when it refuses."""
        from .run import environment

        env = environment(self.stage)
        argv = [self.python, "-m", "supervisor.supervisord", "-n", "-c", self.config]
        self.server = start(argv, log=self.stage.place("supervisor.log"), env=env)
        ends = time.monotonic() + BOOT_S
        while time.monotonic() < ends and self.running:
            if self._processes():
                return
            time.sleep(0.1)
        said = last_words(self.server.said(), 2)
        self.close()
        raise ToolError(Problem("supervisord", f"did not start: {said}", ""))

    def _control(self, *words: str) -> Result:
        argv = [self.python, "-m", "supervisor.supervisorctl", "-c", self.config]
        return run([*argv, *words], timeout=120)

    def _processes(self) -> list[str]:
        """Return the names of the program's processes as supervisor knows them."""
        said = self._control("status", f"{self.name}:*").out
        return [
            line.split()[0] for line in said.splitlines() if f"{self.name}:" in line
        ]

    def _told(self, *words: str) -> None:
        done = self._control(*words)
        if done.code or "ERROR" in done.out:
            what = f"{' '.join(words)} failed: {last_words(done.out or done.err)}"
            raise ToolError(Problem("supervisorctl", what, ""))

    def leave(self) -> None:
        """Stop it; supervisor then holds no socket that a visitor could wait at."""
        self.stop()

    def restart(self) -> None:
        """Restart it process by process, the way the runbook does."""
        for process in self._processes():
            self._told("restart", process)

    def reload(self) -> bool:
        """Check, then SIGHUP; False where the runbook restarts instead."""
        lone = self.stage.number("supervisor.processes") == 1
        if self.stage.plan["server.reload"] is not True or not lone:
            return False
        from .run import manage

        manage(self.stage, "check")
        self._told("signal", "HUP", f"{self.name}:*")
        return True

    def stop(self, limit: float = 0.0) -> float:  # noqa: ARG002 - supervisor's own
        """Stop the program, then supervisord; returns the program's seconds.

        `ended` says whether it was killed, and what it left behind.
        """
        if self.server is None:
            return 0.0
        begun = time.monotonic()
        self._told("stop", f"{self.name}:*")
        took = time.monotonic() - begun
        left = tuple(pid for pid in self.server.members() if pid != self.server.pid)
        self.server.stop(15)
        with open(self.stage.place("supervisord.log"), encoding="utf-8") as file:
            said = file.read()
        self.server = None
        status = max(map(int, _STOPPED.findall(said)), default=0)
        self.ended = Stopped(killed="killing" in said, left=left, status=status)
        return took

    def close(self) -> None:
        """End everything at once."""
        if self.server is not None:
            self.server.kill()


__all__ = ["Supervised", "python_of", "write"]
