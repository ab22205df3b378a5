"""What becomes of the files the user already has: bytes in, bytes out."""

from __future__ import annotations

from .edits import add_ignores, repoint
from .entrypoints import (
    Kind,
    Verdict,
    adopt_entrypoint,
    entrypoint,
    settings_module_of,
)
from .split import Edit, Split, split_settings


__all__ = [
    "Edit",
    "Kind",
    "Split",
    "Verdict",
    "add_ignores",
    "adopt_entrypoint",
    "entrypoint",
    "repoint",
    "settings_module_of",
    "split_settings",
]
