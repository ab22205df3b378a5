"""Where settings hand on the path of their own file, and who opens it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .handles import Refusal
from .moves import parents_end


if TYPE_CHECKING:
    from collections.abc import Iterator

    from .names import Names


_SAME_FILE = frozenset(
    (
        "os.fspath",
        "os.path.abspath",
        "os.path.expanduser",
        "os.path.normcase",
        "os.path.normpath",
        "os.path.realpath",
        "pathlib.Path",
        "pathlib.PosixPath",
        "pathlib.PurePath",
        "pathlib.PurePosixPath",
        "str",
    ),
)
"""Functions that return the path of the very file they are given."""

_SAME_FILE_METHODS = frozenset(("absolute", "as_posix", "expanduser", "resolve"))

_OPENERS = frozenset(
    (
        "codecs.open",
        "io.open",
        "open",
        "os.access",
        "os.lstat",
        "os.open",
        "os.path.exists",
        "os.path.getatime",
        "os.path.getctime",
        "os.path.getmtime",
        "os.path.getsize",
        "os.path.isfile",
        "os.path.islink",
        "os.path.lexists",
        "os.path.samefile",
        "os.readlink",
        "os.stat",
        "runpy.run_path",
        "tokenize.open",
    ),
)

_OPENER_METHODS = frozenset(
    (
        "exists",
        "group",
        "is_file",
        "is_symlink",
        "lstat",
        "open",
        "owner",
        "read_bytes",
        "read_text",
        "readlink",
        "samefile",
        "stat",
    ),
)

_LEXICAL = frozenset(
    (
        "bool",
        "dict",
        "format",
        "frozenset",
        "hash",
        "isinstance",
        "len",
        "list",
        "print",
        "repr",
        "set",
        "sorted",
        "tuple",
    ),
)
"""Builtins that look at the text of a path and no further."""


def own_file_refusals(names: Names) -> Iterator[Refusal]:
    """Yield the places where the file itself is looked at, which has moved by then."""
    aliases = _aliases(names)
    for call in names.each(ast.Call):
        if _opens(names, call, aliases):
            what = "the settings look at their own file here, which moves"
            fix = "Take the file out of this line, or name another file."
            yield Refusal(call.lineno, what, fix)


def handed_on(names: Names) -> Iterator[ast.Call]:
    """Yield the calls of unknown functions that get the path of the own file."""
    aliases = _aliases(names)
    for call in names.each(ast.Call):
        if not _known(names, call) and any(
            _is_own(names, argument, aliases) for argument in _arguments(call)
        ):
            yield call


def _opens(names: Names, call: ast.Call, aliases: frozenset[str]) -> bool:
    dotted = names.dotted(call.func)
    given = any(_is_own(names, argument, aliases) for argument in _arguments(call))
    if dotted in _OPENERS:
        return given
    if given and dotted == "os.path.realpath":
        return bool(call.keywords)
    match call.func:
        case ast.Attribute(value=value, attr=attr) if _is_own(names, value, aliases):
            strict = attr == "resolve" and (call.args or call.keywords)
            return attr in _OPENER_METHODS or bool(strict)
    return False


def _known(names: Names, call: ast.Call) -> bool:
    dotted = names.dotted(call.func)
    receiver = getattr(call.func, "value", None)
    return (
        isinstance(receiver, ast.Constant)
        or dotted.startswith(("os.path.", "pathlib."))
        or dotted in _SAME_FILE | _OPENERS | _LEXICAL
    )


def _is_own(names: Names, node: ast.AST, aliases: frozenset[str]) -> bool:
    """Return whether an expression is the path of the settings file itself."""
    while True:
        match node:
            case ast.Name(id="__file__"):
                return parents_end(names, node) is None
            case ast.Name(id=name):
                return name in aliases
            case ast.NamedExpr(value=value):
                node = value
            case ast.Call(func=f, args=[first, *_]) if names.dotted(f) in _SAME_FILE:
                node = first
            case ast.Call(func=ast.Attribute(value=value, attr=attr)) if (
                attr in _SAME_FILE_METHODS
            ):
                node = value
            case _:
                return False


def _aliases(names: Names) -> frozenset[str]:
    """Return the names that hold the path of the settings file at some time."""
    assigned = [pair for node in _assignments(names) for pair in _assigned(node)]
    found: frozenset[str] = frozenset()
    while True:
        more = {name for name, value in assigned if _is_own(names, value, found)}
        if more <= found:
            return found
        found |= more


def _assignments(names: Names) -> Iterator[ast.AST]:
    return names.each(ast.Assign, ast.AnnAssign, ast.NamedExpr)


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                if isinstance(target, ast.Name):
                    yield target.id, value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, value
        case ast.NamedExpr(target=ast.Name(id=name), value=value):
            yield name, value


def _arguments(call: ast.Call) -> Iterator[ast.expr]:
    for given in (*call.args, *(keyword.value for keyword in call.keywords)):
        if isinstance(given, ast.List | ast.Tuple | ast.Set):
            yield from given.elts
        else:
            yield given


__all__ = ["handed_on", "own_file_refusals"]
