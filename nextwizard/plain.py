"""Questions as numbered lines: no escape byte, nothing is ever drawn over.

For screen readers, dumb terminals, logs and pipes.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from . import report
from .asking import BACK, DEFAULT, WHY
from .dialogue import converse


if TYPE_CHECKING:
    from collections.abc import Sequence

    from .asking import Item
    from .dialogue import Keep
    from .drafts import Draft
    from .session import Session


_ASCII = str.maketrans({"·": "-", "→": "->", "…": "..."})
_COMMANDS = frozenset({BACK, WHY, DEFAULT})

WELCOME = """Enter keeps what stands in brackets. ? explains, < goes back,
! takes the default again, ctrl-c leaves and keeps your answers."""


def shown(text: str) -> str:
    """Return a text as it may be printed: visible characters, none that draws."""
    return "".join(
        char if char.isprintable() or char == "\n" else "?"
        for char in text.translate(_ASCII)
    )


class Lines:
    """Asks on stderr and reads stdin, line by line."""

    edits = False

    def say(self, text: str) -> None:
        """Show lines that ask nothing."""
        if text:
            report.err(shown(text))

    def _read(self, ask: str) -> str:
        report.ask(shown(ask))
        found = sys.stdin.readline()
        if not found:
            report.err("")
            raise EOFError(ask.partition(" [")[0])
        if not sys.stdin.isatty():
            report.err(shown(found.rstrip("\r\n")))
        return found.strip()

    def line(self, ask: str, now: str, why: str) -> str:
        """Ask for a line."""
        return self._read(f"{ask} [{now}] ({why}): ") or now

    def agrees(self, ask: str) -> bool:
        """Ask yes or no; nothing typed, or no more input, is no."""
        try:
            return self._read(f"{ask} [y/N] ").lower() in {"y", "yes"}
        except EOFError:
            return False

    def pick(self, ask: str, items: Sequence[Item], why: str) -> str:
        """Ask for one of several by its number or its word."""
        self.say(f"{ask}{f' ({why})' if why else ''}")
        for number, item in enumerate(items, 1):
            mark = "(*)" if item.on else "( )"
            words = "" if item.words == item.value else f"  {item.words}"
            self.say(f"  {number} {mark} {item.value}{words}")
        now = next((item.value for item in items if item.on), items[0].value)
        while True:
            found = self._read(f"Number [{now}]: ") or now
            if found in _COMMANDS or any(found == item.value for item in items):
                return found
            value = _numbered(found, items)
            if value:
                return value
            self.say(f"  ! {found} is none of them. Type a number up to {len(items)}.")

    def tick(self, ask: str, items: Sequence[Item]) -> str:
        """Ask for the next one to tick or clear."""
        self.say(ask)
        for number, item in enumerate(items, 1):
            self.say(f"  {number} {'[x]' if item.on else '[ ]'} {item.words}")
        while True:
            found = self._read("Number to tick or clear, Enter when done: ")
            if not found or found in _COMMANDS:
                return found
            value = _numbered(found, items)
            if value:
                return value
            self.say(f"  ! {found} is none of them. Type a number up to {len(items)}.")


def _numbered(text: str, items: Sequence[Item]) -> str:
    """Return the value of a numbered item; empty when there is none."""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0  # noqa: PLR2004 - no list is longer
    return items[number - 1].value if 0 < number <= len(items) else ""


def run(session: Session, keep: Keep, draft: Draft | None) -> Session | None:
    """Ask line by line; None when the person left. EOFError names the question."""
    asker = Lines()
    name = session.answers["project.name"]
    asker.say(f"nextwizard: the deployment of {name}. {WELCOME}")
    return converse(session, asker, keep, draft)


__all__ = ["Lines", "run", "shown"]
