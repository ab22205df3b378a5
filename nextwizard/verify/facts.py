"""What the invariants rest on, each read once: proxy, process, what Django says."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from nextwizard.exact import Request, ask
from nextwizard.stage.run import NEAR

from . import edge, process


if TYPE_CHECKING:
    from nextwizard.exact import Exact
    from nextwizard.values import Evidence

    from .edge import Edge, Route
    from .process import Process
    from .subject import Subject


class NotUsed(Exception):  # noqa: N818 - it is the answer of a question, no error
    """The deployment has nothing that the invariant is about."""


class NotHere(Exception):  # noqa: N818
    """What the invariant needs is not on this machine; the text says what."""


class Facts:
    """The facts of one deployment; each is read when it is first asked for."""

    def __init__(self, subject: Subject) -> None:
        """Read nothing yet."""
        self.subject = subject

    def text(self, key: str) -> str:
        """Return a decision as text."""
        return self.subject.text(key)

    @cached_property
    def edge(self) -> Edge:
        """What the proxy's files say; NotUsed without a proxy of ours."""
        if self.text("proxy.kind") == "none":
            raise NotUsed
        found = edge.look(self.subject)
        if not found.routes and not found.names:
            raise NotUsed
        return found

    @cached_property
    def process(self) -> Process:
        """What the server's files say; NotUsed where they are gone."""
        found = process.look(self.subject)
        if not found.manager or not found.command:
            raise NotUsed
        return found

    @cached_property
    def exact(self) -> Exact:
        """What the project itself says under prod; NotHere without an interpreter.

        It answers two requests: the proxy's probe of the default server, and the same
        over plain http.
        """
        if not self.subject.python:
            message = "no interpreter with Django: make .venv and install the packages"
            raise NotHere(message)
        path = "/" + self.text("health.route")
        base = {"HTTP_HOST": self.probe_host, "SCRIPT_NAME": self.text("edge.prefix")}
        secure = {**base, "HTTP_X_FORWARDED_PROTO": "https"}
        manage = self.text("paths.manage_here")
        env = self.subject.environment()
        env.pop("STATIC_ROOT", None)
        module = env.pop("DJANGO_SETTINGS_MODULE", "")
        return ask(
            self.subject.root,
            self.subject.python,
            NEAR if module == NEAR else self.text("settings.prod"),
            folder=manage.rpartition("/")[0],
            requests=(Request(path, secure), Request(path, base)),
            **env,
        )

    def setting(self, name: str) -> object:
        """Return a setting as Django really has it."""
        return self.exact.settings.get(name)

    @cached_property
    def probe_host(self) -> str:
        """The Host that a probe by address brings to Django."""
        host = self.text("edge.canonical")
        try:
            routes = [route for route in self.edge.routes if route.default]
        except NotUsed:
            return host
        for route in routes:
            said = route.headers.get("host")
            if said and said.value and said.value[0] not in "${":
                return said.value
        return host

    def prod(self, name: str) -> Evidence:
        """Return where prod.py binds a setting."""
        return self.subject.line(self.text("settings.file"), rf"^\s*{name}\b")

    def serving(self, path: str, *, tls: bool | None = None) -> list[Route]:
        """Return the route that serves a path, of each server with such a route."""
        servers: dict[tuple[object, ...], list[Route]] = {}
        for route in self.edge.routes:
            if tls is None or route.tls == tls:
                key = (route.names, route.tls, route.at.path)
                servers.setdefault(key, []).append(route)
        return [
            max(hits, key=lambda route: (route.exact, len(route.path)))
            for routes in servers.values()
            if (hits := [route for route in routes if serves(route, path)])
        ]


def serves(route: Route, path: str) -> bool:
    """Tell whether a route takes the requests for a path."""
    if route.exact:
        return route.path == path
    return path.startswith(route.path.rstrip("*"))


__all__ = ["Facts", "NotHere", "NotUsed", "serves"]
