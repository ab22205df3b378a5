"""NEW: the files of a new project, before its deployment is made."""

from __future__ import annotations

from nextwizard.catalog import Output


_PAGES = "{new.app}/pages"
_CARD = "pages/_components/greeting"

NEW: tuple[Output, ...] = tuple(
    Output(f"new_{number}", f"new/{template}", path, ownership="once", mode=mode)
    for number, (template, path, mode) in enumerate(
        (
            ("manage.py", "manage.py", 0o755),
            ("empty", "config/__init__.py", 0o644),
            ("config/settings.py", "config/settings.py", 0o644),
            ("config/urls.py", "config/urls.py", 0o644),
            ("empty", "{new.app}/__init__.py", 0o644),
            ("pages/layout.djx", f"{_PAGES}/layout.djx", 0o644),
            ("pages/layout.css", f"{_PAGES}/layout.css", 0o644),
            ("pages/page.py", f"{_PAGES}/page.py", 0o644),
            ("pages/template.djx", f"{_PAGES}/template.djx", 0o644),
            (f"{_CARD}/component.djx", f"{{new.app}}/{_CARD}/component.djx", 0o644),
            (f"{_CARD}/component.css", f"{{new.app}}/{_CARD}/component.css", 0o644),
            ("empty", "tests/__init__.py", 0o644),
            ("test_pages.py", "tests/test_pages.py", 0o644),
            ("pyproject.toml", "pyproject.toml", 0o644),
            ("README.md", "README.md", 0o644),
            ("gitignore", ".gitignore", 0o644),
        )
    )
)
"""Every file of a new project, in the order in which it is written."""

KEPT = frozenset({"README.md", ".gitignore"})
"""What a fresh repository may hold already; it is left as it is."""


__all__ = ["KEPT", "NEW"]
