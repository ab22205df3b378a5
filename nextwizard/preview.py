"""What front ends show of a session: files, changed lines, decisions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from functools import lru_cache
from typing import TYPE_CHECKING

from .catalog import ANSWERS_FILE
from .entry import written
from .guide import STEPS
from .session import here


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .session import Session
    from .values import Change, Plan
    from .workflow import Proposal


QUIET_FILES = (ANSWERS_FILE, "deploy/README.md")
"""Files that every answer changes: others come to the front before them."""

_FIRST = ("nginx/{}.conf", "caddy/{}.caddy", "systemd/{}.service")
"""Which file is shown before any answer, by its ending: what is read most."""

_LANGUAGES = {
    ".py": "python",
    ".conf": "nginx",
    ".inc": "nginx",
    ".service": "systemd",
    ".socket": "systemd",
    ".caddy": "caddyfile",
    "Caddyfile": "caddyfile",
    ".toml": "toml",
    ".md": "markdown",
    ".ini": "ini",
    ".cfg": "ini",
    ".example": "bash",
    ".yaml": "yaml",
    ".yml": "yaml",
    "Dockerfile": "docker",
    "Procfile": "procfile",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line: `+` when it is new, `-` when it is gone, `@` between two parts."""

    mark: str
    text: str


def language(path: str) -> str:
    """Return the grammar a file is coloured by."""
    if "/supervisor/" in path:
        return "ini"
    for ending, name in _LANGUAGES.items():
        if path.endswith(ending):
            return name
    return "text"


def body(change: Change) -> str:
    """Return the text a file will have; of a secret only what becomes of it."""
    if change.status == "secret":
        return "Made once with a fresh SECRET_KEY, mode 0600, ignored by git.\n"
    if change.ownership == "secret":
        return "It stands already and is never read.\n"
    data = change.base if change.status == "conflict" else change.after
    return _text(change.before if data is None else data)


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace").replace("\t", "    ")


def find(proposal: Proposal | None, path: str) -> Change | None:
    """Return the change of a path, None when there is none."""
    changes = proposal.changes if proposal else ()
    return next((change for change in changes if change.path == path), None)


def changed(session: Session) -> dict[str, int]:
    """Return the files whose text the last answer changed, and by how many lines."""
    now, old = session.proposal, session.previous
    if now is None or old is None or now is old:
        return {}
    before = {change.path: change for change in old.changes}
    found = {}
    for change in now.changes:
        was = before.get(change.path)
        if was is None or _bytes(was) != _bytes(change):
            old_lines = _counted(body(was) if was else "")
            lines = Counter(body(change).splitlines())
            found[change.path] = ((lines - old_lines) | (old_lines - lines)).total()
    return {path: count for path, count in found.items() if count}


@lru_cache(maxsize=64)
def _counted(text: str) -> Counter[str]:
    """Return how often each line stands in a text that several keys are held to."""
    return Counter(text.splitlines())


def _bytes(change: Change) -> bytes | None:
    return change.base if change.status == "conflict" else change.after


def front(
    session: Session, current: str, touched: Mapping[str, int] | None = None
) -> str:
    """Return the file to show: the one the last answer changed most, else the same.

    `touched` is what `changed` says, when it was asked already.
    """
    found = changed(session) if touched is None else touched
    telling = {path: n for path, n in found.items() if path not in QUIET_FILES}
    shown = _ending(session, telling)
    if shown or telling:
        return shown or max(telling, key=lambda path: telling[path])
    if found:
        return next(iter(found))
    if find(session.proposal, current):
        return current
    paths = [c.path for c in session.proposal.changes] if session.proposal else []
    return _ending(session, paths) or next(iter(paths), "")


def _ending(session: Session, paths: Iterable[str]) -> str:
    """Return the file that this step shows first, of these."""
    name = session.answers["project.name"]
    for ending in here(session).shows or _FIRST:
        for path in paths:
            if path.endswith(ending.format(name)):
                return path
    return ""


def rows(session: Session, path: str) -> tuple[Row, ...]:
    """Return a file's lines, those that the last answer changed marked."""
    now, was = find(session.proposal, path), find(session.previous, path)
    if now is None:
        return ()
    if session.previous is None or (was and _bytes(was) == _bytes(now)):
        return tuple(Row(" ", line) for line in body(now).splitlines())
    return compared(body(was) if was else "", body(now))


def compared(old: str, new: str) -> tuple[Row, ...]:
    """Return the new lines in order, and before each change the old ones."""
    a, b = old.splitlines(), new.splitlines()
    found: list[Row] = []
    for tag, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [Row(" ", line) for line in b[k:m]]
            continue
        found += [Row("-", line) for line in a[i:j]]
        found += [Row("+", line) for line in b[k:m]]
    return tuple(found)


def difference(session: Session, change: Change) -> tuple[Row, ...]:
    """Return how a file would differ from what stands on the disk."""
    if "secret" in {change.status, change.ownership}:
        return (Row(" ", body(change).rstrip()),)
    before = change.before
    if change.origin:
        before = session.inspection.disk.read(change.origin)
    after = change.base if change.status == "conflict" else change.after
    lines = list(
        unified_diff(_text(before).splitlines(), _text(after).splitlines(), n=3)
    )[2:]
    found = [
        Row("@", line) if line.startswith("@@") else Row(line[0], line[1:])
        for line in lines
    ]
    return tuple(found) or (Row(" ", "It stays as it is on the disk."),)


def decided(session: Session) -> tuple[str, ...]:
    """Return the decisions of this step in words, or what is in the way."""
    if session.problems:
        return tuple(f"! {problem}" for problem in session.problems)
    if session.proposal is None:
        return ()
    plan = session.proposal.plan
    lines = (
        _sentence(plan, key, form)
        for key, form in here(session).decisions
        if key in plan.decisions and plan[key] != ""
    )
    return tuple(line for line in lines if line)


def _sentence(plan: Plan, key: str, form: str) -> str:
    """Return one decision as its step tells it; other keys stand in braces."""
    row = plan.decisions[key]
    value = written(row.value)
    text = form.replace("{reason}", row.reason).replace("{value}", value)
    text = text.replace("{brief}", value.partition(", which")[0])
    for other in plan.decisions:
        if f"{{{other}}}" in text:
            text = text.replace(f"{{{other}}}", written(plan[other]))
    return text


def counted(changes: Sequence[Change]) -> int:
    """Return how many files a run would write."""
    still = {"same", "orphan"}
    return sum(change.status not in still for change in changes)


def step_of(session: Session) -> str:
    """Return where the walk stands, in words."""
    return f"step {session.step + 1} of {len(STEPS)}"


__all__ = [
    "Row",
    "body",
    "changed",
    "compared",
    "counted",
    "decided",
    "difference",
    "find",
    "front",
    "language",
    "rows",
    "step_of",
]
