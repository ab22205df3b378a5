"""The only printer: a report or a proposal as human lines or as JSON."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .errors import Problem
    from .outcomes import Outcome
    from .values import Change, Note, Plan, Status
    from .workflow import Proposal, Report


GLYPHS: dict[Status, str] = {
    "new": "[+]",
    "update": "[~]",
    "merged": "[m]",
    "adopted": "[a]",
    "moved": "[>]",
    "same": "[=]",
    "conflict": "[!]",
    "secret": "[s]",
    "removed": "[-]",
    "orphan": "[o]",
}
"""One glyph a status, the same in every front end."""

_TOLD = (
    "server.interface",
    "server.kind",
    "sizing.sum",
    "data.sum",
    "proxy.kind",
    "tls.kind",
    "static.kind",
    "csp.mode",
    "settings.prod",
    "health.via",
)


NOTHING = "nextwizard: nothing to do; every file is as it should be."


def out(text: str) -> None:
    """Write a result to stdout."""
    sys.stdout.write(f"{text}\n")


def err(text: str) -> None:
    """Write anything that is no result to stderr."""
    sys.stderr.write(f"{text}\n")


def ask(text: str) -> None:
    """Write the words of a question to stderr; the answer is typed behind them."""
    sys.stderr.write(text)
    sys.stderr.flush()


def problems(found: Iterable[Problem]) -> None:
    """Say each problem on a line of its own."""
    for problem in found:
        err(f"nextwizard: {problem}")


def notes(found: Iterable[Note]) -> None:
    """Say each warning and remark once."""
    for note in dict.fromkeys(found):
        fix = f" {note.fix}" if note.fix else ""
        message = note.message if note.message.endswith(".") else f"{note.message}."
        err(f"{note.severity}: {message}{fix}")


def line(change: Change) -> str:
    """Return one file's line: glyph, status, path, and what there is to say."""
    path = f"{change.origin} → {change.path}" if change.origin else change.path
    note = f"   {change.note}" if change.note else ""
    return f"{GLYPHS[change.status]} {change.status:<9}{path}{note}"


def plan(found: Plan) -> list[str]:
    """Return the decisions a person wants to read first, each with its reason."""
    rows = [found.decisions[key] for key in _TOLD if key in found.decisions]
    told = [row for row in rows if row.value != ""]
    return [f"{row.key} = {row.value}\n    {row.reason} [{row.source}]" for row in told]


def proposal(found: Proposal, *, diff: bool = False) -> None:
    """Print the plan with its reasons, and what would become of every file."""
    for text in plan(found.plan):
        out(text)
    out("")
    for change in found.changes:
        out(line(change))
        if diff:
            difference(change)


def difference(change: Change) -> None:
    """Print one file's unified diff; a secret is never shown."""
    if change.status in {"same", "secret", "orphan"}:
        return
    from difflib import unified_diff

    goal = change.base if change.status == "conflict" else change.after
    old, new = (
        (data or b"").decode("utf-8", "replace").splitlines(keepends=True)
        for data in (change.before, goal)
    )
    name = change.origin or change.path
    for text in unified_diff(old, new, f"a/{name}", f"b/{change.path}"):
        out(text.rstrip("\r\n"))


def summary(found: Report) -> None:
    """Print what was written, and the next commands."""
    changes = found.proposal.changes
    count = dict.fromkeys(GLYPHS, 0)
    for change in changes:
        count[change.status] += 1
    written = sum(count[status] for status in ("new", "update", "merged", "secret"))
    for change in changes:
        if change.status != "same" or change.note:
            out(line(change))
    if found.written:
        out("")
    parts = [
        f"{written} {'file' if written == 1 else 'files'} written",
        f"{count['adopted']} adopted",
        f"{count['moved']} moved",
        *([f"{count['merged']} of them merged"] if count["merged"] else []),
        *([f"{count['removed']} removed"] if count["removed"] else []),
        f"{count['conflict']} {'conflict' if count['conflict'] == 1 else 'conflicts'}",
    ]
    told = found.written and len(changes) > count["same"] + count["orphan"]
    out(f"nextwizard: {', '.join(parts)}." if told else _nothing(changes))


def next_steps(
    found: Proposal, directory: str = ".", checks: Sequence[Outcome] = ()
) -> None:
    """Print the next commands, and those that do the same without questions."""
    for text in following(found, directory, checks):
        out(text)


def _nothing(changes: Iterable[Change]) -> str:
    if any(change.status == "conflict" for change in changes):
        return "nextwizard: nothing written; the conflicts above still stand."
    return NOTHING


