"""What stays open: events as they are sent, silence, websockets."""

from __future__ import annotations

import itertools
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

from .edge import behind_proxy, probed_path
from .probe import Found, Skip, expect, fail, not_here
from .recorder import Reply
from .visitor import Event, events
from .websocket import PING, PONG, TEXT, Socket, dial


if TYPE_CHECKING:
    from .site import Site


GAP_S = 0.3
"""Seconds between two events of the stand-in."""

SILENCE_S = 90.0
"""Longer than the 60 s after which a proxy's default gives a silent stream up."""

WATCHED_S = 4.0
"""Seconds for which the project's own stream is watched."""

LATE_S = 1.0
"""Seconds by which the proxy may pass an event on later than the server sent it."""


def stream_path(site: Site) -> str:
    """Return the path of a stream as the proxy's file knows it."""
    if site.on.plan["sse.on"] is not True:
        not_here("no event stream in this project")
    paths = [path for path in site.on.items("sse.paths") if path]
    return paths[0] if paths else probed_path(site)


def socket_path(site: Site) -> str:
    """Return the path of a websocket as the proxy's file knows it."""
    if site.on.plan["ws.on"] is not True:
        not_here("no websocket in this project")
    paths = [path for path in site.on.items("ws.paths") if path]
    return paths[0] if paths else probed_path(site)


def _through(site: Site, gaps: tuple[float, ...]) -> list[float]:
    """Stream these gaps from the stand-in; return each event's seconds on the way."""
    path = stream_path(site)
    site.stand_in.expecting(Reply(gaps=gaps))
    headers = site.visitor.headers({"Accept-Encoding": "gzip"})
    with closing(site.visitor.connect(timeout=max(gaps) + 30)) as connection:
        came = [event.at for event in events(connection, path, headers)]
    sent = site.stand_in.sent
    expect(len(came) == len(gaps), f"{len(came)} of {len(gaps)} events came through")
    for number in range(1, len(gaps)):
        late = came[number - 1] >= sent[number]
        expect(not late, f"event {number} was sent before the one before it came")
    return [at - begun for begun, at in zip(sent, came, strict=True)]


def gaps(site: Site) -> Found:
    """Prove that each event arrives before the next is sent."""
    behind_proxy(site)
    stream_path(site)
    delays = _through(site, (0.0, *[GAP_S] * 5))
    words = f"6 events {GAP_S * 1000:.0f} ms apart, each at most "
    return Found(f"{words}{max(delays) * 1000:.0f} ms late", (("late", max(delays)),))


def silence(site: Site) -> Found:
    """Prove that a stream outlives a silence over a proxy's default timeout."""
    behind_proxy(site)
    stream_path(site)
    _through(site, (0.0, SILENCE_S))
    return Found(f"{SILENCE_S:.0f} s of silence survived", (("seconds", SILENCE_S),))


def echo(site: Site) -> Found:
    """Prove that the proxy upgrades a connection and passes frames both ways."""
    behind_proxy(site)
    path = socket_path(site)
    opened = _dial(site, path, f"https://{site.visitor.host}")
    if not isinstance(opened, Socket):
        fail(f"{path}: the proxy answered {opened}, not an upgrade")
    with closing(opened):
        opened.send(TEXT, b"hello")
        said = opened.receive(TEXT)
    expect(said == b"hello", f"sent hello, got {said!r}")
    return Found(f"{path}: a text came back")


def quiet_socket(site: Site) -> Found:
    """Prove that a websocket outlives a silence over a proxy's default timeout."""
    behind_proxy(site)
    opened = _dial(site, socket_path(site), f"https://{site.visitor.host}")
    if not isinstance(opened, Socket):
        fail(f"the proxy answered {opened}, not an upgrade")
    with closing(opened):
        time.sleep(SILENCE_S)
        opened.send(TEXT, b"still there")
        expect(opened.receive(TEXT) == b"still there", "the echo is another one")
    return Found(f"{SILENCE_S:.0f} s of silence survived", (("seconds", SILENCE_S),))


