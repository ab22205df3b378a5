"""Which front end asks, or why none can."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal


if TYPE_CHECKING:
    from collections.abc import Mapping


type FrontEnd = Literal["tui", "prompts", "plain", "refuse"]

COLUMNS, LINES = 40, 12
"""The smallest screen the wizard draws on."""

_DUMB = frozenset({"", "dumb", "unknown"})
_NO = frozenset({"", "0", "false", "no"})


@dataclass(frozen=True, slots=True)
class Terminal:
    """What stands between the program and the person, looked at once."""

    stdin: bool
    stderr: bool
    utf8: bool
    columns: int
    lines: int
    env: Mapping[str, str]

    def says(self, name: str) -> bool:
        """Tell whether a variable of the environment says yes."""
        return self.env.get(name, "").lower() not in _NO


def look() -> Terminal:
    """Return the terminal this process was started in."""
    encoding = (getattr(sys.stderr, "encoding", None) or "").lower()
    columns, lines = _size()
    return Terminal(
        _tty(sys.stdin),
        _tty(sys.stderr),
        encoding.replace("-", "").replace("_", "") == "utf8",
        columns,
        lines,
        os.environ,
    )


def _tty(stream: object) -> bool:
    try:
        return bool(getattr(stream, "isatty", bool)())
    except ValueError:
        return False


def _size() -> tuple[int, int]:
    try:
        found = os.get_terminal_size(2)
    except OSError:
        return COLUMNS, LINES
    return (found.columns or COLUMNS), (found.lines or LINES)


def choose(
    on: Terminal, *, prompts: bool = False, plain: bool = False
) -> tuple[FrontEnd, str]:
    """Return the front end and the reason for it: the first rule that fits."""
    dumb = on.env.get("TERM", "") in _DUMB
    small = on.columns < COLUMNS or on.lines < LINES
    rules: tuple[tuple[bool, FrontEnd, str], ...] = (
        (plain, "plain", "--plain"),
        (on.says("CI"), "refuse", "CI is set, so nobody is there to answer"),
        (not on.stdin, "refuse", "stdin is no terminal, so nobody can answer"),
        (prompts, "prompts", "--prompts"),
        (on.says("ACCESSIBLE"), "plain", "ACCESSIBLE is set"),
        (not on.stderr, "plain", "stderr is no terminal"),
        (dumb, "plain", "TERM names no terminal that can be drawn on"),
        (not on.utf8, "plain", "the terminal is not set to UTF-8"),
        (small, "plain", f"the terminal is smaller than {COLUMNS}x{LINES}"),
    )
    for fits, kind, reason in rules:
        if fits:
            return kind, reason
    return "tui", "a terminal that can be drawn on"


__all__ = ["COLUMNS", "LINES", "FrontEnd", "Terminal", "choose", "look"]
