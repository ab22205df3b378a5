"""A platform: what is decided, mutants of its files, and a real honcho that serves."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import TYPE_CHECKING

import judges
import platforms
import pytest
from support import planned, project, signal

from nextwizard import stage
from nextwizard.document import read_set
from nextwizard.errors import InputError
from nextwizard.quoting import procfile
from nextwizard.render import render
from nextwizard.workflow import apply, inspect, propose


if TYPE_CHECKING:
    from collections.abc import Iterator


PLATFORM = ("hosting.target=procfile", "data.database=postgresql")
HOSTILE = 'it\'s 100 % "$HOME" ${PORT} `id` \\ # ; é'
PROJECTS = Path(__file__).with_name("projects")


def files(*pairs: str, **more: object) -> dict[str, str]:
    plan = planned(*PLATFORM, *pairs, **more)  # type: ignore[arg-type]
    return {file.path: file.data.decode() for file in render(plan)}


def refused(*pairs: str) -> str:
    with pytest.raises(InputError) as error:
        planned(*pairs)
    return str(error.value)


def test_a_platform_gets_its_files_and_no_other_target_s() -> None:
    made = files()
    assert {"Procfile", "app.json", "fly.toml", "deploy/Dockerfile"} <= made.keys()
    assert not [p for p in made if p.startswith(("deploy/nginx", "deploy/systemd"))]
    assert planned(*PLATFORM)["static.kind"] == "whitenoise"
    assert planned(*PLATFORM)["tls.kind"] == "upstream"
    assert "servestatic" in files("data.static=servestatic")["config/settings/prod.py"]


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (("hosting.proxy=nginx",), "hosting.proxy"),
        (("hosting.server=uwsgi",), "hosting.server, hosting.target"),
        (("data.static=proxy",), "data.static"),
        (("hosting.tls=acme",), "hosting.tls"),
        (('hosting.hosts=["10.0.0.1:8000"]',), "hosting.hosts"),
        (("hosting.path_prefix=/sub", "hosting.server=granian"), "hosting.path_prefix"),
    ],
)
def test_what_a_platform_has_no_place_for_is_refused(
    pairs: tuple[str, ...], words: str
) -> None:
    assert words in refused(*PLATFORM, *pairs)


def test_a_database_in_a_file_is_refused_unless_answered() -> None:
    assert "data.database, hosting.target" in refused("hosting.target=procfile")
    plan = planned("hosting.target=procfile", "data.database=sqlite")
    assert "data.one_writer" in {note.id for note in plan.notes}
    assert plan["procfile.single"] is True


def test_state_in_one_process_is_told_with_its_place() -> None:
    held = project(signal("broker.local", "notes/live.py:7"))
    plan = planned(*PLATFORM, found=held)
    told = [n.message for n in plan.notes if n.id == "procfile.single"]
    assert told
    assert "notes/live.py:7" in told[0]
    assert 'strategy = "immediate"' in files(found=held)["fly.toml"]


def test_a_visitor_cannot_name_himself_to_uvicorn() -> None:
    asgi = ("hosting.interface=asgi",)
    web = files(*asgi)["Procfile"].splitlines()[-1]
    trusted = next(w for w in shlex.split(web) if w.startswith("--forwarded-allow"))
    assert "*" not in trusted
    assert "10.0.0.0/8" in trusted


def test_a_project_below_a_folder_finds_its_modules() -> None:
    nested = project(manage="site/manage.py", source_root="site")
    made = files(found=nested)["Procfile"]
    assert "PYTHONPATH=site python" in made
    assert "python site/manage.py migrate" in made


def test_only_a_port_at_the_end_of_a_word_stays_a_variable() -> None:
    assert procfile("$PORT") == '"$PORT"'
    assert procfile("0.0.0.0:$PORT") == '0.0.0.0:"$PORT"'
    assert procfile("$HOME") == "'$HOME'"
    assert procfile("a b;$PORT") == "'a b;'\"$PORT\""


def test_variables_arrive_in_the_files_as_they_were_said() -> None:
    pair = f"environment.GREETING={json.dumps(HOSTILE, ensure_ascii=False)}"
    made = files(pair)
    assert json.loads(made["app.json"])["env"]["GREETING"] == {"value": HOSTILE}
    assert tomllib.loads(made["fly.toml"])["env"]["GREETING"] == HOSTILE
    said = next(
        line for line in made["deploy/README.md"].splitlines() if "GREETING=" in line
    )
    assert shlex.split(said)[-1] == f"GREETING={HOSTILE}"
    for name in ("A B", "a\nb", "1A", "A-B", "LD_PRELOAD", "SECRET_KEY"):
        with pytest.raises(InputError):
            planned(*PLATFORM, f"environment.{name}=x")


@pytest.fixture
def deployed(tmp_path: Path) -> tuple[Path, stage.Stage]:
    root = tmp_path / "site"
    shutil.copytree(PROJECTS / "plain", root)
    proposal = propose(inspect(str(root)), [read_set(PLATFORM)])
    apply(proposal)
    return root, judges.staged(root, proposal, tmp_path / "s")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("internal_port = 8000", "internal_port = 8001"),
        ("kill_timeout = 35", "kill_timeout = 5"),
        ("kill_timeout", "kil_timeout"),
        ("force_https = true", 'force_https = "true"'),
        ('Host = "site.example.com"', 'Host = "other.example.com"'),
        ("migrate --noinput", "check"),
        ("[[vm]]", "[vm]"),
        ("cpus = ", "cpus = 1"),
    ],
)
def test_a_broken_fly_toml_is_found(
    deployed: tuple[Path, stage.Stage], old: str, new: str
) -> None:
    on = deployed[1]
    text, image = on.read("fly.toml"), on.read("deploy/Dockerfile")
    assert old in text
    with pytest.raises(AssertionError):
        platforms.judge_fly_text(text.replace(old, new), image, on)


def test_a_broken_procfile_is_found(deployed: tuple[Path, stage.Stage]) -> None:
    root, on = deployed
    file = root / "Procfile"
    file.write_text(file.read_text().replace("web:", "web ="))
    with pytest.raises(AssertionError, match="release"):
        judges.judge_procfile(on)


@contextlib.contextmanager
def honcho(root: Path, on: stage.Stage) -> Iterator[int]:
    """Run what the Procfile says with a real honcho, on loopback, to its end.

    The end begins with the web process, as a platform's does. Told to end by a signal
    while it writes a line, honcho fails in its handler and waits for ever.
    """
    port = stage.free_port()
    # honcho's router is nobody: the server is to listen where we alone can ask.
    file = root / "Procfile"
    file.write_text(file.read_text().replace("0.0.0.0", "127.0.0.1"))  # noqa: S104 - taken out
    env = stage.environment(on)
    del env["DJANGO_SETTINGS_MODULE"]
    beside = str(Path(sys.executable).parent)
    env |= {"PORT": str(port), "PATH": f"{beside}:{env['PATH']}"}
    argv = [sys.executable, "-m", "honcho", "start", "web"]
    said = root.parent / "honcho.log"
    with said.open("wb") as log:
        process = subprocess.Popen(argv, cwd=root, env=env, stdout=log, stderr=log)
    try:
        yield port
    finally:
        web = re.search(r"web\.1 started \(pid=(\d+)\)", said.read_text())
        assert web, said.read_text()
        ended = [asked(number, int(web[1]), process) for number in (SIGTERM, SIGKILL)]
        process.kill()
    assert ended[0], said.read_text()


def asked(number: int, group: int, honcho: subprocess.Popen[bytes]) -> bool:
    """Signal the web process's group; return whether honcho ended with it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
    with contextlib.suppress(subprocess.TimeoutExpired):
        honcho.wait(40)
    return honcho.poll() is not None


