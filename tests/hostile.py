"""One answer through its field, into every deployment that it reaches.

The oracle is structure: a deployment with a bland word and one with the answer are read
by the real parsers. Where one has the word the other has the answer, exactly; all else
is equal.
"""

from __future__ import annotations

import functools
import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parsed import READERS, caddy
from support import HOST

from nextwizard.document import read_document, read_set
from nextwizard.errors import InputError
from nextwizard.grammar import CHECKS
from nextwizard.questions import BY_KEY
from nextwizard.workflow import inspect, propose


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from parsed import Tree

    from nextwizard.document import Layer
    from nextwizard.values import Answers
    from nextwizard.workflow import Inspection, Proposal


HERE = Path(__file__).parent
CORPORA = ("hostile_answers.jsonl", "own_answers.jsonl")
ROWS: list[dict[str, Any]] = [
    json.loads(line)
    for name in CORPORA
    for line in (HERE / "corpus" / name).read_text(encoding="ascii").splitlines()
]

_PROXIES = (
    "hosting.proxy=nginx",
    "hosting.proxy=nginx hosting.tls=upstream hosting.trusted_proxies=10.8.0.0/16",
    "hosting.proxy=caddy",
)
_SERVERS = ("hosting.server=auto", "hosting.server=uwsgi")
_TARGETS = BY_KEY["hosting.target"].choices
_ON_HOST = tuple(
    f"hosting.target={target} {server} {proxy}"
    for target, server, proxy in (
        ("systemd", _SERVERS[0], _PROXIES[0]),
        ("systemd", _SERVERS[0], _PROXIES[2]),
        ("supervisor", _SERVERS[1], _PROXIES[1]),
        ("supervisor", _SERVERS[0], _PROXIES[2]),
    )
)
_CONTAINED = "data.database=postgresql data.static=whitenoise"
_ELSEWHERE = tuple(
    f"hosting.target={target} {_CONTAINED}"
    for target in _TARGETS
    if target not in {"systemd", "supervisor"}
)
_IMAGES = tuple(setup for setup in _ELSEWHERE if "procfile" not in setup)
_CLUSTERS = tuple(setup for setup in _ELSEWHERE if "kubernetes" in setup)
_MANY = tuple(
    f"data.database=postgresql {proxy}" for proxy in (_PROXIES[0], _PROXIES[2])
)
EVERYWHERE = (*_ON_HOST, *_ELSEWHERE)
"""Deployments that together hold every grammar we write."""

_STREAMS = "features.sse=async hosting.interface=asgi"
_SOCKETS = "features.websockets=true hosting.interface=asgi"
_BALANCED = "hosting.proxy=caddy hosting.tls=upstream"


@dataclass(frozen=True, slots=True)
class Field:
    """An answer's key, a bland value for it, and the deployments it reaches."""

    key: str
    bland: str
    setups: tuple[str, ...] = EVERYWHERE
    listed: bool = False


