"""The three doors every front end uses: inspect once, propose freely, apply once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from . import host as machine
from . import takeover
from .answers import resolve
from .catalog import ANSWERS_FILE
from .decide import decide
from .document import read_document
from .errors import InputError, Problem
from .render import render, secret, templates_dir
from .scan import scan
from .state import BASE, MANIFEST, Disk, Record, digest, gone, hold, load
from .write import Step, locked, preflight, recover
from .write import apply as write


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .document import Layer
    from .values import Answers, Change, Host, Plan, Project, RenderedFile


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found before any question, record and stored answers included."""

    root: str
    project: Project
    host: Host
    disk: Disk
    record: Record | None
    stored: Layer | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Everything a run would do, with nothing done yet."""

    inspection: Inspection
    answers: Answers
    plan: Plan
    files: tuple[RenderedFile, ...]
    changes: tuple[Change, ...]
    choices: Mapping[str, str] = field(default_factory=dict)

    @property
    def conflicts(self) -> tuple[Change, ...]:
        """The changes that would leave a NAME.new."""
        return tuple(change for change in self.changes if change.status == "conflict")


def locate(directory: str) -> str:
    """Return the project's root; InputError when it cannot be one."""
    root = allowed(directory)
    if not directory or not os.path.isdir(root):
        raise InputError(Problem(ascii(directory), "is no directory", _NAME))
    return root


_NAME = "Name the directory that holds manage.py."
_SYSTEM = frozenset("boot dev etc proc run sys".split())


def allowed(directory: str) -> str:
    """Return a directory's real path, there or not; InputError for the system's."""
    try:
        root = os.path.realpath(directory)
    except ValueError:
        raise InputError(Problem(ascii(directory), "is no directory", _NAME)) from None
    memory = root.startswith("/dev/shm/")  # noqa: S108 - asked about, not used
    if root == "/" or (root.split("/")[1] in _SYSTEM and not memory):
        raise InputError(Problem(root, "is a directory of the system", _NAME))
    return root


def inspect(directory: str, host: Host | None = None) -> Inspection:
    """Read the project, the machine and the last run; nothing is written.

    A run that was killed is undone first. Raises InputError or RecordError.
    """
    root = locate(directory)
    _recover(root)
    disk = Disk(root)
    record = load(disk)
    stored = _stored(disk)
    found = host or machine.inspect(templates_dir())
    ours = frozenset(record.files) if record else frozenset[str]()
    project = _split(scan(root, managed=ours), disk, ours)
    return Inspection(root, project, found, disk, record, stored)


def _split(project: Project, disk: Disk, ours: frozenset[str]) -> Project:
    """Return the project with its settings known for a package that an init made."""
    settings = project.layout.settings
    folder, _, leaf = settings.path.rpartition("/")
    beside = f"{folder}/" if folder else ""
    split = f"{beside}prod.py" in ours and disk.read(f"{beside}base.py") is not None
    if settings.shape == "file" or not split or leaf not in {"dev.py", "base.py"}:
        return project
    layout = replace(project.layout, settings=replace(settings, shape="split"))
    return replace(project, layout=layout)


def _recover(root: str) -> None:
    """Undo a run that did not end, under the lock."""
    if os.path.lexists(os.path.join(root, ".nextwizard/run/journal.json")):
        with locked(root):
            recover(root)


def _stored(disk: Disk) -> Layer | None:
    entry = disk.look(ANSWERS_FILE)
    if entry.kind == "missing":
        return None
    if entry.kind != "file":
        raise InputError(Problem(ANSWERS_FILE, "is no regular file", "Move it away."))
    return read_document(entry.data, ANSWERS_FILE, "stored")


