"""`nextwizard init --new`: a project first, then its deployment like anybody's."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from nextwizard.cli.init import front_end, layers, make


if TYPE_CHECKING:
    import argparse


def start(options: argparse.Namespace) -> int:
    """Create the project and make its deployment; nothing remains of a refusal."""
    from nextwizard import report
    from nextwizard.greenfield import create, rehearsed
    from nextwizard.workflow import inspect, propose

    asks = not options.yes and not options.answers
    if asks:
        front_end(options)
    said = layers(options)
    with rehearsed(options.dir) as place:
        if options.dry_run or options.diff:
            real, options.dir = options.dir, place
            report.err(f"nextwizard: a new project in {real}, with this deployment:")
            return make(options, asks=asks, again=False)
        propose(inspect(place), said)
    written = create(options.dir)
    report.err(f"nextwizard: a new project of {len(written)} files in {options.dir}:")
    report.err(f"  {' '.join(written)}")
    code = make(options, asks=asks, again=False)
    report.err(_SEE_IT.format(shlex.quote(options.dir)))
    return code


_SEE_IT = """
See it here:
  cd {} && python3 -m venv .venv && .venv/bin/python -m pip install .
  .venv/bin/python manage.py migrate && .venv/bin/python manage.py runserver"""


def offered(options: argparse.Namespace) -> bool:
    """Ask whether to create a project where there is none; only where somebody sits."""
    from nextwizard.greenfield import vacant

    if not vacant(options.dir):
        return False
    from nextwizard.plain import Lines

    front_end(options)
    return Lines().agrees(
        f"{options.dir} holds no Django project. Create a next.dj project there?"
    )


__all__ = ["offered", "start"]
