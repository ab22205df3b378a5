"""Our own readers beside the real parsers, and the check that uses them."""

from __future__ import annotations

import ast
import io
import shlex
import tokenize
from typing import TYPE_CHECKING, Any

import pytest
from golden_cases import CASES, make
from hostile import (
    EVERYWHERE,
    FIELDS,
    bland_word,
    compare,
    inspected,
    proposed,
    texts,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from parsed import nginx, shell, supervisor, systemd
from ruamel.yaml import YAML
from support import planned, project, signal

from nextwizard import quoting
from nextwizard.cli import main
from nextwizard.render import environment, render
from nextwizard.shape import misshapen
from nextwizard.shape.texts import READERS, reader
from nextwizard.takeover import unread


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from golden_cases import Case
    from hostile import Field
    from parsed import Tree

    from nextwizard.errors import Problem
    from nextwizard.values import Plan

LINE = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")))


def leaves(tree: Tree) -> Iterator[str]:
    """Yield every leaf of a tree, in order."""
    if isinstance(tree, str):
        yield tree
        return
    for item in tree:
        yield from leaves(item)


def files_of(suffix: str) -> list[Any]:
    paths = sorted(path for case in CASES for path in case.path.rglob(f"*{suffix}"))
    return [path for path in paths if "expected" in path.parts]


def own(name: str, text: str, *kinds: str) -> list[str]:
    return [value for kind, value in READERS[name](text) if kind in kinds]


@pytest.mark.parametrize("suffix", [".conf", ".inc"])
def test_nginx_reads_the_same(suffix: str) -> None:
    seen = 0
    for path in files_of(suffix):
        if path.parent.name != "nginx":
            continue
        text = path.read_text(encoding="utf-8")
        ours = own(".conf", text, "word", "comment")
        real = sorted(_directives(nginx(text)))
        assert sorted(word.removeprefix("#") for word in ours) == real, path
        assert "odd" not in {kind for kind, _ in READERS[".conf"](text)}
        seen += 1
    assert seen > 20


def _directives(tree: Tree) -> Iterator[str]:
    """Yield the words of a parsed configuration; crossplane names comments `#`."""
    for row in tree:
        words = list(leaves([item for item in row if isinstance(item, str)]))
        if words[0] == "if":
            words[1:] = [f"({words[1]}", *words[2:-1], f"{words[-1]})"]
        yield from words[1:] if words[0] == "#" else words
        for item in row:
            if isinstance(item, list):
                yield from _directives(item)


@pytest.mark.parametrize("suffix", [".service", ".socket"])
def test_systemd_reads_the_same(suffix: str) -> None:
    for path in files_of(suffix):
        text = path.read_text(encoding="utf-8")
        rows = systemd(text)
        real = [leaf for row in rows for leaf in leaves(row)][0:]
        words = [word for row in rows for word in list(leaves(row))[1:]]
        assert own(".service", text, "key", "word", "line") == words, path
        assert real


def test_supervisor_reads_the_same() -> None:
    for path in files_of(".conf"):
        if path.parent.name != "supervisor":
            continue
        text = path.read_text(encoding="utf-8")
        ours = own("supervisor", text, "word", "line")
        for leaf in ours:
            assert leaf.replace("%%", "%") or leaf == ""
        commands = [row for section in supervisor(text) for row in section[1]]
        for row in commands:
            if row[0] == "command":
                assert [word for word in row[1:] if word not in ours] == []


def test_python_is_cut_where_python_cuts_it() -> None:
    for path in files_of(".py"):
        text = path.read_text(encoding="utf-8")
        real = [
            ast.literal_eval(token.string)
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type == tokenize.STRING
            and token.string[0] == '"'
            and not token.string.startswith('"""')
            and "\\0" not in token.string
        ]
        ours = own(".py", text, "text")
        assert [word for word in real if word not in ours] == [], path


def test_yaml_text_is_the_same() -> None:
    for path in files_of(".yaml"):
        text = path.read_text(encoding="utf-8")
        if "|" in text:
            continue
        documents = YAML(typ="safe", pure=True).load_all(text)
        real = {leaf for document in documents for leaf in _texts(document)}
        ours = set(own(".yaml", text, "text", "word"))
        assert real - ours == set(), path


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def test_shell_words_are_the_same() -> None:
    script = "cp a 'b c' \"d e\" f\\ g # it's fine\ncd 'x'\"'\"'y' && z > 'o p'\n"
    real = {leaf for leaf in leaves(shell(script)) if leaf != "word"}
    ours = own(".sh", script, "word", "comment")
    assert ours == [
        "cp",
        "a",
        "b c",
        "d e",
        "f g",
        "# it's fine",
        "cd",
        "x'y",
        "z",
        "o p",
    ]
    assert set(ours) <= real


ONE: dict[str, tuple[str, str, Callable[[str], object]]] = {
    "caddy": (".caddy", "respond {}\n", lambda text: text),
    "nginx": (".conf", "a {};\n", lambda text: text),
    "shell": (".sh", "a {}\n", lambda text: text),
    "systemd": (".service", "[Service]\nExecStart={}\n", lambda text: text),
    "systemd_text": (".service", "[Unit]\nDescription=a {} b\n", lambda t: f"a {t} b"),
    "toml": (".toml", "a = {}\n", lambda text: text),
    "yaml": (".yaml", "a: {}\n", lambda text: text),
    "py": (".py", "a = {}\n", lambda text: text),
    "dockerfile": ("Dockerfile", "ENV A={}\n", lambda text: text),
}


@pytest.mark.parametrize("name", sorted(ONE))
@settings(derandomize=True, max_examples=60, deadline=None)
@given(text=LINE)
def test_what_a_filter_wrote_is_read_back_as_one_value(name: str, text: str) -> None:
    place, template, wanted = ONE[name]
    try:
        quoted = quoting.FILTERS[name](text)
    except ValueError:
        return
    tokens = list(READERS[place](template.format(quoted)))
    bland = list(READERS[place](template.format(quoting.FILTERS[name]("bland"))))
    assert [kind for kind, _ in tokens] == [kind for kind, _ in bland]
    values = [value for kind, value in tokens if kind not in {"end", "mark"}]
    assert wanted(text) in values


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.name)
def test_every_golden_tree_has_its_shape(case: Case, tmp_path: Path) -> None:
    _, proposal = make(case, tmp_path)
    assert misshapen(proposal.plan, proposal.files) == []
    assert unread(proposal.answers, proposal.files) == []


