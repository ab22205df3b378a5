"""What a key draws in the wizard, counted and not timed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from driven import text_of
from walks import begun

from nextwizard.tui.app import Wizard
from nextwizard.tui.chrome import Decision, Foot, Head
from nextwizard.tui.form import More
from nextwizard.tui.listing import Files
from nextwizard.tui.page import Page


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from nextwizard.session import Session


@pytest.fixture
def notes(sample: Callable[..., Path]) -> Path:
    return sample()


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the lines that are drawn, and the times a widget makes its lines."""
    counts: Counter[str] = Counter()

    def counting(owner: type, name: str, word: str) -> None:
        real = getattr(owner, name)

        def counted(self: object, *given: object) -> object:
            counts[word] += 1
            return real(self, *given)

        monkeypatch.setattr(owner, name, counted)

    for owner in (Head, Decision, Foot, More, Files):
        counting(owner, "lines", owner.__name__)
    counting(Page, "render_line", "Page")
    return counts


def test_a_letter_makes_only_what_tells_of_it(notes: Path, drawn: Counter[str]) -> None:
    async def typed() -> None:
        app = Wizard(begun(notes), lambda _session: None)
        async with app.run_test(size=(140, 45)) as pilot:
            # The first letter brings the marks of a change; the second moves them.
            for letter in "qx":
                await settled(app, pilot)
                drawn.clear()
                await pilot.press(letter)
            await settled(app, pilot)
            page = app.query_one(Page)
            assert "nextwizard   qx " in text_of(app)
            assert drawn["Page"] <= sum(row.mark != " " for row in page.rows) + 2
            assert 0 < drawn["Page"] < page.size.height / 2

    asyncio.run(typed())
    assert drawn["Head"] == 1
    assert drawn["Files"] == 1
    assert not drawn["Decision"] + drawn["Foot"] + drawn["More"]


def test_a_name_in_the_border_draws_no_line_of_the_file(
    notes: Path, drawn: Counter[str]
) -> None:
    async def named() -> None:
        app = Wizard(begun(notes), lambda _session: None)
        async with app.run_test(size=(140, 45)) as pilot:
            await settled(app, pilot)
            drawn.clear()
            app.query_one(Page).name_file("deploy/another.name")
            await settled(app, pilot)
            assert "─ deploy/another.name ─" in text_of(app)

    asyncio.run(named())
    assert not drawn["Page"]


async def settled(app: Wizard, pilot: Pilot[Session | None]) -> None:
    """Wait until the files are made, and all is drawn."""
    await pilot.pause(0.1)
    while app.session.stale:
        await pilot.pause(0.1)
    await pilot.pause(0.2)


@pytest.mark.parametrize(("said", "frames"), [("", "120"), ("30", "30")])
def test_frames_come_fast_unless_the_user_says_otherwise(
    said: str, frames: str
) -> None:
    code = """
import sys
from nextwizard.tui import paced
with paced():
    from textual.constants import MAX_FPS
    within = sys.getswitchinterval()
print(MAX_FPS, within < 0.002 < sys.getswitchinterval())
"""
    env = {key: text for key, text in os.environ.items() if key != "TEXTUAL_FPS"}
    env |= {"TEXTUAL_FPS": said} if said else {}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env=env,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == [frames, "True"]
