"""One step on the screen: its questions, those behind Advanced, and the sizing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, override

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from nextwizard.figures import numbers
from nextwizard.session import visible

from .fields import Field
from .lines import MUTED, Lines, ends


if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from nextwizard.figures import Number
    from nextwizard.guide import Step
    from nextwizard.session import Session


class More(Lines, can_focus=True):
    """The line that opens and closes what is behind Advanced."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space,right,left", "press", "Open", show=False),
    ]

    class Pressed(Message):
        """Open or close."""

    def __init__(self, count: int) -> None:
        """Stand for this many questions."""
        super().__init__()
        self.count = count
        self.opened = False

    def show(self, count: int, *, opened: bool) -> None:
        """Stand for another number of questions."""
        self.count, self.opened = count, opened
        self.tell(count, opened)

    def on_focus(self) -> None:
        """Show where the cursor is."""
        self.redraw()

    def on_blur(self) -> None:
        """Take the cursor away."""
        self.redraw()

    def action_press(self) -> None:
        """Open or close."""
        self.post_message(self.Pressed())

    def on_click(self, _event: events.Click) -> None:
        """Open or close, for those who have a mouse."""
        self.action_press()

    @override
    def lines(self, width: int) -> list[Content]:
        """Return the one line."""
        arrow = "▾" if self.opened else "▸"
        left = Content.assemble(
            "> " if self.has_focus else "  ",
            (f"{arrow} Advanced", "bold reverse" if self.has_focus else "bold"),
            (f"  {self.count} more{'' if self.narrow else ', decided already'}", MUTED),
        )
        return [ends(left, Content.styled("f3", MUTED), width)]


class Numbers(Lines):
    """What the answered machine is made to hold."""

    def __init__(self) -> None:
        """Start empty; the first proposal fills it."""
        super().__init__(classes="numbers")
        self.border_title = "What it will hold"
        self.rows: tuple[Number, ...] = ()

    def show(self, session: Session) -> None:
        """Show the sizing of the last good proposal."""
        if session.proposal is not None and self.is_attached:
            self.rows = numbers(session.proposal.plan)
            self.tell(self.rows)

    @override
    def lines(self, width: int) -> list[Content]:
        """Return a line for each number, with its sum where there is room."""
        found = []
        for row in self.rows:
            head = Content.assemble(f"{row.name:<18}", (row.value, "bold"))
            room = width - head.cell_length - 2
            if not self.narrow and len(row.formula) <= room:
                gap = " " * max(2, 36 - head.cell_length)
                fits = head.cell_length + len(gap) + len(row.formula) <= width
                gap = gap if fits else "  "
                head = Content.assemble(head, gap, (row.formula, MUTED))
            found.append(head)
        return found or [Content("")]


class Form(VerticalScroll, can_focus=False):
    """The questions of one step."""

    def __init__(self, step: Step, session: Session) -> None:
        """Ask what this step asks."""
        super().__init__(id=step.key, classes="form")
        self.step = step
        self.session = session
        self.more = More(0)
        self.numbers = Numbers()
        self.opened = False

    @override
    def compose(self) -> ComposeResult:
        """Show what is asked of everybody; the rest comes when it is opened."""
        yield Static(self.step.ask, classes="headline", markup=False)
        for keys in self.step.asked:
            yield Field(keys, self.session)
        if self.step.key == "sizing":
            yield self.numbers
        yield self.more

    @property
    def fields(self) -> list[Field]:
        """The questions that can be seen, in order."""
        return [field for field in self.query(Field) if field.display]

    def show(self, session: Session) -> None:
        """Show every question as the session has it."""
        self.session = session
        for field in self.query(Field):
            field.display = any(visible(session, key) for key in field.keys)
            if field.display:
                field.show(session)
        self.numbers.show(session)
        count = sum(visible(session, key) for key in self.step.advanced)
        self.more.show(count, opened=self.opened)

    async def toggle(self) -> None:
        """Open or close what is behind Advanced, and move there."""
        self.opened = not self.opened
        if self.opened:
            rest = [Field((key,), self.session) for key in self.step.advanced]
            for field in rest:
                field.add_class("advanced")
            await self.mount(*rest, after=self.more)
        else:
            await self.query(".advanced").remove()
        self.show(self.session)
        seen = [field for field in self.query(Field) if field.has_class("advanced")]
        target = next((field.editor for field in seen if field.display), self.more)
        target.focus()

    def first(self) -> None:
        """Put the cursor on the first question."""
        if self.fields:
            self.scroll_home(animate=False)
            # At once: a key that is typed ahead belongs to this question already.
            self.screen.set_focus(self.fields[0].editor)

    def find(self, key: str) -> Field | None:
        """Return the field of a question, None when it is not on the screen."""
        fields = sorted(self.query(Field), key=lambda field: len(field.keys))
        return next((field for field in fields if key in field.keys), None)


__all__ = ["Form", "More", "Numbers"]
