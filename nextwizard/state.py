"""What stands: the project's files right now, and the record of the last run."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import __version__
from .catalog import RECORD_DIR
from .errors import Problem, RecordError
from .values import Entry


if TYPE_CHECKING:
    from collections.abc import Mapping


FORMAT = 1
MANIFEST = f"{RECORD_DIR}/manifest.json"
BASE = f"{RECORD_DIR}/base"
MAX_BYTES = 16 * 1024 * 1024
"""No file nextwizard looks at is larger; a larger one is refused, not read."""

_WAY_OUT = (
    f"Restore {RECORD_DIR}/ from git, or remove it and run `nextwizard init`: files "
    "that are unchanged are taken over, others are offered as NAME.new."
)


def digest(data: bytes) -> str:
    """Return the name a base copy is kept under."""
    return hashlib.sha256(data).hexdigest()


class Disk:
    """The project's files, each looked at once, so that one run sees one state."""

    def __init__(self, root: str) -> None:
        """Look below this directory, and never through a symlink below it."""
        self.root = root
        self._seen: dict[str, Entry] = {}

    def look(self, path: str) -> Entry:
        """Return what stands at a POSIX path below the root."""
        if path not in self._seen:
            self._seen[path] = _look(self.root, path)
        return self._seen[path]

    def read(self, path: str) -> bytes | None:
        """Return a regular file's bytes, None when there is none."""
        entry = self.look(path)
        return entry.data if entry.kind == "file" else None


def _look(root: str, path: str) -> Entry:
    """Return what stands at a path; a symlink on the way counts as one."""
    here = root
    parts = path.split("/")
    for at, part in enumerate(parts):
        here = os.path.join(here, part)
        try:
            found = os.lstat(here)
        except (FileNotFoundError, NotADirectoryError):
            return Entry("missing")
        except OSError:
            return Entry("unreadable")
        if stat.S_ISLNK(found.st_mode):
            return Entry("symlink")
        if at < len(parts) - 1 and not stat.S_ISDIR(found.st_mode):
            return Entry("other")
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


@dataclass(frozen=True, slots=True)
class Record:
    """What the last run left behind: each file's rendering, by path.

    `files` maps a path to the SHA-256 of its base copy, `pending` one that stands in
    conflict to that of the rendering in NAME.new; `fingerprint` names the state of
    answers, templates and release under which nothing would change.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    pending: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""
    version: str = __version__

    def dump(self) -> bytes:
        """Return the manifest's bytes; equal records give equal bytes."""
        document = {
            "format": FORMAT,
            "nextwizard": self.version,
            "fingerprint": self.fingerprint,
            "files": dict(sorted(self.files.items())),
            "pending": dict(sorted(self.pending.items())),
        }
        return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def load(disk: Disk) -> Record | None:
    """Return the record, None when there is none; RecordError when it is damaged."""
    entry = disk.look(MANIFEST)
    if entry.kind == "missing":
        if disk.look(RECORD_DIR).kind == "symlink":
            raise RecordError(
                Problem(RECORD_DIR, "is a symlink", "Make it a directory.")
            )
        return None
    try:
        document = json.loads(entry.data if entry.kind == "file" else b"")
        files = {str(path): str(sha) for path, sha in document["files"].items()}
        pending = {str(path): str(sha) for path, sha in document["pending"].items()}
        written = document["format"], str(document["nextwizard"])
        print_ = str(document["fingerprint"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = "is damaged and cannot be read"
        raise RecordError(Problem(MANIFEST, what, _WAY_OUT)) from error
    if written[0] != FORMAT or _newer(written[1]):
        what = f"was written by nextwizard {written[1]}, and this is {__version__}"
        raise RecordError(
            Problem(MANIFEST, what, "Install that release or a newer one.")
        )
    return Record(files, pending, print_, written[1])


def _newer(version: str) -> bool:
    """Tell whether a release is newer than this one."""
    numbers = [
        [int(part) for part in text.split(".") if part.isdigit()]
        for text in (version, __version__)
    ]
    return numbers[0] > numbers[1]


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
    "base_copy",
    "digest",
    "load",
]
