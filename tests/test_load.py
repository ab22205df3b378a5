"""A restart and a reload under load: what fails is counted, with its cause."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import machine
import pytest


pytestmark = pytest.mark.lab

RATE = 130
"""Requests a second, each on a connection of its own and none of them twice."""

STACKS = (
    ("gunicorn", "plain", "nginx", 0.0),
    ("gunicorn", "plain", "caddy", 0.0),
    ("uvicorn", "sse_async", "nginx", 0.003),
    ("uvicorn", "sse_async", "caddy", 0.003),
    ("gunicorn", "sse_async", "nginx", 0.003),
)
"""The default stacks, and the share of requests that may fail."""


@pytest.mark.parametrize(("server", "kind", "proxy", "share"), STACKS)
def test_a_restart_and_a_reload_under_load_fail_next_to_nothing(
    server: str, kind: str, proxy: str, share: float, tmp_path: Path
) -> None:
    pairs = (f"hosting.server={server}", f"hosting.proxy={proxy}")
    made = machine.deployed(tmp_path, kind, "hosting.tls=internal", *pairs)
    rows = made.boot("install", "load", rate=RATE)["load"]
    _tell(f"{server} {kind} {proxy}", rows)
    for name, row in rows.items():
        assert row["rate"] >= (100 if name != "restart, stream open" else 19), row
        assert row["failed"] <= share * row["sent"], (name, row)


def _tell(stack: str, rows: dict[str, Any]) -> None:
    """Add the figures to the file that NEXTWIZARD_LOAD names, one line a stack."""
    if place := os.environ.get("NEXTWIZARD_LOAD"):
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"stack": stack, "rows": rows}) + "\n")
