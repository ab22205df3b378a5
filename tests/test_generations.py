"""The releases that a project may be pinned to, really installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import judges
import pytest
from live import PROJECTS
from support import missing

from nextwizard import stage
from nextwizard.document import read_set
from nextwizard.workflow import apply, inspect, propose


CACHE = Path(__file__).parents[1] / ".cache" / "releases"
ASK = """
import json, os
import django
django.setup()
from django.conf import settings
from django.test import Client
visitor = Client(HTTP_HOST="notes.example.org")
paths = ("/healthz/", "/readyz/", "/")
answers = {path: visitor.get(path, secure=True) for path in paths}
print(json.dumps({
    "django": django.get_version(),
    "status": {path: answer.status_code for path, answer in answers.items()},
    "csp": "Content-Security-Policy" in answers["/"].headers,
    "page": answers["/"].content.decode(),
}))
"""


def installed(*pins: str) -> str:
    """Return a directory with these packages and no others, made once."""
    place = CACHE / "-".join(pins).replace("==", "-")
    if (place / ".done").exists():
        return str(place)
    shutil.rmtree(place, ignore_errors=True)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "-q", "--no-deps"),
            *("--target", str(place), *pins),
        ],
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )
    if done.returncode:
        missing(" ".join(pins))
    (place / ".done").touch()
    return str(place)


def older(root: Path, nextdj: str) -> None:
    """Write the sample's layout as the release understands it."""
    layout = root / "notes" / "pages" / "layout.djx"
    text = layout.read_text()
    if nextdj.startswith(("0.8", "0.9")):
        text = text.replace("{% metadata %}", "").replace("{% head %}", "")
    if nextdj.startswith("0.8"):
        text = text.replace(
            "{% template %}", "{% block template %}{% endblock template %}"
        )
    layout.write_text(text)


@pytest.mark.parametrize(
    ("django", "nextdj"),
    [("5.2.9", "0.10.0"), ("6.0.4", "0.10.0"), ("6.0.4", "0.9.0"), ("5.2.9", "0.8.0")],
)
def test_prod_is_clean_and_answers_on_the_pinned_release(
    django: str, nextdj: str, tmp_path: Path
) -> None:
    packages = installed(f"Django=={django}", f"next.dj=={nextdj}")
    root = tmp_path / "notes"
    shutil.copytree(PROJECTS / "plain", root)
    older(root, nextdj)
    pins = f"Django=={django}\nnext.dj=={nextdj}\n"
    (root / "requirements.txt").write_text(pins)
    said = read_set(["hosting.domains=notes.example.org", "data.database=sqlite"])
    proposal = propose(inspect(str(root)), [said])
    apply(proposal)
    on = judges.staged(root, proposal, tmp_path / "s")
    for path in sorted((root / "config").rglob("*.py")):
        judges.judge_python(path)
    environment = {"PYTHONPATH": packages}
    stage.copy_secrets(on)
    stage.manage(on, "collectstatic", "--noinput", BUILD="1", **environment)
    stage.manage(on, "migrate", **environment)
    found = stage.manage(
        on, "check", "--deploy", "--fail-level", "WARNING", **environment
    )
    assert "no issues" in found, found
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        capture_output=True,
        check=False,
        cwd=root,
        env={**stage.environment(on, environment), "PATH": os.defpath},
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["django"] == django
    assert set(answer["status"].values()) == {200}, answer["status"]
    assert "<html" in answer["page"]
    assert answer["csp"] is (django >= "6")
