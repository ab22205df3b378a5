"""Where the parts of the project are, put together from settings, URLs and pages."""

from __future__ import annotations

import ast
import posixpath
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from nextwizard.values import Layout, Settings

from .evaluate import known
from .files import Served, evidence, shown
from .locate import inserted, locate, located, production, required
from .pages import Pages, app_folders, read_pages, relative
from .place import Place, place
from .settings import Reader
from .surroundings import written
from .urls import Urls, read_urls


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nextwizard.values import Evidence, Shape

    from .codebase import Code
    from .files import Tree
    from .locate import Start
    from .source import Module


_TOOLS: Final[Mapping[str, Shape]] = {
    "configurations": "configurations",
    "dynaconf": "dynaconf",
    "environ": "environ",
}
_SECRET = re.compile(r"SECRET|TOKEN|API_KEY|PASSWORD(?!_HASHERS|_VALIDATORS|_RESET)")
_SHARED = re.compile(
    r"(?:\A|\.)(?!\w*local)(?:\w+_)?(?:base|common|defaults|settings)(?:_\w+)?\Z"
)
"""A module that this one builds on; one named local is laid over it instead."""

_STAR = re.compile(rb"^([ \t]*)from[ \t]+([\w.]+)[ \t]+import[ \t]*\*", re.MULTILINE)


class Found(NamedTuple):
    """Everything the detectors look at."""

    code: Code
    start: Start
    reader: Reader
    urls: Urls
    pages: Pages
    served: Served
    layout: Layout
    managed: frozenset[str] = frozenset()

    @property
    def tree(self) -> Tree:
        """Return the files of the project."""
        return self.code.tree

    def page_path(self, path: str) -> str:
        """Return the static part of the URL of a file in a page tree, or nothing."""
        trail = self.pages.segments(path)
        if trail is None or self.urls.mount_at is None:
            return ""
        if self.urls.i18n_at is not None:
            return "/"
        if not self.urls.mount_fixed:
            return f"/{self.urls.mount}"
        static, bracket, _ = trail.partition("[")
        ending = "" if bracket or not trail else "/"
        return f"/{self.urls.mount}{static}{ending}"


def find_layout(tree: Tree, managed: frozenset[str]) -> Found:
    """Return where everything is; InputError when that cannot be told."""
    start = locate(tree)
    code = start.code
    own = production(code, start, managed)
    reader = Reader(code)
    reader.read(_effective(code, own or start.module, start, managed))
    _add_roots(code, reader)
    urlconf = _urlconf(code, reader, start.module)
    urls = read_urls(code, required(code, urlconf)) if urlconf else Urls()
    base = _base(tree, reader, start)
    pages = read_pages(code, reader, base, managed)
    layout = Layout(
        *_package(code, reader, start),
        manage=shown(start.manage),
        urlconf=shown(urlconf),
        settings=_settings(start, reader, own),
        page_roots=tuple(root._replace(path=shown(root.path)) for root in pages.roots),
        mount=urls.mount,
        mount_evidence=urls.mount_at,
    )
    layout = layout._replace(source_root=_source_root(code, layout))
    served = _served(code, reader, pages, managed)
    return Found(code, start, reader, urls, pages, served, layout, managed)


def _add_roots(code: Code, reader: Reader) -> None:
    """Take in the folders that the settings themselves put on the import path."""
    found = (
        folder
        for module in reader.modules
        for folder in inserted(code.tree, module, reader.evaluator(module))
    )
    more = (folder for folder in found if folder in code.tree.folders)
    code.add_roots(folder for folder in more if folder not in code.roots)


def _effective(code: Code, module: str, start: Start, managed: frozenset[str]) -> str:
    """Return the user's module the site runs on: below a prod.py we wrote, its base."""
    ours = located(code, start.served) if start.served else ""
    if ours not in managed:
        return module
    stars = _stars(code, start.served, code.tree.read(ours) or b"")
    return next((star for star in stars if located(code, star)), module)


def _stars(code: Code, dotted: str, data: bytes) -> Sequence[str]:
    """Return the modules a file of ours builds on, parsed only when it was rewritten.

    It is a long one, and nothing else in it is looked at.
    """
    named = _STAR.findall(data)
    if len(named) == 1 and not named[0][0] and named[0][1][:1] != b".":
        return (named[0][1].decode(),)
    found = code.find(dotted)
    return found.stars if found else ()


def _urlconf(code: Code, reader: Reader, module: str) -> str:
    """Return the path of ROOT_URLCONF, else of the urls beside the settings."""
    named = reader.names.get("ROOT_URLCONF")
    beside = f"{module.partition('.')[0]}.urls"
    dotted = named if isinstance(named, str) else beside
    path = located(code, dotted)
    if not path and isinstance(named, str):
        return f"{dotted.replace('.', '/')}.py"
    return path