_AGAIN = (
    "Again:  nextwizard regenerate    "
    "Without questions:  nextwizard init --answers nextwizard.toml"
)
"""The commands of the next time, there too."""

_SETTLE = "take what you want of it, then remove the .new"


def following(
    found: Proposal, directory: str = ".", checks: Sequence[Outcome] = ()
) -> list[str]:
    """Return the next commands, in the order in which they are wanted.

    `checks` may know how many packages are missing.
    """
    from .host import nearest
    from .quoting import shell

    python = shell(nearest(found.inspection.root, ".venv/bin/python"))
    missing = sum(row.key == "packages" and bool(row.evidence) for row in checks)
    noun = "1 package is missing" if missing == 1 else f"{missing} packages are missing"
    name = found.plan["project.name"]
    install = {
        "uv": "uv add -r deploy/requirements.txt",
        "venv": f"{python} -m pip install -r deploy/requirements.txt",
        "system": "python3 -m pip install -r deploy/requirements.txt",
    }[str(found.plan["project.runner"])]
    needed = found.plan["settings.required"]
    wanted = ", ".join(needed if isinstance(needed, tuple) else ())
    wanted = f"{wanted}, EMAIL_PASSWORD" if wanted else "EMAIL_PASSWORD"
    url = "DATABASE_URL, " if found.plan["data.url"] else ""
    wanted = url + wanted if url or needed else f"{wanted} and what else is secret"
    on_host = found.plan["hosting.target"] in {"systemd", "supervisor"}
    beside = [change.path for change in found.conflicts]
    touched = {c.path for c in found.changes if c.status not in {"same", "orphan"}}
    made = [c.path for c in found.changes if c.status in {"new", "secret"}]
    first = any(path.startswith("deploy/") for path in made)
    due = first or missing or "deploy/requirements.txt" in touched
    asked = first or f"deploy/{name}.env.example" in touched
    later = "After a regenerate: what the server gets" if on_host else "Release"
    part = "first install on the server" if first else later
    book = "deploy/README.md"
    steps = [
        f"cd {shell(directory)}" if directory != "." else "",
        *(f"diff {shell(path)} {shell(path)}.new    {_SETTLE}" for path in beside),
        f"{install}" + (f"    {noun}" if missing else "") if on_host and due else "",
        f"edit deploy/{name}.env    set {wanted}" * asked,
        "nextwizard smoke    boots it on loopback and probes it" * on_host,
        f"less {book}{'.new' * (book in beside)}    {part}",
    ]
    rows = [f"  {n}. {step}" for n, step in enumerate(filter(None, steps), 1)]
    return ["", "Next:", *rows, "", _AGAIN]


def outcome(found: Outcome) -> None:
    """Say how a checker or invariant went, at once."""
    from .outcomes import lines

    for text in lines(found):
        out(text)
    sys.stdout.flush()


def verdict(found: Sequence[Outcome], skipped: Sequence[Outcome] = ()) -> None:
    """Say what was not looked at, and in one line how many went how."""
    from .outcomes import skips, tally

    for text in (*skips(skipped), *tally(found)):
        out(text)


def as_json(
    found: Proposal,
    *,
    exit_code: int,
    written: bool,
    checks: Sequence[Outcome] = (),
) -> None:
    """Print a proposal or report as one JSON document."""
    import json

    from .outcomes import document as plain

    document = {
        "exit_code": exit_code,
        "written": written,
        "changes": [
            {
                "path": change.path,
                "status": change.status,
                "origin": change.origin,
                "note": change.note,
            }
            for change in found.changes
        ],
        "decisions": {
            key: {
                "value": _plain(row.value),
                "reason": row.reason,
                "source": row.source,
                "link": row.link,
            }
            for key, row in found.plan.decisions.items()
        },
        "checks": [plain(row) for row in checks],
        "notes": [
            {
                "id": note.id,
                "severity": note.severity,
                "message": note.message,
                "evidence": [str(place) for place in note.evidence],
                "fix": note.fix,
            }
            for note in dict.fromkeys(found.plan.notes)
        ],
    }
    out(json.dumps(document, indent=2, ensure_ascii=False))


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


__all__ = [
    "GLYPHS",
    "NOTHING",
    "as_json",
    "ask",
    "difference",
    "err",
    "line",
    "next_steps",
    "notes",
    "out",
    "outcome",
    "plan",
    "problems",
    "proposal",
    "summary",
    "verdict",
]
