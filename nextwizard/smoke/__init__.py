"""Boots the generated server behind the generated proxy on loopback and probes it.

The generated files are used as they are on disk; only paths, ports and the certificate
are those of a scratch directory. Needs no root, and ends everything it started.
"""

from __future__ import annotations

import http.client
import socket
import tempfile
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from nextwizard import stage, stageproxy
from nextwizard.errors import InputError, Problem, ToolError
from nextwizard.outcomes import Outcome

from . import card
from .recorder import Recorder
from .site import Options, Site, furnish, ground, program
from .table import PROBES


if TYPE_CHECKING:
    from collections.abc import Callable

    from nextwizard.outcomes import Verdict
    from nextwizard.tools import Server
    from nextwizard.workflow import Proposal

    from .probe import Phase, Probe

    type Tell = Callable[[Outcome], None]


_STARTING = (502, 503, 504)
"""What a proxy answers while nobody listens behind it."""


def smoke(
    proposal: Proposal, options: Options, tell: Tell = lambda _: None
) -> tuple[Outcome, ...]:
    """Boot the deployment that was generated for this proposal, and probe it.

    `tell` hears of each outcome as soon as there is one. InputError when there is
    nothing that can be booted, or a key in `only` that no probe has.
    """
    _known(options)
    run = _Run(options, tell)
    with tempfile.TemporaryDirectory(prefix="nw") as scratch, ExitStack() as stack:
        site = ground(proposal, scratch, options)
        run.ask(site, "start")
        run.drift(proposal)
        if run.wanted("edge", "serving", "life"):
            run.edge(site, stack)
        run.serving(site, stack)
    return tuple(run.found)


def _known(options: Options) -> None:
    keys = {probe.key for probe in PROBES} | {key.key.split(".")[0] for key in PROBES}
    for key in options.only:
        if key not in keys:
            groups = ", ".join(dict.fromkeys(p.key.split(".")[0] for p in PROBES))
            raise InputError(
                Problem("--only", f"no probe is called {key!r}", f"Try: {groups}.")
            )


class _Run:
    """One run: what was asked, and what was found so far."""

    def __init__(self, options: Options, tell: Tell) -> None:
        self.options = options
        self.tell = tell
        self.found: list[Outcome] = []

    def wanted(self, *phases: Phase) -> list[Probe]:
        """Return the probes of these phases that were asked for."""
        return [
            probe
            for probe in PROBES
            if probe.phase in phases and self.options.wants(probe.key)
        ]

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome, and tell it."""
        self.found.append(outcome)
        self.tell(outcome)

    def ask(self, site: Site, *phases: Phase) -> None:
        """Ask every probe of these phases, the slow ones only where that was wished."""
        for probe in self.wanted(*phases):
            if probe.slow and not self.options.slow:
                self.add(probe.skipped("takes over ten seconds: add --slow"))
            else:
                self.add(probe.run(site))

    def skip(self, phases: tuple[Phase, ...], reason: str) -> None:
        """List every probe of these phases as not asked."""
        for probe in self.wanted(*phases):
            self.add(probe.skipped(reason))

    def drift(self, proposal: Proposal) -> None:
        """Warn when the files on the disk are not those of the answers."""
        same = {"same", "orphan"}
        stale = [
            change.path for change in proposal.changes if change.status not in same
        ]
        if stale and self.options.wants("files"):
            more = f" and {len(stale) - 1} more" if len(stale) > 1 else ""
            what = f"{stale[0]}{more}: regenerate would change what is probed here"
            fix = "Run nextwizard regenerate first."
            self.add(Outcome("files", "files as answered", "warning", what, fix=fix))

    def edge(self, site: Site, stack: ExitStack) -> None:
        """Start the proxy before a stand-in, and ask what it does with a request."""
        if site.kind == "none":
            self.ask(site, "edge")
            return
        # The stand-in first: a proxy that probes its hosts finds them from the start.
        with Recorder(site.on) if self.wanted("edge") else nullcontext() as recorder:
            proxy = self._proxy(site)
            if proxy is None:
                site.visitor = replace(site.visitor, proxied=False)
                self.skip(("edge",), f"{site.kind} does not run here")
                return
            stack.callback(proxy.stop, 10)
            site.recorder = recorder
            self.ask(site, "edge")
        site.recorder = None

    def _proxy(self, site: Site) -> Server | None:
        """Return the running proxy; None when it is missing or refuses its files."""
        label = f"{site.kind} takes the generated files"
        binary = program(site)
        if not binary:
            reason, fix = f"{site.kind} is not installed", f"Install {site.kind}."
            self.add(Outcome("proxy", label, "skipped", reason, fix=fix))
            return None
        try:
            proxy = stageproxy.proxy(site.on, binary)
            stage.wait(lambda: _listens(site), proxy, site.kind)
        except ToolError as error:
            problem = error.problems[0]
            lacking = problem.what == "is not installed"
            verdict: Verdict = "skipped" if lacking else "failed"
            what = f"{problem.where}: {problem.what}"
            self.add(Outcome("proxy", label, verdict, what, fix=problem.fix))
            return None
        self.add(Outcome("proxy", label, "ok", binary))
        return proxy

    def serving(self, site: Site, stack: ExitStack) -> None:
        """Start the server and ask what a visitor gets, also while it restarts."""
        phases: tuple[Phase, ...] = ("serving", "life")
        if not self.wanted(*phases):
            return
        label = f"{site.on.text('server.kind')} starts as generated"
        if not site.visitor.proxied and site.on.text("server.protocol") == "uwsgi":
            reason = "speaks uwsgi, which nginx alone does here"
            self.add(Outcome("boot", label, "skipped", reason))
            self.skip(phases, "the server was not started")
            return
        try:
            furnish(site)
            site.app = stage.serve(site.on)
            stack.callback(site.app.close)
            stage.wait(lambda: _answers(site), site.app, "the deployment")
        except (ToolError, OSError) as error:
            self.add(Outcome("boot", label, "failed", *_why(error)))
            self.skip(phases, "the server did not start")
            return
        stood = f"; {', '.join(site.stood)} is not set, SQLite stands in" * bool(
            site.stood
        )
        data = f"data: {site.data or 'none'}{stood}"
        self.add(Outcome("boot", label, "ok", data))
        self.ask(site, *phases)


def _why(error: ToolError | OSError) -> tuple[str, tuple[()], str]:
    """Return detail, evidence and fix of what kept the server from starting."""
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or error}", (), ""
    problem = error.problems[0]
    fix = problem.fix
    if "No module named" in problem.what:
        fix = "Install what it needs: pip install -r deploy/requirements.txt"
    return f"{problem.where}: {problem.what}", (), fix


def _listens(site: Site) -> bool:
    """Tell whether the proxy takes connections."""
    try:
        with socket.create_connection(("127.0.0.1", site.on.http), timeout=2):
            return True
    except OSError:
        return False


def _answers(site: Site) -> bool:
    """Tell whether the application itself answers, whatever it says."""
    try:
        said = site.visitor.get(site.on.text("health.path"))
    except (OSError, http.client.HTTPException):
        return False
    return said.status not in _STARTING


__all__ = ["PROBES", "Options", "Site", "card", "smoke"]
