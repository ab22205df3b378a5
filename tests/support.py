"""Values the tests build by hand, and what is said about a missing program."""

from __future__ import annotations

import os
from typing import Any, NoReturn

import pytest

from nextwizard.answers import resolve
from nextwizard.decide import decide
from nextwizard.document import read_set
from nextwizard.tools import find
from nextwizard.values import (
    Answers,
    Evidence,
    Fact,
    Host,
    Layout,
    PageRoot,
    Plan,
    Project,
    Settings,
    Signal,
)


HOST = Host(cores=2, memory_mb=2048, versions={"nginx": "1.22.1", "caddy": "2.6.2"})

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


def signal(kind: str, at: str = "notes/pages/live/page.py:12", **more: Any) -> Signal:
    path, _, line = at.partition(":")
    return Signal(kind, Evidence(path, int(line or 0)), **more)


def project(
    *signals: Signal,
    root: str = "/checkouts/notes",
    shape: str = "file",
    literals: dict[str, object] | None = None,
    names: frozenset[str] = frozenset(),
    detected: dict[str, Fact] | None = None,
    versions: dict[str, str] | None = None,
    **layout: Any,
) -> Project:
    """Return a plain next.dj project as the scan would, with these changes."""
    manage = Evidence("manage.py", 9)
    settings = Settings(
        module="config.settings",
        path="config/settings.py",
        shape=shape,  # type: ignore[arg-type]
        evidence=manage,
        literals={
            "STATIC_URL": "static/",
            "MIDDLEWARE": MIDDLEWARE,
            **(literals or {}),
        },
        names=frozenset({"STATIC_URL", "MIDDLEWARE", "DATABASES"}) | names,
    )
    places: dict[str, Any] = {
        "package": "config",
        "package_dir": "config",
        "manage": "manage.py",
        "urlconf": "config/urls.py",
        "settings": settings,
        "page_roots": (PageRoot("notes/pages", "app", "notes.pages", 3),),
        **layout,
    }
    found = {
        "project.package": Fact("config", (manage,)),
        "project.pages": Fact("notes/pages", (Evidence("notes/pages/page.py", 1),)),
        **(detected or {}),
    }
    known = (*signals, signal("data.sqlite", "config/settings.py:80"))
    return Project(
        root,
        Layout(**places),
        known,
        found,
        versions or {"django": "6.1.3", "next.dj": "0.10.0"},
    )


def answered(found: Project, *pairs: str, host: Host = HOST) -> Answers:
    return resolve(found, host, [read_set(pairs)])


def planned(*pairs: str, found: Project | None = None, host: Host = HOST) -> Plan:
    found = found or project()
    return decide(found, host, answered(found, *pairs, host=host))


def missing(what: str) -> NoReturn:
    """Skip with the reason on a user's machine; fail where everything must be there."""
    reason = f"{what} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def needed(*names: str) -> str:
    """Return the path of a program, or say that it is missing."""
    return find(*names) or missing(names[0])
