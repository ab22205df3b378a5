from __future__ import annotations

import pytest

from nextwizard.adopt import repoint
from nextwizard.adopt.leftovers import leftovers
from nextwizard.errors import InputError


OLD, NEW = "config.settings", "config.settings.dev"


def repointed(data: bytes, path: str) -> bytes:
    made = repoint(data, path=path, old=OLD, new=NEW)
    assert repoint(made, path=path, old=OLD, new=NEW) == made
    return made


def marked(text: str) -> tuple[bytes, bytes]:
    """Return the file before and after: `@` stands for a place that must change."""
    return text.replace("@", OLD).encode(), text.replace("@", NEW).encode()


PYTHON = """\
import os  # config.settings
'''config.settings'''
os.environ.setdefault('DJANGO_SETTINGS_MODULE', '@')
os.environ.setdefault("DJANGO_SETTINGS_MODULE", r"@"); x = "é", 'config.settings'
os.environ['DJANGO_SETTINGS_MODULE'] = '''@'''
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "@" if x else "config.settings.test")
module = os.environ.get("DJANGO_SETTINGS_MODULE") or "config.settings"
module = os.environ.get("DJANGO_SETTINGS_MODULE", "@")
monkeypatch.setenv("DJANGO_SETTINGS_MODULE", u"@")
env = {"DJANGO_SETTINGS_MODULE": "@", "OTHER": "config.settings", **x}
run(env=dict(DJANGO_SETTINGS_MODULE="@", OTHER="config.settings"))
x = {"config.settings": "DJANGO_SETTINGS_MODULE"}; [x] = "config.settings"
DJANGO_SETTINGS_MODULE = "@"
django_settings_module: str = "@"
config.option.ds = "@"
pytest.main(["--ds=@", "config.settings", "--settings=config.settings"])
os.environ["DJANGO_SETTINGS_MODULE"] = f"config.settings"
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.prod"
os.environ["DJANGO_SETTINGS_MODULE"] = "my.config.settings"
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"
if os.environ["DJANGO_SETTINGS_MODULE"] == "config.settings":
    import config.settings
"""

INI = """\
# DJANGO_SETTINGS_MODULE = config.settings
[pytest]
DJANGO_SETTINGS_MODULE = @  ; config.settings
addopts = -q --ds=@
    --ds @ # --ds=config.settings
    # --ds=config.settings

    --cov=config.settings --not-ds=config.settings
markers =
    slow: --ds=config.settings and DJANGO_SETTINGS_MODULE=config.settings
env =
    D:DJANGO_SETTINGS_MODULE=@
[testenv]
setenv = DJANGO_SETTINGS_MODULE = @
set_env =
    ; DJANGO_SETTINGS_MODULE = config.settings
    DJANGO_SETTINGS_MODULE=@
    OTHER = config.settings
commands =
    pytest --ds=@ é {posargs}
    django-admin check --settings=config.settings
description = DJANGO_SETTINGS_MODULE=config.settings
[mypy.plugins.django-stubs]
django_settings_module = "@"
[a]
DJANGO_SETTINGS_MODULE:@
[b]
DJANGO_SETTINGS_MODULE = config.settings.prod
[c]
DJANGO_SETTINGS_MODULE = my.config.settings
[d]
DJANGO_SETTINGS_MODULE = @"""

PYPROJECT = """\
# DJANGO_SETTINGS_MODULE = "config.settings"
[project]
name = "config.settings"
[tool.pytest.ini_options]
DJANGO_SETTINGS_MODULE = "@"  # config.settings
addopts = "-x --ds=@ --cov=config.settings"
markers = ["é: --ds=config.settings"]
[tool.django-stubs]
django_settings_module = '@'
[tool.pytest_env]
DJANGO_SETTINGS_MODULE = "@"
[tool.hatch.envs.default.env-vars]
DJANGO_SETTINGS_MODULE = "config.settings"
[tool.other]
addopts = "--ds=config.settings"
more.addopts = ["--ds", "config.settings"]
text = '''
[tool.pytest.ini_options]
DJANGO_SETTINGS_MODULE = "config.settings"
'''
"""

NATIVE = """\
tool.pytest.DJANGO_SETTINGS_MODULE = "@"
tool.pytest.addopts = [
  "--ds", "@",  # "--ds", "config.settings"
  "--ds=@", "config.settings", "--cov=config.settings",
]
tool.django-stubs = { "django_settings_module" = "@", strict = true }
"""

