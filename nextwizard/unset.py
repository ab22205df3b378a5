"""A variable that the project asked for and nothing sets: which, and lent if we may.

The scan lists what settings read with no default. What it cannot see is told by the
error that ends the import, in the words of each library.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from .tools import Result, run


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_MOST = 20
"""How often it is tried: a variable is lent after each, and a try takes seconds."""

_SHORTEST = 6
"""Characters of a value that no message may show; shorter ones are words and ports."""

_PLAIN = frozenset({"HOME", "LANG", "PATH"})
_NAME = r"(?P<name>[A-Za-z_]\w*)"
_LOUD = r"[\"'`]?(?P<name>[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)[\"'`]?"
_SAYS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"os(?:\.py\"|>\"), line \d+, in __getitem__\n(?:.*\n)*?KeyError: '{_NAME}'",
        rf"UndefinedValueError: {_NAME} not found",
        rf"Set the {_NAME} environment variable",
        rf"(?m)^[\w.]+: {_LOUD} (?:is |was )?(?:missing|not set|required|unset)",
        rf"(?m)^[\w.]+: (?:[Mm]issing|[Nn]o|[Uu]nset) (?:[a-z]+ )*{_LOUD}",
        rf"[Ee]nvironment variable:? [\"'`]?{_NAME}[\"'`]? (?:is )?(?:not set|missing)",
    )
)
"""How os.environ, python-decouple, django-environ and environs name what is not set,
and people who raise an error of their own."""

_LAST = re.compile(r"^[\w.]*(?:Error|Exception|Configured|Exit)\b.*$", re.MULTILINE)
_WORD = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
_FIELD = re.compile(r"^(\w+(?:\.\w+)*)\n  (\w[^\[\n]*?) \[type=", re.MULTILINE)


def unset(said: str, env: Mapping[str, str]) -> str:
    """Return the variable whose absence ended a program, nothing where none is named.

    `env` is what the program had: what it was given is not what it missed.
    """
    for pattern in _SAYS:
        names = [found["name"] for found in pattern.finditer(said)]
        missed = [name for name in names if name not in env]
        if missed:
            return missed[-1]
    return ""


def fields(said: str) -> str:
    """Return what pydantic found wrong, field by field and without a value."""
    return ", ".join(f"{name}: {what}" for name, what in _FIELD.findall(said))


def run_lent(
    argv: Sequence[str],
    *,
    timeout: float,
    cwd: str,
    env: Mapping[str, str],
) -> Result:
    """Run a program to its end; what it misses by name and the caller has is lent.

    Only a variable that an error names goes on, never the caller's whole environment:
    it is not what the deployed process will find.
    """
    given = dict(env)
    for _ in range(_MOST):
        done = run(argv, timeout=timeout, cwd=cwd, env=given)
        more = _lendable(done.err, given) if done.code else {}
        if not more:
            break
        given |= more
    return Result(done.code, done.out, _masked(done.err, given))


def _masked(said: str, given: Mapping[str, str]) -> str:
    """Return what a program said with the caller's own values as $NAME."""
    for name, value in given.items():
        own = name not in _PLAIN and os.environ.get(name) == value
        if own and len(value) >= _SHORTEST:
            said = said.replace(value, f"${name}")
    return said


def _lendable(said: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that an error names, this process has and it did not."""
    last = _LAST.findall(said)[-1:]
    names = {unset(said, given), *_WORD.findall("".join(last))}
    names |= {name.upper() for name, _ in _FIELD.findall(said)}
    lent = sorted(names & os.environ.keys() - given.keys())
    return {name: os.environ[name] for name in lent}


__all__ = ["fields", "run_lent", "unset"]
