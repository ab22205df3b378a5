"""Verifies a deployment as it stands on disk: real checkers, then the invariants.

Nothing is rendered and nothing in the project is written: the files are copied to a
scratch directory where a tool needs other paths, line by line, so that what it says is
said of the user's own file.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from nextwizard.errors import InputError, Problem
from nextwizard.exact import interpreter
from nextwizard.stage import Stage, free_port

from .checker import Checker
from .checkers import CHECKERS
from .facts import Facts
from .invariants import INVARIANTS
from .subject import Subject


if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextwizard.outcomes import Outcome
    from nextwizard.workflow import Proposal


def verify(proposal: Proposal) -> Iterator[Outcome]:
    """Yield how each checker and invariant went, as it goes; nothing is raised.

    What checks.ignore accepts by its id is told as a warning. InputError when the
    project has no deployment.
    """
    accepted = proposal.answers["checks.ignore"]
    accepted = accepted if isinstance(accepted, tuple) else ()
    with opened(proposal) as found:
        for checker in CHECKERS:
            yield _settled(checker.outcome(found), accepted)
        facts = Facts(found)
        for row in INVARIANTS:
            for outcome in row.outcomes(facts):
                yield _settled(outcome, accepted)


def _settled(outcome: Outcome, accepted: tuple[str, ...]) -> Outcome:
    """Return an outcome, or a skip where the answers accept this finding."""
    if outcome.verdict not in {"failed", "warning"} or outcome.key not in accepted:
        return outcome
    return replace(
        outcome, verdict="skipped", detail="accepted by checks.ignore", fix=""
    )


@contextmanager
def opened(proposal: Proposal, python: str = "") -> Iterator[Subject]:
    """Return what is checked, with a scratch directory that is removed at the end.

    `python` is the project's interpreter, looked for where it is not given.
    """
    inspection, plan = proposal.inspection, proposal.plan
    if inspection.record is None and not os.path.isdir(f"{inspection.root}/deploy"):
        fix = f"Run `nextwizard init {inspection.root}` first."
        raise InputError(Problem(inspection.root, "has no generated deployment", fix))
    python = python or interpreter(inspection.root)
    with tempfile.TemporaryDirectory(prefix="nextwizard-") as scratch:
        stage = Stage(
            inspection.root,
            os.path.realpath(scratch),
            plan,
            python or sys.executable,
            free_port(),
            free_port(),
        )
        here = os.path.realpath(inspection.root)
        there = os.path.realpath(str(plan["paths.root"]))
        yield Subject(proposal, stage, python, here == there)


__all__ = ["CHECKERS", "INVARIANTS", "Checker", "Subject", "opened", "verify"]
