"""`nextwizard init`, and what regenerate shares with it: who asks, how a run ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextwizard.errors import InputError, Problem


if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from nextwizard.document import Layer
    from nextwizard.gate import FrontEnd
    from nextwizard.outcomes import Outcome
    from nextwizard.workflow import Inspection, Proposal


def add(command: argparse.ArgumentParser) -> None:
    """Add the arguments of init."""
    common(command)
    command.add_argument(
        "--yes", action="store_true", help="take every default, ask nothing"
    )
    command.add_argument(
        "--new", action="store_true", help="create a next.dj project in DIR first"
    )


def run(options: argparse.Namespace) -> int:
    """Make the deployment, asking unless --answers or --yes says not to."""
    if options.fleet:
        from nextwizard.cli.fleet import each

        return each(options, run)
    asks = not options.yes
    if options.new or (asks and not options.answers and not options.json):
        from nextwizard.cli.new import offered, start

        if options.new or offered(options):
            return start(options)
    return make(options, asks=asks, again=False)


def common(command: argparse.ArgumentParser) -> None:
    """Add the arguments of every command that makes files."""
    command.add_argument("dir", nargs="?", default=".", metavar="DIR")
    command.add_argument(
        "--fleet",
        nargs="+",
        metavar="DIR",
        help="several projects, one after the other; the worst exit code counts",
    )
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
    command.add_argument(
        "--verify",
        action="store_true",
        help="run the checkers of `nextwizard check` on what was written",
    )
    _asking(command)


def _asking(command: argparse.ArgumentParser) -> None:
    """Add how to ask instead of the full screen wizard."""
    ways = command.add_mutually_exclusive_group()
    ways.add_argument(
        "--prompts", action="store_true", help="ask one by one, with arrow keys"
    )
    ways.add_argument(
        "--plain", action="store_true", help="ask in numbered lines, for any terminal"
    )


def make(options: argparse.Namespace, *, asks: bool, again: bool) -> int:
    """Ask if somebody should be asked, then show or write what follows.

    `again` wants the record of an earlier run. Raises NextwizardError.
    """
    from nextwizard import report
    from nextwizard.workflow import inspect, propose

    kind = front_end(options) if asks and not options.answers else None
    said = layers(options)
    inspection = inspect(options.dir)
    if again:
        _known(options, inspection)
    elif inspection.record is not None and kind is None:
        report.err("nextwizard: an earlier run is recorded, so this regenerates.")
    if kind is not None:
        return _walk(options, kind, inspection, said)
    return _finish(options, propose(inspection, said))


def _known(options: argparse.Namespace, inspection: Inspection) -> None:
    """Refuse to regenerate what no run made, or what nobody answered for."""
    from nextwizard.wizard import command

    line = command("init", options.dir)
    if inspection.record is None:
        what = "has no record of an earlier run"
        raise InputError(Problem(inspection.root, what, f"Run `{line}` first."))
    if inspection.stored is None and not options.answers:
        what = "is missing, and with it every answer"
        fix = f"Restore it from git, or run `{line}` to answer again."
        raise InputError(Problem("nextwizard.toml", what, fix))


def front_end(options: argparse.Namespace) -> FrontEnd:
    """Return what asks; InputError when nobody can answer."""
    from nextwizard.wizard import command
    from nextwizard.wizard import front_end as ask_with

    if options.json:
        raise InputError(Problem("--json", "asks nothing", "Add --answers or --yes."))
    line = command(options.command, options.dir)
    if options.new:
        line = line.replace(" init", " init --new", 1)
    return ask_with(line, prompts=options.prompts, plain=options.plain)


def _walk(
    options: argparse.Namespace,
    kind: FrontEnd,
    inspection: Inspection,
    layers: Sequence[Layer],
) -> int:
    """Ask, then do what was decided; leaving writes nothing and is exit 130."""
    from nextwizard import report
    from nextwizard.wizard import ask, command, done

    if options.command == "init" and inspection.record is not None:
        report.err("nextwizard: an earlier run is recorded; its answers are shown.")
    line = command(options.command, options.dir)
    proposal = ask(kind, line, inspection, layers)
    if proposal is None:
        left = "the project stays as it is" if options.new else "nothing was written"
        report.err(f"nextwizard: {left}. `{line}` goes on from here.")
        return 130
    code = _finish(options, proposal, verify=True)
    if not options.dry_run and not options.diff:
        done(inspection.root)
    return code


def layers(options: argparse.Namespace) -> list[Layer]:
    """Return what was said on the command line, strongest first."""
    from nextwizard.document import read_document, read_set

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


def _finish(
    options: argparse.Namespace, proposal: Proposal, *, verify: bool = False
) -> int:
    """Show or apply a proposal, verify what was written, and return the exit code."""
    from nextwizard import report
    from nextwizard.workflow import apply

    report.notes(proposal.plan.notes)
    if getattr(options, "check", False):
        from nextwizard.cli.drift import check

        return check(proposal, diff=options.diff, as_json=options.json)
    if options.dry_run or options.diff:
        if options.json:
            report.as_json(proposal, exit_code=0, written=False)
        else:
            report.proposal(proposal, diff=options.diff)
        return 0
    done = apply(proposal)
    if not options.json:
        report.summary(done)
    checks = _verified(options) if verify or options.verify else ()
    code = done.exit_code or int(any(row.verdict == "failed" for row in checks))
    if options.json:
        report.as_json(proposal, exit_code=code, written=done.written, checks=checks)
    elif done.written and any(c.status != "same" for c in proposal.changes):
        report.next_steps(proposal, options.dir, checks)
    return code


def _verified(options: argparse.Namespace) -> tuple[Outcome, ...]:
    """Return how the checkers found what now stands on disk, told as they run."""
    from nextwizard import report
    from nextwizard.cli.check import verified
    from nextwizard.workflow import inspect, propose

    if not options.json:
        report.out("")
    return verified(propose(inspect(options.dir)), quiet=options.json)


__all__ = ["add", "common", "front_end", "layers", "make", "run"]
