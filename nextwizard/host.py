"""What this machine says: cores, memory, and which servers are installed."""

from __future__ import annotations

import contextlib
import os
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from .values import Host


if TYPE_CHECKING:
    from collections.abc import Mapping


_DPKG = "/var/lib/dpkg/status"
_PACKAGES = {"nginx": "nginx", "caddy": "caddy"}
_MIB = 1024 * 1024


@cache
def _machine(path: str) -> Mapping[str, Any]:
    """Return the functions that deploy/boot.py will measure with, from its template.

    One text for both, so that the wizard never promises what the start then denies.
    """
    with open(path, encoding="utf-8") as file:
        code = compile(file.read(), path, "exec")
    names: dict[str, Any] = {"contextlib": contextlib, "os": os, "re": re}
    exec(code, names)  # noqa: S102 - our own template, no value in it
    return names


def inspect(templates: str, root: str = "/") -> Host:
    """Return cores, MiB of memory and versions; `root` stands in for `/` in tests."""
    machine = _machine(os.path.join(templates, "deploy", "_machine.jinja"))
    cpus = float(machine["effective_cpus"](root))
    memory = int(machine["memory_limit"](root))
    status = os.path.join(root, _DPKG.lstrip("/"))
    return Host(max(1, int(cpus)), memory // _MIB or 1024, dict(_packaged(status)))


def _packaged(status: str) -> Mapping[str, str]:
    """Return the proxies' versions as the package database has them.

    It has thousands of rows: in one process it is read again only when it changed.
    """
    try:
        found = os.stat(status)
    except OSError:
        return {}
    return _installed(status, (found.st_mtime_ns, found.st_size, found.st_ino))


@lru_cache(maxsize=1)
def _installed(place: str, _stamp: tuple[int, ...]) -> dict[str, str]:
    """Return the proxies' versions from a package database of this time and size.

    Reading it starts no program. A proxy from elsewhere is not found here; its version
    is then asked for, and `check` runs the real one.
    """
    try:
        with open(place, "rb") as file:
            status = file.read()
    except OSError:
        return {}
    found = {}
    for name, package in _PACKAGES.items():
        at = status.find(
            b"\nPackage: %s\nStatus: install ok installed\n" % package.encode()
        )
        version = re.search(rb"\nVersion: (?:\d+:)?(\d+\.\d+(?:\.\d+)?)", status[at:])
        if at >= 0 and version:
            found[name] = version[1].decode()
    return found


def above(root: str) -> tuple[str, ...]:
    """Return the folders above a project up to the top of its checkout, nearest first.

    Projects of one repository may share what lies there; without one there are none.
    """
    here, found = os.path.realpath(root), list[str]()
    while not os.path.lexists(os.path.join(here, ".git")):
        if here == "/":
            return ()
        here = os.path.dirname(here)
        found.append(here)
    return tuple(found)


def nearest(root: str, path: str) -> str:
    """Return a path as seen from a project: its own, else the one it shares.

    A project that has the first folder of the path has its own.
    """
    top = path.partition("/")[0]
    if os.path.lexists(os.path.join(root, top)):
        return path
    places = (os.path.join(place, path) for place in above(root))
    found = next(filter(os.path.exists, places), "")
    return os.path.relpath(found, os.path.realpath(root)) if found else path


__all__ = ["above", "inspect", "nearest"]
