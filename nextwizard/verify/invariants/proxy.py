"""What the proxy's files must agree on with Django and with the server."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from nextwizard.rules import DJANGO, NGINX
from nextwizard.verify.edge import FOR_EVER, mebibytes
from nextwizard.verify.facts import NotUsed, serves

from .row import Breach, Invariant


if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextwizard.values import Evidence
    from nextwizard.verify.edge import Route
    from nextwizard.verify.facts import Facts


_PROXY = f"{NGINX}/http/ngx_http_proxy_module.html"
_LOCATION = f"{NGINX}/http/ngx_http_core_module.html#location"


def health_path(facts: Facts) -> Iterator[Breach]:
    """Hold that every server hands the health path to Django, which has it."""
    path = facts.text("health.path")
    routes = facts.edge.routes
    upstream = facts.text("tls.kind") == "upstream"
    for words, wanted in (
        ("the default server", lambda r: r.default),
        ("plain http", lambda r: not r.default and not r.tls),
        *(() if upstream else (("https", lambda r: not r.default and r.tls),)),
    ):
        group = [route for route in routes if wanted(route)]
        if not any(serves(route, path) for route in group):
            near = tuple(route.at for route in group if route.exact) or (
                facts.subject.line(_site(facts), "server_name|^http"),
            )
            fix = f"Make it {path} there, or set health.path and regenerate."
            yield Breach(f"{words} does not hand {path} to Django", near[:1], fix)
    yield from _unserved(facts, path)


def _unserved(facts: Facts, path: str) -> Iterator[Breach]:
    route = "/" + facts.text("health.route")
    if route in facts.exact.urls:
        return
    page = facts.text("health.page")
    at = facts.subject.line(page, "^def |^async def ")
    fix = "Run `nextwizard regenerate`, or set health.path to the path you serve."
    yield Breach(f"Django serves nothing at {path}", (at,), fix)


def _site(facts: Facts) -> str:
    name, kind = facts.subject.name, facts.text("proxy.kind")
    ending = {"nginx": "conf", "caddy": "caddy"}.get(kind, "conf")
    return f"deploy/{kind}/{name}.{ending}"


def health_answer(facts: Facts) -> Iterator[Breach]:
    """Hold that the probe gets 200, with the Host it brings and over plain http."""
    (probed, _), (plain, _) = facts.exact.replies
    hosts = facts.prod("ALLOWED_HOSTS")
    if probed == HTTPStatus.BAD_REQUEST:
        said = _default_host(facts)
        what = f"Django refuses the probe's Host {facts.probe_host}"
        fix = "Send a name of ALLOWED_HOSTS, or add this one there."
        yield Breach(what, (*said, hosts), fix)
    elif probed != HTTPStatus.OK:
        at = facts.subject.line(facts.text("health.page"), "^def ")
        what = f"Django answers the probe with {probed}"
        yield Breach(what, (at,), "Open the path in a browser and read the log.")
    elif plain in {301, 302, 307, 308}:
        what = "Django redirects the probe to https"
        fix = f"Add {facts.text('health.path')} to SECURE_REDIRECT_EXEMPT."
        yield Breach(what, (facts.prod("SECURE_REDIRECT_EXEMPT"),), fix)


def _default_host(facts: Facts) -> tuple[Evidence, ...]:
    try:
        routes = facts.edge.routes
    except NotUsed:
        return ()
    return tuple(
        route.headers["host"].at
        for route in routes
        if route.default and "host" in route.headers
    )


def scheme(facts: Facts) -> Iterator[Breach]:
    """Hold that every route sets the header by which Django knows https."""
    trusted = facts.setting("SECURE_PROXY_SSL_HEADER")
    if not isinstance(trusted, list) or len(trusted) != 2:  # noqa: PLR2004 - name, value
        what = "the proxy ends TLS, and Django believes no header that says so"
        fix = 'Set it to ("HTTP_X_FORWARDED_PROTO", "https").'
        yield Breach(what, (facts.prod("SECURE_PROXY_SSL_HEADER"),), fix)
        return
    name = str(trusted[0]).removeprefix("HTTP_").replace("_", "-")
    for route in facts.edge.routes:
        said = route.headers.get(name.lower())
        if said is None:
            what = f"a visitor can set {name} here: the proxy does not"
            fix = "Include the snippet with all headers: nginx merges none."
            yield Breach(what, (route.at, facts.prod("SECURE_PROXY_SSL_HEADER")), fix)
        elif re.search(rf"(?i)(http_|header\.){name}".replace("-", "[-_]"), said.value):
            what = f"{name} is handed on as the visitor sent it"
            yield Breach(what, (said.at,), "Send $scheme instead.")


def visitor(facts: Facts) -> Iterator[Breach]:
    """Hold that the visitor's address is the proxy's word, not the visitor's."""
    for route in facts.edge.routes:
        said = route.headers.get("x-forwarded-for")
        forged = ("$proxy_add_x_forwarded_for", "$http_x_forwarded_for")
        if said is None:
            what = "X-Forwarded-For is handed on as the visitor sent it"
            yield Breach(what, (route.at,), "Include the snippet with all headers.")
        elif any(word in said.value for word in forged):
            what = f"{said.value} keeps what the visitor wrote in front"
            yield Breach(what, (said.at,), "Send $remote_addr instead.")


