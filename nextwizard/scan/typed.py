"""Which variables a class of pydantic-settings cannot be made without."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple, cast

from .source import last_name


if TYPE_CHECKING:
    from collections.abc import Iterator

    from .codebase import Code
    from .source import Module


_BASE = "pydantic_settings.BaseSettings"
_MODEL = "pydantic.BaseModel"
_FIELD = "pydantic.Field"
_ALIASES = ("validation_alias", "alias")
_DEFAULTS = frozenset({"default", "default_factory"})
_WRAPPERS = frozenset({"Annotated", "Final", "Optional", "Required"})
_KINDS = {
    "AnyHttpUrl": "url",
    "AnyUrl": "url",
    "Decimal": "number",
    "EmailStr": "mail",
    "HttpUrl": "url",
    "Json": "mapping",
    "PositiveInt": "number",
    "PostgresDsn": "postgresql",
    "RedisDsn": "redis",
    "bool": "number",
    "dict": "mapping",
    "float": "number",
    "frozenset": "list",
    "int": "number",
    "list": "list",
    "set": "list",
    "tuple": "list",
}
"""What a variable must look like, by the last name of its field's type."""
_DEEPEST = 4


class _Way(NamedTuple):
    """How a class makes the name of a variable from that of a field."""

    prefix: str = ""
    delimiter: str = ""
    exact: bool = False

    def name(self, field: str) -> str:
        """Return the variable that a field is read from."""
        return self.prefix + (field if self.exact else field.upper())


class _Field(NamedTuple):
    """A field as it was said last: its type, and what Field() says of it."""

    annotation: ast.expr
    value: ast.expr | None
    home: Module


def is_typed(code: Code, module: Module, node: ast.ClassDef) -> bool:
    """Tell whether a class reads its fields from the environment."""
    return _BASE in code.bases(module, node)


def needed(
    code: Code, module: Module, node: ast.ClassDef, call: ast.Call
) -> Iterator[tuple[str, str]]:
    """Yield each variable a class must find when it is made so, and its kind.

    Nothing where its sources or the names' prefix are decided by a run.
    """
    given = {row.arg for row in call.keywords}
    lines = [*_line(code, module, node)]
    bodies = [each for _, each in lines]
    own = any(
        getattr(inner, "name", "") == "settings_customise_sources"
        for body in bodies
        for inner in body.body
    )
    way = _way(bodies, call)
    if own or way is None or None in given or "_secrets_dir" in given:
        return
    for name, field in _fields(code, lines).items():
        if name not in given:
            yield from _asked(code, name, field, way)


def _line(
    code: Code, module: Module, node: ast.ClassDef
) -> Iterator[tuple[Module, ast.ClassDef]]:
    """Yield a class and those of the project that it is built on, it first."""
    yield module, node
    for name in code.bases(module, node):
        own = code.define(name)
        if own and isinstance(own[1][-1], ast.ClassDef):
            yield own[0], own[1][-1]


def _way(bodies: list[ast.ClassDef], call: ast.Call) -> _Way | None:
    """Return how names are made, None when that takes a run to tell."""
    said: dict[str, object] = {}
    for body in reversed(bodies):
        for key, node in _configured(body):
            said[key] = getattr(node, "value", None)
    for row in call.keywords:
        if row.arg and row.arg.startswith("_"):
            said[row.arg[1:]] = getattr(row.value, "value", None)
    prefix, delimiter = said.get("env_prefix", ""), said.get("env_nested_delimiter", "")
    if not isinstance(prefix, str) or not isinstance(delimiter, str):
        return None
    exact = said.get("case_sensitive") is True
    return _Way(prefix if exact else prefix.upper(), delimiter, exact)


def _configured(body: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    """Yield what model_config or an inner Config says."""
    for node in body.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="model_config")], value=value):
                yield from _entries(value)
            case ast.AnnAssign(target=ast.Name(id="model_config"), value=value):
                yield from _entries(value)
            case ast.ClassDef(name="Config", body=inner):
                for row in inner:
                    match row:
                        case ast.Assign(targets=[ast.Name(id=name)], value=value):
                            yield name, value


