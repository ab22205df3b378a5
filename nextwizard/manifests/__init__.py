"""What no schema sees in an image, its services and its manifests: references and sums.

Everything here takes parsed documents, as `docker compose config --format json` and
`kubectl kustomize` give them, and returns problems in words; nothing is run or read.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from .nodes import at, flag, listed, mapped, seconds, word
from .workloads import cluster


if TYPE_CHECKING:
    from collections.abc import Iterator


_SECRET = re.compile(r"(?i)(?:^|_)(?:secret|password|passwd|token|api_?key|key)(?:_|$)")
_INSTRUCTION = re.compile(r"(?ms)^[ \t]*([A-Z]+)[ \t]+((?:[^\n\\]|\\.)*)")
_NUMBER = re.compile(r"[1-9]\d*(?::[1-9]\d*)?")


def dockerfile(text: str) -> list[str]:
    """Return what is wrong with the last stage of a Dockerfile, and with any secret."""
    code = re.sub(r"(?m)^[ \t]*#.*\n", "", text)
    found = _INSTRUCTION.findall(code)
    starts = [n for n, (name, _) in enumerate(found) if name == "FROM"]
    last = found[starts[-1] :] if starts else []
    said = dict(last)
    return [*_account(said), *_start(said), *_leaks(found)]


def _account(said: dict[str, str]) -> Iterator[str]:
    user = said.get("USER", "").strip()
    if not _NUMBER.fullmatch(user):
        yield f"USER {user or 'is missing'}: say a number that is not 0"


def _start(said: dict[str, str]) -> Iterator[str]:
    command = said.get("CMD", "").strip()
    if not _exec(command):
        yield "CMD is in shell form: the signal to stop never reaches the server"
    if "HEALTHCHECK" not in said:
        yield "HEALTHCHECK is missing: nothing waits until the server answers"


def _exec(command: str) -> bool:
    try:
        words = json.loads(command)
    except ValueError:
        return False
    shells = {"sh", "bash", "/bin/sh", "/bin/bash"}
    return isinstance(words, list) and bool(words) and words[0] not in shells


def _leaks(found: list[tuple[str, str]]) -> Iterator[str]:
    """Name the variables that would stay in a layer for everybody to read."""
    for instruction, rest in found:
        if instruction in {"ENV", "ARG"}:
            for name in re.findall(r"(?:^|\s)([A-Za-z_]\w*)(?==|\s|$)", rest):
                if _SECRET.search(name):
                    yield f"{instruction} {name}: a secret in a layer"


def compose(document: object, *, graceful: int = 25) -> list[str]:
    """Return what is wrong between the services of a compose file, not interpolated.

    `graceful` is how many seconds the server takes to end its requests at a stop.
    """
    services = mapped(at(document, "services"))
    found: list[str] = []
    for name, service in services.items():
        found += [f"{name}: {text}" for text in _service(service, services)]
    app = at(services, "app")
    if app is None:
        return [*found, "app: there is no such service"]
    if seconds(at(app, "stop_grace_period")) <= graceful:
        found.append(f"app: stop_grace_period is not over {graceful} s")
    limits = at(app, "deploy", "resources", "limits")
    found += [
        f"app: no limit of {key}"
        for key in ("cpus", "memory", "pids")
        if at(limits, key) is None
    ]
    if "migrate" in " ".join(map(str, listed(at(app, "command")))):
        found.append("app: migrates when it starts; two starts would race")
    return found


def _service(service: object, services: dict[str, object]) -> Iterator[str]:
    for other, how in mapped(at(service, "depends_on")).items():
        there = services.get(other)
        if there is None:
            yield f"waits for {other}, which is no service"
            continue
        wait = at(how, "condition")
        once = at(there, "restart") == "no"
        if wait == "service_completed_successfully" and not once:
            yield f"waits for the end of {other}, which is started again"
        if wait == "service_healthy" and flag(at(there, "healthcheck", "disable")):
            yield f"waits for the health of {other}, which has no check"
    yield from _fenced(service)
    for name, value in mapped(at(service, "environment")).items():
        if _SECRET.search(name) and not re.match(r"\$|yes$|$", word(value)):
            yield f"{name} stands in the file"


def _fenced(service: object) -> Iterator[str]:
    if "ALL" not in listed(at(service, "cap_drop")):
        yield "keeps capabilities: cap_drop lacks ALL"
    options = [str(option) for option in listed(at(service, "security_opt"))]
    if not any(option.startswith("no-new-privileges") for option in options):
        yield "may gain privileges"
    if flag(at(service, "privileged")):
        yield "is privileged"
    user = word(at(service, "user"))
    if user in {"0", "root"} or user.startswith(("0:", "root:")):
        yield "runs as root"
    temporary = [str(entry).split(":")[0] for entry in listed(at(service, "tmpfs"))]
    built = at(service, "build") is not None
    if built and not flag(at(service, "read_only")):
        yield "can change its own image: read_only is missing"
    if built and "/tmp" not in temporary:  # noqa: S108 - a path in a container
        yield "has no /tmp that it can write"


__all__ = ["cluster", "compose", "dockerfile"]
