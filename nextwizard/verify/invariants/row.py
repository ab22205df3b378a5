"""What an invariant is: one thing that files must agree on, as a row with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from nextwizard.errors import NextwizardError
from nextwizard.outcomes import NOT_USED, Outcome
from nextwizard.verify.facts import NotHere, NotUsed
from nextwizard.verify.read import Unreadable


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nextwizard.values import Evidence
    from nextwizard.verify.facts import Facts


@dataclass(frozen=True, slots=True)
class Breach:
    """One place where it does not hold: what is wrong, where, and the way out."""

    what: str
    at: tuple[Evidence, ...]
    fix: str
    severity: Literal["failed", "warning"] = "failed"


@dataclass(frozen=True, slots=True)
class Invariant:
    """One thing that no single checker knows, because it stands in several files.

    `find` yields the breaches; `key` is what checks.ignore accepts.
    """

    key: str
    holds: str
    reason: str
    link: str
    find: Callable[[Facts], Iterable[Breach]]

    def outcomes(self, facts: Facts) -> Iterator[Outcome]:
        """Look for breaches; one outcome each, or a single one when it holds."""
        try:
            breaches = list(self.find(facts))
        except NotUsed:
            yield self._outcome("skipped", NOT_USED)
            return
        except NotHere as reason:
            yield self._outcome("skipped", str(reason))
            return
        except Unreadable as error:
            yield self._outcome("skipped", f"{error.at}: {error.what}")
            return
        except NextwizardError as error:
            problem = error.problems[0]
            yield self._outcome("skipped", f"{problem.where}: {problem.what}")
            return
        except (OSError, ValueError, KeyError) as error:
            yield self._outcome("skipped", f"could not be read: {error}")
            return
        if not breaches:
            yield self._outcome("ok")
        for breach in breaches:
            places = tuple(dict.fromkeys(place for place in breach.at if place.path))
            yield Outcome(
                self.key,
                self.holds,
                breach.severity,
                f"{breach.what}: {self.reason}",
                places,
                breach.fix,
                link=self.link,
            )

    def _outcome(self, verdict: Literal["ok", "skipped"], detail: str = "") -> Outcome:
        return Outcome(self.key, self.holds, verdict, detail, link=self.link)


__all__ = ["Breach", "Invariant"]
