"""The generated deployment on loopback: its own text, with paths and ports of a stage.

Nothing else is changed: the unit's command line is parsed and run, its socket is opened
the way systemd would, and the proxy loads the generated files through a wrapper.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import quoting
from .errors import Problem, ToolError
from .tools import Server, find, run, start


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .values import Plan


BOOT_S = 30.0
"""Seconds a server or proxy gets until it answers; a cold Django takes two or three."""
_TAKE_SOCKET = (
    "import os, sys; fd = int(sys.argv[1]); os.dup2(fd, 3); fd == 3 or os.close(fd); "
    "os.environ['LISTEN_PID'] = str(os.getpid()); os.execv(sys.argv[2], sys.argv[2:])"
)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a deployment is staged: project, scratch directory, interpreter, ports."""

    root: str
    scratch: str
    plan: Plan
    python: str
    http: int
    https: int

    def text(self, key: str) -> str:
        """Return a decision as text."""
        return str(self.plan[key])

    def read(self, path: str) -> str:
        """Return one of the project's generated files."""
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            return file.read()

    def place(self, *parts: str) -> str:
        """Return a path in the scratch directory, its directory made."""
        place = os.path.join(self.scratch, *parts)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        return place

    def moves(self) -> dict[str, str]:
        """Return where each absolute path of the host lies on this stage."""
        text = self.text
        return {
            text("paths.python"): self.python,
            text("paths.bin"): os.path.dirname(self.python),
            text("paths.venv"): os.path.dirname(os.path.dirname(self.python)),
            text("paths.uwsgi"): self.place("uwsgi.ini"),
            text("paths.root"): self.root,
            text("paths.static"): self.place("static"),
            text("paths.state"): self.place("state"),
            text("paths.env"): self.place("env"),
            text("tls.certificate") or "/none": self.place("tls", "fullchain.pem"),
            text("tls.key") or "/none": self.place("tls", "privkey.pem"),
            "/var/www/acme": self.place("acme"),
            **({text("server.listen"): self.place("app.sock")} if self.unix else {}),
        }

    @property
    def unix(self) -> bool:
        """Whether the server listens on a socket file."""
        return self.plan["server.unix"] is True

    def moved(self, text: str, quote: Callable[[object], str]) -> str:
        """Return a generated text with the host's paths replaced by the stage's."""
        moves = {
            _inside(quote, old): _inside(quote, new)
            for old, new in self.moves().items()
        }
        longest = sorted(moves, key=len, reverse=True)
        ends = r"(?![A-Za-z0-9_-]|\.[A-Za-z0-9])"
        pattern = "|".join(re.escape(old) for old in longest)
        return re.sub(f"({pattern}){ends}", lambda hit: moves[hit[1]], text)


def _inside(quote: Callable[[object], str], path: str) -> str:
    """Return a path as it stands between the quotes of a grammar."""
    quoted = quote(path)
    return quoted[1:-1] if quoted[:1] == '"' else quoted


def free_port() -> int:
    """Return a port on loopback that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def certificate(stage: Stage) -> str:
    """Make a throw-away certificate for the stage's domains; return its path."""
    openssl = find("openssl")
    if not openssl:
        raise ToolError(Problem("openssl", "is not installed", "Install openssl."))
    chain, key = stage.place("tls", "fullchain.pem"), stage.place("tls", "privkey.pem")
    names = ",".join(f"DNS:{name}" for name in _items(stage.plan["edge.domains"]))
    made = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split()
    )
    subject = ["-subj", "/CN=stage", "-addext", f"subjectAltName={names}"]
    argv = [openssl, *made, *subject, "-keyout", key, "-out", chain]
    done = run(argv, timeout=30)
    if done.code:
        raise ToolError(Problem("openssl", done.err.strip()[-200:], ""))
    return chain


