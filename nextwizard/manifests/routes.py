"""What must agree between the ways into a cluster and what they lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .nodes import at, listed, mapped, seconds, word


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_KEYS = {
    "backendRefs",
    "filters",
    "matches",
    "name",
    "retry",
    "sessionPersistence",
    "timeouts",
}
"""What a rule of an HTTPRoute may say; no schema here refuses anything else."""


def routes(documents: Sequence[object]) -> list[str]:
    """Return what is wrong with Ingress, Gateway and HTTPRoute."""
    found: list[str] = []
    for document in documents:
        kind = word(at(document, "kind"))
        check = {"Ingress": _ingress, "HTTPRoute": _route, "Gateway": _gateway}
        if kind in check:
            name = f"{kind} {word(at(document, 'metadata', 'name'))}"
            found += [f"{name}: {text}" for text in check[kind](document, documents)]
    return found


def _of(documents: Sequence[object], kind: str, name: str) -> object:
    for document in documents:
        if at(document, "kind") == kind and at(document, "metadata", "name") == name:
            return document
    return None


def _backend(documents: Sequence[object], name: str, port: str) -> Iterator[str]:
    service = _of(documents, "Service", name)
    if service is None:
        yield f"there is no service {name}"
        return
    ports = listed(at(service, "spec", "ports"))
    known = {word(at(p, key)) for p in ports for key in ("name", "port")}
    if port not in known:
        yield f"service {name} has no port {port}"


def _ingress(document: object, documents: Sequence[object]) -> Iterator[str]:
    spec = at(document, "spec")
    hosts = {word(at(rule, "host")) for rule in listed(at(spec, "rules"))}
    for rule in listed(at(spec, "rules")):
        for path in listed(at(rule, "http", "paths")):
            service = at(path, "backend", "service")
            port = at(service, "port", "name") or at(service, "port", "number")
            yield from _backend(documents, word(at(service, "name")), word(port))
    covered = {
        word(host)
        for entry in listed(at(spec, "tls"))
        for host in listed(at(entry, "hosts"))
    }
    if covered and hosts - covered:
        yield f"no certificate covers {', '.join(sorted(hosts - covered))}"
    if not word(at(spec, "ingressClassName")):
        yield "names no class"


def _gateway(document: object, _documents: Sequence[object]) -> Iterator[str]:
    names: set[str] = set()
    for listener in listed(at(document, "spec", "listeners")):
        name = word(at(listener, "name"))
        if name in names:
            yield f"two listeners are called {name}"
        names.add(name)
        certificates = listed(at(listener, "tls", "certificateRefs"))
        if at(listener, "protocol") == "HTTPS" and not certificates:
            yield f"listener {name} has no certificate"
    if not word(at(document, "spec", "gatewayClassName")):
        yield "names no class"


def _route(document: object, documents: Sequence[object]) -> Iterator[str]:
    spec = at(document, "spec")
    hosts = {word(host) for host in listed(at(spec, "hostnames"))}
    for parent in listed(at(spec, "parentRefs")):
        yield from _parent(parent, hosts, documents)
    for rule in listed(at(spec, "rules")):
        for key in mapped(rule).keys() - _KEYS:
            yield f"a rule cannot say {key}"
        for backend in listed(at(rule, "backendRefs")):
            name, port = word(at(backend, "name")), word(at(backend, "port"))
            yield from _backend(documents, name, port)
        whole = seconds(at(rule, "timeouts", "request"))
        part = seconds(at(rule, "timeouts", "backendRequest"))
        if whole and (part > whole or not part):
            yield "backendRequest is longer than request"


def _parent(
    parent: object, hosts: set[str], documents: Sequence[object]
) -> Iterator[str]:
    gateway = _of(documents, "Gateway", word(at(parent, "name")))
    if gateway is None:
        yield f"there is no gateway {word(at(parent, 'name'))}"
        return
    section = word(at(parent, "sectionName"))
    listeners = {
        word(at(listener, "name")): listener
        for listener in listed(at(gateway, "spec", "listeners"))
    }
    if section and section not in listeners:
        yield f"its gateway has no listener {section}"
        return
    name = word(at(listeners.get(section), "hostname"))
    if name and name not in hosts:
        yield f"listener {section} is for {name}, and no name of this route is"


__all__ = ["routes"]
