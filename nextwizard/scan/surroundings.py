"""What ties the settings to what is around them: their name, and the environment."""

from __future__ import annotations

import ast
import posixpath
import re
from typing import TYPE_CHECKING

from nextwizard.values import MADE, MODULES, Fact, Signal

from .files import ASIDE, TOOLS, evidence


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .layout import Found
    from .place import Binding


_TEXT = re.compile(
    r"(?:.*[._-])?(?:Containerfile|Dockerfile|Earthfile|Jenkinsfile|Makefile|Procfile"
    r"|Tiltfile|justfile)(?:\..*)?"
    r"|.*\.(?:bat|cfg|conf|env|ini|j2|ps1|service|sh|toml|ya?ml)|\.env.*",
    re.IGNORECASE,
)
_DEEPEST = 5
"""Folders below the root in which deployments keep their texts."""

_POINTED = frozenset(
    "conftest.py manage.py nextwizard.toml pyproject.toml pytest.ini setup.cfg "
    "tox.ini".split()
)
"""What init points to the dev settings by itself, and what it is told by."""
_NO_NAME = (b"#", b"from ", b"import ")
"""How a line begins that names no settings to anybody."""

_PARTS = frozenset({"base", "dev", "prod"})
"""What the package holds from then on; a name of the one file is not among them."""


def find_taken(found: Found) -> Iterator[Signal]:
    """Yield each name of a module of ours that is a module of the user's already."""
    folder = found.layout.package_dir
    for name in MODULES:
        for path in (f"{folder}/{name}/__init__.py", f"{folder}/{name}.py"):
            if path in found.managed or path not in found.tree:
                continue
            if MADE not in (found.tree.read(path) or b"")[:400]:
                yield Signal("module.taken", evidence(path), name)
                break


def marks(found: Found) -> tuple[bytes, ...]:
    """Return what a file holds that may name the settings module as one file."""
    module = _module(found)
    package, _, last = module.rpartition(".")
    beside = f"from {package} import" if package else f"import {last}"
    return (module.encode(), beside.encode()) if module else ()


def find_mentions(found: Found, telling: Iterable[str]) -> Iterator[Signal]:
    """Yield the first line of each file that names the settings module as one file.

    Looked at are the files of the site that hold one of `marks`, those beside manage.py
    and beside the settings, and the texts that build, test and deploy.
    """
    module = _module(found)
    if not module:
        return
    whole = re.compile(rb"(?<![\w./-])" + re.escape(module).encode() + rb"(?![\w.])")
    told = (path for path in telling if _is_theirs(found, path))
    for path in dict.fromkeys((*_candidates(found), *told)):
        data = found.tree.read(path) or b""
        at = _imported(found, module, path, data) if path.endswith(".py") else 0
        if at:
            yield Signal("settings.imported", evidence(path, at), module)
        entry = path.endswith(("/wsgi.py", "/asgi.py"))
        if at or not whole.search(data) or (entry and b"setdefault" in data):
            continue
        for number, line in enumerate(data.splitlines(), 1):
            if whole.search(line) and not line.lstrip().startswith(_NO_NAME):
                yield Signal("settings.named", evidence(path, number), module)
                break


def _imported(found: Found, module: str, path: str, data: bytes) -> int:
    """Return the line that imports the settings file itself, 0 where none does."""
    package, _, last = module.rpartition(".")
    near = posixpath.dirname(path) == found.layout.package_dir
    words = (*marks(found), last.encode()) if near else marks(found)
    if not any(word in data for word in words):
        return 0
    read, now = found.code.module(path, data), found.code.find(module)
    if read is None or (now and now.path.endswith("__init__.py") and now.stars):
        return 0
    for node, _ in read.of(ast.ImportFrom):
        source, names = read.source_of(node), {alias.name for alias in node.names}
        whole = source == package and last in names
        if whole or (source == module and names - _PARTS):
            return node.lineno
    lines = (
        node.lineno
        for node, _ in read.of(ast.Import)
        if any(alias.name == module for alias in node.names)
    )
    return next(lines, 0)


