from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from golden_cases import tree

from nextwizard.cli import main, parser


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


FORBIDDEN = {
    "asyncio",
    "importlib.metadata",
    "prompt_toolkit",
    "pydantic",
    "questionary",
    "rich",
    "textual",
}


def nextwizard(*argv: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nextwizard", *argv],
        capture_output=True,
        check=False,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=60,
    )


def plain(root: Path) -> dict[str, bytes]:
    """Return the files without those a run keeps for itself."""
    found = tree(root).items()
    return {path: data for path, data in found if ".nextwizard/run/" not in path}


@pytest.fixture
def notes(sample: Callable[..., Path]) -> Path:
    return sample()


def test_init_with_answers_asks_nothing_and_is_done(
    notes: Path, tmp_path: Path
) -> None:
    answers = tmp_path / "answers.toml"
    answers.write_text('schema = 1\n[hosting]\nproxy = "caddy"\n')
    done = nextwizard("init", str(notes), "--answers", str(answers))
    assert done.returncode == 0, done.stderr
    assert (notes / "deploy/caddy/notes.caddy").is_file()
    assert 'proxy = "caddy"' in (notes / "nextwizard.toml").read_text()
    assert answers.read_text() == 'schema = 1\n[hosting]\nproxy = "caddy"\n'
    before = tree(notes)
    again = nextwizard("init", str(notes), "--answers", str(answers))
    assert again.returncode == 0
    assert "nothing to do" in again.stdout
    assert tree(notes) == before


def test_dry_run_and_diff_and_check_write_nothing(notes: Path) -> None:
    before = tree(notes)
    shown = nextwizard("init", str(notes), "--yes", "--dry-run")
    assert "server.interface = wsgi" in shown.stdout
    assert "[+] new" in shown.stdout
    diff = nextwizard("init", str(notes), "--yes", "--diff")
    assert '+os.environ.setdefault("DJANGO_SETTINGS_MODULE"' in diff.stdout
    assert "SECRET_KEY=" not in diff.stdout.replace("#SECRET_KEY", "").replace(
        "+SECRET_KEY=\n", ""
    )
    assert tree(notes) == before


def test_json_is_one_document(notes: Path) -> None:
    done = nextwizard("init", str(notes), "--yes", "--dry-run", "--json")
    document = json.loads(done.stdout)
    assert document["decisions"]["server.interface"]["value"] == "wsgi"
    assert {
        "path": "deploy/notes.env",
        "status": "secret",
        "origin": "",
        "note": "",
    } in (document["changes"])
    assert document["written"] is False


def test_regenerate_updates_what_nobody_touched(notes: Path) -> None:
    assert nextwizard("init", str(notes), "--yes").returncode == 0
    check = nextwizard("regenerate", str(notes), "--check")
    assert check.returncode == 0, check.stdout
    drift = nextwizard("regenerate", str(notes), "--check", "--set", "sizing.cores=8")
    assert drift.returncode == 5
    done = nextwizard("regenerate", str(notes), "--set", "sizing.cores=8")
    assert done.returncode == 0
    assert "CORES = 8" in (notes / "deploy/boot.py").read_text()
    assert "cores = 8" in (notes / "nextwizard.toml").read_text()
    assert nextwizard("regenerate", str(notes), "--check").returncode == 0


def test_an_edit_is_kept_and_a_conflict_is_written_beside(notes: Path) -> None:
    nextwizard("init", str(notes), "--yes")
    boot = notes / "deploy/boot.py"
    edited = boot.read_text().replace("CORES = ", "CORES = 1 + ")
    boot.write_text(edited)
    assert nextwizard("regenerate", str(notes), "--check").returncode == 0
    done = nextwizard("regenerate", str(notes), "--set", "sizing.cores=9")
    assert done.returncode == 3
    assert "deploy/boot.py" in done.stdout
    assert boot.read_text() == edited
    assert "CORES = 9" in (notes / "deploy/boot.py.new").read_text()
    assert nextwizard("regenerate", str(notes)).returncode == 3
    (notes / "deploy/boot.py.new").unlink()
    assert nextwizard("regenerate", str(notes)).returncode == 0
    assert boot.read_text() == edited


