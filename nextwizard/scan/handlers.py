"""Async views, and what next.dj 0.10 accepts but does not do: async hooks, bare names.

next.dj awaits nothing but the source of a PatchEventStream, and it fills a parameter by
its annotation alone, resolved at run time.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nextwizard.values import Signal

from .source import FUNCTIONS, is_generator, parameters
from .urls import view_of


if TYPE_CHECKING:
    from collections.abc import Iterator

    from .layout import Found
    from .source import Function, Module, Scope
    from .suspects import Suspects


_VERBS = frozenset("delete dispatch get head options patch post put trace".split())
_HOOKS = frozenset(
    "check_permissions done get_initial has_object_permission on_valid".split()
)
_KEEPING = (
    "abc.",
    "asgiref.",
    "classmethod",
    "django.",
    "functools.",
    "next.",
    "staticmethod",
)
_TURNING = "asgiref.sync.async_to_sync"
_VAGUE = frozenset({"typing.Any", "object"})


def find_handlers(found: Found, suspects: Suspects) -> Iterator[Signal]:
    """Yield view.async and the next.* findings in Python files."""
    modules = list(suspects.modules.values())
    for module in modules:
        yield from _borrowed(found, module)
        for node, scope in module.functions():
            hook = _hook(found, module, node, scope)
            if hook:
                yield from _misused(module, node, hook)
            elif isinstance(node, ast.AsyncFunctionDef) and not scope:
                yield from _view(found, module, node, modules)
        for inner, scope in module.of(ast.ClassDef):
            if not scope:
                yield from _view_class(found, module, inner)


def _is_page(found: Found, module: Module) -> bool:
    """Return whether next.dj takes `render` of this file for a page or component."""
    folder, _, name = module.path.rpartition("/")
    if name == "component.py":
        return bool(folder)
    in_tree = found.pages.segments(module.path) is not None
    return name == "page.py" and (in_tree or not found.pages.complete)


def _hook(found: Found, module: Module, node: Function, scope: Scope) -> str:
    """Return what next.dj calls a function as: render, context, action, or nothing."""
    if not scope and node.name == "render" and _is_page(found, module):
        return "render"
    for decorator in node.decorator_list:
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = found.code.hint(module, call)
        last = name.rpartition(".")[2]
        if name.startswith("next.") and last in ("context", "action"):
            return last
    owner = scope[-1] if scope else None
    if isinstance(owner, ast.ClassDef) and node.name in _HOOKS:
        bases = found.code.bases(module, owner)
        return "action" if any(b.startswith("next.forms.") for b in bases) else ""
    return ""


def _borrowed(found: Found, module: Module) -> Iterator[Signal]:
    """Yield what is wrong with a page's `render` that another module defines."""
    bound = module.top.get("render", [None])[-1]
    if not _is_page(found, module) or isinstance(bound, FUNCTIONS):
        return
    name = module.imports.get("render", "")
    dotted = view_of(found.code, module, bound) if isinstance(bound, ast.expr) else name
    defined = found.code.define(found.code.canonical(dotted)) if dotted else None
    if defined is not None and isinstance(defined[1][-1], FUNCTIONS):
        yield from _misused(defined[0], defined[1][-1], "render")


def _misused(module: Module, node: Function, hook: str) -> Iterator[Signal]:
    if isinstance(node, ast.AsyncFunctionDef) and not _is_replaced(module, node):
        yield Signal(f"next.async_{hook}", module.at(node), node.name)
    for parameter in parameters(node):
        if parameter.arg == "request" and _unfilled(module, parameter.annotation):
            yield Signal("next.untyped_request", module.at(parameter), node.name)


def _is_replaced(module: Module, node: Function) -> bool:
    """Return whether a decorator may turn an async function into a sync one."""
    calls = (d.func if isinstance(d, ast.Call) else d for d in node.decorator_list)
    names = [module.qualify(call) for call in calls]
    return not all(n.startswith(_KEEPING) and n != _TURNING for n in names)


def _unfilled(module: Module, annotation: ast.expr | None) -> bool:
    """Return whether an annotation leaves a parameter None: missing, or never there."""
    if annotation is None or module.qualify(annotation) in _VAGUE:
        return True
    if isinstance(annotation, ast.Constant):
        names = re.findall(r"\w+", str(annotation.value))
    else:
        names = [n.id for n in ast.walk(annotation) if isinstance(n, ast.Name)]
    return any(name in module.typing_only for name in names)


def _is_called(found: Found, name: str, modules: list[Module]) -> bool:
    """Return whether the project's own code calls what has this canonical name."""
    last = name.rpartition(".")[2]
    for module in modules:
        aliases = {n for n, o in module.imports.items() if o.endswith(f".{last}")}
        for node, _ in module.of(ast.Call):
            match node.func:
                case ast.Name(id=called) | ast.Attribute(attr=called):
                    mine = called == last or called in aliases
                    if mine and found.code.meaning(module, node.func) == name:
                        return True
    return False


def _view(
    found: Found, module: Module, node: ast.AsyncFunctionDef, modules: list[Module]
) -> Iterator[Signal]:
    """Yield an async view: one a URL leads to, or one that looks like it."""
    dotted = f"{module.name}.{node.name}"
    turned = any(module.qualify(d) == _TURNING for d in node.decorator_list)
    if is_generator(node) or turned:
        return
    paths = found.urls.paths(found.code, dotted)
    for path in paths:
        yield Signal("view.async", module.at(node), node.name, path)
    names = parameters(node)
    looks = bool(names) and names[0].arg == "request"
    aside = _is_page(found, module) or "middleware" in module.name
    if paths or aside or not looks or _is_called(found, dotted, modules):
        return
    yield Signal("view.async", module.at(node), node.name, confidence="likely")


def _view_class(found: Found, module: Module, node: ast.ClassDef) -> Iterator[Signal]:
    methods = [inner for inner in node.body if isinstance(inner, ast.AsyncFunctionDef)]
    methods = [inner for inner in methods if inner.name in _VERBS]
    if not methods:
        return
    paths = found.urls.paths(found.code, f"{module.name}.{node.name}")
    bases = found.code.kin(module, node)
    if not paths and not any(b.endswith(("View", "ViewSet")) for b in bases):
        return
    for inner in methods:
        for path in paths or [""]:
            detail = f"{node.name}.{inner.name}"
            yield Signal("view.async", module.at(inner), detail, path)


__all__ = ["find_handlers"]
