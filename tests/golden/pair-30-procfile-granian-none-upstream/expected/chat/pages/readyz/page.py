"""Readiness: the database, the migrations and the cache, each by name.

Made by nextwizard; an edit here survives `nextwizard regenerate`. It answers 503 while
one of them fails, so a balancer holds traffic back; nothing should restart over it.
"""

from django.core.cache import caches
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse


_current: list[bool] = []


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _migrations() -> None:
    if _current:
        return
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        message = "pending"
        raise RuntimeError(message)
    _current.append(True)


def _cache() -> None:
    caches["default"].set("readyz", "probe", 10)
    if caches["default"].get("readyz") != "probe":
        message = "lost the probe key"
        raise RuntimeError(message)


def _checks() -> dict[str, str]:
    """Return each check's outcome; migrations wait for a database that answers."""
    found: dict[str, str] = {}
    for name, check in (
        ("database", _database),
        ("migrations", _migrations),
        ("cache", _cache),
    ):
        if name == "migrations" and found["database"] != "ok":
            continue
        try:
            check()
        except Exception as error:  # noqa: BLE001 - any failure means not ready
            found[name] = type(error).__name__
        else:
            found[name] = "ok"
    return found


def render(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """Answer 200 when everything this process needs is there, else 503."""
    checks = _checks()
    status = 200 if set(checks.values()) == {"ok"} else 503
    return JsonResponse(checks, status=status, headers={"Cache-Control": "no-store"})
