"""The generated unit, run the way systemd would: its socket outlives its process."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from nextwizard import quoting
from nextwizard.errors import Problem, ToolError
from nextwizard.tools import run, start

from .service import BOOT_S, Stopped, last_words


if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextwizard.tools import Server

    from .place import Stage


_TAKE_SOCKET = (
    "import os, sys; fd = int(sys.argv[1]); os.dup2(fd, 3); fd == 3 or os.close(fd); "
    "os.environ['LISTEN_PID'] = str(os.getpid()); os.execv(sys.argv[2], sys.argv[2:])"
)


def section(text: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield the keys and values of one section of a unit, in order."""
    here = ""
    for line in text.splitlines():
        if line.startswith("["):
            here = line
        elif here == f"[{name}]" and "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            yield key.strip(), value.strip()


def words(text: str) -> list[str]:
    """Split a unit's command line the way systemd does."""
    found = re.findall(r'(?:"((?:\\.|[^"\\])*)"|(\S+))(?:\s+|$)', text)
    return [
        (re.sub(r"\\(.)", r"\1", quoted) if quoted else plain)
        .replace("$$", "$")
        .replace("%%", "%")
        for quoted, plain in found
    ]


def seconds(text: str, default: float) -> float:
    """Return a unit's time span in seconds; only plain seconds are written by us."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:s|sec)?\s*", text)
    return float(found[1]) if found else default


def service_text(stage: Stage) -> str:
    """Return the generated unit with the stage's paths."""
    name = stage.text("project.name")
    text = stage.read(f"{stage.text('unit.folder')}/{name}.service")
    return stage.moved(text, quoting.systemd)


