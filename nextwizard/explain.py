"""From a key, or a line of a generated file, to the decision and its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .catalog import ANSWERS_FILE, destination, wanted
from .errors import InputError, Problem


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .values import Decision, Plan, RenderedFile
    from .workflow import Proposal


def explain(proposal: Proposal, what: str = "") -> list[str]:
    """Return the explanation of everything, of a key, or of FILE[:LINE], as lines.

    Raises InputError when nothing is known by that name.
    """
    if not what:
        return list(_decisions(proposal.plan.decisions.values()))
    path, _, number = what.rpartition(":")
    line = int(number) if path and number.isdigit() else 0
    file = _file(proposal, path if line else what)
    if file is not None:
        return list(_lines(proposal, file, line))
    answer = proposal.answers.items.get(what)
    sources = {what, answer.where} - {""} if answer else {what}
    found: dict[str, list[Decision]] = {}
    for own in proposal.plan.each():
        for key, row in own.decisions.items():
            meant = key == what or key.startswith(f"{what}.") or row.source in sources
            if meant and row not in found.setdefault(key, []):
                found[key].append(row)
    if not found and answer is None:
        raise InputError(_unknown(proposal, what))
    rows = (row for of_hosts in found.values() for row in of_hosts)
    return [*_answer(proposal, what), *_decisions(rows)]


def _unknown(proposal: Proposal, what: str) -> Problem:
    from difflib import get_close_matches

    names = [*proposal.plan.decisions, *proposal.answers.items]
    names += [file.path for file in proposal.files]
    near = get_close_matches(what, names, 1)
    fix = f"Did you mean {near[0]}?" if near else "`nextwizard explain` lists them all."
    return Problem(what, "is no decision, answer or generated file", fix)


def _file(proposal: Proposal, path: str) -> RenderedFile | None:
    clean = path.removeprefix("./")
    return next((file for file in proposal.files if file.path == clean), None)


def _answer(proposal: Proposal, key: str) -> Iterator[str]:
    """Yield an answer's value and where it comes from, when the key is one."""
    answer = proposal.answers.items.get(key)
    if answer is None:
        return
    where = answer.where or answer.reason or "nothing says otherwise"
    yield f"{key} = {_shown(answer.value)}"
    yield f"    an answer: {answer.source} ({where})"
    yield f"    change it in {ANSWERS_FILE}, or with --set {key}=VALUE"


def _decisions(rows: Iterable[Decision]) -> Iterator[str]:
    for row in rows:
        yield f"{row.key} = {_shown(row.value)}"
        yield f"    because: {row.reason}"
        yield f"    from: {row.source}"
        if row.link:
            yield f"    see: {row.link}"


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _lines(proposal: Proposal, file: RenderedFile, line: int) -> Iterator[str]:
    """Yield what put a line, or every marked line of a file, where it stands."""
    decisions = _decided(proposal.plan, file)
    if not line:
        yield f"{file.path}: {_OWNERS.get(file.ownership, file.ownership)}"
        keys = dict.fromkeys(key for key in file.why.values() if key in decisions)
        yield from _decisions(decisions[key] for key in keys)
        return
    rendered = _rendered_line(proposal, file, line)
    if not rendered:
        yield f"{file.path}:{line} is yours: no rendering put it there."
        return
    text = file.data.decode().splitlines()[rendered - 1].strip()
    yield f"{file.path}:{line}    {text}"
    key = file.why.get(rendered, "")
    if key not in decisions:
        yield "    the same in every deployment: no answer changes this line"
        return
    yield from _decisions([decisions[key]])
    yield from _answer(proposal, decisions[key].source)


def _decided(plan: Plan, file: RenderedFile) -> Mapping[str, Decision]:
    """Return the decisions a file was made from: its own host's, of several."""
    hosts = plan.each() if plan.variants else ()
    rows = [row for row in wanted(plan) if row.each and row.key == file.key]
    for own in hosts:
        if any(destination(row, own) == file.path for row in rows):
            return own.decisions
    return plan.decisions


_OWNERS = {
    "managed": "made by nextwizard; an edit of yours is kept",
    "once": "made once by nextwizard, yours since",
    "adopted": "yours, with one edit of nextwizard's",
    "moved": "yours, moved once",
    "secret": "made once, never shown",
    "answers": "your answers; only changed keys are rewritten",
}


def _rendered_line(proposal: Proposal, file: RenderedFile, line: int) -> int:
    """Return the rendered line that a line on the disk comes from; 0 for the user's."""
    rendered = file.data.decode("utf-8", "replace").splitlines()
    disk = proposal.inspection.disk.read(file.path)
    current = rendered if disk is None else disk.decode("utf-8", "replace").splitlines()
    if not 1 <= line <= len(current):
        what = f"has {len(current)} lines, and {line} is none of them"
        raise InputError(Problem(file.path, what, "Name a line that it has."))
    if current == rendered:
        return line
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(None, current, rendered, autojunk=False)
    for block in matcher.get_matching_blocks():
        if block.a <= line - 1 < block.a + block.size:
            return line - block.a + block.b
    return 0


__all__ = ["explain"]
