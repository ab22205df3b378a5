from __future__ import annotations

import contextlib
import http.client
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nextwizard import render as room


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType

ROOT = Path(__file__).parents[1]
TREES = tomllib.loads(Path(__file__, "../cgroup/trees.toml").resolve().read_text())
GIB = 1024**3
CONTEXT: dict[str, dict[str, Any]] = {
    "project": {"name": "notes"},
    "hosting": {"target": "systemd"},
    "server": {
        "kind": "gunicorn",
        "interface": "wsgi",
        "worker_class": "gthread",
        "env_file": "",
        "environment": (),
        "handover": False,
        "reload": True,
        "leftovers": False,
    },
    "sizing": {
        "cores": 4,
        "memory_mb": 2048,
        "workers": 0,
        "workers_min": 2,
        "workers_max": 0,
        "base_mb": 40,
        "worker_mb": 75,
        "threads": 4,
        "streams": 0,
        "request_ms": 0,
        "requests_per_second": 0,
    },
}
ASGI = {
    "kind": "uvicorn",
    "interface": "asgi",
    "worker_class": "",
    "threads": 1,
    "base_mb": 45,
    "worker_mb": 95,
}
SYNC = {"worker_class": "sync", "threads": 1}
SERVERS: dict[str, dict[str, Any]] = {
    "gunicorn": {},
    "gunicorn sync": SYNC,
    "gunicorn asgi": {**ASGI, "kind": "gunicorn", "worker_class": "asgi"},
    "uvicorn": ASGI,
    "hypercorn": {**ASGI, "kind": "hypercorn"},
    "daphne": {**ASGI, "kind": "daphne", "workers_min": 1, "workers_max": 1},
    "granian": {"kind": "granian", "worker_class": "", "env_file": "/etc/notes/env"},
    "granian supervised": {"kind": "granian", "worker_class": "", "leftovers": True},
    "gunicorn supervised": {"handover": True},
    "uwsgi": {"kind": "uwsgi", "worker_class": "", "threads": 1},
}


def render(changes: Mapping[str, Any]) -> str:
    """The one place that knows how the template becomes text."""
    context = {
        group: {name: changes.get(name, value) for name, value in values.items()}
        for group, values in CONTEXT.items()
    }
    return room.text("deploy/boot.py", context)[0]


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Path]:
    def write(**changes: object) -> Path:
        path = tmp_path / "deploy" / "boot.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(render(changes), encoding="utf-8")
        return path

    return write


@pytest.fixture
def boot(
    script: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., ModuleType]:
    machine = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 16 * GIB // 4096}

    def load(**changes: object) -> ModuleType:
        spec = importlib.util.spec_from_file_location(
            "nextwizard_boot", script(**changes)
        )
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(os, "sysconf", machine.__getitem__)
    return load


def tool(name: str) -> str:
    path = Path(sys.executable).with_name(name)
    found = str(path) if path.exists() else shutil.which(name)
    if found:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is missing under CI")
    pytest.skip(f"{name} is not installed")


@pytest.mark.parametrize("tree", TREES["tree"], ids=lambda tree: str(tree["name"]))
def test_limits_of_cgroups(
    tree: dict[str, Any], boot: Callable[..., ModuleType], tmp_path: Path
) -> None:
    files = {Path(tree["at"], name): text for name, text in tree["files"].items()}
    for source, name in (("cgroup", "cgroup"), ("mounts", "mountinfo")):
        if source in tree:
            files[Path("proc/self", name)] = tree[source].removeprefix("\n")
    for path, text in files.items():
        target = tmp_path / "root" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"{text}\n", encoding="utf-8")
    module = boot()
    root = str(tmp_path / "root")
    assert module.effective_cpus(root) == tree.get("cpus", 8)
    assert module.memory_limit(root) == tree.get("memory", 16 * GIB)


