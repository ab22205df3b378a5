"""The environments that are measured: nextwizard as a wheel, the peers beside it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expressed import ROOT


if TYPE_CHECKING:
    from pathlib import Path


KEPT = ROOT / ".cache" / "benchmarks"
"""Where the environments are kept between runs; git does not see it."""


@dataclass(frozen=True, slots=True)
class Environments:
    """Two virtual environments: one with nextwizard, one with its peers."""

    own: Path
    peers: Path

    def ours(self, name: str = "nextwizard") -> str:
        """Return a program of our environment."""
        return str(self.own / "bin" / name)

    def theirs(self, name: str) -> str:
        """Return a program of the peers' environment."""
        return str(self.peers / "bin" / name)


def _venv(name: str, mark: str, *installed: str) -> Path:
    """Return an environment with these packages, made anew when `mark` is another."""
    folder = KEPT / name
    seal = folder / "sealed"
    wanted = hashlib.sha256(f"{sys.version}{mark}".encode()).hexdigest()
    if not seal.is_file() or seal.read_text() != wanted:
        print(f"bench: making the environment {name}", file=sys.stderr)
        made = [sys.executable, "-m", "venv", "--clear", str(folder)]
        subprocess.run(made, check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q"]
        pip += ["--disable-pip-version-check", "--compile"]
        subprocess.run([*pip, *installed], check=True)
        seal.write_text(wanted)
    return folder


def _sources() -> str:
    """Return a mark of everything that goes into our wheel."""
    found = hashlib.sha256()
    trees = (ROOT / "nextwizard", ROOT / "templates")
    for path in sorted(path for tree in trees for path in tree.rglob("*")):
        if path.suffix in {".py", ".jinja"}:
            found.update(str(path).encode() + path.read_bytes())
    return found.hexdigest()


def environments() -> Environments:
    """Return both environments, installed and compiled."""
    pinned = ROOT / "benchmarks" / "requirements.txt"
    peers = _venv("peers", pinned.read_text(), "-r", str(pinned))
    return Environments(_venv("own", _sources(), str(ROOT)), peers)
