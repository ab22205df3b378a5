""".gitignore: the lines that are missing, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextwizard.errors import InputError, Problem

from .source import BOM, NEWLINE, eol_of


if TYPE_CHECKING:
    from collections.abc import Sequence


_COMMENT = b"# nextwizard: secrets and build output stay out of git"


def add_ignores(data: bytes | None, patterns: Sequence[str]) -> bytes:
    """Return .gitignore with these lines; None stands for a file that is not there.

    A line that a later `!line` takes back counts as missing. InputError for a file
    that is no text git could read.
    """
    old = data or b""
    if b"\0" in old:
        what = "the file holds NUL bytes, so git does not read it"
        raise InputError(Problem(".gitignore", what, "Save it as UTF-8 text."))
    lines = [line.rstrip(b" ") for line in NEWLINE.split(old.removeprefix(BOM))]
    wanted = dict.fromkeys(pattern.encode() for pattern in patterns)
    missing = [line for line in wanted if not _stands(lines, line)]
    return _with_block(old, lines, missing) if missing else old


def _stands(lines: list[bytes], wanted: bytes) -> bool:
    """Return whether the last word on a pattern is the pattern itself."""
    said = [line for line in lines if line in (wanted, b"!" + wanted)]
    return bool(said) and said[-1] == wanted


def _with_block(old: bytes, lines: list[bytes], missing: list[bytes]) -> bytes:
    eol = eol_of(old)
    before = old + eol if old and not old.endswith((b"\n", b"\r")) else old
    if _COMMENT not in _last_block(lines):
        gap = [b""] if old.strip() and lines[-2:] != [b"", b""] else []
        missing = [*gap, _COMMENT, *missing]
    return before + b"".join(line + eol for line in missing)


def _last_block(lines: list[bytes]) -> list[bytes]:
    """Return the lines behind the last blank one."""
    block: list[bytes] = []
    for line in reversed(lines[:-1] if lines[-1] == b"" else lines):
        if not line:
            break
        block.insert(0, line)
    return block


__all__ = ["add_ignores"]
