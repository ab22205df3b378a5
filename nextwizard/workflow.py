"""The three doors every front end uses: inspect once, propose freely, apply once."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from . import host as machine
from . import takeover
from .answers import resolve
from .catalog import ANSWERS_FILE, SEEN, templates_dir
from .changes import beside, hold, steps
from .decide import decide
from .document import read_document
from .errors import InputError, InternalError, Problem
from .render import render
from .scan import scan, walk
from .state import Disk, Record, allowed, load, locate, signature
from .values import EMPTY, Note, Plan
from .write import apply as write
from .write import locked, patient, preflight, recover, remember


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .document import Layer
    from .git import Git
    from .scan import Tree
    from .values import Answers, Change, Host, Project, RenderedFile
    from .write import Step


class Inspection(NamedTuple):
    """What was found before any question, record and stored answers included."""

    root: str
    project: Project
    host: Host
    disk: Disk
    record: Record | None
    stored: Layer | None
    tree: Tree
    git: Git | None = None


class Proposal(NamedTuple):
    """Everything a run would do, with nothing done yet."""

    inspection: Inspection
    answers: Answers
    plan: Plan
    files: tuple[RenderedFile, ...]
    changes: tuple[Change, ...]
    choices: Mapping[str, str] = EMPTY
    said: bool = False

    @property
    def steps(self) -> list[Step]:
        """The writes it takes, in order; none when nothing is to do."""
        found = self.inspection
        versions = found.project.versions
        return steps(self.changes, self.plan, found.disk, found.record, versions)

    @property
    def conflicts(self) -> tuple[Change, ...]:
        """The changes that would leave a NAME.new."""
        return tuple(change for change in self.changes if change.status == "conflict")


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
    tree = walk(root)
    ours = frozenset(record.files) if record else frozenset(takeover.lost(tree, disk))
    project = _split(scan(root, managed=ours, tree=tree), disk, ours)
    if record:
        known = {**record.versions, **project.versions}
        project = project._replace(versions=known)
    return Inspection(root, project, found, disk, record, stored, tree, _git(root))


def _split(project: Project, disk: Disk, ours: frozenset[str]) -> Project:
    """Return the project with its settings known for a package that an init made."""
    settings = project.layout.settings
    folder, _, leaf = settings.path.rpartition("/")
    beside = f"{folder}/" if folder else ""
    split = f"{beside}prod.py" in ours and disk.read(f"{beside}base.py") is not None
    if settings.shape == "file" or not split or leaf not in {"dev.py", "base.py"}:
        return project
    layout = project.layout._replace(settings=settings._replace(shape="split"))
    return project._replace(layout=layout)


def _git(root: str) -> Git | None:
    """Return the repository that holds a project, None where there is none."""
    here = root
    while not os.path.lexists(os.path.join(here, ".git")):
        if here == "/":
            return None
        here = os.path.dirname(here)
    from .git import Git

    return Git(root)


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
    chosen = {**stock, **(choices or {})}
    changes = [
        takeover.change(file, disk)
        or beside(hold(file, disk, record, chosen), disk, record)
        for file in files
    ]
    made = frozenset(file.path for file in files)
    notes = [*plan.notes, *_tracked(inspection, changes)]
    if record.pending or not made.issuperset(record.files):
        from .leftover import gone, renamed, settled

        notes += renamed(changes, plan, disk)
        changes += [*gone(made, disk, record), *settled(changes, disk, record)]
    told = Plan(plan.decisions, tuple(notes), plan.variants)
    spoken = any(layer.values for layer in layers) or bool(choices)
    return Proposal(
        inspection, answers, told, files, tuple(changes), chosen, said=spoken
    )


def _tracked(inspection: Inspection, changes: Sequence[Change]) -> list[Note]:
    """Return the warning of a secret that git tracks; InputError before one is made."""
    found: list[Note] = []
    git = inspection.git
    if git is None:
        return found
    for change in changes:
        if change.ownership != "secret" or not git.tracks(change.path):
            continue
        fix = f"Run `git rm --cached {change.path}`, and renew what was in it."
        if change.status == "secret":
            raise InputError(Problem(change.path, "is tracked by git", fix))
        message = f"{change.path} holds secrets and is tracked by git"
        found.append(Note("secret.tracked", "warning", message, fix=fix))
    return found


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


class Report(NamedTuple):
    """What a run did, and the exit code that says so."""

    proposal: Proposal
    written: bool
    exit_code: int


def apply(proposal: Proposal) -> Report:
    """Make the proposal true: the only way to the project's disk.

    Raises InputError, LockedError, WriteError or, for a signal that asks to end,
    KeyboardInterrupt, for a bug of ours InternalError; then every file is as it was.
    """
    root = proposal.inspection.root
    wanted = proposal.steps
    if wanted:
        _as_meant(proposal)
        preflight(root, wanted)
    with patient():
        if wanted:
            with locked(root):
                write(root, wanted)
        with suppress(Exception):  # it only saves time, and the run is over
            _remember(_again(proposal) if wanted or proposal.said else proposal)
    return Report(proposal, bool(wanted), 3 if proposal.conflicts else 0)


def _again(proposal: Proposal) -> Proposal:
    """Return what the next run would do, from what the project says now."""
    return propose(inspect(proposal.inspection.root, proposal.inspection.host))


def _as_meant(proposal: Proposal) -> None:
    """Refuse what would not say what was meant: InternalError, a bug of ours."""
    problems = takeover.unread(proposal.answers, proposal.files)
    if takeover.marked(proposal.answers):
        from .shape import misshapen

        problems += misshapen(proposal.plan, proposal.files)
    if problems:
        raise InternalError(problems)


def _remember(proposal: Proposal) -> None:
    """Leave what was looked at, if a next run would find nothing to do."""
    found = proposal.inspection
    if found.stored is None or proposal.said or proposal.conflicts or proposal.steps:
        return
    run = SEEN.removesuffix("seen.json")
    document = {
        "ours": signature(),
        "frame": found.tree.frame(),
        "read": dict(found.tree.seen),
        "disk": {k: v for k, v in found.disk.marks().items() if not k.startswith(run)},
        "notes": [
            [note.id, note.severity, note.message, note.fix]
            for note in dict.fromkeys(proposal.plan.notes)
        ],
        "changes": [[c.path, c.status, c.note] for c in proposal.changes if c.note],
    }
    data = json.dumps(document).encode()
    if found.disk.read(SEEN) != data:
        with locked(found.root):
            remember(found.root, SEEN, data)


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
