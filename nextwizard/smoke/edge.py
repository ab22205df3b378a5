"""What the proxy hands on and what it keeps, asked of a stand-in behind it."""

from __future__ import annotations

import http.client
import os
import ssl
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

from .probe import Found, expect, fail, not_here
from .recorder import Reply


if TYPE_CHECKING:
    from collections.abc import Mapping

    from .recorder import Received
    from .site import Site


FORGED = {
    "Forwarded": "for=6.6.6.6;proto=http;host=evil.example",
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "6666",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Protocol": "http6666",
    "X-Forwarded-Ssl": "off6666",
    "X-Real-IP": "6.6.6.6",
    "SCRIPT_NAME": "/evil.example",
    "PATH_INFO": "/evil.example",
    "X_Forwarded_For": "6.6.6.6",
    "X_Forwarded_Proto": "http6666",
}
"""Headers that say who the visitor is and how they came; every one of them a lie."""

STRANGER = "127.0.0.9"
"""An address of loopback that no generated file trusts."""

_REFUSED = (OSError, http.client.HTTPException)


def behind_proxy(site: Site) -> None:
    """Skip where no proxy stands in front of the application."""
    if not site.visitor.proxied:
        not_here("no proxy in front; whoever ends TLS there does this")


def ends_tls(site: Site) -> None:
    """Skip where the generated proxy does not end TLS itself."""
    behind_proxy(site)
    if site.visitor.balanced:
        not_here("TLS ends before the proxy (hosting.tls = upstream)")


def probed_path(site: Site) -> str:
    """Return a path that the proxy hands to the application like any page."""
    return f"{site.on.text('edge.base')}smoke/"


def received(site: Site, headers: Mapping[str, str], source: str = "") -> Received:
    """Send one request through the proxy; return what the application got."""
    site.stand_in.expecting(Reply())
    answer = site.visitor.get(probed_path(site), headers, source=source)
    expect(answer.body == b"recorded", f"the proxy answered {answer.status} by itself")
    return site.stand_in.last


def forwarded(site: Site) -> Found:
    """Prove that what a visitor claims in a header is gone; the truth stands there."""
    behind_proxy(site)
    if site.visitor.balanced:
        return _forwarded_by_balancer(site)
    got = received(site, FORGED)
    for name, value in got.rows:
        lies = [lie for lie in ("6.6.6.6", "evil.example", "6666") if lie in value]
        expect(not lies, f"the application got the visitor's own {name}: {value}")
    _is(got, "X-Forwarded-Proto", "https")
    _is(got, "X-Forwarded-For", "127.0.0.1")
    _is(got, "X-Real-IP", "127.0.0.1")
    _is(got, "Host", site.visitor.host)
    return Found(f"{len(FORGED)} forged headers gone, the visitor is 127.0.0.1")


def _forwarded_by_balancer(site: Site) -> Found:
    """Only the balancer, which the visitor stands for here, is believed."""
    chain = {**FORGED, "X-Forwarded-For": "6.6.6.6, 203.0.113.9"}
    if len(site.on.items("edge.trusted")) > 1:
        not_here("several networks are trusted; one address cannot stand for all")
    if site.kind == "caddy" and site.on.plan["proxy.strict"] is not True:
        chain["X-Forwarded-For"] += ", 127.0.0.1"
    seen = received(site, {**chain, "X-Forwarded-Proto": "https"})
    _is(seen, "X-Forwarded-Proto", "https")
    got = seen.one("X-Forwarded-For")
    expect(got == "203.0.113.9", f"X-Forwarded-For is {got!r}, not the visitor's")
    stranger = received(site, {**chain, "X-Forwarded-Proto": "https"}, source=STRANGER)
    expect(
        "https" not in stranger.all("X-Forwarded-Proto"),
        f"{STRANGER} is no balancer, and was believed that it came over https",
    )
    return Found("the balancer is believed, a stranger is not")


def _is(got: Received, name: str, value: str) -> None:
    seen = got.one(name)
    expect(seen == value, f"the application got {name}: {seen!r}, not {value!r}")


def upstream(site: Site) -> Found:
    """Prove that the proxy keeps its connection to the application over HTTP/1.1."""
    behind_proxy(site)
    if site.on.text("server.protocol") == "uwsgi":
        not_here("the uwsgi protocol has no keep-alive")
    hosts = max(1, len(site.on.hosts))
    for _ in range(3 * hosts):
        site.visitor.get(probed_path(site))
    site.stand_in.expecting(Reply())
    for _ in range(3 * hosts):
        site.visitor.get(probed_path(site))
    got = site.stand_in.requests
    expect(got[0].version == "HTTP/1.1", f"the proxy speaks {got[0].version}")
    count = len({request.connection for request in got})
    fix = "An upstream with keepalive needs HTTP/1.1 and an empty Connection header."
    expect(count <= hosts, f"{len(got)} requests took {count} connections", fix)
    return Found(f"HTTP/1.1, {len(got)} requests on {count} of them")


