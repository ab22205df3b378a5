"""The project's Python as one body: modules by import name, names to definitions."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .source import Module, read_module


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .files import Tree


KINDS = ("Consumer", "FormWizard", "RouterBackend", "StreamingHttpResponse", "View")
WANTED = frozenset(
    "BlockingScheduler Condition Event FileField FileResponse FormWizard ImageField "
    "JoinableQueue LifoQueue PatchEventStream PriorityQueue ProtocolTypeRouter Queue "
    "Script SimpleQueue StreamingHttpResponse URLRouter action context i18n_patterns "
    "include path re_path router_manager url".split()
)
"""The last names of what detectors look for; derived classes add their own."""

_HOPS = 8


@dataclass(slots=True, eq=False)
class Code:
    """The project's Python by path and by import name, parsed once and on demand.

    `roots` are the folders on the import path; `broken` maps a file that is no Python
    to its line and reason.
    """

    tree: Tree
    roots: tuple[str, ...] = ("",)
    broken: dict[str, tuple[int, str]] = field(default_factory=dict)
    parsed: dict[str, Module | None] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=lambda: set(WANTED))

    def add_roots(self, folders: Iterable[str]) -> None:
        """Search these folders too when a module is imported, after those known."""
        self.roots = (*self.roots, *folders)
        self.paths.clear()
        self.origins.clear()

    def dotted(self, path: str) -> str:
        """Return a path's import name below the deepest root that holds it."""
        inside = [r for r in self.roots if not r or path.startswith(f"{r}/")]
        root = max(inside, key=len, default="")
        bare = path[len(root) :].strip("/").removesuffix(".py")
        return bare.removesuffix("__init__").strip("/").replace("/", ".")

    def path_of(self, dotted: str) -> str:
        """Return the file of an import name, empty when the project has none."""
        if dotted not in self.paths:
            self.paths[dotted] = next(self._candidates(dotted), "")
        return self.paths[dotted]

    def _candidates(self, dotted: str) -> Iterator[str]:
        inner = dotted.replace(".", "/")
        for root in self.roots:
            base = f"{root}/{inner}" if root else inner
            for path in (f"{base}/__init__.py", f"{base}.py"):
                if path in self.tree:
                    yield path

    def folder_of(self, dotted: str) -> str:
        """Return the folder of a package, a namespace package too, or empty."""
        inner = dotted.replace(".", "/")
        for root in self.roots:
            base = f"{root}/{inner}" if root else inner
            if base in self.tree.folders:
                return base
        return ""

    def module(self, path: str, data: bytes | None = None) -> Module | None:
        """Return a parsed file, None when it cannot be read or is no Python."""
        if path not in self.parsed:
            data = self.tree.read(path) if data is None else data
            self.parsed[path] = None if data is None else self._parse(path, data)
        return self.parsed[path]

    def _parse(self, path: str, data: bytes) -> Module | None:
        try:
            return read_module(path, self.dotted(path), data)
        except SyntaxError as error:
            self.broken[path] = (error.lineno or 0, error.msg)
        except ValueError as error:
            self.broken[path] = (0, str(error))
        return None

    def find(self, dotted: str) -> Module | None:
        """Return the module of an import name."""
        path = self.path_of(dotted) if dotted else ""
        return self.module(path) if path else None

    def split(self, dotted: str) -> tuple[Module | None, list[str]]:
        """Return the deepest module a dotted name starts with, and what follows it."""
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            module = self.find(".".join(parts[:length]))
            if module is not None:
                return module, parts[length:]
        return None, parts

    def canonical(self, dotted: str) -> str:
        """Return where a name is defined, through re-exports and plain aliases."""
        if dotted not in self.origins:
            self.origins[dotted] = self._defined(dotted)
        return self.origins[dotted]

    def _defined(self, dotted: str) -> str:
        for _ in range(_HOPS):
            module, rest = self.split(dotted)
            if module is None or not rest:
                return module.name if module else dotted
            head, *tail = rest
            following = self._origin(module, head)
            if not following:
                return ".".join((module.name, *rest))
            dotted = ".".join((following, *tail))
        return dotted

    def _origin(self, module: Module, name: str) -> str:
        """Return what a module's name stands for, empty when it is defined there."""
        if name in module.top:
            alias = module.top[name][-1]
            is_alias = isinstance(alias, ast.Name | ast.Attribute)
            return module.qualify(alias) if is_alias else ""
        return module.imports.get(name, "") or self._starred(module, name)

    def _starred(self, module: Module, name: str) -> str:
        """Return what a star import may have brought in under a name."""
        for star in reversed(module.stars):
            source = self.find(star)
            if source is None:
                return f"{star}.{name}"
            if source is not module and (name in source.top or name in source.imports):
                return f"{star}.{name}"
        return ""

    def naming(self, module: Module, node: ast.AST) -> str:
        """Return the dotted name an expression has in its module, not where it leads.

        A name the module does not bind may come from a star import; else it is a local
        or a builtin, and stays as it is.
        """
        dotted = module.qualify(node)
        if not dotted or not module.stars or _is_bound(module, node):
            return dotted
        head, dot, rest = dotted.partition(".")
        starred = self._starred(module, head)
        return f"{starred}{dot}{rest}" if starred else dotted

    def meaning(self, module: Module, node: ast.AST) -> str:
        """Return the canonical dotted name of an expression in a module."""
        dotted = self.naming(module, node)
        if not dotted or not (module.stars or _is_bound(module, node)):
            return dotted
        return self.canonical(dotted)

    def hint(self, module: Module, node: ast.AST) -> str:
        """Return the canonical name if its last part is one that is looked for.

        Any other name stays as the module knows it: following it would parse files that
        hold no finding.
        """
        dotted = self.naming(module, node)
        if dotted.rpartition(".")[2] not in self.wanted:
            return dotted
        return self.meaning(module, node)

    def kin(self, module: Module, node: ast.ClassDef) -> Iterable[str]:
        """Return the names of a class's bases, followed where one is looked for."""
        named = {self.hint(module, base).rpartition(".")[2] for base in node.bases}
        if named & self.wanted or any(name.endswith(KINDS) for name in named):
            return self.bases(module, node)
        return named

    def home(self, dotted: str) -> str:
        """Return the file a dotted name is defined in, parsing little for it."""
        parts = dotted.split(".")
        for length in range(len(parts) - 1, 0, -1):
            path = self.path_of(".".join(parts[:length]))
            if path:
                word = re.escape(parts[length].encode())
                data = self.tree.read(path) or b""
                if re.search(rb"\b(?:def|class)\s+" + word + rb"\b", data):
                    return path
                break
        module, _ = self.split(self.canonical(dotted))
        return module.path if module else ""

    def define(self, dotted: str) -> tuple[Module, list[ast.AST]] | None:
        """Return the module and the bindings a canonical name has, if it is ours."""
        module, rest = self.split(dotted)
        if module is None or len(rest) != 1 or rest[0] not in module.top:
            return None
        return module, module.top[rest[0]]

    def bases(self, module: Module, node: ast.ClassDef) -> Iterable[str]:
        """Return the canonical names of all bases of a class, inherited ones too."""
        found: dict[str, None] = {}
        queue = [(module, base) for base in node.bases]
        while queue and len(found) < 4 * _HOPS:
            here, base = queue.pop(0)
            base = base.value if isinstance(base, ast.Subscript) else base
            name = self.meaning(here, base)
            if not name or name in found:
                continue
            found[name] = None
            inherited = self.define(name)
            if inherited and isinstance(inherited[1][-1], ast.ClassDef):
                queue += [(inherited[0], b) for b in inherited[1][-1].bases]
        return found


def _is_bound(module: Module, node: ast.AST) -> bool:
    """Return whether a module binds the first name of a dotted expression."""
    while isinstance(node, ast.Attribute):
        node = node.value
    name = node.id if isinstance(node, ast.Name) else ""
    return name in module.imports or name in module.top


__all__ = ["Code"]
