"""The only room that touches the user's files: lock, journal, atomic replace, rollback.

Every file is old or new at every moment. A run that was killed is undone by the next
one, from the journal and the copies it made before it changed anything.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .catalog import RECORD_DIR
from .errors import InputError, LockedError, Problem, WriteError
from .state import Disk, digest


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


RUN = f"{RECORD_DIR}/run"
_LOCK = f"{RUN}/lock"
_JOURNAL = f"{RUN}/journal.json"
_LAST = f"{RUN}/last.json"
_TEMP = ".nextwizard-tmp"


@dataclass(frozen=True, slots=True)
class Step:
    """One file to write, or to remove without `after`; `before` was planned on."""

    path: str
    before: bytes | None
    after: bytes | None
    mode: int = 0o644


@contextmanager
def locked(root: str) -> Iterator[None]:
    """Hold the project's lock; LockedError while another run holds it.

    The kernel lets go of it when its process ends, so a dead run blocks nobody.
    """
    _small(os.path.join(_directory(root, RUN), ".gitignore"), b"*\n")
    handle = os.open(os.path.join(root, _LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = os.read(handle, 20).decode("ascii", "replace").strip() or "unknown"
            what = f"is locked by another run (pid {pid})"
            fix = "Wait for it to end, then run this again."
            raise LockedError(Problem(root, what, fix)) from error
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)


def _directory(root: str, path: str) -> str:
    """Make a directory of the record and return its place; WriteError when refused."""
    place = os.path.join(root, path)
    try:
        os.makedirs(place, exist_ok=True)
    except OSError as error:
        raise _failed(path, error) from error
    return place


def _failed(path: str, error: OSError) -> WriteError:
    what = f"could not be written: {error.strerror or error}"
    fix = "Every file is as it was. Make room or give permission, then run this again."
    return WriteError(Problem(path, what, fix))


def _small(place: str, data: bytes) -> None:
    """Write a small file of the record once."""
    with suppress(FileExistsError):
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with open(handle, "wb") as file:
            file.write(data)


def preflight(root: str, steps: Sequence[Step]) -> None:
    """Refuse the whole run, before anything is written, when a step cannot work."""
    problems = []
    disk = Disk(root)
    for step in steps:
        entry = disk.look(step.path)
        if entry.kind == "symlink":
            what, fix = "is or lies below a symlink", "Replace it by a real file."
        elif entry.kind in {"directory", "other"}:
            what, fix = "is no regular file", "Move it away."
        elif entry.kind == "unreadable" or not _writable(root, step.path):
            what, fix = "cannot be written", "Give this account write permission."
        elif (entry.data if entry.kind == "file" else None) != step.before:
            what = "changed while nextwizard was looking at it"
            fix = "Nothing was written. Run this again."
        else:
            continue
        problems.append(Problem(step.path, what, fix))
    if problems:
        raise InputError(problems)


def _writable(root: str, path: str) -> bool:
    """Tell whether a file may be replaced: it, and the directory it lies in."""
    place = os.path.join(root, path)
    if os.path.exists(place) and not os.access(place, os.W_OK):
        return False
    folder = os.path.dirname(place)
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    return os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)


def apply(root: str, steps: Sequence[Step]) -> None:
    """Make the steps, all or none; the caller holds the lock.

    Raises InputError when a step cannot work, WriteError when the disk refused and
    everything was put back.
    """
    preflight(root, steps)
    if not steps:
        return
    try:
        _begin(root, steps)
        for step in steps:
            _make(root, step)
        _sync_directory(os.path.join(root, RUN))
        os.replace(os.path.join(root, _JOURNAL), os.path.join(root, _LAST))
        _sync_directory(os.path.join(root, RUN))
    except BaseException as error:
        recover(root)
        if isinstance(error, OSError):
            raise _failed(str(error.filename or root), error) from error
        raise


def _begin(root: str, steps: Sequence[Step]) -> None:
    """Copy what will change, then write the journal: from here on a kill is undone."""
    backup = _directory(root, f"{RUN}/backup")
    for name in os.listdir(backup):
        os.unlink(os.path.join(backup, name))
    rows = []
    for number, step in enumerate(steps):
        place = os.path.join(root, step.path)
        mode = stat.S_IMODE(os.lstat(place).st_mode) if step.before is not None else 0
        if step.before is not None:
            _fresh(os.path.join(backup, str(number)), step.before, 0o600)
        rows.append(
            {
                "path": step.path,
                "backup": str(number) if step.before is not None else "",
                "mode": mode,
                "after": digest(step.after) if step.after is not None else "",
                "made": _missing_parents(root, step.path),
            }
        )
    _sync_directory(backup)
    temporary = os.path.join(root, f"{_JOURNAL}{_TEMP}")
    _fresh(temporary, json.dumps(rows).encode(), 0o600)
    os.replace(temporary, os.path.join(root, _JOURNAL))
    _sync_directory(os.path.join(root, RUN))


def _missing_parents(root: str, path: str) -> list[str]:
    """Return the directories a step will have to make, the deepest first."""
    missing = []
    folder = os.path.dirname(path)
    while folder and not os.path.isdir(os.path.join(root, folder)):
        missing.append(folder)
        folder = os.path.dirname(folder)
    return missing


def _fresh(place: str, data: bytes, mode: int) -> None:
    """Create a file of ours with its mode from the first byte, and sync it."""
    with suppress(FileNotFoundError):
        os.unlink(place)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    handle = os.open(place, flags, mode & 0o600 or 0o600)
    with open(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(handle, mode)
        os.fsync(handle)


def _make(root: str, step: Step) -> None:
    """Make one step: the target is the old file or the new one, never less."""
    place = os.path.join(root, step.path)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    _unchanged(root, step)
    if step.after is None:
        os.unlink(place)
        _sync_directory(os.path.dirname(place))
        return
    temporary = f"{place}{_TEMP}"
    try:
        if step.before is None:
            _fresh(temporary, step.after, step.mode)
            os.link(temporary, place)
        else:
            old = os.lstat(place)
            _fresh(temporary, step.after, stat.S_IMODE(old.st_mode))
            _keep_owner(temporary, old)
            _unchanged(root, step)
            os.replace(temporary, place)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
    _sync_directory(os.path.dirname(place))


def _keep_owner(place: str, old: os.stat_result) -> None:
    """Give a new file the old one's owner and mode, where this account may."""
    new = os.lstat(place)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        os.chown(place, old.st_uid, old.st_gid, follow_symlinks=False)
        os.chmod(place, stat.S_IMODE(old.st_mode))


