"""Looking into parsed YAML or JSON without trusting its shape."""

from __future__ import annotations

import re
from collections.abc import Mapping


def at(node: object, *keys: str | int) -> object:
    """Return what lies below these keys, None where one of them is missing."""
    for key in keys:
        if isinstance(node, Mapping):
            node = node.get(key)
        elif isinstance(node, list) and isinstance(key, int) and key < len(node):
            node = node[key]
        else:
            return None
    return node


def listed(node: object) -> list[object]:
    """Return a list as it is, and nothing where there is none."""
    return list(node) if isinstance(node, list) else []


def mapped(node: object) -> dict[str, object]:
    """Return a mapping with text keys, empty where there is none."""
    return {str(k): v for k, v in node.items()} if isinstance(node, Mapping) else {}


def word(node: object) -> str:
    """Return text or a number as text, empty for anything else."""
    return str(node) if isinstance(node, (str, int)) else ""


def flag(node: object) -> bool:
    """Tell whether a node is true."""
    return node is True


def seconds(node: object) -> int:
    """Return the seconds of 35, 35s or 1m5s; 0 where it is none of them."""
    if isinstance(node, int):
        return node
    parts = re.findall(r"(\d+)(ms|h|m|s)", word(node))
    scale = {"h": 3600, "m": 60, "s": 1, "ms": 0}
    return sum(int(number) * scale[unit] for number, unit in parts)


__all__ = ["at", "flag", "listed", "mapped", "seconds", "word"]