def ask(port: int, path: str, host: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        headers = {"Host": host, "X-Forwarded-Proto": "https"}
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def until(port: int, host: str) -> None:
    ends = time.monotonic() + 40
    while time.monotonic() < ends:
        with contextlib.suppress(OSError):
            if ask(port, "/healthz/", host)[0] == 200:
                return
        time.sleep(0.1)
    pytest.fail("honcho's web process never answered")


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("plain", ()),
        pytest.param(
            "sse_async", ("data.static=servestatic",), marks=pytest.mark.proof
        ),
        pytest.param("sse_async", ("hosting.server=granian",), marks=pytest.mark.proof),
        pytest.param(
            "sse_async", ("hosting.server=hypercorn",), marks=pytest.mark.proof
        ),
        pytest.param(
            "channels_ws", ("hosting.server=daphne",), marks=pytest.mark.proof
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else value,
)
def test_a_real_honcho_serves_pages_and_their_static_files(
    kind: str, more: tuple[str, ...], tmp_path: Path
) -> None:
    root = tmp_path / "site"
    shutil.copytree(PROJECTS / kind, root)
    pairs = ("hosting.target=procfile", "data.database=sqlite", *more)
    proposal = propose(inspect(str(root)), [read_set(pairs)])
    apply(proposal)
    on = judges.staged(root, proposal, tmp_path / "s")
    stage.prepare(on)
    with honcho(root, on) as port:
        host = on.text("edge.canonical")
        until(port, host)
        status, page = ask(port, "/", host)
        assert status == 200
        found = re.search(rb'"(/static/[^"]+\.[0-9a-f]{12}\.(?:css|js))"', page)
        assert found
        assert ask(port, found[1].decode(), host)[0] == 200
        assert ask(port, "/healthz/", host)[1] == b'{"status": "ok"}'
        assert ask(port, "/healthz/", "evil.example")[0] == 400
