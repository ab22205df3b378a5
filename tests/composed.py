"""The generated compose.yaml brought up by docker compose itself, on podman's socket.

It runs in a network, a mount and a process namespace of its own: the published ports,
the bridges and their rules are nobody else's, and nothing outlives the script.
"""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING

import judges
from support import needed


if TYPE_CHECKING:
    from pathlib import Path

    from engine import Engine


HEAD = """\
set -eu
ip link set lo up
# Which network's names are answered, by which process, is kept here: ours alone.
mkdir -p /run/containers /run/runc /run/netns
for place in /run/containers /run/runc /run/netns; do mount -t tmpfs tmpfs $place; done
podman system service --time 0 unix://{socket} &
until [ -S {socket} ]; do sleep 0.1; done
export DOCKER_HOST=unix://{socket} TAG=up
# Elsewhere the engine, or systemd for podman, asks each container how it is.
(while sleep 1; do
    for one in $(podman ps --quiet); do podman healthcheck run "$one" || true; done
done) >/dev/null 2>&1 &
compose() {{
    {tool} --env-file deploy/{name}.env --file deploy/compose.yaml "$@"
}}
end() {{
    code=$?
    echo '== failed'
    compose ps --all || true
    compose logs --no-color --tail 20 || true
    compose down --volumes --timeout 5 >/dev/null 2>&1 || true
    exit $code
}}
trap end EXIT
"""
TAIL = """
echo '== down'
compose down --volumes --timeout 30
podman ps --all --format '{{.Names}}'
podman volume ls --format '{{.Name}}'
podman network ls --format '{{.Name}}'
trap - EXIT
"""


def brought_up(
    on: Engine, root: Path, scratch: Path, known: dict[str, object], script: str
) -> dict[str, list[str]]:
    """Run a script that brings it up, take it down; return what each part said.

    A part starts with `echo '== NAME'`; `down` is the last, with what was left.
    """
    tool = judges.beside("docker-compose")
    socket = scratch / "podman.sock"
    head = HEAD.format(socket=socket, tool=tool, name=root.name)
    file = scratch / "up.sh"
    words = [f"{key}={shlex.quote(str(value))}\n" for key, value in known.items()]
    file.write_text(head + "".join(words) + script + TAIL, encoding="utf-8")
    own = ("--mount", "--net", "--propagation", "private")
    ended = ("--pid", "--fork", "--mount-proc", "--kill-child")
    with (scratch / "said").open("w+", encoding="utf-8") as said:
        done = subprocess.run(
            ["unshare", *own, *ended, "bash", str(file)],
            check=False,
            cwd=root,
            env=on.env,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            stdout=said,
            text=True,
            timeout=500,
        )
        said.seek(0)
        text = said.read()
    assert done.returncode == 0, f"{text[-9000:]}\n{done.stderr[-3000:]}"
    parts = [part.partition("\n") for part in text.split("== ")[1:]]
    return {name: body.splitlines() for name, _, body in parts}


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a certificate that is its own authority; return it and its key."""
    chain, key = folder / "chain.pem", folder / "key.pem"
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    subject = ("-subj", "/CN=tests", "-addext", f"subjectAltName=DNS:{name}")
    openssl = needed("openssl")
    done = judges.run(openssl, *made.split(), *subject, "-keyout", key, "-out", chain)
    assert done.returncode == 0, done.stderr
    return chain, key


__all__ = ["brought_up", "certificate"]
