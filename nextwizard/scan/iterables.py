"""What kind of iterable an expression is: followed through names, calls and modules.

A small abstract interpreter: it knows no values, only what can be called, what an
instance is of, and whether iterating ends in a sync or an async generator.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .expressions import READERS, annotated
from .guards import combine, statements
from .shapes import (
    ASYNC,
    ASYNC_TYPES,
    NOTHING,
    SYNC,
    SYNC_TYPES,
    Argument,
    Awaited,
    Choice,
    Class,
    External,
    Frame,
    Instance,
    Method,
    Partial,
    Stream,
    bindings,
    called,
    set_on_self,
    undecorated,
)
from .source import FUNCTIONS, is_generator, parameters


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .codebase import Code
    from .guards import Guard, Kind
    from .shapes import Value
    from .source import Function, Module


_BUDGET = 3000
_LEVELS = 24
_SWITCHES = ("contextlib.contextmanager", "contextlib.asynccontextmanager")
_PROTOCOL: Final[tuple[tuple[str, Kind], ...]] = (
    ("__aiter__", "async"),
    ("__anext__", "async"),
    ("__iter__", "sync"),
    ("__next__", "sync"),
)


@dataclass(slots=True)
class Interpreter:
    """Follows expressions; bounded, so that any program ends in an answer."""

    code: Code
    budget: int = _BUDGET
    level: int = 0

    def value(self, node: ast.AST, frame: Frame) -> Value:
        """Return what an expression is."""
        self.budget -= 1
        read = READERS.get(type(node))
        if read is None or self.budget < 0 or self.level > _LEVELS:
            return NOTHING
        self.level += 1
        try:
            return read(self, node, frame)
        finally:
            self.level -= 1

    def kind(self, value: Value) -> Kind:
        """Return what iterating over a value is."""
        match value:
            case Stream(kind=kind):
                return kind
            case Choice(options=options):
                return combine([(self.kind(v), guard) for v, guard in options])
            case Instance():
                return self._instance_kind(value)
            case Method() | Partial():
                result = self.call(value, ())
                return "unknown" if isinstance(result, Method) else self.kind(result)
        return "unknown"

    def _instance_kind(self, value: Instance) -> Kind:
        for name, kind in _PROTOCOL:
            if self._find(value, name) is not None:
                return kind
        for base in self.code.bases(value.module, value.node):
            last = base.rpartition(".")[2]
            if last in ASYNC_TYPES or last in SYNC_TYPES:
                return "async" if last in ASYNC_TYPES else "sync"
        return "unknown"

    def dotted(self, dotted: str) -> Value:
        """Return what a canonical name is."""
        defined = self.code.define(dotted)
        if defined is None:
            return External(dotted)
        module, nodes = defined
        return self._defined(nodes[-1], Frame(module))

    def _defined(self, node: ast.AST, frame: Frame) -> Value:
        if isinstance(node, FUNCTIONS):
            return Method(node, frame)
        if isinstance(node, ast.ClassDef):
            return Class(node, frame.module)
        return self.value(node, frame)

    def name(self, node: ast.Name, frame: Frame) -> Value:
        """Return what a name is: a local, a parameter, a top-level name, an import."""
        for index in range(len(frame.scope) - 1, -1, -1):
            around = frame.scope[index]
            if isinstance(around, ast.ClassDef):
                continue
            inner = Frame(frame.module, frame.scope[: index + 1], frame.bound)
            found = self._local(around, node.id, inner)
            if found is not None:
                return found
        if node.id in frame.module.top:
            return self._defined(frame.module.top[node.id][-1], Frame(frame.module))
        return self.dotted(self.code.meaning(frame.module, node) or node.id)

    def _local(
        self, around: Function | ast.Lambda, name: str, frame: Frame
    ) -> Value | None:
        if (id(around), name) in frame.bound:
            return frame.bound[id(around), name]
        for parameter in parameters(around):
            if parameter.arg == name:
                return self._parameter(around, parameter, frame)
        if isinstance(around, ast.Lambda):
            return None
        options = tuple(self._assigned(around, name, frame))
        if len(options) == 1:
            return options[0][0]
        return Choice(options) if options else None

    def _parameter(
        self, around: Function | ast.Lambda, parameter: ast.arg, frame: Frame
    ) -> Value:
        owner = frame.scope[-2] if len(frame.scope) > 1 else None
        if parameters(around)[0] is parameter and isinstance(owner, ast.ClassDef):
            return Instance(owner, frame.module)
        promised = annotated(self, parameter.annotation, frame.module)
        if promised is not None or isinstance(around, ast.Lambda):
            return promised or NOTHING
        return Argument(around, parameter.arg)

    def _assigned(
        self, around: Function, name: str, frame: Frame
    ) -> Iterator[tuple[Value, Guard]]:
        """Yield what a function binds a name to, each under its guard."""
        for statement, guard in statements(self.code, frame.module, around.body):
            for target, value in bindings(statement):
                if target != name:
                    continue
                if value is None:
                    yield NOTHING, guard
                elif not (isinstance(value, ast.Constant) and value.value is None):
                    yield self._defined(value, frame), guard

    def member(self, value: Value, name: str) -> Value:
        """Return an attribute of a value."""
        match value:
            case Choice(options=options):
                return Choice(tuple((self.member(v, name), g) for v, g in options))
            case External(name=base):
                return self.dotted(self.code.canonical(f"{base}.{name}"))
            case Instance() | Class():
                return self._find(value, name) or External(f"?.{name}")
        return External(f"?.{name}")

    def _find(self, value: Instance | Class, name: str) -> Value | None:
        """Return an attribute of a class or of what its methods set on self."""
        if not (isinstance(value, Instance) and value.above):
            found = self._declared(value.node, value.module, name, value)
            if found is not None:
                return found
        for base in self.code.bases(value.module, value.node):
            above = self.dotted(base)
            if isinstance(above, Class):
                found = self._declared(above.node, above.module, name, value)
                if found is not None:
                    return found
        return None

    def _declared(
        self, node: ast.ClassDef, module: Module, name: str, receiver: Value
    ) -> Value | None:
        frame = Frame(module, (node,))
        for statement in reversed(node.body):
            for target, value in bindings(statement):
                if target == name and value is not None:
                    return self._bound(value, frame, receiver)
        for method in node.body:
            if isinstance(method, FUNCTIONS):
                inner = Frame(module, (node, method))
                for expression in set_on_self(method, name):
                    return self.value(expression, inner)
        return None

    def _bound(self, node: ast.AST, frame: Frame, receiver: Value) -> Value:
        if not isinstance(node, FUNCTIONS):
            return self._defined(node, frame)
        names = {self.code.meaning(frame.module, d) for d in node.decorator_list}
        if "staticmethod" in names:
            return Method(node, frame)
        method = Method(node, frame, receiver)
        is_property = any(name.endswith("property") for name in names)
        return self.call(method, ()) if is_property else method

    def call(
        self,
        value: Value,
        arguments: Sequence[Value],
        words: Mapping[str, Value] | None = None,
    ) -> Value:
        """Return what a call gives."""
        result: Value = NOTHING
        match value:
            case Choice(options=options):
                found = [(self.call(v, arguments, words), g) for v, g in options]
                result = Choice(tuple(found))
            case Method():
                result = self._invoke(value, arguments, words or {})
            case Class():
                result = Instance(value.node, value.module)
            case Instance():
                result = self.call(self.member(value, "__call__"), arguments, words)
            case Partial(target=target, arguments=first):
                result = self.call(target, (*first, *arguments), words)
            case External(name=name):
                result = called(name, arguments)
            case Argument():
                result = value
        return result

    def _invoke(
        self, method: Method, arguments: Sequence[Value], words: Mapping[str, Value]
    ) -> Value:
        self.budget -= 1
        if self.budget < 0 or self.level > _LEVELS:
            return NOTHING
        self.level += 1
        try:
            return self._result(method, arguments, words)
        finally:
            self.level -= 1

    def _result(
        self, method: Method, arguments: Sequence[Value], words: Mapping[str, Value]
    ) -> Value:
        node = method.node
        outer = method.frame
        names = [parameter.arg for parameter in parameters(node)]
        given = [method.receiver, *arguments] if method.receiver else list(arguments)
        bound = {(id(node), n): v for n, v in zip(names, given, strict=False)}
        bound |= {(id(node), n): v for n, v in words.items() if n in names}
        frame = Frame(outer.module, (*outer.scope, node), {**outer.bound, **bound})
        if isinstance(node, ast.Lambda):
            return self.value(node.body, frame)
        return self._decorated(node, method) or self._returned(node, frame)

    def _decorated(self, node: Function, method: Method) -> Value | None:
        """Return the result of a function that the project's decorators replace."""
        for decorator in node.decorator_list:
            found = self.value(decorator, method.frame)
            if isinstance(found, External) and found.name in _SWITCHES:
                return NOTHING
            if isinstance(found, Method | Class):
                plain = Method(undecorated(node), method.frame, method.receiver)
                return self.call(self.call(found, (plain,)), ())
        return None

    def _returned(self, node: Function, frame: Frame) -> Value:
        if is_generator(node):
            return ASYNC if isinstance(node, ast.AsyncFunctionDef) else SYNC
        options = tuple(
            (self.value(statement.value, frame), guard)
            for statement, guard in statements(self.code, frame.module, node.body)
            if isinstance(statement, ast.Return) and statement.value is not None
        )
        found: Value = options[0][0] if len(options) == 1 else Choice(options)
        if self.kind(found) == "unknown" and not isinstance(found, Method | Argument):
            found = annotated(self, node.returns, frame.module) or found
        return Awaited(found) if isinstance(node, ast.AsyncFunctionDef) else found


__all__ = ["Interpreter"]
