"""Inside the machine: the steps a deployment goes through, each with what must hold.

`python guest_steps.py STEP…` writes what the steps measured to /lab/result.json.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import re
import socket
import stat
import struct
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import guest
import guest_supervised as supervised
from guest import FACTS, HOST, NAME, PROXY, ROOT, Load, Stream, must, run, until


if TYPE_CHECKING:
    from collections.abc import Callable


SETTINGS = Path(ROOT, FACTS["settings.file"]).with_name("base.py")
STOP_S = float(FACTS["timing.stop"])
GRACEFUL_S = float(FACTS["timing.graceful"])
STREAMS = FACTS["sse.on"] and "/live/" in FACTS["sse.paths"]
RESULT: dict[str, Any] = {}


def _address() -> None:
    """Give the loopback a second address, in the network of the balancer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        name = struct.pack(
            "16sH2s4s8s",
            b"lo:1",
            socket.AF_INET,
            b"\0\0",
            socket.inet_aton(guest.ADDRESS),
            b"\0" * 8,
        )
        fcntl.ioctl(probe, 0x8916, name)


def _certificate(chain: str, key: str) -> None:
    """Bring a certificate, as an authority on the internet would have signed it."""
    for path in (chain, key):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    names = ",".join(f"DNS:{name}" for name in FACTS["edge.domains"])
    must(
        *"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256".split(),
        *f"-nodes -days 2 -subj /CN={HOST} -addext subjectAltName={names}".split(),
        *("-keyout", key, "-out", chain),
    )
    if PROXY == "caddy":
        must("chown", "caddy", key)


def _services() -> str:
    """Start the services behind; return the lines of the secret file that name them."""
    lines = ""
    if FACTS["data.url"]:
        url = "sqlite:////var/lib/%s/db.sqlite3" % NAME  # noqa: UP031
        if FACTS["data.engine"] == "postgresql":
            url = _postgresql()
        lines += f"DATABASE_URL={url}\n"
    if FACTS["cache.kind"] == "redis":
        must("systemd-run", "--unit=redis", "--uid=redis", "redis-server", "--save", "")
        lines += "REDIS_URL=redis://127.0.0.1:6379/0\n"
    return lines


def _postgresql() -> str:
    """Start a fresh PostgreSQL on loopback; return its address."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    data = Path("/var/lib/postgresql/data")
    data.mkdir(parents=True)
    must("chown", "-R", "postgres", str(data.parent))
    must(
        "runuser",
        "-u",
        "postgres",
        "--",
        f"{found[-1]}/initdb",
        "--no-sync",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "-D",
        str(data),
    )
    must(
        "systemd-run",
        "--unit=database",
        "--uid=postgres",
        f"{found[-1]}/postgres",
        "-D",
        str(data),
        "-c",
        "unix_socket_directories=",
        "-c",
        "fsync=off",
    )
    psql = ["psql", "-h", "127.0.0.1", "-U", "postgres", "-c"]
    until(lambda: run(*psql, "select 1").code == 0, 20, "PostgreSQL")
    must(*psql, f'create role "{NAME}" login')
    must(*psql, f'create database "{NAME}" owner "{NAME}"')
    return f"postgresql://{NAME}@127.0.0.1:5432/{NAME}"


def _proxy() -> None:
    """Have Debian's proxy running, as its package leaves it; only its program is newer
    where the case asks for that."""
    if PROXY == "none":
        return
    Path("/lab/bin").mkdir(exist_ok=True)
    newer = Path("/lab", PROXY)
    if newer.exists():
        more = " -p /etc/nginx/ -c nginx.conf -e /var/log/nginx/error.log"
        wrapper = Path("/lab/bin", PROXY)
        wrapper.write_text(f'#!/bin/sh\nexec {newer}{more * (PROXY == "nginx")} "$@"\n')
        wrapper.chmod(0o755)
        unit = Path(f"/usr/lib/systemd/system/{PROXY}.service").read_text()
        moved = re.sub(rf"/usr/s?bin/{PROXY}\b", str(wrapper), unit)
        Path(f"/etc/systemd/system/{PROXY}.service").write_text(moved)
        must("systemctl", "daemon-reload")
    for place in ("/var/log/nginx", "/var/lib/nginx", "/var/www"):
        Path(place).mkdir(parents=True, exist_ok=True)
    if PROXY == "caddy":
        Path("/var/lib/caddy").mkdir()
        must("chown", "caddy", "/var/lib/caddy")
        # No authority on the internet can be asked from here: caddy's own signs.
        file = Path(ROOT, "deploy/caddy/Caddyfile")
        text = file.read_text(encoding="utf-8")
        local = "\tlocal_certs\n" * (FACTS["tls.kind"] == "acme")
        text = text.replace("{\n", f"{{\n{local}\tskip_install_trust\n", 1)
        file.write_text(text, encoding="utf-8")
    must("systemctl", "start", PROXY)


def _commands() -> str:
    """Return the runbook's first install; what needs the internet is done already."""
    text = "".join(guest.blocks("First install"))
    text = re.sub(r"(?m)^(?:python3 -m venv|\S*python -m pip install) .*\n", "", text)
    text, number = re.subn(r"(?m)^certbot (?:.*\\\n)*.*\n", "", text)
    if number:
        _certificate(FACTS["tls.certificate"], FACTS["tls.key"])
    return text


