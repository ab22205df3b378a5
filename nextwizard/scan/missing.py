"""What a function of the user's own does where a variable is not set.

`def required(name): ...` is followed statement by statement with nothing in the
environment. Only a call that is sure to raise counts; what cannot be followed does not.
"""

from __future__ import annotations

import ast
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .source import FUNCTIONS, last_name, parameters


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .source import Function, Module

    type Own = Function | ast.Lambda


class _Thing(NamedTuple):
    """A value known by its name alone: a sentinel, or a class."""

    name: str


_UNKNOWN: Final = _Thing("")
_GETTERS = frozenset({"os.environ.get", "os.getenv"})
_ENDINGS = frozenset({"sys.exit", "exit", "quit"})
_TEXT = frozenset({"lower", "strip", "upper"})
_ABSENT, _EXIT = "KeyError", "SystemExit"
_ANY = frozenset({"BaseException", "Exception"})
_LOOKUPS = _ANY | {"KeyError", "LookupError"}


class _Unsure(Exception):  # noqa: N818 - it is an answer, no error
    """What happens depends on more than can be read."""


class _Raised(Exception):  # noqa: N818 - what it ends with, no error of ours
    """The function raises; its argument is the exception's name."""


class _Returned(Exception):  # noqa: N818 - how a function ends
    """The function returns something."""


def lacking(
    module: Module, function: Own, call: ast.Call, *, method: bool = False
) -> str:
    """Return the variable without which a call is sure to raise, else nothing."""
    run = _Run(module)
    try:
        run.names = _bound(run, function, call, method=method)
        if isinstance(function, ast.Lambda):
            run.value(function.body)
        else:
            run.block(function.body)
    except _Raised:
        said = {getattr(argument, "value", None) for argument in call.args}
        named = [name for name in run.asked if name in said]
        return (named or run.asked or [""])[-1]
    except (_Returned, _Unsure, RecursionError):
        pass
    return ""


def _bound(
    run: _Run, function: Own, call: ast.Call, *, method: bool
) -> dict[str, object]:
    """Return what the parameters are worth in a call; _Unsure for a starred one."""
    starred = any(isinstance(argument, ast.Starred) for argument in call.args)
    if starred or any(row.arg is None for row in call.keywords):
        raise _Unsure
    rows, given = parameters(function), function.args
    found: dict[str, object] = {}
    plain = [*given.posonlyargs, *given.args]
    if method and plain:
        found[plain.pop(0).arg] = _UNKNOWN
    for row, default in zip(reversed(plain), reversed(given.defaults), strict=False):
        found[row.arg] = run.value(default)
    for row, more in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        if more is not None:
            found[row.arg] = run.value(more)
    found |= {row.arg: run.value(a) for row, a in zip(plain, call.args, strict=False)}
    found |= {str(row.arg): run.value(row.value) for row in call.keywords}
    if any(row.arg not in found for row in rows):
        raise _Unsure
    return found


