"""Asks a site at a steady rate, each request on a connection of its own, never twice.

Requests start when they are due, whether or not earlier ones were answered, so a stall
shows as a wait and is not hidden by a client that waits too. Standard library alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import ssl
import time
from collections import Counter
from dataclasses import asdict, dataclass, field


PATIENCE_S = 60.0
"""Seconds until a request without an answer is a failed one."""


@dataclass
class Outcome:
    """What became of the requests: how many, which failed and why, how long they took.

    `rate` is what was reached, a second; `longest` and `median` are in seconds.
    """

    sent: int = 0
    failed: int = 0
    causes: dict[str, int] = field(default_factory=dict)
    when: list[float] = field(default_factory=list)
    rate: float = 0.0
    median: float = 0.0
    longest: float = 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """A site: its name, where it is, and whether it speaks TLS."""

    host: str
    port: int = 443
    tls: bool = True
    paths: tuple[str, ...] = ("/healthz/",)
    headers: str = ""
    address: str = "127.0.0.1"


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _ask(target: Target, path: str, context: ssl.SSLContext | None) -> str:
    """Return nothing when the whole answer is a 200, else the cause."""
    try:
        reader, writer = await asyncio.open_connection(
            target.address,
            target.port,
            ssl=context,
            server_hostname=target.host if context else None,
        )
    except OSError as error:
        return f"connect: {type(error).__name__} {error.errno or ''}".rstrip()
    try:
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {target.host}\r\n{target.headers}"
            "Connection: close\r\n\r\n".encode()
        )
        data = await reader.read(-1)
    except OSError as error:
        return f"read: {type(error).__name__}"
    finally:
        writer.close()
    head, _, body = data.partition(b"\r\n\r\n")
    status = head[9:12].decode("ascii", "replace")
    if status != "200":
        return f"status {status}" if status else "closed without an answer"
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:") and len(body) < int(line[15:]):
            return "cut short"
        if line == b"transfer-encoding: chunked" and not body.endswith(b"0\r\n\r\n"):
            return "cut short"
    return ""


async def _run(target: Target, rate: float, seconds: float) -> Outcome:
    context = _context() if target.tls else None
    begun = time.monotonic()
    took: list[float] = []
    failures: list[tuple[float, str]] = []

    async def one(number: int) -> None:
        path = target.paths[number % len(target.paths)]
        start = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_S):
                cause = await _ask(target, path, context)
        except TimeoutError:
            cause = "no answer"
        took.append(time.monotonic() - start)
        if cause:
            failures.append((round(start - begun, 2), f"{path} {cause}"))

    tasks = []
    for number in range(int(rate * seconds)):
        wait = begun + number / rate - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(one(number)))
    sending = time.monotonic() - begun
    await asyncio.gather(*tasks)
    took.sort()
    return Outcome(
        sent=len(tasks),
        failed=len(failures),
        causes=dict(Counter(cause for _, cause in failures)),
        when=sorted(at for at, _ in failures)[:20],
        rate=round(len(tasks) / sending, 1),
        median=round(took[len(took) // 2], 4),
        longest=round(took[-1], 3),
    )


def _room() -> None:
    """Let as many requests wait at once as this machine allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def press(target: Target, rate: float, seconds: float) -> Outcome:
    """Ask a site at this rate for so many seconds; return what became of it."""
    _room()
    return asyncio.run(_run(target, rate, seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--port", type=int, default=443)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--plain", action="store_true", help="without TLS")
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--rate", type=float, default=120)
    parser.add_argument("--seconds", type=float, default=10)
    said = parser.parse_args()
    target = Target(
        said.host,
        said.port,
        not said.plain,
        tuple(said.paths),
        "".join(f"{line}\r\n" for line in said.header),
        said.address,
    )
    print(json.dumps(asdict(press(target, said.rate, said.seconds))))  # noqa: T201


if __name__ == "__main__":
    main()
