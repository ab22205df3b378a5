"""Brings a staged deployment up: secrets, static files, database, the server itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nextwizard import quoting
from nextwizard.errors import Problem, ToolError
from nextwizard.tools import run
from nextwizard.unset import unset

from .fleet import Fleet
from .service import last_words
from .supervised import Supervised
from .unit import Unit, section, service_text, words


if TYPE_CHECKING:
    from collections.abc import Mapping

    from .place import Stage
    from .service import Service


PLACEHOLDERS = {
    "postgresql": "postgresql://nobody:nothing@127.0.0.1:5432/nothing",
    "mysql": "mysql://nobody:nothing@127.0.0.1:3306/nothing",
}
"""What DATABASE_URL says where only its form matters, by engine."""
NEAR = "nextwizard_near"
"""The settings of a trial where those of the deployment send static files away."""

_NEAR = """from {module} import *
STORAGES = {{
    **STORAGES,
    "staticfiles": {{
        "BACKEND": "django.contrib.staticfiles.storage.{hashed}StaticFilesStorage"
    }},
}}
"""
_REDIS = "redis://127.0.0.1:6379/0"


def environment(stage: Stage, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what the server's process would find in its environment."""
    env = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "STATIC_ROOT": stage.place("static"),
        **_managed(stage),
    }
    env = {**env, **_read(stage), **(extra or {})}
    return {**env, **_near(stage, env.get("PYTHONPATH", ""))}


def _near(stage: Stage, imports: str) -> dict[str, str]:
    """Return what keeps static files here that collectstatic would send away.

    A trial must not upload, and needs no credentials: settings that build on those of
    the deployment store the files the way they say, on this machine.
    """
    if stage.plan["static.away"] is not True:
        return {}
    hashed = "Manifest" * ("Manifest" in stage.text("static.backend"))
    text = _NEAR.format(module=stage.text("settings.prod"), hashed=hashed)
    folder = os.path.dirname(stage.write(text, "near", f"{NEAR}.py"))
    places = filter(None, (folder, imports))
    return {"DJANGO_SETTINGS_MODULE": NEAR, "PYTHONPATH": os.pathsep.join(places)}


def _read(stage: Stage) -> dict[str, str]:
    """Return the secrets, unless the generated unit does not read their file."""
    if stage.text("hosting.target") == "systemd":
        keys = {key for key, _ in section(service_text(stage), "Service")}
        if "EnvironmentFile" not in keys:
            return {}
    return secrets(stage)


def _managed(stage: Stage) -> dict[str, str]:
    """Return what the process manager itself sets."""
    state = {"STATE_DIRECTORY": stage.place("state")}
    if stage.text("hosting.target") != "systemd":
        return {**state, "DJANGO_SETTINGS_MODULE": stage.text("settings.prod")}
    rows = list(section(service_text(stage), "Service"))
    env = {"INVOCATION_ID": "stage"}
    if any(key == "StateDirectory" for key, _ in rows):
        env |= state
    for key, value in rows:
        if key == "Environment":
            for word in words(value):
                name, _, setting = word.partition("=")
                env[name] = setting
    return env


def secrets(stage: Stage) -> dict[str, str]:
    """Return the variables of the stage's copy of the secret file."""
    env: dict[str, str] = {}
    path = stage.place("env")
    if not os.path.exists(path):
        return env
    with open(path, encoding="utf-8") as file:
        for line in file:
            name, equals, value = line.rstrip("\n").partition("=")
            if equals and not line.startswith("#"):
                env[name] = value
    return env


def copy_secrets(stage: Stage) -> None:
    """Copy the secret file to the stage; what it lacks is filled with placeholders.

    A database's address comes from the caller's environment before a placeholder does.
    """
    place = stage.place("env")
    os.makedirs(stage.place("state"), exist_ok=True)
    os.makedirs(stage.place("static"), exist_ok=True)
    own = os.path.join(stage.root, f"deploy/{stage.text('project.name')}.env")
    text = stage.read(own) if os.path.isfile(own) else ""
    with open(place, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text if text.endswith("\n") or not text else f"{text}\n")
    said = secrets(stage)
    lacking = {} if said.get("SECRET_KEY") else {"SECRET_KEY": os.urandom(40).hex()}
    if stage.plan["data.url"] is True and not said.get("DATABASE_URL"):
        url = PLACEHOLDERS.get(stage.text("data.engine"), "")
        lacking["DATABASE_URL"] = os.environ.get("DATABASE_URL") or url
    if stage.plan["cache.url_needed"] is True and not said.get("REDIS_URL"):
        lacking["REDIS_URL"] = os.environ.get("REDIS_URL") or _REDIS
    for word in stage.items("settings.built"):
        name, _, value = word.partition("=")
        if not said.get(name):
            lacking[name] = os.environ.get(name) or value
    with open(place, "a", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in lacking.items())


def prepare(stage: Stage, *, static: bool = True, migrate: bool = True) -> None:
    """Copy the secrets to the stage, collect static files, migrate a scratch database.

    ToolError names the command that failed and what it said.
    """
    copy_secrets(stage)
    if static:
        manage(stage, "collectstatic", "--noinput", **stage.building)
    if migrate:
        manage(stage, "migrate", "--noinput")


def manage(stage: Stage, *arguments: str, **extra: str) -> str:
    """Run manage.py the way the unit would, and return what it said."""
    script = os.path.join(stage.root, stage.text("paths.manage_here"))
    env = environment(stage, extra)
    argv = [stage.python, script, *arguments]
    done = run(argv, timeout=120, cwd=os.path.dirname(script), env=env)
    if done.code:
        what = f"{arguments[0]} failed: {last_words(done.err or done.out)}"
        fix = "Run it by hand to see it all."
        if name := unset(done.err, env):
            secrets = f"deploy/{stage.text('project.name')}.env"
            fix = f"Your settings read {name}, which nothing sets: set it in {secrets}."
        raise ToolError(Problem("manage.py", what, fix))
    return done.out


def serve(stage: Stage) -> Service:
    """Start the generated server under its manager; ToolError when that fails."""
    service: Service = (
        Fleet(stage, _service) if stage.plan["hosts.on"] is True else _service(stage)
    )
    try:
        service.start()
    except BaseException:
        service.close()
        raise
    return service


def _service(stage: Stage) -> Service:
    """Return the generated server under its manager, its own files written."""
    if stage.text("server.kind") == "uwsgi":
        text = stage.moved(stage.read(stage.text("unit.uwsgi")), quoting.ini)
        stage.write(text, "uwsgi.ini")
    if stage.text("hosting.target") == "supervisor":
        return Supervised(stage)
    return Unit(stage)


__all__ = [
    "NEAR",
    "PLACEHOLDERS",
    "copy_secrets",
    "environment",
    "manage",
    "prepare",
    "secrets",
    "serve",
]
