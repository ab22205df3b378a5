"""What earlier runs left that this one makes no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .state import digest
from .values import Change


if TYPE_CHECKING:
    from .state import Disk, Record


def gone(rendered: frozenset[str], disk: Disk, record: Record) -> list[Change]:
    """Return what becomes of files that earlier runs made and this one does not."""
    changes = []
    for path, sha in sorted(record.files.items()):
        if path in rendered:
            continue
        now = disk.read(path)
        if now is None:
            continue
        ours = digest(now) == sha
        changes.append(
            Change(
                path,
                "removed" if ours else "orphan",
                now,
                None if ours else now,
                0o644,
                "managed",
                "" if ours else "no longer made, and you changed it: yours now",
            )
        )
    return changes


def settled(changes: list[Change], disk: Disk, record: Record) -> list[Change]:
    """Return the removal of each NAME.new whose conflict is over, if it is ours."""
    open_ = {change.path for change in changes if change.status == "conflict"}
    found = []
    for path, sha in sorted(record.pending.items()):
        name = f"{path}.new"
        now = disk.read(name)
        if path not in open_ and now is not None and digest(now) == sha:
            note = "the conflict is over"
            found.append(Change(name, "removed", now, None, 0o644, "managed", note))
    return found


__all__ = ["gone", "settled"]
