"""Rewrites single keys of a person's answers file and keeps everything else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .quoting import toml


if TYPE_CHECKING:
    from collections.abc import Mapping

    from .values import Value


def update(text: str, changed: Mapping[str, Value]) -> str:
    """Return the file with these dotted keys set; comments and order stay.

    A line of ours that shows the key behind a # becomes the key itself.
    """
    left = dict(changed)
    lines = text.splitlines(keepends=True)
    section = ""
    for at, line in enumerate(lines):
        header = re.match(r"\s*\[\s*([^\]]+?)\s*\]", line)
        section = header[1] if header else section
        shown = re.match(r"# ([a-z_]+) = ", line)
        key = f"{section}.{shown[1]}" if shown else ""
        if key in left:
            end = "\r\n" if line.endswith("\r\n") else "\n"
            lines[at] = f"{shown[1] if shown else ''} = {toml(left.pop(key))}{end}"
    return _set("".join(lines), left) if left else "".join(lines)


def _set(text: str, changed: Mapping[str, Value]) -> str:
    """Set keys that stand in the file, or that it does not show at all."""
    import tomlkit

    document = tomlkit.parse(text)
    for key, value in changed.items():
        section, _, leaf = key.partition(".")
        if section not in document:
            document[section] = tomlkit.table()
        table = document[section]
        plain = list(value) if isinstance(value, tuple) else value
        table[leaf] = plain
    return tomlkit.dumps(document)


__all__ = ["update"]
