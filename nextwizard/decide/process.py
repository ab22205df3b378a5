"""Which interface, which server, and where it listens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nextwizard import rules
from nextwizard.servers import SERVERS


if TYPE_CHECKING:
    from nextwizard.decide import Ledger
    from nextwizard.rules import InterfaceRule
    from nextwizard.servers import ServerRule
    from nextwizard.values import Value


_WS_KINDS = ("ws.consumer", "ws.routing", "ws.asgi", "ws.channels", "ws.client")


def interface(ledger: Ledger) -> None:
    """Decide WSGI or ASGI from what the code keeps open, or refuse both."""
    _unresolved(ledger)
    claims = [
        (rule, place)
        for rule in rules.INTERFACE_RULES
        for place in _places(ledger, rule.kind)[:1]
    ]
    hard = {
        rule.interface: (rule, place) for rule, place in reversed(claims) if rule.hard
    }
    if len(hard) > 1:
        _refuse_both(ledger, hard["wsgi"], hard["asgi"])
    wanted, source = _wanted(ledger)
    if wanted and hard and wanted not in hard:
        rule, place = next(iter(hard.values()))
        ledger.refuse(
            source,
            f"{ledger.said(source)} cannot serve {place}, which {rule.because}",
            f"Take {source} out, or change {place}.",
        )
    value, reason, where, link = _settled(claims, wanted, source)
    ledger.decide("server.interface", value, reason, where, link)
    _yielding(ledger, claims, value)


def _places(ledger: Ledger, kind: str) -> list[str]:
    """Return where a kind of signal stands: in the code, or in an answer."""
    answer, value, kinds = {
        "sse.async": ("features.sse", ("async", "mixed"), ("sse.async",)),
        "sse.sync": ("features.sse", ("sync", "mixed"), ("sse.sync",)),
        "ws": ("features.websockets", (True,), _WS_KINDS),
        "view.async": ("features.async_views", (True,), ("view.async",)),
        "stream.async": ("features.streaming", ("async",), ("stream.async",)),
        "stream.sync": ("features.streaming", ("sync",), ("stream.sync",)),
    }.get(kind, ("", (), (kind,)))
    found = [str(signal.evidence) for signal in ledger.project.of_kind(*kinds)]
    if not answer:
        return found
    if ledger.answers[answer] not in value:
        return []
    return [answer] if ledger.answers.touched(answer) or not found else found


def _unresolved(ledger: Ledger) -> None:
    """Refuse to guess a stream whose source could not be told from the code."""
    if ledger.answers.touched("features.sse"):
        return
    for signal in ledger.project.of_kind("sse.unknown"):
        ledger.refuse(
            str(signal.evidence),
            "the source of this event stream cannot be told from the code",
            "Say which it is: --set features.sse=async (an async generator) "
            "or --set features.sse=sync.",
        )


def _refuse_both(
    ledger: Ledger, wsgi: tuple[InterfaceRule, str], asgi: tuple[InterfaceRule, str]
) -> None:
    """Refuse a project that no single server can serve, naming both places."""
    ledger.refuse(
        f"{asgi[1]}, {wsgi[1]}",
        f"no single server works: {asgi[1]} {asgi[0].because}, "
        f"but {wsgi[1]} {wsgi[0].because}",
        "Change one of them, or choose the source by `isinstance(request, "
        "ASGIRequest)` so that it works under both.",
    )


def _wanted(ledger: Ledger) -> tuple[str, str]:
    """Return the interface an answer forces, and that answer's key."""
    asked = ledger.text("hosting.interface")
    if asked != "auto":
        return asked, "hosting.interface"
    kinds = {row.interface for row in SERVERS if row.server == ledger["hosting.server"]}
    return (kinds.pop(), "hosting.server") if len(kinds) == 1 else ("", "")


