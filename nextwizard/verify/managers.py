"""systemd's and supervisor's own parsers on the files on disk."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from nextwizard import quoting
from nextwizard.stage import supervised
from nextwizard.stage.unit import words
from nextwizard.tools import run
from nextwizard.values import Evidence

from .checker import MISSING, Said
from .proxies import SECONDS
from .read import ini, unit


if TYPE_CHECKING:
    from collections.abc import Callable

    from nextwizard.stage import Stage

    from .subject import Subject


EXPOSURE = 1.5
"""systemd's score of a unit, 0 to 10: the generated ones stay below this."""


def _worst(subject: Subject, judge: Callable[[Subject], Said]) -> Said:
    """Return what is said of each host's files: the first finding, else the last."""
    said = MISSING
    for one in subject.each():
        said = judge(one)
        if said.verdict != "ok":
            break
    return said


def systemd(subject: Subject) -> Said:
    """Run `systemd-analyze verify` on every host's units and ask for their score."""
    return _worst(subject, _systemd)


def _systemd(subject: Subject) -> Said:
    """Verify the units of one host.

    It ends with 0 on an unknown key too, so anything it says is a finding. The
    programs a unit starts are stood for by stubs: they are on the host, not here.
    """
    if not subject.exists(subject.service):
        return Said("skipped", f"{subject.service} is not there: you deleted it")
    analyze = subject.program("systemd-analyze")
    if not analyze:
        return MISSING
    copies = _units(subject)
    folder = os.path.dirname(next(iter(copies)))
    names = [f"./{os.path.basename(place)}" for place in copies]
    done = run([analyze, "verify", "--man=no", *names], timeout=SECONDS, cwd=folder)
    version = _version(analyze)
    said = subject.back(done.err, {**copies, f"{folder}/": ""}).strip()
    if done.code or said:
        named = {os.path.basename(place): path for place, path in copies.items()}
        for name, path in named.items():
            said = re.sub(rf"(?<![\w/.-]){re.escape(name)}(?=:)", path, said)
        detail = "\n".join(dict.fromkeys(said.splitlines()))
        places = tuple(subject.places(detail)) or (_culprit(subject, detail),)
        return Said("failed", detail, places, version=version)
    return _scored(subject, analyze, folder, version)


def _units(subject: Subject) -> dict[str, str]:
    """Write copies of the units for this machine; return which file each stands for."""
    stub = _stub(subject.stage.place("stubs", "bin", "python"))
    stage = replace(subject.stage, python=stub)
    copies = {}
    for path in subject.listed(subject.folder, ".service", ".socket", ".timer"):
        place = stage.place("units", os.path.basename(path))
        text = stage.moved(stage.read(path), quoting.systemd)
        stage.write(text, "units", os.path.basename(path))
        for row in unit(text, path):
            if row.key.startswith("Exec"):
                _stubs(stage, row.value)
        copies[place] = path
    return copies


def _stubs(stage: Stage, line: str) -> None:
    """Make the program of a command line where only the host has it."""
    program = next(iter(words(line)), "").lstrip("@-:+!")
    if program.startswith(f"{stage.scratch}/") and not os.path.exists(program):
        _stub(program)


def _stub(place: str) -> str:
    """Make an executable file that is never run; return its path."""
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n")
        os.fchmod(file.fileno(), 0o755)
    return place


def _version(analyze: str) -> str:
    found = re.search(r"systemd (\d+)", run([analyze, "--version"], timeout=20).out)
    return found[1] if found else ""


def _culprit(subject: Subject, detail: str) -> Evidence:
    """Return the file a line without a number speaks of, and the line it means."""
    path = next(
        (
            path
            for path in subject.listed(subject.folder, "")
            if os.path.basename(path) in detail
        ),
        subject.service,
    )
    found = re.search(r"Command (\S+) is not executable|Unit (\S+) not found", detail)
    word = next((word for word in found.groups() if word), "") if found else ""
    return subject.line(path, re.escape(word)) if word else Evidence(path)


