"""Whether git tracks a path: read from the index itself, no git needed."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterator


_FIXED = 62
"""Bytes of an entry before its name: ten numbers, a SHA-1 and the flags."""

_EXTENDED = 0x4000
_MAX_BYTES = 256 * 1024 * 1024
_POINTER = re.compile(rb"gitdir: ([^\r\n]+)")


class Git:
    """The repository that holds a project, its index read once, when it is asked."""

    def __init__(self, root: str) -> None:
        """Look for a repository at the root and above it."""
        self.root = root
        self._found: tuple[str, list[bytes]] | None = None

    def tracks(self, path: str) -> bool:
        """Tell whether the index names a path below the root.

        Works in a work tree and a submodule, whose .git is a file, and with a shared
        index. One of an unknown format is searched for the name's bytes.
        """
        if self._found is None:
            top, folder = _repository(self.root)
            self._found = top, [*_indexes(folder)] if folder else []
        top, indexes = self._found
        name = os.path.relpath(os.path.join(self.root, path), top).encode()
        return any(_holds(index, name) for index in indexes)


def _repository(root: str) -> tuple[str, str]:
    """Return the top of the work tree that holds a root, and its git directory."""
    top = root
    while True:
        place = os.path.join(top, ".git")
        if os.path.isdir(place):
            return top, place
        if os.path.isfile(place):
            with open(place, "rb") as file:
                pointer = _POINTER.match(file.read(8192))
            if pointer:
                return top, os.path.join(top, os.fsdecode(pointer[1]))
        if os.path.dirname(top) == top:
            return root, ""
        top = os.path.dirname(top)


def _indexes(folder: str) -> Iterator[bytes]:
    """Yield the bytes of the index, and of a shared one."""
    try:
        names = [n for n in os.listdir(folder) if n.startswith("sharedindex.")]
    except OSError:
        return
    for name in ("index", *names):
        try:
            with open(os.path.join(folder, name), "rb") as file:
                yield file.read(_MAX_BYTES)
        except OSError:
            continue


def _holds(index: bytes, name: bytes) -> bool:
    """Tell whether an index names a path; one of an unknown kind by its bytes."""
    if index[:4] != b"DIRC":
        return False
    version = int.from_bytes(index[4:8], "big")
    if version not in {2, 3, 4}:
        return name in index
    return name in _names(index, version)


def _names(index: bytes, version: int) -> Iterator[bytes]:
    """Yield the paths of an index of version 2, 3 or 4."""
    at, last = 12, b""
    for _ in range(int.from_bytes(index[8:12], "big")):
        begun = at
        flags = int.from_bytes(index[at + _FIXED - 2 : at + _FIXED], "big")
        at += _FIXED + (2 if flags & _EXTENDED else 0)
        kept = 0
        if version == 4:  # noqa: PLR2004 - names share their start with the one before
            cut, at = _number(index, at)
            kept = len(last) - cut
        stop = index.find(b"\0", at)
        if stop < 0 or kept < 0:
            return
        last = last[:kept] + index[at:stop] if kept else index[at:stop]
        at = stop + 1
        if version != 4:  # noqa: PLR2004 - only the others pad their entries
            at = begun + ((at - begun - 1) // 8 + 1) * 8
        yield last


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of variable length, and where it ends."""
    byte = data[at]
    value = byte & 127
    while byte & 128:
        at += 1
        byte = data[at]
        value = ((value + 1) << 7) | (byte & 127)
    return value, at + 1


__all__ = ["Git"]
