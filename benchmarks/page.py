"""docs/benchmarks.md, from what the parts found."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


HEAD = """# Benchmarks

Written by `make bench` (`make bench-served` runs the served part alone). Absolute times
belong to one machine and one hour; **only the ratios within a row compare**. Each part
names its machine and load.
"""
COMMANDS = """## Commands

Whole processes, run in turn, one warm-up each, in a directory in memory. The ratio is
the median of the pairwise ratios of CPU time (user and system of the finished child),
with the least and the greatest. All have warm bytecode, and nextwizard its kept
templates: the second run of an account, not the first. nextwizard is installed from its
wheel, the peers from `benchmarks/requirements.txt`.

The peers get the very templates of the plain sample project, with the same filters as a
jinja2 extension, and their output is compared byte for byte before anything is timed.
nextwizard does more in the same time: it scans the project, decides, splits the
settings, writes through a journal with fsync and keeps a record. startproject gets
finished text with a name left to fill in, which is less work.
"""
NOT_COMMANDS = """What this does not show: a cold disk, a first run without bytecode
(four to five times as much for every tool), other systems than this one, templates that
suit a peer better than these.
"""
SERVED = """## Served

One page of the plain sample project (layout, one query on PostgreSQL), one hashed
style sheet and `/healthz/`, asked by wrk over 32 connections, round after round in
turn, all on the same cores. Our stacks answer over TLS, as they are generated; the
others over plain HTTP. "By the book" is nginx with the directives of gunicorn's
deployment page.
"""
WHY = """Why they differ:

- **The page.** The literal commands keep Django's default, a new connection to the
  database for each request. The generated settings keep one for each thread (WSGI) or
  a pool for each worker (ASGI). Fewer processes on as many cores do the rest.
- **ASGI.** Django runs a sync page in a thread of its own for each request, so the same
  page costs about twice as much. ASGI is proposed only where a feature needs it.
- **Static files.** The proxy sends them without waking Python. By the book it sends
  them without TLS, without cache headers and without compressed copies.
- **Liveness.** Ours asks the page before every other middleware; the others pass all
  of Django's. That is 300 µs of CPU a request less, and pays for what the bare command
  does without: nginx with TLS (90 µs) and the hand-over to a thread of gunicorn's pool
  (110 µs more than a sync worker takes), which keeps the page's database connections.
- **Connections.** Ours holds workers x pool, 2 x 4 here, however many visitors come.
  The bare command opens one for each request that runs, and closes it after.
- **Restarts.** systemd holds the socket, so visitors wait instead of being refused. The
  bare commands close theirs.

