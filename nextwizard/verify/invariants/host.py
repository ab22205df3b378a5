"""What the answers, the packages and this machine must agree on with the files."""

from __future__ import annotations

import json
import os
import re
import stat
from typing import TYPE_CHECKING

from nextwizard.answers import contradictions
from nextwizard.decide import version_of
from nextwizard.rules import DJANGO, SYSTEMD
from nextwizard.tools import run
from nextwizard.values import Evidence
from nextwizard.verify.facts import NotHere, NotUsed
from nextwizard.verify.python import INSTALL

from .row import Breach, Invariant


if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextwizard.verify.facts import Facts


ANSWERS = "nextwizard.toml"


def placeholder(facts: Facts) -> Iterator[Breach]:
    """Hold that the domains are somebody's, not the placeholder."""
    for note in facts.subject.proposal.plan.notes:
        if note.id == "hosting.placeholder":
            at = facts.subject.line(ANSWERS, r"^\W*domains\s*=")
            what = f"{facts.text('edge.canonical')} is a placeholder"
            fix = 'Set hosting.domains = ["your.domain"] and regenerate.'
            yield Breach(what, (at,), fix, "warning")


def certificate(facts: Facts) -> Iterator[Breach]:
    """Hold that the certificates are there that the proxy names."""
    named = facts.edge.certificates
    if not named:
        raise NotUsed
    lost = [said for said in named if not os.path.exists(said.value)]
    if lost and not facts.subject.on_host:
        message = f"looked at on the host: {lost[0].value}"
        raise NotHere(message)
    for said in lost:
        what = f"{said.value} is not there"
        yield Breach(what, (said.at,), "deploy/README.md tells how to get one.")


def contradicted(facts: Facts) -> Iterator[Breach]:
    """Hold that the stored answers say of the code what the code says."""
    inspection = facts.subject.proposal.inspection
    answers = facts.subject.proposal.answers
    for key, answer, fact in contradictions(
        inspection.project, inspection.host, answers
    ):
        what = f"{key} = {_shown(answer.value)}, and the code says {_shown(fact.value)}"
        fix = f"Take {key} out of {ANSWERS} and regenerate."
        places = (*answer.evidence, *fact.evidence)
        yield Breach(what, places or (Evidence(ANSWERS),), fix)


def _shown(value: object) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value)


_VERSIONS = """
import json, re, sys
from importlib.metadata import PackageNotFoundError, version
found = {}
for name in json.loads(sys.argv[1]):
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
sys.stdout.write(json.dumps(found))
"""


def packages(facts: Facts) -> Iterator[Breach]:
    """Hold that the packages of deploy/requirements.txt are installed, each new enough.

    Away from the host it is a warning: there they are installed by the runbook.
    """
    path = "deploy/requirements.txt"
    wanted: dict[str, tuple[str, Evidence]] = {}
    for number, line in enumerate(facts.subject.read(path).splitlines(), 1):
        found = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?(?:>=([0-9.]+))?", line)
        if found:
            wanted[found[1]] = (found[2] or "", Evidence(path, number))
    if not wanted:
        raise NotUsed
    python = facts.subject.python
    if not python:
        message = "no interpreter with Django: make .venv and install the packages"
        raise NotHere(message)
    there = _installed(python, *wanted)
    for name, (least, at) in wanted.items():
        yield from _package(facts, name, least, str(there.get(name, "")), at)


def _installed(python: str, *names: str) -> dict[str, str]:
    """Return the versions of those packages that an interpreter has."""
    done = run([python, "-c", _VERSIONS, json.dumps(names)], timeout=30)
    return json.loads(done.out) if not done.code else {}


def wheel(facts: Facts) -> Iterator[Breach]:
    """Hold that uwsgi is the program: its wheel, a module, cannot start again."""
    python = facts.subject.python
    if facts.text("server.kind") != "uwsgi" or not python:
        raise NotUsed
    if facts.subject.stage.plan["server.reload"] is not True:
        raise NotUsed
    if "pyuwsgi" in _installed(python, "pyuwsgi"):
        at = facts.subject.line("deploy/requirements.txt", r"^uwsgi\b")
        what = f"the uwsgi of {python} is the wheel pyuwsgi, and a reload ends it"
        fix = "pip uninstall pyuwsgi, then pip install uwsgi."
        yield Breach(what, (at,), fix, "warning")


