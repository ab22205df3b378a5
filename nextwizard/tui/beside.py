"""The files beside the questions, and the text of the one in front."""

from __future__ import annotations

from typing import TYPE_CHECKING, override

from textual.containers import Vertical, VerticalScroll
from textual.content import Content

from nextwizard.preview import changed, front, language, rows
from nextwizard.report import GLYPHS

from .lines import bordered
from .listing import Files
from .page import Page


if TYPE_CHECKING:
    from textual.app import ComposeResult

    from nextwizard.session import Session


class Beside(Vertical):
    """What the answers make: every file with its glyph, and one file's text."""

    session: Session | None = None
    path = ""

    @override
    def compose(self) -> ComposeResult:
        """Show the list above the text."""
        self.files = Files()
        self.page = Page(id="page")
        self.box = VerticalScroll(self.files, id="files-box", can_focus=False)
        self.box.border_title = "files"
        yield self.box
        yield self.page

    def show(self, session: Session) -> None:
        """Show a session's files, the one the last answer changed most in front."""
        self.session = session
        if session.proposal is None:
            return
        touched = changed(session)
        self.path = front(session, self.path, touched)
        self.files.show(session.proposal.changes, touched, self.path)
        present = {change.status for change in session.proposal.changes}
        legend = "  ".join(f"{g} {s}" for s, g in GLYPHS.items() if s in present)
        bordered(self.box, below=Content(legend).markup)
        self._show_page()

    def bring(self, path: str) -> None:
        """Bring a file to the front."""
        self.path = path
        if self.session is not None and self.session.proposal is not None:
            self.files.show(self.files.changes, self.files.touched, path)
            self._show_page()

    def _show_page(self) -> None:
        if self.session is not None:
            self.page.name_file(self.path)
            found = rows(self.session, self.path)
            self.page.show(self.path, language(self.path), found)


__all__ = ["Beside"]
