"""Runs one front end over a session, and keeps what was said when it ends early."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from . import drafts, report
from .errors import InputError, Problem
from .gate import choose, look
from .session import start


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .document import Layer
    from .drafts import Draft
    from .gate import FrontEnd
    from .session import Session
    from .workflow import Inspection, Proposal

    type Keep = Callable[[Session], None]
    type Run = Callable[[Session, Keep, Draft | None], Session | None]


def front_end(command: str, *, prompts: bool, plain: bool) -> FrontEnd:
    """Return what asks; InputError with the command to run when nobody can answer."""
    kind, reason = choose(look(), prompts=prompts, plain=plain)
    if kind == "refuse":
        raise InputError(Problem("", f"cannot ask: {reason}", _instead(command)))
    if kind == "plain" and not plain:
        report.err(f"nextwizard: asking in plain lines, because {reason}.")
    return kind


def _instead(command: str) -> str:
    """Return the commands that ask nothing."""
    if command.startswith("nextwizard regenerate"):
        return f"Run `{command}`, with --set KEY=VALUE for each answer to change."
    ways = [command.replace(" init", f" init {way}", 1) for way in _WAYS]
    return f"Run `{ways[0]}` with your answers, or `{ways[1]}` with the defaults."


_WAYS = ("--answers nextwizard.toml", "--yes")


def command(name: str, directory: str) -> str:
    """Return a command line as the user would type it."""
    where = "" if directory == "." else f" {shlex.quote(directory)}"
    return f"nextwizard {name}{where}"


def ask(
    kind: FrontEnd, line: str, inspection: Inspection, layers: Sequence[Layer]
) -> Proposal | None:
    """Return what the person wants written; None when they left.

    Raises InputError when the input ends before the last answer.
    """
    root = inspection.root

    def keep(session: Session) -> None:
        drafts.save(root, drafts.Draft(session.said, session.choices, session.step))

    try:
        done = _runner(kind)(start(inspection, layers), keep, drafts.load(root))
    except EOFError as error:
        asked = str(error) or "the last question"
        what = f"the input ended before {asked!r} was answered; nothing was written"
        raise InputError(Problem("", what, _instead(line))) from None
    return done.proposal if done else None


def _runner(kind: FrontEnd) -> Run:
    """Return the front end; each of them is imported only when it runs."""
    if kind == "tui":
        from .tui import run
    elif kind == "prompts":
        from .prompts import run
    else:
        from .plain import run
    return run


def done(root: str) -> None:
    """Forget the draft: its answers are in the project now."""
    drafts.drop(root)


__all__ = ["ask", "command", "done", "front_end"]