def install() -> None:
    """Follow the runbook, word for word, from the account to the running proxy."""
    if guest.BALANCED:
        _address()
    if FACTS["tls.kind"] == "files" and PROXY != "none":
        _certificate(FACTS["tls.certificate"], FACTS["tls.key"])
    more = _services()
    with Path(ROOT, f"deploy/{NAME}.env").open("a", encoding="utf-8") as file:
        file.write(more)
    if FACTS["hosting.target"] == "supervisor":
        supervised.daemon()
    _proxy()
    RESULT["install"] = guest.shell(_commands())
    try:
        until(guest.answers, 25, "the first answer")
    except AssertionError as error:
        error.add_note(f"status {guest.status()}, the proxy: {_proxy_log()}")
        raise


def _main_pid() -> int:
    return int(guest.show("MainPID"))


def serve() -> None:
    """The site answers as the account; systemd has nothing to say of the unit."""
    site()
    _account()
    _secret()
    RESULT["exposure"] = _exposure()
    assert not _complaints()


def site() -> None:
    """The site answers, its socket is the proxy's, the runbook's smoke test passes."""
    page = guest.get("/")
    assert page.status == 200, (page.status, page.body[:500])
    assert b"<html" in page.body
    found = re.search(rb'"([^"]*/static/[^"]+\.[0-9a-f]{12}\.(?:css|js))"', page.body)
    assert found, page.body
    path = found[1].decode()
    assert path.startswith(guest.BASE)
    static = guest.get(path.removeprefix(guest.BASE))
    assert static.status == 200, path
    alive = guest.get("/healthz/")
    assert (alive.status, alive.body) == (200, b'{"status": "ok"}')
    if FACTS["health.ready"]:
        ready = guest.get("/readyz/")
        assert ready.status == 200 or guest.BALANCED, ready.body
    if guest.TLS:
        _smoke(path)
    _reach()


def _complaints() -> list[str]:
    """Return what systemd said about our units' lines, and the server about its own."""
    journal = run("journalctl", "-b", "--no-pager", "-o", "cat").out
    ours = (f"/etc/systemd/system/{NAME}.", "Control server error", "Traceback")
    return [line for line in journal.splitlines() if any(word in line for word in ours)]


def _smoke(static: str) -> None:
    """The runbook's three curls, with the certificate checked."""
    ca = FACTS["tls.certificate"]
    if PROXY == "caddy" and FACTS["tls.kind"] in {"acme", "internal"}:
        ca = "/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt"
    elif FACTS["tls.kind"] == "internal":
        ca = f"{FACTS['tls.dir']}/ca.pem"
    (text,) = guest.blocks("Smoke test")
    text = re.sub(r"https?://\S+/static/'?(?=\s+#)", f"https://{HOST}{static}", text)
    out = guest.shell(text, CURL_CA_BUNDLE=ca)
    assert out.count("\n200\n") + out.startswith("200\n") == 2, out
    assert '{"status": "ok"}' in out, out


def _account() -> None:
    pid = _main_pid()
    number = Path(f"/proc/{pid}").stat().st_uid
    assert pwd.getpwuid(number).pw_name == FACTS["hosting.user"]


def _reach() -> None:
    """The application's socket opens for the proxy's account and for no other."""
    worker = "www-data" if PROXY == "nginx" else "caddy"
    if PROXY == "none" or not FACTS["server.unix"]:
        return
    path = FACTS["server.listen"]
    assert stat.S_IMODE(os.stat(path).st_mode) in {0o660, 0o770, 0o666, 0o777}, path
    reach = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])"
    )
    for who, may in ((worker, True), ("stranger", False), ("nobody", False)):
        command = ("runuser", "-u", who, "--", FACTS["python"], "-c", reach, path)
        assert (run(*command).code == 0) is may, (who, os.stat(path))


def _secret() -> None:
    """The secret file is root's, and what it says stands nowhere else."""
    path = Path(FACTS["paths.env"])
    found = path.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o600, 0, 0)
    user = FACTS["hosting.user"]
    assert run("runuser", "-u", user, "--", "cat", str(path)).code != 0
    key = re.search(r"(?m)^SECRET_KEY=(.+)$", path.read_text(encoding="utf-8"))
    assert key
    for said in (
        run("systemctl", "show", NAME).out,
        run("journalctl", "-b", "--no-pager").out,
        run("ps", "-eo", "args").out,
    ):
        assert key[1] not in said


