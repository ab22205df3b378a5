"""How one question is put, whatever puts it, and the words that explain it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from . import session as walk
from .guide import STEPS, WORDS


if TYPE_CHECKING:
    from collections.abc import Sequence

    from .drafts import Draft
    from .session import Session


BACK, WHY, DEFAULT = "<", "?", "!"
"""What a person types instead of an answer; no grammar takes one of them alone."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line to choose: its value, its words, and whether it is chosen now."""

    value: str
    words: str
    on: bool = False


class Asker(Protocol):
    """How one question is put; each returns an answer, or BACK, WHY or DEFAULT.

    With `edits` a refused line comes back to be mended; without, what stood before it.
    """

    edits: bool

    def say(self, text: str) -> None:
        """Show lines that ask nothing."""
        ...

    def line(self, ask: str, now: str, why: str) -> str:
        """Ask for a line; what stands now is kept when nothing is typed."""
        ...

    def pick(self, ask: str, items: Sequence[Item], why: str) -> str:
        """Ask for one of several."""
        ...

    def tick(self, ask: str, items: Sequence[Item]) -> str:
        """Ask for the next one to tick or clear; empty when it is done."""
        ...


def tick_of(session: Session, key: str) -> Item:
    """Return a feature as a line to tick."""
    seen = walk.view(session, key)
    words = f"{WORDS[key].item or WORDS[key].ask} ({seen.origin}: {seen.because})"
    return Item(key, words, on=seen.value not in {False, "none"})


def offered(draft: Draft) -> str:
    """Return what a draft holds, in words."""
    count = len(draft.said)
    noun = "answer" if count == 1 else "answers"
    at = min(draft.step, len(STEPS) - 1)
    return (
        f"You left at step {at + 1} of {len(STEPS)}, {STEPS[at].title}, with {count} "
        f"{noun} of your own. Resume there?"
    )


def explained(key: str) -> str:
    """Return what there is to say of a question."""
    words = WORDS[key]
    return (
        f"  {words.item or words.ask}: {words.why}.\n  It changes: {words.changes}\n"
        f"  The other way: {words.otherwise}\n  {words.link}"
    )


__all__ = ["BACK", "DEFAULT", "WHY", "Asker", "Item", "explained", "offered", "tick_of"]
