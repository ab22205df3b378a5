"""The walk as a conversation, one question after the other, without a screen.

`plain` and `prompts` differ only in how they put a question: both hand an Asker in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from . import session as walk
from .asking import BACK, DEFAULT, WHY, Item, explained, offered, tick_of
from .entry import entered, written
from .figures import numbers, summary
from .guide import STEPS, WORDS, told
from .preview import counted, decided, difference, find
from .questions import BY_KEY
from .report import line


if TYPE_CHECKING:
    from collections.abc import Callable

    from .asking import Asker
    from .drafts import Draft
    from .session import Session

    type Keep = Callable[[Session], None]
    type Way = Literal["on", "back", "write", "leave", "wrong"]


LAST = len(STEPS) - 1


@dataclass(frozen=True, slots=True)
class Stop:
    """One place of the walk: questions, the offer of more, or the review."""

    step: int
    kind: Literal["ask", "more", "review"]
    keys: tuple[str, ...] = ()


def converse(
    session: Session, asker: Asker, keep: Keep, draft: Draft | None = None
) -> Session | None:
    """Walk to the end; None when the person left. EOFError and ctrl-c pass through.

    However it ends, nothing that was said is lost.
    """
    talk = Talk(walk.preview(session), asker, keep)
    try:
        if draft is not None:
            talk.offer(draft)
            draft = None
        return talk.run()
    except (EOFError, KeyboardInterrupt):
        if draft is None:
            keep(talk.session)
        raise


class Talk:
    """A walk on its way: the session, and which steps show what is behind Advanced."""

    def __init__(self, session: Session, asker: Asker, keep: Keep) -> None:
        """Start at the session's step."""
        self.session = session
        self.asker = asker
        self.keep = keep
        self.opened: set[int] = set()
        self.at = Stop(session.step, "ask", ())
        self.told = ""

    def offer(self, draft: Draft) -> None:
        """Offer to take up where the person left."""
        step = min(draft.step, LAST)
        items = (Item("yes", "resume", on=True), Item("no", "start over"))
        while (found := self.asker.pick(offered(draft), items, "")) in {BACK, WHY}:
            self.asker.say("  Resume takes what you said then, start over forgets it.")
        if found != "no":
            resumed = walk.resume(self.session, draft.said, draft.choices, step)
            self.session = walk.preview(resumed)

    def stops(self) -> list[Stop]:
        """Return the places of the walk as they are after the answers so far."""
        found: list[Stop] = []
        for at, step in enumerate(STEPS[:LAST]):
            found += [Stop(at, "ask", keys) for keys in step.asked]
            more = [key for key in step.advanced if walk.visible(self.session, key)]
            if more:
                found.append(Stop(at, "more", tuple(more)))
            if at in self.opened:
                found += [Stop(at, "ask", (key,)) for key in more]
        return [*found, Stop(LAST, "review")]

    def run(self) -> Session | None:
        """Ask until the end; None when the person leaves at the review."""
        stops = self.stops()
        at = next((i for i, s in enumerate(stops) if s.step == self.session.step), 0)
        while True:
            stop = self.stops()[at]
            self._arrive(stop)
            match self._at(stop):
                case "write":
                    return self.session
                case "leave":
                    return None
                case "wrong":
                    at = self._wrong()
                case way:
                    stops = self.stops()
                    here = stops.index(stop) if stop in stops else at
                    here = here + 1 if way == "on" else here - 1
                    at = max(0, min(here, len(stops) - 1))

    def _at(self, stop: Stop) -> Way:
        """Do what a place of the walk is for, and return where to go from it."""
        match stop.kind:
            case "review":
                return self._review()
            case "more":
                return "on" if self._more(stop) else "back"
            case _:
                return "on" if self._ask(stop) else "back"

    def _arrive(self, stop: Stop) -> None:
        """Say where the walk stands when it comes to another step."""
        if stop.step != self.session.step or not self.told:
            self.session = walk.go(self.session, stop.step)
            self.keep(self.session)
            step = STEPS[stop.step]
            place = f"Step {stop.step + 1} of {len(STEPS)}"
            self.asker.say(f"\n{place}: {step.title}. {step.ask}")
            self._tell(fresh=True)

    def _tell(self, *, fresh: bool = False) -> None:
        """Say what is decided now, if that is news."""
        said = list(decided(self.session))
        proposal = self.session.proposal
        if walk.here(self.session).key == "sizing" and proposal is not None:
            said += [f"{row.name}: {row.value}" for row in numbers(proposal.plan)]
        words = "\n".join(f"  {text}" for text in said)
        if words and (fresh or words != self.told):
            self.asker.say(words)
        self.told = words or " "

    def _more(self, stop: Stop) -> bool:
        """Offer what is behind Advanced; True to go on."""
        count = len(stop.keys)
        ask = f"{count} more of this step, decided already. Show them?"
        shown = stop.step in self.opened
        items = (Item("no", "go on", on=not shown), Item("yes", "show them", on=shown))
        while (found := self.asker.pick(ask, items, "")) == WHY:
            self.asker.say("\n".join(f"  {WORDS[key].ask}" for key in stop.keys))
        if found == "yes":
            self.opened.add(stop.step)
        elif found != BACK:
            self.opened.discard(stop.step)
        return found != BACK

    def _ask(self, stop: Stop) -> bool:
        """Ask until the answer is a good one; True to go on, False to go back."""
        while True:
            found = self._put(stop)
            if found == BACK:
                return False
            if found == WHY:
                for key in stop.keys:
                    self.asker.say(explained(key))
                continue
            before, told = self.session, self.told
            self._take(stop, found)
            self._tell()
            if found in {"", DEFAULT} and before.said == self.session.said:
                return True
            wrong = any(walk.problems_at(self.session, key) for key in stop.keys)
            if not wrong and len(stop.keys) == 1:
                return True
            if wrong and not self.asker.edits and not _choices(stop.keys[0]):
                self.session, self.told = before, told

    def _put(self, stop: Stop) -> str:
        """Put one question in the way of its kind."""
        key = stop.keys[0]
        if len(stop.keys) > 1:
            rows = [tick_of(self.session, one) for one in stop.keys]
            return self.asker.tick("Which of these?", rows)
        seen = walk.view(self.session, key)
        ask, why = WORDS[key].ask, f"{seen.origin}: {seen.because}"
        now = written(seen.value)
        if values := _choices(key):
            items = [Item(value, told(key, value), on=value == now) for value in values]
            return self.asker.pick(ask, items, why)
        return self.asker.line(ask, now, why)

    def _take(self, stop: Stop, found: str) -> None:
        """Take what was said, and see what follows."""
        key = stop.keys[0]
        if len(stop.keys) > 1:
            if found in stop.keys:
                self.session = walk.toggle(self.session, found)
        elif found == DEFAULT:
            self.session = walk.unset(self.session, key)
        elif found != written(walk.view(self.session, key).value):
            self.session = walk.answer(self.session, key, entered(key, found))
        self.session = walk.preview(self.session)

    def _review(self) -> Way:
        """Show everything that would be written, and ask what to do."""
        if not walk.ready(self.session) or self.session.proposal is None:
            return "wrong"
        proposal = self.session.proposal
        self.asker.say(f"\n{summary(proposal.plan)}\n")
        self.asker.say("\n".join(line(change) for change in proposal.changes))
        for note in dict.fromkeys(proposal.plan.notes):
            if note.severity != "note":
                self.asker.say(f"! {note.message}. {note.fix}".rstrip())
        open_ = [
            c.path for c in proposal.conflicts if c.path not in self.session.choices
        ]
        if not all(self._settle(path) for path in open_):
            return "back"
        count = counted(self.session.proposal.changes)
        items = (
            Item("write", f"write {count} files", on=True),
            Item("diff", "show every difference first"),
            Item("leave", "leave, and keep the answers for the next time"),
        )
        while True:
            match self.asker.pick("What now?", items, ""):
                case "write":
                    return "write"
                case "leave":
                    self.keep(self.session)
                    return "leave"
                case "<":
                    return "back"
                case _:
                    self._show_differences()

    def _settle(self, path: str) -> bool:
        """Ask what becomes of one conflict; False to go back."""
        items = (
            Item("new", f"write {path}.new beside it", on=True),
            Item("keep", "keep mine"),
            Item("take", "take the new one"),
            Item("diff", "show the difference"),
        )
        while True:
            found = self.asker.pick(f"{path}: you changed it too", items, "")
            if found == BACK:
                return False
            if found in {"new", "keep", "take", DEFAULT}:
                choice = "new" if found == DEFAULT else found
                self.session = walk.choose(self.session, path, choice)
                return True
            self._show_difference(path)

    def _show_differences(self) -> None:
        for change in self.session.proposal.changes if self.session.proposal else ():
            if change.status not in {"same", "orphan"}:
                self._show_difference(change.path)

    def _show_difference(self, path: str) -> None:
        change = find(self.session.proposal, path)
        if change is not None:
            rows = difference(self.session, change)
            text = "\n".join(f"{row.mark}{row.text}" for row in rows)
            self.asker.say(f"\n--- {path}\n{text}")

    def _wrong(self) -> int:
        """Return the place of the question that the first problem belongs to."""
        for problem in self.session.problems:
            self.asker.say(f"  ! {problem}")
        found = [walk.home(problem) for problem in self.session.problems]
        step, key = next((place for place in found if place[1]), (0, ""))
        if key in STEPS[step].advanced:
            self.opened.add(step)
        stops = enumerate(self.stops())
        return next((i for i, stop in stops if key in stop.keys), 0)


def _choices(key: str) -> tuple[str, ...]:
    """Return what a question may be answered with, nothing where it takes any text."""
    question = BY_KEY[key]
    return question.choices or (("yes", "no") if question.kind == "flag" else ())


__all__ = ["converse"]
