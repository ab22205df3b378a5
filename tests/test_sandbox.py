from __future__ import annotations

from typing import TYPE_CHECKING

import machine
import pytest
import sandboxed

from nextwizard.errors import InputError


if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.proof


@pytest.mark.parametrize(
    "kind", ["plain", pytest.param("sse_async", marks=pytest.mark.lab)]
)
def test_the_sandbox_lets_the_state_be_written_and_nothing_else(
    kind: str, tmp_path: Path
) -> None:
    made = machine.deployed(
        tmp_path, kind, "project.name=notes", "hosting.tls=internal", edit=sandboxed.add
    )
    found = made.boot("install", "sandbox", "inflight", "stranded")["probe"]
    assert found["database"] == "/var/lib/notes/db.sqlite3"
    assert found["session"] == 1
    assert found["media"] == "/var/lib/notes/media/probe.txt"
    assert found["uid"] != 0
    assert found["secret"] is False
    assert found["writes"] == {
        "code": "EROFS",
        "static": "EROFS",
        "etc": "EROFS",
        "tmp": "ok",
        "state": "ok",
        "home": "EACCES",
        "root": "EACCES",
    }


def test_a_root_below_home_runs_and_sees_nobody_elses(tmp_path: Path) -> None:
    root = "hosting.root=/home/deploy/notes"
    made = machine.deployed(
        tmp_path, "plain", root, "hosting.tls=internal", edit=sandboxed.add
    )
    made.write("home/somebody/private", "theirs")
    found = made.boot("install", "serve", "sandbox")["probe"]
    assert found["homes"] == ["deploy"]
    assert found["writes"]["code"] == "EROFS"
    assert found["media"] == "/var/lib/notes/media/probe.txt"


def test_a_root_below_root_is_refused_before_systemd_does(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        machine.deployed(tmp_path, "plain", "hosting.root=/root/notes")
    assert "hosting.root" in str(refused.value)
