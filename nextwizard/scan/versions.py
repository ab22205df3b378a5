"""Which versions the project pins or has installed, and what installs them."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from nextwizard.values import Fact

from .files import evidence, shown


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .files import Tree


_LOCK_LIMIT = 16 << 20
_NAMES: Final[Mapping[str, str]] = {
    name.replace(".", "-"): name
    for name in (
        "brotli celery channels channels-redis daphne dj-database-url django "
        "django-environ granian gunicorn hypercorn mysqlclient next.dj psycopg "
        "psycopg-pool psycopg2 psycopg2-binary redis servestatic uvicorn uvloop uwsgi "
        "websockets whitenoise wsproto"
    ).split()
}
_LOCKED = re.compile(rb'^name = "([^"\n]+)"\r?\nversion = "([^"\n]+)"', re.MULTILINE)
_PIPFILE = re.compile(rb'"([\w.-]+)":\s*\{[^{}]*?"version":\s*"==([^"]+)"')
_REQUIRED = re.compile(
    rb"^[ \t]*([A-Za-z0-9][\w.-]*)(?:\[[^\]\n]*\])?[ \t]*===?[ \t]*([\w.!+-]+)",
    re.MULTILINE,
)
_PINNED = re.compile(
    rb"[\"']\s*([A-Za-z0-9][\w.-]*)(?:\[[^\]\n]*\])?\s*===?\s*([\w.!+-]+)\s*[\"';,]"
)
_INSTALLED = re.compile(r"(.+?)-([^-]+)\.dist-info")
_CREATED = re.compile(rb"^version(?:_info)?\s*=\s*(\d+\.\d+(?:\.\d+)?)", re.MULTILINE)
_WANTED_PYTHON = re.compile(rb"\s*(?:cpython-)?(\d+\.\d+(?:\.\d+)?)")
_LOCKS: Final[tuple[tuple[str, re.Pattern[bytes]], ...]] = (
    ("uv.lock", _LOCKED),
    ("poetry.lock", _LOCKED),
    ("pdm.lock", _LOCKED),
    ("pylock.toml", _LOCKED),
    ("Pipfile.lock", _PIPFILE),
)
_DECLARED = re.compile(rb"^\s*(?:dependencies\s*=|\[tool\.poetry)", re.MULTILINE)
_DEPENDENCIES = re.compile(rb"^\s*dependencies\s*=", re.MULTILINE)
_UV = re.compile(rb"^\s*\[+tool\.uv\b", re.MULTILINE)
_REQUIREMENTS = re.compile(r"(?:requirements/)?[\w.-]*\.txt")


def _places(manage: str) -> list[str]:
    """Return the folders a lock or a list of requirements may stand in."""
    beside = manage.rpartition("/")[0]
    return list(dict.fromkeys((f"{beside}/" if beside else "", "")))


def _read(tree: Tree, path: str) -> bytes:
    return (tree.read(path, _LOCK_LIMIT) or b"") if path in tree else b""


def _requirements(tree: Tree, places: list[str]) -> list[str]:
    """Return the lists of requirements: for production, by the plain name, others."""
    found = [
        path
        for path in tree.files
        for place in places
        if path.startswith(place) and _is_requirements(path[len(place) :])
    ]

    def order(path: str) -> tuple[bool, bool, str]:
        return "prod" not in path, not path.endswith("requirements.txt"), path

    return sorted(dict.fromkeys(found), key=order)


def _is_requirements(path: str) -> bool:
    named = path.startswith("requirements") and _REQUIREMENTS.fullmatch(path)
    return bool(named) and not any(w in path for w in ("dev", "test", "local", "lint"))


def _pins(tree: Tree, places: list[str]) -> Iterator[tuple[str, str]]:
    """Yield package and version: locked, then required, installed, declared."""
    for place in places:
        for name, pattern in _LOCKS:
            yield from _matches(pattern, _read(tree, f"{place}{name}"))
    for path in _requirements(tree, places):
        yield from _matches(_REQUIRED, _read(tree, path))
    for folder in tree.environments:
        yield from installed(f"{tree.root}/{folder}")
    for place in places:
        yield from _matches(_PINNED, _read(tree, f"{place}pyproject.toml"))


def _matches(pattern: re.Pattern[bytes], data: bytes) -> Iterator[tuple[str, str]]:
    for name, version in pattern.findall(data):
        yield name.decode("ascii", "replace"), version.decode("ascii", "replace")


def installed(folder: str) -> Iterator[tuple[str, str]]:
    """Yield what a virtual environment holds, by the names of its dist-info folders."""
    for python in _folders(f"{folder}/lib"):
        for name in _folders(f"{folder}/lib/{python}/site-packages"):
            match = _INSTALLED.fullmatch(name)
            if match:
                yield match[1], match[2]


def _folders(path: str) -> list[str]:
    try:
        with os.scandir(path) as scan:
            return sorted(e.name for e in scan if e.is_dir(follow_symlinks=False))
    except OSError:
        return []


def _python(tree: Tree, places: list[str]) -> str:
    """Return the Python version a project asks for, else the one it has."""
    for place in places:
        match = _WANTED_PYTHON.match(_read(tree, f"{place}.python-version"))
        if match:
            return match[1].decode()
    for folder in tree.environments:
        data = tree.read(f"{folder}/pyvenv.cfg") or b""
        match = _CREATED.search(data)
        if match:
            return match[1].decode()
    return ""


def find_versions(tree: Tree, manage: str) -> dict[str, str]:
    """Return the versions that matter to a deployment by the packages' usual names."""
    places = _places(manage)
    found: dict[str, str] = {}
    for name, version in _pins(tree, places):
        usual = _NAMES.get(re.sub(r"[-_.]+", "-", name).lower())
        if usual:
            found.setdefault(usual, version)
    python = _python(tree, places)
    return dict(sorted((found | ({"python": python} if python else {})).items()))


