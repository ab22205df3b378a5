"""What settings say that production would not hear: told, never rewritten."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nextwizard.values import Evidence, Signal

from .handles import is_namespace
from .moves import own_strings, prefixes_own_name
from .names import own_names, top_level
from .ownfile import handed_on
from .source import VARIABLE


if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from nextwizard.values import Confidence

    from .names import Names
    from .source import Source


type Found = tuple[int, str, str, Confidence]
"""A finding: 1-based line, kind, detail, and how sure it is."""

PROD_NAMES = frozenset(
    (
        "ALLOWED_HOSTS",
        "CACHES",
        "CSRF_COOKIE_SECURE",
        "CSRF_TRUSTED_ORIGINS",
        "DATABASES",
        "LOGGING",
        "MAILERS",
        "MEDIA_ROOT",
        "MIDDLEWARE",
        "NEXT_FRAMEWORK",
        "SECRET_KEY",
        "SECRET_KEY_FALLBACKS",
        "SECURE_CSP",
        "SECURE_CSP_REPORT_ONLY",
        "SECURE_SSL_REDIRECT",
        "SESSION_COOKIE_SECURE",
        "STATIC_ROOT",
        "STATIC_URL",
        "STORAGES",
        "TEMPLATES",
    ),
)
"""The names a production module sets anew, DEBUG aside."""

_CHANGING = frozenset(
    (
        "add",
        "append",
        "clear",
        "discard",
        "extend",
        "insert",
        "pop",
        "popitem",
        "remove",
        "reverse",
        "setdefault",
        "sort",
        "update",
    ),
)

_CHANGING_STATEMENTS = (
    ast.AnnAssign,
    ast.Assign,
    ast.AugAssign,
    ast.Delete,
    ast.Expr,
)


def hazards(
    source: Source,
    names: Names,
    module: str,
    overridden: Collection[str],
) -> tuple[Signal, ...]:
    """Return the warnings, by line; the base copy is split all the same."""
    found = (
        *_debug_reads(names),
        *_leaks(names, overridden),
        *_mutations(names),
        *_private_names(source),
        *_handed_on(names),
        *_dynamic(names),
        *_own_mentions(names, module),
    )
    signals = (
        Signal(f"settings.{kind}", Evidence(source.path, line), detail, "", confidence)
        for line, kind, detail, confidence in sorted(set(found))
    )
    return tuple(signals)


def _debug_reads(names: Names) -> Iterator[Found]:
    for node in names.loads("DEBUG"):
        detail = "DEBUG is read before production turns it off"
        yield node.lineno, "debug_read", detail, "certain"


def _leaks(names: Names, overridden: Collection[str]) -> Iterator[Found]:
    for node in names.loads(*overridden):
        if not _rebinds(names, node):
            detail = f"{node.id} is read before production sets it"
            yield node.lineno, "prod_leak", detail, "certain"


def _rebinds(names: Names, node: ast.Name) -> bool:
    """Return whether a name is read only to change what it stands for itself."""
    outer = next(each for each in names.around(node) if isinstance(each, ast.stmt))
    if not isinstance(outer, _CHANGING_STATEMENTS):
        return False
    return any(
        not isinstance(each.ctx, ast.Load) or _changed_by(names, each)
        for each in ast.walk(outer)
        if isinstance(each, ast.Name) and each.id == node.id
    )


def _mutations(names: Names) -> Iterator[Found]:
    for node in names.each(ast.Name):
        if not node.id.isupper():
            continue
        stored = isinstance(node.ctx, ast.Store)
        if (stored or _changed_by(names, node)) and _under_debug(names, node):
            detail = f"{node.id} is set here under DEBUG, and stays so in production"
            yield node.lineno, "mutated", detail, "certain"
        elif not stored and _changed_by(names, node):
            detail = f"{node.id} is changed in place, for every module that shares it"
            yield node.lineno, "mutated", detail, "likely"


def _changed_by(names: Names, node: ast.Name) -> bool:
    """Return whether a method call, an item or `del` changes the value in place."""
    current: ast.AST = node
    while isinstance(outer := names.parent(current), ast.Subscript):
        if outer.value is not current:
            return False
        if not isinstance(outer.ctx, ast.Load):
            return True
        current = outer
    if not isinstance(outer, ast.Attribute) or outer.attr not in _CHANGING:
        return False
    call = names.parent(outer)
    return isinstance(call, ast.Call) and call.func is outer


def _under_debug(names: Names, node: ast.AST) -> bool:
    return any(
        isinstance(outer, ast.If) and _reads_debug(outer.test)
        for outer in names.around(node)
    )


def _reads_debug(test: ast.expr) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == "DEBUG" for node in ast.walk(test)
    )


def _private_names(source: Source) -> Iterator[Found]:
    for statement in top_level(source.tree.body):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            continue
        for name in own_names(statement):
            if name.startswith("_") and name.strip("_") and not name.endswith("__"):
                detail = f"{name} does not pass `from .base import *`"
                confidence: Confidence = "certain" if name.isupper() else "likely"
                yield statement.lineno, "private_name", detail, confidence


def _handed_on(names: Names) -> Iterator[Found]:
    for call in handed_on(names):
        called = names.dotted(call.func) or "this call"
        detail = f"{called} gets the old path of this file, where none is any more"
        yield call.lineno, "file_passed", detail, "likely"


def _dynamic(names: Names) -> Iterator[Found]:
    for call in names.each(ast.Call):
        if is_namespace(names, call) or names.dotted(call.func) == "eval":
            detail = "names or values are made here that nobody can read beforehand"
            yield call.lineno, "dynamic", detail, "likely"


def _own_mentions(names: Names, module: str) -> Iterator[Found]:
    mended = {node for node, _ in own_strings(names, module)}
    mention = re.compile(rf"(?<![\w.]){re.escape(module)}(?!\w)")
    for name in names.loads("__name__"):
        if prefixes_own_name(names, name):
            detail = f"this text names {module}.base after the split"
            yield name.lineno, "self_reference", detail, "likely"
    for node, text in names.texts():
        if text == VARIABLE:
            detail = f"{VARIABLE} names another module after the split"
            yield node.lineno, "self_reference", detail, "likely"
        elif mention.search(text) and not (
            node in mended or _stands_alone(names, node)
        ):
            detail = f"this text names {module}, which is a package after the split"
            yield node.lineno, "self_reference", detail, "likely"


def _stands_alone(names: Names, node: ast.Constant) -> bool:
    return isinstance(names.parent(node), ast.Expr)


__all__ = ["PROD_NAMES", "hazards"]
