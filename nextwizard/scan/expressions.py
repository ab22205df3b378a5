"""How each kind of expression is read by the interpreter: one function a kind."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from .guards import guard_of, opposite
from .shapes import (
    ASYNC,
    ASYNC_TYPES,
    LITERALS,
    NOTHING,
    SYNC,
    SYNC_TYPES,
    Awaited,
    Choice,
    Class,
    Frame,
    Instance,
    Method,
    Stream,
)


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .iterables import Interpreter
    from .shapes import Value
    from .source import Module


def _attribute(at: Interpreter, node: ast.Attribute, frame: Frame) -> Value:
    return at.member(at.value(node.value, frame), node.attr)


def _call(at: Interpreter, node: ast.Call, frame: Frame) -> Value:
    if isinstance(node.func, ast.Name) and node.func.id == "super":
        owners = [d for d in frame.scope if isinstance(d, ast.ClassDef)]
        return Instance(owners[-1], frame.module, above=True) if owners else NOTHING
    arguments = [at.value(argument, frame) for argument in node.args]
    words = {w.arg: at.value(w.value, frame) for w in node.keywords if w.arg}
    return at.call(at.value(node.func, frame), arguments, words)


def _await(at: Interpreter, node: ast.Await, frame: Frame) -> Value:
    found = at.value(node.value, frame)
    return found.value if isinstance(found, Awaited) else NOTHING


def _either(at: Interpreter, node: ast.IfExp, frame: Frame) -> Value:
    guard = guard_of(at.code, frame.module, node.test)
    first, second = at.value(node.body, frame), at.value(node.orelse, frame)
    return Choice(((first, guard), (second, opposite(guard))))


def _any(at: Interpreter, node: ast.BoolOp, frame: Frame) -> Value:
    return Choice(tuple((at.value(value, frame), None) for value in node.values))


def _generator(_: Interpreter, node: ast.GeneratorExp, __: Frame) -> Value:
    waits = any(isinstance(inner, ast.Await) for inner in ast.walk(node.elt))
    return ASYNC if waits or any(g.is_async for g in node.generators) else SYNC


def _item(at: Interpreter, node: ast.Subscript, frame: Frame) -> Value:
    if isinstance(node.value, ast.Name):
        table = frame.module.top.get(node.value.id, [None])[-1]
        if isinstance(table, ast.Dict):
            here = Frame(frame.module)
            return Choice(tuple((at.value(v, here), None) for v in table.values))
    return NOTHING


def annotated(at: Interpreter, node: ast.expr | None, module: Module) -> Value | None:
    """Return what an annotation promises, None when it promises nothing of use."""
    match node:
        case ast.Constant(value=str() as text):
            try:
                return annotated(at, ast.parse(text, mode="eval").body, module)
            except SyntaxError:
                return None
        case ast.Subscript(value=base, slice=inner):
            first = inner.elts[0] if isinstance(inner, ast.Tuple) else inner
            outer = annotated(at, base, module)
            promised = annotated(at, first, module)
            return outer if isinstance(outer, Stream) else promised or outer
        case ast.Name() | ast.Attribute():
            return _typed(at, at.code.meaning(module, node))
    return None


def _typed(at: Interpreter, name: str) -> Value | None:
    last = name.rpartition(".")[2]
    if last in ASYNC_TYPES or last in SYNC_TYPES:
        return ASYNC if last in ASYNC_TYPES else SYNC
    found = at.dotted(name) if name else None
    return Instance(found.node, found.module) if isinstance(found, Class) else None


READERS: Final[Mapping[type, Callable[[Interpreter, Any, Frame], Value]]] = {
    ast.Attribute: _attribute,
    ast.Await: _await,
    ast.BoolOp: _any,
    ast.Call: _call,
    ast.GeneratorExp: _generator,
    ast.IfExp: _either,
    ast.Lambda: lambda _, node, frame: Method(node, frame),
    ast.Name: lambda at, node, frame: at.name(node, frame),
    ast.NamedExpr: lambda at, node, frame: at.value(node.value, frame),
    ast.Subscript: _item,
    **dict.fromkeys(LITERALS, lambda *_: SYNC),
}


__all__ = ["READERS", "annotated"]
