"""From facts and answers to a plan: every decision with its reason and its source.

The ledger collects decisions in order; `process`, `capacity`, `edge`, `settings` and
`web` each write their part into it. Nothing after this room decides anything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nextwizard import rules
from nextwizard.errors import InputError, Problem, shown
from nextwizard.values import Decision, Evidence, Note, Plan


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nextwizard.servers import ServerRule
    from nextwizard.values import Answers, Host, Project, Value


_PASSING = frozenset({"answers.normalised", "answers.contradicted"})
_QUIET = ("cache.", "csp.", "data.", "media.")
"""Kinds that are told where they are decided on, not as findings of their own."""


class Ledger:
    """Collects decisions in order; every later one may look at those before it."""

    def __init__(self, project: Project, host: Host, answers: Answers) -> None:
        """Start with the facts and the answers, and nothing decided."""
        self.project = project
        self.host = host
        self.answers = answers
        self.decisions: dict[str, Decision] = {}
        self.variants: list[dict[str, Decision]] = []
        self.notes: list[Note] = list(answers.notes)
        self.problems: list[Problem] = []

    def __getitem__(self, key: str) -> Value:
        """Return what was decided, else what was answered."""
        if key in self.decisions:
            return self.decisions[key].value
        return self.answers[key]

    def text(self, key: str) -> str:
        """Return a decided or answered value as text."""
        return str(self[key])

    def number(self, key: str) -> int:
        """Return a decided or answered number; TypeError when it is none."""
        value = self[key]
        if not isinstance(value, int):
            msg = f"{key} is no number"
            raise TypeError(msg)
        return value

    def flag(self, key: str) -> bool:
        """Return whether a decided or answered value is yes."""
        return self[key] is True

    def items(self, key: str) -> tuple[str, ...]:
        """Return a decided or answered list."""
        value = self[key]
        return value if isinstance(value, tuple) else (str(value),)

    def decide(
        self, key: str, value: Value, reason: str, source: str, link: str = ""
    ) -> None:
        """Write one decision down, with its reason and where the reason comes from."""
        self.decisions[key] = Decision(key, value, reason, source, link)

    def table(
        self, rows: Mapping[str, Value], reason: str, source: str, link: str = ""
    ) -> None:
        """Write several decisions down that share one reason."""
        for key, value in rows.items():
            self.decide(key, value, reason, source, link)

    def follow(self, key: str, answer: str, reason: str = "") -> None:
        """Decide what was answered, unchanged."""
        why = reason or self.origin(answer)
        self.decide(key, self.answers[answer], why, self.source(answer))

    def origin(self, key: str) -> str:
        """Say in words where an answer comes from."""
        answer = self.answers.items[key]
        if answer.source == "detected":
            return f"read at {answer.where}"
        if answer.touched:
            # Not where it was said: the runbook holds reasons, and a value that came
            # by --set stands in nextwizard.toml at the next run.
            return f"answered: {key}"
        return answer.reason or f"the default of {key}"

    def source(self, key: str) -> str:
        """Return the source of an answer: a file:line, or its key."""
        answer = self.answers.items[key]
        return answer.where if answer.evidence else key

    def refuse(self, keys: str, what: str, fix: str) -> None:
        """Write down a problem; all of them are reported together."""
        problem = Problem(keys, what, fix)
        if problem not in self.problems:
            self.problems.append(problem)

    def warn(
        self,
        kind: str,
        message: str,
        evidence: Iterable[Evidence] = (),
        fix: str = "",
        link: str = "",
    ) -> None:
        """Write down a warning, unless the answers accept it by its id."""
        if kind not in self.items("checks.ignore"):
            found = tuple(evidence)
            self.notes.append(Note(kind, "warning", message, found, fix, link))

    def said(self, key: str) -> str:
        """Return an answer as `key = value`, for a message."""
        return f"{key} = {shown(self.answers[key])}"

    def plan(self) -> Plan:
        """Close the ledger."""
        return Plan(self.decisions, tuple(self.notes), tuple(self.variants))


def version_of(text: str, default: str) -> tuple[int, int, int]:
    """Return a release as three numbers; what cannot be read counts as the default."""
    found = "".join(c if c.isdigit() or c == "." else " " for c in text).split()
    parts = [int(part) for part in (found[0] if found else "").split(".") if part]
    if not parts:
        return version_of(default, "0")
    return (*parts, 0, 0)[0], (*parts, 0, 0)[1], (*parts, 0, 0)[2]


def first(evidence: Iterable[Evidence]) -> str:
    """Return the first place as text, or nothing."""
    return next((str(place) for place in evidence), "")


def decide(project: Project, host: Host, answers: Answers) -> Plan:
    """Return the plan; InputError with every conflict, naming file:line or keys."""
    from .capacity import capacity
    from .edge import edge
    from .process import command, interface, server
    from .settings import alone, settings
    from .web import web

    ledger = Ledger(project, host, answers)
    _findings(ledger)
    alone(ledger)
    several = bool(ledger.items("hosting.hosts"))
    if several:
        from .hosts import hosts

        hosts(ledger)
    interface(ledger)
    row = server(ledger)
    if row is not None:
        settings(ledger)
        edge(ledger)
        web(ledger)
        command(ledger, row)
        capacity(ledger, row)
        _contained(ledger, row)
        if several:
            from .hosts import fleet, shared

            fleet(ledger, row)
            shared(ledger)
        _packages(ledger, row)
        _ci(ledger)
        _runbook(ledger)
    if ledger.problems:
        raise InputError(ledger.problems)
    return ledger.plan()


def _contained(ledger: Ledger, row: ServerRule) -> None:
    """Decide the data, and the image and its pods where the target has them."""
    from .data import data

    if ledger["hosting.target"] not in rules.CONTAINERS:
        data(ledger, row)
        return
    from .containers import containers

    if ledger["hosting.target"] == "kubernetes":
        from .cluster import scaling

        scaling(ledger)
    data(ledger, row)
    containers(ledger)


def _ci(ledger: Ledger) -> None:
    """Decide who runs the checks at every push, and what that is."""
    ledger.follow("ci.provider", "ci.provider")
    if ledger["ci.provider"] != "none":
        from .ci import ci

        ci(ledger)


def _packages(ledger: Ledger, row: ServerRule) -> None:
    """Decide what deploy/requirements.txt names: what was chosen, and no more."""
    engine, static = ledger.text("data.engine"), ledger.text("static.kind")
    pool = ",pool" if ledger.number("data.pool") else ""
    own = not ledger.flag("data.url") and not pool
    rows = (
        (True, row.requirement),
        (ledger.flag("data.url"), "dj-database-url>=3.0"),
        (engine == "postgresql" and not own, f"psycopg[binary{pool}]>=3.2"),
        (engine == "mysql" and not own, "mysqlclient>=2.2"),
        (ledger.text("data.cache") == "redis", "redis>=5.0"),
        (static == "whitenoise", "whitenoise[brotli]>=6.9"),
        (static == "servestatic", "servestatic[brotli]>=3.0"),
    )
    ledger.decide(
        "packages.lines",
        tuple(line for wanted, line in rows if wanted),
        "what the choices above import, by the oldest release that fits",
        "rules",
    )


def _runbook(ledger: Ledger) -> None:
    """Decide what the runbook tells: reasons, warnings, URLs."""
    canonical = f"https://{ledger.decisions['edge.canonical'].value}"
    told = ("server.interface", "server.kind", "sizing.sum", "static.kind", "csp.mode")
    reasons = [ledger.decisions[key] for key in told if key in ledger.decisions]
    lines = [f"{row.key}: {row.value} ({row.reason})" for row in reasons]
    warnings = [note.message for note in ledger.notes if _lasting(note)]
    rows: dict[str, Value] = {
        "runbook.reasons": tuple(_placeless(ledger, line) for line in lines),
        "runbook.warnings": tuple(_placeless(ledger, line) for line in warnings),
        "runbook.home_url": f"{canonical}{ledger['edge.base']}",
        "runbook.health_url": f"{canonical}{ledger['health.path']}",
        "runbook.ready_url": f"{canonical}{ledger['health.ready_path']}",
        "runbook.static_url": f"{canonical}{ledger['static.url']}",
    }
    ledger.table(rows, "told by the runbook", "decide")


def _lasting(note: Note) -> bool:
    """Tell whether a warning says the same at every run, typed or stored."""
    return note.severity != "note" and note.id not in _PASSING


def _placeless(ledger: Ledger, text: str) -> str:
    """Return a reason as a file may hold it: a line number would be drift tomorrow.

    The settings have another path after the split than before it.
    """
    settings = ledger.project.layout.settings.path
    folder = settings.rpartition("/")[0] + "/" if "/" in settings else ""
    for path in (settings, *(f"{folder}{name}.py" for name in ("base", "dev", "prod"))):
        text = re.sub(rf"(?<![\w/.-]){re.escape(path)}(?::\d+)?", "the settings", text)
    return re.sub(r"(\.[a-z]+):\d+\b", r"\1", text)


def _findings(ledger: Ledger) -> None:
    """Say what each signal means; an error stands against the run unless ignored."""
    told = [s for s in ledger.project.signals if not s.kind.startswith(_QUIET)]
    if not told:
        return
    from nextwizard.findings import FINDINGS

    ignored = set(ledger.items("checks.ignore"))
    if version_of(ledger.project.versions.get("next.dj", ""), "0.10") < (0, 9, 0):
        ignored.add("next.old_layout")  # what these releases want
    for signal in told:
        rule = FINDINGS.get(signal.kind)
        if rule is None or signal.kind in ignored:
            continue
        what = f"{rule.what} ({signal.detail})" if signal.detail else rule.what
        if rule.severity == "error":
            fix = f'{rule.fix} Or accept it: checks.ignore = ["{signal.kind}"].'
            ledger.refuse(str(signal.evidence), what, fix)
            continue
        message = f"{signal.evidence}: {what}"
        ledger.notes.append(
            Note(
                signal.kind,
                rule.severity,
                message,
                (signal.evidence,),
                rule.fix,
                rule.link,
            )
        )


__all__ = ["Ledger", "decide", "first", "version_of"]
