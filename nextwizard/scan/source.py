"""Python files as trees with their names resolved; nothing of the user's ever runs."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from .files import decodable, evidence


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nextwizard.values import Evidence


type Function = ast.FunctionDef | ast.AsyncFunctionDef
type Definition = Function | ast.ClassDef
type Scope = tuple[Definition, ...]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
_BRANCHES = (ast.If, ast.While)
_BLOCKS = frozenset({"body", "orelse", "finalbody"})
_PLAIN = frozenset(
    "arg asname attr ctx id is_async kind level lineno module name names op ops "
    "type_comment type_ignores".split()
)
_EMPTY = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)
_FIELDS = {
    kind: tuple(name for name in kind._fields if name not in _PLAIN)
    for kind in vars(ast).values()
    if isinstance(kind, type)
    and issubclass(kind, ast.AST)
    and not issubclass(kind, _EMPTY)
}
_BINDING = frozenset(
    {*_DEFINITIONS, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Call}
)
_INDEXED = _BINDING | {ast.Attribute, ast.Compare, ast.Import, ast.ImportFrom, ast.Name}
_INDEXED |= {ast.While}
_DEEPEST = 200
_LAST = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def truth(test: ast.expr) -> bool | None:
    """Return what a condition always is, None when that depends on the run.

    TYPE_CHECKING and `__name__ == "__main__"` are false in a server.
    """
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()]):
            return False
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = truth(operand)
            return None if inner is None else not inner
        case ast.BoolOp(op=ast.And(), values=values):
            return False if any(truth(value) is False for value in values) else None
    return None


def reached(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Return the statements of a block that can run: none after its first exit."""
    for index, statement in enumerate(body):
        if isinstance(statement, _LAST):
            return list(body[: index + 1])
    return list(body)


def _children(node: ast.AST) -> list[ast.AST]:
    """Return the direct children that can run, without operators and contexts."""
    if isinstance(node, _BRANCHES):
        verdict = truth(node.test)
        first = [] if verdict is False else reached(node.body)
        closed = verdict is True and isinstance(node, ast.If)
        return [node.test, *first, *([] if closed else reached(node.orelse))]
    found: list[ast.AST] = []
    for name in _FIELDS[node.__class__]:
        value = getattr(node, name, None)
        if value.__class__ is list:
            inner = reached(value) if name in _BLOCKS else value
            found += [item for item in inner if item.__class__ in _FIELDS]
        elif value.__class__ in _FIELDS:
            found.append(value)
    return found


def live(root: ast.AST) -> Iterator[tuple[ast.AST, Scope]]:
    """Yield every node that can run, in order, with the definitions around it.

    Raises SyntaxError where the nesting is deeper than anybody writes.
    """
    stack: list[tuple[ast.AST, Scope, int]] = [(root, (), 0)]
    while stack:
        node, around, depth = stack.pop()
        yield node, around
        if not _FIELDS[node.__class__]:
            continue
        if depth > _DEEPEST:
            msg = "is nested too deeply"
            raise SyntaxError(msg)
        if isinstance(node, _DEFINITIONS):
            around = (*around, node)
        depth += 1
        stack += [(child, around, depth) for child in reversed(_children(node))]


def own(function: Function | ast.Lambda) -> Iterator[ast.AST]:
    """Yield every node of a function that belongs to it and to no inner one."""
    body = function.body if isinstance(function.body, list) else [function.body]
    stack: list[ast.AST] = list(reversed(body))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, (*_DEFINITIONS, ast.Lambda)):
            stack += reversed(list(ast.iter_child_nodes(node)))


def parameters(node: Function | ast.Lambda) -> list[ast.arg]:
    """Return the parameters of a function that have names of their own."""
    given = node.args
    return [*given.posonlyargs, *given.args, *given.kwonlyargs]


def last_name(node: ast.AST | None) -> str:
    """Return the last part of a dotted name."""
    return getattr(node, "attr", "") or getattr(node, "id", "")


def is_generator(node: Function) -> bool:
    """Return whether a function yields; an unreachable yield counts, as in Python."""
    return any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in own(node))


