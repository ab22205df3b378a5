"""Which URL leads to which view, as the urlconf says it without being run."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from .pages import Prefix, extend


if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextwizard.values import Evidence

    from .codebase import Code
    from .source import Module


_DEPTH = 12
_ROUTES = 10_000
_PROBE = "healthz/"
_NEXT = ("next.urls", "next.urls.")


class Item(NamedTuple):
    """One element of a list of patterns, with the module it stands in."""

    module: Module
    node: ast.expr
    i18n: ast.Call | None = None


def bound_lists(module: Module, name: str) -> Iterator[ast.expr]:
    """Yield every expression that makes up a top-level list, in order."""
    for node in module.statements:
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value):
                found = [value]
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value):
                found = [value]
            case ast.AugAssign(target=ast.Name(id=target), value=value):
                found = [value]
            case ast.Call(func=ast.Attribute(value=ast.Name(id=target)), args=args):
                method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
                found = args[-1:] if method in ("append", "extend", "insert") else []
            case _:
                continue
        if target == name:
            yield from found


def items(
    code: Code, module: Module, node: ast.expr, i18n: ast.Call | None = None
) -> Iterator[Item]:
    """Yield the elements of a list of patterns, through names and sums."""
    queue: list[tuple[Module, ast.expr, ast.Call | None]] = [(module, node, i18n)]
    seen: set[str] = set()
    while queue:
        here, expression, language = queue.pop(0)
        match expression:
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                queue[:0] = [(here, element, language) for element in elements]
            case ast.BinOp(left=left, right=right):
                queue[:0] = [(here, left, language), (here, right, language)]
            case ast.Starred(value=value):
                queue.insert(0, (here, value, language))
            case ast.Name() | ast.Attribute():
                dotted = code.meaning(here, expression)
                if dotted.startswith(_NEXT):
                    yield Item(here, expression, language)
                elif dotted not in seen:
                    seen.add(dotted)
                    queue[:0] = [(*found, language) for found in _named(code, dotted)]
            case ast.Call(func=func, args=args):
                if code.hint(here, func).endswith(".i18n_patterns"):
                    queue[:0] = [(here, argument, expression) for argument in args]
                else:
                    yield Item(here, expression, language)


def _named(code: Code, dotted: str) -> list[tuple[Module, ast.expr]]:
    module, rest = code.split(dotted)
    if module is None or len(rest) != 1:
        return []
    return [(module, found) for found in bound_lists(module, rest[0])]


def view_of(code: Code, module: Module, node: ast.expr) -> str:
    """Return the dotted name of a view, through as_view() and decorators.

    The name is the one the urlconf knows: where it is defined is asked for later.
    """
    for _ in range(_DEPTH):
        match node:
            case ast.Call(func=ast.Attribute(value=inner, attr="as_view" | "as_asgi")):
                node = inner
            case ast.Call(args=[*_, inner]):
                node = inner
            case ast.Constant(value=str() as dotted):
                return dotted
            case _:
                break
    return code.naming(module, node)


class Route(NamedTuple):
    """One URL of the project: its static part, its view, where it is declared.

    `probe` is true where a varying pattern would answer a health check's URL.
    """

    path: str
    fixed: bool
    view: str
    at: Evidence
    probe: bool = False


@dataclass(slots=True, eq=False)
class Urls:
    """The routes of a urlconf in the order Django tries them, and next.dj's mount."""

    routes: list[Route] = field(default_factory=list)
    mount: str = ""
    mount_at: Evidence | None = None
    mount_fixed: bool = True
    i18n_at: Evidence | None = None
    i18n_default: bool = False
    catch_all: Evidence | None = None
    views: dict[str, set[str]] = field(default_factory=dict)

    def paths(self, code: Code, view: str) -> list[str]:
        """Return the static parts of the URLs that lead to a view."""
        if not self.views:
            for route in self.routes:
                name = code.canonical(route.view) if route.view else ""
                self.views.setdefault(name, set()).add(route.path)
        return sorted(self.views.get(view, ()))

    def homes(self, code: Code) -> set[str]:
        """Return the files the views are defined in."""
        return {code.home(route.view) for route in self.routes if route.view}


