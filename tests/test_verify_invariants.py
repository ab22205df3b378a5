"""Each invariant: it holds in what is generated, and one edit of a file breaks it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from support import missing
from verifying import checked, deployed, edit

from nextwizard.verify import INVARIANTS


if TYPE_CHECKING:
    from pathlib import Path


SITE, DEFAULT = "deploy/nginx/notes.conf", "deploy/nginx/00-default.conf"
INC, WS = "deploy/nginx/notes_proxy.inc", "deploy/nginx/notes_ws.inc"
CADDY, CADDYFILE = "deploy/caddy/notes.caddy", "deploy/caddy/Caddyfile"
UNIT, SOCKET = "deploy/systemd/notes.service", "deploy/systemd/notes.socket"
PROGRAM, GUNICORN = "deploy/supervisor/notes.conf", "deploy/gunicorn.conf.py"
PROD = "config/settings/prod.py"
ON_CADDY = ("hosting.proxy=caddy",)
COMPOSE = ("hosting.target=compose", "hosting.proxy=caddy")
CLUSTER = ("hosting.target=kubernetes", "data.database=postgresql")
SUPERVISED = ("hosting.target=supervisor",)


@dataclass(frozen=True, slots=True)
class Break:
    """One edit, and the invariant that must name its line."""

    key: str
    path: str
    old: str
    new: str
    words: str
    kind: str = "plain"
    pairs: tuple[str, ...] = ()
    lost: bool = False


BREAKS = (
    Break(
        "health.path",
        DEFAULT,
        "location = /healthz/",
        "location = /health/",
        "the default server does not hand /healthz/",
    ),
    Break(
        "health.path",
        SITE,
        "location = /healthz/",
        "location = /alive/",
        "plain http does not hand /healthz/",
    ),
    Break(
        "health.path",
        CADDYFILE,
        "handle /healthz/ {",
        "handle /health/ {",
        "the default server does not hand /healthz/",
        pairs=ON_CADDY,
    ),
    Break(
        "health.answer",
        DEFAULT,
        "proxy_set_header Host notes.example.org;",
        "proxy_set_header Host other.example.org;",
        "refuses the probe's Host other.example.org",
    ),
    Break(
        "health.answer",
        CADDYFILE,
        "header_up Host notes.example.org",
        "header_up Host other.example.org",
        "refuses the probe's Host other.example.org",
        pairs=ON_CADDY,
    ),
    Break(
        "proxy.scheme",
        PROD,
        'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")',
        "SECURE_PROXY_SSL_HEADER = None",
        "believes no header",
    ),
    Break(
        "proxy.scheme",
        PROD,
        "HTTP_X_FORWARDED_PROTO",
        "HTTP_X_SCHEME",
        "a visitor can set X-SCHEME here",
    ),
    Break(
        "proxy.scheme",
        INC,
        "proxy_set_header X-Forwarded-Proto $scheme;",
        "proxy_set_header X-Forwarded-Proto $http_x_forwarded_proto;",
        "as the visitor sent it",
    ),
    Break(
        "proxy.scheme",
        SITE,
        "    location / {\n        proxy_pass http://notes_app;\n"
        "        include snippets/notes_proxy.inc;",
        "    location / {\n        proxy_pass http://notes_app;\n"
        "        proxy_set_header Host $host;",
        "a visitor can set X-FORWARDED-PROTO here",
    ),
    Break(
        "proxy.scheme",
        CADDY,
        "header_up -X-Forwarded-Ssl",
        "header_up X-Forwarded-Proto {http.request.header.X-Forwarded-Proto}",
        "as the visitor sent it",
        pairs=ON_CADDY,
    ),
    Break(
        "proxy.visitor",
        INC,
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        "keeps what the visitor wrote",
    ),
    Break(
        "proxy.names",
        SITE,
        "server_name notes.example.org;",
        "server_name shop.example.org;",
        "answers 400 to shop.example.org",
    ),
    Break(
        "proxy.names",
        CADDY,
        "http://notes.example.org {",
        "http://notes.example.org, http://shop.example.org {",
        "answers 400 to shop.example.org",
        pairs=ON_CADDY,
    ),
    Break(
        "proxy.names",
        PROD,
        '_list("ALLOWED_HOSTS", ["notes.example.org"])',
        '_list("ALLOWED_HOSTS", ["www.example.org"])',
        "answers 400 to notes.example.org",
    ),
    Break(
        "body.size",
        SITE,
        "client_max_body_size 10m;",
        "client_max_body_size 1m;",
        "the proxy only 1m",
    ),
    Break(
        "body.size",
        CADDY,
        "max_size 10MiB",
        "max_size 900KB",
        "the proxy only 900KB",
        pairs=ON_CADDY,
    ),
    Break(
        "body.size",
        PROD,
        "DEBUG = False",
        "DEBUG = False; DATA_UPLOAD_MAX_MEMORY_SIZE = 50_000_000",
        "Django takes forms of 50000000 bytes",
        lost=True,
    ),
    Break(
        "stream.heartbeat",
        SITE,
        "proxy_read_timeout 3600s;",
        "proxy_read_timeout 20s;",
        "beats every 25 s and is cut after 20 s",
        kind="sse_async",
    ),
    Break(
        "stream.heartbeat",
        PROD,
        '"STRICT_CONTEXT": True,',
        '"STRICT_CONTEXT": True, "PARTIAL_BACKENDS": [{"BACKEND": '
        '"next.partial.JsonPartialProtocolBackend", '
        '"OPTIONS": {"SSE": {"HEARTBEAT_SECONDS": 7200}}}],',
        "beats every 7200 s",
        kind="sse_async",
        lost=True,
    ),
    Break(
        "stream.upgrade",
        WS,
        "proxy_set_header Upgrade $http_upgrade;\n",
        "",
        "upgrade not set",
        kind="channels_ws",
        lost=True,
    ),
    Break(
        "socket.path",
        SITE,
        "server unix:/run/notes.sock",
        "server unix:/run/other.sock",
        "the proxy asks unix:/run/other.sock",
    ),
    Break(
        "socket.path",
        SOCKET,
        "ListenStream=/run/notes.sock",
        "ListenStream=/run/app.sock",
        "the server listens on unix:/run/app.sock",
    ),
    Break(
        "socket.path",
        CADDY,
        "reverse_proxy unix//run/notes.sock",
        "reverse_proxy 127.0.0.1:8000",
        "the proxy asks 127.0.0.1:8000",
        pairs=ON_CADDY,
    ),
    Break(
        "socket.path",
        PROGRAM,
        "socket = unix:///run/notes.sock",
        "socket = unix:///run/app.sock",
        "listens on unix:/run/app.sock",
        pairs=SUPERVISED,
    ),
    Break(
        "socket.path",
        UNIT,
        "--uds /run/notes/notes.sock",
        "--uds /run/notes/other.sock",
        "listens on unix:/run/notes/other.sock",
        kind="sse_async",
        pairs=("hosting.server=granian",),
    ),
    Break(
        "socket.access",
        SOCKET,
        "SocketMode=0660",
        "SocketMode=0600",
        "the group may not write",
    ),
    Break(
        "socket.access",
        SOCKET,
        "SocketMode=0660",
        "SocketMode=0666",
        "every account of this host",
    ),
    Break(
        "socket.access",
        SOCKET,
        "SocketGroup=www-data",
        "SocketGroup=notes",
        "www-data is not in the socket's group, which is notes",
    ),
    Break(
        "socket.access",
        PROGRAM,
        "socket_mode = 0660",
        "socket_mode = 0600",
        "the group may not write",
        pairs=SUPERVISED,
    ),
    Break(
        "socket.access",
        UNIT,
        "RuntimeDirectoryMode=0750",
        "RuntimeDirectoryMode=0700",
        "cannot enter the socket's directory",
        kind="sse_async",
        pairs=("hosting.server=granian",),
    ),
    Break(
        "time.graceful",
        UNIT,
        "TimeoutStopSec=35",
        "TimeoutStopSec=20",
        "killed after 20 s",
    ),
    Break(
        "time.graceful",
        GUNICORN,
        "graceful_timeout = 25",
        "graceful_timeout = 60",
        "requests may take 60 s",
    ),
    Break(
        "time.graceful",
        UNIT,
        "--timeout-graceful-shutdown 25",
        "--timeout-graceful-shutdown 90",
        "requests may take 90 s",
        kind="sse_async",
        pairs=("hosting.server=uvicorn",),
    ),
    Break(
        "time.graceful",
        PROGRAM,
        "stopwaitsecs = 35",
        "stopwaitsecs = 5",
        "killed after 5 s",
        pairs=SUPERVISED,
    ),
    Break(
        "time.graceful",
        "deploy/uwsgi.ini",
        "worker-reload-mercy = 25",
        "worker-reload-mercy = 60",
        "requests may take 60 s",
        pairs=("hosting.server=uwsgi",),
    ),
    Break(
        "settings.module",
        UNIT,
        "DJANGO_SETTINGS_MODULE=config.settings.prod",
        "DJANGO_SETTINGS_MODULE=config.settings.dev",
        "config.settings.dev is named here",
    ),
    Break(
        "settings.module",
        "config/asgi.py",
        '"config.settings.prod"',
        '"config.settings.base"',
        "config.settings.base is named here",
    ),
    Break(
        "workers.memory",
        GUNICORN,
        "workers = size.workers",
        "workers = 64",
        "64 workers need 40 + 64 x 75 = 4840 MiB, and there are 2048",
    ),
    Break(
        "workers.memory",
        UNIT,
        "[Service]",
        "[Service]\nEnvironment=WEB_CONCURRENCY=64",
        "64 workers need",
        lost=True,
    ),
    Break(
        "workers.memory",
        UNIT,
        "KillMode=mixed",
        "MemoryMax=150M",
        "and there are 150",
    ),
    Break(
        "server.interface",
        GUNICORN,
        'wsgi_app = "config.wsgi:application"',
        'wsgi_app = "config.asgi:application"',
        "is ASGI, the server speaks WSGI",
    ),
    Break(
        "server.interface",
        GUNICORN,
        'worker_class = "gthread"',
        'worker_class = "asgi"',
        "is WSGI, the server speaks ASGI",
    ),
    Break(
        "server.interface",
        UNIT,
        "config.asgi:application",
        "config.wsgi:application",
        "streams from an async source",
        kind="sse_async",
        pairs=("hosting.server=uvicorn",),
    ),
    Break(
        "unit.sandbox",
        UNIT,
        "ExecStart=/srv/notes/",
        "ExecStart=/root/notes/",
        "lies under /root",
    ),
    Break(
        "unit.sandbox",
        UNIT,
        "ExecStart=/srv/notes/",
        "ExecStart=/home/me/notes/",
        "is hidden from the unit by ProtectHome=yes",
    ),
    Break(
        "unit.sandbox",
        UNIT,
        "PrivateTmp=yes",
        "PrivateTmp=no",
        "leaves no writable directory",
    ),
    Break(
        "static.folder",
        SITE,
        "alias /srv/notes/staticfiles/;",
        "alias /srv/notes/static/;",
        "the proxy looks in /srv/notes/static/, Django in /srv/notes/staticfiles",
    ),
    Break(
        "static.folder",
        CADDY,
        "root * /srv/notes/staticfiles",
        "root * /srv/notes/static",
        "the proxy looks in /srv/notes/static,",
        pairs=ON_CADDY,
    ),
    Break(
        "static.folder",
        PROD,
        'STATIC_ROOT = Path(os.environ.get("STATIC_ROOT", _root / "staticfiles"))',
        'STATIC_ROOT = _root / "public"',
        "Django in /srv/notes/public",
    ),
    Break(
        "static.storage",
        PROD,
        "storage.ManifestStaticFilesStorage",
        "storage.StaticFilesStorage",
        "stored by django.contrib.staticfiles.storage.StaticFilesStorage",
    ),
    Break(
        "time.graceful",
        "deploy/compose.yaml",
        'stop_grace_period: "35s"',
        'stop_grace_period: "20s"',
        "killed after 20 s",
        pairs=COMPOSE,
    ),
    Break(
        "time.graceful",
        "deploy/kubernetes/base/deployment.yaml",
        "terminationGracePeriodSeconds: 45",
        "terminationGracePeriodSeconds: 5",
        "killed after 5 s",
        kind="sse_async",
        pairs=CLUSTER,
    ),
    Break(
        "settings.module",
        "deploy/compose.yaml",
        'DJANGO_SETTINGS_MODULE: "config.settings.prod"',
        'DJANGO_SETTINGS_MODULE: "config.settings.dev"',
        "config.settings.dev is named here",
        pairs=COMPOSE,
    ),
    Break(
        "settings.module",
        "deploy/Dockerfile",
        'DJANGO_SETTINGS_MODULE="config.settings.prod"',
        'DJANGO_SETTINGS_MODULE="config.settings.dev"',
        "config.settings.dev is named here",
        pairs=COMPOSE,
    ),
    Break(
        "settings.module",
        "deploy/kubernetes/base/config.env",
        "DJANGO_SETTINGS_MODULE=config.settings.prod",
        "DJANGO_SETTINGS_MODULE=config.settings.dev",
        "config.settings.dev is named here",
        kind="sse_async",
        pairs=CLUSTER,
    ),
    Break(
        "workers.memory",
        "deploy/kubernetes/base/config.env",
        "WEB_CONCURRENCY=1",
        "WEB_CONCURRENCY=8",
        "8 workers need",
        kind="sse_async",
        pairs=CLUSTER,
    ),
    Break(
        "socket.path",
        "deploy/caddy/notes.caddy",
        "reverse_proxy app:8000",
        "reverse_proxy app:9000",
        "the proxy asks app:9000",
        pairs=COMPOSE,
    ),
    Break(
        "server.interface",
        "deploy/Dockerfile",
        '"config.asgi:application"',
        '"config.wsgi:application"',
        "streams from an async source",
        kind="sse_async",
        pairs=CLUSTER,
    ),
    Break("settings.debug", PROD, "DEBUG = False", "DEBUG = True", "DEBUG is on"),
    Break(
        "data.connections",
        PROD,
        'DATABASES["default"]["NAME"] = _state',
        'DATABASES["default"]["OTHER"] = _state',
        "is read-only under ProtectSystem=strict",
        lost=True,
    ),
    Break(
        "data.connections",
        PROD,
        '{})["pool"] = {',
        '{})["pond"] = {',
        "no pool under ASGI",
        kind="sse_async",
        pairs=("data.database=postgresql",),
        lost=True,
    ),
)
"""`lost` marks edits whose line the invariant cannot know: it names the file."""


def name(row: Break) -> str:
    words = (row.new.split() or ["nothing"])[-1]
    return f"{row.key}-{row.path.rpartition('/')[2]}-{words[-30:]}"


@pytest.mark.parametrize("row", BREAKS, ids=name)
def test_an_edit_breaks_it(row: Break, tmp_path: Path) -> None:
    root = deployed(tmp_path, row.kind, *row.pairs)
    line = edit(root, row.path, row.old, row.new)
    found = [one for one in checked(root, row.key) if one.verdict != "ok"]
    assert found, "nothing was found"
    assert all(one.verdict == "failed" for one in found), found
    assert row.words in "\n".join(one.detail for one in found)
    places = [str(place) for one in found for place in one.evidence]
    if row.lost:
        assert places
    else:
        assert f"{row.path}:{line}" in places
    assert all(one.fix and one.link.startswith("https://") for one in found)


def test_a_probe_that_is_redirected_is_found(tmp_path: Path) -> None:
    root = deployed(tmp_path)
    exempt = 'SECURE_REDIRECT_EXEMPT = [r"^healthz/?$", '
    line = edit(root, PROD, exempt, "SECURE_REDIRECT_EXEMPT = [")
    # Liveness passes no middleware, so alone that line redirects no probe.
    assert [one.verdict for one in checked(root, "health.answer")] == ["ok"]
    edit(root, PROD, '    "config.liveness.liveness",\n', "")
    (found,) = checked(root, "health.answer")
    assert found.verdict == "failed"
    assert "redirects the probe to https" in found.detail
    assert f"{PROD}:{line}" in map(str, found.evidence)


def test_who_takes_the_settings_for_one_file_is_told(tmp_path: Path) -> None:
    root = deployed(tmp_path)
    urls = "from django.contrib import admin"
    line = edit(root, "config/urls.py", urls, f"from .settings import X\n{urls}")
    (root / ".github/workflows").mkdir(parents=True)
    (root / ".github/workflows/ci.yml").write_text("run: config.settings\n")
    named, imported = checked(root, "settings.named")
    assert [named.verdict, imported.verdict] == ["warning", "warning"]
    assert [*map(str, named.evidence)] == [".github/workflows/ci.yml:1"]
    assert [*map(str, imported.evidence)] == [f"config/urls.py:{line}"]
    assert "django.conf" in imported.fix
    with (root / "config/settings/__init__.py").open("a") as file:
        file.write("from .base import *\n")
    (named,) = checked(root, "settings.named")
    assert [*map(str, named.evidence)] == [".github/workflows/ci.yml:1"]


CLEAN = (
    ("plain", ()),
    ("plain", ON_CADDY),
    ("plain", SUPERVISED),
    ("sse_async", ("hosting.server=uvicorn", "data.database=postgresql")),
    ("sse_async", ("hosting.server=granian",)),
    ("sse_sync", ("hosting.server=uwsgi",)),
    ("channels_ws", ()),
    ("plain", COMPOSE),
    ("sse_async", CLUSTER),
    ("plain", ("hosting.target=procfile", "data.database=postgresql")),
    ("plain", (*SUPERVISED, "hosting.server=granian", "hosting.bind=[::1]:9000")),
)
NEEDS_HOST = {"tls.certificate", "host.interpreter"}


@pytest.mark.parametrize(("kind", "pairs"), CLEAN)
def test_what_is_generated_holds(
    kind: str, pairs: tuple[str, ...], tmp_path: Path
) -> None:
    root = deployed(tmp_path, kind, *pairs)
    found = checked(root, *(row.key for row in INVARIANTS))
    bad = [one for one in found if one.verdict in {"failed", "warning"}]
    assert not [one for one in bad if one.key != "server.wheel"]
    held = {"", "not used", *(one.detail for one in bad)}
    skipped = {one.key for one in found if one.detail not in held}
    assert skipped <= NEEDS_HOST


def test_every_invariant_has_an_edit_that_breaks_it() -> None:
    elsewhere = {
        "hosting.placeholder",
        "tls.certificate",
        "answers.contradicted",
        "packages",
        "server.wheel",
        "host.interpreter",
        "secret.file",
        "media.folder",
        "settings.named",
    }
    assert {row.key for row in BREAKS} | elsewhere == {row.key for row in INVARIANTS}
    for row in INVARIANTS:
        assert row.reason
        assert row.link.startswith("https://")


def test_a_placeholder_is_a_warning(tmp_path: Path) -> None:
    root = deployed(tmp_path)
    edit(root, "nextwizard.toml", "domains =", "# domains =")
    (found,) = checked(root, "hosting.placeholder")
    assert found.verdict == "warning"
    assert found.evidence[0].path == "nextwizard.toml"
    assert found.evidence[0].line > 0


def test_a_stored_answer_against_the_code_names_both(tmp_path: Path) -> None:
    root = deployed(tmp_path, "sse_async", "features.sse=async", "sizing.streams=8")
    assert checked(root, "answers.contradicted")[0].verdict == "ok"
    answers = root / "nextwizard.toml"
    text = answers.read_text().replace('sse = "async"', 'sse = "none"')
    answers.write_text(text)
    (found,) = checked(root, "answers.contradicted")
    assert found.verdict == "failed"
    at = text.splitlines().index(
        next(line for line in text.splitlines() if line.startswith("sse ="))
    )
    places = [str(place) for place in found.evidence]
    assert f"nextwizard.toml:{at + 1}" in places
    assert any(place.startswith("ticker/pages/live/page.py:") for place in places)


def test_a_package_that_is_missing_is_named(tmp_path: Path) -> None:
    root = deployed(tmp_path)
    path = root / "deploy/requirements.txt"
    path.write_text(path.read_text() + "no-such-package>=1.0\ngunicorn>=999.0\n")
    found = checked(root, "packages")
    lines = {str(one.evidence[0]): one for one in found}
    count = len(path.read_text().splitlines())
    assert "not installed" in lines[f"deploy/requirements.txt:{count - 1}"].detail
    assert "older than 999.0" in lines[f"deploy/requirements.txt:{count}"].detail
    assert {one.verdict for one in found} == {"warning"}


def test_the_wheel_of_uwsgi_is_named_where_a_reload_would_end_it(
    tmp_path: Path,
) -> None:
    if not importlib.util.find_spec("pyuwsgi"):
        missing("pyuwsgi")
    root = deployed(tmp_path, "plain", "hosting.server=uwsgi")
    (found,) = checked(root, "server.wheel")
    assert found.verdict == "warning"
    assert "a reload ends it" in found.detail
    assert "pip install uwsgi" in found.fix
    other = deployed(tmp_path / "other", "plain")
    assert [one.detail for one in checked(other, "server.wheel")] == ["not used"]


def test_a_secret_file_that_others_read_or_git_takes(tmp_path: Path) -> None:
    root = deployed(tmp_path)
    secret = root / "deploy/notes.env"
    secret.chmod(0o644)
    (found,) = checked(root, "secret.file")
    assert "mode 0644" in found.detail
    assert str(found.evidence[0]) == "deploy/notes.env"
    secret.chmod(0o600)
    ignore = root / ".gitignore"
    ignore.write_text(ignore.read_text().replace("deploy/notes.env", "deploy/x.env"))
    (found,) = checked(root, "secret.file")
    assert "git would take it" in found.detail


def on_host(root: Path, *pairs: str) -> Path:
    """Return a deployment whose root on the host is where it stands."""
    return deployed(root, "plain", f"hosting.root={root / 'notes'}", *pairs)


def test_on_the_host_certificates_and_interpreter_must_be_there(
    tmp_path: Path,
) -> None:
    place = f"/opt/nw-check-{os.getpid()}"
    if os.geteuid() != 0:
        pytest.skip("only root may make a directory that is no temporary one")
    try:
        os.mkdir(place)
        root = on_host_at(place, tmp_path)
        lost = checked(root, "tls.certificate")
        assert [one.verdict for one in lost] == ["failed", "failed"]
        text = (root / SITE).read_text().splitlines()
        at = next(n for n, line in enumerate(text, 1) if "ssl_certificate " in line)
        assert str(lost[0].evidence[0]) == f"{SITE}:{at}"
        (found,) = checked(root, "host.interpreter")
        assert "is not there" in found.detail
        link = root / ".venv/bin/python"
        link.parent.mkdir(parents=True)
        (tmp_path / "x").touch()
        link.symlink_to(sys.executable)
        (found,) = checked(root, "host.interpreter")
        real = os.path.realpath(sys.executable)
        hidden = real.startswith(("/root/", "/home/"))
        assert (found.verdict == "failed") == hidden
        assert (real in found.detail) == hidden
        assert checked(root, "packages")[0].verdict == "ok"
    finally:
        shutil.rmtree(place, ignore_errors=True)


def on_host_at(place: str, tmp_path: Path) -> Path:
    made = deployed(tmp_path, "plain", f"hosting.root={place}/notes")
    shutil.copytree(made, f"{place}/notes")
    return type(made)(f"{place}/notes")


@pytest.mark.parametrize("key", ["proxy.scheme", "body.size", "socket.path"])
def test_a_broken_file_is_no_traceback(key: str, tmp_path: Path) -> None:
    root = deployed(tmp_path)
    edit(root, SITE, "keepalive 16;", 'keepalive "16;')
    (found,) = checked(root, key)
    assert found.verdict == "skipped"
    assert found.detail.startswith(f"{SITE}:")


def test_a_project_that_does_not_import_skips_with_its_words(tmp_path: Path) -> None:
    root = deployed(tmp_path)
    edit(root, PROD, "DEBUG = False", "import no_such_thing")
    (found,) = checked(root, "static.storage")
    assert found.verdict == "skipped"
    assert "no_such_thing" in found.detail
