from __future__ import annotations

import ast
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nextwizard.adopt.urls import add_health_urls
from nextwizard.errors import InputError


if TYPE_CHECKING:
    from pathlib import Path


BOTH = (("healthz/", "healthz"), ("readyz/", "readyz"))

STOCK = '''\
"""
URL configuration for config project.
"""
from django.contrib import admin
from django.urls import path

urlpatterns = [
    path('admin/', admin.site.urls),
]
'''

ADDED = """\

# nextwizard: health endpoints, outside every prefix, language and login
urlpatterns = [
    path("healthz/", healthz),
    path("readyz/", readyz),
    *urlpatterns,
]
"""

I18N = "from django.conf.urls.i18n import i18n_patterns\n"
ALL = "from django.urls import re_path\ndef rest(request): pass\n"

URLCONFS = {
    "stock": STOCK,
    "empty": "urlpatterns = []",
    "tuple": "from django.urls import include, path\nurlpatterns = ()\n",
    "annotated": "from django.urls import path\nurlpatterns: list[object] = []\n",
    "catch-all": ALL + "urlpatterns = [re_path('', rest)]\n",
    "i18n": ALL + I18N + "urlpatterns = i18n_patterns(re_path('', rest)) + []\n",
    "added to": ALL + I18N + "urlpatterns = []\n"
    "urlpatterns += i18n_patterns(re_path('', rest), prefix_default_language=False)\n",
    "appended to": ALL + "urlpatterns = []\nurlpatterns.append(re_path('', rest))\n",
    "under an if": "if True:\n    urlpatterns = []\nelse:\n    urlpatterns = [1]",
    "docstring and semicolon": '"""Doc."""; urlpatterns = []\n',
    "docstring only before": '"""Doc."""\n\nurlpatterns = []\n',
    "future": "from __future__ import annotations\nurlpatterns = []\n",
    "import and semicolon": "from django.urls import path; urlpatterns = []\n",
    "import last of all": "urlpatterns = []\nimport os",
    "import last with a comment": "urlpatterns = []\nimport os  # é",
    "import over lines": "from django.urls import (\n    include,  # )\n    path,\n)\n"
    "urlpatterns = [path('x/', include([]))]\n",
    "import with backslash": "from django.urls \\\n    import path\nurlpatterns = []\n",
    "another path": "from os import path\nfrom django.urls import path as route\n"
    "urlpatterns = [route(path.basename('a/x/'), print)]\n",
    "path bound later": "from django.urls import path\nurlpatterns = []\npath = 'x'\n",
    "path in a function": "from django.urls import path\n"
    "def serve(request, path, healthz): pass\nurlpatterns = [path('x/', serve)]\n",
    "path in a try": "try:\n    from django.urls import path\nexcept ImportError:\n"
    "    path = None\nurlpatterns = []\n",
    "their own healthz": "from django.urls import path\ndef healthz(request): pass\n"
    "readyz = _readyz = None\nurlpatterns = [path('healthz/', healthz)]\n",
    "their own import": "from config.health import readyz, other\nurlpatterns = []\n"
    "USED = other\n",
    "their own first": "from django.urls import path\nurlpatterns = []\n"
    "urlpatterns = [path('x/', print), *urlpatterns]\n",
    "their own call first": "def made(): return made\nurlpatterns = []\n"
    "from django.urls import URLPattern, resolvers\n"
    "def found(): return URLPattern(resolvers.RoutePattern('x'), made)\n"
    "urlpatterns = [found(), *urlpatterns]\n",
    "their own copy": "urlpatterns = []\nurlpatterns = [*urlpatterns]\n",
    "star": "from config.more import *\n",
    "decorated first": "@(lambda f: f)\ndef view(request): pass\nurlpatterns = []\n",
    "form feed and tabs": "import os\n\x0c\nif os:\n\turlpatterns = [\n\t]\n\t\n",
    "trailing blank": "urlpatterns = []\n\n\n",
    "trailing space": "urlpatterns = []\n   ",
}

