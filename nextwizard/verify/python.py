"""The project's own interpreter on the files on disk: Django, gunicorn, uWSGI."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from nextwizard import quoting
from nextwizard.rules import DJANGO
from nextwizard.unset import fields, run_lent, unset
from nextwizard.values import Evidence

from .checker import MISSING, Said
from .subject import SECRET


if TYPE_CHECKING:
    from nextwizard.tools import Result

    from .subject import Subject


BOOT_SECONDS = 120.0
"""How long the project may take to start; a cold one takes two or three."""

INSTALL = "pip install -r deploy/requirements.txt"
NO_PYTHON = Said(
    "skipped", "no interpreter with Django", fix=f"make .venv, then {INSTALL}"
)
_LACKING = re.compile(r"No module named '?([\w.]+)'?")


def compiles(subject: Subject) -> Said:
    """Compile every Python file that nextwizard made."""
    made = [file for file in subject.proposal.files if file.checker in _PYTHON]
    count = 0
    for file in made:
        if not subject.exists(file.path):
            continue
        count += 1
        try:
            compile(subject.read(file.path), file.path, "exec", dont_inherit=True)
        except SyntaxError as error:
            at = Evidence(file.path, error.lineno or 0)
            return Said("failed", f"{error.msg}", (at,))
    return Said("ok", f"{count} files")


_PYTHON = {"python", "gunicorn"}


def _lacking(subject: Subject, done: Result) -> Said | None:
    """Return what is said when a package of the deployment is not installed here."""
    wanted = _wanted(subject)
    driver = re.search(r"Error loading .*?(?=\bmodule)", done.err)
    if driver and wanted & {"psycopg", "mysqlclient"}:
        return Said("skipped", "the database's driver is not installed", fix=INSTALL)
    found = _LACKING.search(done.err)
    if found and found[1].split(".")[0].replace("_", "-").lower() in wanted:
        return Said("skipped", f"{found[1]} is not installed", fix=INSTALL)
    return None


def _wanted(subject: Subject) -> set[str]:
    """Return the import names of the packages that the deployment asks for."""
    names = {"django", "next"}
    for line in subject.read("deploy/requirements.txt").splitlines():
        found = re.match(r"[A-Za-z0-9._-]+", line)
        if found:
            names.add(found[0].replace("_", "-").lower())
    return names


def _failed(subject: Subject, done: Result, fallback: str) -> Said:
    """Return a traceback as its last line, and the place in the project's own files."""
    said = [line for line in done.err.strip().splitlines() if line.strip()]
    errors = [
        line for line in said if re.match(r"[\w.]+(Error|Exception|Configured)\b", line)
    ]
    last = errors[-1] if errors else (said[-1] if said else "it said nothing")
    if done.code == 124:  # noqa: PLR2004 - the code of tools.run for a time that is up
        last = f"did not end within {BOOT_SECONDS:.0f} s"
    told = fields(done.err)
    detail = f"{last.strip()}: {told}" if told else last.strip()
    places = subject.traced(done.err) or (Evidence(fallback),)
    return Said("failed", detail, places, fix=_way_out(subject, done))


def _way_out(subject: Subject, done: Result) -> str:
    """Return what to do where a variable is not set, or its stand-in does not do."""
    name = unset(done.err, subject.environment(STATIC_ROOT=""))
    secrets = f"deploy/{subject.name}.env"
    if name:
        return (
            f"Your settings read {name}, which nothing sets here: run `{name}=VALUE "
            f"nextwizard check`, and set it in {secrets} too."
        )
    if "ValidationError" in done.err and fields(done.err):
        return (
            "Set the variables of these fields for this run, as in `NAME=VALUE "
            f"nextwizard check`, and in {secrets} too."
        )
    names = [word.partition("=")[0] for word in subject.stage.items("settings.built")]
    if names and SECRET in done.err:
        return (
            f"What stands in for a variable here does not do. Set {', '.join(names)} "
            "for this run, as in `NAME=VALUE nextwizard check`."
        )
    return ""


def collects(subject: Subject) -> Said:
    """Run `collectstatic` into the scratch directory, as the runbook does it.

    A stylesheet that names a file which is not there fails here, not at a release.
    """
    if not subject.python:
        return NO_PYTHON
    done = run_lent(
        [subject.python, _manage(subject), "collectstatic", "--noinput"],
        timeout=BOOT_SECONDS,
        cwd=subject.workdir,
        env=_prod(subject, **subject.stage.building),
    )
    if done.code:
        return _lacking(subject, done) or _failed(subject, done, _settings(subject))
    found = re.search(r"(\d+) static files? copied", done.out)
    detail = f"{found[1]} files" if found else ""
    if subject.stage.plan["static.away"] is True:
        detail += f", none sent away: {subject.text('static.backend')} is not asked"
    return Said("ok", detail)


