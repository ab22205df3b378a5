"""`nextwizard regenerate`: any time later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextwizard.cli.init import common, make
from nextwizard.errors import InputError, Problem


if TYPE_CHECKING:
    import argparse


def add(command: argparse.ArgumentParser) -> None:
    """Add the arguments of regenerate."""
    common(command)
    command.set_defaults(new=False)
    command.add_argument(
        "--edit", action="store_true", help="go through the stored answers again"
    )
    command.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit 5 when a file would change",
    )
    command.add_argument(
        "--rollback",
        action="store_true",
        help="go back to the state before the last run",
    )


def run(options: argparse.Namespace) -> int:
    """Bring the deployment up to date, or go back by one run."""
    if options.rollback:
        return _rollback(options.dir)
    return make(options, asks=options.edit, again=True)


def _rollback(directory: str) -> int:
    from nextwizard import report
    from nextwizard.workflow import locate
    from nextwizard.write import locked, rollback

    root = locate(directory)
    with locked(root):
        left = rollback(root)
    if left is None:
        problem = Problem(root, "has no run to go back from", "Nothing was changed.")
        raise InputError(problem)
    for path in left:
        report.err(f"warning: {path}: changed since the last run; it was left alone.")
    report.out("nextwizard: back to the state before the last run.")
    return 3 if left else 0


__all__ = ["add", "run"]
