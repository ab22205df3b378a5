"""What a settings expression is worth, as far as reading alone can tell."""

from __future__ import annotations

import ast
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from .place import Place, place


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .source import Module


class _Unknown:
    """The type of UNKNOWN."""

    __slots__ = ()


UNKNOWN: Final = _Unknown()
"""The one value of everything that only a run could tell."""

_LARGEST = 1 << 32
_ENVIRONMENT = frozenset({"os.environ.get", "os.getenv"})


def known(value: object) -> bool:
    """Return whether a value has no unknown part."""
    match value:
        case _Unknown():
            return False
        case list() | tuple() | set():
            return all(known(item) for item in value)
        case dict():
            return all(known(k) and known(v) for k, v in value.items())
    return True


@dataclass(slots=True, eq=False)
class Evaluator:
    """Reads expressions of one module over the names bound so far.

    With `defaults` a look into the environment is worth its default.
    """

    module: Module
    file: Place
    names: Mapping[str, object] = field(default_factory=dict)
    defaults: bool = False

    def __call__(self, node: ast.AST | None) -> object:
        """Return what the expression is worth, UNKNOWN where only a run could tell."""
        try:
            return self.value(node)
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
            return UNKNOWN

    def value(self, node: ast.AST | None) -> object:
        """Return what the expression is worth; errors are those of the expression."""
        read = _NODES.get(type(node))
        return read(self, node) if read else UNKNOWN


def _name(at: Evaluator, node: ast.Name) -> object:
    return at.file if node.id == "__file__" else at.names.get(node.id, UNKNOWN)


def _sequence(at: Evaluator, node: ast.List | ast.Tuple | ast.Set) -> object:
    items: list[object] = []
    for element in node.elts:
        if isinstance(element, ast.Starred):
            inner = at.value(element.value)
            items += inner if isinstance(inner, list | tuple) else [UNKNOWN]
        else:
            items.append(at.value(element))
    return tuple(items) if isinstance(node, ast.Tuple) else items


def _mapping(at: Evaluator, node: ast.Dict) -> object:
    found: dict[object, object] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        worth = at.value(value)
        if key is not None:
            found[at.value(key)] = worth
        else:
            found |= worth if isinstance(worth, dict) else {UNKNOWN: UNKNOWN}
    return found


def _joined(parts: list[object]) -> object:
    if not all(isinstance(part, str | int | Place) for part in parts):
        return UNKNOWN
    text = "".join(str(part) for part in parts)
    is_path = any(isinstance(part, Place) for part in parts)
    return _path(text) if is_path else text


def _operation(at: Evaluator, node: ast.BinOp) -> object:
    left, right = at.value(node.left), at.value(node.right)
    work = _OPERATIONS.get(type(node.op))
    return work(left, right) if work else UNKNOWN


def _divide(left: object, right: object) -> object:
    path = isinstance(left, Place) or isinstance(right, Place)
    return _join([left, right]) if path else UNKNOWN


def _subtract(left: object, right: object) -> object:
    if isinstance(left, Place) and isinstance(right, int):
        return left.parents[right - 1] if right > 0 else left
    return UNKNOWN


def add(left: object, right: object) -> object:
    """Return a sum of lists, numbers or text; an unknown part stays one element."""
    match left, right:
        case list() | tuple(), list() | tuple():
            return [*left, *right]
        case list(), _Unknown():
            return [*left, UNKNOWN]
        case _Unknown(), list():
            return [UNKNOWN, *right]
        case int(), int():
            return left + right
    return _joined([left, right])


def _multiply(left: object, right: object) -> object:
    small = isinstance(left, int) and isinstance(right, int)
    if small and abs(cast("int", left) * cast("int", right)) < _LARGEST:
        return cast("int", left) * cast("int", right)
    return UNKNOWN


def _merge(left: object, right: object) -> object:
    if isinstance(left, dict) and isinstance(right, dict):
        return {**left, **right}
    return UNKNOWN


def _attribute(at: Evaluator, node: ast.Attribute) -> object:
    value = at.value(node.value)
    if not isinstance(value, Place):
        return ".." if at.module.qualify(node) == "os.pardir" else UNKNOWN
    if node.attr == "parents":
        return list(value.parents)
    plain = node.attr in ("parent", "name", "stem")
    return getattr(value, node.attr) if plain else UNKNOWN


def _item(at: Evaluator, node: ast.Subscript) -> object:
    inner, key = at.value(node.value), at.value(node.slice)
    if isinstance(inner, dict | list | tuple) and isinstance(key, str | int):
        return cast("Any", inner)[key]
    return UNKNOWN


def _choice(at: Evaluator, node: ast.IfExp) -> object:
    verdict = at.value(node.test)
    if verdict is not UNKNOWN:
        return at.value(node.body if verdict else node.orelse)
    first, second = at.value(node.body), at.value(node.orelse)
    return first if first == second else UNKNOWN