BREAKS = {
    "nginx": ("hosting.root", "/srv/a b"),
    "caddy": ("hosting.root", "/srv/a b"),
    "systemd": ("hosting.root", "/srv/a b"),
    "systemd_env": ("environment", 'x" "LD_PRELOAD=/tmp/x'),
    "systemd_text": ("project.title", "100% %n"),
    "py": ("environment", 'x", "y": "z'),
    "shell": ("hosting.root", "/srv/`id`"),
    "markdown": ("project.title", "[x](https://example.org/)"),
    "supervisor": ("hosting.root", "/srv/a b"),
    "ini": ("hosting.root", "/srv/100%"),
    "uwsgi": ("hosting.root", "/srv/100%"),
    "yaml_dollar": ("environment", "a $HOME b"),
}
"""A value that does harm once its filter does nothing."""


def broken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a filter away, in the rendering and in the check of it."""
    monkeypatch.setitem(quoting.FILTERS, name, str)
    monkeypatch.setitem(environment().filters, name, str)


def read_otherwise(field: Field, value: str, setup: str) -> bool:
    """Tell whether the real parsers see more, or else, than the value in its place."""
    bland = bland_word(field, value)
    one, other = (texts(proposed(field, word, setup)) for word in (bland, value))
    try:
        return compare(bland, value, one, other) != []
    except Exception:  # noqa: BLE001 - whatever a parser says of what it cannot read
        return True


@pytest.mark.parametrize("name", sorted(BREAKS))
def test_a_filter_that_does_nothing_is_noticed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By our own check, before anything is written, and by the real parsers."""
    key, value = BREAKS[name]
    field = FIELDS[key]
    inspected()
    found: list[Problem] = []
    seen: list[str] = []
    with monkeypatch.context() as patch:
        broken(name, patch)
        environment.cache_clear()
        for setup in field.setups:
            proposal = proposed(field, value, setup)
            odd = misshapen(proposal.plan, proposal.files)
            found += odd
            if odd and not seen and read_otherwise(field, value, setup):
                seen.append(setup)
    environment.cache_clear()
    assert found, name
    assert all("bug in nextwizard" in problem.fix for problem in found)
    assert seen, name
    assert not read_otherwise(field, value, seen[0])


BESIDE = (
    signal("work.queue", "config/settings.py:9", detail="django_rq"),
    signal("work.loop", "shop/management/commands/poll.py:7", detail="poll"),
    signal("work.celery", "shop/tasks.py:1", detail="celery"),
)
ODD = "/srv/it's a (b) & c|d x#1 `id`"


@pytest.mark.parametrize("setup", EVERYWHERE)
def test_every_word_of_the_runbook_s_commands_stays_one(setup: str) -> None:
    def made(root: str) -> Plan:
        return planned(f"hosting.root={root}", *setup.split(), found=project(*BESIDE))

    def read(plan: Plan) -> dict[str, str]:
        return {file.path: file.data.decode() for file in render(plan)}

    one, other = read(made("/srv/qqqq")), read(made(ODD))
    assert compare("/srv/qqqq", ODD, one, other) == []
    assert misshapen(made(ODD), render(made(ODD))) == []
    runbook = other["deploy/README.md"]
    lines = [line for line in runbook.splitlines() if line.endswith(" default")]
    if "procfile" not in setup:
        (words,) = map(shlex.split, lines)
        assert words[1].endswith("/manage.py")
        assert words[2:] == ["rqworker", "default"]


def test_a_run_with_a_broken_filter_writes_nothing(
    sample: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = sample()
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    with monkeypatch.context() as patch:
        broken("nginx", patch)
        environment.cache_clear()
        code = main(["init", str(root), "--yes", "--set", "hosting.root=/srv/a b"])
    environment.cache_clear()
    assert code == 2
    assert "deploy/nginx/notes.conf" in capsys.readouterr().err
    after = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert after == before


def test_a_file_without_a_grammar_is_lines() -> None:
    assert reader("deploy/requirements.txt") is reader("deploy/notes.env.example")
    assert reader("deploy/supervisor/notes.conf") is READERS["supervisor"]
    assert reader("deploy/nginx/notes.conf") is READERS[".conf"]
