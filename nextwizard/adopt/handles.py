"""Refusals, and where settings reach for their own names, as `globals()` does."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .names import Names


SPECIAL = frozenset(
    (
        "__cached__",
        "__file__",
        "__loader__",
        "__module__",
        "__name__",
        "__package__",
        "__path__",
        "__spec__",
    ),
)
"""The names by which a module knows what and where it is."""


class Refusal(NamedTuple):
    """A 1-based line that cannot be proven to mean the same after the move."""

    line: int
    what: str
    fix: str


_BY_KEY = frozenset(
    ("__contains__", "__getitem__", "__setitem__", "get", "pop", "setdefault"),
)
_ATTRIBUTE_CALLS = frozenset(("delattr", "getattr", "hasattr", "setattr"))
_OF_SCOPE = frozenset(("dir", "locals", "vars"))
_MODULE_DICTS = frozenset(("globals", "locals", "vars"))
_RUNNERS = frozenset(("runpy.run_module", "runpy.run_path"))


def handle_refusals(names: Names) -> Iterator[Refusal]:
    """Yield the uses that could see more than the names the user's code knows of."""
    for call in names.each(ast.Call):
        if is_namespace(names, call):
            fix = "Name the settings one by one."
            yield from _follow(names, call, _namespace_use, fix)
    for name in names.loads("__name__"):
        outer = names.parent(name)
        if isinstance(outer, ast.Subscript) and names.is_modules(outer.value):
            fix = "Use `setattr` and `getattr` on it, or assign to plain names."
            yield from _follow(names, outer, _module_use, fix)


def is_namespace(names: Names, call: ast.Call) -> bool:
    """Return whether a call returns the namespace of the settings."""
    if call.args or call.keywords:
        return False
    dotted = names.dotted(call.func)
    inside = dotted in _OF_SCOPE and not names.in_function(call)
    return dotted == "globals" or inside


def _follow(
    names: Names,
    handle: ast.expr,
    allowed: Callable[[Names, ast.expr], bool],
    fix: str,
) -> Iterator[Refusal]:
    """Look at a handle's use, and when it gets a name, at every use of that name."""
    alias = _alias(names, handle)
    uses = tuple(names.loads(alias)) if alias else (handle,)
    for use in uses:
        if not allowed(names, use):
            what = "the settings reach for all their own names here, and their place"
            yield Refusal(use.lineno, what, fix)


def _alias(names: Names, handle: ast.expr) -> str:
    match names.parent(handle):
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return ""


def _namespace_use(names: Names, handle: ast.expr) -> bool:
    match names.parent(handle):
        case ast.Subscript(value=value, slice=key) if value is handle:
            return _plain_key(key)
        case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()]):
            return left is not handle and _plain_key(left)
        case ast.Attribute(attr=attr) as method:
            call = names.parent(method)
            return isinstance(call, ast.Call) and _namespace_call(names, attr, call)
    return False


def _namespace_call(names: Names, attr: str, call: ast.Call) -> bool:
    if attr == "update":
        return not any(
            _brings_places(names, node)
            for given in call.args
            for node in ast.walk(given)
        )
    return attr in _BY_KEY and bool(call.args) and _plain_key(call.args[0])


def _module_use(names: Names, handle: ast.expr) -> bool:
    match names.parent(handle):
        case ast.Attribute(attr=attr):
            return not (attr.startswith("__") and attr.endswith("__"))
        case ast.Call(func=func, args=[first, key, *_]) if first is handle:
            return names.dotted(func) in _ATTRIBUTE_CALLS and _plain_key(key)
    return False


def _plain_key(key: ast.expr) -> bool:
    return not isinstance(key, ast.Constant) or key.value not in SPECIAL


def _brings_places(names: Names, node: ast.AST) -> bool:
    """Return whether this may hold the name and the file of another module."""
    match node:
        case ast.Attribute(attr="__dict__"):
            return True
        case ast.Call(func=func):
            return names.dotted(func) in _MODULE_DICTS | _RUNNERS
        case ast.Constant(value=value):
            return value in SPECIAL
    return False


__all__ = ["SPECIAL", "Refusal", "handle_refusals", "is_namespace"]
