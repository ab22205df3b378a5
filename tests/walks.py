"""Sessions for the tests of the front ends, on a machine that is always the same."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from nextwizard.session import Session, preview, start
from nextwizard.values import Host
from nextwizard.workflow import inspect


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nextwizard.document import Layer


HOST = Host(cores=2, memory_mb=2048, versions={"nginx": "1.22.1", "caddy": "2.6.2"})


def opened(root: Path, layers: Sequence[Layer] = (), host: Host = HOST) -> Session:
    """Return a session at its first step, with its first proposal."""
    return preview(start(inspect(str(root), host), layers))


def begun(root: Path) -> Session:
    """Return a session that has no proposal yet, as a front end gets it."""
    return start(inspect(str(root), HOST))


def fingerprint(root: Path) -> dict[str, str]:
    """Return every path below a root with its mode and a digest of its bytes."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[name] = f"{path.lstat().st_mode:o} {digest}"
    return found


def without(found: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return a tree without what is different in every run: the secret, the lock."""
    odd = (".nextwizard/run/", "deploy/notes.env")
    return {
        path: data
        for path, data in found.items()
        if not path.startswith(odd) or path.endswith(".example")
    }


__all__ = ["HOST", "begun", "fingerprint", "opened", "without"]
