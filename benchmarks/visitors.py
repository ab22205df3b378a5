"""What loads a running stack: wrk, visitors who keep coming, streams held open."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import statistics
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from support import needed


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from services import Database


CLIENTS = 32
"""Connections at once, as many as the facts were measured with."""
SECONDS = 3
CROWD = 50
"""Visitors at once while the connections to the database are counted."""
HELD = 200
"""Streams held open while the memory is read."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where a stack is asked: its port on loopback, and how."""

    port: int
    tls: bool
    host: str

    def connection(self, timeout: float = 10) -> http.client.HTTPConnection:
        """Return an open connection, with the site's name if it is a TLS one."""
        raw = socket.create_connection(("127.0.0.1", self.port), timeout)
        if self.tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            raw = context.wrap_socket(raw, server_hostname=self.host)
        made = http.client.HTTPConnection(self.host, timeout=timeout)
        made.sock = raw
        return made

    def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body of one URL."""
        connection = self.connection()
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"Host": self.host})
            answer = connection.getresponse()
            return answer.status, answer.read()


def rate(door: Door, path: str, clients: int = CLIENTS) -> dict[str, float]:
    """Return requests a second, the 99th percentile in ms, and how many failed."""
    scheme = "https" if door.tls else "http"
    argv = [needed("wrk"), "-t1", f"-c{clients}", f"-d{SECONDS}s", "--latency"]
    argv += ["--timeout", "10s", f"{scheme}://{door.host}:{door.port}{path}"]
    done = subprocess.run(argv, capture_output=True, check=True, text=True, timeout=40)
    said = done.stdout
    count = re.search(r"(\d+) requests in ([\d.]+)s", said)
    slow = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    if not count or not slow or count[1] == "0":
        message = f"{path}: no answer: {said}"
        raise RuntimeError(message)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    failed = int(refused[1]) if refused else 0
    failed += sum(int(word) for word in broken.groups()) if broken else 0
    unit = {"us": 0.001, "ms": 1.0, "s": 1000.0}[slow[2]]
    return {
        "rate": (int(count[1]) - (int(refused[1]) if refused else 0)) / float(count[2]),
        "p99": float(slow[1]) * unit,
        "failed": float(failed),
    }


def connections(door: Door, path: str, database: Database) -> dict[str, float]:
    """Return the most connections a stack holds while 50 visitors ask, and after."""
    most = 0
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(rate, door, path, CROWD)
        while not asking.done():
            most = max(most, database.connections())
        found = asking.result()
    return {**found, "most": most, "after": database.connections()}


@dataclass
class Visitors:
    """Threads that ask again and again, each on a connection it keeps while it can."""

    door: Door
    path: str
    asked: int = 0
    failed: int = 0
    said: dict[str, int] = field(default_factory=dict)

    def during(self, act: Callable[[], object], after: float = 3.0) -> None:
        """Keep asking while something is done, and some seconds before and after."""
        stop = threading.Event()
        threads = [threading.Thread(target=self._ask, args=(stop,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(1.5)
        act()
        time.sleep(after)
        stop.set()
        for thread in threads:
            thread.join(40)

    def _ask(self, stop: threading.Event) -> None:
        kept: http.client.HTTPConnection | None = None
        while not stop.is_set():
            fresh = kept is None
            try:
                kept = kept or self.door.connection()
                kept.request("GET", self.path, headers={"Host": self.door.host})
                answer = kept.getresponse()
                answer.read()
                problem = "" if answer.status == HTTPStatus.OK else str(answer.status)
                if answer.will_close:
                    kept.close()
                    kept = None
            except (OSError, http.client.HTTPException) as error:
                if kept is not None:
                    kept.close()
                kept = None
                if not fresh:
                    continue  # a browser, too, asks again on a new connection
                problem = type(error).__name__
            self.asked += 1
            if problem:
                self.failed += 1
                self.said[problem] = self.said.get(problem, 0) + 1
            time.sleep(0.02)


def resident(pids: Iterable[int]) -> float:
    """Return the MiB that processes and their children hold, shared pages by share."""
    found, queue = set[int](), list(pids)
    while queue:
        pid = queue.pop()
        if pid in found:
            continue
        found.add(pid)
        with contextlib.suppress(OSError):
            below = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            queue += [int(word) for word in below.split()]
    total = 0
    for pid in found:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024


def held(door: Door, path: str, pids: Iterable[int]) -> dict[str, float]:
    """Open streams, and return how many a MiB of the server's memory holds."""
    known = tuple(pids)
    before = resident(known)
    streams: list[Any] = []
    try:
        for _ in range(HELD):
            connection = door.connection(30)
            headers = {"Host": door.host, "Accept": "text/event-stream"}
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            if answer.status == HTTPStatus.OK and answer.readline():
                streams.append((connection, answer))
        time.sleep(1)
        grown = resident(known) - before
    finally:
        for connection, _ in streams:
            connection.close()
    return {"open": float(len(streams)), "mib": grown, "each": len(streams) / grown}


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)
