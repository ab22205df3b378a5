"""What templates put on a page that a strict policy would block, read as text."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from nextwizard.values import Signal

from .configured import LOCAL_ORIGIN
from .files import evidence


if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from nextwizard.values import Confidence, Evidence


FILLER = "\x01"
"""Stands for what a template tag would have put there."""

_ORIGIN = re.compile(
    r"\s*(?:(?P<scheme>https?|wss?):)?//(?P<host>[^/?#\s\"'`\\)<>]+)", re.IGNORECASE
)
_DARK = re.compile(r"[^\n]")
COMMENT = re.compile(
    r"\{%-?\s*comment\b.*?%\}.*?\{%-?\s*endcomment\b.*?%\}|\{#[^\n]*?#\}|<!--.*?-->",
    re.DOTALL,
)
_BRANCH = re.compile(r"\{%-?\s*(?P<word>if|elif|else|endif)\b(?P<test>[^%]*)%\}")
_DEBUG = re.compile(r"\s*(?:settings\.)?debug\s*", re.IGNORECASE)
_USED = re.compile(
    r"\{%\s*#use_(?P<what>style|script)\b[^%]*%\}(?P<body>.*?)\{%\s*/use_(?P=what)\s*%\}",
    re.DOTALL,
)
_REFERRED = re.compile(r"\{%\s*use_\w+\s+[\"'](?P<url>[^\"']+)")
_TAGS = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_ELEMENT = re.compile(
    r"<(?P<name>[a-zA-Z][\w:.-]*)"
    r"(?P<rest>(?:[^<>\"']++|\"[^\"]{0,9999}+\"|'[^']{0,9999}+'){0,400}+)>"
)
_ATTRIBUTE = re.compile(
    r"(?P<name>[^\s\"'<>/=\x01]+)"
    r"(?:\s*=\s*(?:\"(?P<a>[^\"]*)\"|'(?P<b>[^']*)'|(?P<c>[^\s\"'=<>`]+)))?"
)
_HANDLER = re.compile(
    r"on(?:abort|animation\w+|auxclick|before\w+|blur|canplay\w*|change|click|close"
    r"|contextmenu|copy|cut|dblclick|drag\w*|drop|durationchange|ended|error|focus\w*"
    r"|formdata|hashchange|input|invalid|key\w+|load\w*|message|mouse\w+|o(?:n|ff)line"
    r"|page\w+|paste|pause|play\w*|pointer\w+|popstate|progress|ratechange|reset|resize"
    r"|scroll\w*|search|seek\w+|select\w*|storage|submit|suspend|timeupdate|toggle"
    r"|touch\w+|transition\w+|unload|volumechange|waiting|wheel)"
)
_COMPILERS = re.compile(
    r"alpinejs(?!.*/csp)|/alpine\.|petite-vue|/vue\.(?:global|esm-browser)"
)
_RUN = frozenset(
    {"", "module", "importmap", "speculationrules", "text/javascript"}
    | {f"application/{name}" for name in ("javascript", "ecmascript")}
)
_SOURCES: Final[Mapping[tuple[str, str], str]] = {
    ("audio", "src"): "media-src",
    ("base", "href"): "base-uri",
    ("button", "formaction"): "form-action",
    ("embed", "src"): "object-src",
    ("form", "action"): "form-action",
    ("frame", "src"): "frame-src",
    ("iframe", "src"): "frame-src",
    ("image", "href"): "img-src",
    ("img", "src"): "img-src",
    ("input", "formaction"): "form-action",
    ("input", "src"): "img-src",
    ("object", "data"): "object-src",
    ("script", "src"): "script-src",
    ("source", "src"): "media-src",
    ("track", "src"): "media-src",
    ("video", "poster"): "img-src",
    ("video", "src"): "media-src",
}
_RELATIONS: Final[Mapping[str, str]] = {
    "apple-touch-icon": "img-src",
    "icon": "img-src",
    "manifest": "manifest-src",
    "mask-icon": "img-src",
    "modulepreload": "script-src",
    "stylesheet": "style-src",
}
_PRELOADS: Final[Mapping[str, str]] = {
    "fetch": "connect-src",
    "font": "font-src",
    "image": "img-src",
    "script": "script-src",
    "style": "style-src",
}
_ADDRESSES = frozenset(
    "action data formaction href poster src srcset xlink:href".split()
)
_CLIENTS: Final[Mapping[str, str]] = {
    "data-next-sse": "sse.client",
    "hx-sse": "sse.client",
    "sse-connect": "sse.client",
    "hx-ws": "ws.client",
    "ws-connect": "ws.client",
}


def blank(match: re.Match[str]) -> str:
    """Return spaces in place of a match, its line ends kept."""
    return _DARK.sub(" ", match[0])


@dataclass(slots=True)
class Text:
    """A file's text, the lines of its offsets, and the hosts that are our own."""

    path: str
    text: str
    hosts: Collection[str] = ()
    first_line: int = 1
    starts: list[int] = field(default_factory=list)

    def at(self, offset: int) -> Evidence:
        """Return the evidence of an offset."""
        if not self.starts:
            self.starts = [m.end() for m in re.finditer("\n", self.text)]
        return evidence(self.path, self.first_line + bisect_right(self.starts, offset))

    def signal(self, kind: str, offset: int, detail: str = "") -> Signal:
        """Return a finding at an offset."""
        return Signal(kind, self.at(offset), detail)

    def request(self, directive: str, url: str, offset: int) -> Iterator[Signal]:
        """Yield what a URL asks of the policy: another origin, a data: URL, or us."""
        if url.lstrip()[:5].lower() == "data:":
            yield self.signal("csp.data", offset, directive)
            return
        local = LOCAL_ORIGIN.match(url.strip())
        if local is not None:
            yield self.signal("dev.origin", offset, local[0])
            return
        match = _ORIGIN.match(url)
        if match is None or match["host"].lower() in self.hosts:
            return
        scheme, host = (match["scheme"] or "https").lower(), match["host"].lower()
        confidence: Confidence = "likely" if FILLER in host else "certain"
        detail = f"{directive} {scheme}:" + ("" if FILLER in host else f"//{host}")
        yield Signal("csp.external", self.at(offset), detail, confidence=confidence)


