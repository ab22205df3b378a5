"""The errors a user can meet; each says what happened, where, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, override


if TYPE_CHECKING:
    from collections.abc import Iterable


_SHOWN = 60


def shown(raw: object) -> str:
    """Return a value as a message may show it: short, on one line, no escape bytes."""
    import json  # a refusal alone needs it

    text = json.dumps(raw, ensure_ascii=True, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


class Problem(NamedTuple):
    """One thing that stands in the way: a key or path, what is wrong, the way out."""

    where: str
    what: str
    fix: str = ""

    @override
    def __str__(self) -> str:
        """Return the one line a user reads."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        text = text if text.endswith((".", "!", "?")) else f"{text}."
        return f"{text} {self.fix}" if self.fix else text


class NextwizardError(Exception):
    """A refusal; carries every problem found, not only the first."""

    exit_code = 2

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        """Keep the problems in the order they were found."""
        found = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.problems: tuple[Problem, ...] = found
        super().__init__("\n".join(str(problem) for problem in found))


class InputError(NextwizardError):
    """Wrong usage, answers or project: nothing was written."""


class RecordError(NextwizardError):
    """The record of the last run is missing, damaged or from a newer nextwizard."""


class LockedError(NextwizardError):
    """Another run holds the project's lock."""

    exit_code = 4


class WriteError(NextwizardError):
    """The disk refused; what had been written was put back."""

    exit_code = 1


class ToolError(NextwizardError):
    """An external program could not be started or did not end in time."""

    exit_code = 1


class InternalError(NextwizardError):
    """Our own output failed our own check: a bug in nextwizard, nothing was written."""


__all__ = [
    "InputError",
    "InternalError",
    "LockedError",
    "NextwizardError",
    "Problem",
    "RecordError",
    "ToolError",
    "WriteError",
    "shown",
]
