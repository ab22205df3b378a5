"""The manifests of a cluster, as kustomize puts them together for each overlay."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from nextwizard import manifests
from nextwizard.tools import run
from nextwizard.values import Evidence

from .checker import MISSING, Said
from .proxies import SECONDS


if TYPE_CHECKING:
    from collections.abc import Iterator

    from .subject import Subject


BASE = "deploy/kubernetes/base"
OVERLAYS = ("production", "staging")
RELEASES = ("1.30", "1.37")
"""The oldest release that has all that the manifests say, and the newest there is."""
WITHOUT_SCHEMA = ("Gateway", "HTTPRoute")
"""Kinds that a cluster learns from its gateway, so that no release has a schema."""


def overlays(subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield the path of each overlay that is there, and where its output lies."""
    for name in OVERLAYS:
        path = f"deploy/kubernetes/overlays/{name}"
        if subject.exists(f"{path}/kustomization.yaml"):
            yield path, subject.stage.place("kubernetes", f"{name}.yaml")


def kustomize(subject: Subject) -> Said:
    """Put each overlay together, and hold its documents against each other."""
    tool = subject.program("kubectl")
    if not tool:
        return MISSING
    found = list(overlays(subject))
    if not found:
        return Said("skipped", "no overlay is there: you deleted them")
    hosts = subject.stage.items("edge.domains")
    graceful = subject.stage.number("timing.graceful")
    for path, place in found:
        folder = os.path.join(subject.root, path)
        done = run([tool, "kustomize", folder], timeout=SECONDS)
        if done.code:
            detail = subject.back(done.err.strip())
            return Said("failed", detail, (Evidence(f"{path}/kustomization.yaml"),))
        with open(place, "w", encoding="utf-8") as file:
            file.write(done.out)
        # No server is asked: this only reads the types and writes JSON.
        argv = [tool, "annotate", "--local", "-f", place, "checked=yes", "-o", "json"]
        read = run(argv, timeout=SECONDS)
        if read.code:
            return Said("failed", read.err.strip(), (Evidence(path),))
        documents = list(_documents(read.out))
        wrong = manifests.cluster(documents, hosts=hosts, graceful=graceful)
        if wrong:
            places = (_place(subject, text) for text in wrong)
            return Said("failed", "\n".join(wrong), tuple(dict.fromkeys(places)))
    return Said("ok", f"{len(found)} overlays")


def _documents(text: str) -> Iterator[object]:
    """Yield the JSON documents that stand one after another."""
    decoder = json.JSONDecoder()
    at = 0
    while at < len(text.rstrip()):
        document, end = decoder.raw_decode(text, at)
        yield document
        at = end + len(text[end:]) - len(text[end:].lstrip())


def _place(subject: Subject, words: str) -> Evidence:
    """Return the manifest that a message is about."""
    kind = words.partition(" ")[0]
    for path in subject.listed(BASE, ".yaml"):
        at = subject.line(path, rf'^kind: "?{re.escape(kind)}"?$')
        if at.line:
            return at
    return Evidence(BASE)


def schemas(subject: Subject) -> Said:
    """Hold each overlay against the schemas of the oldest and the newest release."""
    tool = subject.program("kubernetes-validate")
    kubectl = subject.program("kubectl")
    if not (tool and kubectl):
        return MISSING
    for path, place in overlays(subject):
        folder = os.path.join(subject.root, path)
        with open(place, "w", encoding="utf-8") as file:
            file.write(run([kubectl, "kustomize", folder], timeout=SECONDS).out)
        for release in RELEASES:
            done = run([tool, "--strict", "-k", release, place], timeout=SECONDS)
            lines = [line for line in (done.out + done.err).splitlines() if _bad(line)]
            if done.code or lines:
                detail = "\n".join(lines or [done.err.strip()]).replace(place, path)
                return Said("failed", f"{release}: {detail}", (Evidence(path),))
    return Said("ok", f"{RELEASES[0]} and {RELEASES[1]}")


def _bad(line: str) -> bool:
    """Tell whether a line is no praise: a kind without a schema is a mistake too."""
    known = any(f"kind {kind} " in line for kind in WITHOUT_SCHEMA)
    return not line.startswith("INFO") and not known


__all__ = ["kustomize", "overlays", "schemas"]
