"""Writes docs/scoreboard.md: what independent judges say of everything that is made.

Every golden case goes through the checkers of `nextwizard check`; then the stacks of
nginx and caddy run on loopback, where sslyze and the MDN HTTP Observatory grade them.
Nothing is judged by our own code. Those two judges are installed below .score/.

Exits 1 when a target is missed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING


ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from golden_cases import CASES, make  # noqa: E402
from live import served  # noqa: E402

from nextwizard.tools import find  # noqa: E402
from nextwizard.verify import CHECKERS, opened  # noqa: E402
from nextwizard.verify.managers import EXPOSURE  # noqa: E402


if TYPE_CHECKING:
    from collections.abc import Iterator

    from golden_cases import Case
    from live import Live

    from nextwizard.outcomes import Outcome


PAGE = ROOT / "docs/scoreboard.md"
TEXT = ROOT / "scripts/scoreboard.md"
PLACE = ROOT / ".score"
SSLYZE = "sslyze==6.3.1"
OBSERVATORY = "@mdn/mdn-http-observatory"
OBSERVATORY_VERSION = "1.4.8"
DOMAIN = "notes.example.org"
GRADE = 110
DATABASE = "postgresql://notes:none@127.0.0.1:5432/notes"


@dataclass(frozen=True, slots=True)
class Score:
    """What the judges say of one case."""

    name: str
    rows: dict[str, Outcome]

    def cell(self, key: str) -> str:
        """Return one judge's verdict as the table shows it."""
        found = self.rows.get(key)
        if found is None:
            return "-"
        figures = dict(found.figures)
        if "exposure" in figures:
            return f"{figures['exposure']:.1f}"
        count = len(found.detail.splitlines()) if found.verdict != "ok" else 0
        shown = str(int(figures.get("findings", count)))
        return shown if found.verdict != "skipped" else "not run"

    @property
    def good(self) -> bool:
        """Whether every judge that has something to read finds nothing."""
        return all(row.verdict == "ok" for row in self.rows.values())


@dataclass(frozen=True, slots=True)
class Grade:
    """What the judges of a live site say."""

    name: str
    tls: list[str]
    grade: str
    score: int
    failed: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether it reaches the target."""
        return not self.tls and self.score >= GRADE


def score(case: Case) -> Score:
    """Make a case's deployment and let every checker that it uses read it."""
    with tempfile.TemporaryDirectory(prefix="nw") as folder:
        _, proposal = make(case, Path(folder))
        with opened(proposal, sys.executable) as found:
            used = [row for row in CHECKERS if row.used(found.stage.plan)]
            return Score(case.path.name, {row.key: row.outcome(found) for row in used})


def install() -> None:
    """Install the two judges of a live site; does nothing that was done before."""
    if not (PLACE / "venv/bin/sslyze").exists():
        subprocess.run([sys.executable, "-m", "venv", str(PLACE / "venv")], check=True)
        pip = [str(PLACE / "venv/bin/python"), "-m", "pip", "install", "-qq", SSLYZE]
        subprocess.run(pip, check=True)
    package = PLACE / "node_modules" / OBSERVATORY
    if not package.exists():
        npm = find("npm")
        if not npm:
            sys.exit("score: npm is not installed: apt install npm")
        # Its own scripts download lists; the one it cannot do without may be empty.
        argv = [npm, "install", "--prefix", str(PLACE), "--ignore-scripts", "--silent"]
        subprocess.run([*argv, f"{OBSERVATORY}@{OBSERVATORY_VERSION}"], check=True)
        (package / "conf").mkdir(exist_ok=True)
        (package / "conf/hsts-preload.json").write_text("{}", encoding="utf-8")


def graded() -> Iterator[Grade]:
    """Grade the default stack behind each proxy while it runs on loopback."""
    for proxy in ("nginx", "caddy"):
        pairs = (f"hosting.proxy={proxy}", f'hosting.domains=["{DOMAIN}"]')
        with served("plain", *pairs, name="notes") as live:
            yield grade(f"{proxy}, {live.on.text('proxy.version')}", live)


