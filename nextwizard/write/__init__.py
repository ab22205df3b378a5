"""The only room that touches the user's files: lock, journal, atomic replace, rollback.

Every file is old or new at every moment. A run that was killed is undone by the next
one, from the journal and the copies that were put aside before anything changed.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from nextwizard.catalog import RECORD_DIR
from nextwizard.errors import InputError, LockedError, Problem, WriteError
from nextwizard.state import Disk, digest

from .files import (
    RUN,
    Row,
    appear,
    aside,
    attributes,
    begin,
    create,
    directories,
    discard,
    end,
    failed,
    open_folder,
    patient,
    sync,
    temporary,
    whole,
    writable,
)


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


_LOCK = f"{RUN}/lock"


@contextmanager
def locked(root: str) -> Iterator[None]:
    """Hold the project's lock; LockedError while another run holds it.

    The kernel lets go of it when its process ends, so a dead run blocks nobody.
    Raises WriteError when the disk refuses.
    """
    handle = _opened(root)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = os.read(handle, 20).decode("ascii", "replace").strip() or "unknown"
            what = f"is locked by another run (pid {pid})"
            fix = "Wait for it to end, then run this again."
            raise LockedError(Problem(root, what, fix)) from error
        try:
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
        except OSError as error:
            raise failed(_LOCK, error) from error
        yield
    finally:
        os.close(handle)


def _opened(root: str) -> int:
    """Return the lock file, made where there is none yet."""
    disk = Disk(root)
    for path in (RECORD_DIR, RUN):
        if disk.look(path).kind not in {"missing", "directory"}:
            problem = Problem(path, "is no directory", "Move it away.")
            raise InputError(problem)
    try:
        directories(root, RUN)
        whole(os.path.join(root, RUN, ".gitignore"), b"*\n")
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(os.path.join(root, _LOCK), flags, 0o600)
    except OSError as error:
        raise failed(RUN, error) from error
    owner = os.stat(os.path.join(root, RUN))
    if os.geteuid() == 0 and os.fstat(handle).st_uid != owner.st_uid:
        os.fchown(handle, owner.st_uid, owner.st_gid)
    return handle


@dataclass(frozen=True, slots=True)
class Step:
    """One file to write, or to remove without `after`; `before` was planned on.

    `mode` is that of a new file; one that stands keeps its own. What is written may be
    a secret, so no traceback or log that shows a step shows it.
    """

    path: str
    before: bytes | None = field(repr=False)
    after: bytes | None = field(repr=False)
    mode: int = 0o644
    secret: bool = False


def preflight(root: str, steps: Sequence[Step]) -> None:
    """Refuse the whole run, before anything is written, when a step cannot work."""
    disk = Disk(root)
    open_to = cache(open_folder)
    problems = []
    for step in steps:
        words = _obstacle(root, step, disk, open_to)
        if words:
            problems.append(Problem(step.path, *words))
    if problems:
        raise InputError(problems)


def _obstacle(
    root: str, step: Step, disk: Disk, open_to: Callable[[str], bool]
) -> tuple[str, str] | None:
    """Return what stands in a step's way, and the way out.

    `open_to` tells whether this account may write in a directory.
    """
    entry = disk.look(step.path)
    if entry.kind == "symlink":
        return "is or lies below a symlink", "Replace it by a real file."
    if entry.kind in {"directory", "other"}:
        return "is no regular file", "Move it away."
    if entry.kind == "unreadable" or not writable(root, step.path, open_to):
        return "cannot be written", "Give this account write permission."
    if (entry.data if entry.kind == "file" else None) != step.before:
        what = "changed while nextwizard was looking at it"
        return what, "Nothing was written. Run this again."
    if entry.kind == "file" and step.after is not None:
        return _foreign(root, step.path)
    return None


def _foreign(root: str, path: str) -> tuple[str, str] | None:
    """Refuse a file whose owner or group this account could not give to a new one."""
    me = os.geteuid()
    found = os.lstat(os.path.join(root, path))
    if me == 0 or (
        found.st_uid == me and found.st_gid in {os.getegid(), *os.getgroups()}
    ):
        return None
    what = f"belongs to another account (uid {found.st_uid}, gid {found.st_gid})"
    return what, "Run this as that account, or take the file over with chown."


def apply(root: str, steps: Sequence[Step]) -> None:
    """Make the steps, all or none; the caller holds the lock.

    Raises InputError when a step cannot work, WriteError when the disk refused and
    everything was put back, KeyboardInterrupt when a signal asked to end, likewise.
    """
    preflight(root, steps)
    if not steps:
        return
    rows = [
        Row(step.path, _sha(step.before), _sha(step.after), secret=step.secret)
        for step in steps
    ]
    with patient() as check:
        try:
            journal = begin(root, rows)
            for number, step in enumerate(steps):
                check()
                place = temporary(root, rows[number], number)
                _make(root, step, place)
                _unsaved(root, step, journal.backup(number), place)
            check()
            end(root)
        except BaseException as error:
            recover(root)
            if isinstance(error, OSError):
                raise failed(_below(root, error), error) from error
            raise


def _below(root: str, error: OSError) -> str:
    """Return the path an error is about, as the user knows it."""
    path = str(error.filename2 or error.filename or root)
    return os.path.relpath(path, root) if path.startswith(f"{root}/") else path


def _sha(data: bytes | None) -> str:
    return "" if data is None else digest(data)


def _make(root: str, step: Step, temporary: str) -> None:
    """Make one step: the target is the old file or the new one, never less."""
    place = os.path.join(root, step.path)
    directories(root, os.path.dirname(step.path))
    _unchanged(root, step)
    discard(temporary)
    try:
        if step.after is None:
            os.unlink(place)
        elif step.before is None:
            create(temporary, step.after, step.mode, None)
            _appear(temporary, place, step.path)
        else:
            create(temporary, step.after, step.mode, os.lstat(place))
            attributes(place, temporary)
            _unchanged(root, step)
            os.replace(temporary, place)
    except BaseException:
        with suppress(OSError):
            discard(temporary)
        raise
    sync(os.path.dirname(place))


def _unsaved(root: str, step: Step, backup: str, temporary: str) -> None:
    """Give a file back that was saved between the last look and the rename.

    It was written into, so what was put aside, the same file, says what it says now.
    """
    place = os.path.join(root, step.path)
    if step.before is None or Disk(root).read(backup) == step.before:
        return
    aside(os.path.join(root, backup), temporary)
    os.replace(temporary, place)
    sync(os.path.dirname(place))
    raise _changed(step.path)


def _appear(temporary: str, place: str, path: str) -> None:
    try:
        appear(temporary, place)
    except FileExistsError as error:
        raise _changed(path) from error


def _unchanged(root: str, step: Step) -> None:
    """Refuse to replace a file that was saved after the plan was made."""
    entry = Disk(root).look(step.path)
    if (entry.data if entry.kind == "file" else None) != step.before:
        raise _changed(step.path)


def _changed(path: str) -> WriteError:
    what = "changed while nextwizard was writing"
    fix = "Every file is as it was before. Run this again."
    return WriteError(Problem(path, what, fix))


def remember(root: str, path: str, data: bytes) -> None:
    """Keep what only saves time; a disk that refuses costs nothing else."""
    with suppress(OSError):
        whole(os.path.join(root, path), data, 0o600)


def recover(root: str) -> bool:
    """Undo a run that did not end; True when there was one.

    Raises RecordError for a journal that no run of ours left, WriteError when the disk
    refuses; the next run tries again then.
    """
    from .undo import recover as undone

    with patient():
        return undone(root)


def rollback(root: str) -> tuple[str, ...] | None:
    """Go back to the state before the last run; None when there is none to go back to.

    Returns the paths left alone because somebody changed them since. One that is killed
    is finished by the next run.
    """
    from .undo import rollback as undone

    with patient():
        return undone(root)


__all__ = [
    "RUN",
    "Step",
    "apply",
    "locked",
    "patient",
    "preflight",
    "recover",
    "remember",
    "rollback",
]
