"""The checks at every push: what is decided, the real linters, and a fresh clone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import judges
import pytest
from support import planned, project

from nextwizard.cli import main
from nextwizard.errors import InputError
from nextwizard.render import render
from nextwizard.values import Evidence, Fact


ROOT = Path(__file__).parents[1]
FILES = {"github": ".github/workflows/nextwizard.yml", "gitlab": ".gitlab-ci.yml"}


def rendered(provider: str, **detected: tuple[str, ...]) -> str:
    known = {
        f"project.{name}": Fact(value, (Evidence(value[0]),))
        for name, value in detected.items()
    }
    plan = planned(f"ci.provider={provider}", found=project(detected=known))
    files = {file.path: file.data.decode() for file in render(plan)}
    return files[FILES[provider]]


@pytest.mark.parametrize("provider", ["none", "github", "gitlab"])
def test_only_the_answered_service_gets_a_file(provider: str) -> None:
    files = {file.path for file in render(planned(f"ci.provider={provider}"))}
    wanted = {path for name, path in FILES.items() if name == provider}
    assert files & set(FILES.values()) == wanted


@pytest.mark.parametrize("provider", FILES)
def test_it_runs_the_tests_the_checks_and_looks_for_drift(provider: str) -> None:
    text = rendered(provider)
    for words in (
        "manage.py test",
        "check --deploy --fail-level WARNING",
        "-m nextwizard regenerate --check",
        "-m nextwizard check",
    ):
        assert text.count(words) == 1
    assert "SECRET_KEY" not in text


@pytest.mark.parametrize("provider", FILES)
def test_packages_come_from_what_names_them(provider: str) -> None:
    locked = rendered(provider, packages=("uv.lock", "pyproject.toml"))
    assert "uv sync --frozen" in locked
    listed = rendered(
        provider, packages=("requirements.txt",), dev=("requirements-dev.txt",)
    )
    assert "--requirement requirements.txt --requirement requirements-dev.txt" in listed
    declared = rendered(provider, packages=("pyproject.toml",), dev=("pyproject.toml",))
    assert "--requirement pyproject.toml --group dev" in declared
    assert "-m pytest" in rendered(provider, tests=("pytest.ini",))


def test_a_path_that_a_workflow_would_expand_is_refused() -> None:
    odd = Fact(("${{ secrets.X }}/requirements.txt",), (Evidence("x"),))
    found = project(detected={"project.packages": odd})
    with pytest.raises(InputError, match=r"ci\.provider"):
        planned("ci.provider=github", found=found)


@pytest.mark.parametrize("provider", FILES)
def test_a_path_with_a_quote_stays_one_word(provider: str) -> None:
    text = rendered(provider, packages=("it's $(id)/requirements.txt",))
    assert "'it'" in text
    judges.judge_ci(text, provider)


@pytest.mark.parametrize(
    ("provider", "old", "new"),
    [
        ("github", "runs-on: ubuntu-latest", "runs-on: ubuntu-newest"),
        ("github", "github.ref", "github.reff"),
        ("github", "timeout-minutes", "timeout-minuets"),
        ("github", "contents: read", "contents: all"),
        ("github", "---\n", ""),
        ("gitlab", "timeout: 20 minutes", "timout: 20 minutes"),
        ("gitlab", "when: never", "when: nevermore"),
        ("gitlab", "script:", "scripts:"),
        ("gitlab", "  script:", "   script:"),
    ],
)
def test_a_broken_file_is_found_by_its_linter(
    provider: str, old: str, new: str
) -> None:
    text = rendered(provider)
    assert old in text
    with pytest.raises(AssertionError):
        judges.judge_ci(text.replace(old, new), provider)


def commands(text: str) -> list[str]:
    """Return what a job runs after the packages are there, a line each."""
    lines = [line.strip().removeprefix("- ").strip('"') for line in text.splitlines()]
    return [line for line in lines if ".venv/bin/python" in line and "uv" not in line]


@pytest.mark.parametrize(
    "provider", ["github", pytest.param("gitlab", marks=pytest.mark.proof)]
)
def test_the_job_is_green_in_a_fresh_clone_and_red_after_an_answer(
    provider: str, tmp_path: Path
) -> None:
    root, clone = tmp_path / "notes", tmp_path / "clone"
    pairs = (f"ci.provider={provider}", "hosting.domains=notes.example.org")
    sets = [word for pair in pairs for word in ("--set", pair)]
    assert main(["init", str(root), "--new", "--yes", *sets]) == 0
    git = ("git", "-c", "user.email=ci@example.org", "-c", "user.name=ci")
    for argv in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "first")):
        subprocess.run([*git, *argv], cwd=root, check=True, timeout=30)
    subprocess.run([*git, "clone", "-q", root, clone], check=True, timeout=30)
    assert not (clone / "deploy" / "notes.env").exists()
    (clone / ".venv").symlink_to(sys.prefix)
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "CI": "true"}
    lines = commands((clone / FILES[provider]).read_text())
    assert len(lines) == 5
    for line in lines:
        done = subprocess.run(
            ["sh", "-c", line],
            capture_output=True,
            check=False,
            cwd=clone,
            env=env,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
    answers = clone / "nextwizard.toml"
    answers.write_text(answers.read_text().replace("notes.example.org", "b.example"))
    assert main(["regenerate", str(clone), "--check"]) == 5