What this does not show: a network between visitor and proxy, more than two cores, wrk
elsewhere, HTTP/2, your queries. The streams row counts application and proxy for ours,
the application alone for the bare command; it holds 200 streams, and the slope
from there on is smaller than what the first ones cost.
"""


def _spread(values: list[float]) -> str:
    middle = statistics.median(values)
    return f"{middle:.2f} ({min(values):.2f} to {max(values):.2f})"


def _table(head: str, rows: list[str]) -> str:
    return "\n".join([head, "|---" * head.count(" | ") + "|---|", *rows]) + "\n"


def _about(part: Mapping[str, Any]) -> str:
    return f"{part['when']}, {part['machine']}.\n"


def _commands(part: Mapping[str, Any]) -> Iterator[str]:
    rows = []
    for row in part["rows"]:
        took = [
            f"{1000 * statistics.median(cost['cpu'] for cost in row[side]):.0f}"
            for side in ("a", "b")
        ]
        cells = [row["goal"], row["ours"], row["theirs"], row["what"]]
        cells += [_spread(row["ratios"]), row["limit"], " / ".join(took)]
        rows.append(f"| {' | '.join(cells)} |")
    yield COMMANDS
    yield _about(part)
    yield _table(
        "| goal | ours | theirs | work | theirs by ours | goal is | CPU ms |", rows
    )
    if all(row["goal"] != "P7" for row in part["rows"]):
        yield "P7 was not measured: one of the tools did not merge the file.\n"
    fleet, peaks = part["fleet"], part["peaks"]
    own = peaks["nextwizard init --answers"]
    peers = ", ".join(
        f"{name} {peak:.1f} MiB" for name, peak in peaks.items() if peak != own
    )
    yield (
        f"P4: `init --answers` holds {own:.1f} MiB at its peak (goal <= 26); "
        f"{peers}.\n\n"
        f"P8 goes on: of 1,000 projects in one process each takes "
        f"{1000 * fleet['each']:.1f} ms of CPU (goal <= 4), and the memory grows by "
        f"{fleet['grown']:.2f} from the first to the last (goal <= 1.1). The goal of "
        "4 ms comes from a prototype that rendered and wrote, nothing else. Here a "
        "project is also scanned, decided, written through a journal, and then "
        "scanned and decided again, so that its next run can tell from digests alone "
        "that nothing is to do.\n"
    )
    yield NOT_COMMANDS


def _scan(part: Mapping[str, Any]) -> Iterator[str]:
    ratios = [walk / scan for scan, walk in part["turns"]]
    scans = statistics.median(scan for scan, _ in part["turns"])
    yield "## The scan\n"
    yield _about(part)
    yield (
        f"P9: {part['files']} Python files, Django's own source among them. Parsing "
        f"and walking every file takes {_spread(ratios)} times the CPU of the scan "
        f"(goal >= 4), which is {scans:.2f} s and reads the page templates too. Its "
        f"{part['found']} findings are the same as when every file is parsed.\n\n"
        "Both run in one process, in turn, imports not counted. What this does not "
        "show: a project whose every file holds a word the scan looks for; there it "
        "parses as much as the walk.\n"
    )


def _wizard(part: Mapping[str, Any]) -> Iterator[str]:
    own, bare = part["typed"]["own"], part["typed"]["bare"]
    handler = [1000 * value for value in part["handler"]]
    frames = part["frames"]
    ratios = [a / b for a, b in zip(frames["own"], frames["bare"], strict=True)]
    yield "## The wizard\n"
    yield _about(part)
    rows = [
        (
            f"| P10 | every decision, file and diff for one key | "
            f"{statistics.median(handler):.1f} ms of CPU | <= 4 |"
        ),
        (
            f"| P10 | CPU for a key, all in; a bare Textual input | "
            f"{own['cpu']:.1f} / {bare['cpu']:.1f} ms | |"
        ),
        (
            f"| P11 | key to its echo, median / 95 % | {own['echo'][0]:.1f} / "
            f"{own['echo'][1]:.1f} ms ({bare['echo'][1]:.1f} bare) | 95 %: <= 16 |"
        ),
        (
            f"| P11 | key to the last byte of the preview | {own['paint'][0]:.1f} / "
            f"{own['paint'][1]:.1f} ms | 95 %: <= 50 |"
        ),
        (
            f"| P12 | first frame by that of a bare Textual application | "
            f"{_spread(ratios)} | <= 2 |"
        ),
    ]
    yield _table("| goal | what | measured | goal is |", rows)
    yield (
        f"In a pty of 140x45 with the bytes of {own['keys']} keys that change the "
        "project's name, which is in almost every file. What this does not show: a "
        "terminal's own drawing, ssh, and any figure in ms when the machine was busy: "
        "look at the load above, and at the bare application's figure beside ours.\n"
    )


def _served(part: Mapping[str, Any]) -> Iterator[str]:
    yield SERVED
    yield _about(part)
    found = {(row["stack"], row["kind"]): row for row in part["served"]}
    names = list(dict.fromkeys(name for name, _ in found))
    rows = []
    for name in names:
        cells = [name]
        for kind in ("page", "static", "healthz"):
            row = found.get((name, kind))
            cells += [f"{row['rate']:.0f}", f"{row['p99']:.0f}"] if row else ["-", "-"]
        cells.append(f"{part['memory'][name]:.0f}")
        rows.append(f"| {' | '.join(cells)} |")
    yield _table(
        "| stack | page/s | p99 ms | static/s | p99 ms | healthz/s | p99 ms | MiB |",
        rows,
    )
    yield _table("| goal | ratio | goal is |", list(_goals(found)))
    rows = [
        f"| {row['stack']} | {row['asked']} | {row['failed']} |"
        for row in part["restarts"]
    ]
    yield _table("| one restart under load | asked | failed |", rows)
    rows = [
        f"| {name} | {row['open']:.0f} | {row['mib']:.1f} | {row['each']:.1f} |"
        for name, row in part["streams"].items()
    ]
    yield _table("| streams held open | open | MiB more | streams a MiB |", rows)
    rows = [
        f"| {row['stack']} | {row['most']} | {row['after']} | {row['failed']:.0f} |"
        for row in part.get("connections", ())
    ]
    if rows:
        head = "| database connections, 50 visitors | most | after | failed |"
        yield _table(head, rows)
    yield WHY


def _goals(found: Mapping[tuple[str, str], Mapping[str, Any]]) -> Iterator[str]:
    """Yield the ratios of the default stack, from the rounds in pairs."""
    ours = "ours: gunicorn and nginx"
    goals = [
        ("page", "gunicorn --workers 4", ">= 3"),
        ("page", "uvicorn --workers 4", ">= 3"),
        ("static", "gunicorn --workers 4 and WhiteNoise", ">= 5"),
        ("healthz", "gunicorn --workers 4", ">= 1"),
    ]
    for kind, name, goal in goals:
        pairs = zip(found[ours, kind]["rates"], found[name, kind]["rates"], strict=True)
        ratios = [own / other for own, other in pairs]
        yield f"| {kind}, our default by {name} | {_spread(ratios)} | {goal} |"


PARTS = {"commands": _commands, "scan": _scan, "wizard": _wizard, "served": _served}


HEADINGS = {
    "commands": "Commands",
    "scan": "The scan",
    "wizard": "The wizard",
    "served": "Served",
}


def page(parts: Mapping[str, Any], known: str) -> str:
    """Return the page of the parts that were measured; others stay as they are known.

    `known` is the page as it stands.
    """
    old = {text.partition("\n")[0]: text for text in known.split("\n## ")[1:]}
    body = [HEAD]
    for name, part in PARTS.items():
        heading = HEADINGS[name]
        if name in parts:
            body += part(parts[name])
        elif heading in old:
            body.append(f"## {old[heading].strip()}\n")
    return "\n".join(body)
