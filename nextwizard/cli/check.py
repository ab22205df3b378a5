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
    else:
        report.verdict(found)
    return code


def verified(proposal: Proposal, *, quiet: bool = False) -> tuple[Outcome, ...]:
    """Run every checker and invariant; each is told as it ends, unless quiet."""
    from nextwizard import report
    from nextwizard.verify import CHECKERS, verify

    checkers = {row.key for row in CHECKERS}
    found = []
    for outcome in verify(proposal):
        found.append(outcome)
        if not quiet:
            report.outcome(outcome, always=outcome.key in checkers)
    return tuple(found)


__all__ = ["add", "run", "verified"]
