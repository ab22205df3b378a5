"""What a plan comes to, in one line and in numbers with the sum behind each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .entry import written


if TYPE_CHECKING:
    from .values import Plan


@dataclass(frozen=True, slots=True)
class Number:
    """One line of the sizing: what it is, how much, and the sum behind it."""

    name: str
    value: str
    formula: str


def summary(plan: Plan) -> str:
    """Return the plan in one line, its parts apart by a dot."""
    keys = plan.decisions
    parts = [
        written(plan["server.interface"]).upper(),
        f"{plan['server.kind']}, {_count(plan, 'sizing.planned', 'worker')}",
        str(plan["hosting.target"]),
        f"{plan['proxy.kind']} {plan['proxy.version']}"
        if plan["proxy.kind"] != "none"
        else "no proxy of ours",
        f"TLS {plan['tls.kind']}",
        str(plan["data.engine"]) if "data.engine" in keys else "",
        f"CSP {plan['csp.mode']}" if "csp.mode" in keys else "",
    ]
    return " · ".join(part for part in parts if part)


def _count(plan: Plan, key: str, noun: str) -> str:
    number = plan[key]
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _number(plan: Plan, key: str) -> int:
    value = plan[key]
    return value if isinstance(value, int) else 0


def numbers(plan: Plan) -> tuple[Number, ...]:
    """Return what the machine is made to hold, each number with the sum behind it."""
    workers = _number(plan, "sizing.planned")
    threads = _number(plan, "sizing.planned_threads")
    base, each = _number(plan, "sizing.base_mb"), _number(plan, "sizing.worker_mb")
    loop = plan["server.interface"] == "asgi"
    streams = _number(plan, "sizing.streams")
    budget = written(plan["data.sum"]) if "data.sum" in plan.decisions else ""
    return (
        Number("Workers", str(workers), plan.decisions["sizing.sum"].reason),
        Number(
            "Threads",
            "1 event loop each" if loop else f"{threads} each",
            plan.decisions["sizing.planned_threads"].reason,
        ),
        Number(
            "Requests at once",
            "as many as wait" if loop else str(workers * threads),
            "a loop waits for all of them"
            if loop
            else f"{workers} workers x {threads} threads",
        ),
        Number(
            "Open streams",
            "thousands" if loop else str(streams) if streams else "none",
            "a stream costs a loop some memory, no thread"
            if loop
            else "a sync stream holds a thread",
        ),
        Number(
            "Memory",
            f"{plan['sizing.planned_mb']} of {plan['sizing.memory_mb']} MiB",
            f"{base} + {workers} x {each} MiB, measured under load",
        ),
        Number(
            "Database",
            budget.partition(" = ")[2] or "not counted",
            budget.partition(" = ")[0] or f"the engine is {plan['data.engine']}",
        ),
    )


__all__ = ["Number", "numbers", "summary"]
