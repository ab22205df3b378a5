"""Generated files as the real programs read them, each as one plain tree.

A tree is text, or a list of trees. What stands in a leaf is what the program sees:
quotes taken off, escapes and specifiers resolved.
"""

from __future__ import annotations

import ast
import atexit
import ctypes
import functools
import glob
import http.client
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, override

import crossplane
import tree_sitter
import tree_sitter_bash
from judges import beside
from markdown_it import MarkdownIt
from ruamel.yaml import YAML
from support import missing


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


type Tree = str | list[Tree]


def tree_of(value: Any) -> Tree:
    """Return plain data as a tree; numbers and flags keep their type in the text."""
    if isinstance(value, dict):
        return [[tree_of(key), tree_of(item)] for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [tree_of(item) for item in value]
    return value if isinstance(value, str) else f"{type(value).__name__} {value!r}"


def nginx(text: str) -> Tree:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".conf") as file:
        file.write(text)
        file.flush()
        found = crossplane.parse(
            file.name, single=True, check_ctx=False, check_args=False, comments=True
        )
    assert found["status"] == "ok", found["errors"]

    def block(rows: list[dict[str, Any]]) -> Tree:
        return [
            [
                row["directive"],
                *row["args"],
                *([row["comment"]] if "comment" in row else []),
                *([block(row["block"])] if "block" in row else []),
            ]
            for row in rows
        ]

    return block(found["config"][0]["parsed"])


_ESCAPED_BRACE = re.compile(r"\\([{}])")


@functools.cache
def _caddy() -> str:
    """Return the control socket of a caddy that serves nothing and adapts for us."""
    place = tempfile.mkdtemp(prefix="caddy-")
    control = f"{place}/control.sock"
    config = Path(place, "config.json")
    config.write_text(json.dumps({"admin": {"listen": f"unix/{control}"}}))
    process = subprocess.Popen(
        [beside("caddy"), "run", "--config", str(config)],
        env={"PATH": os.defpath, "HOME": place, "GOMAXPROCS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def end() -> None:
        process.terminate()
        process.wait(10)
        shutil.rmtree(place)

    atexit.register(end)
    deadline = time.monotonic() + 30
    while not _answers(control):
        assert process.poll() is None, "caddy ended"
        assert time.monotonic() < deadline, "caddy does not answer"
        time.sleep(0.01)
    return control


def _answers(control: str) -> bool:
    with socket.socket(socket.AF_UNIX) as knock:
        return knock.connect_ex(control) == 0


class _Control(http.client.HTTPConnection):
    """Speaks HTTP over caddy's control socket."""

    @override
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(_caddy())


def caddy(files: Mapping[str, str]) -> Tree:
    """Return what caddy makes of a Caddyfile and the sites that it imports.

    A brace behind a backslash is the brace itself once caddy runs.
    """
    text = next(text for path, text in files.items() if path.endswith("/Caddyfile"))
    sites = "".join(text for path, text in files.items() if path.endswith(".caddy"))
    whole = text.replace("import sites/*\n", sites)
    control = _Control("caddy")
    control.request(
        "POST", "/adapt", whole.encode(), {"Content-Type": "text/caddyfile"}
    )
    answer = control.getresponse()
    body = answer.read()
    control.close()
    assert answer.status == http.HTTPStatus.OK, body
    tree = tree_of(json.loads(body)["result"])
    return _each(tree, lambda leaf: _ESCAPED_BRACE.sub(r"\1", leaf))


def _each(tree: Tree, change: Callable[[str], str]) -> Tree:
    if isinstance(tree, str):
        return change(tree)
    return [_each(item, change) for item in tree]


_LOOKUP = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.POINTER(ctypes.c_int),
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.c_void_p,
)
_ROW = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_uint,
    ctypes.c_char_p,
    ctypes.c_uint,
    ctypes.c_char_p,
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
)
_CUNESCAPE, _UNQUOTE = 2, 32


