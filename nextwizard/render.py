"""Plan to files in memory: one Jinja environment, one pass, nothing is computed.

Compiling every template is more than half of a run, so compiled ones are kept. What is
kept is code that runs here: it is read from a directory of this account alone, mode
0700, or not at all: no directory, no cache, no message.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, override

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2 import __version__ as JINJA2  # noqa: N812 - a constant

from nextwizard import quoting
from nextwizard.catalog import destination, templates_dir, wanted
from nextwizard.quoting import FILTERS
from nextwizard.values import RenderedFile


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from jinja2.bccache import Bucket

    from nextwizard.catalog import Output
    from nextwizard.values import Plan


_MARK = re.compile(r"^[ \t]*\{# why: ([a-z0-9_.]+) #\}\n", re.MULTILINE)
_PLACED = re.compile(r"\x01([a-z0-9_.]+)\x01\n")
_BLANKS = re.compile(r"\n{4,}")

type Branch = dict[str, "Branch | object"]


class _Loader(FileSystemLoader):
    """Loads a template with its `why` marks turned into text that survives."""

    @override
    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        """Return the template's text, marked."""
        source, path, fresh = super().get_source(environment, template)
        return _MARK.sub("\x01\\1\x01\n", source), path, fresh


class _Environment(Environment):
    """Every value of a template is a key of its branch, so that is looked up first."""

    @override
    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a key's value, or what jinja2 finds."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


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
    leaf = f"{sys.implementation.cache_tag}-jinja2-{JINJA2}"
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


@cache
def environment() -> Environment:
    """Return the one environment: strict, unescaped (no markup), newline kept."""
    env = _Environment(
        loader=_Loader(templates_dir()),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        bytecode_cache=kept((__file__, quoting.__file__)),
    )
    env.filters.update(FILTERS)
    return env


def context(plan: Plan) -> dict[str, object]:
    """Return the plan as the templates see it: a branch for each dot of a key."""
    tree: Branch = {}
    known = {"": tree}
    for key, decision in plan.decisions.items():
        above, _, leaf = key.rpartition(".")
        branch = known.get(above)
        if branch is None:
            branch = known[above] = _branch(tree, key)
        value = decision.value
        if isinstance(value, (str, int, tuple)):
            branch[leaf] = value
        else:
            branch[leaf] = tuple(value.items())
    return tree


def _branch(tree: Branch, key: str) -> Branch:
    """Return the branch that a key is a leaf of; TypeError when that is a leaf."""
    branch = tree
    for parent in key.split(".")[:-1]:
        below = branch.setdefault(parent, {})
        if not isinstance(below, dict):
            msg = f"decision {key} lies below another one"
            raise TypeError(msg)
        branch = below
    return branch


def text(template: str, values: Mapping[str, object]) -> tuple[str, dict[int, str]]:
    """Return one rendered template and which decision put each line there."""
    return unmarked(environment().get_template(f"{template}.jinja").render(values))


def unmarked(marked: str) -> tuple[str, dict[int, str]]:
    """Take the marks out; each holds until a blank line or the next mark."""
    if "\n\n\n\n" in marked:
        marked = _BLANKS.sub("\n\n\n", marked)
    head, *marks = _PLACED.split(marked)
    parts, why, number = [head], dict[int, str](), head.count("\n")
    for key, part in zip(marks[::2], marks[1::2], strict=True):
        for at, line in enumerate(part.split("\n"), number + 1):
            if not line.strip():
                break
            why[at] = key
        parts.append(part)
        number += part.count("\n")
    return "".join(parts), why


def each(plan: Plan) -> Iterator[tuple[Output, str, Mapping[str, object]]]:
    """Yield each output, where it goes, and the values it is rendered with."""
    values = context(plan)
    hosts = [(own, context(own)) for own in plan.each()] if plan.variants else []
    for output in wanted(plan):
        for own, known in hosts if output.each and hosts else [(plan, values)]:
            yield output, destination(output, own), known


def render(plan: Plan) -> tuple[RenderedFile, ...]:
    """Return every file of the plan; a secret one is empty until it is written."""
    files = []
    for output, path, known in each(plan):
        secret = output.ownership == "secret"
        body, why = ("", {}) if secret else text(output.template, known)
        files.append(
            RenderedFile(
                path,
                body.encode(),
                output.mode,
                output.ownership,
                output.checker,
                output.key,
                why,
            )
        )
    return tuple(files)


def secret(plan: Plan) -> bytes:
    """Return a fresh secret file; nothing else ever holds what is in it."""
    fresh = {
        "secret_key": os.urandom(40).hex(),
        "database_password": os.urandom(24).hex(),
    }
    values = {**context(plan), **fresh}
    return text("deploy/env", values)[0].encode()


__all__ = [
    "Kept",
    "context",
    "each",
    "environment",
    "kept",
    "place",
    "render",
    "secret",
    "templates_dir",
    "text",
    "unmarked",
]
