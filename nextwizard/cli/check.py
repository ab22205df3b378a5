"""`nextwizard check`: the real checkers and the invariants, on the files on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    import argparse

    from nextwizard.outcomes import Outcome
    from nextwizard.workflow import Proposal


def add(command: argparse.ArgumentParser) -> None:
    """Add the arguments of check."""
    command.add_argument("dir", nargs="?", default=".", metavar="DIR")
    command.add_argument("--json", action="store_true", help="print one JSON document")


def run(options: argparse.Namespace) -> int:
    """Verify the deployment; 1 when something failed, skips and warnings are 0."""
    import json

    from nextwizard import report
    from nextwizard.outcomes import document, exit_code
    from nextwizard.workflow import inspect, propose

    proposal = propose(inspect(options.dir))
    found = verified(proposal, quiet=options.json)
    code = exit_code(found)
    if options.json:
        rows = {"exit_code": code, "outcomes": [document(row) for row in found]}
        report.out(json.dumps(rows, indent=2, ensure_ascii=False))
    return code


def verified(proposal: Proposal, *, quiet: bool = False) -> tuple[Outcome, ...]:
    """Run every checker and invariant, and return how they went.

    Unless quiet each checker is told as it ends, an invariant only when it is broken,
    and at the end what was not looked at and how many went how.
    """
    from nextwizard import report
    from nextwizard.outcomes import NOT_USED
    from nextwizard.verify import CHECKERS, verify

    checkers = {row.key for row in CHECKERS}
    found, skipped = [], []
    for outcome in verify(proposal):
        found.append(outcome)
        silent = outcome.key not in checkers and outcome.verdict in {"ok", "skipped"}
        if silent:
            skipped.append(outcome)
        elif not quiet and outcome.detail != NOT_USED:
            report.outcome(outcome)
    if not quiet:
        report.verdict(found, skipped)
    return tuple(found)


__all__ = ["add", "run", "verified"]
