"""What a visitor and a health check get from the whole: proxy, server and project."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from .edge import behind_proxy
from .probe import Found, Skip, expect, fail, not_here
from .site import needs


if TYPE_CHECKING:
    from .site import Site
    from .visitor import Answer


OK, MOVED, BAD, NOT_FOUND, BROKEN = 200, 301, 400, 404, 500
"""The statuses the probes tell apart."""


def live(site: Site) -> Found:
    """Prove that liveness answers with its own body, not with some other page."""
    path = site.on.text("health.path")
    ours = site.on.text("health.via") != "present"
    ways = [site.visitor.get(path)]
    if site.visitor.proxied:
        ways.append(site.visitor.get(path, tls=False))
        ways.append(site.visitor.get(path, {"Host": "127.0.0.1"}, tls=False))
    for said in ways:
        expect(said.status == OK, f"{path} answered {said.status}")
        if ours:
            body = _json(said)
            expect(body == {"status": "ok"}, f"{path} says {said.body[:60]!r}")
            expect(not said.one("Set-Cookie"), f"{path} sets a cookie")
    return Found(f"{path} answers in {len(ways)} ways")


def _json(said: Answer) -> object:
    try:
        found: object = json.loads(said.body)
    except ValueError:
        return None
    return found


def ready(site: Site) -> Found:
    """Prove that readiness names each service behind, and each is there."""
    if site.on.plan["health.ready"] is not True:
        not_here("readiness was not asked for")
    path = site.on.text("health.ready_path")
    said = site.visitor.get(path)
    checks = _json(said)
    expect(
        isinstance(checks, dict), f"{path} answered {said.status} without its checks"
    )
    failing = [
        str(name)
        for name, word in (checks.items() if isinstance(checks, dict) else ())
        if word != "ok"
    ]
    lacking = {name for name in failing if _outside(site, name)}
    if failing and lacking == set(failing):
        fix = " ".join(needs(site, name) for name in failing)
        message = f"needs a {' and a '.join(failing)} that is not here"
        if failing == ["migrations"]:
            message = "the database that your settings name is not migrated"
        raise Skip(message, fix)
    expect(said.status == OK, f"{path} answered {said.status}: {said.body[:200]!r}")
    names = ", ".join(str(name) for name in checks) if isinstance(checks, dict) else ""
    return Found(f"{names} ok")


def _outside(site: Site, name: str) -> bool:
    """Tell whether a failing check is about a service that smoke was not given."""
    if name == "database":
        return site.data in {"", "settings"}
    if name == "migrations":
        return site.data == "settings"
    return name == "cache" and site.on.text("cache.kind") == "redis"


def front(site: Site) -> Found:
    """Prove that the first page answers."""
    path = site.on.text("edge.base")
    said = site.visitor.get(path)
    if said.status >= BROKEN and not site.data:
        message = f"{path} answered {said.status} without a database"
        raise Skip(message, needs(site, "database"))
    fix = f"The server's log is {site.service.log}."
    fine = said.status < BROKEN and said.status != BAD
    expect(fine, f"{path} answered {said.status}", fix)
    goes = said.one("Location")
    loop = said.status in range(300, 400) and goes.rstrip("/") == (
        f"https://{site.visitor.host}{path}".rstrip("/")
    )
    expect(not loop, f"{path} redirects to itself for ever")
    return Found(f"{path} answered {said.status}, {len(said.body)} bytes")


def debug(site: Site) -> Found:
    """Prove that an error page tells nothing about the code."""
    path = f"{site.on.text('edge.base')}smoke-no-such-page/"
    said = site.visitor.get(path)
    told = b"DEBUG = True" in said.body or b"Django tried these URL" in said.body
    expect(not told, "a missing page shows the project's routes: DEBUG is on")
    return Found(f"a missing page is a plain {said.status}")


def headers(site: Site) -> Found:
    """Prove that a page has the security headers once, and cookies for https alone."""
    said = site.visitor.get(site.on.text("edge.base"))
    hsts = said.all("Strict-Transport-Security")
    wanted = f"max-age={site.on.text('security.hsts')}; includeSubDomains"
    expect(len(hsts) == 1, f"Strict-Transport-Security comes {len(hsts)} times")
    expect(hsts[0].startswith(wanted), f"Strict-Transport-Security: {hsts[0]}")
    _once(said, "X-Content-Type-Options", "nosniff")
    _once(said, "Referrer-Policy", "same-origin")
    _once(said, "X-Frame-Options", "DENY")
    mode = site.on.text("csp.mode")
    if site.on.plan["csp.ours"] is True:
        name = "Content-Security-Policy" + ("-Report-Only" if mode == "report" else "")
        policy = said.one(name)
        expect("frame-ancestors 'none'" in policy, f"{name} is {policy!r}")
        unsafe = "unsafe-" in policy
        expect(not unsafe, f"{name} allows what it is there to stop: {policy}")
    for cookie in said.all("Set-Cookie"):
        name = cookie.partition("=")[0]
        expect("; secure" in cookie.lower(), f"the cookie {name} lacks Secure")
    return Found(f"HSTS, nosniff, framing, referrer; CSP {mode}")


def _once(said: Answer, name: str, value: str) -> None:
    found = said.all(name)
    expect(found == [value], f"{name} is {found}, not once {value!r}")


def secure(site: Site) -> Found:
    """Prove that Django sends plain HTTP to https, and believes the proxy."""
    _straight(site)
    path = site.on.text("edge.base")
    if site.on.plan["edge.strip"] is True:
        path = "/"
    plain = site.visitor.ask_server(path, {"X-Forwarded-Proto": "http"})
    expect(plain.status == MOVED, f"plain HTTP was answered {plain.status}, not 301")
    goes = plain.one("Location")
    expect(goes.startswith("https://"), f"plain HTTP leads to {goes}")
    said = site.visitor.ask_server(path, {"X-Forwarded-Proto": "https"})
    again = said.status == MOVED and said.one("Location") == goes
    expect(not again, "https is redirected to https for ever")
    return Found("http moves to https, https is believed")


def _straight(site: Site) -> None:
    if site.on.text("server.protocol") != "http":
        not_here("the server speaks uwsgi, which only the proxy does")


def hosts(site: Site) -> Found:
    """Prove that the application itself answers to its own names alone."""
    _straight(site)
    path = site.on.text("health.path")
    if site.on.plan["edge.strip"] is True:
        path = path.removeprefix(site.on.text("edge.prefix"))
    https = {"X-Forwarded-Proto": "https"}
    evil = site.visitor.ask_server(path, {**https, "Host": "evil.example"})
    expect(evil.status == BAD, f"Host: evil.example was answered {evil.status}")
    for name in site.on.items("edge.domains"):
        said = site.visitor.ask_server(path, {**https, "Host": name})
        expect(said.status == OK, f"Host: {name} was answered {said.status}")
    return Found("evil.example gets 400, our own names 200")


def prefix_header(site: Site) -> Found:
    """Prove that no header moves the application below another path."""
    _straight(site)
    path = site.on.text("health.path")
    if site.on.plan["edge.strip"] is True:
        path = path.removeprefix(site.on.text("edge.prefix"))
    said = site.visitor.ask_server(
        path,
        {
            "X-Forwarded-Proto": "https",
            "PATH_INFO": "/smoke-no-such-page/",
            "SCRIPT_NAME": "/evil",
        },
    )
    expect(said.status == OK, f"a PATH_INFO header was believed: {said.status}")
    return Found("SCRIPT_NAME and PATH_INFO are not believed")


def hashed(site: Site) -> Found:
    """Prove that a hashed static file is the collected one, and kept for ever."""
    name, place = _one_hashed(site)
    url = f"{site.on.text('static.url')}{name}"
    said = site.visitor.get(url)
    fix = "The proxy's account must be able to read STATIC_ROOT."
    expect(said.status == OK, f"{url} answered {said.status}", fix)
    kept = said.one("Cache-Control")
    forever = "immutable" in kept and "max-age=31" in kept
    expect(forever, f"{url} may only be kept {kept or 'by guess'}")
    with open(place, "rb") as file:
        expect(file.read() == said.body, f"{url} is not the collected file")
    kind = said.one("Content-Type")
    wanted = "javascript" if name.endswith(".js") else "css"
    expect(wanted in kind, f"{url} comes as {kind}")
    expect(said.one("X-Content-Type-Options") == "nosniff", f"{url} lacks nosniff")
    return Found(f"{url}: {kept}")


def _one_hashed(site: Site) -> tuple[str, str]:
    """Return the name and place of a hashed file, one of the front page first."""
    root = site.on.place("static", "x")[:-2]
    if site.on.text("static.kind") == "proxy" and not site.visitor.proxied:
        not_here("the proxy serves static files, and none runs")
    try:
        with open(os.path.join(root, "staticfiles.json"), encoding="utf-8") as file:
            names = sorted(json.load(file)["paths"].values())
    except (OSError, ValueError, KeyError):
        not_here("the project's own storage hashes no names")
    names = [name for name in names if name.endswith((".css", ".js"))]
    if not names:
        not_here("no stylesheet or script was collected")
    page = site.visitor.get(site.on.text("edge.base")).body.decode("utf-8", "replace")
    used = [name for name in names if name in page]
    name = (used or names)[0]
    return name, os.path.join(root, name)


def unhashed(site: Site) -> Found:
    """Prove that a name that comes again is kept for a while, a missing one never."""
    url = site.on.text("static.url")
    name = re.sub(r"\.[0-9a-f]{12}(\.[^/]+)$", r"\1", _one_hashed(site)[0])
    said = site.visitor.get(f"{url}{name}")
    expect(said.status == OK, f"{url}{name} answered {said.status}")
    kept = said.one("Cache-Control")
    brief = re.search(r"max-age=(\d+)", kept)
    short = brief and int(brief[1]) <= 24 * 3600 and "immutable" not in kept
    expect(short, f"{url}{name} may be kept {kept or 'by guess'}")
    gone = site.visitor.get(f"{url}smoke-none.css")
    expect(gone.status == NOT_FOUND, f"a missing file is a {gone.status}")
    expect("immutable" not in gone.one("Cache-Control"), "a missing file is kept")
    return Found(f"{kept}; a missing one is a 404")


def outside(site: Site) -> Found:
    """Prove that no URL of static files leads to a file beside them."""
    secret = site.on.place("beside.css")
    with open(secret, "w", encoding="utf-8") as file:
        file.write("beside")
    url = site.on.text("static.url").rstrip("/")
    for path in ("../beside.css", "/..%2fbeside.css", "/../beside.css"):
        said = site.visitor.get(f"{url}{path}")
        expect(said.body != b"beside", f"{url}{path} shows a file of the host")
    return Found("nothing beside STATIC_ROOT is served")


def media(site: Site) -> Found:
    """Prove that an uploaded file is served."""
    behind_proxy(site)
    if site.on.plan["media.on"] is not True:
        not_here("no uploads in this project")
    with open(site.on.place("state", "media", "smoke.txt"), "w", encoding="utf-8") as f:
        f.write("uploaded")
    url = f"{site.on.text('media.url')}smoke.txt"
    said = site.visitor.get(url)
    if said.body != b"uploaded":
        fail(f"{url} answered {said.status}")
    policy = said.one("Content-Security-Policy")
    fix = "Send visitors' files with Content-Security-Policy: script-src 'none'."
    expect("script-src 'none'" in policy, f"a script in {url} would run", fix)
    return Found(f"{url} is served, and no script in it runs")


def domains(site: Site) -> Found:
    """Prove that the deployment has a name that visitors can type."""
    host = site.visitor.host
    fix = "Name yours: nextwizard regenerate --set hosting.domains=…"
    expect(not site.placeholder, f"{host} is still the placeholder", fix)
    return Found(host)


__all__ = [
    "debug",
    "domains",
    "front",
    "hashed",
    "headers",
    "hosts",
    "live",
    "media",
    "outside",
    "prefix_header",
    "ready",
    "secure",
    "unhashed",
]
