"""Every step of the wizard as it is drawn, and the README's pictures from the same."""

from __future__ import annotations

import hashlib
import io
import os
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from driven import drive
from walks import HOST, begun

from nextwizard import plain, report
from nextwizard.guide import STEPS
from nextwizard.workflow import apply, inspect, propose


if TYPE_CHECKING:
    from collections.abc import Callable


ROOT = Path(__file__).parents[1]
SCREENS = Path(__file__).with_name("screens")
PICTURES = ROOT / "docs" / "pictures"
SIZES = ((40, 15), (80, 24), (120, 40))
KEYS = {
    "project": (),
    "features": ("ctrl+n", "space"),
    "hosting": ("ctrl+n", "ctrl+n", "tab", "tab", "down"),
    "sizing": ("ctrl+n", "ctrl+n", "ctrl+n", "8"),
    "review": ("ctrl+n", "ctrl+n", "ctrl+n", "ctrl+n"),
    "help": ("f1",),
    "leave": ("ctrl+c",),
    "files": ("f2",),
    "advanced": ("ctrl+n", "ctrl+n", "f3"),
    "wrong": ("ctrl+u", "N", "!"),
}
"""What is pressed before the screen is looked at, by the name of its picture."""


@pytest.fixture
def notes(sample: Callable[..., Path]) -> Path:
    return sample()


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Hold a text against its file, or write it there with --update-golden."""

    def check(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path.name} was never recorded: --update-golden"
        assert text == path.read_text(encoding="utf-8")

    return check


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", KEYS)
def test_a_screen_is_drawn_as_it_was(
    name: str, size: tuple[int, int], notes: Path, record: Callable[[Path, str], None]
) -> None:
    seen = drive(begun(notes), *KEYS[name], size=size)
    lines = seen.text.splitlines()
    assert len(lines) <= size[1]
    assert str(notes.parent) not in seen.text
    record(SCREENS / f"{name}-{size[0]}x{size[1]}.txt", seen.text)


@pytest.mark.parametrize("name", [step.key for step in STEPS])
def test_without_colour_the_same_is_told(
    name: str, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    seen = drive(begun(notes), *KEYS[name])
    assert seen.text == (SCREENS / f"{name}-120x40.txt").read_text(encoding="utf-8")
    drawn = set(re.findall(r"(?:fill|background)[:=] ?\"?#([0-9a-f]{6})", seen.svg))
    screen = seen.svg.partition('<g transform="translate(9, 41)"')[2] or seen.svg
    inside = set(re.findall(r'fill="#([0-9a-f]{6})"', screen))
    assert drawn | inside
    assert all(
        c[:2] == c[2:4] == c[4:] for c in inside - {"ff5f57", "febc2e", "28c840"}
    )


@pytest.mark.parametrize("name", ["project", "features", "hosting", "sizing", "review"])
def test_a_picture_of_the_readme_is_current(
    name: str, notes: Path, record: Callable[[Path, str], None]
) -> None:
    record(PICTURES / f"{name}.svg", drive(begun(notes), *KEYS[name]).svg)


def test_the_narrow_picture_is_current(
    notes: Path, record: Callable[[Path, str], None]
) -> None:
    seen = drive(begun(notes), *KEYS["features"], size=(40, 15))
    record(PICTURES / "narrow.svg", seen.svg)


def test_the_picture_of_a_conflict_is_current(
    notes: Path, record: Callable[[Path, str], None]
) -> None:
    session = begun(conflicting(notes))
    seen = drive(session, *["ctrl+n"] * 4, "f2", "enter")
    assert "body" in seen.text
    record(PICTURES / "conflict.svg", seen.svg)


def conflicting(root: Path) -> Path:
    """Make a deployment in which a person and the next rendering change one line."""
    apply(propose(inspect(str(root), HOST)))
    site = root / "deploy" / "nginx" / "notes.conf"
    text = site.read_text()
    site.write_text(
        text.replace("client_max_body_size 10m", "client_max_body_size 64m")
    )
    answers = root / "nextwizard.toml"
    text = answers.read_text().replace("[hosting]\n", "[hosting]\nmax_body_mb = 20\n")
    answers.write_text(text)
    return root


def test_the_hero_is_made_from_the_picture() -> None:
    """The PNG names the SVG it was made from: scripts/pictures.py writes both."""
    source = (PICTURES / "features.svg").read_bytes()
    data = (PICTURES / "hero.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    wanted = b"Source\0" + hashlib.sha256(source).hexdigest().encode()
    assert chunks(data)[b"tEXt"] == wanted, "make pictures draws it anew"


def chunks(data: bytes) -> dict[bytes, bytes]:
    """Return the chunks of a PNG by their type."""
    found, at = {}, 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        found[data[at + 4 : at + 8]] = data[at + 8 : at + 8 + length]
        at += 12 + length
    return found


def test_the_readme_shows_every_picture() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in sorted(os.listdir(PICTURES)):
        if path != "features.svg":  # the hero is made from it
            assert f"docs/pictures/{path}" in text


def test_the_transcripts_are_current(
    notes: Path,
    record: Callable[[Path, str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers = "\n\n\n\n\n\nnotes.example.org\ncaddy" + "\n" * 20
    monkeypatch.setattr("sys.stdin", io.StringIO(answers))
    done = plain.run(begun(notes), lambda _session: None, None)
    assert done is not None
    assert done.proposal is not None
    said = capsys.readouterr().err
    record(PICTURES.parent / "plain.txt", f"$ nextwizard init --plain\n{said}")
    report.notes(done.proposal.plan.notes)
    report.summary(apply(done.proposal))
    report.next_steps(done.proposal)
    seen = capsys.readouterr()
    text = f"$ nextwizard init --answers nextwizard.toml\n{seen.err}{seen.out}"
    record(PICTURES.parent / "answers.txt", text)
