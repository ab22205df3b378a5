"""The full screen wizard: draws a session, and hands back the one to be written."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nextwizard.drafts import Draft
    from nextwizard.session import Session

FRAMES = "120"
"""Frames a second where TEXTUAL_FPS says nothing.

Once it has drawn a letter, textual's timer sleeps for one to two frames, whether there
is anything to wait for or not: at 60 the files come 17 to 33 ms later than they could.
"""

SWITCH = 0.001
"""Seconds of work after which another thread runs: that which writes to the terminal.

At Python's own 5 ms a letter that is drawn leaves only once the files are made, too.
"""


@contextmanager
def paced() -> Iterator[None]:
    """Let what a key draws leave at once; before textual is imported."""
    os.environ.setdefault("TEXTUAL_FPS", FRAMES)
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def run(
    session: Session, keep: Callable[[Session], None], draft: Draft | None
) -> Session | None:
    """Let a person walk through the session; None when it was left without writing."""
    with paced():
        from .app import Wizard

        return Wizard(session, keep, draft).run()


__all__ = ["paced", "run"]
