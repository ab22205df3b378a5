"""How many pods there are, how they come and go, and the way in to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextwizard import rules
from nextwizard.decide.containers import PORTS


if TYPE_CHECKING:
    from nextwizard.decide import Ledger
    from nextwizard.values import Value


_BUSY_PERCENT = 70
_CPU_MILLI = 500
_LOCAL_STATE = ("broker.local", "router.reload", "wizard.cache")


def scaling(ledger: Ledger) -> None:
    """Decide how many pods there may be, before their connections are counted."""
    local = [s for s in ledger.project.of_kind(*_LOCAL_STATE) if _counts(ledger, s)]
    alone = bool(local) or ledger["data.database"] == "sqlite"
    why = f"{local[0].evidence} keeps state in one process" if local else ""
    why = why or "a SQLite file has one writer" if alone else "the CPU decides"
    most = max(4, ledger.number("sizing.cores"))
    rows: dict[str, Value] = {
        "kube.scaled": not alone,
        "kube.replicas": 1 if alone else 2,
        "kube.replicas_max": 1 if alone else most,
        "kube.recreate": ledger["data.database"] == "sqlite",
        "kube.busy_percent": _BUSY_PERCENT,
        "kube.cpu": f"{_CPU_MILLI}m",
    }
    link = "https://kubernetes.io/docs/concepts/workloads/autoscaling/"
    ledger.table(rows, why, "sizing.cores", link)


def _counts(ledger: Ledger, signal: object) -> bool:
    return getattr(signal, "kind", "") not in ledger.items("checks.ignore")


def fitted(ledger: Ledger, each: int, free: int, what: str) -> None:
    """Hold the connections of all pods against what the database server allows.

    A rolling update adds one pod, so one more than the most is counted.
    """
    least, most = ledger.number("kube.replicas"), ledger.number("kube.replicas_max")
    fits = max(least, min(most, free // each - 1))
    if fits < most:
        reason = f"{free} connections of the database hold {fits} pods and one more"
        ledger.decide("kube.replicas_max", fits, reason, "data.max_connections")
    words = (
        f"{fits} pods x {each} {what} = {fits * each} connections "
        f"({(fits + 1) * each} during a rollout) of {free}"
    )
    ledger.decide("data.sum", words, "a rollout adds a pod", "data.max_connections")
    if (fits + 1) * each > free:
        ledger.refuse(
            "data.max_connections, hosting.target",
            f"{words}: the database server would refuse some",
            "Run fewer workers a pod, or raise max_connections there and here.",
        )


def cluster(ledger: Ledger) -> None:
    """Decide names, times and the way in of a cluster."""
    name = ledger.text("project.name").replace("_", "-")
    canonical = ledger.text("edge.canonical")
    names: dict[str, Value] = {
        "kube.name": name,
        "kube.secret": f"{name}-env",
        "kube.config": f"{name}-config",
        "kube.tls": f"{name}-tls",
        "kube.migrate": f"{name}-migrate",
        "kube.redirect": f"{name}-redirect",
        "kube.canonical_route": f"{name}-canonical",
        "kube.edge": f"{name}-edge",
        "kube.staging_namespace": f"{name}-staging",
        "kube.stream": str(ledger["timing.stream"]),
    }
    ledger.table(names, "after the project; a DNS label takes no underscore", "rules")
    ledger.follow("kube.route", "hosting.route")
    ledger.follow("kube.class", "hosting.route_class")
    staging = f"staging.{canonical}"
    ledger.decide("kube.staging", staging, "beside the domain", "hosting.domains")
    origin = f"https://{staging}"
    ledger.decide("kube.staging_url", origin, "beside the domain", "hosting.domains")
    leave, graceful = rules.LEAVE_S, ledger.number("timing.graceful")
    ledger.decide(
        "kube.leave",
        leave,
        "seconds in which every node learns that the pod is going",
        "rules",
        f"{rules.KUBERNETES}/workloads/pods/pod-lifecycle/#pod-termination",
    )
    ledger.decide(
        "kube.grace",
        leave + graceful + 10,
        f"over {leave} s of leaving and {graceful} s of draining, or the kernel kills",
        "timing.graceful",
        f"{rules.KUBERNETES}/workloads/pods/pod-lifecycle/#pod-termination",
    )
    ledger.decide(
        "kube.workers",
        str(ledger["sizing.planned"]),
        "without a CPU limit a pod sees every core of its node; pods are what scales",
        "sizing.sum",
    )
    port = PORTS.get(ledger.text("data.engine"), 0)
    ledger.decide("kube.database_port", port, "its usual port", "data.engine")
    ledger.decide("kube.redis", ledger["data.cache"] == "redis", "answered", "data")
    volume = ledger.flag("container.media") or ledger["data.database"] == "sqlite"
    ledger.decide("kube.volume", volume, "outlives a pod", "data.database")
    access = "ReadWriteMany" if ledger.flag("kube.scaled") else "ReadWriteOnce"
    ledger.decide("kube.access", access, "as many as there are pods", "rules")
    _refusals(ledger)


def _refusals(ledger: Ledger) -> None:
    """Refuse and warn about what a cluster cannot do."""
    if ledger.flag("edge.strip"):
        ledger.refuse(
            "hosting.path_prefix, hosting.server",
            f"{ledger['server.kind']} needs the prefix cut off, and no proxy of ours "
            "stands in front of a pod",
            'Answer hosting.server with "gunicorn".',
        )
    if ledger.flag("media.on"):
        ledger.warn(
            "kube.media",
            "files of visitors need a volume that every pod can write, and something "
            "that serves them",
            fix="Keep them in an object store, such as by django-storages.",
        )


__all__ = ["cluster", "fitted", "scaling"]
