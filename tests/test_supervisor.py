"""Every generated program under a real supervisord, installed by its own runbook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import machine
import pytest
from golden_cases import CASES, Case, make


if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.proof

PROGRAMS = [
    pytest.param(case, id=case.path.name)
    for case in CASES
    # The cases of several hosts need those hosts: tests/test_hosts.py has them.
    if not case.path.name.startswith("hosts-")
    and [*(case.path / "expected/deploy/supervisor").glob("*.conf")]
]


@pytest.mark.parametrize("case", PROGRAMS)
def test_each_program_runs_as_its_runbook_says(case: Case, tmp_path: Path) -> None:
    root, proposal = make(case, tmp_path)
    made = machine.build(tmp_path, root, proposal.plan)
    machine.proxied(made)
    found = made.boot("install", "site", "supervisor")
    assert found["released"]["sent"] >= 500
