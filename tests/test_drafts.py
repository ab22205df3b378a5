from __future__ import annotations

from pathlib import Path

import pytest

from nextwizard import drafts
from nextwizard.drafts import Draft


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


DRAFT = Draft(
    {"a": "x", "b": 1, "c": True, "d": ("p", "q"), "e": {"N": "v"}}, {"f": "keep"}, 2
)


def test_a_draft_comes_back_as_it_was() -> None:
    assert drafts.load("/srv/notes") is None
    assert drafts.save("/srv/notes", DRAFT)
    assert drafts.load("/srv/notes") == DRAFT
    assert drafts.load("/srv/other") is None
    drafts.drop("/srv/notes")
    assert drafts.load("/srv/notes") is None
    drafts.drop("/srv/notes")


def test_only_its_owner_can_read_it() -> None:
    drafts.save("/srv/notes", DRAFT)
    path = Path(drafts.place("/srv/notes"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [*path.parent.iterdir()] == [path]


def test_nothing_said_is_no_draft() -> None:
    drafts.save("/srv/notes", DRAFT)
    drafts.save("/srv/notes", Draft())
    assert drafts.load("/srv/notes") is None


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"format": 2}', b'{"format": 1, "root": "/srv/notes"}']
)
def test_a_damaged_draft_is_none(data: bytes) -> None:
    drafts.save("/srv/notes", DRAFT)
    Path(drafts.place("/srv/notes")).write_bytes(data)
    assert drafts.load("/srv/notes") is None


def test_a_disk_that_refuses_loses_the_draft_and_nothing_else(
    tmp_path: Path,
) -> None:
    (tmp_path / "state").write_text("a file stands there")
    assert not drafts.save("/srv/notes", DRAFT)