def _entries(value: ast.expr | None) -> Iterator[tuple[str, ast.expr]]:
    match value:
        case ast.Call(keywords=keywords):
            yield from ((row.arg or "env_prefix", row.value) for row in keywords)
        case ast.Dict(keys=keys, values=values):
            for key, inner in zip(keys, values, strict=True):
                yield str(getattr(key, "value", "env_prefix")), inner


def _fields(code: Code, lines: list[tuple[Module, ast.ClassDef]]) -> dict[str, _Field]:
    """Return the fields that have no default, by name."""
    found: dict[str, _Field] = {}
    for module, body in reversed(lines):
        for node in body.body:
            match node:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=kind) if (
                    not name.startswith("_") and name != "model_config"
                ):
                    found.pop(name, None)
                    if not _has_default(code, module, kind, node.value):
                        found[name] = _Field(kind, node.value, module)
                case ast.Assign(targets=[ast.Name(id=name)]):
                    found.pop(name, None)
    return found


def _has_default(
    code: Code, module: Module, kind: ast.expr, value: ast.expr | None
) -> bool:
    """Tell whether a field needs no variable: it has a default, or is none."""
    if _named(kind) in {"ClassVar", "InitVar"}:
        return True
    made = [call for call in (value, *ast.walk(kind)) if isinstance(call, ast.Call)]
    fields = [call for call in made if code.meaning(module, call.func) == _FIELD]
    for call in fields:
        first = call.args[0] if call.args else None
        named = [row.value for row in call.keywords if row.arg in _DEFAULTS]
        given = [each for each in (first, *named) if each is not None]
        if any(getattr(each, "value", None) is not ... for each in given):
            return True
    plain = value if value not in fields else None
    return plain is not None and getattr(plain, "value", None) is not ...


def _asked(
    code: Code, name: str, field: _Field, way: _Way, depth: int = 0
) -> Iterator[tuple[str, str]]:
    """Yield the variable of a field, or those of the model that it holds."""
    kind = _plain(field.annotation)
    inner = code.define(code.meaning(field.home, kind))
    variable = _alias(field) or way.name(name)
    if inner and way.delimiter and depth < _DEEPEST and _is_model(code, inner):
        below = way._replace(prefix=f"{variable}{way.delimiter}")
        lines = [*_line(code, inner[0], cast("ast.ClassDef", inner[1][-1]))]
        for key, each in _fields(code, lines).items():
            yield from _asked(code, key, each, below, depth + 1)
    else:
        yield variable, _KINDS.get(_named(kind), "text")


def _is_model(code: Code, own: tuple[Module, list[ast.AST]]) -> bool:
    """Tell whether a type of the project holds fields of its own."""
    module, (*_, made) = own
    bases = code.bases(module, made) if isinstance(made, ast.ClassDef) else ()
    return not {_MODEL, _BASE}.isdisjoint(bases)


def _alias(field: _Field) -> str:
    """Return the variable that Field() names, nothing where it names none."""
    calls = [*ast.walk(field.annotation)]
    calls += [*ast.walk(field.value)] if field.value else []
    made = [node for node in calls if isinstance(node, ast.Call)]
    rows = [row for call in made for row in call.keywords]
    for key in _ALIASES:
        for row in rows:
            if row.arg == key:
                texts = [getattr(node, "value", None) for node in ast.walk(row.value)]
                return next((text for text in texts if isinstance(text, str)), "")
    return ""


def _plain(node: ast.expr) -> ast.expr:
    """Return a type without what is put around it: Optional, Annotated, | None."""
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _plain(right if getattr(left, "value", 0) is None else left)
        case ast.Subscript(value=outer, slice=inner) if _named(outer) in _WRAPPERS:
            many = isinstance(inner, ast.Tuple) and inner.elts
            return _plain(many[0] if many else inner)
        case ast.Constant(value=str(text)):
            return _plain(ast.parse(text, mode="eval").body)
    return node


def _named(node: ast.expr) -> str:
    """Return the last name of a type, without its parameters."""
    return last_name(node.value if isinstance(node, ast.Subscript) else node)


__all__ = ["is_typed", "needed"]
