"""What a real checker is here: when it is used, how it runs, how to get it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nextwizard.errors import NextwizardError
from nextwizard.outcomes import NOT_USED, Outcome

from .read import Unreadable


if TYPE_CHECKING:
    from collections.abc import Callable

    from nextwizard.outcomes import Verdict
    from nextwizard.values import Evidence, Plan

    from .subject import Subject


@dataclass(frozen=True, slots=True)
class Said:
    """How a tool's run ended, in its own words, with places of the user's files.

    `version` stands behind the label; `figures` are numbers for `--json`.
    """

    verdict: Verdict
    detail: str = ""
    evidence: tuple[Evidence, ...] = ()
    fix: str = ""
    figures: tuple[tuple[str, float], ...] = field(default=())
    version: str = ""


@dataclass(frozen=True, slots=True)
class Checker:
    """One real program that reads some of the generated files.

    `used` says whether this deployment has something for it, `install` how to get it
    where it is missing; `run` gets the subject and says how it went.
    """

    key: str
    label: str
    used: Callable[[Plan], bool]
    run: Callable[[Subject], Said]
    install: str
    link: str

    def outcome(self, subject: Subject) -> Outcome:
        """Run it; nothing it meets is raised."""
        if not self.used(subject.stage.plan):
            return Outcome(self.key, self.label, "skipped", NOT_USED, link=self.link)
        try:
            said = self.run(subject)
        except NextwizardError as error:
            problem = error.problems[0]
            said = Said("failed", f"{problem.where}: {problem.what}", fix=problem.fix)
        except Unreadable as error:
            said = Said("failed", error.what, (error.at,))
        except (OSError, ValueError, KeyError) as error:
            said = Said("failed", f"could not be run: {_words(error)}")
        label = f"{self.label} ({said.version})" if said.version else self.label
        fix = said.fix
        if said.verdict == "skipped" and not said.detail and not fix:
            fix = self.install
        return Outcome(
            self.key,
            label,
            said.verdict,
            said.detail,
            said.evidence,
            fix,
            said.figures,
            self.link,
        )


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


MISSING = Said("skipped")
"""The program is not installed: the row says how to get it."""


__all__ = ["MISSING", "Checker", "Said"]
