"""What a project asks of its environment that the scan cannot see."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from support import HOST, missing
from verifying import checked, deployed, held

from nextwizard.smoke import Options, smoke
from nextwizard.unset import fields, run_lent, unset
from nextwizard.workflow import inspect, propose


if TYPE_CHECKING:
    from pathlib import Path


SETTINGS = "config/settings/base.py"
LOOP = '\nimport os\nMORE = {n: int(os.environ[n]) for n in ("EXTRA_A", "EXTRA_B")}\n'
RAISED = """
import os
def read(name):
    try:
        return os.environ[name]
    except KeyError:
        raise RuntimeError("no " + name)
read("EXTRA_A")
"""
CLASSES = """
from pydantic import HttpUrl, PostgresDsn, RedisDsn
from pydantic_settings import BaseSettings, SettingsConfigDict
class Mail(BaseSettings):
    host: str
class Conf(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="app_", env_nested_delimiter="__")
    stripe_key: str
    port: int
    debug: bool
    hosts: list[str]
    table: dict[str, str]
    replica: PostgresDsn
    cache: RedisDsn
    hook: HttpUrl
    mail: Mail
CONF = Conf()
"""


def said_by(code: str, *packages: str) -> str:
    """Return what a real program says as it ends without EXTRA_A."""
    for name in packages:
        if find_spec(name) is None:
            missing(f"{name} (pip install -r requirements-dev.txt)")
    env = {name: value for name, value in os.environ.items() if name != "EXTRA_A"}
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, capture_output=True, check=False, env=env, text=True)
    assert done.returncode
    return done.stderr


@pytest.mark.parametrize(
    ("code", "packages"),
    [
        ("import os; os.environ['EXTRA_A']", ()),
        (RAISED, ()),
        ("from decouple import config; config('EXTRA_A')", ("decouple",)),
        ("raise ValueError('EXTRA_A is missing')", ()),
        ("raise RuntimeError('Missing environment variable EXTRA_A')", ()),
        ("import environ; environ.Env()('EXTRA_A')", ("environ",)),
        ("from environs import Env; Env().str('EXTRA_A')", ("environs",)),
    ],
    ids=[
        "os.environ",
        "raised",
        "missing",
        "none",
        "decouple",
        "django-environ",
        "environs",
    ],
)
def test_the_variable_is_read_from_the_error(
    code: str, packages: tuple[str, ...]
) -> None:
    said = said_by(code, *packages)
    assert unset(said, {}) == "EXTRA_A"
    assert unset(said, {"EXTRA_A": ""}) == ""


def test_the_fields_of_pydantic_are_told_without_a_value() -> None:
    code = (
        "from pydantic_settings import BaseSettings\n"
        "class Conf(BaseSettings):\n    extra_a: str\n    size: int\n"
        "import os\nos.environ['SIZE'] = 'sk_live_1'\nConf()"
    )
    told = fields(said_by(code, "pydantic_settings"))
    assert told.startswith("extra_a: Field required, size: Input should be")
    assert "sk_live" not in told


def test_what_an_error_names_and_the_caller_has_is_lent_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXTRA_A", "mine")
    monkeypatch.setenv("EXTRA_B", "other")
    code = "import os; os.environ['EXTRA_A']; print(os.environ.get('EXTRA_B'))"
    argv = [sys.executable, "-c", code]
    done = run_lent(argv, timeout=60, cwd=str(tmp_path), env={})
    assert (done.code, done.out) == (0, "None\n")


def test_a_check_says_which_variable_is_not_set_and_takes_it_from_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = deployed(tmp_path)
    lines = (root / SETTINGS).read_text().count("\n")
    with (root / SETTINGS).open("a") as file:
        file.write(LOOP)
    (said,) = checked(root, "static")
    assert (said.verdict, said.detail) == ("failed", "KeyError: 'EXTRA_A'")
    assert str(said.evidence[0]) == f"{SETTINGS}:{lines + 3}"
    assert "`EXTRA_A=VALUE nextwizard check`" in said.fix
    assert "deploy/notes.env" in said.fix
    monkeypatch.setenv("EXTRA_A", "1")
    monkeypatch.setenv("EXTRA_B", "sk_live_1234567")
    (said,) = checked(root, "static")
    assert said.verdict == "failed"
    assert "sk_live" not in said.detail
    assert "'$EXTRA_B'" in said.detail
    monkeypatch.setenv("EXTRA_B", "2")
    held(checked(root, "static")[0])
    assert checked(root, "settings.debug")[0].verdict == "ok"


def test_a_trial_says_where_the_variable_is_to_be_set(tmp_path: Path) -> None:
    root = deployed(tmp_path)
    with (root / SETTINGS).open("a") as file:
        file.write(LOOP)
    proposal = propose(inspect(str(root), HOST))
    found = {row.key: row for row in smoke(proposal, Options(only=("health.ready",)))}
    assert "KeyError: 'EXTRA_A'" in found["boot"].detail
    assert (
        "EXTRA_A, which nothing sets: set it in deploy/notes.env" in found["boot"].fix
    )


def test_classes_of_pydantic_are_stood_in_for(tmp_path: Path) -> None:
    if find_spec("pydantic_settings") is None:
        missing("pydantic_settings (pip install -r requirements-dev.txt)")
    root = deployed(tmp_path)
    with (root / SETTINGS).open("a") as file:
        file.write(CLASSES)
    found = inspect(str(root), HOST).project.detected["settings.required"].value
    assert isinstance(found, tuple)
    assert "APP_MAIL__HOST:text" in found
    held(checked(root, "static")[0])
