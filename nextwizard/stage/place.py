"""Where a deployment is staged, and what each of the host's paths becomes there."""

from __future__ import annotations

import os
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nextwizard.errors import Problem, ToolError
from nextwizard.tools import find, run


if TYPE_CHECKING:
    from collections.abc import Callable

    from nextwizard.values import Plan


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a deployment is staged: project, scratch directory, interpreter, ports.

    `app` is the port of the application on loopback, where it listens on one at all;
    0 leaves the generated one. `hosts` are those of several hosts, in their order.
    """

    root: str
    scratch: str
    plan: Plan
    python: str
    http: int
    https: int
    app: int = 0
    hosts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Give each of several hosts a port of its own, unless they have theirs."""
        if self.plan["hosts.on"] is True and not self.hosts:
            ports = free_ports(len(self.items("hosts.all")))
            object.__setattr__(self, "hosts", ports)

    @property
    def building(self) -> dict[str, str]:
        """What is set while static files are collected, where no secret is."""
        ours = {"DATABASE_URL": ""} if self.plan["data.url"] is True else {}
        return {"BUILD": "1", **ours}

    def text(self, key: str) -> str:
        """Return a decision as text."""
        return str(self.plan[key])

    def items(self, key: str) -> tuple[str, ...]:
        """Return a decision that is a list."""
        value = self.plan[key]
        return value if isinstance(value, tuple) else (str(value),)

    def number(self, key: str) -> int:
        """Return a decision that is a number."""
        value = self.plan[key]
        return value if isinstance(value, int) else 0

    def read(self, path: str) -> str:
        """Return one of the project's generated files."""
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            return file.read()

    def place(self, *parts: str) -> str:
        """Return a path in the scratch directory, its directory made."""
        place = os.path.join(self.scratch, *parts)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        return place

    def write(self, text: str, *parts: str) -> str:
        """Write a file into the scratch directory; return its path."""
        place = self.place(*parts)
        with open(place, "w", encoding="utf-8") as file:
            file.write(text)
        return place

    def moves(self) -> dict[str, str]:
        """Return where each absolute path, address and network lies on this stage."""
        text = self.text
        trusted = self.items("edge.trusted")[:1]
        return {
            text("paths.python"): self.python,
            text("paths.bin"): os.path.dirname(self.python),
            text("paths.venv"): os.path.dirname(os.path.dirname(self.python)),
            text("paths.uwsgi"): self.place("uwsgi.ini"),
            text("paths.root"): self.root,
            text("paths.static"): self.place("static"),
            text("paths.state"): self.place("state"),
            text("paths.env"): self.place("env"),
            text("tls.certificate") or "/none": self.place("tls", "fullchain.pem"),
            text("tls.key") or "/none": self.place("tls", "privkey.pem"),
            **self._fleet(),
            text("server.listen"): self.listen,
            f"app:{text('server.listen').rpartition(':')[2]}": self.listen,
            "/var/www/acme": self.place("acme"),
            **self._copies(),
            **dict.fromkeys(trusted, "127.0.0.1/32"),
        }

    def _fleet(self) -> dict[str, str]:
        """Return where each of several hosts listens on this stage."""
        found = zip(self.items("hosts.all"), self.hosts, strict=False)
        return {host: f"127.0.0.1:{port}" for host, port in found}

    def _copies(self) -> dict[str, str]:
        """Return the files that hold a path and so are copied to the stage, moved."""
        if self.text("hosting.target") != "supervisor":
            return {}
        return {
            self.text("paths.boot"): self.place("deploy", "boot.py"),
            self.text("paths.gunicorn"): self.place("deploy", "gunicorn.conf.py"),
            "/var/log/supervisor": os.path.dirname(self.place("log", "x")),
        }

    @property
    def unix(self) -> bool:
        """Whether the server listens on a socket file."""
        return self.plan["server.unix"] is True

    @property
    def listen(self) -> str:
        """Where the server listens on this stage: a socket file, or loopback."""
        if self.unix:
            return self.place("run", "app.sock")
        if self.hosts and not self.app:
            return f"127.0.0.1:{self.hosts[0]}"
        return f"127.0.0.1:{self.app}" if self.app else self.text("server.listen")

    def moved(self, text: str, quote: Callable[[object], str]) -> str:
        """Return a generated text with the host's paths replaced by the stage's."""
        moves = {
            _inside(quote, old): _inside(quote, new)
            for old, new in self.moves().items()
        }
        longest = sorted(moves, key=len, reverse=True)
        ends = r"(?![A-Za-z0-9_-]|\.[A-Za-z0-9])"
        pattern = "|".join(re.escape(old) for old in longest)
        return re.sub(f"({pattern}){ends}", lambda hit: moves[hit[1]], text)


def _inside(quote: Callable[[object], str], path: str) -> str:
    """Return a path as it stands between the quotes of a grammar."""
    quoted = quote(path)
    return quoted[1:-1] if quoted[:1] == '"' else quoted


def free_port() -> int:
    """Return a port on loopback that nobody listens on right now.

    It is chosen below the range from which the kernel takes the ports of outgoing
    connections, so none of them takes it before the server does. gixy reads 443 in any
    place of a port as TLS, so such ports are passed over.
    """
    while True:
        port = 20000 + int.from_bytes(os.urandom(2)) % 12000
        if "443" in str(port):
            continue
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def free_ports(count: int) -> tuple[int, ...]:
    """Return as many different ports on loopback that nobody listens on right now."""
    found: dict[int, None] = {}
    while len(found) < count:
        found[free_port()] = None
    return tuple(found)


def certificate(stage: Stage) -> str:
    """Make a throw-away certificate for the stage's domains; return its path."""
    openssl = find("openssl")
    if not openssl:
        raise ToolError(Problem("openssl", "is not installed", "Install openssl."))
    chain, key = stage.place("tls", "fullchain.pem"), stage.place("tls", "privkey.pem")
    names = ",".join(f"DNS:{name}" for name in stage.items("edge.domains"))
    made = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split()
    )
    subject = ["-subj", "/CN=stage", "-addext", f"subjectAltName={names}"]
    argv = [openssl, *made, *subject, "-keyout", key, "-out", chain]
    done = run(argv, timeout=30)
    if done.code:
        raise ToolError(Problem("openssl", done.err.strip()[-200:], ""))
    return chain


__all__ = ["Stage", "certificate", "free_port", "free_ports"]
