"""Hostile and merely odd answers: refused by name, or delivered exactly."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections import Counter
from contextlib import redirect_stderr
from typing import TYPE_CHECKING, Any

import pytest
from accounts import PROJECT
from drawn import values
from golden_cases import tree
from hostile import (
    FIELDS,
    ROWS,
    Field,
    answered,
    bland_texts,
    bland_word,
    compare,
    document,
    field_of,
    proposed,
    refused,
    standing,
    texts,
)
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from test_cli import nextwizard

from nextwizard.cli import main
from nextwizard.errors import InputError
from nextwizard.quoting import toml


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from nextwizard.workflow import Proposal

    type Said = pytest.CaptureFixture[str]


ANSWERS = [row for row in ROWS if row["field"] not in {"answers_file", "target_dir"}]
REFUSED = [row for row in ANSWERS if row["expect"].startswith("reject")]
TAKEN = [row for row in ANSWERS if row not in REFUSED]
DOCUMENTS = [row for row in ROWS if row["field"] == "answers_file"]
PLACES = [row for row in ROWS if row["field"] == "target_dir"]


def name_of(field: Field) -> str:
    return next(name for name, known in FIELDS.items() if known is field)


def taken(row: dict[str, Any], setup: str) -> Proposal | None:
    """Return the deployment of a legal answer; None where another one forbids it."""
    field = field_of(row)
    try:
        return proposed(field, row["value"], setup)
    except InputError as error:
        named = {key for problem in error.problems for key in problem.where.split(", ")}
        if setup == field.setups[0] or field.key not in named or len(named) < 2:
            raise
        return None


def arrives(row: dict[str, Any], setup: str) -> bool:
    """Hold one legal answer in one setup to the oracle; False where it cannot stand."""
    field = field_of(row)
    proposal = taken(row, setup)
    if proposal is None:
        return False
    got = answered(field, proposal.answers)
    exact = got in {str(row["value"]), f"127.0.0.1:{row['value']}"}
    if row["expect"] in {"escape", "accept"}:
        assert exact, got
    if "normalize" in row["expect"] and field.key != "hosting.bind":
        assert not exact
    if row["expect"] not in {"escape", "accept"}:
        said = [note for note in proposal.plan.notes if field.key in note.message]
        assert said
        assert all(note.severity == "warning" for note in said)
    if field.bland:
        assert structure(field, got, setup, proposal) == []
    return True


def structure(field: Field, got: str, setup: str, proposal: Proposal) -> list[str]:
    """Return where a deployment is not the bland one with this answer in its place."""
    bland = bland_word(field, got)
    before = bland_texts(name_of(field), setup, bland)
    return compare(bland, got, before, texts(proposal))


@pytest.mark.parametrize("row", TAKEN, ids=lambda row: row["id"])
def test_a_legal_answer_arrives_as_one_leaf(row: dict[str, Any]) -> None:
    """In one of the deployments it reaches; `make lab` goes through all of them."""
    setups = field_of(row).setups
    setup = setups[int(row["id"][1:]) % len(setups)]
    assert arrives(row, setup) or arrives(row, setups[0])


@pytest.mark.lab
@pytest.mark.parametrize("row", TAKEN, ids=lambda row: row["id"])
def test_a_legal_answer_arrives_in_every_deployment(row: dict[str, Any]) -> None:
    for setup in field_of(row).setups:
        arrives(row, setup)


def outcome(field: Field, value: str, setup: str, root: Path) -> str:
    """Hold any value at all to its outcome: refused by its key, or one exact leaf.

    Returns which it was.
    """
    words = refused(field, value, setup)
    if words:
        assert field.key.partition(".QQQQ")[0] in words, (value, words)
        refused_by_the_command(field, value, setup, root)
        return "refused"
    proposal = proposed(field, value, setup)
    got = answered(field, proposal.answers)
    assert standing(field, proposal) == got
    if got != value:
        assert any(field.key in note.message for note in proposal.plan.notes), value
    assert structure(field, got, setup, proposal) == [], value
    return "arrived" if got == value else "arrived otherwise"


def refused_by_the_command(field: Field, value: str, setup: str, root: Path) -> None:
    before = tree(root)
    file = root.parent / "answers.json"
    file.write_text(json.dumps(document(field, value)), encoding="utf-8")
    pairs = [p for p in setup.split() if not p.startswith(f"{field.key}=")]
    sets = [word for pair in pairs for word in ("--set", pair)]
    with redirect_stderr(io.StringIO()) as said:
        code = main(["init", str(root), "--answers", str(file), *sets])
    assert code == 2, (value, said.getvalue())
    assert field.key.partition(".QQQQ")[0] in said.getvalue()
    no_answer(said.getvalue(), root, before)


TEXTS = sorted(name for name, field in FIELDS.items() if field.bland)


def drawn(name: str, examples: int, root: Path) -> None:
    """Draw values and deployments of a field, the same ones at every run."""
    field, seen = FIELDS[name], Counter[str]()

    @settings(
        derandomize=True, database=None, max_examples=examples, phases=[Phase.generate]
    )
    @given(value=values(name), setup=st.sampled_from(field.setups))
    def hold(value: str, setup: str) -> None:
        seen[outcome(field, value, setup, root)] += 1

    hold()
    assert seen["arrived"], seen
    assert seen["refused"], seen


@pytest.mark.parametrize("name", TEXTS)
def test_a_drawn_answer_is_refused_or_arrives(name: str, drawn_root: Path) -> None:
    drawn(name, 10, drawn_root)


@pytest.mark.proof
@pytest.mark.parametrize("name", TEXTS)
def test_more_drawn_answers_are_refused_or_arrive(name: str, drawn_root: Path) -> None:
    drawn(name, 60, drawn_root)


@pytest.fixture(scope="module")
def drawn_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the sample project for refusals, which leave it as it is."""
    root = tmp_path_factory.mktemp("drawn") / "notes"
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(PROJECT, root, ignore=ignore)
    return root