def _base(tree: Tree, reader: Reader, start: Start) -> str:
    """Return BASE_DIR below the root; where it cannot be read, manage.py's folder."""
    value = reader.names.get("BASE_DIR")
    if isinstance(value, str | Place):
        inside = relative(tree, place(tree.root, value))
        if inside is not None:
            return inside
    return posixpath.dirname(start.manage)


def _package(code: Code, reader: Reader, start: Start) -> tuple[str, str]:
    """Return the package of urls, wsgi and asgi, and its folder."""
    for key, drop in (("WSGI_APPLICATION", 2), ("ASGI_APPLICATION", 2)):
        value = reader.names.get(key)
        if isinstance(value, str) and code.path_of(value.rpartition(".")[0]):
            return _with_folder(code, ".".join(value.split(".")[:-drop]))
    urlconf = reader.names.get("ROOT_URLCONF")
    if isinstance(urlconf, str) and "." in urlconf:
        return _with_folder(code, urlconf.rpartition(".")[0])
    parts = start.module.split(".")
    inside = parts.index("settings") if "settings" in parts else len(parts) - 1
    return _with_folder(code, ".".join(parts[:inside]))


def _with_folder(code: Code, package: str) -> tuple[str, str]:
    return package, shown(code.folder_of(package)) if package else ""


def _source_root(code: Code, layout: Layout) -> str:
    """Return the folder that must be on the import path for the package."""
    if not layout.package:
        return posixpath.dirname(layout.manage)
    inner = layout.package.replace(".", "/")
    found = (r for r in code.roots if posixpath.join(r, inner) == layout.package_dir)
    return next(found, "")


def _served(
    code: Code, reader: Reader, pages: Pages, managed: frozenset[str]
) -> Served:
    """Return which files take part in a request."""
    outputs = [_value_path(code.tree, reader, k) for k in ("STATIC_ROOT", "MEDIA_ROOT")]
    if "deploy/boot.py" in code.tree:
        outputs.append("deploy")
    return Served(
        homes=frozenset(app_folders(code, reader)),
        trees=frozenset(root.path for root in pages.roots),
        outputs=tuple(path for path in outputs if path),
        managed=managed,
    )


def _value_path(tree: Tree, reader: Reader, key: str) -> str | None:
    value = reader.names.get(key)
    if isinstance(value, str | Place):
        return relative(tree, place(tree.root, value))
    return None


def _settings(start: Start, reader: Reader, own: str) -> Settings:
    code = start.code
    path = located(code, start.module)
    module = required(code, path)
    shape, where = _shape(code, reader, module, own)
    return Settings(
        module=start.module,
        path=shown(path),
        shape=shape,
        evidence=where,
        literals=_literals(code.tree, reader),
        lines=_lines(module),
        names=frozenset(name for name in reader.names if name.isupper()),
        written_secrets=frozenset(
            name
            for name, binding in reader.bound.items()
            if _SECRET.search(name) and written(binding)
        ),
        prod_module=own,
    )


def _shape(
    code: Code, reader: Reader, module: Module, own: str
) -> tuple[Shape, Evidence]:
    """Return how the settings are written and what shows it."""
    for read in (*reader.modules, module):
        for name, node in read.imported():
            tool = _TOOLS.get(name.partition(".")[0])
            if tool:
                return tool, read.at(node)
    inside = posixpath.basename(posixpath.dirname(module.path)) == "settings"
    split = inside or posixpath.basename(module.path) == "__init__.py"
    shared = any(_SHARED.search(star) and code.find(star) for star in module.stars)
    return "package" if own or split or shared else "file", evidence(module.path)


def _literals(tree: Tree, reader: Reader) -> dict[str, object]:
    """Return the UPPERCASE values that need no run; paths are below the root.

    Secrets stay where they are: nobody downstream could print what is not here.
    """
    return {
        name: _relative(tree, binding.value)
        for name, binding in reader.bound.items()
        if name.isupper() and not _SECRET.search(name) and known(binding.value)
    }


def _relative(tree: Tree, value: object) -> object:
    match value:
        case Place():
            inside = relative(tree, value)
            return value if inside is None else place(inside)
        case list() | tuple():
            return type(value)(_relative(tree, item) for item in value)
        case dict():
            return {
                key: _relative(tree, item)
                for key, item in value.items()
                if not _SECRET.search(str(key))
            }
    return value


def _lines(module: Module) -> dict[str, int]:
    """Return the first line of each UPPERCASE name a file itself binds."""
    found: dict[str, int] = {}
    for node, scope in module.of(ast.Name):
        stored = isinstance(node.ctx, ast.Store) and not scope
        if stored and node.id.isupper():
            found.setdefault(node.id, node.lineno)
    return found


__all__ = ["Found", "find_layout"]
