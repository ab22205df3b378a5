"""What every process manager on the stage can do, whichever it stands for."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from nextwizard.errors import Problem, ToolError


if TYPE_CHECKING:
    from collections.abc import Callable

    from nextwizard.tools import Server


BOOT_S = 30.0
"""Seconds a server or proxy gets until it answers; a cold Django takes two or three."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """How a stop went: whether it had to be killed, and the pids it left behind.

    `status` is the main process's exit status, 0 where a signal ended it.
    """

    killed: bool = False
    left: tuple[int, ...] = ()
    status: int = 0


class Service(Protocol):
    """The generated application server under its process manager."""

    log: str
    ended: Stopped

    @property
    def running(self) -> bool:
        """Whether the main process is there."""

    @property
    def workers(self) -> frozenset[int]:
        """The processes it runs besides the main one."""

    def start(self) -> None:
        """Start it; ToolError when the manager would call that a failure."""

    def leave(self) -> None:
        """Stop it, and let nobody wait for it meanwhile."""

    def restart(self) -> None:
        """Stop and start it the way the runbook does."""

    def reload(self) -> bool:
        """Replace its workers; False when this server has no reload."""

    def stop(self, limit: float = 0.0) -> float:
        """Stop it within the manager's own time, or this one; returns seconds."""

    def close(self) -> None:
        """End everything at once."""


def last_words(text: str, lines: int = 1) -> str:
    """Return the end of what a program said, on one line."""
    said = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return " / ".join(said[-lines:]) or "it said nothing"


def wait(
    ready: Callable[[], bool],
    server: Server | Service,
    what: str,
    limit: float = BOOT_S,
) -> None:
    """Wait until something is ready; ToolError with the log's end when it never is."""
    ends = time.monotonic() + limit
    while time.monotonic() < ends and server.running:
        if ready():
            return
        time.sleep(0.05)
    try:
        with open(server.log, encoding="utf-8", errors="replace") as file:
            said = last_words(file.read(), 3)
    except OSError:
        said = "it said nothing"
    fix = f"The whole log is {server.log}."
    raise ToolError(Problem(what, f"did not answer: {said}", fix))


__all__ = ["BOOT_S", "Service", "Stopped", "last_words", "wait"]
