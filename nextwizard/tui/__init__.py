"""The full screen wizard: draws a session, and hands back the one to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable

    from nextwizard.drafts import Draft
    from nextwizard.session import Session


def run(
    session: Session, keep: Callable[[Session], None], draft: Draft | None
) -> Session | None:
    """Let a person walk through the session; None when it was left without writing."""
    from .app import Wizard

    return Wizard(session, keep, draft).run()


__all__ = ["run"]
