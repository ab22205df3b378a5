"""What a run may cost, counted and not timed: modules, compiled templates, writes."""

from __future__ import annotations

import gc
import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING

from golden_cases import tree
from test_cli import FORBIDDEN, imported, nextwizard

from nextwizard import render as room
from nextwizard.scan import codebase
from nextwizard.scan.source import Module, read_module
from nextwizard.workflow import apply, inspect, propose


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


HEAVY = {"dataclasses", "inspect", "json", "jinja2", "nextwizard.values"}
"""What --help has no use for."""


def test_help_knows_the_words_and_nothing_else(tmp_path: Path) -> None:
    found = imported("--help", cwd=tmp_path)
    assert not found & (HEAVY | FORBIDDEN)
    assert len(found) <= 40, sorted(found)


def test_a_second_project_in_one_process_compiles_nothing(
    sample: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(propose(inspect(str(sample(name="one")))))
    loaded = room.environment()
    monkeypatch.setattr(loaded, "compile", _never)
    apply(propose(inspect(str(sample(name="two")))))
    assert room.environment() is loaded


def test_memory_stays_as_it_is_over_many_projects(
    sample: Callable[..., Path],
) -> None:
    places = [str(sample(name=f"notes{number}")) for number in range(8)]
    for place in places[:3]:
        apply(propose(inspect(place)))
    gc.collect()
    tracemalloc.start()
    try:
        for place in places[3:]:
            apply(propose(inspect(place)))
        gc.collect()
        # A single project that stayed would be 180,000 bytes.
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()


def test_the_look_after_a_write_parses_no_settings_of_ours(
    sample: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []

    def read(path: str, name: str, data: bytes) -> Module:
        parsed.append(path)
        return read_module(path, name, data)

    monkeypatch.setattr(codebase, "read_module", read)
    apply(propose(inspect(str(sample()))))
    assert "config/settings/base.py" in parsed
    assert "config/settings/prod.py" not in parsed


def _never(*_words: object, **_named: object) -> None:
    message = "a template was compiled"
    raise AssertionError(message)


def test_a_run_without_a_change_opens_no_file_to_write(
    sample: Callable[..., Path], tmp_path: Path
) -> None:
    root = sample()
    assert nextwizard("init", str(root), "--yes").returncode == 0
    assert nextwizard("regenerate", str(root)).returncode == 0
    before = tree(root)
    script = (
        "import os, sys\n"
        "def hook(event, args):\n"
        "    if event == 'open' and isinstance(args[0], str):\n"
        f"        if args[0].startswith({str(root)!r}) and args[2] & 3:\n"
        "            sys.stderr.write('WROTE ' + args[0] + '\\n')\n"
        "    if event in ('os.rename', 'os.mkdir', 'os.remove'):\n"
        "        sys.stderr.write(f'DID {event} {args[0]}\\n')\n"
        "sys.addaudithook(hook)\n"
        "from nextwizard.cli import main\n"
        f"sys.exit(main(['regenerate', {str(root)!r}]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "WROTE" not in done.stderr
    assert "DID" not in done.stderr
    assert tree(root) == before
    found = imported("regenerate", str(root), "--check", cwd=tmp_path)
    assert not found & ({"jinja2"} | FORBIDDEN)
    assert len(found) <= 90, sorted(found)


def test_memory_is_a_place_for_a_project_and_no_part_of_the_system() -> None:
    refused = nextwizard("init", "/dev/shm/none-of-this", "--yes")
    assert refused.returncode == 2
    assert "is no directory" in refused.stderr
    assert "of the system" in nextwizard("init", "/dev", "--yes").stderr
