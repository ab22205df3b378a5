"""The words of the questions about the project and what it keeps open."""

from __future__ import annotations

from nextwizard.rules import DJANGO, SEED

from .words import Words


PROJECT: dict[str, Words] = {
    "project.name": Words(
        "Name",
        "units, sockets and files carry it",
        "The names of the service, its socket, its account, its directories and the "
        "proxy's files.",
        "A name that another service of the host has would replace that service. A "
        "later change leaves the old unit running beside the new one.",
        f"{DJANGO}/howto/deployment/",
    ),
    "project.title": Words(
        "Title",
        "the project's name for people",
        "The description of the service and the heading of the runbook.",
        "Nothing breaks; `systemctl status` just says less.",
        f"{DJANGO}/howto/deployment/",
    ),
    "project.package": Words(
        "Package",
        "it holds settings, urls, wsgi.py and asgi.py",
        "Which module the server imports, and where the production settings go.",
        "Another package than the one manage.py names would start a project without "
        "your settings, or none at all.",
        f"{DJANGO}/topics/settings/",
    ),
    "project.pages": Words(
        "Pages",
        "the page tree that gets the health page",
        "Where healthz/page.py is written, which load balancers and monitors ask.",
        "A tree that no backend serves answers 404, and a balancer would take the host "
        "out. `manage.py check` does not see it.",
        SEED,
    ),
    "project.runner": Words(
        "Runner",
        "what installs the packages on the host",
        "The commands of the runbook, and which Python the service starts.",
        "The service never calls it at boot: a resolver that needs the network would "
        "keep the site down.",
        "https://docs.astral.sh/uv/",
        {
            "uv": "uv, from uv.lock",
            "venv": "an environment and pip",
            "system": "the host's own Python",
        },
    ),
    "health.path": Words(
        "Health path",
        "what load balancers and monitors ask",
        "The URL of the page that answers 200 as long as the process lives, and its "
        "exemption from the redirect to https.",
        "A path that redirects or asks for a login counts as down.",
        SEED,
    ),
}

FEATURES: dict[str, Words] = {
    "features.sse": Words(
        "Source of the event streams",
        "a page keeps a stream open and the server sends into it",
        "WSGI or ASGI, the proxy's buffering and timeouts for those paths, and how "
        "many threads or loops it takes.",
        "An async source answers 500 under WSGI, a sync source 500 under ASGI. A proxy "
        "that buffers delivers nothing until the stream ends.",
        SEED,
        {
            "none": "no stream",
            "sync": "a plain generator: WSGI, a thread for each visitor",
            "async": "an async generator: ASGI",
            "portable": "chosen by request type: runs under both",
            "mixed": "some sync, some async: no single server fits",
        },
        "Server-Sent Events",
    ),
    "features.websockets": Words(
        "Websockets",
        "both sides send over one connection",
        "ASGI, and the upgrade headers in the proxy.",
        "Under WSGI a websocket cannot connect at all; without the headers the proxy "
        "answers 426 or 400.",
        "https://channels.readthedocs.io/en/latest/deploying.html",
    ),
    "features.async_views": Words(
        "Async Django views",
        "plain Django views that await something slow",
        "ASGI, so that a waiting view costs no thread.",
        "Under WSGI they run all the same, a thread each, and gain nothing.",
        f"{DJANGO}/topics/async/#async-views",
    ),
    "features.streaming": Words(
        "Source of streaming responses",
        "a response is sent piece by piece",
        "WSGI for a sync iterator, ASGI for an async one, and the proxy's timeouts.",
        "With the other interface Django reads the iterator to its end first: the "
        "visitor waits, and memory holds all of it.",
        f"{DJANGO}/ref/request-response/#streaminghttpresponse-objects",
        {
            "none": "no such response",
            "sync": "from a plain iterator: WSGI",
            "async": "from an async iterator: ASGI",
        },
        "Streaming responses",
    ),
    "features.sse_paths": Words(
        "Paths of the streams",
        "where the proxy must not buffer",
        "Which locations of the proxy pass every byte on at once, with an hour of "
        "silence allowed.",
        "A path that is missing here is cut after 60 s of silence. With none named, "
        "nothing is buffered anywhere, and slow visitors hold workers.",
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering",
    ),
    "features.websocket_paths": Words(
        "Paths of the websockets",
        "where the proxy lets a connection upgrade",
        "Which locations of the proxy send the upgrade headers on.",
        "A path that is missing here cannot connect.",
        "https://nginx.org/en/docs/http/websocket.html",
    ),
}


__all__ = ["FEATURES", "PROJECT"]
