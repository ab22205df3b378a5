"""Field by field, what an answer may say: an allowlist each, before anything else.

A check returns the value to use and what it had to say about it; it raises ValueError
with the reason in words when the value is refused. Where a value lands is `quoting`'s
business: here only what no grammar could carry, or nobody can mean, is turned away.
"""

from __future__ import annotations

import keyword
import posixpath
import re
import sys
from typing import TYPE_CHECKING, NoReturn

from .names import (
    BARE_DIRECTORIES,
    SHADOWED,
    SYSTEM_DIRECTORIES,
    TAKEN_NAMES,
    bind,
    domain,
    email,
    env_name,
    env_value,
    finding,
    network,
    plain,
    upstream,
    url_path,
)


if TYPE_CHECKING:
    from collections.abc import Callable

    type Check = Callable[[str], tuple[str, tuple[str, ...]]]


MAX_TITLE = 200
MAX_PATH = 200
"""Longest root in characters; PATH_MAX is 4096, but files are named below it."""
MAX_MODULE = 100

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_UNIX = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_HEALTH = re.compile(r"(?:/[A-Za-z0-9][A-Za-z0-9_-]{0,63})+/?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9][A-Za-z0-9_-]{0,63})+")
_VERSION = re.compile(r"[0-9]{1,3}\.[0-9]{1,4}(?:\.[0-9]{1,4})?")
_IMAGE = re.compile(
    r"(?:[a-z0-9]+(?:[.-]+[a-z0-9]+)*(?::[0-9]{1,5})?/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
    r"(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9-]{1,63})*")
_LONE = re.compile(r"\s[{};]|[{};]\s|;$")
"""Marks that end a word in a server's grammar and are no part of a name here."""


def title(value: str) -> tuple[str, tuple[str, ...]]:
    """Free text for people: one line, visible characters, at most 200 of them."""
    plain(value)
    if not value.strip():
        msg = "is empty"
        raise ValueError(msg)
    if len(value) > MAX_TITLE:
        msg = f"is longer than {MAX_TITLE} characters"
        raise ValueError(msg)
    if value != value.strip():
        return value.strip(), ("is used without the blanks around it",)
    return value, ()


def name(value: str) -> tuple[str, tuple[str, ...]]:
    """Name a unit, socket, upstream and file: lower case ASCII, at most 32."""
    if not _NAME.fullmatch(value) or len(value) > 32:  # noqa: PLR2004 - see docstring
        msg = "takes lower case letters, digits and single hyphens, at most 32"
        raise ValueError(msg)
    if value in TAKEN_NAMES:
        msg = "already means something else on a host"
        raise ValueError(msg)
    return value, ()


def unix_name(value: str) -> tuple[str, tuple[str, ...]]:
    """Name an unprivileged account or group, as useradd accepts it."""
    if not _UNIX.fullmatch(value):
        msg = "is no account name (lower case, digits, - and _, at most 32)"
        raise ValueError(msg)
    if value == "root":
        msg = "must not be the superuser"
        raise ValueError(msg)
    return value, ()


def package(value: str) -> tuple[str, tuple[str, ...]]:
    """Name a Python package by its dotted path."""
    parts = value.split(".")
    if len(value) > MAX_MODULE or not all(
        part.isascii() and part.isidentifier() and not keyword.iskeyword(part)
        for part in parts
    ):
        msg = "is no dotted Python name"
        raise ValueError(msg)
    if parts[0] in sys.stdlib_module_names or parts[0] in SHADOWED:
        return value, (f"shadows the module {parts[0]!r} that Python already has",)
    return value, ()


def directory(value: str) -> tuple[str, tuple[str, ...]]:
    """Name the checkout on the host: absolute, normalised, not a system directory."""
    path, said = file_path(value)
    if path in BARE_DIRECTORIES or any(
        path == system or path.startswith(system + "/") for system in SYSTEM_DIRECTORIES
    ):
        msg = "is a directory of the system, not a place for a checkout"
        raise ValueError(msg)
    if path == "/root" or path.startswith("/root/"):
        msg = "lies below /root (mode 0700), where no unprivileged service can start"
        raise ValueError(msg)
    if path.startswith(("/tmp/", "/var/tmp/")):  # noqa: S108 - read, not used
        said = (*said, "lies in a directory that the system empties")
    return path, said


def file_path(value: str) -> tuple[str, tuple[str, ...]]:
    """Name a file or directory on the host: absolute and normalised.

    `$` has no escape in an nginx path, a backslash none in a unit, and a colon splits
    systemd's BindReadOnlyPaths, so the three are refused rather than escaped. What one
    server alone cannot carry is refused with that server, by `decide`.
    """
    plain(value)
    for char, reason in (("$", "nginx expands it"), ("\\", "it starts an escape")):
        if char in value:
            msg = f"holds {char!r} ({reason}, and no escape exists)"
            raise ValueError(msg)
    if ":" in value or _LONE.search(value):
        msg = (
            "holds ':', or a lone ';' or brace, which end a word in a server's grammar"
        )
        raise ValueError(msg)
    path = value.removesuffix("/") if len(value) > 1 else value
    if not path.startswith("/") or posixpath.normpath(path) != path:
        msg = "is not an absolute, normalised path"
        raise ValueError(msg)
    if path.startswith("//") or path != path.strip() or "/ " in path or " /" in path:
        msg = "starts or ends a name with a blank or a double slash"
        raise ValueError(msg)
    if len(path) > MAX_PATH:
        msg = f"is longer than {MAX_PATH} characters"
        raise ValueError(msg)
    return path, () if path == value else (f"is used as {path}",)


