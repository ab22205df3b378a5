"""The files of images, services and clusters: linters, and mutants that go red."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import judges
import pytest
import yaml
from golden_cases import CASES, Case
from support import planned, project
from verifying import checked, deployed, edit, held

from nextwizard import quoting
from nextwizard.errors import InputError
from nextwizard.manifests import cluster, compose, dockerfile
from nextwizard.render import render


if TYPE_CHECKING:
    from pathlib import Path


COMPOSE = ("hosting.target=compose", "data.database=postgresql", "data.cache=redis")
KUBE = ("hosting.target=kubernetes", "data.database=postgresql", "data.cache=redis")
CONTAINED = [
    case
    for case in CASES
    if (case.path / "expected" / "deploy" / "Dockerfile").exists()
    and not (case.path / "expected" / "Procfile").exists()
]
DEPLOYMENT = "deploy/kubernetes/base/deployment.yaml"
FILE = "deploy/Dockerfile"
SERVICES = "deploy/compose.yaml"


@pytest.mark.parametrize("case", CONTAINED, ids=lambda case: case.path.name)
def test_yamllint_has_nothing_to_say(case: Case) -> None:
    folder = case.path / "expected" / "deploy"
    judges.judge_yaml(*folder.rglob("*.yaml"))


@pytest.mark.parametrize(
    "case",
    [case for case in CONTAINED if (case.path / "expected" / SERVICES).exists()],
    ids=lambda case: case.path.name,
)
def test_compose_is_of_the_published_schema_too(case: Case) -> None:
    file = case.path / "expected" / SERVICES
    tool = judges.beside("check-jsonschema")
    done = judges.run(tool, "--builtin-schema", "vendor.compose-spec", file)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("case", CONTAINED, ids=lambda case: case.path.name)
def test_no_secret_and_no_latest_in_any_file(case: Case) -> None:
    for path in (case.path / "expected" / "deploy").rglob("*"):
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        assert not re.search(r"(?i)image:.*:latest|FROM \S+:latest", text), path
        assert not re.search(r"(?m)^SECRET_KEY=.+", text), path
        assert 'kind: "Secret"' not in text, path


@pytest.mark.parametrize("pairs", [COMPOSE, KUBE], ids=["compose", "kubernetes"])
def test_what_the_mutants_are_made_from_is_right(
    pairs: tuple[str, ...], tmp_path: Path
) -> None:
    root = deployed(tmp_path, "plain", *pairs)
    rows = ("services",) if pairs is COMPOSE else ("kustomize", "releases")
    for found in checked(root, "dockerfile", *rows):
        held(found)


DOCKER_MUTANTS = {
    "shell form": (
        'CMD ["/opt/venv/bin/python", "-m", "gunicorn"',
        'CMD sh -c "exec /opt/venv/bin/python -m gunicorn" # ["/opt',
        "shell form",
    ),
    "a shell as program": (
        'CMD ["/opt/venv/bin/python", "-m"',
        'CMD ["sh", "-c"',
        "shell form",
    ),
    "secret": (
        "    PYTHONUNBUFFERED=1",
        "    SECRET_KEY=abcdef PYTHONUNBUFFERED=1",
        "SECRET_KEY: a secret in a layer",
    ),
    "root": ("USER 10001:10001", "USER root", "USER root"),
    "no user": ("USER 10001:10001\n", "", "USER is missing"),
    "no check": ("HEALTHCHECK", "LABEL", "HEALTHCHECK is missing"),
    "latest": ("FROM python:3.13-slim-trixie AS app", "FROM python AS app", "DL3006"),
}


@pytest.mark.parametrize("name", DOCKER_MUTANTS)
def test_a_broken_dockerfile_is_named(name: str, tmp_path: Path) -> None:
    root = deployed(tmp_path, "plain", *COMPOSE)
    old, new, words = DOCKER_MUTANTS[name]
    edit(root, FILE, old, new)
    (found,) = checked(root, "dockerfile")
    assert found.verdict == "failed"
    assert words in found.detail
    assert found.evidence[0].path == FILE


COMPOSE_MUTANTS = {
    "no tmp": ('    - "/tmp:size=64m,mode=1777"', '    - "/run"', "no /tmp"),
    "writable": ("  read_only: true\n  tmpfs", "  tmpfs", "read_only is missing"),
    "brutal": ('stop_grace_period: "35s"', 'stop_grace_period: "20s"', "over 25 s"),
    "secret": (
        "    DJANGO_SETTINGS_MODULE",
        '    API_TOKEN: "abc"\n    DJANGO_SETTINGS_MODULE',
        "API_TOKEN stands in the file",
    ),
    "password": (
        '"${DATABASE_PASSWORD:?',
        '"hunter2${DATABASE_PASSWORD:?',
        "stands in",
    ),
    "unlimited": ("          pids: 256\n", "", "no limit of pids"),
    "capable": (
        '  cap_drop:\n    - "ALL"\n  security_opt',
        "  security_opt",
        "cap_drop lacks ALL",
    ),
    "nobody": (
        "      migrate:\n        cond",
        "      imigrate:\n        cond",
        "imigrate",
    ),
    "unknown key": ("    shm_size:", "    shmsize:", "shmsize"),
    "no network": ('    - "data"\n  logging', '    - "date"\n  logging', "date"),
}


@pytest.mark.parametrize("name", COMPOSE_MUTANTS)
def test_a_broken_compose_file_is_named(name: str, tmp_path: Path) -> None:
    root = deployed(tmp_path, "plain", *COMPOSE)
    old, new, words = COMPOSE_MUTANTS[name]
    edit(root, SERVICES, old, new)
    (found,) = checked(root, "services")
    assert found.verdict == "failed"
    assert words in found.detail


SECRET = """automountServiceAccountToken: false
---
apiVersion: "v1"
kind: "Secret"
metadata:
  name: "s"
