"""The files of a project: one bounded walk that never leaves it, and bounded reads."""

from __future__ import annotations

import os
import re
import stat
from bisect import bisect_left
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING

from nextwizard.errors import InputError, Problem
from nextwizard.values import Evidence


if TYPE_CHECKING:
    from collections.abc import Collection


LIMIT = 1 << 20
"""Bytes: a source file above 1 MiB was generated, so nobody's decisions stand in it."""

_TWICE = ("/page.py", "/component.py", "/urls.py", "/settings.py")
_CROWD = 10_000
"""A folder of so many entries holds data, not sources."""

_DEPTH = 48
_MANAGE_DEPTH = 5
_COOKIE = re.compile(rb"(?:[ \t\f]*(?:#[^\n]*)?\r?\n)?[ \t\f]*#.*?coding[:=]")
_VENDORED = frozenset(
    "__pycache__ __pypackages__ bower_components jspm_packages node_modules "
    "site-packages venv virtualenv".split()
)
TOOLS = frozenset(
    ".azure-pipelines .buildkite .ci .circleci .devcontainer .docker "
    ".ebextensions .forgejo .gitea .github .gitlab .platform .vscode "
    ".woodpecker".split()
)
"""Hidden folders in which a team keeps how it builds, tests and deploys."""

ASIDE = TOOLS | frozenset(
    "__fixtures__ __mocks__ __tests__ build coverage cypress dist docs e2e htmlcov "
    "migrations staticfiles test tests".split()
)
_ASIDE_FILE = re.compile(
    r"conftest\.py|tests?\.py|test_.*\.py|.*_tests?\.py"
    r"|.*\.(?:test|tests|spec|stories|config|setup|d)\.[cm]?[jt]sx?"
)
_BYTES = ("utf-8", "surrogateescape")
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Tree:
    """What lies below the root; every path is POSIX, relative, as the disk spells it.

    `links` holds the symlinks, which are never followed, `environments` the folders of
    virtual environments, which are never entered. `seen` holds the digest of every file
    that was read, empty where that failed.
    """

    root: str
    files: tuple[str, ...] = ()
    folders: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    environments: tuple[str, ...] = ()
    unreadable: dict[str, str] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    kept: dict[str, bytes] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)

    def __contains__(self, path: str) -> bool:
        """Return whether a regular file stands at this path."""
        return path in self.known

    def below(self, folder: str) -> tuple[str, ...]:
        """Return the files below a folder, in the order of their paths."""
        if not folder:
            return self.files
        start = bisect_left(self.files, f"{folder}/")
        return self.files[start : bisect_left(self.files, f"{folder}0")]

    def read(self, path: str, limit: int = LIMIT) -> bytes | None:
        """Return a file's bytes, or None when it is too large or refuses to be read.

        The reason is kept in `unreadable`; small files that are read twice are kept.
        """
        if path in self.kept:
            return self.kept[path]
        try:
            data = _read(f"{self.root}/{path}", limit)
        except OSError as error:
            self.unreadable[path] = (error.strerror or "cannot be read").lower()
            self.seen[path] = ""
            return None
        self.seen[path] = sha256(data).hexdigest()
        if path.endswith(_TWICE):
            self.kept[path] = data
        return data

    def frame(self) -> str:
        """Return a digest of every name in the tree, installed packages included."""
        installed: list[str] = []
        if self.environments:
            from .versions import installed as found

            for folder in self.environments:
                installed += map(" ".join, found(f"{self.root}/{folder}"))
        parts = (self.files, self.folders, self.links, self.environments, installed)
        digest = sha256()
        for part in parts:
            digest.update("\0".join((*sorted(part), "\1")).encode(*_BYTES))
        return digest.hexdigest()


def _read(path: str, limit: int) -> bytes:
    """Read a regular file; OSError when it is something else or above the limit."""
    descriptor = os.open(path, _FLAGS)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(0, "is no regular file")
        parts, size = [], found.st_size
        while size <= limit and (part := os.read(descriptor, max(size, 64))):
            parts.append(part)
            size = max(size, sum(map(len, parts)))
        if size > limit:
            raise OSError(0, f"is larger than {limit >> 20} MiB")
        return b"".join(parts)
    finally:
        os.close(descriptor)


