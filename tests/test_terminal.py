"""The wizard in a real terminal: tmux sends the bytes of keys and shows the screen."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from support import needed
from verifying import judged
from walks import fingerprint

from nextwizard.guide import STEPS
from nextwizard.workflow import inspect, propose


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Terminal:
    """One window of a tmux server of its own."""

    def __init__(self, folder: Path, columns: int, lines: int) -> None:
        self.folder = folder
        self.columns, self.lines = columns, lines
        self.socket = str(folder / "tmux")
        self.out = folder / "out"

    def tmux(self, *argv: str) -> str:
        done = subprocess.run(
            [needed("tmux"), "-u", "-S", self.socket, *argv],
            capture_output=True,
            check=False,
            text=True,
            timeout=20,
        )
        return done.stdout

    def start(self, *argv: str, **env: str) -> None:
        """Run nextwizard with stdout in a file; its exit code is shown at the end."""
        said = {"XDG_STATE_HOME": str(self.folder / "state"), "LANG": "C.UTF-8", **env}
        words = [*(f"{key}={text}" for key, text in said.items()), sys.executable]
        line = shlex.join(["env", "-u", "CI", *words, "-m", "nextwizard", *argv])
        # The shell gets ctrl-c as well, and has to outlive it.
        script = f"trap : INT; {line} > {shlex.quote(str(self.out))}; echo LEFT $?"
        script = f"{script}; exec sleep 60"
        size = ("-x", str(self.columns), "-y", str(self.lines))
        self.tmux("-f", os.devnull, "new-session", "-d", *size, "sh", "-c", script)

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p")

    def until(self, words: str, seconds: float = 30) -> str:
        ends = time.monotonic() + seconds
        while words not in (seen := self.screen()):
            assert time.monotonic() < ends, f"{words!r} is not in\n{seen}"
            time.sleep(0.05)
        return seen

    def press(self, *keys: str) -> None:
        for key in keys:
            self.tmux("send-keys", key)

    def flags(self) -> str:
        """Return whether the other screen is on, and whether the cursor shows."""
        return self.tmux("display", "-p", "#{alternate_on} #{cursor_flag}").strip()


@pytest.fixture
def terminal(
    tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Terminal]]:
    del request
    opened: list[Terminal] = []

    def make(columns: int = 120, lines: int = 40) -> Terminal:
        needed("tmux")
        opened.append(Terminal(tmp_path, columns, lines))
        return opened[-1]

    yield make
    for one in opened:
        one.tmux("kill-server")


def test_enter_alone_leaves_a_deployment_that_every_checker_takes(
    terminal: Callable[..., Terminal], sample: Callable[..., Path]
) -> None:
    root = sample()
    on = terminal()
    on.start("init", str(root))
    on.until("┏")  # the first question has the cursor; from there on, typed ahead
    for step in STEPS[:-1]:
        for _ in step.asked:
            on.press("Enter")
    on.until("▸ [ Write 24 files ]")
    on.press("Enter")
    on.until("LEFT 0", 120)  # the checkers run first
    assert on.flags() == "0 1"
    assert "23" not in on.out.read_text().partition("\n")[0]
    assert "Next:" in on.out.read_text()
    assert "systemd-analyze verify" in on.out.read_text()
    judged(propose(inspect(str(root))))


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_property_11_ctrl_c_restores_the_terminal_and_the_tree(
    step: int, terminal: Callable[..., Terminal], sample: Callable[..., Path]
) -> None:
    root = sample()
    before = fingerprint(root)
    on = terminal(80, 24)
    on.start("init", str(root))
    on.until(STEPS[0].title)
    for ahead in STEPS[1 : step + 1]:
        on.press("C-n")
        on.until(f"{ahead.title} ●")
    on.press("C-c")
    on.until("Leave?")
    on.press("C-c")
    seen = on.until("LEFT 130")
    assert "Traceback" not in seen
    assert "nothing was written" in seen
    assert on.flags() == "0 1", "the first screen is back, and the cursor shows"
    assert fingerprint(root) == before


def test_a_small_or_dumb_terminal_gets_plain_lines(
    terminal: Callable[..., Terminal], sample: Callable[..., Path]
) -> None:
    root = sample()
    on = terminal(38, 20)
    on.start("init", str(root))
    on.until("smaller than")
    on.until("Step 1 of 5")
    on.press("C-c")
    on.until("LEFT 130")


def test_prompts_ask_one_by_one(
    terminal: Callable[..., Terminal], sample: Callable[..., Path]
) -> None:
    root = sample()
    on = terminal()
    on.start("init", str(root), "--prompts")
    on.until("Name")
    for _ in range(40):
        if "LEFT" in on.screen():
            break
        on.press("Enter")
        time.sleep(0.3)
    on.until("LEFT 0")
    assert (root / "deploy/nginx/notes.conf").is_file()


def test_prompts_take_odd_input(
    terminal: Callable[..., Terminal], sample: Callable[..., Path]
) -> None:
    root = sample()
    on = terminal(100, 30)
    on.start("init", str(root), "--prompts")
    on.until("default: the directory's name) notes")
    on.press("C-u")
    on.tmux("set-buffer", "one\ntwo\n")
    on.until("directory's name)\n")
    on.tmux("paste-buffer", "-p")
    on.until("directory's name) one two")
    on.press("C-u")  # what was pasted is one line, and goes with one key
    on.until("directory's name)\n")
    on.press("short", "Enter")
    on.until("Pages")
    on.tmux("resize-window", "-x", "30", "-y", "10")
    on.press("C-u")
    on.until("it holds 3 p\nages)\n")
    on.press("C-d")
    on.until("LEFT 2")
    on.tmux("resize-window", "-x", "100", "-y", "30")
    assert "the input ended before 'Pages' was answered" in on.until("Run `nextwizard")


def plain(root: Path, state: Path, said: str) -> str:
    """Return what `init --plain` says to these lines until they end."""
    done = subprocess.run(
        [sys.executable, "-m", "nextwizard", "init", str(root), "--plain"],
        capture_output=True,
        check=False,
        env={**os.environ, "XDG_STATE_HOME": str(state)},
        input=said,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    return done.stderr


@pytest.mark.parametrize(("typed", "name"), [("?\n<\n!\n", "short"), ("2\n", "notes")])
def test_asking_what_resume_means_starts_nothing_over(
    typed: str, name: str, sample: Callable[..., Path], tmp_path: Path
) -> None:
    root = sample()
    assert "before 'Pages' was answered" in plain(root, tmp_path, "short\n")
    said = plain(root, tmp_path, typed)
    assert "with 1 answer of your own" in said
    assert f"Name [{name}]" in said


def test_a_refused_line_leaves_what_stood_before_it(
    sample: Callable[..., Path], tmp_path: Path
) -> None:
    refused = "no name " * 80
    said = plain(sample(), tmp_path, f"short\n<\n{refused}\n{refused}\n\n")
    assert said.count("Name [short]") == 3
    assert said.count("! project.name: ") == 2
    assert f"[{refused[:20]}" not in said
    assert "before 'Pages' was answered" in said


def test_edit_opens_the_stored_answers(
    terminal: Callable[..., Terminal], sample: Callable[..., Path]
) -> None:
    root = sample()
    subprocess.run(
        [
            *(sys.executable, "-m", "nextwizard", "init", str(root), "--yes"),
            *("--set", "hosting.domains=notes.example.org"),
        ],
        capture_output=True,
        check=True,
        timeout=60,
    )
    on = terminal()
    on.start("regenerate", str(root), "--edit")
    on.until("Project ●")
    on.press("C-n", "C-n")
    on.until("notes.example.org")
    on.press("C-n", "C-n")
    on.until("[=] same")
    on.press("C-q")
    on.until("Leave?")
    on.press("d")
    on.until("LEFT 130")
