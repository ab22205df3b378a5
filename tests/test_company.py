"""A run that is not alone: locks, secrets that stay where they are, git beside it."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest
from accounts import PROJECT, Account, Twin, leaves
from support import needed

from nextwizard.document import read_set
from nextwizard.workflow import inspect, propose


if TYPE_CHECKING:
    from pathlib import Path


MORE = ("--set", "sizing.cores=8")
SECRET = "deploy/notes.env"
FRESH = re.compile(rb"^SECRET_KEY=[0-9a-f]{50}", re.MULTILINE)


def test_31_a_second_run_is_exit_4_and_the_first_ends(
    account: Account, notes: Path
) -> None:
    fifo = account.place() / "hold"
    os.mkfifo(fifo)
    account.own(fifo)
    second = Account(account.uid)
    try:
        second.run("explain", str(notes), "server.kind")  # its driver is warm now
        account.ask(
            "regenerate",
            str(notes),
            *MORE,
            fault={"kind": "hold", "at": 30, "fifo": str(fifo)},
        )
        with fifo.open("wb"):  # opens when the first run stands in its midst
            for flags in (MORE, ("--check",), ("--rollback",)):
                done = second.run("regenerate", str(notes), *flags)
                assert done.code == 4, done.err
                assert re.search(r"locked by another run \(pid \d+\)", done.err)
        assert account.answer().code == 0
    finally:
        second.close()
    assert account.run("regenerate", str(notes), "--check").code == 0


def test_31_the_lock_of_a_dead_process_is_taken_over(
    account: Account, notes: Path
) -> None:
    lock = notes / ".nextwizard/run/lock"
    lock.write_text("999999\n")
    done = account.run("regenerate", str(notes), *MORE)
    assert done.code == 0, done.err
    assert lock.read_text() != "999999\n"


def test_the_secret_is_in_no_other_file_and_in_nothing_that_is_said(
    account: Account,
) -> None:
    root = account.project()
    said = [account.run("init", str(root), "--yes")]
    secret = root / SECRET
    (line,) = re.findall(rb"^SECRET_KEY=(.+)$", secret.read_bytes(), re.MULTILINE)
    assert len(line) >= 50
    mine = b"DATABASE_URL=postgres://notes:hunter2hunter2@db/notes\n"
    secret.write_bytes(secret.read_bytes() + mine)
    before = secret.read_bytes()
    for argv in (
        ("regenerate", *MORE),
        ("regenerate", "--check"),
        ("regenerate", "--dry-run", "--diff", "--set", "hosting.proxy=caddy"),
        ("regenerate", "--set", "hosting.proxy=caddy", "--json"),
        ("regenerate", "--set", "project.name=memo"),
        ("regenerate", "--rollback"),
        ("regenerate", "--set", "project.name=9 ;", "--json"),
        ("explain", "server.kind"),
        ("init", "--yes", "--diff"),
    ):
        said.append(account.run(argv[0], str(root), *argv[1:]))
        assert secret.read_bytes() == before
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    fault = {"kind": "errno", "errno": 28, "at": 60, "stay": True}
    said.append(
        account.run("regenerate", str(root), "--set", "sizing.cores=5", fault=fault)
    )
    fault = {"kind": "kill", "at": 60}
    said.append(
        account.run("regenerate", str(root), "--set", "sizing.cores=5", fault=fault)
    )
    draft = account.run("regenerate", "--edit", "--plain", str(root), typed="memo\n")
    assert [*(account.scratch / "state").rglob("*.json")], draft.err
    said.append(draft)
    words = (line, b"hunter2hunter2")
    left = [*root.rglob("*")]
    for name in ("state", ".cache"):
        left += (account.scratch / name).rglob("*")
    for path in left:
        if path.is_file() and not path.is_symlink() and path != secret:
            assert not any(word in path.read_bytes() for word in words), path
    for done in said:
        text = (done.out + done.err).encode()
        assert not any(word in text for word in words)


def test_no_proposal_holds_a_secret(notes: Path) -> None:
    key = secret_key(notes / SECRET).decode()
    found = inspect(str(notes))
    for pairs in ([], ["project.name=memo"]):
        proposal = propose(found, [read_set(pairs)])
        assert key not in repr((proposal, proposal.steps))
        assert any(step.secret for step in proposal.steps) is bool(pairs)


@pytest.mark.parametrize("debug", ["", "1"])
def test_no_traceback_shows_a_secret(debug: str, account: Account, notes: Path) -> None:
    """A bug whose message shows what was to be written, in every part of a run."""
    key = secret_key(notes / SECRET).decode()
    argv = ("regenerate", "--set", "project.name=memo")
    calls = account.run(argv[0], str(account.copy(notes)), *argv[1:]).calls
    twin = Twin(account, notes)
    account.hold(argv[0], str(twin.root), *argv[1:], env={"NEXTWIZARD_DEBUG": debug})
    told, before = [], leaves(notes)
    for at in range(1, calls + 1, 8):
        twin.again()
        done = account.meet(kind="bug", at=at)
        assert key not in done.out + done.err
        if done.code:
            assert leaves(twin.root) == before
            told.append(done.err)
    assert any("Traceback" in text for text in told) is bool(debug)
    assert any("Step(path=" in text for text in told)
    assert len(told) > 20


def test_the_secret_is_private_from_its_first_byte(account: Account) -> None:
    root = account.project()
    calls = account.run("init", str(account.copy(root)), "--yes").calls
    twin = Twin(account, root)
    account.hold("init", str(twin.root), "--yes", umask=0)
    seen = []
    for at in range(1, calls + 1, 5):
        twin.again()
        assert account.meet(kind="kill", at=at).code == -9
        for path in twin.root.rglob("*"):
            if path.is_file() and FRESH.search(path.read_bytes()):
                name = path.relative_to(twin.root).as_posix()
                assert name == SECRET or path.name.startswith(".nextwizard-")
                assert f"/{SECRET}" in (twin.root / ".gitignore").read_text()
                seen.append(stat.S_IMODE(path.stat().st_mode))
    assert len(seen) > 10
    assert set(seen) == {0o600}


def secret_key(place: Path) -> bytes:
    (found,) = re.findall(rb"^SECRET_KEY=(.+)$", place.read_bytes(), re.MULTILINE)
    return bytes(found)


def test_another_name_keeps_the_secrets_however_often(
    account: Account, notes: Path
) -> None:
    secret = notes / SECRET
    mine = secret.read_bytes() + b"DATABASE_URL=postgres://notes:pw@db/notes\n"
    secret.write_bytes(mine)
    for name in ("memo", "paper", "memo"):
        done = account.run("regenerate", str(notes), "--set", f"project.name={name}")
        assert done.code == 0, done.err
        place = notes / f"deploy/{name}.env"
        assert place.read_bytes() == mine
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        assert f"/deploy/{name}.env" in (notes / ".gitignore").read_text()
        assert secret_key(place).decode() not in done.out + done.err
    assert secret.read_bytes() == mine
    assert account.run("regenerate", str(notes), "--check").code == 0
    assert account.run("regenerate", str(notes), "--rollback").code == 0
    assert (notes / "deploy/paper.env").read_bytes() == mine


def test_another_name_where_the_secrets_are_not(account: Account, notes: Path) -> None:
    old = secret_key(notes / SECRET)
    (notes / SECRET).unlink()
    done = account.run("regenerate", str(notes), "--set", "project.name=memo")
    assert done.code == 0, done.err
    assert f"made anew: {SECRET} is not here; bring over" in done.out
    assert secret_key(notes / "deploy/memo.env") != old


def test_a_lost_record_forgets_no_secret(account: Account, notes: Path) -> None:
    mine = (notes / SECRET).read_bytes()
    shutil.rmtree(notes / ".nextwizard")
    assert account.run("init", str(notes), "--yes").code == 0
    done = account.run("regenerate", str(notes), "--set", "project.name=memo")
    assert done.code == 0, done.err
    assert (notes / "deploy/memo.env").read_bytes() == mine
    assert (notes / SECRET).read_bytes() == mine


@pytest.mark.parametrize("version", ["2", "4"])
def test_a_secret_that_git_tracks_is_refused(version: str, account: Account) -> None:
    git = needed("git")
    root = account.project()
    env = {**os.environ, "HOME": str(root.parent), "GIT_CONFIG_NOSYSTEM": "1"}

    def run(*argv: str) -> None:
        line = [git, "-c", "safe.directory=*", "-c", f"index.version={version}", *argv]
        subprocess.run(line, check=True, cwd=root, env=env)

    (root / "deploy").mkdir()
    (root / "deploy/notes.env.example").write_text("x")
    (root / SECRET).write_text("x")
    run("init", "-q", ".")
    run("add", "-f", "-A")
    (root / SECRET).unlink()
    (root / "deploy/notes.env.example").unlink()
    account.own(root)
    before = leaves(root)
    done = account.run("init", str(root), "--yes")
    assert done.code == 2, done.out
    assert f"{SECRET}: is tracked by git" in done.err
    assert f"git rm --cached {SECRET}" in done.err
    assert leaves(root) == before
    run("rm", "-q", "--cached", SECRET)
    account.own(root)
    assert account.run("init", str(root), "--yes").code == 0
    run("add", "-f", SECRET)
    account.own(root)
    done = account.run("regenerate", str(root), *MORE)
    assert done.code == 0
    assert "holds secrets and is tracked by git" in done.err


def test_a_rollback_does_not_bare_a_secret_that_was_completed(
    account: Account,
) -> None:
    root = account.project()
    account.run("init", str(root), "--yes")
    secret = root / SECRET
    secret.write_bytes(secret.read_bytes() + b"DATABASE_URL=x\n")
    done = account.run("regenerate", str(root), "--rollback")
    assert done.code == 3
    assert f"{SECRET}: changed since the last run; it was left alone" in done.err
    assert f"/{SECRET}" in (root / ".gitignore").read_text()
    assert not (root / "deploy/boot.py").exists()


def test_what_may_not_stand_beside_rollback(account: Account, notes: Path) -> None:
    before = leaves(notes)
    for flag in (("--check",), MORE, ("--dry-run",)):
        done = account.run("regenerate", str(notes), "--rollback", *flag)
        assert done.code == 2
        assert f"means nothing beside {flag[0]}" in done.err
    assert leaves(notes) == before


def test_init_over_a_record_regenerates_and_says_so(
    account: Account, notes: Path
) -> None:
    before = leaves(notes)
    done = account.run("init", str(notes), "--yes")
    assert done.code == 0
    assert "an earlier run is recorded" in done.err
    assert leaves(notes) == before


def test_a_clone_decides_by_the_versions_of_the_record(
    account: Account, tmp_path: Path
) -> None:
    root = account.project()
    site = root / ".venv/lib/python3.13/site-packages/django-5.2.8.dist-info"
    site.mkdir(parents=True)
    (root / ".venv/pyvenv.cfg").write_text("version = 3.13.0\n")
    account.own(root)
    assert account.run("init", str(root), "--yes").code == 0
    recorded = json.loads((root / ".nextwizard/manifest.json").read_bytes())
    assert recorded["versions"]["django"] == "5.2.8"
    (root / "nextwizard.toml").write_text(
        (root / "nextwizard.toml").read_text().replace("# runner", "runner")
    )
    assert account.run("regenerate", str(root)).code == 0
    shutil.rmtree(root / ".venv")
    shutil.rmtree(root / ".nextwizard/run")
    done = account.run("regenerate", str(root), "--check")
    assert done.code == 0, done.out
    assert not [*tmp_path.iterdir()]


def test_a_stored_answer_wins_and_the_code_s_word_is_told(
    account: Account, notes: Path
) -> None:
    page = notes / "notes/pages/live/page.py"
    page.parent.mkdir()
    source = PROJECT.parent / "sse_async/ticker/pages/live/page.py"
    page.write_bytes(source.read_bytes())
    toml = notes / "nextwizard.toml"
    toml.write_text(toml.read_text().replace('# sse = "none"', 'sse = "none"'))
    account.own(notes)
    for _ in range(2):
        done = account.run("regenerate", str(notes))
        assert done.code == 0, done.err
        assert 'features.sse = "none" (nextwizard.toml:' in done.err
        assert re.search(
            r"the code says .async. \(notes/pages/live/page.py:\d+", done.err
        )