@dataclass(slots=True, eq=False)
class Module:
    """One parsed file: its import name, its tree, and what its names mean.

    `nodes` holds what can run by kind, `statements` the top-level bindings and calls,
    `top` what each top-level name is bound to, `typing_only` the names that exist for
    type checkers alone.
    """

    path: str
    name: str
    tree: ast.Module
    nodes: dict[type, list[tuple[ast.AST, Scope]]] = field(default_factory=dict)
    statements: list[ast.AST] = field(default_factory=list)
    imports: dict[str, str] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    top: dict[str, list[ast.AST]] = field(default_factory=dict)
    typing_only: set[str] = field(default_factory=set)
    walked: list[ast.AST] = field(default_factory=list)

    def every(self) -> list[ast.AST]:
        """Return every node that says something, in ast.walk's order, found once."""
        if not self.walked:
            self.walked.append(self.tree)
            for node in self.walked:
                for name in _FIELDS[node.__class__]:
                    value = getattr(node, name, None)
                    inner = value if value.__class__ is list else (value,)
                    self.walked += [i for i in inner if i.__class__ in _FIELDS]
        return self.walked

    def of[T: ast.AST](self, kind: type[T]) -> list[tuple[T, Scope]]:
        """Return the nodes of a kind that can run, in order, each with its scope."""
        return cast("list[tuple[T, Scope]]", self.nodes.get(kind, []))

    def functions(self) -> list[tuple[Function, Scope]]:
        """Return the functions of both kinds."""
        return [*self.of(ast.FunctionDef), *self.of(ast.AsyncFunctionDef)]

    def imported(self) -> Iterator[tuple[str, ast.AST]]:
        """Yield the absolute name of everything that is imported, with its place."""
        for node, _ in self.of(ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        for inner, _ in self.of(ast.ImportFrom):
            source = self.source_of(inner)
            yield from ((f"{source}.{alias.name}", inner) for alias in inner.names)

    def at(self, node: ast.AST) -> Evidence:
        """Return the evidence of a node of this file."""
        return evidence(self.path, getattr(node, "lineno", 0))

    def package(self, level: int) -> str:
        """Return the package a relative import of this level starts from."""
        parts = self.name.split(".") if self.name else []
        if not self.path.endswith("__init__.py"):
            parts = parts[:-1]
        return ".".join(parts[: len(parts) - level + 1])

    def source_of(self, node: ast.ImportFrom) -> str:
        """Return the absolute module an import statement reads from."""
        if not node.level:
            return node.module or ""
        return ".".join(filter(None, (self.package(node.level), node.module)))

    def qualify(self, node: ast.AST) -> str:
        """Return the dotted name an expression stands for, empty when it has none."""
        tail = ""
        while isinstance(node, ast.Attribute):
            tail = f".{node.attr}{tail}"
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        if node.id in self.imports:
            return f"{self.imports[node.id]}{tail}"
        own = f"{self.name}." if node.id in self.top else ""
        return f"{own}{node.id}{tail}"


def _take_import(module: Module, node: ast.Import | ast.ImportFrom) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            module.imports[alias.asname or name] = name
        return
    source = module.source_of(node)
    for alias in node.names:
        if alias.name == "*":
            module.stars.append(source)
        else:
            module.imports[alias.asname or alias.name] = f"{source}.{alias.name}"


def _take_binding(module: Module, node: ast.AST) -> None:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            module.top.setdefault(node.name, []).append(node)
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                if isinstance(target, ast.Name):
                    module.top.setdefault(target.id, []).append(value)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            module.top.setdefault(name, []).append(value)


def _typing_only(tree: ast.Module) -> Iterator[str]:
    for statement in tree.body:
        if isinstance(statement, ast.If) and truth(statement.test) is False:
            for node in ast.walk(statement):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield from (alias.asname or alias.name for alias in node.names)


def read_module(path: str, name: str, data: bytes) -> Module:
    """Return the parsed file; SyntaxError or ValueError when it is no Python."""
    decodable(data)
    try:
        tree = ast.parse(data)
    except (RecursionError, MemoryError):
        msg = "is nested too deeply"
        raise SyntaxError(msg) from None
    module = Module(path, name, tree)
    for node, scope in live(tree):
        kind = node.__class__
        if kind in _INDEXED:
            module.nodes.setdefault(kind, []).append((node, scope))
        if not scope and kind in _BINDING:
            module.statements.append(node)
            _take_binding(module, node)
    for plain, _ in module.of(ast.Import):
        _take_import(module, plain)
    for inner, _ in module.of(ast.ImportFrom):
        _take_import(module, inner)
    module.typing_only = set(_typing_only(tree)) - module.imports.keys()
    return module


__all__ = [
    "FUNCTIONS",
    "Definition",
    "Function",
    "Module",
    "Scope",
    "is_generator",
    "last_name",
    "live",
    "own",
    "parameters",
    "reached",
    "read_module",
    "truth",
]
