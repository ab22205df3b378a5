from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from nextwizard.adopt import add_ignores
from nextwizard.errors import InputError


if TYPE_CHECKING:
    from pathlib import Path


WHY = b"# nextwizard: secrets and build output stay out of git\n"
PATTERNS = ("/deploy/notes.env", "/staticfiles/")
BLOCK = WHY + b"/deploy/notes.env\n/staticfiles/\n"

CASES = [
    (None, BLOCK),
    (b"", BLOCK),
    (b"*.pyc\n", b"*.pyc\n\n" + BLOCK),
    (b"*.pyc", b"*.pyc\n\n" + BLOCK),
    (b"*.pyc\n\n", b"*.pyc\n\n" + BLOCK),
    (b"/staticfiles/\n", b"/staticfiles/\n\n" + WHY + b"/deploy/notes.env\n"),
    (
        b"/staticfiles/  \r\n",
        b"/staticfiles/  \r\n\r\n"
        + WHY.replace(b"\n", b"\r\n")
        + b"/deploy/notes.env\r\n",
    ),
    (b"x\n" + WHY + b"/deploy/notes.env\n", b"x\n" + BLOCK),
    (b"\xef\xbb\xbf/staticfiles/\n/deploy/notes.env", None),
    (b"/staticfiles/\n# mine \xff\n/deploy/notes.env\n", None),
    (
        b"/deploy/notes.env\n!/deploy/notes.env\n/staticfiles/\n",
        b"/deploy/notes.env\n!/deploy/notes.env\n/staticfiles/\n\n"
        + WHY
        + b"/deploy/notes.env\n",
    ),
]


@pytest.mark.parametrize(("before", "after"), CASES)
def test_only_missing_lines_are_added(
    before: bytes | None, after: bytes | None
) -> None:
    made = add_ignores(before, PATTERNS)
    assert made == (before if after is None else after)
    assert add_ignores(made, PATTERNS) == made


def test_a_later_pattern_joins_the_block() -> None:
    made = add_ignores(b"*.pyc\n", PATTERNS[:1])
    assert add_ignores(made, PATTERNS) == b"*.pyc\n\n" + BLOCK


def test_a_file_of_utf_16_is_named() -> None:
    with pytest.raises(InputError, match=r"^\.gitignore: .*NUL"):
        add_ignores("*.pyc\n".encode("utf-16"), PATTERNS)


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
@pytest.mark.parametrize(("before", "after"), CASES)
def test_git_ignores_what_was_added(
    tmp_path: Path,
    before: bytes | None,
    after: bytes | None,
) -> None:
    assert after is None or after
    (tmp_path / ".gitignore").write_bytes(add_ignores(before, PATTERNS))
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    asked = ["git", "check-ignore", "deploy/notes.env", "staticfiles/a.css", "a.py"]
    said = subprocess.run(asked, cwd=tmp_path, check=True, capture_output=True)
    assert said.stdout.split() == [b"deploy/notes.env", b"staticfiles/a.css"]
