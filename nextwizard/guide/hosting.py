"""The words of the questions about where and behind what the project runs."""

from __future__ import annotations

from nextwizard.rules import (
    CADDY,
    DJANGO,
    DOCKER,
    GUNICORN,
    KUBERNETES,
    NGINX,
    SEED,
    SYSTEMD,
)

from .words import Words


WHERE: dict[str, Words] = {
    "hosting.target": Words(
        "Target",
        "what starts the project and starts it again",
        "Which files are made: a unit and its socket, a program of supervisor, or an "
        "image with a compose file, with manifests, or with a Procfile.",
        "Files for another target do no harm, but nothing on the host reads them.",
        f"{SYSTEMD}/systemd.service.html",
        {
            "systemd": "a unit on one Linux host",
            "supervisor": "a program of supervisord",
            "compose": "containers on one host",
            "kubernetes": "pods of a cluster",
            "procfile": "a platform: Heroku, Fly and their like",
        },
    ),
    "hosting.image": Words(
        "Image",
        "what the image is called, without a tag",
        "The name that is built, pushed and pulled.",
        "A name without a registry stays on the machine that built it; no cluster can "
        "pull it.",
        f"{DOCKER}/get-started/docker-concepts/the-basics/what-is-a-registry/",
    ),
    "hosting.route": Words(
        "Way into the cluster",
        "what leads a request to the pods",
        "A Gateway with its HTTPRoutes, or an Ingress with its annotations.",
        "A cluster without a controller for it accepts the manifest, and nothing "
        "answers.",
        f"{KUBERNETES}/services-networking/gateway/",
        {
            "gateway": "Gateway API, timeouts per path",
            "ingress": "Ingress, annotations of nginx",
        },
    ),
    "hosting.route_class": Words(
        "Class of the way in",
        "the controller of the cluster that serves it",
        "gatewayClassName or ingressClassName.",
        "With a class that no controller has, nobody serves the route.",
        f"{KUBERNETES}/services-networking/ingress/#ingress-class",
    ),
    "hosting.interface": Words(
        "Interface",
        "how Django meets the server",
        "wsgi.py or asgi.py is what the server imports.",
        "Both serve plain pages. A stream of the other kind answers 500, so a wrong "
        "answer here is refused with the line that rules it out.",
        SEED,
        {
            "auto": "what the code needs",
            "wsgi": "a thread for each request",
            "asgi": "an event loop in each worker",
        },
    ),
    "hosting.server": Words(
        "Server",
        "the program that runs Django",
        "The command of the unit, its configuration, and deploy/requirements.txt.",
        "A server of the other interface is refused; one that cannot do websockets or "
        "streams too, if the project has them.",
        f"{GUNICORN}/design.html",
        {
            "auto": "gunicorn for WSGI, uvicorn for ASGI",
            "gunicorn": "threads, reloads without a loss",
            "uwsgi": "WSGI over its own protocol",
            "uvicorn": "ASGI, the usual one",
            "daphne": "ASGI, one process",
            "hypercorn": "ASGI, HTTP/2 towards the proxy",
            "granian": "ASGI or WSGI, written in Rust",
        },
    ),
    "hosting.bind": Words(
        "Listen on",
        "where the proxy reaches the server",
        "The socket that systemd or the server opens, and the proxy's upstream.",
        "A port that is not on loopback can be reached past the proxy, by anybody who "
        "forges its headers.",
        f"{SYSTEMD}/systemd.socket.html",
    ),
    "hosting.user": Words(
        "Account",
        "the unprivileged account of the service",
        "Who owns the process and its state directory.",
        "An account that other services share can read each other's data.",
        f"{SYSTEMD}/systemd.exec.html#User=",
    ),
    "hosting.group": Words(
        "Group",
        "the group of the account",
        "Who may read the secrets file where no root hands it over.",
        "A group that people are in lets them read it.",
        f"{SYSTEMD}/systemd.exec.html#User=",
    ),
    "hosting.root": Words(
        "Checkout on the host",
        "where the project lies there",
        "Every path in the unit, the proxy and the runbook.",
        "Below /root no unprivileged service can start; below /home the unit hides "
        "everything else there.",
        f"{SYSTEMD}/systemd.exec.html#ProtectHome=",
    ),
    "hosting.hosts": Words(
        "Application hosts",
        "several hosts behind one proxy, each with its port",
        "The proxy's list of upstreams, and units that listen on each host's address.",
        "Left empty, the proxy and the application share this host.",
        f"{NGINX}/http/ngx_http_upstream_module.html",
    ),
    "hosting.proxy_addresses": Words(
        "Addresses of the proxy",
        "as the application hosts see it come",
        "Whose word about the visitor they believe, and whom their sockets let in.",
        "Left empty, whoever reaches the port can pose as the proxy.",
        f"{DJANGO}/ref/settings/#secure-proxy-ssl-header",
    ),
}

