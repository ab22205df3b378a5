"""The text of a file, line by line: only lines that can be seen are coloured."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, override

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.highlight import highlight
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from .lines import MUTED


if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextwizard.preview import Row


GUTTER = 2
ABOVE = 3
"""Lines left above the first change, so that it is seen where it stands."""

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
        self._quoted: tuple[bool, ...] = ()
        self._drawn: dict[tuple[str, str, bool], Content] = {}

    def show(self, path: str, language: str, rows: Sequence[Row]) -> None:
        """Show a file, scrolled to its first marked line; only what changed is drawn.

        A file that is shown already, with nothing marked, stays where it is.
        """
        old, fresh = self.rows, path != self.path
        if language != self.language:
            self._drawn.clear()
        self.path, self.language, self.rows = path, language, tuple(rows)
        if self.rows == old and not fresh:
            return
        self._quoted = _quoted(self.rows) if language == "python" else ()
        longest = max((len(row.text) for row in self.rows), default=0)
        self.virtual_size = Size(longest + GUTTER, len(self.rows))
        marked = [at for at, row in enumerate(self.rows) if row.mark != " "]
        if marked or fresh:
            top = max(0, marked[0] - ABOVE) if marked else 0
            self.scroll_to(0, top, animate=False, immediate=True)
        if fresh or len(old) != len(self.rows):
            self.refresh()
            return
        for at, (was, now) in enumerate(zip(old, self.rows, strict=True)):
            if was != now:
                self.refresh_line(at)

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
