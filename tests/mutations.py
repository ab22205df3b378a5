"""Lines of generated files, each with the probe that must notice when it is gone.

A row is: stack, file, the line without its indentation, which one of several that are
alike (from 0), and the probe's key; `proxy` and `boot` stand for a refusal to start.
"""

from __future__ import annotations

from typing import NamedTuple


class Stack(NamedTuple):
    """What a row's deployment is made from."""

    kind: str
    proxy: str
    pairs: tuple[str, ...] = ()


STACKS = {
    "nginx": Stack("plain", "nginx"),
    "caddy": Stack("plain", "caddy"),
    "caddy-port": Stack("plain", "caddy", ("hosting.bind=127.0.0.1:8123",)),
    "sse": Stack("sse_async", "nginx"),
    "ws": Stack("channels_ws", "nginx"),
    "plain-server": Stack("sse_async", "nginx", ("hosting.server=hypercorn",)),
    "slow-stop": Stack("sse_sync", "nginx"),
    "sse-caddy": Stack("sse_async", "caddy"),
    "ws-caddy": Stack("channels_ws", "caddy"),
}


class Row(NamedTuple):
    """One line that is taken out, and the probe that fails for it."""

    stack: str
    file: str
    line: str
    probe: str
    nth: int = 0

    @property
    def name(self) -> str:
        """What the test is called by."""
        place = self.file.rpartition("/")[2]
        return f"{place}:{self.line[:48]}#{self.nth}->{self.probe}"


_SITE = "deploy/nginx/site.conf"
_INC = "deploy/nginx/site_proxy.inc"
_DEFAULT = "deploy/nginx/00-default.conf"
_WS = "deploy/nginx/site_ws.inc"
_FILE = "deploy/caddy/Caddyfile"
_CADDY = "deploy/caddy/site.caddy"
_PASS = "proxy_pass http://site_app;"
_INCLUDE = "include snippets/site_proxy.inc;"
_FOREVER = '"public, max-age=31536000, immutable"'
_CIPHERS = ":".join(
    f"ECDHE-{key}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for key in ("ECDSA", "RSA")
)

