"""What becomes of the files the user already has: bytes in, bytes out.

Here: wsgi.py and asgi.py, whose they are and the one literal that may change in them;
and a settings module that becomes the base of a package, value for value.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, NamedTuple

from nextwizard.errors import InputError, Problem

from .edits import add_ignores, repoint
from .hazards import PROD_NAMES, hazards
from .moves import STAND_INS, Move, moves, replaced, stand_ins
from .names import names_of
from .refusals import problems
from .source import (
    VARIABLE,
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


type Kind = Literal["wsgi", "asgi"]

type Verdict = Literal["stock", "adoptable", "other"]
"""stock: startproject's own; adoptable: one literal may change; other: not ours."""

_SETDEFAULT = "os.environ.setdefault"
_STOCK = """\
import os
from django.core.{kind} import get_{kind}_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", {module!r})
application = get_{kind}_application()
"""
_STOCK_NODES = 40
"""More nodes than startproject's tree has: what is larger need not be compared."""


def entrypoint(data: bytes, kind: Kind, *, path: str = "") -> Verdict:
    """Return what may be done to an entry point; InputError when it does not parse.

    `path` is what an error calls the file, `<kind>.py` when it is empty.
    """
    return _verdict(data, kind, path or f"{kind}.py")


@lru_cache(maxsize=8)
def _verdict(data: bytes, kind: Kind, path: str) -> Verdict:
    """Return the same, once for all the previews of one file."""
    source = read(data, path)
    names = names_of(source.tree)
    literal = _adoptable_literal(source, names)
    if literal is None:
        return "other"
    return "stock" if _is_stock(names, literal, kind) else "adoptable"


def settings_module_of(data: bytes, *, path: str = "") -> str | None:
    """Return the settings module a file sets by default, None when it is not clear."""
    source = read(data, path or "this file")
    found = {_text(value) for value in _set_values(names_of(source.tree))}
    return found.pop() if len(found) == 1 else None


def adopt_entrypoint(data: bytes, module: str, *, path: str = "") -> bytes:
    """Return the entry point with `module` as its default settings.

    InputError when it has not exactly one `os.environ.setdefault` with a literal.
    """
    source = read(data, path or "this file")
    literal = _adoptable_literal(source, names_of(source.tree))
    span = source.inside_quotes(literal) if literal else None
    if span is None:
        what = f"no single os.environ.setdefault of {VARIABLE} with a plain string"
        fix = f'Add `os.environ.setdefault("{VARIABLE}", "{module}")`, then run again.'
        raise InputError(Problem(source.path, what, fix))
    return source.spliced([Splice(*span, module.encode())])


def set_calls(names: Names) -> Iterator[ast.Call]:
    """Yield the calls of `os.environ.setdefault` for the settings module."""
    for call in names.each(ast.Call):
        match call.args:
            case [ast.Constant(value=key), *_] if key == VARIABLE:
                if names.dotted(call.func) == _SETDEFAULT:
                    yield call


def _adoptable_literal(source: Source, names: Names) -> ast.Constant | None:
    """Return the only literal that decides, if it is written as one plain string."""
    values = tuple(_set_values(names))
    if len(values) != 1 or len(tuple(set_calls(names))) != 1:
        return None
    value = values[0]
    if isinstance(value, ast.Constant) and source.inside_quotes(value):
        return value
    return None


def _set_values(names: Names) -> Iterator[ast.expr | None]:
    """Yield every value that is given to the variable, None for one out of sight."""
    for call in set_calls(names):
        match call.args[1:], call.keywords:
            case [value], []:
                yield value
            case _:
                yield None
    for item in names.each(ast.Subscript):
        if isinstance(item.ctx, ast.Store) and _is_variable(names, item):
            outer = names.parent(item)
            yield outer.value if isinstance(outer, ast.Assign) else None


def _is_variable(names: Names, item: ast.Subscript) -> bool:
    match item.slice:
        case ast.Constant(value=key) if key == VARIABLE:
            return names.dotted(item.value) == "os.environ"
    return False


def _text(value: ast.expr | None) -> str | None:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    return None


def _is_stock(names: Names, literal: ast.Constant, kind: Kind) -> bool:
    """Return whether only comments, quotes, order of imports and the module differ."""
    if sum(map(len, names.kinds.values())) > _STOCK_NODES:
        return False
    found = [ast.dump(each) for each in names.tree.body if not _is_text(each)]
    text = _STOCK.format(kind=kind, module=literal.value)
    stock = [ast.dump(each) for each in ast.parse(text).body]
    if sorted(found) != sorted(stock) or found[-1] != stock[-1]:
        return False
    return found.index(stock[0]) < found.index(stock[2])


def _is_text(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
    return False


_WHY = "# This file moved one folder down; the paths made from its place did not."


class Edit(NamedTuple):
    """One change of the user's settings: 1-based line in the old file, and in words."""

    line: int
    what: str


class Split(NamedTuple):
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


__all__ = [
    "Edit",
    "Kind",
    "Split",
    "Verdict",
    "add_ignores",
    "adopt_entrypoint",
    "entrypoint",
    "repoint",
    "settings_module_of",
    "split_settings",
]
