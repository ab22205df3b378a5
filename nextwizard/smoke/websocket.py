"""As much of RFC 6455 as a probe needs: a handshake, and frames of up to 64 KiB."""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .probe import Failed


if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping
    from http.client import HTTPConnection
    from io import BufferedReader


_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 1.3: what the server appends to the client's key."""

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
"""Opcodes of RFC 6455, section 5.2."""

_TWO_BYTES, _EIGHT_BYTES = 126, 127
"""Lengths of RFC 6455, section 5.2, that say how many bytes hold the real one."""

SWITCHING = 101


def accept(key: str) -> str:
    """Return what Sec-WebSocket-Accept must say to a key."""
    digest = hashlib.sha1(f"{key}{_GUID}".encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def frame(opcode: int, data: bytes, mask: bytes = b"") -> bytes:
    """Return one final frame; a client's has a mask of four bytes."""
    flag = 0x80 if mask else 0
    if len(data) < _TWO_BYTES:
        head = struct.pack("!BB", 0x80 | opcode, flag | len(data))
    else:
        head = struct.pack("!BBH", 0x80 | opcode, flag | _TWO_BYTES, len(data))
    if mask:
        data = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
    return head + mask + data


def read_frame(file: BufferedReader) -> tuple[int, bytes]:
    """Return opcode and data of the next frame; OSError when the connection ends."""
    head = file.read(2)
    if len(head) < 2:  # noqa: PLR2004 - flags with opcode, length
        message = "the websocket was closed"
        raise ConnectionResetError(message)
    length = head[1] & 0x7F
    if length == _TWO_BYTES:
        (length,) = struct.unpack("!H", file.read(2))
    elif length == _EIGHT_BYTES:
        (length,) = struct.unpack("!Q", file.read(8))
    mask = file.read(4) if head[1] & 0x80 else b""
    data = file.read(length)
    if mask:
        data = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
    return head[0] & 0x0F, data


def serve_echo(peer: socket.socket, file: BufferedReader, key: str) -> None:
    """Answer a handshake, then send every text and ping back until it is closed."""
    peer.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: "
        + accept(key).encode()
        + b"\r\n\r\n"
    )
    while True:
        opcode, data = read_frame(file)
        if opcode == CLOSE:
            peer.sendall(frame(CLOSE, data))
            return
        peer.sendall(frame(PONG if opcode == PING else opcode, data))


@dataclass(slots=True)
class Socket:
    """An open websocket, as a page of the site holds one."""

    raw: socket.socket
    file: BufferedReader

    def send(self, opcode: int, data: bytes) -> None:
        """Send one masked frame."""
        self.raw.sendall(frame(opcode, data, os.urandom(4)))

    def receive(self, opcode: int) -> bytes:
        """Return the data of the next frame of this kind; OSError when none comes."""
        while True:
            kind, data = read_frame(self.file)
            if kind == opcode:
                return data
            if kind == CLOSE:
                code = struct.unpack("!H", data[:2])[0] if data else 0
                message = f"the websocket was closed with {code}"
                raise ConnectionResetError(message)

    def close(self) -> None:
        """Say goodbye and close."""
        with suppress(OSError):
            self.send(CLOSE, struct.pack("!H", 1000))
        self.file.close()
        self.raw.close()


def dial(
    connection: HTTPConnection, path: str, headers: Mapping[str, str]
) -> Socket | int:
    """Ask for an upgrade: return the open websocket, or the status that refused it."""
    key = base64.b64encode(os.urandom(16)).decode()
    connection.connect()
    raw: socket.socket = connection.sock
    said = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Version": "13",
        **headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    raw.sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
    file: BufferedReader = raw.makefile("rb")
    words = file.readline().split()
    status = int(words[1]) if len(words) > 1 else 0
    answered: dict[str, str] = {}
    while line := file.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        answered[name.lower()] = value.strip()
    if status != SWITCHING:
        file.close()
        connection.close()
        return status
    if answered.get("sec-websocket-accept") != accept(key):
        message = "somebody between answered the handshake with the wrong key"
        raise Failed(message)
    return Socket(raw, file)


__all__ = ["PING", "PONG", "TEXT", "Socket", "dial", "serve_echo"]
