"""What a probe is, and how one is run: it measures, fails, or does not apply."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn

from nextwizard.errors import NextwizardError
from nextwizard.outcomes import Outcome


if TYPE_CHECKING:
    from collections.abc import Callable

    from .site import Site

    type Phase = Literal["start", "edge", "serving", "life"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a probe that passed has measured: words, and figures for `--json`."""

    detail: str
    figures: tuple[tuple[str, float], ...] = ()


class Failed(Exception):  # noqa: N818 - it is no error of ours
    """The deployment did not do what the probe asked of it."""

    def __init__(self, detail: str, fix: str = "") -> None:
        """Keep what happened and what to do next."""
        super().__init__(detail)
        self.detail, self.fix = detail, fix


class Skip(Exception):  # noqa: N818 - nor is this
    """The probe does not apply here, or something it needs is not installed."""

    def __init__(self, detail: str, fix: str = "") -> None:
        """Keep the reason and, where something is missing, how to get it."""
        super().__init__(detail)
        self.detail, self.fix = detail, fix


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to the running deployment.

    `phase` says what is up while it is asked: the proxy before a stand-in for the
    application (edge), everything (serving), or everything while it is being restarted
    (life). A slow one waits for more than ten seconds and is only asked on request.
    """

    key: str
    label: str
    phase: Phase
    ask: Callable[[Site], Found]
    slow: bool = False

    def run(self, site: Site) -> Outcome:
        """Ask, and return how it ended."""
        try:
            found = self.ask(site)
        except Failed as error:
            return self.failed(error.detail, error.fix)
        except Skip as reason:
            return Outcome(
                self.key, self.label, "skipped", reason.detail, fix=reason.fix
            )
        except NextwizardError as error:
            problem = error.problems[0]
            return self.failed(f"{problem.where}: {problem.what}", problem.fix)
        except (OSError, http.client.HTTPException) as error:
            return self.failed(f"{type(error).__name__}: {error}".rstrip(": "))
        return Outcome(self.key, self.label, "ok", found.detail, figures=found.figures)

    def failed(self, detail: str, fix: str = "") -> Outcome:
        """Return the outcome of a failure."""
        return Outcome(self.key, self.label, "failed", detail, fix=fix)

    def skipped(self, detail: str, fix: str = "") -> Outcome:
        """Return the outcome of a probe that was not asked."""
        return Outcome(self.key, self.label, "skipped", detail, fix=fix)


def expect(truth: object, detail: str, fix: str = "") -> None:
    """Raise Failed unless it is so."""
    if not truth:
        raise Failed(detail, fix)


def fail(detail: str, fix: str = "") -> NoReturn:
    """Say that the deployment did not do what the probe asked of it."""
    raise Failed(detail, fix)


def not_here(reason: str) -> NoReturn:
    """Say that a probe does not apply to this deployment."""
    message = f"does not apply: {reason}"
    raise Skip(message)


__all__ = ["Failed", "Found", "Probe", "Skip", "expect", "fail", "not_here"]
