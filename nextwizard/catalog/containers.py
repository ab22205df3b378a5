"""The files of an image, of compose, and of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextwizard.catalog import Output, contained, decided


if TYPE_CHECKING:
    from nextwizard.catalog import Condition


_compose = decided("hosting.target", "compose")
_cluster = decided("hosting.target", "kubernetes")
_platform = decided("hosting.target", "procfile")
_BASE = "deploy/kubernetes/base"
_OVERLAYS = "deploy/kubernetes/overlays"


def _also(key: str, value: object) -> Condition:
    """Return a condition for clusters where a decision has this value."""
    return lambda plan: _cluster(plan) and plan[key] == value


def _manifest(name: str, when: Condition = _cluster) -> Output:
    """Return the row of one manifest of the base."""
    return Output(
        f"kube_{name}",
        f"kubernetes/{name}.yaml",
        f"{_BASE}/{name}.yaml",
        when,
        "kubernetes",
    )


def _overlay(name: str) -> Output:
    path = f"{name}/kustomization.yaml"
    return Output(
        f"kube_{name}",
        f"kubernetes/{path}",
        f"{_OVERLAYS}/{path}",
        _cluster,
        "kustomize",
    )


def _runbook(target: str, when: Condition) -> Output:
    return Output(
        f"runbook_{target}",
        f"{target}/README.md",
        "deploy/README.md",
        when,
        "markdown",
    )


CONTAINERS: tuple[Output, ...] = (
    Output(
        "dockerfile",
        "container/Dockerfile",
        "deploy/Dockerfile",
        contained,
        "dockerfile",
    ),
    Output(
        "dockerignore",
        "container/Dockerfile.dockerignore",
        "deploy/Dockerfile.dockerignore",
        contained,
    ),
    Output(
        "healthcheck",
        "container/healthcheck.py",
        "deploy/healthcheck.py",
        contained,
        "python",
    ),
    Output(
        "compose", "compose/compose.yaml", "deploy/compose.yaml", _compose, "compose"
    ),
    Output(
        "kube_base",
        "kubernetes/kustomization.yaml",
        f"{_BASE}/kustomization.yaml",
        _cluster,
        "kustomize",
    ),
    _manifest("namespace"),
    Output("kube_config", "kubernetes/config.env", f"{_BASE}/config.env", _cluster),
    _manifest("serviceaccount"),
    _manifest("networkpolicy"),
    _manifest("volume", _also("kube.volume", value=True)),
    _manifest("deployment"),
    _manifest("service"),
    _manifest("autoscaler", _also("kube.scaled", value=True)),
    _manifest("disruption", _also("kube.scaled", value=True)),
    _manifest("gateway", _also("kube.route", "gateway")),
    _manifest("ingress", _also("kube.route", "ingress")),
    _manifest("migrate"),
    _overlay("production"),
    _overlay("staging"),
    _runbook("compose", _compose),
    _runbook("kubernetes", _cluster),
    Output("procfile", "procfile/Procfile", "Procfile", _platform, "procfile"),
    Output("app_json", "procfile/app.json", "app.json", _platform, "json"),
    Output("fly", "procfile/fly.toml", "fly.toml", _platform, "toml"),
    _runbook("procfile", _platform),
)
"""The rows of what runs an image."""


__all__ = ["CONTAINERS"]
