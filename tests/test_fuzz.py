"""No input whatsoever brings a traceback, or writes before it refuses."""

from __future__ import annotations

import json
import os
import random
import socket
from typing import TYPE_CHECKING

import pytest
from golden_cases import tree

from nextwizard.cli import main
from nextwizard.questions import BY_KEY


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    type Said = pytest.CaptureFixture[str]


def code_of(*argv: str) -> int:
    try:
        return main(list(argv))
    except SystemExit as stop:
        return int(stop.code or 0)


def calm(said: Said) -> str:
    """Return what was said on stderr, which is plain words and no bug of ours."""
    words = said.readouterr().err
    assert "Traceback" not in words, words[-600:]
    assert "is a bug in nextwizard" not in words, words[-600:]
    return words


DOCUMENTS = {
    "empty": b"",
    "no schema": b"[hosting]\n",
    "schema as text": b'schema = "1"\n',
    "schema as flag": b"schema = true\n",
    "schema as float": b"schema = 1.0\n",
    "schema as list": b"schema = [1]\n",
    "schema as table": b"[schema]\nx = 1\n",
    "newer schema": b"schema = 99999999999999999999999\n",
    "not utf-8": b"schema = 1\n# \xff\xfe\n",
    "utf-16": 'schema = 1\nhosting.proxy = "caddy"\n'.encode("utf-16"),
    "nul": b"schema = 1\n\x00\n",
    "twice a key": b'schema = 1\n[hosting]\nproxy = "nginx"\nproxy = "nginx"\n',
    "twice a table": b"schema = 1\n[hosting]\n[hosting]\n",
    "key beside table": b"schema = 1\nhosting = 1\n",
    "table as list": b"schema = 1\n[[hosting]]\nproxy = 'nginx'\n",
    "deep keys": b"schema = 1\nhosting" + b".a" * 3000 + b" = 1\n",
    "deep lists": b"schema = 1\nx = " + b"[" * 6000 + b"]" * 6000 + b"\n",
    "deep tables": b"schema = 1\nx = " + b"{a=" * 3000 + b"1" + b"}" * 3000 + b"\n",
    "date": b"schema = 1\n[project]\ntitle = 2026-01-01\n",
    "time": b"schema = 1\n[sizing]\ncores = 12:30:00\n",
    "nan": b"schema = 1\n[sizing]\ncores = nan\n",
    "huge number": b"schema = 1\n[sizing]\ncores = " + b"9" * 5000 + b"\n",
    "empty key": b'schema = 1\n"" = 1\n',
    "odd key": b'schema = 1\n[hosting]\n"\\u202e\\u0000" = 1\n',
    "dotted key in quotes": b'schema = 1\n"hosting.proxy" = "caddy"\nx.y.z = 1\n',
    "environment as text": b'schema = 1\nenvironment = "A=1"\n',
    "environment of tables": b"schema = 1\n[environment.A]\nb = 1\n",
    "environment of numbers": b"schema = 1\n[environment]\nA = 1\n",
    "long line": b"schema = 1\n# " + b"x" * 70000,
    "bare cr": b"schema = 1\r[hosting]\rproxy = 'x'\r",
    "unterminated": b'schema = 1\n[project]\ntitle = "x\n',
}
ACCEPTED = {
    "bom": b'\xef\xbb\xbfschema = 1\n[hosting]\nproxy = "caddy"\n',
    "crlf": b'schema = 1\r\n[hosting]\r\nproxy = "caddy"\r\n',
    "no last newline": b'schema = 1\nhosting.proxy = "caddy"',
    "inline table": b'schema = 1\nhosting = {proxy = "caddy"}\n',
}
JSON = {
    "nan": b'{"schema": 1, "sizing": {"cores": NaN}}',
    "infinite": b'{"schema": 1, "sizing": {"cores": 1e999}}',
    "float": b'{"schema": 1.0}',
    "twice": b'{"schema": 1, "schema": 1}',
    "surrogate": b'{"schema": 1, "project": {"title": "\\ud800"}}',
    "surrogate key": b'{"schema": 1, "\\udfff": 1}',
    "surrogate name": b'{"schema": 1, "environment": {"\\ud800": "x"}}',
    "null": b'{"schema": 1, "hosting": null}',
    "null value": b'{"schema": 1, "hosting": {"proxy": null}}',
    "list": b"[1]",
    "text": b'"x"',
    "deep": b'{"schema": 1, "a": ' + b"[" * 30000 + b"]" * 30000 + b"}",
    "huge number": b'{"schema": 1, "sizing": {"cores": ' + b"1" * 5000 + b"}}",
    "trailing": b'{"schema": 1} x',
    "comment": b'// x\n{"schema": 1}',
    "nested": b'{"schema": 1, "hosting": {"proxy": {"x": "nginx"}}}',
}


