"""Three-way merge of one file's bytes: pure, by lines, and never with markers.

Two edits that meet are a conflict, also when they only touch: lines that stand beside
each other in a configuration usually depend on each other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


MAX_WORK = 2_000_000
"""Pairs of equal lines the comparison may look at; above it a file is refused."""

_WIDE = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Merge:
    """The merged bytes, or None and where or why the two sides cannot be joined.

    `lines` are 1-based line numbers of the first side where an edit of each meets.
    """

    data: bytes | None
    lines: tuple[int, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Text:
    """A text as lines without their ends, the ends apart, so that an end is no edit."""

    lines: list[bytes]
    ends: list[bytes]
    style: bytes
    closed: bool


@dataclass(frozen=True, slots=True)
class _Hunk:
    """Lines low to high of the base that became lines start to stop of one side."""

    low: int
    high: int
    start: int
    stop: int


def merge(base: bytes, ours: bytes, theirs: bytes) -> Merge:
    """Return the text that holds both sides' edits of the base.

    Line ends and a missing last one are kept as each side has them; what is no text by
    lines, such as UTF-16 or a NUL, is refused rather than cut.
    """
    if ours in {theirs, base}:
        return Merge(theirs)
    if theirs == base:
        return Merge(ours)
    sides = (base, ours, theirs)
    if any(b"\0" in side or side.startswith(_WIDE) for side in sides):
        return Merge(None, reason="it is no text that has lines")
    texts = tuple(_text(side) for side in sides)
    if max(_work(texts[0], texts[1]), _work(texts[0], texts[2])) > MAX_WORK:
        return Merge(None, reason="it is too large to be compared line by line")
    return _Joint(*texts).merge()


def _text(data: bytes) -> _Text:
    """Take a text apart; the last line without an end gets the style of the rest."""
    raw = data.split(b"\n")
    closed = raw[-1] == b""
    crlf = sum(line.endswith(b"\r") for line in raw[:-1])
    style = b"\r\n" if crlf * 2 > len(raw) - 1 else b"\n"
    ends = [b"\r\n" if line.endswith(b"\r") else b"\n" for line in raw[:-1]]
    lines = [line.removesuffix(b"\r") for line in raw[:-1]]
    if not closed:
        lines.append(raw[-1])
        ends.append(style)
    return _Text(lines, ends, style, closed)


def _work(base: _Text, side: _Text) -> int:
    """Return how many pairs of equal lines there are, which bounds the comparison."""
    counts = Counter(base.lines)
    return sum(counts[line] * times for line, times in Counter(side.lines).items())


def _hunks(base: _Text, side: _Text) -> list[_Hunk]:
    matcher = SequenceMatcher(None, base.lines, side.lines, autojunk=False)
    return [
        _Hunk(low, high, start, stop)
        for tag, low, high, start, stop in matcher.get_opcodes()
        if tag != "equal"
    ]


def _pick[T](base: T, ours: T, theirs: T) -> T:
    """Return what the side that changed something says."""
    return theirs if ours == base else ours


class _Joint:
    """One merge on its way: the three texts, and what was put out so far."""

    def __init__(self, base: _Text, ours: _Text, theirs: _Text) -> None:
        """Compare each side with the base."""
        self.base = base
        self.sides = (ours, theirs)
        self.hunks = (_hunks(base, ours), _hunks(base, theirs))
        self.style = _pick(base.style, ours.style, theirs.style)
        self.out: list[bytes] = []
        self.met: list[int] = []

    def merge(self) -> Merge:
        """Return both sides' edits in one text, or the lines where they meet."""
        at, shifts = 0, [0, 0]
        for low, high in self._clusters():
            self._copy(at, low, shifts)
            spans = [self._span(side, low, high, shifts[side]) for side in (0, 1)]
            self._settle(low, high, spans)
            shifts = [stop - high for _, stop in spans]
            at = high
        self._copy(at, len(self.base.lines), shifts)
        if self.met:
            return Merge(None, tuple(self.met))
        closed = _pick(self.base.closed, *(side.closed for side in self.sides))
        if self.out and not closed:
            self.out[-1] = self.out[-1].removesuffix(b"\n").removesuffix(b"\r")
        return Merge(b"".join(self.out))

    def _clusters(self) -> Iterator[tuple[int, int]]:
        """Yield the ranges of the base in which hunks overlap or touch."""
        hunks = sorted((*self.hunks[0], *self.hunks[1]), key=lambda h: (h.low, h.high))
        low, high = -1, -1
        for hunk in hunks:
            if low >= 0 and hunk.low > high:
                yield low, high
                low = -1
            low = hunk.low if low < 0 else low
            high = max(high, hunk.high)
        if low >= 0:
            yield low, high

    def _span(self, side: int, low: int, high: int, shift: int) -> tuple[int, int]:
        """Return the lines of a side that stand for a range of the base."""
        inside = [h for h in self.hunks[side] if low <= h.low and h.high <= high]
        if not inside:
            return low + shift, high + shift
        return low + shift, inside[-1].stop + high - inside[-1].high

    def _settle(self, low: int, high: int, spans: Sequence[tuple[int, int]]) -> None:
        """Put out one range: the side that changed it, or both when they agree."""
        ours, theirs = (
            side.lines[start:stop]
            for side, (start, stop) in zip(self.sides, spans, strict=True)
        )
        old = self.base.lines[low:high]
        if ours not in (old, theirs) and theirs != old:
            self.met.append(spans[0][0] + 1)
            return
        if ours == theirs:
            self._agreed(spans)
            return
        self._take(1 if ours == old else 0, spans)

    def _take(self, number: int, spans: Sequence[tuple[int, int]]) -> None:
        """Put out one side's lines; its usual line end becomes the joint one."""
        side = self.sides[number]
        for at in range(*spans[number]):
            end = self.style if side.ends[at] == side.style else side.ends[at]
            self.out.append(side.lines[at] + end)

    def _agreed(self, spans: Sequence[tuple[int, int]]) -> None:
        """Put out lines that both sides put there."""
        ours, theirs = self.sides
        for one, two in zip(range(*spans[0]), range(*spans[1]), strict=True):
            same = ours.ends[one] == theirs.ends[two]
            self.out.append(ours.lines[one] + (ours.ends[one] if same else self.style))

    def _copy(self, low: int, high: int, shifts: Sequence[int]) -> None:
        """Put out lines that neither side changed, each with the end somebody chose."""
        ours, theirs = self.sides
        for at in range(low, high):
            end = _pick(
                self.base.ends[at],
                ours.ends[at + shifts[0]],
                theirs.ends[at + shifts[1]],
            )
            self.out.append(self.base.lines[at] + end)


__all__ = ["Merge", "merge"]