class Unit:
    """One service of the generated unit: started, restarted, reloaded, stopped.

    Its parts of [Service] are honoured that work without root: the commands, the
    environment, the socket, the directories, KillMode=mixed, the timeouts, READY=1.
    """

    def __init__(self, stage: Stage) -> None:
        """Read the unit; nothing is started."""
        self.stage = stage
        self.rows = list(section(service_text(stage), "Service"))
        self.log = stage.place("app.log")
        self.server: Server | None = None
        self.listener: socket.socket | None = None
        self.ended = Stopped()

    def values(self, key: str) -> list[str]:
        """Return every value of a key, in order."""
        return [value for name, value in self.rows if name == key]

    def value(self, key: str, default: str = "") -> str:
        """Return a key's last value."""
        return ([default, *self.values(key)])[-1]

    @property
    def running(self) -> bool:
        """Whether the main process is there."""
        return self.server is not None and self.server.running

    @property
    def workers(self) -> frozenset[int]:
        """The processes of its session besides the main one."""
        if self.server is None:
            return frozenset()
        return frozenset(self.server.members()) - {self.server.pid}

    def start(self) -> None:
        """Open the socket, run ExecStartPre=, start; ToolError when one fails."""
        env = self._environment()
        listener = self._listener()
        for line in self.values("ExecStartPre"):
            self._once(line, env)
        command = self._command()
        if listener is not None:
            env["LISTEN_FDS"] = "1"
            number = str(listener.fileno())
            command = [sys.executable, "-c", _TAKE_SOCKET, number, *command]
        notify = self._notify(env)
        self.server = start(
            command,
            log=self.log,
            cwd=self._folder(),
            env=env,
            keep=(listener.fileno(),) if listener else (),
        )
        if notify is not None:
            self._await_ready(notify)

    def _environment(self) -> dict[str, str]:
        from .run import environment

        return environment(self.stage)

    def _folder(self) -> str:
        return self.value("WorkingDirectory", "/").replace("%%", "%")

    def _command(self) -> list[str]:
        """Return ExecStart= with the stage's port, where host and port are words."""
        found = words(self.value("ExecStart"))
        if not self.stage.app:
            return found
        for at, word in enumerate(found[:-1]):
            if word in {"--host", "-b"}:
                found[at + 1] = "127.0.0.1"
            elif word in {"--port", "-p"}:
                found[at + 1] = str(self.stage.app)
        return found

    def _once(self, line: str, env: dict[str, str]) -> None:
        """Run one command of the unit to its end; ToolError when it fails."""
        main = str(self.server.pid) if self.server else ""
        argv = [word.replace("$MAINPID", main) for word in words(line)]
        done = run(argv, timeout=120, cwd=self._folder(), env=env)
        if done.code:
            said = last_words(done.err or done.out)
            raise ToolError(Problem(line, f"failed: {said}", ""))

    def _notify(self, env: dict[str, str]) -> socket.socket | None:
        """Return the socket on which Type=notify says READY=1, None for other types."""
        if self.value("Type") != "notify":
            return None
        path = self.stage.place("notify.sock")
        with suppress(FileNotFoundError):
            os.unlink(path)
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        channel.bind(path)
        channel.settimeout(0.2)
        env["NOTIFY_SOCKET"] = path
        return channel

    def _await_ready(self, channel: socket.socket) -> None:
        ends = time.monotonic() + BOOT_S
        with channel:
            while time.monotonic() < ends and self.running:
                with suppress(TimeoutError):
                    if b"READY=1" in channel.recv(4096).split(b"\n"):
                        return
        said = last_words(self.server.said()) if self.server else ""
        self.close()
        what = f"never told systemd that it is ready: {said}"
        raise ToolError(Problem("Type=notify", what, f"The log is {self.log}."))

    def _listener(self) -> socket.socket | None:
        """Return the socket systemd would hold, opened once; None without a .socket."""
        stage = self.stage
        if stage.plan["server.activated"] is not True:
            self._runtime()
            return None
        if self.listener is None:
            folder, name = stage.text("unit.folder"), stage.text("project.name")
            text = stage.read(f"{folder}/{name}.socket")
            moved = stage.moved(text, quoting.systemd)
            self.listener = _listen(dict(section(moved, "Socket")))
        return self.listener

    def _runtime(self) -> None:
        """Make RuntimeDirectory= afresh, the way systemd does at each start."""
        if not self.value("RuntimeDirectory"):
            return
        shutil.rmtree(self.stage.place("run"), ignore_errors=True)
        mode = int(self.value("RuntimeDirectoryMode", "0755"), 8)
        os.makedirs(self.stage.place("run"), mode)

    def leave(self) -> None:
        """Close the socket and stop, as `systemctl stop` of both units does."""
        if self.listener is not None:
            self.listener.close()
            self.listener = None
        self.stop()

    def restart(self) -> None:
        """Stop, then start, with the socket held all the while."""
        self.stop()
        self.start()

    def reload(self) -> bool:
        """Run every ExecReload= line; False without one, ToolError when one fails."""
        lines = self.values("ExecReload")
        for line in lines:
            self._once(line, self._environment())
        return bool(lines)

    def stop(self, limit: float = 0.0) -> float:
        """Ask the main process to end, then the rest of its group, as KillMode=mixed.

        Returns seconds; `ended` says whether it was killed, and what it left behind.
        """
        server = self.server
        if server is None:
            return 0.0
        limit = limit or seconds(self.value("TimeoutStopSec"), 90.0)
        begun = time.monotonic()
        server.signal(signal.SIGTERM)
        while server.running and time.monotonic() - begun < limit:
            time.sleep(0.02)
        took, killed = time.monotonic() - begun, server.running
        left = () if killed else _left(server)
        status = max(server.process.returncode or 0, 0)
        server.kill()
        self.server = None
        self.ended = Stopped(killed=killed, left=left, status=status)
        return took

    def close(self) -> None:
        """End everything at once, the socket included."""
        if self.server is not None:
            self.server.kill()
        if self.listener is not None:
            self.listener.close()
            self.listener = None


def _left(server: Server) -> tuple[int, ...]:
    """Return what outlives the main process by a second."""
    ends = time.monotonic() + 1
    while time.monotonic() < ends and server.members():
        time.sleep(0.05)
    return server.members()


def _listen(rows: dict[str, str]) -> socket.socket:
    """Open ListenStream= as systemd would, without its owner, which needs root."""
    where = rows.get("ListenStream", "").replace("%%", "%")
    if where.startswith("/"):
        os.makedirs(os.path.dirname(where), exist_ok=True)
        with suppress(FileNotFoundError):
            os.unlink(where)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(where)
        os.chmod(where, int(rows.get("SocketMode", "0666"), 8))
    else:
        host, _, port = where.rpartition(":")
        if not port.isdigit():
            raise ToolError(Problem("ListenStream=", f"{where!r} is no address", ""))
        listener = socket.create_server((host.strip("[]") or "127.0.0.1", int(port)))
    listener.listen(int(rows.get("Backlog", "4096")))
    return listener


__all__ = ["Unit", "seconds", "section", "service_text", "words"]
