"""Inside the machine: systemctl, the visitor, the stream, and the runbook's commands.

Runs as root on the machine that tests/machine.py boots; the standard library alone.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, override


FACTS: dict[str, Any] = json.loads(Path("/lab/facts.json").read_text(encoding="utf-8"))
NAME: str = FACTS["project.name"]
ROOT: str = FACTS["paths.root"]
HOST: str = FACTS["edge.canonical"]
PROXY: str = FACTS["proxy.kind"]
TLS: bool = PROXY != "none" and FACTS["tls.kind"] != "upstream"
BASE: str = FACTS["edge.prefix"]
BALANCED: bool = PROXY != "none" and not TLS
ADDRESS = "10.0.0.1" if BALANCED else "127.0.0.1"
"""Where visitors come from: a balancer's network, when one stands in front."""

BROKEN = "\nraise RuntimeError('a broken release')\n"


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str


def run(*argv: str, **env: str) -> Done:
    """Run a program; its whole output counts as one."""
    done = subprocess.run(
        argv,
        check=False,
        env={**os.environ, **env},
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    return Done(done.returncode, done.stdout)


def must(*argv: str, **env: str) -> str:
    done = run(*argv, **env)
    assert done.code == 0, f"{shlex.join(argv)}: exit {done.code}\n{done.out}{tail()}"
    return done.out


def tail(unit: str = NAME, lines: int = 40) -> str:
    """Return the end of a unit's journal, for the message of a failure."""
    said = run("journalctl", "-u", unit, "-n", str(lines), "--no-pager", "-o", "cat")
    return f"\n--- journal of {unit}\n{said.out}"


def show(key: str, unit: str = NAME) -> str:
    said = run("systemctl", "show", "-p", key, "--value", unit)
    return said.out.strip()


def until(ready: Any, limit: float, what: str) -> float:
    """Wait for something; return the seconds it took, fail with the journal."""
    begun = time.monotonic()
    while time.monotonic() - begun < limit:
        if ready():
            return time.monotonic() - begun
        time.sleep(0.05)
    message = f"{what}: not within {limit} s{tail()}"
    raise AssertionError(message)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class _Named(http.client.HTTPSConnection):
    """TLS to loopback with the site's name."""

    @override
    def connect(self) -> None:
        self.sock = socket.create_connection((ADDRESS, 443), self.timeout)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock, server_hostname=HOST)


def connection(timeout: float = 40) -> http.client.HTTPConnection:
    """Return a connection as a visitor makes it, to the proxy or what stands for it."""
    if TLS:
        return _Named(ADDRESS, timeout=timeout)
    port = 80
    if PROXY == "none":
        port = int(FACTS["server.listen"].rpartition(":")[2])
    return http.client.HTTPConnection(ADDRESS, port, timeout=timeout)


def said() -> dict[str, str]:
    """Return a visitor's headers; a balancer in front says that TLS ended there."""
    more = {} if TLS else {"X-Forwarded-Proto": "https"}
    return {"Host": HOST, **more}


def get(path: str, timeout: float = 40) -> Answer:
    asked = connection(timeout)
    try:
        asked.request("GET", BASE + path, headers=said())
        answer = asked.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read())
    finally:
        asked.close()


def status(path: str = "/healthz/") -> int:
    """Return a page's status, 0 when nobody answers."""
    try:
        return get(path).status
    except (OSError, http.client.HTTPException):
        return 0


def answers() -> bool:
    return status() == 200


class Stream(threading.Thread):
    """An open stream of events, one a second; it notes when it ends."""

    def __init__(self, gap: float = 1.0, count: int = 50) -> None:
        super().__init__(daemon=True)
        self.path = f"/live/?gap={gap}&count={count}"
        self.count = count
        self.seen = 0
        self.over = 0.0
        self.start()
        until(lambda: self.seen or self.over, 20, "the first event")
        assert self.seen, "the stream ended at once"

    @override
    def run(self) -> None:
        asked = connection(90)
        try:
            asked.request("GET", BASE + self.path, headers=said())
            answer = asked.getresponse()
            while line := answer.readline():
                self.seen += line.startswith(b"data:")
        except (OSError, http.client.HTTPException):
            pass
        finally:
            self.over = time.monotonic()
            asked.close()


@dataclass
class Load:
    """Steady requests from a process of their own."""

    rate: float
    seconds: float
    paths: tuple[str, ...] = ("/healthz/", "/healthz/", "/healthz/", "/")
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        port = connection().port or 443
        command = [
            *(sys.executable, "/lab/load.py", HOST),
            *(BASE + path for path in self.paths),
            *("--address", ADDRESS, "--port", str(443 if TLS else port)),
            *("--rate", str(self.rate), "--seconds", str(self.seconds)),
            *([] if TLS else ["--plain", "--header", "X-Forwarded-Proto: https"]),
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def result(self) -> dict[str, Any]:
        out, _ = self.process.communicate(timeout=self.seconds + 120)
        found: dict[str, Any] = json.loads(out)
        return found


def blocks(section: str) -> list[str]:
    """Return the commands of one section of the runbook, as they stand there."""
    text = Path(ROOT, "deploy/README.md").read_text(encoding="utf-8")
    part = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"(?s)```sh\n(.*?)```", part)


def shell(commands: str, **env: str) -> str:
    """Run commands the way a person at the host would, in one shell, stop at the first
    that fails."""
    path = f"{Path(FACTS['python']).parent}:/lab/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    Path("/lab/commands.sh").write_text(commands, encoding="utf-8")
    env |= {"PATH": path, "LC_ALL": "C.UTF-8"}
    return must("/bin/sh", "-eux", "/lab/commands.sh", **env)


__all__ = ["Answer", "Done", "Load", "Stream", "answers", "blocks", "get", "shell"]
