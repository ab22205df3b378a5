"""Parses the command line, picks what runs, and returns the exit code.

Each command is a row of COMMANDS and a module of its own, which is imported only when
the command is named: `nextwizard --help` knows the words and nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from nextwizard import __version__
from nextwizard.errors import NextwizardError


if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    class Room(Protocol):
        """What the module of a command offers."""

        def add(self, command: argparse.ArgumentParser) -> None:
            """Add the command's own arguments."""
            ...

        def run(self, options: argparse.Namespace) -> int:
            """Do it, and return the exit code."""
            ...


_EPILOG = """exit codes: 0 done · 1 a check failed · 2 wrong usage, answers or project
(nothing was written) · 3 conflicts (NAME.new was written) · 4 locked by another run ·
5 drift (--check) · 130 interrupted"""


class Command(NamedTuple):
    """One command: the module that runs it, and its line in the help."""

    module: str
    help: str

    def load(self) -> Room:
        """Import the module that runs it."""
        __import__(f"{__name__}.{self.module}")
        room: Room = sys.modules[f"{__name__}.{self.module}"]
        return room


COMMANDS = {
    "init": Command("init", "make the deployment of a project"),
    "regenerate": Command("regenerate", "bring the deployment up to date"),
    "smoke": Command("smoke", "boot the deployment on loopback and probe it"),
    "check": Command("check", "hold the files against the real checkers"),
    "explain": Command("explain", "tell why something is what it is"),
    "schema": Command("schema", "print the JSON Schema of the answers file"),
}
"""Every command, in the order of the help."""


def _formatter(prog: str) -> argparse.HelpFormatter:
    """Return what sets the help: argparse's own asks shutil, which imports zip's."""
    return argparse.HelpFormatter(prog, width=_columns() - 2)


def _columns() -> int:
    """Return the width of the terminal, as shutil does."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


def parser(named: Sequence[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """Return the command line; of the commands only those named have arguments."""
    top = argparse.ArgumentParser(
        prog="nextwizard",
        description="Takes a next.dj project to production.",
        epilog=_EPILOG,
        formatter_class=_formatter,
    )
    top.add_argument("--version", action="version", version=f"nextwizard {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, row in COMMANDS.items():
        command = commands.add_parser(name, help=row.help, formatter_class=_formatter)
        if name in named:
            row.load().add(command)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run nextwizard; every refusal is a line on stderr and an exit code."""
    from nextwizard import report

    _streams()
    if os.name == "nt":
        report.err("nextwizard: runs on Linux and macOS; on Windows use it inside WSL.")
        return 2
    words = sys.argv[1:] if argv is None else argv
    try:
        # A command stands first: everything before it is --help or --version.
        options = parser(words[:1]).parse_args(words)
        return COMMANDS[options.command].load().run(options)
    except NextwizardError as error:
        report.problems(error.problems)
        return error.exit_code
    except KeyboardInterrupt:
        report.err("nextwizard: interrupted; every file is as it was.")
        return 130
    except BrokenPipeError:
        sys.stdout = None
        return 0
    except Exception as error:
        if os.environ.get("NEXTWIZARD_DEBUG"):
            raise
        report.err(_bug(error))
        return 2


def _streams() -> None:
    """Put nothing in place of a standard stream that the caller closed.

    Opened in their order they get the descriptors 0 to 2, which no file of the
    project may have: what a child says would be written into it.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            nothing = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115 - to the end
            setattr(sys, name, nothing)


def _bug(error: Exception) -> str:
    """Return in one line what broke and where; `apply` has put every file back."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code.co_filename if trace else ""
    where = f"{os.path.basename(code)}:{trace.tb_lineno if trace else 0}"
    what = ascii(f"{type(error).__name__}: {error}")[:200]
    return (
        f"nextwizard: {what} at {where} is a bug in nextwizard; every file is as it "
        "was. Report it; NEXTWIZARD_DEBUG=1 shows the whole traceback."
    )


__all__ = ["COMMANDS", "Command", "main", "parser"]