stringData:
  a: "b"
"""
MIGRATE = "deploy/kubernetes/base/migrate.yaml"
BASE = "deploy/kubernetes/base"
KUBE_MUTANTS = {
    "probe": (
        DEPLOYMENT,
        '                  value: "notes.example.org"',
        '                  value: "10.0.0.1"',
        "asks for 10.0.0.1, and Django answers 400",
    ),
    "http": (DEPLOYMENT, 'value: "https"', 'value: "http"', "does not say https"),
    "port": (DEPLOYMENT, 'port: "http"', 'port: "web"', "there is no port web"),
    "tmp": (DEPLOYMENT, 'mountPath: "/tmp"', 'mountPath: "/temp"', "no /tmp"),
    "root": (DEPLOYMENT, "runAsUser: 10001", "runAsUser: 0", "may run as root"),
    "grace": (
        DEPLOYMENT,
        "terminationGracePeriodSeconds: 45",
        "terminationGracePeriodSeconds: 30",
        "30 s to stop are not over",
    ),
    "replicas": (DEPLOYMENT, "spec:\n", "spec:\n  replicas: 3\n", "sets the replicas"),
    "gap": (DEPLOYMENT, "maxUnavailable: 0", "maxUnavailable: 1", "takes pods away"),
    "volume": (
        DEPLOYMENT,
        '        - name: "data"',
        '        - name: "d"',
        "no volume",
    ),
    "config": (DEPLOYMENT, '"notes-config"', '"note-config"', "config map note-config"),
    "typo": (DEPLOYMENT, "periodSeconds: 2", "periodSecond: 2", "periodSecond"),
    "quantity": (DEPLOYMENT, 'cpu: "500m"', 'cpu: "500q"', "500q"),
    "kind": (f"{BASE}/disruption.yaml", "policy/v1", "policy/v1beta1", "Couldn't find"),
    "selector": (
        f"{BASE}/service.yaml",
        'component: "app"\n  ports',
        'component: "web"\n  ports',
        "selector is for no pod",
    ),
    "target": (f"{BASE}/service.yaml", 'targetPort: "http"', "targetPort: 81", "81"),
    "scaler": (
        f"{BASE}/autoscaler.yaml",
        'kind: "Deployment"',
        'kind: "Job"',
        "scales",
    ),
    "policy": (f"{BASE}/networkpolicy.yaml", "port: 8000", "port: 80", "reaches"),
    "names": (
        f"{BASE}/networkpolicy.yaml",
        '"TCP"\n          port: 53',
        '"TCP"\n          port: 54',
        "looked up over TCP",
    ),
    "backend": (
        f"{BASE}/gateway.yaml",
        "          port: 80\n",
        "          port: 81\n",
        "no port 81",
    ),
    "listener": (
        f"{BASE}/gateway.yaml",
        'sectionName: "http"',
        'sectionName: "htp"',
        "no listener htp",
    ),
    "rule": (f"{BASE}/gateway.yaml", "      timeouts:", "      timeout:", "timeout"),
    "secret": (
        f"{BASE}/serviceaccount.yaml",
        "automountServiceAccountToken: false\n",
        SECRET,
        "a secret in git",
    ),
    "privilege": (
        MIGRATE,
        "allowPrivilegeEscalation: false",
        "allowPrivilegeEscalation: true",
        "may gain privileges",
    ),
    "file": (f"{BASE}/kustomization.yaml", "service.yaml", "servise.yaml", "servise"),
}


@pytest.mark.parametrize("name", KUBE_MUTANTS)
def test_a_broken_manifest_is_named(name: str, tmp_path: Path) -> None:
    root = deployed(tmp_path, "plain", *KUBE)
    path, old, new, words = KUBE_MUTANTS[name]
    edit(root, path, old, new)
    row = "releases" if name in {"typo", "kind"} else "kustomize"
    (found,) = checked(root, row)
    assert found.verdict == "failed", found
    assert words in found.detail


def test_a_probe_of_staging_asks_for_staging(tmp_path: Path) -> None:
    root = deployed(tmp_path, "plain", *KUBE)
    path = "deploy/kubernetes/overlays/staging/kustomization.yaml"
    edit(root, path, "ALLOWED_HOSTS=staging.", "ALLOWED_HOSTS=other.")
    (found,) = checked(root, "kustomize")
    assert "asks for staging.notes.example.org" in found.detail


def test_nothing_is_held_against_nothing() -> None:
    assert compose(None) == ["app: there is no such service"]
    assert cluster([], hosts=[]) == []
    assert cluster([None, "text", {"kind": 3}], hosts=[]) == []
    assert len(dockerfile("")) == 3


NASTY = [
    "plain",
    "a$b",
    "${HOME}",
    "$$",
    "back\\slash",
    'quo"te',
    "it's",
    "# no comment",
    "{}: [] & * ! | > %",
    "- yes",
    "é\U0001f600",
    " both ends ",
    "$(HOME)",
]


@pytest.mark.parametrize("text", NASTY)
def test_yaml_reads_back_what_was_written(text: str) -> None:
    assert yaml.safe_load(f"v: {quoting.yaml(text)}") == {"v": text}
    doubled = yaml.safe_load(f"v: {quoting.yaml_dollar(text)}")["v"]
    assert doubled.replace("$$", "$") == text
    assert doubled.count("$") == 2 * text.count("$")


@pytest.mark.parametrize("text", NASTY)
def test_docker_compose_sees_the_value_itself(text: str, tmp_path: Path) -> None:
    tool = judges.beside("docker-compose")
    value = quoting.yaml_dollar(text)
    body = f"services:\n  a:\n    image: b\n    environment:\n      V: {value}\n"
    (tmp_path / "compose.yaml").write_text(body, encoding="utf-8")
    done = judges.run(tool, "config", "--format", "json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # `config` escapes again what `up` would hand on.
    seen = json.loads(done.stdout)["services"]["a"]["environment"]["V"]
    assert seen.replace("$$", "$") == text


@pytest.mark.parametrize("text", [t for t in NASTY if t == t.strip()])
def test_a_config_map_holds_the_value_itself(text: str, tmp_path: Path) -> None:
    (tmp_path / "c.env").write_text(f"V={quoting.env_line(text)}\n", encoding="utf-8")
    body = "configMapGenerator:\n  - name: c\n    envs: [c.env]\n"
    (tmp_path / "kustomization.yaml").write_text(body, encoding="utf-8")
    done = judges.run(judges.beside("kubectl"), "kustomize", tmp_path)
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load(done.stdout)["data"]["V"] == text


@pytest.mark.parametrize(
    ("filter_name", "text", "want"),
    [
        ("dockerfile", "/srv/a b", '"/srv/a b"'),
        ("dockerfile", '$A "b" \\', '"\\$A \\"b\\" \\\\"'),
        ("docker_json", ("a", "$b", 'c"'), '["a", "$b", "c\\""]'),
        ("docker_path", "a $b", '"a \\\\$b"'),
        ("docker_line", "/app/a $b", "/app/a \\$b"),
    ],
)
def test_a_word_of_a_dockerfile(filter_name: str, text: object, want: str) -> None:
    assert quoting.FILTERS[filter_name](text) == want
    with pytest.raises(ValueError, match="one line"):
        quoting.FILTERS[filter_name]("a\nRUN evil")


def refusal(*pairs: str) -> str:
    with pytest.raises(InputError) as refused:
        planned(*pairs)
    return "\n".join(map(str, refused.value.problems))


def test_sqlite_in_a_cluster_is_asked_for_by_name() -> None:
    assert "data.database" in refusal("hosting.target=kubernetes")
    plan = planned("hosting.target=kubernetes", "data.database=sqlite")
    assert plan["kube.replicas"] == plan["kube.replicas_max"] == 1
    assert plan["kube.recreate"] is True
    keys = {file.key for file in render(plan)}
    assert not keys & {"kube_autoscaler", "kube_disruption"}
    assert "kube_volume" in keys


def test_pods_fit_the_connections_of_the_database() -> None:
    pairs = (*KUBE, "sizing.cores=64", "data.max_connections=40")
    plan = planned(*pairs)
    each = 2 * 4  # workers and threads of a pod
    most = plan["kube.replicas_max"]
    assert isinstance(most, int)
    assert (most + 1) * each <= 40 - 3 - 5 < (most + 2) * each


def test_one_process_a_pod_under_asgi() -> None:
    plan = planned(*KUBE, "hosting.interface=asgi", "sizing.cores=8")
    assert plan["sizing.planned"] == 1
    assert plan["kube.workers"] == "1"


def test_what_a_host_has_means_nothing_in_a_cluster() -> None:
    assert "hosting.proxy" in refusal(*KUBE, "hosting.proxy=nginx")
    assert "hosting.route" in refusal("hosting.route=ingress")
    for key in ("bind=127.0.0.1:9000", "root=/opt/x", "user=other"):
        assert planned(*KUBE, f"hosting.{key}")["server.listen"] == "0.0.0.0:8000"


def test_a_project_without_packages_is_told() -> None:
    plan = planned("hosting.target=compose", found=project())
    assert "container.packages" in {note.id for note in plan.notes}
