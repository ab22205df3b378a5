"""Holds what was said against QUESTIONS and reports every problem at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .document import TABLE, Given
from .errors import InputError, Problem, shown
from .grammar import CHECKS, HINTS, refuse_type, text, whole
from .questions import KEPT, QUESTIONS
from .values import Answer, Answers, Evidence, Note


if TYPE_CHECKING:
    from collections.abc import Sequence

    from .document import Layer
    from .questions import Question
    from .values import Fact, Host, Project, Source, Value


class Known:
    """The answers resolved so far, as a default may look at them."""

    def __init__(self, project: Project, host: Host) -> None:
        """Start with no answer."""
        self.project = project
        self.host = host
        self.items: dict[str, Answer] = {}

    def text(self, key: str) -> str:
        """Return an answer as text."""
        return str(self.items[key].value)


def resolve(project: Project, host: Host, layers: Sequence[Layer]) -> Answers:
    """Return every answer: the strongest layer's, or else what the question derives.

    `layers` come strongest first. Raises InputError with all problems at once.
    """
    known = Known(project, host)
    notes: list[Note] = []
    problems: list[Problem] = []
    for question in QUESTIONS:
        try:
            answer = _given(question, layers, notes) or _derived(question, known)
        except InputError as error:
            problems.extend(error.problems)
            answer = _derived(question, known)
        known.items[question.key] = answer
        if not _relevant(question, known) and answer.touched:
            problems += _pointless(question, known)
    if problems:
        raise InputError(problems)
    notes += _contradicted(project, host, Answers(known.items))
    return Answers(known.items, tuple(notes))


def _contradicted(project: Project, host: Host, answers: Answers) -> list[Note]:
    """Return a warning for each stored answer that the code speaks against."""
    return [
        Note(
            "answers.contradicted",
            "warning",
            f"{key} = {shown(answer.value)} ({answer.where}), and the code says "
            f"{shown(fact.value)} ({', '.join(map(str, fact.evidence))})",
            (*answer.evidence, *fact.evidence),
            f"The stored answer wins; take {key} out of the file to follow the code.",
        )
        for key, answer, fact in contradictions(project, host, answers)
        if answer.source == "stored"
    ]


def _derived(question: Question, known: Known) -> Answer:
    fact = question.default(known)
    source: Source = "detected" if fact.evidence else "default"
    where = ", ".join(map(str, fact.evidence))
    return Answer(fact.value, source, where, fact.evidence, fact.reason)


def _relevant(question: Question, known: Known) -> bool:
    if question.needs is None:
        return True
    key, values = question.needs
    return known.items[key].value in values


def _pointless(question: Question, known: Known) -> list[Problem]:
    """Return the problem of an answer that means nothing beside another one."""
    answer = known.items[question.key]
    if question.needs is None or question.key in KEPT or not answer.value:
        return []
    key, values = question.needs
    want = " or ".join(shown(value) for value in values)
    what = f"means nothing while {key} is {shown(known.items[key].value)}"
    fix = f"Take it out, or set {key} to {want}."
    return [Problem(question.key, f"{what} ({answer.where})", fix)]


def _given(
    question: Question, layers: Sequence[Layer], notes: list[Note]
) -> Answer | None:
    """Return the strongest layer's answer, checked; None when nobody gave one."""
    if question.kind == "table":
        return _given_table(question, layers)
    for at, layer in enumerate(layers):
        given = layer.values.get(question.key)
        if given is None or _outdated(question, layers[:at], layer):
            continue
        value = _checked(question, given, notes)
        evidence = _evidence(given.where)
        return Answer(value, layer.source, given.where, evidence)
    return None


def _outdated(question: Question, above: Sequence[Layer], layer: Layer) -> bool:
    """Tell whether a stored proxy version belongs to a proxy that was just replaced."""
    if question.key != "hosting.proxy_version":
        return False
    old = layer.values.get("hosting.proxy", Given("nginx", "")).raw
    return any(
        upper.values["hosting.proxy"].raw != old
        for upper in above
        if "hosting.proxy" in upper.values
    )


def _evidence(where: str) -> tuple[Evidence, ...]:
    path, colon, line = where.rpartition(":")
    return (Evidence(path, int(line)),) if colon and line.isdigit() else ()


def _given_table(question: Question, layers: Sequence[Layer]) -> Answer | None:
    """Return the environment's variables, each from its strongest layer."""
    found: dict[str, tuple[Given, Source]] = {}
    for layer in reversed(layers):
        found |= {
            key.partition(".")[2]: (given, layer.source)
            for key, given in layer.values.items()
            if key.startswith(f"{TABLE}.")
        }
    problems: list[Problem] = []
    values: dict[str, str] = {}
    for name, (given, _source) in found.items():
        where = f"{TABLE}.{shown(name)[1:-1]}"
        try:
            if not isinstance(given.raw, str):
                refuse_type("text", HINTS["env_value"])
            values[CHECKS["env_name"](name)[0]] = CHECKS[question.grammar](given.raw)[0]
        except ValueError as error:
            problems.append(Problem(where, f"{error} ({given.where})"))
    if problems:
        raise InputError(problems)
    sources = [source for _given, source in found.values()]
    return Answer(values, sources[0], TABLE) if found else None


def _checked(question: Question, given: Given, notes: list[Note]) -> Value:
    """Return one answer's checked value; InputError names the key and the place."""
    hint = HINTS.get(question.grammar, "")
    said: list[str] = []
    try:
        value = _value(question, given.raw, said)
    except ValueError as error:
        what = f"{shown(given.raw)} {error} ({given.where})"
        raise InputError(Problem(question.key, what, hint)) from error
    for words in said:
        message = f"{question.key}: {words} ({given.where})"
        notes.append(Note("answers.normalised", "warning", message))
    return value


def _value(question: Question, raw: object, said: list[str]) -> Value:
    """Return the value in its kind and grammar; ValueError with the reason."""
    match question.kind:
        case "flag":
            return raw if isinstance(raw, bool) else refuse_type("true or false")
        case "integer":
            return whole(raw, question.low, question.high)
        case "choice":
            if not isinstance(raw, str) or raw not in question.choices:
                refuse_type("one of " + ", ".join(question.choices))
            return raw
        case "list":
            if not isinstance(raw, list):
                refuse_type("a list")
            items = [text(question.grammar, item, said) for item in raw]
            return tuple(dict.fromkeys(items))
        case _:
            return text(question.grammar, raw, said)


_OF_THE_CODE = ("features.", "project.package")
"""Answers that describe the code; any other is a choice that no scan can contradict."""


def contradictions(
    project: Project, host: Host, answers: Answers
) -> list[tuple[str, Answer, Fact]]:
    """Return each given answer about the code that its evidence speaks against.

    What the scan does not find is no contradiction: it may be built at run time.
    """
    known = Known(project, host)
    known.items = dict(answers.items)
    found = []
    for question in QUESTIONS:
        answer = answers.items[question.key]
        if not answer.touched or not question.key.startswith(_OF_THE_CODE):
            continue
        fact = question.default(known)
        if fact.evidence and fact.value != answer.value:
            found.append((question.key, answer, fact))
    return found


__all__ = ["Known", "contradictions", "resolve"]
