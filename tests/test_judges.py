from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import judges
import pytest
from golden_cases import CASES, Case, made, make
from verifying import held

from nextwizard.verify import CHECKERS, Subject, opened, process


if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextwizard import stage
    from nextwizard.workflow import Proposal


@dataclass(frozen=True, slots=True)
class Made:
    """A case that was made once for all of its judges."""

    case: Case
    root: Path
    proposal: Proposal
    on: stage.Stage
    subject: Subject

    def text(self, key: str) -> str:
        return str(self.proposal.plan[key])


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.path.name)
def deployed(request: pytest.FixtureRequest) -> Iterator[Made]:
    with tempfile.TemporaryDirectory(prefix="nw") as folder:
        root, proposal = make(request.param, Path(folder))
        on = judges.staged(root, proposal, Path(folder, "s"))
        with opened(proposal, sys.executable) as subject:
            yield Made(request.param, root, proposal, on, subject)


def test_python_compiles_and_lints(deployed: Made) -> None:
    ours = {
        change.path
        for change in deployed.proposal.changes
        if change.path.endswith(".py") and change.ownership in {"managed", "once"}
    }
    assert len(ours) >= 5
    for path in made(deployed.root, deployed.case).keys() & ours:
        judges.judge_python(deployed.root / path)


def test_the_proxy_s_formatter_changes_nothing(deployed: Made) -> None:
    kind = deployed.text("proxy.kind")
    judges.skip_without(kind != "none", "the case has no proxy")
    judges.judge_proxy(deployed.on, kind)


def test_no_real_checker_finds_anything(
    deployed: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://notes:none@127.0.0.1:5432/notes")
    used = [row for row in CHECKERS if row.used(deployed.proposal.plan)]
    assert len(used) >= 4
    for checker in used:
        with monkeypatch.context() as patch:
            if checker.key == "django":
                patch.setattr(Subject, "environment", strictly(Subject.environment))
            held(checker.outcome(deployed.subject))


def test_the_service_takes_its_file(deployed: Made) -> None:
    provider = deployed.text("ci.provider")
    judges.skip_without(provider != "none", "the case has no service")
    (path,) = [f.path for f in deployed.proposal.files if f.key == f"ci_{provider}"]
    judges.judge_ci(deployed.on.read(path), provider)


def test_a_platform_accepts_its_files(deployed: Made) -> None:
    wanted = deployed.text("hosting.target") == "procfile"
    judges.skip_without(wanted, "the case is for no platform")
    judges.judge_procfile(deployed.on)


def strictly(environment: Any) -> Any:
    """Return an environment in which a deprecated call is an error."""
    strict = {"PYTHONWARNINGS": "error::DeprecationWarning"}
    return lambda subject, **extra: environment(subject, **strict, **extra)


def test_supervisor_starts_what_was_decided(deployed: Made) -> None:
    wanted = deployed.text("hosting.target") == "supervisor"
    judges.skip_without(wanted, "the case has no supervisor")
    assert process.look(deployed.subject).command == deployed.on.plan["server.command"]
    (row,) = [row for row in CHECKERS if row.key == "supervisor"]
    found = row.outcome(deployed.subject)
    held(found)
    count = dict(found.figures)["processes"]
    assert count == int(deployed.text("supervisor.processes"))


def test_the_runbook_is_shell(deployed: Made) -> None:
    judges.judge_runbook(deployed.on)
