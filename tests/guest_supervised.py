"""Inside the machine: the steps of a deployment under a real supervisord, as root."""

from __future__ import annotations

import re
import time
from pathlib import Path

import guest
from guest import FACTS, NAME, Load, must, run, until


CONFIG = """[unix_http_server]
file = /run/supervisor.sock
chmod = 0700

[supervisord]
logfile = /var/log/supervisor/supervisord.log
pidfile = /run/supervisord.pid
childlogdir = /var/log/supervisor

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl = unix:///run/supervisor.sock

[include]
files = /etc/supervisor/conf.d/*.conf
"""
"""What Debian's package configures."""

GRACEFUL_S = float(FACTS["timing.graceful"])
STOP_S = float(FACTS["timing.stop"])
PYTHON = f"{FACTS['paths.venv']}/bin/python"


def daemon() -> None:
    """Have supervisord running, configured as Debian's package leaves it."""
    for place in ("/etc/supervisor/conf.d", "/var/log/supervisor", "/lab/bin"):
        Path(place).mkdir(parents=True, exist_ok=True)
    Path("/etc/supervisor/supervisord.conf").write_text(CONFIG, encoding="utf-8")
    config = "-c /etc/supervisor/supervisord.conf"
    control = Path("/lab/bin/supervisorctl")
    words = f"exec '{PYTHON}' -m supervisor.supervisorctl {config}"
    control.write_text(f'#!/bin/sh\n{words} "$@"\n', encoding="utf-8")
    control.chmod(0o755)
    command = (PYTHON, "-m", "supervisor.supervisord", "-n", *config.split())
    must("systemd-run", "--unit=supervisor", *command)
    until(lambda: Path("/run/supervisor.sock").exists(), 20, "supervisord")


def _helpers() -> set[int]:
    """Return the pid of everything that runs as the account."""
    said = run("pgrep", "-u", FACTS["hosting.user"]).out
    return {int(pid) for pid in said.split()}


def processes() -> dict[str, int]:
    """Return the pid of each running process by its name."""
    said = run("/lab/bin/supervisorctl", "status", f"{NAME}:*").out
    found = re.findall(r"(?m)^(\S+)\s+RUNNING\s+pid (\d+)", said)
    return {name: int(pid) for name, pid in found}


def _all_up() -> bool:
    return len(processes()) == FACTS["supervisor.processes"] and guest.answers()


def _release() -> str:
    """Follow the end of the runbook's release: what replaces the running processes."""
    helper = next(x for x in guest.blocks("First install") if x.startswith("manage()"))
    text = guest.blocks("Release")[0]
    steps = text.partition("check --deploy --fail-level WARNING\n")[2]
    assert "supervisorctl" in steps
    return guest.shell(f"{helper}\n{steps}")


def account() -> None:
    """The processes are the account's, and the secret is not in what others read."""
    for pid in processes().values():
        owner = must("ps", "-o", "user:32=", "-p", str(pid)).strip()
        assert owner == FACTS["hosting.user"]
    path = Path(FACTS["paths.env"])
    assert path.stat().st_mode & 0o777 == 0o640
    assert run("runuser", "-u", "stranger", "--", "cat", str(path)).code != 0
    key = re.search(r"(?m)^SECRET_KEY=(.+)$", path.read_text(encoding="utf-8"))
    assert key
    assert key[1] not in Path(f"/etc/supervisor/conf.d/{NAME}.conf").read_text()
    assert key[1] not in Path(f"/var/log/supervisor/{NAME}.log").read_text()
    assert key[1] not in run("ps", "-eo", "args").out


def release(result: dict[str, object]) -> None:
    """The release's last step under load: every worker is new, next to none failed."""
    until(_all_up, 40, "every process")
    pressing = Load(40, 14)
    time.sleep(1)
    result["release"] = _release()
    row = pressing.result()
    result["released"] = row
    until(_all_up, 40, "every process after the release")
    handed = FACTS["supervisor.processes"] > 1 or FACTS["server.reload"]
    assert not handed or row["failed"] <= row["sent"] * 0.003, row


def broken(settings: Path) -> None:
    """A broken release: the release stops, what runs goes on, and a fix heals it."""
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text + guest.BROKEN, encoding="utf-8")
    try:
        said = _release()
    except AssertionError as error:
        said = str(error)
    assert "a broken release" in said
    assert guest.answers(), said
    settings.write_text(text, encoding="utf-8")
    must("/lab/bin/supervisorctl", "start", f"{NAME}:*")
    until(_all_up, 60, "every process after the fix")


def kill() -> None:
    """A killed process comes back."""
    before = processes()
    helpers = _helpers() - {*before.values()}
    for pid in before.values():
        must("kill", "-9", str(pid))
    until(lambda: not {*processes().values()} & {*before.values()}, 20, "new ones")
    until(_all_up, 60, "every process after a kill")
    gone = f"the end of the workers of {before}"
    until(lambda: not _helpers() & helpers, GRACEFUL_S + 5, gone)


def stop() -> None:
    """A stop ends everything in time."""
    before = processes()
    begun = time.monotonic()
    must("/lab/bin/supervisorctl", "stop", f"{NAME}:*")
    assert time.monotonic() - begun < STOP_S - 2
    until(lambda: not _helpers(), 3, f"the end of all of {before}")
    log = Path("/var/log/supervisor/supervisord.log").read_text(encoding="utf-8")
    assert "killing" not in log, log[-1500:]
    assert not re.search(r"stopped: .*exit status (?!0|143)", log), log[-1500:]
    must("/lab/bin/supervisorctl", "start", f"{NAME}:*")
    until(_all_up, 60, "a start after the stop")


__all__ = ["account", "broken", "daemon", "kill", "processes", "release", "stop"]
