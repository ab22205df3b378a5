from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings


if TYPE_CHECKING:
    from collections.abc import Callable


pytest_plugins = ("run_fixtures",)
ROOT = Path(__file__).parents[1]
# A loaded machine is no reason to fail: what is held is what comes out.
settings.register_profile(
    "calm", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("calm")
PROJECTS = Path(__file__).with_name("projects")
os.environ["XDG_CACHE_HOME"] = str(ROOT / ".cache")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="record tests/golden/*/expected anew",
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report what tests counted, whether they passed or not."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            if report.when == "call":
                for name, value in report.user_properties:
                    terminalreporter.write_line(f"{report.nodeid}: {name}: {value}")


@pytest.fixture
def sample(tmp_path: Path) -> Callable[..., Path]:
    """Copy a sample project to a directory whose name becomes the project's."""

    def copy(kind: str = "plain", name: str = "notes") -> Path:
        target = tmp_path / name
        shutil.copytree(
            PROJECTS / kind,
            target,
            ignore=shutil.ignore_patterns("__pycache__", "*.pyc"),
        )
        return target

    return copy


@pytest.fixture(autouse=True)
def _no_leftovers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the developer's shell says about a deployment out of the tests."""
    for name in [*os.environ]:
        if name in {"WEB_CONCURRENCY", "DJANGO_SETTINGS_MODULE", "SECRET_KEY"}:
            monkeypatch.delenv(name)
