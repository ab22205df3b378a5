"""The image really built and really run, alone and as the pod of the Deployment."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import engine
import judges
import pytest
import yaml

from nextwizard.document import read_set
from nextwizard.values import Host
from nextwizard.workflow import apply, inspect, propose


if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine import Engine


pytestmark = pytest.mark.lab

PROJECTS = Path(__file__).with_name("projects")
HOST = Host(2, 2048, {"nginx": "1.22.1", "caddy": "2.6.2"})
NAME = "ticker.example.org"
BASE = "python:3.13-slim-trixie"
ANSWERS = (
    f"hosting.domains={NAME}",
    "hosting.tls=upstream",
    "hosting.trusted_proxies=10.0.0.0/8",
)
LOCKED = (
    *("--read-only", "--tmpfs", "/tmp:size=64m", "--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges", "--network", "none"),
)


@dataclass(frozen=True, slots=True)
class Built:
    """The project's own image, and the deployment it was built from."""

    on: Engine
    root: Path
    image: str

    @property
    def secret(self) -> str:
        text = (self.root / "deploy" / "ticker.env").read_text(encoding="utf-8")
        found = re.search(r"(?m)^SECRET_KEY=(.+)$", text)
        assert found
        return found[1]

    @contextlib.contextmanager
    def running(self, *more: str, image: str = "") -> Iterator[Container]:
        """Run it as the compose file would, until the block ends."""
        name = f"c{time.monotonic_ns()}"
        secret = ("--env", f"SECRET_KEY={self.secret}")
        self.on.podman("run", "-d", "--name", name, *more, *secret, image or self.image)
        try:
            yield Container(self.on, name)
        finally:
            self.on.podman("rm", "--force", "--time", "0", name, check=False)


@dataclass(frozen=True, slots=True)
class Container:
    """A running container, asked from inside of its own network."""

    on: Engine
    name: str

    def state(self, what: str) -> str:
        return self.on.podman("inspect", self.name, "--format", what).stdout.strip()

    def inside(self, *argv: str) -> list[str]:
        return ["nsenter", "-t", self.state("{{.State.Pid}}"), "-n", *argv]

    def status(self, path: str, host: str = NAME, *more: str) -> str:
        form = ("-s", "-o", "/dev/null", "-m", "10", "-w", "%{http_code}")
        url = f"http://127.0.0.1:8000{path}"
        argv = self.inside("curl", *form, *more, "-H", f"Host: {host}", url)
        return judges.run(*argv).stdout

    def logs(self) -> str:
        done = self.on.podman("logs", self.name, check=False)
        return done.stdout + done.stderr

    def healthy(self, within: float = 60) -> bool:
        """Let its own HEALTHCHECK ask until it says yes; nothing else does so here."""
        ends = time.monotonic() + within
        while time.monotonic() < ends:
            done = self.on.podman("healthcheck", "run", self.name, check=False)
            if done.returncode == 0:
                return True
            time.sleep(0.5)
        return False


def deployment(parent: Path, *answers: str) -> Path:
    root = parent / "ticker"
    shutil.copytree(PROJECTS / "sse_async", root)
    apply(propose(inspect(str(root), HOST), [read_set(answers)]))
    return root


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    with engine.engine() as on:
        place = engine.base(on, BASE)
        shutil.rmtree(place, ignore_errors=True)
        answers = ("hosting.target=compose", "hosting.proxy=none", *ANSWERS)
        root = deployment(tmp_path_factory.mktemp("image"), *answers)
        on.build(root, "localhost/ticker:local")
        yield Built(on, root, "localhost/ticker:local")


def test_the_image_runs_locked_up_and_sized_to_its_limits(built: Built) -> None:
    with built.running(*LOCKED, "--cpus", "1", "--memory", "300m") as box:
        assert box.healthy(), box.logs()
        assert box.status("/healthz/") == "200"
        assert box.status("/healthz/", "evil.example.net") == "400"
        assert box.status("/") == "301"
        secure = ("-H", "X-Forwarded-Proto: https")
        assert box.status("/", NAME, *secure) == "200"
        said = box.logs()
        assert "1 effective) = 1" in said
        assert "300 effective) = 300 MiB" in said
        assert "boot: 1 worker by" in said
        done = box.on.podman("exec", box.name, "id", "-u")
        assert done.stdout.strip() == "10001"
        for path in ("/app/x", "/opt/venv/x", "/etc/x"):
            done = box.on.podman("exec", box.name, "touch", path, check=False)
            assert done.returncode != 0


def test_an_open_stream_ends_before_the_container_does(built: Built) -> None:
    with built.running(*LOCKED) as box:
        assert box.healthy(), box.logs()
        url = "http://127.0.0.1:8000/live/?gap=0.4&count=20"
        headers = ("-H", f"Host: {NAME}", "-H", "X-Forwarded-Proto: https")
        argv = box.inside("curl", "-sN", "-m", "40", *headers, url)
        reader = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert reader.stdout is not None
        assert reader.stdout.readline()
        begun = time.monotonic()
        box.on.podman("stop", "--time", "35", box.name)
        took = time.monotonic() - begun
        rest = reader.stdout.read()
        assert reader.wait(20) == 0, "the stream was cut"
        assert "data:" in rest
        assert took < 35
        assert box.state("{{.State.ExitCode}}") == "0", box.logs()


