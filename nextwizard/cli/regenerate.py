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
    if options.fleet:
        from nextwizard.cli.fleet import each

        return each(options, run)
    if options.rollback:
        return _rollback(options)
    if _plain(options) and _untouched(options.dir):
        return 0
    return make(options, asks=options.edit, again=True)


_MORE = ("edit", "answers", "set", "dry_run", "diff", "json", "verify")


def _plain(options: argparse.Namespace) -> bool:
    """Tell whether nothing was asked for beyond bringing the files up to date."""
    return not any(getattr(options, name, None) for name in _MORE)


def _untouched(directory: str) -> bool:
    """Say that nothing is to do, when no byte changed since that was so."""
    from nextwizard.cli.drift import nothing
    from nextwizard.fast import nothing_to_do
    from nextwizard.state import locate

    told = nothing_to_do(locate(directory))
    if told is None:
        return False
    nothing(told.notes, told.changes)
    return True


def _rollback(options: argparse.Namespace) -> int:
    """Go back by one run; exit 3 when files were left alone."""
    from nextwizard import report
    from nextwizard.state import locate
    from nextwizard.write import locked, recover, rollback

    _alone(options)
    root = locate(options.dir)
    with locked(root):
        recover(root)
        left = rollback(root)
    if left is None:
        problem = Problem(root, "has no run to go back from", "Nothing was changed.")
        raise InputError(problem)
    for path in left:
        report.err(f"warning: {path}: changed since the last run; it was left alone.")
    report.out("nextwizard: back to the state before the last run.")
    return 3 if left else 0


def _alone(options: argparse.Namespace) -> None:
    """Refuse --rollback beside what would make it something else."""
    for name in (*_MORE, "check"):
        if getattr(options, name, None):
            flag = f"--{name.replace('_', '-')}"
            what = f"means nothing beside {flag}"
            raise InputError(Problem("--rollback", what, f"Leave {flag} out."))


__all__ = ["add", "run"]
