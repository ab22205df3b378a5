"""The report card of a smoke test, as lines and as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextwizard.outcomes import exit_code


if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextwizard.outcomes import Outcome, Verdict


MARKS: dict[Verdict, str] = {
    "ok": "[ok]",
    "failed": "[!!]",
    "warning": "[?]",
    "skipped": "[-]",
}
"""One mark a verdict; words, not colours, tell them apart."""

_HIDDEN = "does not apply: "


def progress(found: Outcome) -> str:
    """Return the line that says how one probe ended, as soon as it has."""
    return f"{MARKS[found.verdict]:<5}{found.label}"


def lines(found: Sequence[Outcome]) -> list[str]:
    """Return the card: what was measured, what does not apply, what failed and why."""
    width = max((len(outcome.key) for outcome in found), default=0)
    asked = [outcome for outcome in found if outcome.verdict != "skipped"]
    rest = [outcome for outcome in found if outcome.verdict == "skipped"]
    rows = [_row(outcome, width) for outcome in asked]
    if rest:
        rows += ["", "Not asked:", *(_row(outcome, width) for outcome in rest)]
    failed = [outcome for outcome in found if outcome.verdict == "failed"]
    if failed:
        rows += ["", *(_advice(outcome) for outcome in failed)]
    return [*rows, "", _sum(found)]


def _row(outcome: Outcome, width: int) -> str:
    detail = outcome.detail.removeprefix(_HIDDEN)
    fix = f". {outcome.fix}" if outcome.fix and outcome.verdict == "skipped" else ""
    return f"{MARKS[outcome.verdict]:<5}{outcome.key:<{width}}  {detail}{fix}"


def _advice(outcome: Outcome) -> str:
    text = f"{outcome.key}: {outcome.detail}"
    text = text if text.endswith((".", "!", "?")) else f"{text}."
    return f"{text} {outcome.fix}" if outcome.fix else text


def _sum(found: Sequence[Outcome]) -> str:
    count = dict.fromkeys(MARKS, 0)
    for outcome in found:
        count[outcome.verdict] += 1
    parts = [f"{count['ok']} passed", f"{count['failed']} failed"]
    return f"smoke: {', '.join(parts)}, {count['skipped']} not asked."


def document(found: Sequence[Outcome]) -> dict[str, object]:
    """Return the card as `--json` prints it."""
    return {
        "exit_code": exit_code(tuple(found)),
        "probes": [
            {
                "key": outcome.key,
                "label": outcome.label,
                "verdict": outcome.verdict,
                "detail": outcome.detail,
                "fix": outcome.fix,
                "figures": dict(outcome.figures),
            }
            for outcome in found
        ],
    }


__all__ = ["MARKS", "document", "lines", "progress"]