def test_a_machine_that_says_nothing(
    boot: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(name: str) -> int:
        raise ValueError(name)

    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    monkeypatch.setattr(os, "sysconf", refuse)
    module = boot()
    assert module.effective_cpus(str(tmp_path)) == 1
    assert module.memory_limit(str(tmp_path)) == 0
    assert "memory min(2048 answered, unknown here)" in module.size({}, 4, 0).why


WEB = {"WEB_CONCURRENCY": "3"}
ONE = {"workers_min": 1, "workers_max": 1}
LOAD = {"request_ms": 250, "requests_per_second": 40}
SIZES: list[tuple[dict[str, Any], dict[str, str], float, int, int, str]] = [
    # changes, environment, CPUs, MiB, workers, words of the sum
    ({}, {}, 1.5, 512, 2, "by the gthread rule: cores min(4 answered, 1.5 effective)"),
    ({}, {}, 1.5, 512, 2, "= 1.5, gthread rule max(2, 1) = 2, memory min(2048 answ"),
    ({}, {}, 1.5, 512, 2, "answered, 512 effective) = 512 MiB allows 6"),
    ({}, {}, 4, 8192, 4, "gthread rule max(2, 4) = 4"),
    ({}, {}, 16, 8192, 4, "cores min(4 answered, 16 effective) = 4"),
    ({}, {}, 0.5, 8192, 2, "gthread rule max(2, 0) = 2"),
    ({"workers_min": 1}, {}, 0.5, 8192, 1, "1 worker x 4 threads by the gthread rule"),
    (SYNC, {}, 4, 8192, 9, "by the sync rule: "),
    (SYNC, {}, 1.5, 8192, 4, "sync rule max(2, 2 x 1.5 + 1) = 4"),
    (SYNC, {}, 0.3, 8192, 2, "sync rule max(2, 2 x 0.3 + 1) = 2"),
    (SERVERS["uwsgi"], {}, 1, 8192, 3, "3 workers by the uwsgi rule"),
    ({**SERVERS["uwsgi"], "threads": 2}, {}, 3, 8192, 3, "uwsgi rule max(2, 3) = 3"),
    (SERVERS["granian"], {}, 3, 8192, 3, "3 workers x 4 threads by the granian rule"),
    (ASGI, {}, 4, 8192, 4, "4 workers by the ASGI rule"),
    (ASGI, {}, 0.5, 8192, 2, "ASGI rule max(2, 0) = 2"),
    (
        SERVERS["daphne"],
        {},
        4,
        8192,
        1,
        "1 worker by the limit of 1, not 4 by the ASGI rule",
    ),
    # the machine and the answers: the smaller memory counts
    ({"cores": 32}, {}, 32, 1024, 13, "by memory: "),
    ({"cores": 32}, {}, 32, 65536, 26, "= 2048 MiB allows 26"),
    ({"cores": 32}, {}, 32, 0, 26, "min(2048 answered, unknown here) = 2048 MiB"),
    ({}, {}, 4, 128, 2, "by the floor of 2: "),
    ({}, {}, 4, 128, 2, "= 128 MiB allows 1, so it may run out"),
    ({}, {}, 4, 16, 2, "= 16 MiB allows 1, so it may run out"),
    ({"workers_min": 1}, {}, 4, 16, 1, "1 worker x 4 threads by memory"),
    # a number somebody fixed
    ({}, WEB, 8, 8192, 3, "boot: 3 workers x 4 threads by WEB_CONCURRENCY: memory"),
    ({"workers": 5}, WEB, 8, 8192, 3, "by WEB_CONCURRENCY"),
    ({"workers": 5}, {}, 1, 8192, 5, "by the answers"),
    ({"workers": 1}, {}, 8, 8192, 1, "by the answers"),
    ({}, {"WEB_CONCURRENCY": "12"}, 8, 512, 12, "allows 6, so it may run out"),
    ({}, {"WEB_CONCURRENCY": " 1 "}, 8, 512, 1, "by WEB_CONCURRENCY"),
    (ASGI, {"WEB_CONCURRENCY": "1"}, 8, 512, 1, "(SIGHUP ends a lone uvicorn: "),
    (
        ONE,
        {"WEB_CONCURRENCY": "12"},
        8,
        512,
        1,
        "limit of 1, not 12 by WEB_CONCURRENCY: ",
    ),
    ({**ONE, "workers": 4}, {}, 8, 512, 1, "limit of 1, not 4 by the answers: "),
    *(
        ({}, {"WEB_CONCURRENCY": text}, 4, 8192, 4, "WEB_CONCURRENCY ignored (not a")
        for text in ("", "auto", "0", "-3", "2.5", "1_0", "٣x", "9" * 20, "9" * 5000)
    ),
    # streams hold threads
    (
        {**ONE, "threads": 40, "streams": 32},
        {},
        4,
        8192,
        1,
        "40 threads a worker, of which 32 may be held by open streams",
    ),
    # Little's law: 40/s x 0.25 s are 10 at once, 15 with headroom
    ({**LOAD}, {}, 2, 8192, 4, "by Little's law"),
    ({**LOAD}, {}, 2, 8192, 4, "40/s x 250 ms x 1.5 = 15 at once / 4 a worker = 4,"),
    ({**LOAD, **SYNC}, {}, 2, 8192, 15, "= 15 at once / 1 a worker = 15,"),
    ({**LOAD, **SYNC}, {}, 2, 512, 6, "by memory"),
    ({**LOAD, "threads": 16}, {}, 2, 8192, 2, "by the gthread rule"),
    ({**LOAD, **ONE}, {}, 2, 8192, 1, "by the limit of 1"),
    (
        {**LOAD, **ASGI},
        {},
        2,
        8192,
        2,
        "Little's law 40/s x 250 ms x 1.5 = 15 at once,",
    ),
]


@pytest.mark.parametrize(
    ("changes", "environ", "cpus", "mib", "workers", "words"), SIZES
)
def test_sizes(  # noqa: PLR0917
    boot: Callable[..., ModuleType],
    changes: dict[str, Any],
    environ: dict[str, str],
    cpus: float,
    mib: int,
    workers: int,
    words: str,
) -> None:
    sizing = boot(**changes).size(environ, cpus, mib * 1024**2)
    assert (sizing.workers, sizing.threads) == (workers, changes.get("threads", 4))
    assert words in sizing.why
    assert "\n" not in sizing.why


def test_plan_logs_the_sum_once(
    boot: Callable[..., ModuleType],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "3")
    module = boot()
    sizing = module.plan()
    assert sizing.workers == 3
    assert capsys.readouterr() == ("", f"{sizing.why}\n")


SECRET = "k3y-no0ne-sees"
ENTRIES = {
    # what systemd.exec(5) says of EnvironmentFile=, held against libsystemd 252
    "A=1\nB=2\n": {"A": "1", "B": "2"},
    "": {},
    "# A=1\n; B=2\n\n  \t\n  # C=3\nD=4": {"D": "4"},
    "A=x # no comment\nB=#hash": {"A": "x # no comment", "B": "#hash"},
    "A=1\nA=2": {"A": "2"},
    "A=\nB=''\nC=\"\"": {"A": "", "B": "", "C": ""},
    "  A  =  x y  \n": {"A": "x y"},
    "A='  x '\nB=\"  y \"": {"A": "  x ", "B": "  y "},
    "A='a\"b$c\\n\\'\nB=\"it's\"": {"A": 'a"b$c\\n\\', "B": "it's"},
    'A="say \\"hi\\" \\\\ \\$x \\` \\n"': {"A": 'say "hi" \\ $x ` \\n'},
    "A=\"one\ntwo\"\nB='x\ny'": {"A": "one\ntwo", "B": "x\ny"},
    'A="one \\\ntwo"\nB=x \\\n  y': {"A": "one two", "B": "x   y"},
    "A=a\\ b\\n\\\\\\ ": {"A": "a bn\\ "},
    "A='a'\"b\"  'c' d 'e'": {"A": "abcd 'e'"},
    "A=a'b'\"c\"": {"A": "a'b'\"c\""},
    "A=k=v==": {"A": "k=v=="},
    "DATABASE_URL=postgres://u:p%40@h/d?x=1&y=2": {
        "DATABASE_URL": "postgres://u:p%40@h/d?x=1&y=2"
    },
    "A=1\r\nB=2\r\n": {"A": "1", "B": "2"},
    "A=$HOME ${B} %i": {"A": "$HOME ${B} %i"},
    "export A=1\n9B=2\nC-D=3\n=4\nnothing\nE=5": {"E": "5"},
    'export A="x\nB=1"\nC=2': {"C": "2"},
    "A=é☃": {"A": "é☃"},
    'A="open\nB=1\n': {"A": "open\nB=1\n"},
    "A=x\\": {"A": "x"},
    "A=a\0b\nB=1": {"B": "1"},
}


@pytest.mark.parametrize(("text", "variables"), ENTRIES.items())
def test_env_file_grammar(
    boot: Callable[..., ModuleType],
    tmp_path: Path,
    text: str,
    variables: dict[str, str],
) -> None:
    path = tmp_path / "env"
    path.write_bytes(text.encode())
    environ: dict[str, str] = {}
    boot(env_file=str(path)).load_env_file(environ)
    assert environ == variables


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, SECRET),
        ({"SECRET_KEY": "mine"}, "mine"),
        ({"INVOCATION_ID": "0a"}, None),
        ({"INVOCATION_ID": "0a", "SUPERVISOR_ENABLED": "1"}, SECRET),
    ],
)
def test_who_reads_the_env_file(
    boot: Callable[..., ModuleType],
    tmp_path: Path,
    environ: dict[str, str],
    expected: str | None,
) -> None:
    (tmp_path / "env").write_text(f"SECRET_KEY={SECRET}\n", encoding="utf-8")
    boot(env_file=str(tmp_path / "env")).load_env_file(environ)
    assert environ.get("SECRET_KEY") == expected


