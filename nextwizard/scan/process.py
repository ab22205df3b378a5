"""What ties a project to one process, or needs another beside the server."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from nextwizard.values import Signal

from .source import FUNCTIONS, own


if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from .layout import Found
    from .source import Definition, Function, Module, Scope
    from .suspects import Suspects


_PACKAGES: Final[Mapping[str, str]] = {
    "asyncio": "Condition Event LifoQueue PriorityQueue Queue",
    "multiprocessing": "Condition Event JoinableQueue Queue SimpleQueue",
    "queue": "LifoQueue PriorityQueue Queue SimpleQueue",
    "threading": "Condition Event",
}
_PRIMITIVES = frozenset(
    f"{package}.{name}" for package in _PACKAGES for name in _PACKAGES[package].split()
)
_GROWING = frozenset("add append appendleft setdefault update".split())
_COMMANDS = "/management/commands/"
_ORIGIN = re.compile(r"https?://[^/?#]+")
_FIELDS = frozenset(
    f"django.db.models{inner}.{name}"
    for inner in ("", ".fields.files")
    for name in ("FileField", "ImageField")
)
_QUERIES = frozenset({"objects", "_default_manager", "cursor"})


def find_process(found: Found, suspects: Suspects) -> Iterator[Signal]:
    """Yield router.*, wizard.form, broker.local, work.*, and what files declare."""
    for module in suspects.modules.values():
        yield from _reloads(found, module)
        yield from _classes(found, module)
        yield from _brokers(found, module)
        yield from _queues(module)
        yield from _loops(found, module)
        yield from _fields(found, module)
        yield from _scripts(found, module)


def _reloads(found: Found, module: Module) -> Iterator[Signal]:
    for node, _ in module.of(ast.Call):
        match node.func:
            case ast.Attribute(value=value, attr="reload"):
                name = found.code.hint(module, value)
                if name.startswith("next.") and name.endswith(".router_manager"):
                    yield Signal("router.reload", module.at(node))


def _classes(found: Found, module: Module) -> Iterator[Signal]:
    for node, _ in module.of(ast.ClassDef):
        bases = [b for b in found.code.kin(module, node) if b.startswith("next.")]
        if any(base.endswith(".FormWizard") for base in bases):
            yield Signal("wizard.form", module.at(node), node.name)
        if any(base.endswith("RouterBackend") for base in bases):
            yield Signal("router.custom", module.at(node), node.name)
            for query in _queries(module, node):
                yield Signal("router.orm", module.at(query), node.name)


def _queries(module: Module, node: ast.ClassDef) -> Iterator[ast.AST]:
    """Yield the first look into the database of each method, helpers included."""
    helpers = {
        name: nodes[-1]
        for name, nodes in module.top.items()
        if isinstance(nodes[-1], FUNCTIONS)
    }
    for method in node.body:
        if isinstance(method, FUNCTIONS):
            inner = list(own(method))
            named = [n.id for n in inner if isinstance(n, ast.Name)]
            for name in named:
                inner += ast.walk(helpers[name]) if name in helpers else []
            first = next((n for n in inner if _asks(n)), None)
            if first is not None:
                yield first


def _asks(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in _QUERIES


def _brokers(found: Found, module: Module) -> Iterator[Signal]:
    """Yield top-level objects that wake waiters of the same process only."""
    origins = {origin.partition(".")[0] for origin in module.imports.values()}
    if _COMMANDS in module.path or origins.isdisjoint(_PACKAGES):
        return
    waking = _waking(found, module)
    inside = {scope for _, scope in waking.values() if scope}
    holding = {outer.name for scope in inside for outer in scope[:1]}
    grown = {name for scope in inside for name in _grown(scope[-1], waking)}
    for name, nodes in module.top.items() if waking else ():
        value = nodes[-1]
        if not isinstance(value, ast.expr):
            continue
        parts = list(ast.walk(value))
        made = {part.id for part in parts if isinstance(part, ast.Name)} & holding
        made = {kind for kind in made if isinstance(module.top[kind][-1], ast.ClassDef)}
        if made or name in grown or any(id(part) in waking for part in parts):
            yield Signal("broker.local", module.at(value), name)
    for scope in inside:
        yield from _shared(module, scope, waking)
    for function, _ in module.functions() if waking else ():
        words = {n.id for n in own(function) if isinstance(n, ast.Name)}
        if _is_cached(function) and words & holding:
            yield Signal("broker.local", module.at(function), function.name)


def _shared(module: Module, scope: Scope, waking: Container[int]) -> Iterator[Signal]:
    """Yield the attributes a class holds for all its objects, and cached makers."""
    around = scope[-1]
    if isinstance(around, ast.ClassDef):
        for node in around.body:
            made = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            per_object = isinstance(made, ast.Call) and _last(made.func) == "field"
            if made is not None and not per_object and _wakes(made, waking):
                yield Signal("broker.local", module.at(node), around.name)
    elif _is_cached(around):
        yield Signal("broker.local", module.at(around), around.name)


def _is_cached(node: Function) -> bool:
    """Return whether a function gives the same object to every caller."""
    calls = (d.func if isinstance(d, ast.Call) else d for d in node.decorator_list)
    return any(_last(call) in ("cache", "lru_cache") for call in calls)


def _last(node: ast.expr) -> str:
    """Return the last name of a dotted expression."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _waking(found: Found, module: Module) -> dict[int, tuple[ast.AST, Scope]]:
    """Return the places that name a condition, an event or a queue."""
    named = (*module.of(ast.Name), *module.of(ast.Attribute))
    return {
        id(node): (node, scope)
        for node, scope in named
        if found.code.hint(module, node) in _PRIMITIVES
    }


