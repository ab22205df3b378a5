"""Compiled templates, kept between runs where only this account can put them.

Compiling every template is more than half of a run. What is kept is code that runs
here, so it is read from a directory of this account alone, mode 0700, or not at all: no
directory, no cache, no message.
"""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, override

import jinja2
from jinja2 import BytecodeCache


if TYPE_CHECKING:
    from collections.abc import Iterable

    from jinja2.bccache import Bucket


class Kept(BytecodeCache):
    """Reads and writes compiled templates below an open directory.

    `key` goes into each checksum: what was compiled under another one is not used.
    """

    def __init__(self, folder: int, key: str) -> None:
        """Keep the handle; it is closed with the process."""
        self._folder = folder
        self._key = key

    @override
    def get_source_checksum(self, source: str) -> str:
        """Return the checksum of a source compiled by this very code."""
        text = f"{self._key}\n{source}".encode()
        return hashlib.sha1(text, usedforsecurity=False).hexdigest()

    @override
    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket; it stays empty when the file is missing or damaged."""
        flags = os.O_RDONLY | os.O_NOFOLLOW
        try:
            with open(os.open(bucket.key, flags, dir_fd=self._folder), "rb") as file:
                bucket.bytecode_from_string(file.read())
        except Exception:  # noqa: BLE001 - a damaged pickle raises what it likes
            bucket.reset()

    @override
    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write the bucket beside its place, then rename; a full disk is no error."""
        new = f"{bucket.key}.{os.getpid()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with suppress(OSError):
            with open(os.open(new, flags, 0o600, dir_fd=self._folder), "wb") as file:
                file.write(bucket.bytecode_to_string())
            os.rename(new, bucket.key, src_dir_fd=self._folder, dst_dir_fd=self._folder)


def place() -> str:
    """Return the directory of this Python and this jinja2, by XDG_CACHE_HOME."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(home):
        home = os.path.join(os.path.expanduser("~"), ".cache")
    leaf = f"{sys.implementation.cache_tag}-jinja2-{jinja2.__version__}"
    return os.path.join(home, "nextwizard", leaf)


def kept(code: Iterable[str]) -> Kept | None:
    """Return the cache, None when there is no directory of ours to keep it in.

    `code` names the files whose change makes everything compiled before stale.
    """
    folder = _private(place())
    if folder is None:
        return None
    stamps = (str(os.stat(path).st_mtime_ns) for path in code)
    return Kept(folder, f"{sys.hexversion:x} {' '.join(stamps)}")


def _private(path: str) -> int | None:
    """Open a directory that this account alone can write, made when it is missing."""
    try:
        if not os.path.isdir(path):
            if not _ours(path):
                return None
            os.makedirs(path, 0o700)
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    found = os.fstat(folder)
    if found.st_uid == os.geteuid() and not found.st_mode & 0o077:
        return folder
    os.close(folder)
    return None


def _ours(path: str) -> bool:
    """Return whether the next directory above that exists is this account's.

    Root, with the home of somebody else, leaves nothing there that they cannot remove.
    """
    above = os.path.dirname(path)
    while not os.path.isdir(above):
        above = os.path.dirname(above)
    return os.stat(above).st_uid == os.geteuid()


__all__ = ["Kept", "kept", "place"]
