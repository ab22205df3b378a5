"""One question on the screen: its editor, and the line that says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, override

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive
from textual.widgets import Input, Static

from nextwizard.entry import entered, written
from nextwizard.guide import FEATURE_LIST, WORDS, told
from nextwizard.questions import BY_KEY
from nextwizard.session import view

from .lines import MUTED, bordered
from .options import Choice, Option, Options, Ticks


if TYPE_CHECKING:
    from textual.app import ComposeResult

    from nextwizard.session import Raw, Session


class Entry(Input):
    """A line to type; the arrows count where the answer is a number."""

    # One line high whatever stands in it: no letter needs a layout of the screen.
    virtual_size = Reactive(Size(0, 0), layout=False)

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "count(1)", "More", show=False),
        Binding("down", "count(-1)", "Less", show=False),
    ]

    def action_count(self, by: int) -> None:
        """Count up or down, within the question's range."""
        question = BY_KEY[str(self.name)]
        if question.kind == "integer" and self.value.isdecimal():
            number = max(question.low, min(int(self.value) + by, question.high))
            self.value = str(number)
            self.cursor_position = len(self.value)


class Said(Message):
    """A person answered a question."""

    def __init__(self, key: str, raw: Raw) -> None:
        """Say which, and what."""
        super().__init__()
        self.key = key
        self.raw = raw


class Toggled(Message):
    """A person ticked or cleared a feature."""

    def __init__(self, key: str) -> None:
        """Say which."""
        super().__init__()
        self.key = key


class Next(Message):
    """A person is done with a question."""


class Field(Vertical):
    """One question, or the list of several that are ticked."""

    def __init__(self, keys: tuple[str, ...], session: Session) -> None:
        """Ask these questions: several are one list to tick."""
        super().__init__(classes="field")
        self.keys = keys
        self.key = keys[0]
        self.session = session
        self.editor = self._editor()
        self.note = Static(classes="note", markup=False)
        self._noted = ("", False)

    @property
    def focused_key(self) -> str:
        """The question under the cursor."""
        if isinstance(self.editor, Ticks):
            return self.keys[self.editor.cursor]
        return self.key

    def _editor(self) -> Entry | Choice | Ticks:
        if len(self.keys) > 1:
            return Ticks(())
        question = BY_KEY[self.key]
        if question.kind in {"choice", "flag"}:
            values = question.choices or ("yes", "no")
            return Choice([Option(v, v, _words(self.key, v)) for v in values])
        # textual posts Changed for the value it starts with; that is no answer.
        return Entry(name=self.key, restrict=_restrict(self.key))

    @override
    def compose(self) -> ComposeResult:
        """Show the editor in a border that names the question, and the line below."""
        self.editor.border_title = WORDS[self.key].ask if len(self.keys) == 1 else None
        yield self.editor
        yield self.note

    def on_mount(self) -> None:
        """Fill the editor, also one that has the cursor already."""
        self.take(self.session)

    def show(self, session: Session) -> None:
        """Show the question as the session has it; what is being typed stays."""
        self.session = session
        seen = view(session, self.key)
        if isinstance(self.editor, Ticks):
            self.editor.show([_tick(session, key) for key in self.keys])
            wrong = [p for key in self.keys for p in view(session, key).problems]
        else:
            wrong = list(seen.problems)
            bordered(self.editor, below=seen.origin)
            if isinstance(self.editor, Choice):
                self.editor.show(written(seen.value))
            elif not self.editor.has_focus:
                with self.editor.prevent(Input.Changed):
                    self.editor.value = written(seen.value)
        self.editor.set_class(bool(wrong), "wrong")
        self.note.set_class(bool(wrong), "wrong")
        why = "" if isinstance(self.editor, Ticks) else seen.because
        text = " ".join(f"! {problem}" for problem in wrong) or why
        if (text, bool(wrong)) != self._noted:
            self._noted = (text, bool(wrong))
            self.note.update(Content.styled(text, "" if wrong else MUTED))
        self.note.set_class(not text, "empty")

    def take(self, session: Session) -> None:
        """Show the session's value even while it is being edited."""
        if isinstance(self.editor, Entry):
            with self.editor.prevent(Input.Changed):
                self.editor.value = written(view(session, self.key).value)
        self.show(session)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass on what was typed; an empty number takes the default again."""
        event.stop()
        raw = entered(self.key, event.value)
        if raw != view(self.session, self.key).value:
            self.post_message(Said(self.key, raw))

    def on_choice_chosen(self, event: Choice.Chosen) -> None:
        """Pass on what was chosen."""
        event.stop()
        flag = BY_KEY[self.key].kind == "flag"
        self.post_message(Said(self.key, event.value == "yes" if flag else event.value))

    def on_ticks_ticked(self, event: Ticks.Ticked) -> None:
        """Pass on what was ticked."""
        event.stop()
        self.post_message(Toggled(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on at Enter."""
        event.stop()
        self.post_message(Next())

    def on_options_done(self, event: Options.Done) -> None:
        """Go on at Enter."""
        event.stop()
        self.post_message(Next())


def _words(key: str, value: str) -> str:
    words = told(key, value)
    return "" if words == value else words


def _restrict(key: str) -> str | None:
    return r"[0-9]*" if BY_KEY[key].kind == "integer" else None


def _tick(session: Session, key: str) -> Option:
    """Return one feature as a line to tick."""
    seen = view(session, key)
    return Option(
        key,
        WORDS[key].item or WORDS[key].ask,
        seen.origin,
        seen.because,
        on=seen.value not in {False, "none"},
    )


__all__ = ["FEATURE_LIST", "Entry", "Field", "Next", "Said", "Toggled"]
