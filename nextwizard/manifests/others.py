"""What services, scalers, budgets and policies say of the pods they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .nodes import at, listed, seconds, word
from .pods import find, ports, selected


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .pods import Pod


def _service(
    document: object, _documents: Sequence[object], pods: Sequence[Pod]
) -> Iterator[str]:
    chosen = selected(at(document, "spec", "selector"), pods)
    if not chosen:
        yield "its selector is for no pod"
    known = {name for pod in chosen for c in pod.containers for name in ports(c)}
    for port in listed(at(document, "spec", "ports")):
        target = word(at(port, "targetPort")) or word(at(port, "port"))
        if chosen and target not in known:
            yield f"its pods have no port {target}"
    if any(at(pod.owner, "kind") == "Job" for pod in chosen):
        yield "sends requests to the pods of a job"


def _scaler(
    document: object, documents: Sequence[object], _pods: Sequence[Pod]
) -> Iterator[str]:
    reference = at(document, "spec", "scaleTargetRef")
    target = find(documents, word(at(reference, "kind")), word(at(reference, "name")))
    if target is None:
        yield "scales what is not there"
    elif at(target, "spec", "replicas") is not None:
        yield "an apply sets the replicas back: the Deployment must not say them"
    least = seconds(at(document, "spec", "minReplicas"))
    if seconds(at(document, "spec", "maxReplicas")) < max(1, least):
        yield "maxReplicas is below minReplicas"


def _budget(
    document: object, _documents: Sequence[object], pods: Sequence[Pod]
) -> Iterator[str]:
    chosen = selected(at(document, "spec", "selector", "matchLabels"), pods)
    if not chosen:
        yield "its selector is for no pod"
    alone = [at(pod.owner, "spec", "replicas") == 1 for pod in chosen]
    if at(document, "spec", "minAvailable") == 1 and any(alone):
        yield "the only pod may never go, so no node can be drained"


def _policy(
    document: object, _documents: Sequence[object], pods: Sequence[Pod]
) -> Iterator[str]:
    chosen = selected(at(document, "spec", "podSelector", "matchLabels"), pods)
    if not chosen:
        yield "its selector is for no pod"
    open_ports = {
        word(at(port, "port"))
        for rule in listed(at(document, "spec", "ingress"))
        for port in listed(at(rule, "ports"))
    }
    for pod in chosen:
        needed = {
            word(at(port, "containerPort"))
            for container in pod.containers
            for port in listed(at(container, "ports"))
        }
        if needed - open_ports:
            yield f"nobody reaches port {', '.join(sorted(needed - open_ports))}"
    names = {
        (word(at(port, "protocol")), word(at(port, "port")))
        for rule in listed(at(document, "spec", "egress"))
        for port in listed(at(rule, "ports"))
    }
    yield from (
        f"names cannot be looked up over {protocol}"
        for protocol in ("UDP", "TCP")
        if (protocol, "53") not in names
    )


def _secret(
    _document: object, _documents: Sequence[object], _pods: Sequence[Pod]
) -> Iterator[str]:
    yield "a secret in git"


CHECKS = {
    "Service": _service,
    "HorizontalPodAutoscaler": _scaler,
    "PodDisruptionBudget": _budget,
    "NetworkPolicy": _policy,
    "Secret": _secret,
}
"""What looks at a document, by its kind."""


__all__ = ["CHECKS"]
