"""Where else the settings module is named, which the split makes a package."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from nextwizard.values import Signal

from .files import evidence


if TYPE_CHECKING:
    from collections.abc import Iterator

    from .layout import Found


_TEXT = re.compile(
    r"(?:.*[._-])?(?:Dockerfile|Containerfile|Procfile|Makefile|justfile)(?:\..*)?"
    r"|.*\.(?:cfg|conf|env|ini|service|sh|toml|ya?ml)|\.env.*",
    re.IGNORECASE,
)
_POINTED = frozenset(
    "conftest.py manage.py pyproject.toml pytest.ini setup.cfg tox.ini".split()
)
"""What init points to the dev settings by itself."""


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


__all__ = ["find_mentions"]
