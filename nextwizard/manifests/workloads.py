"""What must agree between the manifests of a cluster."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .nodes import at, flag, listed, mapped, seconds, word
from .others import CHECKS
from .pods import Pod, matches, named, ports
from .routes import routes


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_PODS = {"Deployment", "Job", "StatefulSet", "DaemonSet"}
_QUANTITY = re.compile(r"\d+(?:\.\d+)?(?:m|k|[KMGT]i?)?")
"""An amount of CPU or memory, as far as anybody writes one; no schema here holds it."""
_TMP = "/tmp"  # noqa: S108 - a path in a container


def cluster(
    documents: Sequence[object], *, hosts: Sequence[str], graceful: int = 25
) -> list[str]:
    """Return what does not fit together in one overlay, as kustomize puts it out.

    `hosts` are the names Django answers to where no ConfigMap says others, `graceful`
    the seconds in which the server ends its requests at a stop.
    """
    pods = [
        Pod(document, at(document, "spec", "template"), documents)
        for document in documents
        if at(document, "kind") in _PODS
    ]
    found: list[str] = []
    for pod in pods:
        said = (*_safe(pod), *_references(pod), *_probes(pod, hosts))
        found += [f"{pod.name}: {text}" for text in said]
        if at(pod.owner, "kind") == "Deployment":
            found += [f"{pod.name}: {text}" for text in _ending(pod, graceful)]
    for document in documents:
        check = CHECKS.get(word(at(document, "kind")))
        if check is not None:
            texts = check(document, documents, pods)
            found += [f"{named(document)}: {text}" for text in texts]
    spaces = {word(at(d, "metadata", "namespace")) for d in documents} - {""}
    found += routes(documents)
    if len(spaces) > 1:
        found.append(f"more than one namespace: {', '.join(sorted(spaces))}")
    return found


def _safe(pod: Pod) -> Iterator[str]:
    """Hold a pod against the restricted standard, and against a full /tmp."""
    spec = at(pod.template, "spec")
    context = at(spec, "securityContext")
    if not flag(at(context, "runAsNonRoot")) or at(context, "runAsUser") in {None, 0}:
        yield "may run as root"
    if at(context, "seccompProfile", "type") != "RuntimeDefault":
        yield "has no seccomp profile"
    for container in pod.containers:
        yield from _fenced(container)
        resources = at(container, "resources")
        for kind in ("requests", "limits"):
            for name, value in mapped(at(resources, kind)).items():
                if not _QUANTITY.fullmatch(word(value)):
                    yield f"{word(value)} is no quantity of {name}"
        if at(resources, "requests", "memory") is None:
            yield "asks for no memory"
        elif at(resources, "limits", "memory") is None:
            yield "has no limit of memory"


def _fenced(container: object) -> Iterator[str]:
    """Hold one container against what it must not be able to do."""
    own = at(container, "securityContext")
    if at(own, "allowPrivilegeEscalation") is not False:
        yield "may gain privileges"
    if "ALL" not in listed(at(own, "capabilities", "drop")):
        yield "keeps capabilities"
    if at(own, "runAsUser") == 0 or flag(at(own, "privileged")):
        yield "runs as root"
    if not flag(at(own, "readOnlyRootFilesystem")):
        yield "can change its own image"
    mounts = listed(at(container, "volumeMounts"))
    if _TMP not in {word(at(mount, "mountPath")) for mount in mounts}:
        yield "has no /tmp that it can write"


def _references(pod: Pod) -> Iterator[str]:
    """Look up every name that a pod speaks of."""
    spec = at(pod.template, "spec")
    volumes = {word(at(v, "name")): v for v in listed(at(spec, "volumes"))}
    for name, volume in volumes.items():
        claim = word(at(volume, "persistentVolumeClaim", "claimName"))
        if claim and pod.there("PersistentVolumeClaim", claim) is None:
            yield f"volume {name}: there is no claim {claim}"
    account = word(at(spec, "serviceAccountName"))
    if account and pod.there("ServiceAccount", account) is None:
        yield f"there is no service account {account}"
    for container in pod.containers:
        for mount in listed(at(container, "volumeMounts")):
            if word(at(mount, "name")) not in volumes:
                yield f"there is no volume {word(at(mount, 'name'))}"
        for source in listed(at(container, "envFrom")):
            name = word(at(source, "configMapRef", "name"))
            if name and pod.there("ConfigMap", name) is None:
                yield f"there is no config map {name}"


def _probes(pod: Pod, hosts: Sequence[str]) -> Iterator[str]:
    """Hold the probes against the ports and against the names Django answers to."""
    for container in listed(at(pod.template, "spec", "containers")):
        answered = _answered(pod, container, hosts)
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            ask = at(container, kind, "httpGet")
            if ask is None:
                if at(pod.owner, "kind") == "Deployment":
                    yield f"{kind} is missing"
                continue
            said = {
                word(at(h, "name")).lower(): word(at(h, "value"))
                for h in listed(at(ask, "httpHeaders"))
            }
            if said.get("host") not in answered:
                host = said.get("host", "nothing")
                yield f"{kind} asks for {host}, and Django answers 400"
            if said.get("x-forwarded-proto") != "https":
                yield f"{kind} does not say https, and is redirected"
            if word(at(ask, "port")) not in ports(container):
                yield f"{kind}: there is no port {word(at(ask, 'port'))}"


def _answered(pod: Pod, container: object, hosts: Sequence[str]) -> set[str]:
    for source in listed(at(container, "envFrom")):
        config = pod.there("ConfigMap", word(at(source, "configMapRef", "name")))
        names = word(at(config, "data", "ALLOWED_HOSTS"))
        if names:
            return {name.strip() for name in names.split(",")}
    return set(hosts)


def _ending(pod: Pod, graceful: int) -> Iterator[str]:
    """Hold the time to stop against what happens in it, and the way of a rollout."""
    spec = at(pod.template, "spec")
    leave = 0
    for container in listed(at(spec, "containers")):
        before = at(container, "lifecycle", "preStop")
        leave = max(leave, seconds(at(before, "sleep", "seconds")))
    grace = seconds(at(spec, "terminationGracePeriodSeconds"))
    if not leave:
        yield "no preStop: requests still come after the signal to stop"
    if grace <= leave + graceful:
        yield f"{grace} s to stop are not over {leave} s and {graceful} s of draining"
    owner = at(pod.owner, "spec")
    rolling = at(owner, "strategy", "rollingUpdate", "maxUnavailable")
    if at(owner, "strategy", "type") != "Recreate" and rolling != 0:
        yield "a rollout takes pods away before new ones are there"
    labels = at(pod.template, "metadata", "labels")
    if not matches(at(owner, "selector", "matchLabels"), labels):
        yield "its selector is not for its own pods"


__all__ = ["cluster"]
