from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from nextwizard.cli import main
from nextwizard.errors import ToolError
from nextwizard.exact import ask
from nextwizard.scan import scan


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


ENGINES = {"data.sqlite": "sqlite3", "data.postgresql": "postgresql"}


@pytest.mark.parametrize("kind", ["plain", "sse_async", "sse_sync", "channels_ws"])
def test_the_scan_says_what_the_project_says(
    kind: str, sample: Callable[..., Path]
) -> None:
    root = sample(kind)
    said = ask(str(root), sys.executable, "config.settings")
    read = scan(root)
    assert [tree.path for tree in read.layout.page_roots] == list(said.roots)
    settings = read.layout.settings.literals
    for name in ("MIDDLEWARE", "INSTALLED_APPS", "ROOT_URLCONF"):
        assert settings[name] == said.settings[name], name
    engine = next(kind for kind in ENGINES if read.of_kind(kind))
    assert str(said.settings["DATABASE"]).endswith(ENGINES[engine])
    streams = read.detected["features.sse_paths"].value
    assert isinstance(streams, tuple)
    assert set(streams) <= set(said.urls)
    for tree in read.layout.page_roots:
        folder = f"{tree.path}/"
        pages = {p for p in said.urls.values() if p.startswith(folder)}
        assert len(pages) == tree.pages


def test_the_health_page_is_one_of_the_project_s_urls(
    sample: Callable[..., Path],
) -> None:
    root = sample()
    assert main(["init", str(root), "--yes"]) == 0
    said = ask(str(root), sys.executable, "config.settings.prod", BUILD="1")
    assert said.urls["/healthz/"] == "notes/pages/healthz/page.py"
    assert str(said.settings["STATIC_STORAGE"]).endswith("ManifestStaticFilesStorage")


def test_a_project_that_does_not_import_is_said_so(sample: Callable[..., Path]) -> None:
    root = sample()
    settings = root / "config/settings.py"
    settings.write_text(settings.read_text() + "\nimport no_such_package\n")
    with pytest.raises(ToolError, match="no_such_package"):
        ask(str(root), sys.executable, "config.settings")
