"""The scan against its labelled corpus, hostile trees, and itself without a filter."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nextwizard.errors import InputError
from nextwizard.scan import scan


if TYPE_CHECKING:
    from collections.abc import Iterable

    from nextwizard.values import Project, Signal


HERE = Path(__file__).parent / "scan"
CASES = sorted((HERE / "cases").glob("*.txt"))
FILE = re.compile(r"^-- (\S+)( \+=)? --\n", re.MULTILINE)
QUIET = {"cache.default", "data.sqlite"}
NOTHING_FOUND = {
    "features.sse": "none",
    "features.websockets": False,
    "features.async_views": False,
    "features.streaming": "none",
    "features.sse_paths": [],
    "features.websocket_paths": [],
}


@dataclass
class Case:
    """One labelled project: its files, its findings, its values, or its refusal."""

    files: dict[str, str] = field(default_factory=dict)
    findings: list[tuple[str, str, int, str, str, str]] = field(default_factory=list)
    values: dict[str, object] = field(default_factory=dict)
    refusal: list[str] = field(default_factory=list)
    managed: list[str] = field(default_factory=list)


def split(text: str) -> tuple[str, list[tuple[str, str, str]]]:
    head, *rest = FILE.split(text)
    return head, list(zip(rest[::3], rest[1::3], rest[2::3], strict=True))


def line_of(files: dict[str, str], path: str, fragment: str) -> int:
    if not fragment:
        return 0
    if fragment.isdigit():
        return int(fragment)
    lines = [n for n, text in enumerate(files[path].split("\n"), 1) if fragment in text]
    assert len(lines) == 1, f"{fragment!r} stands on lines {lines} of {path}"
    return lines[0]


def label(case: Case, line: str) -> None:
    """Take in `+ kind path fragment`, `= key json`, `! refusal` or `managed path`."""
    mark, rest = line[:1], line[1:].strip()
    if mark == "=":
        key, value = rest.split(maxsplit=1)
        case.values[key] = json.loads(value)
    elif mark == "!":
        case.refusal.append(rest)
    elif line.startswith("managed "):
        case.managed += line.split()[1:]
    elif mark == "+":
        kind, path, *words = shlex.split(rest)
        more = dict(
            w.split("=", 1) for w in words if re.match(r"(?:url|detail|is)=", w)
        )
        plain = [w for w in words if w.split("=", 1)[0] not in more]
        number = line_of(case.files, path, plain[0] if plain else "")
        certainty = more.get("is", "certain")
        detail = more.get("detail", "*")
        case.findings.append(
            (kind, path, number, more.get("url", ""), detail, certainty)
        )


def read_case(path: Path) -> Case:
    head, parts = split(path.read_text("utf-8"))
    case = Case()
    if "\nbare\n" not in head:
        _, skeleton = split((HERE / "skeleton.txt").read_text("utf-8"))
        case.files = {name: body for name, _, body in skeleton}
    for name, more, body in parts:
        case.files[name] = case.files[name] + body if more else body
    for line in head.splitlines():
        label(case, line)
    return case


def write(root: Path, files: dict[str, str]) -> Path:
    for name, body in files.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(body, "utf-8", newline="")
    return root


def shown(signals: Iterable[Signal]) -> set[tuple[str, str, str, str]]:
    return {(s.kind, str(s.evidence), s.path, s.confidence) for s in signals}


def check_findings(case: Case, project: Project) -> None:
    labelled = {kind for kind, *_ in case.findings}
    quiet = QUIET - labelled
    got = [signal for signal in project.signals if signal.kind not in quiet]
    wanted = {
        (kind, f"{path}:{line}" if line else path, url, certainty)
        for kind, path, line, url, _, certainty in case.findings
    }
    assert shown(got) == wanted
    details = {(s.kind, str(s.evidence), s.detail) for s in got}
    for kind, path, line, _, detail, _ in case.findings:
        if detail != "*":
            assert (kind, f"{path}:{line}" if line else path, detail) in details


def value_of(project: Project, key: str) -> object:
    first, _, rest = key.partition(".")
    if first == "layout":
        value: object = project.layout
        for name in rest.split("."):
            value = value[name] if isinstance(value, dict) else getattr(value, name)
        return value
    if first == "version":
        return project.versions.get(rest)
    if first == "roots":
        return [[r.path, r.kind, r.module, r.pages] for r in project.layout.page_roots]
    fact = project.detected.get(key)
    return None if fact is None else fact.value


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_corpus(path: Path, tmp_path: Path) -> None:
    case = read_case(path)
    root = write(tmp_path, case.files)
    if case.refusal:
        with pytest.raises(InputError) as refused:
            scan(root, managed=case.managed)
        for words in case.refusal:
            assert words in str(refused.value).replace(str(root), "ROOT")
        return
    project = scan(root, managed=case.managed)
    check_findings(case, project)
    for key, wanted in {**NOTHING_FOUND, **case.values}.items():
        got = value_of(project, key)
        got = list(got) if isinstance(got, tuple) else got
        got = sorted(got) if isinstance(got, frozenset) else got
        assert (key, got) == (key, wanted)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_filter_loses_nothing(path: Path, tmp_path: Path) -> None:
    case = read_case(path)
    root = write(tmp_path, case.files)
    if not case.refusal:
        thorough = scan(root, managed=case.managed, everything=True)
        assert scan(root, managed=case.managed) == thorough


def test_the_corpus_is_large_enough() -> None:
    assert len(CASES) >= 60
