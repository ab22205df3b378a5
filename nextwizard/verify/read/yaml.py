"""The plain subset of YAML that is generated: keys, scalars and their lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nextwizard.values import Evidence

from .tree import Said


if TYPE_CHECKING:
    from collections.abc import Iterator


_KEY = re.compile(r"""^( *)((?:- +)*)["']?([\w./-]+)["']?:(?:\s+(.*?))?\s*$""")


def yaml(text: str, path: str) -> Iterator[tuple[tuple[str, ...], Said]]:
    """Yield each key of block mappings with the keys around it, and its scalar.

    A key whose value follows on other lines has the empty text. Anything else, such as
    a flow mapping, is passed over: a schema checker reads it.
    """
    stack: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*(#|---|$)", line):
            continue
        found = _KEY.match(re.sub(r"\s+#.*$", "", line))
        if found is None:
            continue
        indent = len(found[1]) + len(found[2])
        while stack and stack[-1][0] >= indent:
            stack.pop()
        stack.append((indent, found[3]))
        value = (found[4] or "").strip("\"'")
        yield tuple(key for _, key in stack), Said(value, Evidence(path, number))


__all__ = ["yaml"]
