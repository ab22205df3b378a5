"""The files of the services that run the project's checks at every push."""

from __future__ import annotations

from nextwizard.catalog import Output, decided


CI: tuple[Output, ...] = (
    Output(
        "ci_github",
        "ci/github.yml",
        ".github/workflows/nextwizard.yml",
        decided("ci.provider", "github"),
        "github",
    ),
    Output(
        "ci_gitlab",
        "ci/gitlab-ci.yml",
        ".gitlab-ci.yml",
        decided("ci.provider", "gitlab"),
        "gitlab",
    ),
)
"""A row a provider."""


__all__ = ["CI"]
