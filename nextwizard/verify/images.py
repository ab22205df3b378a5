"""The image and its services: the real readers, and what no schema sees."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from nextwizard import manifests
from nextwizard.tools import run
from nextwizard.values import Evidence

from .checker import MISSING, Said
from .proxies import SECONDS


if TYPE_CHECKING:
    from .subject import Subject


DOCKERFILE = "deploy/Dockerfile"
COMPOSE = "deploy/compose.yaml"
PASSED_OVER = ("DL3008",)
"""hadolint's rules that do not apply: Debian takes old packages away, so a pinned one
breaks the build at the next fix of a security hole."""


def dockerfile(subject: Subject) -> Said:
    """Read the Dockerfile with hadolint, and look for what it passes over."""
    if not subject.exists(DOCKERFILE):
        return Said("skipped", f"{DOCKERFILE} is not there: you deleted it")
    wrong = manifests.dockerfile(subject.read(DOCKERFILE))
    if wrong:
        return _failed(subject, DOCKERFILE, wrong)
    tool = subject.program("hadolint")
    if not tool:
        return MISSING
    ignored = [word for rule in PASSED_OVER for word in ("--ignore", rule)]
    place = os.path.join(subject.root, DOCKERFILE)
    done = run([tool, "--no-color", *ignored, place], timeout=SECONDS)
    if not done.code:
        return Said("ok")
    detail = subject.back((done.out + done.err).strip())
    return Said("failed", detail, tuple(subject.places(detail)))


def compose(subject: Subject) -> Said:
    """Let docker compose read its file, and hold the services against each other.

    It is read beside an empty file of secrets: no checker needs them.
    """
    if not subject.exists(COMPOSE):
        return Said("skipped", f"{COMPOSE} is not there: you deleted it")
    here = subject.stage.write(subject.read(COMPOSE), "compose", "deploy", "c.yaml")
    subject.stage.write("", "compose", "deploy", f"{subject.name}.env")
    tool = _compose(subject)
    if not tool:
        return _by_schema(subject, here)
    # References are looked up only with the variables put in; what stands in the file
    # is seen only without.
    asked = re.findall(r"\$\{(\w+):\?", subject.read(COMPOSE))
    env = {**os.environ, **dict.fromkeys(asked, "placeholder")}
    done = run([*tool, "--file", here, "config", "--quiet"], timeout=SECONDS, env=env)
    argv = [*tool, "--file", here, "config", "--no-interpolate", "--format", "json"]
    done = done if done.code else run(argv, timeout=SECONDS)
    if done.code:
        detail = done.err.strip().replace(here, COMPOSE)
        return Said("failed", detail, (_key(subject, COMPOSE, detail),))
    graceful = subject.stage.number("timing.graceful")
    wrong = manifests.compose(json.loads(done.out), graceful=graceful)
    if wrong:
        return _failed(subject, COMPOSE, wrong)
    return Said("ok", "by docker compose config")


def _compose(subject: Subject) -> list[str]:
    """Return the words that start docker compose, none where it is not installed."""
    alone = subject.program("docker-compose")
    if alone and run([alone, "version", "--short"], timeout=20).out[:1] != "1":
        return [alone]
    docker = subject.program("docker")
    if docker and not run([docker, "compose", "version"], timeout=20).code:
        return [docker, "compose"]
    return []


def _by_schema(subject: Subject, here: str) -> Said:
    tool = subject.program("check-jsonschema")
    if not tool:
        return MISSING
    argv = [tool, "--builtin-schema", "vendor.compose-spec", here]
    done = run(argv, timeout=SECONDS)
    if not done.code:
        return Said("ok", "by the published schema")
    detail = (done.out + done.err).strip().replace(here, COMPOSE)
    return Said("failed", detail, (_key(subject, COMPOSE, detail),))


def _failed(subject: Subject, path: str, wrong: list[str]) -> Said:
    places = dict.fromkeys(_key(subject, path, text) for text in wrong)
    return Said("failed", "\n".join(wrong), tuple(places))


def _key(subject: Subject, path: str, words: str) -> Evidence:
    """Return the line of the last key or instruction that the words name."""
    keys = {
        found[1]: number
        for number, line in enumerate(subject.read(path).splitlines(), 1)
        if (found := re.match(r"[\s-]*\"?([\w-]+)\"?(?::|\s)", line))
    }
    hits = [keys[name] for name in re.findall(r"[\w-]+", words) if name in keys]
    return Evidence(path, hits[-1] if hits else 0)


__all__ = ["compose", "dockerfile"]
