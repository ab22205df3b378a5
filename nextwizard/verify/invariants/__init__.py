"""The invariants that cross files: what no checker of a single file can know."""

from __future__ import annotations

from . import host, project, proxy, server
from .row import Breach, Invariant


INVARIANTS: tuple[Invariant, ...] = (
    *proxy.ROWS,
    *server.ROWS,
    *project.ROWS,
    *host.ROWS,
)
"""Every invariant, in the order in which it is told."""


__all__ = ["INVARIANTS", "Breach", "Invariant"]
