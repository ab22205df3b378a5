"""Images that are really built and really run, without a daemon and without a registry.

buildah builds the generated Dockerfile unchanged on stand-ins that carry the names of
the real base images; podman runs what came out. All of it lives in one directory.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import judges
from support import missing, needed


if TYPE_CHECKING:
    from collections.abc import Iterator


PROGRAMS = ("buildah", "podman", "runc", "debootstrap", "netavark", "catatonit")
STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{0}/graph"
runroot = "{0}/run"
"""
CONTAINERS = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[network]
network_backend = "netavark"
network_config_dir = "{0}/networks"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
compat_api_enforce_docker_hub = false
runtime = "runc"
tmp_dir = "{0}/tmp"
"""


@dataclass(frozen=True, slots=True)
class Engine:
    """buildah and podman on a storage of their own."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        return {
            **os.environ,
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
        }

    def run(
        self, *argv: str | Path, check: bool = True, timeout: int = 300
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(word) for word in argv],
            capture_output=True,
            check=False,
            cwd=self.folder,
            env=self.env,
            text=True,
            timeout=timeout,
        )
        if check:
            assert done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
        return done

    def podman(
        self, *argv: str | Path, check: bool = True, timeout: int = 120
    ) -> subprocess.CompletedProcess[str]:
        return self.run("podman", *argv, check=check, timeout=timeout)

    def imported(self, root: Path, *names: str) -> None:
        """Make a directory tree an image of these names."""
        archive = root.with_suffix(".tar")
        self.run("tar", "-C", root, "-cf", archive, ".")
        assert archive.stat().st_size > 50_000_000
        # uv brings authorities of its own, and asks for this machine's by this name.
        trust = "ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"
        words = ("--quiet", "--change", trust, archive, names[0])
        self.podman("import", *words, timeout=400)
        archive.unlink()
        for name in names[1:]:
            self.podman("tag", names[0], name)

    def build(self, project: Path, tag: str, target: str = "app", **more: Path) -> None:
        """Build the generated Dockerfile, unchanged unless another one is given."""
        file = more.get("dockerfile", project / "deploy" / "Dockerfile")
        ignored = project / "deploy" / "Dockerfile.dockerignore"
        self.bud(project, tag, file, "--target", target, "--ignorefile", ignored)

    def bud(self, folder: Path, tag: str, file: Path, *more: str | Path) -> None:
        """Build an image with buildah from what is here, layer by layer."""
        self.run(
            *("buildah", "bud", "--format", "docker", "--isolation", "chroot"),
            *("--network", "host", "--pull-never", "--layers", "--quiet"),
            *("--file", file, "--tag", tag, *more, folder),
            timeout=500,
        )


@contextlib.contextmanager
def engine() -> Iterator[Engine]:
    """Set up an engine of its own; take everything away that ran on it."""
    if os.geteuid() != 0:
        missing("a root account, which containers with limits need,")
    for program in PROGRAMS:
        needed(program, f"/usr/lib/podman/{program}", f"/usr/sbin/{program}")
    folder = Path(tempfile.mkdtemp(prefix="nwc"))
    made = Engine(folder)
    for name, text in (("storage", STORAGE), ("containers", CONTAINERS)):
        place = folder / f"{name}.conf"
        place.write_text(text.format(folder / "st"), encoding="utf-8")
    (folder / "st").mkdir()
    try:
        yield made
    finally:
        made.podman("rm", "-af", "--time", "1", check=False, timeout=300)
        made.podman("rmi", "-af", check=False, timeout=300)
        _unmount(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _unmount(folder: Path) -> None:
    """Undo what is still mounted below, deepest first."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    points = [line.split()[4] for line in lines]
    for point in sorted(points, reverse=True):
        if point.startswith(f"{folder}/"):
            judges.run("umount", "--lazy", point)


__all__ = ["Engine", "engine"]
