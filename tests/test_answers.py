from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import HOST, answered, project

from nextwizard.answers import resolve
from nextwizard.document import Layer, read_document, read_set
from nextwizard.errors import InputError
from nextwizard.questions import KEPT, QUESTIONS
from nextwizard.values import Evidence, Fact


ROWS = [
    json.loads(line)
    for line in (Path(__file__).with_name("corpus") / "hostile_answers.jsonl")
    .read_text()
    .splitlines()
]
DOCUMENTS = [row for row in ROWS if row["field"] == "answers_file"]


def said(text: str, name: str = "answers.toml") -> Layer:
    return read_document(text.encode(), name, "file")


def refused(*layers: Layer) -> str:
    with pytest.raises(InputError) as caught:
        resolve(project(), HOST, layers)
    return str(caught.value)


@pytest.mark.parametrize("name", ["answers.toml", "answers.json"])
@pytest.mark.parametrize("row", DOCUMENTS, ids=lambda row: row["id"])
def test_a_hostile_document_is_refused_by_name(row: dict[str, str], name: str) -> None:
    with pytest.raises(InputError, match=r"answers\.(toml|json)|is no answer"):
        read_document(row["value"].encode("utf-8", "surrogatepass"), name, "file")


def test_every_problem_is_reported_at_once_with_its_key_and_line() -> None:
    text = 'schema = 1\n[hosting]\ndomains = ["exa mple.org"]\nproxy = "apache"\n'
    message = refused(said(text + "[sizing]\ncores = true\n"))
    assert (
        'hosting.domains: ["exa mple.org"] is no host name (answers.toml:3)' in message
    )
    assert "as it stands in a browser's address bar" in message
    assert 'hosting.proxy: "apache" takes one of nginx, caddy, none' in message
    assert "sizing.cores: true takes a whole number. (answers.toml:6)" in message


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("hosting.domain", "hosting.domains"),
        ("hosting.prox", "hosting.proxy"),
        ("proxy", "hosting.proxy"),
    ],
)
def test_an_unknown_key_gets_a_suggestion(key: str, near: str) -> None:
    with pytest.raises(InputError, match=f"Did you mean {near}"):
        read_set([f"{key}=nginx"])


def test_all_unknown_keys_of_a_document_are_named() -> None:
    with pytest.raises(InputError) as caught:
        said('schema = 1\nsecret_key = "x"\n[hostin]\nproxy = "nginx"\n')
    assert len(caught.value.problems) == 2
    assert "answers.toml:2" in str(caught.value)


def test_a_flag_is_stronger_than_a_file_and_a_file_than_the_scan() -> None:
    found = project(detected={"features.sse": Fact("async", (Evidence("a.py", 1),))})
    file = said('schema = 1\n[hosting]\nproxy = "caddy"\ntarget = "supervisor"\n')
    answers = resolve(found, HOST, [read_set(["hosting.proxy=none"]), file])
    assert answers["hosting.proxy"] == "none"
    assert answers["hosting.target"] == "supervisor"
    assert answers.items["features.sse"].source == "detected"
    assert answers.items["features.sse"].where == "a.py:1"


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("hosting.domains=a.example,b.example", ("a.example", "b.example")),
        ('hosting.domains=["a.example"]', ("a.example",)),
        ("sizing.cores=4", 4),
        ("hosting.proxy_version=1.26", "1.26"),
        ("features.websockets=true", True),
        ("hosting.bind=8000", "127.0.0.1:8000"),
        ("project.title=Acme & Sons", "Acme & Sons"),
        ("environment.GREETING=a = b", {"GREETING": "a = b"}),
    ],
)
def test_set_takes_a_toml_value_or_a_bare_word(pair: str, value: object) -> None:
    answers = answered(project(), pair)
    key = pair.partition("=")[0]
    assert answers["environment" if key.startswith("environment") else key] == value


def test_a_derived_default_follows_what_it_derives_from() -> None:
    assert answered(project(), "project.name=shop")["hosting.root"] == "/srv/shop"
    touched = answered(project(), "project.name=shop", "hosting.root=/opt/x")
    assert touched["hosting.root"] == "/opt/x"
    assert answered(project(root="/x/Mein Café"))["project.name"] == "mein-cafe"
    assert answered(project(root="/x/news"))["hosting.user"] == "news-app"


def test_an_answer_that_means_nothing_beside_another_names_both() -> None:
    message = refused(read_set(["hosting.tls_certificate=/etc/ssl/a.pem"]))
    assert "hosting.tls_certificate" in message
    assert "hosting.tls" in message


def test_a_stored_proxy_version_goes_with_its_proxy() -> None:
    text = 'schema = 1\n[hosting]\nproxy = "nginx"\nproxy_version = "1.26"\n'
    stored = read_document(text.encode(), "nextwizard.toml", "stored")
    kept = resolve(project(), HOST, [stored])
    changed = resolve(project(), HOST, [read_set(["hosting.proxy=caddy"]), stored])
    assert kept["hosting.proxy_version"] == "1.26"
    assert changed["hosting.proxy_version"] == "2.6.2"


def test_what_was_normalised_is_said() -> None:
    answers = answered(project(), "hosting.domains=пример.рф")
    assert answers["hosting.domains"] == ("xn--e1afmkfd.xn--p1ai",)
    assert "xn--e1afmkfd.xn--p1ai" in answers.notes[0].message


def test_json_is_read_by_its_extension() -> None:
    layer = said('{"schema": 1, "hosting": {"proxy": "caddy"}}', "answers.json")
    assert layer.values["hosting.proxy"].raw == "caddy"


@pytest.mark.parametrize("size", [64 * 1024 + 1])
def test_a_huge_document_is_refused(size: int) -> None:
    with pytest.raises(InputError, match="larger than 64 KiB"):
        said("#" * size)


def test_no_variable_name_smuggles_another_key() -> None:
    message = refused(read_set(["environment.LD_PRELOAD=/x", "environment.A B=1"]))
    assert "environment.LD_PRELOAD" in message
    assert "environment.A B" in message


def test_questions_stand_in_an_order_their_defaults_can_read() -> None:
    keys = [question.key for question in QUESTIONS]
    assert len(keys) == len(set(keys))
    assert set(keys) >= KEPT
    for at, question in enumerate(QUESTIONS):
        if question.needs:
            assert question.needs[0] in keys[:at]
    answered(project())
