"""wsgi.py and asgi.py: whose they are, and the one literal we may change in them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from nextwizard.errors import InputError, Problem

from .names import names_of
from .source import Splice, read


if TYPE_CHECKING:
    from collections.abc import Iterator

    from .names import Names
    from .source import Source


type Kind = Literal["wsgi", "asgi"]

type Verdict = Literal["stock", "adoptable", "other"]
"""stock: startproject's own; adoptable: one literal may change; other: not ours."""

VARIABLE = "DJANGO_SETTINGS_MODULE"

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
    source = read(data, path or f"{kind}.py")
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


__all__ = [
    "VARIABLE",
    "Kind",
    "Verdict",
    "adopt_entrypoint",
    "entrypoint",
    "set_calls",
    "settings_module_of",
]