FIELDS: dict[str, Field] = {
    "hosting.domains": Field("hosting.domains", "qqqq.example.org", listed=True),
    "hosting.root": Field("hosting.root", "/srv/qqqq"),
    "hosting.tls_certificate": Field(
        "hosting.tls_certificate",
        "/etc/ssl/qqqq",
        tuple(
            f"{proxy} hosting.tls=files hosting.tls_certificate_key=/etc/key.pem"
            for proxy in (_PROXIES[0], _PROXIES[2])
        ),
    ),
    "hosting.tls_certificate_key": Field(
        "hosting.tls_certificate_key",
        "/etc/ssl/qqqq",
        tuple(
            f"{proxy} hosting.tls=files hosting.tls_certificate=/etc/cert.pem"
            for proxy in (_PROXIES[0], _PROXIES[2])
        ),
    ),
    "hosting.image": Field("hosting.image", "qqqq", _IMAGES),
    "hosting.route": Field("hosting.route", "", _CLUSTERS),
    "hosting.route_class": Field("hosting.route_class", "qqqq", _CLUSTERS),
    "hosting.hosts": Field("hosting.hosts", "10.77.0.9:7654", _MANY, listed=True),
    "hosting.proxy_addresses": Field(
        "hosting.proxy_addresses",
        "10.77.0.0/16",
        tuple(f"{setup} hosting.hosts=10.8.0.4:8000,10.8.0.5:8000" for setup in _MANY),
        listed=True,
    ),
    "project.title": Field("project.title", "Qqqq"),
    "project.name": Field(
        "project.name",
        "qqqq",
        tuple(
            f"{setup} project.title=Fixed hosting.user=fixed" for setup in EVERYWHERE
        ),
    ),
    "project.package": Field("project.package", "qqqq"),
    "project.pages": Field("project.pages", "qqqq/pages"),
    "hosting.user": Field("hosting.user", "qqqq"),
    "hosting.group": Field("hosting.group", "qqqq"),
    "hosting.proxy_user": Field("hosting.proxy_user", "qqqq", _ON_HOST),
    "hosting.bind": Field("hosting.bind", "127.0.0.1:7654", _ON_HOST),
    "health.path": Field("health.path", "/qqqq/"),
    "sizing.cores": Field("sizing.cores", "", _PROXIES[:1]),
    "hosting.acme_email": Field(
        "hosting.acme_email", "qqqq@example.org", (_PROXIES[0], _PROXIES[2])
    ),
    "hosting.trusted_proxies": Field(
        "hosting.trusted_proxies",
        "10.77.0.0/16",
        (
            "hosting.proxy=nginx hosting.tls=upstream",
            "hosting.proxy=nginx",
            f"{_BALANCED} hosting.proxy_version=2.6",
            f"{_BALANCED} hosting.proxy_version=2.11",
            "hosting.proxy=none hosting.bind=0.0.0.0:8000 hosting.server=uvicorn",
        ),
        listed=True,
    ),
    "hosting.path_prefix": Field("hosting.path_prefix", "/qqqq"),
    "features.sse_paths": Field(
        "features.sse_paths",
        "/qqqq/",
        tuple(f"{_STREAMS} {proxy}" for proxy in _PROXIES),
        listed=True,
    ),
    "features.websocket_paths": Field(
        "features.websocket_paths",
        "/qqqq/",
        tuple(f"{_SOCKETS} {proxy}" for proxy in _PROXIES),
        listed=True,
    ),
    "checks.ignore": Field("checks.ignore", "qqqq.qqqq", _PROXIES[:1], listed=True),
    "hosting.proxy_version": Field("hosting.proxy_version", "", _PROXIES[:1]),
    "environment": Field("environment.GREETING", "qqqq"),
    "environment name": Field("environment.QQQQ", "QQQQ"),
}
for _key, _question in BY_KEY.items():
    if _question.kind in {"choice", "flag", "integer"}:
        FIELDS.setdefault(_key, Field(_key, "", _PROXIES[:1]))
"""Every answer by its key; one without a bland word has no text that could escape."""

CORPUS_FIELDS = {
    "domain": "hosting.domains",
    "path": "hosting.root",
    "project_name": "project.title",
    "service_name": "project.name",
    "app_module": "project.package",
    "unix_user": "hosting.user",
    "port": "hosting.bind",
    "health_path": "health.path",
    "cores": "sizing.cores",
    "email": "hosting.acme_email",
    "env_name": "environment name",
    "env_value": "environment",
}
"""The corpus's names of fields, by the keys they are."""


def field_of(row: Mapping[str, Any]) -> Field:
    """Return the field a row of a corpus goes through."""
    return FIELDS[CORPUS_FIELDS.get(row["field"], row["field"])]


