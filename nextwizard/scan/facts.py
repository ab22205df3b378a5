"""What follows from the findings: where a probe can answer, and detected answers."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final

from nextwizard.values import Fact, Signal

from .files import evidence
from .pages import chosen
from .place import Place
from .surroundings import find_away


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nextwizard.values import Evidence, Value

    from .layout import Found


_HOST = re.compile(r"(?=.*[a-z])(?:[a-z0-9_](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*")
_PRIVATE = (".local", ".localhost", ".internal", ".test", ".invalid")
_SERVED: Final[Mapping[str, str]] = {
    "none": "no server-sent events were found",
    "sync": "the server-sent events come from sync generators",
    "async": "the server-sent events come from async generators",
    "portable": "the server-sent events fit WSGI and ASGI alike",
    "mixed": "some server-sent events are sync and some are async",
}


_LIVE = frozenset({"healthz", "livez", "health", "healthcheck", "health-check"})
_READY = frozenset({"readyz", "readiness"})
_PLAIN = frozenset({"health", "healthcheck", "health-check", "readiness"})


_FOLDERS: Final[tuple[tuple[str, ...], ...]] = (
    ("STATICFILES_DIRS",),
    ("LOCALE_PATHS",),
    ("FIXTURE_DIRS",),
    ("TEMPLATES", "DIRS"),
    ("NEXT_FRAMEWORK", "PAGE_BACKENDS", "DIRS"),
    ("NEXT_FRAMEWORK", "COMPONENT_BACKENDS", "DIRS"),
)
"""The settings that name folders of the code, with the keys they stand below."""


def find_placement(found: Found) -> Iterator[Signal]:
    """Yield urls.i18n, urls.catch_all and health.present."""
    urls = found.urls
    if urls.i18n_at is not None:
        detail = "prefix_default_language=False" if urls.i18n_default else ""
        yield Signal("urls.i18n", urls.i18n_at, detail)
    if urls.catch_all is not None:
        yield Signal("urls.catch_all", urls.catch_all, "urlconf")
    for root in found.layout.page_roots:
        if root.catch_all is not None:
            yield Signal("urls.catch_all", root.catch_all, root.path)
    yield from _pages(found)
    yield from _routes(found)


def _role(name: str) -> str:
    if name in _LIVE:
        return "liveness"
    return "readiness" if name in _READY else ""


def _pages(found: Found) -> Iterator[Signal]:
    """Yield the pages that already answer a health check.

    A name such as "health" can be a topic too: there only a page that builds its own
    response counts.
    """
    for root in found.pages.roots:
        for path in found.tree.below(root.path):
            trail = found.pages.segments(path) if path.endswith("/page.py") else None
            role = _role(trail or "")
            if not role or path in found.managed or found.pages.holds(path) != root:
                continue
            if trail in _PLAIN and b"Response" not in (found.tree.read(path) or b""):
                continue
            url = "" if found.urls.i18n_at else found.page_path(path)
            yield Signal("health.present", evidence(path), role, url)


def _routes(found: Found) -> Iterator[Signal]:
    """Yield the routes that already answer one, unless they lead to a page of ours."""
    for route in found.urls.routes:
        role = _role(route.path.strip("/").rpartition("/")[2])
        role = "liveness" if route.view.startswith("health_check.") else role
        if not role or not route.fixed:
            continue
        module, _ = found.code.split(found.code.canonical(route.view))
        if module is None or module.path not in found.managed:
            yield Signal("health.present", route.at, role, route.path)


def find_outside(found: Found) -> Iterator[Signal]:
    """Yield each folder beside the project that the settings build on __file__.

    A deployment brings the project alone. What is absolute stays where it is, and
    counts only when it lies below the folder above the project.
    """
    root = found.tree.root
    around = posixpath.dirname(root).rstrip("/") + "/"
    for name, *keys in _FOLDERS:
        binding = found.reader.bound.get(name)
        for value in _held(binding.value, keys) if binding else ():
            folder = posixpath.normpath(str(value))
            inside = folder == root or folder.startswith(root + "/")
            if binding and not inside and folder.startswith(around):
                where = binding.key_line(*keys[:1]) if keys else binding.at
                detail = posixpath.relpath(folder, root)
                yield Signal("path.outside", where, detail)


def _held(value: object, keys: Sequence[str]) -> Iterator[str | Place]:
    """Yield the paths below nested keys of a setting, through every list."""
    match value:
        case (str() as prefix, str() | Place() as path) if "/" not in prefix:
            yield path
        case list() | tuple():
            for inner in value:
                yield from _held(inner, keys)
        case dict() if keys:
            yield from _held(value.get(keys[0]), keys[1:])
        case str() | Place() if not keys:
            yield value


def find_facts(found: Found, signals: Sequence[Signal]) -> dict[str, Fact]:
    """Return the detected answers by key; what cannot be told has no entry."""
    facts = {
        **dict(_project(found)),
        **dict(_events(signals)),
        **dict(_sockets(signals)),
        **dict(_asynchronous(signals)),
        **dict(_hosting(found)),
        **dict(_prefix(found)),
        **dict(_required(found)),
        **dict(find_away(found)),
        **dict(_health(signals)),
    }
    return dict(sorted(facts.items()))


def _of(signals: Sequence[Signal], *kinds: str) -> list[Signal]:
    return [signal for signal in signals if signal.kind in kinds]


def _evidence(signals: Sequence[Signal]) -> tuple[Evidence, ...]:
    return tuple(dict.fromkeys(signal.evidence for signal in signals))


def _project(found: Found) -> Iterator[tuple[str, Fact]]:
    layout = found.layout
    if layout.package:
        where = (layout.settings.evidence,)
        reason = f"the settings are {layout.settings.module}"
        yield "project.package", Fact(layout.package, where, reason)
    tree = chosen(layout.page_roots)
    if tree is not None:
        reason = f"it holds {tree.pages} page{'' if tree.pages == 1 else 's'}"
        if tree.catch_all is not None:
            reason = "its catch-all would answer in place of a page in another tree"
        swallowing = (tree.catch_all,) if tree.catch_all else ()
        yield "project.pages", Fact(tree.path, swallowing, reason)


def _events(signals: Sequence[Signal]) -> Iterator[tuple[str, Fact]]:
    events = _of(signals, "sse.sync", "sse.async", "sse.portable")
    kinds = {signal.kind.removeprefix("sse.") for signal in events}
    plain = sorted(kinds - {"portable"})
    kind = "mixed" if len(plain) > 1 else next(iter(plain or sorted(kinds)), "none")
    unknown = _of(signals, "sse.unknown")
    if events or not unknown:
        yield "features.sse", Fact(kind, _evidence(events), _SERVED[kind])
        yield "features.sse_paths", _paths([*events, *unknown])


def _paths(signals: Sequence[Signal]) -> Fact:
    """Return the URL paths of findings; none when one of them could be anywhere."""
    paths = sorted({signal.path for signal in signals})
    if not paths:
        return Fact((), (), "there are none")
    if not {"", "/"}.isdisjoint(paths):
        return Fact((), _evidence(signals), "one of them can be at any path")
    return Fact(tuple(paths), _evidence(signals), "the paths of what was found")


def _sockets(signals: Sequence[Signal]) -> Iterator[tuple[str, Fact]]:
    served = _of(signals, "ws.channels", "ws.consumer", "ws.routing")
    served += [s for s in _of(signals, "ws.asgi") if s.detail != "http"]
    reason = "channels serves websockets" if served else "no websockets were found"
    yield "features.websockets", Fact(bool(served), _evidence(served), reason)
    yield "features.websocket_paths", _paths(_of(signals, "ws.routing"))


def _asynchronous(signals: Sequence[Signal]) -> Iterator[tuple[str, Fact]]:
    views = _of(signals, "view.async")
    reason = "Django views are async" if views else "no async Django view was found"
    yield "features.async_views", Fact(bool(views), _evidence(views), reason)
    streams = _of(signals, "stream.async") or _of(signals, "stream.sync")
    kind = streams[0].kind.removeprefix("stream.") if streams else "none"
    reason = f"{kind} streaming responses" if streams else "no streaming response"
    if streams or not _of(signals, "stream.unknown"):
        yield "features.streaming", Fact(kind, _evidence(streams), reason)


def _hosting(found: Found) -> Iterator[tuple[str, Fact]]:
    binding = found.reader.bound.get("ALLOWED_HOSTS")
    hosts = binding.value if binding else None
    if not binding or not isinstance(hosts, list | tuple):
        return
    texts = [host.lower() for host in hosts if isinstance(host, str)]
    public: Value = tuple(host for host in texts if is_public(host))
    if public and "*" not in texts:
        yield "hosting.domains", Fact(public, (binding.at,), "ALLOWED_HOSTS names them")


def _prefix(found: Found) -> Iterator[tuple[str, Fact]]:
    binding = found.reader.bound.get("FORCE_SCRIPT_NAME")
    text = binding.value if binding else None
    if binding and isinstance(text, str) and re.fullmatch(r"(?:/[\w.~-]+)+/?", text):
        fact = Fact(text.rstrip("/"), (binding.at,), "FORCE_SCRIPT_NAME says it")
        yield "hosting.path_prefix", fact


_MUTE = frozenset({"__future__", "datetime", "django", "pathlib"})
"""Packages that read no variable for the settings that import them."""


def _required(found: Found) -> Iterator[tuple[str, Fact]]:
    modules = found.reader.modules
    tools = {name.partition(".")[0] for each in modules for name, _ in each.imported()}
    if not tools <= _MUTE:
        from .environment import find_required

        yield from find_required(found)


def is_public(host: str) -> bool:
    """Return whether a host name can be one on the public internet."""
    return _HOST.fullmatch(host) is not None and not host.endswith(_PRIVATE)


def _health(signals: Sequence[Signal]) -> Iterator[tuple[str, Fact]]:
    present = [s for s in _of(signals, "health.present") if s.detail == "liveness"]
    if present and present[0].path:
        where = _evidence(present[:1])
        yield "health.path", Fact(present[0].path, where, "the project has one")


__all__ = ["find_facts", "find_outside", "find_placement", "is_public"]
