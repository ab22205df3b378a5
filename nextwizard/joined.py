"""An edited file and its new rendering: joined where both can be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .merge import merge
from .state import digest


if TYPE_CHECKING:
    from .state import Disk
    from .values import RenderedFile


def joined(file: RenderedFile, now: bytes, base: bytes) -> tuple[bytes | None, str]:
    """Return both sides' edits of the base in one text, or None and why not."""
    found = merge(base, now, file.data)
    if found.data is None:
        return None, found.reason or _where(found.lines)
    if _broken(file, now, found.data):
        return None, "your edit and the new rendering make no valid Python together"
    return found.data, ""


def _where(lines: tuple[int, ...]) -> str:
    word = "line" if len(lines) == 1 else "lines"
    found = ", ".join(map(str, lines[:3])) + (", …" if lines[3:] else "")
    return f"you changed {word} {found}, and so would nextwizard"


def _broken(file: RenderedFile, now: bytes, joined: bytes) -> bool:
    """Tell whether a merge broke a Python file that was whole before."""
    if file.checker != "python" and not file.path.endswith(".py"):
        return False
    return _compiles(now) and not _compiles(joined)


def _compiles(data: bytes) -> bool:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(data, "merged", "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return False
    return True


def moved_to(path: str, sha: str, disk: Disk) -> str:
    """Return the neighbour that holds a file's last rendering under another name."""
    folder = path.rpartition("/")[0]
    lead = f"{folder}/" if folder else ""
    for name in disk.names(folder):
        data = disk.read(f"{lead}{name}") if not name.endswith(".new") else None
        if data is not None and digest(data) == sha:
            return f"{lead}{name}"
    return ""


__all__ = ["joined", "moved_to"]
