"""A new next.dj project: a page with layout and component, tests, nothing else.

What it makes is a project like any other: the deployment is made by the same run that
makes everybody's.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .catalog import destination
from .catalog.new import KEPT, NEW
from .errors import InputError, Problem
from .grammar import CHECKS
from .questions import normalised
from .render import context, text
from .values import Decision, Plan
from .workflow import allowed
from .write import Step, apply, locked


if TYPE_CHECKING:
    from collections.abc import Iterator


_TAKEN = frozenset(
    "channels config daphne deploy dj_database_url granian hypercorn manage psycopg "
    "redis servestatic tests uwsgi whitenoise".split()
)
"""What lies beside the pages, and what the deployment may install."""
_NEAR = 2
"""Folders below a directory in which a manage.py would be found by the scan."""


def vacant(directory: str) -> bool:
    """Tell whether a directory is missing, or holds no manage.py in it or near it."""
    top = os.path.realpath(directory)
    if not os.path.isdir(top):
        return not os.path.lexists(directory)
    for folder, below, files in os.walk(top):
        if "manage.py" in files:
            return False
        if folder.count("/") - top.count("/") >= _NEAR:
            below.clear()
    return True


def create(directory: str) -> tuple[str, ...]:
    """Write a new project into a directory, which is made if it is missing.

    Returns the paths that were written. Raises InputError when files of it are there
    already, WriteError when the disk refuses.
    """
    root = allowed(directory)
    steps = _steps(root)
    if not os.path.isdir(root):
        _refuse_file(root)
    with locked(root):
        apply(root, steps)
    return tuple(step.path for step in steps)


def _refuse_file(root: str) -> None:
    """Refuse a path on which something other than a directory stands."""
    above = root
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    if not os.path.isdir(above):
        raise InputError(Problem(above, "is no directory", "Name another place."))
    if not os.access(above, os.W_OK | os.X_OK):
        raise InputError(Problem(above, "cannot be written", "Name another place."))


def _steps(root: str) -> list[Step]:
    """Return the files to write; InputError names those that stand in the way."""
    plan = _plan(root)
    values = context(plan)
    there = [
        path
        for output in NEW
        if os.path.lexists(os.path.join(root, path := destination(output, plan)))
    ]
    if taken := [path for path in there if path not in KEPT]:
        raise InputError(
            Problem(
                root,
                f"holds {', '.join(taken)} already; a new project would replace it",
                "Name an empty directory, or run init without --new.",
            )
        )
    return [
        Step(path, None, text(output.template, values)[0].encode(), output.mode)
        for output in NEW
        if (path := destination(output, plan)) not in there
    ]


def _plan(root: str) -> Plan:
    """Return how the parts of a new project are called."""
    name = normalised(os.path.basename(root))
    title = name.replace("-", " ").capitalize()
    rows = {"new.name": name, "new.title": title, "new.app": _app(name)}
    why = "the directory's name"
    return Plan({key: Decision(key, value, why, "DIR") for key, value in rows.items()})


def _app(name: str) -> str:
    """Return the package of the pages: the project's name, unless it means another."""
    app = name.replace("-", "_")
    try:
        _, shadowing = CHECKS["package"](app)
    except ValueError:
        return "web"
    return "web" if shadowing or app in _TAKEN else app


@contextmanager
def rehearsed(directory: str) -> Iterator[str]:
    """Make the same project in a scratch directory of the same name, and drop it.

    For a run that must not write, and to know that one will succeed before it does.
    """
    import tempfile

    root = allowed(directory)
    _steps(root)
    with tempfile.TemporaryDirectory(prefix="nextwizard-") as folder:
        place = os.path.join(folder, os.path.basename(root))
        create(place)
        yield place


__all__ = ["create", "rehearsed", "vacant"]
