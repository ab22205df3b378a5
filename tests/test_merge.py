from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextwizard import merge as merging
from nextwizard.merge import merge


BASE = b"".join(b"line %d\n" % number for number in range(1, 10))
LINES = st.lists(st.sampled_from([b"a", b"b", b"c", b"", b" "]), max_size=12)
ENDS = st.sampled_from([b"\n", b"\r\n"])


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    lines, ends = draw(LINES), draw(st.lists(ENDS, min_size=12, max_size=12))
    text = b"".join(line + end for line, end in zip(lines, ends, strict=False))
    return text.rstrip(b"\r\n") if draw(st.booleans()) else text


def edited(number: int, text: bytes) -> bytes:
    return BASE.replace(b"line %d\n" % number, text)


def test_edits_that_are_apart_both_survive() -> None:
    done = merge(BASE, edited(2, b"mine\n"), edited(8, b"theirs\n"))
    assert done.data == edited(2, b"mine\n").replace(b"line 8\n", b"theirs\n")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (edited(4, b"mine\n"), edited(4, b"theirs\n")),
        (edited(4, b"mine\n"), edited(5, b"theirs\n")),
        (edited(4, b""), edited(4, b"theirs\n")),
        (edited(4, b"line 4\nmine\n"), edited(5, b"theirs\n")),
        (BASE + b"mine\n", BASE + b"theirs\n"),
        (b"", edited(4, b"theirs\n")),
    ],
)
def test_edits_that_meet_are_a_conflict_without_markers(
    ours: bytes, theirs: bytes
) -> None:
    for one, two in ((ours, theirs), (theirs, ours)):
        done = merge(BASE, one, two)
        assert done.data is None
        assert done.lines


def test_the_same_change_on_both_sides_is_clean() -> None:
    both = edited(4, b"same\n")
    assert merge(BASE, both, both).data == both
    ours = both.replace(b"line 8", b"mine")
    assert merge(BASE, ours, both).data == ours


def test_line_ends_stay_the_user_s() -> None:
    ours = edited(2, b"mine\n").replace(b"\n", b"\r\n")
    done = merge(BASE, ours, edited(8, b"one\ntwo\n"))
    assert done.data is not None
    assert done.data.count(b"\r\n") == done.data.count(b"\n") == 10
    assert b"mine\r\n" in done.data
    assert b"one\r\ntwo\r\n" in done.data


def test_a_missing_last_line_end_stays_missing() -> None:
    ours = BASE.removesuffix(b"\n")
    done = merge(BASE, ours, edited(2, b"theirs\n"))
    assert done.data == edited(2, b"theirs\n").removesuffix(b"\n")
    grown = merge(BASE, edited(2, b"mine\n").removesuffix(b"\n"), BASE + b"more\n")
    assert grown.data == edited(2, b"mine\n") + b"more"


@pytest.mark.parametrize(
    "ours", [BASE + b"\0", b"\xff\xfe" + BASE, BASE.decode().encode("utf-16-be")]
)
def test_what_is_no_text_is_refused(ours: bytes) -> None:
    done = merge(BASE, ours, edited(4, b"theirs\n"))
    assert (done.data, done.reason) == (None, "it is no text that has lines")


def test_bytes_of_any_encoding_are_kept() -> None:
    ours = b"\xef\xbb\xbf" + edited(3, b"caf\xe9 \x80\n")
    done = merge(BASE, ours, edited(8, b"theirs\n"))
    assert done.data == ours.replace(b"line 8", b"theirs")


def test_a_text_too_large_to_compare_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(merging, "MAX_WORK", 5)
    assert "too large" in merge(BASE, edited(1, b"x\n"), edited(9, b"y\n")).reason


@given(texts(), texts())
def test_equal_sides_are_that_side(base: bytes, side: bytes) -> None:
    assert merge(base, side, side).data == side


@given(texts(), texts())
def test_the_only_edit_survives_byte_for_byte(base: bytes, side: bytes) -> None:
    assert merge(base, side, base).data == side
    assert merge(base, base, side).data == side


@given(texts(), texts(), texts())
def test_the_sides_may_change_places(base: bytes, one: bytes, two: bytes) -> None:
    assert merge(base, one, two).data == merge(base, two, one).data


@given(
    st.lists(st.binary(max_size=6), min_size=1, max_size=4),
    st.lists(st.binary(max_size=6), min_size=1, max_size=4),
    st.integers(0, 3),
    st.integers(6, 9),
    ENDS,
)
def test_disjoint_edits_both_survive(
    mine: list[bytes], other: list[bytes], high: int, low: int, end: bytes
) -> None:
    def joined(lines: list[bytes]) -> bytes:
        clean = [line.replace(b"\n", b"").replace(b"\r", b"") for line in lines]
        kept = [b"%" + line.replace(b"\0", b"") for line in clean]
        return b"".join(line + b"\n" for line in kept)

    lines = [b"line %d\n" % number for number in range(9)]
    head, tail = b"".join(lines[:high]), b"".join(lines[low:])
    base = b"".join(lines)
    ours = joined(mine) + base.removeprefix(head)
    theirs = base.removesuffix(tail) + joined(other)
    middle = b"".join(lines[high:low])
    want = joined(mine) + middle + joined(other)
    ours, want = ours.replace(b"\n", end), want.replace(b"\n", end)
    assert merge(base, ours, theirs).data == want


@given(texts(), texts(), texts())
def test_no_line_comes_from_nowhere(base: bytes, one: bytes, two: bytes) -> None:
    data = merge(base, one, two).data
    if data is None:
        return
    known = {line for text in (base, one, two) for line in text.splitlines()}
    assert set(data.splitlines()) <= known | {b""}
    assert b"<<<<" not in data
