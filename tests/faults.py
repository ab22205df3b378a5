"""Walks over every call of a run that changes something, and lets it go wrong there."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import stat
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from accounts import PROJECT, Twin, below, content, leaves


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from accounts import Account, Done, Leaf

    type Check = Callable[[Point], str]


FAULTS = {
    "ENOSPC": (errno.ENOSPC, False),
    "ENOSPC for good": (errno.ENOSPC, True),
    "EDQUOT": (errno.EDQUOT, False),
    "EIO": (errno.EIO, False),
    "EIO for good": (errno.EIO, True),
}
"""What the disk says, and whether it says so to all that follows."""

BOOT = "deploy/boot.py"
SECRET = "deploy/notes.env"
SITE = "deploy/nginx/notes.conf"
SAVED = "# saved at this very moment\n"


HALF = ".nextwizard/run/.nextwizard-seen.json"
"""What only saves time, half of it. A disk that refuses even to remove it keeps it; git
ignores it, and the next run that keeps the whole takes it away (test_fast.py)."""


@dataclass(slots=True)
class Tally:
    """How many points were tried, and what was wrong at which.

    `trees` are the different ones they left, each mended by a run of its own.
    """

    name: str
    points: int = 0
    trees: dict[str, str] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Run:
    """One run to disturb: what stands before it, its words, what stands after."""

    start: Path
    argv: tuple[str, ...]
    before: Mapping[str, Leaf]
    after: Mapping[str, Leaf]
    code: int
    calls: int


@dataclass(frozen=True, slots=True)
class Point:
    """What one fault left: how the run ended, on which tree."""

    run: Run
    root: Path
    tally: Tally
    done: Done


class Walk:
    """The runs whose every call goes wrong, each on a tree of its own."""

    def __init__(self, account: Account, pristine: Path) -> None:
        """Prepare a regenerate that updates, joins, conflicts, adds and removes."""
        self.account = account
        edited = account.copy(pristine)
        boot = (edited / BOOT).read_bytes()
        (edited / BOOT).write_bytes(boot + b"# mine\n")
        prod = edited / "config/settings/prod.py"
        prod.write_bytes(prod.read_bytes() + b"# mine\n")
        readme = edited / "deploy/README.md"
        readme.write_bytes(b"mine\n" + readme.read_bytes().partition(b"\n")[2])
        (edited / SITE).chmod(0o640)
        more = ("sizing.cores=8", "hosting.domains=notes.example.org")
        proxied = ("hosting.server=uvicorn", "hosting.interface=asgi")
        sets = [word for pair in (*more, *proxied) for word in ("--set", pair)]
        self.runs = {
            "regenerate": self.prepared(edited, ("regenerate", *sets)),
            "init": self.prepared(account.project(source=PROJECT), ("init", "--yes")),
        }
        done = account.copy(edited)
        account.run("regenerate", str(done), *sets)
        self.runs["rollback"] = self.prepared(done, ("regenerate", "--rollback"))

    def prepared(self, start: Path, argv: tuple[str, ...]) -> Run:
        """Run once undisturbed, to know what stands after, and how many calls."""
        root = self.account.copy(start)
        done = self.account.run(argv[0], str(root), *argv[1:])
        assert done.code in {0, 3}, done.err
        before, after = leaves(start), leaves(root)
        assert before != after
        shutil.rmtree(root.parent)
        if SECRET not in before:
            after[SECRET] = masked(after[SECRET])
        return Run(start, argv, before, after, done.code, done.calls)

    def each(
        self, name: str, what: str, fault: dict[str, object], check: Check
    ) -> Tally:
        """Return the tally of a check after a fault at each call of a run.

        The run is held in front of its first change, and goes on from there every time.
        """
        run = self.runs[name]
        twin = Twin(self.account, run.start)
        tally = Tally(f"{name} {what}")
        self.account.hold(run.argv[0], str(twin.root), *run.argv[1:])
        for at in range(1, run.calls + 1):
            twin.again()
            done = self.account.meet(**fault, at=at, root=str(twin.root))
            wrong = check(Point(run, twin.root, tally, done))
            if wrong:
                tally.bad.append(f"{tally.name} at call {at}: {wrong}")
            tally.points += 1
        shutil.rmtree(twin.root.parent)
        return tally

    def kill(self, name: str) -> Tally:
        """Kill the run at each call: no file is partial, and the next run mends all."""

        def check(point: Point) -> str:
            if point.done.code != -9:
                return f"ended with {point.done.code}"
            return partial(point.run, point.root) or self.mended(point)

        return self.each(name, "killed", {"kind": "kill"}, check)

    def asked(self, name: str, number: int) -> Tally:
        """Send a signal at each call: all is as it was, or done; nothing is left."""

        def check(point: Point) -> str:
            run, root, code = point.run, point.root, point.done.code
            if code == -number:  # before or after what cannot be cut
                return whole(run, root) or self.mended(point)
            if code == 130:
                return differs(run.before, root)
            return differs(run.after, root) if code == run.code else str(point.done)

        fault = {"kind": "signal", "signal": number}
        return self.each(name, f"signal {number}", fault, check)

    def refused(self, name: str, fault: str) -> Tally:
        """Let the disk refuse each call: all is as it was, and told."""
        number, stay = FAULTS[fault]

        def check(point: Point) -> str:
            run, root, done = point.run, point.root, point.done
            if done.code == run.code:
                if stay and number == errno.EIO:
                    (root / HALF).unlink(missing_ok=True)
                return differs(run.after, root)
            if done.code != 1 or not done.err.strip():
                return f"ended with {done.code}: {done.err}"
            if name == "rollback" or (stay and number == errno.EIO):
                # nothing can be put back then: it waits for the next run
                return partial(run, root) or self.mended(point)
            return differs(run.before, root)

        spec = {"kind": "errno", "errno": number, "stay": stay}
        return self.each(name, fault, spec, check)

    def saved(self, name: str, *, atomic: bool) -> Tally:
        """Save a file as the user would at each call: it is never lost."""

        def check(point: Point) -> str:
            site, code = point.root / SITE, point.done.code
            if site.read_text() != SAVED and not (
                atomic and point.run.after[SITE].data == site.read_bytes()
            ):
                return f"lost what was saved ({code}): {point.done.err}"
            if code not in {0, 1, 2, 3}:
                return f"ended with {code}: {point.done.err}"
            return temporaries(point.root)

        fault = {"kind": "save", "path": SITE, "data": SAVED, "atomic": atomic}
        return self.each(name, f"saved, atomic {atomic}", fault, check)

    def mended(self, point: Point) -> str:
        """Return what is wrong after the run is simply made again.

        What a run makes of a tree it does of every equal one, so each is tried once.
        """
        tree = everything(point.root)
        if tree not in point.tally.trees:
            point.tally.trees[tree] = self.rerun(point.run, point.root)
        return point.tally.trees[tree]

    def rerun(self, run: Run, root: Path) -> str:
        """Return what is wrong after one more run."""
        done = self.account.run(run.argv[0], str(root), *run.argv[1:])
        if run.argv[-1] == "--rollback" and done.code == 2:
            # It was finished by the start of this very run: nothing to go back from.
            return differs(run.after, root)
        if done.code != run.code:
            return f"the next run ended with {done.code}: {done.err}{done.out}"
        return differs(run.after, root)


RANDOM = re.compile(rb"\b[0-9a-f]{16}\b|\b[0-9a-f]{80}\b")
"""The name of a run in its journal and its backups, and a secret key."""


def everything(root: Path) -> str:
    """Return a digest of all that a run can know of a tree, its own notes included."""
    rows: list[tuple[bytes, os.stat_result, bytes]] = []
    names: dict[int, list[bytes]] = {}
    for entry in below(root):
        state = entry.stat(follow_symlinks=False)
        data = b"" if stat.S_ISDIR(state.st_mode) else content(entry.path)
        if entry.path.endswith("/.nextwizard/run/lock"):
            data = b"a number" if data else b""
        key = RANDOM.sub(b"*", os.fsencode(entry.path))
        rows.append((key, state, RANDOM.sub(b"*", data)))
        names.setdefault(state.st_ino, []).append(key)
    found = hashlib.sha256()
    for key, state, data in sorted(rows, key=lambda row: (row[0], row[2])):
        kind = (state.st_mode, state.st_uid, state.st_gid, sorted(names[state.st_ino]))
        found.update(repr((key, kind, data)).encode())
    return found.hexdigest()


def masked(leaf: Leaf) -> Leaf:
    """Return a file without what is random in it."""
    return replace(leaf, data=RANDOM.sub(b"*", leaf.data))


def fits(found: Leaf, want: Leaf) -> bool:
    """Tell whether a file is as it should be; one that is wanted masked is random."""
    return want in {found, masked(found)}


def partial(run: Run, root: Path) -> str:
    """Return the first file that is neither old nor new, whatever was killed."""
    for path, leaf in leaves(root).items():
        if "/.nextwizard-" in f"/{path}":
            continue
        known = [side[path] for side in (run.before, run.after) if path in side]
        if not known:
            return f"{path} came from nowhere"
        if not any(fits(leaf, side) for side in known):
            return f"{path} is neither old nor new: {leaf.mode:o} {leaf.data[:60]!r}"
    for path, leaf in run.before.items():
        if path in run.after and not (root / path).exists():
            return f"{path} is gone"
        del leaf
    return ""


def whole(run: Run, root: Path) -> str:
    """Return what is wrong when the tree is neither all old nor all new."""
    return differs(run.before, root) and differs(run.after, root)


def differs(want: Mapping[str, Leaf], root: Path) -> str:
    """Return the first difference from a tree, temporaries included.

    The directory with the lock is made first and stays; git ignores it.
    """
    found = leaves(root)
    for path in sorted({*found, *want}):
        if path not in want and path != ".nextwizard":
            return f"{path} is left over"
        if path not in found:
            return f"{path} is missing"
        if path in want and not fits(found[path], want[path]):
            return f"{path} differs: {found[path].mode:o} {found[path].data[:60]!r}"
    return temporaries(root)


def temporaries(root: Path) -> str:
    """Return a temporary file that was left, the run's own directory included."""
    left = (entry.path for entry in below(root))
    return next((path for path in left if "/.nextwizard-" in path), "")


__all__ = ["BOOT", "FAULTS", "Point", "Run", "Tally", "Walk", "differs", "partial"]
