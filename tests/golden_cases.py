"""The golden cases: what each is made from, and how it is made."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextwizard.document import read_document
from nextwizard.greenfield import create
from nextwizard.values import Host
from nextwizard.workflow import apply, inspect, propose


if TYPE_CHECKING:
    from nextwizard.workflow import Proposal


HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
NOT_SHOWN = (".nextwizard/",)


@dataclass(frozen=True, slots=True)
class Case:
    """One case: its directory, and what host.toml says."""

    path: Path
    facts: dict[str, Any]

    @property
    def host(self) -> Host:
        facts = self.facts
        return Host(facts["cores"], facts["memory_mb"], facts["versions"])

    @property
    def source(self) -> Path:
        own = self.path / "project"
        if own.is_dir() or self.new:
            return own
        return HERE / "projects" / str(self.facts["project"])

    @property
    def new(self) -> bool:
        """Whether nextwizard makes the project itself."""
        return self.facts.get("new") is True


CASES = tuple(
    Case(path, tomllib.loads((path / "host.toml").read_text(encoding="utf-8")))
    for path in sorted(GOLDEN.iterdir())
    if (path / "host.toml").is_file()
)


def make(case: Case, parent: Path) -> tuple[Path, Proposal]:
    """Make the case's deployment in a fresh copy of its project."""
    root = parent / str(case.facts["name"])
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    if case.new:
        create(str(root))
    else:
        shutil.copytree(case.source, root, ignore=ignore)
    answers = (case.path / "answers.toml").read_bytes()
    layer = read_document(answers, "answers.toml", "file")
    proposal = propose(inspect(str(root), case.host), [layer])
    apply(proposal)
    return root, proposal


def tree(root: Path) -> dict[str, bytes]:
    """Return every file below a directory by its POSIX path."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def made(root: Path, case: Case) -> dict[str, bytes]:
    """Return what the run added or changed, without the record and the secret."""
    before = tree(case.source)
    secret = f"deploy/{case.facts['name']}.env"
    return {
        path: data
        for path, data in tree(root).items()
        if before.get(path) != data
        and not path.startswith(NOT_SHOWN)
        and path != secret
    }
