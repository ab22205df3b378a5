"""The pods of a workload, and finding one document from another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .nodes import at, listed, mapped, word


if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Pod:
    """The pods of one workload, and what else there is."""

    owner: object
    template: object
    others: Sequence[object]

    @property
    def name(self) -> str:
        """Return kind and name, as a message shows them."""
        return named(self.owner)

    @property
    def containers(self) -> list[object]:
        """Return all containers, those that run first among them."""
        spec = at(self.template, "spec")
        return [*listed(at(spec, "initContainers")), *listed(at(spec, "containers"))]

    def there(self, kind: str, name: str) -> object:
        """Return another document by kind and name, None where it is missing."""
        return find(self.others, kind, name)


def named(document: object) -> str:
    """Return kind and name of a document."""
    name = word(at(document, "metadata", "name"))
    return f"{word(at(document, 'kind'))} {name}"


def find(documents: Sequence[object], kind: str, name: str) -> object:
    """Return a document by kind and name, None where it is missing."""
    for document in documents:
        if at(document, "kind") == kind and at(document, "metadata", "name") == name:
            return document
    return None


def ports(container: object) -> set[str]:
    """Return the names and numbers of a container's ports."""
    ports = listed(at(container, "ports"))
    names = {word(at(port, "name")) for port in ports}
    return names | {word(at(port, "containerPort")) for port in ports}


def matches(selector: object, labels: object) -> bool:
    """Tell whether labels are what a selector looks for."""
    wanted, has = mapped(selector), mapped(labels)
    return bool(wanted) and all(has.get(key) == value for key, value in wanted.items())


def selected(selector: object, pods: Sequence[Pod]) -> list[Pod]:
    """Return the pods that a selector looks for."""
    return [
        pod for pod in pods if matches(selector, at(pod.template, "metadata", "labels"))
    ]


__all__ = ["Pod", "find", "matches", "named", "ports", "selected"]
