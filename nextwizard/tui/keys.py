"""Which key does what, and which are told where: all of them are in the palette."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.binding import Binding, BindingType

from nextwizard.guide import STEPS

from .fields import Entry
from .listing import Changes, Files
from .options import Choice, Ticks
from .page import Page
from .review import Write


if TYPE_CHECKING:
    from collections.abc import Iterator

    from .app import Wizard
    from .frame import Frame

    type Told = tuple[str, str]


LAST = len(STEPS) - 1

KEYS: list[BindingType] = [
    Binding("ctrl+n,alt+right", "next", "Next step", priority=True),
    Binding("escape,alt+left", "back", "Back"),
    Binding("f1,question_mark", "help_key", "Why?"),
    Binding("f2", "files", "Files"),
    Binding("f3", "more", "Advanced"),
    Binding("f4", "default", "Take the default again"),
    Binding("w", "write", "Write"),
    Binding("k", "choose('keep')", "Keep mine", show=False),
    Binding("t", "choose('take')", "Take the new one", show=False),
    Binding("n", "choose('new')", "Write it as .new", show=False),
    Binding("ctrl+q,ctrl+c", "leave", "Quit", priority=True),
    Binding("ctrl+z", "suspend_process", "Suspend", priority=True),
]
"""Several keys for most: terminals and tmux take some of them away."""


def offered_keys(app: Frame) -> list[Told]:
    """Return the keys that work where the cursor is, the most wanted first."""
    focus = app.focused
    ways = [("^n", "Next"), ("esc", "Back"), ("^q", "Quit"), ("f1", "Why?")]
    tail = [("f2", "Files"), ("^p", "Commands"), ("f3", "More")]
    if app.session.step == LAST:
        return [*_reviewing(app), ("esc", "Back"), ("^q", "Quit"), ("^p", "Commands")]
    if isinstance(focus, Ticks):
        return [("space", "Toggle"), *ways, *tail]
    if isinstance(focus, Choice):
        return [("↑↓", "Choose"), *ways, *tail]
    if isinstance(focus, Entry):
        return [("enter", "Next"), *ways[1:], *tail, ("f4", "Default")]
    if isinstance(focus, (Files, Page)):
        return [("↑↓", "Scroll" if isinstance(focus, Page) else "File"), *ways, *tail]
    return [*ways, *tail]


def _reviewing(app: Frame) -> list[Told]:
    """Return the keys of the review, by what has the cursor."""
    if isinstance(app.focused, Changes):
        path = app.focused.path
        conflicts = app.session.proposal.conflicts if app.session.proposal else ()
        settled = path in app.session.choices
        asked = settled or any(change.path == path for change in conflicts)
        ways = [("k", "Keep"), ("t", "Take"), ("n", ".new")] if asked else []
        return [("enter", "Diff"), *ways, ("w", "Write")]
    if isinstance(app.focused, Write):
        return [("enter", "Write"), ("f2", "Files")]
    return [("w", "Write")]


def commands(app: Wizard) -> Iterator[SystemCommand]:
    """Yield what the palette offers: every action, step, file and theme."""
    yield SystemCommand("Next step", "ctrl+n", app.action_next)
    yield SystemCommand("Back", "escape", app.action_back)
    yield SystemCommand("Why?", "f1 or ?: explain the question", app.action_help_key)
    yield SystemCommand("Files", "f2: show the files", app.action_files)
    yield SystemCommand("Advanced", "f3: open or close", app.action_more)
    yield SystemCommand("Default", "f4: take the default again", app.action_default)
    for at, step in enumerate(STEPS):
        yield SystemCommand(f"Go to {step.title}", step.ask, _to(app, at))
    for change in app.session.proposal.changes if app.session.proposal else ():
        words = f"{change.status}: show this file"
        yield SystemCommand(f"Show {change.path}", words, _file(app, change.path))
    yield SystemCommand("Theme", "choose the colours", app.action_change_theme)
    yield SystemCommand("Write", "w, in the review", _to(app, LAST))
    yield SystemCommand("Quit", "ctrl+q: answers can be kept", app.action_leave)


def _to(app: Wizard, step: int) -> _Action:
    return lambda: app.goto(step)


def _file(app: Wizard, path: str) -> _Action:
    return lambda: app.show_file(path)


if TYPE_CHECKING:
    from collections.abc import Callable

    type _Action = Callable[[], None]


__all__ = ["KEYS", "LAST", "commands", "offered_keys"]
