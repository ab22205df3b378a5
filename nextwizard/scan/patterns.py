"""What URL patterns match: their static part, and all of them as an expression."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final


if TYPE_CHECKING:
    from collections.abc import Mapping

    from .codebase import Code
    from .source import Module


_CONVERTER = re.compile(r"<(?:(?P<kind>\w+):)?\w+>")
_SHAPES: Final[Mapping[str, str]] = {
    "int": "[0-9]+",
    "path": ".+",
    "slug": "[-a-zA-Z0-9_]+",
    "str": "[^/]+",
    "uuid": "[0-9a-f]{8}-[0-9a-f-]{27}",
}
_LITERAL = re.compile(r"(?:[^\\^$.|?*+()\[\]{}]|\\[^\w\s])+")


@dataclass(frozen=True, slots=True)
class Prefix:
    """What stands before a pattern: its static text, and all of it as an expression.

    `fixed` is false once a part of the path varies: the text ends there.
    """

    text: str = ""
    regex: str = ""
    fixed: bool = True

    def then(self, static: str, regex: str, *, fixed: bool) -> Prefix:
        """Return this prefix with a pattern after it."""
        text = f"{self.text}{static}" if self.fixed else self.text
        return Prefix(text, f"{self.regex}{regex}", self.fixed and fixed)


def _plain(prefix: Prefix, route: str) -> Prefix:
    """Return a prefix with a path() route after it."""
    found = _CONVERTER.search(route)
    static = route[: found.start()] if found else route
    regex, position = "", 0
    for match in _CONVERTER.finditer(route):
        kind = match["kind"] or "str"
        regex += re.escape(route[position : match.start()])
        regex += _SHAPES.get(kind, _SHAPES["str"])
        position = match.end()
    regex += re.escape(route[position:])
    return prefix.then(static, regex, fixed=found is None)


def _regular(prefix: Prefix, pattern: str) -> Prefix:
    """Return a prefix with a re_path() expression after it."""
    body = pattern.removeprefix("^").removeprefix(r"\A")
    ends = body.endswith(("$", r"\Z"))
    body = body.removesuffix("$").removesuffix(r"\Z")
    found = _LITERAL.match(body)
    static = found[0] if found else ""
    rest = body[len(static) :]
    if rest[:1] in ("?", "*", "{") and rest:
        static = static[:-1]
    static = re.sub(r"\\(.)", r"\1", static)
    return prefix.then(static, body if ends else f"{body}.*", fixed=not rest)


def extend(code: Code, module: Module, prefix: Prefix, call: ast.Call) -> Prefix | None:
    """Return the prefix a path(), re_path() or url() call leads to, None for others."""
    name = code.hint(module, call.func).rpartition(".")[2]
    if name not in ("path", "re_path", "url") or len(call.args) < 2:  # noqa: PLR2004
        return None
    route = call.args[0]
    if isinstance(route, ast.Call) and route.args:
        route = route.args[0]
    text = route.value if isinstance(route, ast.Constant) else None
    if not isinstance(text, str):
        return prefix.then("", ".*", fixed=False)
    return _plain(prefix, text) if name == "path" else _regular(prefix, text)


__all__ = ["Prefix", "extend"]
