"""Text as the wizard draws it: a widget of lines, and words that wrap."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, override

from textual.content import Content
from textual.widget import Widget


if TYPE_CHECKING:
    from textual.geometry import Size


MUTED = "$text-muted"


class Lines(Widget):
    """A widget whose text depends on its width; `lines` says what it shows."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Lines { height: auto; }"

    def lines(self, width: int) -> list[Content]:
        """Return the lines as they stand at a width."""
        raise NotImplementedError

    @property
    def narrow(self) -> bool:
        """Whether reasons move behind F1, because the screen has no room for them."""
        return self.screen.has_class("-narrow")

    @override
    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return how many lines there are at this width."""
        return len(self.lines(width))

    @override
    def render(self) -> Content:
        """Return the lines as one text."""
        return Content("\n").join(self.lines(self.content_size.width))

    def redraw(self) -> None:
        """Draw again, at another height if need be."""
        self.refresh(layout=True)


def folded(text: str, width: int, indent: int = 0, style: str = "") -> list[Content]:
    """Return a text in lines of a width, each with this many blanks before it."""
    room = max(8, width - indent)
    found = wrap(text, room, break_long_words=True, break_on_hyphens=False) or [""]
    return [Content.styled(" " * indent + line, style) for line in found]


def ends(left: Content, right: Content, width: int) -> Content:
    """Return two texts at the two ends of a line; the left one gives way."""
    room = max(0, width - right.cell_length - 1)
    shown = left if left.cell_length <= room else left.truncate(room, ellipsis=True)
    gap = max(1, width - shown.cell_length - right.cell_length)
    return Content.assemble(shown, " " * gap, right)


__all__ = ["MUTED", "Lines", "ends", "folded"]
