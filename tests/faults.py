"""Walks over every call of a run that changes something, and lets it go wrong there."""

from __future__ import annotations

import errno
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from accounts import PROJECT, leaves, reset


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from accounts import Account, Done, Leaf


FAULTS = {
    "ENOSPC": (errno.ENOSPC, False),
    "ENOSPC for good": (errno.ENOSPC, True),
    "EDQUOT": (errno.EDQUOT, False),
    "EIO": (errno.EIO, False),
    "EIO for good": (errno.EIO, True),
}
"""What the disk says, and whether it says so to all that follows."""

BOOT = "deploy/boot.py"
SITE = "deploy/nginx/notes.conf"
SAVED = "# saved at this very moment\n"


@dataclass(slots=True)
class Tally:
    """How many points were tried, and what was wrong at which."""

    name: str
    points: int = 0
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
        return Run(start, argv, before, after, done.code, done.calls)

    def go(self, root: Path, run: Run, **request: Any) -> Done:
        """Make a run on a fresh copy of what it starts from."""
        reset(root, run.start)
        return self.account.run(run.argv[0], str(root), *run.argv[1:], **request)

    def each(
        self, name: str, what: str, check: Callable[[Run, Path, int], str]
    ) -> Tally:
        """Return the tally of a check at each call."""
        run = self.runs[name]
        root = self.account.place() / run.start.name
        tally = Tally(f"{name} {what}")
        for at in range(1, run.calls + 1):
            wrong = check(run, root, at)
            if wrong:
                tally.bad.append(f"{tally.name} at call {at}: {wrong}")
            tally.points += 1
        shutil.rmtree(root.parent)
        return tally

    def kill(self, name: str) -> Tally:
        """Kill the run at each call: no file is partial, and the next run mends all."""

        def check(run: Run, root: Path, at: int) -> str:
            done = self.go(root, run, fault={"kind": "kill", "at": at})
            if done.code != -9:
                return f"ended with {done.code}"
            wrong = partial(run, root)
            if wrong:
                return wrong
            return self.mended(run, root)

        return self.each(name, "killed", check)

    def asked(self, name: str, number: int) -> Tally:
        """Send a signal at each call: all is as it was, or done; nothing is left."""

        def check(run: Run, root: Path, at: int) -> str:
            fault = {"kind": "signal", "signal": number, "at": at}
            done = self.go(root, run, fault=fault)
            if done.code == -number:  # before or after what cannot be cut
                return whole(run, root) or self.mended(run, root)
            if done.code == 130:
                return differs(run.before, root)
            return differs(run.after, root) if done.code == run.code else str(done)

        return self.each(name, f"signal {number}", check)

    def refused(self, name: str, fault: str) -> Tally:
        """Let the disk refuse each call: all is as it was, and told."""
        number, stay = FAULTS[fault]

        def check(run: Run, root: Path, at: int) -> str:
            spec = {"kind": "errno", "errno": number, "at": at, "stay": stay}
            done = self.go(root, run, fault=spec)
            if done.code == run.code:
                return differs(run.after, root)
            if done.code != 1 or not done.err.strip():
                return f"ended with {done.code}: {done.err}"
            if stay and number == errno.EIO:  # then nothing can be put back either
                return partial(run, root) or self.mended(run, root)
            return differs(run.before, root)

        return self.each(name, fault, check)

    def saved(self, name: str, *, atomic: bool) -> Tally:
        """Save a file as the user would at each call: it is never lost."""

        def check(run: Run, root: Path, at: int) -> str:
            place = root / SITE
            fault = {"kind": "save", "at": at, "path": str(place), "data": SAVED}
            done = self.go(root, run, fault={**fault, "atomic": atomic})
            if place.read_text() != SAVED and not (
                atomic and digest_of(run.after[SITE]) == place.read_bytes()
            ):
                return f"lost what was saved ({done.code}): {done.err}"
            if done.code not in {0, 1, 2, 3}:
                return f"ended with {done.code}: {done.err}"
            return temporaries(root)

        return self.each(name, f"saved, atomic {atomic}", check)

    def mended(self, run: Run, root: Path) -> str:
        """Return what is wrong after the run is simply made again."""
        done = self.account.run(run.argv[0], str(root), *run.argv[1:])
        if run.argv[-1] == "--rollback" and done.code == 2:
            # It was finished by the start of this very run: nothing to go back from.
            return differs(run.after, root)
        if done.code != run.code:
            return f"the next run ended with {done.code}: {done.err}{done.out}"
        return differs(run.after, root)


def digest_of(leaf: Leaf) -> bytes:
    return leaf.data


def own_eyes(path: str) -> bool:
    """Tell whether the bytes of a file differ from run to run."""
    return path == "deploy/notes.env"


def partial(run: Run, root: Path) -> str:
    """Return the first file that is neither old nor new, whatever was killed."""
    for path, leaf in leaves(root).items():
        if "/.nextwizard-" in f"/{path}":
            continue
        known = [side[path] for side in (run.before, run.after) if path in side]
        if not known:
            return f"{path} came from nowhere"
        if own_eyes(path):
            if leaf.mode != 0o600 or b"SECRET_KEY=" not in leaf.data:
                return f"{path} is no secret"
        elif leaf not in known:
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
    """Return the first difference from a tree, temporaries included."""
    found = leaves(root)
    for path in sorted({*found, *want}):
        if path not in want:
            return f"{path} is left over"
        if path not in found:
            return f"{path} is missing"
        if found[path] != want[path] and not own_eyes(path):
            return f"{path} differs: {found[path].mode:o} {found[path].data[:60]!r}"
    return temporaries(root)


def temporaries(root: Path) -> str:
    """Return a temporary file that was left, the run's own directory included."""
    return next((str(path) for path in root.rglob(".nextwizard-*")), "")


__all__ = ["FAULTS", "Run", "Tally", "Walk"]
