"""What opens over the questions: help, leaving, taking up again, a file's diff."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, override

from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from nextwizard.asking import offered
from nextwizard.entry import written
from nextwizard.guide import WORDS, told
from nextwizard.preview import difference, language
from nextwizard.questions import BY_KEY
from nextwizard.report import GLYPHS
from nextwizard.session import choose, view

from .lines import MUTED, Lines, folded
from .page import Page


if TYPE_CHECKING:
    from textual.app import ComposeResult

    from nextwizard.drafts import Draft
    from nextwizard.session import Session
    from nextwizard.values import Status


class Text(Lines):
    """Headed paragraphs that wrap."""

    def __init__(self, parts: list[tuple[str, str]]) -> None:
        """Show these parts, each a heading and its words."""
        super().__init__()
        self.parts = parts

    @override
    def lines(self, width: int) -> list[Content]:
        """Return the parts, a blank line between two."""
        found: list[Content] = []
        for head, text in self.parts:
            if found:
                found.append(Content(""))
            if head:
                found.append(Content.styled(head, "bold $text-accent"))
            for paragraph in text.split("\n"):
                found += folded(paragraph, width)
        return found


class Dialog[Result](ModalScreen[Result]):
    """A box over the questions; every key it takes stands in its last line."""

    title_text = ""
    keys: ClassVar[str] = ""

    def body(self) -> ComposeResult:
        """Yield what stands in the box."""
        raise NotImplementedError

    @override
    def compose(self) -> ComposeResult:
        """Show the box."""
        with Vertical(classes="dialog") as box:
            box.border_title = self.title_text.replace("[", r"\[")
            yield from self.body()
            yield Static(self.keys, classes="keys", markup=False)


class Help(Dialog[None]):
    """What a question is, what it changes, what goes wrong, and where to read on."""

    keys = "esc Close   ↑↓ Scroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,enter,q,question_mark", "dismiss", "Close", show=False),
    ]

    def __init__(self, title: str, parts: list[tuple[str, str]]) -> None:
        """Show these parts, each a heading and its words."""
        super().__init__()
        self.title_text = title
        self.parts = parts

    @override
    def body(self) -> ComposeResult:
        """Yield the words."""
        yield VerticalScroll(Text(self.parts))


def explained(session: Session, key: str) -> tuple[str, list[tuple[str, str]]]:
    """Return everything there is to say of a question: its title, and the parts."""
    words, seen = WORDS[key], view(session, key)
    value = written(seen.value) or "nothing"
    parts = [
        ("", f"{words.why[:1].upper()}{words.why[1:]}."),
        ("It is", f"{value} ({seen.origin}): {seen.because}"),
        ("It changes", words.changes),
        ("The other way", words.otherwise),
    ]
    choices = BY_KEY[key].choices
    if choices:
        rows = "\n".join(f"{value}: {told(key, value)}" for value in choices)
        parts.append(("Choices", rows))
    wrong = "\n".join(map(str, seen.problems))
    parts += [("In the way", wrong)] if wrong else []
    parts += [("Read on", words.link), ("In the answers file", key)]
    return words.item or words.ask, parts


_MEANINGS: dict[Status, str] = {
    "new": "made, nothing stood there",
    "update": "ours or startproject's, written anew",
    "merged": "your edit and the new text, both kept",
    "adopted": "yours, with one small edit",
    "moved": "yours, at another place",
    "same": "stays as it is",
    "conflict": "you changed it too: keep, take, or write .new",
    "secret": "made once, mode 0600, never shown",
    "removed": "no longer made",
    "orphan": "no longer made, but you edited it: kept",
}

ABOUT = [
    (
        "Files",
        "\n".join(f"{GLYPHS[status]} {words}" for status, words in _MEANINGS.items()),
    ),
    ("Marks", "◂ the file in front\n± the last answer changed it"),
    (
        "Keys",
        (
            "enter goes on, tab and shift+tab move, ctrl+n is the next step, escape "
            "the one before. f1 or ? explains, f2 shows the files, f3 opens Advanced, "
            "f4 takes the default again, ctrl+p lists every command, ctrl+z suspends, "
            "ctrl+q or ctrl+c leaves."
        ),
    ),
]
"""What F1 tells where no question is under the cursor."""


class Leave(Dialog[str]):
    """Whether to keep the answers; a second ctrl-c leaves with them kept."""

    title_text = "Leave?"
    keys = "s Save and leave   d Discard   esc Stay"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s,enter,ctrl+c,ctrl+q", "dismiss('save')", "Save", priority=True),
        Binding("d", "dismiss('discard')", "Discard"),
        Binding("escape", "dismiss('')", "Stay"),
    ]

    @override
    def body(self) -> ComposeResult:
        """Yield what leaving means."""
        kept = "Saved answers are offered the next time."
        yield Text([("", f"Nothing of the project was changed. {kept}")])


class Resume(Dialog[bool]):
    """Whether to take up a draft."""

    title_text = "Take up where you left?"
    keys = "enter Resume   n Start over"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y,r", "dismiss(True)", "Resume"),
        Binding("n,escape", "dismiss(False)", "Start over"),
    ]

    def __init__(self, draft: Draft) -> None:
        """Offer this draft."""
        super().__init__()
        self.draft = draft

    @override
    def body(self) -> ComposeResult:
        """Yield what is known of it."""
        yield Text([("", offered(self.draft))])


class Diff(Dialog[None]):
    """How one file would differ from the disk, and what becomes of a conflict."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Close", show=False),
        Binding("left", "turn(-1)", "Previous file", show=False, priority=True),
        Binding("right", "turn(1)", "Next file", show=False, priority=True),
        Binding("k", "choose('keep')", "Keep", show=False, priority=True),
        Binding("t", "choose('take')", "Take", show=False, priority=True),
        Binding("n", "choose('new')", "Write .new", show=False, priority=True),
    ]
    keys = "esc Close   ←→ File"

    def __init__(self, session: Session, paths: list[str], path: str) -> None:
        """Show this one of these files."""
        super().__init__()
        self.session = session
        self.paths = paths
        self.at = paths.index(path)

    @override
    def body(self) -> ComposeResult:
        """Yield the line about the file, and its diff."""
        yield Static(id="about", markup=False)
        yield Page(id="diff")

    def on_mount(self) -> None:
        """Show the file."""
        self.query_one(Page).focus()
        self.show()

    def show(self) -> None:
        """Show the file the dialog is at."""
        proposal = self.session.proposal
        path = self.paths[self.at]
        if proposal is None:
            return
        change = next(change for change in proposal.changes if change.path == path)
        box = self.query_one(".dialog")
        name = f"{change.origin} → {path}" if change.origin else path
        box.border_title = f"{GLYPHS[change.status]} {name}".replace("[", r"\[")
        asked = self.conflicting(path)
        words = change.note or f"{change.status}, mode {change.mode:04o}"
        self.query_one("#about", Static).update(Content.styled(words, MUTED))
        page = self.query_one("#diff", Page)
        page.show(path, language(path), difference(self.session, change))
        page.scroll_home(animate=False)
        keys = self.keys
        if asked:
            keys = f"k Keep mine   t Take theirs   n Write .new   {keys}"
        self.query_one(".keys", Static).update(keys)

    def conflicting(self, path: str) -> bool:
        """Tell whether a file is in conflict, or was until it was settled."""
        proposal = self.session.proposal
        found = proposal.conflicts if proposal else ()
        return path in self.session.choices or any(c.path == path for c in found)

    def action_turn(self, by: int) -> None:
        """Show the next or previous file."""
        self.at = max(0, min(self.at + by, len(self.paths) - 1))
        self.show()

    def action_choose(self, choice: str) -> None:
        """Settle a conflict."""
        path = self.paths[self.at]
        if self.conflicting(path):
            self.session = choose(self.session, path, choice)
            self.show()


__all__ = ["ABOUT", "Diff", "Help", "Leave", "Resume", "explained"]