def _exposure() -> float:
    said = must("systemd-analyze", "security", "--no-pager", f"{NAME}.service")
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert found, said
    assert float(found[1]) <= 1.5, said
    return float(found[1])


def restart() -> None:
    """A restart brings new processes, and the site is there again."""
    before = _main_pid()
    begun = time.monotonic()
    must("systemctl", "restart", NAME)
    took = time.monotonic() - begun
    RESULT["restart_s"] = round(took + until(guest.answers, 25, "after restart"), 2)
    assert _main_pid() != before


def reload() -> None:
    """A reload replaces every worker and keeps the main process."""
    if not FACTS["server.reload"]:
        done = run("systemctl", "reload", NAME)
        assert done.code != 0, "a unit without ExecReload= took a reload"
        return
    main, before = _main_pid(), _workers()
    must("systemctl", "reload", NAME)
    until(lambda: not _workers() & before, GRACEFUL_S + 20, "the old workers to go")
    until(guest.answers, 20, "after reload")
    assert _main_pid() == main, guest.tail()


def _workers() -> set[int]:
    """Return the pids that answer: every process of the unit but the main one."""
    group = guest.show("ControlGroup")
    text = Path(f"/sys/fs/cgroup{group}/cgroup.procs").read_text()
    helpers = run("pgrep", "-f", "resource_tracker|/deploy/boot.py").out.split()
    return {int(pid) for pid in text.split()} - {_main_pid(), *map(int, helpers)}


def kill() -> None:
    """It comes back when its main process is killed, and when all of them are."""
    for who in ("main", "all"):
        before = _main_pid()
        must("systemctl", "kill", "--signal=KILL", f"--kill-who={who}", NAME)
        until(lambda: _main_pid() not in {0, before}, 15, "a new process")  # noqa: B023
        RESULT[f"kill_{who}_s"] = round(until(guest.answers, 25, f"kill {who}"), 2)
    assert int(guest.show("NRestarts")) >= 2


def broken() -> None:
    """A broken release: reload and restart fail loudly, and a fixed one heals alone."""
    text = SETTINGS.read_text(encoding="utf-8")
    SETTINGS.write_text(text + guest.BROKEN, encoding="utf-8")
    if FACTS["server.reload"]:
        before = _main_pid()
        done = run("systemctl", "reload", NAME)
        assert done.code != 0, "a reload into broken settings was called a success"
        assert guest.answers(), guest.tail()
        assert _main_pid() == before
    done = run("systemctl", "restart", NAME)
    assert done.code != 0, "a restart into broken settings was called a success"
    assert "a broken release" in guest.tail()
    SETTINGS.write_text(text, encoding="utf-8")
    RESULT["healed_s"] = round(until(guest.answers, 25, "after the fix"), 2)
    assert guest.show("ActiveState") == "active"


def stop() -> None:
    """It ends in time, in success, and leaves nothing, with a stream open too."""
    stream = Stream() if STREAMS else None
    group = guest.show("ControlGroup")
    units = [f"{NAME}.socket", NAME] if FACTS["server.activated"] else [NAME]
    begun = time.monotonic()
    must("systemctl", "stop", *units)
    took = time.monotonic() - begun
    RESULT["stop_s"] = round(took, 2)
    if FACTS["server.kind"] == "hypercorn" and stream is not None:
        # It waits for a sync stream until systemd ends it.
        assert took < STOP_S + 2, took
    else:
        assert took < STOP_S - 2, took
        assert guest.show("Result") == "success", guest.tail()
    procs = Path(f"/sys/fs/cgroup{group}/cgroup.procs")
    assert not procs.exists() or not procs.read_text()
    if stream is not None:
        until(lambda: stream.over, 5, "the stream to end")
    assert guest.status() in {0, 502, 503, 504}
    must("systemctl", "start", *units)
    until(guest.answers, 25, "a start after the stop")


def sandbox() -> None:
    """What the process may write, as it says itself: see tests/sandboxed.py."""
    answer = guest.get(f"/probe/?name={NAME}")
    assert answer.status == 200, (answer.status, answer.body[:500], guest.tail())
    RESULT["probe"] = json.loads(answer.body)


def inflight() -> None:
    """A request that is being answered survives a restart and a reload."""
    for verb in ("restart", "reload"):
        answers: list[int] = []
        slow = threading.Thread(
            target=lambda: answers.append(guest.get("/probe/?sleep=3").status)  # noqa: B023
        )
        slow.start()
        time.sleep(1)
        must("systemctl", verb, NAME)
        slow.join(30)
        assert answers == [200], (verb, answers, guest.tail())
        until(guest.answers, 25, f"after {verb}")


