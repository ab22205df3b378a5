"""Branches on the kind of server: what makes a stream fit WSGI and ASGI alike."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from .source import FUNCTIONS, reached, truth


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .codebase import Code
    from .source import Module


type Kind = Literal["sync", "async", "portable", "unknown"]
type Guard = Literal["asgi", "wsgi"] | None

_EXITS = (ast.Return, ast.Raise)
_HOPS = 4


def opposite(guard: Guard) -> Guard:
    """Return the guard of the other branch."""
    if guard is None:
        return None
    return "wsgi" if guard == "asgi" else "asgi"


def combine(options: Sequence[tuple[Kind, Guard]]) -> Kind:
    """Return what a choice of kinds is.

    A sync and an async kind together fit every server when each stands under the
    guard it needs; the wrong way round they fit none, so nothing can be said.
    """
    kinds = {kind for kind, _ in options}
    if "unknown" in kinds or not kinds:
        return "unknown"
    plain = kinds - {"portable"}
    if len(plain) < 2:  # noqa: PLR2004 - sync and async
        return next(iter(plain), "portable")
    fitting = {("async", "asgi"), ("sync", "wsgi"), ("async", None), ("sync", None)}
    guarded = any(guard for _, guard in options)
    return "portable" if guarded and set(options) <= fitting else "unknown"


def _named(code: Code, module: Module, node: ast.expr) -> Guard:
    """Return what it means that an object's type is, or is called, this."""
    text = node.value if isinstance(node, ast.Constant) else None
    name = text if isinstance(text, str) else code.meaning(module, node)
    last = name.rpartition(".")[2]
    return {"ASGIRequest": "asgi", "WSGIRequest": "wsgi"}.get(last)  # type: ignore[return-value]


def guard_of(code: Code, module: Module, test: ast.expr, hops: int = _HOPS) -> Guard:
    """Return the kind of server a condition is true on, None when it says nothing."""
    guard: Guard = None
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            guard = opposite(guard_of(code, module, operand, hops))
        case ast.Call(func=ast.Name(id="isinstance"), args=[_, kind]):
            guard = _named(code, module, kind)
        case ast.Call(
            func=ast.Name(id="hasattr" | "getattr"),
            args=[_, ast.Constant(value="scope" | "receive"), *_],
        ):
            guard = "asgi"
        case ast.Compare(ops=[ast.Eq() | ast.Is()], comparators=[kind]):
            guard = _named(code, module, kind)
        case ast.Compare(ops=[ast.NotEq() | ast.IsNot()], comparators=[kind]):
            guard = opposite(_named(code, module, kind))
        case ast.Name(id=name) if hops:
            guard = _through_name(code, module, name, hops)
        case ast.Call(func=func) if hops:
            guard = _through_call(code, module, func, hops)
    return guard


def _through_name(code: Code, module: Module, name: str, hops: int) -> Guard:
    """Return the guard of what a name was bound to anywhere in the file."""
    for node, _ in module.of(ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id == name:
                return guard_of(code, module, node.value, hops - 1)
    return None


def _through_call(code: Code, module: Module, func: ast.expr, hops: int) -> Guard:
    """Return the guard of what a helper of the project returns."""
    defined = code.define(code.meaning(module, func))
    node = defined[1][-1] if defined else None
    if defined is None or not isinstance(node, ast.FunctionDef):
        return None
    returned = [s.value for s in node.body if isinstance(s, ast.Return) and s.value]
    return guard_of(code, defined[0], returned[0], hops - 1) if returned else None


def statements(
    code: Code, module: Module, body: Sequence[ast.stmt], guard: Guard = None
) -> Iterator[tuple[ast.stmt, Guard]]:
    """Yield the statements of a function that can run, each with its guard.

    After a guarded branch that leaves the function, the rest is the other branch.
    """
    for statement in reached(body):
        yield statement, guard
        if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
            continue
        if isinstance(statement, ast.If):
            always, mine = truth(statement.test), guard_of(code, module, statement.test)
            if always is not False:
                yield from statements(code, module, statement.body, mine or guard)
            if always is not True:
                other = opposite(mine) or guard
                yield from statements(code, module, statement.orelse, other)
            leaves = statement.body and isinstance(statement.body[-1], _EXITS)
            guard = opposite(mine) if mine and leaves else guard
            continue
        for inner in _blocks(statement):
            yield from statements(code, module, inner, guard)


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of a compound statement."""
    for name in ("body", "orelse", "finalbody"):
        yield getattr(statement, name, [])
    for handler in (
        *getattr(statement, "handlers", ()),
        *getattr(statement, "cases", ()),
    ):
        yield handler.body


__all__ = ["Guard", "Kind", "combine", "guard_of", "opposite", "statements"]