FILES = [
    ("manage.py", PYTHON),
    ("tests/conftest.py", PYTHON),
    ("pytest.ini", INI),
    ("tox.ini", INI),
    ("setup.cfg", INI),
    ("pyproject.toml", PYPROJECT),
    ("pyproject.toml", NATIVE),
    ("pytest.toml", '[pytest]\nDJANGO_SETTINGS_MODULE = "@"\n'),
]


@pytest.mark.parametrize(("path", "text"), FILES)
def test_only_the_places_that_decide_change(path: str, text: str) -> None:
    before, after = marked(text)
    assert repointed(before, path) == after
    assert repointed(before.replace(b"\n", b"\r\n"), path) == after.replace(
        b"\n",
        b"\r\n",
    )
    assert repointed(b"\xef\xbb\xbf" + before, path) == b"\xef\xbb\xbf" + after
    assert repointed(before.removesuffix(b"\n"), path) == after.removesuffix(b"\n")


@pytest.mark.parametrize("path", ["manage.py", "tox.ini", "pyproject.toml"])
def test_a_file_without_the_word_is_not_even_read(path: str) -> None:
    for data in (b"", b"config.settings.dev = (", b"x config_settings"):
        assert repoint(data, path=path, old=OLD, new=NEW) is data


@pytest.mark.parametrize(
    ("path", "data", "line"),
    [
        ("manage.py", b"\nimport ( # config.settings\n", 2),
        ("conftest.py", b"# config.settings\n'\xff'", 2),
        ("pytest.ini", b"[pytest]\nDJANGO_SETTINGS_MODULE = config.settings\n\xff", 3),
        ("setup.cfg", b"[a]\nb = config.settings\0", 2),
        ("pyproject.toml", b'[a]\nb = "config.settings"\nc = ', 3),
        ("pyproject.toml", b'a = "config.settings"\nb = "\xff"\n', 2),
    ],
)
def test_an_unreadable_file_is_named_by_line(path: str, data: bytes, line: int) -> None:
    with pytest.raises(InputError) as caught:
        repoint(data, path=path, old=OLD, new=NEW)
    [problem] = caught.value.problems
    assert problem.where == f"{path}:{line}"
    assert problem.fix


def lines(path: str, text: str, old: str = OLD) -> list[int]:
    found = leftovers(path, text.encode(), old)
    assert all(each.path == path for each in found)
    return [each.line for each in found]


def test_leftovers_are_lines_that_name_the_old_module_or_file() -> None:
    text = (
        "ENV DJANGO_SETTINGS_MODULE=config.settings\n"
        "ENV DJANGO_SETTINGS_MODULE config.settings.prod\r\n"
        "COPY config/settings.py ./config/\n"
        "# mypy config.settings.\n"
        "RUN a config.settings_test my.config.settings config/settings.pyc\n"
        'CMD ["--settings", "config.settings"]'
    )
    assert lines("Dockerfile", text) == [1, 3, 4, 6]


def test_leftovers_read_any_bytes() -> None:
    found = leftovers("blob", b"\xff\0\nconfig.settings\xff\n", OLD)
    assert [each.line for each in found] == [2]


def test_leftovers_know_the_imports_of_python() -> None:
    text = (
        "from config import settings\n"
        "from . import settings as s\n"
        "from .settings import A\n"
        "import config.settings\n"
        "from django.conf import settings\n"
        "from other.config import settings\n"
        "from config import settings_test\n"
    )
    assert lines("config/celery.py", text) == [1, 2, 3, 4]
    assert lines("src/config/celery.py", text) == [1, 2, 3, 4]
    assert lines("myconfig/celery.py", text) == [1, 4]
    assert lines("README.md", text) == [4]


def test_leftovers_of_a_module_without_a_package() -> None:
    text = (
        "the settings are here\n"
        "DJANGO_SETTINGS_MODULE=settings\n"
        "DJANGO_SETTINGS_MODULE=settings.dev\n"
        "run --settings=settings\n"
        "import settings\n"
        "from django.conf import settings\n"
    )
    assert lines("Procfile", text, "settings") == [2, 4, 5]
    assert lines("a/b.py", text, "settings") == [2, 4, 5]
