from __future__ import annotations

import http.client
import itertools
import ssl

import pytest
from live import Live, served
from support import needed

from nextwizard import stage, stageproxy


STACKS = {
    "gunicorn-nginx": ("plain", ()),
    "gunicorn-caddy": ("plain", ("hosting.proxy=caddy",)),
    "gunicorn-none": ("plain", ("hosting.proxy=none", "hosting.bind=127.0.0.1:{port}")),
    "gunicorn-asgi-nginx": ("sse_async", ("hosting.server=gunicorn",)),
    "gunicorn-asgi-caddy": (
        "sse_async",
        ("hosting.server=gunicorn", "hosting.proxy=caddy", "hosting.tls=internal"),
    ),
    "uvicorn-nginx": ("sse_async", ("hosting.tls=internal",)),
    "uvicorn-caddy": ("sse_async", ("hosting.proxy=caddy",)),
}


def program_for(name: str) -> str:
    return needed("nginx" if name.endswith("nginx") else "caddy", "caddy")


@pytest.mark.parametrize("name", STACKS)
def test_each_server_serves_behind_each_proxy(name: str) -> None:
    kind, pairs = STACKS[name]
    port = str(stage.free_port())
    said = [pair.replace("{port}", port) for pair in pairs]
    program = "" if name.endswith("none") else program_for(name)
    with served(kind, *said, program=program) as live:
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
        took = live.app.stop(40)
        assert took < 25


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


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
@pytest.mark.parametrize(
    ("kind", "server"),
    [("sse_async", "uvicorn"), ("sse_async", "gunicorn"), ("sse_sync", "gunicorn")],
)
def test_each_event_arrives_before_the_next_is_sent(
    kind: str, server: str, proxy: str
) -> None:
    pairs = (f"hosting.server={server}", f"hosting.proxy={proxy}")
    with served(kind, *pairs, program=needed(proxy)) as live:
        seen = live.events("/live/?gap=0.3&count=6")
    assert len(seen) == 6
    for (_, received), (sent, _) in itertools.pairwise(seen):
        assert received < sent
