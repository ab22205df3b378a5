"""Reads the user's project into facts with evidence; never imports or runs it."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

from nextwizard.values import Project, Signal

from .files import Tree, evidence, walk


if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from os import PathLike

    from .layout import Found
    from .suspects import Suspects


_SOURCES = (".py", ".djx", ".html")
_SOCKETS = (b"as_asgi", b"channels", b"websocket")
_STREAMS = (b"FileResponse", b"PatchEventStream", b"StreamingHttpResponse")


def scan(
    root: str | PathLike[str],
    *,
    managed: Collection[str] = (),
    everything: bool = False,
    tree: Tree | None = None,
) -> Project:
    """Return what can be said of the project below a root, each with its evidence.

    `managed` names the files nextwizard wrote, which are no findings of the user's.
    `everything` parses each file instead of the suspicious ones, with equal findings;
    `tree` is what `walk` found there, if somebody walked already.
    Raises InputError when there is no Django project, or the layout cannot be read.
    """
    from .facts import find_facts
    from .layout import find_layout
    from .surroundings import marks
    from .suspects import Suspects
    from .versions import (
        find_dev,
        find_packages,
        find_runner,
        find_tests,
        find_versions,
    )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = tree or walk(os.path.realpath(root))
        found = find_layout(tree, frozenset(managed))
        telling = marks(found)
        suspects = Suspects(found.code, found.served, found.urls, everything, telling)
        suspects.collect()
        signals = _ordered(_signals(found, suspects))
    facts = find_facts(found, signals)
    manage = found.start.manage
    more = {
        "project.dev": find_dev(tree, manage),
        "project.packages": find_packages(tree, manage),
        "project.runner": find_runner(tree, manage),
        "project.tests": find_tests(tree, manage),
    }
    return Project(
        root=os.fspath(root),
        layout=found.layout,
        signals=signals,
        detected=facts | {key: fact for key, fact in more.items() if fact},
        versions=find_versions(tree, manage),
    )


def _signals(found: Found, suspects: Suspects) -> Iterator[Signal]:
    from .configured import find_configured
    from .facts import find_outside, find_placement
    from .surroundings import find_mentions, find_taken
    from .templates import find_markup

    yield from find_configured(found)
    yield from find_placement(found)
    yield from find_outside(found)
    yield from find_mentions(found, suspects.told)
    yield from find_taken(found)
    if suspects.holds(*_SOCKETS):
        from .sockets import find_sockets

        yield from find_sockets(found, suspects)
    if suspects.holds(*_STREAMS):
        from .streams import find_streams

        yield from find_streams(found, suspects)
    if suspects.modules:
        from .handlers import find_handlers
        from .process import find_process

        yield from find_handlers(found, suspects)
        yield from find_process(found, suspects)
    yield from find_markup(found, _own_hosts(found))
    yield from _unread(found)


def _own_hosts(found: Found) -> frozenset[str]:
    """Return the hosts the project itself answers for."""
    hosts = found.reader.names.get("ALLOWED_HOSTS")
    listed = hosts if isinstance(hosts, list | tuple) else ()
    return frozenset(host.lower() for host in listed if isinstance(host, str))


def _unread(found: Found) -> Iterator[Signal]:
    """Yield the files of the site that could not be read, or are no Python."""
    for path, reason in found.tree.unreadable.items():
        if path.endswith(_SOURCES) and found.served(path):
            yield Signal("file.unreadable", evidence(path), reason)
    for path, (line, reason) in found.code.broken.items():
        if found.served(path):
            yield Signal("file.unparsable", evidence(path, line), reason)


def _ordered(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """Return each signal once, by place; a client counts only without its server."""
    found = dict.fromkeys(signals)
    kinds = {signal.kind for signal in found}
    events = {"sse.sync", "sse.async", "sse.portable", "sse.unknown"} & kinds
    sockets = {"ws.channels", "ws.consumer", "ws.routing", "ws.asgi"} & kinds
    dropped = {"sse.client"} if events else set[str]()
    dropped |= {"ws.client"} if sockets else set()
    kept = (signal for signal in found if signal.kind not in dropped)
    return tuple(sorted(kept, key=_place))


def _place(signal: Signal) -> tuple[str, int, str, str, str]:
    at = signal.evidence
    return at.path, at.line, signal.kind, signal.detail, signal.path


__all__ = ["Tree", "scan", "walk"]
