"""What a run leaves for the next one to know of each file, and the copies it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .state import Record, digest


if TYPE_CHECKING:
    from collections.abc import Sequence

    from .values import Change


def same(one: Record, two: Record) -> bool:
    """Tell whether two records say the same of every file."""
    return (one.files, one.pending, one.once) == (two.files, two.pending, two.once)


def recorded(changes: Sequence[Change], old: Record) -> tuple[Record, dict[str, bytes]]:
    """Return what to remember of each file, and the base copies that takes."""
    files: dict[str, str] = {}
    pending: dict[str, str] = {}
    once: set[str] = set()
    bases: dict[str, bytes] = {}
    for change in changes:
        if change.ownership == "secret":
            once.add(change.path)
        elif change.ownership == "once":
            if change.path in old.once or change.status == "new":
                once.add(change.path)
        elif change.ownership != "managed":
            continue
        elif change.status == "conflict":
            _stands(change, old, files, pending)
        elif change.base is not None:
            files[change.path] = digest(change.base)
        if change.ownership == "managed" and change.base is not None:
            bases[digest(change.base)] = change.base
    return Record(files, pending, frozenset(once)), bases


def _stands(
    change: Change, old: Record, files: dict[str, str], pending: dict[str, str]
) -> None:
    """Remember a conflict: the base stays, and what stands in NAME.new."""
    if change.path in old.files:
        files[change.path] = old.files[change.path]
    if change.base is not None:
        pending[change.path] = digest(change.base)
    elif change.path in old.pending:
        pending[change.path] = old.pending[change.path]


def secrets_of(record: Record) -> frozenset[str]:
    """Return the secret files that earlier runs made."""
    return frozenset(path for path in record.once if path.endswith(".env"))


__all__ = ["recorded", "same", "secrets_of"]
