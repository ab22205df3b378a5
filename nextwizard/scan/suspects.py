"""Which files are worth parsing: a test on bytes before any tree is built.

Each detector's evidence needs one of the words below, so a file without any of them
cannot hold a finding.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from .codebase import Code
    from .files import Served
    from .source import Module
    from .urls import Urls


_WORDS = (
    b"FileResponse",
    b"FormWizard",
    b"PatchEventStream",
    b"ProtocolTypeRouter",
    b"RouterBackend",
    b"StreamingHttpResponse",
    b"WebsocketConsumer",
    b"as_asgi",
    b"router_manager",
)
_MARKS = (
    b"FileResponse",
    b"PatchEventStream",
    b"StreamingHttpResponse",
    b"as_asgi",
    b"channels",
    b"websocket",
)
_PACKAGES = (b"celery", b"channels", b"tasks")
_PACKAGE = re.compile(
    rb"^[ \t]*(?:from|import)\b[^\n]*\b(?:django[. ][^\n]*\btasks|celery|channels)\b",
    re.MULTILINE,
)
_PRIMITIVES = (b"Condition", b"Event", b"Queue")
_WAKING = re.compile(
    rb"\b(?:asyncio|multiprocessing|queue|threading)\s*\.\s*(?:Condition|Event|\w*Queue)\b"
    rb"|^[ \t]*from[ \t]+(?:asyncio|multiprocessing|queue|threading)\b"
    rb"|\b(?:asyncio|multiprocessing|queue|threading)[ \t]+as\b",
    re.MULTILINE,
)
_ASYNC = re.compile(rb"async[\s\\]+def\b")
_VIEW = re.compile(
    rb"async[\s\\]+def[\s\\]+(?:\w+[\s\\]*\([\s\\]*request\b"
    rb"|(?:delete|dispatch|get|head|options|patch|post|put|trace)[\s\\]*\()"
)
_FIELDS = (b"FileField", b"ImageField")
_FIELD = re.compile(
    rb"(?:\bmodels\s*\.\s*|(?<![\w.]))(?:File|Image)Field\s*\(|\bmodels[ \t]+as\b"
)
_BARE = re.compile(rb"request\s*[,)=]")
_REQUEST = re.compile(
    rb"\bdef\s+\w+\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\)){0,4000}?\brequest\s*[,)=]"
)
_HOOKS = (
    re.compile(rb"@[ \t]*(?:\w+\.)*(?:action|context)\b"),
    re.compile(rb"action[ \t]+as\b"),
    re.compile(rb"context[ \t]+as\b"),
    re.compile(
        rb"def\s+(?:check_permissions|done|get_initial|has_object_permission|on_valid)\b"
    ),
)
"""Each starts with a letter of its own: such a search skips through a file, and one
with a boundary or a choice at its start tries every byte."""
_COMMANDS = "/management/commands/"
_LOOPS = (b"while", b"run_forever", b"BlockingScheduler")

BASES = (
    "FormWizard",
    "PatchEventStream",
    "RouterBackend",
    "StreamingHttpResponse",
)


def _any(words: Collection[bytes], data: bytes) -> bool:
    for word in words:  # noqa: SIM110 - a generator here is half of the whole scan
        if word in data:
            return True
    return False


def _injected(name: str, data: bytes) -> bool:
    """Return whether a file may declare what next.dj calls with a request."""
    if b"request" not in data and name != "page.py":
        return False
    if name == "page.py" and b"render" in data and b"def render" not in data:
        return True
    typed = b"TYPE_CHECKING" in data
    if not typed and not _BARE.search(data):
        return False
    return _hooks(name, data) and (typed or _REQUEST.search(data) is not None)


def _asynchronous(name: str, data: bytes) -> bool:
    """Return whether a file may hold an async view, or an async hook of next.dj."""
    if not _ASYNC.search(data):
        return False
    return _hooks(name, data) or _VIEW.search(data) is not None


def _hooks(name: str, data: bytes) -> bool:
    """Return whether a file may declare functions that next.dj calls."""
    if name in ("page.py", "component.py"):
        return True
    return any(hook.search(data) for hook in _HOOKS)


def suspicious(path: str, data: bytes) -> bool:
    """Return whether a file can hold a finding of any detector."""
    name = path.rpartition("/")[2]
    return (
        _any(_WORDS, data)
        or (b"async" in data and _asynchronous(name, data))
        or (_any(_PACKAGES, data) and _PACKAGE.search(data) is not None)
        or (_any(_PRIMITIVES, data) and _WAKING.search(data) is not None)
        or (_any(_FIELDS, data) and _FIELD.search(data) is not None)
        or (_COMMANDS in path and _any(_LOOPS, data))
        or (name == "asgi.py" and b"websocket" in data)
        or (name == "scripts.py" and b"http" in data)
        or _injected(name, data)
    )


@dataclass(slots=True, eq=False)
class Suspects:
    """The parsed files that may hold findings, in the order of their paths.

    With `everything` each served file is parsed: the tests compare both. `told` are
    the files that hold one of the `telling` words, whatever else is in them.
    """

    code: Code
    served: Served
    urls: Urls
    everything: bool = False
    telling: tuple[bytes, ...] = ()
    told: list[str] = field(default_factory=list)
    modules: dict[str, Module] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    marks: set[bytes] = field(default_factory=set)

    def collect(self) -> None:
        """Parse the suspicious files, then those that name what they derive."""
        waiting: list[str] = []
        for path in self._paths():
            data = self.code.tree.read(path)
            if data is None:
                continue
            if _any(self.telling, data):
                self.told.append(path)
            if self.everything or suspicious(path, data):
                self._add(path, data)
            elif b"async" in data and _ASYNC.search(data):
                waiting.append(path)
        homes = self.urls.homes(self.code) if waiting else set()
        for path in waiting:
            if path in homes:
                self._add(path, self.code.tree.read(path))
        self._close()

    def _close(self) -> None:
        """Parse the files that name what the suspicious ones derive."""
        while fresh := set(self._derived()) - self.named:
            self.naming(fresh)

    def _paths(self) -> Iterator[str]:
        for path in self.code.tree.files:
            if path.endswith(".py") and self.served(path):
                yield path

    def _add(self, path: str, data: bytes | None) -> None:
        module = self.code.module(path, data)
        if module is not None and data is not None:
            self.modules[path] = module
            self.marks.update(mark for mark in _MARKS if mark in data)

    def holds(self, *words: bytes) -> bool:
        """Return whether any parsed file contains one of these words."""
        return not self.marks.isdisjoint(words)

    def naming(self, names: Collection[str]) -> list[Module]:
        """Parse the files that contain any of these names too, and return all such."""
        self.named.update(names)
        self.code.wanted.update(names)
        if not names:
            return []
        words = [name.encode() for name in names]
        whole = re.compile(rb"\b(?:" + b"|".join(map(re.escape, words)) + rb")\b")
        found: list[Module] = []
        for path in self._paths():
            data = self.code.tree.read(path)
            if data is None or not _any(words, data) or not whole.search(data):
                continue
            if path not in self.modules:
                self._add(path, data)
            if path in self.modules:
                found.append(self.modules[path])
        self.modules = dict(sorted(self.modules.items()))
        return found

    def _derived(self) -> Iterator[str]:
        """Yield the new names under which the interesting classes go about."""
        for module in self.modules.values():
            for local, origin in module.imports.items():
                last = origin.rpartition(".")[2]
                if last != local and last.endswith(BASES):
                    yield local
            for node, _ in module.of(ast.ClassDef):
                if self._interesting(module, node):
                    yield node.name

    def _interesting(self, module: Module, node: ast.ClassDef) -> bool:
        bases = self.code.kin(module, node)
        return any(b.endswith(BASES) or b.startswith("channels.") for b in bases)


__all__ = ["Suspects", "suspicious"]
