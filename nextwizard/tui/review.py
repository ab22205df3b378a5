"""The last step: the plan in a few lines, every file, and the one key that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, override

from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message

from nextwizard.figures import summary
from nextwizard.preview import counted
from nextwizard.session import ready

from .lines import Lines, folded
from .listing import Changes


if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from nextwizard.session import Session


class Told(Lines):
    """Texts that wrap, each with a lead of its own."""

    texts: tuple[tuple[str, str], ...] = ()

    def show(self, texts: tuple[tuple[str, str], ...]) -> None:
        """Show these texts, each a lead and its words."""
        if texts != self.texts:
            self.texts = texts
            self.display = bool(texts)
            self.redraw()

    @override
    def lines(self, width: int) -> list[Content]:
        """Return the texts, wrapped behind their leads."""
        found = []
        for lead, text in self.texts:
            first, *rest = folded(text, width, len(lead))
            style = "bold $text-warning" if lead.strip() else ""
            body = first.plain[len(lead) :]
            found += [Content.assemble((lead, style), body), *rest]
        return found or [Content("")]


class Write(Lines, can_focus=True):
    """The one button: writes, or says what is in the way."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "press", "Write", show=False),
    ]
    session: Session | None = None

    class Pressed(Message):
        """Write now."""

    def show(self, session: Session) -> None:
        """Say what pressing it would do."""
        self.session = session
        self.redraw()

    def action_press(self) -> None:
        """Write, or go to what is in the way."""
        self.post_message(self.Pressed())

    def on_click(self, _event: events.Click) -> None:
        """Write, for those who have a mouse."""
        self.action_press()

    def on_focus(self) -> None:
        """Show where the cursor is."""
        self.redraw()

    def on_blur(self) -> None:
        """Take the cursor away."""
        self.redraw()

    @override
    def lines(self, width: int) -> list[Content]:
        """Return the one line in the middle."""
        left, right, style = "  [ ", " ]  ", "bold"
        if self.has_focus:
            left, right, style = "▸ [ ", " ] ◂", "bold reverse"
        text = Content.styled(f"{left}{words(self.session)}{right}", style)
        return [text.truncate(width, ellipsis=True).center(width)]


def words(session: Session | None) -> str:
    """Return what writing would do, in words."""
    if session is None or session.proposal is None:
        return "…"
    if not ready(session):
        count = len(session.problems)
        what = "1 problem stands" if count == 1 else f"{count} problems stand"
        return f"{what} in the way: enter shows where"
    count = counted(session.proposal.changes)
    beside = len(session.proposal.conflicts)
    if not count:
        return "Nothing to write: every file is as it should be"
    files = f"Write {count} file" if count == 1 else f"Write {count} files"
    return f"{files}, {beside} of them as .new" if beside else files


class Review(Vertical):
    """What would be written: the plan, the files, the warnings, the button."""

    @override
    def compose(self) -> ComposeResult:
        """Show the parts from top to bottom."""
        self.plan = Told()
        self.changes = Changes(id="changes")
        self.warnings = Told(classes="warnings")
        self.button = Write()
        box = VerticalScroll(self.changes, id="changes-box", can_focus=False)
        box.border_title = "Files"
        yield self.plan
        yield box
        yield self.warnings
        yield self.button

    def show(self, session: Session) -> None:
        """Show a session's proposal."""
        if session.proposal is None:
            return
        self.plan.show((("", summary(session.proposal.plan)),))
        moved = [change for change in session.proposal.changes if _shown(change.status)]
        still = [
            change for change in session.proposal.changes if not _shown(change.status)
        ]
        moved.sort(key=lambda change: change.status != "conflict")
        self.changes.show([*moved, *still])
        notes = dict.fromkeys(session.proposal.plan.notes)
        told = [note for note in notes if note.severity != "note"]
        wrong = [("! ", str(problem)) for problem in session.problems]
        self.warnings.show(
            (*wrong, *(("! ", f"{n.message}. {n.fix}".rstrip()) for n in told))
        )
        self.button.show(session)


def _shown(status: str) -> bool:
    return status not in {"same", "orphan"}


__all__ = ["Review", "Told", "Write", "words"]
