"""What Dockerfile, compose file and manifests say of the process they start."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from nextwizard.values import Evidence

from .process import Process, modules, own
from .read import Said
from .read.yaml import yaml


if TYPE_CHECKING:
    from collections.abc import Iterator

    from .subject import Subject


DOCKERFILE = "deploy/Dockerfile"
_SETTINGS = "DJANGO_SETTINGS_MODULE"


def look(subject: Subject) -> Process:
    """Return the process of the image, and how its manager stops and limits it."""
    lines = subject.read(DOCKERFILE).splitlines()
    command, at = _command(lines)
    found = own(subject, command, at)
    rows = [row for path in _files(subject) for row in yaml(subject.read(path), path)]
    named = [said for keys, said in rows if keys[-1] == _SETTINGS]
    base = Process(
        subject.text("hosting.target"),
        command,
        at,
        found.app,
        found.worker_class,
        found.workers or _variable(subject, "WEB_CONCURRENCY"),
        found.listen,
        found.graceful,
        modules=(*modules(subject), *_image(lines), *named, *_configured(subject)),
    )
    if base.manager == "compose":
        rows = [(keys, said) for keys, said in rows if keys[:2] == ("services", "app")]
    stops = {"stop_grace_period", "terminationGracePeriodSeconds"}
    return replace(
        base,
        stop=next((said for keys, said in rows if keys[-1] in stops), _fly(subject)),
        memory=next(
            (said for keys, said in rows if keys[-2:] == ("limits", "memory")), None
        ),
    )


def _fly(subject: Subject) -> Said | None:
    """Return how long Fly waits at a stop; Heroku has a time of its own."""
    place = subject.line("fly.toml", r"^kill_timeout\s*=\s*\d+")
    if subject.text("hosting.target") != "procfile" or not place.line:
        return None
    line = subject.read(place.path).splitlines()[place.line - 1]
    return Said(line.partition("=")[2].split("#")[0].strip(), place)


def _files(subject: Subject) -> list[str]:
    """Return compose's file, or the manifest of the deployment."""
    paths = ("deploy/compose.yaml", "deploy/kubernetes/base/deployment.yaml")
    return [path for path in paths if subject.exists(path)]


def _command(lines: list[str]) -> tuple[tuple[str, ...], Evidence | None]:
    """Return what the image starts, and where: its last CMD in the list form."""
    for number in range(len(lines), 0, -1):
        if lines[number - 1].startswith("CMD ["):
            words = json.loads(lines[number - 1].removeprefix("CMD "))
            return tuple(map(str, words)), Evidence(DOCKERFILE, number)
    return (), None


def _image(lines: list[str]) -> Iterator[Said]:
    """Yield the settings that the image names, at build time and at run time."""
    for number, line in enumerate(lines, 1):
        found = re.search(rf'{_SETTINGS}="?([\w.]+)', line)
        if found:
            yield Said(found[1], Evidence(DOCKERFILE, number))


def _configured(subject: Subject) -> tuple[Said, ...]:
    said = _variable(subject, _SETTINGS)
    return (said,) if said else ()


def _variable(subject: Subject, name: str) -> Said | None:
    """Return a variable of the cluster's configuration."""
    path = "deploy/kubernetes/base/config.env"
    place = subject.line(path, rf"^{name}=")
    if not place.line:
        return None
    line = subject.read(path).splitlines()[place.line - 1]
    return Said(line.partition("=")[2].strip(), place)


__all__ = ["look"]
