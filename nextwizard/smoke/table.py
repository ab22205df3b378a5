"""PROBES: every question, in the order in which it is asked."""

from __future__ import annotations

from . import edge, life, limits, pages, streams
from .probe import Probe


PROBES: tuple[Probe, ...] = (
    Probe("domains", "a name that visitors type", "start", pages.domains),
    Probe("edge.health", "probes reach the application", "edge", edge.health),
    Probe(
        "edge.readiness", "readiness is not told to strangers", "edge", edge.readiness
    ),
    Probe("edge.names", "unknown names are refused", "edge", edge.names),
    Probe("edge.redirect", "one canonical https address", "edge", edge.redirect),
    Probe("edge.acme", "a certificate can be renewed", "edge", edge.acme),
    Probe("edge.forwarded", "forged headers are gone", "edge", edge.forwarded),
    Probe("edge.upstream", "the proxy keeps its connections", "edge", edge.upstream),
    Probe("edge.body", "the body limit", "edge", limits.body),
    Probe("edge.rate", "who asks too often waits", "edge", limits.rate),
    Probe("edge.tls", "versions and ciphers of TLS", "edge", limits.tls),
    Probe("edge.tickets", "resumption of TLS sessions", "edge", limits.tickets),
    Probe("edge.http2", "HTTP/2", "edge", limits.http2),
    Probe("edge.headers", "the proxy's own headers", "edge", limits.headers),
    Probe("edge.compression", "compression", "edge", limits.compression),
    Probe("edge.events", "events pass as they are sent", "edge", streams.gaps),
    Probe("edge.websocket", "websockets pass", "edge", streams.echo),
    Probe("edge.silence", "a silent stream stays", "edge", streams.silence, slow=True),
    Probe(
        "edge.quiet",
        "a silent websocket stays",
        "edge",
        streams.quiet_socket,
        slow=True,
    ),
    Probe("edge.slow", "a slow client is cut", "edge", limits.slow_client, slow=True),
    Probe("health.live", "liveness", "serving", pages.live),
    Probe("health.ready", "readiness", "serving", pages.ready),
    Probe("page.front", "the first page", "serving", pages.front),
    Probe("page.headers", "security headers and cookies", "serving", pages.headers),
    Probe("page.debug", "errors tell nothing", "serving", pages.debug),
    Probe("page.secure", "Django insists on https", "serving", pages.secure),
    Probe("page.hosts", "Django answers to its names", "serving", pages.hosts),
    Probe("page.prefix", "no header moves the site", "serving", pages.prefix_header),
    Probe("static.hashed", "a hashed static file", "serving", pages.hashed),
    Probe("static.plain", "other static files", "serving", pages.unhashed),
    Probe("static.outside", "nothing beside them", "serving", pages.outside),
    Probe("static.media", "an uploaded file", "serving", pages.media),
    Probe("stream.live", "the project's own stream", "serving", streams.live_stream),
    Probe("socket.live", "the project's own websocket", "serving", streams.live_socket),
    Probe("server.socket", "who may open the socket", "serving", life.socket_mode),
    Probe("server.workers", "the number of workers", "serving", life.workers),
    Probe("life.refused", "a broken reload is refused", "life", life.broken_reload),
    Probe("life.reload", "reload under load", "life", life.reload),
    Probe("life.restart", "restart under load", "life", life.restart),
    Probe("life.stop", "stop in time, no orphans", "life", life.stop),
    Probe("life.broken", "a broken start is loud", "life", life.broken),
)
"""Every probe; its key is what `--only` takes."""


__all__ = ["PROBES"]
