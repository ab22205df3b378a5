"""Every way in which packages come into the image, built; `test_containers` has one."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from typing import TYPE_CHECKING

import contained
import engine
import judges
import pytest
import standins
from contained import BALANCED, LOCKED, Built, deployment


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine import Engine


pytestmark = pytest.mark.lab

COMPOSE = ("hosting.target=compose", "hosting.proxy=none", *BALANCED)
RUN = ("run", "--rm", *LOCKED, "--env", "BUILD=1")
PYTHON = "/opt/venv/bin/python"


@pytest.fixture(scope="module")
def on() -> Iterator[Engine]:
    with engine.engine() as made:
        standins.base(made, contained.PYTHON)
        yield made


def built(on: Engine, root: Path, name: str) -> Built:
    image = f"localhost/ticker:{name}"
    on.build(root, image)
    return Built(on, root, image)


def dockerfile(root: Path) -> str:
    return (root / "deploy" / "Dockerfile").read_text(encoding="utf-8")


def uv_of(folder: Path) -> Path:
    """Install the uv that a generated Dockerfile names; return the program."""
    folder.mkdir()
    root = deployment(folder, "plain", *COMPOSE, "project.runner=uv")
    (version,) = re.findall(r" uv==(\S+)", dockerfile(root))
    words = f"-m pip install -qq --no-deps --target {folder} uv=={version}"
    done = judges.run(sys.executable, *words.split())
    assert done.returncode == 0, done.stderr
    return folder / "bin" / "uv"


def test_the_packages_of_a_lock_are_those_in_the_image(
    on: Engine, tmp_path: Path
) -> None:
    argv = (uv_of(tmp_path / "uv"), "lock", "--no-cache", "--python", sys.executable)
    trusted = {**os.environ, "SSL_CERT_FILE": str(standins.CERTIFICATES)}

    def lock(root: Path) -> None:
        done = judges.run(*argv, cwd=root, env=trusted)
        assert done.returncode == 0, done.stderr

    root = deployment(tmp_path, "plain", *COMPOSE, edit=lock)
    assert "uv sync --locked --no-dev --no-install-project\n" in dockerfile(root)
    made = built(on, root, "lock")
    names = tomllib.loads((root / "uv.lock").read_text(encoding="utf-8"))["package"]
    locked = {row["name"]: row["version"] for row in names}
    code = (
        "from importlib.metadata import version as v; print(v('django'), v('next.dj'))"
    )
    said = on.podman(*RUN, made.image, PYTHON, "-c", code).stdout.split()
    assert said == [locked["django"], locked["next-dj"]]
    with made.running(*LOCKED) as box:
        assert box.healthy(), box.logs()


@pytest.mark.parametrize("runner", ["uv", "venv"])
def test_the_packages_of_a_list_come_with_those_it_names(
    runner: str, on: Engine, tmp_path: Path
) -> None:
    def listed(root: Path) -> None:
        (root / "pyproject.toml").unlink()
        (root / "requirements.txt").write_text("-r requirements-more.txt\nDjango<6.2\n")
        (root / "requirements-more.txt").write_text("next.dj==0.10.0\n")

    answer = f"project.runner={runner}"
    root = deployment(tmp_path, "plain", *COMPOSE, answer, edit=listed)
    way = {"uv": "RUN uv pip install", "venv": "-m pip install"}[runner]
    assert f"{way} --requirement requirements.txt\n" in dockerfile(root)
    made = built(on, root, f"list-{runner}")
    with made.running(*LOCKED) as box:
        assert box.healthy(), box.logs()


def test_mysqlclient_is_compiled_and_finds_its_library(
    on: Engine, tmp_path: Path
) -> None:
    answers = ("project.runner=uv", "data.database=mysql")
    root = deployment(tmp_path, "plain", *COMPOSE, *answers)
    assert "default-libmysqlclient-dev" in dockerfile(root)
    made = built(on, root, "mysql")
    code = "import MySQLdb; print(MySQLdb.get_client_info())"
    said = on.podman(*RUN, made.image, PYTHON, "-c", code).stdout
    assert re.match(r"\d+\.\d+", said)
    compiler = on.podman(*RUN, made.image, "which", "gcc", check=False)
    assert compiler.returncode != 0, "a compiler in the image that runs"
    nowhere = ("--env", "DATABASE_URL=mysql://nobody:nothing@127.0.0.1:3306/nothing")
    with made.running(*LOCKED, *nowhere) as box:
        assert box.healthy(), box.logs()
