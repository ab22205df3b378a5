"""Reads what was said: an answers file in TOML or JSON, or --set."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from .errors import InputError, Problem, shown
from .questions import BY_KEY


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .values import Source


SCHEMA = 1
MAX_BYTES = 64 * 1024
"""No answers file is larger; a larger one is a mistake or an attack."""

TABLE = "environment"


class Given(NamedTuple):
    """One value as it was given, before any check, and the place it was given at."""

    raw: object
    where: str


class Layer(NamedTuple):
    """Everything one source said; a stronger source overlays it key by key."""

    source: Source
    values: Mapping[str, Given]


def read_document(data: bytes, name: str, source: Source) -> Layer:
    """Read an answers file: TOML, or JSON by its extension.

    Raises InputError for a document that is no answers file, with every key that is
    unknown named at once.
    """
    text = _decoded(data, name)
    document = _parsed(text, name)
    if document.get("schema") != SCHEMA or type(document["schema"]) is not int:
        what = f'holds no "schema = {SCHEMA}"'
        if isinstance(document.get("schema"), int):
            what = f"follows schema {document['schema']}, which is not known here"
        raise InputError(Problem(name, what, "Start it with: schema = 1"))
    given: dict[str, Given] = {}
    problems: list[Problem] = []
    lines = _lines(text)
    for key, raw in _flat(document).items():
        if key == "schema":
            continue
        place = f"{name}:{line}" if (line := _line_of(lines, key)) else name
        if key == TABLE and not isinstance(raw, dict):
            problems.append(_no_table(place))
        elif _known(key):
            given[key] = Given(raw, place)
        else:
            problems.append(_unknown(key, place))
    if problems:
        raise InputError(problems)
    return Layer(source, given)


def read_set(pairs: Sequence[str]) -> Layer:
    """Read --set KEY=VALUE: a TOML value, or a bare word; InputError when neither."""
    given: dict[str, Given] = {}
    problems: list[Problem] = []
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if equals and key.strip() == TABLE:
            problems.append(_no_table("--set"))
            continue
        if not equals or not _known(key.strip()):
            problems.append(_unknown(key.strip(), "--set"))
            continue
        given[key.strip()] = Given(_set_value(key.strip(), text), "--set")
    if problems:
        raise InputError(problems)
    return Layer("flag", given)


def _no_table(where: str) -> Problem:
    fix = f'Write one variable at a time, such as {TABLE}.GREETING = "hello".'
    return Problem(TABLE, f"holds variables, each with its name ({where})", fix)


def _set_value(key: str, text: str) -> object:
    """Return what a --set value means for this key."""
    kind = BY_KEY[key].kind if key in BY_KEY else "text"
    try:
        value = tomllib.loads(f"v = {text}")["v"] if "\n" not in text else text
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        value = text
    if kind == "list" and not isinstance(value, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text if kind in {"text", "choice"} and not isinstance(value, str) else value


def _decoded(data: bytes, name: str) -> str:
    if len(data) > MAX_BYTES:
        raise InputError(Problem(name, f"is larger than {MAX_BYTES // 1024} KiB"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"is not UTF-8 (byte {error.start})"
        raise InputError(Problem(name, what, "Save it as UTF-8.")) from error


def _refuse(text: str) -> NoReturn:
    msg = f"{text} is no JSON value"
    raise ValueError(msg)


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return a JSON object; ValueError when a key stands in it twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse("a key that stands twice")
    return found


def _parsed(text: str, name: str) -> dict[str, object]:
    """Return the document's top table; InputError when it cannot be read as one."""
    kind = "JSON" if name.endswith(".json") else "TOML"
    try:
        if kind == "JSON":
            document = json.loads(
                text, parse_constant=_refuse, object_pairs_hook=_pairs
            )
        else:
            document = tomllib.loads(text)
    except RecursionError as error:
        problem = Problem(name, "is nested too deeply to be an answers file")
        raise InputError(problem) from error
    except ValueError as error:
        problem = Problem(name, f"is no {kind}: {error}", "Correct it and run again.")
        raise InputError(problem) from error
    if not isinstance(document, dict):
        raise InputError(Problem(name, "holds no table of answers"))
    return document


def _flat(document: Mapping[str, object]) -> dict[str, object]:
    """Return the document with dotted keys, two levels deep."""
    flat: dict[str, object] = {}
    for key, value in document.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{leaf}": raw for leaf, raw in value.items()})
            if not value and not any(q.startswith(f"{key}.") for q in (*BY_KEY, "e.")):
                flat[key] = value
        else:
            flat[key] = value
    return flat


_HEADER = re.compile(r"\s*\[\s*([^\]]+?)\s*\]")
_NAME = re.compile(r"""\s*["']?([^"'=:\s]+)["']?\s*[=:]""")
_ANY = "*"


def _lines(text: str) -> dict[tuple[str, str], int]:
    """Return the first line of each name, below its table and below any."""
    found: dict[tuple[str, str], int] = {}
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header:
            current = header[1].strip("\"'")
        name = _NAME.match(line)
        if name:
            found.setdefault((current, name[1]), number)
            found.setdefault((_ANY, name[1]), number)
    return found


def _line_of(lines: Mapping[tuple[str, str], int], key: str) -> int:
    """Return the 1-based line a dotted key stands on; 0 when it cannot be told."""
    table, _, leaf = key.rpartition(".")
    places = ((table, leaf), (_ANY, key), ("", leaf))
    return min((lines[place] for place in places if place in lines), default=0)


def _known(key: str) -> bool:
    return key in BY_KEY or (key.startswith(f"{TABLE}.") and len(key) > len(TABLE))


def _unknown(key: str, where: str) -> Problem:
    """Return the problem of a key that is no answer, with the nearest that is one."""
    from difflib import get_close_matches

    leaves = {known.rpartition(".")[2]: known for known in BY_KEY}
    near = get_close_matches(key, BY_KEY, 1, 0.6) or [
        leaves[leaf]
        for leaf in get_close_matches(key.rpartition(".")[2].lower(), leaves, 1, 0.6)
    ]
    fix = f"Did you mean {near[0]}?" if near else "`nextwizard schema` lists them."
    return Problem(shown(key), f"is no answer nextwizard knows ({where})", fix)


__all__ = ["SCHEMA", "TABLE", "Given", "Layer", "read_document", "read_set"]
