"""What the settings say that matters to a deployment, each with its line."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final, cast

from nextwizard.values import Signal

from .files import evidence
from .place import Binding, Place


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nextwizard.values import Evidence

    from .layout import Found
    from .place import Binding


type _Table = dict[str, object]

LOCAL_ORIGIN = re.compile(
    r"(?:https?|wss?)://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::\d+)?(?![\w.-])"
)
_ENGINES: Final[Mapping[str, tuple[str, ...]]] = {
    "sqlite": ("sqlite", "spatialite"),
    "postgresql": ("postg", "psql", "pgsql"),
    "mysql": ("mysql", "mariadb"),
}
_SESSIONS: Final[Mapping[str, str]] = {
    "cache": "session.cache",
    "cached_db": "session.cached_db",
    "file": "session.file",
    "signed_cookies": "session.signed",
}
_APPS: Final[Mapping[str, tuple[str, str]]] = {
    "channels": ("ws.channels", "channels"),
    "daphne": ("server.daphne", "daphne"),
    "django_eventstream": ("sse.async", "django_eventstream"),
    "django_apscheduler": ("work.queue", "apscheduler"),
    "django_dramatiq": ("work.queue", "dramatiq"),
    "django_q": ("work.queue", "django_q"),
    "django_rq": ("work.queue", "django_rq"),
    "django_tasks": ("work.tasks", "django_tasks"),
    "huey": ("work.queue", "huey"),
    "procrastinate": ("work.queue", "procrastinate"),
}
_SIMPLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr)


def find_configured(found: Found) -> Iterator[Signal]:
    """Yield every signal that stands in the settings."""
    for read in _READERS:
        yield from read(found)


def _binding(found: Found, name: str) -> Binding | None:
    return found.reader.bound.get(name)


def _table(value: object) -> _Table:
    pairs = value.items() if isinstance(value, dict) else ()
    return {key: inner for key, inner in pairs if isinstance(key, str)}


def _framework(found: Found) -> _Table:
    return _table(found.reader.names.get("NEXT_FRAMEWORK"))


def _is(found: Found, dotted: object, ending: str) -> bool:
    """Return whether a dotted path names such a class or a subclass in the project."""
    if not isinstance(dotted, str):
        return False
    defined = found.code.define(found.code.canonical(dotted))
    node = defined[1][-1] if defined else None
    if defined is None or not isinstance(node, ast.ClassDef):
        return dotted.endswith(ending)
    return any(base.endswith(ending) for base in found.code.bases(defined[0], node))


def _here(found: Found) -> Evidence:
    """Return the settings file the site runs on."""
    modules = found.reader.modules
    return evidence(modules[0].path if modules else found.layout.settings.path)


def _apps(found: Found) -> Iterator[Signal]:
    binding = _binding(found, "INSTALLED_APPS")
    apps = binding.value if binding else []
    listed = list(apps) if isinstance(apps, list | tuple) else [None]
    names = [app for app in listed if isinstance(app, str)]
    readable = len(names) == len(listed)
    if readable and not any(n == "next" or n.startswith("next.") for n in names):
        where = binding.at if binding else _here(found)
        yield Signal("next.missing", where, "INSTALLED_APPS")
    if found.urls.mount_at is None:
        yield Signal("next.missing", evidence(found.layout.urlconf), "next.urls")
    for name in names:
        kind, detail = _APPS.get(name.partition(".")[0], ("", ""))
        if kind and binding:
            yield Signal(kind, binding.line_of(name), detail)


def _caches(found: Found) -> Iterator[Signal]:
    binding = _binding(found, "CACHES")
    if binding is None:
        yield Signal("cache.default", _here(found), "LocMemCache")
        return
    for alias, entry in _table(binding.value).items():
        backend = _table(entry).get("BACKEND")
        for ending in ("LocMemCache", "DummyCache"):
            if _is(found, backend, ending):
                where = binding.key_line(alias, "BACKEND")
                yield Signal("cache.local", where, f"{alias} {ending}")


def _sessions(found: Found) -> Iterator[Signal]:
    binding = _binding(found, "SESSION_ENGINE")
    if binding and isinstance(binding.value, str):
        last = binding.value.rpartition(".")[2]
        if last in _SESSIONS:
            yield Signal(_SESSIONS[last], binding.at, last)


def _layers(found: Found) -> Iterator[Signal]:
    binding = _binding(found, "CHANNEL_LAYERS")
    for alias, entry in _table(binding.value).items() if binding else ():
        if binding and _is(found, _table(entry).get("BACKEND"), "InMemoryChannelLayer"):
            where = binding.key_line(alias, "BACKEND")
            yield Signal("broker.local", where, "InMemoryChannelLayer")


def _tasks(found: Found) -> Iterator[Signal]:
    binding = _binding(found, "TASKS")
    for alias, entry in _table(binding.value).items() if binding else ():
        backend = str(_table(entry).get("BACKEND", ""))
        if binding and not backend.endswith(("ImmediateBackend", "DummyBackend")):
            where = binding.key_line(alias, "BACKEND")
            yield Signal("work.tasks", where, backend if "." in backend else "")


def _backends(found: Found) -> Iterator[Signal]:
    """Yield the wizard's cache, and page backends that are none of the project."""
    binding = _binding(found, "NEXT_FRAMEWORK")
    if binding is None:
        return
    wizard = _table(_framework(found).get("FORM_WIZARD_BACKEND"))
    if _is(found, wizard.get("BACKEND"), "CacheFormWizardBackend"):
        alias = _table(wizard.get("OPTIONS")).get("CACHE_ALIAS", "default")
        where = binding.key_line("FORM_WIZARD_BACKEND", "BACKEND")
        yield Signal("wizard.cache", where, str(alias))
    entries = _framework(found).get("PAGE_BACKENDS")
    for entry in entries if isinstance(entries, list) else []:
        backend = _table(entry).get("BACKEND")
        if not isinstance(backend, str) or backend.startswith("next."):
            continue
        if found.code.define(found.code.canonical(backend)) is None:
            yield Signal("router.custom", binding.line_of(backend), backend)


