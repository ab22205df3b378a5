from __future__ import annotations

import re
import shutil
import stat
from typing import TYPE_CHECKING

import pytest
from golden_cases import CASES, HERE, Case, made, make, tree

from nextwizard.document import read_document
from nextwizard.workflow import apply, inspect, propose


if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.name)
def test_the_tree_is_the_recorded_one(
    case: Case, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    root, _ = make(case, tmp_path)
    got = made(root, case)
    expected = case.path / "expected"
    if request.config.getoption("--update-golden"):
        shutil.rmtree(expected, ignore_errors=True)
        for path, data in got.items():
            target = expected / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    want = tree(expected)
    assert sorted(got) == sorted(want)
    for path, data in got.items():
        assert data == want[path], path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.name)
def test_a_second_run_changes_no_byte_and_no_mtime(case: Case, tmp_path: Path) -> None:
    root, _ = make(case, tmp_path)
    answers = (case.path / "answers.toml").read_bytes()
    layer = read_document(answers, "answers.toml", "file")
    # The second one leaves what it looked at beside the lock; the third not even that.
    for aside in (".nextwizard/run", "nothing"):
        before = _state(root, aside)
        done = apply(propose(inspect(str(root), case.host), [layer]))
        assert (done.exit_code, done.written) == (0, False)
        assert _state(root, aside) == before


def _state(root: Path, aside: str) -> dict[Path, tuple[int, bytes]]:
    """Return time and bytes of everything but what lies in one directory."""
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in root.rglob("*")
        if root / aside not in (path, *path.parents)
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.name)
def test_the_secret_is_private_and_nowhere_else(case: Case, tmp_path: Path) -> None:
    root, _ = make(case, tmp_path)
    secret = root / "deploy" / f"{case.facts['name']}.env"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    key = next(
        line.partition("=")[2]
        for line in secret.read_text().splitlines()
        if line.startswith("SECRET_KEY=")
    )
    assert len(key) >= 50
    for path, data in tree(root).items():
        if path != secret.relative_to(root).as_posix():
            assert key.encode() not in data, path
    assert f"/deploy/{secret.name}" in (root / ".gitignore").read_text().splitlines()


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 10


def test_no_snapshot_holds_a_secret() -> None:
    """A key is 80 hexadecimal digits and a password 48, in whatever was recorded."""
    fresh = re.compile(rb"(?<![0-9a-f])(?:[0-9a-f]{48}|[0-9a-f]{80})(?![0-9a-f])")
    top = HERE.parent
    seen = 0
    for place in (HERE / "golden", HERE / "screens", top / "docs"):
        for path in place.rglob("*"):
            if path.is_file():
                assert not fresh.search(path.read_bytes()), path
                assert not path.match("expected/deploy/*.env"), path
                seen += 1
    assert seen > 1000
