"""What settings may hold that a move would change without anybody noticing."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nextwizard.errors import Problem, shown

from .handles import SPECIAL, Refusal, handle_refusals
from .moves import changed_texts, own_strings, stays
from .names import imported, line_of
from .ownfile import own_file_refusals


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .names import Names
    from .source import Source


_LATER_PYTHON = "it runs text of which nothing is known before"
_OF_CALLER = "it looks for the file it is called from"

_REFUSED: Mapping[str, str] = {
    "compile": _LATER_PYTHON,
    "exec": _LATER_PYTHON,
    "inspect.currentframe": _OF_CALLER,
    "inspect.getabsfile": _OF_CALLER,
    "inspect.getfile": _OF_CALLER,
    "inspect.getmodule": _OF_CALLER,
    "inspect.getsourcefile": _OF_CALLER,
    "inspect.stack": _OF_CALLER,
    "sys._getframe": _OF_CALLER,
    "sys._getframemodulename": _OF_CALLER,
    "traceback.extract_stack": _OF_CALLER,
    "traceback.walk_stack": _OF_CALLER,
}
"""Functions that may find out that they are somewhere else, and how."""

_REFUSED_PACKAGES: Mapping[str, str] = {
    "configurations": "it makes the settings from classes",
    "dynaconf": "it finds its files from the place of the settings",
    "split_settings": "it includes files from the place of the settings",
}

_BY_CALLER = frozenset(("importlib.resources.files",))
"""Functions that take the caller's place when they are given no other."""

_IMPORTERS = frozenset(
    (
        "__import__",
        "django.utils.module_loading.import_string",
        "importlib.import_module",
        "importlib.util.find_spec",
    ),
)

_NAME_TAKERS = re.compile(
    r"(?i)(?:.*\.)?(?:\w*logger|\w*tracer|\w*meter|str|repr|print|len|format|isinstance)",
)
"""Functions that take a module's name for a label."""

_LEAVES_ITS_TEXT = re.compile(rb"[\s)]*=")


def problems(source: Source, names: Names, module: str) -> tuple[Problem, ...]:
    """Return everything that stands against the move, by line, with the way out."""
    found = (
        *_bound(names),
        *_special_reads(names),
        *_refused_functions(names),
        *_refused_packages(names),
        *_evaluated(names),
        *_by_caller(names),
        *_self_imports(names, module),
        *_hidden_names(names),
        *_module_name(names),
        *_module_strings(source, names, module),
        *_debug_text(source, names, module),
        *handle_refusals(names),
        *own_file_refusals(names),
    )
    ordered = sorted(set(found), key=_by_line)
    path = source.path
    listed = [Problem(f"{path}:{each.line}", each.what, each.fix) for each in ordered]
    if listed:
        last = listed[-1]
        listed[-1] = Problem(last.where, last.what, f"{last.fix} {_by_hand(path)}")
    return tuple(listed)


def _by_line(refusal: Refusal) -> tuple[int, str]:
    return refusal.line, refusal.what


def _by_hand(path: str) -> str:
    folder = path.removesuffix(".py")
    return (
        f"Or split by hand: `mkdir {folder}`, `git mv {path} {folder}/base.py`, mend "
        f"these lines, write {folder}/dev.py with `from .base import *`, and run "
        "again: a settings package is taken as it is."
    )


def _bound(names: Names) -> Iterator[Refusal]:
    places = [(name, node) for name in SPECIAL for node in names.bound.get(name, ())]
    for statement in _imports(names):
        places += [(name, statement) for name, _ in imported(statement)]
    for name, node in places:
        if name in SPECIAL:
            what = f"`{name}` gets a value of its own here"
            yield Refusal(line_of(node), what, "Take another name for it.")


def _special_reads(names: Names) -> Iterator[Refusal]:
    for node in names.loads(*SPECIAL - {"__file__", "__name__", "__package__"}):
        what = f"`{node.id}` is read here, and says something else after the move"
        yield Refusal(node.lineno, what, "Write the value out.")


def _refused_functions(names: Names) -> Iterator[Refusal]:
    for node in (*names.each(ast.Name), *names.each(ast.Attribute)):
        dotted = names.dotted(node)
        if reason := _REFUSED.get(dotted):
            what = f"`{dotted}` cannot be proven to do the same: {reason}"
            yield Refusal(node.lineno, what, "Write out what it comes to.")
        elif dotted == "globals" and not isinstance(names.parent(node), ast.Call):
            what = "`globals` gets another name here"
            yield Refusal(node.lineno, what, "Call it where it is used.")


def _evaluated(names: Names) -> Iterator[Refusal]:
    for node, text in names.texts():
        outer = names.parent(node)
        if isinstance(outer, ast.Call) and names.dotted(outer.func) == "eval":
            for name in SPECIAL.intersection(re.findall(r"\w+", text)):
                what = f"`{name}` is read by `eval` here"
                yield Refusal(node.lineno, what, "Write it without `eval`.")


