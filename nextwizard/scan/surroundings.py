"""What ties the settings to what is around them: their name, and the environment."""

from __future__ import annotations

import ast
import posixpath
import re
from typing import TYPE_CHECKING

from nextwizard.values import Fact, Signal

from .files import evidence


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .layout import Found
    from .place import Binding


_TEXT = re.compile(
    r"(?:.*[._-])?(?:Dockerfile|Containerfile|Procfile|Makefile|justfile)(?:\..*)?"
    r"|.*\.(?:cfg|conf|env|ini|service|sh|toml|ya?ml)|\.env.*",
    re.IGNORECASE,
)
_POINTED = frozenset(
    "conftest.py manage.py pyproject.toml pytest.ini setup.cfg tox.ini".split()
)
"""What init points to the dev settings by itself."""


_OURS = ("health", "liveness", "redis_cache", "static_storage")
"""The modules that a deployment may add beside wsgi.py."""
_MADE = b"Made by nextwizard; an edit here survives"


def find_taken(found: Found) -> Iterator[Signal]:
    """Yield each name of a module of ours that is a module of the user's already."""
    folder = found.layout.package_dir
    for name in _OURS:
        for path in (f"{folder}/{name}/__init__.py", f"{folder}/{name}.py"):
            if path in found.managed or path not in found.tree:
                continue
            if _MADE not in (found.tree.read(path) or b"")[:400]:
                yield Signal("module.taken", evidence(path), name)
                break


def find_mentions(found: Found) -> Iterator[Signal]:
    """Yield each line that names the settings module as one file.

    Looked at are the files beside manage.py and beside the settings, and the texts of
    the folders one below the root, where deployments keep theirs.
    """
    module = _module(found)
    if not module:
        return
    whole = re.compile(rb"(?<![\w./-])" + re.escape(module).encode() + rb"(?![\w.])")
    for path in _candidates(found):
        data = found.tree.read(path) or b""
        if not whole.search(data):
            continue
        entry = path.endswith(("/wsgi.py", "/asgi.py"))
        if entry and b"setdefault" in data:
            continue
        for number, line in enumerate(data.splitlines(), 1):
            if whole.search(line) and not line.lstrip().startswith(b"#"):
                yield Signal("settings.named", evidence(path, number), module)
                break


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
    own = {layout.settings.path, *found.managed}
    for path in found.tree.files:
        folder, _, name = path.rpartition("/")
        if path in own or name in _POINTED or name == "nextwizard.toml":
            continue
        source = path.endswith(".py") and folder in beside
        if source or ("/" not in folder and _TEXT.fullmatch(name)):
            yield path


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


__all__ = ["find_away", "find_mentions", "find_taken", "written"]
