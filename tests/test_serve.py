from __future__ import annotations

import http.client
import itertools
import ssl
from typing import TYPE_CHECKING

import judges
import pytest
from live import Live, served
from support import needed
from websockets.exceptions import InvalidStatus

from nextwizard import stage, stageproxy


if TYPE_CHECKING:
    from _pytest.mark import ParameterSet


DEFAULTS = {
    ("gunicorn", "plain", "nginx"),
    ("gunicorn", "plain", "caddy"),
    ("uvicorn", "sse_async", "nginx"),
    ("uvicorn", "sse_async", "caddy"),
}
"""The stacks `make test` boots; `make proof` boots every other one too."""

SERVERS = (
    ("gunicorn", "plain"),
    ("gunicorn", "sse_async"),
    ("uvicorn", "sse_async"),
    ("hypercorn", "sse_async"),
    ("hypercorn", "plain"),
    ("granian", "sse_async"),
    ("granian", "plain"),
    ("daphne", "channels_ws"),
    ("uwsgi", "plain"),
)


def stack(server: str, kind: str, proxy: str) -> ParameterSet:
    heavy = () if (server, kind, proxy) in DEFAULTS else (pytest.mark.proof,)
    return pytest.param(server, kind, proxy, marks=heavy)


STACKS = [
    stack(server, kind, proxy)
    for server, kind in SERVERS
    for proxy in ("nginx", "caddy", "none")
]


@pytest.mark.parametrize(("server", "kind", "proxy"), STACKS)
def test_each_server_serves_behind_each_proxy(
    server: str, kind: str, proxy: str
) -> None:
    pairs = [f"hosting.server={server}", f"hosting.proxy={proxy}"]
    if server == "uwsgi":
        judges.beside("uwsgi")
    if proxy == "none":
        pairs.append(f"hosting.bind=127.0.0.1:{stage.free_port()}")
    program = "" if proxy == "none" else needed(proxy)
    with served(kind, *pairs, program=program) as live:
        page = live.get("/")
        assert page.status == 200
        assert b"<html" in page.body
        static = live.get(live.hashed())
        assert static.status == 200
        assert "immutable" in static.headers["cache-control"]
        assert static.headers["x-content-type-options"] == "nosniff"
        alive = live.get("/healthz/")
        assert (alive.status, alive.body) == (200, b'{"status": "ok"}')
        assert "set-cookie" not in alive.headers
        ready = live.get("/readyz/")
        assert ready.status == 200, ready.body
        if live.proxy is not None:
            edge(live)
        assert live.app.stop(40) < 27


def edge(live: Live) -> None:
    """What only the proxy can get wrong."""
    moved = live.get("/", tls=False)
    assert moved.status == 301
    assert moved.headers["location"] == f"https://{live.host}/"
    assert live.get("/healthz/", tls=False).status == 200
    by_address = live.get("/healthz/", tls=False, headers={"Host": "127.0.0.1"})
    assert by_address.body == b'{"status": "ok"}'
    with pytest.raises(http.client.HTTPException):
        live.get("/", tls=False, headers={"Host": "evil.example"})
    with pytest.raises((ssl.SSLError, ConnectionError)):
        stageproxy.connect(live.on, "evil.example", tls=True).request("GET", "/")
    page = live.get(
        "/", headers={"X-Forwarded-Proto": "http", "Forwarded": "proto=http"}
    )
    assert page.status == 200
    assert page.headers["strict-transport-security"].count("max-age") == 1
    assert live.get("/static/none.css").status == 404


STREAMS = [
    stack(server, kind, proxy)
    for server, kind in (
        ("uvicorn", "sse_async"),
        ("gunicorn", "sse_async"),
        ("hypercorn", "sse_async"),
        ("granian", "sse_async"),
        ("daphne", "sse_async"),
        ("gunicorn", "sse_sync"),
        ("uwsgi", "sse_sync"),
        ("granian", "sse_sync"),
        ("hypercorn", "sse_sync"),
    )
    for proxy in ("nginx", "caddy")
]


@pytest.mark.parametrize(("server", "kind", "proxy"), STREAMS)
def test_each_event_arrives_before_the_next_is_sent(
    server: str, kind: str, proxy: str
) -> None:
    pairs = (f"hosting.server={server}", f"hosting.proxy={proxy}")
    with served(kind, *pairs, program=needed(proxy)) as live:
        seen = live.events("/live/?gap=0.3&count=6")
    assert len(seen) == 6
    for (_, received), (sent, _) in itertools.pairwise(seen):
        assert received < sent


SOCKETS = [
    stack(server, "channels_ws", proxy)
    for server in ("uvicorn", "gunicorn", "hypercorn", "granian", "daphne")
    for proxy in ("nginx", "caddy")
]


@pytest.mark.parametrize(("server", "kind", "proxy"), SOCKETS)
def test_a_websocket_echoes_and_a_foreign_origin_is_refused(
    server: str, kind: str, proxy: str
) -> None:
    pairs = (f"hosting.server={server}", f"hosting.proxy={proxy}")
    with served(kind, *pairs, program=needed(proxy)) as live:
        with live.websocket("/ws/echo/") as echo:
            echo.send("hello")
            assert echo.recv(timeout=10) == "hello"
        with pytest.raises(InvalidStatus) as refused:
            live.websocket("/ws/echo/", origin="https://evil.example")
        assert refused.value.response.status_code == 403
