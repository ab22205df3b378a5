from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from test_cli import FORBIDDEN, imported

from nextwizard.fast import nothing_to_do
from nextwizard.workflow import apply, inspect, propose


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def notes(sample: Callable[..., Path]) -> Path:
    root = sample()
    apply(propose(inspect(str(root))))
    return root


def test_an_untouched_project_is_told_without_rendering(
    notes: Path, tmp_path: Path
) -> None:
    for flags in (["--check"], []):
        found = imported("regenerate", str(notes), *flags, cwd=tmp_path)
        assert "jinja2" not in found
        assert "nextwizard.decide" not in found
        assert not found & FORBIDDEN
        assert len(found) <= 90, sorted(found)


def test_an_edit_of_a_rendering_is_told_without_rendering_too(notes: Path) -> None:
    boot = notes / "deploy/boot.py"
    boot.write_text(boot.read_text() + "# mine\n")
    assert nothing_to_do(str(notes)) is None
    apply(propose(inspect(str(notes))))
    told = nothing_to_do(str(notes))
    assert told is not None
    assert [change.note for change in told.changes] == ["your edit is kept"]


CHANGES = {
    "a source": ("notes/models.py", b"# more\n"),
    "a page": ("notes/pages/page.py", b"# more\n"),
    "a template": ("notes/pages/layout.djx", b"<!-- more -->\n"),
    "a new file": ("notes/pages/more/page.py", b"# more\n"),
    "a requirement": ("pyproject.toml", b"# more\n"),
    "a lock": ("uv.lock", b"# more\n"),
    "an answer": ("nextwizard.toml", b"# more\n"),
    "a rendering": ("deploy/nginx/notes.conf", b"# more\n"),
    "an adopted file": (".gitignore", b"more\n"),
    "the record": (".nextwizard/manifest.json", b"\n"),
    "a new environment": (".venv/pyvenv.cfg", b"version = 3.13.0\n"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_changes_is_looked_at(name: str, notes: Path) -> None:
    assert nothing_to_do(str(notes)) is not None
    path, more = CHANGES[name]
    place = notes / path
    place.parent.mkdir(parents=True, exist_ok=True)
    stamp = place.stat().st_mtime_ns if place.exists() else 0
    with place.open("ab") as file:
        file.write(more)
    if stamp:
        os.utime(place, ns=(stamp, stamp))  # the bytes count, not the time
    assert nothing_to_do(str(notes)) is None


@pytest.mark.parametrize("path", ["deploy/boot.py", "notes/models.py", "manage.py"])
def test_whatever_goes_is_missed(path: str, notes: Path) -> None:
    (notes / path).unlink()
    assert nothing_to_do(str(notes)) is None


def test_what_an_environment_holds_counts(notes: Path) -> None:
    (notes / ".venv").mkdir()
    (notes / ".venv/pyvenv.cfg").write_text("version = 3.13.0\n")
    apply(propose(inspect(str(notes))))
    assert nothing_to_do(str(notes)) is not None
    place = notes / ".venv/lib/python3.13/site-packages/django-5.2.8.dist-info"
    place.mkdir(parents=True)
    assert nothing_to_do(str(notes)) is None


def test_a_run_that_was_killed_is_never_told_as_nothing(notes: Path) -> None:
    (notes / ".nextwizard/run/journal.json").write_text("{}")
    assert nothing_to_do(str(notes)) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"disk": 1}', "[" * 9999])
def test_a_damaged_memory_is_no_memory(text: str, notes: Path) -> None:
    (notes / ".nextwizard/run/seen.json").write_text(text)
    assert nothing_to_do(str(notes)) is None


def test_half_a_memory_goes_with_the_next_one(notes: Path) -> None:
    half = notes / ".nextwizard/run/.nextwizard-seen.json"
    half.write_text('{"ours"')
    (notes / "notes/models.py").write_bytes(b"# more\n")
    apply(propose(inspect(str(notes))))
    assert nothing_to_do(str(notes)) is not None
    assert not half.exists()


def test_no_escape_byte_comes_out_of_it(notes: Path) -> None:
    place = notes / ".nextwizard/run/seen.json"
    document = json.loads(place.read_bytes())
    document["notes"] = [["x", "warning", "\x1b[2Jgone", "\x07"]]
    place.write_text(json.dumps(document))
    told = nothing_to_do(str(notes))
    assert told is not None
    assert told.notes[0].message == "?[2Jgone"


def test_a_conflict_is_never_told_as_nothing(notes: Path) -> None:
    boot = notes / "deploy/boot.py"
    boot.write_text(boot.read_text().replace("CORES = ", "CORES = 1 + "))
    text = (notes / "nextwizard.toml").read_text()
    (notes / "nextwizard.toml").write_text(text.replace("cores = ", "cores = 1"))
    apply(propose(inspect(str(notes))))
    assert (notes / "deploy/boot.py.new").exists()
    assert nothing_to_do(str(notes)) is None
