"""OUTPUTS: every file nextwizard makes; the only place that knows their names."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple


if TYPE_CHECKING:
    from collections.abc import Callable

    from nextwizard.values import Ownership, Plan

    type Condition = Callable[[Plan], bool]


ANSWERS_FILE = "nextwizard.toml"
RECORD_DIR = ".nextwizard"
SEEN = f"{RECORD_DIR}/run/seen.json"


def templates_dir() -> str:
    """Return the templates: those of the installed package, else the checkout's."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    packaged = os.path.join(here, "templates")
    if os.path.isdir(packaged):
        return packaged
    return os.path.join(os.path.dirname(here), "templates")


def always(_plan: Plan) -> bool:
    """Hold for every plan."""
    return True


def decided(key: str, *values: object) -> Condition:
    """Return a condition that holds while a decision has one of these values."""
    return lambda plan: plan[key] in values


def true(key: str) -> Condition:
    """Return a condition that holds while a decision is yes."""
    return lambda plan: plan[key] is True


def on_host(plan: Plan) -> bool:
    """Hold while the deployment runs on a host of one's own, not in a container."""
    return plan["hosting.target"] in {"systemd", "supervisor"}


def contained(plan: Plan) -> bool:
    """Hold while the deployment is an image."""
    return plan["hosting.target"] in {"compose", "kubernetes", "procfile"}


def proxied(plan: Plan) -> bool:
    """Hold while a proxy of ours can stand in front, on the host or in a container."""
    return on_host(plan) or plan["hosting.target"] == "compose"


def _page(plan: Plan) -> bool:
    return plan["health.via"] == "page"


def _ready_page(plan: Plan) -> bool:
    return _page(plan) and plan["health.ready"] is True


def _activated(plan: Plan) -> bool:
    return plan["hosting.target"] == "systemd" and plan["server.activated"] is True


def served(plan: Plan) -> bool:
    """Hold while deploy/boot.py starts the server: on a host and in an image."""
    return on_host(plan) or contained(plan)


def _gunicorn(plan: Plan) -> bool:
    return served(plan) and plan["server.kind"] == "gunicorn"


def _nginx(plan: Plan) -> bool:
    return proxied(plan) and plan["proxy.kind"] == "nginx"


def _nginx_uwsgi(plan: Plan) -> bool:
    return _nginx(plan) and plan["server.protocol"] == "uwsgi"


def _nginx_http(plan: Plan) -> bool:
    return _nginx(plan) and plan["server.protocol"] == "http"


def _uwsgi(plan: Plan) -> bool:
    return served(plan) and plan["server.kind"] == "uwsgi"


def _nginx_ws(plan: Plan) -> bool:
    return _nginx(plan) and plan["ws.on"] is True


def _caddy(plan: Plan) -> bool:
    return proxied(plan) and plan["proxy.kind"] == "caddy"


class Output(NamedTuple):
    """One file: its key, template, destination, condition, owner, checker and mode.

    A destination names decisions in braces; the checker is the one `verify` runs.
    `each` says that every one of several hosts has its own.
    """

    key: str
    template: str
    destination: str
    when: Condition = always
    checker: str = ""
    ownership: Ownership = "managed"
    mode: int = 0o644
    each: bool = False


