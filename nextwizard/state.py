"""What stands: the files, the record, and what a rendering becomes beside them."""

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
from .values import Change, Entry


if TYPE_CHECKING:
    from collections.abc import Mapping

    from .values import RenderedFile, Status


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


__all__ = [
    "BASE",
    "MANIFEST",
    "Disk",
    "Record",
    "base_copy",
    "digest",
    "gone",
    "hold",
    "load",
]
