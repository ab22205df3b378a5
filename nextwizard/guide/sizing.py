"""The words of the questions about capacity, data and operation."""

from __future__ import annotations

from nextwizard.rules import DJANGO, GUNICORN, SEED

from .words import Words


SIZING: dict[str, Words] = {
    "sizing.cores": Words(
        "Cores of the target",
        "this machine's, unless the target has others",
        "How many workers start. deploy/boot.py measures again at each start and takes "
        "the lower number.",
        "Too high, workers fight over the cores and memory runs out; too low, cores "
        "stand idle while visitors wait.",
        SEED,
    ),
    "sizing.memory_mb": Words(
        "Memory of the target in MiB",
        "it caps the workers",
        "The most workers that fit, by what one was measured to take under load.",
        "Too high, the kernel kills a worker in the middle of a request.",
        SEED,
    ),
    "sizing.workers": Words(
        "Workers",
        "0 leaves it to the cores and the memory",
        "A fixed number of processes, whatever the machine has.",
        "It no longer follows the machine; WEB_CONCURRENCY still overrides it.",
        f"{GUNICORN}/settings.html#workers",
    ),
    "sizing.threads": Words(
        "Threads of a worker",
        "0 means 4, or one for each sync stream and 8 more",
        "How many requests a worker handles at a time.",
        "Too few, requests queue behind slow ones; too many open more database "
        "connections than the server has.",
        f"{GUNICORN}/settings.html#threads",
    ),
    "sizing.request_ms": Words(
        "Mean response time in ms",
        "0 means it was not measured",
        "With the peak rate it sizes by Little's law: requests in flight are rate "
        "times duration.",
        "A guess is worse than 0.",
        "https://en.wikipedia.org/wiki/Little%27s_law",
    ),
    "sizing.requests_per_second": Words(
        "Peak requests a second",
        "0 means it was not measured",
        "With the response time it sizes by Little's law.",
        "A guess is worse than 0.",
        "https://en.wikipedia.org/wiki/Little%27s_law",
    ),
    "sizing.streams": Words(
        "Open streams expected",
        "tabs that keep a stream or socket open",
        "Threads for sync streams, one each; limits on open files.",
        "With a sync stream and too few threads the whole site hangs once that many "
        "tabs are open.",
        SEED,
    ),
}

DATA: dict[str, Words] = {
    "data.database": Words(
        "Database",
        "keep what the settings say, or name another",
        "DATABASES in prod.py, the connection budget, and what starts before us.",
        "SQLite takes one writer at a time, and its file must lie where the service "
        "may write.",
        f"{DJANGO}/ref/databases/",
        {
            "keep": "what the settings say",
            "sqlite": "a file, one writer at a time",
            "postgresql": "from DATABASE_URL, pooled under ASGI",
            "mysql": "from DATABASE_URL",
        },
    ),
    "data.max_connections": Words(
        "Connections the database allows",
        "the server's max_connections",
        "The budget that workers and threads are held against, twice during a reload.",
        "Past it the database refuses, and pages answer 500.",
        "https://www.postgresql.org/docs/current/runtime-config-connection.html",
    ),
    "data.cache": Words(
        "Cache",
        "keep what the settings say, or name another",
        "CACHES in prod.py, and where sessions live when it is down.",
        "A cache inside a process is not shared: with two workers every other request "
        "misses it.",
        f"{DJANGO}/topics/cache/",
        {
            "keep": "what the settings say",
            "locmem": "in each process, not shared",
            "redis": "shared; pages still work while it is down",
            "database": "shared, in a table",
        },
    ),
    "data.static": Words(
        "Static files",
        "who sends them",
        "The proxy's locations, or a middleware in prod.py.",
        "Django alone sends none when DEBUG is off.",
        f"{DJANGO}/howto/static-files/deployment/",
        {
            "proxy": "the proxy, fastest",
            "whitenoise": "the application, compressed",
            "servestatic": "the application, also async",
        },
    ),
    "health.readiness": Words(
        "Readiness page",
        "a second page that also asks the database",
        "readyz/ beside the health page, for balancers that drain a host.",
        "Asking the database for liveness restarts every worker when only the database "
        "is slow; that is why it is a page of its own.",
        "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
        {"yes": "make it", "no": "leave it out"},
    ),
    "ci.provider": Words(
        "Checks at every push",
        "whose service runs them",
        "A workflow that runs the tests, Django's checks and `regenerate --check`.",
        "Without it nobody notices that the files no longer follow the answers.",
        "https://docs.github.com/en/actions/get-started/continuous-integration",
        {
            "none": "nobody's, or one you have",
            "github": "GitHub Actions",
            "gitlab": "GitLab CI",
        },
    ),
    "site.indexable": Words(
        "Search engines",
        "whether robots.txt lets them in",
        "INDEXABLE of next.dj's SITE.",
        "A staging host has DEBUG off too, so with auto it is indexed.",
        "https://next-dj.readthedocs.io/en/latest/",
        {
            "auto": "let in when DEBUG is off",
            "yes": "let in",
            "no": "kept out, for a staging host",
        },
    ),
}


__all__ = ["DATA", "SIZING"]
