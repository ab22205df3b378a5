"""Reload, restart, stop, and a broken release, while visitors keep asking."""

from __future__ import annotations

import http.client
import os
import re
import stat
import time
from contextlib import nullcontext, suppress
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from nextwizard import stage
from nextwizard.errors import ToolError
from nextwizard.tools import run

from .load import PATIENCE_S, RATE, Load, OpenStream
from .probe import Failed, Found, expect, fail, not_here


if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import NoReturn

    from .site import Site


BEFORE_S, AFTER_S = 1.0, 2.0
"""Seconds of load before something is restarted, and after it is back."""

PAGES_S = 0.25
"""Seconds in a second that the pages among the load may keep a server busy."""

ALLOWED = {"wsgi": 0.0, "asgi": 0.003}
"""The share of requests that may fail over a restart, by interface: threads none, event
loops 0.3 %, whose servers close a connection now and then as a request arrives."""

MARGIN_S = 3.0
"""Seconds over the graceful timeout that a stop may take to end processes."""

_WORLD = stat.S_IRWXO


def _paths(site: Site) -> tuple[str, ...]:
    """Return what visitors ask for in turn: mostly cheap, with a real page among them.

    A heavy page comes less often, for it is not the machine's power that is asked here.
    """
    cheap, page = site.on.text("health.path"), site.on.text("edge.base")
    if not site.data:
        return (cheap,)
    site.visitor.get(page)
    begun = time.monotonic()
    site.visitor.get(page)
    took = time.monotonic() - begun
    return (*[cheap] * max(3, int(RATE * took / PAGES_S)), page)


def _stream(site: Site) -> AbstractContextManager[OpenStream | None]:
    """Return an open stream of the project, or nothing where it has none."""
    paths = [path for path in site.on.items("sse.paths") if path]
    concrete = [path for path in paths if not any(mark in path for mark in "<>[]{}^$")]
    return OpenStream(site, concrete[0]) if concrete else nullcontext()


def _judge(site: Site, load: Load, told: str) -> Found:
    """Fail when more requests were lost than this interface may lose."""
    share = ALLOWED[site.on.text("server.interface")]
    words = f"{load.words()}; {told}"
    limit = share * load.total
    expect(len(load.misses) <= limit, f"{words}: {load.causes}")
    if load.misses:
        words += f": {load.causes}"
    figures = (
        ("requests", float(load.total)),
        ("failed", float(len(load.misses))),
        ("slowest", load.slowest),
        ("per_second", load.rate),
    )
    return Found(words, figures)


def _awake(site: Site) -> None:
    """Start the service anew where an earlier probe has ended it."""
    if not site.service.running:
        site.service.start()
        ready = partial(_answers, site, HTTPStatus.OK)
        stage.wait(ready, site.service, "the deployment")


def _answers(site: Site, status: int) -> bool:
    """Tell whether liveness has this status; one that waits too long has none."""
    with suppress(OSError, http.client.HTTPException):
        return site.visitor.get(site.on.text("health.path")).status == status
    return False


def _workers(site: Site) -> frozenset[int]:
    """Return the processes of the service without the main one."""
    return site.service.workers


def reload(site: Site) -> Found:
    """Prove that new workers take over from the old ones, and no visitor notices."""
    if site.on.plan["server.reload"] is not True:
        not_here("this server has no reload; the runbook restarts it")
    _awake(site)
    old = _workers(site)
    with _stream(site) as stream, Load(site, _paths(site)) as load:
        time.sleep(BEFORE_S)
        begun = time.monotonic()
        done = site.service.reload()
        expect(done, "the generated files name no way to reload")
        took = _replaced(site, old, begun)
        time.sleep(AFTER_S)
    expect(took, "no new worker came: the old code would be served on")
    held = f", a stream open ({stream.events} events)" if stream else ""
    return _judge(site, load, f"new workers after {took:.1f} s{held}")


def _replaced(site: Site, old: frozenset[int], begun: float) -> float:
    """Wait for workers that were not there before; return seconds, 0 when none came.

    uWSGI takes the old ones away first, and waits for them as long as a stop may take.
    """
    ends = begun + stage.BOOT_S
    if site.on.text("server.kind") == "uwsgi":
        ends += site.on.number("timing.graceful")
    while time.monotonic() < ends:
        if not site.service.running:
            _ended_by_reload(site)
        if _workers(site) - old:
            return time.monotonic() - begun
        time.sleep(0.05)
    return 0.0


def _ended_by_reload(site: Site) -> NoReturn:
    """Fail with what the server said last, and what to do where that is known."""
    with open(site.service.log, encoding="utf-8", errors="replace") as file:
        said = stage.last_words(file.read())
    fix = f"The whole log is {site.service.log}."
    if "'pyuwsgi'" in said:
        fix = (
            "pyuwsgi is uWSGI as a Python module, which cannot start itself again. "
            "Install the program: pip uninstall pyuwsgi, pip install uwsgi."
        )
    fail(f"the reload ended the service: {said}", fix)


def restart(site: Site) -> Found:
    """Prove that the whole service goes and comes back, and no visitor notices."""
    path = site.on.text("health.path")
    _awake(site)
    with _stream(site) as stream, Load(site, _paths(site)) as load:
        time.sleep(BEFORE_S)
        begun = time.monotonic()
        site.service.restart()
        while not _answers(site, load.expected[path]):
            time.sleep(0.05)
            late = time.monotonic() - begun > PATIENCE_S
            expect(not late, "the service did not come back")
        took = time.monotonic() - begun
        time.sleep(AFTER_S)
    held = ", a stream open" if stream else ""
    told = f"back after {took:.1f} s{held}"
    if closes := _closes(site):
        return Found(f"{load.words()}; {told}; {closes}, so some may be lost")
    return _judge(site, load, told)


