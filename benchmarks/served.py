"""The served rows: generated stacks beside what people start by hand, in one run.

Everything is on loopback, on one machine, with one PostgreSQL. The stacks run side by
side and are loaded in turn, so that each round compares them under the same noise.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from expressed import ROOT, SAMPLE


sys.path.insert(0, str(ROOT / "tests"))

from live import served
from services import postgresql
from support import needed
from visitors import Door, Visitors, connections, held, median, rate, resident

from nextwizard.stage import free_port


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


ROUNDS = int(os.environ.get("ROUNDS", "3"))
SITE = "hosting.domains=localhost"
"""A name that wrk can look up; it asks for it in the TLS handshake."""
PAGE = """from next.pages import context

from notes.models import Note

metadata = {"title": "One", "description": "A page with one query."}


@context("count")
def count():
    return Note.objects.count()
"""
HEALTH = """from django.http import HttpRequest, JsonResponse


def render(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})
"""
BARE = """from config.settings import *

DEBUG = False
ALLOWED_HOSTS = ["*"]
SECRET_KEY = "made-for-a-benchmark-on-loopback-and-nothing-else-at-all"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres",
    "USER": "site", "HOST": "127.0.0.1", "PORT": PORT}}
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
"""
WHITE = """
MIDDLEWARE.insert(1, "whitenoise.middleware.WhiteNoiseMiddleware")
"""
BY_THE_BOOK = """user root;
pid nginx.pid;
worker_processes 1;
events { worker_connections 1024; accept_mutex off; }
http {
  include /etc/nginx/mime.types;
  access_log off;
  sendfile on;
  upstream app { server unix:SOCKET fail_timeout=0; }
  server {
    listen 127.0.0.1:WEB;
    client_max_body_size 4G;
    keepalive_timeout 5;
    root ROOT;
    location / { try_files $uri @app; }
    location @app {
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header Host $http_host;
      proxy_redirect off;
      proxy_pass http://app;
    }
  }
}
"""
"""The directives of gunicorn's deployment page, on a port of ours."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack: how it is asked, restarted, and which processes it is."""

    name: str
    door: Door
    restart: Callable[[], object]
    pids: Callable[[], list[int]]


def _page(root: Path, pages: str = "notes/pages") -> None:
    place = root / pages / "one"
    place.mkdir(parents=True)
    (place / "page.py").write_text(PAGE)
    (place / "template.djx").write_text("<p>{{ count }} notes</p>\n")


def _by_hand(folder: Path, database: int) -> Path:
    """Return a project as people deploy it who follow the two literal commands."""
    root = folder / "by_hand"
    shutil.copytree(SAMPLE, root, ignore=shutil.ignore_patterns("__pycache__"))
    _page(root)
    health = root / "notes" / "pages" / "healthz"
    health.mkdir()
    (health / "page.py").write_text(HEALTH)
    bare = BARE.replace("PORT}", f"{database}}}")
    (root / "config" / "bare.py").write_text(bare)
    (root / "config" / "white.py").write_text(bare + WHITE)
    _managed(root, "collectstatic")
    _migrated(root)
    return root


def _managed(root: Path, *words: str) -> None:
    argv = [sys.executable, "manage.py", *words, "--noinput"]
    env = _env("config.bare")
    subprocess.run(argv, cwd=root, check=True, capture_output=True, env=env)


def _migrated(root: Path) -> None:
    _managed(root, "migrate")


def _env(settings: str) -> dict[str, str]:
    path = os.environ["PATH"]
    return {"PATH": path, "LC_ALL": "C.UTF-8", "DJANGO_SETTINGS_MODULE": settings}


class Hand:
    """A command started by hand; it is restarted the way a person would."""

    def __init__(self, argv: list[str], root: Path, settings: str) -> None:
        """Start it."""
        self.argv, self.root, self.settings = argv, root, settings
        self.log = (root / f"{settings}.log").open("ab")
        self.child = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.argv,
            cwd=self.root,
            env=_env(self.settings),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )

    def stop(self) -> None:
        """End it by its pid."""
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(30)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait(5)

    def restart(self) -> None:
        """Stop it, and start it again."""
        self.stop()
        self.child = self._start()


