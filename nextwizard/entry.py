"""An answer as one line of text, and back: what a person types and reads."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from .questions import BY_KEY


if TYPE_CHECKING:
    from collections.abc import Mapping

    from .values import Value


def written(value: Value) -> str:
    """Return an answer as the line a person would type."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (str, int)):
        return str(value)
    if isinstance(value, tuple):
        return ", ".join(value)
    return shlex.join(f"{name}={text}" for name, text in value.items())


def entered(key: str, line: str) -> Value:
    """Return what a typed line means for a question; the check comes later."""
    text = line.strip()
    match BY_KEY[key].kind:
        case "integer":
            return int(text) if text.isdecimal() and text.isascii() else text
        case "flag":
            return {"yes": True, "no": False}.get(text.lower(), text)
        case "list":
            return tuple(text.replace(",", " ").split())
        case "table":
            return _variables(text)
        case _:
            return text


def _variables(text: str) -> str | Mapping[str, str]:
    """Return NAME=value words as a table; the text itself when it is none."""
    try:
        words = shlex.split(text)
    except ValueError:
        return text
    pairs = [word.partition("=") for word in words]
    if not all(name and equals for name, equals, _ in pairs):
        return text
    return {name: value for name, _, value in pairs}


__all__ = ["entered", "written"]
