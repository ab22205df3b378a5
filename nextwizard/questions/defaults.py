"""What each question's answer is while nobody has said otherwise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from nextwizard.names import SYSTEM_ACCOUNTS, TAKEN_NAMES
from nextwizard.values import Fact


if TYPE_CHECKING:
    from collections.abc import Callable

    from nextwizard.values import Host, Project, Value


class Known(Protocol):
    """What a default may look at: the project, the host and the answers above it."""

    @property
    def project(self) -> Project:
        """The facts read from the project."""
        ...

    @property
    def host(self) -> Host:
        """The facts read from the machine."""
        ...

    def text(self, key: str) -> str:
        """Return an answer above this one as text."""
        ...


type Default = Callable[[Known], Fact]

_IMAGES = {"nginx": "1.30", "caddy": "2.11"}
"""The stable release of each proxy's official image."""


def always(value: Value, reason: str = "") -> Default:
    """Return a default that is the same for everyone."""
    return lambda _known: Fact(value, (), reason)


def detected(key: str, fallback: Value) -> Default:
    """Return a default that the code decides, or else the fallback."""
    return lambda known: known.project.detected.get(key, Fact(fallback))


def normalised(text: str) -> str:
    """Return the service name a directory's name suggests; `app` when it has none."""
    if not text.isascii():
        import unicodedata

        text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", text.lower())
    name = "-".join(words).lstrip("0123456789-")[:32].rstrip("-") or "app"
    return f"{name[:28]}-app" if name in TAKEN_NAMES else name


def name(known: Known) -> Fact:
    """Return the service name: the directory's."""
    directory = known.project.root.rstrip("/").rpartition("/")[2]
    return Fact(normalised(directory), (), "the directory's name")


def title(known: Known) -> Fact:
    """Return the name for people."""
    words = known.text("project.name").replace("-", " ").replace("_", " ")
    return Fact(words.capitalize(), (), "project.name, capitalised")


def proxy(known: Known) -> Fact:
    """Return which proxy is made: a cluster has one of its own."""
    if known.text("hosting.target") == "kubernetes":
        return Fact("none", (), "the cluster's gateway stands in front: hosting.route")
    if known.text("hosting.target") == "procfile":
        return Fact("none", (), "the platform's router stands in front")
    return Fact("nginx", (), "the proxy most hosts already run")


def image(known: Known) -> Fact:
    """Return the image's name, which lies in no registry until one is named."""
    return Fact(known.text("project.name"), (), "project.name, in no registry")


def proxy_version(known: Known) -> Fact:
    """Return the release: the image's in containers, else the one found here."""
    proxy = known.text("hosting.proxy")
    if known.text("hosting.target") == "compose" and proxy in _IMAGES:
        return Fact(_IMAGES[proxy], (), "the tag of the proxy's image")
    found = known.host.versions.get(proxy)
    if found:
        return Fact(found, (), f"{proxy} on this machine")
    oldest = {"nginx": "1.22", "caddy": "2.6"}.get(proxy, "1.22")
    return Fact(oldest, (), "the oldest generation supported; none found here")


def proxy_user(known: Known) -> Fact:
    """Return the account of the proxy."""
    user = {"nginx": "www-data", "caddy": "caddy"}.get(known.text("hosting.proxy"))
    if user:
        return Fact(user, (), "the account Debian's package runs it as")
    return Fact(known.text("hosting.group"), (), "no proxy of ours: hosting.group")


def domains(known: Known) -> Fact:
    """Return the hosts the settings name, else a placeholder."""
    found = known.project.detected.get("hosting.domains")
    label = known.text("project.name").replace("_", "-")
    placeholder = f"{label}.example.com"
    return found or Fact((placeholder,), (), "a placeholder until you name yours")


def tls(known: Known) -> Fact:
    """Return where certificates come from."""
    if known.text("hosting.target") == "kubernetes":
        return Fact("acme", (), "cert-manager gets a public certificate and renews it")
    if known.text("hosting.proxy") == "none":
        return Fact("upstream", (), "without a proxy, what stands in front does TLS")
    return Fact("acme", (), "a public certificate, renewed by itself")


def user(known: Known) -> Fact:
    """Return the account of the service."""
    name = known.text("project.name")
    taken = name in SYSTEM_ACCOUNTS
    return Fact(f"{name}-app" if taken else name, (), "project.name")


def root(known: Known) -> Fact:
    """Return where the checkout lies on the host."""
    return Fact(f"/srv/{known.text('project.name')}", (), "/srv and project.name")


def group(known: Known) -> Fact:
    """Return the group of the account."""
    return Fact(known.text("hosting.user"), (), "hosting.user")


def cores(known: Known) -> Fact:
    """Return the effective CPUs of this machine."""
    return Fact(known.host.cores, (), "this machine, cgroup limits applied")


def memory(known: Known) -> Fact:
    """Return the effective memory of this machine in MiB."""
    return Fact(known.host.memory_mb, (), "this machine, cgroup limits applied")


def streams(known: Known) -> Fact:
    """Return how many streams are open at once."""
    if known.text("features.sse") == "sync":
        return Fact(32, (), "a sync stream holds a thread each")
    return Fact(0, (), "nothing holds a thread")


def static(known: Known) -> Fact:
    """Return who serves static files."""
    bare = known.text("hosting.proxy") == "none"
    if bare:
        return Fact("whitenoise", (), "no proxy of ours serves files")
    return Fact("proxy", (), "the proxy serves files 12 to 150 times faster")