def _database(found: Found) -> Iterator[Signal]:
    binding = _binding(found, "DATABASES")
    if binding is None:
        return
    engine = _table(_table(binding.value).get("default")).get("ENGINE")
    if isinstance(engine, str):
        where = binding.key_line("default", "ENGINE")
        likely = binding.maybe
        yield Signal(
            f"data.{_engine(engine)}",
            where,
            engine,
            confidence="likely" if likely else "certain",
        )
    else:
        yield _from_environment(binding)


def _engine(text: str) -> str:
    for name, words in _ENGINES.items():
        if any(word in text for word in words):
            return name
    return "unknown"


def _from_environment(binding: Binding) -> Signal:
    """Return a database that only the environment names; the detail is its default."""
    path, node = "", cast("ast.AST | None", None)
    if binding.nodes:
        path, node = binding.nodes[-1].path, binding.nodes[-1].node
    path, node = binding.entry("default") or (path, node)
    texts = (
        inner.value
        for inner in (ast.walk(node) if node is not None else ())
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
    )
    kinds = (_engine(text) for text in texts if "://" in text or "backends" in text)
    where = evidence(path, getattr(node, "lineno", 0)) if path else binding.at
    return Signal("data.unknown", where, next(kinds, ""), confidence="likely")


def _media(found: Found) -> Iterator[Signal]:
    binding = _binding(found, "MEDIA_ROOT")
    if binding and binding.value != "":
        yield Signal("media.used", binding.at, "MEDIA_ROOT")


def _middleware(found: Found) -> Iterator[Signal]:
    binding = _binding(found, "MIDDLEWARE")
    names = binding.value if binding else []
    for name in names if isinstance(names, list | tuple) else []:
        if binding and _is(found, name, "LoginRequiredMiddleware"):
            yield Signal("auth.login_required", binding.line_of(name), str(name))


def _logging(found: Found) -> Iterator[Signal]:
    binding = _binding(found, "LOGGING")
    handlers = _table(_table(binding.value).get("handlers")) if binding else {}
    for name, handler in handlers.items():
        kind = _table(handler).get("class")
        if binding and isinstance(kind, str) and kind.endswith("FileHandler"):
            file = _table(handler).get("filename")
            where = binding.key_line("handlers", name, "class")
            is_path = isinstance(file, str | Place)
            detail = str(file).rpartition("/")[2] if is_path else ""
            yield Signal("settings.logging_file", where, detail)


def _debug(found: Found) -> Iterator[Signal]:
    """Yield each line that reads DEBUG before a production module could set it."""
    own = found.code.path_of(found.layout.settings.prod_module or "-")
    for module in dict.fromkeys(module for module, _ in found.reader.live):
        lines = {
            node.lineno
            for node, _ in module.of(ast.Name)
            if node.id == "DEBUG" and isinstance(node.ctx, ast.Load)
        }
        for line in sorted(lines) if module.path != own else ():
            yield Signal("settings.debug_read", evidence(module.path, line))


def _origins(found: Found) -> Iterator[Signal]:
    """Yield the addresses of this machine that the settings hand to visitors."""
    for module, statement in found.reader.live:
        if not isinstance(statement, _SIMPLE) or _is_overridden(statement):
            continue
        docstring = isinstance(statement, ast.Expr) and isinstance(
            statement.value, ast.Constant
        )
        for node in ast.walk(statement) if not docstring else ():
            text = node.value if isinstance(node, ast.Constant) else None
            match = LOCAL_ORIGIN.match(text) if isinstance(text, str) else None
            if match:
                yield Signal("dev.origin", module.at(node), match[0])


def _is_overridden(statement: ast.stmt) -> bool:
    """Return whether production says this anew in any case."""
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    return any(
        isinstance(t, ast.Name) and t.id == "CSRF_TRUSTED_ORIGINS" for t in targets
    )


def _links(found: Found) -> Iterator[Signal]:
    """Yield the hard-coded static URLs of the framework's settings."""
    binding = _binding(found, "NEXT_FRAMEWORK")
    for part in binding.nodes if binding else ():
        for node in ast.walk(part.node):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and text.startswith("/static/"):
                line = getattr(node, "lineno", 0)
                yield Signal("static.literal", evidence(part.path, line), text)


_READERS: Final[tuple[Callable[[Found], Iterator[Signal]], ...]] = (
    _apps,
    _caches,
    _sessions,
    _layers,
    _tasks,
    _backends,
    _database,
    _media,
    _middleware,
    _logging,
    _debug,
    _origins,
    _links,
)


__all__ = ["LOCAL_ORIGIN", "find_configured"]
