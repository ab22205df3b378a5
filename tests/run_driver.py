"""Runs nextwizard in forked children, as another account and with faults on request.

A program of its own, without threads: everything is imported and warm before a child
gives its rights away, so that the interpreter may lie where that account cannot look.
Each line on stdin is one request in JSON, each line on stdout its answer.

A run can be held where its first change would come: what it read and decided is done
once then, and each fault is met by a child that goes on from there.
"""

from __future__ import annotations

import gc
import json
import mmap
import os
import shutil
import signal
import socket
import struct
import sys
import tempfile
import traceback
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn


if TYPE_CHECKING:
    from collections.abc import Callable


FAULTY = (
    "chmod chown fchmod fchown fsync ftruncate link mkdir open rename replace rmdir "
    "setxattr unlink write"
).split()
"""Every call by which a run changes something; `open` only where it creates."""

SPACE = {"link", "mkdir", "open", "setxattr", "write"}
"""The calls that a full disk refuses."""


class Faults:
    """Counts the calls that change something, and makes one of them go wrong.

    A kill of a write leaves half of it. With `stay` all later calls fail as well, of a
    full disk those that take space.
    """

    def __init__(self, counter: mmap.mmap, spec: dict[str, Any]) -> None:
        self.counter = counter
        self.spec = spec

    @property
    def at(self) -> int:
        return int(self.spec.get("at", 0))

    def install(self) -> None:
        for name in FAULTY:
            if hasattr(os, name):
                setattr(os, name, self.wrapped(name, getattr(os, name)))

    def wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            if name == "open" and not args[1] & os.O_CREAT:
                return real(*args, **named)
            if name == "write" and args[0] in {1, 2}:
                return real(*args, **named)
            if "line" in self.spec:
                self.spec = stand(int(self.spec["line"]), self.counter)
            (count,) = struct.unpack("q", self.counter[:8])
            count += 1
            self.counter[:8] = struct.pack("q", count)
            if self.hits(name, count):
                self.fault(name, real, args)
            return real(*args, **named)

        return call

    def hits(self, name: str, count: int) -> bool:
        if self.spec.get("stay") and count > self.at > 0:
            return self.spec["kind"] != "errno" or (
                self.spec["errno"] != 28 or name in SPACE
            )
        return count == self.at

    def fault(self, name: str, real: Callable[..., Any], args: tuple[Any, ...]) -> None:
        kind = self.spec["kind"]
        if name == "write" and kind in {"kill", "errno"}:
            real(args[0], bytes(args[1])[: len(args[1]) // 2])
        if kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif kind == "errno":
            number = int(self.spec["errno"])
            place = next((a for a in args if isinstance(a, str)), None)
            raise OSError(number, os.strerror(number), place)
        elif kind == "signal":
            os.kill(os.getpid(), int(self.spec["signal"]))
        elif kind == "bug":
            raise RuntimeError(repr(sys._getframe(3).f_locals))
        elif kind == "save":
            self.save(name, args)
        elif kind == "hold":
            with open(self.spec["fifo"], "rb") as fifo:
                fifo.read()

    def save(self, name: str, args: tuple[Any, ...]) -> None:
        """Do what an editor does at this very moment: in place, or by a rename."""
        place = os.path.join(self.spec["root"], self.spec["path"])
        if self.spec.get("atomic"):
            if name in {"replace", "rename"} and args[1] == place:
                return  # between the last look and the rename nobody can look again
            Path(f"{place}.swp").write_bytes(self.spec["data"].encode())
            REAL["rename"](f"{place}.swp", place)
        else:
            Path(place).write_bytes(self.spec["data"].encode())


REAL = {name: getattr(os, name) for name in FAULTY if hasattr(os, name)}


def child(request: dict[str, Any], counter: mmap.mmap, out: int, err: int) -> NoReturn:
    with tempfile.TemporaryFile() as typed:
        typed.write(request.get("typed", "").encode())
        typed.seek(0)
        os.dup2(typed.fileno(), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        default = number != signal.SIGINT
        handler = signal.SIG_DFL if default else signal.default_int_handler
        signal.signal(number, handler)
    os.environ |= request.get("env", {})
    os.umask(request.get("umask", 0o022))
    os.chdir(request.get("cwd", "/"))
    uid = request.get("uid")
    if uid:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    code = 99
    try:
        from nextwizard.cli import main

        Faults(counter, request.get("fault", {})).install()
        code = main(request["argv"])
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 2
    except BaseException:  # noqa: BLE001 - what a user would see
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def ended(pid: int, out: IO[bytes], err: IO[bytes], counter: mmap.mmap) -> str:
    """Return how a child ended and what it said, in JSON."""
    _, status = os.waitpid(pid, 0)
    out.seek(0)
    err.seek(0)
    done = {
        "code": os.waitstatus_to_exitcode(status),
        "out": out.read().decode("utf-8", "replace"),
        "err": err.read().decode("utf-8", "replace"),
        "calls": struct.unpack("q", counter[:8])[0],
    }
    return json.dumps(done) + "\n"


def run(request: dict[str, Any]) -> str:
    """Run one request in a child to its end."""
    counter = mmap.mmap(-1, 8)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            child(request, counter, out.fileno(), err.fileno())
        return ended(pid, out, err, counter)


def stand(line: int, counter: mmap.mmap) -> dict[str, Any]:
    """Wait in front of the first change; return, in a child each, the fault to meet."""
    with socket.socket(fileno=line) as mine, mine.makefile("rw") as orders:
        orders.write("standing\n")
        orders.flush()
        for order in orders:
            counter[:8] = struct.pack("q", 0)
            with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
                pid = os.fork()
                if pid == 0:
                    os.dup2(out.fileno(), 1)
                    os.dup2(err.fileno(), 2)
                    spec: dict[str, Any] = json.loads(order)
                    return spec
                orders.write(ended(pid, out, err, counter))
                orders.flush()
    os._exit(0)


class Held:
    """A run that stands in front of its first change."""

    def __init__(self, request: dict[str, Any]) -> None:
        mine, line = socket.socketpair()
        with tempfile.TemporaryFile() as out:
            self.pid = os.fork()
            if self.pid == 0:
                mine.close()
                request["fault"] = {"line": line.detach()}
                child(request, mmap.mmap(-1, 8), out.fileno(), out.fileno())
        line.close()
        self.orders = mine.makefile("rw")
        mine.close()
        assert self.orders.readline() == "standing\n"

    def meet(self, fault: dict[str, Any]) -> str:
        """Go on in a child that meets a fault, to its end."""
        self.orders.write(json.dumps(fault) + "\n")
        self.orders.flush()
        return self.orders.readline()

    def close(self) -> None:
        self.orders.close()
        os.waitpid(self.pid, 0)


def warm(project: str) -> None:
    """Import and cache everything that the children will want."""
    import difflib  # noqa: F401
    import encodings.idna
    import encodings.unicode_escape  # noqa: F401 - warmed for the children, not used
    import importlib

    for name in (
        "answersfile cli.explain cli.init cli.regenerate cli.schema fast findings git "
        "joined merge scan.handlers scan.process scan.sockets scan.streams wizard "
        "write.undo"
    ).split():
        importlib.import_module(f"nextwizard.{name}")
    from nextwizard.cli import main

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "notes"
        shutil.copytree(project, root)
        null = os.open(os.devnull, os.O_WRONLY)
        kept = os.dup(1), os.dup(2)
        os.dup2(null, 1)
        os.dup2(null, 2)
        try:
            main(["init", str(root), "--yes"])
            main(["regenerate", str(root), "--set", "hosting.proxy=caddy"])
            main(["regenerate", str(root), "--check", "--json"])
            sys.stdout.flush()
        finally:
            os.dup2(kept[0], 1)
            os.dup2(kept[1], 2)


def serve() -> None:
    warm(sys.argv[1])
    gc.collect()
    gc.freeze()
    held: Held | None = None
    for line in sys.stdin:
        request = json.loads(line)
        if request.get("hold") and held:
            held.close()
        if request.get("hold"):
            held = Held(request)
            answer = "{}\n"
        elif "meet" in request and held:
            answer = held.meet(request["meet"])
        else:
            answer = run(request)
        sys.stdout.write(answer)
        sys.stdout.flush()
    if held:
        held.close()


if __name__ == "__main__":
    serve()
