"""What each application server can do, and how it is started: one row a pair.

All of it was measured on the real programs, on loopback behind both proxies: graceful
stop and reload under load, streams, sockets left behind by a kill, modes of a socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from .rules import GUNICORN, UVICORN


if TYPE_CHECKING:
    from collections.abc import Mapping


class ServerRule(NamedTuple):
    """One server with one interface.

    `command` and `listen` are words; those in capitals stand for decisions. `listen`
    says how it takes a socket: held by systemd, handed down by supervisor as
    descriptor 0, made by itself as a file, or a port. `hup` is whether SIGHUP reloads
    without a loss, `lone` whether also for a single process, `threads` who says how
    many there are: we, the server's executor, or nobody, as under ASGI. `orphans` is
    whether workers go on for ever when their main process is killed.
    """

    server: str
    interface: Literal["wsgi", "asgi"]
    worker_class: str
    command: str
    listen: Mapping[str, str]
    requirement: str
    reason: str
    link: str
    notify: bool = False
    hup: bool = True
    lone: bool = True
    processes: bool = True
    streams: bool = True
    threads: Literal["ours", "executor", "none"] = "none"
    orphans: bool = False


_GUNICORN = "PYTHON -m gunicorn --config GUNICORN LISTEN"
_UVICORN = (
    "PYTHON BOOT PYTHON -m uvicorn APP LISTEN --forwarded-allow-ips=TRUST "
    "--timeout-graceful-shutdown GRACEFUL --timeout-worker-healthcheck REQUEST "
    "--no-server-header --no-access-log"
)
_HYPERCORN = (
    "PYTHON BOOT PYTHON -m hypercorn APP LISTEN --workers {workers} "
    "--graceful-timeout GRACEFUL --backlog 2048"
)
_GRANIAN = (
    "PYTHON BOOT PYTHON -m granian APP --interface INTERFACE LISTEN "
    "--workers {workers} --workers-kill-timeout GRACEFUL"
)
_OWN_BIND = {"port": "--host HOST --port PORT"}
_HYPERCORN_LISTEN = {"file": "--bind unix:SOCKET -m 007", "port": "--bind ADDRESS"}
_GRANIAN_LISTEN = {"file": "--uds SOCKET --uds-permissions 0660", **_OWN_BIND}
_GUNICORN_LISTEN = {
    "systemd": "",
    "handed": "",  # by deploy/boot.py, as systemd does it
    "port": "--bind ADDRESS",
}
_UVICORN_LISTEN = {
    "systemd": "--fd 3 --workers {workers}",
    "handed": "--fd 0 --workers 1",
    "port": "--host HOST --port PORT --workers {workers}",
}

SERVERS: tuple[ServerRule, ...] = (
    ServerRule(
        "gunicorn",
        "wsgi",
        "gthread",
        _GUNICORN,
        _GUNICORN_LISTEN,
        "gunicorn>=23.0",
        "gthread workers keep connections alive and share memory",
        f"{GUNICORN}/design.html#gthread-workers",
        notify=True,
        threads="ours",
    ),
    ServerRule(
        "gunicorn",
        "asgi",
        "asgi",
        _GUNICORN,
        _GUNICORN_LISTEN,
        "gunicorn>=25.0",
        "gunicorn's own ASGI worker needs no second package",
        f"{GUNICORN}/settings.html#worker-class",
        notify=True,
    ),
    ServerRule(
        "uvicorn",
        "asgi",
        "",
        _UVICORN,
        _UVICORN_LISTEN,
        "uvicorn[standard]>=0.32",
        "one event loop a core, and a broken release keeps the old workers",
        f"{UVICORN}/deployment/",
        lone=False,
    ),
    ServerRule(
        "hypercorn",
        "asgi",
        "",
        _HYPERCORN,
        _HYPERCORN_LISTEN,
        "hypercorn>=0.17",
        "an event loop a core, as answered",
        "https://hypercorn.readthedocs.io/en/latest/how_to_guides/configuring.html",
        hup=False,
        orphans=True,
    ),
    ServerRule(
        "hypercorn",
        "wsgi",
        "",
        _HYPERCORN,
        _HYPERCORN_LISTEN,
        "hypercorn>=0.17",
        "threads of an event loop's executor, as answered",
        "https://hypercorn.readthedocs.io/en/latest/how_to_guides/wsgi_apps.html",
        hup=False,
        orphans=True,
        threads="executor",
    ),
    ServerRule(
        "granian",
        "asgi",
        "",
        _GRANIAN,
        _GRANIAN_LISTEN,
        "granian>=2.5",
        "a Rust front before each event loop, as answered",
        "https://github.com/emmett-framework/granian#options",
        orphans=True,
    ),
    ServerRule(
        "granian",
        "wsgi",
        "",
        f"{_GRANIAN} --blocking-threads {{threads}}",
        _GRANIAN_LISTEN,
        "granian>=2.5",
        "a Rust front before the worker's threads, as answered",
        "https://github.com/emmett-framework/granian#options",
        threads="ours",
        orphans=True,
    ),
    ServerRule(
        "daphne",
        "asgi",
        "",
        "PYTHON BOOT PYTHON -m daphne LISTEN --proxy-headers APP",
        {"file": "-u SOCKET", "port": "-b HOST -p PORT"},
        "daphne>=4.1",
        "channels' own server, a single process, as answered",
        "https://github.com/django/daphne#running",
        hup=False,
        lone=False,
        processes=False,
    ),
    ServerRule(
        "uwsgi",
        "wsgi",
        "",
        "PYTHON BOOT BIN/uwsgi --ini UWSGI",
        {"file": "", "port": ""},
        "uwsgi>=2.0.28",
        "C workers with threads, as answered",
        "https://uwsgi-docs.readthedocs.io/en/latest/ThingsToKnow.html",
        notify=True,
        threads="ours",
    ),
)
"""Every pair of server and interface that is rendered."""


__all__ = ["SERVERS", "ServerRule"]
