"""What a front end shows of one question, and where a problem belongs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from nextwizard.guide import STEPS, WORDS
from nextwizard.questions import BY_KEY

from .state import matters, names


if TYPE_CHECKING:
    from nextwizard.errors import Problem
    from nextwizard.values import Answer, Value

    from .state import Session


type Origin = Literal["detected", "default", "yours"]
"""Where the value of a question comes from, as a person is told."""


@dataclass(frozen=True, slots=True)
class View:
    """One question as a front end shows it: value, origin, why, what is wrong."""

    key: str
    value: Value
    origin: Origin
    because: str
    problems: tuple[Problem, ...] = ()


def visible(session: Session, key: str) -> bool:
    """Tell whether a question matters now, or stands in the way."""
    return matters(key, session.answers) or bool(problems_at(session, key))


def problems_at(session: Session, key: str) -> tuple[Problem, ...]:
    """Return the problems that belong to a question: they name it, or their way out."""
    return tuple(
        problem
        for problem in session.problems
        if names(problem.where, key)
        or (not _placed(problem) and key in problem.fix.replace("=", " ").split())
    )


def _placed(problem: Problem) -> bool:
    return any(names(problem.where, key) for key in BY_KEY)


def home(problem: Problem) -> tuple[int, str]:
    """Return the step and the question a problem belongs to; the review if to none."""
    for at, step in enumerate(STEPS):
        for key in step.keys:
            fix = problem.fix.replace("=", " ").split()
            if names(problem.where, key) or (not _placed(problem) and key in fix):
                return at, key
    return len(STEPS) - 1, ""


def view(session: Session, key: str) -> View:
    """Return a question as it stands: what was said shows even when it is wrong."""
    found = session.answers.items[key]
    wrong = problems_at(session, key)
    if key in session.said and (wrong or not matters(key, session.answers)):
        return View(key, session.said[key], "yours", "you said so", wrong)
    return View(key, found.value, _origin(found), _because(key, found), wrong)


def _origin(found: Answer) -> Origin:
    if found.source == "detected":
        return "detected"
    return "yours" if found.touched else "default"


def _because(key: str, found: Answer) -> str:
    """Return one line that says why the value is what it is."""
    if found.source == "user":
        return "you said so"
    if found.touched:
        return f"from {found.where}"
    places = ", ".join(map(str, found.evidence[:2]))
    words = ", ".join(part for part in (found.reason, places) if part)
    return words or WORDS[key].why


__all__ = ["Origin", "View", "home", "problems_at", "view", "visible"]
