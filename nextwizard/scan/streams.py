"""Streaming responses: which calls hold a connection open, and over which iterable."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from nextwizard.values import Signal

from .guards import combine, statements
from .iterables import Interpreter
from .reach import url_paths
from .responses import argument, is_event_stream, words
from .shapes import Argument, Frame, Method, undecorated
from .source import FUNCTIONS, parameters


if TYPE_CHECKING:
    from collections.abc import Iterator

    from .guards import Guard, Kind
    from .layout import Found
    from .source import Function, Module, Scope
    from .suspects import Suspects


type Family = Literal["sse", "stream", "file"]

_HOPS = 2


@dataclass(frozen=True, slots=True)
class Sink:
    """Something that turns an iterable into a response, and which argument that is."""

    position: int
    word: str
    family: Family


_PATCHES = Sink(1, "source", "sse")
_STREAM = Sink(0, "streaming_content", "stream")
_FILE = Sink(0, "streaming_content", "file")
_SINKS = {
    "django.http.FileResponse": _FILE,
    "django.http.StreamingHttpResponse": _STREAM,
    "django.http.response.FileResponse": _FILE,
    "django.http.response.StreamingHttpResponse": _STREAM,
    "next.partial.PatchEventStream": _PATCHES,
    "next.partial.sse.PatchEventStream": _PATCHES,
}


@dataclass(frozen=True, slots=True)
class Opening:
    """One call of a sink, with the kind of what it iterates over."""

    module: Module
    call: ast.Call | Function
    scope: Scope
    family: Family
    kind: Kind
    source: str = ""


@dataclass(slots=True)
class _Search:
    """The state of looking for openings: more sinks turn up on the way."""

    found: Found
    suspects: Suspects
    sinks: dict[str, Sink] = field(default_factory=lambda: dict(_SINKS))
    makers: dict[str, Sink] = field(default_factory=dict)
    openings: dict[int, Opening] = field(default_factory=dict)
    waiting: dict[int, tuple[Opening, str]] = field(default_factory=dict)
    filled: set[str] = field(default_factory=set)
    lasts: set[str] = field(default_factory=set)

    def run(self) -> list[Opening]:
        """Return every opening, once nothing new turns up."""
        known = 0
        while known < len(self.sinks) + len(self.makers):
            known = len(self.sinks) + len(self.makers)
            self.lasts = {name.rpartition(".")[2] for name in self.sinks}
            self.suspects.naming(self._names())
            for module in list(self.suspects.modules.values()):
                self._module(module)
        for number, (opening, factory) in self.waiting.items():
            if factory not in self.filled:
                self.openings[number] = opening
        return list(self.openings.values())

    def _names(self) -> set[str]:
        dotted = (self.sinks.keys() | self.makers.keys()) - _SINKS.keys()
        names = {name.rpartition(".")[2] for name in dotted}
        return names - self.suspects.named

    def _module(self, module: Module) -> None:
        for node, _ in module.of(ast.ClassDef):
            self._class(module, node)
        for name, nodes in module.top.items():
            self._preset(module, name, nodes[-1])
        for function, scope in module.functions():
            self._decorated(module, function, scope)
        for call, scope in module.of(ast.Call):
            if id(call) not in self.openings:
                self._call(module, call, scope)

    def _preset(self, module: Module, name: str, node: ast.AST) -> None:
        """Take in a functools.partial of a sink."""
        match node:
            case ast.Call(func=func, args=[target, *given]):
                sink = self.sinks.get(self.found.code.hint(module, target))
                partial = module.qualify(func) == "functools.partial"
                if sink is not None and partial and len(given) <= sink.position:
                    rest = replace(sink, position=sink.position - len(given))
                    self.sinks.setdefault(f"{module.name}.{name}", rest)

    def _decorated(self, module: Module, node: Function, scope: Scope) -> None:
        """Take in a generator that a decorator of the project turns into a stream."""
        for decorator in node.decorator_list:
            is_made = isinstance(decorator, ast.Call)
            name = decorator.func if isinstance(decorator, ast.Call) else decorator
            dotted = self.found.code.hint(module, name)
            sink = (self.makers if is_made else self.sinks).get(dotted)
            if sink is not None and sink.position == 0 and dotted not in _SINKS:
                self.filled.add(dotted)
                interpreter = Interpreter(self.found.code)
                plain = Method(undecorated(node), Frame(module, scope))
                kind, inner = interpreter.kind(plain), (*scope, node)
                opening = Opening(module, node, inner, sink.family, kind, node.name)
                self.openings[id(node)] = opening

    def _class(self, module: Module, node: ast.ClassDef) -> None:
        """Take in a subclass; one with its own __init__ shows there what it takes."""
        dotted = f"{module.name}.{node.name}"
        own = any(getattr(inner, "name", "") == "__init__" for inner in node.body)
        for base in self.found.code.kin(module, node):
            if base in self.sinks and not own:
                self.sinks.setdefault(dotted, self.sinks[base])

    def _call(self, module: Module, node: ast.Call, scope: Scope) -> None:
        name = self._callee(module, node, scope) if self._may(module, node) else ""
        sink = self.sinks.get(name)
        if sink is None:
            return
        self.filled.add(name)
        family: Family = sink.family
        if family == "stream" and is_event_stream(self.found, module, node, scope):
            family = "sse"
        source = argument(node, sink.position, sink.word)
        text = words(source) if source is not None else ""
        if family == "file" or source is None:
            kind: Kind = "unknown"
            self._open(Opening(module, node, scope, family, kind, text))
            return
        interpreter = Interpreter(self.found.code)
        value = interpreter.value(source, Frame(module, scope))
        opening = Opening(module, node, scope, family, interpreter.kind(value), text)
        if isinstance(value, Argument):
            self._factory(opening, value)
        else:
            self._open(opening)

    def _open(self, opening: Opening) -> None:
        self.openings[id(opening.call)] = opening

    def _may(self, module: Module, node: ast.Call) -> bool:
        """Return whether a callee can be a sink, by its last name alone."""
        match node.func:
            case ast.Name(id=name):
                bound = name in module.imports or name in module.top
                return bound or bool(module.stars)
            case ast.Attribute(attr=name):
                return name == "__init__" or name in self.lasts | self.suspects.named
        return False

    def _callee(self, module: Module, node: ast.Call, scope: Scope) -> str:
        """Return the canonical name of a callee; a base's __init__ is the base."""
        match node.func:
            case ast.Attribute(
                value=ast.Call(func=ast.Name(id="super")), attr="__init__"
            ):
                owner = next((d for d in scope if isinstance(d, ast.ClassDef)), None)
                bases = self.found.code.bases(module, owner) if owner else ()
                return next((base for base in bases if base in self.sinks), "")
        return self.found.code.hint(module, node.func)

    def _factory(self, opening: Opening, argument: Argument) -> None:
        """Take in a function whose caller brings the iterable."""
        scope, names = opening.scope, [p.arg for p in parameters(argument.node)]
        position, dotted, made = names.index(argument.name), "", False
        if scope and argument.node is scope[0]:
            dotted = f"{opening.module.name}.{argument.node.name}"
        elif len(scope) > 1 and argument.node is scope[1] and _is_function(scope[0]):
            dotted, made = f"{opening.module.name}.{scope[0].name}", True
        elif argument.node.name == "__init__" and isinstance(scope[0], ast.ClassDef):
            dotted = f"{opening.module.name}.{scope[0].name}"
            position -= 1
        if not dotted:
            self._open(opening)
            return
        family: Family = "stream" if opening.family == "stream" else "sse"
        known = self.makers if made else self.sinks
        known.setdefault(dotted, Sink(position, argument.name, family))
        self.waiting[id(opening.call)] = (opening, dotted)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, FUNCTIONS)


