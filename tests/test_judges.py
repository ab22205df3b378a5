from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import judges
import pytest
from golden_cases import CASES, Case, made, make

from nextwizard import stage


if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextwizard.workflow import Proposal


@dataclass(frozen=True, slots=True)
class Made:
    """A case that was made once for all of its judges."""

    case: Case
    root: Path
    proposal: Proposal
    on: stage.Stage

    def text(self, key: str) -> str:
        return str(self.proposal.plan[key])


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.path.name)
def deployed(request: pytest.FixtureRequest) -> Iterator[Made]:
    with tempfile.TemporaryDirectory(prefix="nw") as folder:
        root, proposal = make(request.param, Path(folder))
        on = judges.staged(root, proposal, Path(folder, "s"))
        stage.prepare(on, static=True, migrate=False)
        yield Made(request.param, root, proposal, on)


def test_python_compiles_and_lints(deployed: Made) -> None:
    ours = {
        change.path
        for change in deployed.proposal.changes
        if change.path.endswith(".py") and change.ownership in {"managed", "once"}
    }
    assert len(ours) >= 5
    for path in made(deployed.root, deployed.case).keys() & ours:
        judges.judge_python(deployed.root / path)


def test_the_proxy_accepts_its_files(deployed: Made) -> None:
    kind = deployed.text("proxy.kind")
    judges.skip_without(kind != "none", "the case has no proxy")
    judge = {"nginx": judges.judge_nginx, "caddy": judges.judge_caddy}[kind]
    judge(deployed.on, deployed.text("proxy.version"))


def test_the_process_manager_accepts_its_files(deployed: Made) -> None:
    kind = deployed.text("hosting.target")
    judge = {"systemd": judges.judge_systemd, "supervisor": judges.judge_supervisor}
    judge[kind](deployed.on)


def test_the_server_accepts_its_configuration(deployed: Made) -> None:
    kind = deployed.text("server.kind")
    judge = {"gunicorn": judges.judge_gunicorn, "uwsgi": judges.judge_uwsgi}.get(kind)
    judges.skip_without(judge, "the server has no file of its own")
    if judge is not None:
        judge(deployed.on)


def test_the_runbook_is_shell(deployed: Made) -> None:
    judges.judge_runbook(deployed.on)


def test_django_finds_nothing(deployed: Made) -> None:
    judges.judge_django(deployed.on)
