"""Other places that still speak of a settings module that became a package."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nextwizard.values import Evidence

from .source import NEWLINE


if TYPE_CHECKING:
    from collections.abc import Iterator


_BEFORE_A_MODULE = (
    rb"(?:DJANGO_SETTINGS_MODULE[\"']?\s*[=:,]?\s*[\"']?"
    rb"|--(?:ds|settings)[= ]|^\s*(?:import|from)\s+)"
)
"""What tells a module without a package from the plain word."""


def leftovers(path: str, data: bytes, old: str) -> tuple[Evidence, ...]:
    """Return the lines of a file that name the old module or the old file.

    Any bytes will do: nothing is decoded, and nothing is ever rewritten.
    """
    mention = re.compile(b"|".join(_mentions(path, old)))
    lines = enumerate(NEWLINE.split(data), start=1)
    return tuple(
        Evidence(path, number) for number, line in lines if mention.search(line)
    )


def _mentions(path: str, old: str) -> tuple[bytes, ...]:
    """Return the patterns for the module, its file and, in Python, its imports."""
    package, _, name = old.rpartition(".")
    word = re.escape(old.encode()) + rb"(?!\w|\.\S)"
    module = (rb"(?<!\w)(?<!\w\.)" if package else _BEFORE_A_MODULE) + word
    file = rb"(?<![\w-])" + re.escape(old.replace(".", "/").encode()) + rb"\.py\b"
    if not path.endswith(".py"):
        return module, file
    return module, file, *_imports(path, package, name.encode())


def _imports(path: str, package: str, name: bytes) -> Iterator[bytes]:
    """Yield the patterns of `from package import name` and its relative forms."""
    folder = f"/{path}".rpartition("/")[0]
    sources = [re.escape(package.encode())] if package else []
    if folder.endswith("/" + package.replace(".", "/")):
        sources.append(rb"\.")
        yield rb"\bfrom\s+\.%s\s+import\b" % name
    if sources:
        yield rb"\bfrom\s+(?:%s)\s+import\b[^#]*\b%s\b" % (b"|".join(sources), name)


__all__ = ["leftovers"]