def test_a_broken_document_is_refused(
    sample: Callable[..., Path], tmp_path: Path, capsys: Said
) -> None:
    root = sample()
    before = tree(root)
    rows = [*(("toml", *row) for row in DOCUMENTS.items())]
    rows += [("json", *row) for row in JSON.items()]
    for suffix, name, data in rows:
        file = tmp_path / f"answers.{suffix}"
        file.write_bytes(data)
        assert code_of("init", str(root), "--answers", str(file)) == 2, name
        assert calm(capsys), name
        assert tree(root) == before
        stored = root / "nextwizard.toml"
        if suffix == "toml":
            stored.write_bytes(data)
            assert code_of("init", str(root), "--yes") == 2, name
            assert "nextwizard.toml" in calm(capsys) or name, name
            stored.unlink()


@pytest.mark.parametrize("name", sorted(ACCEPTED))
def test_an_odd_document_is_taken(
    name: str, sample: Callable[..., Path], tmp_path: Path, capsys: Said
) -> None:
    root = sample()
    file = tmp_path / "answers.toml"
    file.write_bytes(ACCEPTED[name])
    assert code_of("init", str(root), "--answers", str(file)) == 0
    calm(capsys)
    (root / "nextwizard.toml").write_bytes(ACCEPTED[name])
    assert code_of("regenerate", str(root), "--set", "project.title=A b") in {0, 3}
    calm(capsys)
    data = (root / "nextwizard.toml").read_bytes()
    assert (b"\r\n" in data) == (b"\r\n" in ACCEPTED[name])


VALUES: tuple[object, ...] = (
    *(None, True, False, 0, -1, 2**63, 1.5, "", " ", "x", "\ud800", "\x00", "a\nb"),
    *([], [[]], [None], ["x", "x"], {}, {"a": {}}, [1, "a"], "x" * 5000),
)


@pytest.mark.parametrize("section", sorted({key.partition(".")[0] for key in BY_KEY}))
def test_every_key_takes_or_refuses_every_type(
    section: str, sample: Callable[..., Path], tmp_path: Path, capsys: Said
) -> None:
    root = sample()
    file = tmp_path / "answers.json"
    keys = [key for key in BY_KEY if key.partition(".")[0] == section]
    for key in keys:
        leaf = key.partition(".")[2]
        for value in VALUES[:: 1 if len(keys) < 8 else 2]:
            table = {leaf: value} if leaf else value
            file.write_text(json.dumps({"schema": 1, section: table}))
            code = code_of("init", str(root), "--answers", str(file), "--dry-run")
            assert code in {0, 2}, (key, value)
            calm(capsys)


ALPHABET = "ab.=,[]{}\"'\\#$%;:/@*?!~-_ \t\n\x00\x1b\u202e\ud800é日🚀0179"


def test_words_of_a_command_line(
    sample: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    root = sample()
    monkeypatch.chdir(root)
    before = tree(root)
    dice = random.Random(7)  # noqa: S311 - the same words at every run
    flags = (
        "init regenerate explain check schema --set --answers --yes --dry-run".split()
    )
    keys = [*BY_KEY, "environment.A", "environment.", "environment", "x", ""]
    for _ in range(150):
        text = "".join(dice.choices(ALPHABET, k=dice.randrange(12)))
        words = [dice.choice(["init", "regenerate", "explain"])]
        if words[0] != "explain":
            words += ["--dry-run", "--yes"] if words[0] == "init" else ["--check"]
        words += ["--set", f"{dice.choice(keys)}={text}"] if dice.random() < 0.7 else []
        words += (
            [dice.choice([text, dice.choice(flags)])] if dice.random() < 0.3 else []
        )
        assert code_of(*words) in {0, 1, 2, 5}, words
        calm(capsys)
        left = {path: data for path, data in tree(root).items() if "/run/" not in path}
        assert left == before, words


def refused_or_made(root: Path, said: Said) -> int:
    code = code_of("init", str(root), "--yes")
    calm(said)
    assert code in {0, 2, 3}
    if code == 0:
        assert code_of("regenerate", str(root), "--check") == 0
        calm(said)
    return code


def latin(root: Path) -> None:
    (root / "notes/views.py").write_bytes(b"# caf\xe9\nx = 1\n")
    (root / "notes/pages/x.djx").write_bytes(b"\xff\xfe<h1>")


def loops(root: Path) -> None:
    (root / "notes/self").symlink_to(root / "notes")
    (root / "a").symlink_to(root / "b")
    (root / "b").symlink_to(root / "a")
    (root / "out").symlink_to("/etc")


def pipes(root: Path) -> None:
    os.mkfifo(root / "notes/pipe.py")
    os.mkfifo(root / "templates.html")
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.path.relpath(root / "s.py"))
    server.close()


