"""What stands: the project's files as they are, and the record of the last run."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from . import __version__
from .catalog import RECORD_DIR, templates_dir
from .errors import InputError, Problem, RecordError, shown
from .values import EMPTY, Entry


if TYPE_CHECKING:
    from collections.abc import Mapping


FORMAT = 1
MANIFEST = f"{RECORD_DIR}/manifest.json"
BASE = f"{RECORD_DIR}/base"
MAX_BYTES = 16 * 1024 * 1024
"""No file nextwizard looks at is larger; a larger one is refused, not read."""

MAX_NAMES = 200
"""Of a directory with more names only the first are looked at."""

_NAME = "Name the directory that holds manage.py."
_SYSTEM = frozenset("boot dev etc proc run sys".split())
_SHA = re.compile(r"[0-9a-f]{64}")
_WAY_OUT = (
    f"Restore {RECORD_DIR}/ from git, or remove it and run `nextwizard init`: files "
    "that are unchanged are taken over, others are offered as NAME.new."
)


def digest(data: bytes) -> str:
    """Return the name a base copy is kept under."""
    return hashlib.sha256(data).hexdigest()


def locate(directory: str) -> str:
    """Return the project's root; InputError when it cannot be one."""
    root = allowed(directory)
    if not directory or not os.path.isdir(root):
        raise InputError(Problem(ascii(directory), "is no directory", _NAME))
    return root


def signature() -> str:
    """Return a digest of every file of ours by name, size and time.

    An upgrade changes it, and so does an edit in a checkout. It is what this process
    began with: code and templates that it has loaded stay as they were.
    """
    return _signed(os.path.dirname(os.path.abspath(__file__)), templates_dir())


@cache
def _signed(*tops: str) -> str:
    found = hashlib.sha256()
    for top in tops:
        for folder, folders, names in os.walk(top):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(names):
                place = os.path.join(folder, name)
                file = os.stat(place)
                found.update(f"{place} {file.st_size} {file.st_mtime_ns}\n".encode())
    return found.hexdigest()


def _named(root: str) -> None:
    """Refuse a directory that no message, shell or file of a server can name."""
    from .names import plain

    try:
        plain(root)
    except ValueError as error:
        what = f"{error}; neither a shell nor a server's file can name it"
        raise InputError(Problem(ascii(root), what, "Rename the directory.")) from None


def allowed(directory: str) -> str:
    """Return a directory's real path, there or not; InputError for the system's."""
    try:
        root = os.path.realpath(directory)
    except ValueError:
        raise InputError(Problem(ascii(directory), "is no directory", _NAME)) from None
    if not (root.isascii() and root.isprintable()):
        _named(root)
    memory = root.startswith("/dev/shm/")  # noqa: S108 - asked about, not used
    if root == "/" or (root.split("/")[1] in _SYSTEM and not memory):
        raise InputError(Problem(root, "is a directory of the system", _NAME))
    return root


class Disk:
    """The project's files, each looked at once, so that one run sees one state."""

    def __init__(self, root: str) -> None:
        """Look below this directory, and never through a symlink below it."""
        self.root = root
        self._seen: dict[str, Entry] = {}
        self._folders: set[str] = set()

    def look(self, path: str) -> Entry:
        """Return what stands at a POSIX path below the root."""
        if path not in self._seen:
            self._seen[path] = _look(self.root, path, self._folders)
        return self._seen[path]

    def read(self, path: str) -> bytes | None:
        """Return a regular file's bytes, None when there is none."""
        entry = self.look(path)
        return entry.data if entry.kind == "file" else None

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names in a directory, few enough to be looked at."""
        if folder and self.look(folder).kind != "directory":
            return ()
        try:
            names = os.listdir(os.path.join(self.root, folder))
        except OSError:
            return ()
        return tuple(sorted(names)[:MAX_NAMES])

    def mark(self, path: str) -> str:
        """Return what stands at a path in short: its kind, and its bytes' digest."""
        entry = self.look(path)
        return f"{entry.kind} {digest(entry.data) if entry.kind == 'file' else ''}"

    def marks(self) -> dict[str, str]:
        """Return the marks of everything that was looked at, by path."""
        return {path: self.mark(path) for path in self._seen}


def _look(root: str, path: str, folders: set[str]) -> Entry:
    """Return what stands at a path; a symlink on the way counts as one.

    `folders` are real directories on ways gone before, each looked at once.
    """
    here = root
    parts = path.split("/")
    last = len(parts) - 1
    for at, part in enumerate(parts):
        here = f"{here}/{part}"
        if at < last and here in folders:
            continue
        try:
            found = os.lstat(here)
        except (FileNotFoundError, NotADirectoryError):
            return Entry("missing")
        except OSError:
            return Entry("unreadable")
        if stat.S_ISLNK(found.st_mode):
            return Entry("symlink")
        if at < last:
            if not stat.S_ISDIR(found.st_mode):
                return Entry("other")
            folders.add(here)
    return _entry(here, found)


