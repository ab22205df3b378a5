"""What the machine holds: workers, threads, memory, connections; the sum in words."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from nextwizard import rules


if TYPE_CHECKING:
    from nextwizard.decide import Ledger
    from nextwizard.rules import ServerRule


_ONE_PROCESS = {
    "broker.local": "passes events inside one process",
    "router.reload": "reloads routes in one process only",
    "wizard.cache": "keeps form drafts in a cache of one process",
}
_HEADROOM = 1.5


def _sizing(ledger: Ledger, row: ServerRule) -> None:
    """Decide workers and threads, and write the whole sum down in words."""
    wsgi = row.interface == "wsgi"
    base, each = (
        (rules.WSGI_BASE_MB, rules.WSGI_WORKER_MB)
        if wsgi
        else (rules.ASGI_BASE_MB, rules.ASGI_WORKER_MB)
    )
    limit, why = _limit(ledger, wsgi=wsgi)
    floor = 1 if limit == 1 else 2 if wsgi or not row.lone_hup else 1
    threads = _threads(ledger, wsgi=wsgi)
    cores = ledger.number("sizing.cores")
    asked = ledger.number("sizing.workers")
    fits = max(1, (ledger.number("sizing.memory_mb") - base) // each)
    rule = max(cores, floor)
    needed = _little(ledger)
    if wsgi and needed:
        rule = max(rule, ceil(needed / threads))
    count = asked or min(rule, limit or rule)
    workers = max(floor, min(count, fits))
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


def _limit(ledger: Ledger, *, wsgi: bool) -> tuple[int, str]:
    """Return the most processes the code allows, 0 for any number, and why."""
    if ledger.number("sizing.workers") > 1:
        return 0, ""
    ignored = ledger.items("checks.ignore")
    for kind, words in _ONE_PROCESS.items():
        for signal in ledger.project.of_kind(kind):
            if kind not in ignored:
                return 1, f"{signal.evidence} {words}"
    if wsgi and ledger.text("features.sse") == "sync":
        return 1, "a worker whose threads hold streams still takes requests, and waits"
    return 0, ""


def _threads(ledger: Ledger, *, wsgi: bool) -> int:
    """Return the threads of a worker: streams hold one each, pages need the rest."""
    if not wsgi:
        return 1
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
    return (
        f"{shape} on {ledger['sizing.cores']} cores; {need} MiB of "
        f"{ledger['sizing.memory_mb']}, which would hold {fits} workers"
    )


_ENGINES = {
    "data.sqlite": "sqlite",
    "data.postgresql": "postgresql",
    "data.mysql": "mysql",
}


def _database(ledger: Ledger, row: ServerRule) -> None:
    """Decide the engine, and how connections are kept: by age or in a pool."""
    choice = ledger.text("data.database")
    found = ledger.project.of_kind(*_ENGINES)
    engine = choice
    if choice == "keep":
        engine = _ENGINES[found[0].kind] if found else "unknown"
    place = str(found[0].evidence) if choice == "keep" and found else "data.database"
    ledger.decide("data.engine", engine, ledger.origin("data.database"), place)
    ledger.follow("data.choice", "data.database")
    ledger.decide(
        "data.url",
        choice in {"postgresql", "mysql"},
        "DATABASE_URL carries the password, so it stays out of every file but one",
        "data.database",
    )
    served = engine in {"postgresql", "mysql"}
    streams = ledger.text("features.sse") == "sync" and row.interface == "wsgi"
    pooled = engine == "postgresql" and (row.interface == "asgi" or streams)
    threads = ledger.number("sizing.planned_threads")
    ledger.decide(
        "data.pool",
        (threads if streams else rules.POOL) if pooled else 0,
        "each concurrent request holds a connection; only a pool limits them"
        if pooled
        else "threads limit the connections already",
        "rules",
        f"{rules.DJANGO}/ref/databases/#connection-pool",
    )
    ledger.decide("data.pool_timeout", rules.POOL_TIMEOUT_S, "seconds", "rules")
    ledger.decide(
        "data.max_age",
        rules.CONN_MAX_AGE_S
        if served and row.interface == "wsgi" and not pooled
        else 0,
        "seconds; under ASGI persistent connections exhaust the server",
        "rules",
        f"{rules.DJANGO}/ref/databases/#persistent-connections",
    )
    ledger.decide(
        "data.keep_age", rules.CONN_MAX_AGE_S, "where a server is kept", "rules"
    )
    ledger.decide("data.keep_pool", rules.POOL, "where PostgreSQL is kept", "rules")
    ledger.decide("data.sum", "", "no database server to count for", "data.database")
    if served:
        _budget(ledger, row, threads, pooled=pooled)


def _budget(ledger: Ledger, row: ServerRule, threads: int, *, pooled: bool) -> None:
    """Hold the connections against what the database server allows, or refuse."""
    workers = ledger.number("sizing.planned")
    each = ledger.number("data.pool") if pooled else threads
    what = "pooled" if pooled else "threads"
    limit = ledger.number("data.max_connections")
    free = limit - rules.RESERVED_CONNECTIONS - rules.SHELL_CONNECTIONS
    used = workers * each
    if row.interface == "asgi" and not pooled:
        ledger.warn(
            "data.unbounded",
            "under ASGI every concurrent request opens a connection of its own, and "
            "Django pools PostgreSQL alone",
            fix="Limit concurrency at the proxy, or serve WSGI.",
        )
        return
    words = (
        f"{workers} workers x {each} {what} = {used} connections "
        f"({2 * used} while reloading) of {free}"
    )
    why = "old and new workers overlap during a reload"
    ledger.decide("data.sum", words, why, "data.max_connections")
    if 2 * used > free:
        ledger.refuse(
            "data.max_connections, sizing.workers, sizing.threads",
            f"{words}: the database server would refuse some",
            "Run fewer workers or threads, or raise max_connections there and here.",
        )


def _cache(ledger: Ledger) -> None:
    """Decide the cache, and where sessions live when it is down."""
    kind = ledger.text("data.cache")
    ledger.follow("cache.kind", "data.cache")
    backend = f"{ledger['project.package']}.redis_cache.FailOpenRedisCache"
    ledger.decide("cache.backend", backend, "misses while Redis is down", "data.cache")
    local = ledger.project.of_kind("cache.local", "cache.default")
    many = ledger.number("sizing.planned") > 1
    if kind == "locmem" or (kind == "keep" and local and many):
        place = str(local[0].evidence) if local and kind == "keep" else "data.cache"
        ledger.warn(
            "cache.local",
            f"{place}: the cache is local to a process; workers do not share entries",
            fix='Answer data.cache with "redis" or "database" when it matters.',
            link=f"{rules.DJANGO}/topics/cache/#local-memory-caching",
        )
    engine = "SESSION_ENGINE" in ledger.project.layout.settings.names
    ledger.decide(
        "cache.sessions",
        kind == "redis" and not engine,
        "cached_db survives Redis being down" if not engine else "the settings' own",
        "data.cache",
        f"{rules.DJANGO}/topics/http/sessions/",
    )


def _neighbours(ledger: Ledger) -> tuple[str, ...]:
    """Return the units of this host that should be up first, where they exist."""
    units = {
        "postgresql": ("postgresql.service",),
        "mysql": ("mariadb.service", "mysql.service"),
    }.get(ledger.text("data.engine"), ())
    redis = ledger.text("data.cache") == "redis"
    return (*units, *(("redis-server.service",) if redis else ()))


def capacity(ledger: Ledger, row: ServerRule) -> None:
    """Decide sizing, database and cache, and what the unit makes of them."""
    _sizing(ledger, row)
    _database(ledger, row)
    _cache(ledger)
    ledger.decide(
        "server.env_file",
        ledger.text("paths.env") if ledger["hosting.target"] == "supervisor" else "",
        "systemd reads the secrets itself; others leave it to deploy/boot.py",
        "hosting.target",
    )
    ledger.decide("unit.after", _neighbours(ledger), "up before us", "data.database")
    variables = ledger.answers["environment"]
    ledger.decide("environment", variables, "answered", "environment")
    lone = ledger.number("sizing.workers_max") == 1 and not row.lone_hup
    ledger.decide(
        "server.reload",
        row.hup and not lone,
        "SIGHUP replaces worker by worker"
        if row.hup and not lone
        else f"SIGHUP ends a lone {row.server}; a restart keeps the socket open",
        "servers",
        row.link,
    )
    copies = ledger.flag("csp.ours") or ledger.flag("nextdj.configured")
    kept = not ledger.flag("data.url") and ledger["data.choice"] == "keep"
    ledger.decide("settings.copies", copies or kept, "prod changes a copy", "settings")


__all__ = ["capacity"]
