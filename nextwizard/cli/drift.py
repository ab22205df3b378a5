"""`regenerate --check`, and what is told when nothing is to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextwizard import report


if TYPE_CHECKING:
    from collections.abc import Iterable

    from nextwizard.values import Change, Note
    from nextwizard.workflow import Proposal


def check(proposal: Proposal, *, diff: bool, as_json: bool) -> int:
    """Say what a run would change, and return 5 when that is anything."""
    drifted = tuple(change for change in proposal.changes if _drifts(change))
    code = 5 if drifted else 0
    if as_json:
        report.as_json(proposal, exit_code=code, written=False)
        return code
    for change in proposal.changes:
        if change in drifted or change.note:
            report.out(report.line(change))
            if diff:
                report.difference(change)
    if not drifted:
        report.out(report.NOTHING)
        return code
    files = "1 file differs" if len(drifted) == 1 else f"{len(drifted)} files differ"
    report.out(f"nextwizard: {files} from what the answers make.")
    record = proposal.inspection.record
    standing = record.pending if record else {}
    if all(change.path in standing for change in drifted):
        report.out("Settle what is told above, then run `nextwizard regenerate`.")
    else:
        report.out("Run `nextwizard regenerate`.")
    return code


def _drifts(change: Change) -> bool:
    """Tell whether a run would change a file that everybody has.

    A secret is in no clone, so that it is missing there is no drift.
    """
    return change.status not in {"same", "orphan", "secret"}


def nothing(notes: Iterable[Note], changes: Iterable[Change]) -> None:
    """Print that nothing is to do, with what there was to say."""
    report.notes(notes)
    for change in changes:
        report.out(report.line(change))
    report.out(report.NOTHING)


__all__ = ["check", "nothing"]
