"""What the proxy's files say, the same for nginx and caddy: routes, folders, limits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import read
from .read import Said


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nextwizard.values import Evidence

    from .read import Directive
    from .subject import Subject


FOR_EVER = 10.0**9
"""Seconds that stand for a timeout that never comes: caddy has none of its own."""

NGINX_READ_S = 60.0
"""Seconds nginx waits for the application where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Route:
    """One place of the proxy that hands requests to the application.

    `headers` is what the application gets, by lower-case name; `read` how long it may
    be silent, in seconds; `buffered` whether the answer is held back.
    """

    names: tuple[str, ...]
    tls: bool
    path: str
    exact: bool
    target: Said
    at: Evidence
    headers: Mapping[str, Said] = field(default_factory=dict)
    read: float = FOR_EVER
    read_at: Evidence | None = None
    buffered: bool = False

    @property
    def default(self) -> bool:
        """Whether it serves hosts that no site names: a probe by address."""
        return not self.names or self.names[0] in {"_", ":80"}


@dataclass(frozen=True, slots=True)
class Folder:
    """Files that the proxy serves itself: the URL's beginning, and the directory."""

    url: str
    place: Said


@dataclass(frozen=True, slots=True)
class Edge:
    """All that the proxy's files say of this deployment."""

    routes: tuple[Route, ...] = ()
    folders: tuple[Folder, ...] = ()
    bodies: tuple[Said, ...] = ()
    names: tuple[Said, ...] = ()
    certificates: tuple[Said, ...] = ()


def look(subject: Subject) -> Edge:
    """Return what the proxy's files say; Unreadable when one of them is broken."""
    kind = subject.text("proxy.kind")
    if kind == "nginx":
        return _Nginx(subject).edge()
    return _caddy(subject) if kind == "caddy" else Edge()


def seconds(text: str) -> float:
    """Return a time of nginx, caddy or systemd in seconds; FOR_EVER when unreadable."""
    units = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
    units |= {"sec": 1.0, "d": 86400.0}
    rows = re.findall(r"(\d+(?:\.\d+)?)\s*(ms|min|sec|[smhd]?)", text)
    return sum(float(n) * units[unit] for n, unit in rows) if rows else FOR_EVER


def mebibytes(text: str) -> float:
    """Return a size as nginx and caddy write it in MiB; -1 when unreadable."""
    found = re.fullmatch(r"(?i)(\d+(?:\.\d+)?)\s*([kmg]?)(i?)b?", text.strip())
    if found is None:
        return -1.0
    power = {"": 0, "k": 1, "m": 2, "g": 3}[found[2].lower()]
    return float(found[1]) * 1024.0 ** (power - 2)


class _Nginx:
    """Reads the two sites with the snippets they include."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        rows: list[Directive] = []
        for path in subject.listed("deploy/nginx", ".conf"):
            rows += self._included(read.nginx(subject.read(path), path))
        self.rows = rows
        self.upstreams = {
            row.args[0]: server
            for row in rows
            if row.name == "upstream" and row.args and (server := row.first("server"))
        }

    def _included(self, rows: Iterable[Directive]) -> Iterator[Directive]:
        """Yield directives with every include of a snippet of ours replaced."""
        for row in rows:
            path = f"deploy/nginx/{row.args[0].rpartition('/')[2]}" if row.args else ""
            if row.name == "include" and self.subject.exists(path):
                yield from self._included(read.nginx(self.subject.read(path), path))
            elif row.block:
                block = tuple(self._included(row.block))
                yield type(row)(row.name, row.args, row.at, block)
            else:
                yield row

    def edge(self) -> Edge:
        """Return what all of it says."""
        servers = [row for row in self.rows if row.name == "server" and row.block]
        bodies = [row for s in servers for row in s.walk()]
        return Edge(
            tuple(route for server in servers for route in self._routes(server)),
            tuple(folder for server in servers for folder in _folders(server)),
            _values(bodies, "client_max_body_size"),
            tuple(
                Said(name, row.at)
                for server in servers
                for row in server.all("server_name")
                for name in row.args
            ),
            (
                *_values(bodies, "ssl_certificate"),
                *_values(bodies, "ssl_certificate_key"),
            ),
        )

    def _routes(self, server: Directive) -> Iterator[Route]:
        named = server.first("server_name")
        names = tuple(named.value.split()) if named else ()
        tls = any("ssl" in row.args for row in server.all("listen"))
        for location in server.all("location"):
            passed = next(location.all("proxy_pass", "uwsgi_pass"), None)
            if passed is None or not passed.args:
                continue
            kind = passed.name.removesuffix("_pass")
            levels = (location, server)
            limit = _nearest(levels, f"{kind}_read_timeout")
            yield Route(
                names,
                tls,
                location.args[-1] if location.args else "",
                location.args[:1] == ("=",),
                self._target(passed),
                location.at,
                _headers(levels, kind),
                seconds(limit.value) if limit else NGINX_READ_S,
                limit.at if limit else None,
                _buffered(levels, kind),
            )

    def _target(self, passed: Directive) -> Said:
        """Return where requests go, through the upstream of that name."""
        name = re.sub(r"^\w+://", "", passed.args[0])
        found = self.upstreams.get(name)
        if found is None:
            return Said(name, passed.at)
        return Said(found.value.split()[0], found.at)


def _nearest(levels: Sequence[Directive], name: str) -> Said | None:
    return next((said for level in levels if (said := level.first(name))), None)


def _buffered(levels: Sequence[Directive], kind: str) -> bool:
    said = _nearest(levels, f"{kind}_buffering")
    return said is None or said.value != "off"


def _headers(levels: Sequence[Directive], kind: str) -> dict[str, Said]:
    """Return the headers of the innermost level that sets any: nginx merges none."""
    word = "proxy_set_header" if kind == "proxy" else "uwsgi_param"
    for level in levels:
        rows = [row for row in level.all(word) if len(row.args) > 1]
        if rows:
            return {
                re.sub("^http-", "", row.args[0].lower().replace("_", "-")): Said(
                    row.args[1], row.at
                )
                for row in rows
            }
    return {}


def _folders(server: Directive) -> Iterator[Folder]:
    for location in server.all("location"):
        said = location.first("alias")
        if said and location.args:
            yield Folder(location.args[-1], said)


def _values(rows: Iterable[Directive], name: str) -> tuple[Said, ...]:
    return tuple(Said(" ".join(r.args), r.at) for r in rows if r.name == name)


_CADDY_SETS = ("host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")
"""Headers that caddy's reverse_proxy sets by itself, over what a visitor sent."""


