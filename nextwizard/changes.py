"""What renderings become beside the disk and the last run, and the writes they take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .catalog import RECORD_DIR
from .render import secret
from .state import BASE, MANIFEST, Record, base_copy, digest
from .values import Change
from .write import Step


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .state import Disk
    from .values import Plan, RenderedFile, Status


_ATTRIBUTES = f"{RECORD_DIR}/.gitattributes"
_AS_IT_IS = b"# git must not turn line ends here: the digests would not fit.\n* -text\n"


def hold(
    file: RenderedFile, disk: Disk, record: Record, choices: Mapping[str, str]
) -> Change:
    """Return what becomes of one rendered file; `choices` settle conflicts.

    Raises RecordError when the base copy of an edited file is lost.
    """
    now = disk.read(file.path)
    if file.ownership in {"once", "secret"}:
        return _once(file, now, disk, record)
    sha = _base_of(file.path, disk, record)
    if now is None:
        return _absent(file, sha, disk, choices)
    if now == file.data:
        return _change(file, "same", now)
    if sha is None:
        return _conflict(file, now, disk, choices, "a file of yours stands there")
    if digest(now) == sha:
        return _change(file, "update", now)
    return _edited(file, now, sha, disk, choices)


def _edited(
    file: RenderedFile, now: bytes, sha: str, disk: Disk, choices: Mapping[str, str]
) -> Change:
    """Return the change of a file that the user changed since the last run."""
    if not now:
        return _change(file, "same", now, "you emptied it; it stays empty", keep=True)
    if digest(file.data) == sha:
        return _change(file, "same", now, "your edit is kept", keep=True)
    from .joined import joined

    data, why = joined(file, now, base_copy(disk, sha))
    if data is None:
        return _conflict(file, now, disk, choices, why)
    if data == now:
        return _change(file, "same", now, "your edit is kept", keep=True)
    note = "your edit and the new rendering, joined"
    return _change(file, "merged", now, note)._replace(after=data)


def _base_of(path: str, disk: Disk, record: Record) -> str | None:
    """Return the base to compare with: a conflict's rendering once NAME.new is gone."""
    pending = record.pending.get(path)
    if pending and disk.look(f"{path}.new").kind == "missing":
        return pending
    return record.files.get(path)


def _once(file: RenderedFile, now: bytes | None, disk: Disk, record: Record) -> Change:
    """Return the change of a file that is made when absent and never again."""
    if now is not None:  # what is secret is in no change, and so in no message
        known = b"" if file.ownership == "secret" else now
        return _change(file, "same", known, keep=True)
    if file.ownership == "secret":
        return _secret(file, disk, record)
    if file.path in record.once:
        note = "you deleted it; it stays deleted"
        return _change(file, "same", None, note, keep=True)
    return _change(file, "new", None)


def _secret(file: RenderedFile, disk: Disk, record: Record) -> Change:
    """Return the change of a secret file: made anew, or the one of another name."""
    old = _secrets_of(record) - {file.path}
    if file.path in record.once or not old:
        again = "made anew here; the server keeps the one it has"
        return _change(file, "secret", None, again if file.path in record.once else "")
    (origin, *_) = sorted(old)
    if disk.read(origin) is None:
        note = f"made anew: {origin} is not here; bring over what the server's holds"
        return _change(file, "secret", None, note)
    note = f"holds what {origin} does; that one stays until you remove it"
    return _change(file, "secret", None, note)._replace(origin=origin)


def _absent(
    file: RenderedFile, sha: str | None, disk: Disk, choices: Mapping[str, str]
) -> Change:
    """Return the change of a file that is not there: new, or deleted by the user."""
    if sha is None:
        return _change(file, "new", None)
    if choices.get(file.path) == "take":
        return _change(file, "new", None, "made again")
    from .joined import moved_to

    moved = moved_to(file.path, sha, disk)
    note = f"you moved it to {moved}" if moved else "you deleted it"
    return _change(file, "same", None, f"{note}; it stays away", keep=True)


def _conflict(
    file: RenderedFile, now: bytes, disk: Disk, choices: Mapping[str, str], why: str
) -> Change:
    """Return a conflict, or what the user chose to become of it."""
    choice = choices.get(file.path, "new")
    if choice == "keep":
        return _change(file, "same", now, "kept as you wished", keep=True)
    if choice == "take":
        return _change(file, "update", now, "replaces what stood there")
    beside = f"{file.path}.new"
    standing = disk.look(beside).kind != "missing"
    fix = "stands in" if disk.read(beside) == file.data else "goes to"
    note = f"{why}: the rendering {fix} {beside}"
    if standing:
        note += f"; take from it what you want, then remove {beside}"
    return _change(file, "conflict", now, note)