OUTPUTS: tuple[Output, ...] = (
    Output("wsgi", "django/wsgi.py", "{paths.package}/wsgi.py", checker="python"),
    Output("asgi", "django/asgi.py", "{paths.package}/asgi.py", checker="python"),
    Output(
        "settings_init",
        "django/settings/__init__.py",
        "{settings.folder}/__init__.py",
        true("settings.ours"),
        "python",
        "once",
    ),
    Output(
        "settings_dev",
        "django/settings/dev.py",
        "{settings.folder}/dev.py",
        true("settings.ours"),
        "python",
        "once",
    ),
    Output(
        "settings_prod", "django/settings/prod.py", "{settings.file}", checker="python"
    ),
    Output(
        "redis_cache",
        "django/redis_cache.py",
        "{paths.package}/{module.redis_cache_file}.py",
        decided("cache.kind", "redis"),
        "python",
    ),
    Output(
        "static_storage",
        "django/static_storage.py",
        "{paths.package}/{module.static_storage_file}.py",
        true("static.unmapped"),
        "python",
    ),
    Output("healthz", "pages/healthz/page.py", "{health.page}", _page, "python"),
    Output(
        "readyz", "pages/readyz/page.py", "{health.ready_page}", _ready_page, "python"
    ),
    Output(
        "health",
        "django/health.py",
        "{paths.package}/{module.health_file}.py",
        decided("health.via", "urls"),
        "python",
    ),
    Output(
        "liveness",
        "django/liveness.py",
        "{paths.package}/{module.liveness_file}.py",
        true("health.direct"),
        "python",
    ),
    Output("boot", "deploy/boot.py", "deploy/boot.py", served, "python"),
    Output(
        "gunicorn",
        "gunicorn/gunicorn.conf.py",
        "deploy/gunicorn.conf.py",
        _gunicorn,
        "gunicorn",
    ),
    Output("uwsgi", "uwsgi/uwsgi.ini", "{unit.uwsgi}", _uwsgi, "uwsgi", each=True),
    Output("requirements", "deploy/requirements.txt", "deploy/requirements.txt"),
    Output(
        "nginx_default",
        "nginx/default.conf",
        "deploy/nginx/00-default.conf",
        _nginx,
        "nginx",
    ),
    Output(
        "nginx", "nginx/site.conf", "deploy/nginx/{project.name}.conf", _nginx, "nginx"
    ),
    Output(
        "nginx_proxy",
        "nginx/proxy.inc",
        "deploy/nginx/{project.name}_proxy.inc",
        _nginx_http,
    ),
    Output("nginx_ws", "nginx/ws.inc", "deploy/nginx/{project.name}_ws.inc", _nginx_ws),
    Output(
        "nginx_uwsgi",
        "nginx/uwsgi.inc",
        "deploy/nginx/{project.name}_uwsgi.inc",
        _nginx_uwsgi,
    ),
    Output("caddyfile", "caddy/Caddyfile", "deploy/caddy/Caddyfile", _caddy, "caddy"),
    Output(
        "caddy",
        "caddy/site.caddy",
        "deploy/caddy/{project.name}.caddy",
        _caddy,
        "caddy",
    ),
    Output(
        "service",
        "systemd/app.service",
        "{unit.folder}/{project.name}.service",
        decided("hosting.target", "systemd"),
        "systemd",
        each=True,
    ),
    Output(
        "socket",
        "systemd/app.socket",
        "{unit.folder}/{project.name}.socket",
        _activated,
        "systemd",
        each=True,
    ),
    Output(
        "supervisor",
        "supervisor/app.conf",
        "{unit.folder}/{project.name}.conf",
        decided("hosting.target", "supervisor"),
        "supervisor",
        each=True,
    ),
    Output("env_example", "deploy/env.example", "deploy/{project.name}.env.example"),
    Output(
        "env",
        "deploy/env",
        "deploy/{project.name}.env",
        ownership="secret",
        mode=0o600,
    ),
    Output(
        "runbook", "deploy/README.md", "deploy/README.md", on_host, checker="markdown"
    ),
)
"""The files of any target, in the order in which they are listed and written."""


def destination(output: Output, plan: Plan) -> str:
    """Return where an output goes, POSIX, below the project's root."""
    return re.sub(r"\{([^}]+)\}", lambda found: str(plan[found[1]]), output.destination)


def every() -> tuple[Output, ...]:
    """Return the rows of all targets."""
    from .ci import CI
    from .containers import CONTAINERS

    return (*OUTPUTS, *CONTAINERS, *CI)


def wanted(plan: Plan) -> tuple[Output, ...]:
    """Return the outputs this plan has; rows of other targets are not even read."""
    more = contained(plan) or plan["ci.provider"] != "none"
    rows = every() if more else OUTPUTS
    return tuple(output for output in rows if output.when(plan))


__all__ = [
    "ANSWERS_FILE",
    "OUTPUTS",
    "RECORD_DIR",
    "SEEN",
    "Output",
    "always",
    "contained",
    "decided",
    "destination",
    "every",
    "on_host",
    "proxied",
    "served",
    "templates_dir",
    "wanted",
]
