"""Small readers of the servers' grammars: each file as one flat row of tokens.

A token is a kind and what the program would see there, quotes and escapes taken off.
Braces, brackets and line ends are tokens too, so equal rows mean equal trees. They need
not refuse what a server refuses; they must never read one thing where it reads another.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterator


type Token = tuple[str, str]

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def unescaped(text: str) -> str:
    """Return text with each backslash gone and what it protected left."""
    return _ESCAPED.sub(r"\1", text)


_NGINX = re.compile(
    r"""(?P<comment>\#[^\n]*)|(?P<mark>[{};])|"(?P<double>(?:[^"\\]|\\.)*)"(?=[\s;{)])"""
    r"""|'(?P<single>(?:[^'\\]|\\.)*)'(?=[\s;{)])"""
    r"""|(?P<word>(?:\\.|\$\{|[^\s;{}"'\\#])(?:\\.|\$\{[^}]*\}|[^\s;{}\\])*)"""
    r"""|(?P<odd>\S)""",
    re.DOTALL,
)


def nginx(text: str) -> Iterator[Token]:
    """Read directives: words, quoted or not, and the marks that end them."""
    for found in _NGINX.finditer(text):
        kind = found.lastgroup or ""
        value = found[kind]
        if kind in {"double", "single"}:
            value = re.sub(r"\\([\"'\\])", r"\1", value)
        yield ("word" if kind in {"double", "single"} else kind), value


_CADDY = re.compile(
    r"""(?P<end>\n\s*)|(?P<comment>\#[^\n]*)|"(?P<double>(?:[^"\\]|\\.)*)"(?=\s|$)"""
    r"""|`(?P<back>[^`]*)`(?=\s|$)|(?P<word>[^\s"`\#]\S*)|(?P<odd>\S)""",
    re.DOTALL,
)


def caddy(text: str) -> Iterator[Token]:
    """Read a Caddyfile: words and line ends; a brace behind a backslash is itself."""
    for found in _CADDY.finditer(text):
        kind = found.lastgroup or ""
        value = found[kind]
        if kind == "double":
            kind, value = "word", re.sub(r"\\([\"{}])", r"\1", value)
        elif kind == "back":
            kind = "word"
        yield kind, "" if kind == "end" else value


_PIECE = re.compile(
    r"""'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<bare>(?:\\.|[^'"\\])+)"""
    r"""|(?P<odd>.)""",
    re.DOTALL,
)
_SHELL = re.compile(
    r"""(?P<end>\n)|(?P<blank>(?:[ \t]|\\\n)+)|(?P<comment>(?<![^\s;&|()])\#[^\n]*)"""
    r"""|(?P<mark>[|&;<>()]+)"""
    r"""|(?P<word>(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\[^\n]|[^\s'"\\|&;<>()])+)|(?P<odd>.)""",
    re.DOTALL,
)


def shell(text: str) -> Iterator[Token]:
    """Read commands: words, operators, comments, and every expansion by itself."""
    for found in _SHELL.finditer(text):
        kind = found.lastgroup or ""
        if kind == "blank":
            continue
        if kind != "word":
            yield kind, "" if kind == "end" else found[kind]
            continue
        value = ""
        for piece in _PIECE.finditer(found[kind]):
            sort = piece.lastgroup or ""
            part = piece[sort]
            if sort == "odd":
                yield "odd", part
            elif sort == "double":
                yield from _expansions(part)
                part = re.sub(r"\\([$`\"\\])", r"\1", part)
            elif sort == "bare":
                yield from _expansions(part)
                part = unescaped(part)
            value += part
        yield kind, value


def _expansions(text: str) -> Iterator[Token]:
    """Yield what a shell would expand outside of single quotes."""
    for found in re.finditer(r"(?<!\\)(?:\$\(|\$\{|\$\w|`)", text):
        yield "expansion", found[0]


_UNIT_WORD = re.compile(
    r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\])+|(?P<odd>\S)""", re.DOTALL
)
_UNIT_LISTS = frozenset(
    "After BindReadOnlyPaths Environment Requires RestrictAddressFamilies Wants".split()
)


def systemd(text: str) -> Iterator[Token]:
    """Read a unit: sections, and keys with their words, specifiers resolved."""
    joined = re.sub(r"\\\n[ \t]*", " ", text)
    for line in joined.split("\n"):
        key, equals, value = line.partition("=")
        if not line.strip():
            continue
        if line.lstrip()[0] in "#;":
            yield "comment", line.strip()
        elif not equals:
            yield "section", line.strip()
        elif key.startswith("Exec") or key in _UNIT_LISTS:
            yield "key", key
            for found in _UNIT_WORD.finditer(value):
                yield from _unit_word(found, command=key.startswith("Exec"))
        else:
            yield "key", key
            yield from _specifiers(value)
            yield "line", value.strip().replace("%%", "%")


def _unit_word(found: re.Match[str], *, command: bool) -> Iterator[Token]:
    """Yield one word of a unit as the process would get it."""
    if found["odd"]:
        yield "odd", found["odd"]
        return
    value = ""
    for piece in re.finditer(
        r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\\.|[^'"\\]+)""", found[0]
    ):
        value += _ESCAPED.sub(r"\1", piece[1] or piece[2] or piece[3] or "")
    yield from _specifiers(value)
    value = value.replace("%%", "%")
    if not command:
        yield "word", value
        return
    for expanded in re.finditer(r"(?<!\$)(?:\$\$)*(\$\w+|\$\{)", value):
        yield "expansion", expanded[1]
    yield "word", value.replace("$$", "$")


def _specifiers(text: str) -> Iterator[Token]:
    """Yield each lone % of a value: there something else is put in."""
    for _ in range(text.replace("%%", "").count("%")):
        yield "expansion", "%"


def ini(text: str) -> Iterator[Token]:
    """Read supervisor's file: sections and keys; a blank and ; or # end a value."""
    for line in text.split("\n"):
        if not line.strip():
            continue
        if line.lstrip()[0] in ";#":
            yield "comment", line.strip()
            continue
        key, equals, value = re.split(r"\s[;#]", line)[0].partition("=")
        if not equals or line[0].isspace():
            yield "section", line
            continue
        yield "key", key.strip()
        yield from _specifiers(value)
        plain = value.strip().replace("%%", "%")
        yield from shell(plain) if key.strip() == "command" else [("line", plain)]


def uwsgi(text: str) -> Iterator[Token]:
    """Read uWSGI's file, which takes a value to the end of its line."""
    for line in text.split("\n"):
        if not line.strip():
            continue
        key, equals, value = line.partition("=")
        if line.lstrip()[0] in ";#":
            yield "comment", line.strip()
        elif not equals:
            yield "section", line.strip()
        else:
            yield "key", key.strip()
            yield from _specifiers(value)
            for found in re.finditer(r"@\(|\$\(", value):
                yield "expansion", found[0]
            yield "line", value.strip().replace("%%", "%")


__all__ = ["Token", "caddy", "ini", "nginx", "shell", "systemd", "unescaped", "uwsgi"]