def names(site: Site) -> Found:
    """Prove that a name that is not ours is answered by nobody."""
    behind_proxy(site)
    site.stand_in.expecting(Reply())
    for name in ("evil.example", "127.0.0.1"):
        with suppress(*_REFUSED):
            said = site.visitor.get("/", {"Host": name}, tls=False)
            fail(f"http://{name}/ was answered {said.status}")
    expect(not site.stand_in.requests, "a foreign Host reached the application")
    if site.visitor.balanced:
        return Found("unknown hosts are refused")
    for name in ("evil.example", "127.0.0.1"):
        try:
            site.visitor.get("/", {"Host": name}, name=name)
        except _REFUSED as error:
            refused = isinstance(error, ssl.SSLError | ConnectionError)
            expect(refused, f"TLS for {name}: {type(error).__name__}")
            continue
        fail(f"a certificate was shown to somebody who asked for {name}")
    try:
        said = site.visitor.get("/", {"Host": "evil.example"})
        refused = said.status >= HTTPStatus.BAD_REQUEST
        expect(refused, f"Host: evil.example was answered {said.status}")
    except _REFUSED:
        pass
    expect(not site.stand_in.requests, "a foreign Host reached the application")
    return Found("unknown hosts and TLS names are refused")


def redirect(site: Site) -> Found:
    """Prove that HTTP and every other name lead to the one canonical address."""
    ends_tls(site)
    host = site.visitor.host
    path = f"{site.on.text('edge.base')}a/b?c=d"
    asked = [(False, host), *_others(site)]
    for tls, name in asked:
        said = site.visitor.get(path, {"Host": name}, tls=tls, name=name)
        what = f"{'https' if tls else 'http'}://{name}"
        moved = said.status == HTTPStatus.MOVED_PERMANENTLY
        expect(moved, f"{what} answered {said.status}, not 301")
        goes = said.one("Location")
        expect(goes == f"https://{host}{path}", f"{what} leads to {goes}")
        if tls:
            hsts = said.one("Strict-Transport-Security")
            expect("max-age" in hsts or site.kind == "caddy", f"{what} has no HSTS")
    return Found(f"{len(asked)} of {len(asked)} addresses lead to https://{host}")


def _others(site: Site) -> list[tuple[bool, str]]:
    names = [name for name in site.on.items("edge.others") if name]
    return [(tls, name) for name in names for tls in (False, True)]


def health(site: Site) -> Found:
    """Prove that health checks reach the application by name and by address."""
    behind_proxy(site)
    path, host = site.on.text("health.path"), site.visitor.host
    ways = [("by address", {"Host": "127.0.0.1"}, False)]
    if not site.visitor.balanced:
        ways += [("by name", {}, False), ("over https", {}, True)]
    for what, headers, tls in ways:
        site.stand_in.expecting(Reply())
        said = site.visitor.get(path, headers, tls=tls)
        expect(
            said.body == b"recorded",
            f"{path} {what} was answered {said.status} by the proxy itself",
        )
        got = site.stand_in.last
        _is(got, "Host", host)
        if what != "by name":
            by_uwsgi = got.version == "uwsgi" and not tls
            expect(
                by_uwsgi or got.one("X-Forwarded-Proto") == "https",
                f"{path} {what} does not say https, so Django would redirect it",
            )
    return Found(", ".join(what for what, _, _ in ways))


def readiness(site: Site) -> Found:
    """Prove that readiness is told to this host, and not to strangers."""
    behind_proxy(site)
    if site.on.plan["health.ready"] is not True:
        not_here("readiness was not asked for")
    path = site.on.text("health.ready_path")
    site.stand_in.expecting(Reply())
    own = site.visitor.get(path)
    expect(own.body == b"recorded", f"{path} from here was answered {own.status}")
    if site.kind == "caddy":
        return Found("answered here; all of loopback is this host to caddy")
    if not site.visitor.balanced:
        said = site.visitor.get(path, source=STRANGER)
        forbidden = said.status == HTTPStatus.FORBIDDEN
        expect(forbidden, f"{path} told a stranger {said.status}")
    return Found("answered here, 403 for a stranger")


def acme(site: Site) -> Found:
    """Prove that a certificate can be renewed: the challenge is served."""
    behind_proxy(site)
    if site.kind != "nginx" or site.on.text("tls.kind") != "acme":
        not_here("caddy and other sources of certificates need no challenge here")
    below = ".well-known/acme-challenge/token"
    place = site.on.place("acme", below)
    with open(place, "w", encoding="utf-8") as file:
        file.write("challenge")
    os.chmod(place, 0o644)
    said = site.visitor.get(f"/{below}", tls=False)
    expect(said.body == b"challenge", f"/{below} over HTTP answered {said.status}")
    return Found("the challenge is served over plain HTTP")


__all__ = [
    "FORGED",
    "STRANGER",
    "acme",
    "behind_proxy",
    "ends_tls",
    "forwarded",
    "health",
    "names",
    "probed_path",
    "readiness",
    "received",
    "redirect",
    "upstream",
]
