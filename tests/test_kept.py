from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING, NoReturn

import jinja2
import pytest
from support import planned

from nextwizard import quoting
from nextwizard import render as room
from nextwizard.render import kept, place


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Give the templates a cache of their own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    room.environment.cache_clear()
    yield tmp_path / "nextwizard"
    room.environment.cache_clear()


def never(*_arguments: object, **_named: object) -> NoReturn:
    message = "a template was compiled"
    raise AssertionError(message)


def warm() -> tuple[object, ...]:
    """Render with what was kept alone, in an environment of its own."""
    room.environment.cache_clear()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(jinja2.Environment, "compile", never)
        return room.render(planned())


def test_the_second_run_compiles_nothing(cache: Path) -> None:
    cold = room.render(planned())
    (folder,) = cache.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert jinja2.__version__ in folder.name
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert warm() == cold


def test_what_other_code_compiled_is_not_used(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    room.render(planned())
    newer = tmp_path / "quoting.py"
    newer.touch()
    monkeypatch.setattr(quoting, "__file__", str(newer))
    with pytest.raises(AssertionError, match="was compiled"):
        warm()
    assert cache.is_dir()


def test_a_damaged_file_is_compiled_anew(cache: Path) -> None:
    cold = room.render(planned())
    for path in next(cache.iterdir()).iterdir():
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 3])
    room.environment.cache_clear()
    assert room.render(planned()) == cold
    assert warm() == cold


def test_a_directory_that_others_can_write_is_not_trusted(cache: Path) -> None:
    cold = room.render(planned())
    next(cache.iterdir()).chmod(0o770)
    assert kept(()) is None
    room.environment.cache_clear()
    assert room.render(planned()) == cold


@pytest.mark.usefixtures("cache")
def test_a_symlink_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir(0o700)
    os.makedirs(os.path.dirname(place()))
    os.symlink(target, place())
    assert kept(()) is None
    room.render(planned())
    assert not list(target.iterdir())


@pytest.mark.usefixtures("cache")
def test_without_a_place_for_it_nothing_is_said(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/self/nowhere")
    assert kept(()) is None
    assert room.render(planned())
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be in a foreign home")
def test_root_leaves_nothing_in_the_home_of_somebody_else(cache: Path) -> None:
    account = pwd.getpwnam("nobody")
    os.chown(cache.parent, account.pw_uid, account.pw_gid)
    assert kept(()) is None
    assert not cache.exists()
