"""A path as the settings build one: joined, cut, compared; never looked up on a disk.

pathlib would do, and would bring seven modules along on the way of every run.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import override


@dataclass(frozen=True, slots=True)
class Place:
    """One POSIX path, without `.` parts and doubled slashes."""

    text: str

    @override
    def __str__(self) -> str:
        """Return the path as text."""
        return self.text

    def __fspath__(self) -> str:
        """Return the path as text, for os.path."""
        return self.text

    def __truediv__(self, other: object) -> Place:
        """Return the path joined with another part; an absolute one stands alone."""
        return place(self, other)

    @property
    def parts(self) -> tuple[str, ...]:
        """The names between the slashes."""
        return tuple(part for part in self.text.split("/") if part and part != ".")

    @property
    def name(self) -> str:
        """The last name, nothing for the root."""
        return self.parts[-1] if self.parts else ""

    @property
    def stem(self) -> str:
        """The last name without its ending."""
        return posixpath.splitext(self.name)[0]

    @property
    def parent(self) -> Place:
        """The path above, itself at the top."""
        return place(self.text[: -len(self.name)] or ".") if self.name else self

    @property
    def parents(self) -> tuple[Place, ...]:
        """Every path above, the nearest first."""
        found, here = [], self
        while here.parent != here:
            here = here.parent
            found.append(here)
        return tuple(found)

    def is_absolute(self) -> bool:
        """Tell whether the path starts at the root."""
        return self.text.startswith("/")

    def below(self, top: str) -> str | None:
        """Return the rest below another path, `.` for itself, None when not below."""
        if self.text == top:
            return "."
        lead = top.rstrip("/") + "/"
        return self.text[len(lead) :] if self.text.startswith(lead) else None

    def with_name(self, name: str) -> Place:
        """Return the path with another last name."""
        return self.parent / name

    def match(self, pattern: str) -> bool:
        """Tell whether shell patterns match the last parts, one each."""
        wanted = place(pattern).parts
        own = self.parts[-len(wanted) :]
        pairs = zip(own, wanted, strict=False)
        return len(own) == len(wanted) and all(fnmatchcase(*pair) for pair in pairs)


def place(*parts: object) -> Place:
    """Return parts joined into one path; a later absolute one starts anew."""
    joined = posixpath.join(*(str(part) for part in parts))
    top = "/" if joined.startswith("/") else ""
    names = [part for part in joined.split("/") if part and part != "."]
    return Place(f"{top}{'/'.join(names)}" or ".")


__all__ = ["Place", "place"]
