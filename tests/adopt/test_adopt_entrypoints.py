from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nextwizard.adopt import adopt_entrypoint, entrypoint, settings_module_of
from nextwizard.errors import InputError


if TYPE_CHECKING:
    from nextwizard.adopt import Kind, Verdict


STOCK = '''\
"""
WSGI config for config project.
"""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.settings')

application = get_wsgi_application()
'''

ONE_LINE = (
    "from django.core.wsgi import get_wsgi_application; import os\n"
    "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'x')\n"
    "application = get_wsgi_application()  # here\n"
)

SET_FIRST = (
    "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', '''x''')\n"
    "from django.core.wsgi import get_wsgi_application\n"
    "application = get_wsgi_application()"
)

VARIANTS = [
    STOCK.replace("'", '"').replace('"""\nWSGI config for config project.\n"""\n', ""),
    "# mine\n" + STOCK.replace("config.settings", "other.conf") + "# end",
    STOCK.replace("\n", "\r\n"),
    "\ufeff" + STOCK,
    ONE_LINE,
    SET_FIRST,
]

SET = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a.b")\n'

ADOPTABLE = [
    STOCK + "import sentry_sdk\n",
    STOCK + "os.environ['OTHER'] = other['DJANGO_SETTINGS_MODULE'] = 'x'\n",
    STOCK + "print(os.environ['DJANGO_SETTINGS_MODULE'])\n",
    STOCK.replace("application = ", "application = Wrapped(") + ")\n",
    STOCK.replace("import os\n", "import os, sys\n"),
    "from os import environ\nenviron.setdefault('DJANGO_SETTINGS_MODULE', 'a.b')\n",
    "import os as o\no.environ.setdefault('DJANGO_SETTINGS_MODULE', r'a.b')\n",
    f"import os\nif True:\n    {SET}",
    f"import os\ndef main():\n    {SET}",
    STOCK.replace("'config", "  # é\n    'config") + "pass\n",
]

OTHER = [
    "",
    "application = 1\n",
    f"import os\n{SET}{SET}",
    "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', NAME)\n",
    "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', f'a.b')\n",
    "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'a.' 'b')\n",
    "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'a\\x2eb')\n",
    "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'a.b'\n",
    f"import os\n{SET}os.environ['DJANGO_SETTINGS_MODULE'] = 'c'\n",
    "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE')\n",
    "import os\nos.environ.setdefault('OTHER', 'a.b')\n",
    "other.environ.setdefault('DJANGO_SETTINGS_MODULE', 'a.b')\nother = 1\n",
    f"# {SET}",
]


def djangos_own(kind: Kind) -> bytes:
    conf = pytest.importorskip("django.conf", reason="Django is not installed")
    folder = f"{conf.__path__[0]}/project_template/project_name"
    with open(f"{folder}/{kind}.py-tpl", encoding="utf-8") as template:
        return template.read().replace("{{ project_name }}", "config").encode()


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_what_startproject_writes_is_stock(kind: Kind) -> None:
    other: Kind = "asgi" if kind == "wsgi" else "wsgi"
    data = djangos_own(kind)
    assert entrypoint(data, kind) == "stock"
    assert entrypoint(data, other) == "adoptable"
    assert settings_module_of(data) == "config.settings"
    assert adopt_entrypoint(data, "config.settings.prod") == data.replace(
        b"'config.settings'",
        b"'config.settings.prod'",
    )


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        *((text, "stock") for text in (STOCK, *VARIANTS)),
        *((text, "adoptable") for text in ADOPTABLE),
        *((text, "other") for text in OTHER),
    ],
)
def test_the_verdict(text: str, verdict: Verdict) -> None:
    assert entrypoint(text.encode(), "wsgi") == verdict


def test_an_application_before_its_settings_is_not_stock() -> None:
    *first, setting, _, application = STOCK.splitlines()
    text = "\n".join((*first, application, setting))
    assert entrypoint(text.encode(), "wsgi") == "adoptable"


@pytest.mark.parametrize("text", [STOCK, *VARIANTS, *ADOPTABLE])
def test_only_the_literal_changes_and_only_once(text: str) -> None:
    data = text.encode()
    old = settings_module_of(data)
    assert old is not None
    made = adopt_entrypoint(data, "config.settings.prod")
    head, tail = made.split(b"config.settings.prod")
    assert head + old.encode() + tail == data
    assert adopt_entrypoint(made, "config.settings.prod") == made
    assert settings_module_of(made) == "config.settings.prod"
    assert entrypoint(made, "wsgi") == entrypoint(data, "wsgi")


@pytest.mark.parametrize("text", OTHER)
def test_anything_else_is_left_alone(text: str) -> None:
    with pytest.raises(InputError, match=r"wsgi\.py.*os\.environ\.setdefault"):
        adopt_entrypoint(text.encode(), "x.prod", path="config/wsgi.py")


@pytest.mark.parametrize(
    ("text", "module"),
    [
        ("import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'a.b'\n", "a.b"),
        (f"import os\n{SET}{SET}", "a.b"),
        (f"import os\n{SET}os.environ['DJANGO_SETTINGS_MODULE'] = 'c'\n", None),
        ("import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', NAME)\n", None),
        ("A = 'config.settings'\n", None),
    ],
)
def test_the_module_is_only_said_when_it_is_clear(
    text: str,
    module: str | None,
) -> None:
    assert settings_module_of(text.encode()) == module


@pytest.mark.parametrize("data", [b"\xff", b"import (", b"A = '\0'"])
def test_an_unreadable_file_is_named(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^wsgi\.py:1: "):
        entrypoint(data, "wsgi")
    with pytest.raises(InputError, match=r"^a/asgi\.py:1: "):
        entrypoint(data, "asgi", path="a/asgi.py")
    with pytest.raises(InputError, match=r"^manage\.py:1: "):
        settings_module_of(data, path="manage.py")