def _manage(subject: Subject) -> str:
    return os.path.join(subject.root, subject.text("paths.manage_here"))


def _settings(subject: Subject) -> str:
    return subject.text("settings.file")


def _prod(subject: Subject, **extra: str) -> dict[str, str]:
    """Return the unit's environment, with the settings that are deployed."""
    module = subject.text("settings.prod")
    return subject.environment(DJANGO_SETTINGS_MODULE=module, **extra)


def django(subject: Subject) -> Said:
    """Run `check --deploy --fail-level WARNING` under prod with placeholder secrets.

    next.dj looks for its runtime among the collected files, so these come first.
    """
    if not subject.python:
        return NO_PYTHON
    if not os.path.exists(subject.stage.place("static", "staticfiles.json")):
        collects(subject)
    done = _deploy(subject)
    if _OWN_VIEW in done.err:
        done = _deploy(subject)
    if not done.code:
        return Said("ok", "0 warnings", figures=(("findings", 0.0),))
    lacking = _lacking(subject, done)
    if lacking:
        return lacking
    rows = re.findall(r"(?m)^(.*?): \(([\w.]+)\) (.+)$", done.err)
    if not rows:
        return _failed(subject, done, _settings(subject))
    detail = "\n".join(f"{id_}: {text}" for _, id_, text in rows)
    places = [_setting(subject, text) for _, _, text in rows]
    return Said(
        "failed",
        detail,
        tuple(dict.fromkeys(places)),
        fix=f"Each id is told at {DJANGO}/ref/checks/",
        figures=(("findings", float(len(rows))),),
    )


_OWN_VIEW = "resolves that address to next.forms.backends."
"""What next.dj 0.10 says when it meets its own form view twice (next.E149). It compares
bound methods, and in a tree written this very second its backends may be made anew in
between: seen once in some thousand runs, never twice in a row."""


def _deploy(subject: Subject) -> Result:
    level = ("--deploy", "--fail-level", "WARNING")
    return run_lent(
        [subject.python, _manage(subject), "check", *level],
        timeout=BOOT_SECONDS,
        cwd=subject.workdir,
        env=_prod(subject),
    )


def _setting(subject: Subject, text: str) -> Evidence:
    """Return the line of the setting that a check speaks of."""
    prod = subject.text("settings.file")
    for name in re.findall(r"\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b|\bDEBUG\b", text):
        place = subject.line(prod, rf"^\s*{name}\b")
        if place.line:
            return place
    return Evidence(prod)


def gunicorn(subject: Subject) -> Said:
    """Run `gunicorn --check-config`: it loads its configuration and the application."""
    path = "deploy/gunicorn.conf.py"
    if not subject.exists(path):
        return Said("skipped", f"{path} is not there: you deleted it")
    if not subject.python:
        return NO_PYTHON
    config = os.path.join(subject.root, path)
    done = run_lent(
        [subject.python, "-m", "gunicorn", "--check-config", "--config", config],
        timeout=BOOT_SECONDS,
        cwd=subject.workdir,
        env=subject.environment(WEB_CONCURRENCY="1"),
    )
    if not done.code:
        return Said("ok")
    return _lacking(subject, done) or _failed(subject, done, path)


def _bound_elsewhere(program: str, subject: Subject) -> bool:
    """Tell whether a program is the script of a wheel in another environment.

    Such a uWSGI runs in that environment's interpreter, whatever `virtualenv` says.
    """
    with open(program, "rb") as file:
        script = file.read(2) == b"#!"
    return script and os.path.dirname(program) != os.path.dirname(subject.python)


def uwsgi(subject: Subject) -> Said:
    """Start uWSGI on its strict file without serving: keys, module and application."""
    path = subject.text("unit.uwsgi")
    if not subject.exists(path):
        return Said("skipped", f"{path} is not there: you deleted it")
    program = subject.program("uwsgi")
    if not program or _bound_elsewhere(program, subject):
        return MISSING
    stage = subject.stage
    text = stage.moved(stage.read(path), quoting.ini)
    copy = stage.write(text, "uwsgi.ini")
    os.makedirs(stage.place("run"), exist_ok=True)
    done = run_lent(
        [program, "--ini", copy, "--no-server"],
        timeout=BOOT_SECONDS,
        cwd=subject.workdir,
        env=subject.environment(WEB_CONCURRENCY="1"),
    )
    if not done.code and "WSGI app 0" in done.err:
        return Said("ok")
    lacking = _lacking(subject, done)
    if lacking:
        return lacking
    strict = re.search(r"\[strict-mode\] unknown config directive: (\S+)", done.err)
    if strict:
        place = subject.line(path, rf"^\s*{re.escape(strict[1])}\s*=")
        return Said("failed", f"unknown config directive: {strict[1]}", (place,))
    return _failed(subject, done, path)


__all__ = ["INSTALL", "collects", "compiles", "django", "gunicorn", "uwsgi"]
