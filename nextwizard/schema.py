"""The answers file as JSON Schema, made from QUESTIONS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .document import SCHEMA
from .grammar import HINTS
from .questions import QUESTIONS


if TYPE_CHECKING:
    from .questions import Question


def schema() -> dict[str, object]:
    """Return the schema; editors complete and check `nextwizard.toml` by it.

    The grammar of each text is nextwizard's own check; the hint says what it wants.
    """
    sections: dict[str, dict[str, object]] = {}
    for question in QUESTIONS:
        section, _, leaf = question.key.partition(".")
        if leaf:
            sections.setdefault(section, {})[leaf] = _property(question)
    properties: dict[str, object] = {"schema": {"const": SCHEMA}}
    for name, leaves in sections.items():
        properties[name] = {
            "type": "object",
            "additionalProperties": False,
            "properties": leaves,
        }
    properties["environment"] = {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "nextwizard answers",
        "type": "object",
        "additionalProperties": False,
        "required": ["schema"],
        "properties": properties,
    }


def _property(question: Question) -> dict[str, object]:
    hint = HINTS.get(question.grammar, "")
    described: dict[str, object] = {"description": hint} if hint else {}
    match question.kind:
        case "flag":
            return {"type": "boolean"}
        case "integer":
            low, high = question.low, question.high
            return {"type": "integer", "minimum": low, "maximum": high}
        case "choice":
            return {"enum": list(question.choices)}
        case "list":
            return {"type": "array", "items": {"type": "string"}, **described}
        case _:
            kinds = ["string", "integer"] if question.grammar == "bind" else "string"
            return {"type": kinds, **described}


__all__ = ["schema"]
