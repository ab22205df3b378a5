"""The project's own image built, run as compose would, and asked from inside."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import judges

from nextwizard.document import read_set
from nextwizard.values import Host
from nextwizard.workflow import apply, inspect, propose


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine import Engine


PROJECTS = Path(__file__).with_name("projects")
HOST = Host(2, 2048, {"nginx": "1.22.1", "caddy": "2.6.2"})
NAME = "ticker.example.org"
PYTHON, PROXY = "python:3.13-slim-trixie", "nginx:1.22"
DATABASES, CACHE = {"postgresql": "postgres:17", "mysql": "mysql:8.4"}, "redis:8"
BALANCED = (
    f"hosting.domains={NAME}",
    "hosting.tls=upstream",
    "hosting.trusted_proxies=10.0.0.0/8",
)
LOCKED = (
    *("--read-only", "--tmpfs", "/tmp:size=64m", "--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges", "--network", "none"),
)
HTTPS = ("-H", "X-Forwarded-Proto: https")


@dataclass(frozen=True, slots=True)
class Built:
    """The project's own image, and the deployment it was built from."""

    on: Engine
    root: Path
    image: str

    @property
    def secret(self) -> str:
        text = (self.root / "deploy" / "ticker.env").read_text(encoding="utf-8")
        found = re.search(r"(?m)^SECRET_KEY=(.+)$", text)
        assert found
        return found[1]

    @contextlib.contextmanager
    def running(self, *more: str, image: str = "") -> Iterator[Container]:
        """Run it as the compose file would, until the block ends."""
        name = f"c{time.monotonic_ns()}"
        secret = ("--env", f"SECRET_KEY={self.secret}")
        self.on.podman("run", "-d", "--name", name, *more, *secret, image or self.image)
        try:
            yield Container(self.on, name)
        finally:
            self.on.podman("rm", "--force", "--time", "0", name, check=False)


@dataclass(frozen=True, slots=True)
class Container:
    """A running container, asked from inside of its own network."""

    on: Engine
    name: str

    def state(self, what: str) -> str:
        return self.on.podman("inspect", self.name, "--format", what).stdout.strip()

    def inside(self, *argv: str) -> list[str]:
        return ["nsenter", "-t", self.state("{{.State.Pid}}"), "-n", *argv]

    def status(self, path: str, host: str = NAME, *more: str) -> str:
        form = ("-s", "-o", "/dev/null", "-m", "20", "-w", "%{http_code}")
        url = f"http://127.0.0.1:8000{path}"
        argv = self.inside("curl", *form, *more, "-H", f"Host: {host}", url)
        return judges.run(*argv).stdout

    def logs(self) -> str:
        done = self.on.podman("logs", self.name, check=False)
        return done.stdout + done.stderr

    def answers(self, within: float = 90) -> bool:
        """Wait until it serves, whatever its own HEALTHCHECK says."""
        return _until(lambda: self.status("/healthz/") == "200", within)

    def asked(self) -> bool:
        """Run its own HEALTHCHECK once, which nothing else does here."""
        done = self.on.podman("healthcheck", "run", self.name, check=False)
        return done.returncode == 0

    def healthy(self, within: float = 90) -> bool:
        """Let its own HEALTHCHECK ask until it says yes."""
        return _until(self.asked, within)


def _until(ready: Callable[[], bool], within: float) -> bool:
    """Ask again and again; return whether it was so in time."""
    ends = time.monotonic() + within
    while time.monotonic() < ends:
        if ready():
            return True
        time.sleep(0.3)
    return False


def deployment(
    parent: Path,
    project: str,
    *answers: str,
    edit: Callable[[Path], None] = lambda _: None,
) -> Path:
    """Copy a sample project, edit the copy, and make its deployment."""
    root = parent / "ticker"
    shutil.copytree(PROJECTS / project, root)
    edit(root)
    apply(propose(inspect(str(root), HOST), [read_set(answers)]))
    return root


__all__ = ["Built", "Container", "deployment"]
