from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from test_cli import imported, nextwizard, plain


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def two(sample: Callable[..., Path]) -> list[str]:
    return [str(sample(name=name)) for name in ("one", "two")]


def test_a_fleet_is_made_as_each_project_alone_would_be(
    two: list[str], tmp_path: Path
) -> None:
    alone = tmp_path / "alone" / "one"
    shutil.copytree(two[0], alone)
    answers = tmp_path / "answers.toml"
    answers.write_text('schema = 1\n[hosting]\nproxy = "caddy"\n')
    words = ("--answers", str(answers))
    assert nextwizard("init", str(alone), *words).returncode == 0
    done = nextwizard("init", *words, "--fleet", *two)
    assert done.returncode == 0, done.stderr
    assert "2 projects, 2 done." in done.stdout
    places = [line[:-1] for line in done.stdout.splitlines() if line.endswith(":")]
    assert [place for place in places if place in two] == two
    one, other = plain(tmp_path / "one"), plain(alone)
    secrets = one.pop("deploy/one.env"), other.pop("deploy/one.env")
    assert one == other
    assert len({*secrets, plain(tmp_path / "two")["deploy/two.env"]}) == 3
    checked = nextwizard("regenerate", "--check", "--fleet", *two)
    assert checked.returncode == 0
    assert checked.stdout.count("nothing to do") == 2


def test_one_that_refuses_stops_no_other_and_the_worst_counts(
    two: list[str], tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = nextwizard("init", "--yes", "--fleet", two[0], str(empty), two[1])
    assert done.returncode == 2
    assert "there is no manage.py" in done.stderr
    assert f"3 projects, 2 done; not so: {empty} (exit 2)." in done.stdout
    (tmp_path / "two/deploy/boot.py").unlink()
    (tmp_path / "two/nextwizard.toml").write_text("schema = 1\n[sizing]\ncores = 7\n")
    drift = nextwizard("regenerate", "--check", "--fleet", *two)
    assert drift.returncode == 5
    assert f"2 projects, 1 done; not so: {two[1]} (exit 5)." in drift.stdout
    both = nextwizard("regenerate", "--check", "--fleet", str(empty), *two)
    assert both.returncode == 2, "a refusal is worse than drift"


def test_json_of_a_fleet_is_one_document(two: list[str], tmp_path: Path) -> None:
    absent = str(tmp_path / "absent")
    words = ("init", "--yes", "--dry-run", "--json", "--fleet")
    done = nextwizard(*words, two[0], absent)
    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert document["exit_code"] == 2
    first, second = document["projects"]
    assert (first["dir"], first["exit_code"]) == (two[0], 0)
    assert first["decisions"]["server.interface"]["value"] == "wsgi"
    assert (second["dir"], second["exit_code"]) == (absent, 2)
    assert "is no directory" in second["problems"][0]
    assert "is no directory" in done.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("init", "--fleet", "."), "asks nothing"),
        (("init", "--new", "--yes", "--fleet", "."), "beside --new"),
        (("init", "x", "--yes", "--fleet", "."), "x stands beside it"),
        (("regenerate", "--edit", "--fleet", "."), "beside --edit"),
        (("regenerate", "--rollback", "--fleet", "."), "beside --rollback"),
    ],
)
def test_what_one_project_needs_is_refused(words: tuple[str, ...], why: str) -> None:
    done = nextwizard(*words)
    assert done.returncode == 2
    assert why in done.stderr


def test_a_run_of_one_project_knows_nothing_of_fleets(
    sample: Callable[..., Path], tmp_path: Path
) -> None:
    found = imported("init", str(sample()), "--yes", cwd=tmp_path)
    assert "nextwizard.cli.fleet" not in found
