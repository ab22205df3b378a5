"""What an image holds, what a container gets, and what starts beside it."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from nextwizard import rules
from nextwizard.decide import version_of


if TYPE_CHECKING:
    from nextwizard.decide import Ledger
    from nextwizard.values import Value


_OLDEST_PYTHON = (3, 12, 0)
_PYTHON = "3.13"
_UV = "0.13.9"
_HEADROOM = 1.5
_TMP_MB = 64
_UPLOADS = 4
PORTS = {"postgresql": 5432, "mysql": 3306}
_IMAGES = {"postgresql": "postgres:17", "mysql": "mysql:8.4"}
_PROBES = f"{rules.KUBERNETES}/configuration/liveness-readiness-startup-probes/"
_BUILD = f"{rules.DOCKER}/build/building/best-practices/"


def containers(ledger: Ledger) -> None:
    """Decide the image, what it may use, and what starts beside it."""
    _image(ledger)
    _packages(ledger)
    _probes(ledger)
    _limits(ledger)
    _state(ledger)
    if ledger["hosting.target"] == "compose":
        _compose(ledger)
    elif ledger["hosting.target"] == "procfile":
        from .platform import platform

        platform(ledger)
    else:
        from .cluster import cluster

        cluster(ledger)


def _image(ledger: Ledger) -> None:
    """Decide the base, the account and the names of the image."""
    asked = ledger.project.versions.get("python", "")
    known = bool(asked) and version_of(asked, _PYTHON) >= _OLDEST_PYTHON
    minor = ".".join(asked.split(".")[:2]) if known else _PYTHON
    ledger.decide(
        "container.base",
        f"python:{minor}-slim-trixie",
        f"Python {minor}, {'as the project has it' if known else 'a current one'}; "
        "slim leaves compilers and their holes out",
        "versions",
        _BUILD,
    )
    ledger.decide(
        "container.uid",
        rules.CONTAINER_UID,
        "a number: only of a number can a cluster tell that it is not root",
        "rules",
        f"{rules.KUBERNETES}/security/pod-security-standards/",
    )
    name = ledger.text("hosting.image")
    ledger.decide("container.image", name, "as answered", "hosting.image")
    ledger.decide("container.proxy_image", f"{name}-proxy", "beside it", "rules")
    ledger.decide("container.port", rules.CONTAINER_PORT, "unprivileged", "rules")
    manage = (ledger.text("paths.python"), ledger.text("paths.manage"))
    ledger.decide("container.manage", manage, "the image's own Python", "rules")


def _packages(ledger: Ledger) -> None:
    """Decide how the project's packages come into the image."""
    found = ledger.project.detected.get("project.packages")
    value = found.value if found else ()
    files = value if isinstance(value, tuple) else ()
    first = files[0] if files else ""
    kind = "lock" if first.endswith("uv.lock") else "list" if files else "none"
    kind = "declared" if first.endswith("pyproject.toml") else kind
    uv = ledger.text("project.runner") == "uv" or kind == "lock"
    folder = first.rpartition("/")[0]
    reason = f"{', '.join(files)} names them" if files else "nothing names them"
    listed = (f"{folder}/" if folder else "requirements*.txt",)
    rows: dict[str, Value] = {
        "container.packages": kind,
        "container.uv": uv,
        "container.uv_version": _UV,
        "container.folder": folder,
        "container.first": first,
        "container.copied": listed if kind == "list" else files,
        "container.compiler": ledger["data.engine"] == "mysql",
    }
    ledger.table(rows, reason, "project.packages", _BUILD)
    if not files:
        ledger.warn(
            "container.packages",
            "neither uv.lock nor requirements.txt nor dependencies in pyproject.toml: "
            "the image holds no package of the project's own",
            fix="Write them into requirements.txt, and run regenerate.",
        )


def _probes(ledger: Ledger) -> None:
    """Decide what a probe asks inside, where no proxy takes a prefix away."""
    prefix = ledger.text("edge.prefix") if ledger.flag("edge.strip") else ""
    ready = "health.ready_path" if ledger.flag("health.ready") else "health.path"
    why = "the name must be one that Django answers to, or every probe is a 400"
    for key, answer in (("health", "health.path"), ("ready", ready)):
        path = ledger.text(answer).removeprefix(prefix)
        ledger.decide(f"container.{key}_path", path, why, answer, _PROBES)


def _limits(ledger: Ledger) -> None:
    """Decide the limits that deploy/boot.py reads again inside."""
    tmp = max(_TMP_MB, _UPLOADS * ledger.number("edge.body_mb"))
    ledger.decide(
        "container.tmp_mb",
        tmp,
        f"{_UPLOADS} of the largest uploads at once; all else is read-only",
        "hosting.max_body_mb",
    )
    need = ceil(ledger.number("sizing.planned_mb") * _HEADROOM) + tmp
    ledger.decide(
        "container.memory_mb",
        need,
        f"{ledger['sizing.planned_mb']} MiB measured, half of it again, and /tmp",
        "sizing.sum",
    )
    ledger.decide("container.pids", 256, "a runaway fork stays inside", "rules", _BUILD)


def _state(ledger: Ledger) -> None:
    """Decide what outlives a container."""
    file = ledger["data.engine"] in {"sqlite", "unknown"}
    media = ledger.flag("media.on")
    why = ledger.decisions["data.engine"].reason
    ledger.decide("container.database_file", file, why, "data.engine")
    ledger.decide("container.media", media, "files of visitors", "media.on")
    engine = ledger.text("data.engine")
    kept = ledger["data.choice"] == "keep" and engine in PORTS
    if kept:
        ledger.warn(
            "container.database",
            f"data.database is kept: the {engine} of the settings must be reachable "
            "from inside a container, where localhost is the container",
            fix=f'Answer data.database with "{engine}".',
        )


def _compose(ledger: Ledger) -> None:
    """Decide the services beside the application."""
    engine = ledger.text("data.engine")
    own = ledger.flag("data.url")
    ledger.decide(
        "compose.database",
        _IMAGES[engine] if own else "",
        "as answered" if own else "the settings' own",
        "data.database",
    )
    port = PORTS.get(engine, 0)
    ledger.decide("compose.database_port", port, "its usual port", "data.engine")
    rows: dict[str, Value] = {"compose.env_file": f"./{ledger['project.name']}.env"}
    for key in ("certificate", "key"):
        path = ledger.text(f"tls.{key}")
        rows[f"compose.{key}"] = f"{path}:{path}:ro"
    ledger.table(rows, "from the host, where no layer holds it", "hosting.tls")
    ledger.decide(
        "compose.redis", ledger["data.cache"] == "redis", "as answered", "data.cache"
    )
    cores = ledger.number("sizing.cores")
    ledger.decide("compose.cpus", f"{cores}.0", "as answered", "sizing.cores")


__all__ = ["PORTS", "containers"]
