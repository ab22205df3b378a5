"""What stylesheets and scripts ask of a browser, read as text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .configured import LOCAL_ORIGIN
from .markup import blank


if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextwizard.values import Signal

    from .markup import Text


_STRING = r'"(?:\\.|[^"\\\n])*+"|\'(?:\\.|[^\'\\\n])*+\'|`(?:\\.|[^`\\])*+`'
_TOKEN = re.compile(rf"(?P<string>{_STRING})|//[^\n]*|/\*.*?\*/", re.DOTALL)
_STRINGS = re.compile(_STRING)
_DARK = re.compile(r"[^\n]")
_STYLE_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_BARE: Final[tuple[tuple[str, str, re.Pattern[str]], ...]] = (
    (
        "EventSource",
        "sse.client",
        re.compile(
            r"\bnew\s+(?:window\.)?\w*EventSource(?:Polyfill)?\s*\("
            r"|\bfetchEventSource\s*\("
        ),
    ),
    (
        "WebSocket",
        "ws.client",
        re.compile(r"\bnew\s+(?:window\.)?(?:Reconnecting)?WebSocket\s*\("),
    ),
    (
        "eval",
        "csp.eval",
        re.compile(r"(?:(?<![\w.$])|\b(?:window|globalThis)\.)eval\s*\("),
    ),
    ("Function", "csp.eval", re.compile(r"\bnew\s+Function\s*\(")),
)
_TIMER = re.compile(r"\bset(?:Timeout|Interval)\s*\(\s*[\"'`]")
_REQUESTS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    (
        "connect-src",
        re.compile(
            r"\b(?:fetch|sendBeacon|EventSource|WebSocket|axios(?:\.\w+)?)\s*\("
            r"\s*[\"'`](?P<url>[^\"'`\s]+)"
        ),
    ),
    (
        "connect-src",
        re.compile(r"\.open\s*\(\s*[\"'`]\w+[\"'`]\s*,\s*[\"'`](?P<url>[^\"'`\s]+)"),
    ),
    (
        "script-src",
        re.compile(r"\b(?:import|from)\s*\(?\s*[\"'](?P<url>[^\"'\s]+)[\"']"),
    ),
)
_QUOTED = re.compile(r"[\"'`](?P<url>(?:https?|wss?)://[^\"'`\s]+)")
_FOREIGN = re.compile(r"[\"'`](?:(?:https?|wss?):)?//")
_LINKED = re.compile(
    r"(?P<import>@import\s+)?url\(\s*[\"']?(?P<url>[^\"')\s]+)"
    r"|@import\s+[\"'](?P<sheet>[^\"'\s]+)",
    re.IGNORECASE,
)


def read_style(text: Text, body: str, offset: int = 0) -> Iterator[Signal]:
    """Yield what CSS loads from elsewhere, each origin once."""
    body = _STYLE_COMMENT.sub(blank, body)
    seen: set[str] = set()
    for match in _LINKED.finditer(body):
        url = match["url"] or match["sheet"]
        sheet = match["import"] or match["sheet"]
        directive = "style-src" if sheet else _face(body, match.start())
        for signal in text.request(directive, url, offset + match.start()):
            if signal.detail not in seen:
                seen.add(signal.detail)
                yield signal


def _face(body: str, offset: int) -> str:
    """Return the directive of a url(): fonts in @font-face, images elsewhere."""
    start, end = body.rfind("{", 0, offset), body.rfind("}", 0, offset)
    face = start > end and body[:start].rstrip().lower().endswith("@font-face")
    return "font-src" if face else "img-src"


def _code(token: re.Match[str]) -> str:
    """Return a string as it is, a comment as spaces."""
    return token[0] if token["string"] else blank(token)


def _bare(token: re.Match[str]) -> str:
    """Return the quotes of a string around spaces, a comment as spaces."""
    return f"{token[0][0]}{_DARK.sub(' ', token[0][1:-1])}{token[0][-1]}"


def read_script(text: Text, body: str, offset: int = 0) -> Iterator[Signal]:
    """Yield what JavaScript opens, evaluates or loads; comments and text aside."""
    words = [row for row in _BARE if row[0] in body]
    timers, foreign = "setT" in body or "setI" in body, _FOREIGN.search(body)
    if not words and not timers and not foreign:
        return
    code = _TOKEN.sub(_code, body)
    bare = _STRINGS.sub(_bare, code)
    for _, kind, pattern in words:
        for match in pattern.finditer(bare):
            yield text.signal(kind, offset + match.start())
    for match in _TIMER.finditer(code) if timers else ():
        if bare[match.start()] == "s":
            yield text.signal("csp.eval", offset + match.start())
    if foreign:
        yield from _loads(text, code, bare, offset)


def _loads(text: Text, code: str, bare: str, offset: int) -> Iterator[Signal]:
    """Yield the origins a script names in what it requests or imports."""
    for directive, pattern in _REQUESTS:
        for match in pattern.finditer(code):
            if bare[match.start()] == code[match.start()]:
                yield from text.request(directive, match["url"], offset + match.start())
    for match in _QUOTED.finditer(code):
        if LOCAL_ORIGIN.match(match["url"]):
            yield from text.request("", match["url"], offset + match.start())


__all__ = ["read_script", "read_style"]
