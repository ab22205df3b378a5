"""What each kind of signal means for the user, and the way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .rules import DJANGO, SEED


@dataclass(frozen=True, slots=True)
class FindingRule:
    """What a kind of signal means for the user, and the way out."""

    severity: Literal["error", "warning", "note"]
    what: str
    fix: str
    link: str = ""


FINDINGS: dict[str, FindingRule] = {
    "next.async_render": FindingRule(
        "error",
        "`async def render` answers 500: next.dj 0.10 calls it without awaiting",
        "Make it `def render`, and await inside with asgiref's async_to_sync.",
    ),
    "next.async_context": FindingRule(
        "error",
        "an async @context puts a coroutine object into the page",
        "Make it a plain `def`.",
    ),
    "next.async_action": FindingRule(
        "error",
        "an async @action never runs: the form answers 204 and the data is lost",
        "Make it a plain `def`.",
    ),
    "next.untyped_request": FindingRule(
        "error",
        "`request` has no annotation, so next.dj injects None",
        "Write `request: HttpRequest`.",
    ),
    "next.old_layout": FindingRule(
        "error",
        "the layout uses the placeholder of next.dj 0.8 and is silently dropped",
        "Write {% template %} where {% block template %} stands.",
    ),
    "next.missing": FindingRule(
        "warning",
        "the project does not use next.dj (no `next` app, no next.urls)",
        "A page cannot answer the health check; an entry in urls.py will.",
    ),
    "sse.client": FindingRule(
        "warning",
        "a page opens an EventSource, but no server side was found",
        'If this project serves it, set features.sse to "async" or "sync".',
    ),
    "router.reload": FindingRule(
        "warning",
        "router_manager.reload() reaches the worker that runs it and no other",
        "Reload the service after route changes, or keep one process.",
        SEED,
    ),
    "wizard.cache": FindingRule(
        "warning",
        "form wizard drafts stand in a cache that each process has for itself",
        "Use the session backend, or a cache that workers share.",
    ),
    "session.file": FindingRule(
        "warning",
        "sessions are files in a temporary directory that ends with the service",
        "Use db or cached_db sessions, or set SESSION_FILE_PATH to a place that lasts.",
        f"{DJANGO}/topics/http/sessions/#using-file-based-sessions",
    ),
    "session.cache": FindingRule(
        "warning",
        "sessions live in the cache alone: they end when it restarts",
        "Use cached_db or db sessions.",
        f"{DJANGO}/topics/http/sessions/#using-cached-sessions",
    ),
    "broker.local": FindingRule(
        "warning",
        "events are passed inside one process: another worker's visitors miss them",
        "Share the broker (Redis, LISTEN/NOTIFY), or keep one process.",
    ),
    "work.tasks": FindingRule(
        "note",
        "background tasks need a worker process of their own",
        "Run it as a second unit; the runbook says how.",
    ),
    "work.celery": FindingRule(
        "note",
        "celery needs worker and beat processes of its own",
        "Run them as further units; the runbook says how.",
    ),
    "work.queue": FindingRule(
        "note",
        "a queue needs worker processes of its own",
        "Run them as further units; the runbook says how.",
    ),
    "work.loop": FindingRule(
        "note",
        "a command runs for ever and needs a process of its own",
        "Run it as a further unit; the runbook says how.",
    ),
    "dev.origin": FindingRule(
        "warning",
        "a development origin (localhost) would reach production",
        "Take it from the environment, or guard it with DEBUG.",
    ),
    "static.literal": FindingRule(
        "note",
        "a hard-coded /static/ link never gets a hashed name",
        "Write {% static %} instead.",
        f"{DJANGO}/ref/templates/builtins/#static",
    ),
    "settings.named": FindingRule(
        "warning",
        "names the settings as one file, and they are a package from now on",
        "Add .prod to the name where it is deployed, .dev where it is not.",
    ),
    "settings.imported": FindingRule(
        "warning",
        "imports the settings file itself, and it is a package from now on",
        "Import django.conf's settings, or, for settings that build on these, .base.",
        f"{DJANGO}/topics/settings/#using-settings-in-python-code",
    ),
    "settings.debug_read": FindingRule(
        "warning",
        "the base settings read DEBUG before prod turns it off",
        "Move what depends on it to settings/dev.py.",
    ),
    "settings.logging_file": FindingRule(
        "warning",
        "logs go to a file, and the code tree is read-only under the unit",
        "prod.py logs to stdout instead; the journal keeps it.",
    ),
    "path.outside": FindingRule(
        "warning",
        "the settings name a folder beside the project, and a release brings the "
        "project alone",
        "Move it below the project, or bring it to the same place on the host.",
    ),
    "stream.unknown": FindingRule(
        "warning",
        "whether this response streams from an async source could not be told",
        'Set features.streaming to "sync" or "async", or "none" if it is short.',
    ),
    "router.custom": FindingRule(
        "note",
        "a router of your own finds pages that are not read here",
        "If one of them streams, set features.sse and features.sse_paths.",
    ),
    "file.unparsable": FindingRule(
        "warning",
        "the file is no valid Python and was not read",
        "Correct it if the deployment needs it.",
    ),
    "file.unreadable": FindingRule(
        "warning",
        "the file could not be read",
        "Check its permissions and encoding.",
    ),
}
"""What is said about a signal besides its say in WSGI or ASGI, by kind."""


__all__ = ["FINDINGS", "FindingRule"]
