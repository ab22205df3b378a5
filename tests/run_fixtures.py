"""Fixtures of the tests that run nextwizard as root and as a plain user."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from accounts import NOBODY, Account


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session", params=["root", "plain"])
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    """Run as root, and as a plain user."""
    me = os.geteuid()
    if request.param == "root" and me != 0:
        pytest.skip("only root can run as root")
    plain = request.param == "plain"
    made = Account(NOBODY if plain and me == 0 else me)
    yield made
    made.close()


@pytest.fixture(scope="session")
def pristine(account: Account) -> Path:
    """Make one deployment; the tests work on copies of it."""
    root = account.project()
    done = account.run("init", str(root), "--yes")
    assert done.code == 0, done.err
    return root


@pytest.fixture
def notes(account: Account, pristine: Path) -> Path:
    """Copy a project that an init went over."""
    return account.copy(pristine)


@pytest.fixture
def again(account: Account, notes: Path) -> Callable[..., tuple[int, str]]:
    """Regenerate; return the exit code and what was said on both streams."""

    def run(*argv: str, root: Path | None = None) -> tuple[int, str]:
        done = account.run("regenerate", str(root or notes), *argv)
        return done.code, done.out + done.err

    return run
