from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from walks import begun, opened

from nextwizard import session as walk
from nextwizard.document import read_set
from nextwizard.entry import entered, written
from nextwizard.figures import numbers
from nextwizard.guide import STEPS
from nextwizard.preview import changed, compared, decided, front, rows
from nextwizard.questions import BY_KEY
from nextwizard.workflow import apply


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nextwizard.session import Raw, Session


@pytest.fixture
def notes(sample: Callable[..., Path]) -> Path:
    return sample()


@pytest.fixture
def session(notes: Path) -> Session:
    return opened(notes)


def test_an_answer_is_kept_and_previewed(session: Session) -> None:
    said = walk.answer(session, "hosting.proxy", "caddy")
    assert said.stale
    assert said.answers["hosting.proxy"] == "caddy"
    done = walk.preview(said)
    assert walk.ready(done)
    assert done.proposal
    assert any("caddy" in change.path for change in done.proposal.changes)
    assert session.answers["hosting.proxy"] == "nginx", "a session is a value"


def test_an_answer_that_repeats_the_default_is_none(session: Session) -> None:
    assert walk.answer(session, "project.title", "Notes") is session
    other = walk.answer(session, "project.title", "Other")
    back = walk.answer(other, "project.title", "Notes")
    assert back.said == {}
    assert walk.view(back, "project.title").origin == "default"


def test_a_flag_is_no_number(session: Session) -> None:
    said = walk.answer(session, "sizing.cores", True)  # noqa: FBT003
    assert walk.problems_at(said, "sizing.cores")


def test_an_untouched_default_is_derived_again(session: Session) -> None:
    said = walk.answer(session, "project.name", "shop")
    assert said.answers["hosting.root"] == "/srv/shop"
    assert said.answers["hosting.domains"] == ("shop.example.com",)
    mine = walk.answer(said, "hosting.root", "/srv/mine")
    again = walk.answer(mine, "project.name", "kiosk")
    assert again.answers["hosting.root"] == "/srv/mine"
    assert again.answers["hosting.user"] == "kiosk"


def test_a_wrong_answer_is_a_problem_at_its_question(session: Session) -> None:
    wrong = walk.preview(walk.answer(session, "hosting.domains", ("exa$mple",)))
    assert not walk.ready(wrong)
    assert wrong.proposal == session.proposal, "the last good preview stays"
    problem = walk.problems_at(wrong, "hosting.domains")[0]
    assert "exa$mple" in str(problem)
    assert walk.view(wrong, "hosting.domains").value == ("exa$mple",)
    assert walk.home(problem) == (2, "hosting.domains")
    good = walk.preview(walk.answer(wrong, "hosting.domains", ("example.org",)))
    assert walk.ready(good)


def test_a_wrong_answer_leaves_the_others_alone(session: Session) -> None:
    caddy = walk.answer(session, "hosting.proxy", "caddy")
    wrong = walk.answer(caddy, "project.name", "No Name")
    assert wrong.answers["hosting.proxy"] == "caddy"
    assert wrong.answers["project.name"] == "notes"


def test_two_answers_that_do_not_fit_are_told_at_both(session: Session) -> None:
    said = walk.answer(session, "hosting.server", "gunicorn")
    said = walk.preview(walk.answer(said, "features.sse", "async"))
    said = walk.preview(walk.answer(said, "hosting.server", "uwsgi"))
    assert walk.problems_at(said, "hosting.server")
    assert decided(said)[0].startswith("! ")


def test_an_answer_out_of_sight_is_kept(session: Session) -> None:
    said = walk.answer(session, "hosting.tls", "files")
    said = walk.answer(said, "hosting.tls_certificate", "/etc/ssl/a.pem")
    said = walk.answer(said, "hosting.tls_certificate_key", "/etc/ssl/a.key")
    acme = walk.preview(walk.answer(said, "hosting.tls", "acme"))
    assert walk.ready(acme), acme.problems
    assert not walk.visible(acme, "hosting.tls_certificate")
    again = walk.preview(walk.answer(acme, "hosting.tls", "files"))
    assert again.answers["hosting.tls_certificate"] == "/etc/ssl/a.pem"
    assert walk.ready(again)


def test_unset_takes_the_default_again(session: Session) -> None:
    said = walk.answer(session, "sizing.cores", 7)
    assert walk.unset(said, "sizing.cores").answers["sizing.cores"] == 2
    assert walk.unset(session, "sizing.cores") is session


def test_a_feature_is_ticked_as_the_code_has_it(
    session: Session, sample: Callable[..., Path]
) -> None:
    on = walk.toggle(session, "features.sse")
    assert on.answers["features.sse"] == "async"
    assert walk.toggle(on, "features.sse").said == {}
    sync = opened(sample("sse_sync", "pulse"))
    off = walk.toggle(sync, "features.sse")
    assert off.answers["features.sse"] == "none"
    assert walk.toggle(off, "features.sse").answers["features.sse"] == "sync"
    assert walk.toggle(on, "features.websockets").answers["features.websockets"] is True


def test_what_was_said_before_the_walk_is_yours(notes: Path) -> None:
    session = opened(notes, [read_set(["hosting.proxy=caddy"])])
    seen = walk.view(session, "hosting.proxy")
    assert (seen.value, seen.origin, seen.because) == ("caddy", "yours", "from --set")
    said = walk.preview(walk.answer(session, "hosting.proxy", "nginx"))
    assert said.answers["hosting.proxy"] == "nginx", "the last word is the person's"


