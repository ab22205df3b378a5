"""What the files of the server and its manager say of the process they start."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nextwizard.stage.unit import words
from nextwizard.values import Evidence

from . import read
from .read import Said


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .subject import Subject


@dataclass(frozen=True, slots=True)
class Process:
    """The server's process; what its files do not say is None or empty.

    `app` is module:attribute, `listen` an address as proxies write it, `graceful` and
    `stop` are times as they stand, `modules` the settings each file names, `access`
    owner, group and mode of the socket, `unit` the rows of a service, `memory` a limit.
    """

    manager: str = ""
    command: tuple[str, ...] = ()
    command_at: Evidence | None = None
    app: Said | None = None
    worker_class: Said | None = None
    workers: Said | None = None
    listen: Said | None = None
    graceful: Said | None = None
    stop: Said | None = None
    modules: tuple[Said, ...] = ()
    access: tuple[Said | None, Said | None, Said | None] = (None, None, None)
    unit: tuple[read.Row, ...] = ()
    memory: Said | None = None

    def value(self, key: str) -> Said | None:
        """Return what the unit's [Service] says last of a key."""
        return read.value(self.unit, "Service", key)


_GRACEFUL = (
    "--timeout-graceful-shutdown",
    "--graceful-timeout",
    "--workers-kill-timeout",
)
"""How the servers spell the time a request may take to end at a stop."""


def look(subject: Subject) -> Process:
    """Return what the files say; Unreadable when one of them is broken."""
    subject = subject.each()[0]
    target = subject.text("hosting.target")
    if target == "systemd":
        return _systemd(subject)
    if target == "supervisor":
        return _supervisor(subject)
    from . import container

    return container.look(subject)


def _systemd(subject: Subject) -> Process:
    path = subject.service
    rows = read.unit(subject.read(path), path)
    held = path.removesuffix("service") + "socket"
    socket = read.unit(subject.read(held), held)
    start = read.value(rows, "Service", "ExecStart")
    command = tuple(words(start.value)) if start else ()
    at = start.at if start else None
    found = own(subject, command, at)
    return Process(
        "systemd",
        command,
        at,
        found.app,
        found.worker_class,
        found.workers or _environment(rows, "WEB_CONCURRENCY"),
        _address(read.value(socket, "Socket", "ListenStream")) or found.listen,
        found.graceful,
        read.value(rows, "Service", "TimeoutStopSec"),
        (*modules(subject), *_named(rows, "DJANGO_SETTINGS_MODULE")),
        (
            read.value(socket, "Socket", "SocketUser"),
            read.value(socket, "Socket", "SocketGroup"),
            read.value(socket, "Socket", "SocketMode"),
        ),
        rows,
        read.value(rows, "Service", "MemoryMax"),
    )


def _named(rows: Sequence[read.Row], name: str) -> Iterator[Said]:
    """Yield each value that Environment= gives to a variable."""
    for row in rows:
        if row.key == "Environment":
            for word in words(row.value):
                key, _, value = word.partition("=")
                if key == name:
                    yield Said(value, row.at)


def _environment(rows: Sequence[read.Row], name: str) -> Said | None:
    return next(_named(rows, name), None)


def _supervisor(subject: Subject) -> Process:
    path = f"{subject.folder}/{subject.name}.conf"
    rows = read.ini(subject.read(path), path)
    section = next((row.section for row in rows if "program:" in row.section), "")
    start = read.value(rows, section, "command")
    command = _split(start) if start else ()
    at = start.at if start else None
    found = own(subject, command, at)
    owner = read.value(rows, section, "socket_owner")
    user, _, group = (owner.value if owner else "").partition(":")
    environment = read.value(rows, section, "environment")
    module = re.search(
        r'DJANGO_SETTINGS_MODULE\s*=\s*"?([\w.]+)',
        environment.value if environment else "",
    )
    named = (Said(module[1], environment.at),) if module and environment else ()
    return Process(
        "supervisor",
        command,
        at,
        found.app,
        found.worker_class,
        found.workers,
        _address(read.value(rows, section, "socket")) or found.listen,
        found.graceful,
        read.value(rows, section, "stopwaitsecs"),
        (*modules(subject), *named),
        (
            Said(user, owner.at) if owner else None,
            Said(group, owner.at) if owner and group else None,
            read.value(rows, section, "socket_mode"),
        ),
    )


