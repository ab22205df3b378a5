"""A settings module becomes the base of a settings package, value for value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING

from nextwizard.errors import InputError

from .hazards import PROD_NAMES, hazards
from .moves import STAND_INS, Move, moves, replaced, stand_ins
from .names import names_of
from .refusals import problems
from .source import (
    Splice,
    check_parses,
    ends_its_line,
    first_line,
    head_of,
    last_line,
    read,
    starts_its_line,
)


if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextwizard.values import Signal

    from .names import Names
    from .source import Source


_WHY = "# This file moved one folder down; the paths made from its place did not."


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of the user's settings: 1-based line in the old file, and in words."""

    line: int
    what: str


@dataclass(frozen=True, slots=True)
class Split:
    """The text of `base.py`, what was changed in it, and what to look at."""

    base: bytes
    changes: tuple[Edit, ...] = ()
    warnings: tuple[Signal, ...] = ()


def split_settings(
    data: bytes,
    *,
    path: str,
    module: str,
    overridden: frozenset[str] = PROD_NAMES,
) -> Split:
    """Return what `<path without .py>/base.py` says so that every setting stays.

    `path` is POSIX, below the root, and no symlink; `overridden` are the names that
    production sets anew. A `settings/base.py` is returned as it is.
    InputError names every line that cannot be proven to mean the same.
    """
    if f"/{path}".endswith("/settings/base.py"):
        return Split(data)
    return _split(data, path, module, overridden)


@lru_cache(maxsize=8)
def _split(data: bytes, path: str, module: str, overridden: frozenset[str]) -> Split:
    """Split once: a preview asks again at every key that is pressed."""
    source = read(data, path)
    names = names_of(source.tree)
    if found := problems(source, names, module):
        raise InputError(found)
    made = sorted(_all_moves(source, names, module), key=attrgetter("line"))
    base = source.spliced(move.splice for move in made)
    if made:
        check_parses(base, path)
    edits = tuple(dict.fromkeys(Edit(move.line, move.what) for move in made))
    return Split(base, edits, hazards(source, names, module, overridden))


def _all_moves(source: Source, names: Names, module: str) -> Iterator[Move]:
    yield from moves(source, names, module)
    used = {node.id for node in replaced(names)}
    if used:
        free = stand_ins(names)
        wanted = {free[own]: STAND_INS[own][1] for own in STAND_INS if own in used}
        yield _definitions(source, wanted)


def _definitions(source: Source, wanted: dict[str, str]) -> Move:
    """Put the stand-ins behind the docstring and the `__future__` imports."""
    listed = ", ".join(f"`{name}`" for name in wanted)
    what = f"{listed} defined: what this file said of itself before the move"
    lines = [f"{name} = {value}" for name, value in wanted.items()]
    line, text = _placed(source, [_WHY, *lines])
    at = source.offset(line)
    _, first = head_of(source.tree)
    if first is not None and not text:
        line, (at, _) = first.lineno, source.span(first)
        text = "".join(f"{each}; " for each in lines).encode()
    return Move(Splice(at, at, text), line, what)


def _placed(source: Source, lines: list[str]) -> tuple[int, bytes]:
    """Return where whole lines can stand and their text; no text when they cannot."""
    head, first = head_of(source.tree)
    if head is not None and ends_its_line(source, head):
        line = last_line(head) + 1
        block = ["", *lines, *([""] if source.line(line).strip() else [])]
    elif first is not None and starts_its_line(source, first):
        line = first_line(first)
        block = [*lines, ""]
    else:
        return 1, b""
    return line, b"".join(each.encode() + source.eol for each in block)


__all__ = ["Edit", "Split", "split_settings"]
