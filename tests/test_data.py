from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from live import Live, served
from services import postgresql, redis
from support import needed


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services import Database


SLOW = """
from django.db import connection
from django.http import HttpRequest, JsonResponse


def render(request: HttpRequest) -> JsonResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.1)")
    return JsonResponse({"slept": True})
"""
ROUNDS = 4
COUNT = """
from django.http import HttpRequest, JsonResponse


def render(request: HttpRequest) -> JsonResponse:
    request.session["count"] = request.session.get("count", 0) + 1
    return JsonResponse({"count": request.session["count"]})
"""


def page(name: str, text: str, tree: str) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        place = root / tree / name / "page.py"
        place.parent.mkdir(parents=True)
        place.write_text(text)

    return edit


def status(live: Live, path: str) -> int:
    return live.get(path).status


def until(live: Live, path: str, want: int, seconds: float = 20) -> None:
    ends = time.monotonic() + seconds
    while (got := status(live, path)) != want:
        assert time.monotonic() < ends, f"{path} is {got}, not {want}"
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("kind", "tree", "words"),
    [
        ("plain", "notes/pages", "2 workers x 4 threads = 8 connections"),
        ("sse_async", "ticker/pages", "2 workers x 4 pooled = 8 connections"),
    ],
    ids=["wsgi", "asgi"],
)
def test_connections_are_what_the_plan_says(kind: str, tree: str, words: str) -> None:
    pairs = ("data.database=postgresql", "sizing.cores=2")
    with (
        postgresql() as database,
        served(
            kind,
            *pairs,
            program=needed("nginx"),
            edit=page("slow", SLOW, tree),
            secrets={"DATABASE_URL": database.url},
        ) as live,
    ):
        assert str(live.on.plan["data.sum"]).startswith(words)
        assert status(live, "/") == 200
        assert fullest(live, database, 8) == 8
        survives(live, database)


def crowd(live: Live, database: Database) -> int:
    """Ask from 50 visitors at once; return the most connections seen meanwhile."""
    with ThreadPoolExecutor(50) as visitors:
        asked = [visitors.submit(status, live, "/slow/") for _ in range(150)]
        most = 0
        while not all(answer.done() for answer in asked):
            most = max(most, database.connections())
        assert {answer.result() for answer in asked} == {200}
    return most


def fullest(live: Live, database: Database, planned: int) -> int:
    """Return the most connections of a few rounds, which end when all are open.

    On a busy machine a thread that was kept waiting has not opened its own yet.
    """
    most = 0
    for _ in range(ROUNDS):
        most = max(most, crowd(live, database))
        if most >= planned:
            break
    return most


def survives(live: Live, database: Database) -> None:
    """Without the database liveness answers, readiness says so, pages fail fast."""
    database.service.stop()
    until(live, "/readyz/", 503)
    begun = time.monotonic()
    assert status(live, "/slow/") == 500
    assert time.monotonic() - begun < 8
    assert status(live, "/healthz/") == 200
    assert b'"database"' in live.get("/readyz/").body
    database.service.start()
    until(live, "/readyz/", 200)
    until(live, "/slow/", 200)


@pytest.mark.parametrize("kind", ["plain", "sse_async"])
def test_sessions_survive_redis(kind: str) -> None:
    tree = {"plain": "notes/pages", "sse_async": "ticker/pages"}[kind]
    with (
        redis() as cache,
        served(
            kind,
            "data.cache=redis",
            program=needed("nginx"),
            edit=page("count", COUNT, tree),
            secrets={"REDIS_URL": f"redis://127.0.0.1:{cache.port}/0"},
        ) as live,
    ):
        first = live.get("/count/")
        cookie = first.headers["set-cookie"].partition(";")[0]
        headers = {"Cookie": cookie}
        assert live.get("/count/", headers=headers).body == b'{"count": 2}'
        cache.stop()
        until(live, "/readyz/", 503)
        assert live.get("/count/", headers=headers).body == b'{"count": 3}'
        assert status(live, "/") == 200
        assert status(live, "/healthz/") == 200
        cache.start()
        until(live, "/readyz/", 200)
        assert live.get("/count/", headers=headers).body == b'{"count": 4}'


@pytest.mark.proof
@pytest.mark.parametrize("kind", ["plain", "sse_async"])
def test_a_database_that_says_nothing_lets_every_thread_go(kind: str) -> None:
    tree = {"plain": "notes/pages", "sse_async": "ticker/pages"}[kind]
    with (
        postgresql() as database,
        served(
            kind,
            "data.database=postgresql",
            program=needed("nginx"),
            edit=page("slow", SLOW, tree),
            secrets={"DATABASE_URL": database.url},
        ) as live,
    ):
        assert database.service.process is not None
        # It takes connections, as the kernel does for it, and answers none.
        database.service.process.send_signal(signal.SIGSTOP)
        try:
            with ThreadPoolExecutor(12) as visitors:
                begun = time.monotonic()
                pages = [visitors.submit(status, live, "/slow/") for _ in range(12)]
                assert {page.result() for page in pages} == {500}
                assert time.monotonic() - begun < 25
            assert status(live, "/readyz/") == 503
            assert status(live, "/healthz/") == 200
        finally:
            database.service.process.send_signal(signal.SIGCONT)
        until(live, "/slow/", 200)
