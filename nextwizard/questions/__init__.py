"""QUESTIONS as data: what is asked, in which grammar, when, and what else it would be.

The words a front end shows stand in `guide`; here is only what deciding needs, so that
a run without a person stays light. A default may look at the project, the host and the
answers to the questions above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from . import defaults
from .defaults import always, detected, normalised


if TYPE_CHECKING:
    from nextwizard.values import Value

    from .defaults import Default


type Kind = Literal["text", "choice", "integer", "flag", "list", "table"]
type Needs = tuple[str, tuple[Value, ...]]


class Question(NamedTuple):
    """One answer; `needs` is a key and the values of it under which it matters."""

    key: str
    kind: Kind
    default: Default
    grammar: str = ""
    choices: tuple[str, ...] = ()
    low: int = 0
    high: int = 0
    needs: Needs | None = None


_PROXIED: Needs = ("hosting.proxy", ("nginx", "caddy"))
_NGINX: Needs = ("hosting.proxy", ("nginx",))
_STREAMED: Needs = ("features.sse", ("sync", "async", "portable", "mixed"))
_CONTAINED: Needs = ("hosting.target", ("compose", "kubernetes"))
_CLUSTER: Needs = ("hosting.target", ("kubernetes",))
_PROXYABLE: Needs = ("hosting.target", ("systemd", "supervisor", "compose"))
_GATEWAY = "the successor of Ingress"
_CLASS = "the class of the controllers made of nginx"
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


def _choice(
    key: str, words: str, default: Default, needs: Needs | None = None
) -> Question:
    return Question(key, "choice", default, choices=tuple(words.split()), needs=needs)


def _number(
    key: str, default: Default, low: int, high: int, needs: Needs | None = None
) -> Question:
    return Question(key, "integer", default, low=low, high=high, needs=needs)


QUESTIONS: tuple[Question, ...] = (
    _text("project.name", "name", defaults.name),
    _text("project.title", "title", defaults.title),
    _text("project.package", "package", detected("project.package", "config")),
    _text("project.pages", "relative_path", detected("project.pages", "pages")),
    _choice("project.runner", "uv venv system", detected("project.runner", "venv")),
    _choice(
        "features.sse",
        "none sync async portable mixed",
        detected("features.sse", "none"),
    ),
    _flag("features.websockets", detected("features.websockets", fallback=False)),
    _flag("features.async_views", detected("features.async_views", fallback=False)),
    _choice(
        "features.streaming", "none sync async", detected("features.streaming", "none")
    ),
    _list(
        "features.sse_paths",
        "url_path",
        detected("features.sse_paths", ()),
        _STREAMED,
    ),
    _list(
        "features.websocket_paths",
        "url_path",
        detected("features.websocket_paths", ()),
        ("features.websockets", (True,)),
    ),
    _choice(
        "hosting.target",
        "systemd supervisor compose kubernetes procfile",
        always("systemd", "a unit on one host is the plainest way to run it"),
    ),
    _choice("hosting.interface", "auto wsgi asgi", always("auto", "the code decides")),
    _choice(
        "hosting.server",
        "auto gunicorn uwsgi uvicorn daphne hypercorn granian",
        always("auto", "the interface decides"),
    ),
    _choice(
        "hosting.proxy",
        "nginx caddy none",
        defaults.proxy,
        _PROXYABLE,
    ),
    _choice("hosting.route", "gateway ingress", always("gateway", _GATEWAY), _CLUSTER),
    _text("hosting.route_class", "cluster_class", always("nginx", _CLASS), _CLUSTER),
    _text("hosting.image", "image", defaults.image, _CONTAINED),
    _text("hosting.proxy_version", "version", defaults.proxy_version, _PROXIED),
    _list("hosting.domains", "domain", defaults.domains),
    _choice("hosting.tls", "acme files internal upstream", defaults.tls),
    _text("hosting.acme_email", "email", always(""), _ACME),
    _text("hosting.tls_certificate", "file_path", always(""), _FILES),
    _text("hosting.tls_certificate_key", "file_path", always(""), _FILES),
    _list("hosting.trusted_proxies", "network", always(())),
    _text("hosting.user", "unix_name", defaults.user),
    _text("hosting.group", "unix_name", defaults.group),
    _text("hosting.proxy_user", "unix_name", defaults.proxy_user, _PROXIED),
    _text("hosting.root", "directory", defaults.root),
    _text("hosting.bind", "bind", always("unix", "no port another program can take")),
    _list("hosting.hosts", "upstream", always(())),
    _list("hosting.proxy_addresses", "network", always(())),
    _flag("hosting.hsts_preload", always(value=False)),
    _number("hosting.max_body_mb", always(10), 1, 102400),
    _number("hosting.rate_limit", always(0, "no limit"), 0, 100000, _NGINX),
    _text("hosting.path_prefix", "path_prefix", detected("hosting.path_prefix", "")),
    _number("sizing.cores", defaults.cores, 1, 1024),
    _number("sizing.memory_mb", defaults.memory, 128, 16777216),
    _number("sizing.workers", always(0), 0, 512),
    _number("sizing.threads", always(0), 0, 1024),
    _number("sizing.request_ms", always(0), 0, 600000),
    _number("sizing.requests_per_second", always(0), 0, 1000000),
    _number("sizing.streams", defaults.streams, 0, 100000),
    _choice(
        "data.database",
        "keep sqlite postgresql mysql",
        always("keep", "what the settings say"),
    ),
    _number("data.max_connections", always(100), 10, 100000),
    _choice(
        "data.cache",
        "keep locmem redis database",
        always("keep", "what the settings say"),
    ),
    _choice("data.static", "proxy whitenoise servestatic", defaults.static),
    _choice(
        "security.csp",
        "auto enforce strict report off",
        always("auto", "enforced when the templates are clean"),
    ),
    _text("health.path", "health_path", detected("health.path", "/healthz/")),
    _flag("health.readiness", always(value=True)),
    _choice(
        "site.indexable",
        "auto yes no",
        always("auto", "next.dj: indexable when DEBUG is off"),
    ),
    _choice("ci.provider", "none github gitlab", always("none", "only if asked for")),
    _list("checks.ignore", "finding", always(())),
    Question("environment", "table", always({}), "env_value"),
)
"""Every answer of the answers file, in the order of the walk."""

KEPT = frozenset(
    "project.name hosting.proxy_version sizing.cores sizing.memory_mb".split()
)
"""What the machine or the checkout said once: stored, never derived again."""

BY_KEY = {question.key: question for question in QUESTIONS}
"""The questions by their dotted key."""


__all__ = [
    "BY_KEY",
    "KEPT",
    "QUESTIONS",
    "Kind",
    "Known",
    "Question",
    "normalised",
]
