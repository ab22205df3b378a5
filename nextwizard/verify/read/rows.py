"""Units, ini files and Python assignments as rows, each with its file and line."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nextwizard.values import Evidence

from .tree import Said, Unreadable


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Row:
    """One `key = value` of a section."""

    section: str
    key: str
    value: str
    at: Evidence


def unit(text: str, path: str) -> tuple[Row, ...]:
    """Return the rows of a systemd unit, continued lines joined."""
    rows, section, held, start = [], "", "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if held or not line.startswith(("#", ";")):
            start = start if held else number
            held += line
        if held.endswith("\\"):
            held = f"{held[:-1]} "
            continue
        whole, held = held.strip(), ""
        if whole.startswith("["):
            section = whole.strip("[]")
        elif "=" in whole:
            key, _, value = whole.partition("=")
            rows.append(Row(section, key.strip(), value.strip(), Evidence(path, start)))
    return tuple(rows)


def ini(text: str, path: str) -> tuple[Row, ...]:
    """Return the rows of supervisor's or uwsgi's ini file, `%%` unfolded."""
    rows, section = [], ""
    for number, line in enumerate(text.splitlines(), 1):
        whole = re.sub(r"\s[;#].*", "", line).strip()
        if whole.startswith("["):
            section = whole.strip("[]")
        elif "=" in whole and not line.startswith((";", "#", " ", "\t")):
            key, _, value = whole.partition("=")
            value = value.strip().replace("%%", "%")
            rows.append(Row(section, key.strip(), value, Evidence(path, number)))
    return tuple(rows)


def value(rows: Sequence[Row], section: str, *keys: str) -> Said | None:
    """Return what a section says last of these keys, None when nothing."""
    found = [row for row in rows if row.section == section and row.key in keys]
    return Said(found[-1].value, found[-1].at) if found else None


def assignments(text: str, path: str) -> dict[str, Said]:
    """Return the names a Python file binds at its top, as they are written.

    A literal is given as Python would print it, text without quotes; anything else
    as its source. Unreadable when the file is no Python.
    """
    try:
        body = ast.parse(text).body
    except SyntaxError as error:
        at = Evidence(path, error.lineno or 0)
        raise Unreadable(at, f"is no Python: {error.msg}") from error
    return {
        name: Said(_written(node), Evidence(path, line))
        for name, node, line in _bound(body)
    }


def _bound(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.expr, int]]:
    for node in body:
        targets: Sequence[ast.expr] = ()
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = (node.target,)
        else:
            continue
        if node.value is None:
            continue
        for target in targets:
            if isinstance(target, ast.Name):
                yield target.id, node.value, node.lineno


def _written(node: ast.expr) -> str:
    try:
        found = ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)
    return found if isinstance(found, str) else repr(found)


def calls(
    text: str, path: str, name: str
) -> Iterator[tuple[tuple[str, ...], Evidence]]:
    """Yield the literal arguments of each call of a method, with the place."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        function = getattr(node, "func", None)
        if isinstance(node, ast.Call) and getattr(function, "attr", "") == name:
            words = tuple(_written(word) for word in node.args)
            yield words, Evidence(path, node.lineno)


__all__ = ["Row", "assignments", "calls", "ini", "unit", "value"]
