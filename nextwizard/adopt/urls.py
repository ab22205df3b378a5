"""urls.py: the health endpoints, before everything and outside every prefix."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nextwizard.errors import InputError, Problem

from .names import imported, names_of, own_names, top_level
from .source import (
    Splice,
    check_parses,
    ends_its_line,
    first_line,
    head_of,
    last_line,
    read,
)


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .names import Names
    from .source import Source


_COMMENT = b"# nextwizard: health endpoints, outside every prefix, language and login"
_LIST = "urlpatterns"


@dataclass(frozen=True, slots=True)
class _Imported:
    """A name of another module, and what the file calls it."""

    module: str
    name: str
    local: str

    @property
    def text(self) -> str:
        """Return the name as an import lists it."""
        return self.name if self.local == self.name else f"{self.name} as {self.local}"


@dataclass(frozen=True, slots=True)
class _Urlconf:
    """A urls.py that was read, and the names its module scope binds.

    A name has the dotted paths it is imported from, and "" when it is bound otherwise.
    """

    source: Source
    names: Names
    scope: Mapping[str, frozenset[str]]


def add_health_urls(
    data: bytes,
    *,
    module: str,
    entries: Sequence[tuple[str, str]],
    path: str = "urls.py",
) -> bytes:
    """Return urls.py with an entry for every route and the view of `module` it serves.

    Routes are Django's, without the leading slash. The entries come first, so that no
    other pattern hides them. InputError when the file has no `urlpatterns`.
    """
    urlconf = _read(data, path)
    views = [_local(urlconf, module, view) for _, view in entries]
    serve = _local(urlconf, "django.urls", "path")
    calls = [
        f"{serve.local}({_quoted(route)}, {view.local})"
        for (route, _), view in zip(entries, views, strict=True)
    ]
    block = _block_of(urlconf, module)
    splices = (
        *_import_of_views(urlconf, module, views, block),
        *_import_of_path(urlconf, serve),
        *_block(urlconf, calls, block),
    )
    if not splices:
        return data
    made = urlconf.source.spliced(splices)
    check_parses(made, path)
    return made


def _read(data: bytes, path: str) -> _Urlconf:
    source = read(data, path)
    scope: dict[str, frozenset[str]] = {}
    for statement in top_level(source.tree.body):
        origins = dict(imported(statement))
        for name in own_names(statement):
            origin = frozenset((origins.get(name, ""),))
            scope[name] = scope.get(name, frozenset()) | origin
    if scope.keys().isdisjoint((_LIST, "*")):
        what = "no urlpatterns are defined in this file"
        fix = "Let ROOT_URLCONF name the file that has them, then run again."
        raise InputError(Problem(path, what, fix))
    return _Urlconf(source, names_of(source.tree), scope)


def _local(urlconf: _Urlconf, module: str, name: str) -> _Imported:
    """Return what a name is called here: as it is imported, or free to be imported."""
    dotted = frozenset((f"{module}.{name}",))
    for statement in urlconf.source.tree.body:
        for local, origin in imported(statement):
            if origin in dotted and urlconf.scope[local] == dotted:
                return _Imported(module, name, local)
    local = name
    while urlconf.scope.get(local, dotted) != dotted:
        local = f"_{local}"
    return _Imported(module, name, local)


def _import_of_path(urlconf: _Urlconf, serve: _Imported) -> Iterator[Splice]:
    dotted = f"{serve.module}.{serve.name}"
    for statement in urlconf.source.tree.body:
        if (serve.local, dotted) in imported(statement):
            return
    yield _new_import(urlconf, f"from {serve.module} import {serve.text}")


def _import_of_views(
    urlconf: _Urlconf,
    module: str,
    views: Sequence[_Imported],
    block: ast.Assign | None,
) -> Iterator[Splice]:
    """Import exactly these views, and what else of the module the file uses."""
    present = [
        statement
        for statement in urlconf.source.tree.body
        if isinstance(statement, ast.ImportFrom)
        and (statement.module, statement.level) == (module, 0)
    ]
    kept = [
        _Imported(module, alias.name, alias.asname or alias.name)
        for statement in present[:1]
        for alias in statement.names
        if _used(urlconf.names, alias.asname or alias.name, block)
    ]
    wanted = ", ".join(dict.fromkeys(each.text for each in (*views, *kept)))
    listed = {_text(alias) for statement in present[:1] for alias in statement.names}
    line = f"from {module} import {wanted}"
    if not present:
        yield _new_import(urlconf, line)
    elif listed != set(wanted.split(", ")):
        yield Splice(*urlconf.source.span(present[0]), line.encode())


def _used(names: Names, local: str, block: ast.Assign | None) -> bool:
    """Return whether a name is read anywhere but in our own block."""
    return any(
        not any(outer is block for outer in names.around(load))
        for load in names.loads(local)
    )


def _text(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def _new_import(urlconf: _Urlconf, line: str) -> Splice:
    """Put an import behind the last one of the module, or before all code."""
    source = urlconf.source
    imports = [
        each
        for each in source.tree.body
        if isinstance(each, ast.Import | ast.ImportFrom)
    ]
    head, first = head_of(source.tree)
    after = imports[-1] if imports else head
    if after is not None and ends_its_line(source, after):
        at = source.offset(last_line(after) + 1)
        return Splice(at, at, line.encode() + source.eol)
    if after is not None:
        _, at = source.span(after)
        return Splice(at, at, f"; {line}".encode())
    at = source.offset(first_line(first)) if first is not None else len(source.data)
    return Splice(at, at, line.encode() + source.eol)


def _block_of(urlconf: _Urlconf, module: str) -> ast.Assign | None:
    """Return the statement that puts views of our module before the other patterns."""
    for statement in reversed(urlconf.source.tree.body):
        match statement:
            case ast.Assign(
                targets=[ast.Name(id="urlpatterns")],
                value=ast.List(
                    elts=[
                        *calls,
                        ast.Starred(value=ast.Name(id="urlpatterns")),
                    ],
                ),
            ) if calls and all(_serves(urlconf, call, module) for call in calls):
                return statement
    return None


def _serves(urlconf: _Urlconf, call: ast.expr, module: str) -> bool:
    match call:
        case ast.Call(args=[ast.Constant(), ast.Name(id=view)]):
            origins = urlconf.scope.get(view, frozenset(("",)))
            return all(origin.rpartition(".")[0] == module for origin in origins)
    return False


def _block(
    urlconf: _Urlconf,
    calls: Sequence[str],
    present: ast.Assign | None,
) -> Iterator[Splice]:
    source = urlconf.source
    text = ["urlpatterns = [", *(f"    {call}," for call in calls)]
    text += ["    *urlpatterns,", "]"]
    lines = [line.encode() for line in text]
    if present is None:
        before = b"" if source.data.endswith((b"\n", b"\r")) else source.eol
        added = b"".join(line + source.eol for line in (b"", _COMMENT, *lines))
        yield Splice(len(source.data), len(source.data), before + added)
    elif ast.dump(present) != ast.dump(ast.parse(b"\n".join(lines)).body[0]):
        yield Splice(*source.span(present), source.eol.join(lines))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


__all__ = ["add_health_urls"]
