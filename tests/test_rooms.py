from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest


PACKAGE = Path(__file__).parents[1] / "nextwizard"
FLOORS: dict[str, int] = {
    "__init__": 0,
    "errors": 1,
    "values": 2,
    "names": 2,
    "tools": 2,
    "outcomes": 3,
    "quoting": 2,
    "manifests": 2,
    "grammar": 3,
    "rules": 3,
    "findings": 4,
    "servers": 4,
    "catalog": 3,
    "scan": 3,
    "host": 3,
    "questions": 4,
    "document": 5,
    "answers": 6,
    "answersfile": 5,
    "decide": 7,
    "adopt": 7,
    "render": 8,
    "merge": 6,
    "state": 7,
    "leftover": 8,
    "changes": 9,
    "git": 2,
    "fast": 8,
    "joined": 8,
    "takeover": 9,
    "write": 8,
    "shape": 9,
    "workflow": 10,
    "explain": 11,
    "greenfield": 11,
    "exact": 6,
    "unset": 3,
    "schema": 6,
    "stage": 8,
    "stageproxy": 9,
    "verify": 11,
    "smoke": 11,
    "report": 12,
    "guide": 5,
    "entry": 5,
    "gate": 5,
    "drafts": 5,
    "session": 11,
    "figures": 11,
    "preview": 12,
    "asking": 13,
    "dialogue": 14,
    "plain": 15,
    "prompts": 15,
    "tui": 15,
    "wizard": 16,
    "cli": 17,
    "__main__": 18,
}
"""The plan: a room imports rooms on lower floors, or its own inside a package."""

OWNERS = {
    "idna": {"names"},
    "jinja2": {"render"},
    "questionary": {"prompts"},
    "subprocess": {"tools"},
    "textual": {"tui"},
    "tomlkit": {"answersfile"},
}
"""Each third-party package, and subprocess, has exactly one room."""


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Return every module a file imports, lazily or not, as an absolute name."""
    package = ["nextwizard", *path.relative_to(PACKAGE).parts[:-1]]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found.add(module)
            if module in {"nextwizard", ""}:
                found |= {f"nextwizard.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_only_lower_floors(path: Path) -> None:
    room = room_of(path)
    assert room in FLOORS, f"{room} has no floor in the plan"
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "nextwizard" or len(parts) < 2 or parts[1] == "__version__":
            continue
        other = parts[1]
        assert other == room or FLOORS[other] < FLOORS[room], f"{room} imports {other}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_package_has_one_room(path: Path) -> None:
    room = room_of(path)
    for name in imports(path):
        top = name.split(".")[0]
        if top in {"nextwizard", "__future__"}:
            continue
        if top in OWNERS:
            assert room in OWNERS[top], f"{room} imports {top}"
        else:
            assert top in sys.stdlib_module_names, f"{room} imports {top}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_stays_small(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name


def test_functions_are_short_in_the_median() -> None:
    lengths = sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert lengths[len(lengths) // 2] < 12


PRINTS = {"report", "cli"}
"""Rooms that speak to the user."""
SPEAKS = {"exact", "verify"}
"""Rooms that hold the text of a program for another interpreter, which prints."""
WRITES = {"write", "drafts", "stage", "stageproxy", "tools", "smoke", "verify"}
"""Rooms that put files somewhere: the project's, a scratch or the user's directory."""


def test_only_report_prints_and_only_write_writes() -> None:
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        if room_of(path) not in PRINTS | SPEAKS:
            assert "sys.stdout" not in text, path
            assert "print(" not in text, path
        if room_of(path) not in WRITES:
            assert "os.replace" not in text, path
            assert ', "w"' not in text, path
            assert 'mode="w' not in text, path
