"""Every generated unit under a real systemd, installed by its own runbook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import machine
import pytest
from golden_cases import CASES, Case, make

from nextwizard.servers import SERVERS


if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.mark import ParameterSet


pytestmark = pytest.mark.proof

LIVES = {
    "plain-default": ("gunicorn", "wsgi"),
    "sse-async-gunicorn-caddy": ("gunicorn", "asgi"),
    "sse-async-uvicorn": ("uvicorn", "asgi"),
    "pair-05-systemd-hypercorn-caddy-upstream": ("hypercorn", "wsgi"),
    "pair-11-systemd-hypercorn-nginx-internal": ("hypercorn", "asgi"),
    "pair-10-systemd-granian-nginx-acme": ("granian", "wsgi"),
    "pair-16-systemd-granian-caddy-files": ("granian", "asgi"),
    "pair-07-systemd-daphne-nginx-files": ("daphne", "asgi"),
    "pair-13-systemd-uwsgi-caddy-files": ("uwsgi", "wsgi"),
}
"""The cases whose unit goes through a whole life, one for each server and interface."""

LIFE = ("restart", "reload", "kill", "broken", "stop")


def unit(case: Case) -> ParameterSet:
    return pytest.param(case, id=case.path.name)


UNITS = [
    unit(case)
    for case in CASES
    if [*(case.path / "expected/deploy/systemd").glob("*.service")]
]


@pytest.mark.parametrize("case", UNITS)
def test_each_unit_runs_as_its_runbook_says(case: Case, tmp_path: Path) -> None:
    root, proposal = make(case, tmp_path)
    made = machine.build(tmp_path, root, proposal.plan)
    machine.proxied(made)
    life = LIVES.get(case.path.name)
    found = made.boot("install", "serve", *(LIFE if life else ()))
    assert found["exposure"] <= 1.5
    if life:
        said = (proposal.plan["server.kind"], proposal.plan["server.interface"])
        assert said == life


def test_every_server_goes_through_a_whole_life() -> None:
    assert {*LIVES.values()} == {(rule.server, rule.interface) for rule in SERVERS}
    assert {*LIVES} <= {case.path.name for case in CASES}
