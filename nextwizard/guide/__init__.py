"""The words of every question, and the steps of the walk through them."""

from __future__ import annotations

from dataclasses import dataclass

from .hosting import EDGE, TRUST, WHERE
from .project import FEATURES, PROJECT
from .sizing import DATA, SIZING
from .words import Words


WORDS: dict[str, Words] = {
    **PROJECT,
    **FEATURES,
    **WHERE,
    **EDGE,
    **TRUST,
    **SIZING,
    **DATA,
}
"""The words of each question by its key."""

_FLAG = {"yes": "yes", "no": "no"}


@dataclass(frozen=True, slots=True)
class Step:
    """One screen: what it asks of everybody, and what it asks behind Advanced.

    `asked` holds groups: the questions of a group are one list to tick. `decisions`
    are the keys told in the decision line, each with how it is told. `shows` names the
    files that come to the front when an answer changes them, by their endings.
    """

    key: str
    title: str
    ask: str
    asked: tuple[tuple[str, ...], ...] = ()
    advanced: tuple[str, ...] = ()
    decisions: tuple[tuple[str, str], ...] = ()
    shows: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Every question of the step once, asked ones first."""
        asked = (key for group in self.asked for key in group)
        return tuple(dict.fromkeys((*asked, *self.advanced)))


FEATURE_LIST = (
    "features.sse",
    "features.websockets",
    "features.async_views",
    "features.streaming",
)
"""The four features that decide WSGI or ASGI, asked as one list."""

_SITE = ("nginx/{}.conf", "caddy/{}.caddy")
_INTERFACE = ("server.interface", "{reason}")
_SUM = ("sizing.sum", "{brief}")

STEPS: tuple[Step, ...] = (
    Step(
        "project",
        "Project",
        "What is the project called?",
        (("project.name",), ("project.pages",)),
        ("project.title", "project.package", "project.runner", "health.path"),
        (("settings.split", "{reason}"), ("health.via", "{health.path}: {reason}")),
    ),
    Step(
        "features",
        "Features",
        "What does the project keep open or await?",
        (FEATURE_LIST,),
        (
            "features.sse",
            "features.streaming",
            "features.sse_paths",
            "features.websocket_paths",
        ),
        (_INTERFACE, _SUM),
        _SITE,
    ),
    Step(
        "hosting",
        "Hosting",
        "Where does it run, and behind what?",
        (("hosting.target",), ("hosting.domains",), ("hosting.proxy",)),
        (
            "hosting.proxy_version",
            "hosting.image",
            "hosting.route",
            "hosting.route_class",
            "hosting.tls",
            "hosting.acme_email",
            "hosting.tls_certificate",
            "hosting.tls_certificate_key",
            "hosting.server",
            "hosting.interface",
            "hosting.bind",
            "hosting.user",
            "hosting.group",
            "hosting.proxy_user",
            "hosting.root",
            "hosting.trusted_proxies",
            "hosting.hosts",
            "hosting.proxy_addresses",
            "hosting.path_prefix",
            "hosting.max_body_mb",
            "hosting.rate_limit",
            "hosting.hsts_preload",
            "security.csp",
            "checks.ignore",
            "environment",
        ),
        (
            ("server.holder", "{server.kind} as {hosting.user}: {reason}"),
            ("tls.kind", "TLS: {value}, {reason} · CSP: {csp.mode}"),
        ),
        (*_SITE, "systemd/{}.service", "compose.yaml", "base/deployment.yaml"),
    ),
    Step(
        "sizing",
        "Sizing",
        "What does the target machine have?",
        (("sizing.cores",),),
        (
            "sizing.memory_mb",
            "sizing.workers",
            "sizing.threads",
            "sizing.request_ms",
            "sizing.requests_per_second",
            "sizing.streams",
            "data.database",
            "data.max_connections",
            "data.cache",
            "data.static",
            "health.readiness",
            "site.indexable",
            "ci.provider",
        ),
        (("sizing.sum", "{value}"), ("data.sum", "{value}")),
        ("deploy/boot.py",),
    ),
    Step("review", "Review", "What will be written", (), (), (_INTERFACE, _SUM)),
)
"""The steps in the order of the walk; the last one shows the files."""


def told(key: str, value: str) -> str:
    """Return the words of one value that can be chosen."""
    return WORDS[key].choices.get(value) or _FLAG.get(value, value)


__all__ = ["FEATURE_LIST", "STEPS", "WORDS", "Step", "Words", "told"]
