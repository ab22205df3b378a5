"""A run that is undone: because it did not end, or because somebody wishes it."""

from __future__ import annotations

import errno
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from nextwizard.errors import Problem, RecordError, WriteError
from nextwizard.state import Disk, digest, inside

from .files import (
    BACKUP,
    JOURNAL,
    LAST,
    RUN,
    TEMP,
    Journal,
    Row,
    create,
    directories,
    discard,
    sync,
    temporary,
)


if TYPE_CHECKING:
    from collections.abc import Iterator


_IGNORES = ".gitignore"


def recover(root: str) -> bool:
    """Undo a run that did not end; True when there was one."""
    if _read(root, JOURNAL) is None:
        with suppress(OSError):
            clean(root)
        return False
    try:
        _undo(root)
    except OSError as error:
        raise _stuck(error) from error
    return True


def rollback(root: str) -> tuple[str, ...] | None:
    """Make the last run one that did not end, and undo it."""
    if _read(root, LAST) is None:
        return None
    try:
        os.replace(os.path.join(root, LAST), os.path.join(root, JOURNAL))
        sync(os.path.join(root, RUN))
        return _undo(root)
    except OSError as error:
        raise _stuck(error) from error


def _stuck(error: OSError) -> WriteError:
    what = f"could not be undone: {error.strerror or error}"
    fix = "Nothing is lost; the next run goes on with it."
    return WriteError(Problem(JOURNAL, what, fix))


def _read(root: str, path: str) -> Journal | None:
    """Return a journal; RecordError when it names what no run of ours would."""
    entry = Disk(root).look(path)
    if entry.kind == "missing":
        return None
    try:
        return _parsed(entry.data if entry.kind == "file" else b"")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        fix = "Look at `git status`, put right what is wrong there, then remove it."
        raise RecordError(Problem(path, "is damaged and was not used", fix)) from error


def _parsed(data: bytes) -> Journal:
    """Return a journal from its bytes; ValueError when it leads out of the project."""
    document = json.loads(data)
    rows = tuple(Row(**{**row, "made": tuple(row["made"])}) for row in document["rows"])
    run = str(document["run"])
    names = [name for row in rows for name in (row.path, *row.made)]
    if not run.isalnum() or not all(map(inside, names)):
        raise ValueError(run)
    return Journal(run, rows)


def _undo(root: str) -> tuple[str, ...]:
    """Restore what the journal names; return the paths somebody else changed since."""
    journal = _read(root, JOURNAL)
    if journal is None:
        return ()
    kept: list[str] = []
    secret = False
    for number, row in reversed([*enumerate(journal.rows)]):
        discard(temporary(root, row, number))
        if secret and row.path == _IGNORES:
            kept.append(row.path)
        elif not _restore(root, journal, number):
            kept.append(row.path)
            secret = secret or row.secret
        for folder in row.made:
            with suppress(OSError):
                os.rmdir(os.path.join(root, folder))
    discard(os.path.join(root, JOURNAL))
    sync(os.path.join(root, RUN))
    with suppress(OSError):
        clean(root)
    return tuple(kept)


def _restore(root: str, journal: Journal, number: int) -> bool:
    """Put one file back; False when somebody changed it, or took the copy away."""
    row = journal.rows[number]
    disk = Disk(root)
    entry = disk.look(row.path)
    now = digest(entry.data) if entry.kind == "file" else ""
    if entry.kind not in {"file", "missing"}:
        return False
    if now == row.before:
        return True
    if now != row.after:
        return False
    place = os.path.join(root, row.path)
    if not row.before:
        os.unlink(place)
        sync(os.path.dirname(place))
        return True
    kept = disk.read(journal.backup(number))
    if kept is None or digest(kept) != row.before:
        return False
    directories(root, os.path.dirname(row.path))
    backup = os.path.join(root, journal.backup(number))
    _back(backup, place, temporary(root, row, number))
    sync(os.path.dirname(place))
    return True


def _back(backup: str, place: str, temporary: str) -> None:
    """Give a file that was put aside its name again, instead of what stands there."""
    try:
        os.replace(backup, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        discard(temporary)
        with open(backup, "rb") as file:
            create(temporary, file.read(), 0o600, os.lstat(backup))
        os.replace(temporary, place)


def clean(root: str) -> None:
    """Remove what neither a journal nor a rollback needs any more."""
    wanted = {
        journal.run
        for path in (JOURNAL, LAST)
        if (journal := _read(root, path)) is not None
    }
    folder = os.path.join(root, BACKUP)
    for run in _below(folder):
        if run in wanted:
            continue
        for name in _below(os.path.join(folder, run)):
            discard(os.path.join(folder, run, name))
        os.rmdir(os.path.join(folder, run))
    discard(os.path.join(root, RUN, f"{TEMP}journal"))


def _below(place: str) -> Iterator[str]:
    """Yield the names in a directory that may not be there."""
    with suppress(FileNotFoundError, NotADirectoryError):
        yield from sorted(os.listdir(place))


__all__ = ["clean", "recover", "rollback"]
