"""Which variables the settings cannot do without, and what each must look like."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nextwizard.values import Fact

from .source import FUNCTIONS, is_generator, last_name


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nextwizard.values import Evidence

    from .codebase import Code
    from .layout import Found
    from .source import Function, Module


_ENV = frozenset({"environ", "environs"})
_KINDS = {
    "bool": "number",
    "cache": "cache",
    "cache_url": "cache",
    "db": "database",
    "db_url": "database",
    "decimal": "number",
    "dj_db_url": "database",
    "dj_cache_url": "cache",
    "email": "email",
    "email_url": "email",
    "float": "number",
    "int": "number",
}
"""What a value must look like, by the method that reads it; any other takes text."""

_MAKERS = {
    "decimal.Decimal": "number",
    "dj_database_url.parse": "database",
    "dj_email_url.parse": "email",
    "django_cache_url.parse": "cache",
    "float": "number",
    "int": "number",
    "json.loads": "mapping",
}
"""What a value must look like, by what is made of it."""

_ASIDE = frozenset({ast.If, ast.IfExp, ast.Try, ast.BoolOp, *FUNCTIONS, ast.Lambda})
_LEAVES = frozenset({ast.Constant, ast.Name, ast.Load, ast.Store, ast.alias})
_KEEPERS = frozenset({"cache", "lru_cache"})
_NUMBERS = frozenset({"float", "int"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST = 64
"""Modules of the project that settings may import and still be followed."""


def find_required(found: Found) -> Iterator[tuple[str, Fact]]:
    """Yield the variables the settings cannot do without, as NAME:KIND.

    Read are os.environ[NAME], django-environ, environs, python-decouple, the classes of
    pydantic-settings, and functions of the project that raise where nothing is set.
    What stands in a branch, a try or a choice may do without, and is left out.
    """
    asked = _Asked(found.code)
    for module, nodes in _imported(found).items():
        asked.read(module, nodes)
    if asked.kinds:
        names = tuple(f"{name}:{kind}" for name, kind in asked.kinds.items())
        places = tuple(dict.fromkeys(asked.places.values()))
        yield "settings.required", Fact(names, places, "read with no default")


def _imported(found: Found) -> dict[Module, list[ast.AST]]:
    """Return the settings and what of the project they import whatever happens.

    Each comes with the nodes that run in any case.
    """
    modules = list(found.reader.modules)
    read: dict[Module, list[ast.AST]] = {}
    for module in modules:
        read[module] = [*_straight(module.tree.body)]
        for node in read[module]:
            for name in _sources(module, node):
                other = found.code.find(name)
                if other and other not in modules and len(modules) < _MOST:
                    modules.append(other)
    return read


def _sources(module: Module, node: ast.AST) -> list[str]:
    """Return the modules an import statement runs."""
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(names=names):
            source = module.source_of(node)
            return [source, *(f"{source}.{alias.name}" for alias in names)]
    return []


def _straight(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes of what runs whatever the values are, names and texts aside."""
    waiting: list[ast.AST] = [*reversed(body)]
    while waiting:
        node = waiting.pop()
        if node.__class__ not in _ASIDE:
            yield node
            inner = [
                n for n in ast.iter_child_nodes(node) if n.__class__ not in _LEAVES
            ]
            waiting += reversed(inner)


