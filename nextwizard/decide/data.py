"""Where the data is: engine, connections, cache and sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nextwizard import rules


if TYPE_CHECKING:
    from nextwizard.decide import Ledger
    from nextwizard.servers import ServerRule
    from nextwizard.values import Value


_ENGINES = {
    "data.sqlite": "sqlite",
    "data.postgresql": "postgresql",
    "data.mysql": "mysql",
}


_BUILT = {
    "cache": "locmemcache://",
    "database": "sqlite://:memory:",
    "email": "consolemail://",
    "list": "[]",
    "mail": "nobody@example.invalid",
    "mapping": "{}",
    "number": "1",
    "postgresql": "postgresql://nobody:nothing@127.0.0.1:5432/nothing",
    "redis": "redis://127.0.0.1:6379/0",
    "text": "build",
    "url": "https://example.invalid/",
}
"""What stands in for a variable while static files are collected, by its kind."""


def _variables(ledger: Ledger) -> None:
    """Decide which variables the user's settings need besides those of ours."""
    found = ledger.project.detected.get("settings.required")
    value = found.value if found else ()
    variables = ledger.answers["environment"]
    ours = {"SECRET_KEY", *(variables if isinstance(variables, Mapping) else ())}
    ours |= {"DATABASE_URL"} if ledger.flag("data.url") else set()
    ours |= {"REDIS_URL"} if ledger.flag("cache.url_needed") else set()
    rows = [text.split(":") for text in value] if isinstance(value, tuple) else []
    named = [(name, kind) for name, kind in rows if name not in ours]
    why = "the settings read them with no default" if named else "there are none"
    places = ", ".join(map(str, found.evidence)) if found else "scan"
    words = tuple(f"{name}={_BUILT[kind]}" for name, kind in named)
    ledger.decide("settings.required", tuple(name for name, _ in named), why, places)
    ledger.decide("settings.built", words, f"{why}; collectstatic needs none", places)


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
    _one_writer(ledger, engine)
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
    _waits(ledger)
    ledger.decide("data.sum", "", "no database server to count for", "data.database")
    if served:
        _budget(ledger, row, threads, pooled=pooled)


def _waits(ledger: Ledger) -> None:
    """Decide how long a database may keep a thread waiting before it is given up."""
    rows: dict[str, Value] = {
        "data.connect_timeout": rules.DATABASE_S,
        "data.vanished": rules.VANISHED_MS,
    }
    why = "s to connect, ms without a sign: a database that hangs lets a thread go"
    link = "https://www.postgresql.org/docs/current/libpq-connect.html"
    ledger.table(rows, why, "rules", link)


def _one_writer(ledger: Ledger, engine: str) -> None:
    """Refuse a SQLite file in a cluster, unless somebody asked for it by name."""
    target = ledger["hosting.target"]
    if engine != "sqlite" or target not in {"kubernetes", "procfile"}:
        return
    if ledger["data.database"] == "sqlite":
        ledger.warn(
            "data.one_writer",
            "SQLite in a cluster means one pod, and a gap at every release"
            if target == "kubernetes"
            else "SQLite on a platform means one machine with a volume; Heroku has "
            "none, and forgets the file at each start",
            fix='Answer data.database with "postgresql".',
        )
        return
    ledger.refuse(
        "data.database, hosting.target",
        "the settings keep a SQLite file, and what runs them comes and goes without "
        "its files",
        'Answer data.database with "postgresql", or with "sqlite" for a single one.',
    )


