"""A file of the user's: read once, edited by byte offset, never reformatted."""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol

from nextwizard.errors import InputError, InternalError, Problem


if TYPE_CHECKING:
    from collections.abc import Iterable


BOM = b"\xef\xbb\xbf"

VARIABLE = "DJANGO_SETTINGS_MODULE"
"""What names the settings module to Django."""

NEWLINE = re.compile(rb"\r\n|\r|\n")
"""What ends a line for Python; a form feed and U+2028 do not."""

_COOKIE = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-.\w]+)")
_NO_CODE = re.compile(rb"[ \t\f]*(?:#.*)?$")
_PLAIN_STRING = re.compile(rb"""(?s)[rRuU]?('''|\"""|'|")([^\\]*)\1""")
_UTF8_COOKIE = re.compile(r"(?i)utf[-_]?8(?:[-_].*)?|u8|utf")


_DECORATED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Located(Protocol):
    """A node of the tree that knows its place; columns count UTF-8 bytes."""

    lineno: int
    col_offset: int
    end_lineno: int | None
    end_col_offset: int | None


class Splice(NamedTuple):
    """Bytes from `start` up to `end` give way to `text`; equal offsets insert."""

    start: int
    end: int
    text: bytes

    @property
    def span(self) -> tuple[int, int]:
        """Return where the bytes begin and end."""
        return self.start, self.end


class Source(NamedTuple):
    """A Python file that parses: its bytes without the BOM, its tree, its lines."""

    path: str
    mark: bytes
    data: bytes
    tree: ast.Module
    starts: tuple[int, ...]

    @property
    def eol(self) -> bytes:
        """Return the file's first line ending, LF when it has none."""
        return eol_of(self.data)

    def offset(self, line: int, column: int = 0) -> int:
        """Return the byte offset of a 1-based line and a column of the tree."""
        last = len(self.starts)
        return self.starts[line - 1] + column if line <= last else len(self.data)

    def span(self, node: Located) -> tuple[int, int]:
        """Return where a node begins and ends."""
        line, column = node.end_lineno, node.end_col_offset
        if line is None or column is None:
            raise_internal(self.path, node.lineno)
        return self.offset(node.lineno, node.col_offset), self.offset(line, column)

    def bytes_of(self, node: Located) -> bytes:
        """Return a node as it is written."""
        start, end = self.span(node)
        return self.data[start:end]

    def inside_quotes(self, node: ast.Constant) -> tuple[int, int] | None:
        """Return the span of a string's text; None unless it is one plain token."""
        start, end = self.span(node)
        found = _PLAIN_STRING.fullmatch(self.data, start, end)
        if not found or found.group(2).decode() != node.value:
            return None
        return found.span(2)

    def line(self, number: int) -> bytes:
        """Return a 1-based line without its ending; empty behind the last one."""
        begin, end = self.offset(number), self.offset(number + 1)
        return self.data[begin:end].rstrip(b"\r\n")

    def line_at(self, offset: int) -> int:
        """Return the 1-based line of a byte offset."""
        return bisect_right(self.starts, offset)

    def spliced(self, splices: Iterable[Splice]) -> bytes:
        """Return the whole file, BOM included, with these splices made."""
        return self.mark + splice(self.data, splices)


def read(data: bytes, path: str) -> Source:
    """Read a Python file; InputError when it is not UTF-8 or does not parse."""
    mark, body = _without_mark(data)
    _check_cookie(body, path)
    text = decode(body, path)
    starts = (0, *(match.end() for match in NEWLINE.finditer(body)))
    return Source(path, mark, body, _parse(text, path), starts)


