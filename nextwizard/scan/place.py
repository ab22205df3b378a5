"""What settings bind: paths as they build them, values, and the place of each part.

A path is joined, cut and compared, never looked up on a disk; pathlib would do, and
would bring seven modules along on the way of every run.
"""

from __future__ import annotations

import ast
import posixpath
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, override

from .files import evidence


if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextwizard.values import Evidence


@dataclass(frozen=True, slots=True)
class Place:
    """One POSIX path, without `.` parts and doubled slashes."""

    text: str

    @override
    def __str__(self) -> str:
        """Return the path as text."""
        return self.text

    def __fspath__(self) -> str:
        """Return the path as text, for os.path."""
        return self.text

    def __truediv__(self, other: object) -> Place:
        """Return the path joined with another part; an absolute one stands alone."""
        return place(self, other)

    @property
    def parts(self) -> tuple[str, ...]:
        """The names between the slashes."""
        return tuple(part for part in self.text.split("/") if part and part != ".")

    @property
    def name(self) -> str:
        """The last name, nothing for the root."""
        return self.parts[-1] if self.parts else ""

    @property
    def stem(self) -> str:
        """The last name without its ending."""
        return posixpath.splitext(self.name)[0]

    @property
    def parent(self) -> Place:
        """The path above, itself at the top."""
        return place(self.text[: -len(self.name)] or ".") if self.name else self

    @property
    def parents(self) -> tuple[Place, ...]:
        """Every path above, the nearest first."""
        found, here = [], self
        while here.parent != here:
            here = here.parent
            found.append(here)
        return tuple(found)

    def is_absolute(self) -> bool:
        """Tell whether the path starts at the root."""
        return self.text.startswith("/")

    def below(self, top: str) -> str | None:
        """Return the rest below another path, `.` for itself, None when not below."""
        if self.text == top:
            return "."
        lead = top.rstrip("/") + "/"
        return self.text[len(lead) :] if self.text.startswith(lead) else None

    def with_name(self, name: str) -> Place:
        """Return the path with another last name."""
        return self.parent / name

    def match(self, pattern: str) -> bool:
        """Tell whether shell patterns match the last parts, one each."""
        wanted = place(pattern).parts
        own = self.parts[-len(wanted) :]
        pairs = zip(own, wanted, strict=False)
        return len(own) == len(wanted) and all(fnmatchcase(*pair) for pair in pairs)


def place(*parts: object) -> Place:
    """Return parts joined into one path; a later absolute one starts anew."""
    joined = posixpath.join(*(str(part) for part in parts))
    top = "/" if joined.startswith("/") else ""
    names = [part for part in joined.split("/") if part and part != "."]
    return Place(f"{top}{'/'.join(names)}" or ".")


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


@dataclass(slots=True, eq=False)
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


__all__ = ["Binding", "Part", "Place", "mutate", "place"]
