"""The checkers of what is read at a push, on files that somebody broke."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import judges
import pytest

from nextwizard.document import read_set
from nextwizard.verify.checkers import CHECKERS
from nextwizard.verify.subject import Subject
from nextwizard.workflow import apply, inspect, propose


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


PLATFORM = ("hosting.target=procfile", "data.database=sqlite")
WORKFLOW = ".github/workflows/nextwizard.yml"
CASES = {
    "procfile": (PLATFORM, "Procfile", "web:", "web ="),
    "github": (("ci.provider=github",), WORKFLOW, "ubuntu-latest", "ubuntu-newest"),
    "gitlab": (("ci.provider=gitlab",), ".gitlab-ci.yml", "timeout:", "timout:"),
}
TOOLS = {"procfile": "honcho", "github": "actionlint", "gitlab": "check-jsonschema"}


@pytest.mark.parametrize("key", CASES)
def test_the_tool_passes_ours_and_names_a_broken_one(
    key: str, sample: Callable[..., Path], tmp_path: Path
) -> None:
    judges.beside(TOOLS[key])
    pairs, path, old, new = CASES[key]
    root = sample()
    proposal = propose(inspect(str(root)), [read_set(pairs)])
    apply(proposal)
    on = judges.staged(root, proposal, tmp_path / "s")
    subject = Subject(proposal, on, sys.executable, on_host=False)
    (row,) = [row for row in CHECKERS if row.key == key]
    assert row.outcome(subject).verdict == "ok"
    file = root / path
    file.write_text(file.read_text().replace(old, new))
    said = row.outcome(subject)
    assert said.verdict == "failed"
    assert said.evidence[0].path == path
