"""The sample projects are real: each passes its checks and does what it is here for."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest


if TYPE_CHECKING:
    from collections.abc import Callable


PROJECTS = Path(__file__).parent / "projects"
NAMES = tuple(sorted(path.name for path in PROJECTS.iterdir() if path.is_dir()))
NEEDED = ("django", "next", "channels")

HOME = """
import json
import django; django.setup()
from django.test import Client

page = Client(headers={"host": "localhost"}).get("/")
print(json.dumps([page.status_code, page.text]))
"""

# Fills in the form as a browser does: cookie, hidden fields, the action it was given.
SUBMIT = """
import json, re
import django; django.setup()
from django.test import Client

browser = Client(headers={"host": "localhost"}, enforce_csrf_checks=True)
html = browser.get("/").text
action = re.search(r'<form action="([^"]+)"', html)[1]
hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', html)
answer = browser.post(action, {**dict(hidden), "title": "Bought bread"})
print(json.dumps([action, answer.status_code, answer["Location"],
                  "Bought bread" in html, browser.get("/").text]))
"""

STREAM = """
import asyncio, json, time
import django; django.setup()
from django.test import AsyncClient, Client
from django.test.utils import setup_test_environment

setup_test_environment()
url = "/live/?gap=0.05&count=2"

def wsgi():
    answer = Client(raise_request_exception=False).get(url)
    return answer, [(time.time(), part) for part in answer] if answer.streaming else []

async def asgi():
    answer = await AsyncClient(raise_request_exception=False).get(url)
    if not answer.streaming:
        return answer, []
    return answer, [(time.time(), part) async for part in answer]

def told(answer, parts):
    lags = []
    for now, part in parts:
        for line in part.decode().splitlines():
            if line.startswith("data: "):
                ops = json.loads(line[6:])["ops"]
                lags += [now - op["detail"]["sent"] for op in ops if "detail" in op]
    return [answer.status_code, answer.headers["Content-Type"], lags]

print(json.dumps({"wsgi": told(*wsgi()), "asgi": told(*asyncio.run(asgi()))}))
"""

SPEAK = """
import asyncio, json
from asgiref.testing import ApplicationCommunicator
from config.asgi import application

async def speak(origin):
    headers = [(b"host", b"localhost"), (b"origin", origin)]
    socket = ApplicationCommunicator(application, {
        "type": "websocket", "path": "/ws/echo/", "headers": headers,
        "query_string": b"", "subprotocols": [],
    })
    await socket.send_input({"type": "websocket.connect"})
    heard = [(await socket.receive_output(5))["type"]]
    if heard == ["websocket.accept"]:
        await socket.send_input({"type": "websocket.receive", "text": "hello"})
        heard.append((await socket.receive_output(5))["text"])
        await socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await socket.wait(5)
    return heard

origins = [b"http://localhost", b"http://elsewhere.example"]
print(json.dumps([asyncio.run(speak(origin)) for origin in origins]))
"""


@pytest.fixture(autouse=True)
def _frameworks() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if not missing:
        return
    reason = f"not installed: {', '.join(missing)}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Path]:
    def copy(name: str) -> Path:
        leftovers = shutil.ignore_patterns("__pycache__", "db.sqlite3", "staticfiles")
        return shutil.copytree(PROJECTS / name, tmp_path / name, ignore=leftovers)

    return copy


def run(root: Path, *arguments: str) -> str:
    """Run Python in the project as its user would, and return what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ask(root: Path, script: str) -> Any:
    return json.loads(run(root, "-c", script))


def test_every_project_is_here() -> None:
    assert NAMES == ("channels_ws", "plain", "sse_async", "sse_sync")


@pytest.mark.parametrize("name", NAMES)
def test_checks_and_migrations_are_clean(
    name: str, copied: Callable[[str], Path]
) -> None:
    root = copied(name)
    assert "no issues" in run(root, "manage.py", "check", "--fail-level", "WARNING")
    assert "No changes" in run(root, "manage.py", "makemigrations", "--check")


@pytest.mark.parametrize("name", ["channels_ws", "sse_async", "sse_sync"])
def test_the_front_page_answers_without_a_database(
    name: str, copied: Callable[[str], Path]
) -> None:
    status, html = ask(copied(name), HOME)
    assert status == 200
    assert "/static/next/index.css" in html
    assert "/static/next/next.min.js" in html


def test_plain_writes_a_row_through_its_form(copied: Callable[[str], Path]) -> None:
    root = copied("plain")
    run(root, "manage.py", "migrate", "--verbosity", "0")
    action, status, location, before, after = ask(root, SUBMIT)
    assert action.startswith("/_next/form/")
    assert (status, location, before) == (302, "/", False)
    assert "Bought bread" in after
    assert "/static/next/components/note_card.css" in after


def test_plain_passes_its_own_tests(copied: Callable[[str], Path]) -> None:
    run(copied("plain"), "manage.py", "test", "--verbosity", "0")


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [("sse_async", "asgi", "wsgi"), ("sse_sync", "wsgi", "asgi")],
)
def test_the_stream_suits_one_kind_of_server_only(
    name: str, right: str, wrong: str, copied: Callable[[str], Path]
) -> None:
    told = ask(copied(name), STREAM)
    status, content_type, lags = told[right]
    assert (status, content_type, len(lags)) == (200, "text/event-stream", 2)
    assert 0 <= min(lags) <= max(lags) < 5
    assert told[wrong][0] == 500


def test_the_websocket_echoes_its_own_site_only(copied: Callable[[str], Path]) -> None:
    assert ask(copied("channels_ws"), SPEAK) == [
        ["websocket.accept", "hello"],
        ["websocket.close"],
    ]
