"""The golden cases hold every allowed pair of answers: told by hand, in a minute."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

import pairs


pytestmark = pytest.mark.lab


def test_the_recorded_cases_are_those_that_are_needed() -> None:
    cases, left_out = pairs.chosen()
    recorded = sorted(pairs.GOLDEN.glob("pair-*"))
    texts = [(place / "answers.toml").read_text("utf-8") for place in recorded]
    assert texts == [pairs.toml(choice) for choice in cases]
    held = set().union(*map(pairs.pairs, cases), *map(pairs.pairs, pairs.by_hand()))
    assert not held & left_out.keys()
    assert all(left_out.values()), "a pair is left out without a reason"
