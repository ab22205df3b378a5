"""`nextwizard check` and --verify as a user meets them: lines, JSON, exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from verifying import checked, deployed, edit

from nextwizard.cli import main
from nextwizard.outcomes import Outcome, document, exit_code, lines, skips, tally
from nextwizard.report import following
from nextwizard.values import Evidence
from nextwizard.verify import CHECKERS, INVARIANTS, verify
from nextwizard.workflow import inspect, propose


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


SITE = "deploy/nginx/notes.conf"
KEYS = [*(row.key for row in CHECKERS), *(row.key for row in INVARIANTS)]


def test_check_says_what_is_wrong_where_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = deployed(tmp_path)
    socket = edit(root, SITE, "unix:/run/notes.sock", "unix:/run/other.sock")
    graceful = edit(
        root, "deploy/gunicorn.conf.py", "graceful_timeout = 25", "graceful_timeout = 9"
    )
    stop = edit(
        root, "deploy/systemd/notes.service", "TimeoutStopSec=35", "TimeoutStopSec=5"
    )
    assert main(["check", str(root)]) == 1
    said = capsys.readouterr().out
    assert "  systemd-analyze verify (" in said
    assert "  socket in server and proxy           failed" in said
    assert f"      {SITE}:{socket}\n" in said
    assert f"      deploy/gunicorn.conf.py:{graceful}\n" in said
    assert f"      deploy/systemd/notes.service:{stop}\n" in said
    assert "      id: time.graceful\n" in said
    assert "Not used here: caddy validate · " in said
    assert said.splitlines()[-1].startswith("nextwizard: ")
    assert " 2 failed, " in said.splitlines()[-1]


def test_a_clean_deployment_is_0_and_one_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = deployed(tmp_path)
    assert main(["check", str(root), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["exit_code"] == 0
    rows = {row["id"]: row for row in said["outcomes"]}
    assert set(KEYS) == set(rows)
    assert not [row for row in rows.values() if row["verdict"] == "failed"]
    assert rows["socket.path"]["verdict"] == "ok"
    assert all(row["link"].startswith("https://") for row in rows.values())


def test_an_accepted_finding_is_a_skip(tmp_path: Path) -> None:
    root = deployed(tmp_path, "plain", 'checks.ignore=["socket.path"]')
    edit(root, SITE, "unix:/run/notes.sock", "unix:/run/other.sock")
    assert checked(root, "socket.path")[0].verdict == "failed"
    rows = verify(propose(inspect(str(root))))
    (found,) = (row for row in rows if row.key == "socket.path")
    assert (found.verdict, found.detail) == ("skipped", "accepted by checks.ignore")


def test_verify_runs_the_checks_after_the_write(
    sample: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root = sample()
    assert main(["init", str(root), "--yes", "--verify"]) == 0
    said = capsys.readouterr().out
    order = ["files written", "manage.py check --deploy", "nextwizard: ", "Next:"]
    at = [said.rindex(words) for words in order]
    assert at == sorted(at)
    assert "nextwizard init --answers nextwizard.toml" in said
    edit(root, SITE, "gzip_vary on;", "gzip_vari on;")
    code = main(["regenerate", str(root), "--verify", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (code, found["exit_code"], found["written"]) == (1, 1, False)
    assert [row["id"] for row in found["checks"] if row["verdict"] == "failed"] == [
        "nginx"
    ]


def test_without_verify_nothing_is_run(
    sample: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = sample()
    monkeypatch.delattr("nextwizard.verify.verify")
    assert main(["init", str(root), "--yes"]) == 0


def test_a_project_without_a_deployment_is_told_what_to_run(
    sample: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root = sample()
    assert main(["check", str(root)]) == 2
    said = capsys.readouterr().err
    assert "has no generated deployment" in said
    assert "nextwizard init" in said


SPOILS = (b"", b"\x00\xff\xfe\x80", b"{{{{ \"'", b"[Service\nExecStart=", b"}" * 999)


@pytest.mark.parametrize("data", SPOILS)
def test_no_file_is_a_traceback(data: bytes, tmp_path: Path) -> None:
    """Every file of the deployment is spoilt at once; every row still answers."""
    root = deployed(tmp_path)
    for path in (root / "deploy").rglob("*"):
        if path.is_file():
            path.write_bytes(data)
    keys = [key for key in KEYS if key != "django"]
    found = checked(root, *keys)
    assert {row.key for row in found} == set(keys)
    assert all(isinstance(row, Outcome) for row in found)


def test_a_deployment_without_its_files_is_no_traceback(tmp_path: Path) -> None:
    root = deployed(tmp_path)
    for path in sorted((root / "deploy").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert {row.key for row in checked(root, *KEYS)} == set(KEYS)


def test_missing_packages_are_counted_in_the_next_steps(tmp_path: Path) -> None:
    root = deployed(tmp_path)
    path = root / "deploy/requirements.txt"
    path.write_text("no-such-package>=1.0\nno-such-package-either>=1.0\n")
    found = checked(root, "packages")
    said = "\n".join(following(propose(inspect(str(root))), str(root), found))
    assert "-r deploy/requirements.txt    2 packages are missing" in said
    assert f"  1. cd {root}\n" in said
    assert ". nextwizard smoke " in said


def test_an_outcome_as_lines_and_as_data() -> None:
    place = (Evidence("a.conf", 3), Evidence("a.conf", 3))
    bad = Outcome("x.y", "label", "failed", "first\nsecond", place, "Do it.")
    assert lines(bad) == [
        f"  {'label':<36} failed  first",
        "      second",
        "      a.conf:3",
        "      Do it.",
        "      id: x.y",
    ]
    gone = Outcome("z", "tool", "skipped", fix="pip install tool")
    assert lines(gone) == [f"  {'tool':<36} skipped pip install tool"]
    assert document(bad)["evidence"] == ["a.conf:3", "a.conf:3"]
    unused = Outcome("u", "unused", "skipped", "not used")
    assert skips([gone, unused]) == ["  tool: skipped, "]
    assert tally([bad, gone, unused])[1:] == [
        "Not used here: unused.",
        "nextwizard: 0 ok, 1 failed, 0 warnings, 1 skipped.",
    ]
    assert (exit_code([bad, gone]), exit_code([gone])) == (1, 0)
