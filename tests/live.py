"""A made deployment, really running behind its proxy on loopback."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import shutil
import socket
import ssl
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import judges
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from nextwizard import stage, stageproxy
from nextwizard.document import read_set
from nextwizard.workflow import apply, inspect, propose


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nextwizard.tools import Server


PROJECTS = Path(__file__).with_name("projects")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Live:
    """The running server and proxy, and how a visitor asks them."""

    on: stage.Stage
    app: stage.Service
    proxy: Server | None

    @property
    def host(self) -> str:
        return self.on.text("edge.canonical")

    @property
    def behind(self) -> bool:
        """Whether somebody else ends TLS in front of the proxy."""
        return self.on.text("tls.kind") == "upstream"

    def connection(
        self, *, tls: bool = True, timeout: float = 15
    ) -> http.client.HTTPConnection:
        if self.proxy is not None:
            tls = tls and not self.behind
            return stageproxy.connect(self.on, self.host, tls=tls, timeout=timeout)
        address, _, port = self.on.text("server.listen").rpartition(":")
        return http.client.HTTPConnection(address, int(port), timeout=timeout)

    def get(
        self, path: str, *, tls: bool = True, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = self.connection(tls=tls)
        with contextlib.closing(connection):
            said = {"Host": self.host, **(headers or {})}
            if self.behind and tls:
                said.setdefault("X-Forwarded-Proto", "https")
            connection.request("GET", path, headers=said)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())

    def hashed(self) -> str:
        """Return the URL of a hashed static file that the front page names."""
        page = self.get("/").body.decode()
        found = re.search(r'"(/static/[^"]+\.[0-9a-f]{12}\.(?:css|js))"', page)
        assert found, page
        return found[1]

    def websocket(self, path: str, *, origin: str = "") -> ClientConnection:
        """Open a websocket through the proxy, as a page of the site would."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        raw = socket.create_connection(("127.0.0.1", self.on.https), timeout=10)
        return connect(
            f"wss://{self.host}{path}",
            sock=raw,
            ssl=context,
            server_hostname=self.host,
            origin=Origin(origin or f"https://{self.host}"),
            compression=None,
            proxy=None,
        )

    def events(self, path: str) -> list[tuple[float, float]]:
        """Return (sent, received) of every event of a stream."""
        connection = self.connection(timeout=120)
        seen: list[tuple[float, float]] = []
        with contextlib.closing(connection):
            headers = {"Host": self.host, "Accept": "text/event-stream"}
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()[:2000]
            while line := answer.readline():
                if line.startswith(b"data:"):
                    document = json.loads(line[5:])
                    sent = [
                        op["detail"]["sent"] for op in document["ops"] if "detail" in op
                    ]
                    seen.append((sent[0], time.time()))
        return seen


@contextlib.contextmanager
def served(
    kind: str,
    *pairs: str,
    name: str = "site",
    program: str = "",
    edit: Callable[[Path], None] = lambda _root: None,
    secrets: Mapping[str, str] | None = None,
) -> Iterator[Live]:
    """Make a sample project's deployment and run it until the block ends.

    `edit` changes the project before, `secrets` go into its env file after.
    """
    with tempfile.TemporaryDirectory(prefix="nw") as folder:
        root = Path(folder, name)
        shutil.copytree(PROJECTS / kind, root)
        edit(root)
        apply(propose(inspect(str(root)), [read_set(pairs)]))
        with (root / "deploy" / f"{name}.env").open("a") as file:
            file.writelines(f"{key}={text}\n" for key, text in (secrets or {}).items())
        with serving(root, program=program) as live:
            yield live


@contextlib.contextmanager
def serving(root: Path, program: str = "") -> Iterator[Live]:
    """Run the deployment that a directory holds until the block ends."""
    with tempfile.TemporaryDirectory(prefix="nw") as folder:
        on = judges.staged(root, propose(inspect(str(root))), Path(folder, "s"))
        stage.prepare(on)
        app = stage.serve(on)
        proxy = None
        try:
            if on.text("proxy.kind") != "none":
                proxy = stageproxy.proxy(on, program)
            live = Live(on, app, proxy)
            stage.wait(lambda: _alive(live), app, "the deployment")
            yield live
        finally:
            if proxy is not None:
                proxy.stop(10)
            app.stop(40)
            app.close()


def _alive(live: Live) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException):
        return live.get("/healthz/").status == 200
    return False
