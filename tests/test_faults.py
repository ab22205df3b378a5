"""A run that is killed, refused by the disk or asked to end: at every call it makes.

Nothing here sleeps: the calls that change something are counted, and the Nth goes
wrong, for N from the first to the last.
"""

from __future__ import annotations

import errno
import signal
from typing import TYPE_CHECKING, Any

import pytest
from faults import BOOT, FAULTS, Tally, Walk, differs, partial


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from accounts import Account

    type Held = Callable[[Tally], None]


SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
RUNS = ("regenerate", "rollback", "init")
NEAR = {("regenerate", "killed", "plain")}
"""What every `make test` walks; the rest of this is for `make proof` and `make lab`."""

PROOF = {
    ("regenerate", "killed", "root"),
    ("rollback", "killed", "plain"),
    ("rollback", "killed", "root"),
    ("regenerate", "SIGTERM", "root"),
    ("regenerate", "SIGHUP", "plain"),
    ("regenerate", "ENOSPC for good", "plain"),
    ("regenerate", "EIO", "root"),
    ("regenerate", "in place", "plain"),
    ("init", "killed", "plain"),
}


def walks(kinds: Sequence[str], runs: Sequence[str] = RUNS) -> pytest.MarkDecorator:
    """Return every walk of these kinds, each with the mark of where it is made."""
    rows: list[Any] = []
    for run in runs:
        for kind in kinds:
            for who in ("plain", "root"):
                row = (run, kind, who)
                mark = pytest.mark.proof if row in PROOF else pytest.mark.lab
                marks = () if row in NEAR else (mark,)
                rows.append(pytest.param(*row, marks=marks, id=" ".join(row)))
    names = ("run", "kind", "account")
    return pytest.mark.parametrize(names, rows, indirect=["account"])


@pytest.fixture(scope="module")
def walk(account: Account, pristine: Path) -> Walk:
    """Prepare the runs whose every call goes wrong."""
    return Walk(account, pristine)


@pytest.fixture
def held(account: Account, record_property: Callable[[str, object], None]) -> Held:
    """Hold that nothing was lost, and say how many points that was."""

    def hold(tally: Tally) -> None:
        assert not tally.bad, "\n".join(tally.bad[:20])
        assert tally.points > 40
        told = f"{tally.points} points, {len(tally.trees)} trees mended, 0 lost"
        record_property(f"{tally.name}, uid {account.uid}", told)

    return hold


@walks(["killed"])
def test_28_killed_at_every_call(run: str, kind: str, walk: Walk, held: Held) -> None:
    assert kind == "killed"
    held(walk.kill(run))


@walks(SIGNALS)
def test_29_asked_to_end_at_every_call(
    run: str, kind: str, walk: Walk, held: Held
) -> None:
    held(walk.asked(run, signal.Signals[kind]))


@walks(tuple(FAULTS))
def test_30_refused_by_the_disk_at_every_call(
    run: str, kind: str, walk: Walk, held: Held
) -> None:
    held(walk.refused(run, kind))


@walks(["in place", "by a rename"], ["regenerate"])
def test_32_saved_by_the_user_at_every_call(
    run: str, kind: str, walk: Walk, held: Held
) -> None:
    held(walk.saved(run, atomic=kind == "by a rename"))


def test_the_faults_are_the_disk_s() -> None:
    assert {"ENOSPC", "EIO", "EDQUOT"} <= set(FAULTS)
    assert all(number in errno.errorcode for number, _ in FAULTS.values())


def cut(root: Path) -> None:
    (root / BOOT).write_bytes((root / BOOT).read_bytes()[:-9])


def gone(root: Path) -> None:
    (root / BOOT).unlink()


def wider(root: Path) -> None:
    (root / BOOT).chmod(0o666)


def strange(root: Path) -> None:
    (root / "deploy/other.py").write_bytes(b"")


def bare(root: Path) -> None:
    (root / "deploy/notes.env").chmod(0o644)


@pytest.mark.parametrize("harm", [cut, gone, wider, strange, bare])
def test_a_tree_that_lost_something_is_told(
    harm: Callable[[Path], None], account: Account, walk: Walk
) -> None:
    run = walk.runs["regenerate"]
    root = account.copy(run.start)
    assert partial(run, root) == differs(run.before, root) == ""
    harm(root)
    assert partial(run, root)
    assert differs(run.before, root)


def test_a_temporary_file_that_is_left_is_told(account: Account, walk: Walk) -> None:
    run = walk.runs["regenerate"]
    root = account.copy(run.start)
    (root / "deploy/.nextwizard-0.tmp").write_bytes(b"half")
    assert partial(run, root) == ""
    assert differs(run.before, root)
