from __future__ import annotations

import pytest

from nextwizard.guide import FEATURE_LIST, STEPS, WORDS, told
from nextwizard.questions import BY_KEY, QUESTIONS


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.key)
def test_every_question_has_words(question: object) -> None:
    key = question.key  # type: ignore[attr-defined]
    words = WORDS[key]
    for text in (words.ask, words.why, words.changes, words.otherwise):
        assert text
        assert text.isprintable()
        assert "please" not in text.lower()
    assert len(words.ask) <= 34, "the border of a field at 40 columns"
    assert words.changes.endswith(".")
    assert words.otherwise.endswith(".")
    assert words.link.startswith("https://")


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.key)
def test_every_choice_has_words(question: object) -> None:
    key, choices = question.key, question.choices  # type: ignore[attr-defined]
    assert set(WORDS[key].choices) <= {*choices, "yes", "no"}
    assert set(WORDS[key].choices) >= set(choices)
    assert all(told(key, value) for value in choices)


def test_every_question_is_asked_in_one_step() -> None:
    keys = [key for step in STEPS for key in step.keys]
    assert sorted(keys) == sorted(BY_KEY)
    assert not set(WORDS) - set(BY_KEY)


def test_a_question_comes_after_those_it_depends_on() -> None:
    order = [key for step in STEPS for key in step.keys]
    for question in QUESTIONS:
        if question.needs:
            assert order.index(question.needs[0]) < order.index(question.key)


def test_features_are_one_list() -> None:
    assert STEPS[1].asked == (FEATURE_LIST,)
    assert all(WORDS[key].item or WORDS[key].ask for key in FEATURE_LIST)