def _package(
    facts: Facts, name: str, least: str, version: str, at: Evidence
) -> Iterator[Breach]:
    severity = "failed" if facts.subject.on_host else "warning"
    if not version and name == "uwsgi" and facts.subject.program(name):
        return
    if not version:
        what = f"{name} is not installed for {facts.subject.python}"
        yield Breach(what, (at,), INSTALL, severity)  # type: ignore[arg-type]
    elif least and version_of(version, "0") < version_of(least, "0"):
        what = f"{name} {version} is older than {least}"
        yield Breach(what, (at,), INSTALL, severity)  # type: ignore[arg-type]


def interpreter(facts: Facts) -> Iterator[Breach]:
    """Hold that the interpreter that the unit starts can be entered by its account."""
    python = facts.text("paths.python")
    if facts.text("hosting.target") not in {"systemd", "supervisor"}:
        raise NotUsed
    if not facts.subject.on_host:
        message = f"looked at on the host: {python}"
        raise NotHere(message)
    at = facts.process.command_at
    places = (at,) if at else ()
    real = os.path.realpath(python)
    if not os.path.exists(real):
        what = f"{python} is not there"
        yield Breach(what, places, "Make the environment: deploy/README.md tells how.")
    elif real.startswith(("/root/", "/home/")):
        what = f"{python} is a link to {real}, which the unit cannot enter"
        fix = "Install Python outside /root and /home, then make .venv anew."
        yield Breach(what, places, fix)


def secret(facts: Facts) -> Iterator[Breach]:
    """Hold that the secret file is its owner's alone, and git does not take it."""
    path = f"deploy/{facts.subject.name}.env"
    place = os.path.join(facts.subject.root, path)
    if not os.path.isfile(place):
        raise NotUsed
    mode = stat.S_IMODE(os.stat(place).st_mode)
    if mode & 0o077:
        what = f"mode {mode:04o} lets others read it"
        yield Breach(what, (Evidence(path),), f"chmod 600 {path}")
    ignored = facts.subject.read(".gitignore").splitlines()
    if not any(line.strip().lstrip("/") in {path, "deploy/*.env"} for line in ignored):
        what = "git would take it"
        yield Breach(what, (Evidence(".gitignore"), Evidence(path)), f"Add /{path}.")


ROWS = (
    Invariant(
        "hosting.placeholder",
        "the domains are yours",
        "no certificate is given for it, and no visitor finds it",
        f"{DJANGO}/ref/settings/#allowed-hosts",
        placeholder,
    ),
    Invariant(
        "tls.certificate",
        "the certificates are there",
        "nginx does not start without them, nor does any other site on the host",
        "https://nginx.org/en/docs/http/configuring_https_servers.html",
        certificate,
    ),
    Invariant(
        "answers.contradicted",
        "stored answers and the code",
        "a stored answer wins, so the deployment does not follow the code",
        f"{DJANGO}/howto/deployment/",
        contradicted,
    ),
    Invariant(
        "packages",
        "the deployment's packages",
        "the service would end at its first import",
        f"{DJANGO}/howto/deployment/checklist/",
        packages,
    ),
    Invariant(
        "server.wheel",
        "the server can reload",
        "the first release would leave the service down",
        "https://uwsgi-docs.readthedocs.io/en/latest/Management.html",
        wheel,
    ),
    Invariant(
        "host.interpreter",
        "the unit may start its interpreter",
        "systemd would say 203/EXEC",
        f"{SYSTEMD}/systemd.exec.html#ProtectHome=",
        interpreter,
    ),
    Invariant(
        "secret.file",
        "the secret file is private",
        "whoever reads SECRET_KEY can sign in as anybody",
        f"{DJANGO}/ref/settings/#secret-key",
        secret,
    ),
)
"""What answers and machine must agree on with the files."""


__all__ = ["ROWS"]
