"""Small parsers of the user's own files: what they say, and at which line."""

from __future__ import annotations

from .rows import Row, assignments, calls, ini, unit, value
from .tree import Directive, Said, Unreadable, caddy, nginx


__all__ = [
    "Directive",
    "Row",
    "Said",
    "Unreadable",
    "assignments",
    "caddy",
    "calls",
    "ini",
    "nginx",
    "unit",
    "value",
]
