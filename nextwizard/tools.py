"""External programs: is one there, which version, run it bounded, end it by its pid."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from .errors import Problem, ToolError


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Result:
    """What a program said and how it ended; 124 means that its time was up."""

    code: int
    out: str
    err: str


def find(*names: str) -> str:
    """Return the first of these programs that is installed, or nothing.

    The system directories count even where a user's PATH leaves them out.
    """
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    return next((hit for name in names if (hit := shutil.which(name, path=path))), "")


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
) -> Result:
    """Run a program to its end; ToolError when it cannot be started."""
    try:
        done = subprocess.run(
            list(argv),
            capture_output=True,
            check=False,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired as late:
        return Result(124, _text(late.stdout), _text(late.stderr))
    except OSError as error:
        raise _cannot(argv[0], error) from error
    return Result(done.returncode, _text(done.stdout), _text(done.stderr))


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")


def _cannot(program: str, error: OSError) -> ToolError:
    what = f"cannot be started: {error.strerror or error}"
    return ToolError(Problem(program, what, "Install it, or check its permissions."))


class Server:
    """A program that runs until it is ended, with everything it started."""

    def __init__(self, process: subprocess.Popen[bytes], log: str) -> None:
        """Take over a process that leads its own group."""
        self.process = process
        self.log = log

    @property
    def pid(self) -> int:
        """The process id, which is the group's too."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self.process.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal to the process alone."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def stop(self, timeout: float) -> float:
        """Ask it to end, then make it; return the seconds it took."""
        begun = time.monotonic()
        self.signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout)
        took = time.monotonic() - begun
        self.kill()
        return took

    def members(self) -> tuple[int, ...]:
        """Return the pids of its session that live: itself and all it started."""
        return tuple(pid for pid, lead in _sessions() if lead == self.pid)

    def kill(self) -> None:
        """End the whole session at once; nothing it started outlives it."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for pid in self.members():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(5)

    def said(self) -> str:
        """Return what it wrote so far."""
        with suppress(OSError), open(self.log, "rb") as file:
            return _text(file.read())
        return ""


def _sessions() -> Iterator[tuple[int, int]]:
    """Yield each living process with the leader of its session, or of its group."""
    if os.path.isdir("/proc/self"):
        for name in filter(str.isdigit, os.listdir("/proc")):
            with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                state, _, _, session = file.read().rpartition(b") ")[2].split()[:4]
                if state != b"Z":
                    yield int(name), int(session)
        return
    for line in run(["ps", "-axo", "pid=,pgid="], timeout=10).out.splitlines():
        pid, group = line.split()
        yield int(pid), int(group)


def start(
    argv: Sequence[str],
    *,
    log: str,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    keep: Sequence[int] = (),
) -> Server:
    """Start a program in a group of its own, writing to a log; ToolError when refused.

    `keep` names the descriptors it inherits.
    """
    with open(log, "ab") as file:
        process = _popen(argv, file, cwd, env, keep)
    return Server(process, log)


def _popen(
    argv: Sequence[str],
    file: IO[bytes],
    cwd: str | None,
    env: Mapping[str, str] | None,
    keep: Sequence[int],
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=env,
            pass_fds=tuple(keep),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    except OSError as error:
        raise _cannot(argv[0], error) from error


__all__ = ["Result", "Server", "find", "run", "start"]
