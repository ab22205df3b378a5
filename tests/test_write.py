from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from nextwizard import write
from nextwizard.errors import InputError, LockedError, WriteError
from nextwizard.write import Step, apply, locked, recover, rollback


if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "project"
    place.mkdir()
    (place / "kept.txt").write_bytes(b"old\n")
    with locked(str(place)):
        pass
    return place


def shown(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".nextwizard" not in path.parts
    }


def test_files_are_written_replaced_and_removed(root: Path) -> None:
    (root / "gone.txt").write_bytes(b"x")
    apply(
        str(root),
        [
            Step("a/b/new.txt", None, b"new\n"),
            Step("kept.txt", b"old\n", b"newer\n"),
            Step("gone.txt", b"x", None),
        ],
    )
    assert shown(root) == {"a/b/new.txt": b"new\n", "kept.txt": b"newer\n"}
    assert rollback(str(root)) == ()
    assert shown(root) == {"kept.txt": b"old\n", "gone.txt": b"x"}
    assert not (root / "a").exists()


def test_a_mode_is_kept_and_a_secret_is_private_from_its_first_byte(root: Path) -> None:
    (root / "kept.txt").chmod(0o640)
    steps = [
        Step("kept.txt", b"old\n", b"new\n", 0o644),
        Step("secret", None, b"s", 0o600),
    ]
    apply(str(root), steps)
    assert stat.S_IMODE((root / "kept.txt").stat().st_mode) == 0o640
    assert stat.S_IMODE((root / "secret").stat().st_mode) == 0o600


def test_a_file_saved_after_the_plan_refuses_the_run(root: Path) -> None:
    with pytest.raises(InputError, match="changed while nextwizard was looking"):
        apply(str(root), [Step("new", None, b"x"), Step("kept.txt", b"older\n", b"y")])
    assert shown(root) == {"kept.txt": b"old\n"}


def test_a_file_that_appeared_is_not_overwritten(root: Path) -> None:
    (root / "new").write_bytes(b"theirs")
    with pytest.raises(InputError, match="new"):
        apply(str(root), [Step("new", None, b"ours")])
    assert (root / "new").read_bytes() == b"theirs"


@pytest.mark.parametrize("kind", ["symlink", "directory", "fifo", "parent"])
def test_anything_but_a_file_is_refused_by_name(root: Path, kind: str) -> None:
    target = root / "kept.txt"
    target.unlink()
    path = "kept.txt"
    if kind == "symlink":
        target.symlink_to("/etc/passwd")
    elif kind == "directory":
        target.mkdir()
    elif kind == "fifo":
        os.mkfifo(target)
    else:
        target.symlink_to(root.parent)
        path = "kept.txt/inside"
    with pytest.raises(InputError, match=r"kept\.txt"):
        apply(str(root), [Step(path, None, b"x")])


def test_a_second_run_is_locked_out_and_a_dead_one_is_not_waited_for(
    root: Path,
) -> None:
    with locked(str(root)):
        with pytest.raises(LockedError) as caught, locked(str(root)):
            pass
        assert str(os.getpid()) in str(caught.value)
    with locked(str(root)):
        pass


def test_a_failing_disk_puts_everything_back(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.replace
    calls = []

    def full(source: str, target: str) -> None:
        calls.append(target)
        if target.endswith("kept.txt"):
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "replace", full)
    steps = [Step("new", None, b"n"), Step("kept.txt", b"old\n", b"new\n")]
    with pytest.raises(WriteError, match="No space left"):
        apply(str(root), steps)
    monkeypatch.undo()
    assert calls
    assert shown(root) == {"kept.txt": b"old\n"}


def test_a_killed_run_is_undone_by_the_next(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    def die(*_: object) -> None:
        raise KilledError

    monkeypatch.setattr(write, "recover", lambda _root: None)
    monkeypatch.setattr(write, "sync", _after(1, die))
    steps = [Step("a/new", None, b"n"), Step("kept.txt", b"old\n", b"new\n")]
    with pytest.raises(KilledError):
        apply(str(root), steps)
    monkeypatch.undo()
    assert json.loads((root / ".nextwizard/run/journal.json").read_bytes())
    assert recover(str(root)) is True
    assert shown(root) == {"kept.txt": b"old\n"}
    assert recover(str(root)) is False


def _after(calls: int, then: object) -> object:
    left = [calls]

    def step(*_: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            then()  # type: ignore[operator]

    return step


def test_rollback_leaves_what_somebody_changed(root: Path) -> None:
    apply(str(root), [Step("kept.txt", b"old\n", b"new\n"), Step("b", None, b"b")])
    (root / "kept.txt").write_bytes(b"mine\n")
    assert rollback(str(root)) == ("kept.txt",)
    assert shown(root) == {"kept.txt": b"mine\n"}
    assert rollback(str(root)) is None