def _items(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (str(value),)


def unit(text: str) -> Iterator[tuple[str, str]]:
    """Yield the keys and values of a unit's [Service] section, in order."""
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            yield key, value


def words(text: str) -> list[str]:
    """Split a unit's command line the way systemd does."""
    found = re.findall(r'(?:"((?:\\.|[^"\\])*)"|(\S+))(?:\s+|$)', text)
    return [
        (re.sub(r"\\(.)", r"\1", quoted) if quoted else plain)
        .replace("$$", "$")
        .replace("%%", "%")
        for quoted, plain in found
    ]


def environment(stage: Stage, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what the unit's process would find in its environment."""
    env = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "INVOCATION_ID": "stage",
        "STATE_DIRECTORY": stage.place("state"),
        "STATIC_ROOT": stage.place("static"),
    }
    env["DJANGO_SETTINGS_MODULE"] = stage.text("settings.prod")
    units = stage.text("hosting.target") == "systemd"
    for key, value in unit(_service(stage)) if units else ():
        if key == "Environment":
            for word in words(value):
                name, _, setting = word.partition("=")
                env[name] = setting
    with open(stage.place("env"), encoding="utf-8") as file:
        for line in file:
            name, equals, value = line.rstrip("\n").partition("=")
            if equals and not line.startswith("#"):
                env[name] = value
    return {**env, **(extra or {})}


def _service(stage: Stage) -> str:
    name = stage.text("project.name")
    text = stage.read(f"deploy/systemd/{name}.service")
    return stage.moved(text, quoting.FILTERS["systemd"])


def prepare(stage: Stage, *, static: bool = True, migrate: bool = True) -> None:
    """Copy the secrets to the stage, collect static files, migrate a scratch database.

    ToolError names the command that failed and what it said.
    """
    os.makedirs(stage.place("state"), exist_ok=True)
    os.makedirs(stage.place("static"), exist_ok=True)
    secrets = stage.read(f"deploy/{stage.text('project.name')}.env")
    with open(stage.place("env"), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(secrets)
    if static:
        manage(stage, "collectstatic", "--noinput", BUILD="1")
    if migrate:
        manage(stage, "migrate", "--noinput")


def manage(stage: Stage, *arguments: str, **extra: str) -> str:
    """Run manage.py the way the unit would, and return what it said."""
    script = os.path.join(stage.root, stage.text("paths.manage_here"))
    done = run(
        [stage.python, script, *arguments],
        timeout=120,
        cwd=os.path.dirname(script),
        env=environment(stage, extra),
    )
    if done.code:
        said = (done.err or done.out).strip().splitlines()
        what = f"{arguments[0]} failed: {said[-1] if said else done.code}"
        raise ToolError(Problem("manage.py", what, "Run it by hand to see it all."))
    return done.out


def serve(stage: Stage) -> Server:
    """Start the unit's command with its socket; ToolError when it never answers."""
    if stage.text("server.kind") == "uwsgi":
        _write_uwsgi(stage)
    rows = list(unit(_service(stage)))
    command = next(words(value) for key, value in rows if key == "ExecStart")
    folder = next(value for key, value in rows if key == "WorkingDirectory")
    env = environment(stage)
    listener = _listener(stage)
    if listener is not None:
        env["LISTEN_FDS"] = "1"
        number = str(listener.fileno())
        command = [sys.executable, "-c", _TAKE_SOCKET, number, *command]
    server = start(
        command,
        log=stage.place("app.log"),
        cwd=folder.replace("%%", "%"),
        env=env,
        keep=(listener.fileno(),) if listener else (),
    )
    if listener is not None:
        listener.close()
    return server


def _write_uwsgi(stage: Stage) -> None:
    """Write uWSGI's own file with the stage's paths."""
    text = stage.moved(stage.read("deploy/uwsgi.ini"), quoting.ini)
    with open(stage.place("uwsgi.ini"), "w", encoding="utf-8") as file:
        file.write(text)


def _listener(stage: Stage) -> socket.socket | None:
    """Open the socket that systemd would hold; None when the server opens its own."""
    if stage.plan["server.activated"] is not True:
        return None
    if stage.unix:
        listener = socket.socket(socket.AF_UNIX)
        path = stage.place("app.sock")
        with suppress(FileNotFoundError):
            os.unlink(path)
        listener.bind(path)
    else:
        host, _, port = stage.text("server.listen").rpartition(":")
        listener = socket.create_server((host.strip("[]"), int(port)))
    listener.listen(511)
    return listener


def wait(ready: Callable[[], bool], server: Server, what: str) -> None:
    """Wait until something is ready; ToolError with the log's end when it never is."""
    ends = time.monotonic() + BOOT_S
    while time.monotonic() < ends and server.running:
        if ready():
            return
        time.sleep(0.05)
    said = server.said().strip().splitlines()
    words_ = f"did not answer: {' / '.join(said[-3:]) or 'it said nothing'}"
    server.kill()
    raise ToolError(Problem(what, words_, f"The whole log is {server.log}."))


__all__ = [
    "Stage",
    "certificate",
    "environment",
    "free_port",
    "manage",
    "prepare",
    "serve",
    "wait",
]
