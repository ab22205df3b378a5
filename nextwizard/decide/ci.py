"""What runs at every push: the project's tests, Django's checks, and ours."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from nextwizard import __version__
from nextwizard.decide import version_of


if TYPE_CHECKING:
    from nextwizard.decide import Ledger
    from nextwizard.values import Value


_GITHUB = "https://docs.github.com/en/actions/reference/workflows-and-actions"
_OLDEST_PYTHON = (3, 12, 0)
_PYTHON = "3.13"
_OURS = "python -m nextwizard"


def ci(ledger: Ledger) -> None:
    """Decide the commands of each job; all of them run from the checkout's root."""
    asked = ledger.project.versions.get("python", "")
    known = bool(asked) and version_of(asked, _PYTHON) >= _OLDEST_PYTHON
    minor = ".".join(asked.split(".")[:2]) if known else _PYTHON
    why = "as the project has it" if known else "a current one"
    ledger.decide("ci.python", minor, why, "versions")
    ledger.decide("ci.image", f"python:{minor}", why, "versions")
    ledger.decide(
        "ci.compiler",
        ledger["data.engine"] == "mysql",
        "mysqlclient is compiled where it is installed",
        "data.database",
    )
    install, named = _install(ledger)
    tests, evidence = _tests(ledger)
    manage = shlex.join((".venv/bin/python", ledger.text("paths.manage_here")))
    prod = f"--settings {ledger['settings.prod']}"
    rows: dict[str, tuple[Value, str]] = {
        "ci.install": (install, named),
        "ci.tests": (tests, evidence),
        "ci.deploy": _deploys(ledger, manage, prod),
        "ci.drift": (
            (f".venv/bin/{_OURS} regenerate --check", f".venv/bin/{_OURS} check"),
            "who edits an answer runs regenerate, or this job is red",
        ),
    }
    for key, (value, reason) in rows.items():
        ledger.decide(key, value, reason, "ci.provider", _GITHUB)
    if any("{{" in line for line in (*install, *tests, manage)):
        ledger.refuse(
            "ci.provider",
            "a path of the project holds {{, which starts an expression in a workflow",
            "Rename it, or leave ci.provider out.",
        )


def _install(ledger: Ledger) -> tuple[tuple[str, ...], str]:
    """Return what brings the packages, the tests' own included, and who names them."""
    found = ledger.project.detected.get("project.packages")
    value = found.value if found else ()
    first = value[0] if isinstance(value, tuple) and value else ""
    more = ledger.project.detected.get("project.dev")
    dev = more.value if more and isinstance(more.value, tuple) else ()
    lists = [path for path in dev if path.endswith(".txt")]
    group = any(path.endswith(".toml") for path in dev)
    folder = first.rpartition("/")[0]
    ours = ("deploy/requirements.txt", f"nextwizard=={__version__}")
    last = f"uv pip install --requirement {ours[0]} {ours[1]}"
    if first.endswith("uv.lock"):
        where = f" --project {shlex.quote(folder)}" if folder else ""
        place = f"UV_PROJECT_ENVIRONMENT=$PWD/.venv uv sync --frozen{where}"
        return (place, last), f"{first} names them"
    wanted = [f"--requirement {shlex.quote(path)}" for path in (first, *lists) if path]
    if group:
        wanted.append("--group dev")
    lines = ("uv venv", *((f"uv pip install {' '.join(wanted)}",) if wanted else ()))
    return (*lines, last), f"{first} names them" if first else "nothing names them"


def _deploys(ledger: Ledger, manage: str, prod: str) -> tuple[Value, str]:
    """Return what proves the settings that are deployed, where no secret is."""
    if ledger.flag("static.away"):
        return (), "they ask the place of the static files, which needs credentials"
    given = shlex.join(ledger.items("settings.built"))
    build = f"BUILD=1 {given} {manage}" if given else f"BUILD=1 {manage}"
    return (
        (
            f"{build} collectstatic --noinput {prod}",
            f"{build} check --deploy --fail-level WARNING {prod}",
        ),
        "BUILD=1 stands in for the secrets, which no job of this kind needs",
    )


def _tests(ledger: Ledger) -> tuple[tuple[str, ...], str]:
    """Return what runs the project's tests, and why it does."""
    found = ledger.project.detected.get("project.tests")
    if found:
        return (".venv/bin/python -m pytest",), f"{found.evidence[0]} is for pytest"
    manage = shlex.join((".venv/bin/python", ledger.text("paths.manage_here"), "test"))
    return (manage,), "nothing is for pytest, so Django's own runner"


__all__ = ["ci"]