@dataclass(slots=True, eq=False)
class _Walk:
    """The state of one walk."""

    root: str
    files: list[str] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    environments: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)

    def folder(self, path: str) -> list[str]:
        """Take in one folder and return the folders in it to enter."""
        try:
            with os.scandir(f"{self.root}/{path}") as scan:
                entries = sorted(islice(scan, _CROWD), key=lambda entry: entry.name)
        except OSError as error:
            self.unreadable[path] = (error.strerror or "cannot be read").lower()
            return []
        if len(entries) == _CROWD:
            return []
        if path and any(entry.name == "pyvenv.cfg" for entry in entries):
            self.environments.append(path)
            return []
        self.folders.add(path)
        prefix = f"{path}/" if path else ""
        return [f"{prefix}{entry.name}" for entry in entries if self.entry(entry, path)]

    def entry(self, entry: os.DirEntry[str], path: str) -> bool:
        """Take in one entry and return whether it is a folder to enter."""
        full = f"{path}/{entry.name}" if path else entry.name
        if entry.is_symlink():
            self.links.add(full)
        elif entry.is_dir(follow_symlinks=False):
            if not _vendored(entry.name):
                return True
            if os.path.lexists(f"{entry.path}/pyvenv.cfg"):
                self.environments.append(full)
        elif entry.is_file(follow_symlinks=False):
            self.files.append(full)
        return False


def decodable(data: bytes) -> None:
    """Raise SyntaxError at the first byte that is no UTF-8, as Python itself does."""
    if data.isascii() or _COOKIE.match(data):
        return
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        msg = "a byte is no UTF-8, and no coding line says otherwise"
        raise SyntaxError(msg, ("", line, 0, "")) from None


def _vendored(name: str) -> bool:
    if name.startswith("."):
        return name != ".well-known" and name not in TOOLS
    return name in _VENDORED or name.endswith((".egg-info", ".dist-info"))


def walk(root: str) -> Tree:
    """Return what lies below a root, each folder listed once, no symlink followed.

    The walk ends early where no manage.py stands near the root, so that a wrong root
    such as / costs little. Raises InputError when the root is no readable folder.
    """
    state = _Walk(root)
    level, depth = [""], 0
    while level and depth < _DEPTH:
        level = [inner for path in level for inner in state.folder(path)]
        depth += 1
        if depth == _MANAGE_DEPTH and not _has_manage(state):
            break
    if "" not in state.folders:
        reason = state.unreadable.get("", "is no folder")
        fix = "Name the folder that holds manage.py."
        raise InputError(Problem(root, f"cannot be read: {reason}", fix))
    return Tree(
        root=root,
        files=tuple(sorted(state.files)),
        folders=frozenset(state.folders),
        links=frozenset(state.links),
        environments=tuple(sorted(state.environments)),
        unreadable=state.unreadable,
        known=frozenset(state.files),
    )


def _has_manage(state: _Walk) -> bool:
    found = (*state.files, *state.links)
    return any(path.rpartition("/")[2] == "manage.py" for path in found)


@dataclass(frozen=True, slots=True)
class Served:
    """Which files the running site is made of.

    Tests, migrations, builds and documentation are aside, unless the folder belongs to
    an installed app or lies in a page tree, where every name is a URL segment.
    """

    homes: frozenset[str] = frozenset()
    trees: frozenset[str] = frozenset()
    outputs: tuple[str, ...] = ()
    managed: Collection[str] = ()
    folders: dict[str, bool] = field(default_factory=dict)

    def __call__(self, path: str) -> bool:
        """Return whether this file takes part in a request."""
        if path in self.managed or any(_below(path, out) for out in self.outputs):
            return False
        folder, _, name = path.rpartition("/")
        if folder not in self.folders:
            self.folders[folder] = self._folder(folder)
        return self.folders[folder] and not _ASIDE_FILE.fullmatch(name)

    def _folder(self, folder: str) -> bool:
        parts = folder.split("/")
        for length in range(len(parts), 0, -1):
            outer = "/".join(parts[:length])
            if outer in self.trees:
                return True
            if outer in self.homes:
                return ASIDE.isdisjoint(parts[length:])
        return ASIDE.isdisjoint(parts)


def _below(path: str, folder: str) -> bool:
    return bool(folder) and path.startswith(f"{folder}/")


def shown(path: str) -> str:
    """Return a path that can be printed: undecodable bytes become backslash escapes."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def evidence(path: str, line: int = 0) -> Evidence:
    """Return the evidence at a path and a 1-based line."""
    return Evidence(shown(path), line)


__all__ = [
    "ASIDE",
    "LIMIT",
    "TOOLS",
    "Served",
    "Tree",
    "decodable",
    "evidence",
    "shown",
    "walk",
]
