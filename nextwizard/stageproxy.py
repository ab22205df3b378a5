"""The generated proxy files on loopback, loaded through a wrapper of the stage."""

from __future__ import annotations

import functools
import os
import re
import ssl
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING, override

from . import quoting
from .errors import Problem, ToolError
from .stage import certificate
from .tools import find, run, start


if TYPE_CHECKING:
    from .stage import Stage
    from .tools import Server


_MIME = "types { text/html html; text/css css; text/javascript js; image/svg+xml svg; }"


def proxy(stage: Stage, program: str = "") -> Server:
    """Start the generated proxy; ToolError when it is missing or refuses its files."""
    certificate(stage)
    if stage.text("proxy.kind") == "nginx":
        return _nginx(stage, program)
    return _caddy(stage, program)


def _nginx(stage: Stage, program: str) -> Server:
    """Start nginx on a wrapper of its own, so that it needs no root and no /etc."""
    binary = program or find("nginx")
    if not binary:
        raise ToolError(Problem("nginx", "is not installed", "Install nginx."))
    config = nginx_files(stage)
    checked = run(
        [binary, "-t", "-q", "-p", stage.place("nginx"), "-c", config], timeout=20
    )
    if checked.code:
        said = checked.err.strip().splitlines() or ["failed"]
        why = next((line for line in said if "[emerg]" in line), said[-1])
        raise ToolError(Problem("nginx -t", why, ""))
    command = [binary, "-p", stage.place("nginx"), "-c", config, "-g", "daemon off;"]
    return start(command, log=stage.place("proxy.log"))


