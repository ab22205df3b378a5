"""What the proxy allows: sizes, protocols of TLS, headers of its own, compression."""

from __future__ import annotations

import gzip
import http.client
import socket
import ssl
import time
import warnings
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from .edge import behind_proxy, ends_tls, probed_path
from .probe import Found, expect, fail, not_here
from .recorder import Reply
from .visitor import TURNED_AWAY, Answer, exchange


if TYPE_CHECKING:
    from .site import Site


_MIB = 1024 * 1024
_SENT_MIB = 64
"""A body limit above this is not tried out; the proxy would need it on its disk."""

_SPOILT = 5
"""Bodies that would take a site away if the proxy called them its server's failures."""

TOO_LARGE = 413

_ASKED_A_SECOND = 50
"""A rate limit above this is not tried out; a busy machine does not ask that often."""

_COMPRESSED = (
    "text/html",
    "text/css",
    "text/javascript",
    "application/javascript",
    "application/json",
    "image/svg+xml",
)

HEADER_LIMIT_S = (5.0, 30.0)
"""Seconds within which a client that never ends its headers is cut; we set 10."""


def body(site: Site) -> Found:
    """Prove that a body up to the limit comes through, and a larger one gets 413."""
    behind_proxy(site)
    limit = site.on.number("edge.body_mb")
    if limit > _SENT_MIB:
        not_here(f"the limit of {limit} MiB is too large to send here")
    site.stand_in.expecting(Reply())
    fits = _post(site, limit * _MIB - 1024)
    expect(fits.body == b"recorded", f"a body below the limit got {fits.status}")
    came = site.stand_in.last.size
    expect(came == limit * _MIB - 1024, f"only {came} bytes of a body came through")
    site.stand_in.expecting(Reply())
    over = _post(site, limit * _MIB + 64 * 1024)
    expect(over.status == TOO_LARGE, f"a body above the limit got {over.status}")
    for _ in range(_SPOILT):
        over = _post(site, limit * _MIB + 64 * 1024, chunked=True)
        expect(over.body != b"recorded", "a large body of no told length came through")
    site.stand_in.expecting(Reply())
    after = _post(site, 1024)
    words = f"after {_SPOILT} bodies above the limit a small one got {after.status}"
    expect(after.body == b"recorded", words, "The proxy must not leave a host out.")
    return Found(f"{limit} MiB pass, more gets 413")


def rate(site: Site) -> Found:
    """Prove that an address which asks too often is turned away, and soon let in."""
    behind_proxy(site)
    limit, burst = site.visitor.limited, site.on.number("edge.burst")
    if not limit:
        not_here("hosting.rate_limit sets none")
    if limit > _ASKED_A_SECOND:
        not_here(f"{limit} a second is more than is asked here")
    path, headers = probed_path(site), site.visitor.headers()
    site.stand_in.expecting(Reply())
    asked = 0
    with closing(site.visitor.connect()) as connection:
        while exchange(connection, "GET", path, headers).status != TURNED_AWAY:
            asked += 1
            expect(asked < 20 * burst, f"{asked} requests at once all passed")
    again = site.visitor.get(path).status
    expect(again != TURNED_AWAY, "an address that waited is still turned away")
    return Found(f"{asked} requests at once pass, the next gets {TURNED_AWAY}")


def _post(site: Site, size: int, *, chunked: bool = False) -> Answer:
    sent = b"x" * size
    headers = site.visitor.headers({"Content-Type": "application/octet-stream"})
    with closing(site.visitor.connect(timeout=60)) as connection:
        try:
            body = iter((sent,)) if chunked else sent
            return exchange(connection, "POST", probed_path(site), headers, body)
        except (BrokenPipeError, ConnectionResetError):
            # A proxy may answer and close before it has read all of a large body.
            answer = http.client.HTTPResponse(connection.sock, method="POST")
            with suppress(OSError, http.client.HTTPException):
                answer.begin()
                return Answer(answer.status, tuple(answer.getheaders()), b"")
            return Answer(TOO_LARGE, (), b"")