def _caddy(subject: Subject) -> Edge:
    sites = [
        site
        for path in subject.listed("deploy/caddy", ".caddy", "Caddyfile")
        for site in read.caddy(subject.read(path), path)
        if site.block and site.name
    ]
    rows = [row for site in sites for row in site.walk()]
    return Edge(
        tuple(route for site in sites for route in _caddy_routes(site, site, "")),
        tuple(folder for site in sites for folder in _caddy_folders(site)),
        tuple(
            Said(row.args[0], row.at)
            for row in rows
            if row.name == "max_size" and row.args
        ),
        tuple(
            Said(_host(word), site.at)
            for site in sites
            for word in (site.name, *site.args)
            if _host(word)
        ),
        tuple(
            Said(word, row.at)
            for row in rows
            if row.name == "tls"
            for word in row.args
            if word.startswith("/")
        ),
    )


def _host(address: str) -> str:
    """Return the host of a site's address, empty for one that takes any."""
    return re.sub(r"^\w+://", "", address).split(":")[0].split("/")[0]


def _caddy_routes(site: Directive, level: Directive, path: str) -> Iterator[Route]:
    """Yield every reverse_proxy of a site with the path of the handles around it."""
    for row in level.block:
        if row.name in {"handle", "handle_path", "route"}:
            yield from _caddy_routes(site, row, " ".join(row.args) or path)
        elif row.name == "reverse_proxy":
            words = [word for word in row.args if word[0] not in "/@*"]
            target = re.sub(r"^unix//", "unix:/", words[0]) if words else ""
            names = tuple(filter(None, map(_host, (site.name, *site.args))))
            limit = next((r for r in row.walk() if r.name == "read_timeout"), None)
            yield Route(
                names,
                not site.name.startswith("http://"),
                path,
                bool(path) and "*" not in path,
                Said(target, row.at),
                row.at if level is site else level.at,
                _caddy_headers(row),
                seconds(limit.args[0]) if limit and limit.args else FOR_EVER,
                limit.at if limit else None,
            )


def _caddy_headers(row: Directive) -> dict[str, Said]:
    """Return the headers the application gets: caddy's own, then header_up's."""
    found = {name: Said("", row.at) for name in _CADDY_SETS}
    for up in row.all("header_up"):
        name = up.args[0].lower() if up.args else ""
        if name.startswith("-"):
            found.pop(name[1:], None)
        elif name:
            found[name.lstrip("+>?")] = Said(" ".join(up.args[1:]), up.at)
    return found


def _caddy_folders(site: Directive) -> Iterator[Folder]:
    for row in site.walk():
        said = row.first("root")
        if row.name.startswith("handle") and row.args and said:
            place = said.value.removeprefix("* ")
            yield Folder(row.args[0].rstrip("*"), Said(place, said.at))


__all__ = ["FOR_EVER", "Edge", "Folder", "Route", "look", "mebibytes", "seconds"]
