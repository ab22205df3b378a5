"""What settings bind: the value, where each part of it stands, how it is changed."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .files import evidence


if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextwizard.values import Evidence


@dataclass(frozen=True, slots=True)
class Part:
    """One expression of a value: its file, and the keys it was put below."""

    path: str
    node: ast.AST
    keys: tuple[object, ...] = ()

    def entry(self, keys: Sequence[str]) -> ast.expr | None:
        """Return the value below nested keys, from the first dict that has them."""
        below = keys[len(self.keys) :]
        if tuple(keys[: len(self.keys)]) != self.keys:
            return None
        if not below:
            return self.node if isinstance(self.node, ast.expr) else None
        for inner in ast.walk(self.node):
            here: ast.expr | None = inner if isinstance(inner, ast.Dict) else None
            for key in below:
                here = _below(here, key)
            if here is not None:
                return here
        return None


@dataclass(slots=True)
class Binding:
    """What one name is worth, where that was said last, and every part of it.

    `maybe` is true where a branch that only a run decides says something else.
    """

    value: object
    at: Evidence
    nodes: list[Part] = field(default_factory=list)
    maybe: bool = False

    def line_of(self, text: object) -> Evidence:
        """Return where a constant stands in what was bound, else the binding."""
        for part in reversed(self.nodes):
            for inner in ast.walk(part.node):
                if isinstance(inner, ast.Constant) and inner.value == text:
                    return evidence(part.path, inner.lineno)
        return self.at

    def entry(self, *keys: str) -> tuple[str, ast.expr] | None:
        """Return the file and expression below nested keys, of what was said last."""
        for part in reversed(self.nodes):
            found = part.entry(keys)
            if found is not None:
                return part.path, found
        return None

    def key_line(self, *keys: str) -> Evidence:
        """Return where the entry below nested keys stands, else the binding."""
        found = self.entry(*keys)
        return evidence(found[0], found[1].lineno) if found else self.at


def _below(node: ast.expr | None, key: str) -> ast.expr | None:
    if not isinstance(node, ast.Dict):
        return None
    for name, value in zip(node.keys, node.values, strict=True):
        if isinstance(name, ast.Constant) and name.value == key:
            return value
    return None


def mutate(container: object, method: str, values: list[object]) -> None:
    """Do to a value what a method call in the settings does."""
    match container, method, values:
        case list(), "append", [value]:
            container.append(value)
        case list(), "extend", [list() | tuple() as value]:
            container.extend(value)
        case list(), "insert", [int() as index, value]:
            container.insert(index, value)
        case list(), "remove", [value] if value in container:
            container.remove(value)
        case dict(), "update", [dict() as value]:
            container.update(value)


__all__ = ["Binding", "Part", "mutate"]
