"""What the machine holds: workers, threads and memory, and what runs beside them."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from nextwizard import rules


if TYPE_CHECKING:
    from nextwizard.decide import Ledger
    from nextwizard.servers import ServerRule
    from nextwizard.values import Signal


_ONE_PROCESS = {
    "broker.local": "passes events inside one process",
    "router.reload": "reloads routes in one process only",
    "wizard.cache": "keeps form drafts in a cache of one process",
}
_HEADROOM = 1.5
_WORK = ("work.tasks", "work.celery", "work.queue", "work.loop")
_WORKERS: dict[str, tuple[str, ...]] = {
    "django_q": ("qcluster",),
    "django_rq": ("rqworker default",),
    "django_dramatiq": ("rundramatiq",),
    "huey": ("run_huey",),
    "procrastinate": ("procrastinate worker",),
}
"""The management command that each queue's documentation starts its worker with."""


def _sizing(ledger: Ledger, row: ServerRule) -> None:
    """Decide workers and threads, and write the whole sum down in words."""
    wsgi = row.interface == "wsgi"
    base, each = (
        (rules.WSGI_BASE_MB, rules.WSGI_WORKER_MB)
        if wsgi
        else (rules.ASGI_BASE_MB, rules.ASGI_WORKER_MB)
    )
    limit, why = _limit(ledger, row)
    pods = ledger["hosting.target"] == "kubernetes"
    image = ledger["hosting.target"] in rules.CONTAINERS  # replaced, never reloaded
    pair = wsgi or not (row.lone or image)
    floor = 2 if pair and limit != 1 else 1
    threads = _threads(ledger, row)
    cores = 1 if pods else ledger.number("sizing.cores")
    asked = ledger.number("sizing.workers")
    fits = max(1, (ledger.number("sizing.memory_mb") - base) // each)
    rule = max(cores, floor)
    needed = _little(ledger)
    if wsgi and needed:
        rule = max(rule, ceil(needed / threads))
    # As deploy/boot.py has it: an answer wins over the floor and the memory.
    workers = asked or max(floor, min(rule, fits))
    workers = min(workers, limit or workers)
    _write_sizing(ledger, workers, threads, base, each)
    ledger.decide("sizing.workers_min", floor, _FLOOR[floor], "rules")
    ledger.decide("sizing.workers_max", limit, why or "no limit", "rules")
    words = _sum(ledger, workers, threads, fits, base + workers * each)
    why = "workers follow the cores, as far as the memory reaches"
    ledger.decide("sizing.sum", words, why, "sizing.cores", rules.SEED)
    if workers > fits:
        ledger.warn(
            "sizing.memory",
            f"{workers} workers need {base + workers * each} MiB, and sizing.memory_mb "
            f"is {ledger.number('sizing.memory_mb')}",
            fix="Give the host more memory, or expect it to swap.",
        )


_FLOOR = {
    1: "one process is enough, or all that the code allows",
    2: "two processes, so that one can be replaced while the other answers",
}


def _write_sizing(
    ledger: Ledger, workers: int, threads: int, base: int, each: int
) -> None:
    """Write the numbers that deploy/boot.py starts from."""
    ledger.decide(
        "sizing.planned",
        workers,
        "what deploy/boot.py will come to on the answered machine",
        "sizing.cores",
        rules.SEED,
    )
    ledger.decide("sizing.planned_threads", threads, _THREADS_WHY, "rules", rules.SEED)
    ledger.decide("sizing.planned_mb", base + workers * each, _MEMORY_WHY, "rules")
    ledger.decide("sizing.base_mb", base, _MEMORY_WHY, "rules")
    ledger.decide("sizing.worker_mb", each, _MEMORY_WHY, "rules")
    for key in ("cores", "memory_mb", "workers", "streams"):
        ledger.follow(f"sizing.{key}", f"sizing.{key}")
    for key in ("request_ms", "requests_per_second"):
        ledger.follow(f"sizing.{key}", f"sizing.{key}")
    ledger.decide("sizing.threads", threads, _THREADS_WHY, "rules", rules.SEED)


_THREADS_WHY = "threads wait for the database and slow clients; processes cost memory"
_MEMORY_WHY = "MiB measured after load on a project of 30 modules"


def _limit(ledger: Ledger, row: ServerRule) -> tuple[int, str]:
    """Return the most processes the code allows, 0 for any number, and why."""
    if not row.processes:
        return 1, f"{row.server} is one process"
    if ledger.number("sizing.workers") > 1:
        return 0, ""
    ignored = ledger.items("checks.ignore")
    for kind, words in _ONE_PROCESS.items():
        for signal in ledger.project.of_kind(kind):
            if kind not in ignored:
                return 1, f"{signal.evidence} {words}"
    if row.interface == "wsgi" and ledger.text("features.sse") == "sync":
        return 1, "a worker whose threads hold streams still takes requests, and waits"
    return 0, ""


def _threads(ledger: Ledger, row: ServerRule) -> int:
    """Return the threads of a worker: streams hold one each, pages need the rest."""
    if row.threads == "none":
        return 1
    if row.threads == "executor":
        return min(32, ledger.number("sizing.cores") + 4)
    asked = ledger.number("sizing.threads")
    if ledger.text("features.sse") != "sync":
        return asked or rules.THREADS
    streams = ledger.number("sizing.streams")
    if asked and asked <= streams:
        ledger.refuse(
            "sizing.threads, sizing.streams",
            f"{asked} threads cannot hold {streams} streams and serve pages",
            f"Answer sizing.threads with {streams + rules.SPARE_THREADS} or more.",
        )
    return asked or streams + rules.SPARE_THREADS


def _little(ledger: Ledger) -> float:
    """Return the concurrent requests Little's law asks for; 0 without measurements."""
    rate = ledger.number("sizing.requests_per_second")
    return rate * ledger.number("sizing.request_ms") / 1000 * _HEADROOM


def _sum(ledger: Ledger, workers: int, threads: int, fits: int, need: int) -> str:
    """Return the sizing in words, as the plan shows it."""
    kind = "threads" if threads > 1 else "event loop each"
    shape = (
        f"{workers} workers x {threads} {kind}"
        if threads > 1
        else f"{workers} workers, an {kind}"
    )
    if ledger["hosting.target"] == "kubernetes":
        return f"{shape} in a pod of {need} MiB; pods follow the load"
    return (
        f"{shape} on {ledger['sizing.cores']} cores; {need} MiB of "
        f"{ledger['sizing.memory_mb']}, which would hold {fits} workers"
    )


def _one_by_one(ledger: Ledger) -> bool:
    """Whether supervisor runs each worker as a process that it restarts on its own."""
    return ledger["server.holder"] == "handed" and ledger["server.kind"] == "uvicorn"


def _managed(ledger: Ledger) -> None:
    """Decide what supervisor is told, and what deploy/boot.py sets in its stead."""
    handed, many = ledger["server.holder"] == "handed", _one_by_one(ledger)
    ledger.decide(
        "supervisor.processes",
        ledger.number("sizing.planned") if many else 1,
        "each process is restarted on its own, so the others go on answering"
        if many
        else "the server has a master of its own",
        "sizing.cores",
        "https://supervisord.org/configuration.html#fcgi-program-x-section-settings",
    )
    ledger.decide(
        "server.handover",
        handed and ledger["server.kind"] == "gunicorn",
        "given descriptor 0, gunicorn closes it, and removes supervisor's socket at "
        "its end; a socket that comes as systemd's do it leaves alone",
        "server.holder",
        "https://supervisord.org/configuration.html#fcgi-program-x-section-settings",
    )
    table = ledger.answers["environment"]
    variables: dict[str, str] = {}
    if ledger["hosting.target"] == "supervisor" and not isinstance(
        table, (str, int, tuple)
    ):
        variables |= table
    prefix = ledger.text("hosting.path_prefix")
    if prefix and ledger["server.kind"] != "gunicorn":
        variables["SCRIPT_NAME"] = prefix
    ledger.decide(
        "server.environment",
        variables,
        "for the served process alone: a check of next.dj resolves URLs without the "
        "prefix, and supervisor's file cuts a value short at ` #` and ` ;`",
        "hosting.target",
    )


def _commands(signal: Signal) -> tuple[str, ...]:
    """Return the management commands that a signal asks for; none is known of some."""
    if signal.kind == "work.loop":
        return (signal.detail,) if signal.detail.isidentifier() else ()
    if signal.kind == "work.tasks":
        return ("db_worker",)
    return _WORKERS.get(signal.detail, ())


def _work(ledger: Ledger) -> None:
    """Decide which commands the runbook shows how to keep running."""
    found = ledger.project.of_kind(*_WORK)
    places = ", ".join(sorted({signal.evidence.path for signal in found}))
    reason = f"found in {places}" if places else "no queue and no loop was found"
    celery = any(signal.kind == "work.celery" for signal in found)
    commands = [words for signal in found for words in _commands(signal)]
    rows = {
        "work.found": bool(found),
        "work.celery": ("worker", "beat") if celery else (),
        "work.commands": tuple(dict.fromkeys(commands)),
    }
    ledger.table(rows, reason, "the code")


def capacity(ledger: Ledger, row: ServerRule) -> None:
    """Decide the sizing, and what the process manager makes of it."""
    _sizing(ledger, row)
    ledger.decide(
        "server.env_file",
        ledger.text("paths.env") if ledger["hosting.target"] == "supervisor" else "",
        "systemd reads the secrets itself; others leave it to deploy/boot.py",
        "hosting.target",
    )
    _managed(ledger)
    ledger.decide(
        "server.leftovers",
        row.orphans and ledger["hosting.target"] == "supervisor",
        "workers that outlive a killed main process would serve the old code on; "
        "systemd ends them itself, supervisor does not",
        "hosting.target",
        row.link,
    )
    variables = ledger.answers["environment"]
    ledger.decide("environment", variables, "answered", "environment")
    lone = _one_by_one(ledger) or (
        ledger.number("sizing.planned") == 1 and not row.lone
    )
    ledger.decide(
        "server.reload",
        row.hup and not lone,
        "SIGHUP replaces worker by worker"
        if row.hup and not lone
        else f"SIGHUP ends a lone {row.server}; a restart keeps the socket open",
        "servers",
        row.link,
    )
    _work(ledger)


__all__ = ["capacity"]
