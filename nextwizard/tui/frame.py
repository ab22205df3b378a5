"""What the wizard shows: the parts of the screen, and the session in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, override

from textual.app import App
from textual.containers import Horizontal
from textual.widgets import ContentSwitcher

from nextwizard import session as walk
from nextwizard.guide import STEPS

from .beside import Beside
from .chrome import Decision, Foot, Head
from .dialogs import Diff, Resume
from .fields import Field
from .form import Form
from .keys import LAST, offered_keys
from .listing import Changes
from .review import Review, Write


if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

    from nextwizard.drafts import Draft
    from nextwizard.session import Session

    type Keep = Callable[[Session], None]


class Frame(App["Session | None"]):
    """Draws a session, and takes the next one."""

    CSS_PATH = "wizard.tcss"
    TITLE = "nextwizard"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (64, "-normal"), (104, "-wide")]  # noqa: RUF012 - as textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012 - likewise

    def __init__(
        self, session: Session, keep: Keep, draft: Draft | None = None
    ) -> None:
        """Start from this session; `keep` saves answers, `draft` is offered first."""
        super().__init__()
        # A list that glides into view takes frames from the letters that are typed.
        self.animation_level = "none"
        self.session = session
        self.keep = keep
        self.draft = draft
        self._queued = False

    @override
    def compose(self) -> ComposeResult:
        """Show head, questions beside files, decision and keys."""
        yield Head()
        with Horizontal(id="body"):
            with ContentSwitcher(initial=STEPS[0].key, id="left"):
                for step in STEPS[:LAST]:
                    yield Form(step, self.session)
                yield Review(id=STEPS[LAST].key)
            yield Beside(id="right")
        yield Decision()
        yield Foot()

    def on_mount(self) -> None:
        """Show the first question at once, and its files as soon as they are made."""
        self.show()
        self.goto(self.session.step)
        self.call_after_refresh(self._opened)

    def _opened(self) -> None:
        self._preview()
        if self.draft is not None:
            self.push_screen(Resume(self.draft), self._resume)

    def _resume(self, wanted: bool | None) -> None:  # noqa: FBT001 - textual's callback
        draft, self.draft = self.draft, None
        if not wanted or draft is None:
            return
        self.session = walk.resume(self.session, draft.said, draft.choices, draft.step)
        self._preview()
        self.goto(self.session.step)

    @property
    def form(self) -> Form | None:
        """The questions on the screen; None in the review."""
        if self.session.step == LAST:
            return None
        return self.query_one(f"#{STEPS[self.session.step].key}", Form)

    @property
    def field(self) -> Field | None:
        """The question under the cursor, None when there is none."""
        for node in self.focused.ancestors if self.focused else ():
            if isinstance(node, Field):
                return node
        return None

    def show(self) -> None:
        """Show the session everywhere but in the files."""
        self.query_one(Head).show(self.session)
        self.query_one(Decision).show(self.session)
        if self.form is not None:
            self.form.show(self.session)
        else:
            self.query_one(Review).show(self.session)
        self.show_keys()

    def show_keys(self) -> None:
        """Show the keys that work where the cursor is."""
        self.query_one(Foot).show(self.session, offered_keys(self))

    def show_file(self, path: str) -> None:
        """Bring a file to the front, and go there."""
        if self.session.step == LAST:
            self.show_diff(path)
            return
        if not self.screen.has_class("-wide"):
            self.screen.add_class("files")
        beside = self.query_one(Beside)
        beside.bring(path)
        self.call_after_refresh(beside.page.focus)

    def take(self, session: Session) -> None:
        """Go on with a session in which something was said."""
        if session is self.session:
            return
        self.session = session
        if session.stale and not self._queued:
            # After the refresh: what was typed is seen before the files are made.
            self._queued = True
            self.call_after_refresh(self._preview)
        self.show()

    def _preview(self) -> None:
        self._queued = False
        self.session = walk.preview(self.session)
        self.show()
        self.query_one(Beside).show(self.session)

    def goto(self, step: int) -> None:
        """Go to a step, its first question under the cursor."""
        if step != self.session.step:
            self.session = walk.go(self.session, step)
            self.keep(self.session)
        self.screen.remove_class("files")
        self.screen.set_class(self.session.step == LAST, "review")
        self.query_one(ContentSwitcher).current = STEPS[self.session.step].key
        self.show()
        self.first()
        self.call_after_refresh(self._unless_moved)

    def first(self) -> None:
        """Put the cursor where the step begins."""
        if self.form is not None:
            self.form.first()
        else:
            self.screen.set_focus(self.query_one(Write))

    def _unless_moved(self) -> None:
        """Put the cursor there once more; keys that came first may have moved it."""
        if self.focused is None or not self.focused.display:
            self.first()

    def show_diff(self, path: str) -> None:
        """Show how a file would differ from what stands on the disk."""
        paths = [change.path for change in self.query_one(Changes).changes]
        dialog = Diff(self.session, paths, path)

        def closed(_result: None) -> None:
            self.session = dialog.session
            self.query_one(Changes).show((), path=dialog.paths[dialog.at])
            self.show()

        self.push_screen(dialog, closed)


__all__ = ["Frame"]