EDGE = (
    Row("nginx", _SITE, "keepalive 16;", "edge.upstream"),
    Row("nginx", _SITE, "proxy_buffer_size 16k;", "edge.headers"),
    Row("nginx", _SITE, "proxy_buffers 8 16k;", "proxy"),
    Row("nginx", _SITE, '"" "max-age=31536000; includeSubDomains";', "edge.headers"),
    Row("nginx", _SITE, '"" nosniff;', "edge.headers"),
    Row(
        "nginx", _SITE, "server_name site.example.org www.example.org;", "edge.redirect"
    ),
    Row("nginx", _SITE, "root /var/www/acme;", "edge.acme"),
    Row("nginx", _SITE, _PASS, "edge.health"),
    Row("nginx", _SITE, _INCLUDE, "edge.health"),
    Row(
        "nginx",
        _SITE,
        "return 301 https://site.example.org$request_uri;",
        "edge.redirect",
    ),
    Row(
        "nginx",
        _SITE,
        "return 301 https://site.example.org$request_uri;",
        "edge.redirect",
        1,
    ),
    Row("nginx", _SITE, "server_name www.example.org;", "edge.redirect"),
    Row("nginx", _SITE, "server_name site.example.org;", "edge.http2"),
    Row("nginx", _SITE, f"ssl_ciphers {_CIPHERS};", "edge.tls", 1),
    Row("nginx", _DEFAULT, "ssl_session_cache shared:default_tls:10m;", "edge.tickets"),
    Row("nginx", _DEFAULT, "ssl_protocols TLSv1.2 TLSv1.3;", "edge.tls"),
    Row("nginx", _SITE, "client_max_body_size 10m;", "edge.body"),
    Row("nginx", _SITE, "gzip on;", "edge.compression"),
    Row("nginx", _SITE, "gzip_vary on;", "edge.compression"),
    Row("nginx", _SITE, "gzip_proxied any;", "edge.compression"),
    Row(
        "nginx",
        _SITE,
        "gzip_types text/css text/javascript application/javascript application/json"
        " image/svg+xml;",
        "edge.compression",
    ),
    Row(
        "nginx",
        _SITE,
        "add_header Strict-Transport-Security $site_hsts always;",
        "edge.headers",
    ),
    Row(
        "nginx",
        _SITE,
        "add_header X-Content-Type-Options $site_nosniff always;",
        "edge.headers",
    ),
    Row("nginx", _SITE, _PASS, "edge.health", 1),
    Row("nginx", _SITE, _PASS, "edge.readiness", 2),
    Row("nginx", _SITE, "allow 127.0.0.1;", "edge.readiness"),
    Row("nginx", _SITE, "deny all;", "edge.readiness"),
    Row("nginx", _SITE, _PASS, "edge.forwarded", 3),
    Row("nginx", _SITE, _INCLUDE, "edge.forwarded", 3),
    Row("nginx", _INC, "proxy_http_version 1.1;", "edge.upstream"),
    Row("nginx", _INC, 'proxy_set_header Connection "";', "edge.upstream"),
    Row("nginx", _INC, "proxy_set_header Host $host;", "edge.forwarded"),
    Row("nginx", _INC, "proxy_set_header X-Real-IP $remote_addr;", "edge.forwarded"),
    Row(
        "nginx",
        _INC,
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "edge.forwarded",
    ),
    Row("nginx", _INC, "proxy_set_header X-Forwarded-Proto $scheme;", "edge.forwarded"),
    Row("nginx", _INC, 'proxy_set_header X-Forwarded-Host "";', "edge.forwarded"),
    Row("nginx", _INC, 'proxy_set_header X-Forwarded-Port "";', "edge.forwarded"),
    Row("nginx", _INC, 'proxy_set_header X-Forwarded-Protocol "";', "edge.forwarded"),
    Row("nginx", _INC, 'proxy_set_header X-Forwarded-Ssl "";', "edge.forwarded"),
    Row("nginx", _INC, 'proxy_set_header Forwarded "";', "edge.forwarded"),
    Row("nginx", _DEFAULT, "return 444;", "edge.names"),
    Row("nginx", _DEFAULT, _PASS, "edge.health"),
    Row("nginx", _DEFAULT, "proxy_set_header Host site.example.org;", "edge.health"),
    Row("nginx", _DEFAULT, "proxy_set_header X-Forwarded-Proto https;", "edge.health"),
    Row("nginx", _DEFAULT, "ssl_reject_handshake on;", "proxy"),
    Row("nginx", _SITE, "server unix:/run/site.sock fail_timeout=0;", "proxy"),
    Row("sse", _SITE, "proxy_buffering off;", "edge.events"),
    Row("ws", _WS, "proxy_http_version 1.1;", "edge.websocket"),
    Row("ws", _WS, "proxy_set_header Upgrade $http_upgrade;", "edge.websocket"),
    Row("ws", _WS, "proxy_set_header Connection $site_connection;", "edge.websocket"),
    Row("ws", _SITE, "default upgrade;", "edge.websocket"),
    Row("caddy", _FILE, "import sites/*", "edge.redirect"),
    Row("caddy", _FILE, "strict_sni_host on", "edge.names"),
    Row("caddy", _FILE, "abort", "edge.names"),
    Row("caddy", _FILE, "header_up Host site.example.org", "edge.health"),
    Row("caddy", _FILE, "header_up X-Forwarded-Proto https", "edge.health"),
    Row("caddy", _CADDY, "reverse_proxy unix//run/site.sock", "edge.health"),
    Row("caddy", _CADDY, "redir https://site.example.org{uri} 301", "edge.redirect"),
    Row("caddy", _CADDY, "redir https://site.example.org{uri} 301", "edge.redirect", 1),
    Row("caddy", _CADDY, "encode zstd gzip", "edge.compression"),
    Row("caddy", _CADDY, "max_size 10MiB", "edge.body"),
    Row("caddy-port", _CADDY, "error @large 413", "edge.body"),
    Row(
        "caddy",
        _CADDY,
        '?Strict-Transport-Security "max-age=31536000; includeSubDomains"',
        "edge.headers",
    ),
    Row("caddy", _CADDY, "?X-Content-Type-Options nosniff", "edge.headers"),
    Row("caddy", _CADDY, "header_up X-Real-IP {remote_host}", "edge.forwarded"),
    Row("caddy", _CADDY, "header_up -Forwarded", "edge.forwarded"),
    Row("caddy", _CADDY, "header_up -X-Forwarded-Ssl", "edge.forwarded"),
    Row("caddy", _CADDY, "header_up -X-Forwarded-Protocol", "edge.forwarded"),
    Row("caddy", _CADDY, "header_up -X-Forwarded-Port", "edge.forwarded"),
    Row("caddy", _CADDY, "header_up -*_*", "edge.forwarded"),
)
"""Lines of the proxy, noticed while a stand-in answers behind it."""