def _budget(ledger: Ledger, row: ServerRule, threads: int, *, pooled: bool) -> None:
    """Hold the connections against what the database server allows, or refuse."""
    workers = ledger.number("sizing.planned")
    each = ledger.number("data.pool") if pooled else threads
    what = "pooled" if pooled else "threads"
    limit = ledger.number("data.max_connections")
    free = limit - rules.RESERVED_CONNECTIONS - rules.SHELL_CONNECTIONS
    hosts = max(1, len(ledger.items("hosts.all")))
    used = hosts * workers * each
    if row.interface == "asgi" and not pooled:
        ledger.warn(
            "data.unbounded",
            "under ASGI every concurrent request opens a connection of its own, and "
            "Django pools PostgreSQL alone",
            fix="Limit concurrency at the proxy, or serve WSGI.",
        )
        return
    if ledger["hosting.target"] == "kubernetes":
        from .cluster import fitted

        fitted(ledger, used, free, "connections" if used > 1 else "connection")
        return
    fleet = f"{hosts} hosts x " if hosts > 1 else ""
    words = (
        f"{fleet}{workers} workers x {each} {what} = {used} connections "
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


def _pods(ledger: Ledger) -> bool:
    """Tell whether more than one pod may run."""
    return "kube.scaled" in ledger.decisions and ledger.flag("kube.scaled")


def _cache(ledger: Ledger) -> None:
    """Decide the cache, and where sessions live when it is down."""
    kind = ledger.text("data.cache")
    ledger.follow("cache.kind", "data.cache")
    backend = f"{ledger['module.redis_cache']}.FailOpenRedisCache"
    ledger.decide("cache.backend", backend, "misses while Redis is down", "data.cache")
    local = ledger.project.of_kind("cache.local", "cache.default")
    far = ledger.flag("hosts.on")
    inside = ledger["hosting.target"] in {"kubernetes", "procfile"}
    many = ledger.number("sizing.planned") > 1 or far or _pods(ledger)
    ledger.decide(
        "cache.url_needed",
        kind == "redis" and (far or inside),
        "one Redis for every host: loopback would be another one on each"
        if far or inside
        else "REDIS_URL, else the Redis of this host",
        "hosting.hosts",
    )
    if kind == "locmem" or (kind == "keep" and local and many):
        place = str(local[0].evidence) if local and kind == "keep" else "data.cache"
        ledger.warn(
            "cache.local",
            f"{place}: the cache is local to a process; "
            f"{'hosts' if far else 'workers'} do not share entries",
            fix='Answer data.cache with "redis" or "database" when it matters.',
            link=f"{rules.DJANGO}/topics/cache/#local-memory-caching",
        )
        _split_sessions(ledger)
    engine = "SESSION_ENGINE" in ledger.project.layout.settings.names
    ledger.decide(
        "cache.sessions",
        kind == "redis" and not engine,
        "cached_db survives Redis being down" if not engine else "the settings' own",
        "data.cache",
        f"{rules.DJANGO}/topics/http/sessions/",
    )


def _split_sessions(ledger: Ledger) -> None:
    """Warn where a worker does not see the sessions that another one changed."""
    held = ledger.project.of_kind("session.cache", "session.cached_db")
    apart = ledger.flag("hosts.on")  # refused, where every host has its own
    many = ledger.number("sizing.planned") > 1 or _pods(ledger)
    if held and not apart and many:
        ledger.warn(
            "session.local",
            f"{held[0].evidence}: sessions are read through a cache that each worker"
            " has for itself: visitors seem logged out, and in again",
            fix='Answer data.cache with "redis" or "database".',
            link=f"{rules.DJANGO}/topics/http/sessions/#using-cached-sessions",
        )


def _neighbours(ledger: Ledger) -> tuple[str, ...]:
    """Return the units of this host that should be up first, where they exist."""
    units = {
        "postgresql": ("postgresql.service",),
        "mysql": ("mariadb.service", "mysql.service"),
    }.get(ledger.text("data.engine"), ())
    redis = ledger.text("data.cache") == "redis"
    return (*units, *(("redis-server.service",) if redis else ()))


def data(ledger: Ledger, row: ServerRule) -> None:
    """Decide database, cache and sessions; refuse connections that cannot fit."""
    _database(ledger, row)
    _cache(ledger)
    _variables(ledger)
    ledger.decide("unit.after", _neighbours(ledger), "up before us", "data.database")
    copies = ledger.flag("csp.ours") or ledger.flag("nextdj.configured")
    kept = not ledger.flag("data.url") and ledger["data.choice"] == "keep"
    ledger.decide("settings.copies", copies or kept, "prod changes a copy", "settings")


__all__ = ["data"]