def grade(name: str, live: Live) -> Grade:
    """Ask sslyze and the Observatory about a live site."""
    https, http = live.on.https, live.on.http
    said = subprocess.run(
        [
            str(PLACE / "venv/bin/sslyze"),
            "--mozilla_config=intermediate",  # the level that Mozilla recommends
            f"{DOMAIN}:{https}{{127.0.0.1}}",
        ],
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    ).stdout
    node = find("node")
    env = {**os.environ, "NODE_EXTRA_CA_CERTS": live.on.place("tls", "fullchain.pem")}
    script = str(ROOT / "scripts/observatory.mjs")
    package = str(PLACE / "node_modules" / OBSERVATORY)
    done = subprocess.run(
        [node, script, package, DOMAIN, str(http), str(https)],
        capture_output=True,
        check=False,
        env=env,
        text=True,
        timeout=120,
    )
    if done.returncode:
        sys.exit(f"score: the Observatory ended with\n{done.stderr}")
    found = json.loads(done.stdout)
    return Grade(name, tls(said), found["grade"], found["score"], found["failed"])


def tls(said: str) -> list[str]:
    """Return what sslyze says against the configuration.

    That nobody trusts a throw-away certificate is not the configuration's fault.
    """
    if "COMPLIANCE AGAINST" not in said.upper():
        sys.exit(f"score: sslyze did not reach the site\n{said[-2000:]}")
    rows = re.findall(r"(?m)^\s+\* (\w+): (.+)$", said.rpartition("COMPLIANCE")[2])
    own = {"certificate_path_validation", "maximum_certificate_lifespan"}
    return [f"{key}: {words}" for key, words in rows if key not in own]


COLUMNS = {
    "nginx -t": "nginx",
    "gixy": "gixy",
    "caddy validate": "caddy",
    "systemd exposure": "systemd",
    "supervisor": "supervisor",
    "gunicorn": "gunicorn",
    "uwsgi": "uwsgi",
    "check --deploy": "django",
    "hadolint": "dockerfile",
    "compose": "services",
    "kubernetes": "releases",
}


def page(scores: list[Score], grades: list[Grade]) -> str:
    """Return the page: its text with the figures in it."""
    rows = [
        " | ".join(["", one.name, *map(one.cell, COLUMNS.values()), ""]).strip()
        for one in scores
    ]
    live = [
        f"| {one.name} | {'; '.join(one.tls) or 'clean'} | {one.grade} {one.score} |"
        for one in grades
    ]
    return TEXT.read_text(encoding="utf-8").format(
        day=datetime.now(UTC).date().isoformat(),
        good=sum(one.good for one in scores),
        cases=len(scores),
        exposure=EXPOSURE,
        live_good=sum(one.good for one in grades),
        stacks=len(grades),
        grade=GRADE,
        live="\n".join(live),
        heads=" | ".join(COLUMNS),
        rule="|---" * (len(COLUMNS) + 1) + "|",
        rows="\n".join(rows),
    )


def main() -> int:
    """Judge everything, write the page, and say whether the targets are met."""
    os.environ["DATABASE_URL"] = DATABASE
    scores = []
    for case in CASES:
        scores.append(score(case))
        print(f"score: {case.path.name}: {'good' if scores[-1].good else 'MISSED'}")
    del os.environ["DATABASE_URL"]
    install()
    grades = list(graded())
    for one in grades:
        print(f"score: {one.name}: {one.grade} {one.score} {one.tls} {one.failed}")
    PAGE.write_text(page(scores, grades), encoding="utf-8")
    bad = [one.name for one in scores if not one.good]
    bad += [one.name for one in grades if not one.good]
    if bad:
        print(f"score: missed: {', '.join(bad)}")
    return 1 if bad else 0


if __name__ == "__main__":
    if shutil.which("node") is None:
        sys.exit("score: node is not installed: apt install nodejs npm")
    sys.exit(main())
