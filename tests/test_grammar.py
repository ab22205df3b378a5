from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextwizard.grammar import CHECKS, HINTS
from nextwizard.questions import QUESTIONS


CORPUS = Path(__file__).with_name("corpus") / "hostile_answers.jsonl"
FIELDS = {
    "app_module": "package",
    "domain": "domain",
    "email": "email",
    "env_name": "env_name",
    "env_value": "env_value",
    "health_path": "health_path",
    "path": "directory",
    "port": "bind",
    "project_name": "title",
    "service_name": "name",
    "unix_user": "unix_name",
}
ROWS = [json.loads(line) for line in CORPUS.read_text().splitlines()]
TEXTS = [
    row for row in ROWS if row["field"] in FIELDS and isinstance(row["value"], str)
]


@pytest.mark.parametrize("row", TEXTS, ids=lambda row: row["id"])
def test_the_hostile_corpus(row: dict[str, Any]) -> None:
    check = CHECKS[FIELDS[row["field"]]]
    if row["expect"].startswith("reject"):
        with pytest.raises(ValueError, match=r"\w"):
            check(row["value"])
        return
    value, said = check(row["value"])
    if row["expect"] in {"escape", "accept"}:
        assert value == row["value"]
    else:
        assert said


def test_the_corpus_covers_both_answers_of_every_field() -> None:
    assert len(TEXTS) > 250
    assert {row["field"] for row in TEXTS} == set(FIELDS)


@pytest.mark.parametrize(
    ("grammar", "value", "want"),
    [
        ("domain", "Пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("domain", "NOTES.Example.com", "notes.example.com"),
        ("bind", "8000", "127.0.0.1:8000"),
        ("bind", "[::1]:8000", "[::1]:8000"),
        ("directory", "/srv/notes/", "/srv/notes"),
        ("health_path", "/up", "/up/"),
        ("network", "10.0.0.0/8", "10.0.0.0/8"),
        ("upstream", "app1.internal:8000", "app1.internal:8000"),
        ("env_name", "PYTHONUNBUFFERED", "PYTHONUNBUFFERED"),
        ("path_prefix", "/sub/", "/sub"),
        ("email", "o'brien+acme@example.org", "o'brien+acme@example.org"),
        ("email", "ops@bücher.example", "ops@xn--bcher-kva.example"),
        ("network", "10.0.0.5", "10.0.0.5/32"),
        ("title", "\u0645\u06cc\u200c\u0631", "\u0645\u06cc\u200c\u0631"),
    ],
)
def test_what_is_taken(grammar: str, value: str, want: str) -> None:
    assert CHECKS[grammar](value)[0] == want


@pytest.mark.parametrize(
    ("grammar", "value"),
    [
        ("bind", "127.0.0.1:0"),
        ("bind", "::1:8000"),
        ("bind", "localhost:8000"),
        ("directory", "/root/notes"),
        ("directory", "/home"),
        ("env_name", "DATABASE_URL"),
        ("health_path", "/static/"),
        ("name", "postgresql"),
        ("network", "0.0.0.0/0"),
        ("network", "10.0.0.1/8"),
        ("relative_path", "../pages"),
        ("title", "  "),
        ("unix_name", "root"),
        ("url_path", "/a b/"),
        ("version", "1"),
        ("bind", "[fe80::1%eth0]:8000"),
        ("network", "fe80::%eth0/10"),
        ("email", "a..b@example.org"),
        ("path_prefix", "//"),
        ("title", "No\u200dtes"),
    ],
)
def test_what_is_refused(grammar: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        CHECKS[grammar](value)


def test_every_question_has_a_check_and_every_check_a_hint() -> None:
    used = {question.grammar for question in QUESTIONS if question.grammar}
    assert used <= set(CHECKS)
    assert used <= set(HINTS)


@given(st.sampled_from(sorted(set(CHECKS) - {"env_value", "title"})), st.text())
def test_nothing_hidden_gets_through(grammar: str, value: str) -> None:
    try:
        taken, _ = CHECKS[grammar](value)
    except ValueError:
        return
    assert taken.isprintable()
    assert CHECKS[grammar](taken)[0] == taken