class _Asked:
    """The variables that were asked for so far, each with its kind and its place."""

    def __init__(self, code: Code) -> None:
        """Know of none yet."""
        self.code = code
        self.kinds: dict[str, str] = {}
        self.places: dict[str, Evidence] = {}
        self.given: set[str] = set()
        self.env = False
        self.held: dict[str, str] = {}

    def read(self, module: Module, nodes: Sequence[ast.AST]) -> None:
        """Take in what a module asks for when it is imported."""
        tools = {name.partition(".")[0] for name, _ in module.imported()}
        self.env = self.env or bool(_ENV & tools)
        self.given |= set(_given(module))
        makers: dict[int, str] = {}
        for node in nodes:
            self._made(module, node, makers)
            for name, kind in self._needs(module, node):
                if _NAME.fullmatch(name) and name not in self.given:
                    self.kinds.setdefault(name, makers.get(id(node), kind))
                    self.places.setdefault(name, module.at(node))
            match node:
                case ast.Assign(targets=[ast.Name(id=target)], value=value):
                    self._hold(module, target, value)

    def _hold(self, module: Module, target: str, value: ast.expr) -> None:
        """Remember which variable a name of the settings holds as it is."""
        for name, _ in self._needs(module, value):
            self.held[target] = name

    def _made(self, module: Module, node: ast.AST, makers: dict[int, str]) -> None:
        """Note what is made of a value, be it at once or by its name later."""
        match node:
            case ast.Call(func=func, args=[first, *_]):
                kind = _MAKERS.get(module.qualify(func), "")
                name = (
                    self.held.get(first.id, "") if isinstance(first, ast.Name) else ""
                )
                if kind:
                    makers[id(first)] = kind
                if kind and self.kinds.get(name) == "text":
                    self.kinds[name] = kind

    def _needs(self, module: Module, node: ast.AST) -> Iterator[tuple[str, str]]:
        """Yield the variables an expression must find, and what they must look like."""
        if not isinstance(node, ast.Call | ast.Subscript):
            return
        name, kind = _asked(module, node, env=self.env)
        if name.isupper():
            yield name, kind
            return
        if isinstance(node, ast.Call):
            yield from self._called(module, node)
        yield from self._asks(module, node)

    def _called(self, module: Module, node: ast.Call) -> Iterator[tuple[str, str]]:
        """Yield what a function or a class of the project itself must find."""
        own = self.code.define(self.code.meaning(module, node.func))
        if own is None:
            return
        # Most settings call nothing of the project's own.
        from .missing import lacking

        where, (*_, made) = own
        match made:
            case ast.ClassDef():
                yield from self._typed(module, node)
            case ast.FunctionDef() | ast.Lambda() if not _changed(made):
                name = lacking(where, made, node)
                if name.isupper():
                    yield name, _wanted(made, node)
                body = made.body if isinstance(made.body, list) else [made.body]
                for inner in _straight(body):
                    if isinstance(inner, ast.Call):
                        yield from self._typed(where, inner)

    def _asks(
        self, module: Module, node: ast.Call | ast.Subscript
    ) -> Iterator[tuple[str, str]]:
        """Yield what an object of a class of the project itself must find."""
        match node:
            case ast.Subscript(value=held, slice=key):
                attr, call = "__getitem__", ast.Call(held, [key], [])
            case ast.Call(func=ast.Attribute(value=held, attr=attr)):
                call = node
            case ast.Call(func=held):
                attr, call = "__call__", node
        own = self.code.define(self.code.meaning(module, held))
        made = own[1][-1] if own else None
        kind = None
        if own and isinstance(made, ast.Call):
            kind = self.code.define(self.code.meaning(own[0], made.func))
        if kind is None:
            return
        from .missing import lacking

        for each in getattr(kind[1][-1], "body", ()):
            method = isinstance(each, ast.FunctionDef) and each.name == attr
            if method and not _changed(each):
                name = lacking(kind[0], each, call, method=True)
                if name.isupper():
                    yield name, _wanted(each, call)

    def _typed(self, module: Module, node: ast.Call) -> Iterator[tuple[str, str]]:
        """Yield what the class needs that a call makes one of."""
        own = self.code.define(self.code.meaning(module, node.func))
        made = own[1][-1] if own else None
        from .typed import is_typed, needed

        if own and isinstance(made, ast.ClassDef) and is_typed(self.code, own[0], made):
            yield from needed(self.code, own[0], made, node)


def _changed(function: Function | ast.Lambda) -> bool:
    """Tell whether a call runs something else than what is written."""
    if isinstance(function, ast.Lambda):
        return False
    kinds = {last_name(getattr(row, "func", row)) for row in function.decorator_list}
    return bool(kinds - _KEEPERS) or is_generator(function)


def _wanted(function: Function | ast.Lambda, call: ast.Call) -> str:
    """Return what a variable must look like that is read by a function like this."""
    inner = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    given = [*call.args, *(row.value for row in call.keywords)]
    names = {getattr(node, "id", "") for node in (*inner, *given)}
    return "number" if names & _NUMBERS else "text"


def _given(module: Module) -> Iterator[str]:
    """Yield the names that django-environ's scheme has a default for."""
    for node, _ in module.of(ast.Call):
        if module.qualify(node.func).endswith(".Env"):
            yield from (row.arg for row in node.keywords if row.arg)


def _asked(module: Module, node: ast.AST, *, env: bool) -> tuple[str, str]:
    """Return the variable an expression must find, and what it must look like."""
    match node:
        case ast.Subscript(value=value, slice=ast.Constant(value=str(name))):
            if module.qualify(value) == "os.environ":
                return name, "text"
        case ast.Call(
            func=func, args=[ast.Constant(value=str(name))], keywords=keywords
        ) if all(row.arg != "default" for row in keywords):
            if module.qualify(func) == "decouple.config":
                casts = {getattr(row.value, "id", "") for row in keywords}
                return name, "number" if casts & _KINDS.keys() else "text"
            own = isinstance(module.top.get("env", [None])[-1], ast.FunctionDef)
            match func:
                case ast.Name(id="env") if env and not own:
                    return name, "text"
                case ast.Attribute(value=ast.Name(id="env"), attr=attr) if env:
                    return name, _KINDS.get(attr, "text")
    return "", ""


__all__ = ["find_required"]
