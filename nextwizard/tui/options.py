"""Answers to choose from, with their state in glyphs: `(*)` and `[x]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, override

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from .lines import MUTED, Lines, folded


if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events


_ROOM = 16
"""Cells beside a label from which its words stand there, wrapped if need be."""


@dataclass(frozen=True, slots=True)
class Option:
    """One line to choose: its value, its label, words beside it, words below it."""

    value: str
    label: str
    words: str = ""
    below: str = ""
    on: bool = False


class Options(Lines, can_focus=True):
    """Lines with a cursor; Enter goes on to the next question."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("home", "move(-99)", "First", show=False),
        Binding("end", "move(99)", "Last", show=False),
        Binding("enter", "done", "Next", show=False),
    ]

    class Done(Message):
        """The person is done with this question."""

    def __init__(self, options: Sequence[Option], cursor: int = 0) -> None:
        """Show these options."""
        super().__init__()
        self.options = tuple(options)
        self.cursor = cursor

    def on_focus(self) -> None:
        """Show the cursor."""
        self.redraw()

    def on_blur(self) -> None:
        """Take the cursor away."""
        self.redraw()

    def action_done(self) -> None:
        """Go on."""
        self.post_message(self.Done())

    def action_move(self, by: int) -> None:
        """Move the cursor, and stop at the ends."""
        self.cursor = max(0, min(self.cursor + by, len(self.options) - 1))
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to a line that is clicked, for those who have a mouse."""
        at = event.get_content_offset(self)
        if at is not None:
            self.clicked(self._option_at(at.y))

    def clicked(self, option: int) -> None:
        """Take an option that was clicked."""
        self.action_move(option - self.cursor)

    def _option_at(self, line: int) -> int:
        for index in range(len(self.options)):
            line -= len(self.drawn(index, self.content_size.width))
            if line < 0:
                return index
        return len(self.options) - 1

    def drawn(self, index: int, width: int) -> list[Content]:
        """Return the lines of one option."""
        raise NotImplementedError

    @override
    def lines(self, width: int) -> list[Content]:
        """Return all options, one below the other."""
        count = range(len(self.options))
        return [line for index in count for line in self.drawn(index, width)]


class Choice(Options):
    """One of several: the arrows choose, so that the preview moves along."""

    class Chosen(Message):
        """Another value was chosen."""

        def __init__(self, value: str) -> None:
            """Say which."""
            super().__init__()
            self.value = value

    def show(self, value: str) -> None:
        """Show another value as the chosen one."""
        values = [option.value for option in self.options]
        cursor = values.index(value) if value in values else self.cursor
        if cursor != self.cursor:
            self.cursor = cursor
            self.redraw()

    @override
    def action_move(self, by: int) -> None:
        """Choose the next or previous value."""
        before = self.cursor
        super().action_move(by)
        if self.cursor != before:
            self.post_message(self.Chosen(self.options[self.cursor].value))

    @override
    def drawn(self, index: int, width: int) -> list[Content]:
        """Return one option: glyph, value, and its words where there is room."""
        option = self.options[index]
        chosen = index == self.cursor
        size = max(len(option.label) for option in self.options) + 2
        style = ("bold reverse" if self.has_focus else "bold") if chosen else ""
        head = Content.assemble(
            "(*) " if chosen else "( ) ", (option.label, style), " "
        ).pad_right(max(0, size - len(option.label) - 1))
        room = width - head.cell_length
        if room < min(len(option.words), _ROOM):
            return [head, *folded(option.words, width, 4, MUTED)]
        first, *rest = folded(option.words, width, head.cell_length, MUTED)
        return [Content.assemble(head, first[head.cell_length :]), *rest]


class Ticks(Options):
    """Any of several: space ticks the line under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "Toggle", show=False),
    ]

    class Ticked(Message):
        """A line was ticked or cleared."""

        def __init__(self, value: str) -> None:
            """Say which."""
            super().__init__()
            self.value = value

    def show(self, options: Sequence[Option]) -> None:
        """Show the lines as they are now."""
        if self.options != tuple(options):
            self.options = tuple(options)
            self.redraw()

    def action_tick(self) -> None:
        """Tick or clear the line under the cursor."""
        self.post_message(self.Ticked(self.options[self.cursor].value))

    @override
    def clicked(self, option: int) -> None:
        """Tick a line that was clicked."""
        super().clicked(option)
        self.action_tick()

    @override
    def drawn(self, index: int, width: int) -> list[Content]:
        """Return one line: cursor, box, label, where it comes from, and why."""
        option = self.options[index]
        here = index == self.cursor and self.has_focus
        head = Content.assemble(
            "▸ " if here else "  ",
            "[x] " if option.on else "[ ] ",
            (option.label, "bold reverse" if here else "bold" if option.on else ""),
        )
        gap = max(1, width - head.cell_length - len(option.words))
        line = Content.assemble(head, " " * gap, (option.words, MUTED))
        if self.narrow or not option.below:
            return [line]
        return [line, *folded(option.below, width, 6, MUTED)]


__all__ = ["Choice", "Option", "Options", "Ticks"]
