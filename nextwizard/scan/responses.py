"""What a call that makes a response says: its iterable, its content type."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterator

    from .layout import Found
    from .source import Module, Scope


_EVENT_STREAM = "text/event-stream"
_LONGEST = 60
_HOPS = 3


def argument(node: ast.Call, position: int, word: str) -> ast.expr | None:
    """Return what a call gives for a parameter, None when that cannot be seen."""
    for given in node.keywords:
        if given.arg == word:
            return given.value
    before = node.args[: position + 1]
    if len(before) <= position or any(isinstance(a, ast.Starred) for a in before):
        return None
    return before[-1]


def is_event_stream(found: Found, module: Module, node: ast.Call, scope: Scope) -> bool:
    """Return whether a response's content type is that of server-sent events."""
    given = [word.value for word in node.keywords if word.arg == "content_type"]
    given += node.args[1:2]
    for word in node.keywords:
        if word.arg == "headers" and isinstance(word.value, ast.Dict):
            given += _content_types(word.value.keys, word.value.values)
    for inner in ast.walk(scope[-1]) if scope else ():
        match inner:
            case ast.Assign(targets=[ast.Subscript(slice=key)], value=value):
                given += _content_types([key], [value])
    return any(_text(found, module, v).startswith(_EVENT_STREAM) for v in given)


def _content_types(
    keys: list[ast.expr | None] | list[ast.expr], values: list[ast.expr]
) -> Iterator[ast.expr]:
    for key, value in zip(keys, values, strict=True):
        if isinstance(key, ast.Constant) and str(key.value).lower() == "content-type":
            yield value


def _text(found: Found, module: Module, node: ast.expr) -> str:
    """Return the text of a literal or of a constant of the project."""
    for _ in range(_HOPS):
        if isinstance(node, ast.Constant):
            return str(node.value)
        defined = found.code.define(found.code.meaning(module, node))
        if defined is None or not isinstance(defined[1][-1], ast.expr):
            return ""
        module, node = defined[0], defined[1][-1]
    return ""


def words(node: ast.expr) -> str:
    """Return the beginning of an expression as text."""
    try:
        return ast.unparse(node)[:_LONGEST]
    except RecursionError:
        return ""


__all__ = ["argument", "is_event_stream", "words"]
