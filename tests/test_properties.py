"""The twenty properties of the wizard, each by its number."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from driven import drive
from verifying import judged
from walks import HOST, begun, fingerprint, opened, without

from nextwizard import dialogue, drafts
from nextwizard import session as walk
from nextwizard.asking import BACK
from nextwizard.document import read_set
from nextwizard.guide import STEPS, WORDS
from nextwizard.preview import changed, rows
from nextwizard.questions import QUESTIONS
from nextwizard.tui.page import Page
from nextwizard.workflow import apply, inspect, propose


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from nextwizard.asking import Item
    from nextwizard.session import Session
    from nextwizard.tui.app import Wizard


ENTERS = ("enter",) * 8
"""What a person presses who takes every default: one key a question, one to write."""


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def notes(sample: Callable[..., Path]) -> Path:
    return sample()


def nextwizard(
    *argv: str, stdin: str | None = None, seconds: float = 60, **env: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nextwizard", *argv],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONUTF8": "1", **env},
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        text=True,
        timeout=seconds,
    )


def test_property_01_every_question_has_default_source_and_reason(
    notes: Path,
) -> None:
    session = opened(notes)
    for question in QUESTIONS:
        seen = walk.view(session, question.key)
        assert seen.origin in {"detected", "default"}
        assert seen.because.strip()
        assert "\n" not in seen.because
    shown = drive(begun(notes)).text
    assert "default" in shown
    assert "the directory's name" in shown


def test_property_02_enter_alone_makes_a_deployment(notes: Path) -> None:
    seen = drive(begun(notes), *ENTERS)
    assert seen.over
    assert seen.result is not None
    assert seen.result.proposal is not None
    proposal = seen.result.proposal
    apply(proposal)
    judged(proposal)


def test_property_03_at_most_seven_questions_are_asked() -> None:
    assert sum(len(step.asked) for step in STEPS) <= 7


def test_property_04_back_from_every_field_loses_nothing(notes: Path) -> None:
    keys = ("tab", "ctrl+n", "space", "escape", "escape", "ctrl+n", "ctrl+n")
    seen = drive(begun(notes), "x", *keys)
    assert seen.session.step == 2
    assert seen.session.answers["features.sse"] == "async"
    assert str(seen.session.answers["project.name"]).endswith("x")


class Scripted:
    """A person who answers as written, and goes back where it says so."""

    edits = False

    def __init__(self, answers: dict[str, list[str]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def _next(self, ask: str, now: str) -> str:
        self.asked.append(ask)
        left = self.answers.get(ask, [])
        return left.pop(0) if left else now

    def say(self, text: str) -> None:
        assert "\x1b" not in text

    def line(self, ask: str, now: str, why: str) -> str:
        assert why.strip()
        return self._next(ask, now)

    def pick(self, ask: str, items: Sequence[Item], why: str) -> str:
        del why
        now = next((item.value for item in items if item.on), items[0].value)
        return self._next(ask, now)

    def tick(self, ask: str, items: Sequence[Item]) -> str:
        assert items
        return self._next(ask, "")


def asked(key: str) -> str:
    return WORDS[key].ask


def test_property_04_back_in_a_conversation_loses_nothing(notes: Path) -> None:
    person = Scripted(
        {
            asked("project.name"): ["journal"],
            asked("project.pages"): [BACK],
            asked("hosting.domains"): ["journal.example.org", BACK],
            asked("hosting.proxy"): [BACK, "caddy"],
        }
    )
    kept: list[Session] = []
    done = dialogue.converse(begun(notes), person, kept.append)
    assert done is not None
    assert done.answers["project.name"] == "journal"
    assert done.answers["hosting.domains"] == ("journal.example.org",)
    assert done.answers["hosting.proxy"] == "caddy"
    assert person.asked.count(asked("project.name")) == 2


def test_property_05_defaults_follow_and_answers_stay(notes: Path) -> None:
    session = opened(notes)
    session = walk.answer(session, "hosting.user", "served")
    session = walk.answer(session, "project.name", "journal")
    assert session.answers["hosting.root"] == "/srv/journal"
    assert session.answers["hosting.group"] == "served"
    assert session.answers["hosting.user"] == "served"


def test_property_06_the_preview_follows_every_key(notes: Path) -> None:
    told: list[bool] = []

    def look(app: Wizard) -> None:
        told.append(app.session.stale)

    seen = drive(begun(notes), "x", look, "y", look)
    assert told == [False, False], "one refresh after the key, the files are made"
    assert "upstream xy_app" in seen.text


def test_property_06_a_letter_moves_nothing_on_the_screen(notes: Path) -> None:
    layouts: list[object] = []

    def count(app: Wizard) -> None:
        signal = app.screen.screen_layout_refresh_signal
        signal.subscribe(app.screen, layouts.append, immediate=True)

    seen = drive(begun(notes), "x", "y", count, "z", "backspace", "z")
    assert layouts == []
    assert "upstream xyz_app" in seen.text
    drive(begun(notes), "x", "y", count, "f3")
    assert layouts, "what is opened needs room, and that is counted"


def test_property_07_changed_lines_are_marked_and_in_sight(notes: Path) -> None:
    seen = drive(begun(notes), "ctrl+n", "space")
    assert changed(seen.session)
    marked = rows(seen.session, "deploy/nginx/notes.conf")
    assert [row.text.strip() for row in marked if row.mark == "+"] == [
        "proxy_read_timeout 3600s;"
    ]
    assert any(
        "+" in line and "proxy_read_timeout 3600s;" in line
        for line in seen.text.splitlines()
    )


def test_property_08_the_list_is_held_against_the_disk(notes: Path) -> None:
    first = drive(begun(notes)).text
    assert "[~] config/wsgi.py" in first
    assert "[+] config/settings/prod.py" in first
    assert "[~] update" in first
    apply(propose(inspect(str(notes), HOST)))
    site = notes / "deploy/nginx/notes.conf"
    old, new = "client_max_body_size 10m", "client_max_body_size 64m"
    site.write_text(site.read_text().replace(old, new))
    again = walk.start(
        inspect(str(notes), HOST), [read_set(["hosting.max_body_mb=20"])]
    )
    second = drive(again).text
    assert "[=] config/wsgi.py" in second
    assert "[!] deploy/nginx/notes.conf" in second
    assert "[=] same" in second


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_property_09_leaving_writes_nothing(step: int, notes: Path) -> None:
    before = fingerprint(notes)
    seen = drive(begun(notes), *["ctrl+n"] * step, "ctrl+c", "s")
    assert seen.over
    assert seen.result is None
    assert fingerprint(notes) == before


@pytest.mark.parametrize(("key", "body"), [("k", "64m"), ("t", "20m"), ("n", "64m")])
def test_property_10_a_hand_edited_file_is_settled_by_choice(
    key: str, body: str, notes: Path
) -> None:
    apply(propose(inspect(str(notes), HOST)))
    site = notes / "deploy/nginx/notes.conf"
    site.write_text(site.read_text().replace("body_size 10m", "body_size 64m"))
    layers = [read_set(["hosting.max_body_mb=20"])]
    session = walk.start(inspect(str(notes), HOST), layers)
    shown: list[str] = []

    def look(app: Wizard) -> None:
        page = app.screen.query_one("#diff", Page)
        shown.append("\n".join(row.text for row in page.rows))

    there = ["ctrl+n"] * 4
    seen = drive(session, *there, "f2", "enter", look, key, "escape", "w")
    assert "64m" in shown[0], "the difference is seen before anything is chosen"
    assert "20m" in shown[0]
    assert seen.result is not None
    assert seen.result.proposal is not None
    apply(seen.result.proposal)
    assert f"client_max_body_size {body};" in site.read_text()
    beside = notes / "deploy/nginx/notes.conf.new"
    assert beside.exists() is (key == "n")


def test_property_12_a_draft_is_offered_the_next_time(notes: Path) -> None:
    first = drive(begun(notes), "ctrl+n", "space", "ctrl+n", "ctrl+c", "s")
    assert first.kept
    left = first.kept[-1]
    drafts.save(str(notes), drafts.Draft(left.said, left.choices, left.step))
    found = drafts.load(str(notes))
    offered = drive(begun(notes), draft=found)
    assert "step 3 of 5" in offered.text
    resumed = drive(begun(notes), "enter", draft=found)
    assert resumed.session.step == 2
    assert resumed.session.answers["features.sse"] == "async"


@pytest.mark.parametrize("env", [{}, {"CI": "true"}])
def test_property_13_nobody_there_is_told_at_once(
    env: dict[str, str], notes: Path
) -> None:
    before = fingerprint(notes)
    done = nextwizard("init", str(notes), seconds=5, **env)
    assert done.returncode == 2
    assert f"nextwizard init --answers nextwizard.toml {notes}" in done.stderr
    assert done.stdout == ""
    assert fingerprint(notes) == before


def test_property_14_answers_from_a_file_ask_nothing(
    notes: Path, tmp_path: Path
) -> None:
    answers = tmp_path / "a.toml"
    answers.write_text(
        'schema = 1\nhosting.proxy = "apache"\nhosting.bind = "nowhere"\n'
        "sizing.cores = 0\n"
    )
    done = nextwizard("init", str(notes), "--answers", str(answers))
    assert done.returncode == 2
    for key in ("hosting.proxy", "hosting.bind", "sizing.cores"):
        assert key in done.stderr


def test_property_15_every_front_end_writes_the_same_bytes(
    sample: Callable[..., Path],
) -> None:
    def tree(root: Path) -> dict[str, bytes]:
        files = (p for p in root.rglob("*") if p.is_file())
        return without({str(p.relative_to(root)): p.read_bytes() for p in files})

    trees = []
    for way in ("tui", "talk", "answers"):
        root = sample("plain", f"{way}/notes")
        if way == "tui":
            seen = drive(begun(root), *ENTERS[:5], "down", *ENTERS[:3])
            assert seen.result is not None
            proposal = seen.result.proposal
        elif way == "talk":
            person = Scripted({asked("hosting.proxy"): ["caddy"]})
            done = dialogue.converse(begun(root), person, lambda _session: None)
            proposal = done.proposal if done else None
        else:
            layer = read_set(["hosting.proxy=caddy"])
            proposal = propose(inspect(str(root), HOST), [layer])
        assert proposal is not None
        apply(proposal)
        trees.append(tree(root))
    assert "deploy/caddy/notes.caddy" in trees[0]
    assert trees[0] == trees[1] == trees[2]


def test_property_16_state_is_readable_without_colour(notes: Path) -> None:
    before = drive(begun(notes), "ctrl+n").text
    after = drive(begun(notes), "ctrl+n", "space").text
    assert "[ ] Server-Sent Events" in before
    assert "[x] Server-Sent Events" in after
    first, second = drive(begun(notes)).text, drive(begun(notes), "tab").text
    assert "┏━ Name" in first
    assert "╭─ Name" in second
    assert "┏━ Pages" in second
    wrong = drive(begun(notes), "!").text
    assert "! project.name" in wrong


@pytest.mark.parametrize("size", [(40, 12), (40, 15), (64, 20), (80, 24), (200, 60)])
def test_property_17_it_is_usable_at_every_size_and_resized(
    size: tuple[int, int], notes: Path
) -> None:
    seen = drive(begun(notes), "ctrl+n", size, "space", size=(120, 40))
    assert seen.session.answers["features.sse"] == "async"
    assert "[x] Server-Sent Events" in seen.text
    assert all(len(line) <= size[0] for line in seen.text.splitlines())
    written = drive(begun(notes), *ENTERS, size=size)
    assert written.result is not None


def test_property_18_no_mouse_is_needed(notes: Path) -> None:
    stops: list[str] = []

    def look(app: Wizard) -> None:
        assert app.focused is not None
        assert app.focused.can_focus
        stops.append(type(app.focused).__name__)

    for step in range(len(STEPS)):
        tabs: list[str | Callable[[Wizard], None]] = ["tab", look] * 6
        drive(begun(notes), *["ctrl+n"] * step, *tabs)
    assert {"Entry", "Choice", "Ticks", "Write"} <= set(stops)

    def palette(app: Wizard) -> None:
        titles = {command.title for command in app.get_system_commands(app.screen)}
        assert {"Next step", "Back", "Write", "Files", "Quit", "Theme"} <= titles

    for key in ("f1", "question_mark"):
        seen = drive(begun(notes), "ctrl+n", palette, key)
        assert "It changes" in seen.text


def test_property_19_plain_lines_never_draw(notes: Path) -> None:
    done = nextwizard("init", str(notes), "--plain", stdin="\n" * 40, TERM="dumb")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "1 (*) systemd" in done.stderr
    assert (notes / "deploy/nginx/notes.conf").is_file()


def test_property_20_the_end_says_what_is_next(notes: Path) -> None:
    done = nextwizard("init", str(notes), "--plain", stdin="\n" * 40)
    assert "[+] new      deploy/nginx/notes.conf" in done.stdout
    following = done.stdout.partition("Next:")[2]
    assert [line[:4] for line in following.splitlines()[1:4]] == [
        "  1.",
        "  2.",
        "  3.",
    ]
    assert "nextwizard regenerate" in following
    assert "nextwizard init --answers nextwizard.toml" in following
