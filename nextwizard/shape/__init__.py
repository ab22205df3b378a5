"""Our own output, read again before it is written: no value may change its structure.

Every file is rendered a second time with a bland word in each value's place. Both are
read by the grammar's small reader. Token by token they must agree, and where one has
the word the other must have the value. What differs is a bug of ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from nextwizard.errors import Problem, shown
from nextwizard.quoting import FILTERS
from nextwizard.render import each, environment, unmarked


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nextwizard.values import Plan, RenderedFile

    from .words import Token


_SLOT = re.compile("\\x02([0-9]+)\\x02")
_HARMLESS = re.compile(r"[A-Za-z0-9_./:=+-]*")
_PATTERN = re.compile(r"\^[A-Za-z0-9_/-]*\??\$|\*")
_PROSE = re.compile(r"[A-Za-z0-9(\u00c0-\uffff][^\\`*_{}\[\]<>#|&]*")
_WORD = re.compile(r"w([0-9]+)w(?:_([0-9]+)_)?")


@dataclass(frozen=True, slots=True)
class Slot:
    """One value of a rendering: the filter it went through, itself, and its text."""

    filter: str
    raw: object
    quoted: str


class Recorder:
    """Renders with places instead of values, and remembers what belongs there."""

    def __init__(self) -> None:
        """Start from the one environment, whose filters stay as they are."""
        self.slots: list[Slot] = []
        self.environment = environment().overlay()
        self.environment.filters = {
            **environment().filters,
            **{name: self._place(name, quote) for name, quote in FILTERS.items()},
        }

    def _place(
        self, name: str, quote: Callable[[object], str]
    ) -> Callable[[object], str]:
        def placed(raw: object) -> str:
            if name == "shell_words":
                raw = tuple(str(raw).split(" "))
            self.slots.append(Slot(name, raw, quote(raw)))
            return f"\x02{len(self.slots) - 1}\x02"

        return placed

    def filled(self, text: str, word: Callable[[int, Slot], str]) -> str:
        """Return a rendering with a word in each place."""

        def one(found: re.Match[str]) -> str:
            number = int(found[1])
            return word(number, self.slots[number])

        return _SLOT.sub(one, text)


def _plain(slot: Slot) -> bool:
    """Tell whether a value holds no mark of its grammar, so that nothing can happen."""
    items = slot.raw if isinstance(slot.raw, tuple) else (slot.raw,)
    fits = [_HARMLESS]
    fits += {"markdown": [_PROSE], "py": [_PATTERN]}.get(slot.filter, [])
    if slot.filter == "requirement":
        return True
    return all(any(fit.fullmatch(str(item)) for fit in fits) for item in items)


def marked(plan: Plan) -> Iterator[tuple[str, str, Recorder]]:
    """Yield path and text of every file that holds a value with a mark in it.

    The text has places for the values, which the recorder holds until the next step.
    """
    recorder = Recorder()
    for output, path, known in each(plan):
        if output.ownership == "secret":
            continue
        recorder.slots.clear()
        template = recorder.environment.get_template(f"{output.template}.jinja")
        body = unmarked(template.render(known))[0]
        if not all(map(_plain, recorder.slots)):
            yield path, body, recorder


def misshapen(plan: Plan, files: Sequence[RenderedFile]) -> list[Problem]:
    """Return each rendered file in which a value changes the structure, and which."""
    return [*_misshapen(plan, {file.path: file for file in files if file.key})]


def _misshapen(plan: Plan, made: Mapping[str, RenderedFile]) -> Iterator[Problem]:
    for path, body, recorder in marked(plan):
        if path not in made:
            continue
        bland = recorder.filled(body, _bland)
        text = made[path].data.decode()
        odd = differing(path, bland, text, recorder.slots)
        if odd:
            yield Problem(path, odd, REPORT)


REPORT = "This is a bug in nextwizard, and nothing was written. Report that value."


def _bland(number: int, slot: Slot) -> str:
    """Return the text of a slot with bland words for its value; numbers stay."""
    raw = slot.raw
    if isinstance(raw, str) and raw and slot.filter != "requirement":
        return FILTERS[slot.filter](f"w{number}w")
    if isinstance(raw, tuple) and all(isinstance(item, str) for item in raw):
        words = (f"w{number}w_{at}_" for at in range(len(raw)))
        return FILTERS[slot.filter](tuple(words))
    return slot.quoted


def differing(path: str, bland: str, text: str, slots: Sequence[Slot]) -> str:
    """Return in words where a text differs from its bland twin in shape; or nothing."""
    from .texts import reader

    read = reader(path)
    for one, other in zip_longest(read(bland), read(text)):
        if one == other:
            continue
        if one is None or other is None or one[0] != other[0]:
            return (
                f"{_near(other or one)} stands where its grammar wants something else"
            )
        found = [
            match for match in _WORD.finditer(one[1]) if int(match[1]) < len(slots)
        ]
        if other[1] not in _expected(one, found, slots):
            raw = shown(slots[int(found[0][1])].raw) if found else "no value"
            return f"{_near(other)} stands where {raw} belongs"
    return ""


def _near(token: Token | None) -> str:
    return shown(token[1] if token else "")


def _expected(
    token: Token, found: list[re.Match[str]], slots: Sequence[Slot]
) -> set[str]:
    """Return what a token may say: its words replaced by the values they stand for."""
    text = token[1]
    said = set()
    for form in (_arriving, _quoted):
        parts, at = [], 0
        for match in found:
            parts += [text[at : match.start()], form(slots[int(match[1])], match[2])]
            at = match.end()
        said.add("".join([*parts, text[at:]]))
    return said


def _item(slot: Slot, at: str | None) -> str:
    return str(slot.raw[int(at)] if at and isinstance(slot.raw, tuple) else slot.raw)


def _arriving(slot: Slot, at: str | None) -> str:
    """Return the value as the reader of its grammar sees it."""
    raw = _item(slot, at)
    if slot.filter == "nginx_regex":
        return slot.quoted
    if slot.filter == "yaml_dollar":
        return raw.replace("$", "$$")
    if slot.filter in {"docker_json", "docker_path", "docker_line"}:
        escaped = raw.replace("\\", "\\\\") if slot.filter != "docker_json" else raw
        return escaped if slot.filter == "docker_json" else escaped.replace("$", "\\$")
    return raw


def _quoted(slot: Slot, at: str | None) -> str:
    """Return the value as a comment holds it, or text that stands in other text."""
    return FILTERS[slot.filter](_item(slot, at))


__all__ = ["differing", "misshapen"]
