"""Where a Django project starts: manage.py, the import path and the settings module."""

from __future__ import annotations

import ast
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from nextwizard.errors import InputError, Problem

from .codebase import Code
from .evaluate import Evaluator
from .files import Served, shown
from .place import Place, place


if TYPE_CHECKING:
    from collections.abc import Iterator

    from .files import Tree
    from .source import Module


_KEY = "DJANGO_SETTINGS_MODULE"
_PROD = ("prod", "production", "prd", "live")
_INSERTS = frozenset({"sys.path.insert", "sys.path.append"})


class Start(NamedTuple):
    """What a run of the project begins with.

    `module` is the settings module manage.py names, `served` the one wsgi.py or asgi.py
    names, empty when neither says.
    """

    manage: str
    module: str
    served: str
    code: Code


def required(code: Code, path: str) -> Module:
    """Return a module the layout needs; InputError names the path and the line."""
    if path in code.tree.links:
        what = "is a symlink, and links are never followed below the project"
        fix = "Replace it by a regular file."
        raise InputError(Problem(shown(path), what, fix))
    module = code.module(path)
    if module is not None:
        return module
    if path in code.broken:
        line, reason = code.broken[path]
        where = f"{shown(path)}:{line}" if line else shown(path)
        what = f"is no Python that can be read: {reason}"
        raise InputError(Problem(where, what, "Correct the file."))
    reason = code.tree.unreadable.get(path, "is missing")
    fix = "Make the file readable."
    raise InputError(Problem(shown(path), f"cannot be read: {reason}", fix))


def find_manage(tree: Tree) -> str:
    """Return the manage.py nearest to the root; InputError unless there is one."""
    served = Served()
    named = [p for p in tree.files if p.rpartition("/")[2] == "manage.py"]
    found = [p for p in named if served(p) and _KEY.encode() in (tree.read(p) or b"")]
    links = [p for p in tree.links if p.rpartition("/")[2] == "manage.py"]
    if not found and not links:
        raise InputError(_no_project(tree, named))
    depth = min(path.count("/") for path in (*found, *links))
    nearest = [path for path in (*found, *links) if path.count("/") == depth]
    if len(nearest) > 1:
        where = ", ".join(shown(path) for path in sorted(nearest))
        what = "are several Django projects, and each could be meant"
        raise InputError(Problem(where, what, "Name the folder of one as DIR."))
    return nearest[0]


def _no_project(tree: Tree, named: list[str]) -> Problem:
    if named:
        what = f"does not set {_KEY}, so it starts no Django project"
        return Problem(shown(named[0]), what, "Name the folder of one as DIR.")
    what = "holds no Django project: there is no manage.py in it or near below it"
    fix = "Name the project's folder as DIR, or create one with --new."
    return Problem(shown(tree.root), what, fix)


def settings_names(module: Module, file: Place) -> list[tuple[str, int]]:
    """Return the settings modules a file puts into the environment, with lines."""
    names: dict[str, object] = {}
    at = Evaluator(module, file, names, defaults=True)
    found: list[tuple[str, int]] = []
    for node in module.every():
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = at(node.value)
    for node in module.every():
        for value in _settings_values(node):
            text = at(value)
            if isinstance(text, str) and text:
                found.append((text, value.lineno))
    return found