def _refused_packages(names: Names) -> Iterator[Refusal]:
    for statement in _imports(names):
        for module in _imported_modules(statement, ""):
            package = module.partition(".")[0]
            if reason := _REFUSED_PACKAGES.get(package):
                what = f"these settings use {package}: {reason}"
                yield Refusal(statement.lineno, what, "Leave it out.")


def _by_caller(names: Names) -> Iterator[Refusal]:
    django_environ = any("environ" in found for found in _roots(names))
    for call in names.each(ast.Call):
        dotted = names.dotted(call.func)
        reads_env = (
            isinstance(call.func, ast.Attribute) and call.func.attr == "read_env"
        )
        if call.args or call.keywords:
            continue
        if dotted in _BY_CALLER or (reads_env and django_environ):
            what = "without an argument this looks beside the file it is called from"
            yield Refusal(call.lineno, what, "Give it the path.")


def _roots(names: Names) -> Iterator[frozenset[str]]:
    for dotted in names.imports.values():
        yield frozenset(path.partition(".")[0] for path in dotted)


def _self_imports(names: Names, module: str) -> Iterator[Refusal]:
    for attribute in names.each(ast.Attribute):
        same = attribute.attr == module.rpartition(".")[2]
        if same and names.dotted(attribute) == module:
            yield _self_import(attribute.lineno, module)
    for statement in _imports(names):
        if any(
            path == module or path.startswith(f"{module}.")
            for path in _imported_modules(statement, module)
        ):
            yield _self_import(statement.lineno, module)


def _self_import(line: int, module: str) -> Refusal:
    what = f"the settings import `{module}`, their own module"
    return Refusal(line, what, "Use the names as they are, without the import.")


def _imports(names: Names) -> Iterator[ast.Import | ast.ImportFrom]:
    yield from names.each(ast.Import)
    yield from names.each(ast.ImportFrom)


def _imported_modules(node: ast.Import | ast.ImportFrom, module: str) -> Iterator[str]:
    """Yield the absolute modules an import may load."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    else:
        base = node.module or ""
        if node.level:
            outer = module.split(".")[: -node.level]
            base = ".".join((*outer, base)) if base else ".".join(outer)
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)


def _hidden_names(names: Names) -> Iterator[Refusal]:
    for name in ("__all__", "__dir__", "__getattr__"):
        for node in names.bound.get(name, ()):
            if not names.in_function(node) and not _in_class(names, node):
                what = f"`{name}` decides here which settings other modules see"
                fix = "Delete it, so that every setting is seen."
                yield Refusal(line_of(node), what, fix)


def _in_class(names: Names, node: ast.AST) -> bool:
    return any(isinstance(outer, ast.ClassDef) for outer in names.around(node))


def _module_name(names: Names) -> Iterator[Refusal]:
    for node in names.loads("__name__"):
        call = _taker(names, node)
        if call and not stays(names, node) and not _takes_a_label(names, call):
            what = "the settings hand on their own module name here"
            yield Refusal(node.lineno, what, "Write out what it stands for.")


def _taker(names: Names, node: ast.Name) -> ast.Call | None:
    outer = names.parent(node)
    if isinstance(outer, ast.keyword):
        outer = names.parent(outer)
    return outer if isinstance(outer, ast.Call) else None


def _takes_a_label(names: Names, call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(attr=attr):
            return bool(_NAME_TAKERS.fullmatch(attr))
        case ast.Name(id=name):
            return bool(_NAME_TAKERS.fullmatch(names.dotted(call.func) or name))
    return False


def _module_strings(source: Source, names: Names, module: str) -> Iterator[Refusal]:
    for node, text in own_strings(names, module):
        if source.inside_quotes(node) is None:
            what = f"this text names {shown(text)}, which moves"
            yield Refusal(node.lineno, what, "Write it as one plain string.")
    own = "." + module.rpartition(".")[2]
    for node, text in names.texts():
        if text in {module, own} and _loads(names, node):
            yield _self_import(node.lineno, module)


def _loads(names: Names, node: ast.Constant) -> bool:
    match names.parent(node):
        case ast.Call(func=func):
            return names.dotted(func) in _IMPORTERS
        case ast.Subscript(value=value):
            return names.is_modules(value)
    return False


def _debug_text(source: Source, names: Names, module: str) -> Iterator[Refusal]:
    """Yield the f-strings with `=` that would print what we write."""
    for node in changed_texts(names, module):
        for outer in names.around(node):
            if isinstance(outer, ast.FormattedValue):
                _, end = source.span(outer.value)
                if _LEAVES_ITS_TEXT.match(source.data, end):
                    what = "this f-string prints its own source, which changes"
                    yield Refusal(node.lineno, what, "Write the text before the brace.")


__all__ = ["problems"]