def test_env_file_that_is_missing_or_unreadable(
    boot: Callable[..., ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boot(env_file=str(tmp_path / "none")).load_env_file({})
    assert capsys.readouterr().err == ""
    boot(env_file=str(tmp_path)).load_env_file({})
    advice = f"Is a directory: let uid {os.getuid()} read it\n"
    assert capsys.readouterr().err == f"boot: {tmp_path}: {advice}"


CHILD = """
import json, os, socket, sys
names = ("WEB_CONCURRENCY", "GRANIAN_WORKERS", "LISTEN_PID", "LISTEN_FDS", "SECRET_KEY")
environ = {name: os.environ[name] for name in names if name in os.environ}
said = [os.getpid(), sys.argv[1:], environ]
if "LISTEN_FDS" in environ:
    said.append(socket.socket(fileno=3).getsockname())
print(json.dumps(said))
"""
# systemd in one line: the socket is descriptor 3 and the variables name this very pid.
SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def run(
    *command: str | Path, fds: tuple[int, ...] = (), **environ: str
) -> tuple[int, int, str, str]:
    """Run a command to its end; returns its pid, status, stdout and stderr."""
    base = {"PATH": os.environ["PATH"], "PYTHONUTF8": "1"}
    with subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=base | environ,
        pass_fds=fds,
    ) as process:
        out, err = process.communicate(timeout=10)
    return process.pid, process.returncode, out, err


@pytest.mark.parametrize("dashes", [(), ("--",)])
def test_script_becomes_the_program(
    script: Callable[..., Path], tmp_path: Path, dashes: tuple[str, ...]
) -> None:
    (tmp_path / "env").write_text(f"SECRET_KEY={SECRET}\nWEB_CONCURRENCY=7\n")
    path = script(**SERVERS["granian"] | {"env_file": str(tmp_path / "env")})
    words = (
        "{workers}",
        "--threads",
        "{threads}",
        "x{workers}",
        "",
        "a b",
        "--explain",
    )
    pid, status, out, err = run(path, *dashes, sys.executable, "-c", CHILD, *words)
    assert status == 0, err
    said_pid, arguments, environ = json.loads(out)
    assert said_pid == pid
    assert arguments == ["7", "--threads", "4", "x{workers}", "", "a b", "--explain"]
    assert environ == {
        "WEB_CONCURRENCY": "7",
        "GRANIAN_WORKERS": "7",
        "SECRET_KEY": SECRET,
    }
    assert err.startswith("boot: 7 workers x 4 threads by WEB_CONCURRENCY: memory min(")
    assert err.count("\n") == 1
    assert SECRET not in err


def test_script_passes_the_sockets_of_systemd_on(
    script: Callable[..., Path], tmp_path: Path
) -> None:
    path = script(workers=5)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "sock"))
        fd = listener.fileno()
        command = ["-c", SYSTEMD, str(fd), str(path), sys.executable, "-c", CHILD]
        pid, status, out, err = run(*command, fds=(fd,), WEB_CONCURRENCY="auto")
    assert status == 0, err
    environ = {"WEB_CONCURRENCY": "5", "LISTEN_FDS": "1", "LISTEN_PID": str(pid)}
    assert json.loads(out) == [pid, [], environ, str(tmp_path / "sock")]
    assert "WEB_CONCURRENCY ignored (not a whole number above 0), memory" in err


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 2, "name the program to start: boot.py [--] PROGRAM ARG... | --explain"),
        (("--",), 2, "name the program"),
        (("--workers", "2"), 2, "name the program"),
        (("--explain", "x"), 2, "name the program"),
        (("no-such-program",), 127, "no-such-program: No such file or directory: inst"),
        (("/no/such/program",), 127, "install it or write its full path"),
        (("/",), 126, "/: Permission denied: install it or write its full path"),
    ],
)
def test_script_refuses_in_one_line(
    script: Callable[..., Path], arguments: tuple[str, ...], status: int, words: str
) -> None:
    _, returned, out, err = run(script(), *arguments, SECRET_KEY=SECRET)
    lines = err.splitlines()
    assert (returned, out) == (status, "")
    assert words in lines[-1]
    assert len(lines) == (1 if status == 2 else 2)
    assert SECRET not in err


