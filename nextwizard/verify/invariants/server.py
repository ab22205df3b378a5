"""What the server's files must agree on with the proxy, the manager and the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextwizard.rules import DJANGO, GUNICORN, INTERFACE_RULES, NGINX, SEED, SYSTEMD
from nextwizard.values import Evidence
from nextwizard.verify import read
from nextwizard.verify.edge import FOR_EVER, mebibytes, seconds
from nextwizard.verify.facts import NotUsed

from .row import Breach, Invariant


if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextwizard.verify.facts import Facts
    from nextwizard.verify.read import Said


STOPS_S = {
    "systemd": 90.0,
    "supervisor": 10.0,
    "compose": 10.0,
    "kubernetes": 30.0,
    "procfile": 30.0,  # https://devcenter.heroku.com/articles/limits#exit-timeout
}
"""Seconds each manager waits at a stop where its file says nothing."""


def socket_path(facts: Facts) -> Iterator[Breach]:
    """Hold that the proxy asks where the server listens."""
    listen = facts.process.listen
    if listen is None:
        raise NotUsed
    hosts = facts.subject.proposal.answers["hosting.hosts"]
    if hosts:
        raise NotUsed
    for route in facts.edge.routes:
        target = route.target
        if _same(target.value, listen.value):
            continue
        what = (
            f"the proxy asks {target.value}, and the server listens on {listen.value}"
        )
        fix = "Write the same address in both, then restart both."
        yield Breach(what, (target.at, listen.at), fix)
        return


def _same(target: str, listen: str) -> bool:
    """Tell whether two addresses meet: a server on every address takes any."""
    if target == listen:
        return True
    host, _, port = listen.rpartition(":")
    everywhere = host in {"", "0.0.0.0", "[::]"}  # noqa: S104 - read, not bound
    return everywhere and target.rpartition(":")[2] == port


def socket_access(facts: Facts) -> Iterator[Breach]:
    """Hold that the proxy's account may open the socket, and strangers may not."""
    process = facts.process
    if process.listen is None or not process.listen.value.startswith("unix:"):
        raise NotUsed
    if facts.text("proxy.kind") == "none":
        raise NotUsed
    owner, group, mode = process.access
    if mode is not None:
        yield from _mode(facts, mode, owner, group)
        return
    folder = process.value("RuntimeDirectoryMode")
    if folder is not None and not _octal(folder) & 0o010:
        who = facts.text("hosting.proxy_user")
        what = f"{who} cannot enter the socket's directory (mode {folder.value})"
        yield Breach(what, (folder.at,), f"Set 0750, with {who} in the group.")


def _mode(
    facts: Facts, mode: Said, owner: Said | None, group: Said | None
) -> Iterator[Breach]:
    who, bits = facts.text("hosting.proxy_user"), _octal(mode)
    wanted = facts.text("server.socket_group")
    if owner and owner.value == who and bits & 0o200:
        return
    place = group or owner or mode
    if not bits & 0o020:
        what = f"the group may not write to the socket (mode {mode.value})"
        yield Breach(what, (mode.at,), "Set 0660.")
    elif group is None or group.value not in {wanted, who}:
        said = group.value if group else "nobody's"
        what = f"{who} is not in the socket's group, which is {said}"
        yield Breach(what, (place.at,), f"Set it to {wanted}.")
    if bits & 0o006:
        what = f"every account of this host may use the socket (mode {mode.value})"
        yield Breach(what, (mode.at,), "Set 0660.")


def _octal(said: Said) -> int:
    try:
        return int(said.value, 8)
    except ValueError:
        return 0


def graceful(facts: Facts) -> Iterator[Breach]:
    """Hold that a stop may take as long as the server lets requests end."""
    process = facts.process
    if process.graceful is None or not process.graceful.value.isdigit():
        raise NotUsed
    default = STOPS_S.get(process.manager, 10.0)
    limit = seconds(process.stop.value) if process.stop else default
    if process.stop and process.stop.value == "infinity":
        limit = FOR_EVER
    ends = float(process.graceful.value)
    if ends >= limit:
        what = f"requests may take {ends:g} s to end, and are killed after {limit:g} s"
        places = (process.graceful.at, *((process.stop.at,) if process.stop else ()))
        yield Breach(what, places, f"Stop after {ends + 10:g} s, or end sooner.")


def module(facts: Facts) -> Iterator[Breach]:
    """Hold that everything that starts the served process names the same settings."""
    wanted = facts.text("settings.prod")
    for said in facts.process.modules:
        if said.value != wanted:
            what = f"{said.value} is named here, and the deployment runs {wanted}"
            at = facts.prod("DEBUG")
            yield Breach(what, (said.at, Evidence(at.path)), f"Write {wanted}.")


def memory(facts: Facts) -> Iterator[Breach]:
    """Hold that the workers fit into the memory, and the code allows that many."""
    boot = _boot(facts)
    workers = facts.process.workers or boot.get("WORKERS")
    at = (workers.at,) if workers else ()
    count = int(workers.value) if workers and workers.value.isdigit() else 0
    plan = facts.subject.stage
    count = count or plan.number("sizing.planned")
    base, each = plan.number("sizing.base_mb"), plan.number("sizing.worker_mb")
    room = _room(facts, boot)
    needed = base + count * each
    if needed > float(room.value):
        what = (
            f"{count} workers need {base} + {count} x {each} = {needed} MiB, "
            f"and there are {room.value}"
        )
        fix = f"Take {max(1, int((float(room.value) - base) // each))} workers."
        yield Breach(what, (*at, room.at), fix)
    most = plan.number("sizing.workers_max")
    if most and count > most:
        reason = facts.subject.stage.plan.decisions["sizing.workers_max"].reason
        what = f"{count} workers, and the code allows {most} ({reason})"
        yield Breach(what, at or (room.at,), f"Take {most}.")


