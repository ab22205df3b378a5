"""One pure walk through the questions; every front end speaks only to it.

A session is a frozen value; each function returns another one. What was said stays when
a question goes out of sight or a step is taken back, and what nobody said is derived
again from what was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nextwizard.answers import resolve
from nextwizard.errors import InputError
from nextwizard.guide import STEPS
from nextwizard.questions import BY_KEY
from nextwizard.workflow import propose

from .state import Raw, Session, below, mattering, resolved, user
from .views import Origin, View, home, problems_at, view, visible


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nextwizard.document import Layer
    from nextwizard.guide import Step
    from nextwizard.values import Value
    from nextwizard.workflow import Inspection


ON = "async"
"""What ticking a feature means where the code shows none: the seed's answer, ASGI."""


def start(inspection: Inspection, layers: Sequence[Layer] = ()) -> Session:
    """Begin a walk with what the command line said; InputError when that is wrong."""
    answers = resolve(inspection.project, inspection.host, below(inspection, layers))
    return Session(inspection, tuple(layers), answers)


def answer(session: Session, key: str, raw: Raw) -> Session:
    """Return the session with a question answered; a wrong answer is a problem in it.

    An answer that only repeats what is derived anyway is none: it goes on following.
    """
    said = {**session.said, key: raw}
    without = resolved(session, {k: v for k, v in said.items() if k != key})[0]
    if _same(without[key], raw):
        del said[key]
    if said == session.said:
        return session
    return _said(session, key, said)


def unset(session: Session, key: str) -> Session:
    """Return the session with a question left to what it derives."""
    said = {k: v for k, v in session.said.items() if k != key}
    return session if said == session.said else _said(session, key, said)


def toggle(session: Session, key: str) -> Session:
    """Return the session with a feature ticked or cleared."""
    value = session.answers[key]
    if BY_KEY[key].kind == "flag":
        return answer(session, key, not value)
    if value != "none":
        return answer(session, key, "none")
    found = session.inspection.project.detected.get(key)
    known = str(found.value) if found else "none"
    return answer(session, key, ON if known == "none" else known)


def choose(session: Session, path: str, choice: str) -> Session:
    """Return the session with a conflict settled: keep, take or new."""
    choices = {**session.choices, path: choice}
    return preview(replace(session, choices=choices, stale=True))


def go(session: Session, step: int) -> Session:
    """Return the session at another step; nothing that was said is lost."""
    return replace(session, step=max(0, min(step, len(STEPS) - 1)))


def preview(session: Session) -> Session:
    """Return the session with its proposal made anew; on a problem the last one stays.

    No side effects, and milliseconds: a front end calls it after each answer.
    """
    if not session.stale:
        return session
    said = user(mattering(session.said, session.answers))
    try:
        made = propose(session.inspection, (said, *session.layers), session.choices)
    except InputError as error:
        return replace(session, problems=error.problems, stale=False)
    return replace(
        session, answers=made.answers, proposal=made, problems=(), stale=False
    )


def resume(
    session: Session,
    said: Mapping[str, Raw],
    choices: Mapping[str, str],
    step: int = 0,
) -> Session:
    """Return the session as a draft left it; keys that are no longer asked are left."""
    known = {key: raw for key, raw in said.items() if key in BY_KEY}
    moved = go(replace(session, choices=choices), step)
    return _said(moved, "", known)


def emptied(session: Session) -> Session:
    """Return the session with nothing said: what a discarded walk leaves."""
    return replace(_said(session, "", {}), choices={}, step=0)


def _said(session: Session, key: str, said: Mapping[str, Raw]) -> Session:
    """Return the session after something was said; the proposal is stale then."""
    answers, problems = resolved(session, said)
    fresh = key != session.last
    return replace(
        session,
        said=said,
        answers=answers,
        problems=problems,
        last=key,
        previous=session.proposal if fresh else session.previous,
        stale=True,
    )


def _same(value: Value, raw: Raw) -> bool:
    """Tell whether two answers are equal, a flag never being a number."""
    return type(value) is type(raw) and value == raw


def ready(session: Session) -> bool:
    """Tell whether the proposal is what would be written, with nothing in the way."""
    return not session.problems and not session.stale and session.proposal is not None


def here(session: Session) -> Step:
    """Return the step the walk is at."""
    return STEPS[session.step]


__all__ = [
    "Origin",
    "Raw",
    "Session",
    "View",
    "answer",
    "choose",
    "emptied",
    "go",
    "here",
    "home",
    "preview",
    "problems_at",
    "ready",
    "resume",
    "start",
    "toggle",
    "unset",
    "view",
    "visible",
]
