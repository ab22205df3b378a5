"""The grammars of nginx and caddy as one kind of tree, each row with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from nextwizard.values import Evidence


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Unreadable(Exception):  # noqa: N818 - what cannot be read is said, not raised on
    """A file that its own program could not read either; carries the place."""

    def __init__(self, at: Evidence, what: str) -> None:
        """Keep where, and what is wrong."""
        super().__init__(f"{at}: {what}")
        self.what, self.at = what, at


@dataclass(frozen=True, slots=True)
class Said:
    """One value, and the place that says so."""

    value: str
    at: Evidence


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive: name, arguments as the program sees them, place, and block."""

    name: str
    args: tuple[str, ...]
    at: Evidence
    block: tuple[Self, ...] = ()

    def all(self, *names: str) -> Iterator[Self]:
        """Yield the directives of these names right in its block."""
        return (row for row in self.block if row.name in names)

    def first(self, name: str) -> Said | None:
        """Return the first argument of a directive of its block, None without one."""
        for row in self.all(name):
            return Said(" ".join(row.args), row.at)
        return None

    def walk(self) -> Iterator[Self]:
        """Yield everything below it, outermost first."""
        for row in self.block:
            yield row
            yield from row.walk()


_NGINX = re.compile(
    r"""(?sx) (?P<space>\s+) | (?P<comment>\#[^\n]*) | (?P<mark>[{};])
    | "(?P<two>(?:\\.|[^"\\])*)" | '(?P<one>(?:\\.|[^'\\])*)'
    | (?P<bare>(?:\$\{[^}\s]*\}|\\.|[^\s;{}\\])+)"""
)
_ESCAPED = re.compile(r"""\\(["'\\])""")


def _nginx_words(text: str, path: str) -> Iterator[tuple[str, bool, Evidence]]:
    """Yield each word, whether it is a mark such as `{`, and where it stands."""
    at, line = 0, 1
    while at < len(text):
        found = _NGINX.match(text, at)
        if found is None:
            raise Unreadable(Evidence(path, line), "a quote or a brace is not closed")
        kind, here = str(found.lastgroup), Evidence(path, line)
        line += found[0].count("\n")
        at = found.end()
        if kind not in {"space", "comment"}:
            yield _ESCAPED.sub(r"\1", found[kind]), kind == "mark", here


def nginx(text: str, path: str) -> tuple[Directive, ...]:
    """Return what an nginx file says; Unreadable with the place it breaks at."""
    stack: list[list[Directive]] = [[]]
    heads: list[tuple[list[str], Evidence]] = []
    words: list[str] = []
    start = here = Evidence(path, 1)
    for word, mark, here in _nginx_words(text, path):
        if not mark:
            start = start if words else here
            words.append(word)
        elif word == "{":
            heads.append((words, start if words else here))
            stack.append([])
            words = []
        elif word == ";":
            if words:
                stack[-1].append(Directive(words[0], tuple(words[1:]), start))
            words = []
        else:
            if words or not heads:
                raise Unreadable(here, '"}" where none belongs, or ";" is missing')
            (head, place), block = heads.pop(), tuple(stack.pop())
            name = head[0] if head else ""
            stack[-1].append(Directive(name, tuple(head[1:]), place, block))
    if heads or words:
        place = heads[-1][1] if heads else start
        raise Unreadable(place, 'it has no end: "}" or ";" is missing')
    return tuple(stack[0])


_CADDY = re.compile(
    r"""(?sx) (?P<space>[ \t\r]+|\\\n) | (?P<line>\n) | (?P<comment>\#[^\n]*)
    | "(?P<two>(?:\\.|[^"\\])*)" | `(?P<one>[^`]*)` | (?P<bare>(?:\\.|[^\s\\])+|\\)"""
)


def _caddy_lines(text: str, path: str) -> Iterator[tuple[list[str], Evidence]]:
    """Yield the words of each line that has some."""
    at, line = 0, 1
    words: list[str] = []
    start = 1
    while at < len(text):
        found = _CADDY.match(text, at)
        if found is None:
            raise Unreadable(Evidence(path, line), "a quote is not closed")
        kind = str(found.lastgroup)
        if kind in {"two", "one", "bare"}:
            start = start if words else line
            word = found[kind]
            words.append(word if kind == "one" else re.sub(r'\\(["{}])', r"\1", word))
        line += found[0].count("\n")
        at = found.end()
        if kind == "line" and words:
            yield words, Evidence(path, start)
            words = []
    if words:
        yield words, Evidence(path, start)


def caddy(text: str, path: str) -> tuple[Directive, ...]:
    """Return what a Caddyfile says; a site's name is its first address.

    The addresses of one site may stand apart by commas. Unreadable as above.
    """
    stack: list[list[Directive]] = [[]]
    heads: list[tuple[Sequence[str], Evidence]] = []
    for words, here in _caddy_lines(text, path):
        if words == ["}"]:
            if not heads:
                raise Unreadable(here, '"}" where none belongs')
            (head, place), block = heads.pop(), tuple(stack.pop())
            name = head[0] if head else ""
            stack[-1].append(Directive(name, tuple(head[1:]), place, block))
        elif words[-1] == "{":
            head = words[:-1]
            if not heads:
                head = [word.rstrip(",") for word in head]
            heads.append((head, here))
            stack.append([])
        else:
            stack[-1].append(Directive(words[0], tuple(words[1:]), here))
    if heads:
        raise Unreadable(heads[-1][1], 'its block has no "}"')
    return tuple(stack[0])


__all__ = ["Directive", "Said", "Unreadable", "caddy", "nginx"]
