"""Several projects by one command, in one process: each told, the worst counts."""

from __future__ import annotations

import argparse
import io
import json
import os
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from nextwizard import report
from nextwizard.catalog import ANSWERS_FILE
from nextwizard.document import read_document
from nextwizard.errors import InputError, NextwizardError, Problem
from nextwizard.values import Note


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


_WORST = (2, 4, 1, 3, 5, 0)
"""Exit codes from a refusal to done: the fleet's is the first that one project had."""


def each(options: argparse.Namespace, run: Callable[[argparse.Namespace], int]) -> int:
    """Run a command for each directory of --fleet and return the worst exit code.

    A project that refuses stops no other. Raises InputError beside what one DIR needs.
    """
    _refuse(options)
    codes: dict[str, int] = {}
    documents: list[dict[str, Any]] = []
    for directory in options.fleet:
        one = argparse.Namespace(**{**vars(options), "dir": directory, "fleet": None})
        if options.json:
            document = _document(one, run)
            documents.append(document)
            codes[directory] = document["exit_code"]
        else:
            report.out(f"{directory}:")
            codes[directory] = _code(one, run)
            report.out("")
    report.notes(_collisions(options.fleet))
    worst = next((code for code in _WORST if code in codes.values()), 2)
    if options.json:
        whole = {"exit_code": worst, "projects": documents}
        report.out(json.dumps(whole, indent=2, ensure_ascii=False))
    else:
        _sum(codes)
    return worst


def _refuse(options: argparse.Namespace) -> None:
    """Refuse a DIR beside the fleet, and whatever asks somebody."""
    fleet = "--fleet"
    if options.dir != ".":
        what = f"names projects, and {options.dir} stands beside it"
        raise InputError(Problem(fleet, what, "Name every project behind --fleet."))
    for name in ("new", "edit", "rollback", "prompts", "plain"):
        if getattr(options, name, None):
            what = f"means nothing beside --{name}"
            raise InputError(Problem(fleet, what, f"Leave --{name} out."))
    if options.command == "init" and not (options.yes or options.answers):
        raise InputError(Problem(fleet, "asks nothing", "Add --answers or --yes."))


def _code(options: argparse.Namespace, run: Callable[[argparse.Namespace], int]) -> int:
    """Return one project's exit code; a refusal is told and is one too."""
    try:
        return run(options)
    except NextwizardError as error:
        report.problems(error.problems)
        return error.exit_code


def _document(
    options: argparse.Namespace, run: Callable[[argparse.Namespace], int]
) -> dict[str, Any]:
    """Return one project's JSON document, or the problems it was refused for."""
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            code = run(options)
    except NextwizardError as error:
        report.problems(error.problems)
        told = [str(problem) for problem in error.problems]
        return {"dir": options.dir, "exit_code": error.exit_code, "problems": told}
    return {"dir": options.dir, **json.loads(said.getvalue()), "exit_code": code}


_SHARED = {
    "project.name": "have {} as project.name: on one host the unit, the socket, the "
    "account and /etc of one replace those of the other",
    "hosting.domains": "serve {}: the proxy of one host takes a name from one of them "
    "and ignores the other",
    "hosting.bind": "listen at {}: on one host the second does not start",
}
"""What two projects of one host cannot both have, and what comes of it."""


def _collisions(directories: Sequence[str]) -> Iterator[Note]:
    """Yield a warning for each answer that projects of one host cannot share."""
    holders: dict[tuple[str, str], list[str]] = {}
    for directory in dict.fromkeys(map(os.path.normpath, directories)):
        for row in sorted(_claims(directory)):
            holders.setdefault(row, []).append(directory)
    told = ((row, places) for row, places in holders.items() if len(places) > 1)
    for (key, value), places in told:
        message = f"{' and '.join(places)} {_SHARED[key].format(value)}"
        fix = f"Give one another {key}, or leave them on hosts of their own."
        yield Note("fleet.shared", "warning", message, fix=fix)


def _claims(directory: str) -> set[tuple[str, str]]:
    """Return what the answers of a project on a host of one's own claim of it."""
    try:
        with open(os.path.join(directory, ANSWERS_FILE), "rb") as file:
            said = read_document(file.read(), ANSWERS_FILE, "stored").values
    except (OSError, NextwizardError):  # told where the project is
        return set()
    answers = {key: given.raw for key, given in said.items()}
    if answers.get("hosting.target") in {"kubernetes", "procfile"}:
        return set()
    found = {(key, answers.get(key)) for key in ("project.name", "hosting.bind")}
    domains = answers.get("hosting.domains")
    listed = domains if isinstance(domains, list) else []
    found |= {("hosting.domains", name) for name in listed}
    return {(k, v) for k, v in found if isinstance(v, str) and v not in {"", "unix"}}


def _sum(codes: dict[str, int]) -> None:
    """Say how many projects ended how, and which did not end well."""
    noun = "1 project" if len(codes) == 1 else f"{len(codes)} projects"
    others = [f"{name} (exit {code})" for name, code in codes.items() if code]
    well = len(codes) - len(others)
    rest = f"; not so: {', '.join(others)}" if others else ""
    report.out(f"nextwizard: {noun}, {well} done{rest}.")


__all__ = ["each"]