class _Run:
    """One call of a function, with an empty environment."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.names: dict[str, object] = {}
        self.asked: list[str] = []

    def block(self, body: Sequence[ast.stmt]) -> None:
        """Run statements, to where one returns or raises."""
        for node in body:
            self._statement(node)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Return(value=value):
                self.value(value)
                raise _Returned
            case ast.Raise(exc=raised):
                kind = raised.func if isinstance(raised, ast.Call) else raised
                raise _Raised(last_name(kind))
            case ast.If(test=test, body=body, orelse=orelse):
                self.block(body if self.truth(test) else orelse)
            case ast.Try():
                self._try(node)
            case ast.Assign(targets=targets, value=value):
                worth = self.value(value)
                for target in targets:
                    self._bind(target, worth)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._bind(target, self.value(value))
            case ast.Expr(value=value):
                self.value(value)
            case ast.Pass() | ast.Import() | ast.ImportFrom() | ast.AnnAssign():
                pass
            case _:
                raise _Unsure

    def _bind(self, target: ast.expr, worth: object) -> None:
        if not isinstance(target, ast.Name):
            raise _Unsure
        self.names[target.id] = worth

    def _try(self, node: ast.Try) -> None:
        try:
            self.block(node.body)
        except _Raised as error:
            for handler in node.handlers:
                if _catches(handler, str(error)):
                    self._handled(node, handler)
                    return
            self.block(node.finalbody)
            raise
        self.block([*node.orelse, *node.finalbody])

    def _handled(self, node: ast.Try, handler: ast.ExceptHandler) -> None:
        self.names[handler.name or ""] = _UNKNOWN
        self.block(handler.body)
        self.block(node.finalbody)

    def truth(self, node: ast.expr) -> bool:
        worth = self.value(node)
        if isinstance(worth, _Thing):
            raise _Unsure
        return bool(worth)

    def value(self, node: ast.AST | None) -> object:
        """Return what an expression is worth, a _Thing where it has no plain value."""
        read = _NODES.get(type(node))
        return read(self, node) if read else self._other(node)

    def _other(self, node: ast.AST | None) -> object:
        """Run what an expression holds; nobody knows what it makes of it."""
        if not isinstance(node, (*FUNCTIONS, ast.Lambda)) and node is not None:
            for inner in ast.iter_child_nodes(node):
                if isinstance(inner, ast.expr):
                    self.value(inner)
        return _UNKNOWN

    def choice(self, values: Sequence[ast.expr], *, stop: bool) -> object:
        for value in values[:-1]:
            worth = self.value(value)
            if isinstance(worth, _Thing):
                raise _Unsure
            if bool(worth) is stop:
                return worth
        return self.value(values[-1])

    def compare(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> object:
        if isinstance(op, ast.In | ast.NotIn):
            return self._among(left, right) is isinstance(op, ast.In)
        one, other = self.value(left), self.value(right)
        things = [isinstance(each, _Thing) for each in (one, other)]
        unlike = all(things) and one != other
        if _UNKNOWN in (one, other) or unlike:
            raise _Unsure
        if isinstance(op, ast.Is | ast.Eq):
            return one == other
        if isinstance(op, ast.IsNot | ast.NotEq):
            return one != other
        raise _Unsure

    def _among(self, left: ast.expr, right: ast.expr) -> bool:
        if self._environ(right):
            self.asked.append(str(self.value(left)))
            return False
        one, *others = map(self.value, (left, *getattr(right, "elts", ())))
        if not others or any(isinstance(each, _Thing) for each in (one, *others)):
            raise _Unsure
        return one in others

    def _environ(self, node: ast.expr) -> bool:
        return self.module.qualify(node) == "os.environ"

    def entry(self, inner: ast.expr, key: ast.expr) -> object:
        worth = self.value(key)
        if not self._environ(inner):
            self.value(inner)
            return _UNKNOWN
        if not isinstance(worth, str):
            raise _Unsure
        self.asked.append(worth)
        raise _Raised(_ABSENT)

    def call(self, node: ast.Call) -> object:
        name = self.module.qualify(node.func)
        if name in _ENDINGS:
            raise _Raised(_EXIT)
        worth = [self.value(argument) for argument in node.args]
        named = {row.arg: self.value(row.value) for row in node.keywords}
        if name in _GETTERS and worth and isinstance(worth[0], str):
            self.asked.append(worth[0])
            return worth[1] if len(worth) > 1 else named.get("default")
        if isinstance(node.func, ast.Attribute):
            held = self.value(node.func.value)
            if isinstance(held, str) and node.func.attr in _TEXT and not worth:
                return getattr(held, node.func.attr)()
        return _UNKNOWN


def _joined(parts: list[object], *, sure: bool = True) -> object:
    whole = sure and all(isinstance(part, str) for part in parts)
    return "".join(map(str, parts)) if whole else _UNKNOWN


def _catches(handler: ast.ExceptHandler, kind: str) -> bool:
    """Tell whether a handler takes an exception; _Unsure where its class decides."""
    if handler.type is None:
        return True
    many = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {last_name(each) for each in many}
    if kind == _ABSENT:
        return bool(names & _LOOKUPS)
    if kind in names or (names & _ANY and kind != _EXIT):
        return True
    raise _Unsure


def _named(run: _Run, node: ast.NamedExpr) -> object:
    run.names[node.target.id] = worth = run.value(node.value)
    return worth


def _compared(run: _Run, node: ast.Compare) -> object:
    if len(node.ops) > 1:
        raise _Unsure
    return run.compare(node.left, node.ops[0], node.comparators[0])


_NODES: Final[Mapping[type, Callable[[_Run, Any], object]]] = {
    NoneType: lambda _run, _node: None,
    ast.BinOp: lambda run, node: _joined(
        [run.value(node.left), run.value(node.right)],
        sure=isinstance(node.op, ast.Add),
    ),
    ast.BoolOp: lambda run, node: run.choice(
        node.values, stop=isinstance(node.op, ast.Or)
    ),
    ast.Call: _Run.call,
    ast.Compare: _compared,
    ast.Constant: lambda _run, node: node.value,
    ast.FormattedValue: lambda run, node: _joined(
        [run.value(node.value)],
        sure=node.conversion == -1 and node.format_spec is None,
    ),
    ast.IfExp: lambda run, node: run.value(
        node.body if run.truth(node.test) else node.orelse
    ),
    ast.JoinedStr: lambda run, node: _joined([run.value(each) for each in node.values]),
    ast.Name: lambda run, node: run.names.get(node.id, _Thing(node.id)),
    ast.NamedExpr: _named,
    ast.Subscript: lambda run, node: run.entry(node.value, node.slice),
    ast.UnaryOp: lambda run, node: (
        not run.truth(node.operand)
        if isinstance(node.op, ast.Not)
        else run.value(node.operand)
    ),
}


__all__ = ["lacking"]
