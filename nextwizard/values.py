"""The frozen values that pass between the stages; no behaviour beyond a lookup."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, override


if TYPE_CHECKING:
    from collections.abc import Mapping


EMPTY: Mapping[Any, Any] = MappingProxyType({})
"""No entry at all, one for every record that has none."""

MADE = b"Made by nextwizard; an edit here survives"
"""What stands in the head of each module that is generated."""

MODULES = ("health", "liveness", "redis_cache", "static_storage")
"""The modules that a deployment may add beside wsgi.py."""

type Value = str | int | bool | tuple[str, ...] | Mapping[str, str]
"""What an answer or a decision can be."""

type Source = Literal["flag", "file", "stored", "user", "detected", "default"]
"""Where an answer came from, strongest first."""

type Confidence = Literal["certain", "likely"]

type Shape = Literal[
    "file", "split", "package", "environ", "configurations", "dynaconf"
]
"""How the settings are written: only a `file` is split, a `split` one is ours."""

type Status = Literal[
    "new",
    "update",
    "merged",
    "adopted",
    "moved",
    "same",
    "conflict",
    "secret",
    "removed",
    "orphan",
]

type Ownership = Literal["managed", "once", "adopted", "moved", "secret", "answers"]


class Evidence(NamedTuple):
    """A place in the user's project: POSIX path below its root, 1-based line."""

    path: str
    line: int = 0

    @override
    def __str__(self) -> str:
        """Return `path:line`, or the path alone when the whole file is meant."""
        return f"{self.path}:{self.line}" if self.line else self.path


class Signal(NamedTuple):
    """One thing the scan found, by kind; `rules` says what follows from it.

    `path` is the URL path the finding belongs to, where one is known.
    """

    kind: str
    evidence: Evidence
    detail: str = ""
    path: str = ""
    confidence: Confidence = "certain"


class Fact(NamedTuple):
    """A value read from the project or the machine, with where it was read."""

    value: Value
    evidence: tuple[Evidence, ...] = ()
    reason: str = ""


class PageRoot(NamedTuple):
    """One tree of pages: its folder, and whether an app or DIRS brought it.

    `module` is the dotted import path of the folder, empty when it has none.
    """

    path: str
    kind: Literal["app", "dirs", "fallback"]
    module: str = ""
    pages: int = 0
    catch_all: Evidence | None = None


class Settings(NamedTuple):
    """What can be said of the user's settings without importing them.

    `literals` holds the UPPERCASE names bound to literal values, `names` all that are
    bound, with star imports followed; `lines` the line of each that its own file binds.
    `prod_module` is the production module of the user's own, if there is one, and
    `written_secrets` names the secrets whose values stand in the code.
    """

    module: str
    path: str
    shape: Shape
    evidence: Evidence
    literals: Mapping[str, object] = EMPTY
    lines: Mapping[str, int] = EMPTY
    names: frozenset[str] = frozenset()
    prod_module: str = ""
    written_secrets: frozenset[str] = frozenset()


class Layout(NamedTuple):
    """Where the parts of the project are; every path is POSIX, below the root."""

    package: str
    package_dir: str
    manage: str
    urlconf: str
    settings: Settings
    page_roots: tuple[PageRoot, ...] = ()
    mount: str = ""
    mount_evidence: Evidence | None = None
    source_root: str = ""


class Project(NamedTuple):
    """Everything read from the user's files: never imported, each with evidence."""

    root: str
    layout: Layout
    signals: tuple[Signal, ...] = ()
    detected: Mapping[str, Fact] = EMPTY
    versions: Mapping[str, str] = EMPTY

    def of_kind(self, *kinds: str) -> tuple[Signal, ...]:
        """Return the signals of these kinds, in the order they were found."""
        return tuple(signal for signal in self.signals if signal.kind in kinds)


class Host(NamedTuple):
    """What this machine says; injected, so that golden cases stay fixed.

    `cores` counts effective CPUs rounded down and at least 1, `memory_mb` is MiB,
    `versions` maps a program to its version, without the ones that are missing.
    """

    cores: int
    memory_mb: int
    versions: Mapping[str, str] = EMPTY
    notes: tuple[str, ...] = ()


class Answer(NamedTuple):
    """One answer: its value, where it came from, and the place or reason for it."""

    value: Value
    source: Source
    where: str = ""
    evidence: tuple[Evidence, ...] = ()
    reason: str = ""

    @property
    def touched(self) -> bool:
        """Tell whether a person said so, now or in an earlier run."""
        return self.source not in {"detected", "default"}


@dataclass(frozen=True, slots=True)
class Answers:
    """Every answer by key, given or derived, and what was said about them."""

    items: Mapping[str, Answer]
    notes: tuple[Note, ...] = ()

    def __getitem__(self, key: str) -> Value:
        """Return an answer's value; KeyError names an unknown key."""
        return self.items[key].value

    def touched(self, key: str) -> bool:
        """Tell whether a person gave this answer."""
        return self.items[key].touched


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands at one path right now."""

    kind: Literal["file", "directory", "symlink", "other", "missing", "unreadable"]
    data: bytes = field(default=b"", repr=False)
    mode: int = 0


class Decision(NamedTuple):
    """One decided value, why in words, and where the reason comes from.

    `source` is a file:line, an answer's key or a rule's id; `link` a public page.
    """

    key: str
    value: Value
    reason: str
    source: str
    link: str = ""


class Note(NamedTuple):
    """Something the user should read: a warning or a remark, with the way out."""

    id: str
    severity: Literal["error", "warning", "note"]
    message: str
    evidence: tuple[Evidence, ...] = ()
    fix: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All decisions and notes; `variants` holds what differs from host to host."""

    decisions: Mapping[str, Decision]
    notes: tuple[Note, ...] = ()
    variants: tuple[Mapping[str, Decision], ...] = ()

    def __getitem__(self, key: str) -> Value:
        """Return a decision's value; KeyError names an unknown key."""
        return self.decisions[key].value

    def each(self) -> tuple[Plan, ...]:
        """Return the plan of every host, or this one where all are the same."""
        plans = tuple(
            Plan({**self.decisions, **own}, self.notes) for own in self.variants
        )
        return plans or (self,)


class RenderedFile(NamedTuple):
    """One file in memory: what it will say, its mode, owner and checker.

    `why` maps 1-based lines to the key of the decision that put them there.
    """

    path: str
    data: bytes
    mode: int
    ownership: Ownership
    checker: str = ""
    key: str = ""
    why: Mapping[int, str] = EMPTY
    origin: str = ""


class Change(NamedTuple):
    """A rendered file held against the disk and the last run."""

    path: str
    status: Status
    before: bytes | None
    after: bytes | None
    mode: int
    ownership: Ownership
    note: str = ""
    origin: str = ""
    base: bytes | None = None


__all__ = [
    "EMPTY",
    "MADE",
    "MODULES",
    "Answer",
    "Answers",
    "Change",
    "Confidence",
    "Decision",
    "Entry",
    "Evidence",
    "Fact",
    "Host",
    "Layout",
    "Note",
    "Ownership",
    "PageRoot",
    "Plan",
    "Project",
    "RenderedFile",
    "Settings",
    "Shape",
    "Signal",
    "Source",
    "Status",
    "Value",
]