def stranded() -> None:
    """An interpreter below /root: systemd cannot start it, and says 203/EXEC."""
    link = Path(ROOT, ".venv/bin/python")
    target = link.readlink()
    away = Path("/root/python")
    away.symlink_to(target)
    link.unlink()
    link.symlink_to(away)
    done = run("systemctl", "restart", NAME)
    assert done.code != 0
    assert "203/EXEC" in guest.tail(), guest.tail()
    link.unlink()
    link.symlink_to(target)
    until(guest.answers, 25, "its own interpreter again")


def load() -> None:
    """A restart and a reload under load, without and with an open stream."""
    rate, rows = float(FACTS["rate"]), {}
    rows["steady"] = _under_load(rate, lambda: None, 4)
    rows["restart"] = _under_load(rate, _restarted, 10)
    if FACTS["server.reload"]:
        rows["reload"] = _under_load(rate, _reloaded, 10)
        if STREAMS:
            # Requests wait here until the stream is over or cut: few enough to hold.
            stream = Stream()
            rows["restart, stream open"] = _under_load(20, _restarted, 5)
            until(lambda: stream.over, 5, "the stream to end")
            stream = Stream()
            rows["reload, stream open"] = _under_load(rate, _reloaded, 10)
            rows["reload, stream open"]["events"] = stream.seen
    RESULT["load"] = rows


def soak() -> None:
    """Mixed load for minutes, with a restart or a reload every so many seconds."""
    seconds, every = float(FACTS["seconds"]), float(FACTS["every"])
    page = guest.get("/").body.decode()
    static = re.findall(r'"([^"]*/static/[^"]+\.(?:css|js))"', page)
    paths = ("/healthz/", "/", *static[:2])
    resident = [_resident()]
    pressing = Load(float(FACTS["rate"]), seconds, paths)
    ends = time.monotonic() + seconds - every
    verbs = ["restart", "reload" if FACTS["server.reload"] else "restart"]
    acts: list[tuple[str, float]] = []
    while time.monotonic() < ends:
        stream = Stream() if STREAMS else None
        time.sleep(every / 2)
        begun = time.monotonic()
        verb = verbs[len(acts) % 2]
        must("systemctl", verb, NAME)
        acts.append((verb, round(time.monotonic() - begun, 2)))
        time.sleep(every / 2)
        resident.append(_resident())
        if stream is not None:
            until(lambda: stream.over, GRACEFUL_S + 40, "the stream to end")  # noqa: B023
    RESULT["soak"] = {
        **pressing.result(),
        "acts": acts,
        "resident_mb": resident,
        "restarts_unasked": int(guest.show("NRestarts")),
    }


def _resident() -> int:
    """Return the resident memory of the unit's processes, in MiB."""
    group = guest.show("ControlGroup")
    pids = Path(f"/sys/fs/cgroup{group}/cgroup.procs").read_text().split()
    said = run("ps", "-o", "rss=", "-p", ",".join(pids)).out
    return sum(map(int, said.split())) // 1024


def _restarted() -> None:
    must("systemctl", "restart", NAME)


def _reloaded() -> None:
    must("systemctl", "reload", NAME)


def _under_load(
    rate: float, act: Callable[[], object], seconds: float
) -> dict[str, Any]:
    pressing = Load(rate, seconds)
    time.sleep(2)
    begun = time.monotonic()
    act()
    took = round(time.monotonic() - begun, 2)
    row = pressing.result()
    row["took"] = took
    if row["failed"]:
        row["journal"] = guest.tail()[-2000:]
        row["proxy"] = _proxy_log()
    return row


def _proxy_log() -> str:
    if PROXY == "nginx":
        return run("tail", "-n", "5", "/var/log/nginx/error.log").out
    return guest.tail(PROXY, 8)[-3000:]


def supervisor() -> None:
    """A whole life under supervisord: see tests/guest_supervised.py."""
    supervised.account()
    supervised.release(RESULT)
    supervised.broken(SETTINGS)
    supervised.stop()
    supervised.kill()


LIFE = (install, serve, restart, reload, kill, broken, stop)
CLOSER = (site, supervisor, sandbox, inflight, stranded, load, soak)
STEPS = {step.__name__: step for step in (*LIFE, *CLOSER)}


def main() -> int:
    times = RESULT["seconds"] = {}
    for name in sys.argv[1:]:
        print(f"== {name}", flush=True)  # noqa: T201
        begun = time.monotonic()
        try:
            STEPS[name]()
        except Exception:  # noqa: BLE001 - told to the test that waits outside
            traceback.print_exc()
            return 1
        times[name] = round(time.monotonic() - begun, 2)
    Path("/lab/result.json").write_text(json.dumps(RESULT), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
