"""Single files, each whole or not at all, and what a run puts aside before it."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from nextwizard.catalog import RECORD_DIR
from nextwizard.errors import Problem, WriteError


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


RUN = f"{RECORD_DIR}/run"
JOURNAL = f"{RUN}/journal.json"
LAST = f"{RUN}/last.json"
BACKUP = f"{RUN}/backup"

TEMP = ".nextwizard-"
"""How the name of every temporary file starts; it lies beside its target."""

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LINKS = {
    errno.EACCES,
    errno.EMLINK,
    errno.ENOSYS,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.EPERM,
    errno.EXDEV,
}


def failed(path: str, error: OSError) -> WriteError:
    """Return the refusal of a disk that would not take something."""
    what = f"could not be written: {error.strerror or error}"
    fix = "Every file is as it was. Make room or give permission, then run this again."
    return WriteError(Problem(path, what, fix))


def writable(root: str, path: str, open_to: Callable[[str], bool]) -> bool:
    """Tell whether a file may be replaced: it, and the directory it lies in."""
    place = os.path.join(root, path)
    if os.path.exists(place) and not os.access(place, os.W_OK):
        return False
    return open_to(os.path.dirname(place))


def open_folder(folder: str) -> bool:
    """Tell whether names can be made in a directory, there or not yet."""
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    return os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)


def create(place: str, data: bytes, mode: int, like: os.stat_result | None) -> None:
    """Create a file, synced, with its mode from the first byte.

    `like` is a file whose owner, and whose mode instead, it gets; without one the
    umask has its say, and root gives the file to whom the directory belongs.
    """
    handle = os.open(place, _NEW, 0o600 if like else mode)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
        owner = like or _host(place)
        mine = os.fstat(handle)
        if owner and (mine.st_uid, mine.st_gid) != (owner.st_uid, owner.st_gid):
            os.fchown(handle, owner.st_uid, owner.st_gid)
        if like and stat.S_IMODE(mine.st_mode) != stat.S_IMODE(like.st_mode):
            os.fchmod(handle, stat.S_IMODE(like.st_mode))
        os.fsync(handle)
    finally:
        os.close(handle)


def _host(place: str) -> os.stat_result | None:
    """Return the directory whose owner a new file of root's gets."""
    return os.stat(os.path.dirname(place)) if os.geteuid() == 0 else None


def attributes(source: str, target: str) -> None:
    """Copy what a file carries beside its bytes, such as an access list."""
    if not hasattr(os, "listxattr"):
        return
    with suppress(OSError):
        for name in os.listxattr(source, follow_symlinks=False):
            with suppress(OSError):
                value = os.getxattr(source, name, follow_symlinks=False)
                os.setxattr(target, name, value, follow_symlinks=False)


def appear(temporary: str, place: str) -> None:
    """Give a file its name; FileExistsError when somebody else has it by now."""
    try:
        os.link(temporary, place)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(place):
            raise FileExistsError(errno.EEXIST, "exists", place) from error
        os.rename(temporary, place)
    else:
        os.unlink(temporary)


