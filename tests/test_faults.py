"""A run that is killed, refused by the disk or asked to end: at every call it makes.

Nothing here sleeps: the calls that change something are counted, and the Nth goes
wrong, for N from the first to the last.
"""

from __future__ import annotations

import errno
import signal
from typing import TYPE_CHECKING

import pytest
from faults import FAULTS, Tally, Walk


if TYPE_CHECKING:
    from pathlib import Path

    from accounts import Account


@pytest.fixture(scope="module")
def walk(account: Account, pristine: Path) -> Walk:
    """Prepare the runs whose every call goes wrong."""
    return Walk(account, pristine)


def held(tally: Tally, record_property: object) -> None:
    assert not tally.bad, "\n".join(tally.bad[:20])
    assert tally.points > 40
    record_property(tally.name, f"{tally.points} points, 0 lost")  # type: ignore[operator]


@pytest.mark.parametrize("run", ["regenerate", "rollback"])
def test_28_killed_at_every_call(run: str, walk: Walk, record_property: object) -> None:
    held(walk.kill(run), record_property)


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGINT, marks=pytest.mark.lab),
        pytest.param(signal.SIGHUP, marks=pytest.mark.lab),
    ],
)
def test_29_asked_to_end_at_every_call(
    number: int, walk: Walk, record_property: object
) -> None:
    held(walk.asked("regenerate", number), record_property)


@pytest.mark.parametrize(
    "fault",
    [
        "ENOSPC for good",
        *(
            pytest.param(name, marks=pytest.mark.lab)
            for name in FAULTS
            if name != "ENOSPC for good"
        ),
    ],
)
def test_30_refused_by_the_disk_at_every_call(
    fault: str, walk: Walk, record_property: object
) -> None:
    held(walk.refused("regenerate", fault), record_property)


@pytest.mark.lab
@pytest.mark.parametrize("how", ["in place", "by a rename"])
def test_32_saved_by_the_user_at_every_call(
    how: str, walk: Walk, record_property: object
) -> None:
    held(walk.saved("regenerate", atomic=how == "by a rename"), record_property)


@pytest.mark.lab
def test_28_the_first_init_killed_at_every_call(
    walk: Walk, record_property: object
) -> None:
    held(walk.kill("init"), record_property)


@pytest.mark.lab
@pytest.mark.parametrize("fault", FAULTS)
def test_30_the_first_init_refused_at_every_call(
    fault: str, walk: Walk, record_property: object
) -> None:
    held(walk.refused("init", fault), record_property)


def test_the_faults_are_the_disk_s() -> None:
    assert {"ENOSPC", "EIO", "EDQUOT"} <= set(FAULTS)
    assert all(number in errno.errorcode for number, _ in FAULTS.values())