def test_the_corpora_try_every_field_with_both_outcomes() -> None:
    assert len(REFUSED) > 1000
    assert len(TAKEN) > 800
    for field in FIELDS.values():
        assert any(field_of(row) is field for row in REFUSED), field.key
        assert any(field_of(row) is field for row in TAKEN), field.key


def written(row: dict[str, Any], folder: Path) -> Path:
    """Write the answers file that gives this value: TOML in turn with JSON."""
    data = document(field_of(row), row["value"])
    file = folder / "answers.json"
    text = json.dumps(data)
    plain = isinstance(row["value"], str) and row["value"].isprintable()
    if plain and int(row["id"][1:]) % 2:
        file = folder / "answers.toml"
        section, table = next(item for item in data.items() if item[0] != "schema")
        leaf, value = next(iter(table.items()))
        value = tuple(value) if isinstance(value, list) else value
        text = f"schema = 1\n[{toml(section)}]\n{toml(leaf)} = {toml(value)}\n"
    file.write_text(text, encoding="utf-8")
    return file


def no_answer(words: str, root: Path, before: dict[str, bytes]) -> None:
    assert "Traceback" not in words
    assert words.startswith("nextwizard: "), words
    assert all(char.isprintable() or char == "\n" for char in words), words
    assert tree(root) == before


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row["id"])
def test_a_hostile_answer_is_refused(row: dict[str, Any]) -> None:
    field = field_of(row)
    words = refused(field, row["value"], field.setups[0])
    assert words.startswith(field.key.partition(".QQQQ")[0]), words


def through_the_command(rows: Sequence[dict[str, Any]], root: Path, said: Said) -> None:
    """Hold refusals to what a person sees of them, and to the project's files."""
    before = tree(root)
    for row in rows:
        file = written(row, root.parent)
        assert main(["init", str(root), "--answers", str(file)]) == 2, row
        words = said.readouterr()
        assert field_of(row).key.partition(".QQQQ")[0] in words.err, row
        assert words.out == ""
        no_answer(words.err, root, before)


def test_a_refusal_names_the_key_and_writes_nothing(
    sample: Callable[..., Path], capsys: Said
) -> None:
    through_the_command(REFUSED[::7], sample(), capsys)


@pytest.mark.lab
@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_refusal_names_the_key_and_writes_nothing(
    name: str, sample: Callable[..., Path], capsys: Said
) -> None:
    rows = [row for row in REFUSED if field_of(row) is FIELDS[name]]
    through_the_command(rows, sample(), capsys)


@pytest.mark.parametrize("suffix", ["toml", "json"])
def test_a_hostile_document_is_refused(
    suffix: str,
    sample: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = sample()
    before = tree(root)
    file = tmp_path / f"answers.{suffix}"
    for row in DOCUMENTS:
        file.write_bytes(row["value"].encode("utf-8", "surrogatepass"))
        assert main(["init", str(root), "--answers", str(file)]) == 2, row
        no_answer(capsys.readouterr().err, root, before)


def test_a_hostile_place_is_refused(
    sample: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = sample()
    before = tree(tmp_path)
    monkeypatch.chdir(tmp_path)
    more = ["", "\n", "\ud800", "notes/manage.py", "no such", "x" * 300, "a" * 5000]
    for place in [*(row["value"] for row in PLACES), *more]:
        try:
            code = main(["init", place, "--yes"])
        except SystemExit as stop:
            code = int(stop.code or 0)
        words = capsys.readouterr().err
        assert code == 2, place
        assert "Traceback" not in words
        assert "nextwizard: " in words
        assert tree(tmp_path) == before
    assert root.is_dir()


THROUGH = [row for row in TAKEN if isinstance(row["value"], str)][::100]


@pytest.mark.parametrize("row", THROUGH, ids=lambda row: row["id"])
def test_the_command_writes_what_was_proposed(
    row: dict[str, Any], sample: Callable[..., Path], tmp_path: Path
) -> None:
    root = sample()
    setup = field_of(row).setups[0]
    pairs = [p for p in setup.split() if not p.startswith(f"{field_of(row).key}=")]
    sets = [word for pair in pairs for word in ("--set", pair)]
    done = nextwizard(
        "init", str(root), "--answers", str(written(row, tmp_path)), *sets
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    again = nextwizard("regenerate", str(root), "--check")
    assert again.returncode == 0, again.stdout
    for path, text in texts(proposed(field_of(row), row["value"], setup)).items():
        if path.startswith(("deploy/nginx", "deploy/systemd", "deploy/caddy")):
            assert (root / path).read_text(encoding="utf-8") == text
    assert os.path.exists(root / "nextwizard.toml")
