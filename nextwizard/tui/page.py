"""The text of a file, line by line: only lines that can be seen are coloured."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, override

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.highlight import highlight
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from .lines import MUTED, bordered


if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from textual.style import Style

    from nextwizard.preview import Row


GUTTER = 2
ABOVE = 3
"""Lines left above the first change, so that it is seen where it stands."""

KEPT = 1000
"""Drawn lines that are kept: a key changes few of those that are seen."""

_MARKS = {"+": "bold $text-success", "-": "$text-error", "@": "$text-accent"}


class Page(ScrollView, can_focus=True):
    """A file's lines with `+` and `-` in the gutter."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
    ]

    def __init__(self, id: str) -> None:  # noqa: A002 - textual's name
        """Start empty."""
        super().__init__(id=id)
        self.rows: tuple[Row, ...] = ()
        self.language = "text"
        self.path = ""
        self._naming = False
        self._quoted: tuple[bool, ...] = ()
        self._drawn: dict[tuple[str, str, bool], Content] = {}
        self._strips: dict[tuple[object, ...], Strip] = {}

    def name_file(self, path: str) -> None:
        """Name a file in the border; only the line it stands in is drawn again."""
        self._naming = True
        bordered(self, above=Content(path).markup)
        self._naming = False

    @override
    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """Draw again; while it is named, its upper border alone."""
        if self._naming:
            edge = Region(0, 0, self.outer_size.width, 1)
            regions = (edge.translate(-self.content_offset),)
        return super().refresh(
            *regions, repaint=repaint, layout=layout, recompose=recompose
        )

    def show(self, path: str, language: str, rows: Sequence[Row]) -> None:
        """Show a file, scrolled to its first marked line; only what changed is drawn.

        A file that is shown already, with nothing marked, stays where it is.
        """
        old, fresh = self._seen(), path != self.path
        if language != self.language:
            self._drawn.clear()
            self._strips.clear()
        before, self.rows = self.rows, tuple(rows)
        self.path, self.language = path, language
        if self.rows == before and not fresh:
            return
        self._quoted = _quoted(self.rows) if language == "python" else ()
        longest = max((len(row.text) for row in self.rows), default=0)
        self._measure(Size(longest + GUTTER, len(self.rows)))
        marked = [at for at, row in enumerate(self.rows) if row.mark != " "]
        if marked or fresh:
            top = max(0, marked[0] - ABOVE) if marked else 0
            self.scroll_to(0, top, animate=False, immediate=True)
        for y, (was, now) in enumerate(zip(old, self._seen(), strict=True)):
            if was != now:
                self.refresh(Region(0, y, self.size.width, 1))

    def _measure(self, size: Size) -> None:
        """Take another size: only its height can move anything else on the screen."""
        if size.height == self.virtual_size.height:
            self.set_reactive(Page.virtual_size, size)
        else:
            self.virtual_size = size

    def _seen(self) -> list[tuple[object, ...]]:
        """Return what each line of the screen shows."""
        (across, down), height = self.scroll_offset, self.size.height
        found: list[tuple[object, ...]] = []
        for at in range(down, down + height):
            quoted = bool(self._quoted[at : at + 1]) and self._quoted[at]
            row = self.rows[at] if at < len(self.rows) else None
            found.append((across, self.language, row, quoted))
        return found

    def _content(self, at: int) -> Content:
        """Return one line in its colours, looked up by its text."""
        row = self.rows[at]
        quoted = bool(self._quoted) and self._quoted[at]
        known = (row.mark, row.text, quoted)
        if known not in self._drawn:
            style = _MARKS.get(row.mark, "")
            if row.mark in "-@":
                text = Content.styled(row.text, style if row.mark == "@" else MUTED)
            elif quoted:
                text = Content.styled(row.text, "$text-success 80%")
            else:
                text = highlight(row.text, language=self.language)
            mark = "" if row.mark == "@" else row.mark
            gutter = Content.styled(f"{mark:<{GUTTER}}", style)
            self._drawn[known] = Content.assemble(gutter, text)
        return self._drawn[known]

    @override
    def render_line(self, y: int) -> Strip:
        """Return one line of the screen, with `…` where it goes on to the right."""
        across, down = self.scroll_offset
        width = self.scrollable_content_region.width
        at = down + y
        style = self.visual_style
        if at >= len(self.rows):
            return Strip.blank(width, style.rich_style)
        quoted = bool(self._quoted) and self._quoted[at]
        known = (self.rows[at], quoted, across, width, style)
        if known not in self._strips:
            if len(self._strips) > KEPT:
                self._strips.clear()
            self._strips[known] = self._strip(at, across, width, style)
        return self._strips[known]

    def _strip(self, at: int, across: int, width: int, style: Style) -> Strip:
        content = self._content(at)
        length = content.cell_length
        strip = Visual.to_strips(self, content, max(length, 1), 1, style)[0]
        shown = strip.crop(across, across + width)
        if length > across + width:
            more = Visual.to_strips(self, Content.styled("…", MUTED), 1, 1, style)[0]
            shown = Strip.join([shown.crop(0, width - 1), more])
        return shown.extend_cell_length(width, style.rich_style)

    @override
    def notify_style_update(self) -> None:
        """Forget the drawn lines when the theme changes."""
        self._drawn.clear()
        self._strips.clear()
        super().notify_style_update()


def _quoted(rows: Sequence[Row]) -> tuple[bool, ...]:
    """Return which lines stand in a docstring, which no single line can tell."""
    inside, found = False, []
    for row in rows:
        count = row.text.count('"""')
        found.append(inside or count > 0)
        inside ^= count % 2 == 1
    return tuple(found)


__all__ = ["Page"]
