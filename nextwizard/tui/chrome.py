"""What frames the questions: where the walk stands, what is decided, which keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, override

from textual.content import Content

from nextwizard.guide import STEPS
from nextwizard.preview import decided, step_of
from nextwizard.session import home

from .lines import MUTED, Lines, ends, folded


if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextwizard.session import Session


_WIDE = 68
"""Columns from which the steps are named one by one."""
_MOST = 2
"""Lines of the decision."""
_ROOMY = 100
"""Columns from which they stand further apart."""


class Head(Lines):
    """The project, and a glyph for each step: done, here, ahead, or wrong."""

    project = ""
    step = 0
    marks: tuple[str, ...] = ()

    def show(self, session: Session) -> None:
        """Show where this session stands."""
        self.project = str(session.answers["project.name"])
        self.step = session.step
        wrong = {home(problem)[0] for problem in session.problems}
        self.marks = tuple(_mark(at, self.step, wrong) for at in range(len(STEPS)))
        self.tell(self.project, self.step, self.marks)

    @override
    def lines(self, width: int) -> list[Content]:
        """Return the one line."""
        marks = self.marks
        if not marks:
            return [Content("")]
        words = f"   {self.project}"
        left = Content.assemble((" nextwizard", "bold $text-primary"), words)
        if width < _WIDE:
            here = STEPS[self.step].title
            left = Content.assemble((" nextwizard", "bold $text-primary"))
            right = Content.assemble((here, "bold"), " ", " ".join(marks), " ")
            return [ends(left, right, width)]
        gap = "   " if width > _ROOMY else "  "
        parts = [
            Content.styled(f"{step.title} {mark}", "bold" if at == self.step else MUTED)
            for at, (step, mark) in enumerate(zip(STEPS, marks, strict=True))
        ]
        return [ends(left, Content(gap).join([*parts, Content("")]), width)]


def _mark(at: int, step: int, wrong: set[int]) -> str:
    """Return the glyph of one step, seen from the step the walk is at."""
    if at in wrong:
        return "!"
    return "●" if at == step else "✓" if at < step else "○"


class Decision(Lines):
    """What follows from the answers, in words: two lines at most."""

    said: tuple[str, ...] = ("",)

    def show(self, session: Session) -> None:
        """Show the decisions of this session."""
        self.said = decided(session) or ("reading the templates …",)
        self.tell(self.said)

    @override
    def lines(self, width: int) -> list[Content]:
        """Return the decisions, the first one marked, or what is in the way."""
        said = self.said
        found = self._marked(said[0], 0, width)
        if len(found) == 1 and not self.narrow:
            for at, text in enumerate(said[1:], 1):
                found += self._marked(text, at, width)
        shown = found[:_MOST]
        if len(found) > _MOST:
            shown[-1] = Content.assemble(shown[-1].truncate(width - 3), " …")
        return [*shown, *[Content("")] * (_MOST - len(shown))]

    def _marked(self, text: str, at: int, width: int) -> list[Content]:
        """Return one decision in lines, the first one behind its mark."""
        wrong = text.startswith("! ")
        style = "bold $text-error" if wrong else MUTED if at else ""
        lead = " " if wrong else "   " if at else " ▸ "
        first, *rest = folded(text, width - 4)
        more = [Content.styled("   " + line.plain, style) for line in rest]
        return [Content.styled(lead + first.plain, style), *more]


class Foot(Lines):
    """The keys that work here; those that do not fit are in the palette."""

    keys: tuple[tuple[str, str], ...] = ()
    place = ""

    def show(self, session: Session, keys: Sequence[tuple[str, str]]) -> None:
        """Show these keys, the most wanted first."""
        self.place, self.keys = step_of(session), tuple(keys)
        self.tell(self.place, self.keys)

    @override
    def lines(self, width: int) -> list[Content]:
        """Return as many keys as fit, and the number of the step."""
        right = (
            Content.styled(f"{self.place} ", MUTED) if width >= _WIDE else Content("")
        )
        found, gap = Content(" "), "   " if width >= _WIDE else "  "
        for key, words in self.keys:
            part = Content.assemble((key, "bold $text-accent"), f" {words}")
            if found.cell_length + part.cell_length + right.cell_length > width - 2:
                break
            found = Content.assemble(found, part, gap)
        return [ends(found.rstrip(), right, width)]


__all__ = ["Decision", "Foot", "Head"]
