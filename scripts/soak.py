"""Soaks each default stack on a machine of its own, under a real systemd.

Mixed load at a steady rate, every request on a connection of its own and none of them
twice, with a restart or a reload every 20 seconds. `make soak` runs it, by hand: it
needs root, systemd-container, and ten minutes a stack. It prints a Markdown table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any


sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import machine


STACKS = (
    ("gunicorn gthread, nginx", "plain", "gunicorn", "nginx"),
    ("gunicorn gthread, caddy", "plain", "gunicorn", "caddy"),
    ("uvicorn, nginx", "sse_async", "uvicorn", "nginx"),
    ("uvicorn, caddy", "sse_async", "uvicorn", "caddy"),
    ("gunicorn asgi, nginx", "sse_async", "gunicorn", "nginx"),
)


def soak(kind: str, server: str, proxy: str, **figures: float) -> dict[str, Any]:
    """Run one stack; return what the load and the machine measured."""
    pairs = [f"hosting.server={server}", f"hosting.proxy={proxy}"]
    with tempfile.TemporaryDirectory(prefix="soak") as folder:
        made = machine.deployed(Path(folder), kind, *pairs, "hosting.tls=internal")
        limit = int(figures["seconds"]) + 300
        found = made.boot("install", "soak", timeout=limit, **figures)
    row: dict[str, Any] = found["soak"]
    return row


def main() -> int:
    """Soak the stacks that were asked for; 1 when a request failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="a stack")
    parser.add_argument("--rate", type=float, default=120, help="requests a second")
    parser.add_argument("--every", type=float, default=20, help="seconds to a restart")
    parser.add_argument("--only", default="", help="stacks whose name holds this")
    said = parser.parse_args()
    heads = "stack requests rate failed causes longest restarts resident".split()
    print("|", " | ".join(heads), "|")
    print("|---" * len(heads) + "|")
    failed = 0
    for name, *stack in STACKS:
        if said.only not in name:
            continue
        seconds = said.minutes * 60
        row = soak(*stack, seconds=seconds, rate=said.rate, every=said.every)
        acts = Counter(verb for verb, _ in row["acts"])
        verbs = ", ".join(f"{number} {verb}s" for verb, number in acts.items())
        causes = ", ".join(f"{n} {why}" for why, n in row["causes"].items())
        resident = row["resident_mb"]
        cells = (name, row["sent"], row["rate"], row["failed"], causes or "none")
        memory = f"{resident[0]} to {resident[-1]} MiB"
        print("|", *(f"{cell} |" for cell in cells), end=" ")
        print(f"{row['longest']} s | {verbs} | {memory} |", flush=True)
        failed += row["failed"] + row["restarts_unasked"]
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