def _fill(match: re.Match[str]) -> str:
    return _DARK.sub(FILLER, match[0])


def _debugless(source: str) -> str:
    """Return a source without what only a debug run shows."""
    regions: list[tuple[int, int]] = []
    frames: list[tuple[int | None, bool]] = []
    for match in _BRANCH.finditer(source):
        start, inverse = (
            frames.pop() if frames and match["word"] != "if" else (None, False)
        )
        if start is not None:
            regions.append((start, match.start()))
        if match["word"] == "if":
            test = match["test"].strip()
            negated = test.startswith("not ") and _DEBUG.fullmatch(test[4:]) is not None
            opened = match.end() if _DEBUG.fullmatch(test) else None
            frames.append((opened, negated))
        elif match["word"] != "endif":
            frames.append((match.end() if inverse else None, False))
    for start, end in regions:
        region = re.sub(r"[^\n]", " ", source[start:end])
        source = f"{source[:start]}{region}{source[end:]}"
    return source


def read_markup(text: Text) -> Iterator[Signal]:
    """Yield what a template's markup would have blocked."""
    plain = _debugless(COMMENT.sub(blank, text.text))
    for block in _USED.finditer(plain):
        yield from _block(text, block)
    for reference in _REFERRED.finditer(plain):
        if LOCAL_ORIGIN.match(reference["url"]):
            yield from text.request("", reference["url"], reference.start())
    markup = _TAGS.sub(_fill, _USED.sub(blank, plain))
    position = 0
    while match := _ELEMENT.search(markup, position):
        position = match.end()
        name = match["name"].lower()
        nonce = "nonce" in plain[match.start() : match.end()]
        found = _attributes(match)
        for attribute, (value, offset) in found.items():
            yield from _attribute(text, attribute, value, offset)
        free = nonce and name in ("script", "link")
        for signal in _requests(text, name, found):
            if not free or signal.kind not in ("csp.external", "csp.data"):
                yield signal
        if name in ("script", "style"):
            close = re.compile(rf"</{name}\b", re.IGNORECASE).search(markup, position)
            end = close.start() if close else len(markup)
            body = (markup[position:end], position)
            yield from _raw(text, match, found, body, nonce=nonce)
            position = end


