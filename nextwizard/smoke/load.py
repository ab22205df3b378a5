"""Visitors that never stop asking, while the service restarts behind the proxy."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from .visitor import TURNED_AWAY, events


if TYPE_CHECKING:
    from http.client import HTTPConnection
    from types import TracebackType

    from .site import Site


VISITORS = 4
"""Threads that ask at once; half of them keep their connection, half never do."""

PATIENCE_S = 60.0
"""Seconds a visitor waits: longer than a stop may take, so waiting is no failure."""

PAUSE_S = 0.02
"""Seconds between two requests of a visitor: about 150 requests a second in all."""


@dataclass(frozen=True, slots=True)
class Miss:
    """A request that failed: when, by the monotonic clock, which, and why."""

    at: float
    path: str
    cause: str


@dataclass
class Load:
    """Requests at a steady rate until the block ends, without a retry."""

    site: Site
    paths: tuple[str, ...]
    expected: dict[str, int] = field(default_factory=dict)
    done: int = 0
    slowest: float = 0.0
    misses: list[Miss] = field(default_factory=list)
    turned_away: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        """Learn what each path answers now, then start asking."""
        for path in self.paths:
            self.expected[path] = self.site.visitor.get(path).status
        self.begun = time.monotonic()
        self._threads = [
            threading.Thread(target=self._visit, args=(number,), daemon=True)
            for number in range(VISITORS)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let every visitor finish the request it waits for."""
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE_S if kind is None else 0.5)
        self.seconds = time.monotonic() - self.begun

    @property
    def total(self) -> int:
        """How many requests ended, well or not."""
        return self.done + len(self.misses)

    @property
    def causes(self) -> str:
        """Each cause of a failure with its count, the most frequent first."""
        count: dict[str, int] = {}
        for miss in self.misses:
            count[miss.cause] = count.get(miss.cause, 0) + 1
        rows = sorted(count.items(), key=lambda row: -row[1])
        return ", ".join(f"{number} x {cause}" for cause, number in rows)

    def words(self) -> str:
        """Return the sum of it."""
        rate = self.total / self.seconds if self.seconds else 0.0
        lost = f"{len(self.misses)} of {self.total} requests failed"
        words = f"{lost} at {rate:.0f}/s, the slowest took {self.slowest:.1f} s"
        if self.turned_away:
            words += f"; {self.turned_away} more met the rate limit"
        return words

    def _visit(self, number: int) -> None:
        keeps = number % 2 == 0
        connection: HTTPConnection | None = None
        turn = number
        while not self._over.is_set():
            path = self.paths[turn % len(self.paths)]
            turn += 1
            if connection is None:
                connection = self.site.visitor.connect(timeout=PATIENCE_S)
            if not self._ask(connection, path) or not keeps:
                connection.close()
                connection = None
            time.sleep(PAUSE_S)
        if connection is not None:
            connection.close()

    def _ask(self, connection: HTTPConnection, path: str) -> bool:
        """Ask once and count it; return whether the connection can be kept."""
        begun = time.monotonic()
        headers = self.site.visitor.headers()
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._miss(begun, path, type(error).__name__)
            return False
        took = time.monotonic() - begun
        if answer.status == TURNED_AWAY and self.site.visitor.limited:
            with self._lock:
                self.turned_away += 1
            return True
        if answer.status != self.expected[path]:
            self._miss(begun, path, f"{answer.status}")
            return True
        with self._lock:
            self.done += 1
            self.slowest = max(self.slowest, took)
        return True

    def _miss(self, at: float, path: str, cause: str) -> None:
        with self._lock:
            self.misses.append(Miss(at, path, cause))


@dataclass
class OpenStream:
    """A visitor who holds the project's stream open, and reopens it when it ends."""

    site: Site
    path: str
    events: int = 0
    _raw: socket.socket | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        """Open it, and wait for the first event or five seconds."""
        self._thread = threading.Thread(target=self._hold, daemon=True)
        self._thread.start()
        ends = time.monotonic() + 5
        while not self.events and time.monotonic() < ends:
            time.sleep(0.02)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self._over.set()
        with suppress(OSError):
            if self._raw is not None:
                self._raw.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def _hold(self) -> None:
        while not self._over.is_set():
            with (
                suppress(OSError, http.client.HTTPException),
                closing(self.site.visitor.connect(timeout=PATIENCE_S)) as connection,
            ):
                connection.connect()
                self._raw = connection.sock
                headers = self.site.visitor.headers()
                for _ in events(connection, self.path, headers):
                    self.events += 1
                    if self._over.is_set():
                        return
            self._over.wait(0.2)


__all__ = ["Load", "Miss", "OpenStream"]
