"""What earlier runs left that this one makes no more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .state import digest
from .values import Change, Note


if TYPE_CHECKING:
    from .state import Disk, Record
    from .values import Plan


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


def renamed(changes: list[Change], plan: Plan, disk: Disk) -> list[Note]:
    """Return the warning of a secret file that came along and names the old database.

    compose makes the database that project.name says, in a volume of that name.
    """
    if plan["hosting.target"] != "compose" or not plan["compose.database"]:
        return []
    name, found = str(plan["project.name"]), []
    for change in changes:
        if change.ownership != "secret" or not change.origin:
            continue
        url = rb"(?m)^DATABASE_URL=\W?\w+://([\w-]+):.*@database\b.*/([\w-]+)"
        said = re.search(url, disk.read(change.origin) or b"")
        old = dict.fromkeys(part.decode() for part in said.groups()) if said else {}
        if set(old) - {name}:
            message = (
                f"project.name: DATABASE_URL in {change.path} names "
                f"{' and '.join(old)}, and compose makes {name} in a new, empty volume"
            )
            fix = (
                f"Write {name} for user and database there, and bring the data over "
                "with a dump; or keep the old project.name."
            )
            found.append(Note("secret.renamed", "warning", message, fix=fix))
    return found


__all__ = ["gone", "renamed", "settled"]