def test_jobs_run_inside_and_nothing_without_its_secret(built: Built) -> None:
    python, manage = "/opt/venv/bin/python", "/app/manage.py"
    volume = ("--volume", "job:/data")
    secret = ("--env", f"SECRET_KEY={built.secret}")
    once = ("run", "--rm", *LOCKED, *volume)
    built.on.podman(*once, *secret, built.image, python, manage, "migrate", "--noinput")
    checks = ("check", "--deploy", "--fail-level", "WARNING")
    done = built.on.podman(*once, *secret, built.image, python, manage, *checks)
    assert "no issues" in done.stdout + done.stderr
    bare = built.on.podman(*once, built.image, python, manage, "check", check=False)
    assert bare.returncode != 0
    assert "SECRET_KEY is not set" in bare.stderr


def test_no_layer_holds_a_secret(built: Built) -> None:
    said = built.on.podman("history", "--no-trunc", built.image).stdout
    config = built.on.podman("inspect", built.image).stdout
    assert built.secret not in said + config
    find = ("find", "/app", "-name", "*.env", "-o", "-name", "db.sqlite3")
    kept = built.on.podman("run", "--rm", *LOCKED, built.image, *find)
    assert kept.stdout == ""
    assert json.loads(config)[0]["User"] == "10001:10001"


MUTANTS = {
    "shell form": (
        r'(?m)^CMD \["/opt.*',
        "CMD /opt/venv/bin/python -m uvicorn config.asgi:application --port 8000; true",
    ),
    "wrong host": (
        r"(?m)^HEALTHCHECK.*\n.*",
        "HEALTHCHECK CMD curl -fsS http://127.0.0.1:8000/healthz/",
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_of_the_image_goes_red(
    name: str, built: Built, tmp_path: Path
) -> None:
    old, new = MUTANTS[name]
    text = (built.root / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    broken = tmp_path / "Dockerfile"
    broken.write_text(re.sub(old, new, text), encoding="utf-8")
    image = f"localhost/mutant:{name.replace(' ', '-')}"
    built.on.build(built.root, image, dockerfile=broken)
    with built.running(*LOCKED, image=image) as box:
        if name == "wrong host":
            assert not box.healthy(15)
            return
        for _ in range(100):
            if box.status("/healthz/") == "200":
                break
            time.sleep(0.2)
        built.on.podman("stop", "--time", "4", box.name)
        assert box.state("{{.State.ExitCode}}") == "137"


def test_without_a_tmp_there_is_no_place_for_an_upload(built: Built) -> None:
    argv = ("run", "--rm", "--read-only", "--read-only-tmpfs=false", "--network=none")
    code = "import tempfile; tempfile.gettempdir()"
    python = "/opt/venv/bin/python"
    done = built.on.podman(*argv, built.image, python, "-c", code, check=False)
    assert done.returncode != 0
    assert "No usable temporary directory" in done.stderr


def test_the_pod_of_the_deployment_runs(built: Built, tmp_path: Path) -> None:
    answers = ("hosting.target=kubernetes", "data.database=sqlite", *ANSWERS)
    root = deployment(tmp_path, *answers)
    folder = root / "deploy" / "kubernetes" / "overlays" / "production"
    made = judges.run(judges.beside("kubectl"), "kustomize", folder)
    assert made.returncode == 0, made.stderr
    documents = list(yaml.safe_load_all(made.stdout))
    kinds = {document["kind"]: document for document in documents}
    pod = kinds["Deployment"]
    config = kinds["ConfigMap"]
    spec = pod["spec"]["template"]["spec"]
    container = spec["containers"][0]
    container["image"] = built.image
    probes = {
        kind: container.pop(f"{kind}Probe")["httpGet"]
        for kind in ("startup", "liveness", "readiness")
    }
    # podman reads no claim and no Secret: an empty directory and the ConfigMap do.
    for volume in spec["volumes"]:
        if "persistentVolumeClaim" in volume:
            volume.pop("persistentVolumeClaim")
            volume["emptyDir"] = {}
    config["data"]["SECRET_KEY"] = built.secret
    container["envFrom"] = container["envFrom"][:1]
    # Ports are published by the engine only on a bridge; the pod needs none here.
    assert container.pop("ports")[0]["containerPort"] == 8000
    file = tmp_path / "play.yaml"
    file.write_text(yaml.safe_dump_all([config, pod]), encoding="utf-8")
    built.on.podman("play", "kube", "--network", "none", file)
    try:
        listed = built.on.podman("ps", "--format", "{{.Names}}").stdout.split()
        name = next(one for one in listed if one.endswith("-app"))
        box = Container(built.on, name)
        assert box.healthy(60) or box.status("/healthz/") == "200", box.logs()
        assert box.state("{{.HostConfig.ReadonlyRootfs}}") == "true"
        python = "/opt/venv/bin/python"
        built.on.podman("exec", name, python, "/app/manage.py", "migrate", "--noinput")
        for kind, ask in probes.items():
            said = [f"{one['name']}: {one['value']}" for one in ask["httpHeaders"]]
            more = [word for line in said for word in ("-H", line)]
            assert box.status(ask["path"], NAME, *more) == "200", kind
        assert box.status("/healthz/", "10.0.0.1") == "400"
        assert "boot: 1 worker by WEB_CONCURRENCY" in box.logs()
    finally:
        built.on.podman("play", "kube", "--down", file, check=False)
