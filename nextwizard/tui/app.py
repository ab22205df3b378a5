"""The wizard: it draws a session, and hands the last one back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, override

from nextwizard import session as walk
from nextwizard.questions import BY_KEY

from .beside import Beside
from .dialogs import ABOUT, Help, Leave, explained
from .frame import Frame
from .keys import KEYS, LAST, commands
from .listing import Changes, Files, Listing
from .review import Write


if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import SystemCommand
    from textual.binding import BindingType
    from textual.screen import Screen

    from .fields import Next, Said, Toggled
    from .form import More


class Wizard(Frame):
    """Asks, previews, and returns the session to be written, or None."""

    BINDINGS: ClassVar[list[BindingType]] = KEYS

    def on_said(self, message: Said) -> None:
        """Take an answer."""
        if message.raw == "" and _number(message.key):
            self.take(walk.unset(self.session, message.key))
        else:
            self.take(walk.answer(self.session, message.key, message.raw))

    def on_toggled(self, message: Toggled) -> None:
        """Take a tick."""
        self.take(walk.toggle(self.session, message.key))

    def on_next(self, _message: Next) -> None:
        """Go to the next question, and from the last one to the next step."""
        form, field = self.form, self.field
        if form is None or field is None:
            return
        fields = form.fields
        at = fields.index(field) + 1
        if at < len(fields):
            self.screen.set_focus(fields[at].editor)
        else:
            self.action_next()

    def on_descendant_focus(self) -> None:
        """Show the keys of what has the cursor, and all of a question."""
        if self.field is not None:
            self.field.scroll_visible(animate=False)
        self.show_keys()

    def on_descendant_blur(self) -> None:
        """Show a question as it stands once the cursor has left it."""
        if self.form is not None:
            self.call_after_refresh(self.form.show, self.session)

    async def on_more_pressed(self, _message: More.Pressed) -> None:
        """Open or close what is behind Advanced."""
        await self.action_more()

    def on_listing_moved(self, message: Listing.Moved) -> None:
        """Show the file under the cursor."""
        if isinstance(self.focused, Files):
            self.query_one(Beside).bring(message.path)
        self.show_keys()

    def on_listing_opened(self, message: Listing.Opened) -> None:
        """Show a file's diff."""
        if isinstance(self.focused, Files):
            self.query_one("#page").focus()
        else:
            self.show_diff(message.path)

    def on_write_pressed(self, _message: Write.Pressed) -> None:
        """Write, or go to what is in the way."""
        self.action_write()

    def action_write(self) -> None:
        """Hand the session back: whoever called writes it."""
        if self.session.step != LAST or len(self.screen_stack) > 1:
            return
        self.session = walk.preview(self.session)
        if walk.ready(self.session):
            self.exit(self.session)
        elif self.session.problems:
            self.show_problem()

    def show_problem(self) -> None:
        """Go to the question that the first problem belongs to."""
        step, key = walk.home(self.session.problems[0])
        if key:
            self.goto(step)
            self.call_after_refresh(self._focus, key)

    async def _focus(self, key: str) -> None:
        form = self.form
        if form is None:
            return
        if form.find(key) is None and not form.opened:
            await form.toggle()
        field = form.find(key)
        if field is not None:
            field.editor.focus()

    def action_next(self) -> None:
        """Go to the next step."""
        if self.session.step < LAST:
            self.goto(self.session.step + 1)
        else:
            self.query_one(Write).focus()

    @override
    async def action_back(self) -> None:
        """Go back: out of the files, to the step before, or out."""
        if self.screen.has_class("files"):
            self.action_files()
        elif self.session.step:
            self.goto(self.session.step - 1)
        else:
            self.action_leave()

    def action_help_key(self) -> None:
        """Explain the question under the cursor, or else the keys and the glyphs."""
        field = self.field
        if field is None:
            self.push_screen(Help("Keys and glyphs", ABOUT))
        else:
            self.push_screen(Help(*explained(self.session, field.focused_key)))

    def action_files(self) -> None:
        """Show the files where there is no room beside the questions, or go there."""
        if self.session.step == LAST:
            self.query_one(Changes).focus()
        elif self.screen.has_class("-wide"):
            self._swap(Files)
        else:
            self.screen.toggle_class("files")
            self.call_after_refresh(self._swap, Files)

    def _swap(self, target: type[Files]) -> None:
        if self.query_one(target).has_focus or not self.query_one("#right").display:
            self.first()
        else:
            self.query_one(target).focus()

    async def action_more(self) -> None:
        """Open or close what is behind Advanced."""
        if self.form is not None and self.form.step.advanced:
            await self.form.toggle()

    def action_default(self) -> None:
        """Leave the question under the cursor to what it derives."""
        field = self.field
        if field is not None:
            self.take(walk.unset(self.session, field.focused_key))
            field.take(self.session)

    def action_choose(self, choice: str) -> None:
        """Settle the conflict under the cursor of the review."""
        path = self.query_one(Changes).path
        found = self.session.proposal.conflicts if self.session.proposal else ()
        known = path in self.session.choices or any(c.path == path for c in found)
        if self.session.step == LAST and known:
            self.session = walk.choose(self.session, path, choice)
            self.show()

    def action_leave(self) -> None:
        """Ask whether to keep the answers."""
        if isinstance(self.screen, Leave):
            self.screen.dismiss("save")
        else:
            self.push_screen(Leave(), self._leave)

    def _leave(self, choice: str | None) -> None:
        if choice == "save":
            self.keep(self.session)
        elif choice == "discard":
            self.keep(walk.emptied(self.session))
        if choice:
            self.exit(None)

    @override
    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer every action, step and file in the palette."""
        return commands(self)


def _number(key: str) -> bool:
    return BY_KEY[key].kind == "integer"


__all__ = ["Wizard"]
