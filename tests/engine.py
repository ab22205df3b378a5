"""Images that are really built and really run, without a daemon and without a registry.

buildah builds the generated Dockerfile unchanged on stand-ins that carry the names of
the real base images; podman runs what came out. All of it lives in one directory.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import judges
import pytest
from support import missing, needed


if TYPE_CHECKING:
    from collections.abc import Iterator


PROGRAMS = ("buildah", "podman", "runc", "debootstrap", "netavark", "catatonit")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
LIBRARIES = (
    "ca-certificates,curl,libbz2-1.0,libexpat1,libffi8,liblzma5,libncursesw6,"
    "libreadline8,libsqlite3-0,libssl3,libuuid1,netbase,zlib1g"
)
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
        for name in names:
            self.run("podman", "import", "--quiet", archive, name)
        archive.unlink()

    def build(self, project: Path, tag: str, target: str = "app", **more: Path) -> None:
        """Build the generated Dockerfile, unchanged unless another one is given."""
        file = more.get("dockerfile", project / "deploy" / "Dockerfile")
        self.run(
            *("buildah", "bud", "--format", "docker", "--isolation", "chroot"),
            *("--network", "host", "--pull-never", "--layers", "--quiet"),
            *("--ignorefile", project / "deploy" / "Dockerfile.dockerignore"),
            *("--file", file, "--target", target, "--tag", tag, project),
            timeout=400,
        )


@contextlib.contextmanager
def engine() -> Iterator[Engine]:
    """Set up an engine of its own; take everything away that ran on it."""
    if os.geteuid() != 0:
        pytest.skip("containers with limits need root")
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
        made.podman("rm", "--all", "--force", "--time", "1", check=False)
        made.podman("rmi", "--all", "--force", check=False)
        _unmount(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _unmount(folder: Path) -> None:
    """Undo what is still mounted below, deepest first."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    points = [line.split()[4] for line in lines]
    for point in sorted(points, reverse=True):
        if point.startswith(f"{folder}/"):
            judges.run("umount", "--lazy", point)


def base(on: Engine, *names: str) -> Path:
    """Make the stand-in of the official Python image; return its directory."""
    root = on.folder / "base"
    on.run(
        *("debootstrap", "--variant=minbase", f"--include={LIBRARIES}"),
        *("bookworm", root, _mirror()),
        timeout=400,
    )
    prefix = Path(sys.base_prefix)
    shutil.copytree(
        prefix,
        root / "usr" / "local",
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("__pycache__", "test", "tests", "idlelib", "*.a"),
        symlinks=True,
    )
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    bin_ = root / "usr" / "local" / "bin"
    for name in ("python", "python3"):
        (bin_ / name).unlink(missing_ok=True)
        (bin_ / name).symlink_to(f"python{minor}")
    if CERTIFICATES.exists():
        shutil.copy(CERTIFICATES, root / "etc/ssl/certs/ca-certificates.crt")
    _settings_of_pip(root)
    on.run("chroot", root, "ldconfig")
    for heavy in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc"):
        shutil.rmtree(root / heavy, ignore_errors=True)
    on.imported(root, *names)
    return root


def _mirror() -> str:
    """Return where apt of this machine gets Debian from."""
    done = judges.run("apt-get", "indextargets", "--format", "$(REPO_URI)")
    found = [line for line in done.stdout.split() if line.endswith("/debian/")]
    if not found:
        missing("a Debian mirror in apt's sources")
    return found[0]


def _settings_of_pip(root: Path) -> None:
    """Let pip inside trust and ask whom it trusts and asks on this machine."""
    lines = ["[global]", "cert = /etc/ssl/certs/ca-certificates.crt"]
    asked = judges.run(sys.executable, "-m", "pip", "config", "get", "global.index-url")
    if asked.returncode == 0:
        lines.append(f"index-url = {asked.stdout.strip()}")
    (root / "etc" / "pip.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")


__all__ = ["Engine", "base", "engine"]