def decode(data: bytes, path: str) -> str:
    """Return the text of a file; InputError names the first byte that is none."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unreadable(data, error.start, path, "this is no UTF-8") from None
    if "\0" in text:
        raise _unreadable(data, data.index(b"\0"), path, "a NUL byte stands here")
    return text


def eol_of(data: bytes) -> bytes:
    """Return the first line ending of a file, LF when it has none."""
    found = NEWLINE.search(data)
    return found.group() if found else b"\n"


def splice(data: bytes, splices: Iterable[Splice]) -> bytes:
    """Return the bytes with these splices made, which must not overlap.

    Insertions at one place keep their order.
    """
    parts: list[bytes] = []
    done = 0
    for change in sorted(splices, key=attrgetter("span")):
        parts += (data[done : change.start], change.text)
        done = change.end
    return b"".join((*parts, data[done:]))


def check_parses(data: bytes, path: str) -> ast.Module:
    """Return the tree of what an edit made; InternalError when there is none."""
    try:
        return read(data, path).tree
    except InputError:
        raise_internal(path, 0)


def raise_internal(path: str, line: int) -> NoReturn:
    """Say that an edit of ours would have broken the file."""
    where = f"{path}:{line}" if line else path
    what = "our own edit of this file is no valid Python, so it was not made"
    raise InternalError(Problem(where, what, "Report it with the file, if you can."))


def _without_mark(data: bytes) -> tuple[bytes, bytes]:
    return (BOM, data[len(BOM) :]) if data.startswith(BOM) else (b"", data)


def _check_cookie(body: bytes, path: str) -> None:
    for number, line in enumerate(NEWLINE.split(body, maxsplit=2)[:2], start=1):
        found = _COOKIE.match(line)
        if found and not _UTF8_COOKIE.fullmatch(found.group(1).decode("ascii")):
            what = f"the file declares the encoding {found.group(1).decode('ascii')}"
            fix = "Save it as UTF-8, delete that comment, and run again."
            raise InputError(Problem(f"{path}:{number}", what, fix))
        if found or not _NO_CODE.match(line):
            return


def _parse(text: str, path: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            # An invalid escape in the user's string is no matter of ours.
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        where = f"{path}:{error.lineno}" if error.lineno else path
        what = f"the file does not parse: {error.msg}"
    except (RecursionError, MemoryError, ValueError):
        where, what = path, "the file is nested too deeply to be read"
    raise InputError(Problem(where, what, "Mend it, then run again."))


def _unreadable(data: bytes, offset: int, path: str, what: str) -> InputError:
    line = len(NEWLINE.findall(data[:offset])) + 1
    return InputError(
        Problem(f"{path}:{line}", what, "Save the file as UTF-8 text, then run again."),
    )


def head_of(tree: ast.Module) -> tuple[ast.stmt | None, ast.stmt | None]:
    """Return the last statement that must come first, and the one behind it.

    A docstring and the `__future__` imports must come first.
    """
    head: ast.stmt | None = None
    for number, statement in enumerate(tree.body):
        match statement:
            case ast.Expr(value=ast.Constant(value=str())) if number == 0:
                head = statement
            case ast.ImportFrom(module="__future__", level=0):
                head = statement
            case _:
                return head, statement
    return head, None


def ends_its_line(source: Source, node: ast.stmt) -> bool:
    """Return whether only a comment follows a statement, and a new line after it."""
    _, end = source.span(node)
    rest = source.data[end : source.offset(last_line(node) + 1)]
    if not rest.endswith((b"\n", b"\r")):
        return False
    return not rest.strip() or rest.lstrip(b" \t\f").startswith(b"#")


def starts_its_line(source: Source, node: ast.stmt) -> bool:
    """Return whether nothing but space stands before a statement and its decorators."""
    line = first_line(node)
    if isinstance(node, _DECORATED) and node.decorator_list:
        return True
    return not source.data[source.offset(line) : source.span(node)[0]].strip()


def first_line(node: ast.stmt) -> int:
    """Return the 1-based line a statement begins on, its decorators included."""
    if isinstance(node, _DECORATED):
        return min((node.lineno, *(each.lineno for each in node.decorator_list)))
    return node.lineno


def last_line(node: ast.stmt) -> int:
    """Return the 1-based line a statement ends on."""
    return node.end_lineno or node.lineno


__all__ = [
    "BOM",
    "NEWLINE",
    "VARIABLE",
    "Located",
    "Source",
    "Splice",
    "check_parses",
    "decode",
    "ends_its_line",
    "eol_of",
    "first_line",
    "head_of",
    "last_line",
    "raise_internal",
    "read",
    "splice",
    "starts_its_line",
]
