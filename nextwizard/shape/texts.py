"""Small readers of code, data and prose, and which reader a file takes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from .words import caddy, ini, nginx, shell, systemd, unescaped, uwsgi


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .words import Token


_CODE = re.compile(
    r"""(?P<comment>\#[^\n]*)|(?P<end>\n[ \t]*)"""
    r"""|(?P<triple>\"{3}(?:[^\"\\]|\\.|\"(?!\"\"))*\"{3})"""
    r"""|(?P<double>"(?:[^"\\\n]|\\.)*")|(?P<single>'(?:[^'\\\n]|\\.)*')"""
    r"""|(?P<word>\w+(?:\.[A-Za-z_]\w*)*)|(?P<mark>[^\s\w])""",
    re.DOTALL,
)


def code(text: str) -> Iterator[Token]:
    """Read Python: names, strings, marks, and the indentation of each line."""
    for found in _CODE.finditer(text):
        kind = found.lastgroup or ""
        value = found[kind]
        if kind == "end":
            value = value[1:]
        yield ("text", _decoded(value)) if kind == "double" else (kind, value)


_DATA = re.compile(
    r"""(?P<comment>(?:(?<=\s)|(?<![\s\S]))\#[^\n]*)|(?P<end>\n[ ]*)"""
    r"""|(?P<double>"(?:[^"\\]|\\.)*")|(?P<single>'(?:[^']|'')*')"""
    r"""|(?P<word>[\w./~+-]+)|(?P<mark>\S)""",
    re.DOTALL,
)


def data(text: str) -> Iterator[Token]:
    """Read YAML and TOML as we write them: text in quotes, marks, indents."""
    for found in _DATA.finditer(text):
        kind = found.lastgroup or ""
        value = found[kind]
        if kind == "end":
            value = value[1:]
        yield ("text", _decoded(value)) if kind == "double" else (kind, value)


_DOCKER = re.compile(
    r"""(?P<comment>(?m:^)[ ]*\#[^\n]*)|(?P<end>\n[ ]*)|(?P<double>"(?:[^"\\]|\\.)*")"""
    r"""|(?P<mark>[\[\],])|(?P<word>[^\s"\[\],]+)|(?P<odd>\S)""",
    re.DOTALL,
)


def docker(text: str) -> Iterator[Token]:
    """Read a Dockerfile: instructions, words, and text in double quotes."""
    for found in _DOCKER.finditer(text):
        kind = found.lastgroup or ""
        value = found[kind]
        if kind == "end":
            value = ""
        yield ("text", _decoded(value)) if kind == "double" else (kind, value)


def _decoded(quoted: str) -> str:
    """Return what stands in double quotes, by JSON's escapes, else by a backslash."""
    try:
        return str(json.loads(quoted))
    except ValueError:
        return unescaped(quoted[1:-1])


_FENCE = re.compile(r"(?ms)^```(\w*)\n(.*?)^```$")
_INLINE = re.compile(
    r"""\\(?P<escaped>[!-/:-@\[-`{-~])|(?P<code>`[^`]*`)|(?P<entity>&\#?\w+;)"""
    r"""|(?P<mark>[*_\[\]<>|])|(?P<plain>[^\\`&*_\[\]<>|]+|.)""",
)
_LEAD = re.compile(r"(?P<lead>\#{1,6} |[-*+] |\d+[.)] |> |[=-]+$)")


def markdown(text: str) -> Iterator[Token]:
    """Read a document: its lines, their marks, and each fence by its own grammar."""
    at = 0
    for found in _FENCE.finditer(text):
        yield from _prose(text[at : found.start()])
        yield "fence", found[1]
        yield from READERS.get(f".{found[1]}", lines)(found[2])
        yield "fence", ""
        at = found.end()
    yield from _prose(text[at:])


def _prose(text: str) -> Iterator[Token]:
    for line in text.split("\n"):
        if not line.strip():
            continue
        lead = _LEAD.match(line)
        yield "lead", lead["lead"] if lead else ""
        words = ""
        for found in _INLINE.finditer(line, lead.end() if lead else 0):
            kind = found.lastgroup or ""
            if kind in {"escaped", "plain"}:
                words += found[kind]
                continue
            yield "line", words
            yield kind, found[kind]
            words = ""
        yield "line", words


def lines(text: str) -> Iterator[Token]:
    """Read a file of lines, each one value."""
    for line in text.split("\n"):
        if line.strip():
            yield ("comment" if line[0] == "#" else "line"), line


READERS: dict[str, Callable[[str], Iterator[Token]]] = {
    ".caddy": caddy,
    ".conf": nginx,
    ".inc": nginx,
    ".ini": systemd,
    ".md": markdown,
    ".py": code,
    ".service": systemd,
    ".sh": shell,
    ".socket": systemd,
    ".toml": data,
    ".yaml": data,
    "Caddyfile": caddy,
    "Dockerfile": docker,
    "supervisor": ini,
    "uwsgi.ini": uwsgi,
}
"""The reader of a file, by its name, the directory it lies in, or how its name ends."""


def reader(path: str) -> Callable[[str], Iterator[Token]]:
    """Return what reads a file; lines, where no grammar is known."""
    folders, _, name = path.rpartition("/")
    dot = name[name.rfind(".") :] if "." in name else ""
    named = READERS.get(name) or READERS.get(folders.rpartition("/")[2])
    return named or READERS.get(dot, lines)


__all__ = ["READERS", "reader"]
