"""QUESTIONS as data: what is asked, in which grammar, when, and what else it would be.

The words a front end shows stand in `guide`; here is only what deciding needs, so that
a run without a person stays light. A default may look at the project, the host and the
answers to the questions above it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from .names import SYSTEM_ACCOUNTS, TAKEN_NAMES
from .values import Fact


if TYPE_CHECKING:
    from collections.abc import Callable

    from .values import Host, Project, Value


type Kind = Literal["text", "choice", "integer", "flag", "list", "table"]


class Known(Protocol):
    """What a default may look at: the project, the host and the answers above it."""

    @property
    def project(self) -> Project:
        """The facts read from the project."""
        ...

    @property
    def host(self) -> Host:
        """The facts read from the machine."""
        ...

    def text(self, key: str) -> str:
        """Return an answer above this one as text."""
        ...


type Default = Callable[[Known], Fact]
type Needs = tuple[str, tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Question:
    """One answer; `needs` is a key and the values of it under which it matters."""

    key: str
    kind: Kind
    default: Default
    grammar: str = ""
    choices: tuple[str, ...] = ()
    low: int = 0
    high: int = 0
    needs: Needs | None = None


def _always(value: Value, reason: str = "") -> Default:
    """Return a default that is the same for everyone."""
    return lambda _known: Fact(value, (), reason)


def _detected(key: str, fallback: Value) -> Default:
    """Return a default that the code decides, or else the fallback."""
    return lambda known: known.project.detected.get(key, Fact(fallback))


def normalised(text: str) -> str:
    """Return the service name a directory's name suggests; `app` when it has none."""
    if not text.isascii():
        import unicodedata

        text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", text.lower())
    name = "-".join(words).lstrip("0123456789-")[:32].rstrip("-") or "app"
    return f"{name[:28]}-app" if name in TAKEN_NAMES else name


def _name(known: Known) -> Fact:
    directory = known.project.root.rstrip("/").rpartition("/")[2]
    return Fact(normalised(directory), (), "the directory's name")


def _title(known: Known) -> Fact:
    words = known.text("project.name").replace("-", " ").replace("_", " ")
    return Fact(words.capitalize(), (), "project.name, capitalised")


def _proxy_version(known: Known) -> Fact:
    proxy = known.text("hosting.proxy")
    found = known.host.versions.get(proxy)
    if found:
        return Fact(found, (), f"{proxy} on this machine")
    oldest = {"nginx": "1.22", "caddy": "2.6"}.get(proxy, "1.22")
    return Fact(oldest, (), "the oldest generation supported; none found here")


def _proxy_user(known: Known) -> Fact:
    user = {"nginx": "www-data", "caddy": "caddy"}.get(known.text("hosting.proxy"))
    if user:
        return Fact(user, (), "the account Debian's package runs it as")
    return Fact(known.text("hosting.group"), (), "no proxy of ours: hosting.group")


def _domains(known: Known) -> Fact:
    found = known.project.detected.get("hosting.domains")
    placeholder = f"{known.text('project.name')}.example.com"
    return found or Fact((placeholder,), (), "a placeholder until you name yours")


def _tls(known: Known) -> Fact:
    if known.text("hosting.proxy") == "none":
        return Fact("upstream", (), "without a proxy, what stands in front does TLS")
    return Fact("acme", (), "a public certificate, renewed by itself")


def _user(known: Known) -> Fact:
    name = known.text("project.name")
    taken = name in SYSTEM_ACCOUNTS
    return Fact(f"{name}-app" if taken else name, (), "project.name")


def _root(known: Known) -> Fact:
    return Fact(f"/srv/{known.text('project.name')}", (), "/srv and project.name")


def _group(known: Known) -> Fact:
    return Fact(known.text("hosting.user"), (), "hosting.user")


def _cores(known: Known) -> Fact:
    return Fact(known.host.cores, (), "this machine, cgroup limits applied")


def _memory(known: Known) -> Fact:
    return Fact(known.host.memory_mb, (), "this machine, cgroup limits applied")


def _streams(known: Known) -> Fact:
    if known.text("features.sse") == "sync":
        return Fact(32, (), "a sync stream holds a thread each")
    return Fact(0, (), "nothing holds a thread")


def _static(known: Known) -> Fact:
    bare = known.text("hosting.proxy") == "none"
    if bare:
        return Fact("whitenoise", (), "no proxy of ours serves files")
    return Fact("proxy", (), "the proxy serves files 12 to 150 times faster")


_PROXIED: Needs = ("hosting.proxy", ("nginx", "caddy"))
_STREAMED: Needs = ("features.sse", ("sync", "async", "portable", "mixed"))
_ACME: Needs = ("hosting.tls", ("acme",))
_FILES: Needs = ("hosting.tls", ("files",))


def _text(
    key: str, grammar: str, default: Default, needs: Needs | None = None
) -> Question:
    return Question(key, "text", default, grammar, needs=needs)


