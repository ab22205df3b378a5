"""What the settings in effect must agree on with the deployment's files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nextwizard.findings import FINDINGS
from nextwizard.rules import DJANGO
from nextwizard.verify.facts import NotUsed

from .row import Breach, Invariant


if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextwizard.values import Evidence
    from nextwizard.verify.facts import Facts


_HASHED = "django.contrib.staticfiles.storage.ManifestFilesMixin"


def static_folder(facts: Facts) -> Iterator[Breach]:
    """Hold that the proxy serves static files from where collectstatic puts them."""
    if facts.subject.stage.plan["static.here"] is not True:
        raise NotUsed
    yield from _folder(facts, "static", "STATIC_ROOT")


def media_folder(facts: Facts) -> Iterator[Breach]:
    """Hold that the proxy serves uploads from where Django stores them."""
    if facts.subject.stage.plan["media.on"] is not True:
        raise NotUsed
    yield from _folder(facts, "media", "MEDIA_ROOT")


def _folder(facts: Facts, kind: str, setting: str) -> Iterator[Breach]:
    url, folders = facts.text(f"{kind}.url"), facts.edge.folders
    served = [folder for folder in folders if folder.url.rstrip("/") == url.rstrip("/")]
    path = facts.edge.names[0].at.path if facts.edge.names else ""
    if not served:
        what = f"the proxy does not serve {url}"
        at = facts.subject.line(path, "server_name|^http")
        yield Breach(what, (at,), f"Serve {setting} there, as it was generated.")
    wanted = _on_host(facts, str(facts.setting(setting) or ""))
    for folder in served:
        if folder.place.value.rstrip("/") != wanted.rstrip("/"):
            what = f"the proxy looks in {folder.place.value}, Django in {wanted}"
            fix = "Write the same directory in both."
            yield Breach(what, (folder.place.at, facts.prod(setting)), fix)


def _on_host(facts: Facts, path: str) -> str:
    """Return where a path of this machine lies on the host."""
    root = os.path.realpath(facts.subject.root)
    state = os.path.realpath(facts.subject.stage.place("state"))
    for here, there in ((root, "paths.root"), (state, "paths.state")):
        if path.startswith(f"{here}/"):
            return facts.text(there).rstrip("/") + path.removeprefix(here)
    return path


def storage(facts: Facts) -> Iterator[Breach]:
    """Hold that the storage Django really uses gives static files hashed names."""
    if facts.subject.stage.plan["static.away"] is True:
        raise NotUsed
    classes = facts.setting("STATIC_CLASSES")
    if isinstance(classes, list) and _HASHED not in classes:
        what = f"static files are stored by {classes[0] if classes else 'nothing'}"
        fix = f"Set STORAGES['staticfiles'] to {facts.text('static.storage')}."
        places = (_storages(facts),)
        yield Breach(what, places, fix)


def _storages(facts: Facts) -> Evidence:
    """Return the line that names the storage, in prod.py or in the base settings."""
    prod = facts.text("settings.file")
    place = facts.subject.line(prod, r"StaticFilesStorage|STATICFILES_STORAGE")
    return place if place.line else facts.prod("STORAGES")


def debug(facts: Facts) -> Iterator[Breach]:
    """Hold that DEBUG is off in the settings that are deployed."""
    if facts.setting("DEBUG") is not False:
        what = "DEBUG is on: a visitor who meets an error reads the settings"
        yield Breach(what, (facts.prod("DEBUG"),), "Set DEBUG = False.")


def database(facts: Facts) -> Iterator[Breach]:
    """Hold that the database can be written to and its connections do not run out."""
    engine = str(facts.setting("DATABASE") or "")
    age, loop = facts.setting("CONN_MAX_AGE"), facts.text("server.interface") == "asgi"
    place = facts.prod("DATABASES")
    if engine.endswith("sqlite3"):
        yield from _sqlite(facts)
    elif loop and age != 0:
        what = f"CONN_MAX_AGE = {age} under ASGI: each request opens one and keeps it"
        at = facts.subject.line(
            facts.text("settings.file"), "CONN_MAX_AGE|conn_max_age"
        )
        yield Breach(what, (at if at.line else place,), "Set it to 0, with a pool.")
    elif loop and engine.endswith("postgresql") and not facts.setting("POOL"):
        what = "no pool under ASGI: as many connections as there are requests"
        yield Breach(what, (place,), 'Set OPTIONS["pool"], as it was generated.')


def _sqlite(facts: Facts) -> Iterator[Breach]:
    """Hold that under the sandbox only the state directory can be written to."""
    try:
        strict = facts.process.value("ProtectSystem")
    except NotUsed:
        return
    name = str(facts.setting("DATABASE_NAME") or "")
    where = _on_host(facts, name)
    state = facts.text("paths.state")
    if strict and strict.value == "strict" and not where.startswith(f"{state}/"):
        what = f"{where} is read-only under ProtectSystem=strict"
        at = (facts.prod(r"DATABASES\b"), strict.at)
        yield Breach(what, at, f"Keep the file below {state}.")


def mentions(facts: Facts) -> Iterator[Breach]:
    """Hold that nobody takes the settings for the one file that they were."""
    project = facts.subject.proposal.inspection.project
    for signal in project.of_kind("settings.named", "settings.imported"):
        rule = FINDINGS[signal.kind]
        yield Breach(rule.what, (signal.evidence,), rule.fix, "warning")


ROWS = (
    Invariant(
        "static.folder",
        "static files in proxy and Django",
        "every stylesheet and script would answer 404",
        f"{DJANGO}/ref/settings/#static-root",
        static_folder,
    ),
    Invariant(
        "media.folder",
        "uploads in proxy and Django",
        "an upload would be stored and answer 404",
        f"{DJANGO}/ref/settings/#media-root",
        media_folder,
    ),
    Invariant(
        "static.storage",
        "static files have hashed names",
        "the proxy lets browsers keep them for a year, old ones too",
        f"{DJANGO}/ref/contrib/staticfiles/#manifeststaticfilesstorage",
        storage,
    ),
    Invariant(
        "settings.debug",
        "DEBUG is off",
        "its error pages show settings, source and queries",
        f"{DJANGO}/ref/settings/#debug",
        debug,
    ),
    Invariant(
        "settings.named",
        "the settings are a package to all",
        "what runs there refuses to start",
        f"{DJANGO}/topics/settings/#designating-the-settings",
        mentions,
    ),
    Invariant(
        "data.connections",
        "the database is writable and enough",
        "the first write or the first busy minute would answer 500",
        f"{DJANGO}/ref/databases/#persistent-connections",
        database,
    ),
)
"""What Django's settings in effect must agree on with the others."""


__all__ = ["ROWS"]
