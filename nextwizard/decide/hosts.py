"""Several application hosts behind one proxy: addresses, files, what they must share.

What a host keeps to itself is wrong for every visitor whom the proxy sends to another
one, so it is refused with its place and the way out, unless the answers accept it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nextwizard import rules
from nextwizard.decide.process import command, listen


if TYPE_CHECKING:
    from nextwizard.decide import Ledger
    from nextwizard.servers import ServerRule
    from nextwizard.values import Value


_ALONE: dict[str, tuple[str, str]] = {
    "broker.local": (
        "passes events inside one process: visitors on another host miss them",
        "Share the broker: Redis publish/subscribe, or LISTEN/NOTIFY of PostgreSQL.",
    ),
    "router.reload": (
        "reloads the routes of one process: the other hosts answer 404 for new pages",
        "Keep a version of the routes in the shared cache; call it where it moved on.",
    ),
    "wizard.cache": (
        "keeps form drafts in a cache of one process: the next step is lost elsewhere",
        'Use the session backend, or answer data.cache with "redis" or "database".',
    ),
    "session.file": (
        "keeps sessions in files of one host: visitors seem logged out on the others",
        "Use db or cached_db sessions.",
    ),
}
"""What one process or host keeps to itself, and the way out, by kind of signal."""

_HELD = ("session.cache", "session.cached_db")
_ON_HOSTS = ("systemd", "supervisor")


def hosts(ledger: Ledger) -> None:
    """Decide where each host's files lie and who may call; refuse what cannot be."""
    found = ledger.items("hosting.hosts")
    target = ledger.text("hosting.target")
    own = ledger["hosting.bind"] == "unix"
    folder = _folder(found[0]) if own else f"deploy/{target}"
    rows: dict[str, Value] = {
        "hosts.all": found,
        "hosts.on": True,
        "hosts.own": own,
        "hosts.callers": ledger.items("hosting.proxy_addresses"),
        "unit.folder": folder,
        "unit.uwsgi": f"{folder if own else 'deploy'}/uwsgi.ini",
    }
    why = "one proxy in front of every address of hosting.hosts, and nobody else calls"
    ledger.table(rows, why, "hosting.hosts")
    _refuse(ledger, found, target)


def _refuse(ledger: Ledger, found: tuple[str, ...], target: str) -> None:
    """Refuse answers that several hosts give no meaning to."""
    if target not in _ON_HOSTS:
        ledger.refuse(
            "hosting.hosts, hosting.target",
            f"{target} counts its own replicas; hosts of ours are not for it",
            'Leave hosting.hosts empty, or answer hosting.target with "systemd".',
        )
    if ledger["hosting.proxy"] == "none":
        ledger.refuse(
            "hosting.hosts, hosting.proxy",
            "several hosts need a proxy that spreads the requests, and there is none",
            'Answer hosting.proxy with "nginx" or "caddy".',
        )
    bind = ledger.text("hosting.bind")
    others = [host for host in found if _port(host) != _port(bind)]
    if bind != "unix" and others:
        ledger.refuse(
            "hosting.hosts, hosting.bind",
            f"every host listens on {bind}, and the proxy would ask {others[0]}",
            "Take hosting.bind out: each host then listens on its own address.",
        )


def _port(address: str) -> str:
    return address.rpartition(":")[2]


def own_address(address: str) -> str:
    """Return where a host listens whom the proxy asks by this name or address."""
    name = address.rpartition(":")[0]
    numeric = name.startswith("[") or re.fullmatch(r"[0-9.]+", name)
    return address if numeric else f"0.0.0.0:{_port(address)}"


def _folder(address: str) -> str:
    """Return the directory of a host's own files, a name on any file system."""
    return "deploy/hosts/" + re.sub(r"[\[\]]", "", address).replace(":", "-")


def _balance(ledger: Ledger) -> None:
    """Decide whom the proxy asks, and how it notices that one is gone."""
    rows: dict[str, Value] = {
        "proxy.targets": ledger.items("hosts.all"),
        "proxy.connect": rules.CONNECT_S,
        "proxy.fails": rules.MAX_FAILS,
        "proxy.away": rules.AWAY_S,
        "proxy.settle": rules.AWAY_S + rules.SETTLE_S,
        "proxy.probe": rules.PROBE_S,
    }
    why = "seconds and failures until a host is left out, and asked again"
    link = f"{rules.NGINX}/http/ngx_http_upstream_module.html#server"
    ledger.table(rows, why, "hosting.hosts", link)


