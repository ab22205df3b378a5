"""A machine of its own with a real systemd as process 1, for a deployment on it.

`systemd-nspawn` boots a skeleton root of some files that borrows this machine's /usr,
read-only. Its network is its own loopback and nothing else; its cgroup is its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import grp
import itertools
import json
import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import judges
import pytest
from support import missing, needed

from nextwizard.document import read_set
from nextwizard.values import Host
from nextwizard.workflow import apply, inspect, propose


if TYPE_CHECKING:
    from collections.abc import Callable

    from nextwizard.values import Plan


HERE = Path(__file__).parent
GUEST = ("guest.py", "guest_steps.py", "guest_supervised.py", "load.py")
"""What runs inside: the standard library alone."""

UWSGI = "uwsgi==2.0.31"

PYTHON = "/opt/python"
ACCOUNTS = ("root", "www-data", "nobody", "messagebus", "caddy", "postgres", "redis")
BORROWED = (
    "ld.so.cache ld.so.conf ld.so.conf.d alternatives nginx caddy ssl/openssl.cnf "
    "adduser.conf login.defs pam.d security redis os-release"
).split()
_LAB = """[Unit]
After=basic.target dbus.socket
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
ExecStart=/lab/run.sh
StandardOutput=append:/lab/out.log
StandardError=inherit
TimeoutStartSec=infinity
"""
_RUN = """#!/bin/sh
ldconfig
exec {python} -X pycache_prefix=/tmp/pyc /lab/guest_steps.py {steps}
"""
_COUNT = itertools.count()


def wanted() -> str:
    """Return systemd-nspawn, or say what this machine lacks for it."""
    if os.geteuid() != 0:
        missing("systemd-nspawn, which needs root,")
    if not Path("/usr/bin/dbus-daemon").exists():
        missing("dbus")
    return needed("systemd-nspawn")


@dataclass
class Machine:
    """A machine that is not booted yet: its root, and what it borrows."""

    root: Path
    plan: Plan
    binds: dict[str, str] = field(default_factory=dict)

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        place.chmod(mode)

    def boot(self, *steps: str, timeout: int = 240, **more: Any) -> dict[str, Any]:
        """Run steps inside; return what they measured, fail with what was said."""
        values = {key: row.value for key, row in self.plan.decisions.items()}
        facts = {**values, "python": python(), **more}
        self.write("lab/facts.json", json.dumps(facts, default=str))
        run = _RUN.format(python=python(), steps=" ".join(steps))
        self.write("lab/run.sh", run, 0o755)
        code = self._enter(timeout)
        said = _read(self.root / "lab" / "out.log")
        if code:
            log = _read(self.root / "lab" / "nspawn.log")[-800:]
            pytest.fail(f"exit {code}\n{said[-12000:]}\n{log}", pytrace=False)
        found: dict[str, Any] = json.loads(_read(self.root / "lab" / "result.json"))
        return found

    def _enter(self, timeout: int) -> int:
        """Boot, wait for the end, and leave neither a process nor a cgroup behind."""
        name = f"nw{os.getpid()}-{next(_COUNT)}"
        top = Path("/sys/fs/cgroup")
        if not (top / "cgroup.controllers").exists():
            top /= "unified"
        group = top / name
        group.mkdir()
        command = [
            *("timeout", "-k", "10", str(timeout), wanted(), "--quiet", "--boot"),
            *("--register=no", "--keep-unit", "--private-network", "--console=pipe"),
            *("--link-journal=no", "--timezone=off", "--resolv-conf=off"),
            *("--system-call-filter=bpf",),
            *("--capability=CAP_BPF,CAP_PERFMON,CAP_NET_ADMIN",),
            *(f"--directory={self.root}", f"--machine={name}", "--bind-ro=/usr"),
            *(f"--bind-ro={_escaped(a)}:{_escaped(b)}" for b, a in self.binds.items()),
        ]
        join = f'echo $$ > {group}/cgroup.procs; exec "$@"'
        try:
            with (self.root / "lab" / "nspawn.log").open("wb") as log:
                done = subprocess.run(
                    ["/bin/sh", "-c", join, "sh", *command],
                    check=False,
                    env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    timeout=timeout + 30,
                )
        finally:
            _remove(group)
            with contextlib.suppress(OSError):
                Path("/run/systemd/nspawn/propagate", name).rmdir()
        return done.returncode


def _escaped(path: str) -> str:
    return path.replace("\\", "\\\\").replace(":", "\\:")


def _read(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")
    return ""


def _remove(group: Path) -> None:
    """Take the cgroup away once its processes are gone."""
    for _ in range(25):
        for place in sorted(group.rglob("*"), reverse=True):
            if place.is_dir():
                with contextlib.suppress(OSError):
                    place.rmdir()
        with contextlib.suppress(OSError):
            group.rmdir()
        if not group.exists():
            return
        time.sleep(0.2)


def python() -> str:
    """Return the interpreter as the machine sees it: below /opt, or its own."""
    base = Path(sys.base_prefix)
    name = f"bin/python{sys.version_info.major}.{sys.version_info.minor}"
    return str((base if base.is_relative_to("/usr") else Path(PYTHON)) / name)


def build(folder: Path, project: Path, plan: Plan) -> Machine:
    """Make the root of a machine with a checkout on it, as its runbook expects it."""
    wanted()
    root = folder / "machine"
    for name in "proc sys dev run tmp var/lib var/log var/cache usr opt lab".split():
        (root / name).mkdir(parents=True)
    for name in "root home srv mnt etc/systemd/system/multi-user.target.wants".split():
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    (root / "root").chmod(0o700)
    for name in ("bin", "sbin", "lib", "lib64", "lib32", "libx32"):
        if Path("/", name).is_symlink():
            (root / name).symlink_to(os.readlink(f"/{name}"))
    machine = Machine(root, plan)
    _etc(machine)
    _checkout(machine, project)
    for name in GUEST:
        shutil.copy(HERE / name, root / "lab" / name)
    machine.write("etc/systemd/system/lab.service", _LAB)
    wants = root / "etc/systemd/system/multi-user.target.wants/lab.service"
    wants.symlink_to("../lab.service")
    return machine


def _etc(machine: Machine) -> None:
    for name in BORROWED:
        source, target = Path("/etc", name), machine.root / "etc" / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True)
            else:
                shutil.copy(source, target)
    users, groups = [], {"stranger": "stranger:x:991:"}
    for name in ACCOUNTS:
        with contextlib.suppress(KeyError):
            row = pwd.getpwnam(name)
            users.append(":".join(map(str, row[:7])))
            group = grp.getgrgid(row.pw_gid)
            groups[group.gr_name] = f"{group.gr_name}:x:{group.gr_gid}:"
    users.append("stranger:x:991:991::/nonexistent:/usr/sbin/nologin")
    for name, number in (("tty", 5), ("adm", 4), ("shadow", 42), ("utmp", 43)):
        groups.setdefault(name, f"{name}:x:{number}:")
    machine.write("etc/passwd", "\n".join(users) + "\n")
    machine.write("etc/group", "\n".join(groups.values()) + "\n")
    machine.write("etc/shadow", "root:*:19000:0:99999:7:::\n", 0o640)
    machine.write("etc/gshadow", "root:*::\n", 0o640)
    names = "passwd: files systemd\ngroup: files systemd\nhosts: files\n"
    machine.write("etc/nsswitch.conf", names)
    domains = machine.plan["edge.domains"]
    assert isinstance(domains, tuple)
    machine.write("etc/hosts", f"127.0.0.1 localhost {' '.join(map(str, domains))}\n")
    machine.write("etc/hostname", "lab\n")
    machine.write("etc/machine-id", "")
    machine.write("etc/ld.so.conf.d/python.conf", f"{PYTHON}/lib\n")
    for name in (
        "tmpfiles.d",
        "nginx/sites-enabled",
        "nginx/sites-available",
        "nginx/snippets",
    ):
        (machine.root / "etc" / name).mkdir(parents=True, exist_ok=True)


def _checkout(machine: Machine, project: Path) -> None:
    """Put the project where its answers say, with an environment beside it."""
    root = str(machine.plan["paths.root"])
    place = machine.root / root.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(project, place)
    if python().startswith(PYTHON):
        machine.binds[PYTHON] = sys.base_prefix
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    packages = place / ".venv" / "lib" / f"python{version}" / "site-packages"
    packages.mkdir(parents=True)
    binaries = place / ".venv" / "bin"
    binaries.mkdir()
    for name in ("python", "python3"):
        (binaries / name).symlink_to(python())
    home = Path(python()).parent
    config = f"home = {home}\ninclude-system-site-packages = false\n"
    (place / ".venv" / "pyvenv.cfg").write_text(config)
    inside = f"{root}/.venv/lib/python{version}/site-packages"
    machine.binds[inside] = sysconfig.get_path("purelib")
    if machine.plan["server.kind"] == "uwsgi":
        shutil.copy(uwsgi(), binaries / "uwsgi")


def uwsgi() -> Path:
    """Return uWSGI as `pip install uwsgi` builds it; it takes a minute, once.

    The wheel of requirements-dev.txt holds the same program as a Python module, which
    cannot reload: it starts itself again as the interpreter it was loaded into.
    """
    place = Path(sys.prefix, "uwsgi")
    program = place / "bin" / "uwsgi"
    with Path(sys.prefix, "uwsgi.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps")
            command = [*pip, "--target", str(place), UWSGI]
            if subprocess.run(command, check=False, timeout=600).returncode:
                missing(f"{UWSGI}, built from its source,")
    return program


def deployed(
    folder: Path,
    kind: str,
    *pairs: str,
    edit: Callable[[Path], None] = lambda _root: None,
) -> Machine:
    """Make a sample project's deployment and the machine it is for."""
    root = folder / "notes"
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(HERE / "projects" / kind, root, ignore=ignore)
    edit(root)
    cores = os.cpu_count() or 2
    host = Host(cores, 2048, {"nginx": "1.22.1", "caddy": "2.6.2"})
    proposal = propose(inspect(str(root), host), [read_set(pairs)])
    apply(proposal)
    made = build(folder, root, proposal.plan)
    proxied(made)
    return made


def proxied(machine: Machine) -> None:
    """Lend the machine the proxy of the generation that the case declares."""
    kind, version = machine.plan["proxy.kind"], str(machine.plan["proxy.version"])
    if kind == "nginx":
        own = judges.nginx_for(version)
        if own != "/usr/sbin/nginx":
            machine.binds["/lab/nginx"] = own
            (machine.root / "lab" / "nginx").touch()
    elif kind == "caddy":
        own = judges.caddy_for(version)
        if own != "/usr/bin/caddy":
            machine.binds["/lab/caddy"] = own
            (machine.root / "lab" / "caddy").touch()


__all__ = ["Machine", "build", "deployed", "proxied", "python", "wanted"]
