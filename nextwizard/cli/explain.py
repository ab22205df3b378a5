"""`nextwizard explain`: why something is what it is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    import argparse


def add(command: argparse.ArgumentParser) -> None:
    """Add the arguments of explain."""
    command.add_argument("dir", nargs="?", default=".", metavar="DIR")
    command.add_argument("what", nargs="?", default="", metavar="KEY|FILE[:LINE]")


def run(options: argparse.Namespace) -> int:
    """Print an explanation; a lone KEY means the current directory."""
    from nextwizard import report
    from nextwizard.explain import explain
    from nextwizard.workflow import inspect, propose

    lone = not options.what and not os.path.isdir(options.dir)
    where, what = (".", options.dir) if lone else (options.dir, options.what)
    for line in explain(propose(inspect(where)), what):
        report.out(line)
    return 0


__all__ = ["add", "run"]
