"""PostgreSQL and Redis on loopback, from Debian's packages, ended by their pids."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from support import missing, needed

from nextwizard.stage import free_port


if TYPE_CHECKING:
    from collections.abc import Iterator


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _until(port: int, *, up: bool) -> None:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        if _accepts(port) is up:
            return
        time.sleep(0.05)
    message = f"port {port} is not {'up' if up else 'down'}"
    raise AssertionError(message)


@dataclass
class Service:
    """A server that can be stopped and started again on the same data."""

    command: list[str]
    port: int
    log: Path
    user: int | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.log.parent,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.user,
            )
        _until(self.port, up=True)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(15)
            self.process.kill()
            self.process.wait(5)
            self.process = None
            _until(self.port, up=False)


def _postgres_bin() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    return Path(needed("initdb")).parent


@dataclass
class Database:
    """A running PostgreSQL, and how many connections an application holds."""

    service: Service
    bin: Path

    @property
    def url(self) -> str:
        return f"postgresql://site@127.0.0.1:{self.service.port}/postgres"

    def connections(self) -> int:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = "
            # The psql that counted just before may still be on its way out.
            "'client backend' AND application_name <> 'psql'"
        )
        done = subprocess.run(
            [str(self.bin / "psql"), self.url, "-Atqc", query],
            capture_output=True,
            check=True,
            text=True,
            timeout=20,
        )
        return int(done.stdout)


@contextlib.contextmanager
def postgresql() -> Iterator[Database]:
    """Run a PostgreSQL of its own, with trust on loopback, until the block ends."""
    binaries = _postgres_bin()
    user = None
    if os.geteuid() == 0:
        import pwd

        try:
            user = pwd.getpwnam("postgres").pw_uid
        except KeyError:
            missing("postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        if user is not None:
            os.chown(folder, user, -1)
        data = folder / "data"
        subprocess.run(
            [
                *(str(binaries / "initdb"), "-D", str(data), "-U", "site"),
                *("-A", "trust", "--no-sync", "-E", "UTF8"),
            ],
            capture_output=True,
            check=True,
            cwd=folder,
            timeout=60,
            user=user,
        )
        port = free_port()
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
        flags = [f"--{key}={value}" for key, value in options.items()]
        command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port), *flags]
        service = Service([*command, "--fsync=off"], port, folder / "log", user)
        service.start()
        try:
            yield Database(service, binaries)
        finally:
            service.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def redis() -> Iterator[Service]:
    """Run a Redis of its own, without persistence, until the block ends."""
    binary = needed("redis-server")
    with tempfile.TemporaryDirectory(prefix="rd") as folder:
        port = free_port()
        flags = ["--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        service = Service([binary, *flags], port, Path(folder, "log"))
        service.start()
        try:
            yield service
        finally:
            service.stop()
