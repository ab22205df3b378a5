"""Stands where the application will, and tells what a proxy really hands on.

It speaks HTTP/1.x and the uwsgi protocol, keeps every request it gets, and answers what
the probe wants: a body, a stream of events, or the echo of a websocket.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from . import websocket


if TYPE_CHECKING:
    from io import BufferedReader
    from types import TracebackType

    from nextwizard.stage import Stage


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it reached the application."""

    method: str
    target: str
    version: str
    rows: tuple[tuple[str, str], ...]
    size: int
    connection: int

    def all(self, name: str) -> list[str]:
        """Return every value of a header, empty ones left out."""
        return [
            value for key, value in self.rows if key.lower() == name.lower() and value
        ]

    def one(self, name: str) -> str:
        """Return the values of a header, joined, or nothing."""
        return ", ".join(self.all(name))


@dataclass(slots=True)
class Reply:
    """What the recorder answers until it is told otherwise.

    `gaps` are seconds before each event of a stream, which ends by closing: the form of
    a body that a proxy is most tempted to collect.
    """

    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/plain"),)
    body: bytes = b"recorded"
    gaps: tuple[float, ...] = ()


@dataclass
class Recorder:
    """A server at the application's address, until the block ends."""

    on: Stage
    reply: Reply = field(default_factory=Reply)
    requests: list[Received] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    _open: set[socket.socket] = field(default_factory=set)
    _count: int = 0

    def __enter__(self) -> Self:
        """Listen where the server will."""
        self._listeners = _listen(self.on)
        for listener in self._listeners:
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening and close every connection."""
        for listener in self._listeners:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for peer in [*self._open]:
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        if self.on.unix:
            with suppress(FileNotFoundError):
                os.unlink(self.on.listen)

    def expecting(self, reply: Reply) -> None:
        """Answer this from now on, and forget what came before."""
        self.reply = reply
        self.requests.clear()
        self.sent.clear()

    @property
    def last(self) -> Received:
        """The request that came last; OSError when none reached the application."""
        if not self.requests:
            message = "the request did not reach the application"
            raise OSError(message)
        return self.requests[-1]

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            self._count += 1
            self._open.add(peer)
            threading.Thread(
                target=self._serve, args=(peer, self._count), daemon=True
            ).start()

    def _serve(self, peer: socket.socket, number: int) -> None:
        with suppress(OSError, ValueError, struct.error), peer:
            peer.settimeout(120)
            with peer.makefile("rb") as file:
                while self._one(peer, file, number):
                    pass
        self._open.discard(peer)

    def _one(self, peer: socket.socket, file: BufferedReader, number: int) -> bool:
        """Serve one request; return whether the connection goes on."""
        uwsgi = self.on.text("server.protocol") == "uwsgi"
        request = (_uwsgi if uwsgi else _http)(peer, file, number)
        if request is None:
            return False
        if self._probes(request):
            peer.sendall(_head((("Content-Length", "0"),)))
            return True
        self.requests.append(request)
        if _upgrades(request):
            websocket.serve_echo(peer, file, request.one("Sec-WebSocket-Key"))
            return False
        if self.reply.gaps:
            self._stream(peer)
            return False
        keep = request.version == "HTTP/1.1" and request.one("Connection") != "close"
        keep = keep and not uwsgi
        rows = (
            *self.reply.headers,
            ("Content-Length", str(len(self.reply.body))),
            ("Connection", "keep-alive" if keep else "close"),
        )
        peer.sendall(_head(rows) + self.reply.body)
        return keep

    def _probes(self, request: Received) -> bool:
        """Tell whether the proxy itself asks, to know if this host is there."""
        alive = self.on.hosts and self.on.text("hosts.alive_path")
        return request.target == alive and not request.one("X-Forwarded-For")

    def _stream(self, peer: socket.socket) -> None:
        """Send one event after each gap, then close."""
        kinds = (("Content-Type", "text/event-stream"), ("Connection", "close"))
        peer.sendall(_head(kinds))
        for number, gap in enumerate(self.reply.gaps):
            time.sleep(gap)
            self.sent.append(time.monotonic())
            peer.sendall(b"data: %d\n\n" % number)


def _upgrades(request: Received) -> bool:
    """Tell whether RFC 6455, section 4.2.1, lets a server take this for a websocket."""
    return (
        request.version == "HTTP/1.1"
        and request.one("Upgrade").lower() == "websocket"
        and "upgrade" in request.one("Connection").lower()
    )


def _listen(on: Stage) -> tuple[socket.socket, ...]:
    """Listen wherever the application will: a socket file, a port, one of each host."""
    if on.hosts:
        return tuple(socket.create_server(("127.0.0.1", port)) for port in on.hosts)
    if not on.unix:
        host, _, port = on.listen.rpartition(":")
        return (socket.create_server((host, int(port))),)
    os.makedirs(os.path.dirname(on.listen), exist_ok=True)
    with suppress(FileNotFoundError):
        os.unlink(on.listen)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(on.listen)
    except OSError:
        listener.close()
        raise
    os.chmod(on.listen, 0o666)  # noqa: S103 - a stand-in, for a proxy of any account
    listener.listen(64)
    return (listener,)


def _head(rows: tuple[tuple[str, str], ...]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in rows)
    return f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode()


def _http(peer: socket.socket, file: BufferedReader, number: int) -> Received | None:
    """Read one HTTP request, its body counted and thrown away."""
    words = file.readline(65536).decode("latin-1").split()
    if len(words) != 3:  # noqa: PLR2004 - method, target, version
        return None
    rows: list[tuple[str, str]] = []
    while line := file.readline(65536).decode("latin-1").rstrip("\r\n"):
        name, _, value = line.partition(":")
        rows.append((name, value.strip()))
    said = {name.lower(): value for name, value in rows}
    if said.get("expect"):
        peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if said.get("transfer-encoding", "").lower() == "chunked":
        size = 0
        while length := int(file.readline().split(b";")[0], 16):
            size += len(file.read(length))
            file.readline()
        file.readline()
    else:
        size = _swallow(file, int(said.get("content-length") or 0))
    method, target, version = words
    return Received(method, target, version, tuple(rows), size, number)


def _uwsgi(_peer: socket.socket, file: BufferedReader, number: int) -> Received | None:
    """Read one request of the uwsgi protocol; HTTP_ variables become headers again."""
    head = file.read(4)
    if len(head) < 4:  # noqa: PLR2004 - modifier, size, modifier
        return None
    data = file.read(struct.unpack("<xHx", head)[0])
    words: list[str] = []
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<H", data, at)
        words.append(data[at + 2 : at + 2 + length].decode("latin-1"))
        at += 2 + length
    said = dict(zip(words[::2], words[1::2], strict=True))
    rows = [
        (name.removeprefix("HTTP_").replace("_", "-"), value)
        for name, value in said.items()
        if name.startswith("HTTP_")
    ]
    size = _swallow(file, int(said.get("CONTENT_LENGTH") or 0))
    target = said.get("REQUEST_URI", "")
    method = said.get("REQUEST_METHOD", "")
    rows += [("REMOTE_ADDR", said.get("REMOTE_ADDR", ""))]
    rows += [("HTTPS", said.get("HTTPS", ""))]
    return Received(method, target, "uwsgi", tuple(rows), size, number)


def _swallow(file: BufferedReader, length: int) -> int:
    """Read a body and return how much of it came."""
    left = length
    while left and (part := file.read(min(left, 65536))):
        left -= len(part)
    return length - left


__all__ = ["Received", "Recorder", "Reply"]