def nginx_files(stage: Stage) -> str:
    """Write the wrapper and the mapped files, line by line; return the wrapper's path.

    A copy has the lines of its file, so that what is said of one is true of the other.
    """
    folder, sites = "deploy/nginx", ""
    for file in sorted(os.listdir(os.path.join(stage.root, folder))):
        if file.endswith((".inc", ".conf")):
            below = "snippets" if file.endswith(".inc") else "sites"
            text = stage.moved(stage.read(f"{folder}/{file}"), quoting.nginx)
            place = stage.place("nginx", below, file)
            _write(place, _ports(stage, _pairs(stage, text)))
            if below == "sites":
                sites += f"include {quoting.nginx(f'sites/{file}')};\n"
    places = [
        f"{kind}_temp_path {quoting.nginx(stage.place('nginx', kind))};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    ]
    user = "user root;\n" if os.geteuid() == 0 else ""
    text = (
        f"{user}pid nginx.pid;\nerror_log {quoting.nginx(stage.place('nginx.log'))};\n"
        "worker_processes 1;\nworker_shutdown_timeout 10s;\n"
        "worker_rlimit_nofile 8192;\nevents { worker_connections 4096; }\nhttp {\n"
        f"{_MIME}\ndefault_type application/octet-stream;\naccess_log off;\n"
        + "\n".join(places)
        + f"\n{sites}}}\n"
    )
    place = stage.place("nginx", "nginx.conf")
    _write(place, text)
    return place


def _ports(stage: Stage, text: str) -> str:
    """Map the ports of listen lines to loopback, and blank those of version 6."""
    text = re.sub(r"(?m)^[ \t]*listen \[::\]:.*$", "", text)
    text = re.sub(r"(?m)^(\s*listen )80\b", rf"\g<1>127.0.0.1:{stage.http}", text)
    return re.sub(r"(?m)^(\s*listen )443\b", rf"\g<1>127.0.0.1:{stage.https}", text)


def _pairs(stage: Stage, text: str) -> str:
    """Put the stage's certificate where a site names one, whatever its path."""
    for name, file in (("", "fullchain.pem"), ("_key", "privkey.pem")):
        place = quoting.nginx(stage.place("tls", file))
        safe = place.replace("\\", r"\\")
        pattern = rf"(?m)^([ \t]*ssl_certificate{name}[ \t]+)[^;\n]+;"
        text = re.sub(pattern, rf"\g<1>{safe};", text)
    return text


def _write(place: str, text: str) -> None:
    with open(place, "w", encoding="utf-8") as file:
        file.write(text)


def _caddy(stage: Stage, program: str) -> Server:
    """Start caddy with its storage, ports and certificate on the stage."""
    binary = program or find("caddy")
    if not binary:
        raise ToolError(Problem("caddy", "is not installed", "Install caddy."))
    config = caddy_files(stage)
    home = stage.place("caddy", "home")
    env = {
        "PATH": os.defpath,
        "HOME": home,
        "XDG_DATA_HOME": home,
        "XDG_CONFIG_HOME": home,
    }
    base = ["--adapter", "caddyfile", "--config", config]
    checked = run([binary, "validate", *base], timeout=30, env=env)
    if checked.code:
        said = checked.err.strip().splitlines()
        raise ToolError(Problem("caddy validate", said[-1] if said else "failed", ""))
    return start([binary, "run", *base], log=stage.place("proxy.log"), env=env)


def caddy_files(stage: Stage) -> str:
    """Write the mapped Caddyfile and site; return the Caddyfile's path."""
    name = stage.text("project.name")
    options = (
        "{\n\tadmin off\n\tskip_install_trust\n\tdefault_bind 127.0.0.1\n"
        f"\thttp_port {stage.http}\n\thttps_port {stage.https}\n"
        f"\tstorage file_system {quoting.caddy(stage.place('caddy', 'storage'))}\n"
    )
    text = stage.moved(stage.read("deploy/caddy/Caddyfile"), quoting.caddy)
    _write(
        stage.place("caddy", "Caddyfile"), re.sub(r"(?m)^\{\n", options, text, count=1)
    )
    text = stage.moved(stage.read(f"deploy/caddy/{name}.caddy"), quoting.caddy)
    if stage.text("tls.kind") in {"acme", "internal"}:
        cert, key = (
            stage.place("tls", "fullchain.pem"),
            stage.place("tls", "privkey.pem"),
        )
        pair = f"tls {quoting.caddy(cert)} {quoting.caddy(key)}"
        text = re.sub(r"(?m)^\ttls internal\n", "", text)
        text = re.sub(
            r"(?m)^((?!http://)[^\s#{}@()][^\n]*\{\n)", rf"\1\t{pair}\n", text
        )
    _write(stage.place("caddy", "sites", f"{name}.caddy"), text)
    return stage.place("caddy", "Caddyfile")


def caddy_plain(stage: Stage) -> str:
    """Write the mapped Caddyfile and sites, line by line; return the Caddyfile's path.

    For `caddy validate`, which binds no port and asks for no certificate.
    """
    folder = "deploy/caddy"
    pair = [
        quoting.caddy(stage.place("tls", file))
        for file in ("fullchain.pem", "privkey.pem")
    ]
    for file in sorted(os.listdir(os.path.join(stage.root, folder))):
        site = file.endswith(".caddy")
        if site or file == "Caddyfile":
            text = stage.moved(stage.read(f"{folder}/{file}"), quoting.caddy)
            text = re.sub(
                r'(?m)^([ \t]*tls )["/].*$', lambda hit: hit[1] + " ".join(pair), text
            )
            parts = ("sites", file) if site else (file,)
            _write(stage.place("caddy", *parts), text)
    return stage.place("caddy", "Caddyfile")


def connect(
    stage: Stage, host: str, *, tls: bool, timeout: float = 10
) -> HTTPConnection:
    """Return a connection to the proxy as a visitor of this host would make it.

    The stage's certificate is thrown away, so it is not checked; its name is sent.
    """
    if not tls:
        return HTTPConnection("127.0.0.1", stage.http, timeout=timeout)
    return _Named("127.0.0.1", stage.https, host, _unchecked(), timeout)


@functools.cache
def _unchecked() -> ssl.SSLContext:
    """Return a context that trusts anybody; made once, and without a list to read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _Named(HTTPSConnection):
    """A TLS connection to loopback that asks for a host by its name."""

    def __init__(
        self,
        address: str,
        port: int,
        host: str,
        context: ssl.SSLContext,
        timeout: float,
    ) -> None:
        super().__init__(address, port, context=context, timeout=timeout)
        self._name = host
        self._tls = context

    @override
    def connect(self) -> None:
        """Connect to the address, then ask for the name."""
        HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)


__all__ = ["caddy_files", "caddy_plain", "connect", "nginx_files", "proxy"]
