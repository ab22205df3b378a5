"""What stands in front: names, proxy, TLS, streams, static files, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextwizard import rules
from nextwizard.decide import version_of


if TYPE_CHECKING:
    from nextwizard.decide import Ledger
    from nextwizard.values import Value


_HTTP2_DIRECTIVE = (1, 25, 1)
_CADDY_CLOSE_DELAY = (2, 7, 0)
_CADDY_STRICT = (2, 8, 0)
_GENERATION = {"nginx": (1, "1.22"), "caddy": (2, "2.6")}
_LOCAL_NAMES = (".internal", ".lan", ".local", ".localhost", ".test", ".home.arpa")


def edge(ledger: Ledger) -> None:
    """Decide everything between the visitor and the socket."""
    for part in (_names, _proxy, _tls, _trust, _streams, _limits):
        part(ledger)


def _names(ledger: Ledger) -> None:
    domains = ledger.items("hosting.domains")
    if not domains:
        ledger.refuse(
            "hosting.domains",
            "names no host",
            "Name at least one, the canonical one first.",
        )
        domains = ("localhost",)  # so that what else is wrong is told in the same run
    ledger.decide("edge.domains", domains, "answered", "hosting.domains")
    ledger.decide(
        "edge.canonical",
        domains[0],
        "the first of hosting.domains; the others redirect to it",
        "hosting.domains",
    )
    ledger.decide("edge.others", domains[1:], "redirected", "hosting.domains")
    if not ledger.answers.items["hosting.domains"].touched and any(
        name.endswith(".example.com") for name in domains
    ):
        ledger.warn(
            "hosting.placeholder",
            f"hosting.domains is still the placeholder {domains[0]}",
            fix="Name the host visitors type, before anything is installed.",
        )
    ledger.follow("edge.prefix", "hosting.path_prefix")
    base = f"{ledger['hosting.path_prefix']}/"
    strips = (
        ledger["server.interface"] == "wsgi" and ledger["server.kind"] != "gunicorn"
    )
    ledger.decide(
        "edge.strip",
        strips and base != "/",
        "gunicorn reads SCRIPT_NAME, ASGI servers FORCE_SCRIPT_NAME; others get it cut",
        "hosting.path_prefix",
        f"{rules.DJANGO}/ref/settings/#force-script-name",
    )
    ledger.decide("edge.base", base, "all the project serves", "hosting.path_prefix")


def _proxy(ledger: Ledger) -> None:
    kind = ledger.text("hosting.proxy")
    ledger.follow("proxy.kind", "hosting.proxy")
    name = ledger.text("project.name")
    ledger.decide(
        "proxy.variable",
        name.replace("-", "_"),
        "nginx variables take no hyphen; the name keeps two projects apart",
        "project.name",
    )
    ledger.decide("proxy.upstream", f"{name}_app", "named after the project", "rules")
    inside = ledger["hosting.target"] in rules.CONTAINERS
    far = ledger.flag("hosts.on") or inside
    uwsgi = ledger["server.kind"] == "uwsgi" and kind == "nginx" and not far
    ledger.decide(
        "server.protocol",
        "uwsgi" if uwsgi else "http",
        "nginx speaks uwsgi, which needs no HTTP parser behind it"
        if uwsgi
        else "plain HTTP/1.1 with keep-alive",
        "hosting.proxy",
        f"{rules.NGINX}/http/ngx_http_uwsgi_module.html",
    )
    unix = ledger.flag("server.unix")
    at = f"app:{rules.CONTAINER_PORT}" if inside else ledger.text("server.listen")
    lead = {"caddy": "unix/"}.get(kind, "unix:") if unix else ""
    near = (f"{lead}{at}",)
    ledger.decide("proxy.targets", near, "where the server listens", "server.listen")
    group = "hosting.group" if kind == "none" else "hosting.proxy_user"
    ledger.decide(
        "server.socket_group",
        ledger[group],
        "the only account besides root that may open the socket",
        group,
    )
    _version(ledger, kind)


def _version(ledger: Ledger, kind: str) -> None:
    """Decide what the declared release of the proxy understands."""
    text = ledger.text("hosting.proxy_version")
    version = version_of(text, "0")
    major, oldest = _GENERATION.get(kind, (version[0], ""))
    if version[0] != major or version < version_of(oldest, "0"):
        ledger.refuse(
            "hosting.proxy_version, hosting.proxy",
            f"{text} is no release of {kind} that is supported",
            f"Say which {kind} the host runs, {oldest} or newer.",
        )
    ledger.follow("proxy.version", "hosting.proxy_version")
    ledger.decide(
        "proxy.http2_directive",
        version >= _HTTP2_DIRECTIVE,
        f"nginx {text}: `http2 on` is known from 1.25.1, where `listen … http2` warns",
        "hosting.proxy_version",
        f"{rules.NGINX}/http/ngx_http_v2_module.html",
    )
    ledger.decide(
        "proxy.gzip_static",
        version < _HTTP2_DIRECTIVE,
        f"nginx {text}: every build of Debian and Ubuntu up to 1.24 has it; since then "
        "not every build does, and gzip compresses all the same",
        "hosting.proxy_version",
        f"{rules.NGINX}/http/ngx_http_gzip_static_module.html",
    )
    ledger.decide(
        "proxy.strict",
        kind == "caddy" and version >= _CADDY_STRICT,
        f"caddy {text}: trusted_proxies_strict reads the chain from the right, as no "
        "visitor can forge; an older one knows a single balancer",
        "hosting.proxy_version",
        f"{rules.CADDY}/caddyfile/options#trusted-proxies",
    )
    ledger.decide(
        "proxy.close_delay",
        version >= _CADDY_CLOSE_DELAY,
        f"caddy {text}: stream_close_delay keeps websockets open over a reload",
        "hosting.proxy_version",
        f"{rules.CADDY}/caddyfile/directives/reverse_proxy",
    )


def _tls(ledger: Ledger) -> None:
    """Decide where certificates come from and where they lie."""
    tls, proxy = ledger.text("hosting.tls"), ledger.text("hosting.proxy")
    cluster = ledger["hosting.target"] == "kubernetes"
    if proxy == "none" and tls != "upstream" and not cluster:
        ledger.refuse(
            "hosting.tls, hosting.proxy",
            f"{ledger.said('hosting.tls')} needs a proxy, and there is none",
            'Answer hosting.tls with "upstream", or choose a proxy.',
        )
    ledger.follow("tls.kind", "hosting.tls")
    domains = ledger.items("hosting.domains")
    rows: dict[str, Value] = {
        "tls.dir": f"/etc/ssl/{ledger['project.name']}",
        "tls.subject": f"/CN={domains[0] if domains else ''}",
        "tls.ca_subject": f"/CN={ledger['project.name']} internal authority",
        "tls.names": ",".join(f"DNS:{name}" for name in domains),
    }
    ledger.table(rows, "for the runbook's own authority", "hosting.tls")
    certificate, key, why = _certificate(ledger, tls)
    ledger.decide("tls.certificate", certificate, why, "hosting.tls")
    ledger.decide("tls.key", key, why, "hosting.tls")
    ledger.follow("tls.email", "hosting.acme_email")
    for name in ledger.items("hosting.domains"):
        local = name.endswith(_LOCAL_NAMES) or "." not in name
        if tls == "acme" and local:
            ledger.warn(
                "tls.local_name",
                f"no public authority certifies {name}",
                fix='Answer hosting.tls with "internal" or "files".',
            )


def _certificate(ledger: Ledger, tls: str) -> tuple[str, str, str]:
    """Return the paths of certificate and key, and why they are there."""
    if tls == "files":
        cert = ledger.text("hosting.tls_certificate")
        key = ledger.text("hosting.tls_certificate_key")
        if not (cert and key):
            ledger.refuse(
                "hosting.tls, hosting.tls_certificate, hosting.tls_certificate_key",
                'tls = "files" needs both files named',
                "Name the certificate chain and its key on the host.",
            )
        return cert, key, "as answered"
    if tls == "acme":
        live = f"/etc/letsencrypt/live/{(ledger.items('hosting.domains') or ('',))[0]}"
        why = "where certbot keeps the current certificate"
        return f"{live}/fullchain.pem", f"{live}/privkey.pem", why
    place = ledger.text("tls.dir")
    why = "made once by the runbook's own authority"
    return f"{place}/fullchain.pem", f"{place}/privkey.pem", why


def _trust(ledger: Ledger) -> None:
    """Decide whose forwarding headers are believed."""
    trusted = ledger.items("hosting.trusted_proxies")
    behind = ledger.text("hosting.tls") == "upstream"
    if behind and ledger["hosting.proxy"] != "none" and not trusted:
        ledger.refuse(
            "hosting.tls, hosting.trusted_proxies",
            'tls = "upstream" without a trusted load balancer redirects for ever: '
            "nobody may say that a request came over https",
            'Name its addresses, such as trusted_proxies = ["10.0.0.0/8"].',
        )
    ledger.decide(
        "edge.trusted",
        trusted,
        "only these may say who the visitor is; everyone else's headers are dropped"
        if trusted
        else "nobody in front: every forwarding header of a visitor is dropped",
        "hosting.trusted_proxies",
        f"{rules.NGINX}/http/ngx_http_realip_module.html",
    )


def _streams(ledger: Ledger) -> None:
    """Decide which paths may stay silent and which are upgraded."""
    sse = (
        ledger.text("features.sse") != "none" or ledger["features.streaming"] != "none"
    )
    paths = ledger.items("features.sse_paths") if sse else ()
    ledger.decide("sse.on", sse, ledger.origin("features.sse"), "features.sse")
    why = ledger.origin("features.sse_paths") if paths else "any path may stream"
    ledger.decide("sse.paths", _prefixed(ledger, paths), why, "features.sse_paths")
    ledger.decide("sse.everywhere", sse and not paths, why, "features.sse_paths")
    on = ledger.flag("features.websockets")
    paths = ledger.items("features.websocket_paths") if on else ()
    ledger.decide("ws.on", on, ledger.origin("features.websockets"), "features")
    why = ledger.origin("features.websocket_paths") if paths else "any path may upgrade"
    ledger.decide("ws.paths", _prefixed(ledger, paths), why, "features.websocket_paths")
    ledger.decide("ws.everywhere", on and not paths, why, "features.websocket_paths")
    ledger.decide(
        "timing.stream",
        rules.STREAM_S,
        "an hour of silence; the default of 60 s cuts a quiet stream",
        "rules",
        f"{rules.NGINX}/http/ngx_http_proxy_module.html#proxy_read_timeout",
    )


def _prefixed(ledger: Ledger, paths: tuple[str, ...]) -> tuple[str, ...]:
    prefix = ledger.text("hosting.path_prefix")
    return tuple(dict.fromkeys(f"{prefix}{path}" for path in paths if path != "/"))


def _limits(ledger: Ledger) -> None:
    ledger.follow("edge.body_mb", "hosting.max_body_mb")
    ledger.decide(
        "edge.body_bytes",
        ledger.number("edge.body_mb") * 2**20,
        "what says its length is refused before a host is asked: caddy answers 413 or "
        "502, as it happens, for what it is already sending",
        "hosting.max_body_mb",
    )
    ledger.decide(
        "timing.graceful",
        rules.GRACEFUL_S,
        "seconds a request or stream may take to end at a stop",
        "rules",
    )
    ledger.decide(
        "timing.stop",
        rules.STOP_S,
        "over the graceful timeout, or systemd kills and counts a failure",
        "rules",
        f"{rules.SYSTEMD}/systemd.service.html#TimeoutStopSec=",
    )
    ledger.decide(
        "timing.request",
        rules.REQUEST_S,
        "seconds a worker may be silent before it is replaced",
        "rules",
        f"{rules.GUNICORN}/settings.html#timeout",
    )
    patient = ledger.text("server.worker_class") == "asgi"
    ledger.decide(
        "timing.keepalive",
        rules.SHORT_KEEPALIVE_S if patient else rules.KEEPALIVE_S,
        "seconds an idle connection of the proxy is kept",
        "rules",
        f"{rules.GUNICORN}/settings.html#keepalive",
    )


__all__ = ["edge"]