def _settled(
    claims: list[tuple[InterfaceRule, str]], wanted: str, source: str
) -> tuple[str, str, str, str]:
    """Return interface, reason, source and link: hard rule, answer, soft rule, WSGI."""
    soft = {rule.interface for rule, _ in claims if not rule.hard}
    for rule, place in claims:
        fits = rule.hard or rule.interface == "wsgi" or "wsgi" not in soft
        if fits and wanted in {"", rule.interface}:
            words = f"{rule.interface.upper()}, because {place} {rule.because}"
            return rule.interface, words, place, rule.link
    if wanted:
        words = f"{wanted.upper()}, because {source} says so; the code asks for neither"
        return wanted, words, source, rules.SEED
    words = "WSGI, because every response is short-lived: nothing holds a connection"
    return "wsgi", words, "hosting.interface", rules.SEED


def _yielding(
    ledger: Ledger, claims: list[tuple[InterfaceRule, str]], value: str
) -> None:
    """Warn about each soft claim that the decision went against."""
    for rule, place in claims:
        if not rule.hard and rule.interface != value:
            ledger.warn(
                rule.kind,
                f"{place} {rule.because}; {value.upper()} was chosen all the same",
                (),
                "Watch its memory and threads, or hand it to the proxy.",
                rule.link,
            )


def server(ledger: Ledger) -> ServerRule | None:
    """Decide the server program; None when no server fits the answers."""
    kind = ledger.text("hosting.server")
    interface_ = ledger.text("server.interface")
    if kind == "auto":
        kind = {"wsgi": "gunicorn", "asgi": "uvicorn"}[interface_]
    pair = (kind, interface_)
    rows = (row for row in SERVERS if (row.server, row.interface) == pair)
    row = next(rows, None)
    if row is None:
        ledger.refuse(
            "hosting.server, hosting.interface",
            f"{kind} does not serve {interface_.upper()}",
            "Take hosting.server out; the interface decides it.",
        )
        return None
    _suits(ledger, row)
    _carries(ledger, row)
    ledger.decide("server.kind", row.server, row.reason, "hosting.server", row.link)
    ledger.decide("server.worker_class", row.worker_class, row.reason, "servers")
    unit = "notify" if row.notify else "exec"
    ledger.decide("server.unit_type", unit, _READY[unit], "servers")
    app = f"{ledger['project.package']}.{interface_}:application"
    ledger.decide("server.app", app, "the entry point of the interface", "seed")
    ledger.decide("server.processes", row.processes, row.reason, "servers")
    listen(ledger, row, _first_address(ledger))
    return row


def _suits(ledger: Ledger, row: ServerRule) -> None:
    """Refuse a server that cannot do what the project keeps open."""
    if ledger["features.sse"] == "sync" and not row.streams:
        ledger.refuse(
            "hosting.server, features.sse",
            f"{row.server} collects a sync stream before it sends a byte",
            'Answer hosting.server with "gunicorn".',
        )


def _carries(ledger: Ledger, row: ServerRule) -> None:
    """Refuse a root that the chosen program's own file cannot name."""
    root = ledger.text("hosting.root")
    if row.server == "uwsgi" and "@(" in root:
        ledger.refuse(
            "hosting.root, hosting.server",
            f"uWSGI reads a file where {ledger.said('hosting.root')} says @(",
            "Name another directory, or choose another server.",
        )
    if ledger["hosting.target"] == "supervisor" and re.search(r"\s[;#]", root):
        ledger.refuse(
            "hosting.root, hosting.target",
            "supervisor takes what follows a blank and ; or # in "
            f"{ledger.said('hosting.root')} for a comment",
            "Name another directory, or choose another target.",
        )


_READY = {
    "notify": "the server tells systemd once it is bound",
    "exec": "the server sends no readiness; the health check tells",
}
_HOLDERS = {
    "systemd": "systemd holds the socket: a restart refuses no connection",
    "handed": "supervisor holds the socket and hands it down as descriptor 0",
    "file": "the server makes its own socket, in a directory that goes with it",
    "port": "a port",
}