def find_runner(tree: Tree, manage: str) -> Fact | None:
    """Return how the project's commands are run; None where nothing tells."""
    places = _places(manage)
    for place in places:
        pyproject = f"{place}pyproject.toml"
        if f"{place}uv.lock" in tree:
            return Fact(
                "uv", (evidence(f"{place}uv.lock"),), "the project has a uv.lock"
            )
        if _UV.search(_read(tree, pyproject)):
            return Fact("uv", (evidence(pyproject),), "pyproject.toml configures uv")
    if tree.environments:
        where = tree.environments[0]
        reason = f"a virtual environment stands in {shown(where)}"
        return Fact("venv", (evidence(f"{where}/pyvenv.cfg"),), reason)
    for path in _lists(tree, places):
        reason = "its requirements want an environment of their own"
        return Fact("venv", (evidence(path),), reason)
    for name in ("Dockerfile", "environment.yml"):
        if name in tree:
            reason = "only a container or conda installs its packages"
            return Fact("system", (evidence(name),), reason)
    return None


def find_packages(tree: Tree, manage: str) -> Fact | None:
    """Return the files that name the project's packages: a lock first, else a list."""
    places = _places(manage)
    for place in places:
        pair = (f"{place}uv.lock", f"{place}pyproject.toml")
        if all(path in tree for path in pair):
            return _named(pair, "locked by uv")
    for path in _requirements(tree, places):
        return _named((path,), "a list of requirements")
    for place in places:
        path = f"{place}pyproject.toml"
        if _DEPENDENCIES.search(_read(tree, path)):
            return _named((path,), "the project's own dependencies")
    return None


_PYTEST = {
    "pytest.ini": re.compile(rb""),
    "conftest.py": re.compile(rb""),
    "pyproject.toml": re.compile(rb"^\s*\[tool\.pytest\b", re.MULTILINE),
    "setup.cfg": re.compile(rb"^\s*\[tool:pytest\]", re.MULTILINE),
    "tox.ini": re.compile(rb"^\s*\[pytest\]", re.MULTILINE),
}
_DEV = re.compile(
    r"(?:requirements/)?(?:requirements-)?(?:dev|test|tests)\.txt|"
    r"(?:dev|test)-requirements\.txt"
)
_DEV_GROUP = re.compile(rb"^\[dependency-groups\][^\[]*?^dev\s*=", re.MULTILINE)


def find_tests(tree: Tree, manage: str) -> Fact | None:
    """Return the files that say the tests are run by pytest; None when none does."""
    found = tuple(
        f"{place}{name}"
        for place in _places(manage)
        for name, said in _PYTEST.items()
        if f"{place}{name}" in tree and said.search(_read(tree, f"{place}{name}"))
    )
    return _named(found, "for pytest") if found else None


def find_dev(tree: Tree, manage: str) -> Fact | None:
    """Return the files that name what the tests need besides the project's packages."""
    found = [
        path
        for place in _places(manage)
        for path in sorted(tree.files)
        if path.startswith(place) and _DEV.fullmatch(path[len(place) :])
    ]
    if _DEV_GROUP.search(_read(tree, "pyproject.toml")):
        found.append("pyproject.toml")
    return _named(tuple(dict.fromkeys(found)), "for development") if found else None


def _named(paths: tuple[str, ...], reason: str) -> Fact:
    return Fact(paths, tuple(evidence(path) for path in paths), reason)


def _lists(tree: Tree, places: list[str]) -> Iterator[str]:
    for place in places:
        for name, _ in _LOCKS:
            if f"{place}{name}" in tree:
                yield f"{place}{name}"
    yield from _requirements(tree, places)
    for place in places:
        path = f"{place}pyproject.toml"
        if _DECLARED.search(_read(tree, path)):
            yield path


__all__ = [
    "find_dev",
    "find_packages",
    "find_runner",
    "find_tests",
    "find_versions",
    "installed",
]
