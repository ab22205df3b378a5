"""A visitor of the deployment: HTTP through the proxy, or straight to the server."""

from __future__ import annotations

import http.client
import socket
import time
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, override

from nextwizard import stageproxy


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from http.client import HTTPConnection

    from nextwizard.stage import Stage


TURNED_AWAY = 429
"""What the proxy answers an address that asks more often than hosting.rate_limit."""

WAIT_S = 15.0
"""Seconds a visitor waits for an answer; a cold page takes less than one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response: its status, every header in order, its body."""

    status: int
    rows: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.rows if key.lower() == name.lower()]

    def one(self, name: str) -> str:
        """Return the values of a header, joined, or nothing."""
        return ", ".join(self.all(name))


class _Local(http.client.HTTPConnection):
    """A connection to a socket file."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    @override
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Asks a staged deployment as somebody outside would.

    `proxied` is false where no proxy runs: then the visitor takes the place of whoever
    ends TLS, and says so in X-Forwarded-Proto.
    """

    on: Stage
    proxied: bool = True

    @property
    def host(self) -> str:
        """The canonical name of the deployment."""
        return self.on.text("edge.canonical")

    @property
    def limited(self) -> int:
        """How many requests a second the proxy lets this address make, 0 for any."""
        return self.on.number("edge.rate")

    @property
    def balanced(self) -> bool:
        """Whether TLS ends before the proxy, at a balancer, which the visitor plays."""
        return self.on.text("tls.kind") == "upstream"

    def connect(
        self,
        *,
        tls: bool = True,
        name: str = "",
        source: str = "",
        timeout: float = WAIT_S,
    ) -> HTTPConnection:
        """Return a connection to the front: the proxy, or the server without one."""
        if not self.proxied:
            return self.direct(timeout=timeout)
        tls = tls and not self.balanced
        found = stageproxy.connect(self.on, name or self.host, tls=tls, timeout=timeout)
        if source:
            found.source_address = (source, 0)  # type: ignore[attr-defined]
        return found

    def direct(self, *, timeout: float = WAIT_S) -> HTTPConnection:
        """Return a connection to the application's own socket."""
        if self.on.unix:
            return _Local(self.on.listen, timeout)
        host, _, port = self.on.listen.rpartition(":")
        return http.client.HTTPConnection(host, int(port), timeout=timeout)

    def headers(
        self, more: Mapping[str, str] | None = None, *, tls: bool = True
    ) -> dict[str, str]:
        """Return the headers of a request, the balancer's where one is played."""
        said = {"Host": self.host}
        if tls and (self.balanced or not self.proxied):
            said["X-Forwarded-Proto"] = "https"
        return {**said, **(more or {})}

    def get(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        tls: bool = True,
        name: str = "",
        source: str = "",
    ) -> Answer:
        """Return the answer to one GET on a connection of its own.

        Where the proxy limits how often one address may ask, it waits for its turn.
        """
        said = self.headers(headers, tls=tls)
        ends = time.monotonic() + WAIT_S
        while True:
            with closing(self.connect(tls=tls, name=name, source=source)) as connection:
                answer = exchange(connection, "GET", path, said)
            turned = answer.status == TURNED_AWAY and self.limited
            if not turned or time.monotonic() > ends:
                return answer
            time.sleep(1 / self.limited)

    def ask_server(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Return the server's own answer, past the proxy."""
        with closing(self.direct()) as connection:
            return exchange(
                connection, "GET", path, {"Host": self.host, **(headers or {})}
            )


def exchange(
    connection: HTTPConnection,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | Iterator[bytes] | None = None,
) -> Answer:
    """Send one request and read the whole answer."""
    connection.request(method, path, body=body, headers=dict(headers))
    answer = connection.getresponse()
    return Answer(answer.status, tuple(answer.getheaders()), answer.read())


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream, and when its last line arrived, by the monotonic clock."""

    data: bytes
    at: float


def events(
    connection: HTTPConnection, path: str, headers: Mapping[str, str]
) -> Iterator[Event]:
    """Yield the events of a stream as they arrive; OSError when it is no stream.

    Comments, such as a heartbeat, are events without data.
    """
    said = {**headers, "Accept": "text/event-stream"}
    connection.request("GET", path, headers=said)
    answer = connection.getresponse()
    kind = answer.headers.get("Content-Type", "no type")
    if answer.status != HTTPStatus.OK or not kind.startswith("text/event-stream"):
        message = f"{path} answered {answer.status} {kind}, which is no event stream"
        raise OSError(message)
    data = b""
    while line := answer.readline():
        if line.startswith(b"data:"):
            data += line[5:].strip()
        elif not line.strip():
            yield Event(data, time.monotonic())
            data = b""


__all__ = ["TURNED_AWAY", "WAIT_S", "Answer", "Event", "Visitor", "events", "exchange"]