def _dial(site: Site, path: str, origin: str) -> Socket | int:
    wait = SILENCE_S + 30
    connection = site.visitor.connect(timeout=wait)
    return dial(connection, path, site.visitor.headers({"Origin": origin}))


def live_socket(site: Site) -> Found:
    """Prove that the project's websocket opens for pages of the site alone."""
    path = _known(site, "ws", socket_path(site))
    host = site.visitor.host
    opened = _dial(site, path, f"https://{host}")
    if not isinstance(opened, Socket):
        if opened in {401, 403}:
            reason = f"{path} answered {opened} to somebody who is not logged in"
            raise Skip(reason)
        fix = "The application's own log tells why."
        fail(f"{path} answered {opened}, not an upgrade", fix)
    with closing(opened):
        opened.send(PING, b"smoke")
        said = opened.receive(PONG)
    expect(said == b"smoke", f"the pong says {said!r}")
    foreign = _dial(site, path, "https://evil.example")
    if isinstance(foreign, Socket):
        foreign.close()
        fix = "Wrap the routes in AllowedHostsOriginValidator, in asgi.py."
        fail(f"{path} opened for a page of https://evil.example", fix)
    return Found(f"{path}: ping answered, a foreign origin got {foreign}")


def _known(site: Site, kind: str, path: str) -> str:
    """Return a path that can be asked for as it stands, or skip."""
    answer = {"sse": "features.sse_paths", "ws": "features.websocket_paths"}[kind]
    if site.on.plan[f"{kind}.everywhere"] is True:
        not_here(f"no path is known; name one in {answer}")
    if any(mark in path for mark in "<>[](){}^$"):
        not_here(f"{path} is a pattern; name a real path in {answer}")
    return path


def live_stream(site: Site) -> Found:
    """Prove that the project's stream reaches a visitor as the server sends it."""
    path = _known(site, "sse", stream_path(site))
    straight: list[Event] = []
    direct = site.on.text("server.protocol") == "http" and site.visitor.proxied
    begun = time.monotonic()
    watcher = threading.Thread(
        target=_watch_direct, args=(site, path, straight), daemon=True
    )
    if direct:
        watcher.start()
    seen = _watch(site, path)
    if direct:
        watcher.join(WATCHED_S + 10)
    if not seen:
        reason = f"{path} sent nothing for {WATCHED_S:.0f} s; its gaps are its own"
        raise Skip(reason)
    late = [at.at - sent.at for sent, at in zip(straight, seen, strict=False)]
    worst = max(late, default=0.0)
    expect(worst < LATE_S, f"an event came {worst:.1f} s later than from the server")
    waits = [b.at - a.at for a, b in itertools.pairwise(seen)]
    first = seen[0].at - begun
    words = f"{path}: the first event after {first:.2f} s, {len(seen)} in all"
    if waits:
        words += f", gaps {min(waits):.2f}-{max(waits):.2f} s"
    return Found(words, (("first", first), ("events", float(len(seen)))))


def _watch(site: Site, path: str) -> list[Event]:
    seen: list[Event] = []
    ends = time.monotonic() + WATCHED_S
    with closing(site.visitor.connect(timeout=WATCHED_S)) as connection:
        try:
            for event in events(connection, path, site.visitor.headers()):
                seen.append(event)
                if event.at > ends:
                    break
        except TimeoutError:
            pass
    return seen


def _watch_direct(site: Site, path: str, seen: list[Event]) -> None:
    headers = {"Host": site.visitor.host, "X-Forwarded-Proto": "https"}
    ends = time.monotonic() + WATCHED_S
    with closing(site.visitor.direct(timeout=WATCHED_S)) as connection:
        try:
            for event in events(connection, path, headers):
                seen.append(event)
                if event.at > ends:
                    break
        except OSError:
            return


__all__ = [
    "echo",
    "gaps",
    "live_socket",
    "live_stream",
    "quiet_socket",
    "silence",
    "stream_path",
]
