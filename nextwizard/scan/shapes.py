"""What an expression can be, as far as iterating over it is concerned."""

from __future__ import annotations

import ast
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from .source import own, parameters


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .guards import Guard, Kind
    from .source import Definition, Function, Module


type Value = (
    Stream
    | Method
    | Class
    | Instance
    | Partial
    | Awaited
    | External
    | Choice
    | Argument
)


@dataclass(frozen=True, slots=True)
class Frame:
    """Where an expression stands: its module, what is around it, and bound names."""

    module: Module
    scope: tuple[Definition | ast.Lambda, ...] = ()
    bound: Mapping[tuple[int, str], Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """An iterable of a known kind."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Method:
    """A function, where it was defined, and the object it is bound to."""

    node: Function | ast.Lambda
    frame: Frame
    receiver: Value | None = None


@dataclass(frozen=True, slots=True)
class Class:
    """A class of the project."""

    node: ast.ClassDef
    module: Module


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of a class of the project; of its bases alone where `above` is set."""

    node: ast.ClassDef
    module: Module
    above: bool = False


@dataclass(frozen=True, slots=True)
class Partial:
    """A callable with its first arguments given."""

    target: Value
    arguments: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Awaited:
    """What an await turns into its value."""

    value: Value


@dataclass(frozen=True, slots=True)
class External:
    """Something of another package, or of which only the last name is known."""

    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values, each under a guard on the kind of server."""

    options: tuple[tuple[Value, Guard], ...]


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter that no caller has been seen to fill."""

    node: Function
    name: str


NOTHING: Final = Stream("unknown")
SYNC: Final = Stream("sync")
ASYNC: Final = Stream("async")

ASYNC_TYPES = frozenset({"AsyncIterator", "AsyncGenerator", "AsyncIterable"})
SYNC_TYPES = frozenset({"Iterator", "Generator", "Iterable", "Sequence", "list"})

LITERALS = (
    ast.Constant,
    ast.Dict,
    ast.DictComp,
    ast.JoinedStr,
    ast.List,
    ast.ListComp,
    ast.Set,
    ast.SetComp,
    ast.Tuple,
)

_SYNC_CALLS = frozenset(
    "enumerate filter iter list map open range reversed set sorted tuple zip "
    "io.BytesIO io.StringIO wsgiref.util.FileWrapper".split()
)
_SYNC_METHODS = frozenset(
    "chunks iter_bytes iter_content iter_lines iter_raw iter_text iterator "
    "readlines splitlines".split()
)
_ASYNC_METHODS = frozenset(
    "aiterator aiter_bytes aiter_lines aiter_raw aiter_text iter_chunked".split()
)


def called(name: str, arguments: Sequence[Value]) -> Value:
    """Return what a call into another package gives, by the name that is called."""
    match name, arguments:
        case "functools.partial", [target, *rest]:
            return Partial(target, tuple(rest))
        case (("contextlib.closing" | "contextlib.aclosing"), [inner]):
            return inner
        case "typing.cast", [_, inner]:
            return inner
    last = name.rpartition(".")[2]
    if name == "aiter" or last in _ASYNC_METHODS:
        return ASYNC
    if name in _SYNC_CALLS or name.startswith("itertools.") or last in _SYNC_METHODS:
        return SYNC
    return NOTHING


def bindings(statement: ast.stmt) -> Iterator[tuple[str, ast.AST | None]]:
    """Yield the names a statement binds, with what to, None when that is a part."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield statement.name, statement
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _targets(target, value)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, value
        case ast.For(target=target) | ast.AsyncFor(target=target):
            yield from _targets(target, None)
        case ast.With(items=items) | ast.AsyncWith(items=items):
            for item in items:
                if item.optional_vars is not None:
                    yield from _targets(item.optional_vars, item.context_expr)


def _targets(
    target: ast.expr, value: ast.expr | None
) -> Iterator[tuple[str, ast.AST | None]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _targets(element, None)


def set_on_self(method: Function, name: str) -> Iterator[ast.expr]:
    """Yield what a method assigns to an attribute of its first parameter."""
    first = parameters(method)[0].arg if parameters(method) else ""
    for node in own(method):
        match node:
            case ast.Assign(
                targets=[ast.Attribute(value=ast.Name(id=base), attr=attr)], value=value
            ) if (base, attr) == (first, name):
                yield value


def undecorated(node: Function) -> Function:
    """Return a copy of a function without its decorators."""
    plain = copy(node)
    plain.decorator_list = []
    return plain


__all__ = [
    "ASYNC",
    "ASYNC_TYPES",
    "LITERALS",
    "NOTHING",
    "SYNC",
    "SYNC_TYPES",
    "Argument",
    "Awaited",
    "Choice",
    "Class",
    "External",
    "Frame",
    "Instance",
    "Method",
    "Partial",
    "Stream",
    "Value",
    "bindings",
    "called",
    "set_on_self",
    "undecorated",
]
