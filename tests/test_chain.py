"""Projects as people really shape them: init --yes, and then Django itself answers."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest


if TYPE_CHECKING:
    from collections.abc import Callable

    type Shape = Callable[[Path], None]


PLAIN = Path(__file__).parent / "projects/plain"
DUMP = """
import django, json, re
from django.conf import settings
django.setup()
names = sorted(name for name in dir(settings) if name.isupper())
plain = lambda value: re.sub(r"0x[0-9a-f]+", "", repr(value))
rows = {name: plain(getattr(settings, name)) for name in names}
rows.pop("SETTINGS_MODULE", None)
print(json.dumps(rows))
"""
ASK = """
import django, json
django.setup()
from django.test import Client
from django.test.utils import override_settings
visitor = Client(HTTP_HOST="notes.example.org", raise_request_exception=False)
told = {}
for path in ("/healthz/", "/readyz/", "/"):
    answer = visitor.get(path, secure=True)
    body = answer.text if not answer.streaming else ""
    told[path] = [answer.status_code, body[:300]]
bare = Client(HTTP_HOST="notes.example.org").get("/healthz/")
told["plain http"] = [bare.status_code, bare.text]
print(json.dumps(told))
"""


def change(root: Path, path: str, *pairs: tuple[str, str]) -> None:
    text = (root / path).read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    (root / path).write_text(text, encoding="utf-8")


def add(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    with (root / path).open("a", encoding="utf-8") as file:
        file.write(text)


def as_it_is(_root: Path) -> None:
    """Change nothing."""


def below_a_mount(root: Path) -> None:
    change(
        root,
        "config/urls.py",
        ("path('admin/', admin.site.urls)", "path('django/', admin.site.urls)"),
        ("path('', include", "path('app/', include"),
    )


def in_languages(root: Path) -> None:
    change(
        root,
        "config/urls.py",
        (
            "from django.urls import include, path",
            (
                "from django.conf.urls.i18n import i18n_patterns\n"
                "from django.urls import include, path"
            ),
        ),
        (
            (
                "urlpatterns = [\n    path('admin/', admin.site.urls),\n"
                "    path('', include('next.urls')),\n]"
            ),
            (
                "urlpatterns = i18n_patterns(\n    path('admin/', admin.site.urls),\n"
                "    path('', include('next.urls')),\n)"
            ),
        ),
    )
    change(
        root,
        "config/settings.py",
        (
            "    'django.middleware.common.CommonMiddleware',",
            (
                "    'django.middleware.locale.LocaleMiddleware',\n"
                "    'django.middleware.common.CommonMiddleware',"
            ),
        ),
    )


def behind_a_login(root: Path) -> None:
    change(
        root,
        "config/settings.py",
        (
            "    'django.contrib.messages.middleware.MessageMiddleware',",
            (
                "    'django.contrib.auth.middleware.LoginRequiredMiddleware',\n"
                "    'django.contrib.messages.middleware.MessageMiddleware',"
            ),
        ),
    )


def with_a_catch_all(root: Path) -> None:
    add(root, "notes/pages/[[path]]/template.djx", "<p>anything</p>\n")


def with_other_names(root: Path) -> None:
    (root / "notes/pages").rename(root / "notes/screens")
    add(root, "shell/layout.djx", (root / "notes/screens/layout.djx").read_text())
    (root / "notes/screens/layout.djx").unlink()
    add(
        root,
        "config/settings.py",
        "\nNEXT_FRAMEWORK = {\n"
        '    "PAGE_BACKENDS": [\n        {\n'
        '            "BACKEND": "next.urls.FileRouterBackend",\n'
        '            "PAGES_DIR": "screens",\n'
        '            "APP_DIRS": True,\n'
        '            "DIRS": [str(BASE_DIR / "shell")],\n'
        '            "OPTIONS": {},\n        }\n    ],\n}\n',
    )


def with_pages_of_the_project(root: Path) -> None:
    (root / "notes/pages").rename(root / "site_pages")
    add(
        root,
        "config/settings.py",
        "\nNEXT_FRAMEWORK = {\n"
        '    "PAGE_BACKENDS": [\n        {\n'
        '            "BACKEND": "next.urls.FileRouterBackend",\n'
        '            "PAGES_DIR": "pages",\n'
        '            "APP_DIRS": False,\n'
        '            "DIRS": [BASE_DIR / "site_pages"],\n'
        '            "OPTIONS": {},\n        }\n    ],\n}\n',
    )


def with_os_path(root: Path) -> None:
    change(
        root,
        "config/settings.py",
        ("from pathlib import Path", "import os"),
        (
            "BASE_DIR = Path(__file__).resolve().parent.parent",
            "BASE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))",
        ),
        ("BASE_DIR / 'db.sqlite3'", "os.path.join(BASE_DIR, 'db.sqlite3')"),
    )


def with_local_settings(root: Path) -> None:
    add(
        root,
        "config/settings.py",
        "\ntry:\n    from .local_settings import *\nexcept ImportError:\n    pass\n",
    )
    add(root, "config/local_settings.py", "TIME_ZONE = 'Europe/Tallinn'\n")


def with_a_package_of_settings(root: Path) -> None:
    (root / "config/settings").mkdir()
    (root / "config/settings.py").rename(root / "config/settings/base.py")
    change(
        root,
        "config/settings/base.py",
        ("resolve().parent.parent", "resolve().parent.parent.parent"),
    )
    add(root, "config/settings/__init__.py", "")
    add(
        root,
        "config/settings/local.py",
        "from config.settings.base import *\n\nINTERNAL_IPS = ['127.0.0.1']\n",
    )
    add(
        root,
        "config/settings/production.py",
        "import os\n\nfrom config.settings.base import *\n\nDEBUG = False\n"
        "ALLOWED_HOSTS = ['notes.example.org']\n"
        "SECRET_KEY = os.environ['SECRET_KEY']\n",
    )
    change(root, "manage.py", ("config.settings", "config.settings.local"))
    change(root, "pytest.ini", ("config.settings", "config.settings.local"))
    for name in ("wsgi", "asgi"):
        change(
            root, f"config/{name}.py", ("config.settings", "config.settings.production")
        )


def with_a_key_in_the_code(root: Path) -> None:
    """A package of settings whose production module never mentions the key."""
    with_a_package_of_settings(root)
    change(
        root,
        "config/settings/production.py",
        ("SECRET_KEY = os.environ['SECRET_KEY']\n", ""),
        ("import os\n\n", ""),
    )


def in_src(root: Path) -> None:
    (root / "src").mkdir()
    for name in ("config", "notes"):
        (root / name).rename(root / "src" / name)
    change(
        root, "src/config/settings.py", (".parent.parent\n", ".parent.parent.parent\n")
    )
    change(root, "manage.py", ("import os\n", "import os\nimport sys\n"))
    text = (root / "manage.py").read_text(encoding="utf-8")
    text = text.replace("import sys\nimport sys\n", "import sys\n")
    at = text.index("def main")
    way = 'sys.path.insert(0, os.path.join(os.path.dirname(__file__), "src"))\n\n\n'
    (root / "manage.py").write_text(text[:at] + way + text[at:], encoding="utf-8")


def with_a_tenant_header(root: Path) -> None:
    add(
        root,
        "notes/middleware.py",
        "from django.http import HttpResponseBadRequest\n\n\n"
        "class TenantMiddleware:\n"
        "    def __init__(self, get_response):\n"
        "        self.get_response = get_response\n\n"
        "    def __call__(self, request):\n"
        "        if request.path.startswith('/admin/'):\n"
        "            return HttpResponseBadRequest('no tenant')\n"
        "        return self.get_response(request)\n",
    )
    change(
        root,
        "config/settings.py",
        (
            "    'django.middleware.clickjacking",
            (
                "    'notes.middleware.TenantMiddleware',\n"
                "    'django.middleware.clickjacking"
            ),
        ),
    )


def with_a_partial_version(root: Path) -> None:
    add(
        root,
        "config/settings.py",
        "\nNEXT_FRAMEWORK = {\n"
        '    "PARTIAL_BACKENDS": [\n        {\n'
        '            "BACKEND": "next.partial.JsonPartialProtocolBackend",\n'
        '            "OPTIONS": {"VERSION": "v1"},\n        }\n    ],\n'
        '    "SITE": {"NAME": "Notes"},\n}\n',
    )


def with_wide_hosts(root: Path) -> None:
    change(
        root,
        "config/settings.py",
        ("ALLOWED_HOSTS = []", "ALLOWED_HOSTS = ['*']"),
        ("'DIRS': [],", "'DIRS': [BASE_DIR / 'templates'],"),
    )
    add(
        root,
        "config/settings.py",
        "\nSTATICFILES_DIRS = [BASE_DIR / 'assets']\n"
        "CACHES = {'default': {'BACKEND': "
        "'django.core.cache.backends.locmem.LocMemCache'}}\n"
        "SESSION_ENGINE = 'django.contrib.sessions.backends.cached_db'\n"
        "X_FRAME_OPTIONS = 'SAMEORIGIN'\n",
    )
    add(root, "assets/site.css", "body { margin: 0 }\n")


def with_few_middlewares(root: Path) -> None:
    change(
        root,
        "config/settings.py",
        ("    'django.middleware.security.SecurityMiddleware',\n", ""),
        ("    'django.middleware.clickjacking.XFrameOptionsMiddleware',\n", ""),
    )


def with_crlf_and_a_bom(root: Path) -> None:
    path = root / "config/settings.py"
    text = path.read_text(encoding="utf-8").replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())


def with_a_static_backend(root: Path) -> None:
    add(
        root,
        "notes/backends.py",
        "from next.static import StaticFilesBackend\n\n\n"
        "class Versioned(StaticFilesBackend):\n"
        "    def render_link_tag(self, url, *, nonce=None, **rest):\n"
        "        return super().render_link_tag(url, nonce=nonce, **rest)\n",
    )


SHAPES: tuple[Shape, ...] = (
    as_it_is,
    below_a_mount,
    in_languages,
    behind_a_login,
    with_a_catch_all,
    with_other_names,
    with_pages_of_the_project,
    with_os_path,
    with_local_settings,
    with_a_package_of_settings,
    with_a_key_in_the_code,
    in_src,
    with_a_tenant_header,
    with_a_partial_version,
    with_wide_hosts,
    with_few_middlewares,
    with_crlf_and_a_bom,
    with_a_static_backend,
)
QUICK = (as_it_is, below_a_mount, in_languages, with_a_catch_all, in_src, with_os_path)
"""Those of `make test`: each way the health page and the settings take. The others take
ten seconds each and are for `make proof`."""

MOVED = frozenset({"below_a_mount", "in_languages", "behind_a_login"})
"""Where `/` is not the page: 404, or a redirect to a language or a login."""


def run(root: Path, *words: str, **more: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=root,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **more},
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def module(root: Path, path: str) -> str:
    text = (root / path).read_text(encoding="utf-8-sig")
    found = re.search(r"DJANGO_SETTINGS_MODULE['\"], *['\"]([\w.]+)", text)
    assert found is not None, text
    return found[1]


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(shape, marks=[] if shape in QUICK else pytest.mark.proof)
        for shape in SHAPES
    ],
    ids=lambda shape: shape.__name__,
)
def test_a_project_of_this_shape_is_taken_to_production(
    shape: Shape, tmp_path: Path
) -> None:
    leftovers = shutil.ignore_patterns("__pycache__", "db.sqlite3", "staticfiles")
    root = shutil.copytree(PLAIN, tmp_path / "notes", ignore=leftovers)
    shape(root)
    source = {"PYTHONPATH": str(root / "src")} if (root / "src").is_dir() else {}
    dev = {"DJANGO_SETTINGS_MODULE": module(root, "manage.py"), **source}
    before = json.loads(run(root, "-c", DUMP, **dev))
    told = run(
        Path(tmp_path),
        *("-m", "nextwizard", "init", str(root), "--yes"),
        *("--set", "hosting.domains=notes.example.org"),
    )
    dev = {"DJANGO_SETTINGS_MODULE": module(root, "manage.py"), **source}
    assert json.loads(run(root, "-c", DUMP, **dev)) == before
    package = root / "src/config" if source else root / "config"
    prod = {
        "DJANGO_SETTINGS_MODULE": module(root, str(package / "wsgi.py")),
        "SECRET_KEY": "for-this-test-alone-" * 3,
        "EMAIL_HOST": "localhost",
        "STATE_DIRECTORY": str(tmp_path / "state"),
        **source,
    }
    (tmp_path / "state/media").mkdir(parents=True)
    run(root, "manage.py", "migrate", "--verbosity", "0", **prod)
    run(root, "manage.py", "collectstatic", "--noinput", "--verbosity", "0", **prod)
    deploy = ("check", "--deploy", "--fail-level", "WARNING")
    found = run(root, "manage.py", *deploy, **prod)
    assert "no issues" in found, found
    answers = json.loads(run(root, "-c", ASK, **prod).splitlines()[-1])
    well = [200, '{"status": "ok"}']
    assert answers["/healthz/"] == well, told
    assert answers["plain http"] == well
    assert answers["/readyz/"][0] == 200, answers
    if shape.__name__ not in MOVED:
        assert answers["/"][0] == 200, answers["/"]
        assert "next.min" in answers["/"][1] or "Notes" in answers["/"][1]
