"""The files of a proposal: beside the questions in columns, in the review in lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, override

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region
from textual.message import Message

from nextwizard.report import GLYPHS

from .lines import MUTED, Lines


if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from textual import events

    from nextwizard.values import Change, Status


STYLES: dict[Status, str] = {
    "new": "$text-success",
    "update": "$text-warning",
    "merged": "$text-warning",
    "adopted": "$text-accent",
    "moved": "$text-accent",
    "conflict": "bold $text-error",
    "removed": "$text-error",
    "secret": "$text-warning",
}


class Listing(Lines, can_focus=True):
    """Files with their glyphs and a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("home", "move(-999)", "First", show=False),
        Binding("end", "move(999)", "Last", show=False),
        Binding("pageup", "move(-10)", "Page up", show=False),
        Binding("pagedown", "move(10)", "Page down", show=False),
        Binding("enter", "open", "Open", show=False),
    ]

    class Moved(Message):
        """Another file is under the cursor."""

        def __init__(self, path: str) -> None:
            """Say which."""
            super().__init__()
            self.path = path

    class Opened(Message):
        """A file is to be looked at."""

        def __init__(self, path: str) -> None:
            """Say which."""
            super().__init__()
            self.path = path

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - textual's name
        """Start empty."""
        super().__init__(id=id)
        self.changes: tuple[Change, ...] = ()
        self.touched: frozenset[str] = frozenset()
        self.cursor = 0

    @property
    def path(self) -> str:
        """The file under the cursor, empty when there is none."""
        return self.changes[self.cursor].path if self.changes else ""

    def show(
        self, changes: Sequence[Change], touched: Collection[str] = (), path: str = ""
    ) -> None:
        """Show these files, the cursor on one, those the last answer changed marked."""
        path, before = path or self.path, self._shown
        self.changes, self.touched = tuple(changes), frozenset(touched)
        places = [change.path for change in self.changes]
        self.cursor = places.index(path) if path in places else 0
        if self._shown != before:
            self._follow()

    @property
    def _shown(self) -> tuple[object, ...]:
        """All that is seen of the files: their bytes are not."""
        rows = [(c.path, c.status, c.origin, c.note) for c in self.changes]
        return self.cursor, self.touched, rows

    def _follow(self) -> None:
        """Draw again, and keep the cursor in sight."""
        self.redraw()
        self.call_after_refresh(self._into_view)

    def _into_view(self) -> None:
        if self.parent is not None and self.changes:
            region = Region(0, self.line_of(self.cursor), 1, 1)
            self.scroll_to_widget_region(region)

    def scroll_to_widget_region(self, region: Region) -> None:
        """Scroll the container so that a line of this list is seen."""
        around = self.parent
        if around is not None and hasattr(around, "scroll_to_region"):
            around.scroll_to_region(region, animate=False, force=True)

    def line_of(self, index: int) -> int:
        """Return the line a file stands on."""
        return index

    def on_focus(self) -> None:
        """Show the cursor."""
        self.redraw()

    def on_blur(self) -> None:
        """Take the cursor away."""
        self.redraw()

    def action_move(self, by: int) -> None:
        """Move the cursor, and stop at the ends."""
        self.cursor = max(0, min(self.cursor + by, len(self.changes) - 1))
        self._follow()
        self.post_message(self.Moved(self.path))

    def action_open(self) -> None:
        """Look at the file under the cursor."""
        if self.changes:
            self.post_message(self.Opened(self.path))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to a file that is clicked, for those who have a mouse."""
        at = event.get_content_offset(self)
        if at is not None:
            self.action_move(self.index_at(at.x, at.y) - self.cursor)

    def index_at(self, _x: int, y: int) -> int:
        """Return the file at a place of the list."""
        return y

    def glyph(self, index: int) -> Content:
        """Return a file's glyph in its colour."""
        status = self.changes[index].status
        return Content.styled(GLYPHS[status], STYLES.get(status, MUTED))

    def named(self, index: int, room: int) -> Content:
        """Return a file's path, cut at the left where it is too long."""
        change = self.changes[index]
        path = f"{change.origin} → {change.path}" if change.origin else change.path
        text = path if len(path) <= room else f"…{path[-max(1, room - 1) :]}"
        here = index == self.cursor
        style = "bold reverse" if here and self.has_focus else "bold" if here else ""
        return Content.styled(text, style)


_COLUMN = 33
"""Cells of a column: most paths fit, others are cut at their left."""


class Files(Listing):
    """The files beside the questions, in as many columns as fit."""

    def columns(self, width: int) -> int:
        """Return how many columns there is room for."""
        return max(1, width // _COLUMN)

    def _height(self, width: int) -> int:
        return -(-len(self.changes) // self.columns(width))

    @override
    def line_of(self, index: int) -> int:
        """Return the line a file stands on."""
        return index % max(1, self._height(self.content_size.width))

    @override
    def index_at(self, x: int, y: int) -> int:
        """Return the file at a place of the list."""
        width = self.content_size.width
        column = x // max(1, width // self.columns(width))
        return column * self._height(width) + y

    @override
    def lines(self, width: int) -> list[Content]:
        """Return the files, down the columns."""
        height = self._height(width)
        each = width // self.columns(width)
        return [
            Content.assemble(
                *(
                    self._cell(index, each)
                    for index in range(line, len(self.changes), height)
                )
            )
            for line in range(height)
        ] or [Content("")]

    def _cell(self, index: int, width: int) -> Content:
        path = self.changes[index].path
        mark = " ◂" if index == self.cursor else " ±" if path in self.touched else ""
        cell = Content.assemble(
            self.glyph(index), " ", self.named(index, width - 7), (mark, "bold")
        )
        return cell.pad_right(max(0, width - cell.cell_length))

    @override
    def named(self, index: int, room: int) -> Content:
        """Return a file's path alone: where it came from stands in the review."""
        path = self.changes[index].path
        text = path if len(path) <= room else f"…{path[-max(1, room - 1) :]}"
        here = index == self.cursor
        style = "bold reverse" if here and self.has_focus else "bold" if here else ""
        return Content.styled(text, style)


class Changes(Listing):
    """The files of the review, a line each, with what there is to say."""

    @override
    def lines(self, width: int) -> list[Content]:
        """Return a line for each file: glyph, status, path and note."""
        return [self._line(index, width) for index in range(len(self.changes))] or [
            Content("")
        ]

    def _line(self, index: int, width: int) -> Content:
        change = self.changes[index]
        mark = "▸ " if index == self.cursor and self.has_focus else "  "
        word = "" if self.narrow else f" {change.status:<9}"
        head = Content.assemble(mark, self.glyph(index), word, " ")
        room = width - head.cell_length
        name = self.named(index, room)
        note = change.note
        if note and name.cell_length + len(note) + 3 <= room:
            return Content.assemble(head, name, "   ", (note, MUTED))
        return Content.assemble(head, name)


__all__ = ["Changes", "Files", "Listing"]