def deep(root: Path) -> None:
    place = root / "notes"
    for _ in range(100):
        place /= "d"
    place.mkdir(parents=True)
    (place / "x.py").write_text("x = 1\n")


def syntax(root: Path) -> None:
    (root / "notes/broken.py").write_text("def (:\n")
    (root / "notes/nul.py").write_bytes(b"x = 1\x00\n")
    (root / "notes/deep.py").write_text("x = " + "(" * 3000 + ")" * 3000 + "\n")
    (root / "notes/sum.py").write_text("x = " + "+".join(["1"] * 20000) + "\n")
    (root / "notes/minus.py").write_text("x = " + "-" * 50000 + "1\n")


def gigantic(root: Path) -> None:
    with (root / "notes/data.py").open("wb") as file:
        file.truncate(40 * 1024 * 1024)
    with (root / "notes/pages/big.djx").open("wb") as file:
        file.truncate(40 * 1024 * 1024)


def names(root: Path) -> None:
    (root / "notes/a\nb.py").write_text("x = 1\n")
    (root / "notes/\x1b[2J.py").write_text("x = 1\n")
    with open(os.fsencode(root) + b"/notes/\xff\xfe.py", "w", encoding="utf-8") as file:
        file.write("x = 1\n")
    (root / "notes/pages/a b{{x}}").mkdir()
    (root / "notes/pages/a b{{x}}/page.py").write_text("def render(r): ...\n")


def conf(root: Path) -> None:
    (root / "pyproject.toml").write_bytes(b"[project\n")
    (root / "setup.cfg").write_bytes(b"\xff[x]\n")
    (root / ".gitignore").write_bytes(b"\xff\xfe\n*.py")
    (root / "pytest.ini").write_bytes(b"[pytest]\r\nx=\x00")
    (root / "uv.lock").mkdir()


@pytest.mark.parametrize(
    "harm", [latin, loops, pipes, deep, syntax, gigantic, names, conf]
)
def test_a_hostile_tree(
    harm: Callable[[Path], None],
    sample: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Said,
) -> None:
    root = sample()
    monkeypatch.chdir(root)
    harm(root)
    refused_or_made(root, capsys)


BROKEN = {
    "syntax": b"SECRET_KEY = (\n",
    "empty": b"",
    "nul": b"DEBUG = True\x00\n",
    "latin": b"# \xe9\nDEBUG = True\n",
    "declared latin": b"# -*- coding: latin-1 -*-\nNAME = '\xe9'\n",
    "deep": b"X = " + b"(" * 3000 + b")" * 3000 + b"\n",
    "minus": b"X = " + b"-" * 50000 + b"1\n",
    "odd url": b"STATIC_URL = '/a; root /etc;\\n'\nMEDIA_URL = '$x'\nMEDIA_ROOT = 1\n",
    "odd types": b"MIDDLEWARE = 5\nDATABASES = []\nSTORAGES = 1\nSTATIC_URL = None\n"
    b"CACHES = 'x'\nTEMPLATES = {}\nINSTALLED_APPS = 3\nALLOWED_HOSTS = {1: 2}\n",
    "huge power": b"X = 9 ** 9 ** 9\nY = 'a' * 10 ** 12\nZ = [0] * 10 ** 12\n",
    "hosts": b"ALLOWED_HOSTS = ['a;b', '\\n', '*', '.x.com', '\\ud800', 1, None]\n",
    "recursive": b"A = B\nB = A\nINSTALLED_APPS = A + B\n",
}


@pytest.mark.parametrize("name", sorted(BROKEN))
@pytest.mark.parametrize("file", ["config/settings.py", "config/urls.py", "manage.py"])
def test_a_hostile_file_where_ours_go(
    name: str, file: str, sample: Callable[..., Path], capsys: Said
) -> None:
    root = sample()
    place = root / file
    odd = name.startswith(("odd", "huge", "hosts", "recursive"))
    place.write_bytes((place.read_bytes() if odd else b"") + BROKEN[name])
    before = tree(root)
    code = refused_or_made(root, capsys)
    if code == 2:
        assert {p: d for p, d in tree(root).items() if "/run/" not in p} == before


ODD_NAMES = "a b|-rf|é|日本|{{x}}|$x|a'b|a\"b|a;b|%n|#a|(a)|~|&|a\\b".split("|")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_directory(name: str, sample: Callable[..., Path], capsys: Said) -> None:
    assert refused_or_made(sample(name=name), capsys) == 0


@pytest.mark.parametrize("name", ["a\nb", "\x1b[2J", "a\u202eb", "\udcff\udcfe"])
def test_a_directory_nobody_can_name(
    name: str, sample: Callable[..., Path], capsys: Said
) -> None:
    root = sample()
    odd = str(root.with_name(name))
    root.rename(odd)
    assert code_of("init", odd, "--yes") == 2
    assert "Rename the directory" in calm(capsys)