def aside(place: str, backup: str) -> None:
    """Keep a file as it is under a second name: a link, or a copy where none can be."""
    try:
        os.link(place, backup, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with open(place, "rb") as file:
            create(backup, file.read(), 0o600, os.lstat(place))
        attributes(place, backup)


def discard(place: str) -> None:
    """Remove a file that may not be there."""
    with suppress(FileNotFoundError):
        os.unlink(place)


def whole(place: str, data: bytes, mode: int = 0o644) -> None:
    """Put a small file of the record there, whole, unless it says so already."""
    with suppress(OSError), open(place, "rb") as file:
        if file.read(len(data) + 1) == data:
            return
    folder, name = os.path.split(place)
    temporary = os.path.join(folder, f"{TEMP}{name}")
    discard(temporary)
    try:
        create(temporary, data, mode, None)
        os.replace(temporary, place)
    finally:
        discard(temporary)


def missing(root: str, folder: str) -> list[str]:
    """Return the directories below the root that are not there, the deepest first."""
    found = []
    while folder and not os.path.isdir(os.path.join(root, folder)):
        found.append(folder)
        folder = os.path.dirname(folder)
    return found


def directories(root: str, folder: str, mode: int = 0o777) -> None:
    """Make a directory below the root and those above it; each is synced."""
    if os.path.isdir(os.path.join(root, folder)):
        return
    os.makedirs(root, exist_ok=True)
    for path in reversed(missing(root, folder)):
        place = os.path.join(root, path)
        os.mkdir(place, mode)
        owner = _host(place)
        if owner and owner.st_uid:
            os.chown(place, owner.st_uid, owner.st_gid, follow_symlinks=False)
        sync(os.path.dirname(place))


def sync(place: str) -> None:
    """Make the names in a directory last."""
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def patient() -> Iterator[Callable[[], None]]:
    """Hold back the signals that ask a run to end.

    The function that is yielded raises KeyboardInterrupt when one came; it is called
    where the run can be undone.
    """
    came: list[int] = []
    known: dict[signal.Signals, signal._HANDLER] = {}

    def note(number: int, _frame: object) -> None:
        came.append(number)

    def check() -> None:
        if came:
            raise KeyboardInterrupt

    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                known[number] = signal.signal(number, note)
    except ValueError:
        known.clear()  # a thread of a front end: signals are the main thread's
    try:
        yield check
    finally:
        for number, handler in known.items():
            signal.signal(number, handler)


class Row(NamedTuple):
    """One file of a run: the digests of what stood and of what shall stand.

    An empty digest means no file; `made` are the directories it needs, `secret` says
    that .gitignore has to name it as long as it is there.
    """

    path: str
    before: str
    after: str
    made: tuple[str, ...] = ()
    secret: bool = False


class Journal(NamedTuple):
    """The rows of one run, and the name of the directory with what it put aside."""

    run: str
    rows: tuple[Row, ...]

    def backup(self, number: int) -> str:
        """Return where the file of a row was put aside."""
        return f"{BACKUP}/{self.run}/{number}"


def temporary(root: str, row: Row, number: int) -> str:
    """Return the name under which a row's file is written first."""
    folder = os.path.dirname(os.path.join(root, row.path))
    return os.path.join(folder, f"{TEMP}{number}.tmp")


def planned(root: str, rows: Sequence[Row]) -> list[Row]:
    """Return the rows with the directories that each will have to make."""
    found = []
    for row in rows:
        made = tuple(missing(root, os.path.dirname(row.path)))
        found.append(Row(row.path, row.before, row.after, made, row.secret))
    return found


def begin(root: str, rows: Sequence[Row]) -> Journal:
    """Put aside what will change, then the journal: from here on all is undone."""
    journal = Journal(os.urandom(8).hex(), tuple(planned(root, rows)))
    directories(root, BACKUP, 0o700)
    directories(root, f"{BACKUP}/{journal.run}", 0o700)
    for number, row in enumerate(journal.rows):
        if row.before:
            backup = os.path.join(root, journal.backup(number))
            aside(os.path.join(root, row.path), backup)
    sync(os.path.join(root, BACKUP, journal.run))
    document = {"run": journal.run, "rows": [row._asdict() for row in journal.rows]}
    place = os.path.join(root, JOURNAL)
    beside = os.path.join(root, RUN, f"{TEMP}journal")
    discard(beside)
    create(beside, json.dumps(document).encode(), 0o600, None)
    os.replace(beside, place)
    sync(os.path.join(root, RUN))
    return journal


def end(root: str) -> None:
    """Make the run count: one rename, before it all is undone and after it nothing."""
    sync(os.path.join(root, RUN))
    os.replace(os.path.join(root, JOURNAL), os.path.join(root, LAST))
    with suppress(Exception):  # it counts already; a lost rename is only undone later
        sync(os.path.join(root, RUN))
        if len(os.listdir(os.path.join(root, BACKUP))) > 1:
            from .undo import clean

            clean(root)
