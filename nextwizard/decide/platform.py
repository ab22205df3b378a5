"""A platform that runs a Procfile or an image: Heroku, Fly, and their like."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from nextwizard import rules


if TYPE_CHECKING:
    from nextwizard.decide import Ledger
    from nextwizard.values import Value


_HEROKU = "https://devcenter.heroku.com/articles"
_FLY = "https://fly.io/docs/reference/configuration/"
_LOCAL_STATE = ("broker.local", "router.reload", "wizard.cache")
_LOOP_REQUESTS = 100
_SLICE_MB = 256
_CPUS = (1, 2, 4, 8)
_ADDONS = {"postgresql": "heroku-postgresql", "redis": "heroku-redis"}


def platform(ledger: Ledger) -> None:
    """Decide what a platform is told: the commands, the port, the machine."""
    _refuse(ledger)
    _commands(ledger)
    _machine(ledger)
    engine = ledger.text("data.engine") if ledger.flag("data.url") else ""
    wanted = (engine, ledger.text("data.cache"))
    ledger.decide(
        "procfile.addons",
        tuple(_ADDONS[name] for name in wanted if name in _ADDONS),
        "what DATABASE_URL and REDIS_URL come from",
        "data.database",
        f"{_HEROKU}/app-json-schema",
    )
    ledger.decide(
        "procfile.app",
        ledger.text("project.name").replace("_", "-"),
        "a name of the platform takes no underscore",
        "project.name",
        _FLY,
    )
    _required(ledger)
    _warn(ledger)


def _required(ledger: Ledger) -> None:
    """Decide which variables an app must be given before it is made."""
    taken = {"ALLOWED_HOSTS", "DJANGO_SETTINGS_MODULE", "PORT", "WEB_CONCURRENCY"}
    names = ledger.items("settings.required")
    ledger.decide(
        "procfile.required",
        tuple(name for name in names if name not in taken),
        ledger.decisions["settings.required"].reason,
        "settings.required",
        f"{_HEROKU}/app-json-schema",
    )


def _refuse(ledger: Ledger) -> None:
    """Refuse what has no place behind a platform's router."""
    if ledger["hosting.proxy"] != "none":
        ledger.refuse(
            "hosting.proxy, hosting.target",
            f"{ledger.said('hosting.proxy')}, and the platform has a router in front",
            "Take hosting.proxy out.",
        )
    if ledger["server.kind"] == "uwsgi":
        ledger.refuse(
            "hosting.server, hosting.target",
            "uwsgi keeps port and paths in a file, and a platform tells them at start",
            'Answer hosting.server with "gunicorn".',
        )
    if ledger.flag("edge.strip"):
        ledger.refuse(
            "hosting.path_prefix, hosting.server",
            f"{ledger['server.kind']} needs the prefix cut off, and no proxy of ours "
            "stands in front",
            'Answer hosting.server with "gunicorn".',
        )


def _commands(ledger: Ledger) -> None:
    """Decide the lines of the Procfile, which a shell runs in the checkout."""
    root, port = f"{ledger['paths.root']}/", str(rules.CONTAINER_PORT)
    tools = f"{ledger['paths.bin']}/"

    def here(word: str) -> str:
        word = word.removeprefix(tools).removeprefix(root)
        return f"{word.removesuffix(port)}$PORT" if _ends(word, port) else word

    folders = (ledger.text("paths.workdir"), ledger.text("paths.sources"))
    below = [f"{place}/".removeprefix(root).strip("/") for place in folders if place]
    rows: dict[str, Value] = {
        "procfile.web": tuple(map(here, ledger.items("server.command"))),
        "procfile.manage": ("python", ledger.text("paths.manage_here")),
        "procfile.imports": ":".join(dict.fromkeys(name for name in below if name)),
    }
    why = "PORT comes with each start; everything else is in the checkout"
    ledger.table(rows, why, "server.command", f"{_HEROKU}/procfile")
    release = (*ledger.items("container.manage"), "migrate", "--noinput")
    check = (*release[:-2], "check", "--deploy", "--fail-level", "WARNING")
    collect = (*release[:-2], "collectstatic", "--noinput")
    ledger.decide("procfile.collect", shlex.join(collect), "inside a machine", "rules")
    ledger.decide("procfile.check", shlex.join(check), "inside a machine", "rules")
    ledger.decide(
        "procfile.release",
        shlex.join(release),
        "once a release, before any machine of it starts",
        "rules",
        _FLY,
    )


def _ends(word: str, port: str) -> bool:
    """Tell whether a word is the port, or an address with it."""
    return word == port or word.endswith(f":{port}")


def _machine(ledger: Ledger) -> None:
    """Decide the machine of fly.toml, and how much one of them takes."""
    need = ledger.number("container.memory_mb")
    cores = ledger.number("sizing.cores")
    held = ledger.flag("sse.on") or ledger.flag("ws.on")
    wsgi = ledger["server.interface"] == "wsgi"
    each = ledger.number("sizing.planned_threads") if wsgi else _LOOP_REQUESTS
    soft = ledger.number("sizing.planned") * each
    rows: dict[str, Value] = {
        "procfile.memory": f"{-(-need // _SLICE_MB) * _SLICE_MB}mb",
        "procfile.cpus": next((n for n in _CPUS if n >= cores), _CPUS[-1]),
        "procfile.counted": "connections" if held else "requests",
        "procfile.soft": soft,
        "procfile.hard": soft + soft // 2,
    }
    why = f"{ledger['sizing.sum']}; {need} MiB with room, in slices of {_SLICE_MB}"
    ledger.table(rows, why, "sizing.cores", _FLY)
    lone = any(
        signal.kind not in ledger.items("checks.ignore")
        for signal in ledger.project.of_kind(*_LOCAL_STATE)
    )
    ledger.decide(
        "procfile.single",
        lone or ledger.flag("container.database_file"),
        "something is kept in one process or one file",
        "the code",
    )


def _warn(ledger: Ledger) -> None:
    """Warn about files that go with the machine, and packages that never come."""
    if ledger.flag("media.on"):
        ledger.warn(
            "procfile.media",
            "files of visitors are gone with the next release: a platform's disk is "
            "a new one each time",
            fix="Keep them in an object store, such as by django-storages.",
            link=f"{_HEROKU}/dynos#ephemeral-filesystem",
        )
    if ledger["container.packages"] == "declared":
        ledger.warn(
            "procfile.packages",
            "Heroku installs from uv.lock or requirements.txt, and only pyproject.toml "
            "is here",
            fix="Run `uv lock`, and commit uv.lock.",
            link=f"{_HEROKU}/python-support",
        )
    for signal in ledger.project.of_kind(*_LOCAL_STATE):
        if signal.kind not in ledger.items("checks.ignore"):
            ledger.warn(
                "procfile.single",
                f"{signal.evidence}: {signal.kind} keeps state in one process, so run "
                "a single machine",
                (signal.evidence,),
                "Share it, as by Redis, before a second one is started.",
            )


__all__ = ["platform"]