def _context(*, newest: ssl.TLSVersion, ciphers: str = "") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(ciphers or "ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = newest
    return context


def _shake(
    site: Site, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> ssl.SSLSocket | None:
    """Return the socket after a handshake, None when it was refused."""
    raw = socket.create_connection(("127.0.0.1", site.on.https), timeout=10)
    try:
        return context.wrap_socket(
            raw, server_hostname=site.visitor.host, session=session
        )
    except (ssl.SSLError, ConnectionError):
        raw.close()
        return None


def tls(site: Site) -> Found:
    """Prove that TLS 1.2 and 1.3 are spoken with AEAD ciphers, and nothing older."""
    ends_tls(site)
    versions = ssl.TLSVersion
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old = _shake(site, _context(newest=versions.TLSv1_1))
    if old is not None:
        said = old.version()
        old.close()
        fail(f"{said} is spoken, which browsers dropped in 2020")
    for newest in (versions.TLSv1_2, versions.TLSv1_3):
        made = _shake(site, _context(newest=newest))
        said = made.version() if made is not None else "nothing"
        if made is not None:
            made.close()
        expect(said == newest.name.replace("_", "."), f"{newest.name} gets {said}")
    weak = "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA256"
    made = _shake(
        site, _context(newest=versions.TLSv1_2, ciphers=f"{weak}:@SECLEVEL=0")
    )
    if made is not None:
        cipher = (made.cipher() or ("a weak cipher",))[0]
        made.close()
        fail(f"{cipher} is accepted, which has no AEAD")
    return Found("TLS 1.2 and 1.3, AEAD ciphers alone")


def tickets(site: Site) -> Found:
    """Prove that sessions are resumed from a cache, not from lasting tickets."""
    ends_tls(site)
    if site.kind == "caddy":
        not_here("caddy rotates the keys of its tickets")
    context = _context(newest=ssl.TLSVersion.TLSv1_2)
    session: ssl.SSLSession | None = None
    for turn in ("first", "second"):
        made = _shake(site, context, session)
        if made is None:
            fail("TLS 1.2 is refused")
        session = made.session
        has = session is not None and session.has_ticket
        kept = turn == "first" or made.session_reused
        with made, suppress(OSError):
            # A session whose connection was cut off is not resumed.
            made.unwrap()
        expect(not has, "a session ticket was handed out")
        expect(kept, "no session is kept, so each visit is a whole handshake")
    return Found("no tickets, a cache")


def http2(site: Site) -> Found:
    """Prove that a browser gets HTTP/2."""
    ends_tls(site)
    context = _context(newest=ssl.TLSVersion.TLSv1_3)
    context.set_alpn_protocols(["h2", "http/1.1"])
    made = _shake(site, context)
    expect(made is not None, "TLS 1.3 is refused")
    chosen = made.selected_alpn_protocol() if made is not None else None
    if made is not None:
        made.close()
    expect(chosen == "h2", f"the proxy chose {chosen}")
    return Found("h2 is chosen")


def headers(site: Site) -> Found:
    """Prove that the proxy adds security headers that are missing, and doubles none."""
    behind_proxy(site)
    own = (
        ("Content-Type", "text/plain"),
        ("Strict-Transport-Security", "max-age=60"),
        ("X-Content-Type-Options", "nosniff"),
    )
    wanted = ("Strict-Transport-Security", "X-Content-Type-Options")
    for reply in (Reply(), Reply(headers=own)):
        site.stand_in.expecting(reply)
        said = site.visitor.get(probed_path(site))
        for name in wanted:
            count = len(said.all(name))
            expect(count == 1, f"{name} comes {count} times on the site's answers")
    expect("max-age=60" in said.one(wanted[0]), "the proxy overwrote Django's HSTS")
    server = said.one("Server")
    expect("/" not in server, f"the proxy tells its release: Server: {server}")
    cookies = tuple(("Set-Cookie", f"n{n}={'v' * 3900}") for n in range(3))
    site.stand_in.expecting(Reply(headers=cookies))
    said = site.visitor.get(probed_path(site))
    expect(said.body == b"recorded", f"an answer with large cookies got {said.status}")
    return Found("HSTS and nosniff once on every answer, no release told, cookies fit")


def compression(site: Site) -> Found:
    """Prove that text is compressed, and caches are told that it is."""
    behind_proxy(site)
    text = b"a text that repeats itself " * 100
    for kind in _COMPRESSED:
        site.stand_in.expecting(Reply((("Content-Type", kind),), text))
        asks = {"Accept-Encoding": "gzip", "Via": "1.1 cache.example"}
        said = site.visitor.get(probed_path(site), asks)
        expect(said.one("Content-Encoding") == "gzip", f"{kind} is not compressed")
        expect(gzip.decompress(said.body) == text, f"{kind} arrives damaged")
        varies = said.one("Vary")
        expect("Accept-Encoding" in varies, f"{kind} is compressed without Vary")
    return Found(f"gzip and Vary on {len(_COMPRESSED)} types")


def slow_client(site: Site) -> Found:
    """Prove that a client that never ends its headers is cut off."""
    behind_proxy(site)
    limits = HEADER_LIMIT_S
    address = ("127.0.0.1", site.on.http)
    with socket.create_connection(address, timeout=limits[1] + 10) as slow:
        begun = time.monotonic()
        slow.sendall(b"GET / HTTP/1.1\r\nHost: ")
        with suppress(ConnectionResetError, TimeoutError):
            while slow.recv(1024):
                pass
        took = time.monotonic() - begun
    expect(took < limits[1], f"a client was still waited for after {took:.0f} s")
    expect(took > limits[0], f"a slow client was cut after only {took:.1f} s")
    return Found(f"cut after {took:.0f} s", (("seconds", took),))


__all__ = [
    "body",
    "compression",
    "headers",
    "http2",
    "rate",
    "slow_client",
    "tickets",
    "tls",
]