def _ready(door: Door) -> None:
    ends = time.monotonic() + 40
    while time.monotonic() < ends:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if door.get("/healthz/")[0] == HTTPStatus.OK:
                return
        time.sleep(0.1)
    message = f"nothing answers on port {door.port}"
    raise RuntimeError(message)


@contextlib.contextmanager
def by_hand(
    name: str, root: Path, server: str, settings: str = "config.bare"
) -> Iterator[Stack]:
    """Run one of the literal commands, 4 workers, on loopback."""
    port = free_port()
    if server == "gunicorn":
        words = ["gunicorn", "config.wsgi:application", "--workers", "4"]
        words += ["--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    else:
        words = ["uvicorn", "config.asgi:application", "--host", "127.0.0.1"]
        words += ["--port", str(port), "--workers", "4", "--log-level", "warning"]
    hand = Hand([sys.executable, "-m", *words], root, settings)
    door = Door(port, tls=False, host="localhost")
    try:
        _ready(door)
        yield Stack(name, door, hand.restart, lambda: [hand.child.pid])
    finally:
        hand.stop()


@contextlib.contextmanager
def by_the_book(root: Path, folder: Path) -> Iterator[Stack]:
    """Run the example of gunicorn's deployment page: nginx and a socket."""
    sock, web = folder / "book.sock", free_port()
    public = folder / "public"
    public.mkdir()
    (public / "static").symlink_to(root / "staticfiles")
    place = folder / "book"
    place.mkdir()
    text = BY_THE_BOOK.replace("SOCKET", str(sock)).replace("WEB", str(web))
    text = text.replace("ROOT", str(public))
    if os.geteuid() != 0:
        text = text.replace("user root;\n", "")
    (place / "nginx.conf").write_text(text)
    words = ["gunicorn", "config.wsgi:application", "--workers", "4"]
    words += ["--bind", f"unix:{sock}", "--no-control-socket"]
    hand = Hand([sys.executable, "-m", *words], root, "config.bare")
    argv = [needed("nginx"), "-p", str(place), "-c", str(place / "nginx.conf")]
    quiet = ["-e", str(place / "error.log"), "-g", "daemon off;"]
    proxy = Hand([*argv, *quiet], root, "config.bare")
    door = Door(web, tls=False, host="localhost")
    try:
        _ready(door)
        yield Stack(
            "gunicorn --workers 4 and nginx by the book",
            door,
            hand.restart,
            lambda: [hand.child.pid],
        )
    finally:
        proxy.stop()
        hand.stop()


@contextlib.contextmanager
def ours(
    name: str, url: str, *pairs: str, proxy: str = "nginx", kind: str = "plain"
) -> Iterator[Stack]:
    """Run what init makes with these answers, its own text on the stage."""
    said = ("data.database=postgresql", "sizing.cores=2", SITE, *pairs)
    words = [*said, f"hosting.proxy={proxy}"]
    if proxy == "none":
        words.append(f"hosting.bind=127.0.0.1:{free_port()}")
    program = "" if proxy == "none" else needed(proxy)
    tree = "notes/pages" if kind == "plain" else "ticker/pages"
    edit = (lambda root: _page(root, tree)) if kind == "plain" else (lambda _root: None)
    secrets = {"DATABASE_URL": url}
    with served(kind, *words, program=program, edit=edit, secrets=secrets) as live:
        if proxy == "none":
            port = int(live.on.text("server.listen").rpartition(":")[2])
            door = Door(port, tls=False, host=live.host)
        else:
            door = Door(live.on.https, tls=True, host=live.host)

        def pids() -> list[int]:
            server = getattr(live.app, "server", None)
            found = [server.pid] if server else []
            return found + ([live.proxy.pid] if live.proxy else [])

        yield Stack(name, door, live.app.restart, pids)


def _hashed(stack: Stack) -> str:
    body = stack.door.get("/")[1].decode()
    found = re.search(r'"(/static/[^"]+\.[0-9a-f]{12}\.(?:css|js))"', body)
    return found[1] if found else "/static/none"


def _rounds(stacks: list[Stack]) -> list[dict[str, Any]]:
    """Load every stack in turn, round after round."""
    paths = {stack.name: _paths(stack) for stack in stacks}
    seen: dict[tuple[str, str], list[dict[str, float]]] = {}
    for number in range(ROUNDS):
        for kind in ("page", "static", "healthz"):
            for stack in stacks[:: -1 if number % 2 else 1]:
                path = paths[stack.name].get(kind)
                if path:
                    found = rate(stack.door, path)
                    seen.setdefault((stack.name, kind), []).append(found)
    return [
        {
            "stack": name,
            "kind": kind,
            "rate": median(row["rate"] for row in rows),
            "rates": [row["rate"] for row in rows],
            "p99": median(row["p99"] for row in rows),
            "failed": sum(row["failed"] for row in rows),
        }
        for (name, kind), rows in seen.items()
    ]


def _paths(stack: Stack) -> dict[str, str]:
    """Return what this stack can be asked; the bare commands serve no static file."""
    found = {"page": "/one/", "healthz": "/healthz/"}
    with contextlib.suppress(OSError):
        path = _hashed(stack)
        if stack.door.get(path)[0] == HTTPStatus.OK:
            found["static"] = path
    return found


def _restarts(stacks: list[Stack]) -> list[dict[str, Any]]:
    """Restart each stack once while visitors keep coming."""
    found = []
    for stack in stacks:
        visitors = Visitors(stack.door, "/one/")
        visitors.during(stack.restart)
        _ready(stack.door)
        row = {"stack": stack.name, "asked": visitors.asked}
        found.append({**row, "failed": visitors.failed, "said": visitors.said})
    return found


def run(folder: Path) -> dict[str, Any]:
    """Run every stack, and return what was seen."""
    with contextlib.ExitStack() as all_of, postgresql() as database:
        port, url = database.service.port, database.url
        root = _by_hand(folder, port)
        stacks = [
            all_of.enter_context(stack)
            for stack in (
                ours("ours: gunicorn and nginx", url),
                ours("ours: gunicorn and caddy", url, proxy="caddy"),
                ours("ours: uvicorn and nginx", url, "hosting.interface=asgi"),
                by_hand("gunicorn --workers 4", root, "gunicorn"),
                by_hand("uvicorn --workers 4", root, "uvicorn"),
                by_the_book(root, folder),
                by_hand(
                    "gunicorn --workers 4 and WhiteNoise",
                    root,
                    "gunicorn",
                    "config.white",
                ),
            )
        ]
        rows = _rounds(stacks)
        memory = {stack.name: resident(stack.pids()) for stack in stacks}
        restarts = _restarts(stacks)
    counted = pools(root, port)
    found = {"served": rows, "memory": memory, "restarts": restarts, **streams(folder)}
    return {**found, "connections": counted}


def pools(root: Path, port: int) -> list[dict[str, Any]]:
    """Count what each ASGI stack holds of a database that only it uses."""
    found = []
    with postgresql() as database:
        made = ours("ours: uvicorn and nginx", database.url, "hosting.interface=asgi")
        with made as stack:
            row = connections(stack.door, "/one/", database)
            found.append({"stack": stack.name, **row})
    with postgresql() as database:
        bare = root / "config" / "bare.py"
        for place in (bare, root / "config" / "white.py"):
            text = place.read_text().replace(str(port), str(database.service.port))
            place.write_text(text)
        _migrated(root)
        with by_hand("uvicorn --workers 4", root, "uvicorn") as stack:
            row = connections(stack.door, "/one/", database)
            found.append({"stack": stack.name, **row})
    return found


def streams(folder: Path) -> dict[str, Any]:
    """Hold streams open on our stack and on the bare command."""
    found = {}
    root = folder / "streams"
    kind = "sse_async"
    shutil.copytree(ROOT / "tests" / "projects" / kind, root)
    bare = "from config.settings import *\nDEBUG = False\nALLOWED_HOSTS = ['*']\n"
    (root / "config" / "bare.py").write_text(bare + "STATIC_ROOT = '/nowhere'\n")
    health = root / "ticker" / "pages" / "healthz"
    health.mkdir()
    (health / "page.py").write_text(HEALTH)
    path = "/live/?gap=2&count=60"
    with by_hand("uvicorn --workers 4", root, "uvicorn") as stack:
        found[stack.name] = held(stack.door, path, stack.pids())
    with postgresql() as database:
        made = ours("ours: ASGI and nginx", database.url, kind=kind)
        with made as stack:
            found[stack.name] = held(stack.door, path, stack.pids())
    return {"streams": found}