def _unchanged(root: str, step: Step) -> None:
    """Refuse to replace a file that was saved after the plan was made."""
    entry = Disk(root).look(step.path)
    if (entry.data if entry.kind == "file" else None) != step.before:
        what = "changed while nextwizard was writing"
        fix = "Every file is as it was before. Run this again."
        raise WriteError(Problem(step.path, what, fix))


def _sync_directory(place: str) -> None:
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def recover(root: str) -> bool:
    """Undo a run that did not end; True when there was one."""
    return _undo(root, _JOURNAL, force=True) is not None


def rollback(root: str) -> tuple[str, ...] | None:
    """Go back to the state before the last run; None when there is none to go back to.

    Returns the paths left alone because somebody changed them since.
    """
    return _undo(root, _LAST, force=False)


def _undo(root: str, journal: str, *, force: bool) -> tuple[str, ...] | None:
    """Restore what a journal names; without force, only what is as we wrote it."""
    place = os.path.join(root, journal)
    try:
        with open(place, "rb") as file:
            rows = json.loads(file.read())
    except (FileNotFoundError, ValueError):
        return None
    kept = [
        row["path"] for row in reversed(rows) if not _restore(root, row, force=force)
    ]
    os.unlink(place)
    _sync_directory(os.path.join(root, RUN))
    return tuple(kept)


def _restore(root: str, row: dict[str, str], *, force: bool) -> bool:
    """Put one file back; False when it was changed by somebody else meanwhile."""
    path = row["path"]
    place = os.path.join(root, path)
    with suppress(FileNotFoundError):
        os.unlink(f"{place}{_TEMP}")
    now = Disk(root).read(path)
    ours = digest(now) == row["after"] if now is not None else row["after"] == ""
    before = Disk(root).read(f"{RUN}/backup/{row['backup']}") if row["backup"] else None
    if now == before or (not ours and (not force or now is not None)):
        return now == before
    if before is None:
        os.unlink(place)
        for folder in row["made"]:
            with suppress(OSError):
                os.rmdir(os.path.join(root, folder))
        return True
    os.makedirs(os.path.dirname(place), exist_ok=True)
    _fresh(f"{place}{_TEMP}", before, int(row["mode"]))
    os.replace(f"{place}{_TEMP}", place)
    _sync_directory(os.path.dirname(place))
    return True


__all__ = ["RUN", "Step", "apply", "locked", "preflight", "recover", "rollback"]
