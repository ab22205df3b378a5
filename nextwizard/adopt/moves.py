"""What must change in settings that move one folder down to say the same."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from nextwizard.errors import shown

from .names import own_names, top_level
from .source import Splice


if TYPE_CHECKING:
    from collections.abc import Iterator

    from .names import Names
    from .source import Source


STAND_INS = {
    "__file__": ("_SETTINGS_FILE", '__file__[: -len("/base.py")] + ".py"'),
    "__name__": ("_SETTINGS_MODULE", '__name__[: -len(".base")]'),
    "__package__": (
        "_SETTINGS_PACKAGE",
        '__name__[: -len(".base")].rpartition(".")[0]',
    ),
}
"""For what a module knows of itself: our name for the old value, and how it is made."""

_FIRST_DOT = re.compile(rb"from(?:[ \t\f]|\\(?:\r\n|\r|\n))*(?=\.)")
_TEXTS = (ast.BinOp, ast.JoinedStr, ast.FormattedValue)


class Move(NamedTuple):
    """One splice, the line it stands on, and what it does in words."""

    splice: Splice
    line: int
    what: str


def moves(source: Source, names: Names, module: str) -> Iterator[Move]:
    """Yield every change but the definitions of the stand-ins."""
    yield from _own_places(source, names)
    yield from _relative_imports(source, names)
    yield from _own_strings(source, names, module)


def stand_ins(names: Names) -> dict[str, str]:
    """Return our names for the old values, none of which the file uses itself."""
    taken = {node.id for node in names.each(ast.Name)}
    taken |= names.bound | names.imports.keys()
    free: dict[str, str] = {}
    for own, (name, _) in STAND_INS.items():
        free[own] = name
        while free[own] in taken:
            free[own] += "_"
    return free


def replaced(names: Names) -> Iterator[ast.Name]:
    """Yield the names that give way to a stand-in."""
    for node in names.loads(*STAND_INS):
        if not (
            (node.id == "__file__" and parents_end(names, node))
            or (node.id == "__name__" and stays(names, node))
        ):
            yield node


def parents_end(names: Names, node: ast.Name) -> ast.Attribute | None:
    """Return the last `.parent` of the run behind `Path(__file__)`, if there is one."""
    call = names.parent(node)
    if not _is_path_call(names, call):
        return None
    current: ast.AST | None = call
    while method := _method_call(names, current, "resolve", "absolute"):
        current = method
    end = None
    while (outer := _attribute(names, current, "parent")) is not None:
        current = end = outer
    return end


def stays(names: Names, node: ast.Name) -> bool:
    """Return whether this `__name__` means the module that is running, moved or not."""
    outer = names.parent(node)
    match outer:
        case ast.Compare(left=left, comparators=[right], ops=[ast.Eq() | ast.NotEq()]):
            other = right if left is node else left
            return isinstance(other, ast.Constant) and other.value == "__main__"
        case ast.Subscript(value=value):
            return names.is_modules(value)
    return prefixes_own_name(names, node)


def prefixes_own_name(names: Names, node: ast.Name) -> bool:
    """Return whether `__name__` is put before a class or function of this very file."""
    whole: ast.AST = node
    for outer in names.around(node):
        if isinstance(outer, _TEXTS) or _makes_text(outer):
            whole = outer
        elif not isinstance(outer, ast.List | ast.Tuple):
            break
    parts = [each for each in ast.walk(whole) if isinstance(each, ast.Constant)]
    last = {str(part.value).rpartition(".")[2] for part in parts}
    return any(_is_made_here(names, name) for name in last)


def changed_texts(names: Names, module: str) -> Iterator[ast.Name | ast.Constant]:
    """Yield what will be written differently, or has something written behind it."""
    yield from replaced(names)
    yield from (node for node in names.loads("__file__") if parents_end(names, node))
    yield from (node for node, _ in own_strings(names, module))


def own_strings(names: Names, module: str) -> Iterator[tuple[ast.Constant, str]]:
    """Yield the dotted paths of what the settings define themselves, as strings."""
    prefix = f"{module}."
    found = [(node, text) for node, text in names.texts() if text.startswith(prefix)]
    defined = _defined(names) if found else frozenset()
    for node, text in found:
        if text.removeprefix(prefix).partition(".")[0] in defined:
            yield node, text


def _own_places(source: Source, names: Names) -> Iterator[Move]:
    free = stand_ins(names)
    for node in replaced(names):
        start, end = source.span(node)
        name = free[node.id]
        what = f"`{node.id}` becomes `{name}`, which holds what it was"
        yield Move(Splice(start, end, name.encode()), node.lineno, what)
    for node in names.loads("__file__"):
        if last := parents_end(names, node):
            _, end = source.span(last)
            what = "one more `.parent`, as the file lies one folder deeper"
            line = last.end_lineno or last.lineno
            yield Move(Splice(end, end, b".parent"), line, what)


def _relative_imports(source: Source, names: Names) -> Iterator[Move]:
    for node in names.each(ast.ImportFrom):
        if node.level:
            start, _ = source.span(node)
            if dot := _FIRST_DOT.match(source.data, start):
                line = source.line_at(dot.end())
                what = "one more dot in the relative import"
                yield Move(Splice(dot.end(), dot.end(), b"."), line, what)


def _own_strings(source: Source, names: Names, module: str) -> Iterator[Move]:
    for node, text in own_strings(names, module):
        if span := source.inside_quotes(node):
            at = span[0] + len(module.encode())
            what = f"{shown(text)} is found in `{module}.base` now"
            yield Move(Splice(at, at, b".base"), source.line_at(at), what)


def _is_made_here(names: Names, name: str) -> bool:
    made = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return any(isinstance(node, made) for node in names.bound.get(name, ()))


def _makes_text(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="format" | "join")):
            return True
    return False


def _is_path_call(names: Names, node: ast.AST | None) -> bool:
    match node:
        case ast.Call(func=func, args=[ast.Name()], keywords=[]):
            return names.dotted(func) == "pathlib.Path"
    return False


def _attribute(names: Names, node: ast.AST | None, *attrs: str) -> ast.Attribute | None:
    outer = names.parent(node) if node is not None else None
    if isinstance(outer, ast.Attribute) and outer.attr in attrs:
        return outer
    return None


def _method_call(names: Names, node: ast.AST | None, *attrs: str) -> ast.Call | None:
    method = _attribute(names, node, *attrs)
    outer = names.parent(method) if method is not None else None
    return outer if isinstance(outer, ast.Call) and outer.func is method else None


def _defined(names: Names) -> frozenset[str]:
    found = top_level(names.tree.body)
    return frozenset(name for statement in found for name in own_names(statement))


__all__ = [
    "STAND_INS",
    "Move",
    "changed_texts",
    "moves",
    "own_strings",
    "parents_end",
    "prefixes_own_name",
    "replaced",
    "stand_ins",
    "stays",
]
