"""Published schemas of compose and Kubernetes on the files on disk."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from nextwizard.tools import run
from nextwizard.values import Evidence

from .checker import MISSING, Said
from .proxies import SECONDS


if TYPE_CHECKING:
    from .subject import Subject


def _files(subject: Subject, checker: str) -> list[str]:
    """Return the files of this checker that are there."""
    made = [file.path for file in subject.proposal.files if file.checker == checker]
    return [path for path in made if subject.exists(path)]


def compose(subject: Subject) -> Said:
    """Hold the compose file against the published schema.

    Docker itself reads it where its compose plugin is installed.
    """
    paths = _files(subject, "compose")
    if not paths:
        return Said("skipped", "the compose file is not there: you deleted it")
    docker = subject.program("docker")
    if docker and not run([docker, "compose", "version"], timeout=20).code:
        return _docker(subject, docker, paths[0])
    tool = subject.program("check-jsonschema")
    if not tool:
        return MISSING
    places = [os.path.join(subject.root, path) for path in paths]
    argv = [tool, "--builtin-schema", "vendor.compose-spec", *places]
    done = run(argv, timeout=SECONDS)
    if not done.code:
        return Said("ok", "by the published schema")
    return _said(subject, done.out + done.err, paths)


def _docker(subject: Subject, docker: str, path: str) -> Said:
    argv = [docker, "compose", "-f", os.path.join(subject.root, path), "config", "-q"]
    env = {**os.environ, **subject.environment()}
    done = run(argv, timeout=SECONDS, cwd=subject.root, env=env)
    if not done.code:
        return Said("ok", "by docker compose config")
    return _said(subject, done.err, [path])


def kubernetes(subject: Subject) -> Said:
    """Hold every manifest against the schemas of the Kubernetes release."""
    paths = _files(subject, "kubernetes")
    if not paths:
        return Said("skipped", "the manifests are not there: you deleted them")
    tool = subject.program("kubernetes-validate")
    if not tool:
        return MISSING
    argv = [tool, "--strict", *(os.path.join(subject.root, path) for path in paths)]
    done = run(argv, timeout=SECONDS)
    if not done.code:
        return Said("ok", f"{len(paths)} {'file' if len(paths) == 1 else 'files'}")
    return _said(subject, done.out + done.err, paths)


def _said(subject: Subject, text: str, paths: list[str]) -> Said:
    """Return the tool's words, and the line that the innermost key they name has."""
    said = subject.back(text.strip())
    rows = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [row.removeprefix("ERROR ") for row in rows if row.startswith("ERROR ")]
    rows = errors or rows
    detail = "\n".join(rows)
    places = list(subject.places(said))
    if not places:
        named = re.findall(r"'([\w-]+)' was", detail) or re.findall(r"[\w-]+", detail)
        path = next((path for path in paths if path in detail), paths[0])
        places = [_innermost(subject, path, named)]
    return Said("failed", detail, tuple(places))


def _innermost(subject: Subject, path: str, named: list[str]) -> Evidence:
    """Return the line of the last key that the words name and the file has."""
    keys = {
        found[1]: number
        for number, line in enumerate(subject.read(path).splitlines(), 1)
        if (found := re.match(r"[\s-]*\"?([\w-]+)\"?:", line))
    }
    hits = [keys[name] for name in named if name in keys]
    return Evidence(path, hits[-1] if hits else 0)


__all__ = ["compose", "kubernetes"]
