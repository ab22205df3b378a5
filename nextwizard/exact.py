"""Asks the project itself: what the scan reads, as Django and next.dj say it.

On request only: the project's own interpreter imports the project, which runs its code.
The scan stays what decisions rest on; this holds it against the real thing.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .errors import Problem, ToolError
from .tools import run


if TYPE_CHECKING:
    from collections.abc import Mapping


SECONDS = 30.0
"""How long the project may take to import; a cold one takes two."""

_SCRIPT = """
import json, os, sys
sys.path.insert(0, os.getcwd())
import django
django.setup()
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

def walk(patterns, prefix=""):
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            page = getattr(pattern.callback, "next_page_path", None)
            yield "/" + route, str(page) if page else ""

def roots():
    try:
        from next.urls import router_manager
    except ImportError:
        return []
    found = []
    for backend in getattr(router_manager, "backends", ()):
        for root in getattr(backend, "page_roots", list)():
            found.append(str(getattr(root, "path", None) or root[1]))
    return found

names = ("ALLOWED_HOSTS", "ASGI_APPLICATION", "INSTALLED_APPS", "MIDDLEWARE",
         "ROOT_URLCONF", "SESSION_ENGINE", "STATIC_URL", "WSGI_APPLICATION")
values = {name: getattr(settings, name, None) for name in names}
values["DATABASE"] = settings.DATABASES.get("default", {}).get("ENGINE", "")
values["CACHE"] = settings.CACHES.get("default", {}).get("BACKEND", "")
values["STATIC_STORAGE"] = settings.STORAGES.get("staticfiles", {}).get("BACKEND", "")
urls = dict(walk(get_resolver().url_patterns))
document = {"roots": roots(), "urls": urls, "settings": values}
sys.stdout.write("\\n" + json.dumps(document, default=str))
"""


@dataclass(frozen=True, slots=True)
class Exact:
    """What the project says of itself.

    `roots` are page trees, POSIX below the project's root where they lie below it;
    `urls` maps a route to the page folder that serves it, or to nothing; `settings`
    holds effective values by name.
    """

    roots: tuple[str, ...]
    urls: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)


def ask(
    root: str, python: str, settings: str, *, folder: str = "", **extra: str
) -> Exact:
    """Return what the project says under these settings.

    `folder` is manage.py's, below the root. ToolError carries the last line of what the
    interpreter said when the project cannot be imported.
    """
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", "/nonexistent"),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "DJANGO_SETTINGS_MODULE": settings,
        **extra,
    }
    place = os.path.join(root, folder)
    done = run([python, "-c", _SCRIPT], timeout=SECONDS, cwd=place, env=env)
    if done.code:
        said = done.err.strip().splitlines()
        what = f"cannot import the project: {said[-1] if said else 'it said nothing'}"
        raise ToolError(Problem(python, what, "Install its packages there first."))
    document = json.loads(done.out.rpartition("\n")[2])
    urls = {url: _below(root, page) for url, page in document["urls"].items()}
    roots = tuple(_below(root, path) for path in document["roots"])
    return Exact(roots, urls, document["settings"])


def _below(root: str, path: str) -> str:
    """Return a path below the root, and any other as it is."""
    lead = os.path.realpath(root) + os.sep
    real = os.path.realpath(path) if path else ""
    return real.removeprefix(lead).replace(os.sep, "/")


__all__ = ["Exact", "ask"]