def _change(
    file: RenderedFile,
    status: Status,
    now: bytes | None,
    note: str = "",
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


def beside(change: Change, disk: Disk, record: Record) -> Change:
    """Return a conflict as NAME.new allows: one that the user edited stays too."""
    if change.status != "conflict":
        return change
    path = f"{change.path}.new"
    stands = disk.look(path)
    if stands.kind == "missing" or stands.data == change.base:
        return change
    ours = record.pending.get(change.path)
    if stands.kind == "file" and ours and digest(stands.data) == ours:
        return change
    note = f"{path} stands there and holds what nextwizard did not write: move it away"
    return change._replace(note=note, base=None)


def steps(
    changes: Sequence[Change],
    plan: Plan,
    disk: Disk,
    old: Record | None,
    versions: Mapping[str, str],
) -> list[Step]:
    """Return the writes: .gitignore, files, base copies, the manifest last.

    Without any change of a file or of the record there is none.
    """
    found: list[Step] = []
    for change in sorted(changes, key=lambda c: c.path != ".gitignore"):
        found += _writes(change, plan, disk)
    record, bases = _recorded(changes, old or Record())
    found += _base_steps(disk, bases, record, old)
    if old is not None and not found and _same(record, old):
        return []
    if disk.look(_ATTRIBUTES).kind == "missing":
        found.append(Step(_ATTRIBUTES, None, _AS_IT_IS))
    record = Record(record.files, record.pending, record.once, versions)
    now = disk.read(MANIFEST)
    if record.dump() != now:
        found.append(Step(MANIFEST, now, record.dump()))
    return found


def _writes(change: Change, plan: Plan, disk: Disk) -> list[Step]:
    """Return the writes one change takes, which may be none."""
    if change.status == "secret":
        kept = disk.read(change.origin) if change.origin else None
        data = secret(plan) if kept is None else kept
        return [Step(change.path, None, data, change.mode, secret=True)]
    if change.status == "conflict":
        path = f"{change.path}.new"
        now = disk.read(path)
        if change.base is None or now == change.base:
            return []
        mode = change.mode & (disk.look(change.path).mode or change.mode)
        return [Step(path, now, change.base, mode)]
    if change.before == change.after and not change.origin:
        return []
    found = [Step(change.path, change.before, change.after, change.mode)]
    if change.status == "moved" and change.origin:
        found.append(Step(change.origin, disk.read(change.origin), None))
    return found


def _base_steps(
    disk: Disk, bases: Mapping[str, bytes], record: Record, old: Record | None
) -> list[Step]:
    """Return the base copies to add, and those nobody refers to any more."""
    keep = {*record.files.values(), *record.pending.values()}
    found = [
        Step(f"{BASE}/{sha}", None, data)
        for sha, data in bases.items()
        if sha in keep and disk.look(f"{BASE}/{sha}").kind == "missing"
    ]
    known = {*old.files.values(), *old.pending.values()} if old else set()
    for sha in sorted(known - keep):
        data = disk.read(f"{BASE}/{sha}")
        if data is not None:
            found.append(Step(f"{BASE}/{sha}", data, None))
    return found


def _same(one: Record, two: Record) -> bool:
    """Tell whether two records say the same of every file."""
    return (one.files, one.pending, one.once) == (two.files, two.pending, two.once)


def _recorded(
    changes: Sequence[Change], old: Record
) -> tuple[Record, dict[str, bytes]]:
    """Return what to remember of each file, and the base copies that takes."""
    files: dict[str, str] = {}
    pending: dict[str, str] = {}
    once: set[str] = set()
    bases: dict[str, bytes] = {}
    for change in changes:
        if change.ownership == "secret":
            once.add(change.path)
        elif change.ownership == "once":
            if change.path in old.once or change.status == "new":
                once.add(change.path)
        elif change.ownership != "managed":
            continue
        elif change.status == "conflict":
            _stands(change, old, files, pending)
        elif change.base is not None:
            files[change.path] = digest(change.base)
        if change.ownership == "managed" and change.base is not None:
            bases[digest(change.base)] = change.base
    return Record(files, pending, frozenset(once)), bases


def _stands(
    change: Change, old: Record, files: dict[str, str], pending: dict[str, str]
) -> None:
    """Remember a conflict: the base stays, and what stands in NAME.new."""
    if change.path in old.files:
        files[change.path] = old.files[change.path]
    if change.base is not None:
        pending[change.path] = digest(change.base)
    elif change.path in old.pending:
        pending[change.path] = old.pending[change.path]


def _secrets_of(record: Record) -> frozenset[str]:
    """Return the secret files that earlier runs made."""
    return frozenset(path for path in record.once if path.endswith(".env"))


__all__ = ["beside", "hold", "steps"]