def test_rollback_goes_back(notes: Path) -> None:
    before = tree(notes)
    nextwizard("init", str(notes), "--yes")
    assert nextwizard("regenerate", str(notes), "--rollback").returncode == 0
    assert plain(notes) == before


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["init", "{dir}"], "nextwizard init --yes"),
        (["init", "/", "--yes"], "directory of the system"),
        (["init", "/proc", "--yes"], "directory of the system"),
        (["init", "/nonexistent/a/b", "--yes"], "is no directory"),
        (["init", "{dir}", "--yes", "--set", "hosting.prox=x"], "hosting.proxy"),
        (["init", "{dir}", "--answers", "/nonexistent.toml"], "cannot be read"),
        (["regenerate", "{dir}"], "nextwizard init"),
        (["regenerate", "{dir}", "--rollback"], "no run to go back from"),
        (["init", "{empty}", "--yes"], "manage.py"),
    ],
)
def test_a_refusal_is_exit_2_without_a_traceback(
    argv: list[str], words: str, notes: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    before = tree(notes)
    places = {"{dir}": str(notes), "{empty}": str(tmp_path / "empty")}
    done = nextwizard(*(places.get(word, word) for word in argv))
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    left = {
        p: d for p, d in tree(notes).items() if not p.startswith(".nextwizard/run/")
    }
    assert left == before


@pytest.mark.parametrize("name", ["manage.py", "config/settings.py", "config/wsgi.py"])
def test_a_symlink_below_the_root_is_refused_by_name(name: str, notes: Path) -> None:
    target = notes / name
    target.rename(notes.parent / "elsewhere.py")
    target.symlink_to(notes.parent / "elsewhere.py")
    done = nextwizard("init", str(notes), "--yes")
    assert done.returncode == 2, done.stdout
    assert name in done.stderr


def test_a_settings_file_that_is_not_utf8_is_refused_by_name(notes: Path) -> None:
    settings = notes / "config/settings.py"
    settings.write_bytes(settings.read_bytes() + b"\n# caf\xe9\n")
    before = tree(notes)
    done = nextwizard("init", str(notes), "--yes")
    assert done.returncode == 2
    assert "config/settings.py" in done.stderr
    assert tree(notes) == before


def imported(*argv: str, cwd: Path) -> set[str]:
    script = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "from nextwizard.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit:\n    pass\n"
        "sys.stderr.write('\\nMODULES ' + ' '.join(set(sys.modules) - before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *argv],
        capture_output=True,
        check=True,
        cwd=cwd,
        text=True,
        timeout=60,
    )
    return set(done.stderr.rpartition("MODULES ")[2].split())


def test_init_with_answers_imports_little(notes: Path, tmp_path: Path) -> None:
    answers = tmp_path / "answers.toml"
    answers.write_text('schema = 1\n[hosting]\ndomains = ["notes.example.org"]\n')
    found = imported("init", str(notes), "--answers", str(answers), cwd=tmp_path)
    assert "jinja2" in found
    assert not found & FORBIDDEN
    assert len(found) <= 170, sorted(found)


def test_help_imports_less(tmp_path: Path) -> None:
    found = imported("--help", cwd=tmp_path)
    assert not found & FORBIDDEN
    assert len(found) <= 75
    assert "jinja2" not in found


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("nextwizard 0.")
    assert "exit codes" in parser().format_help()


def test_a_closed_pipe_is_no_traceback(notes: Path) -> None:
    command = f"{sys.executable} -m nextwizard init {notes} --yes --diff | head -n 1"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        capture_output=True,
        check=False,
        env={**os.environ},
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr


def test_a_stream_that_is_closed_is_no_bug(notes: Path) -> None:
    def closed(redirection: str, *argv: str) -> subprocess.CompletedProcess[str]:
        words = shlex.join([sys.executable, "-m", "nextwizard", *argv])
        return subprocess.run(
            ["sh", "-c", f"{words} {redirection}"],
            capture_output=True,
            check=False,
            cwd=notes,
            text=True,
            timeout=60,
        )

    ended = closed("<&-", "init", "--plain")
    assert "the input ended before 'Name' was answered" in ended.stderr
    assert closed(">&-", "init", "--yes", "--dry-run").returncode == 0
    quiet = closed("2>&-", "init", "--yes", "--set", "sizing.cores=2")
    assert (quiet.returncode, quiet.stdout.count("Next:")) == (0, 1)
    assert "bug" not in closed("<&- >&-", "init", "--yes").stderr
    assert closed("<&- >&- 2>&-", "regenerate", "--check").returncode == 0


def test_what_is_next_months_later_is_no_first_install(notes: Path) -> None:
    def steps(*words: str) -> str:
        done = nextwizard("regenerate", str(notes), *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.partition("Next:\n")[2]

    first = nextwizard("init", "--yes", str(notes)).stdout
    assert "pip install" in first
    assert "first install on the server" in first
    later = steps("--set", "hosting.max_body_mb=20")
    assert "After a regenerate: what the server gets" in later
    assert "pip install" not in later
    assert "notes.env" not in later
    book = (notes / "deploy" / "README.md").read_text()
    assert "\n## After a regenerate\n" in book
    packages = steps("--set", "data.cache=redis")
    assert "pip install -r deploy/requirements.txt" in packages
    assert "first install on the server" in steps("--set", "hosting.proxy=caddy")