@functools.cache
def _systemd() -> ctypes.CDLL:
    """Return systemd's own library: the parser of units that PID 1 uses."""
    places = glob.glob("/usr/lib/*/systemd/libsystemd-shared-*.so")
    if not places:
        missing("systemd")
    library = ctypes.CDLL(places[0])
    library.config_parse.argtypes = [
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_void_p,
        ctypes.c_char_p,
        _LOOKUP,
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    library.extract_first_word.argtypes = [
        ctypes.POINTER(ctypes.c_char_p),
        ctypes.POINTER(ctypes.c_void_p),
        ctypes.c_char_p,
        ctypes.c_int,
    ]
    return library


def _unit_rows(text: str) -> list[tuple[str, str, str]]:
    """Return section, key and value of each assignment, as systemd reads a unit."""
    rows: list[tuple[str, str, str]] = []

    @_ROW  # type: ignore[untyped-decorator]
    def row(*found: Any) -> int:
        section, key, value = found[3], found[5], found[7]
        rows.append(tuple(os.fsdecode(word) for word in (section, key, value)))  # type: ignore[arg-type]
        return 0

    @_LOOKUP  # type: ignore[untyped-decorator]
    def lookup(*found: Any) -> int:
        found[3][0] = ctypes.cast(row, ctypes.c_void_p).value
        found[4][0] = 0
        found[5][0] = None
        return 1

    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        sections = b"Unit\0Service\0Socket\0Install\0\0"
        done = _systemd().config_parse(
            b"x.service", file.name.encode(), None, sections, lookup, *[None, 0] * 2
        )
    assert done >= 0, text
    return rows


def unit_words(text: str, flags: int, separators: bytes | None = None) -> list[str]:
    """Return the words of a value, as systemd splits and unquotes it."""
    buffer = ctypes.create_string_buffer(text.encode())
    at = ctypes.c_char_p(ctypes.addressof(buffer))
    words: list[str] = []
    while True:
        word = ctypes.c_void_p()
        done = _systemd().extract_first_word(
            ctypes.byref(at), ctypes.byref(word), separators, flags
        )
        assert done >= 0, text
        if not done:
            return words
        assert word.value
        words.append(os.fsdecode(ctypes.string_at(word.value)))


_LISTS = {"After", "Requires", "WantedBy", "Environment", "RestrictAddressFamilies"}


def systemd(text: str) -> Tree:
    """Return a unit: each assignment with its words, specifiers resolved.

    A specifier other than `%%` is marked, so that a leaf which holds one differs.
    """
    tree: list[Tree] = []
    for section, key, value in _unit_rows(text):
        words = [value]
        if key.startswith("Exec"):
            words = unit_words(value, _CUNESCAPE | _UNQUOTE)
            assert ";" not in words
            words = [re.sub(r"\$\$", "$", word) for word in words]
        elif key in _LISTS:
            words = unit_words(value, _CUNESCAPE | _UNQUOTE)
        elif key == "BindReadOnlyPaths":
            words = unit_words(value, _UNQUOTE, b": \t\n\r")
        tree.append([section, key, *(specified(word) for word in words)])
    return tree


def supervisor(text: str) -> Tree:
    """Return supervisor's own reading, expansions made, the command split."""
    try:
        from supervisor.options import UnhosedConfigParser, expand
    except ImportError:
        missing("supervisor")
    parser = UnhosedConfigParser()
    parser.expansions = {}
    parser.read_string(text)
    tree: list[Tree] = []
    known = {
        "program_name": "PROGRAM",
        "process_num": 0,
        "group_name": "G",
        "here": "/",
    }
    for section in parser.sections():
        rows: list[Tree] = []
        for key, raw in parser.items(section, raw=True):
            value = expand(raw, known, key)
            rows.append([key, *(shlex.split(value) if key == "command" else [value])])
        tree.append([section, rows])
    return tree


def specified(word: str) -> str:
    """Return a word as its server takes it: `%%` is `%`, and a lone one is marked."""
    return re.sub(r"%(.?)", lambda m: "%" if m[1] == "%" else f"\0{m[0]}\0", word)


def composed(word: str) -> str:
    """Return a word as compose takes it: `$$` is `$`, and a lone one is marked."""
    return re.sub(r"\$(.?)", lambda m: "$" if m[1] == "$" else f"\0{m[0]}\0", word)


def uwsgi(text: str) -> Tree:
    """Return uWSGI's rows: one assignment a line, no comment behind a value."""
    tree: list[Tree] = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith((";", "#")):
            continue
        key, equals, value = line.partition("=")
        tree.append([key.strip(), specified(value.strip())] if equals else line)
    return tree


def python(text: str) -> Tree:
    def node(value: Any) -> Tree:
        if isinstance(value, ast.AST):
            return [type(value).__name__, *(node(item) for _, item in _fields(value))]
        return tree_of(value) if not isinstance(value, list) else [*map(node, value)]

    return node(ast.parse(text))


def _fields(node: ast.AST) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in ast.iter_fields(node) if name != "kind")


