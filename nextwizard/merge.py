"""Holds a rendering against the disk and the last run: what becomes of each file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .state import Record, base_copy, digest
from .values import Change


if TYPE_CHECKING:
    from collections.abc import Mapping

    from .state import Disk
    from .values import RenderedFile, Status


def hold(
    file: RenderedFile, disk: Disk, record: Record, choices: Mapping[str, str]
) -> Change:
    """Return what becomes of one rendered file; `choices` settle conflicts."""
    now = disk.read(file.path)
    if file.ownership in {"once", "secret"}:
        return _once(file, now)
    sha = _settled_base(file.path, disk, record)
    if now is None or now == file.data:
        return _plain(file, now, known=sha is not None)
    if sha is None:
        return _conflict(file, now, choices, "a file of yours stands there")
    if digest(now) == sha:
        return _change(file, "update", now, "")
    if digest(file.data) == sha:
        return _change(file, "same", now, "your edit is kept", keep=True)
    return _conflict(file, now, choices, "you changed it, and so would nextwizard")


def _plain(file: RenderedFile, now: bytes | None, *, known: bool) -> Change:
    """Return the change of a file that is absent, or is already what it should be."""
    if now is not None:
        return _change(file, "same", now, "")
    if not known:
        return _change(file, "new", None, "")
    return _change(file, "same", None, "you deleted it; it stays deleted", keep=True)


def _once(file: RenderedFile, now: bytes | None) -> Change:
    """Return the change of a file that is made when absent and never again."""
    if now is not None:
        return _change(file, "same", now, "yours", keep=True)
    secret = file.ownership == "secret"
    return _change(file, "secret" if secret else "new", None, "")


def _settled_base(path: str, disk: Disk, record: Record) -> str | None:
    """Return the base to compare with: a conflict's rendering once NAME.new is gone."""
    pending = record.pending.get(path)
    if pending and disk.look(f"{path}.new").kind == "missing":
        base_copy(disk, pending)
        return pending
    return record.files.get(path)


def _conflict(
    file: RenderedFile, now: bytes, choices: Mapping[str, str], why: str
) -> Change:
    """Return a conflict, or what the user chose to become of it."""
    choice = choices.get(file.path, "new")
    if choice == "keep":
        return _change(file, "same", now, "kept as you wished", keep=True)
    if choice == "take":
        return _change(file, "update", now, "replaces what stood there")
    return _change(
        file, "conflict", now, f"{why}: the rendering goes to {file.path}.new"
    )


def _change(
    file: RenderedFile,
    status: Status,
    now: bytes | None,
    note: str,
    *,
    keep: bool = False,
) -> Change:
    """Return a change; with keep the disk stays as it is and the base moves on."""
    return Change(
        path=file.path,
        status=status,
        before=now,
        after=now if keep else file.data,
        mode=file.mode,
        ownership=file.ownership,
        note=note,
        origin=file.origin,
        base=file.data,
    )


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


__all__ = ["gone", "hold"]