def _module(found: Found) -> str:
    """Return the module that is split by this run or was by an earlier one."""
    settings = found.layout.settings
    if settings.shape == "file":
        return settings.module
    folder = posixpath.dirname(settings.path)
    ours = f"{folder}/prod.py" in found.managed and f"{folder}/base.py" in found.tree
    return settings.module.rpartition(".")[0] if ours else ""


def _candidates(found: Found) -> Iterator[str]:
    layout = found.layout
    beside = {"", layout.package_dir, posixpath.dirname(layout.manage)}
    for path in found.tree.files:
        folder, _, name = path.rpartition("/")
        source = path.endswith(".py") and folder in beside
        if (source or _is_text(folder, name)) and _is_theirs(found, path):
            yield path


def _is_theirs(found: Found, path: str) -> bool:
    """Tell whether a file is neither ours nor pointed to the new name by a run."""
    own = path in found.managed or path == found.layout.settings.path
    return not own and posixpath.basename(path) not in _POINTED


def _is_text(folder: str, name: str) -> bool:
    """Tell whether a file is one of those that build, test and deploy."""
    parts = folder.split("/")
    if parts[0] in TOOLS:
        return name.endswith(".json") or bool(_TEXT.fullmatch(name))
    aside = len(parts) > _DEEPEST or (len(parts) > 1 and not ASIDE.isdisjoint(parts))
    return not aside and bool(_TEXT.fullmatch(name))


def written(binding: Binding) -> bool:
    """Tell whether a value stands in the code, be it as what is taken without it."""
    return isinstance(binding.value, str) or any(
        _plain(each)
        for part in binding.nodes
        for node in ast.walk(part.node)
        for each in _fallbacks(node)
    )


def _fallbacks(node: ast.AST) -> Sequence[ast.expr]:
    """Return what an expression is worth where a variable is not set."""
    match node:
        case ast.Call(args=[ast.Constant(value=str(name)), *more], keywords=keywords):
            named = [row.value for row in keywords if row.arg == "default"]
            return [*more, *named] if name.isupper() else []
        case ast.BoolOp(op=ast.Or(), values=values):
            return values[1:]
        case ast.IfExp(body=body, orelse=orelse):
            return [body, orelse]
    return []


def _plain(node: ast.expr) -> bool:
    """Tell whether an expression is text that needs nothing from outside."""
    inner = [*ast.walk(node)]
    asked = any(isinstance(each, (ast.Call, ast.Subscript)) for each in inner)
    texts = (each.value for each in inner if isinstance(each, ast.Constant))
    return not asked and any(isinstance(text, str) and text for text in texts)


_FAR = ("storages.backends.", "cloudinary_storage.", "minio_storage.")
"""What the classes begin with that send files to another machine."""


def find_away(found: Found) -> Iterator[tuple[str, Fact]]:
    """Yield that collectstatic sends the static files away: to S3, GCS and their like.

    The settings name such a class, or one of the project that is built on one.
    """
    binding = found.reader.bound.get("STORAGES")
    said = binding.value if binding else None
    named = said.get("staticfiles") if isinstance(said, dict) else None
    backend = named.get("BACKEND") if isinstance(named, dict) else None
    if not binding or not isinstance(backend, str):
        return
    own = found.code.define(found.code.canonical(backend))
    made = own[1][-1] if own else None
    bases = (
        found.code.bases(own[0], made) if own and isinstance(made, ast.ClassDef) else ()
    )
    if any(name.startswith(_FAR) for name in (backend, *bases)):
        why = f"{backend} sends them to another machine"
        yield "static.away", Fact(backend, (binding.key_line("staticfiles"),), why)


__all__ = ["find_away", "find_mentions", "find_taken", "marks", "written"]