@dataclass(slots=True, eq=False)
class _Urlconf:
    """The state of reading one urlconf."""

    code: Code
    urls: Urls = field(default_factory=Urls)
    chain: list[Module] = field(default_factory=list)

    def module(self, module: Module, prefix: Prefix, i18n: ast.Call | None) -> None:
        if module in self.chain or len(self.urls.routes) > _ROUTES:
            return
        self.chain.append(module)
        for expression in bound_lists(module, "urlpatterns"):
            for item in items(self.code, module, expression, i18n):
                self.item(item, prefix)
        self.chain.pop()

    def item(self, item: Item, prefix: Prefix) -> None:
        """Take in one element."""
        if not isinstance(item.node, ast.Call):
            self.mounted(item, prefix)
            return
        longer = extend(self.code, item.module, prefix, item.node)
        if longer is None:
            return
        view = item.node.args[1]
        name = view.func if isinstance(view, ast.Call) else view
        dotted = self.code.hint(item.module, name)
        if dotted.endswith(".include") and isinstance(view, ast.Call) and view.args:
            self.include(item, view.args[0], longer)
        else:
            self.route(item, view, longer)

    def include(self, item: Item, target: ast.expr, prefix: Prefix) -> None:
        if isinstance(target, ast.Tuple) and target.elts:
            target = target.elts[0]
        dotted = (
            str(target.value)
            if isinstance(target, ast.Constant)
            else self.code.meaning(item.module, target)
        )
        if dotted.startswith(_NEXT):
            self.mounted(item, prefix)
            return
        module = self.code.find(dotted)
        if module is not None:
            self.module(module, prefix, item.i18n)
            return
        if isinstance(target, ast.Constant):
            at, text = item.module.at(item.node), f"/{prefix.text}"
            self.urls.routes.append(Route(text, prefix.fixed, dotted, at))
        for inner in items(self.code, item.module, target, item.i18n):
            self.item(inner, prefix)

    def mounted(self, item: Item, prefix: Prefix) -> None:
        """Take in the place where next.dj's own URLs are included."""
        if self.urls.mount_at is not None:
            return
        self.urls.mount = prefix.text
        self.urls.mount_at = item.module.at(item.node)
        self.urls.mount_fixed = prefix.fixed
        if item.i18n is not None:
            self.urls.i18n_at = item.module.at(item.i18n)
            self.urls.i18n_default = any(
                word.arg == "prefix_default_language"
                and isinstance(word.value, ast.Constant)
                and word.value.value is False
                for word in item.i18n.keywords
            )

    def route(self, item: Item, view: ast.expr, prefix: Prefix) -> None:
        text = "" if item.i18n is not None else prefix.text
        at = item.module.at(item.node)
        probe = not prefix.fixed and _answers(prefix.regex) and item.i18n is None
        name = view_of(self.code, item.module, view)
        self.urls.routes.append(Route(f"/{text}", prefix.fixed, name, at, probe))
        if probe and self.urls.mount_at is None and self.urls.catch_all is None:
            self.urls.catch_all = at


def _answers(regex: str) -> bool:
    """Return whether a pattern would answer a health check's URL."""
    try:
        return re.fullmatch(regex, _PROBE) is not None
    except (re.error, OverflowError, RecursionError):
        return False


def read_urls(code: Code, module: Module) -> Urls:
    """Return the routes that start in a urlconf module."""
    state = _Urlconf(code)
    state.module(module, Prefix(), None)
    return state.urls


__all__ = [
    "Item",
    "Route",
    "Urls",
    "bound_lists",
    "items",
    "read_urls",
    "view_of",
]
