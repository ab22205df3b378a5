"""What is checked: the files on disk, the plan they follow, and where tools may run."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nextwizard.stage import environment
from nextwizard.stage.run import PLACEHOLDERS
from nextwizard.tools import find
from nextwizard.values import Evidence


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nextwizard.stage import Stage
    from nextwizard.workflow import Proposal


SECRET = "a-placeholder-for-checks-and-no-secret-of-anybody-0123456789"  # noqa: S105
"""Long and mixed enough for Django's own check of secrets, and worth nothing."""


REDIS = "redis://127.0.0.1:6379/0"
"""Where only the form matters; no checker connects to it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One deployment as it stands on disk.

    `python` is the project's own interpreter, empty when none has Django; `on_host`
    says whether this machine is the one the plan is for.
    """

    proposal: Proposal
    stage: Stage
    python: str
    on_host: bool

    def text(self, key: str) -> str:
        """Return a decision as text."""
        return self.stage.text(key)

    @property
    def root(self) -> str:
        """The project's directory."""
        return self.stage.root

    @property
    def name(self) -> str:
        """The name that units and sites carry."""
        return self.text("project.name")

    @property
    def folder(self) -> str:
        """The directory of this host's units, below the root."""
        return self.text("unit.folder")

    @property
    def service(self) -> str:
        """The unit's path below the root."""
        return f"{self.folder}/{self.name}.service"

    def each(self) -> tuple[Subject, ...]:
        """Return the subject of every host; this one alone where all are the same."""
        plans = self.stage.plan.each()
        return tuple(replace(self, stage=replace(self.stage, plan=p)) for p in plans)

    def exists(self, path: str) -> bool:
        """Tell whether a file of the project stands there."""
        return os.path.isfile(os.path.join(self.root, path))

    def read(self, path: str) -> str:
        """Return a file's text, empty when there is none or it cannot be read."""
        place = os.path.join(self.root, path)
        try:
            with open(place, encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def listed(self, folder: str, *endings: str) -> list[str]:
        """Return the project's files of a folder, sorted, as paths below the root."""
        place = os.path.join(self.root, folder)
        try:
            names = sorted(os.listdir(place))
        except OSError:
            return []
        return [
            f"{folder}/{name}"
            for name in names
            if name.endswith(endings) and os.path.isfile(os.path.join(place, name))
        ]

    def line(self, path: str, pattern: str) -> Evidence:
        """Return where a pattern first matches in a file, or the file alone."""
        for number, line in enumerate(self.read(path).splitlines(), 1):
            if re.search(pattern, line):
                return Evidence(path, number)
        return Evidence(path)

    def program(self, name: str) -> str:
        """Return a tool beside the project's interpreter, beside ours, or on PATH."""
        for python in (self.python, sys.executable):
            place = os.path.join(os.path.dirname(python), name)
            if python and os.access(place, os.X_OK):
                return place
        return find(name)

    @property
    def workdir(self) -> str:
        """The directory of manage.py on this machine."""
        return os.path.dirname(os.path.join(self.root, self.text("paths.manage_here")))

    def environment(self, **extra: str) -> dict[str, str]:
        """Return what the unit would set, with placeholders for what is secret."""
        said: dict[str, str] = {"SECRET_KEY": SECRET}
        if self.stage.plan["data.url"] is True:
            url = PLACEHOLDERS.get(self.text("data.engine"), "")
            said["DATABASE_URL"] = os.environ.get("DATABASE_URL") or url
        if self.stage.plan["cache.url_needed"] is True:
            said["REDIS_URL"] = os.environ.get("REDIS_URL") or REDIS
        for word in self.stage.items("settings.built"):
            name, _, value = word.partition("=")
            said[name] = os.environ.get(name) or (SECRET if value == "build" else value)
        return environment(self.stage, {**said, **extra})

    def back(self, text: str, copies: Mapping[str, str] | None = None) -> str:
        """Return a tool's words with the paths of the user's own files in them.

        `copies` maps files in the scratch directory to those they were copied from.
        """
        moves = {new: old for old, new in self.stage.moves().items() if old != "/none"}
        moves.pop(self.root, "")
        moves = {**moves, **(copies or {})}
        for new in sorted(moves, key=len, reverse=True):
            text = text.replace(new, moves[new])
        return text.replace(f"{self.root}/", "")

    def places(self, text: str) -> Iterator[Evidence]:
        """Yield each `FILE:LINE` in a text that names a file of the project."""
        for found in re.finditer(r"([\w./@+-][^\s:\"'(]*):(\d+)", text):
            path = found[1].removeprefix("./")
            if self.exists(path):
                yield Evidence(path, int(found[2]))

    def traced(self, text: str) -> tuple[Evidence, ...]:
        """Return where a Python traceback last was in the project's own files."""
        found = re.findall(r'File "([^"]+)", line (\d+)', text)
        for path, line in reversed(found):
            below = os.path.relpath(os.path.join(self.workdir, path), self.root)
            ours = not below.startswith("..") and "site-packages" not in below
            if ours and not path.startswith("<"):
                return (Evidence(below.replace(os.sep, "/"), int(line)),)
        return ()


__all__ = ["SECRET", "Subject"]