SILENT = (
    Row("sse", _SITE, "proxy_read_timeout 3600s;", "edge.silence"),
    Row("ws", _SITE, "proxy_read_timeout 3600s;", "edge.quiet"),
    Row("nginx", _DEFAULT, "client_header_timeout 10s;", "edge.slow"),
    Row("caddy", _FILE, "read_header 10s", "edge.slow"),
)
"""Lines whose absence takes a minute and a half to notice."""

SURVIVED = (
    ("sse", "edge.silence"),
    ("sse-caddy", "edge.silence"),
    ("ws", "edge.quiet"),
    ("ws-caddy", "edge.quiet"),
    ("nginx", "edge.slow"),
    ("caddy", "edge.slow"),
)
"""What passes on a stack with every line in its place, however long it takes."""

STATIC = (
    Row(
        "nginx",
        _SITE,
        rf'"~^/static/.+\.[0-9a-f]{{12}}\.[^/]+$" {_FOREVER};',
        "static.hashed",
    ),
    Row("nginx", _SITE, '"~^/static/" "public, max-age=3600";', "static.plain"),
    Row("nginx", _SITE, "add_header Cache-Control $site_cache;", "static.hashed"),
    Row("nginx", _SITE, "alias /srv/site/staticfiles/;", "static.hashed"),
    Row("caddy", _CADDY, "root * /srv/site/staticfiles", "static.hashed"),
    Row("caddy", _CADDY, f"header @hashed Cache-Control {_FOREVER}", "static.hashed"),
    Row(
        "caddy",
        _CADDY,
        'header @plain Cache-Control "public, max-age=3600"',
        "static.plain",
    ),
)
"""Lines of the proxy, noticed while the application runs behind it."""

_PROD = "config/settings/prod.py"
_UNIT = "deploy/systemd/site.service"
_SOCKET = "deploy/systemd/site.socket"
_GUNICORN = "deploy/gunicorn.conf.py"
_PY = "/srv/site/.venv/bin/python"

BOOTED = (
    Row("nginx", _PROD, "DEBUG = False", "page.debug"),
    Row(
        "nginx",
        _PROD,
        'ALLOWED_HOSTS = _list("ALLOWED_HOSTS", ["site.example.org",'
        ' "www.example.org"])',
        "health.live",
    ),
    Row("nginx", "config/liveness.py", "request.get_host()", "page.hosts"),
    Row(
        "plain-server",
        _PROD,
        'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")',
        "page.secure",
    ),
    Row("nginx", _PROD, "SECURE_SSL_REDIRECT = True", "page.secure"),
    Row("nginx", _PROD, "SECURE_HSTS_INCLUDE_SUBDOMAINS = True", "page.headers"),
    Row(
        "nginx",
        _PROD,
        "SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True",
        "page.headers",
    ),
    Row(
        "nginx",
        _PROD,
        '"django.middleware.csp.ContentSecurityPolicyMiddleware",',
        "page.headers",
    ),
    Row("nginx", _PROD, '"frame-ancestors": [CSP.NONE],', "page.headers"),
    Row("nginx", _GUNICORN, "workers = size.workers", "server.workers"),
    Row("nginx", _GUNICORN, 'wsgi_app = "config.wsgi:application"', "boot"),
    Row("nginx", _GUNICORN, 'forwarder_headers = ""', "page.prefix"),
    Row("nginx", _UNIT, "WorkingDirectory=/srv/site", "boot"),
    Row("nginx", _UNIT, "EnvironmentFile=/etc/site/env", "boot"),
    Row("nginx", _UNIT, "StateDirectory=site", "boot"),
    Row("nginx", _UNIT, f"ExecStartPre={_PY} /srv/site/manage.py check", "life.broken"),
    Row("nginx", _UNIT, f"ExecReload={_PY} /srv/site/manage.py check", "life.refused"),
    Row("nginx", _UNIT, "ExecReload=/bin/kill -HUP $MAINPID", "life.reload"),
    Row("nginx", _SOCKET, "ListenStream=/run/site.sock", "boot"),
    Row("nginx", _SOCKET, "SocketMode=0660", "server.socket"),
    Row(
        "nginx",
        "notes/pages/readyz/page.py",
        '("database", _database),',
        "health.ready",
    ),
    Row("slow-stop", _GUNICORN, "graceful_timeout = 25", "life.stop"),
)
"""Lines that the application is started anew for."""


def first_of_each(rows: tuple[Row, ...]) -> set[Row]:
    """Return the first row of each probe, but for those that take half a minute."""
    slow = {"life.reload", "life.stop"}
    found = {row.probe: row for row in reversed(rows) if row.probe not in slow}
    return {*found.values()}