def _split(start: Said) -> tuple[str, ...]:
    """Return a command line as supervisor splits it."""
    try:
        return tuple(shlex.split(start.value))
    except ValueError as error:
        raise read.Unreadable(start.at, f"command: {error}") from error


_FORCED = re.compile(r"""environ\[.DJANGO_SETTINGS_MODULE.\]\s*=\s*["']([\w.]+)""")


def modules(subject: Subject) -> Iterator[Said]:
    """Yield the settings that the entry points name."""
    for leaf in ("wsgi", "asgi"):
        path = f"{subject.text('paths.package')}/{leaf}.py"
        for arguments, at in read.calls(subject.read(path), path, "setdefault"):
            if arguments[:1] == ("DJANGO_SETTINGS_MODULE",) and len(arguments) > 1:
                yield Said(arguments[1], at)
        for number, line in enumerate(subject.read(path).splitlines(), 1):
            if found := _FORCED.search(line):
                yield Said(found[1], Evidence(path, number))


@dataclass(frozen=True, slots=True)
class _Own:
    """What the server's own file or its arguments say."""

    app: Said | None = None
    worker_class: Said | None = None
    workers: Said | None = None
    listen: Said | None = None
    graceful: Said | None = None


def own(subject: Subject, command: Sequence[str], at: Evidence | None) -> _Own:
    """Return what the server's file says, or its command line where it has none."""
    kind = subject.text("server.kind")
    if kind == "gunicorn" and subject.exists("deploy/gunicorn.conf.py"):
        path = "deploy/gunicorn.conf.py"
        return _gunicorn(read.assignments(subject.read(path), path), command, at)
    if kind == "uwsgi":
        path = subject.text("unit.uwsgi")
        rows = read.ini(subject.read(path), path)
        return _Own(
            read.value(rows, "uwsgi", "module", "wsgi"),
            workers=_number(read.value(rows, "uwsgi", "processes", "workers")),
            listen=_address(read.value(rows, "uwsgi", "socket", "http-socket")),
            graceful=read.value(rows, "uwsgi", "worker-reload-mercy"),
        )
    if at is None:
        return _Own()
    app = next((word for word in command if re.fullmatch(r"[\w.]+:\w+", word)), "")
    return _Own(
        Said(app, at) if app else None,
        workers=_number(_flag(command, at, "--workers", "-w")),
        listen=_listens(command, at),
        graceful=_flag(command, at, *_GRACEFUL),
    )


def _gunicorn(
    names: Mapping[str, Said], command: Sequence[str], at: Evidence | None
) -> _Own:
    return _Own(
        names.get("wsgi_app"),
        names.get("worker_class"),
        _number(names.get("workers")),
        (_flag(command, at, "--bind", "-b") if at else None)
        or _address(names.get("bind")),
        names.get("graceful_timeout"),
    )


def _number(said: Said | None) -> Said | None:
    """Return a value that is a plain number; a formula is decided at the start."""
    return said if said and said.value.isdigit() else None


def _flag(command: Sequence[str], at: Evidence, *names: str) -> Said | None:
    """Return the value of the first of these options in a command line."""
    for place, word in enumerate(command):
        name, equals, value = word.partition("=")
        if name in names:
            if equals:
                return Said(value, at)
            if place + 1 < len(command):
                return Said(command[place + 1], at)
    return None


def _listens(command: Sequence[str], at: Evidence) -> Said | None:
    """Return the address that a server is told to listen on."""
    path = _flag(command, at, "--uds", "-u")
    if path:
        return Said(f"unix:{path.value}", at)
    bound = _flag(command, at, "--bind")
    if bound and not bound.value.startswith("fd://"):
        return bound
    host, port = _flag(command, at, "--host", "-b"), _flag(command, at, "--port", "-p")
    if not host or not port:
        return None
    name = f"[{host.value}]" if ":" in host.value else host.value
    return Said(f"{name}:{port.value}", at)


def _address(said: Said | None) -> Said | None:
    """Return an address in the form `unix:/path` or `host:port`."""
    if said is None:
        return None
    text = re.sub(r"^(?:unix|tcp)://", "", said.value).removeprefix("unix:")
    return Said(f"unix:{text}" if text.startswith("/") else text, said.at)


__all__ = ["Process", "look", "modules", "own"]
