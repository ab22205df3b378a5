"""Where a walk stands, and the answers that follow from what was said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nextwizard.answers import resolve
from nextwizard.document import Given, Layer
from nextwizard.errors import InputError
from nextwizard.questions import BY_KEY


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nextwizard.errors import Problem
    from nextwizard.values import Answers
    from nextwizard.workflow import Inspection, Proposal


type Raw = str | int | bool | tuple[str, ...] | Mapping[str, str]
"""An answer as a person gave it, before any check."""

YOU = "your answer"
"""The place of an answer that was given in the walk."""


@dataclass(frozen=True, slots=True)
class Session:
    """Where a walk stands: what was said, what follows, and what is in the way.

    `proposal` is the last one that was good, `previous` the one before the question
    `last` was touched; `stale` says that `proposal` does not know the latest answer.
    """

    inspection: Inspection
    layers: tuple[Layer, ...]
    answers: Answers
    said: Mapping[str, Raw] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    proposal: Proposal | None = None
    previous: Proposal | None = None
    last: str = ""
    stale: bool = True
    step: int = 0


def below(inspection: Inspection, layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return what was said before the walk: the command line, then the file."""
    return (*layers, *((inspection.stored,) if inspection.stored else ()))


def user(said: Mapping[str, Raw]) -> Layer:
    """Return what was said as a layer, a table variable by variable."""
    values: dict[str, Given] = {}
    for key, raw in said.items():
        if BY_KEY[key].kind != "table":
            values[key] = Given(list(raw) if isinstance(raw, tuple) else raw, YOU)
        elif isinstance(raw, (str, int, tuple)):
            values[f"{key}.{raw}"] = Given(None, YOU)
        else:
            values |= {f"{key}.{name}": Given(text, YOU) for name, text in raw.items()}
    return Layer("user", values)


_DEPTH = 3
"""The longest chain of questions that need each other: target, proxy, its release."""


def resolved(
    session: Session, said: Mapping[str, Raw]
) -> tuple[Answers, tuple[Problem, ...]]:
    """Return the answers, and what is wrong with those that had to be left out.

    Each pass settles the questions that those of the next one depend on.
    """
    kept = {key: raw for key, raw in said.items() if BY_KEY[key].needs is None}
    found = _tolerant(session, kept)
    for _ in range(_DEPTH):
        more = mattering(said, found[0])
        if more.keys() == kept.keys():
            break
        kept, found = more, _tolerant(session, more)
    return found


def _tolerant(
    session: Session, said: Mapping[str, Raw]
) -> tuple[Answers, tuple[Problem, ...]]:
    """Resolve, and once more without the answers that were refused."""
    project, host = session.inspection.project, session.inspection.host
    layers = (user(said), *below(session.inspection, session.layers))
    try:
        return resolve(project, host, layers), ()
    except InputError as error:
        wrong = error.problems
    left = [_left(layer, wrong) for layer in layers]
    try:
        return resolve(project, host, left), wrong
    except InputError:
        return session.answers, wrong


def _left(layer: Layer, wrong: Sequence[Problem]) -> Layer:
    """Return a layer without the answers that these problems are about."""
    values = {k: given for k, given in layer.values.items() if not _about(k, wrong)}
    return layer._replace(values=values)


def mattering(said: Mapping[str, Raw], answers: Answers) -> dict[str, Raw]:
    """Return what was said about the questions that matter beside these answers."""
    return {key: raw for key, raw in said.items() if matters(key, answers)}


def _about(key: str, problems: Sequence[Problem]) -> bool:
    return any(names(problem.where, key) for problem in problems)


def names(text: str, key: str) -> bool:
    """Tell whether a text names a question, or one of its variables."""
    words = text.replace(",", " ").split()
    return any(word == key or word.startswith(f"{key}.") for word in words)


def matters(key: str, answers: Answers) -> bool:
    """Tell whether a question means something beside these answers."""
    needs = BY_KEY[key].needs
    return needs is None or answers[needs[0]] in needs[1]


__all__ = [
    "Raw",
    "Session",
    "below",
    "mattering",
    "matters",
    "names",
    "resolved",
    "user",
]
