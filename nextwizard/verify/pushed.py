"""Files that a platform or a service reads at a push: their own tools, on this disk."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from nextwizard.tools import run
from nextwizard.values import Evidence

from .checker import MISSING, Said
from .proxies import SECONDS


if TYPE_CHECKING:
    from .subject import Subject


_PROCESSES = ("release", "web")


def _path(subject: Subject, checker: str) -> str:
    """Return the one file of this checker, empty when it is not there."""
    made = (file.path for file in subject.proposal.files if file.checker == checker)
    return next((path for path in made if subject.exists(path)), "")


def procfile(subject: Subject) -> Said:
    """Let honcho read the Procfile, and hold the names it found against ours.

    It calls a file valid in which it finds no process at all.
    """
    path = _path(subject, "procfile")
    if not path:
        return Said("skipped", "the Procfile is not there: you deleted it")
    python = _has_honcho(subject)
    if not python:
        return MISSING
    done = run([python, "-m", "honcho", "check"], timeout=SECONDS, cwd=subject.root)
    found = re.search(r"detected \(([^)]*)\)", done.err + done.out)
    names = found[1].split(", ") if found else []
    lacking = [name for name in _PROCESSES if name not in names]
    if not done.code and not lacking:
        return Said("ok", ", ".join(names))
    what = f"honcho finds no {' and no '.join(lacking)} in it" if lacking else done.err
    return Said("failed", what.strip(), (Evidence(path),))


def _has_honcho(subject: Subject) -> str:
    for python in dict.fromkeys((subject.python, sys.executable)):
        if python and not run([python, "-c", "import honcho"], timeout=20).code:
            return python
    return ""


def github(subject: Subject) -> Said:
    """Let actionlint read the workflow."""
    path = _path(subject, "github")
    if not path:
        return Said("skipped", "the workflow is not there: you deleted it")
    tool = subject.program("actionlint")
    if not tool:
        return MISSING
    place = os.path.join(subject.root, path)
    return _told(subject, [tool, "-no-color", "-oneline", place], path)


def gitlab(subject: Subject) -> Said:
    """Hold the job against the schema that GitLab publishes."""
    path = _path(subject, "gitlab")
    if not path:
        return Said("skipped", "the job's file is not there: you deleted it")
    tool = subject.program("check-jsonschema")
    if not tool:
        return MISSING
    schema = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")
    return _told(subject, [tool, *schema, os.path.join(subject.root, path)], path)


def _told(subject: Subject, argv: list[str], path: str) -> Said:
    """Return what a linter said, with the line that it names."""
    done = run(argv, timeout=SECONDS)
    if not done.code:
        return Said("ok")
    text = subject.back((done.out + done.err).strip())
    line = re.search(rf"{re.escape(os.path.basename(path))}:(\d+)", text)
    return Said("failed", text, (Evidence(path, int(line[1]) if line else 0),))


__all__ = ["github", "gitlab", "procfile"]
