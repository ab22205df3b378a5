"""The page of `make score`: what is counted, what is not, what misses a target."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import needed

from nextwizard.outcomes import Outcome


if TYPE_CHECKING:
    from types import ModuleType


ROOT = Path(__file__).parents[1]
SAID = """
 COMPLIANCE AGAINST TLS CONFIGURATION
 ------------------------------------

    notes.example.org:8443: FAILED - Not compliant.
        * certificate_path_validation: Certificate path validation failed for CN=stage.
"""
CURVES = "        * tls_curves: TLS curves {'X448'} are supported, but should not.\n"


@pytest.fixture(scope="module")
def board() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "board", ROOT / "scripts/scoreboard.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["board"] = module
    spec.loader.exec_module(module)
    return module


def test_only_the_throw_away_certificate_is_not_counted(board: ModuleType) -> None:
    assert board.tls(SAID) == []
    assert board.tls(SAID + CURVES) == [CURVES.strip(" *\n")]
    with pytest.raises(SystemExit, match="did not reach the site"):
        board.tls("ERROR: could not connect")


def test_a_finding_is_counted_and_misses_the_target(board: ModuleType) -> None:
    clean = Outcome("gixy", "gixy", "ok", figures=(("findings", 0.0),))
    bad = Outcome("nginx", "nginx -t", "warning", "one\ntwo")
    unit = Outcome("systemd", "verify", "ok", figures=(("exposure", 1.2),))
    lost = Outcome("caddy", "caddy", "skipped")
    good = board.Score("case", {"gixy": clean, "systemd": unit})
    assert good.good
    assert [good.cell(key) for key in ("gixy", "systemd", "nginx")] == ["0", "1.2", "-"]
    for row, shown in ((bad, "2"), (lost, "not run")):
        score = board.Score("case", {row.key: row})
        assert (score.good, score.cell(row.key)) == (False, shown)
    assert board.Grade("nginx", [], "A+", 120).good
    assert not board.Grade("nginx", [], "A", 100).good
    assert not board.Grade("nginx", ["curves"], "A+", 120).good
    page = board.page([good], [board.Grade("nginx", [], "A+", 120)])
    assert "**1 of 1 cases without a warning or finding" in page
    assert "| case | - | 0 | - | 1.2 | - | - | - | - | - | - | - |" in page
    assert "| nginx | clean | A+ 120 |" in page


@pytest.mark.proof
def test_the_live_stacks_get_the_grades_that_the_page_tells(board: ModuleType) -> None:
    for name in ("node", "npm", "nginx", "caddy"):
        needed(name)
    board.install()
    grades = list(board.graded())
    assert [one.name.partition(",")[0] for one in grades] == ["nginx", "caddy"]
    told = (ROOT / "docs/scoreboard.md").read_text(encoding="utf-8")
    for one in grades:
        assert one.good, one
        assert f"| clean | {one.grade} {one.score} |" in told
