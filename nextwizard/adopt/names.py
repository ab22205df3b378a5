"""What the names in a file stand for, as far as its imports alone can say."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple, cast


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


_BINDERS: Mapping[type[ast.AST], str] = {
    ast.arg: "arg",
    ast.AsyncFunctionDef: "name",
    ast.ClassDef: "name",
    ast.ExceptHandler: "name",
    ast.FunctionDef: "name",
    ast.Global: "names",
    ast.MatchAs: "name",
    ast.MatchMapping: "rest",
    ast.MatchStar: "name",
    ast.Nonlocal: "names",
    ast.ParamSpec: "name",
    ast.TypeVar: "name",
    ast.TypeVarTuple: "name",
}
"""The nodes that bind names, names themselves aside, and where they keep them."""

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_DEFERRED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_INNER = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Names(NamedTuple):
    """Every node by kind and with its parent, every name with what may bind it.

    Scopes are not told apart: a name with two meanings anywhere has none here.
    """

    tree: ast.Module
    kinds: Mapping[type[ast.AST], tuple[ast.AST, ...]]
    parents: Mapping[ast.AST, ast.AST]
    imports: Mapping[str, frozenset[str]]
    bound: Mapping[str, tuple[ast.AST, ...]]

    def dotted(self, node: ast.AST | None) -> str:
        """Return what an expression names, `os.path.join` say; empty when unknown.

        A name nothing binds is taken for the builtin of that name.
        """
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id in self.bound:
            return ""
        meanings = self.imports.get(node.id, frozenset((node.id,)))
        if len(meanings) > 1:
            return ""
        return ".".join((*meanings, *reversed(attributes)))

    def is_modules(self, node: ast.AST) -> bool:
        """Return whether an expression is `sys.modules`."""
        return self.dotted(node) == "sys.modules"

    def parent(self, node: ast.AST) -> ast.AST | None:
        """Return the node around a node; None for the module."""
        return self.parents.get(node)

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes around a node, the nearest first."""
        outer = self.parents.get(node)
        while outer is not None:
            yield outer
            outer = self.parents.get(outer)

    def in_function(self, node: ast.AST) -> bool:
        """Return whether the node runs later, inside a function's body."""
        inner = node
        for outer in self.around(node):
            if isinstance(outer, _DEFERRED) and inner in _body(outer):
                return True
            inner = outer
        return False

    def each[N: ast.AST](self, *kinds: type[N]) -> Iterator[N]:
        """Yield every node of these kinds."""
        for kind in kinds:
            yield from cast("tuple[N, ...]", self.kinds.get(kind, ()))

    def loads(self, *wanted: str) -> Iterator[ast.Name]:
        """Yield the places where one of these names is read."""
        for node in self.each(ast.Name):
            if node.id in wanted and isinstance(node.ctx, ast.Load):
                yield node

    def texts(self) -> Iterator[tuple[ast.Constant, str]]:
        """Yield every string with its value; an f-string yields its parts."""
        for node in self.each(ast.Constant):
            if isinstance(node.value, str):
                yield node, node.value


def names_of(tree: ast.Module) -> Names:
    """Read a tree once."""
    kinds: dict[type[ast.AST], list[ast.AST]] = {}
    parents: dict[ast.AST, ast.AST] = {}
    bound: dict[str, tuple[ast.AST, ...]] = {}
    for node in ast.walk(tree):
        kinds.setdefault(type(node), []).append(node)
        for child in ast.iter_child_nodes(node):
            parents[child] = node
        for name in bindings(node):
            bound[name] = (*bound.get(name, ()), node)
    frozen = {kind: tuple(nodes) for kind, nodes in kinds.items()}
    imports = (*frozen.get(ast.Import, ()), *frozen.get(ast.ImportFrom, ()))
    return Names(tree, frozen, parents, _imports(imports), bound)


def line_of(node: ast.AST) -> int:
    """Return the 1-based line of a node, of the one around it when it has none."""
    return int(getattr(node, "lineno", 1))


def bindings(node: ast.AST) -> tuple[str, ...]:
    """Return the names a node binds itself, imports aside."""
    if isinstance(node, ast.Name):
        return () if isinstance(node.ctx, ast.Load) else (node.id,)
    kept = _BINDERS.get(type(node))
    found = getattr(node, kept) if kept else None
    if found is None:
        return ()
    return (found,) if isinstance(found, str) else tuple(found)


def imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the names an import binds, each with the dotted path it stands for."""
    match node:
        case ast.Import(names=aliases):
            for alias in aliases:
                first = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (first, first)
        case ast.ImportFrom(names=aliases, level=level, module=module):
            base = "." * level + (module or "")
            for alias in aliases:
                dotted = f"{base}.{alias.name}" if module else f"{base}{alias.name}"
                yield alias.asname or alias.name, dotted


def top_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of the module's own scope, also in blocks, in no order."""
    left = [*body]
    while left:
        statement = left.pop()
        yield statement
        if not isinstance(statement, _SCOPES):
            left += _inner_statements(statement)


def own_names(statement: ast.stmt) -> Iterator[str]:
    """Yield the names one statement binds in its scope, blocks inside it aside."""
    yield from (name for name, _ in imported(statement))
    yield from bindings(statement)
    if not isinstance(statement, _SCOPES):
        for child in ast.iter_child_nodes(statement):
            if isinstance(child, ast.expr | ast.withitem):
                yield from _stored(child)


def _inner_statements(statement: ast.stmt) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            yield from child.body


def _stored(node: ast.AST) -> Iterator[str]:
    left = [node]
    while left:
        inner = left.pop()
        if not isinstance(inner, _INNER):
            yield from bindings(inner)
            left += ast.iter_child_nodes(inner)


def _imports(nodes: Iterable[ast.AST]) -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for node in nodes:
        for name, dotted in imported(node):
            found[name] = found.get(name, frozenset()) | {dotted}
    return found


def _body(function: ast.AST) -> tuple[ast.AST, ...]:
    match function:
        case ast.Lambda(body=body):
            return (body,)
        case ast.FunctionDef(body=statements) | ast.AsyncFunctionDef(body=statements):
            return tuple(statements)
    return ()


__all__ = [
    "Names",
    "bindings",
    "imported",
    "line_of",
    "names_of",
    "own_names",
    "top_level",
]
