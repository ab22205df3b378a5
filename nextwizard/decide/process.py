"""Which interface, which server, and where it listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextwizard import rules


if TYPE_CHECKING:
    from nextwizard.decide import Ledger
    from nextwizard.rules import InterfaceRule, ServerRule


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
    kinds = {
        row.interface for row in rules.SERVERS if row.server == ledger["hosting.server"]
    }
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
    row = next(
        (r for r in rules.SERVERS if (r.server, r.interface) == (kind, interface_)),
        None,
    )
    if row is None:
        ledger.refuse(
            "hosting.server, hosting.interface",
            f"{kind} does not serve {interface_.upper()} here",
            "Take hosting.server out; the interface decides it.",
        )
        return None
    if ledger.flag("features.websockets") and not row.websockets:
        ledger.refuse(
            "hosting.server, features.websockets",
            f"{kind} cannot serve websockets",
            'Answer hosting.server with "uvicorn".',
        )
    ledger.decide("server.kind", row.server, row.reason, "hosting.server", row.link)
    ledger.decide("server.worker_class", row.worker_class, row.reason, "servers")
    ledger.decide("server.unit_type", row.unit_type, _READY[row.unit_type], "servers")
    app = f"{ledger['project.package']}.{interface_}:application"
    ledger.decide("server.app", app, "the entry point of the interface", "seed")
    _listen(ledger, row)
    return row


_READY = {
    "notify": "the server tells systemd once it is bound",
    "exec": "the server sends no readiness; the socket queues until it answers",
}


def _listen(ledger: Ledger, row: ServerRule) -> None:
    """Decide where the server listens and whom it believes."""
    bind = ledger.text("hosting.bind")
    unix = bind == "unix"
    name = ledger.text("project.name")
    activated = row.activation != "none"
    where = f"/run/{name}.sock" if activated else f"/run/{name}/{name}.sock"
    ledger.decide(
        "server.activated",
        activated,
        "systemd holds the socket: a restart refuses no connection",
        "servers",
        f"{rules.SYSTEMD}/systemd.socket.html",
    )
    ledger.decide("server.unix", unix, ledger.origin("hosting.bind"), "hosting.bind")
    ledger.decide(
        "server.listen",
        where if unix else bind,
        "a socket file no other account can open" if unix else "as answered",
        "hosting.bind",
    )
    trusted = ",".join(ledger.items("hosting.trusted_proxies")) or "127.0.0.1"
    ledger.decide(
        "server.trust",
        "*" if unix else trusted,
        "only the proxy can open the socket, and it overwrites the headers"
        if unix
        else "the addresses whose X-Forwarded-For is believed",
        "hosting.bind",
    )


__all__ = ["interface", "server"]
