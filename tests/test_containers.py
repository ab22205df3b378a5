"""The image really built and really run; compose and the pod really brought up."""

from __future__ import annotations

import json
import re
import subprocess
import time
from typing import TYPE_CHECKING

import composed
import contained
import engine
import judges
import pytest
import standins
import yaml
from contained import BALANCED, HTTPS, LOCKED, NAME, Built, Container, deployment

from nextwizard.decide.containers import PORTS


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine import Engine


pytestmark = pytest.mark.proof

IMAGE = "localhost/ticker:local"


@pytest.fixture(scope="module")
def on() -> Iterator[Engine]:
    with engine.engine() as made:
        standins.base(made, contained.PYTHON, contained.PROXY)
        yield made


@pytest.fixture(scope="module")
def built(on: Engine, tmp_path_factory: pytest.TempPathFactory) -> Built:
    answers = ("hosting.target=compose", "hosting.proxy=none", *BALANCED)
    root = deployment(tmp_path_factory.mktemp("image"), "sse_async", *answers)
    on.build(root, IMAGE)
    return Built(on, root, IMAGE)


def test_the_image_runs_locked_up_and_sized_to_its_limits(built: Built) -> None:
    with built.running(*LOCKED, "--cpus", "1", "--memory", "300m") as box:
        assert box.healthy(), box.logs()
        assert box.status("/healthz/") == "200"
        assert box.status("/healthz/", "evil.example.net") == "400"
        assert box.status("/") == "301"
        assert box.status("/", NAME, *HTTPS) == "200"
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
        argv = box.inside("curl", "-sNS", "-m", "60", *HTTPS, "-H", f"Host: {NAME}")
        with subprocess.Popen(
            [*argv, url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as reader:
            assert reader.stdout is not None
            first = reader.stdout.readline()
            assert first.startswith("retry:"), f"{first}\n{box.logs()}"
            begun = time.monotonic()
            box.on.podman("stop", "--time", "35", box.name)
            took = time.monotonic() - begun
            said = first + reader.stdout.read()
        assert reader.returncode == 0, f"{said[-500:]}\n{box.logs()}"
        assert said.count('"name":"tick"') == 20, f"{said[-500:]}\n{box.logs()}"
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
    built.on.podman("volume", "rm", "job")


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
        assert box.answers(), box.logs()
        if name == "wrong host":
            assert not box.asked()
            return
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
    answers = ("hosting.target=kubernetes", "data.database=sqlite", *BALANCED)
    root = deployment(tmp_path, "sse_async", *answers)
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
        assert box.answers(), box.logs()
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


UP = r"""
ask() {
    curl -s -m 30 --cacert "$chain" --resolve "$site:443:127.0.0.1" \
        --resolve "$site:80:127.0.0.1" -w '\n%{http_code}\n' "$@"
}
compose config --quiet
compose up --detach --no-build --wait --wait-timeout 240
echo '== home'
page=$(ask "https://$site/")
echo "$page"
echo '== asset'
asset=$(echo "$page" | grep -o '/static/[^"]*\.css' | head -n 1)
ask -o /dev/null "https://$site$asset"
echo '== health'
ask "https://$site/healthz/"
echo '== plain'
ask -o /dev/null "http://$site/"
echo '== stranger'
curl -sk -m 30 -H 'Host: evil.example.net' https://127.0.0.1/ || echo refused
echo '== database'
migrations='SELECT count(*) > 10 FROM django_migrations'
case $database in
postgresql)
    compose exec -T -e PGPASSWORD="$password" database \
        psql -h 127.0.0.1 -U ticker -d ticker -Atc "$migrations" ;;
mysql)
    compose exec -T -e MYSQL_PWD="$password" database \
        mysql -h 127.0.0.1 -u ticker -NBe "$migrations" ticker ;;
esac
echo '== cache'
set_a='from django.core.cache import cache; cache.set("a", 1); print(cache.get("a"))'
compose exec -T app /opt/venv/bin/python /app/manage.py shell --no-imports -c "$set_a"
compose exec -T redis redis-cli dbsize
echo '== fence'
compose exec -T proxy curl -sS -m 3 http://database:$port/ 2>&1 || echo nobody
echo '== job'
podman inspect ticker-migrate-1 --format '{{.State.ExitCode}}'
echo '== limits'
podman inspect ticker-app-1 --format '{{json .HostConfig}}'
echo '== drain'
ask -N "https://$site/live/?gap=0.5&count=16" >"$scratch/stream" & reader=$!
until grep -q '^event: ' "$scratch/stream"; do sleep 0.1; done
compose stop app
wait $reader
grep -c '"name":"tick"' "$scratch/stream"
podman inspect ticker-app-1 --format '{{.State.ExitCode}}'
"""
SHARED = (
    *("hosting.target=compose", "hosting.tls=files", f"hosting.domains={NAME}"),
    "data.cache=redis",
)


@pytest.mark.parametrize(
    ("proxy", "version", "database"),
    [
        ("nginx", "1.22", "postgresql"),
        pytest.param("caddy", "2.11", "postgresql", marks=pytest.mark.lab),
        pytest.param("nginx", "1.22", "mysql", marks=pytest.mark.lab),
    ],
)
def test_docker_compose_brings_it_up(
    proxy: str, version: str, database: str, on: Engine, tmp_path: Path
) -> None:
    build = {"postgresql": standins.postgresql, "mysql": standins.mysql}[database]
    build(on, contained.PYTHON, contained.DATABASES[database])
    standins.redis(on, contained.PYTHON, contained.CACHE)
    if proxy == "caddy":
        standins.caddy(on, contained.PYTHON, f"caddy:{version}")
    chain, key = composed.certificate(tmp_path, NAME)
    files = (f"hosting.tls_certificate={chain}", f"hosting.tls_certificate_key={key}")
    chosen = (f"hosting.proxy={proxy}", f"hosting.proxy_version={version}")
    data = f"data.database={database}"
    root = deployment(tmp_path, "sse_async", *SHARED, data, *chosen, *files)
    on.build(root, "localhost/ticker:up")
    on.build(root, "localhost/ticker-proxy:up", "proxy")
    secrets = (root / "deploy" / "ticker.env").read_text(encoding="utf-8")
    password = re.findall(r"(?m)^DATABASE_PASSWORD=(.+)$", secrets)[0]
    known = {"site": NAME, "chain": chain, "password": password, "scratch": tmp_path}
    known |= {"database": database, "port": PORTS[database]}
    said = composed.brought_up(on, root, tmp_path, known, UP)
    assert said["home"][-1] == "200"
    assert said["asset"][-1] == "200"
    assert said["health"] == ['{"status": "ok"}', "200"]
    assert said["plain"][-1] in {"301", "308"}
    assert said["stranger"] == ["refused"]
    assert said["database"] == [{"postgresql": "t", "mysql": "1"}[database]]
    assert said["cache"] == ["1", "1"]
    assert said["fence"][-1] == "nobody"
    assert said["job"] == ["0"]
    limits = json.loads(said["limits"][0])
    assert limits["ReadonlyRootfs"] is True
    assert limits["NanoCpus"] == 2_000_000_000
    assert limits["Memory"] > 0
    assert limits["PidsLimit"] == 256
    assert said["drain"][-2:] == ["16", "0"]
    assert said["down"] == ["podman"]
