"""What a front end shows of one question."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one question, each a sentence or less.

    `ask` is its label, `why` what it is, `changes` what the answer changes, `otherwise`
    what goes wrong with another one, `link` a public page, and `choices` the words of
    each value that can be chosen. `item` is its label in a list to tick.
    """

    ask: str
    why: str
    changes: str
    otherwise: str
    link: str
    choices: Mapping[str, str] = field(default_factory=dict)
    item: str = ""


__all__ = ["Words"]