def _first_address(ledger: Ledger) -> str:
    """Return where the server listens; of several hosts, where the first one does."""
    if ledger["hosting.target"] in rules.CONTAINERS:
        return f"0.0.0.0:{rules.CONTAINER_PORT}"
    if not ledger.flag("hosts.own"):
        return ledger.text("hosting.bind")
    from nextwizard.decide.hosts import own_address

    return own_address(ledger.items("hosting.hosts")[0])


def listen(ledger: Ledger, row: ServerRule, bind: str) -> None:
    """Decide where the server listens, who holds the socket, and whom it believes."""
    contained = ledger["hosting.target"] in rules.CONTAINERS
    unix = bind == "unix"
    name = ledger.text("project.name")
    holder = {"systemd": "systemd", "supervisor": "handed"}.get(
        ledger.text("hosting.target"), ""
    )
    how = holder if holder in row.listen else "file" if unix else "port"
    own = f"/run/{name}/{name}.sock"
    where = (own if how == "file" else f"/run/{name}.sock") if unix else bind
    link = f"{rules.SYSTEMD}/systemd.socket.html"
    rows: dict[str, Value] = {
        "server.holder": how,
        "server.activated": how == "systemd",
        "server.runtime": how == "file",
        "server.unix": unix,
        "server.listen": where,
    }
    ledger.table(rows, _HOLDERS[how], "hosting.bind", link)
    callers = "hosts.callers" if ledger.flag("hosts.on") else "hosting.trusted_proxies"
    trusted = ",".join(map(_bare, ledger.items(callers))) or "127.0.0.1"
    if ledger["hosting.target"] == "procfile" and row.server == "uvicorn":
        # The router appends to X-Forwarded-For, so `*` would believe the visitor.
        trusted, contained = rules.PRIVATE, False
    ledger.decide(
        "server.trust",
        "*" if unix or contained else trusted,
        "only the proxy can open the socket, and it overwrites the headers"
        if unix
        else "only what stands in front reaches the container's port"
        if contained
        else "the addresses whose X-Forwarded-For is believed",
        "hosting.bind",
    )


def _bare(network: str) -> str:
    """Return a network of one address as that address, which every server reads."""
    return network.removesuffix("/32").removesuffix("/128")


def command(ledger: Ledger, row: ServerRule) -> None:
    """Decide the words of the command that starts the server."""
    where = ledger.text("server.listen")
    host, _, port = where.rpartition(":")
    wsgi = row.server == "hypercorn" and row.interface == "wsgi"
    app = ledger.text("server.app")
    means = {
        "PYTHON": ledger.text("paths.python"),
        "BOOT": ledger.text("paths.boot"),
        "GUNICORN": ledger.text("paths.gunicorn"),
        "UWSGI": ledger.text("paths.uwsgi"),
        "APP": f"wsgi:{app}" if wsgi else app,
        "INTERFACE": row.interface,
        "TRUST": ledger.text("server.trust"),
        "GRACEFUL": ledger.text("timing.graceful"),
        "REQUEST": ledger.text("timing.request"),
        "SOCKET": where,
        "ADDRESS": where,
        "HOST": host.strip("[]"),
        "PORT": port,
    }
    text = row.command.replace("LISTEN", row.listen[ledger.text("server.holder")])
    handed = ledger["hosting.target"] == "supervisor" and "BOOT" not in text
    words = [*("PYTHON BOOT".split() if handed else ()), *text.split()]
    ledger.decide(
        "server.command",
        tuple(_word(word, means, ledger.text("paths.bin")) for word in words),
        "the environment's own interpreter starts it; no resolver runs at boot",
        "servers",
        row.link,
    )


def _word(word: str, means: dict[str, str], folder: str) -> str:
    """Return a word with the decision it stands for, or holds behind `=` or `:`."""
    if word.startswith("BIN/"):
        return f"{folder}{word[3:]}"
    lead, cut, name = word.rpartition("=" if "=" in word else ":")
    if cut and name in means:
        return f"{lead}{cut}{means[name]}"
    return means.get(word, word)


__all__ = ["command", "interface", "listen", "server"]
