"""The wizard without a terminal: keys go in, the screen comes out as text or SVG."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nextwizard.tui.app import Wizard


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nextwizard.drafts import Draft
    from nextwizard.session import Session


@dataclass(frozen=True, slots=True)
class Seen:
    """What was on the screen after the keys, and what the wizard handed back."""

    text: str
    svg: str
    session: Session
    kept: tuple[Session, ...]
    result: Session | None
    over: bool


def text_of(app: Wizard) -> str:
    """Return the screen as lines of text, without what stands at their ends."""
    strips = app.screen._compositor.render_strips()
    lines = ["".join(segment.text for segment in strip).rstrip() for strip in strips]
    return "\n".join(lines) + "\n"


def drive(
    session: Session,
    *keys: str | tuple[int, int] | Callable[[Wizard], None],
    size: tuple[int, int] = (120, 40),
    draft: Draft | None = None,
) -> Seen:
    """Open the wizard on a screen of this size and press keys.

    A pair of numbers resizes the screen; a callable looks at the application.
    """
    return asyncio.run(_drive(session, keys, size, draft))


async def _drive(
    session: Session,
    keys: Sequence[str | tuple[int, int] | Callable[[Wizard], None]],
    size: tuple[int, int],
    draft: Draft | None,
) -> Seen:
    kept: list[Session] = []
    app = Wizard(session, kept.append, draft)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.pause()
        for key in keys:
            if isinstance(key, str):
                await pilot.press(key)
            elif isinstance(key, tuple):
                await pilot.resize_terminal(*key)
            else:
                key(app)
            await pilot.pause()
        await app.animator.wait_until_complete()
        await pilot.pause()
        over = not app.is_running or app._exit
        return Seen(
            "" if over else text_of(app),
            "" if over else app.export_screenshot(title="nextwizard"),
            app.session,
            tuple(kept),
            app.return_value,
            over,
        )


__all__ = ["Seen", "drive", "text_of"]
