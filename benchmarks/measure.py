"""How a command is measured: in pairs, in turn, by the CPU time the kernel counted."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


PAIRS = int(os.environ.get("PAIRS", "9"))
"""Pairs a row: an odd number, so that the median is one of them."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took: seconds of CPU and of the clock."""

    cpu: float
    wall: float


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, what it needs around it, and what happens before each run."""

    name: str
    argv: Sequence[str]
    prepare: Callable[[], None] = lambda: None
    cwd: str = "/"
    env: Mapping[str, str] | None = None

    def run(self) -> Cost:
        """Prepare, run to the end, and return the cost; RuntimeError if it fails.

        The preparation is not counted.
        """
        self.prepare()
        begun = time.perf_counter()
        child = subprocess.Popen(
            self.argv,
            cwd=self.cwd,
            env=environment(self.env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said = child.stdout.read() if child.stdout else b""
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.stdout:
            child.stdout.close()
        if child.returncode:
            message = f"{self.argv} is exit {child.returncode}: {said.decode()[:2000]}"
            raise RuntimeError(message)
        return Cost(used.ru_utime + used.ru_stime, wall)


_PEAK = """
import os, sys
quiet = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
print(os.wait4(child, 0)[2].ru_maxrss)
"""
"""A small parent: until it is another program, a child counts its parent's memory."""


def peak(command: Command, python: str) -> float:
    """Return the MiB a command holds at its peak; an interpreter starts it."""
    command.prepare()
    done = subprocess.run(
        [python, "-I", "-S", "-c", _PEAK, *command.argv],
        check=True,
        capture_output=True,
        env=environment(command.env or {}),
    )
    return int(done.stdout) / 1024


@dataclass(frozen=True, slots=True)
class Row:
    """A goal, and the runs of two commands in turn that show where it stands."""

    goal: str
    what: str
    ours: str
    theirs: str
    limit: str
    ratios: tuple[float, ...]
    a: tuple[Cost, ...]
    b: tuple[Cost, ...]

    @property
    def ratio(self) -> float:
        """The median of the pairwise ratios of CPU time, theirs by ours."""
        return statistics.median(self.ratios)


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return a small environment in which Python keeps its bytecode."""
    kept = ("HOME", "LANG", "XDG_CACHE_HOME")
    base = {name: os.environ[name] for name in kept if name in os.environ}
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **base, **extra}


def in_turn(
    goal: str, what: str, limit: str, ours: Command, theirs: Command, pairs: int = PAIRS
) -> Row:
    """Run both in turn, one warm-up each, and return the ratio theirs by ours."""
    ours.run()
    theirs.run()
    a: list[Cost] = []
    b: list[Cost] = []
    for number in range(pairs):
        for command, costs in ((ours, a), (theirs, b))[:: -1 if number % 2 else 1]:
            costs.append(command.run())
    ratios = tuple(y.cpu / x.cpu for x, y in zip(a, b, strict=True))
    row = Row(goal, what, ours.name, theirs.name, limit, ratios, tuple(a), tuple(b))
    print(f"bench: {goal} {row.ratio:.2f} x {theirs.name}", file=sys.stderr)
    return row


def machine() -> str:
    """Return one line on the machine, its load included."""
    cpu = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    kernel = os.uname()
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{cpu}, {os.cpu_count()} cores, {kernel.sysname} {kernel.release}, load {load}"
    )
