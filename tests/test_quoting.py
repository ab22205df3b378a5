from __future__ import annotations

import ast
import shlex
import tomllib

import crossplane
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextwizard import quoting


LINE = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")))


@given(LINE)
def test_python_reads_back_what_was_written(text: str) -> None:
    assert ast.literal_eval(quoting.py(text)) == text


@given(LINE)
def test_toml_reads_back_what_was_written(text: str) -> None:
    assert tomllib.loads(f"v = {quoting.toml(text)}")["v"] == text


@given(LINE)
def test_a_shell_reads_back_what_was_written(text: str) -> None:
    assert shlex.split(quoting.shell(text)) == [text]


@given(st.lists(LINE.filter(lambda text: " " not in text), min_size=1))
def test_a_shell_reads_back_every_word_of_a_command(words: list[str]) -> None:
    assert shlex.split(quoting.shell_words(" ".join(words))) == words


@given(text=LINE.filter(lambda text: text and not set(text) & set("$\\")))
def test_nginx_sees_one_parameter(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("nginx") / "one.conf"
    file.write_text(f"server_name {quoting.nginx(text)};\n", encoding="utf-8")
    parsed = crossplane.parse(str(file), single=True, check_ctx=False)["config"][0][
        "parsed"
    ]
    assert [row["args"] for row in parsed] == [[text]]


@pytest.mark.parametrize(
    ("filter_name", "value"),
    [
        ("nginx", "/srv/$host"),
        ("nginx", "a\nb"),
        ("nginx", "a\\b"),
        ("caddy", "a\rb"),
        ("systemd", "a\x00b"),
        ("systemd_line", "ends with \\"),
        ("systemd_line", " leads"),
        ("shell", "a\nb"),
        ("ini", "cut ; short"),
        ("comment", "a\nb"),
        ("comment", "a\u2028b"),
        ("markdown", "a\x1b[2Jb"),
        ("name", "os; import sys"),
        ("requirement", "evil @ https://example.com/x.whl"),
    ],
)
def test_what_a_grammar_cannot_carry_is_refused(filter_name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        quoting.FILTERS[filter_name](value)


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ("/srv/notes", "/srv/notes"),
        ("/srv/my app", '"/srv/my app"'),
        ("/srv/50% off", '"/srv/50%% off"'),
        ('/srv/a"b', '"/srv/a\\"b"'),
        ("$HOME", '"$$HOME"'),
    ],
)
def test_a_word_of_a_unit(value: str, want: str) -> None:
    assert quoting.systemd(value) == want


def test_caddy_gets_no_placeholder() -> None:
    assert quoting.caddy("/srv/{env.HOME}") == '"/srv/\\{env.HOME\\}"'