_RESOLVE = r"""
import importlib, json, sys
from django.conf import settings
sys.dont_write_bytecode = True
settings.configure(SECRET_KEY="x", USE_I18N=True, INSTALLED_APPS=[
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes"])
import django
django.setup()
from django.urls import resolve
root, modules = json.loads(sys.stdin.read())
sys.path.insert(0, root)
said = {}
for module in modules:
    found = [resolve(at, urlconf=module).func for at in ("/healthz/", "/readyz/")]
    said[module] = [f"{view.__module__}.{view.__qualname__}" for view in found]
print(json.dumps(said))
"""


def added(data: bytes, entries: tuple[tuple[str, str], ...] = BOTH) -> bytes:
    made = add_health_urls(data, module="config.health", entries=entries)
    again = add_health_urls(made, module="config.health", entries=entries)
    assert again == made
    return made


def test_the_stock_file_gets_one_import_and_one_block() -> None:
    imported = "from config.health import healthz, readyz\n"
    anchor = "from django.urls import path\n"
    expected = STOCK.replace(anchor, anchor + imported) + ADDED
    assert added(STOCK.encode()).decode() == expected


@pytest.mark.parametrize("shape", URLCONFS)
def test_every_byte_of_the_user_stays(shape: str) -> None:
    text = URLCONFS[shape]
    for data in (
        text.encode(),
        text.encode().replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + text.encode(),
    ):
        made = added(data)
        rest = iter(made)
        assert all(byte in rest for byte in data)
        assert b"\r\n" not in data or made.count(b"\n") == made.count(b"\r\n")


def test_django_resolves_to_the_views_in_every_shape(tmp_path: Path) -> None:
    pytest.importorskip("django", reason="Django is not installed")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/more.py").write_text("urlpatterns = []\n")
    (tmp_path / "config/health.py").write_text(
        "def healthz(request): pass\ndef readyz(request): pass\nother = 1\n",
    )
    modules = []
    for number, text in enumerate(URLCONFS.values()):
        modules.append(f"urls{number}")
        (tmp_path / f"urls{number}.py").write_bytes(added(text.encode()))
    said = subprocess.run(
        [sys.executable, "-c", _RESOLVE],
        input=json.dumps([str(tmp_path), modules]),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    views = ["config.health.healthz", "config.health.readyz"]
    assert json.loads(said.stdout) == dict.fromkeys(modules, views)


def test_a_changed_route_changes_the_block_and_nothing_else() -> None:
    both = added(STOCK.encode())
    one = added(both, (("status/ok/", "healthz"),))
    assert b'    path("status/ok/", healthz),\n    *urlpatterns,\n' in one
    assert b"readyz" not in one
    assert one.count(b"urlpatterns = [") == 2
    assert added(one) == both


def test_a_view_the_user_needs_stays_imported() -> None:
    text = STOCK.replace("admin.site.urls", "readyz") + "\nSEEN = readyz\n"
    both = added(text.encode())
    one = added(both, BOTH[:1])
    assert b"from config.health import healthz, readyz\n" in one


def test_a_block_the_user_formatted_is_left_alone() -> None:
    data = added(STOCK.encode())
    tidy = data.replace(
        ADDED.encode(),
        b"# ours\nurlpatterns = [path('healthz/', "
        b"healthz), path('readyz/', readyz), *urlpatterns]\n",
    )
    assert tidy != data
    assert added(tidy) == tidy


def test_a_route_is_a_plain_python_string() -> None:
    entries = (('a"b\\c/', "healthz"),)
    made = added(b"urlpatterns = []\n", entries)
    block = ast.parse(made).body[-1]
    assert isinstance(block, ast.Assign)
    assert ast.unparse(block.value).startswith(f"[path({entries[0][0]!r}, healthz)")


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"patterns = []\n", "app/urls.py"),
        (b"def f():\n    urlpatterns = []\n", "app/urls.py"),
        (b"urlpatterns = [\n\n", "app/urls.py:1"),
        (b"urlpatterns = []\n# \xff", "app/urls.py:2"),
    ],
)
def test_a_file_without_patterns_is_named(data: bytes, where: str) -> None:
    with pytest.raises(InputError) as caught:
        add_health_urls(data, module="m", entries=BOTH, path="app/urls.py")
    assert [each.where for each in caught.value.problems] == [where]
    assert all(each.fix for each in caught.value.problems)
