"""Decision tables: every row has its reason, and the page or measurement behind it."""

from __future__ import annotations

from typing import Literal, NamedTuple


SEED = "https://next-dj.readthedocs.io/en/latest/content/deployment/wsgi-asgi.html"
DJANGO = "https://docs.djangoproject.com/en/6.1"
GUNICORN = "https://docs.gunicorn.org/en/stable"
UVICORN = "https://www.uvicorn.org"
NGINX = "https://nginx.org/en/docs"
CADDY = "https://caddyserver.com/docs"
DOCKER = "https://docs.docker.com"
KUBERNETES = "https://kubernetes.io/docs/concepts"
SYSTEMD = "https://www.freedesktop.org/software/systemd/man/latest"


class InterfaceRule(NamedTuple):
    """What a kind of signal says about WSGI or ASGI; hard means nothing else works."""

    kind: str
    interface: Literal["wsgi", "asgi"]
    hard: bool
    because: str
    link: str


INTERFACE_RULES: tuple[InterfaceRule, ...] = (
    InterfaceRule(
        "sse.async",
        "asgi",
        hard=True,
        because="streams from an async source (it answers 500 under WSGI)",
        link=SEED,
    ),
    InterfaceRule(
        "ws",
        "asgi",
        hard=True,
        because="keeps websockets open, which WSGI cannot",
        link=SEED,
    ),
    InterfaceRule(
        "stream.async",
        "asgi",
        hard=True,
        because="streams from an async iterator (WSGI reads it to the end first)",
        link=f"{DJANGO}/ref/request-response/#streaminghttpresponse-objects",
    ),
    InterfaceRule(
        "sse.sync",
        "wsgi",
        hard=True,
        because="streams from a sync source (it answers 500 under ASGI)",
        link=SEED,
    ),
    InterfaceRule(
        "router.orm",
        "wsgi",
        hard=True,
        because="routes with queries (SynchronousOnlyOperation under ASGI)",
        link=f"{DJANGO}/topics/async/#async-safety",
    ),
    InterfaceRule(
        "view.async",
        "asgi",
        hard=False,
        because="is an async view, which runs under WSGI a thread each",
        link=f"{DJANGO}/topics/async/#async-views",
    ),
    InterfaceRule(
        "stream.file",
        "wsgi",
        hard=False,
        because="sends files, which ASGI reads into memory whole",
        link=f"{DJANGO}/ref/request-response/#fileresponse-objects",
    ),
    InterfaceRule(
        "stream.sync",
        "wsgi",
        hard=False,
        because="streams from a sync iterator, which ASGI reads to the end first",
        link=f"{DJANGO}/ref/request-response/#streaminghttpresponse-objects",
    ),
)
"""Rows in the order in which they are told: the first hard one gives the reason."""


CONTAINERS = ("compose", "kubernetes", "procfile")
"""The targets that run an image."""
GRACEFUL_S = 25
"""Seconds a request or stream may take to end at a stop; gunicorn's default is 30."""
STOP_S = 35
"""Seconds until systemd kills: over the graceful timeout, or a stop has failed."""
REQUEST_S = 30
"""Seconds a worker may be silent before gunicorn replaces it: gunicorn's default."""
STREAM_S = 3600
"""Seconds a stream may be silent at the proxy; next.dj sends a heartbeat every 25."""
CONNECT_S = 3
"""Seconds the proxy tries to reach a host; nginx's 60 would hold every visitor."""
MAX_FAILS = 2
"""Failures within AWAY_S after which nginx leaves a host out; 1 is too nervous."""
AWAY_S = 10
"""Seconds a host is left out before it is tried again: nginx's default."""
SETTLE_S = 2
"""Seconds over AWAY_S until a host that is back is surely asked: nginx counts whole
seconds, from the last failure. A second host that is stopped before leaves none."""
PROBE_S = 5
"""Seconds between two of caddy's probes; its default of 30 is a long outage."""
KEEPALIVE_S = 75
"""Seconds a connection of the proxy may idle: over the 60 that nginx keeps it."""
SHORT_KEEPALIVE_S = 5
"""The same for gunicorn's ASGI worker, which waits for idle ones at a stop."""
THREADS = 4
"""Threads a gthread worker runs; on two cores 2 x 4 served most for least memory."""
SPARE_THREADS = 8
"""Threads left for pages while sync streams hold theirs."""
POOL = 4
"""Connections an ASGI worker may hold; on two cores 4 was faster than 8 and 16."""
POOL_TIMEOUT_S = 2
"""Seconds to wait for a pooled connection; the default of 30 hangs every page."""
DATABASE_S = 3
"""Seconds to wait for a database that takes the connection and says nothing; without a
limit, as libpq is, every thread waits there, and liveness finds none."""
VANISHED_MS = 10_000
"""Milliseconds until libpq gives up a connection whose other end has vanished; Linux
itself sends again for a quarter of an hour."""
CONN_MAX_AGE_S = 60
"""Seconds a WSGI thread keeps its database connection."""
RESERVED_CONNECTIONS = 3
"""Connections PostgreSQL keeps for superusers."""
SHELL_CONNECTIONS = 5
"""Connections left for migrations, cron jobs and a shell."""
WSGI_BASE_MB, WSGI_WORKER_MB = 40, 75
"""MiB of a WSGI master and of each worker, measured after load."""
ASGI_BASE_MB, ASGI_WORKER_MB = 45, 95
"""MiB of an ASGI supervisor and of each worker, measured after load."""
UPLOADED = "script-src 'none'; base-uri 'none'; form-action 'none'"
"""The policy of visitors' files: no script, no form; pictures and PDF stay."""
HSTS_S = 31536000
"""Seconds of Strict-Transport-Security: a year, what the preload list asks for."""

LEAVE_S = 10
"""Seconds a pod goes on serving after its removal from the endpoints began."""
PRIVATE = "10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16,fc00::/7"
"""The networks that a platform's router asks from; none of them is a visitor's."""
CONTAINER_PORT = 8000
"""Where the server listens in a container; nothing outside its network reaches it."""
CONTAINER_UID = 10001
"""The account in the image: a number, above those that a host gives to people."""


__all__ = [
    "CADDY",
    "CONTAINERS",
    "DJANGO",
    "DOCKER",
    "GUNICORN",
    "INTERFACE_RULES",
    "KUBERNETES",
    "NGINX",
    "SEED",
    "SYSTEMD",
    "UVICORN",
    "InterfaceRule",
]
