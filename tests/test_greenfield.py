from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import judges
import pytest
from live import Live, serving
from support import needed

from nextwizard.cli import main
from nextwizard.errors import InputError
from nextwizard.greenfield import create, vacant


def inside(root: Path, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *argv],
        capture_output=True,
        check=False,
        cwd=root,
        env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1", **env},
        text=True,
        timeout=120,
    )


def test_its_own_tests_pass_before_and_after_the_deployment(tmp_path: Path) -> None:
    root = tmp_path / "notes"
    create(str(root))
    for _ in ("before", "after"):
        done = inside(root, "manage.py", "test")
        assert done.returncode == 0, done.stderr
        assert "Ran 3 tests" in done.stderr
        checked = inside(root, "manage.py", "check")
        assert "no issues" in checked.stdout, checked.stderr
        assert main(["init", str(root), "--yes"]) == 0


@pytest.mark.parametrize(
    "proxy", ["nginx", pytest.param("caddy", marks=pytest.mark.proof)]
)
def test_one_command_makes_what_the_generated_stack_serves(
    proxy: str, tmp_path: Path
) -> None:
    root = tmp_path / "shop"
    argv = ["init", str(root), "--new", "--yes", "--set", f"hosting.proxy={proxy}"]
    assert main(argv) == 0
    with serving(root, program=needed(proxy)) as live:
        welcomed(live)


def welcomed(live: Live) -> None:
    page = live.get("/")
    assert page.status == 200
    assert b"Welcome to Shop" in page.body
    assert b"<title>Shop" in page.body
    style = live.get(live.hashed())
    assert style.status == 200
    alive = live.get("/healthz/")
    assert (alive.status, alive.body) == (200, b'{"status": "ok"}')


@pytest.mark.parametrize(
    ("directory", "app"),
    [
        ("notes", "notes"),
        ("My Shop", "my_shop"),
        ("json", "web"),
        ("django", "web"),
        ("class", "web"),
        ("tests", "web"),
        ("1", "app"),
        ("Überraschung 🎉", "uberraschung"),
        ("a'b$(c)", "a_b_c"),
        ("-x", "x"),
    ],
)
def test_any_directory_s_name_gives_a_package(
    directory: str, app: str, tmp_path: Path
) -> None:
    assert f"{app}/pages/page.py" in create(str(tmp_path / directory))


def test_a_project_of_an_odd_name_starts(tmp_path: Path) -> None:
    root = tmp_path / "a'b$(c) 🎉"
    create(str(root))
    done = inside(root, "manage.py", "test")
    assert done.returncode == 0, done.stderr


def test_its_python_passes_the_linter(tmp_path: Path) -> None:
    for path in create(str(tmp_path / "notes")):
        if path.endswith(".py"):
            judges.judge_python(tmp_path / "notes" / path)


def test_a_fresh_repository_keeps_its_own_files(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "README.md").write_text("# Mine\n")
    (tmp_path / "LICENSE").write_text("free\n")
    assert "README.md" not in create(str(tmp_path))
    assert (tmp_path / "README.md").read_text() == "# Mine\n"


def test_what_is_there_already_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "manage.py").write_text("mine\n")
    with pytest.raises(InputError, match=r"manage\.py"):
        create(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["manage.py"]
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(InputError, match="is no directory"):
        create(str(file / "below"))


@pytest.mark.parametrize(
    "more",
    [
        ["--set", "hosting.proxy=apache"],
        ["--set", "no.such.key=1"],
        ["--answers", "/nowhere/answers.toml"],
    ],
)
def test_a_refused_answer_leaves_nothing_behind(
    more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "notes"
    assert main(["init", str(root), "--new", "--yes", *more]) == 2
    assert not root.exists()
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--dry-run"], ["--diff"], ["--dry-run", "--json"]])
def test_a_rehearsal_shows_the_deployment_and_writes_nothing(
    more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "notes"
    assert main(["init", str(root), "--new", "--yes", *more]) == 0
    assert "notes.service" in capsys.readouterr().out
    assert not root.exists()


def test_the_system_s_directories_are_refused() -> None:
    with pytest.raises(InputError, match="system"):
        create("/etc/notes")


def plain(tmp_path: Path, said: str, *argv: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-m", "nextwizard", "init", "--plain", *argv],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": os.defpath, "PYTHONPATH": str(root), "HOME": str(tmp_path)},
        input=said,
        text=True,
        timeout=60,
    )


def test_who_sits_there_is_offered_a_project_where_there_is_none(
    tmp_path: Path,
) -> None:
    done = plain(tmp_path, "y\n" + "\n" * 40, "notes")
    assert "Create a next.dj project there? [y/N]" in done.stderr
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "notes" / "deploy" / "README.md").is_file()


@pytest.mark.parametrize("said", ["\n", "n\n", ""])
def test_who_declines_gets_no_project(said: str, tmp_path: Path) -> None:
    done = plain(tmp_path, said, "notes")
    assert done.returncode == 2
    assert "is no directory" in done.stderr
    assert not (tmp_path / "notes").exists()


def test_nobody_is_offered_a_project_inside_of_one(tmp_path: Path) -> None:
    create(str(tmp_path / "notes"))
    assert vacant(str(tmp_path)) is False
    assert vacant(str(tmp_path / "notes")) is False
    assert vacant(str(tmp_path / "notes" / "tests")) is True
    assert vacant(str(tmp_path / "elsewhere")) is True
