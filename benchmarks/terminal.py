"""Rows P10 to P12: the wizard in a pty, with the bytes of real keys."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import termios
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import expressed
from measure import environment


if TYPE_CHECKING:
    from collections.abc import Sequence

    from peers import Environments


KEYS = 200
OPENED = 7
"""Starts of each application for its first frame."""
QUIET = 0.15
"""Seconds without output after which what a key changed is painted."""
BARE = """
from textual.app import App
from textual.widgets import Input, Static

class Bare(App):
    def compose(self):
        yield Static("Hello")
        yield Input()

Bare().run()
"""
_HANDLER = """
import json, sys, time
from nextwizard.document import read_set
from nextwizard.workflow import inspect, propose
seen = inspect(sys.argv[1])
took = []
for number in range(210):
    said = [read_set([f"project.name=notes{number}"])]
    began = time.process_time()
    propose(seen, said)
    took.append(time.process_time() - began)
print(json.dumps(sorted(took[10:])))
"""
"""What a key costs before anything is drawn: every decision, every file, every diff."""


class Screen:
    """An application in a pty of 140 columns and 45 lines."""

    def __init__(self, argv: Sequence[str], env: dict[str, str]) -> None:
        """Start it."""
        self.began = time.perf_counter()
        self.pid, self.tty = pty.fork()
        if self.pid == 0:
            os.execve(argv[0], argv, env)  # noqa: S606
        fcntl.ioctl(self.tty, termios.TIOCSWINSZ, struct.pack("HHHH", 45, 140, 0, 0))

    def read(self, wait: float) -> bytes:
        """Return what comes within some seconds, empty when nothing does."""
        ready, _, _ = select.select([self.tty], [], [], wait)
        return os.read(self.tty, 65536) if ready else b""

    def until(self, words: bytes) -> float:
        """Return the seconds from the start until these words were painted."""
        seen = b""
        while words not in seen:
            data = self.read(30)
            if not data:
                message = f"{words!r} was never painted: {seen[-2000:]!r}"
                raise RuntimeError(message)
            seen += data
        return time.perf_counter() - self.began

    def settle(self) -> None:
        """Read until nothing comes for a while."""
        while self.read(QUIET * 2):
            pass

    def press(self, key: bytes) -> tuple[float, float]:
        """Return the ms from a key to the first and to the last byte it brought."""
        began = time.perf_counter()
        os.write(self.tty, key)
        first = last = 0.0
        while self.read(QUIET):
            last = time.perf_counter()
            first = first or last
        return 1000 * (first - began), 1000 * (last - began)

    def cpu(self) -> float:
        """Return the seconds of CPU it used until now."""
        words = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        """Kill it by its pid."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.tty)


def _typed(screen: Screen) -> dict[str, Any]:
    """Type a letter and take it back, again and again.

    One letter stays, so that no key turns an answer into the default or back.
    """
    screen.settle()
    screen.press(b"q")
    before = screen.cpu()
    pairs = [screen.press(b"x" if n % 2 == 0 else b"\x7f") for n in range(KEYS)]
    used = (screen.cpu() - before) * 1000 / KEYS
    echoes = sorted(first for first, _ in pairs if first > 0)
    paints = sorted(last for _, last in pairs if last > 0)
    return {
        "keys": len(echoes),
        "cpu": used,
        "echo": (statistics.median(echoes), echoes[int(len(echoes) * 0.95)]),
        "paint": (statistics.median(paints), paints[int(len(paints) * 0.95)]),
    }


def run(scratch: Path, env: Environments) -> dict[str, Any]:
    """Start both applications in turn, then type into each."""
    root = scratch / expressed.NAME
    expressed.project(root)
    (scratch / "bare.py").write_text(BARE)
    about = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    around = environment({**about, "XDG_STATE_HOME": str(scratch / "state")})
    argv = {
        "own": [env.ours(), "init", str(root)],
        "bare": [env.ours("python"), str(scratch / "bare.py")],
    }
    marks = {"own": b"What is the project called?", "bare": b"Hello"}
    frames: dict[str, list[float]] = {"own": [], "bare": []}
    typed = {}
    for number in range(OPENED):
        for tool, words in argv.items():
            screen = Screen(words, around)
            try:
                frames[tool].append(screen.until(marks[tool]))
                if number == OPENED - 1:
                    typed[tool] = _typed(screen)
            finally:
                screen.end()
    argv_handler = [env.ours("python"), "-c", _HANDLER, str(root)]
    done = subprocess.run(argv_handler, check=True, capture_output=True, env=around)
    return {"frames": frames, "typed": typed, "handler": json.loads(done.stdout)}