def _entry(path: str, found: os.stat_result) -> Entry:
    mode = stat.S_IMODE(found.st_mode)
    if stat.S_ISDIR(found.st_mode):
        return Entry("directory", mode=mode)
    if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
        return Entry("other", mode=mode)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with open(handle, "rb") as file:
            return Entry("file", file.read(), mode)
    except OSError:
        return Entry("unreadable", mode=mode)


class Record(NamedTuple):
    """What the last run left behind: each file's rendering, by path.

    `files` maps a path to the SHA-256 of its base copy, `pending` one that stands in
    conflict to that of the rendering in NAME.new. `once` names the files that were made
    and are the user's since. `versions` are the releases that run was made for: a clone
    without an environment decides by them.
    """

    files: Mapping[str, str] = EMPTY
    pending: Mapping[str, str] = EMPTY
    once: frozenset[str] = frozenset()
    versions: Mapping[str, str] = EMPTY
    version: str = __version__

    def dump(self) -> bytes:
        """Return the manifest's bytes; equal records give equal bytes."""
        document = {
            "format": FORMAT,
            "nextwizard": self.version,
            "versions": dict(sorted(self.versions.items())),
            "files": dict(sorted(self.files.items())),
            "pending": dict(sorted(self.pending.items())),
            "once": sorted(self.once),
        }
        return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def load(disk: Disk) -> Record | None:
    """Return the record, None when there is none; RecordError when it is damaged."""
    entry = disk.look(MANIFEST)
    if entry.kind == "missing":
        _refuse_odd_folder(disk)
        return None
    try:
        document = json.loads(entry.data if entry.kind == "file" else b"")
        release, newer = _release(document)
        record = None if newer else _record(document, release)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = "is damaged and cannot be read"
        raise RecordError(Problem(MANIFEST, what, _WAY_OUT)) from error
    if record is None:
        what = f"was written by nextwizard {release}, and this is {__version__}"
        fix = "Install that release or a newer one."
        raise RecordError(Problem(MANIFEST, what, fix))
    return record


def _refuse_odd_folder(disk: Disk) -> None:
    """Refuse a record directory that leads elsewhere, or is none."""
    kind = disk.look(RECORD_DIR).kind
    if kind not in {"missing", "directory"}:
        what = "is a symlink" if kind == "symlink" else "is no directory"
        raise RecordError(Problem(RECORD_DIR, what, "Make it a directory."))


def _release(document: Mapping[str, object]) -> tuple[str, bool]:
    """Return the release that wrote a manifest, and whether it is newer than this."""
    release = shown(str(document["nextwizard"]))[1:-1]
    numbers = [
        [int(part) for part in re.findall(r"[0-9]{1,9}", text)[:4]]
        for text in (release, __version__)
    ]
    return release, document["format"] != FORMAT or numbers[0] > numbers[1]


def _record(document: Mapping[str, Any], release: str) -> Record:
    """Return a manifest's record; ValueError when it names what it may not."""
    for key in ("files", "pending"):
        for path, sha in document[key].items():
            if not inside(path) or not _SHA.fullmatch(sha):
                raise ValueError(path)
    once = document.get("once", ())
    versions = document.get("versions", {})
    if isinstance(once, str) or not all(map(inside, once)):
        raise ValueError(once)
    return Record(
        dict(document["files"]),
        dict(document["pending"]),
        frozenset(once),
        {str(name): str(version) for name, version in versions.items()},
        release,
    )


def inside(path: str) -> bool:
    """Tell whether a path is POSIX, relative, and stays below where it starts."""
    return "\0" not in path and not {"", ".", ".."} & {*path.split("/")}


def base_copy(disk: Disk, sha: str) -> bytes:
    """Return a rendering of an earlier run by its SHA-256.

    Raises RecordError when the copy is missing or is not what it was.
    """
    place = f"{BASE}/{sha}"
    data = disk.read(place)
    if data is None or digest(data) != sha:
        raise RecordError(Problem(place, "is missing or was changed", _WAY_OUT))
    return data


__all__ = [
    "BASE",
    "MANIFEST",
    "Disk",
    "Record",
    "allowed",
    "base_copy",
    "digest",
    "inside",
    "load",
    "locate",
    "signature",
]
