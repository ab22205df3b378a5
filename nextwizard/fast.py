"""Nothing to do, told without rendering: every byte a run looked at is as it was.

A run that ends with nothing to do leaves the digests of all it read in the ignored run
directory. The next one compares them; jinja2 and the rules are imported only when one
differs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .catalog import RECORD_DIR, SEEN
from .errors import NextwizardError
from .scan.files import walk
from .state import Disk, signature
from .values import Change, Note


if TYPE_CHECKING:
    from typing import Literal

    from .scan.files import Tree

    type Severity = Literal["error", "warning", "note"]


_JOURNAL = f"{RECORD_DIR}/run/journal.json"


@dataclass(frozen=True, slots=True)
class Told:
    """What there was to say when nothing was to do."""

    notes: tuple[Note, ...]
    changes: tuple[Change, ...]


def nothing_to_do(root: str) -> Told | None:
    """Return what the last run said, None when anything may have changed since."""
    disk = Disk(root)
    entry = disk.look(SEEN)
    if entry.kind != "file" or disk.look(_JOURNAL).kind != "missing":
        return None
    try:
        document = json.loads(entry.data)
        told = _told(document)
        marks, digests = dict(document["disk"]), dict(document["read"])
        if any(disk.mark(path) != mark for path, mark in marks.items()):
            return None
        tree = walk(root)
        same = document["frame"] == tree.frame() and document["ours"] == signature()
        return told if same and _unread(tree, digests) else None
    except (
        AttributeError,
        KeyError,
        NextwizardError,
        OSError,
        RecursionError,
        TypeError,
        ValueError,
    ):
        return None


def _told(document: dict[str, list[list[str]]]) -> Told:
    notes = [
        Note(_plain(key), _severity(word), _plain(message), fix=_plain(fix))
        for key, word, message, fix in document["notes"]
    ]
    changes = [
        Change(_plain(path), _status(word), None, None, 0, "managed", _plain(note))
        for path, word, note in document["changes"]
    ]
    return Told(tuple(notes), tuple(changes))


def _plain(text: str) -> str:
    """Return a text as a terminal may have it; the file is not ours alone."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _status(word: str) -> Literal["orphan", "same"]:
    return "orphan" if word == "orphan" else "same"


def _severity(word: str) -> Severity:
    found: dict[str, Severity] = {"error": "error", "warning": "warning"}
    return found.get(word, "note")


def _unread(tree: Tree, digests: dict[str, str]) -> bool:
    """Tell whether every file the scan read still has the bytes it had."""
    for path in digests:
        tree.read(path, 16 << 20)
    return tree.seen == digests


__all__ = ["Told", "nothing_to_do"]
