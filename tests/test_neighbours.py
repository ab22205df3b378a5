"""Two projects of one repository on one host: by their runbooks, behind one proxy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

import judges
import pytest
from golden_cases import HERE
from support import HOST, needed
from test_cli import nextwizard

from nextwizard import stageproxy
from nextwizard.document import read_set
from nextwizard.exact import interpreters
from nextwizard.stage import certificate
from nextwizard.tools import start
from nextwizard.workflow import apply, inspect, propose


if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextwizard.stage import Stage


NAMES = {"shop": "plain", "blog": "sse_async"}


@pytest.fixture
def repository() -> Iterator[Path]:
    """Return a repository with two projects; short, for the sockets below it."""
    with tempfile.TemporaryDirectory(prefix="nw") as folder:
        (top := Path(folder, "mono")).mkdir()
        (top / ".git").mkdir()
        for name, kind in NAMES.items():
            ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(HERE / "projects" / kind, top / name, ignore=ignore)
        yield top


def deployed(top: Path, proxy: str) -> list[Stage]:
    """Make both deployments, staged in one scratch directory on the same ports."""
    found: list[Stage] = []
    for name in NAMES:
        domain = f"hosting.domains={name}.example.org"
        said = read_set([domain, f"hosting.proxy={proxy}"])
        proposal = propose(inspect(str(top / name), HOST), [said])
        apply(proposal)
        on = judges.staged(top / name, proposal, top / "s")
        first = found[0] if found else on
        found.append(replace(on, http=first.http, https=first.https))
    certificate(found[0])
    return found


def install(root: Path, etc: Path) -> None:
    """Run the runbook's own words that put the proxy's files in place, below `etc`."""
    text = (root / "deploy" / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"(?s)\nThe proxy:\n\n```sh\n(.*?)```", text)
    lines = [line for line in block.splitlines() if not line.startswith("caddy ")]
    script = "set -eu\n" + "\n".join(lines).replace("/etc/", f"{etc}/")
    subprocess.run(["sh", "-c", script], cwd=root, check=True, timeout=20)


def asked(on: Stage, host: str, path: str = "/some/page") -> tuple[int, str]:
    """Ask over plain HTTP for a host; (0, "") where the connection is just ended."""
    connection = stageproxy.connect(on, host, tls=False)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location", "") or str(answer.read())
    except (HTTPException, ConnectionResetError):
        return 0, ""
    finally:
        connection.close()


@contextmanager
def running(on: Stage, *command: str) -> Iterator[None]:
    """Run the one proxy of both, and ask it for each name and for nobody's."""
    server = start(command, log=on.place("proxy.log"), env={"HOME": on.scratch})
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until and server.running:
            try:
                assert asked(on, "nobody.example.org") == (0, "")
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        for name in NAMES:
            status, where = asked(on, f"{name}.example.org")
            assert status in {301, 308}, server.said()
            assert where == f"https://{name}.example.org/some/page"
        yield
    finally:
        server.stop(10)


def test_both_sites_load_in_one_nginx(repository: Path, tmp_path: Path) -> None:
    nginx, etc = needed("nginx"), tmp_path / "etc"
    for folder in ("sites-available", "sites-enabled", "snippets"):
        (etc / "nginx" / folder).mkdir(parents=True)
    shop, blog = deployed(repository, "nginx")
    install(repository / "shop", etc)
    install(repository / "blog", etc)
    enabled = etc / "nginx" / "sites-enabled"
    names = {file.name for file in enabled.iterdir()}
    assert names == {"00-default.conf", "shop.conf", "blog.conf"}
    ours = repository / "shop" / "deploy" / "nginx" / "00-default.conf"
    assert (enabled / "00-default.conf").read_text() == ours.read_text()
    ours.write_text(ours.read_text() + "# of a later run\n")
    install(repository / "shop", etc)
    assert (enabled / "00-default.conf").read_text() == ours.read_text()
    for on in (blog, shop):  # the default server is the last one's
        config = Path(stageproxy.nginx_files(on))
    text = re.sub(r"include sites/[^*\n]*;\n", "", config.read_text())
    challenge = Path(shop.place("acme", ".well-known", "acme-challenge", "token"))
    challenge.write_text("proof")
    config.write_text(text.replace("http {\n", "http {\ninclude sites/*.conf;\n"))
    for file in (config.parent / "sites").iterdir():
        words = file.read_text().replace("/var/www/acme", shop.place("acme"))
        file.write_text(words)
    base = (nginx, "-p", shop.place("nginx"), "-c", str(config))
    judged = judges.run(*base, "-t", "-q")
    assert (judged.returncode, judged.stderr) == (0, "")
    with running(shop, *base, "-g", "daemon off;"):
        # A third project gets its first certificate while these two are served.
        path = "/.well-known/acme-challenge/token"
        assert asked(shop, "third.example.org", path) == (200, "b'proof'")
        assert asked(shop, "blog.example.org", path) == (200, "b'proof'")


