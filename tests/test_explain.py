from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nextwizard.document import read_set
from nextwizard.errors import InputError
from nextwizard.explain import explain
from nextwizard.schema import schema
from nextwizard.workflow import apply, inspect, propose


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nextwizard.workflow import Proposal


@pytest.fixture
def made(sample: Callable[..., Path]) -> Proposal:
    root = sample("sse_async")
    apply(propose(inspect(str(root)), [read_set(["hosting.max_body_mb=20"])]))
    return propose(inspect(str(root)))


def told(proposal: Proposal, what: str = "") -> str:
    return "\n".join(explain(proposal, what))


def test_everything_has_a_reason(made: Proposal) -> None:
    text = told(made)
    assert text.count("because:") == len(made.plan.decisions)


def test_a_key_tells_its_reason_and_evidence(made: Proposal) -> None:
    text = told(made, "server.interface")
    assert "server.interface = asgi" in text
    assert "ticker/pages/live/page.py:" in text
    assert "https://" in text


def test_an_answer_tells_where_it_came_from(made: Proposal) -> None:
    text = told(made, "hosting.max_body_mb")
    assert "hosting.max_body_mb = 20" in text
    assert "nextwizard.toml:" in text
    assert "edge.body_mb = 20" in text


def test_a_line_tells_the_decision_that_put_it_there(made: Proposal) -> None:
    path = "deploy/nginx/notes.conf"
    place = made.inspection.root + "/" + path
    with open(place, encoding="utf-8") as file:
        lines = file.read().splitlines()
    number = next(n for n, line in enumerate(lines, 1) if "client_max_body" in line)
    assert "edge.body_mb = 20" in told(made, f"{path}:{number}")
    first = told(made, f"{path}:1")
    assert "the same in every deployment" in first


def test_a_line_is_found_below_an_edit(made: Proposal) -> None:
    root = made.inspection.root
    place = f"{root}/deploy/nginx/notes.conf"
    with open(place, encoding="utf-8") as file:
        lines = file.read().splitlines(keepends=True)
    with open(place, "w", encoding="utf-8") as file:
        file.writelines(["# mine\n", "# mine too\n", *lines])
    again = propose(inspect(root))
    at = next(n for n, line in enumerate(lines, 1) if "client_max_body" in line) + 2
    assert "edge.body_mb" in told(again, f"deploy/nginx/notes.conf:{at}")
    assert "is yours" in told(again, "deploy/nginx/notes.conf:1")


def test_a_file_lists_its_decisions(made: Proposal) -> None:
    text = told(made, "deploy/systemd/notes.service")
    assert "server.unit_type" in text
    assert "an edit of yours is kept" in text


HOSTS = (
    'hosting.hosts=["10.0.0.11:8000", "10.0.0.12:8001"]',
    "data.database=postgresql",
)


@pytest.mark.parametrize("server", ["uvicorn", "granian"])
def test_each_host_s_file_tells_of_its_own_host(
    server: str, sample: Callable[..., Path]
) -> None:
    layer = read_set([*HOSTS, f"hosting.server={server}"])
    made = propose(inspect(str(sample("sse_async"))), [layer])
    units = [file for file in made.files if file.key == "service"]
    assert len(units) == 2
    for file, address in zip(units, ("10.0.0.11:8000", "10.0.0.12:8001"), strict=True):
        name, _, port = address.partition(":")
        folder = f"deploy/hosts/{name}-{port}"
        assert file.path.startswith(f"{folder}/")
        assert f"unit.folder = {folder}\n" in told(made, "unit.folder") + "\n"
        by_file = told(made, file.path)
        start = next(
            number
            for number, key in file.why.items()
            if key == "server.command"
            and file.data.decode().splitlines()[number - 1].startswith("ExecStart=")
        )
        by_line = told(made, f"{file.path}:{start}")
        if server == "granian":
            assert f"--host, {name}, --port, {port}" in by_file
            assert f"--host, {name}, --port, {port}" in by_line
        others = {"10.0.0.11", "10.0.0.12"} - {name}
        alone = [line for line in by_line.splitlines() if "hosting.hosts" not in line]
        assert not [line for line in alone for other in others if other in line]


def test_a_key_that_differs_from_host_to_host_tells_each(
    sample: Callable[..., Path],
) -> None:
    made = propose(inspect(str(sample("sse_async"))), [read_set(HOSTS)])
    text = told(made, "server.listen")
    assert "server.listen = 10.0.0.11:8000" in text
    assert "server.listen = 10.0.0.12:8001" in text
    assert told(made, "server.interface").count("because:") == 1


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("server.interfac", "Did you mean server.interface"),
        ("deploy/nginx/notes.conf:99999", "none of them"),
    ],
)
def test_what_is_not_known_is_refused(made: Proposal, what: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        explain(made, what)


def test_the_schema_holds_every_answer_and_takes_a_real_file(
    made: Proposal, tmp_path: Path
) -> None:
    import tomllib

    document = schema()
    properties = document["properties"]
    assert isinstance(properties, dict)
    assert {"project", "hosting", "sizing", "data", "environment"} <= set(properties)
    with open(f"{made.inspection.root}/nextwizard.toml", "rb") as file:
        answers = tomllib.load(file)
    (tmp_path / "schema.json").write_text(json.dumps(document))
    (tmp_path / "good.json").write_text(json.dumps(answers))
    bad = {**answers, "hosting": {"proxy": "apache"}}
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    for name, code in (("good.json", 0), ("bad.json", 1)):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "check_jsonschema"),
                *("--schemafile", str(tmp_path / "schema.json"), str(tmp_path / name)),
            ],
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, done.stdout + done.stderr