def propose(
    inspection: Inspection,
    layers: Sequence[Layer] = (),
    choices: Mapping[str, str] | None = None,
) -> Proposal:
    """Return what a run would do; no side effects, so previews may call it freely.

    `layers` are what was said now, strongest first. InputError names every problem.
    """
    said = (*layers, *((inspection.stored,) if inspection.stored else ()))
    answers = resolve(inspection.project, inspection.host, said)
    plan = decide(inspection.project, inspection.host, answers)
    disk, record = inspection.disk, inspection.record or Record()
    taken = takeover.files(inspection.project, plan, disk)
    written = takeover.answers_file(answers, plan, inspection.stored, disk)
    rendered, stock = takeover.entrypoints(render(plan), plan, disk, record)
    files = (*rendered, *taken, written)
    _refuse_odd(files, disk)
    settled = {**stock, **(choices or {})}
    changes = [
        takeover.change(file, disk) or hold(file, disk, record, settled)
        for file in files
    ]
    changes += gone(frozenset(file.path for file in files), disk, record)
    return Proposal(inspection, answers, plan, files, tuple(changes), settled)


def _refuse_odd(files: Sequence[RenderedFile], disk: Disk) -> None:
    """Refuse the run while something other than a file stands where one belongs."""
    words = {
        "symlink": ("is or lies below a symlink", "Replace it by a real file."),
        "directory": ("is a directory", "Move it away."),
        "other": ("is no regular file", "Move it away."),
        "unreadable": ("cannot be read", "Give this account permission."),
    }
    problems = [
        Problem(path, *words[kind])
        for file in files
        for path in dict.fromkeys((file.path, file.origin or file.path))
        if (kind := disk.look(path).kind) in words
    ]
    if problems:
        raise InputError(problems)


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did, and the exit code that says so."""

    proposal: Proposal
    written: bool
    exit_code: int


def apply(proposal: Proposal) -> Report:
    """Make the proposal true: the only way to the project's disk.

    Raises InputError, LockedError or WriteError; then every file is as it was.
    """
    root = proposal.inspection.root
    steps = _steps(proposal)
    if steps:
        preflight(root, steps)
        with locked(root):
            write(root, steps)
    return Report(proposal, bool(steps), 3 if proposal.conflicts else 0)


def _steps(proposal: Proposal) -> list[Step]:
    """Return the writes in order: .gitignore, files, base copies, the manifest last."""
    disk = proposal.inspection.disk
    old = proposal.inspection.record
    steps: list[Step] = []
    files: dict[str, str] = {}
    pending: dict[str, str] = {}
    bases: dict[str, bytes] = {}
    for change in sorted(proposal.changes, key=lambda c: c.path != ".gitignore"):
        steps += _writes(change, proposal, disk)
        if change.ownership != "managed" or change.base is None:
            continue
        sha = digest(change.base)
        bases[sha] = change.base
        if change.status == "conflict":
            pending[change.path] = sha
            if old and change.path in old.files:
                files[change.path] = old.files[change.path]
        else:
            files[change.path] = sha
    keep = {*files.values(), *pending.values()}
    steps += _base_steps(disk, bases, keep, old)
    record = Record(files, pending)
    now = disk.read(MANIFEST)
    if record.dump() != now:
        steps.append(Step(MANIFEST, now, record.dump()))
    return steps


def _writes(change: Change, proposal: Proposal, disk: Disk) -> list[Step]:
    """Return the writes one change takes, which may be none."""
    if change.status == "secret":
        return [Step(change.path, None, secret(proposal.plan), change.mode)]
    if change.status == "conflict":
        path = f"{change.path}.new"
        now = disk.read(path)
        return [] if now == change.base else [Step(path, now, change.base, change.mode)]
    if change.before == change.after and not change.origin:
        return []
    steps = [Step(change.path, change.before, change.after, change.mode)]
    if change.status == "moved" and change.origin:
        steps.append(Step(change.origin, disk.read(change.origin), None))
    return steps


def _base_steps(
    disk: Disk, bases: Mapping[str, bytes], keep: set[str], old: Record | None
) -> list[Step]:
    """Return the base copies to add, and those nobody refers to any more."""
    steps = [
        Step(f"{BASE}/{sha}", None, data)
        for sha, data in bases.items()
        if disk.look(f"{BASE}/{sha}").kind == "missing"
    ]
    known = {*old.files.values(), *old.pending.values()} if old else set()
    for sha in sorted(known - keep):
        data = disk.read(f"{BASE}/{sha}")
        if data is not None:
            steps.append(Step(f"{BASE}/{sha}", data, None))
    return steps


__all__ = [
    "Inspection",
    "Proposal",
    "Report",
    "allowed",
    "apply",
    "inspect",
    "locate",
    "propose",
]
