"""The files a page is made of beside Python: templates, stylesheets, scripts."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from .markup import COMMENT, Text, blank, read_markup
from .pages import relative
from .place import Place, place


if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextwizard.values import Signal

    from .layout import Found


_OLD = re.compile(r"\{%\s*block\s+template\s*%\}")
_NEW = re.compile(r"\{%\s*#?template\s*%\}")
_HTML_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_STYLES = (".css",)
_SCRIPTS = (".js", ".mjs", ".cjs", ".ts", ".mts", ".jsx", ".tsx", ".vue", ".svelte")
_LIBRARY = re.compile(r"\.min\.\w+$|(?:^|/)(?:vendors?|third_party)/")
_STYLE = re.compile(rb"url\(|@import", re.IGNORECASE)
_SCRIPT = re.compile(
    rb"EventSource|WebSocket|\beval\s*\(|\bnew\s+Function\b"
    rb"|\bset(?:Timeout|Interval)\s*\(\s*[\"'`]|[\"'`](?:(?:https?|wss?):)?//"
)
_USUAL = frozenset({"_components", "jinja2", "templates"})
_MAIL = re.compile(r"(?:^|/)emails?/|[_.-]email|email[_.-]", re.IGNORECASE)
_INLINE = re.compile(rb"^template\s*(?::[^=\n]+)?=", re.MULTILINE)


def find_markup(found: Found, hosts: frozenset[str]) -> Iterator[Signal]:
    """Yield csp.*, static.literal, dev.origin, *.client and next.old_layout."""
    folders = tuple(_folders(found))
    for path in found.tree.files:
        name = path.rpartition("/")[2]
        if not found.served(path):
            continue
        if path.endswith((".djx", ".html")) and _is_template(found, path, folders):
            yield from _file(found, path, hosts)
        elif path.endswith(_STYLES) or (
            path.endswith(_SCRIPTS) and not _LIBRARY.search(path)
        ):
            yield from _asset(found, path, hosts)
        elif name in ("page.py", "component.py"):
            yield from _inline(found, path, hosts)


def _folders(found: Found) -> Iterator[str]:
    """Yield the folders of the project that TEMPLATES names, with a final slash."""
    engines = found.reader.names.get("TEMPLATES")
    for engine in engines if isinstance(engines, list) else ():
        named = engine.get("DIRS") if isinstance(engine, dict) else None
        for item in named if isinstance(named, list | tuple) else ():
            if isinstance(item, str | Place):
                path = relative(found.tree, place(found.tree.root, item))
                yield from (f"{path}/",) if path else ()


def _is_template(found: Found, path: str, named: tuple[str, ...]) -> bool:
    if path.endswith(".djx") or found.pages.holds(path):
        return True
    usual = not _USUAL.isdisjoint(path.split("/")[:-1])
    return (usual or path.startswith(named)) and not _MAIL.search(path)


def _decoded(found: Found, path: str) -> str | None:
    data = found.tree.read(path)
    if data is None:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        found.tree.unreadable[path] = "is no UTF-8"
        return None


def _file(found: Found, path: str, hosts: frozenset[str]) -> Iterator[Signal]:
    source = _decoded(found, path)
    if source is None:
        return
    if path.endswith("layout.djx"):
        plain = COMMENT.sub(blank, source)
        old = _OLD.search(plain)
        if old and not _NEW.search(plain):
            yield Text(path, source).signal("next.old_layout", old.start())
    if "<" in source or "{%" in source:
        yield from read_markup(Text(path, source, hosts))


def _asset(found: Found, path: str, hosts: frozenset[str]) -> Iterator[Signal]:
    data = found.tree.read(path) or b""
    if not (_STYLE if path.endswith(_STYLES) else _SCRIPT).search(data):
        return
    from .assets import read_script, read_style

    text = Text(path, data.decode("utf-8", "replace"), hosts)
    read = read_style if path.endswith(_STYLES) else read_script
    yield from read(text, _HTML_COMMENT.sub(blank, text.text))


def _inline(found: Found, path: str, hosts: frozenset[str]) -> Iterator[Signal]:
    """Yield the findings in the `template` string of a page or component module."""
    data = found.tree.read(path) or b""
    module = found.code.module(path, data) if _INLINE.search(data) else None
    node = module.top.get("template", [None])[-1] if module else None
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = Text(path, node.value, hosts, first_line=node.lineno)
        yield from read_markup(text)


__all__ = ["find_markup"]