def names(facts: Facts) -> Iterator[Breach]:
    """Hold that every name the proxy serves is one that Django answers to."""
    allowed = [str(name) for name in _list(facts.setting("ALLOWED_HOSTS"))]
    redirected = set(_list(facts.subject.stage.plan["edge.others"]))
    for said in facts.edge.names:
        known = said.value in allowed or "*" in allowed
        known = known or any(
            name.startswith(".") and f".{said.value}".endswith(name) for name in allowed
        )
        if said.value not in {"_", *redirected} and not known:
            what = f"Django answers 400 to {said.value}"
            fix = "Add it to ALLOWED_HOSTS: set hosting.domains and regenerate."
            yield Breach(what, (said.at, facts.prod("ALLOWED_HOSTS")), fix)


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def body(facts: Facts) -> Iterator[Breach]:
    """Hold that the proxy lets through what Django takes, the same in each server."""
    bodies = facts.edge.bodies
    sizes = {said.value: mebibytes(said.value) for said in bodies}
    if len(set(sizes.values())) > 1:
        what = f"the limits differ: {', '.join(sizes)}"
        yield Breach(what, tuple(said.at for said in bodies), "Write the same in each.")
    if not bodies:
        what = "no limit on a request's body is set"
        at = facts.subject.line(_site(facts), "server_name|^http")
        fix = f"Set {facts.text('edge.body_mb')} MiB, as answered."
        yield Breach(what, (at,), fix)
    limit = facts.setting("DATA_UPLOAD_MAX_MEMORY_SIZE")
    for said in bodies:
        if isinstance(limit, int) and 0 < sizes[said.value] * 1024**2 < limit:
            what = f"Django takes forms of {limit} bytes, the proxy only {said.value}"
            at = facts.prod("DATA_UPLOAD_MAX_MEMORY_SIZE")
            yield Breach(what, (said.at, at), "Raise hosting.max_body_mb.")


def heartbeat(facts: Facts) -> Iterator[Breach]:
    """Hold that a silent stream sends its heartbeat before the proxy loses patience."""
    if facts.subject.stage.plan["sse.on"] is not True:
        raise NotUsed
    beat = facts.setting("HEARTBEAT_SECONDS")
    beat = beat if isinstance(beat, int | float) and beat else 25.0
    for path in facts.subject.stage.items("sse.paths") or ("/",):
        for route in _open(facts, path):
            if route.read <= beat:
                what = (
                    f"{path} beats every {beat:g} s and is cut after {route.read:g} s"
                )
                fix = f"Set a read timeout of {facts.text('timing.stream')}s there."
                yield Breach(what, (route.read_at or route.at,), fix)


def _open(facts: Facts, path: str) -> list[Route]:
    """Return the routes that serve a path to visitors: not the plain http redirect."""
    tls = None if facts.text("tls.kind") == "upstream" else True
    return [route for route in facts.serving(path, tls=tls) if not route.default]


def websocket(facts: Facts) -> Iterator[Breach]:
    """Hold that a websocket's request reaches the server as one."""
    if facts.subject.stage.plan["ws.on"] is not True:
        raise NotUsed
    for path in facts.subject.stage.items("ws.paths") or ("/",):
        for route in _open(facts, path):
            caddy = route.read == FOR_EVER and facts.text("proxy.kind") == "caddy"
            lacking = [h for h in ("upgrade", "connection") if h not in route.headers]
            if lacking and not caddy:
                what = f"{path} is not upgraded: {' and '.join(lacking)} not set"
                fix = f"Include snippets/{facts.subject.name}_ws.inc there."
                yield Breach(what, (route.at,), fix)


ROWS = (
    Invariant(
        "health.path",
        "health path in proxy and Django",
        "a probe must tell a dead process from a missing page",
        _LOCATION,
        health_path,
    ),
    Invariant(
        "health.answer",
        "Django answers the probe",
        "a balancer takes a host out when its probe is refused or redirected",
        f"{DJANGO}/ref/settings/#secure-redirect-exempt",
        health_answer,
    ),
    Invariant(
        "proxy.scheme",
        "scheme header in proxy and Django",
        "Django takes this header as proof that a request came over https",
        f"{DJANGO}/ref/settings/#secure-proxy-ssl-header",
        scheme,
    ),
    Invariant(
        "proxy.visitor",
        "visitor's address is the proxy's word",
        "rate limits and logs rest on the first address in it",
        f"{_PROXY}#proxy_set_header",
        visitor,
    ),
    Invariant(
        "proxy.names",
        "names in proxy and Django",
        "a name that only the proxy knows answers 400",
        f"{DJANGO}/ref/settings/#allowed-hosts",
        names,
    ),
    Invariant(
        "body.size",
        "body size in proxy and Django",
        "the smaller limit wins, and answers 413 or 400",
        f"{NGINX}/http/ngx_http_core_module.html#client_max_body_size",
        body,
    ),
    Invariant(
        "stream.heartbeat",
        "heartbeat under the proxy's timeout",
        "a stream that is silent for longer is cut, and the page reconnects for ever",
        f"{_PROXY}#proxy_read_timeout",
        heartbeat,
    ),
    Invariant(
        "stream.upgrade",
        "websockets are upgraded",
        "without both headers the server answers 404, as if the route were missing",
        f"{NGINX}/http/websocket.html",
        websocket,
    ),
)
"""What the proxy must agree on with the others."""


__all__ = ["ROWS"]