def _closes(site: Site) -> str:
    """Return why the socket is closed while the service restarts, if it is."""
    holder = site.on.text("server.holder")
    if holder == "handed" and site.on.number("supervisor.processes") == 1:
        return "supervisor closes the socket with its only process"
    handed = holder in {"systemd", "handed"}
    return "" if handed else "this server makes its own socket"


def stop(site: Site) -> Found:
    """Prove that the service ends in time with a stream open, and leaves nothing."""
    limit = site.on.number("timing.graceful") + MARGIN_S
    log = site.service.log
    _awake(site)
    with _stream(site) as stream:
        took = site.service.stop()
    ended = site.service.ended
    expect(not ended.killed, f"it had to be killed after {took:.0f} s; log: {log}")
    expect(took <= limit, f"it took {took:.1f} s, over the {limit:.0f} s it may take")
    expect(not ended.left, f"processes were left behind: {ended.left}")
    crashed = f"it ended with exit status {ended.status}, as after a crash; log: {log}"
    expect(ended.status in {0, 143}, crashed)  # 143: SIGTERM, told as a shell does
    held = ", a stream open" if stream else ""
    return Found(f"{took:.1f} s{held}, no process left", (("seconds", took),))


def broken(site: Site) -> Found:
    """Prove that a release that cannot start says so, instead of seeming to run."""
    if site.on.text("hosting.target") != "systemd":
        not_here("supervisor runs no check before a start")
    if site.app is not None and site.app.running:
        site.app.stop()
    place = site.on.place("env")
    with open(place, encoding="utf-8") as file:
        whole = file.read()
    _append(place, "DJANGO_SETTINGS_MODULE=nextwizard_smoke.broken\n")
    try:
        site.service.start()
    except ToolError as error:
        return Found(f"the start fails loudly: {error.problems[0].what[:80]}")
    finally:
        site.service.stop(5)
        with open(place, "w", encoding="utf-8") as file:
            file.write(whole)
    message = "a release with broken settings was started without a word"
    raise Failed(message, "ExecStartPre= must run manage.py check.")


def broken_reload(site: Site) -> Found:
    """Prove that a reload into broken settings fails, and the old workers answer on."""
    if site.on.plan["server.reload"] is not True:
        not_here("this server has no reload")
    place = site.on.place("env")
    with open(place, encoding="utf-8") as file:
        whole = file.read()
    _append(place, "DJANGO_SETTINGS_MODULE=nextwizard_smoke.broken\n")
    try:
        site.service.reload()
    except ToolError:
        said = site.visitor.get(site.on.text("health.path"))
        alive = said.status == HTTPStatus.OK
        expect(alive, f"liveness then answered {said.status}")
        return Found("the reload fails, the old workers answer on")
    finally:
        with open(place, "w", encoding="utf-8") as file:
            file.write(whole)
    message = "a reload into broken settings was not refused"
    raise Failed(message, "The first ExecReload= must run manage.py check.")


def _append(place: str, line: str) -> None:
    with open(place, "a", encoding="utf-8") as file:
        file.write(line)


def socket_mode(site: Site) -> Found:
    """Prove that nobody but the proxy's account may open the application's socket."""
    if not site.on.unix:
        not_here("the server listens on a port")
    path = site.on.listen
    mode = stat.S_IMODE(os.stat(path).st_mode)
    folder = stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode)
    shut = not mode & _WORLD or (
        site.on.plan["server.runtime"] is True and not folder & _WORLD
    )
    fix = "SocketMode=0660, or 0750 for its directory where the server makes it."
    expect(shut, f"every account may open it: {mode:o} in a {folder:o} directory", fix)
    group = mode & stat.S_IWGRP
    expect(group, f"the proxy's group may not open it: {mode:o}", fix)
    return Found(f"{mode:o} in a {folder:o} directory")


def workers(site: Site) -> Found:
    """Prove that as many workers run as boot.py's sum says."""
    on = site.on
    apart = on.text("hosting.target") != "systemd" or on.hosts
    if apart or not os.path.isdir("/proc/self"):
        not_here("counted under systemd on Linux")
    if on.plan["server.processes"] is not True:
        not_here("this server runs as one process")
    script = os.path.join(on.root, "deploy", "boot.py")
    done = run([on.python, script, "--explain"], timeout=20, env=stage.environment(on))
    found = re.match(r"boot: (\d+) workers?\b", done.out)
    expect(found, f"deploy/boot.py --explain says {done.out or done.err!r}")
    wanted = int(found[1]) if found else 0
    seen = len(_workers(site))
    # multiprocessing's resource tracker is one process more, and no worker.
    spare = on.text("server.kind") in {"uvicorn", "hypercorn", "granian"}
    lone = wanted == 1 and seen == 0
    expect(
        lone or wanted <= seen <= wanted + spare,
        f"{seen} workers run, boot.py says {wanted}",
    )
    return Found(done.out.strip().removeprefix("boot: ").partition(":")[0])


__all__ = [
    "broken",
    "broken_reload",
    "reload",
    "restart",
    "socket_mode",
    "stop",
    "workers",
]
