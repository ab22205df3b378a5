"""Measures nextwizard beside its peers and writes docs/benchmarks.md.

`make bench` runs everything. `python benchmarks commands scan` runs those parts alone;
the page keeps what it says of the others.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import traceback
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
    failed = [name for name in names or PARTS if not measured(name)]
    if failed:
        print(f"bench: not measured: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


def measured(name: str) -> bool:
    """Run a part, keep what it found, and write the page; False when it failed."""
    begun = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="nwb", dir=memory()) as folder:
            found = PARTS[name](Path(folder))
    except Exception:  # noqa: BLE001 - the other parts are measured all the same
        traceback.print_exc()
        return False
    document = {"machine": machine(), "when": time.strftime("%Y-%m-%d"), **found}
    (KEPT / f"{name}.json").write_text(json.dumps(document))
    print(f"bench: {name} took {time.monotonic() - begun:.0f} s", file=sys.stderr)
    target = expressed.ROOT / "docs" / "benchmarks.md"
    text = page.page({name: document}, target.read_text(encoding="utf-8"))
    target.write_text(text, encoding="utf-8")
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