def relative_path(value: str) -> tuple[str, tuple[str, ...]]:
    """Name a directory below the project's root, POSIX style."""
    plain(value)
    clean = value.rstrip("/")
    if (
        not clean
        or clean.startswith(("/", "~", "-", "."))
        or posixpath.normpath(clean) != clean
        or any(char in value for char in "$\\:;")
    ):
        msg = "is no directory below the project's root"
        raise ValueError(msg)
    return clean, ()


def health_path(value: str) -> tuple[str, tuple[str, ...]]:
    """Name the liveness URL: plain segments, ending in a slash."""
    if not _HEALTH.fullmatch(value):
        msg = "is no plain path such as /healthz/"
        raise ValueError(msg)
    if value.split("/")[1] in {"static", "media", "_next", "readyz", "admin"}:
        msg = f"lies below /{value.split('/')[1]}/, which serves something else"
        raise ValueError(msg)
    if value.endswith("/"):
        return value, ()
    return f"{value}/", (f"is used as {value}/",)


def path_prefix(value: str) -> tuple[str, tuple[str, ...]]:
    """Name the path below which the project lives, or nothing."""
    clean = value.removesuffix("/")
    if clean and not _PREFIX.fullmatch(clean):
        msg = "is no plain path such as /sub"
        raise ValueError(msg)
    return clean, () if clean == value else (f'is used as "{clean}"',)


def image(value: str) -> tuple[str, tuple[str, ...]]:
    """Name a container image without its tag: registry, path, name."""
    if not _IMAGE.fullmatch(value) or len(value) > MAX_PATH:
        msg = "is no image name without a tag, such as registry.example.com/notes"
        raise ValueError(msg)
    return value, ()


def cluster_class(value: str) -> tuple[str, tuple[str, ...]]:
    """Name an IngressClass or GatewayClass, as the cluster lists it."""
    if not _LABEL.fullmatch(value):
        msg = "is no name of a class in a cluster"
        raise ValueError(msg)
    return value, ()


def version(value: str) -> tuple[str, tuple[str, ...]]:
    """Give a release number such as 1.22 or 2.11.7."""
    if not _VERSION.fullmatch(value):
        msg = "is no release number such as 1.22"
        raise ValueError(msg)
    return value, ()


CHECKS: dict[str, Check] = {
    "bind": bind,
    "cluster_class": cluster_class,
    "directory": directory,
    "domain": domain,
    "email": email,
    "env_name": env_name,
    "env_value": env_value,
    "file_path": file_path,
    "finding": finding,
    "health_path": health_path,
    "image": image,
    "name": name,
    "network": network,
    "package": package,
    "path_prefix": path_prefix,
    "relative_path": relative_path,
    "title": title,
    "unix_name": unix_name,
    "upstream": upstream,
    "url_path": url_path,
    "version": version,
}
"""Every check by the name QUESTIONS uses."""


def refuse_type(wanted: str, hint: str = "") -> NoReturn:
    """Raise the ValueError of a value of another kind."""
    msg = f"takes {wanted}. {hint}".rstrip()
    raise ValueError(msg)


def whole(raw: object, low: int, high: int) -> int:
    """Return a whole number within its range; a flag is none."""
    if not isinstance(raw, int) or isinstance(raw, bool):
        refuse_type("a whole number")
    if not low <= raw <= high:
        msg = f"is not between {low} and {high}"
        raise ValueError(msg)
    return raw


def text(grammar: str, raw: object, said: list[str]) -> str:
    """Return text that its grammar allows, adding what it had to say to `said`."""
    if grammar == "bind" and type(raw) is int:
        raw = str(raw)
    if not isinstance(raw, str):
        refuse_type("text in quotes")
    value, words = CHECKS[grammar](raw)
    said.extend(words)
    return value


HINTS: dict[str, str] = {
    "bind": 'Write "unix", or an address and port such as "127.0.0.1:8000".',
    "cluster_class": "`kubectl get gatewayclass,ingressclass` lists them.",
    "directory": 'Write the place of the checkout on the host, such as "/srv/notes".',
    "domain": "Write it as it stands in a browser's address bar.",
    "email": 'Write a mailbox such as "ops@example.com", or "".',
    "env_value": "Write one line of text in quotes.",
    "file_path": 'Write an absolute path such as "/etc/ssl/notes/fullchain.pem".',
    "finding": "`nextwizard check` prints the ids.",
    "health_path": 'Write a path such as "/healthz/".',
    "image": 'Write the name without a tag, such as "registry.example.com/notes".',
    "name": 'Write a short name such as "notes"; units and sockets carry it.',
    "network": 'Write a network such as "10.0.0.0/8".',
    "package": "Write the package that holds settings and urls, such as config.",
    "path_prefix": 'Write a path such as "/sub", or "".',
    "relative_path": 'Write a directory of the project, such as "notes/pages".',
    "title": "Write the project's name for people, on one line.",
    "unix_name": 'Write an unprivileged account such as "notes".',
    "upstream": 'Write an address and port such as "10.0.0.11:8000".',
    "url_path": 'Write a path such as "/live/".',
    "version": 'Write a release in quotes, such as "1.22".',
}
"""What to write instead, by the name of the check that refused."""


__all__ = ["CHECKS", "HINTS", "refuse_type", "text", "whole"]
