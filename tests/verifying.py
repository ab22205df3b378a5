"""Deployments to break: made once each, copied for a test, checked by one row alone."""

from __future__ import annotations

import functools
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from golden_cases import HERE
from support import HOST, missing

from nextwizard.document import read_set
from nextwizard.verify import CHECKERS, INVARIANTS, opened
from nextwizard.verify.facts import Facts
from nextwizard.workflow import apply, inspect, propose


if TYPE_CHECKING:
    from nextwizard.outcomes import Outcome
    from nextwizard.workflow import Proposal


@functools.cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="nw-verify")


@functools.cache
def _made(kind: str, pairs: tuple[str, ...]) -> Path:
    root = Path(tempfile.mkdtemp(dir=_kept().name), "notes")
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(HERE / "projects" / kind, root, ignore=ignore)
    pairs = ('hosting.domains=["notes.example.org"]', *pairs)
    apply(propose(inspect(str(root), HOST), [read_set(pairs)]))
    return root


def deployed(parent: Path, kind: str = "plain", *pairs: str) -> Path:
    """Return a fresh copy of a deployment of a sample project with these answers."""
    root = parent / "notes"
    shutil.copytree(_made(kind, pairs), root)
    return root


def checked(root: Path, *keys: str, python: str = sys.executable) -> list[Outcome]:
    """Return what the checkers and invariants of these ids say of a deployment."""
    proposal = propose(inspect(str(root), HOST))
    checkers = {row.key: row for row in CHECKERS}
    invariants = {row.key: row for row in INVARIANTS}
    said: list[Outcome] = []
    with opened(proposal, python) as found:
        facts = Facts(found)
        for key in keys:
            if key in checkers:
                said.append(checkers[key].outcome(found))
            else:
                said += invariants[key].outcomes(facts)
    return said


def judged(proposal: Proposal) -> None:
    """Assert that every real checker that this deployment has finds nothing."""
    with opened(proposal, sys.executable) as found:
        for checker in CHECKERS:
            if checker.used(found.stage.plan):
                held(checker.outcome(found))


def held(outcome: Outcome) -> None:
    """Assert that it is ok; a missing program is a skip, or a failure under CI."""
    if outcome.verdict == "skipped":
        missing(f"{outcome.label} ({outcome.detail or outcome.fix})")
    assert outcome.verdict == "ok", outcome


def edit(root: Path, path: str, old: str, new: str) -> int:
    """Replace a text in one of the user's files; return the line it stood in."""
    file = root / path
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{path} does not hold {old!r}"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1