def _attributes(match: re.Match[str]) -> dict[str, tuple[str, int]]:
    """Return an element's attributes in lower case, each with value and offset."""
    found: dict[str, tuple[str, int]] = {}
    for attribute in _ATTRIBUTE.finditer(match["rest"]):
        value = attribute["a"] or attribute["b"] or attribute["c"] or ""
        offset = match.start("rest") + attribute.start()
        found.setdefault(attribute["name"].lower(), (value, offset))
    return found


def _attribute(text: Text, name: str, value: str, offset: int) -> Iterator[Signal]:
    if name == "style":
        yield text.signal("csp.style_attr", offset)
        yield from _read(text, "style", value, offset)
    elif _HANDLER.fullmatch(name):
        yield text.signal("csp.handler", offset, name)
    elif name.startswith(("hx-on:", "hx-on-")) or name == "hx-on":
        yield text.signal("csp.eval", offset, name)
    elif name in _CLIENTS:
        yield text.signal(_CLIENTS[name], offset, value.replace(FILLER, ""))
    if name in _ADDRESSES and value.lstrip().lower().startswith("javascript:"):
        yield text.signal("csp.javascript_url", offset, name)
    if name in _ADDRESSES and value.startswith("/static/"):
        yield text.signal("static.literal", offset, value.replace(FILLER, ""))


def _requests(
    text: Text, name: str, found: Mapping[str, tuple[str, int]]
) -> Iterator[Signal]:
    """Yield what an element loads or sends elsewhere."""
    for attribute, (value, offset) in found.items():
        directive = _SOURCES.get((name, attribute), "")
        if name == "link" and attribute == "href":
            directive = _relation(found)
        if directive:
            yield from text.request(directive, value, offset)
        if attribute == "srcset":
            for part in value.split(","):
                yield from text.request("img-src", part.strip(), offset)
        if name == "script" and attribute == "src" and _COMPILERS.search(value):
            yield text.signal("csp.eval", offset, value.replace(FILLER, ""))


def _relation(found: Mapping[str, tuple[str, int]]) -> str:
    """Return the directive of a link by its rel, empty where no policy applies."""
    words = found.get("rel", ("", 0))[0].lower().split()
    if "preload" in words:
        return _PRELOADS.get(found.get("as", ("", 0))[0].lower(), "")
    return next((_RELATIONS[word] for word in words if word in _RELATIONS), "")


def _raw(
    text: Text,
    match: re.Match[str],
    found: Mapping[str, tuple[str, int]],
    body: tuple[str, int],
    *,
    nonce: bool,
) -> Iterator[Signal]:
    """Yield what an inline script or stylesheet is and does."""
    source, offset = body
    if match["name"].lower() == "style":
        if not nonce and source.strip():
            yield text.signal("csp.inline_style", match.start())
        yield from _read(text, "style", source, offset)
        return
    kind = found.get("type", ("", 0))[0].strip().lower()
    if kind not in _RUN or "src" in found or not source.strip():
        return
    if not nonce:
        yield text.signal("csp.inline_script", match.start())
    yield from _read(text, "script", source, offset)


def _block(text: Text, block: re.Match[str]) -> Iterator[Signal]:
    """Yield what stands in a use_style or use_script block, which takes no tags."""
    offset = block.start("body")
    body = _TAGS.sub(_fill, block["body"])
    tag = re.compile(rf"<{block['what']}\b", re.IGNORECASE).search(body)
    if tag:
        yield text.signal("csp.static_tag_in_use", offset + tag.start())
    yield from _read(text, block["what"], body, offset)


def _read(text: Text, what: str, body: str, offset: int) -> Iterator[Signal]:
    """Yield what a style or script asks; its reader is loaded where there is one."""
    from .assets import read_script, read_style

    yield from (read_style if what == "style" else read_script)(text, body, offset)


__all__ = ["COMMENT", "Text", "blank", "read_markup"]