def _opposite(at: Evaluator, node: ast.UnaryOp) -> object:
    inner = at.value(node.operand)
    match node.op, inner:
        case ast.Not(), bool() | int() | str() | None | list():
            return not inner
        case ast.USub(), int():
            return -inner
    return UNKNOWN


def _call(at: Evaluator, node: ast.Call) -> object:
    name = at.module.qualify(node.func)
    arguments = [at.value(argument) for argument in node.args]
    if name in _ENVIRONMENT:
        return _environment(at, node, arguments)
    if name in _CALLS:
        return _CALLS[name](arguments)
    if name == "dict" and not arguments:
        return _keywords(at, node)
    if name.endswith(".extend_default_backend"):
        return [{"DIRS": [], "APP_DIRS": True, **_keywords(at, node)}]
    return _method(at, node, arguments)


def _keywords(at: Evaluator, node: ast.Call) -> dict[str, object]:
    return {k.arg: at.value(k.value) for k in node.keywords if k.arg}


def _environment(at: Evaluator, node: ast.Call, arguments: list[object]) -> object:
    if not at.defaults:
        return UNKNOWN
    given = _keywords(at, node)
    return given["default"] if "default" in given else (*arguments, UNKNOWN)[1]


def _method(at: Evaluator, node: ast.Call, arguments: list[object]) -> object:
    """Return a method's worth; a path that is called joins, as environ.Path does."""
    if not isinstance(node.func, ast.Attribute):
        return _join([at.value(node.func), *arguments]) if arguments else UNKNOWN
    value, method = at.value(node.func.value), node.func.attr
    if method in _SAME and isinstance(value, Place | dict | list):
        return value
    work = _METHODS.get((type(value), method))
    return work(value, *arguments) if work else UNKNOWN


def _path(value: object) -> Place:
    return place(posixpath.normpath(str(value)))


def _join(parts: list[object]) -> object:
    """Join path parts; text alone stays relative, as Path("x") does."""
    if not parts or not all(isinstance(part, str | Place) for part in parts):
        return UNKNOWN
    return _path(place(*cast("list[str]", parts)))


def _parent(arguments: list[object]) -> object:
    path = arguments[0]
    return path.parent if isinstance(path, Place) else UNKNOWN


def _only(arguments: list[object]) -> object:
    return arguments[0] if len(arguments) == 1 else UNKNOWN


def _listed(arguments: list[object]) -> object:
    items = _only(arguments or [[]])
    return list(items) if isinstance(items, list | tuple) else UNKNOWN


def _split(value: str, separator: object = None, *_: object) -> object:
    return list(value.split(separator if isinstance(separator, str) else None))


_NODES: Final[Mapping[type, Callable[[Evaluator, Any], object]]] = {
    ast.Attribute: _attribute,
    ast.BinOp: _operation,
    ast.Call: _call,
    ast.Constant: lambda _, node: node.value,
    ast.Dict: _mapping,
    ast.FormattedValue: lambda at, node: at.value(node.value),
    ast.IfExp: _choice,
    ast.JoinedStr: lambda at, node: _joined([at.value(v) for v in node.values]),
    ast.List: _sequence,
    ast.Name: _name,
    ast.NamedExpr: lambda at, node: at.value(node.value),
    ast.Set: _sequence,
    ast.Subscript: _item,
    ast.Tuple: _sequence,
    ast.UnaryOp: _opposite,
}

_OPERATIONS: Final[Mapping[type, Callable[[object, object], object]]] = {
    ast.Add: add,
    ast.BitOr: _merge,
    ast.Div: _divide,
    ast.Mult: _multiply,
    ast.Sub: _subtract,
}

_CALLS: Final[Mapping[str, Callable[[list[object]], object]]] = {
    "environ.Path": _join,
    "list": _listed,
    "os.fspath": _only,
    "os.path.abspath": _only,
    "os.path.dirname": _parent,
    "os.path.expanduser": _only,
    "os.path.join": _join,
    "os.path.normpath": _only,
    "os.path.realpath": _only,
    "pathlib.Path": _join,
    "pathlib.PurePath": _join,
    "str": _only,
    "tuple": _listed,
}

_METHODS: Final[Mapping[tuple[type, str], Callable[..., object]]] = {
    (Place, "joinpath"): lambda *parts: _join(list(parts)),
    (Place, "with_name"): lambda path, name: path.with_name(name),
    (dict, "get"): lambda value, key, default=None: value.get(key, default),
    (str, "lower"): str.lower,
    (str, "split"): _split,
    (str, "strip"): str.strip,
}
_SAME = frozenset({"absolute", "as_posix", "copy", "expanduser", "resolve"})


__all__ = ["UNKNOWN", "Evaluator", "add", "known"]