def _grown(around: Definition, waking: Container[int]) -> Iterator[str]:
    """Yield the names to which a function adds a queue it made."""
    if isinstance(around, ast.ClassDef):
        return
    inside = list(own(around))
    made = {
        target.id
        for node in inside
        if isinstance(node, ast.Assign) and _wakes(node.value, waking)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in inside:
        container, values = _growth(node)
        for value in values:
            if (isinstance(value, ast.Name) and value.id in made) or _wakes(
                value, waking
            ):
                yield container


def _wakes(node: ast.AST, waking: Container[int]) -> bool:
    return any(id(inner) in waking for inner in ast.walk(node))


def _growth(node: ast.AST) -> tuple[str, list[ast.expr]]:
    """Return the root name a statement adds to, and what it adds."""
    match node:
        case ast.Call(func=ast.Attribute(value=target, attr=attr), args=args):
            return (_root(target), args) if attr in _GROWING else ("", [])
        case ast.Assign(targets=[ast.Subscript(value=target)], value=value):
            return _root(target), [value]
    return "", []


def _root(node: ast.expr) -> str:
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return ""
    return node.id


def _queues(module: Module) -> Iterator[Signal]:
    """Yield the first import of Django's tasks and of celery."""
    seen: set[str] = set()
    for name, node in module.imported():
        first = name.partition(".")[0]
        kind = "work.celery" if first == "celery" else ""
        kind = "work.tasks" if name.startswith("django.tasks") else kind
        if kind and kind not in seen:
            seen.add(kind)
            yield Signal(kind, module.at(node), first)


def _loops(found: Found, module: Module) -> Iterator[Signal]:
    """Yield a management command that is made to run for ever."""
    if _COMMANDS not in module.path:
        return
    command = module.path.rpartition("/")[2].removesuffix(".py")
    loops: list[ast.AST] = [n for n, _ in module.of(ast.While) if _is_endless(n)]
    loops += [n for n, _ in module.of(ast.Call) if _blocks(found, module, n)]
    for node in loops[:1]:
        yield Signal("work.loop", module.at(node), command)


def _is_endless(node: ast.While) -> bool:
    """Return whether a loop waits between its rounds, or has no way out."""
    inside = [inner for part in node.body for inner in ast.walk(part)]
    for inner in inside:
        if isinstance(inner, ast.Call) and _last(inner.func) in ("sleep", "wait"):
            return True
    always = isinstance(node.test, ast.Constant) and bool(node.test.value)
    handled = {
        id(inner)
        for part in inside
        if isinstance(part, ast.ExceptHandler)
        for inner in ast.walk(part)
    }
    exits = (i for i in inside if isinstance(i, ast.Break | ast.Return))
    return always and all(id(inner) in handled for inner in exits)


def _blocks(found: Found, module: Module, node: ast.Call) -> bool:
    name = found.code.hint(module, node.func)
    return name.endswith(".BlockingScheduler") or _last(node.func) == "run_forever"


def _fields(found: Found, module: Module) -> Iterator[Signal]:
    """Yield the first field of a model that stores files."""
    for node, _ in module.of(ast.Call):
        if found.code.hint(module, node.func) in _FIELDS:
            yield Signal("media.used", module.at(node), "FileField")
            return


def _scripts(found: Found, module: Module) -> Iterator[Signal]:
    """Yield the origins of the third-party scripts a scripts.py declares."""
    if not module.path.endswith("scripts.py"):
        return
    for node, _ in module.of(ast.Call):
        name = found.code.hint(module, node.func)
        for word in node.keywords if name.startswith("next.scripts") else ():
            text = word.value.value if isinstance(word.value, ast.Constant) else None
            origin = _ORIGIN.match(text) if isinstance(text, str) else None
            if word.arg == "src" and origin:
                detail = f"script-src {origin[0]}"
                at = module.at(word.value)
                yield Signal("csp.external", at, detail, confidence="likely")


__all__ = ["find_process"]
