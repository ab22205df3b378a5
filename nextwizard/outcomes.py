"""What a checker or a probe found: one frozen value, whoever asked or prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal


if TYPE_CHECKING:
    from .values import Evidence


type Verdict = Literal["ok", "failed", "warning", "skipped"]
"""How it ended; only `failed` makes the exit code 1."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question that was asked, how it ended, and the words for it.

    `key` is what checks.ignore accepts, `label` what a person reads, `detail` a figure
    or the tool's own words, `fix` the way out, and `figures` numbers for `--json`.
    """

    key: str
    label: str
    verdict: Verdict
    detail: str = ""
    evidence: tuple[Evidence, ...] = ()
    fix: str = ""
    figures: tuple[tuple[str, float], ...] = ()


def exit_code(found: tuple[Outcome, ...]) -> int:
    """Return 1 when something failed, else 0."""
    return 1 if any(outcome.verdict == "failed" for outcome in found) else 0


__all__ = ["Outcome", "Verdict", "exit_code"]