def _scored(subject: Subject, analyze: str, folder: str, version: str) -> Said:
    """Return the unit's exposure; one above that of the generated unit is a warning."""
    name = f"./{subject.name}.service"
    argv = [analyze, "security", "--offline=true", "--no-pager", name]
    done = run(argv, timeout=SECONDS, cwd=folder)
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.out)
    if found is None:
        return Said("ok", version=version)
    score = float(found[1])
    figures = (("exposure", score),)
    if score <= EXPOSURE:
        return Said("ok", f"exposure {score}", figures=figures, version=version)
    what = f"exposure {score}: over {EXPOSURE}, which the generated unit stays below"
    place = subject.line(subject.service, r"^\[Service\]")
    fix = f"`systemd-analyze security {subject.name}.service` tells what opened it."
    return Said("warning", what, (place,), fix, figures, version)


_PARSE = """
import json, sys
from supervisor.options import ServerOptions
options = ServerOptions()
options.realize(["-c", sys.argv[1], "-n"])
rows = [process.command for group in options.process_group_configs
        for process in group.process_configs]
sys.stdout.write(json.dumps(rows))
"""

_KNOWN = frozenset(
    "command process_name numprocs numprocs_start directory umask priority "
    "autostart autorestart startsecs startretries exitcodes stopsignal "
    "stopwaitsecs stopasgroup killasgroup user redirect_stderr stdout_logfile "
    "stdout_logfile_maxbytes stdout_logfile_backups stdout_capture_maxbytes "
    "stdout_events_enabled stdout_syslog stderr_logfile stderr_logfile_maxbytes "
    "stderr_logfile_backups stderr_syslog stderr_capture_maxbytes "
    "stderr_events_enabled environment serverurl socket socket_owner socket_mode "
    "socket_backlog programs".split()
)
"""Keys of a program in supervisor 4; any other is taken in silence and does nothing."""


def supervisor(subject: Subject) -> Said:
    """Let supervisor's own parser read the program, and look for keys it ignores."""
    return _worst(subject, _supervisor)


def _supervisor(subject: Subject) -> Said:
    path = f"{subject.folder}/{subject.name}.conf"
    if not subject.exists(path):
        return Said("skipped", f"{path} is not there: you deleted it")
    python = supervised.python_of(subject.stage)
    if not python:
        return MISSING
    config = supervised.write(subject.stage)
    done = run([python, "-c", _PARSE, config], timeout=SECONDS)
    if done.code:
        said = (done.err.strip() or "it said nothing").splitlines()
        errors = [line for line in said if line.startswith("Error: ")] or said[-1:]
        what = subject.back(errors[0].removeprefix("Error: "), {config: path})
        return Said("failed", what, (_section(subject, path, what),))
    unknown = [
        row
        for row in ini(subject.read(path), path)
        if "program:" in row.section and row.key not in _KNOWN
    ]
    if unknown:
        rows = "\n".join(f"{row.key} is no key of a program" for row in unknown)
        return Said("failed", rows, tuple(row.at for row in unknown))
    count = len(json.loads(done.out or "[]"))
    words = f"{count} {'process' if count == 1 else 'processes'}"
    return Said("ok", words, figures=(("processes", float(count)),))


def _section(subject: Subject, path: str, what: str) -> Evidence:
    """Return the line that supervisor speaks of: the key it names, else the section."""
    keys = {
        line.partition("=")[0].strip(): number
        for number, line in enumerate(subject.read(path).splitlines(), 1)
        if "=" in line and not line.startswith(";")
    }
    named = [word for word in re.findall(r"\w+", what) if word in keys]
    if named:
        return Evidence(path, keys[named[0]])
    return subject.line(path, r"^\[.*program:")


__all__ = ["EXPOSURE", "supervisor", "systemd"]
