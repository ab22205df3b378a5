"""Liveness before every other middleware: a probe fails only when the process does.

Made by nextwizard; an edit here survives `nextwizard regenerate`. A middleware that
misses its database, Redis or a login would fail the probe, and a restart brings none of
them back. Readiness passes through all of them and tells it.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils.decorators import sync_and_async_middleware


_PATH = "/healthz/"


@cache
def _found() -> ResolverMatch | None:
    """Return the route, looked up once: routes do not change while a process runs."""
    try:
        return resolve(_PATH)
    except Resolver404:
        return None


def _page(request: HttpRequest) -> Callable[[HttpRequest], HttpResponseBase] | None:
    """Return what answers this probe, or nothing for what is Django's to answer."""
    if request.path_info != _PATH or request.method not in {"GET", "HEAD"}:
        return None
    match = _found()
    if match is None or iscoroutinefunction(match.func):
        return None
    # A name that is not ours gets 400 here too.
    request.get_host()
    request.resolver_match = match
    return lambda asked: match.func(asked, *match.args, **match.kwargs)


@sync_and_async_middleware
def liveness(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """Answer the probe from its page, and hand everything else on."""
    if iscoroutinefunction(get_response):

        async def later(request: HttpRequest) -> HttpResponseBase:
            page = _page(request)
            if page is None:
                return await get_response(request)
            return await sync_to_async(page)(request)

        return later

    def now(request: HttpRequest) -> HttpResponseBase:
        page = _page(request)
        return get_response(request) if page is None else page(request)

    return now
