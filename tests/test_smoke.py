from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from smoked import card, command, environment, failed, made, probed, program

from nextwizard import smoke
from nextwizard.cli import main
from nextwizard.outcomes import Outcome
from nextwizard.smoke import PROBES
from nextwizard.smoke import card as cards


def alive(pid: int) -> bool:
    """Tell whether a process is there and has not ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(") ")[2][0] not in "ZX"


@pytest.mark.parametrize(
    ("kind", "proxy"), [("plain", "nginx"), ("sse_async", "caddy")]
)
def test_the_default_stacks_pass_every_probe(
    tmp_path: Path, kind: str, proxy: str
) -> None:
    root = made(tmp_path, kind, f"hosting.proxy={proxy}")
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    where = program(proxy)
    code, probes, told = card(root, "--proxy", where, folder=tmp_path / "t")
    wrong = {key: row for key, row in probes.items() if row["verdict"] == "failed"}
    assert wrong == {}
    assert code == 0
    for key in ("edge.forwarded", "health.ready", "static.hashed", "life.reload"):
        assert probes[key]["verdict"] == "ok"
    for key in ("life.reload", "life.restart"):
        figures = probes[key]["figures"]
        share = 0.003 if kind == "sse_async" else 0.0
        assert figures["failed"] <= share * figures["requests"]
    streams = "ok" if kind == "sse_async" else "skipped"
    assert probes["stream.live"]["verdict"] == streams
    assert len(told.splitlines()) == len(probes) + 1
    assert list((tmp_path / "t").iterdir()) == []
    after = {
        path: path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert after == before


def test_ctrl_c_ends_everything_it_started(tmp_path: Path) -> None:
    root = made(tmp_path, "plain")
    words = command(root, "--proxy", program("nginx"), folder=tmp_path / "t")
    running = subprocess.Popen(
        words,
        env=environment(tmp_path / "t"),
        start_new_session=True,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert running.stderr is not None
    started: set[int] = set()
    for line in running.stderr:
        if "the first page" in line:
            started = _children(running.pid)
            running.send_signal(signal.SIGINT)
            break
    with running.stderr:
        rest = running.stderr.read()
    assert running.wait(60) == 130, rest
    assert "interrupted" in rest
    assert len(started) > 2
    time.sleep(0.2)
    assert {pid for pid in started if alive(pid)} == set()
    assert list((tmp_path / "t").iterdir()) == []


def _children(parent: int) -> set[int]:
    """Return every process that descends from one."""
    parents: dict[int, int] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = place.read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        parents[int(place.parent.name)] = int(fields[1])
    found = {parent}
    while True:
        more = {pid for pid, up in parents.items() if up in found} - found
        if not more:
            return found - {parent}
        found |= more


def test_the_placeholder_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = made(tmp_path, "plain")
    assert main(["smoke", str(root), "--only", "domains"]) == 0
    (root / "nextwizard.toml").write_text("schema = 1\n")
    capsys.readouterr()
    assert main(["smoke", str(root), "--only", "domains"]) == 1
    out = capsys.readouterr().out
    assert "site.example.com is still the placeholder" in out
    assert "--set hosting.domains=" in out
    assert "0 passed, 1 failed" in out


def test_what_cannot_be_booted_is_refused_with_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = made(tmp_path, "plain")
    assert main(["smoke", str(root), "--only", "edge.nothing"]) == 2
    assert "Try: domains, edge" in capsys.readouterr().err
    lacks = tmp_path / "python"
    lacks.write_text("#!/bin/sh\nexit 1\n")
    lacks.chmod(0o755)
    assert main(["smoke", str(root), "--python", str(lacks)]) == 2
    assert "--python PATH" in capsys.readouterr().err
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / "manage.py").write_bytes((root / "manage.py").read_bytes())
    assert main(["smoke", str(fresh)]) == 2


@pytest.mark.parametrize("target", ["compose", "kubernetes", "procfile"])
def test_what_another_runtime_boots_is_sent_to_its_runbook(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = "data.database=postgresql"
    root = made(tmp_path, "plain", f"hosting.target={target}", data)
    capsys.readouterr()
    assert main(["smoke", str(root)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f'hosting.target: "{target}" is booted by its own runtime' in said.err
    assert 'Follow "Smoke test" in deploy/README.md' in said.err
    runbook = (root / "deploy" / "README.md").read_text(encoding="utf-8")
    assert "\n## Smoke test\n\n```sh\n" in runbook


def test_a_missing_server_fails_and_names_the_command(tmp_path: Path) -> None:
    root = made(tmp_path, "plain")
    unit = root / "deploy" / "systemd" / "site.service"
    unit.write_text(unit.read_text().replace("-m gunicorn", "-m gunicorn_none"))
    found = probed(root, "health", proxy=program("nginx"))
    assert failed(found).keys() == {"boot"}
    assert "No module named" in found["boot"].detail
    assert "deploy/requirements.txt" in found["boot"].fix
    assert found["health.live"].verdict == "skipped"


def test_a_database_address_that_nobody_set_is_stood_in_for_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_address(root: Path) -> None:
        with (root / "config/settings.py").open("a") as file:
            file.write(
                '\nimport os\nimport dj_database_url\nDB_URL = os.environ["DB_URL"]\n'
                'DATABASES = {"default": dj_database_url.parse(DB_URL)}\n'
            )

    monkeypatch.setattr(smoke, "program", lambda _site: "")
    root = made(tmp_path, "plain", edit=by_address)
    found = probed(root, "health.ready")
    assert found["boot"].detail == (
        "data: scratch; DB_URL is not set, SQLite stands in"
    )
    assert found["health.ready"].verdict == "ok"
    given = f"sqlite:///{tmp_path / 'given.sqlite3'}"
    found = probed(root, "health.ready", database=given)
    assert found["boot"].detail == "data: given"
    assert found["health.ready"].verdict == "ok"
    with (root / "deploy/site.env").open("a") as file:
        file.write(f"DB_URL=sqlite:///{tmp_path / 'own.sqlite3'}\n")
    ready = probed(root, "health.ready")["health.ready"]
    # A database that the secret file names is nobody's to migrate for a trial.
    assert ready.verdict == "skipped"
    assert "that your settings name is not migrated" in ready.detail
    assert "deploy/site.env" in ready.fix


def test_without_its_proxy_the_server_is_still_probed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = made(tmp_path, "plain")
    monkeypatch.setattr(smoke, "program", lambda _site: "")
    found = probed(root, "health", "edge.names", "static", "page")
    assert failed(found) == {}
    assert found["proxy"].verdict == "skipped"
    assert found["proxy"].fix == "Install nginx."
    assert found["edge.names"].detail == "nginx does not run here"
    assert found["health.live"].verdict == "ok"
    assert "the proxy serves static files" in found["static.hashed"].detail


def test_the_card_says_what_was_not_asked_and_what_to_do() -> None:
    found = (
        Outcome("a.one", "one", "ok", "fine"),
        Outcome("a.two", "two", "failed", "it is broken", fix="Mend it."),
        Outcome("b", "three", "skipped", "does not apply: no stream"),
        Outcome("c", "four", "skipped", "is missing", fix="Install it."),
    )
    assert cards.lines(found) == [
        "[ok] a.one  fine",
        "[!!] a.two  it is broken",
        "",
        "Not asked:",
        "[-]  b      no stream",
        "[-]  c      is missing. Install it.",
        "",
        "a.two: it is broken. Mend it.",
        "",
        "smoke: 1 passed, 1 failed, 2 not asked.",
    ]


def test_every_probe_has_a_key_of_its_own() -> None:
    keys = [probe.key for probe in PROBES]
    assert len(keys) == len(set(keys)) >= 30
    assert sys.modules["nextwizard.smoke"] is smoke
