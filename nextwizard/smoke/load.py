"""Visitors that never stop asking, while the service restarts behind the proxy."""

from __future__ import annotations

import http.client
import itertools
import select
import socket
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Self

from .visitor import TURNED_AWAY, events


if TYPE_CHECKING:
    from http.client import HTTPConnection
    from types import TracebackType

    from .site import Site


RATE = 120
"""Requests a second, each sent when it is due, whether earlier ones were answered or
not: a stall is seen as a wait, and the rate does not fall while the service is away."""

VISITORS, MOST = 4, 400
"""Threads that ask at first, and at most while many wait; half of them keep their
connection, half never do."""

PATIENCE_S = 60.0
"""Seconds a visitor waits: longer than a stop may take, so waiting is no failure."""


@dataclass(frozen=True, slots=True)
class Miss:
    """A request that failed: when, by the monotonic clock, which, and why."""

    at: float
    path: str
    cause: str


@dataclass
class Load:
    """Requests at RATE until the block ends, none of them sent twice."""

    site: Site
    paths: tuple[str, ...]
    expected: dict[str, int] = field(default_factory=dict)
    done: int = 0
    slowest: float = 0.0
    misses: list[Miss] = field(default_factory=list)
    turned_away: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)
    _due: SimpleQueue[tuple[float, str] | None] = field(default_factory=SimpleQueue)
    _visitors: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Learn what each path answers now, then start asking."""
        for path in {*self.paths}:
            self.expected[path] = self.site.visitor.get(path).status
        self.begun = time.monotonic()
        for _ in range(VISITORS):
            self._one_more()
        self._clock = threading.Thread(target=self._tick, daemon=True)
        self._clock.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let every visitor finish the request it waits for."""
        self._over.set()
        self.seconds = time.monotonic() - self.begun
        self._clock.join(1)
        for _ in self._visitors:
            self._due.put(None)
        ends = time.monotonic() + (PATIENCE_S if kind is None else 0.5)
        for thread in self._visitors:
            thread.join(max(0.0, ends - time.monotonic()))

    @property
    def total(self) -> int:
        """How many requests ended, well or not."""
        return self.done + len(self.misses)

    @property
    def rate(self) -> float:
        """How many requests were sent a second."""
        return (self.total + self.turned_away) / self.seconds if self.seconds else 0.0

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
        lost = f"{len(self.misses)} of {self.total} requests failed"
        words = f"{lost} at {self.rate:.0f}/s, the slowest took {self.slowest:.1f} s"
        if self.turned_away:
            words += f"; {self.turned_away} more met the rate limit"
        return words

    def _one_more(self) -> None:
        """Let one more visitor wait for a request that is due."""
        keeps = len(self._visitors) % 2 == 0
        thread = threading.Thread(target=self._visit, args=(keeps,), daemon=True)
        self._visitors.append(thread)
        thread.start()

    def _tick(self) -> None:
        """Hand out each request when it is due; who is not free in time gets help."""
        for number in itertools.count():
            due = self.begun + number / RATE
            if self._over.wait(max(0.0, due - time.monotonic())):
                return
            if not self._due.empty() and len(self._visitors) < MOST:
                self._one_more()
            self._due.put((due, self.paths[number % len(self.paths)]))

    def _visit(self, keeps: bool) -> None:  # noqa: FBT001 - Thread passes it by place
        connection: HTTPConnection | None = None
        while (task := self._due.get()) is not None and not self._over.is_set():
            if connection is None or _hung_up(connection):
                connection = self.site.visitor.connect(timeout=PATIENCE_S)
            if not self._ask(connection, *task) or not keeps:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def _ask(self, connection: HTTPConnection, begun: float, path: str) -> bool:
        """Ask once and count it; return whether the connection can be kept."""
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


def _hung_up(connection: HTTPConnection) -> bool:
    """Close a kept connection that the other end has closed; tell whether it had.

    Every client looks before it sends on one again; nothing was asked, nothing fails.
    """
    if connection.sock is None:
        return False
    waiting = select.poll()
    waiting.register(connection.sock, select.POLLIN)
    if not waiting.poll(0):
        return False
    connection.close()
    return True


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
