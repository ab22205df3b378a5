"""The judge of a split: real Python imports the settings before and after it."""

from __future__ import annotations

import difflib
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Self

from nextwizard.adopt import split_settings


if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from nextwizard.adopt import Split


_WORKER = r"""
import importlib, json, os, sys
sys.dont_write_bytecode = True
kept = set(sys.modules)
for line in sys.stdin:
    root, module = json.loads(line)
    paths, environ, folder = list(sys.path), dict(os.environ), os.getcwd()
    sys.path.insert(0, root)
    importlib.invalidate_caches()
    try:
        found = importlib.import_module(module)
        said = {n: repr(getattr(found, n)) for n in dir(found) if n.isupper()}
        said["__doc__"] = repr(found.__doc__)
    except BaseException as error:
        said = {"!": type(error).__name__}
    for name in set(sys.modules) - kept:
        if name.partition(".")[0] in {"config", "settings", "shared"}:
            del sys.modules[name]
    sys.path[:] = paths
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    print(json.dumps(said), flush=True)
"""

_SIBLINGS = {
    "config/__init__.py": "",
    "config/env.py": "__all__ = ['ENV_NAME', 'helper']\nENV_NAME = 'env'\n"
    "def helper(*parts):\n    return '/'.join(parts)\n",
    "config/local_settings.py": "LOCAL = 'found'\nDATABASE_NAME = 'local'\n",
    "config/parts/__init__.py": "PART = 'whole'\n",
    "config/parts/mail.py": "MAIL_HOST = 'mail.example.com'\n",
    "config/notes.txt": "beside the settings\n",
    "shared.py": "SHARED = 'shared'\n",
}

STAND_INS = ("_SETTINGS_FILE", "_SETTINGS_MODULE", "_SETTINGS_PACKAGE")


class Oracle:
    """A Python of its own that imports what it is told to and says what it saw."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._count = 0
        self._worker = subprocess.Popen(
            [sys.executable, "-I", "-W", "ignore", "-c", _WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._worker.communicate(timeout=10)

    def project(self, settings: bytes, path: str) -> Path:
        """Write a project whose settings have these bytes."""
        self._count += 1
        root = self._root / f"project{self._count}"
        for name, text in _SIBLINGS.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        (root / path).write_bytes(settings)
        return root

    def dump(self, root: Path, module: str) -> dict[str, str]:
        """Return the repr of every UPPERCASE name, or the error's type under `!`."""
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.write(json.dumps([str(root), module]) + "\n")
        self._worker.stdin.flush()
        found: dict[str, str] = json.loads(self._worker.stdout.readline())
        return found

    def judge(
        self,
        settings: bytes,
        module: str = "config.settings",
    ) -> tuple[dict[str, str], Split]:
        """Split for real; assert that every value stays; return values and split."""
        path = module.replace(".", "/") + ".py"
        root = self.project(settings, path)
        before = self.dump(root, module)
        split = split_settings(settings, path=path, module=module)
        (root / path).unlink()
        package = (root / path).with_suffix("")
        package.mkdir()
        (package / "__init__.py").write_text("")
        (package / "base.py").write_bytes(split.base)
        (package / "dev.py").write_text(f"from {module}.base import *\n")
        after = _without_ours(self.dump(root, f"{module}.base"), before)
        shown = _without_ours(self.dump(root, f"{module}.dev"), before)
        shutil.rmtree(root)
        assert after == before, split.base.decode()
        assert shown == _public(before, shown)
        check_only_named_lines_differ(settings, split)
        return before, split


def _without_ours(values: dict[str, str], before: dict[str, str]) -> dict[str, str]:
    ours = {name for name in values if name.startswith(STAND_INS)} - before.keys()
    return {name: value for name, value in values.items() if name not in ours}


def _public(values: dict[str, str], shown: dict[str, str]) -> dict[str, str]:
    public = {name: value for name, value in values.items() if name[0] != "_"}
    return public | {"__doc__": shown["__doc__"]} if "__doc__" in shown else public


def check_only_named_lines_differ(old: bytes, split: Split) -> None:
    """Assert that every byte outside the lines of `split.changes` is the old one."""
    named = {change.line for change in split.changes}
    before, after = old.splitlines(keepends=True), split.base.splitlines(keepends=True)
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    for kind, start, end, begin, stop in matcher.get_opcodes():
        if kind == "insert":
            assert all(_is_ours(line) for line in after[begin:stop])
        elif kind != "equal":
            assert set(range(start + 1, end + 1)) <= named
            assert stop - begin - (end - start) in {0, 3, 4, 5, 6}
    if not named:
        assert split.base == old


def _is_ours(line: bytes) -> bool:
    return not line.strip() or line.startswith((b"# This file moved", b"_SETTINGS_"))
