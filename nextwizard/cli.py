"""Parses the command line, picks what runs, and returns the exit code."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from . import __version__
from .errors import InputError, NextwizardError, Problem


if TYPE_CHECKING:
    from collections.abc import Sequence

    from .document import Layer
    from .gate import FrontEnd
    from .workflow import Inspection, Proposal


_EPILOG = """exit codes: 0 done · 1 a check failed · 2 wrong usage, answers or project
(nothing was written) · 3 conflicts (NAME.new was written) · 4 locked by another run ·
5 drift (--check) · 130 interrupted"""


def parser() -> argparse.ArgumentParser:
    """Return the whole command line."""
    top = argparse.ArgumentParser(
        prog="nextwizard",
        description="Takes a next.dj project to production.",
        epilog=_EPILOG,
    )
    top.add_argument("--version", action="version", version=f"nextwizard {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    init = commands.add_parser("init", help="make the deployment of a project")
    _common(init)
    init.add_argument(
        "--yes", action="store_true", help="take every default, ask nothing"
    )
    again = commands.add_parser("regenerate", help="bring the deployment up to date")
    _common(again)
    again.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit 5 when a file would change",
    )
    again.add_argument(
        "--rollback",
        action="store_true",
        help="go back to the state before the last run",
    )
    why = commands.add_parser("explain", help="tell why something is what it is")
    why.add_argument("dir", nargs="?", default=".", metavar="DIR")
    why.add_argument("what", nargs="?", default="", metavar="KEY|FILE[:LINE]")
    for command in (init, again):
        _asking(command)
    again.add_argument(
        "--edit", action="store_true", help="go through the stored answers again"
    )
    commands.add_parser("schema", help="print the JSON Schema of the answers file")
    return top


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("dir", nargs="?", default=".", metavar="DIR")
    command.add_argument(
        "--answers", metavar="FILE", help="TOML, or JSON by extension; asks nothing"
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="one answer, such as hosting.proxy=caddy",
    )
    command.add_argument("--dry-run", action="store_true", help="show, write nothing")
    command.add_argument("--diff", action="store_true", help="show every change's diff")
    command.add_argument("--json", action="store_true", help="print one JSON document")


def _asking(command: argparse.ArgumentParser) -> None:
    """Add how to ask instead of the full screen wizard."""
    ways = command.add_mutually_exclusive_group()
    ways.add_argument(
        "--prompts", action="store_true", help="ask one by one, with arrow keys"
    )
    ways.add_argument(
        "--plain", action="store_true", help="ask in numbered lines, for any terminal"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run nextwizard; every refusal is a line on stderr and an exit code."""
    from . import report

    if os.name == "nt":
        report.err("nextwizard: runs on Linux and macOS; on Windows use it inside WSL.")
        return 2
    try:
        options = parser().parse_args(argv)
        return _run(options)
    except NextwizardError as error:
        report.problems(error.problems)
        return error.exit_code
    except KeyboardInterrupt:
        report.err("nextwizard: interrupted; every file is as it was.")
        return 130
    except BrokenPipeError:
        sys.stdout = None
        return 0


def _run(options: argparse.Namespace) -> int:
    if options.command in {"explain", "schema"}:
        return _tell(options)
    from .workflow import inspect, propose

    if options.command == "regenerate" and options.rollback:
        return _rollback(options.dir)
    kind = _front_end(options)
    layers = _layers(options)
    inspection = inspect(options.dir)
    if options.command == "regenerate" and inspection.record is None:
        problem = Problem(
            inspection.root,
            "has no record of an earlier run",
            f"Run `nextwizard init {options.dir}` first.",
        )
        raise InputError(problem)
    if kind is not None:
        return _walk(options, kind, inspection, layers)
    return _finish(options, propose(inspection, layers))


def _front_end(options: argparse.Namespace) -> FrontEnd | None:
    """Return what asks, None when nothing does; InputError when nobody can answer."""
    wanted = options.edit if options.command == "regenerate" else not options.yes
    if options.answers or not wanted:
        return None
    from .wizard import command, front_end

    if options.json:
        raise InputError(Problem("--json", "asks nothing", "Add --answers or --yes."))
    line = command(options.command, options.dir)
    return front_end(line, prompts=options.prompts, plain=options.plain)


def _walk(
    options: argparse.Namespace,
    kind: FrontEnd,
    inspection: Inspection,
    layers: Sequence[Layer],
) -> int:
    """Ask, then do what was decided; leaving writes nothing and is exit 130."""
    from . import report
    from .wizard import ask, command, done

    if options.command == "init" and inspection.record is not None:
        report.err("nextwizard: an earlier run is recorded; its answers are shown.")
    line = command(options.command, options.dir)
    proposal = ask(kind, line, inspection, layers)
    if proposal is None:
        report.err(f"nextwizard: nothing was written. `{line}` goes on from here.")
        return 130
    code = _finish(options, proposal)
    if not options.dry_run and not options.diff:
        done(inspection.root)
    return code


def _tell(options: argparse.Namespace) -> int:
    """Print the schema, or an explanation; a lone KEY means the current directory."""
    from . import report

    if options.command == "schema":
        import json

        from .schema import schema

        report.out(json.dumps(schema(), indent=2))
        return 0
    from .explain import explain
    from .workflow import inspect, propose

    lone = not options.what and not os.path.isdir(options.dir)
    where, what = (".", options.dir) if lone else (options.dir, options.what)
    for line in explain(propose(inspect(where)), what):
        report.out(line)
    return 0


def _layers(options: argparse.Namespace) -> list[Layer]:
    """Return what was said on the command line, strongest first."""
    from .document import read_document, read_set

    layers = [read_set(options.set)]
    if options.answers:
        layers.append(read_document(_bytes(options.answers), options.answers, "file"))
    return layers


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(1024 * 1024)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "is no file name"
        problem = Problem(ascii(path), f"cannot be read: {reason}", "Name a file.")
        raise InputError(problem) from error


def _finish(options: argparse.Namespace, proposal: Proposal) -> int:
    """Show or apply a proposal, and return the exit code."""
    from . import report
    from .workflow import apply

    report.notes(proposal.plan.notes)
    check = getattr(options, "check", False)
    if check or options.dry_run or options.diff:
        code = _drift(proposal) if check else 0
        if options.json:
            report.as_json(proposal, exit_code=code, written=False)
        else:
            report.proposal(proposal, diff=options.diff)
        return code
    done = apply(proposal)
    if options.json:
        report.as_json(proposal, exit_code=done.exit_code, written=done.written)
    else:
        report.summary(done)
    return done.exit_code


def _drift(proposal: Proposal) -> int:
    """Return 5 when a run would change a file or report a conflict."""
    still = {"same", "orphan"}
    return 5 if any(change.status not in still for change in proposal.changes) else 0


def _rollback(directory: str) -> int:
    from . import report
    from .workflow import locate
    from .write import locked, rollback

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


__all__ = ["main", "parser"]
