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
from typing import Any


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
        asked = {"argv": argv, "uid": uid, "env": env, **request}
        self._driver.stdin.write(json.dumps(asked) + "\n")
        self._driver.stdin.flush()

    def answer(self) -> Done:
        """Wait for the run that was begun."""
        assert self._driver
        assert self._driver.stdout
        line = self._driver.stdout.readline()
        done = Done(**json.loads(line))
        assert "Traceback" not in done.err, done.err
        return done

    def run(self, *argv: str, **request: Any) -> Done:
        """Run nextwizard to its end."""
        self.ask(*argv, **request)
        return self.answer()

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
        found = path.lstat()
        twin = target / path.relative_to(source)
        os.chown(twin, found.st_uid, found.st_gid, follow_symlinks=False)
        if not path.is_symlink():
            twin.chmod(stat.S_IMODE(found.st_mode))


def leaves(root: Path, *, record: bool = True) -> dict[str, Leaf]:
    """Return everything below a directory but what a run keeps for itself."""
    found: dict[str, Leaf] = {}
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        if here.relative_to(root).as_posix() == ".nextwizard":
            folders[:] = [name for name in folders if name != "run"]
            if not record:
                folders.clear()
                continue
        for name in (*folders, *names):
            path = here / name
            state = path.lstat()
            owner = (state.st_uid, state.st_gid)
            mode = stat.S_IMODE(state.st_mode)
            key = path.relative_to(root).as_posix()
            if stat.S_ISDIR(state.st_mode):
                found[key] = Leaf("directory", mode, owner)
            elif stat.S_ISLNK(state.st_mode):
                data = os.fsencode(path.readlink())
                found[key] = Leaf("symlink", 0, owner, data)
            elif stat.S_ISREG(state.st_mode):
                found[key] = Leaf("file", mode, owner, path.read_bytes())
            else:
                found[key] = Leaf("other", mode, owner)
    return found


__all__ = ["NOBODY", "PROJECT", "Account", "Done", "Leaf", "leaves", "reset"]