def fleet(ledger: Ledger, row: ServerRule) -> None:
    """Decide what differs from host to host: its address, and files that hold it."""
    from nextwizard.decide import Ledger

    _probe(ledger)
    _balance(ledger)
    if not ledger.flag("hosts.own"):
        return
    for address in ledger.items("hosting.hosts"):
        own = Ledger(ledger.project, ledger.host, ledger.answers)
        own.decisions |= ledger.decisions
        where = own_address(address)
        folder = _folder(address)
        why = f"for {address} alone; every host has its own address"
        local = where.startswith(("127.", "[::1]", "0.0.0.0:"))
        mine = () if where.startswith("0.0.0.0:") else (where.rpartition(":")[0],)
        callers = (*ledger.items("hosts.callers"), *(m.strip("[]") for m in mine))
        rows: dict[str, Value] = {
            "unit.folder": folder,
            "unit.uwsgi": f"{folder}/uwsgi.ini",
            "unit.free_bind": not local,
            "unit.callers": callers if ledger.items("hosts.callers") else (),
            "paths.uwsgi": f"{ledger['paths.root']}/{folder}/uwsgi.ini",
        }
        own.table(rows, why, "hosting.hosts")
        listen(own, row, where)
        command(own, row)
        changed = {
            key: decision
            for key, decision in own.decisions.items()
            if ledger.decisions.get(key) != decision
        }
        ledger.variants.append(changed)


def _probe(ledger: Ledger) -> None:
    """Decide how a host is asked directly: by caddy, and after a release."""
    first = own_address(ledger.text("server.listen"))
    prefix = ledger.text("hosting.path_prefix") if ledger.flag("edge.strip") else ""
    ready = "health.ready_path" if ledger.flag("health.ready") else "health.path"
    rows: dict[str, Value] = {
        "hosts.probe": re.sub(r"^0\.0\.0\.0:", "127.0.0.1:", first),
        "hosts.probe_host": f"Host: {ledger['edge.canonical']}",
        "hosts.probe_path": ledger.text(ready).removeprefix(prefix),
        "hosts.alive_path": ledger.text("health.path").removeprefix(prefix),
    }
    why = "past the proxy, as it would ask: by the site's name, as over https"
    ledger.table(rows, why, "health.path")


def shared(ledger: Ledger) -> None:
    """Hold everything that the hosts must share against what the project keeps."""
    _database(ledger)
    _sessions(ledger)
    ignored = ledger.items("checks.ignore")
    cached = ledger["data.cache"] in {"redis", "database"}
    for kind, (what, fix) in _ALONE.items():
        for signal in ledger.project.of_kind(kind):
            if kind in ignored or (kind == "wizard.cache" and cached):
                continue
            fix_ = f'{fix} Or accept it: checks.ignore = ["{kind}"].'
            ledger.refuse(f"{signal.evidence}, hosting.hosts", what, fix_)
    _files(ledger)
    if not ledger.items("hosting.proxy_addresses"):
        ledger.warn(
            "hosts.open",
            "whoever reaches the port of an application host can name any visitor, and "
            "https, as the proxy does",
            fix="Let the firewall admit the proxy alone, and name it: "
            "hosting.proxy_addresses.",
            link=f"{rules.DJANGO}/ref/settings/#secure-proxy-ssl-header",
        )


def _database(ledger: Ledger) -> None:
    """Refuse a database that each host would have for itself."""
    engine = ledger.text("data.engine")
    place = ledger.decisions["data.engine"].source
    if engine == "sqlite" and ledger["data.choice"] != "sqlite":
        ledger.refuse(
            f"{place}, hosting.hosts",
            "SQLite is a file on one host: the others would have a database each",
            'Answer data.database with "postgresql" or "mysql".',
        )
    elif engine == "sqlite":
        ledger.warn(
            "hosts.sqlite",
            "SQLite is a file on one host; it was answered all the same",
            fix="Only hosts of one machine can share it, by one state directory.",
        )
    elif engine == "unknown":
        ledger.warn(
            "hosts.database",
            "which database the settings name could not be told: the hosts must share "
            "one",
            fix='Answer data.database with "postgresql" or "mysql".',
        )


def _sessions(ledger: Ledger) -> None:
    """Refuse sessions that live in a cache which no two hosts share."""
    local = ledger.project.of_kind("cache.local", "cache.default")
    kind = ledger.text("data.cache")
    if kind != "locmem" and (kind != "keep" or not local):
        return
    for held in ledger.project.of_kind(*_HELD):
        if held.kind not in ledger.items("checks.ignore"):
            ledger.refuse(
                f"{held.evidence}, hosting.hosts",
                "sessions are read through a cache that each host has for itself: "
                "visitors seem logged out, and in again",
                'Answer data.cache with "redis" or "database". Or accept it: '
                f'checks.ignore = ["{held.kind}"].',
            )


def _files(ledger: Ledger) -> None:
    """Warn about files that one host has and another has not."""
    media = ledger.project.of_kind("media.used")
    if media:
        ledger.warn(
            "hosts.media",
            f"{media[0].evidence}: an upload lands on one host, the others and the "
            "proxy do not have it",
            (media[0].evidence,),
            f"Mount one file system at {ledger['media.root']} on all of them, or store "
            "uploads in an object store.",
            f"{rules.DJANGO}/topics/files/#file-storage",
        )
    if ledger["static.kind"] != "proxy":
        ledger.warn(
            "hosts.static",
            "during a rolling release a page of a new host names files that an old one "
            "does not have yet",
            fix='Answer data.static with "proxy": it keeps the files of both.',
        )


__all__ = ["fleet", "hosts", "own_address", "shared"]