def _settings_values(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions a node sets DJANGO_SETTINGS_MODULE to."""
    match node:
        case ast.Call(func=ast.Attribute(attr="setdefault"), args=[key, value]):
            pass
        case ast.Assign(targets=[ast.Subscript(slice=key)], value=value):
            pass
        case _:
            return
    if not isinstance(key, ast.Constant) or key.value != _KEY:
        return
    if isinstance(value, ast.IfExp):
        yield from (value.body, value.orelse)
    yield value


def _import_path(tree: Tree, module: Module) -> Iterator[str]:
    """Yield the folders a manage.py makes importable, its own first."""
    base = posixpath.dirname(module.path)
    yield base
    yield posixpath.join(base, "src")
    yield from ("", "src")
    names: dict[str, object] = {}
    at = Evaluator(module, place(tree.root, module.path), names)
    for node in module.every():
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = at(node.value)
    yield from inserted(tree, module, at)


def inserted(tree: Tree, module: Module, at: Evaluator) -> Iterator[str]:
    """Yield the folders of the project that a file puts on the import path."""
    for node in module.every():
        match node:
            case ast.Call(args=[*_, path]) if module.qualify(node.func) in _INSERTS:
                found = at(path)
                folder = place(found) if isinstance(found, str) and found else found
                inner = folder.below(tree.root) if isinstance(folder, Place) else None
                if inner:
                    yield inner


def locate(tree: Tree) -> Start:
    """Return where the project starts; InputError says what was looked for."""
    manage = find_manage(tree)
    first = required(Code(tree), manage)
    named_roots = (posixpath.normpath(root) for root in _import_path(tree, first))
    roots = dict.fromkeys("" if root == "." else root for root in named_roots)
    code = Code(tree, tuple(root for root in roots if root in tree.folders))
    named = settings_names(first, place(tree.root, manage))
    served = _served(code, posixpath.dirname(manage))
    module = _chosen(code, [name for name, _ in named] or [served])
    if not module or not located(code, module):
        raise InputError(_no_settings(manage, named))
    return Start(manage, module, served, code)


def _chosen(code: Code, names: list[str]) -> str:
    """Return the settings module that runs the site, not the tests."""
    existing = [name for name in names if located(code, name)]
    apart = [name for name in existing if "test" not in name]
    return next(iter((*apart, *existing, *names)), "")


def located(code: Code, dotted: str) -> str:
    """Return the path of a module, of a symlink too, which the layout refuses later."""
    path = code.path_of(dotted)
    inner = dotted.replace(".", "/")
    links = (posixpath.join(root, f"{inner}.py") for root in code.roots)
    return path or next((link for link in links if link in code.tree.links), "")


def _no_settings(manage: str, named: list[tuple[str, int]]) -> Problem:
    if not named:
        what = f"names no settings module: {_KEY} is set to nothing that can be read"
        fix = f'Write os.environ.setdefault("{_KEY}", "<package>.settings") in it.'
        return Problem(shown(manage), what, fix)
    name, line = named[0]
    what = f"names the settings module {name}, which is not in the project"
    fix = "Correct the name, or bring the module back."
    return Problem(f"{shown(manage)}:{line}", what, fix)


def _served(code: Code, folder: str) -> str:
    """Return the settings module of wsgi.py, else of asgi.py, below a folder."""
    served = Served()
    for name in ("wsgi.py", "asgi.py"):
        for path in code.tree.below(folder):
            if path.rpartition("/")[2] != name or not served(path):
                continue
            data = code.tree.read(path) or b""
            module = code.module(path, data) if _KEY.encode() in data else None
            if module is not None:
                file = place(code.tree.root, path)
                for dotted, _ in settings_names(module, file):
                    if code.path_of(dotted):
                        return dotted
    return ""


def _guards(code: Code, path: str) -> bool:
    """Tell whether a file is the package of an earlier split, which holds no value."""
    return b" is a package now. Use " in (code.tree.read(path) or b"")


def production(code: Code, start: Start, managed: frozenset[str]) -> str:
    """Return the user's own settings module for production, empty without one."""
    apart = bool(start.served) and start.served != start.module
    path = located(code, start.served) if apart else ""
    if apart and path not in managed and not _guards(code, path):
        return start.served
    parent, _, last = start.module.rpartition(".")
    siblings = [f"{parent}.{name}" if parent else name for name in _PROD]
    if last == "settings":
        siblings = [f"{start.module}.{name}" for name in _PROD]
        siblings += [f"{start.module}_{name}" for name in _PROD]
    found = (name for name in siblings if code.path_of(name))
    return next((n for n in found if code.path_of(n) not in managed), "")


__all__ = [
    "Start",
    "find_manage",
    "inserted",
    "locate",
    "located",
    "production",
    "required",
    "settings_names",
]
