"""The page trees of next.dj, which of them takes a new page, and URL patterns."""

from __future__ import annotations

import ast
import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from nextwizard.values import PageRoot

from .evaluate import known
from .files import evidence
from .place import Place, place


if TYPE_CHECKING:
    from collections.abc import Mapping

    from .codebase import Code
    from .files import Tree
    from .settings import Reader
    from .source import Module


type _Kind = Literal["app", "dirs", "fallback"]


_PAGE_FILES = ("page.py", "template.djx")
_DYNAMIC = re.compile(r"\[\[[^\[\]]+\]\]|\[(?:(?P<kind>\w+):)?[^\[\]]+\]")
_NARROW = frozenset({"int", "uuid"})
_CONVERTER = re.compile(r"<(?:(?P<kind>\w+):)?\w+>")
_SHAPES: Final[Mapping[str, str]] = {
    "int": "[0-9]+",
    "path": ".+",
    "slug": "[-a-zA-Z0-9_]+",
    "str": "[^/]+",
    "uuid": "[0-9a-f]{8}-[0-9a-f-]{27}",
}
_LITERAL = re.compile(r"(?:[^\\^$.|?*+()\[\]{}]|\\[^\w\s])+")


@dataclass(frozen=True, slots=True)
class Pages:
    """The page trees in the order their URLs are tried, and the names they skip.

    `complete` is false where a backend's folders cannot be read from the settings.
    """

    roots: tuple[PageRoot, ...] = ()
    skipped: frozenset[str] = frozenset()
    complete: bool = True
    paths: dict[str, PageRoot] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index the trees by their folders."""
        self.paths.update({root.path: root for root in self.roots})

    def holds(self, path: str) -> PageRoot | None:
        """Return the deepest page tree a file lies in."""
        parts = path.split("/")
        for length in range(len(parts) - 1, 0, -1):
            root = self.paths.get("/".join(parts[:length]))
            if root is not None:
                return root
        return self.paths.get("")

    def segments(self, path: str) -> str | None:
        """Return the URL trail of a file in a page tree, None outside of them."""
        root = self.holds(path)
        if root is None:
            return None
        trail = posixpath.dirname(path[len(root.path) :].lstrip("/"))
        return None if self.skipped & set(trail.split("/")) else trail


def _backends(reader: Reader) -> tuple[list[dict[str, object]], bool]:
    """Return the page backends of the settings, and whether all could be read."""
    framework = reader.names.get("NEXT_FRAMEWORK", {})
    if not isinstance(framework, dict):
        return [], False
    entries = framework.get("PAGE_BACKENDS", framework.get("DEFAULT_PAGE_BACKENDS"))
    if entries is None:
        return [{"PAGES_DIR": "pages", "APP_DIRS": True, "DIRS": []}], True
    if not isinstance(entries, list):
        return [], False
    found = [entry for entry in entries if isinstance(entry, dict)]
    return found, len(found) == len(entries) and known(found)


def _skipped(reader: Reader) -> str:
    """Return the name of component folders, which hold no pages."""
    framework = reader.names.get("NEXT_FRAMEWORK", {})
    if isinstance(framework, dict):
        for key in ("COMPONENT_BACKENDS", "DEFAULT_COMPONENT_BACKENDS"):
            match framework.get(key):
                case [{"COMPONENTS_DIR": str() as name}, *_]:
                    return name
    return "_components"


def app_folders(code: Code, reader: Reader) -> list[str]:
    """Return the folders of the installed apps that lie in the project, in order."""
    entries = reader.names.get("INSTALLED_APPS", [])
    names = entries if isinstance(entries, list | tuple) else []
    found = (_app_folder(code, name) for name in names if isinstance(name, str))
    return list(dict.fromkeys(folder for folder in found if folder))


def _app_folder(code: Code, entry: str) -> str:
    if entry.partition(".")[0] in ("django", "next"):
        return ""
    parent, _, name = entry.rpartition(".")
    if not name[:1].isupper():
        return code.folder_of(entry)
    module = code.find(parent)
    for node in module.top.get(name, []) if module else []:
        for inner in node.body if isinstance(node, ast.ClassDef) else []:
            match inner:
                case ast.Assign(
                    targets=[ast.Name(id="name")],
                    value=ast.Constant(value=str() as dotted),
                ):
                    return code.folder_of(dotted)
    return code.folder_of(parent.rpartition(".")[0])


def read_pages(code: Code, reader: Reader, base: str, managed: frozenset[str]) -> Pages:
    """Return the page trees the settings bring, base being BASE_DIR below the root."""
    entries, complete = _backends(reader)
    apps = app_folders(code, reader)
    skipped = {_skipped(reader)}
    found: dict[str, _Kind] = {}
    for entry in entries:
        pages = str(entry.get("PAGES_DIR", "pages"))
        in_apps = entry.get("APP_DIRS", True) is not False
        for folder in apps if in_apps else []:
            found.setdefault(f"{folder}/{pages}", "app")
        folders, segments = _dirs(code.tree, entry.get("DIRS", []), base)
        skipped |= segments
        for folder in folders:
            found.setdefault(folder, "dirs")
        if not in_apps and not folders:
            found.setdefault(posixpath.join(base, pages), "fallback")
    if not complete:
        found = {**_guessed(code.tree, apps), **found}
    existing = ((p, k) for p, k in found.items() if p in code.tree.folders)
    names = frozenset(skipped)
    roots = tuple(_root(code, path, kind, names, managed) for path, kind in existing)
    return Pages(roots, names, complete)


def _guessed(tree: Tree, apps: list[str]) -> dict[str, _Kind]:
    """Return the folders right below an app that hold pages somewhere."""
    found: dict[str, _Kind] = {}
    for path in tree.files:
        if path.rpartition("/")[2] in _PAGE_FILES:
            for app in apps:
                if path.startswith(f"{app}/"):
                    first = path[len(app) + 1 :].partition("/")[0]
                    found[f"{app}/{first}"] = "app"
    return found


def _dirs(tree: Tree, value: object, base: str) -> tuple[list[str], set[str]]:
    """Split DIRS into the folders it names and the segment names it refuses."""
    folders, names = [], set()
    for item in value if isinstance(value, list | tuple) else []:
        if not isinstance(item, str | Place):
            continue
        path = relative(tree, place(tree.root, base, item))
        if path is not None and path in tree.folders:
            folders.append(path)
        elif path is not None and not place(item).is_absolute():
            names.add(place(item).name)
    return folders, names


def relative(tree: Tree, path: Place) -> str | None:
    """Return a path below the root, "" for the root itself, None outside of it."""
    clean = place(posixpath.normpath(path))
    inside = clean.below(tree.root)
    return "" if inside == "." else inside


def _root(
    code: Code, path: str, kind: _Kind, skipped: frozenset[str], managed: frozenset[str]
) -> PageRoot:
    pages = Pages((PageRoot(path, "app"),), skipped)
    trails: dict[str, str] = {}
    for file in code.tree.below(path):
        if file.rpartition("/")[2] in _PAGE_FILES and file not in managed:
            trail = pages.segments(file)
            if trail is not None:
                trails.setdefault(trail, file)
    swallowing = next((f for t, f in trails.items() if _swallows(t)), None)
    return PageRoot(
        path,
        kind,
        _import_name(code, path),
        len(trails),
        evidence(swallowing) if swallowing else None,
    )


def _swallows(trail: str) -> bool:
    """Return whether a page right below its root answers any one-segment URL."""
    match = _DYNAMIC.fullmatch(trail)
    return match is not None and match["kind"] not in _NARROW


def _import_name(code: Code, path: str) -> str:
    dotted = code.dotted(path)
    return dotted if all(part.isidentifier() for part in dotted.split(".")) else ""


def chosen(roots: tuple[PageRoot, ...]) -> PageRoot | None:
    """Return the tree a new page belongs in.

    The first app tree with a catch-all, which answers before any later tree; else the
    app tree with most pages, ties by name; a DIRS tree only where no app has pages.
    """
    apps = [root for root in roots if root.kind == "app"]
    swallowing = [root for root in apps if root.catch_all]
    ranked = sorted(roots, key=lambda root: (-root.pages, root.path))
    with_pages = [root for root in ranked if root.pages]
    first = [root for root in with_pages if root.kind == "app"]
    return next(iter((*swallowing, *first, *with_pages, *apps, *ranked)), None)


@dataclass(frozen=True, slots=True)
class Prefix:
    """What stands before a pattern: its static text, and all of it as an expression.

    `fixed` is false once a part of the path varies: the text ends there.
    """

    text: str = ""
    regex: str = ""
    fixed: bool = True

    def then(self, static: str, regex: str, *, fixed: bool) -> Prefix:
        """Return this prefix with a pattern after it."""
        text = f"{self.text}{static}" if self.fixed else self.text
        return Prefix(text, f"{self.regex}{regex}", self.fixed and fixed)


def _plain(prefix: Prefix, route: str) -> Prefix:
    """Return a prefix with a path() route after it."""
    found = _CONVERTER.search(route)
    static = route[: found.start()] if found else route
    regex, position = "", 0
    for match in _CONVERTER.finditer(route):
        kind = match["kind"] or "str"
        regex += re.escape(route[position : match.start()])
        regex += _SHAPES.get(kind, _SHAPES["str"])
        position = match.end()
    regex += re.escape(route[position:])
    return prefix.then(static, regex, fixed=found is None)


def _regular(prefix: Prefix, pattern: str) -> Prefix:
    """Return a prefix with a re_path() expression after it."""
    body = pattern.removeprefix("^").removeprefix(r"\A")
    ends = body.endswith(("$", r"\Z"))
    body = body.removesuffix("$").removesuffix(r"\Z")
    found = _LITERAL.match(body)
    static = found[0] if found else ""
    rest = body[len(static) :]
    if rest[:1] in ("?", "*", "{") and rest:
        static = static[:-1]
    static = re.sub(r"\\(.)", r"\1", static)
    return prefix.then(static, body if ends else f"{body}.*", fixed=not rest)


def extend(code: Code, module: Module, prefix: Prefix, call: ast.Call) -> Prefix | None:
    """Return the prefix a path(), re_path() or url() call leads to, None for others."""
    name = code.hint(module, call.func).rpartition(".")[2]
    if name not in ("path", "re_path", "url") or len(call.args) < 2:  # noqa: PLR2004 - route, view
        return None
    route = call.args[0]
    if isinstance(route, ast.Call) and route.args:
        route = route.args[0]
    text = route.value if isinstance(route, ast.Constant) else None
    if not isinstance(text, str):
        return prefix.then("", ".*", fixed=False)
    return _plain(prefix, text) if name == "path" else _regular(prefix, text)


__all__ = [
    "Pages",
    "Prefix",
    "app_folders",
    "chosen",
    "extend",
    "read_pages",
    "relative",
]
