"""What a checker or a probe found: one frozen value, whoever asked or prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal


if TYPE_CHECKING:
    from collections.abc import Iterable

    from .values import Evidence


type Verdict = Literal["ok", "failed", "warning", "skipped"]
"""How it ended; only `failed` makes the exit code 1."""

NOT_USED = "not used"
"""The detail of a skip that means nothing is lacking: there is nothing to look at."""


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
    link: str = ""


def exit_code(found: Iterable[Outcome]) -> int:
    """Return 1 when something failed, else 0."""
    return 1 if any(outcome.verdict == "failed" for outcome in found) else 0


_WIDTH = 36


def lines(outcome: Outcome) -> list[str]:
    """Return an outcome for a person: one line, then places and the way out.

    What is ok or skipped stays on its line; what is not tells where it stands, what
    to do, and the id that checks.ignore takes.
    """
    short = outcome.verdict in {"ok", "skipped"}
    said = outcome.detail.splitlines() or [""]
    first = said[0]
    if short and outcome.fix:
        first = f"{first}: {outcome.fix}" if first else outcome.fix
    head = f"  {outcome.label:<{_WIDTH}} {outcome.verdict:<8}{first}".rstrip()
    if short:
        return [head]
    more = [f"      {line}" for line in said[1:]]
    places = [f"      {place}" for place in dict.fromkeys(outcome.evidence)]
    fix = [f"      {outcome.fix}"] if outcome.fix else []
    return [head, *more, *places, *fix, f"      id: {outcome.key}"]


def skips(found: Iterable[Outcome]) -> list[str]:
    """Return what was not looked at, told once for each reason."""
    reasons: dict[str, list[str]] = {}
    for row in found:
        if row.verdict == "skipped" and row.detail != NOT_USED:
            reasons.setdefault(row.detail, []).append(row.label)
    return [
        f"  {' · '.join(labels)}: skipped, {reason}"
        for reason, labels in reasons.items()
    ]


def tally(found: Iterable[Outcome]) -> list[str]:
    """Return how many went how, and what has nothing to look at here."""
    count = dict.fromkeys(("ok", "failed", "warning", "skipped"), 0)
    unused = []
    for row in found:
        if row.detail == NOT_USED:
            unused.append(row.label)
        else:
            count[row.verdict] += 1
    noun = "warning" if count["warning"] == 1 else "warnings"
    sums = (
        f"{count['ok']} ok, {count['failed']} failed, "
        f"{count['warning']} {noun}, {count['skipped']} skipped"
    )
    return [
        "",
        *([f"Not used here: {' · '.join(unused)}."] if unused else []),
        f"nextwizard: {sums}.",
    ]


def document(outcome: Outcome) -> dict[str, object]:
    """Return an outcome as plain data for `--json`."""
    return {
        "id": outcome.key,
        "label": outcome.label,
        "verdict": outcome.verdict,
        "detail": outcome.detail,
        "evidence": [str(place) for place in outcome.evidence],
        "fix": outcome.fix,
        "link": outcome.link,
        "figures": dict(outcome.figures),
    }


__all__ = [
    "NOT_USED",
    "Outcome",
    "Verdict",
    "document",
    "exit_code",
    "lines",
    "skips",
    "tally",
]