def test_both_sites_load_in_one_caddy(repository: Path, tmp_path: Path) -> None:
    caddy, etc = needed("caddy"), tmp_path / "etc"
    (etc / "caddy").mkdir(parents=True)
    (etc / "caddy" / "Caddyfile").write_text("# as the package brings it\n")
    shop, blog = deployed(repository, "caddy")
    install(repository / "shop", etc)
    install(repository / "blog", etc)
    ours = repository / "shop" / "deploy" / "caddy" / "Caddyfile"
    assert (etc / "caddy" / "Caddyfile").read_text() == ours.read_text()
    sites = {file.name for file in (etc / "caddy" / "sites").iterdir()}
    assert sites == {"shop.caddy", "blog.caddy"}
    stageproxy.caddy_files(blog)
    config = stageproxy.caddy_files(shop)
    with running(shop, caddy, "run", "--adapter", "caddyfile", "--config", config):
        pass


def test_what_one_host_cannot_share_is_told(repository: Path) -> None:
    both = [str(repository / name) for name in NAMES]
    said = ("--set", "hosting.domains=www.example.org", "--yes", "--fleet", *both)
    done = nextwizard("init", *said)
    assert done.returncode == 0, done.stderr
    assert f"{both[0]} and {both[1]} serve www.example.org" in done.stderr
    assert "project.name" not in done.stderr
    for place in both:
        words = ("--set", "hosting.domains=example.org", "--set", "project.name=app")
        bound = ("--set", "hosting.bind=127.0.0.1:8000")
        assert nextwizard("regenerate", place, *words, *bound).returncode == 0
    done = nextwizard("regenerate", "--check", "--fleet", *both)
    assert done.returncode == 0, done.stderr
    assert f"{both[0]} and {both[1]} have app as project.name" in done.stderr
    assert "listen at 127.0.0.1:8000" in done.stderr
    far = ("--set", "hosting.target=kubernetes", "--set", "data.database=postgresql")
    moved = nextwizard("regenerate", both[0], *far, "--set", "hosting.bind=unix")
    assert moved.returncode == 0, moved.stderr
    alone = nextwizard("regenerate", "--check", "--fleet", *both)
    assert "project.name" not in alone.stderr


def test_an_environment_that_projects_share_is_found(repository: Path) -> None:
    shop = repository / "shop"
    place = repository / ".venv" / "bin" / "python"
    assert str(place) in map(os.path.realpath, interpreters(str(shop)))
    done = nextwizard("init", "--yes", str(shop))
    assert "  2. .venv/bin/python -m pip" in done.stdout
    place.parent.mkdir(parents=True)
    place.touch()
    again = nextwizard("regenerate", str(shop), "--set", "data.cache=redis")
    assert "  2. ../.venv/bin/python -m pip" in again.stdout
    (shop / ".venv").mkdir()
    own = nextwizard("regenerate", str(shop), "--set", "data.cache=keep")
    assert "  2. .venv/bin/python -m pip" in own.stdout
