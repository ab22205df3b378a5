"""`nextwizard smoke`: boots what was generated on loopback and probes it."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator


def add(command: argparse.ArgumentParser) -> None:
    """Add the arguments of smoke."""
    command.add_argument("dir", nargs="?", default=".", metavar="DIR")
    command.add_argument("--json", action="store_true", help="print one JSON document")
    command.add_argument(
        "--slow",
        action="store_true",
        help="also probe silences of 90 seconds; four minutes more",
    )
    command.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PROBE",
        help="ask this alone: a probe such as edge.tls, or a group such as life",
    )
    command.add_argument(
        "--database",
        default="",
        metavar="URL",
        help="a throw-away database: it is migrated and written to",
    )
    command.add_argument(
        "--python", default="", metavar="PATH", help="the project's own interpreter"
    )
    command.add_argument(
        "--proxy", default="", metavar="PATH", help="the nginx or caddy to run"
    )


def run(options: argparse.Namespace) -> int:
    """Boot, probe, print the card; 1 when a probe failed, 130 when interrupted."""
    from nextwizard import report
    from nextwizard.outcomes import exit_code
    from nextwizard.smoke import Options, card, smoke
    from nextwizard.workflow import inspect, propose

    asked = Options(
        slow=options.slow,
        only=tuple(options.only),
        database=options.database,
        python=options.python,
        proxy=options.proxy,
    )
    proposal = propose(inspect(options.dir))
    report.err(f"smoke: {proposal.inspection.root}, on 127.0.0.1 alone")
    with _ending():
        found = smoke(proposal, asked, lambda one: report.err(card.progress(one)))
    if options.json:
        import json

        report.out(json.dumps(card.document(found), indent=2))
    else:
        for line in card.lines(found):
            report.out(line)
    return exit_code(found)


@contextmanager
def _ending() -> Iterator[None]:
    """Let a terminal's hang-up and a kill end everything, as ctrl-c does, and once."""

    def end(number: int, _frame: object) -> None:
        for known in before:
            signal.signal(known, signal.SIG_IGN)
        raise KeyboardInterrupt(number)

    before = {
        number: signal.signal(number, end)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


__all__ = ["add", "run"]
