"""Websockets: channels, consumers, their routes, and a user's own asgi.py."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nextwizard.values import Signal

from .pages import Prefix, extend
from .urls import items, view_of


if TYPE_CHECKING:
    from collections.abc import Iterator

    from .codebase import Code
    from .layout import Found
    from .source import Module
    from .suspects import Suspects


type _Router = tuple[Module, ast.Call]

_ROUTER = "channels.routing.URLRouter"
_PROTOCOLS = "channels.routing.ProtocolTypeRouter"
_LEVELS = 8


def find_sockets(found: Found, suspects: Suspects) -> Iterator[Signal]:
    """Yield ws.consumer, ws.routing, ws.asgi, and ws.channels where only imported."""
    modules = list(suspects.modules.values())
    signals = [signal for module in modules for signal in _module(found, module)]
    yield from signals
    yield from _routes(found.code, modules)
    if not signals:
        yield from _imported(modules)


def _module(found: Found, module: Module) -> Iterator[Signal]:
    for node, _ in module.of(ast.ClassDef):
        if _is_consumer(found.code, module, node):
            yield Signal("ws.consumer", module.at(node), node.name)
    for test, _ in module.of(ast.Compare):
        if module.path.endswith("asgi.py") and _is_scope_test(test):
            yield Signal("ws.asgi", module.at(test), "websocket")
    for call in _calls(found.code, module, _PROTOCOLS):
        yield Signal("ws.asgi", module.at(call), ",".join(sorted(_table(call))))


def _calls(code: Code, module: Module, name: str) -> Iterator[ast.Call]:
    """Yield the calls of what has this canonical name."""
    for node, _ in module.of(ast.Call):
        if node.args and code.hint(module, node.func) == name:
            yield node


def _table(node: ast.Call) -> dict[str, ast.expr]:
    """Return the applications of a ProtocolTypeRouter by protocol."""
    table = node.args[0]
    if not isinstance(table, ast.Dict):
        return {}
    pairs = zip(table.keys, table.values, strict=True)
    return {str(k.value): v for k, v in pairs if isinstance(k, ast.Constant)}


def _is_consumer(code: Code, module: Module, node: ast.ClassDef) -> bool:
    return any(
        base.startswith("channels.") and base.endswith("Consumer")
        for base in code.kin(module, node)
    )


def _is_scope_test(node: ast.Compare) -> bool:
    """Return whether a comparison asks a scope for its type being websocket."""
    sides = [node.left, *node.comparators]
    asked = any(
        isinstance(side, ast.Subscript)
        and isinstance(side.slice, ast.Constant)
        and side.slice.value == "type"
        for side in sides
    )
    words = (inner for side in sides for inner in ast.walk(side))
    return asked and any(
        isinstance(word, ast.Constant) and word.value == "websocket" for word in words
    )


def _routes(code: Code, modules: list[Module]) -> Iterator[Signal]:
    """Yield the routes a ProtocolTypeRouter leads to, then those of other lists."""
    seen: set[int] = set()
    for module in modules:
        for table in (_table(call) for call in _calls(code, module, _PROTOCOLS)):
            http = table.get("http", ast.Pass())
            seen |= {id(node) for node in ast.walk(http)}
            nested = _nested(code, module, table.get("websocket"))
            if nested is not None:
                yield from _router(code, nested, Prefix(), seen)
    for module in modules:
        for call in _calls(code, module, _ROUTER):
            if id(call) not in seen:
                yield from _router(code, (module, call), Prefix(), seen)
    for module in modules:
        yield from _loose(code, module, seen)


def _loose(code: Code, module: Module, seen: set[int]) -> Iterator[Signal]:
    """Yield the routes to consumers that stand in no URLRouter we can see."""
    for node, _ in module.of(ast.Call):
        if id(node) not in seen:
            prefix = extend(code, module, Prefix(), node)
            if prefix is not None and _is_consumer_view(code, module, node.args[1]):
                yield Signal("ws.routing", module.at(node), path=_path(prefix))


def _path(prefix: Prefix) -> str:
    return f"/{prefix.text.lstrip('/')}"


def _router(
    code: Code, router: _Router, prefix: Prefix, seen: set[int], level: int = 0
) -> Iterator[Signal]:
    """Yield the routes of a URLRouter and of the routers nested in it."""
    module, node = router
    seen.add(id(node))
    for item in items(code, module, node.args[0]):
        call = item.node
        if not isinstance(call, ast.Call) or level > _LEVELS:
            continue
        longer = extend(code, item.module, prefix, call)
        if longer is None:
            continue
        seen.add(id(call))
        inner = _nested(code, item.module, call.args[1])
        if inner is not None:
            yield from _router(code, inner, longer, seen, level + 1)
        else:
            yield Signal("ws.routing", item.module.at(call), path=_path(longer))


def _nested(
    code: Code, module: Module, view: ast.expr | None, level: int = 0
) -> _Router | None:
    """Return the URLRouter a view is, through names and the middleware around it."""
    inside = list(ast.walk(view)) if view is not None else []
    for node in inside:
        if not isinstance(node, ast.Call) or not node.args:
            continue
        if code.hint(module, node.func) == _ROUTER:
            return module, node
    for node in inside:
        named = isinstance(node, ast.Name | ast.Attribute) and level < _LEVELS
        defined = code.define(code.meaning(module, node)) if named else None
        if defined is not None and isinstance(defined[1][-1], ast.Call):
            return _nested(code, defined[0], defined[1][-1], level + 1)
    return None


def _is_consumer_view(code: Code, module: Module, view: ast.expr) -> bool:
    calls = (inner for inner in ast.walk(view) if isinstance(inner, ast.Call))
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "as_asgi":
            defined = code.define(code.canonical(view_of(code, module, call)))
            if defined is None:
                return True
            node = defined[1][-1]
            http = isinstance(node, ast.ClassDef) and any(
                base.startswith("channels.generic.http")
                for base in code.bases(defined[0], node)
            )
            return not http
    return False


def _imported(modules: list[Module]) -> Iterator[Signal]:
    """Yield the first import of channels."""
    for module in modules:
        for name, node in module.imported():
            if name.partition(".")[0] == "channels":
                yield Signal("ws.channels", module.at(node), name)
                return


__all__ = ["find_sockets"]