def bland_word(field: Field, value: object) -> str:
    """Return a bland value of the same class, for which the same is decided."""
    text = str(value)
    if not text or text == "unix":
        return text
    of_class = _OF_CLASS.get(field.key)
    return of_class(text) if of_class else field.bland


def _domain(text: str) -> str:
    local = re.search(r"\.(internal|lan|local|localhost|test)$", text)
    bare = "." not in text.rstrip(".")
    return "qqqq" if bare else f"qqqq{local[0] if local else '.example.org'}"


def _pages(text: str) -> str:
    """Return another tree that nothing serves; what the sample serves is told less."""
    return text if text == "notes/pages" else "qqqq/pages"


def _root(text: str) -> str:
    return f"/{text.split('/')[1]}/qqqq" if text[:6] == "/home/" else "/srv/qqqq"


def _upstream(text: str) -> str:
    port = text.rpartition(":")[2]
    numbered = re.fullmatch(r"[0-9.]+:[0-9]+", text)
    named = f"qqqq.example:{port}"
    return (
        "10.77.0.9:7654"
        if numbered
        else "[2001:db8::77]:7654"
        if text[0] == "["
        else named
    )


def _path(text: str) -> str:
    return "/qqqq/" if text[-1] == "/" else "/qqqq"


_OF_CLASS: dict[str, Callable[[str], str]] = {
    "features.sse_paths": _path,
    "features.websocket_paths": _path,
    "hosting.domains": _domain,
    "hosting.hosts": _upstream,
    "hosting.root": _root,
    "project.pages": _pages,
}


def document(field: Field, value: object) -> dict[str, Any]:
    """Return the answers file that gives this value to its field."""
    section, _, leaf = field.key.partition(".")
    if field is FIELDS["environment name"]:
        return {"schema": 1, "environment": {value: "x"}}
    return {"schema": 1, section: {leaf: [value] if field.listed else value}}


def said(field: Field, value: object) -> Layer:
    """Return the answer as its file says it; JSON carries what TOML cannot."""
    data = json.dumps(document(field, value)).encode()
    return read_document(data, "answers.json", "file")


@functools.cache
def inspected() -> Inspection:
    """Return the plain sample project, as one host sees it."""
    parent = Path(tempfile.mkdtemp(prefix="nextwizard-"))
    try:
        root = parent / "notes"
        ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(HERE / "projects" / "plain", root, ignore=ignore)
        return inspect(str(root), HOST)
    finally:
        shutil.rmtree(parent)


def proposed(field: Field, value: object, setup: str) -> Proposal:
    """Return the deployment of one answer in one setup; InputError when refused."""
    more = [pair for pair in setup.split() if not pair.startswith(f"{field.key}=")]
    return propose(inspected(), [said(field, value), read_set(more)])


def answered(field: Field, answers: Answers) -> str:
    """Return what the run made of the answer."""
    if field is FIELDS["environment name"]:
        table = answers["environment"]
        assert not isinstance(table, (str, int, tuple))
        return next(iter(table))
    if field.key.startswith("environment."):
        table = answers["environment"]
        assert not isinstance(table, (str, int, tuple))
        return table["GREETING"]
    value = answers[field.key]
    return value[0] if isinstance(value, tuple) else str(value)


def standing(field: Field, proposal: Proposal) -> str:
    """Return what the answers file that would be written says of a field."""
    data = texts(proposal)["nextwizard.toml"].encode()
    given = read_document(data, "nextwizard.toml", "stored").values
    if field is FIELDS["environment name"]:
        (found,) = (key for key in given if key.startswith("environment."))
        return found.partition(".")[2]
    raw = given[field.key].raw
    return raw[0] if isinstance(raw, list) else str(raw)


def texts(proposal: Proposal) -> dict[str, str]:
    """Return what would be written, as text, by path."""
    return {file.path: file.data.decode() for file in proposal.files}


@functools.lru_cache(maxsize=400)
def bland_texts(name: str, setup: str, bland: str) -> dict[str, str]:
    return texts(proposed(FIELDS[name], bland, setup))