def test_explain_prints_the_sum_and_starts_nothing(
    script: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "env").write_text(f"SECRET_KEY={SECRET}\nWEB_CONCURRENCY=6\n")
    path = script(env_file=str(tmp_path / "env"))
    _, status, out, err = run(path, "--explain")
    assert (status, err) == (0, "")
    assert out.startswith("boot: 6 workers x 4 threads by WEB_CONCURRENCY: memory min(")
    assert out.count("\n") == 1
    assert SECRET not in out


def test_import_stays_small(script: Callable[..., Path]) -> None:
    heavy = "{'asyncio', 'dataclasses', 'inspect', 'logging', 'socket', 'subprocess'}"
    code = f"import sys, boot; print(sorted({heavy} & set(sys.modules)))"
    _, status, out, err = run("-S", "-c", code, PYTHONPATH=str(script().parent))
    assert (status, out, err) == (0, "[]\n", "")


def test_ruff_finds_nothing(tmp_path: Path) -> None:
    for name, changes in SERVERS.items():
        text = render(changes)
        assert text.count("\n") < (350 if "supervised" in name else 320)
        assert "{#" not in text
        folder = tmp_path / name / "deploy"
        folder.mkdir(parents=True)
        (folder / "boot.py").write_text(text, encoding="utf-8")
    for command in (["check", "--no-cache"], ["format", "--diff", "--no-cache"]):
        options = ["--quiet", "--config", str(ROOT / "pyproject.toml"), str(tmp_path)]
        done = subprocess.run(
            [tool("ruff"), *command, *options],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@contextlib.contextmanager
def serve(
    folder: Path, command: list[str], listener: socket.socket | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Start a server, hand out the process and its log, end it by its pid."""
    log = folder / "log"
    base = {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), "HOME": str(folder)}
    fds = (listener.fileno(),) if listener else ()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, stdout=sink, stderr=sink, cwd=folder, env=base, pass_fds=fds
        )
        try:
            yield process, log
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


def until(log: Path, words: str, times: int) -> str:
    """Wait until the log says these words so often; returns the log."""
    deadline = time.monotonic() + 8
    while (text := log.read_text()).count(words) < times:
        assert time.monotonic() < deadline, text
        time.sleep(0.02)
    return text


def ask(path: Path) -> list[Any]:
    """Send one request over a unix socket; returns the list in the answer."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(8)
        client.connect(str(path))
        connection = http.client.HTTPConnection("x")
        connection.sock = client
        connection.request("GET", "/", headers={"Connection": "close"})
        with connection.getresponse() as answer:
            assert answer.status == 200
            return list(json.loads(answer.read()))


def test_gunicorn_takes_its_numbers_from_plan(
    script: Callable[..., Path], tmp_path: Path
) -> None:
    folder = script(workers=3).parent
    (folder / "gunicorn.conf.py").write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "sys.path.insert(0, str(Path(__file__).parent))\n"
        "from boot import plan\n"
        "sizing = plan()\n"
        "workers, threads = sizing.workers, sizing.threads\n"
        "worker_class = 'gthread'\n"
        "graceful_timeout = 1\n"
    )
    (tmp_path / "app.py").write_text(
        "import json\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [json.dumps([environ['wsgi.multithread']]).encode()]\n"
    )
    path = tmp_path / "sock"
    command = [tool("gunicorn"), "-c", str(folder / "gunicorn.conf.py"), "app:app"]
    command += ["--bind", f"unix:{path}", "--no-control-socket"]
    with serve(tmp_path, command) as (process, log):
        text = until(log, "Booting worker with pid", 3)
        assert ask(path) == [True]
        assert (
            text.count("boot: 3 workers x 4 threads by the answers: memory min(") == 1
        )
        process.send_signal(signal.SIGHUP)
        text = until(log, "Booting worker with pid", 6)
        assert (
            text.count("boot: 3 workers x 4 threads by the answers: memory min(") == 2
        )
        assert ask(path) == [True]
        assert process.poll() is None


def test_what_outlived_a_killed_predecessor_is_ended_and_nothing_else(
    script: Callable[..., Path], tmp_path: Path
) -> None:
    path = script(**SERVERS["granian supervised"])
    names = ("SERVER_URL", "GROUP_NAME", "PROCESS_NAME")
    ours = {f"SUPERVISOR_{name}": f"notes {name}" for name in names}
    base = {"PATH": os.environ["PATH"]}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    neighbour = {**ours, "SUPERVISOR_PROCESS_NAME": "other"}
    with contextlib.ExitStack() as stack:

        def sleeper(environ: Mapping[str, str], cwd: Path) -> subprocess.Popen[bytes]:
            command = ["sleep", "60"]
            process = subprocess.Popen(command, cwd=cwd, env={**base, **environ})
            stack.callback(process.wait, 5)
            stack.callback(process.kill)
            return process

        # The link to the release may have moved on since: its directory says nothing.
        left = [sleeper(ours, tmp_path), sleeper(ours, elsewhere)]
        others = [sleeper(neighbour, tmp_path), sleeper({}, tmp_path)]
        command = [sys.executable, str(path), "true"]
        for environ, words in ((base, "never"), ({**base, **ours}, "ended 2 proc")):
            done = subprocess.run(
                command,
                capture_output=True,
                check=True,
                cwd=tmp_path,
                env=environ,
                text=True,
                timeout=20,
            )
            assert (words in done.stderr) == (environ != base)
        assert [one.wait(5) for one in left] == [-signal.SIGKILL] * 2
        assert [other.poll() for other in others] == [None] * 2


# supervisor in one line: the socket is descriptor 0.
SUPERVISOR = """
import os, sys
os.dup2(int(sys.argv[1]), 0)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


@pytest.mark.parametrize("worker_class", ["gthread", "asgi"])
def test_gunicorn_leaves_the_socket_of_supervisor_alone(
    worker_class: str, script: Callable[..., Path], tmp_path: Path
) -> None:
    boot_py = script(workers=2, worker_class=worker_class, handover=True)
    (tmp_path / "app.py").write_text(
        "import json, os\n"
        "def gthread(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [json.dumps([os.path.realpath('/proc/self/fd/0')]).encode()]\n"
        "async def asgi(scope, receive, send):\n"
        "    if scope['type'] != 'http':\n"
        "        return\n"
        "    body = json.dumps([os.path.realpath('/proc/self/fd/0')]).encode()\n"
        "    await send({'type': 'http.response.start', 'status': 200})\n"
        "    await send({'type': 'http.response.body', 'body': body})\n"
    )
    server = [tool("gunicorn"), f"app:{worker_class}", "-k", worker_class]
    server += ["--workers", "2", "--graceful-timeout", "1", "--no-control-socket"]
    path = tmp_path / "sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        words = ["-c", SUPERVISOR, str(listener.fileno()), str(boot_py)]
        command = [sys.executable, *words, *server]
        with serve(tmp_path, command, listener) as (process, log):
            until(log, "Booting worker with pid", 2)
            assert ask(path) == ["/dev/null"]
            process.send_signal(signal.SIGHUP)
            until(log, "Booting worker with pid", 4)
            assert ask(path) == ["/dev/null"]
            process.terminate()
            assert process.wait(8) == 0, log.read_text()
    assert path.is_socket()
    said = log.read_text()
    assert "Traceback" not in said
    assert "SIGABRT" not in said


LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (128, 512))
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
OPENED = """
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"[1]"})
"""


def test_more_streams_than_the_usual_limit_of_open_files(
    script: Callable[..., Path], tmp_path: Path
) -> None:
    boot_py = script(**ASGI, workers=1)
    (tmp_path / "app.py").write_text(OPENED)
    path = tmp_path / "sock"
    server = [tool("uvicorn"), "app:app", "--uds", str(path), "--lifespan", "off"]
    # A visitor more than the limit: asyncio then stops to take connections at all.
    limited = [sys.executable, "-c", LIMITED, str(boot_py)]
    with serve(tmp_path, [*limited, *server]) as (_, log), contextlib.ExitStack() as on:
        until(log, "Uvicorn running", 1)
        for _ in range(140):
            on.enter_context(socket.socket(socket.AF_UNIX)).connect(str(path))
        assert ask(path) == [1]


def test_uvicorn_is_started_on_a_socket_of_systemd(
    script: Callable[..., Path], tmp_path: Path
) -> None:
    boot_py = script(**ASGI, workers=2)
    (tmp_path / "app.py").write_text(
        "import json, os\n"
        "async def app(scope, receive, send):\n"
        "    if scope['type'] != 'http':\n"
        "        return\n"
        "    said = [os.getpid(), os.getppid(), os.environ['WEB_CONCURRENCY']]\n"
        "    await send({'type': 'http.response.start', 'status': 200})\n"
        "    body = json.dumps(said).encode()\n"
        "    await send({'type': 'http.response.body', 'body': body})\n"
    )
    server = [tool("uvicorn"), "app:app", "--fd", "3", "--workers", "{workers}"]
    server += ["--timeout-graceful-shutdown", "1", "--lifespan", "off"]
    path = tmp_path / "sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        command = [sys.executable, "-c", SYSTEMD, str(listener.fileno()), str(boot_py)]
        with serve(tmp_path, [*command, *server], listener) as (process, log):
            text = until(log, "Started server process", 2)
            worker, parent, workers = ask(path)
            assert text.startswith(
                "boot: 2 workers by the answers: memory min(2048 answ"
            )
            assert (parent, workers) == (process.pid, "2")
            assert f"Started server process [{worker}]" in text