_WORDS = {"concatenation", "number", "raw_string", "string", "word"}


@functools.cache
def _bash() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


@functools.lru_cache(maxsize=4000)
def shell(text: str) -> Tree:
    """Return a script's commands and words, quotes taken off; comments are leaves."""
    tree = _bash().parse(text.encode()).root_node
    assert not tree.has_error, text

    def node(part: tree_sitter.Node) -> Tree:
        span = (part.text or b"").decode()
        if part.type in _WORDS and "expansion" not in str(part):
            words = shlex.split(span) if set(span) & set("'\"\\") else [span]
            assert len(words) == 1, span
            return ["word", words[0]]
        below = [node(child) for child in part.named_children]
        return [part.type, *(below or [span])]

    return node(tree)


def markdown(text: str) -> Tree:
    """Return a document's blocks and inline marks, chapter by chapter."""
    return [_chapter(part) for part in re.split(r"(?m)^(?=## )", text)]


_FENCES: dict[str, Callable[[str], Tree]] = {"ini": systemd, "sh": shell}


@functools.lru_cache(maxsize=4000)
def _chapter(text: str) -> Tree:
    """Return a chapter's blocks; a fence by its own grammar."""
    tree: list[Tree] = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "fence":
            tree.append(["fence", token.info, _FENCES[token.info](token.content)])
        elif token.type == "inline":
            tree.append(_inline(token.children or []))
        else:
            tree.append([token.type, token.tag, token.content])
    return tree


def _inline(tokens: list[Any]) -> Tree:
    """Return inline marks, neighbouring text in one piece."""
    row: list[Tree] = []
    words = ""
    for token in tokens:
        if token.type in {"text", "text_special"}:
            words += token.content
            continue
        row += [words, [token.type, token.content, tree_of(token.attrs)]]
        words = ""
    return [*row, words]


def yaml(text: str) -> Tree:
    reader = YAML(typ="safe", pure=True)
    tree: Tree = [tree_of(document) for document in reader.load_all(text)]
    return _each_patch(tree)


def _each_patch(tree: Tree) -> Tree:
    """Return the tree with patches of kustomize, which are YAML in text, read too."""
    if isinstance(tree, str):
        return yaml(tree) if tree.startswith("- op:") else tree
    return [_each_patch(item) for item in tree]


def compose(text: str) -> Tree:
    """Return a compose file once its variables are in: `$$` is a dollar."""
    return _each(yaml(text), composed)


def toml(text: str) -> Tree:
    """Return the answers, and those that stand behind a # as what they would be."""
    shown = re.sub(r"(?m)^# ([a-z_]+ = )", r"\1", text)
    return [tree_of(tomllib.loads(text)), tree_of(tomllib.loads(shown))]


def lines(text: str) -> Tree:
    return [*text.split("\n")]


READERS: tuple[tuple[str, Callable[[str], Tree]], ...] = (
    (r"\.py$", python),
    (r"^deploy/nginx/", nginx),
    (r"\.(service|socket)$", systemd),
    (r"^deploy/supervisor/", supervisor),
    (r"uwsgi\.ini$", uwsgi),
    (r"\.md$", markdown),
    (r"compose\.yaml$", compose),
    (r"\.ya?ml$", yaml),
    (r"\.json$", lambda text: tree_of(json.loads(text))),
    (r"\.toml$", toml),
    (r"\.sh$", shell),
    (r".", lines),
)
"""Which reader a file's name takes; the first that fits."""


def read(files: Mapping[str, str]) -> dict[str, Tree]:
    """Return each file's tree; caddy's files together, as caddy reads them."""
    site = {path: text for path, text in files.items() if "/caddy/" in path}
    found = {
        path: next(reader for rule, reader in READERS if re.search(rule, path))(text)
        for path, text in files.items()
        if path not in site
    }
    if site:
        found["deploy/caddy"] = caddy(site)
    return found
