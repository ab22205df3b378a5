"""`check` and `smoke` run by an account that may do nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from accounts import NOBODY
from smoked import made
from support import missing, needed


if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = pytest.mark.proof

ROOT = Path(__file__).parents[1]
# Where the interpreter lies below /root, nobody may look at it. So /root is another one
# here, in which nothing is but what has to be run.
OPENED = """
set -eu
kept=$(mktemp -d)
mount -t tmpfs tmpfs "$kept"
for place in $PLACES; do
    mkdir -p "$kept$place"
    mount --bind "$place" "$kept$place"
done
mount -t tmpfs -o mode=755 tmpfs /root
for place in $PLACES; do
    mkdir -p "$place"
    mount --bind "$kept$place" "$place"
done
umount -l "$kept"
rmdir "$kept"
exec setpriv --reuid=$ACCOUNT --regid=$ACCOUNT --clear-groups --no-new-privs "$@"
"""


def lent() -> list[str]:
    """Return the command that becomes nobody and can still see the interpreter."""
    if os.geteuid() != 0:
        return []
    unshare = needed("unshare")
    if subprocess.run([unshare, "--mount", "true"], check=False).returncode:
        missing("a mount namespace")
    places = {Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), ROOT}
    hidden = " ".join(str(place) for place in places if place.is_relative_to("/root"))
    script = OPENED.replace("$PLACES", hidden).replace("$ACCOUNT", str(NOBODY))
    return [unshare, "--mount", "sh", "-c", script, "sh"]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Return a directory of nobody's with a deployment in it."""
    with tempfile.TemporaryDirectory(prefix="nw") as folder:
        place = Path(folder)
        (place / "tmp").mkdir()
        made(place, "plain")
        if os.geteuid() == 0:
            for path in (place, *place.rglob("*")):
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        yield place


def ran(home: Path, command: str) -> tuple[int, dict[str, Any]]:
    env = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "LANG": "C.UTF-8",
    }
    done = subprocess.run(
        [
            *(*lent(), sys.executable, "-m", "nextwizard", command),
            *(str(home / "site"), "--json"),
        ],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env=env,
        text=True,
        timeout=400,
    )
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert [*(home / "tmp").iterdir()] == []
    return done.returncode, found


def test_check_needs_no_rights(home: Path) -> None:
    needed("nginx")
    needed("systemd-analyze")
    code, found = ran(home, "check")
    assert code == 0, found
    verdicts = {row["id"]: row["verdict"] for row in found["outcomes"]}
    for key in ("nginx", "gixy", "systemd", "gunicorn", "django", "static"):
        assert verdicts[key] == "ok"


def test_smoke_needs_no_rights(home: Path) -> None:
    needed("nginx")
    code, found = ran(home, "smoke")
    wrong = [row for row in found["probes"] if row["verdict"] == "failed"]
    assert (code, wrong) == (0, [])
    passed = {row["key"] for row in found["probes"] if row["verdict"] == "ok"}
    assert {"proxy", "boot", "edge.tls", "life.reload", "life.restart"} <= passed