def _guards(found: Found, opening: Opening) -> dict[int, Guard]:
    """Return the guard of every call in the function around an opening."""
    around = [d for d in opening.scope if isinstance(d, FUNCTIONS)]
    guards: dict[int, Guard] = {}
    for statement, guard in (
        statements(found.code, opening.module, around[-1].body) if around else ()
    ):
        for node in ast.walk(statement):
            if isinstance(node, ast.Call):
                guards[id(node)] = guard
    return guards


def _settled(found: Found, openings: list[Opening]) -> Iterator[tuple[Opening, Kind]]:
    """Yield each opening's kind; branches for both servers make a function portable."""
    groups: dict[tuple[str, int, str], list[Opening]] = {}
    for opening in openings:
        inner = id(opening.scope[-1]) if opening.scope else 0
        key = (opening.module.path, inner, opening.family)
        groups.setdefault(key, []).append(opening)
    for group in groups.values():
        guards = _guards(found, group[0])
        options = [(o.kind, guards.get(id(o.call))) for o in group]
        both = len(group) > 1 and combine(options) == "portable"
        for opening in group:
            yield opening, "portable" if both else opening.kind


def find_streams(found: Found, suspects: Suspects) -> Iterator[Signal]:
    """Yield sse.* and stream.* with the URL paths they are served under."""
    for opening, kind in _settled(found, _Search(found, suspects).run()):
        name = "stream.file" if opening.family == "file" else f"{opening.family}.{kind}"
        hops = _HOPS if opening.family == "sse" else 0
        paths = url_paths(found, suspects, opening.module, opening.scope, hops)
        for path in paths or [""]:
            at = opening.module.at(opening.call)
            yield Signal(name, at, opening.source, path)


__all__ = ["find_streams"]
