"""Liveness as generated, under both interfaces: asked past the project's middleware."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import HOST as MACHINE
from verifying import deployed

from nextwizard.catalog import templates_dir
from nextwizard.document import read_set
from nextwizard.values import MADE, MODULES
from nextwizard.workflow import apply, inspect, propose


if TYPE_CHECKING:
    from collections.abc import Callable


NEEDY = '''"""What projects have: it asks the database for every request."""

from django.db import OperationalError


def needy(get_response):
    """Fail as a middleware does whose database is away."""

    def middleware(request):
        raise OperationalError("the database is away")

    return middleware
'''
ASK = """
import asyncio, json, sys
from asgiref.testing import ApplicationCommunicator
from config.asgi import application
from django.test import Client

def wsgi(method, path, host):
    words = {"raise_request_exception": False, "enforce_csrf_checks": True}
    answer = Client(**words, headers={"host": host}).generic(method, path)
    return answer.status_code, b"".join(answer)

async def asgi(method, path, host):
    app = ApplicationCommunicator(application, {
        "type": "http", "method": method, "path": path, "query_string": b"",
        "scheme": "http", "headers": [(b"host", host.encode())],
    })
    await app.send_input({"type": "http.request", "body": b""})
    start = await app.receive_output(10)
    body = await app.receive_output(10)
    return start["status"], body["body"]

found = {"wsgi": [], "asgi": []}
for each in json.loads(sys.argv[1]):
    for interface, (status, body) in (
        ("wsgi", wsgi(*each)), ("asgi", asyncio.run(asgi(*each)))
    ):
        found[interface].append([status, body.decode()[:200]])
print(json.dumps(found))
"""
HOST = "notes.example.org"


def ask(root: Path, *asked: tuple[str, str, str]) -> dict[str, list[tuple[int, str]]]:
    """Ask a deployment as its server would, over plain HTTP, under both interfaces."""
    names = {
        "DJANGO_SETTINGS_MODULE": "config.settings.prod",
        "SECRET_KEY": "a" * 60,
        "STATE_DIRECTORY": str(root),
        "PATH": os.environ["PATH"],
    }
    words = [sys.executable, "-c", ASK, json.dumps(asked)]
    done = subprocess.run(
        words, cwd=root, env=names, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[list[Any]]] = json.loads(done.stdout.splitlines()[-1])
    return {key: [(row[0], row[1]) for row in rows] for key, rows in found.items()}


def added(root: Path, *lines: str) -> None:
    """Write lines into the settings that all others come from."""
    base = root / "config" / "settings" / "base.py"
    base.write_text(base.read_text() + "\n".join(("", *lines, "")))


@pytest.fixture
def needy(tmp_path: Path) -> Path:
    """Return a deployment whose own middleware fails, and whose database is away."""
    root = deployed(tmp_path)
    (root / "config" / "needy.py").write_text(NEEDY)
    added(root, 'MIDDLEWARE = ["config.needy.needy", *MIDDLEWARE]')
    prod = root / "config" / "settings" / "prod.py"
    more = 'DATABASES["default"].update(NAME="/nowhere/db", ATOMIC_REQUESTS=True)\n'
    prod.write_text(prod.read_text() + more)
    return root


def test_no_middleware_can_fail_the_probe_and_readiness_tells_it(needy: Path) -> None:
    said = ask(
        needy,
        ("GET", "/healthz/", HOST),
        ("HEAD", "/healthz/", HOST),
        ("GET", "/readyz/", HOST),
    )
    for interface, (alive, head, ready) in said.items():
        assert alive == (200, '{"status": "ok"}'), interface
        assert head[0] == 200, interface
        assert ready[0] == 500, interface


def test_without_it_the_same_probe_fails(needy: Path) -> None:
    prod = needy / "config" / "settings" / "prod.py"
    text = prod.read_text()
    assert text.count('    "config.liveness.liveness",\n') == 1
    prod.write_text(text.replace('    "config.liveness.liveness",\n', ""))
    said = ask(needy, ("GET", "/healthz/", HOST))
    assert [rows[0][0] for rows in said.values()] == [500, 500]


def test_what_is_not_a_probe_is_djangos(tmp_path: Path) -> None:
    said = ask(
        deployed(tmp_path),
        ("POST", "/healthz/", HOST),
        ("GET", "/healthz", HOST),
        ("GET", "/", HOST),
        ("GET", "/healthz/", "evil.example"),
    )
    for interface, rows in said.items():
        statuses = [status for status, _ in rows]
        # No CSRF token, no such page without a slash, plain HTTP, no name of ours.
        assert statuses == [403, 301, 301, 400], interface


def test_an_edit_of_the_page_is_what_answers(tmp_path: Path) -> None:
    root = deployed(tmp_path)
    page = root / "notes" / "pages" / "healthz" / "page.py"
    text = page.read_text()
    edited = text.replace('({"status": "ok"})', '({"disk": "full"}, status=503)')
    assert edited != text
    page.write_text(edited)
    said = ask(root, ("GET", "/healthz/", HOST))
    assert set(map(tuple, said.values())) == {((503, '{"disk": "full"}'),)}


def test_a_page_that_raises_is_a_500(tmp_path: Path) -> None:
    root = deployed(tmp_path)
    page = root / "notes" / "pages" / "healthz" / "page.py"
    page.write_text(page.read_text().replace("return Json", "raise ValueError; Json"))
    said = ask(root, ("GET", "/healthz/", HOST))
    assert [rows[0][0] for rows in said.values()] == [500, 500]


def test_a_page_that_is_gone_is_a_404_and_not_a_200(tmp_path: Path) -> None:
    root = deployed(tmp_path)
    (root / "notes" / "pages" / "healthz" / "page.py").unlink()
    said = ask(root, ("GET", "/healthz/", HOST))
    assert [rows[0][0] for rows in said.values()] == [404, 404]


def test_a_page_behind_a_login_is_asked_past_it(tmp_path: Path) -> None:
    root = deployed(tmp_path)
    login = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    added(root, f'MIDDLEWARE = [*MIDDLEWARE, "{login}"]')
    said = ask(root, ("GET", "/healthz/", HOST))
    assert [rows[0][0] for rows in said.values()] == [200, 200]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_of_ours_says_in_its_head_who_made_it(name: str) -> None:
    text = (Path(templates_dir()) / "django" / f"{name}.py.jinja").read_bytes()
    assert MADE in text[:400]


def test_a_module_of_the_users_keeps_its_name(sample: Callable[..., Path]) -> None:
    root = sample("plain")
    config = root / "config"
    (config / "liveness.py").write_text("PULSE = 60\n")
    (config / "redis_cache").mkdir()
    (config / "redis_cache" / "__init__.py").write_text("")
    said = read_set([f"hosting.domains={HOST}", "data.cache=redis"])
    proposal = propose(inspect(str(root), MACHINE), [said])
    assert not proposal.conflicts
    apply(proposal)
    assert (config / "liveness.py").read_text() == "PULSE = 60\n"
    assert (config / "nextwizard_redis_cache.py").is_file()
    prod = (config / "settings" / "prod.py").read_text()
    assert "config.nextwizard_redis_cache.FailOpen" in prod
    answers = ask(root, ("GET", "/healthz/", HOST))
    assert [rows[0][0] for rows in answers.values()] == [200, 200]
    # No name changes at a later run, nor when the record is lost.
    assert not propose(inspect(str(root), MACHINE)).steps
    (root / ".nextwizard" / "manifest.json").unlink()
    again = propose(inspect(str(root), MACHINE)).changes
    assert {change.status for change in again} == {"same"}