@functools.lru_cache(maxsize=4000)
def _tree(path: str, text: str) -> Tree:
    return next(reader for rule, reader in READERS if re.search(rule, path))(text)


def trees(files: Mapping[str, str]) -> dict[str, Tree]:
    """Return the tree of each file; caddy's together."""
    site = {path: text for path, text in files.items() if "/caddy/" in path}
    found = {
        path: _tree(path, text) for path, text in files.items() if path not in site
    }
    return {**found, **({"deploy/caddy": caddy(site)} if site else {})}


def forms(value: str) -> tuple[str, ...]:
    """Return how a value may stand in a leaf: itself, or made fit on purpose."""
    return (
        value,
        re.escape(value),
        value.replace("-", "_"),
        value.replace("_", "-"),
        value.removesuffix("/32"),
        re.sub(r"[\[\]]", "", value).replace(":", "-"),
        value.replace("/", ""),
        value.strip("/"),
        value.replace("-", " ").replace("_", " ").capitalize(),
    )


def compare(
    bland: str, value: str, one: Mapping[str, str], other: Mapping[str, str]
) -> list[str]:
    """Return every difference in structure, and every leaf without the answer.

    `one` holds the deployment of the bland word, `other` that of the value.
    """
    renamed = {_renamed(path, bland, value, other): path for path in one}
    problems = [f"{path} is only on one side" for path in set(renamed) ^ set(other)]
    if problems:
        return problems
    differing = {path for path in other if other[path] != one[renamed[path]]}
    if any("/caddy/" in path for path in differing):
        differing |= {path for path in other if "/caddy/" in path}
    left = trees({renamed[path]: one[renamed[path]] for path in differing})
    right = trees({path: other[path] for path in differing})
    for path, tree in right.items():
        base = left[renamed.get(path, path)]
        problems += [f"{path}: {row}" for row in _walk(base, tree, bland, value, ())]
    return problems


def _renamed(path: str, bland: str, value: str, other: Mapping[str, str]) -> str:
    """Return what a file of the bland deployment is called in the other one."""
    pairs = zip(forms(bland), forms(value), strict=True)
    names = [path.replace(word, form) for word, form in pairs if word]
    return next((name for name in names if name in other), path)


def _walk(
    one: Tree, other: Tree, bland: str, value: str, at: tuple[int, ...]
) -> Iterator[str]:
    if one == other:
        return
    if isinstance(one, str) and isinstance(other, str):
        if not _arrived(one, other, bland, value):
            yield f"{one!r} became {other!r} at {at}"
        return
    if isinstance(one, str) or isinstance(other, str) or len(one) != len(other):
        yield f"{str(one)[-200:]} has another shape than {str(other)[-200:]} at {at}"
        return
    for number, (left, right) in enumerate(zip_longest(one, other)):
        yield from _walk(left, right, bland, value, (*at, number))


def _arrived(one: str, other: str, bland: str, value: str) -> bool:
    """Tell whether a leaf is the bland one with the value in the bland word's place."""
    places: dict[str, set[str]] = {}
    for word, form in zip(forms(bland), forms(value), strict=True):
        places.setdefault(word, set()).add(form)
    words = sorted(filter(None, places), key=len, reverse=True)
    parts = re.split(f"({'|'.join(map(re.escape, words))})", one)
    pattern = "".join(
        f"(?:{'|'.join(map(re.escape, places[part]))})"
        if number % 2
        else re.escape(part)
        for number, part in enumerate(parts)
    )
    return re.fullmatch(pattern, other, re.DOTALL) is not None


def refused(field: Field, value: object, setup: str) -> str:
    """Return the words of the refusal, nothing when the value is taken."""
    try:
        proposed(field, value, setup)
    except InputError as error:
        return str(error)
    return ""


__all__ = ["CHECKS", "EVERYWHERE", "FIELDS", "ROWS"]
