"""Measures nextwizard beside its peers and writes docs/benchmarks.md.

`make bench` runs everything. `python benchmarks commands scan` runs those parts alone;
the page keeps the last figures of the others.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import commands
import expressed
import page
from measure import machine
from peers import KEPT, environments


if TYPE_CHECKING:
    from collections.abc import Callable


def memory() -> str:
    """Return a directory in memory: the disk is not what is measured."""
    shm = Path("/dev/shm")  # noqa: S108
    return str(shm) if os.access(shm, os.W_OK) else tempfile.gettempdir()


def run_commands(scratch: Path) -> dict[str, Any]:
    """Run P1 to P8."""
    bench = commands.Bench(scratch, environments(), expressed.read(scratch))
    os.environ["XDG_CACHE_HOME"] = str(scratch / "cache")
    commands.prepare(bench)
    rows = [asdict(row) for row in commands.rows(bench)]
    peaks, fleet = commands.peaks(bench), commands.marginal(bench)
    return {"rows": rows, "peaks": peaks, "fleet": fleet}


def run_scan(scratch: Path) -> dict[str, Any]:
    """Run P9."""
    import scanning

    return scanning.run(scratch, environments())


def run_wizard(scratch: Path) -> dict[str, Any]:
    """Run P10 to P12."""
    import terminal

    return terminal.run(scratch, environments())


def run_served(scratch: Path) -> dict[str, Any]:
    """Run the served deployments."""
    import served

    return served.run(scratch)


PARTS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "commands": run_commands,
    "scan": run_scan,
    "wizard": run_wizard,
    "served": run_served,
}


def main(names: list[str]) -> int:
    """Run the parts, keep what they found, and write the page."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"bench: the parts are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    KEPT.mkdir(parents=True, exist_ok=True)
    for name in names or PARTS:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="nwb", dir=memory()) as folder:
            found = PARTS[name](Path(folder))
        when = time.strftime("%Y-%m-%d")
        document = {"machine": machine(), "when": when, **found}
        (KEPT / f"{name}.json").write_text(json.dumps(document))
        print(f"bench: {name} took {time.monotonic() - begun:.0f} s", file=sys.stderr)
    parts = {
        name: json.loads((KEPT / f"{name}.json").read_text())
        for name in PARTS
        if (KEPT / f"{name}.json").is_file()
    }
    target = expressed.ROOT / "docs" / "benchmarks.md"
    target.write_text(page.page(parts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
