"""`smoke` on every sample project and server that supports it, behind each proxy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from smoked import failed, made, probed, program, with_uwsgi

from nextwizard import stage
from nextwizard.servers import SERVERS


if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.mark import ParameterSet


INTERFACES = {
    "plain": ("wsgi", "asgi"),
    "sse_sync": ("wsgi",),
    "sse_async": ("asgi",),
    "channels_ws": ("asgi",),
}
"""Each sample project, and the interfaces that serve what it keeps open."""

STACKS = [
    (kind, rule.server, rule.interface, proxy)
    for kind, interfaces in INTERFACES.items()
    for rule in SERVERS
    if rule.interface in interfaces
    for proxy in ("nginx", "caddy")
] + [
    ("plain", "gunicorn", "wsgi", "none"),
    ("sse_async", "uvicorn", "asgi", "none"),
]

PROOF = {
    ("sse_sync", "gunicorn", "wsgi", "caddy"),
    ("channels_ws", "uvicorn", "asgi", "caddy"),
    ("sse_async", "hypercorn", "asgi", "nginx"),
    ("plain", "granian", "wsgi", "caddy"),
    ("channels_ws", "daphne", "asgi", "nginx"),
    ("plain", "uwsgi", "wsgi", "nginx"),
}
"""Every server and project at least once, both proxies; the default stacks are in
`make test`. The others are for `make lab`."""

SUPERVISED = [
    ("plain", "gunicorn", "wsgi", "nginx"),
    ("sse_async", "gunicorn", "asgi", "caddy"),
    ("channels_ws", "uvicorn", "asgi", "nginx"),
    ("plain", "hypercorn", "asgi", "caddy"),
    ("sse_async", "granian", "asgi", "nginx"),
    ("channels_ws", "daphne", "asgi", "caddy"),
    ("plain", "uwsgi", "wsgi", "nginx"),
]
"""Every server under a real supervisord."""

OWN = {
    "plain": (),
    "sse_sync": ("stream.live",),
    "sse_async": ("stream.live",),
    "channels_ws": ("socket.live",),
}


def marked(stack: tuple[str, str, str, str]) -> ParameterSet:
    mark = pytest.mark.proof if stack in PROOF else pytest.mark.lab
    return pytest.param(*stack, marks=mark)


def passed(stack: tuple[str, str, str, str], folder: Path, *more: str) -> Any:
    """Smoke a stack; return the outcomes by key, of which none has failed."""
    kind, server, interface, proxy = stack
    answers = {"server": server, "interface": interface, "proxy": proxy}
    pairs = [f"hosting.{key}={value}" for key, value in answers.items()]
    python = with_uwsgi(folder) if server == "uwsgi" else sys.executable
    root = made(folder, kind, *pairs, *more)
    found = probed(root, proxy=program(proxy), python=python)
    assert failed(found) == {}
    for key in ("boot", "life.restart", "life.stop", *OWN[kind]):
        assert found[key].verdict == "ok", found[key]
    return found


@pytest.mark.parametrize(
    ("kind", "server", "interface", "proxy"), [marked(stack) for stack in STACKS]
)
def test_smoke_passes_on(
    kind: str, server: str, interface: str, proxy: str, tmp_path: Path
) -> None:
    bind = f"hosting.bind=127.0.0.1:{stage.free_port()}"
    more = (bind,) if proxy == "none" else ()
    found = passed((kind, server, interface, proxy), tmp_path, *more)
    assert found["life.broken"].verdict == "ok", found["life.broken"]
    reloads = {rule.server for rule in SERVERS if rule.hup}
    assert found["life.reload"].verdict == ("ok" if server in reloads else "skipped")


def supervised(stack: tuple[str, str, str, str]) -> ParameterSet:
    first = stack == SUPERVISED[1]  # the one whose defects smoke has found
    mark = pytest.mark.proof if first else pytest.mark.lab
    return pytest.param(*stack, marks=mark)


@pytest.mark.parametrize(
    ("kind", "server", "interface", "proxy"), [supervised(row) for row in SUPERVISED]
)
def test_smoke_passes_under_supervisor_on(
    kind: str, server: str, interface: str, proxy: str, tmp_path: Path
) -> None:
    stack = (kind, server, interface, proxy)
    passed(stack, tmp_path, "hosting.target=supervisor")


def test_every_server_is_smoked_under_supervisor() -> None:
    assert {stack[1] for stack in SUPERVISED} == {rule.server for rule in SERVERS}


def test_the_part_in_proof_has_every_server_project_and_proxy() -> None:
    assert set(STACKS) >= PROOF
    assert {stack[0] for stack in PROOF} == {*INTERFACES}
    assert {stack[1] for stack in PROOF} == {rule.server for rule in SERVERS}
    assert {stack[3] for stack in PROOF} == {"nginx", "caddy"}


@pytest.mark.parametrize(
    ("server", "workers", "proxy"),
    [
        pytest.param("gunicorn", 1, "nginx", marks=pytest.mark.lab),
        pytest.param("gunicorn", 1, "caddy", marks=pytest.mark.proof),
        pytest.param("uvicorn", 2, "nginx", marks=pytest.mark.lab),
        pytest.param("uvicorn", 2, "caddy", marks=pytest.mark.lab),
    ],
)
def test_smoke_passes_on_two_hosts(
    server: str, workers: int, proxy: str, tmp_path: Path
) -> None:
    hosts = 'hosting.hosts=["127.0.0.11:8000", "127.0.0.12:8000"]'
    size = f"sizing.workers={workers}"
    more = (f"hosting.server={server}", "data.database=sqlite", size)
    root = made(tmp_path, "plain", hosts, f"hosting.proxy={proxy}", *more)
    found = probed(root, proxy=program(proxy))
    assert failed(found) == {}
    for key in ("boot", "life.restart", "life.reload", "life.stop"):
        assert found[key].verdict == "ok", found[key]


@pytest.mark.proof
def test_the_wheel_of_uwsgi_is_told_by_name(tmp_path: Path) -> None:
    root = made(tmp_path, "plain", "hosting.server=uwsgi")
    found = probed(root, "life.reload", "life.stop", proxy=program("nginx"))
    assert failed(found).keys() == {"life.reload"}
    assert "the reload ended the service" in found["life.reload"].detail
    assert "pip install uwsgi" in found["life.reload"].fix