def _list(
    key: str, grammar: str, default: Default, needs: Needs | None = None
) -> Question:
    return Question(key, "list", default, grammar, needs=needs)


def _flag(key: str, default: Default) -> Question:
    return Question(key, "flag", default)


def _choice(key: str, words: str, default: Default) -> Question:
    return Question(key, "choice", default, choices=tuple(words.split()))


def _number(key: str, default: Default, low: int, high: int) -> Question:
    return Question(key, "integer", default, low=low, high=high)


QUESTIONS: tuple[Question, ...] = (
    _text("project.name", "name", _name),
    _text("project.title", "title", _title),
    _text("project.package", "package", _detected("project.package", "config")),
    _text("project.pages", "relative_path", _detected("project.pages", "pages")),
    _choice("project.runner", "uv venv system", _detected("project.runner", "venv")),
    _choice(
        "features.sse",
        "none sync async portable mixed",
        _detected("features.sse", "none"),
    ),
    _flag("features.websockets", _detected("features.websockets", fallback=False)),
    _flag("features.async_views", _detected("features.async_views", fallback=False)),
    _choice(
        "features.streaming", "none sync async", _detected("features.streaming", "none")
    ),
    _list(
        "features.sse_paths",
        "url_path",
        _detected("features.sse_paths", ()),
        _STREAMED,
    ),
    _list(
        "features.websocket_paths",
        "url_path",
        _detected("features.websocket_paths", ()),
        ("features.websockets", (True,)),
    ),
    _choice(
        "hosting.target",
        "systemd supervisor",
        _always("systemd", "a unit on one host is the plainest way to run it"),
    ),
    _choice("hosting.interface", "auto wsgi asgi", _always("auto", "the code decides")),
    _choice(
        "hosting.server",
        "auto gunicorn uwsgi uvicorn daphne hypercorn granian",
        _always("auto", "the interface decides"),
    ),
    _choice(
        "hosting.proxy",
        "nginx caddy none",
        _always("nginx", "the proxy most hosts already run"),
    ),
    _text("hosting.proxy_version", "version", _proxy_version, _PROXIED),
    _list("hosting.domains", "domain", _domains),
    _choice("hosting.tls", "acme files internal upstream", _tls),
    _text("hosting.acme_email", "email", _always(""), _ACME),
    _text("hosting.tls_certificate", "file_path", _always(""), _FILES),
    _text("hosting.tls_certificate_key", "file_path", _always(""), _FILES),
    _list("hosting.trusted_proxies", "network", _always(())),
    _text("hosting.user", "unix_name", _user),
    _text("hosting.group", "unix_name", _group),
    _text("hosting.proxy_user", "unix_name", _proxy_user, _PROXIED),
    _text("hosting.root", "directory", _root),
    _text("hosting.bind", "bind", _always("unix", "no port another program can take")),
    _list("hosting.hosts", "upstream", _always(())),
    _list("hosting.proxy_addresses", "network", _always(())),
    _flag("hosting.hsts_preload", _always(value=False)),
    _number("hosting.max_body_mb", _always(10), 1, 102400),
    _text("hosting.path_prefix", "path_prefix", _always("")),
    _number("sizing.cores", _cores, 1, 1024),
    _number("sizing.memory_mb", _memory, 128, 16777216),
    _number("sizing.workers", _always(0), 0, 512),
    _number("sizing.threads", _always(0), 0, 1024),
    _number("sizing.request_ms", _always(0), 0, 600000),
    _number("sizing.requests_per_second", _always(0), 0, 1000000),
    _number("sizing.streams", _streams, 0, 100000),
    _choice(
        "data.database",
        "keep sqlite postgresql mysql",
        _always("keep", "what the settings say"),
    ),
    _number("data.max_connections", _always(100), 10, 100000),
    _choice(
        "data.cache",
        "keep locmem redis database",
        _always("keep", "what the settings say"),
    ),
    _choice("data.static", "proxy whitenoise servestatic", _static),
    _choice(
        "security.csp",
        "auto enforce strict report off",
        _always("auto", "enforced when the templates are clean"),
    ),
    _text("health.path", "health_path", _detected("health.path", "/healthz/")),
    _flag("health.readiness", _always(value=True)),
    _choice(
        "site.indexable",
        "auto yes no",
        _always("auto", "next.dj: indexable when DEBUG is off"),
    ),
    _list("checks.ignore", "finding", _always(())),
    Question("environment", "table", _always({}), "env_value"),
)
"""Every answer of the answers file, in the order of the walk."""

KEPT = frozenset(
    "project.name hosting.proxy_version sizing.cores sizing.memory_mb".split()
)
"""What the machine or the checkout said once: stored, never derived again."""

BY_KEY = {question.key: question for question in QUESTIONS}
"""The questions by their dotted key."""


__all__ = ["BY_KEY", "KEPT", "QUESTIONS", "Kind", "Known", "Question", "normalised"]
