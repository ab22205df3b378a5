"""An account that runs nextwizard, and the projects it owns."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Iterator


HERE = Path(__file__).parent
PROJECT = HERE / "projects" / "plain"
NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Done:
    """How a run ended and what it said; a negative code is a signal."""

    code: int
    out: str
    err: str
    calls: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """What stands at one path: its kind, mode, owner and bytes."""

    kind: str
    mode: int
    owner: tuple[int, int]
    data: bytes = b""


class Account:
    """Runs nextwizard as root or as a plain user, in a forked child each."""

    def __init__(self, uid: int) -> None:
        """Take an account that this one may become."""
        self.uid = uid
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None
        self.scratch = Path(tempfile.mkdtemp(prefix="nextwizard-runs-", dir=memory))
        self.scratch.chmod(0o755)
        (self.scratch / "state").mkdir()
        self.own(self.scratch / "state")
        self._driver: subprocess.Popen[str] | None = None
        self._made = 0

    def close(self) -> None:
        """End the driver, and remove what was made."""
        if self._driver and self._driver.stdin:
            self._driver.stdin.close()
            self._driver.wait(30)
            if self._driver.stdout:
                self._driver.stdout.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def ask(self, *argv: str, **request: Any) -> None:
        """Begin a run without waiting for it."""
        if self._driver is None:
            self._driver = subprocess.Popen(
                [sys.executable, str(HERE / "run_driver.py"), str(PROJECT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._driver.stdin
        uid = self.uid if self.uid != os.geteuid() else 0
        env = {"HOME": str(self.scratch), "XDG_STATE_HOME": str(self.scratch / "state")}
        env |= request.pop("env", {})
        asked = {"argv": argv, "uid": uid, "env": env, **request}
        self._driver.stdin.write(json.dumps(asked) + "\n")
        self._driver.stdin.flush()

    def answer(self) -> Done:
        """Wait for the run that was begun."""
        assert self._driver
        assert self._driver.stdout
        line = self._driver.stdout.readline()
        return Done(**json.loads(line))

    def run(self, *argv: str, **request: Any) -> Done:
        """Run nextwizard to its end."""
        self.ask(*argv, **request)
        done = self.answer()
        assert "Traceback" not in done.err, done.err
        return done

    def hold(self, *argv: str, **request: Any) -> None:
        """Begin a run and hold it where its first change would come."""
        self.ask(*argv, hold=True, **request)
        assert self._driver
        assert self._driver.stdout
        assert self._driver.stdout.readline() == "{}\n", argv

    def meet(self, **fault: Any) -> Done:
        """Let the run that is held go on, in a child of its own that meets a fault."""
        self.ask(meet=fault)
        done = self.answer()
        assert fault["kind"] == "bug" or "Traceback" not in done.err, done.err
        return done

    def own(self, *places: Path) -> None:
        """Give files, and what lies below them, to this account."""
        if self.uid == os.geteuid():
            return
        for place in places:
            for path in (place, *sorted(place.rglob("*"))):
                os.chown(path, self.uid, self.uid, follow_symlinks=False)

    def place(self) -> Path:
        """Return a fresh directory of this account."""
        self._made += 1
        folder = self.scratch / str(self._made)
        folder.mkdir(mode=0o755)
        self.own(folder)
        return folder

    def project(self, name: str = "notes", *, source: Path = PROJECT) -> Path:
        """Return a fresh copy of the sample project, owned by this account."""
        root = self.place() / name
        ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(source, root, ignore=ignore)
        self.own(root)
        return root

    def copy(self, root: Path) -> Path:
        """Return a copy of a project as it is: modes, owners, times and links."""
        target = self.place() / root.name
        reset(target, root)
        return target


def reset(target: Path, source: Path) -> None:
    """Make a directory what another one is."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)
    for path in (source, *source.rglob("*")):
        _liken(target / path.relative_to(source), path)


def _liken(twin: Path, path: Path) -> None:
    """Give a file the owner and the mode of another one."""
    found = path.lstat()
    os.chown(twin, found.st_uid, found.st_gid, follow_symlinks=False)
    if not path.is_symlink():
        twin.chmod(stat.S_IMODE(found.st_mode))


class Twin:
    """A copy of a tree that can be made what it was, by what changed of it alone."""

    def __init__(self, account: Account, source: Path) -> None:
        """Copy a tree."""
        self.source = source
        self.root = account.copy(source)
        self._known = _stamps(self.root)

    def again(self) -> None:
        """Undo whatever was done to the copy."""
        found, known = _stamps(self.root), self._known
        odd = {path for path in found if found[path] != known.get(path)}
        for path in sorted(odd, reverse=True):
            if found[path].is_file:
                (self.root / path).unlink()
            elif path not in known:
                (self.root / path).rmdir()
        lost = sorted(path for path in known if path in odd or path not in found)
        for path in lost:
            place, source = self.root / path, self.source / path
            if known[path].is_file:
                shutil.copy2(source, place, follow_symlinks=False)
            else:
                place.mkdir(exist_ok=True)
            _liken(place, source)
            known[path] = _stamp(place.lstat())


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What changes when anybody touches a file."""

    is_file: bool
    state: tuple[int, ...]


def _stamp(found: os.stat_result) -> _Stamp:
    state = (found.st_mode, found.st_uid, found.st_gid)
    if stat.S_ISDIR(found.st_mode):
        return _Stamp(is_file=False, state=state)
    times = (found.st_ino, found.st_size, found.st_ctime_ns)
    return _Stamp(is_file=True, state=(*state, *times))


def _stamps(root: Path) -> dict[str, _Stamp]:
    """Return the stamp of everything below a directory."""
    return {
        entry.path.removeprefix(f"{root}/"): _stamp(entry.stat(follow_symlinks=False))
        for entry in below(root)
    }


def leaves(root: Path, *, record: bool = True) -> dict[str, Leaf]:
    """Return everything below a directory but what a run keeps for itself."""
    found: dict[str, Leaf] = {}
    for entry in below(root):
        key = entry.path.removeprefix(f"{root}/")
        if key.startswith(".nextwizard/") and (
            not record or f"{key}/".startswith(".nextwizard/run/")
        ):
            continue
        state = entry.stat(follow_symlinks=False)
        owner = (state.st_uid, state.st_gid)
        mode = stat.S_IMODE(state.st_mode)
        if stat.S_ISDIR(state.st_mode):
            found[key] = Leaf("directory", mode, owner)
        elif stat.S_ISLNK(state.st_mode):
            found[key] = Leaf("symlink", 0, owner, os.fsencode(os.readlink(entry)))
        elif stat.S_ISREG(state.st_mode):
            found[key] = Leaf("file", mode, owner, content(entry.path))
        else:
            found[key] = Leaf("other", mode, owner)
    return found


def below(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    """Yield everything below a directory, in the order of names."""
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        yield entry
        if entry.is_dir(follow_symlinks=False):
            yield from below(entry.path)


def content(path: str) -> bytes:
    """Return the bytes of a file."""
    with open(path, "rb", buffering=0) as file:
        return file.read()


__all__ = [
    "NOBODY",
    "PROJECT",
    "Account",
    "Done",
    "Leaf",
    "Twin",
    "below",
    "content",
    "leaves",
]