def test_stored_answers_are_shown_and_can_be_changed(notes: Path) -> None:
    first = walk.preview(walk.answer(opened(notes), "hosting.proxy", "caddy"))
    assert first.proposal
    apply(first.proposal)
    again = opened(notes)
    assert walk.view(again, "hosting.proxy").because.startswith("from nextwizard.toml:")
    assert again.proposal
    assert {change.status for change in again.proposal.changes} == {"same"}
    said = walk.preview(walk.answer(again, "hosting.proxy", "nginx"))
    assert said.proposal
    apply(said.proposal)
    assert 'proxy = "nginx"' in (notes / "nextwizard.toml").read_text()


def test_an_unknown_source_of_a_stream_is_asked_at_its_question(
    notes: Path,
) -> None:
    page = notes / "notes/pages/live/page.py"
    page.parent.mkdir()
    page.write_text(
        "from django.http import HttpRequest\n"
        "from next.partial import PatchEventStream\n"
        "from elsewhere import source\n\n"
        "def render(request: HttpRequest):\n"
        "    return PatchEventStream(request, source())\n"
    )
    session = opened(notes)
    assert walk.problems_at(session, "features.sse"), session.problems
    assert walk.home(session.problems[0]) == (1, "features.sse")
    assert walk.ready(walk.preview(walk.answer(session, "features.sse", "sync")))


def test_a_draft_is_taken_up(session: Session) -> None:
    said = {"hosting.proxy": "caddy", "no.such": "x"}
    resumed = walk.preview(walk.resume(session, said, {}, 9))
    assert resumed.answers["hosting.proxy"] == "caddy"
    assert resumed.said == {"hosting.proxy": "caddy"}
    assert resumed.step == len(STEPS) - 1
    assert walk.emptied(resumed).said == {}


def test_marks_are_what_the_question_changed(session: Session) -> None:
    one = walk.go(session, 3)
    four = walk.preview(walk.answer(one, "sizing.cores", 4))
    eight = walk.preview(walk.answer(four, "sizing.cores", 8))
    assert front(eight, "") == "deploy/boot.py"
    marks = [(row.mark, row.text) for row in rows(eight, "deploy/boot.py")]
    assert ("-", "CORES = 2") in marks, "since the question was first touched"
    assert ("+", "CORES = 8") in marks
    assert changed(walk.preview(walk.answer(eight, "sizing.cores", 2))) == {}


def test_compared_shows_both_sides() -> None:
    found = [(row.mark, row.text) for row in compared("a\nb\nc\n", "a\nB\nc\n")]
    assert found == [(" ", "a"), ("-", "b"), ("+", "B"), (" ", "c")]


def test_sizing_follows_the_cores(session: Session) -> None:
    assert session.proposal
    now = {row.name: row.value for row in numbers(session.proposal.plan)}
    assert now["Workers"] == "2"
    more = walk.preview(walk.answer(session, "sizing.cores", 6))
    assert more.proposal
    then = {row.name: row.value for row in numbers(more.proposal.plan)}
    assert then["Workers"] == "6"
    assert then["Memory"] != now["Memory"]


SOME: dict[str, list[Any]] = {
    "project.name": ["notes", "shop", "No Name", "a-b"],
    "project.title": ["Notes", "Shop"],
    "features.sse": ["none", "async", "sync"],
    "features.websockets": [True, False],
    "hosting.proxy": ["nginx", "caddy", "none"],
    "hosting.proxy_user": ["www-data", "web"],
    "hosting.tls": ["acme", "files", "upstream"],
    "hosting.tls_certificate": ["/etc/a.pem", "a.pem"],
    "hosting.domains": [("a.example.org",), (), ("exa$mple",)],
    "sizing.cores": [1, 4, 0, "x"],
    "data.static": ["proxy", "whitenoise"],
    "environment": [{"A": "1"}, "nonsense", {}],
}
MOVES = st.lists(
    st.sampled_from([(key, raw) for key, raws in SOME.items() for raw in raws]),
    max_size=12,
)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(moves=MOVES, steps=st.lists(st.integers(-1, 6), max_size=6))
def test_no_walk_loses_an_answer(
    session: Session, moves: list[tuple[str, Raw]], steps: list[int]
) -> None:
    kept: dict[str, Raw] = {}
    now = session
    for at, (key, raw) in enumerate(moves):
        now = walk.answer(now, key, raw)
        kept.pop(key, None)
        if key in now.said:  # one that repeats what is derived goes on following
            kept[key] = raw
        else:
            assert walk.view(now, key).value == raw
        if at < len(steps):
            now = walk.go(now, steps[at])
    now = walk.preview(now)
    assert now.said == kept
    for key in BY_KEY:
        assert walk.view(now, key).because
    assert walk.ready(now) or now.problems


def test_the_first_proposal_comes_after_the_first_screen(notes: Path) -> None:
    session = begun(notes)
    assert session.proposal is None
    assert session.stale
    assert walk.view(session, "project.name").value == "notes"
    assert walk.preview(walk.preview(session)) is not session


@pytest.mark.parametrize(
    ("key", "line", "value"),
    [
        ("sizing.cores", "4", 4),
        ("sizing.cores", "4x", "4x"),
        ("hosting.domains", "a.org, b.org", ("a.org", "b.org")),
        ("hosting.domains", "a.org b.org", ("a.org", "b.org")),
        ("health.readiness", "no", False),
        ("environment", "A=1 B='two words'", {"A": "1", "B": "two words"}),
        ("environment", "nonsense", "nonsense"),
        ("environment", "A='", "A='"),
        ("project.title", " Notes ", "Notes"),
    ],
)
def test_a_typed_line_means_an_answer(key: str, line: str, value: Raw) -> None:
    found = entered(key, line)
    assert found == value
    assert type(found) is type(value)
    assert entered(key, written(found)) == found
