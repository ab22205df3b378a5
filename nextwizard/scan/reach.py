"""Which URLs lead to a place in the code: pages, routes, and what calls it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterator

    from .layout import Found
    from .source import Module, Scope
    from .suspects import Suspects


def url_paths(
    found: Found, suspects: Suspects, module: Module, scope: Scope, hops: int
) -> list[str]:
    """Return the static parts of the URLs that lead to a place in the code.

    `hops` is through how many helpers at most.
    """
    if module.path.endswith("/page.py") and found.page_path(module.path):
        return [found.page_path(module.path)]
    level = {f"{module.name}.{scope[0].name}"} if scope else set()
    for left in range(hops, -1, -1):
        paths = {path for name in level for path in found.urls.paths(found.code, name)}
        if paths:
            return sorted(paths)
        level, pages = _users(found, suspects, level) if left else (set(), set())
        if pages:
            return sorted(pages)
    return []


def _users(
    found: Found, suspects: Suspects, names: set[str]
) -> tuple[set[str], set[str]]:
    """Return the definitions that use these names, and the pages that do."""
    users: set[str] = set()
    pages: set[str] = set()
    lasts = {name.rpartition(".")[2] for name in names}
    for module in suspects.naming(lasts):
        page = found.page_path(module.path) if module.path.endswith("/page.py") else ""
        for name, scope in _uses(found, module, lasts):
            if name in names and page:
                pages.add(page)
            elif name in names and scope:
                users.add(f"{module.name}.{scope[0].name}")
    return users - names, pages


def _uses(found: Found, module: Module, lasts: set[str]) -> Iterator[tuple[str, Scope]]:
    """Yield the canonical names a module uses that end in one of these words."""
    for name, _ in module.imported():
        if name.rpartition(".")[2] in lasts:
            yield found.code.canonical(name), ()
    aliases = {n for n, o in module.imports.items() if o.rpartition(".")[2] in lasts}
    for node, scope in module.of(ast.Name):
        if node.id in lasts or node.id in aliases:
            yield found.code.meaning(module, node), scope
    for attribute, scope in module.of(ast.Attribute):
        if attribute.attr in lasts:
            yield found.code.meaning(module, attribute), scope


__all__ = ["url_paths"]
