"""Questions one after the other with arrow keys; what was asked stays in sight."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Protocol

import questionary

from . import report
from .asking import BACK, WHY
from .dialogue import converse


if TYPE_CHECKING:
    from collections.abc import Sequence

    from .asking import Item
    from .dialogue import Keep
    from .drafts import Draft
    from .session import Session


WELCOME = """Enter keeps what is shown. Type ? for why, < to go back, ! for the default;
lists have lines for it. ctrl-c leaves and keeps your answers."""


class Prompts:
    """Asks with questionary, on stderr."""

    edits = True

    def say(self, text: str) -> None:
        """Show lines that ask nothing."""
        if text:
            report.err(text)

    def line(self, ask: str, now: str, why: str) -> str:
        """Ask for a line, with what stands now to edit."""
        question = questionary.text(f"{ask} ({why})", default=now)
        question.application.current_buffer.on_text_changed += _flat
        try:
            return str(question.unsafe_ask()).strip()
        except EOFError:
            raise EOFError(ask) from None

    def pick(self, ask: str, items: Sequence[Item], why: str) -> str:
        """Ask for one of several."""
        choices = [questionary.Choice(_words(item), item.value) for item in items]
        now = next((item.value for item in items if item.on), items[0].value)
        title = f"{ask} ({why})" if why else ask
        question = questionary.select(title, [*choices, *_ways()], default=now)
        return str(question.unsafe_ask())

    def tick(self, ask: str, items: Sequence[Item]) -> str:
        """Ask for the next one to tick or clear."""
        choices = [
            questionary.Choice(
                f"{'[x]' if item.on else '[ ]'} {item.words}", item.value
            )
            for item in items
        ]
        done = questionary.Choice("Done", "")
        question = questionary.select(ask, [done, *choices, *_ways()], default=done)
        return str(question.unsafe_ask())


class _Typed(Protocol):
    """What is being typed, as questionary keeps it."""

    text: str


def _flat(buffer: _Typed) -> None:
    """Put pasted lines on one: of several, only the last could be edited."""
    if "\n" in buffer.text:
        buffer.text = buffer.text.replace("\n", " ")


def _words(item: Item) -> str:
    return item.value if item.words == item.value else f"{item.value}  {item.words}"


def _ways() -> list[questionary.Choice]:
    """Return the lines of every list that are no answer."""
    ways = {"< back": BACK, "? why": WHY}
    return [questionary.Choice(words, value) for words, value in ways.items()]


def run(session: Session, keep: Keep, draft: Draft | None) -> Session | None:
    """Ask one by one; None when the person left. EOFError names the question."""
    asker = Prompts()
    asker.say(f"nextwizard: {session.answers['project.name']}. {WELCOME}")
    # stdout carries results only: what asks goes to stderr.
    with contextlib.redirect_stdout(sys.stderr):
        return converse(session, asker, keep, draft)


__all__ = ["Prompts", "run"]
