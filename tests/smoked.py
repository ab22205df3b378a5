"""Made deployments for the smoke tests, and runs of `nextwizard smoke` on them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import judges
import machine
from support import needed

from nextwizard import stage, stageproxy
from nextwizard.document import read_set
from nextwizard.smoke import PROBES, Options, smoke
from nextwizard.smoke.recorder import Recorder
from nextwizard.smoke.site import ground
from nextwizard.workflow import apply, inspect, propose


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nextwizard.outcomes import Outcome
    from nextwizard.smoke.site import Site


PROJECTS = Path(__file__).with_name("projects")
ASK = {probe.key: probe for probe in PROBES}
DOMAINS = "hosting.domains=site.example.org,www.example.org"


def made(
    folder: Path, kind: str, *pairs: str, edit: Callable[[Path], None] | None = None
) -> Path:
    """Make a sample project's deployment; `edit` changes the project before."""
    root = folder / "site"
    shutil.copytree(PROJECTS / kind, root)
    if edit is not None:
        edit(root)
    apply(propose(inspect(str(root)), [read_set([DOMAINS, *pairs])]))
    return root


def program(proxy: str) -> str:
    """Return the proxy of the generation that a default run declares."""
    return needed(proxy) if proxy in {"nginx", "caddy"} else ""


def with_uwsgi(folder: Path) -> str:
    """Return the interpreter of an environment with uWSGI itself, not its wheel."""
    place = folder / "venv"
    packages = Path(sysconfig.get_path("purelib"))
    link = place / packages.relative_to(sys.prefix)
    link.parent.mkdir(parents=True)
    link.symlink_to(packages)
    (place / "bin").mkdir()
    home = Path(sys.base_prefix, "bin")
    (place / "pyvenv.cfg").write_text(f"home = {home}\n")
    (place / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    shutil.copy(machine.uwsgi(), place / "bin" / "uwsgi")
    return str(place / "bin" / "python")


def probed(
    root: Path,
    *only: str,
    proxy: str = "",
    slow: bool = False,
    python: str = sys.executable,
    database: str = "",
) -> Any:
    """Smoke a deployment; return the outcomes by key."""
    options = Options(
        slow=slow, only=only, proxy=proxy, python=python, database=database
    )
    found = smoke(propose(inspect(str(root))), options)
    return {outcome.key: outcome for outcome in found}


@contextmanager
def at_the_edge(root: Path, binary: str) -> Iterator[Site]:
    """Run a deployment's proxy before a stand-in until the block ends.

    In a folder of its own: a test's is too long for the path of a socket.
    """
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="nw"))
        site = ground(propose(inspect(str(root))), scratch, Options())
        proxy = stageproxy.proxy(site.on, binary)
        stack.callback(proxy.stop, 10)
        site.recorder = stack.enter_context(Recorder(site.on))
        stage.wait(lambda: _listens(site), proxy, "the proxy")
        yield site


def _listens(site: Site) -> bool:
    try:
        with closing(site.visitor.connect(tls=False)) as connection:
            connection.connect()
    except OSError:
        return False
    return True


def failed(found: dict[str, Outcome]) -> dict[str, str]:
    """Return what failed, with the reason."""
    return {
        key: outcome.detail
        for key, outcome in found.items()
        if outcome.verdict == "failed"
    }


def command(root: Path, *words: str, folder: Path) -> list[str]:
    """Return the command line of a smoke run of its own process."""
    folder.mkdir(exist_ok=True)
    base = [sys.executable, "-m", "nextwizard", "smoke", str(root)]
    return [*base, "--python", sys.executable, *words]


def environment(folder: Path) -> dict[str, str]:
    """Return an environment whose temporary directory can be looked through after."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    return {"PATH": path, "TMPDIR": str(folder), "LANG": "C.UTF-8"}


def card(root: Path, *words: str, folder: Path) -> tuple[int, dict[str, Any], str]:
    """Run the command with --json; return exit code, probes by key, and stderr."""
    done = subprocess.run(
        command(root, "--json", *words, folder=folder),
        capture_output=True,
        check=False,
        env=environment(folder),
        text=True,
        timeout=400,
    )
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.returncode
    probes = {probe["key"]: probe for probe in document["probes"]}
    return done.returncode, probes, done.stderr


__all__ = [
    "ASK",
    "DOMAINS",
    "at_the_edge",
    "card",
    "command",
    "environment",
    "failed",
    "judges",
    "made",
    "probed",
    "program",
    "with_uwsgi",
]
