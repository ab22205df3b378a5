"""Asks the project itself: what the scan reads, as Django and next.dj say it.

On request only: the project's own interpreter imports the project, which runs its code.
The scan stays what decisions rest on; this holds it against the real thing.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .errors import Problem, ToolError
from .host import above
from .tools import run
from .unset import run_lent


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


SECONDS = 30.0
"""How long the project may take to import; a cold one takes two."""

_SCRIPT = """
import json, os, sys
sys.path.insert(0, os.getcwd())
import django
django.setup()
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

asked = json.loads(sys.argv[1])

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

def storage():
    from django.contrib.staticfiles.storage import staticfiles_storage
    staticfiles_storage.url  # the lazy object becomes what it stands for
    kind = type(staticfiles_storage._wrapped)
    return [base.__module__ + "." + base.__qualname__ for base in kind.__mro__[:-1]]

def heartbeat():
    try:
        from next.partial import sse
        return float(sse._heartbeat_seconds())
    except Exception:
        return 0.0

def answer(request):
    from django.test import Client
    client = Client(raise_request_exception=False)
    reply = client.get(request["path"], **request["environ"])
    return [reply.status_code, reply.headers.get("Location", "")]

names = ("ALLOWED_HOSTS", "ASGI_APPLICATION", "INSTALLED_APPS", "MIDDLEWARE",
         "ROOT_URLCONF", "SESSION_ENGINE", "STATIC_URL", "WSGI_APPLICATION",
         "DEBUG", "STATIC_ROOT", "MEDIA_ROOT", "MEDIA_URL", "CSRF_TRUSTED_ORIGINS",
         "SECURE_PROXY_SSL_HEADER", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS",
         "USE_X_FORWARDED_HOST", "DATA_UPLOAD_MAX_MEMORY_SIZE", "FORCE_SCRIPT_NAME")
values = {name: getattr(settings, name, None) for name in names}
data = settings.DATABASES.get("default", {})
values["DATABASE"] = data.get("ENGINE", "")
values["DATABASE_NAME"] = data.get("NAME", "")
values["CONN_MAX_AGE"] = data.get("CONN_MAX_AGE", 0)
values["POOL"] = bool(data.get("OPTIONS", {}).get("pool"))
values["CACHE"] = settings.CACHES.get("default", {}).get("BACKEND", "")
values["STATIC_STORAGE"] = settings.STORAGES.get("staticfiles", {}).get("BACKEND", "")
urls = dict(walk(get_resolver().url_patterns))
document = {"roots": roots(), "urls": urls, "settings": values}
if asked is not None:
    values["STATIC_CLASSES"] = storage()
    values["HEARTBEAT_SECONDS"] = heartbeat()
    document["replies"] = [answer(request) for request in asked]
sys.stdout.write("\\n" + json.dumps(document, default=str))
"""


@dataclass(frozen=True, slots=True)
class Request:
    """A GET that Django itself is asked to answer; `environ` is WSGI's, as in CGI."""

    path: str
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exact:
    """What the project says of itself.

    `roots` are page trees, POSIX below the project's root where they lie below it;
    `urls` maps a route to the page folder that serves it, or to nothing; `settings`
    holds effective values by name; `replies` status and Location of each request.
    """

    roots: tuple[str, ...]
    urls: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    replies: tuple[tuple[int, str], ...] = ()


def interpreters(root: str) -> tuple[str, ...]:
    """Return where a project's interpreter may be: its own, the active one, ours.

    Its own may be one that the projects of a repository share.
    """
    active = os.environ.get("VIRTUAL_ENV", "")
    folders = (
        f"{root}/.venv",
        f"{root}/venv",
        *(f"{place}/.venv" for place in above(root)),
        active,
    )
    places = (f"{folder}/bin/python" for folder in folders if folder)
    return tuple(dict.fromkeys((*places, sys.executable)))


def interpreter(root: str) -> str:
    """Return the first interpreter that has Django, nothing when none has it."""
    for place in interpreters(root):
        if os.access(place, os.X_OK):
            try:
                done = run([place, "-c", "import django"], timeout=SECONDS)
            except ToolError:
                continue
            if not done.code:
                return place
    return ""


def ask(
    root: str,
    python: str,
    settings: str,
    *,
    folder: str = "",
    requests: Sequence[Request] | None = None,
    **extra: str,
) -> Exact:
    """Return what the project says under these settings.

    `folder` is manage.py's, below the root. With `requests`, which may be empty, the
    project also answers them and says which storage it really uses. ToolError carries
    the last line of what the interpreter said when the project cannot be imported.
    """
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", "/nonexistent"),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        **extra,
        "DJANGO_SETTINGS_MODULE": settings,
    }
    place = os.path.join(root, folder)
    asked = (
        None
        if requests is None
        else [{"path": r.path, "environ": dict(r.environ)} for r in requests]
    )
    wanted = json.dumps(asked)
    argv = [python, "-c", _SCRIPT, wanted]
    done = run_lent(argv, timeout=SECONDS, cwd=place, env=env)
    if done.code:
        said = done.err.strip().splitlines()
        what = f"cannot import the project: {said[-1] if said else 'it said nothing'}"
        raise ToolError(Problem(python, what, "Install its packages there first."))
    document = json.loads(done.out.rpartition("\n")[2])
    urls = {url: _below(root, page) for url, page in document["urls"].items()}
    roots = tuple(_below(root, path) for path in document["roots"])
    replies = tuple((int(code), str(to)) for code, to in document.get("replies", ()))
    return Exact(roots, urls, document["settings"], replies)


def _below(root: str, path: str) -> str:
    """Return a path below the root, and any other as it is."""
    lead = os.path.realpath(root) + os.sep
    real = os.path.realpath(path) if path else ""
    return real.removeprefix(lead).replace(os.sep, "/")


__all__ = ["Exact", "Request", "ask", "interpreter", "interpreters"]