EDGE: dict[str, Words] = {
    "hosting.proxy": Words(
        "Proxy",
        "it ends TLS, serves files and holds slow visitors",
        "The proxy's files, who serves /static/, and which headers Django believes.",
        "Without one the application server talks to the internet: slow visitors hold "
        "its workers, and something else has to do TLS.",
        SEED,
        {
            "nginx": "the one most hosts already run",
            "caddy": "gets certificates by itself",
            "none": "something in front does it",
        },
    ),
    "hosting.proxy_version": Words(
        "Release of the proxy",
        "what it understands depends on it",
        "The spelling of http2 and other directives.",
        "A directive that the installed release does not know takes down every site of "
        "the host at the next restart.",
        f"{NGINX}/http/ngx_http_v2_module.html",
    ),
    "hosting.proxy_user": Words(
        "Account of the proxy",
        "it may open the application's socket",
        "The group of the socket.",
        "With another account the proxy answers 502 to everything.",
        f"{SYSTEMD}/systemd.socket.html#SocketUser=",
    ),
    "hosting.domains": Words(
        "Domains",
        "what visitors type, the canonical one first",
        "ALLOWED_HOSTS, CSRF_TRUSTED_ORIGINS, SITE.URL, the certificate and the names "
        "the proxy answers to; all but the first redirect to it.",
        "A name that is missing here answers 400, and forms sent from it 403.",
        f"{DJANGO}/ref/settings/#allowed-hosts",
    ),
    "hosting.path_prefix": Words(
        "Path prefix",
        "only when the project lives below a path",
        "The proxy's locations, SCRIPT_NAME and every URL Django makes.",
        "Without it links and forms lead out of the project.",
        f"{DJANGO}/ref/settings/#force-script-name",
    ),
    "hosting.max_body_mb": Words(
        "Largest request in MB",
        "an upload that is larger is turned away",
        "The proxy's limit; Django never sees what is larger.",
        "Too low, uploads answer 413. Too high, anybody can fill the disk.",
        f"{NGINX}/http/ngx_http_core_module.html#client_max_body_size",
    ),
    "hosting.rate_limit": Words(
        "Requests a second of one address",
        "0 is no limit; caddy's own build knows none",
        "nginx answers 429 to an address that asks more often for long; static files, "
        "streams and websockets are not counted.",
        "Too low, an office or a mobile network behind one address is turned away.",
        f"{NGINX}/http/ngx_http_limit_req_module.html",
    ),
}

TRUST: dict[str, Words] = {
    "hosting.tls": Words(
        "Certificate",
        "where it comes from",
        "The proxy's certificate lines and the runbook's steps to get one.",
        "Without https Django's secure cookies are never sent, and nobody can log in.",
        f"{CADDY}/automatic-https",
        {
            "acme": "a public one, renewed by itself",
            "files": "files that you bring",
            "internal": "an authority of your own",
            "upstream": "what stands in front does TLS",
        },
    ),
    "hosting.acme_email": Words(
        "Mailbox for certificates",
        "the authority writes when a renewal fails",
        "The account that certbot or caddy registers.",
        "Without it nobody is told before a certificate expires.",
        "https://letsencrypt.org/docs/expiration-emails/",
    ),
    "hosting.tls_certificate": Words(
        "Certificate file",
        "the chain, on the host",
        "The proxy's certificate line.",
        "A path that does not exist keeps the proxy from starting.",
        f"{NGINX}/http/configuring_https_servers.html",
    ),
    "hosting.tls_certificate_key": Words(
        "Key file",
        "the private key, on the host",
        "The proxy's key line.",
        "A path that does not exist keeps the proxy from starting.",
        f"{NGINX}/http/configuring_https_servers.html",
    ),
    "hosting.trusted_proxies": Words(
        "Networks of a balancer in front",
        "whose word about the visitor's address counts",
        "Which X-Forwarded-For the proxy believes.",
        "Too wide, any neighbour forges addresses. Missing, every visitor seems to be "
        "the balancer.",
        f"{NGINX}/http/ngx_http_realip_module.html",
    ),
    "hosting.hsts_preload": Words(
        "HSTS preload",
        "browsers ship the domain as https only",
        "The word preload in Strict-Transport-Security.",
        "Once the list has the domain it takes months to get out, subdomains included.",
        "https://hstspreload.org/#removal",
    ),
    "security.csp": Words(
        "Content Security Policy",
        "which scripts and styles a browser runs",
        "The policy in prod.py, and whether it blocks or reports.",
        "Enforced over inline scripts without a nonce it breaks those pages; without a "
        "policy an injected script runs.",
        f"{DJANGO}/howto/csp/",
        {
            "auto": "blocks if the templates allow it",
            "enforce": "blocks what is not ours",
            "strict": "blocks all without a nonce",
            "report": "reports, blocks nothing",
            "off": "no policy",
        },
    ),
    "checks.ignore": Words(
        "Accepted findings",
        "ids of findings that you know and accept",
        "What is reported, and what stands against a run.",
        "An error that is accepted here is still there for the visitor.",
        f"{DJANGO}/ref/checks/",
    ),
    "environment": Words(
        "Environment",
        "NAME=value, variables of your own, no secrets",
        "Environment lines of the unit or container.",
        "These files go into git: a secret belongs into the .env file.",
        f"{SYSTEMD}/systemd.exec.html#Environment=",
    ),
}


__all__ = ["EDGE", "TRUST", "WHERE"]