def _boot(facts: Facts) -> dict[str, Said]:
    path = "deploy/boot.py"
    return read.assignments(facts.subject.read(path), path)


def _room(facts: Facts, boot: dict[str, Said]) -> Said:
    """Return the MiB there are: the manager's limit, else what boot.py was told."""
    limit = facts.process.memory
    if limit and mebibytes(limit.value) > 0:
        return read.Said(f"{mebibytes(limit.value):g}", limit.at)
    known = boot.get("MEMORY_MB")
    if known and known.value.isdigit():
        return known
    path = Evidence("nextwizard.toml")
    return read.Said(facts.text("sizing.memory_mb"), path)


_ASYNC_CLASSES = ("asgi", "uvicorn")


def interface(facts: Facts) -> Iterator[Breach]:
    """Hold that server, application and code mean the same interface."""
    process = facts.process
    if process.app is None:
        raise NotUsed
    leaf = process.app.value.partition(":")[0].rpartition(".")[2]
    spoken = leaf if leaf in {"wsgi", "asgi"} else facts.text("server.interface")
    said = _spoken(facts)
    if said and said.value != spoken:
        words = f"{spoken.upper()}, the server speaks {said.value.upper()}"
        what = f"{process.app.value} is {words}"
        fix = f"Name {said.value}, or a worker for {spoken.upper()}."
        yield Breach(what, (process.app.at, said.at), fix)
    for rule in INTERFACE_RULES:
        if not rule.hard or rule.interface == spoken:
            continue
        for signal in facts.subject.proposal.inspection.project.of_kind(rule.kind):
            what = f"{process.app.value}, and this {rule.because}"
            fix = "Run `nextwizard regenerate`: it decides from the code."
            yield Breach(what, (process.app.at, signal.evidence), fix)


def _spoken(facts: Facts) -> Said | None:
    """Return the interface the server's own words ask for."""
    process = facts.process
    kind = process.worker_class
    if kind is not None:
        asynchronous = any(word in kind.value.lower() for word in _ASYNC_CLASSES)
        return read.Said("asgi" if asynchronous else "wsgi", kind.at)
    words = process.command
    if "--interface" in words[:-1] and process.command_at:
        value = words[words.index("--interface") + 1].removesuffix("nl")
        return read.Said(value, process.command_at)
    return None


def sandbox(facts: Facts) -> Iterator[Breach]:
    """Hold that what the unit starts lies where its sandbox lets it look."""
    process = facts.process
    if process.manager != "systemd" or process.command_at is None:
        raise NotUsed
    program = process.command[0] if process.command else ""
    home = process.value("ProtectHome")
    if program.startswith("/root/"):
        what = f"{program} lies under /root, which only root may enter"
        fix = "Install Python and the project outside: hosting.root = /srv/NAME."
        yield Breach(what, (process.command_at,), fix)
    elif program.startswith("/home/") and home and home.value in {"yes", "true", "on"}:
        what = f"{program} is hidden from the unit by ProtectHome={home.value}"
        fix = "Set ProtectHome=tmpfs and bind the project read-only."
        yield Breach(what, (process.command_at, home.at), fix)
    strict, private = process.value("ProtectSystem"), process.value("PrivateTmp")
    if strict and strict.value == "strict" and (not private or private.value == "no"):
        what = "ProtectSystem=strict without PrivateTmp leaves no writable directory"
        places = (strict.at, *((private.at,) if private else ()))
        yield Breach(what, places, "Set PrivateTmp=yes.")


ROWS = (
    Invariant(
        "socket.path",
        "socket in server and proxy",
        "every page answers 502 until both say the same",
        f"{NGINX}/http/ngx_http_upstream_module.html#server",
        socket_path,
    ),
    Invariant(
        "socket.access",
        "the proxy may open the socket",
        "nginx logs Permission denied and answers 502",
        f"{SYSTEMD}/systemd.socket.html#SocketMode=",
        socket_access,
    ),
    Invariant(
        "time.graceful",
        "graceful timeout under the stop's",
        "a stop that is cut short loses requests and ends as failed",
        f"{SYSTEMD}/systemd.service.html#TimeoutStopSec=",
        graceful,
    ),
    Invariant(
        "settings.module",
        "one settings module everywhere",
        "a command would look at another database than the site",
        f"{DJANGO}/topics/settings/#designating-the-settings",
        module,
    ),
    Invariant(
        "workers.memory",
        "workers fit into memory",
        "the kernel ends the largest process when memory runs out",
        f"{GUNICORN}/design.html#how-many-workers",
        memory,
    ),
    Invariant(
        "server.interface",
        "interface of server and code",
        "gunicorn --check-config does not notice, and every request answers 500",
        SEED,
        interface,
    ),
    Invariant(
        "unit.sandbox",
        "the sandbox lets the server start",
        "the unit would end with 203/EXEC or without a place for temporary files",
        f"{SYSTEMD}/systemd.exec.html#ProtectHome=",
        sandbox,
    ),
)
"""What the server must agree on with the others."""


__all__ = ["ROWS"]
