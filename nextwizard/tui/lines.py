"""Text as the wizard draws it: a widget of lines, and words that wrap."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, override

from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget


if TYPE_CHECKING:
    from typing import Self

    from textual.geometry import Size


MUTED = "$text-muted"


class Lines(Widget):
    """A widget whose text depends on its width; `lines` says what it shows.

    A key changes few lines, so each is drawn by itself and only when it is another.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = "Lines { height: auto; }"
    _made: tuple[int, list[Content]] | None = None
    _told: tuple[object, ...] = ()

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
    def render_line(self, y: int) -> Strip:
        """Return one line of the screen."""
        width, style = self.size.width, self.visual_style
        if self._made is None or self._made[0] != width:
            self._made = (width, self.lines(width))
        for line in self._made[1][y : y + 1]:
            spans = [span for span in line.spans if span.start < span.end]
            text = Content(line.plain, spans)
            return Visual.to_strips(self, text, width, 1, style)[0].apply_offsets(0, y)
        return Strip.blank(width, style.rich_style)

    @override
    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """Draw again: without regions everything is made anew."""
        if not regions:
            self._made = None
        return super().refresh(
            *regions, repaint=repaint, layout=layout, recompose=recompose
        )

    def tell(self, *what: object) -> None:
        """Take all that `lines` tells of; nothing is made where it is the same."""
        if what != self._told:
            self._told = what
            self.redraw()

    def redraw(self) -> None:
        """Draw the lines that are others by now, at another height if need be.

        A layout draws the whole screen, so only another number of lines asks for one.
        """
        if not self.is_attached:
            return
        (width, height), old = self.size, self._made
        found = self.lines(width)
        if old is None or old[0] != width or not len(found) == len(old[1]) == height:
            self.refresh(layout=len(found) != height)
            return
        self._made = (width, found)
        pairs = enumerate(zip(old[1], found, strict=True))
        other = [y for y, (was, now) in pairs if not was.is_same(now)]
        if other:
            self.refresh(*(Region(0, y, width, 1) for y in other))


def bordered(widget: Widget, above: str = "", below: str = "") -> None:
    """Name a widget in its border; only another name draws it again."""
    if above and widget.border_title != above:
        widget.border_title = above
    if below and widget.border_subtitle != below:
        widget.border_subtitle = below


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


__all__ = ["MUTED", "Lines", "bordered", "ends", "folded"]
