"""A headless Chromium, spoken to over the WebDriver protocol of chromedriver."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support import needed

from nextwizard import stage
from nextwizard.tools import start


if TYPE_CHECKING:
    from collections.abc import Iterator


_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--disable-dev-shm-usage --ignore-certificate-errors --window-size=1000,800"
)


@dataclass(frozen=True, slots=True)
class Browser:
    """One session of a browser."""

    port: int
    session: str = ""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send one command; return its value, or fail with the driver's words."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
        with contextlib.closing(connection):
            data = json.dumps(body) if body is not None else None
            lead = f"/session/{self.session}" if self.session else ""
            connection.request(method, f"{lead}{path}", body=data)
            answer = connection.getresponse()
            value = json.loads(answer.read())["value"]
        assert answer.status == 200, value
        return value

    def open(self, url: str) -> None:
        """Go to a page and wait until it is loaded."""
        self.call("POST", "/url", {"url": url})

    def run(self, script: str) -> Any:
        """Return what a script says in the page."""
        return self.call("POST", "/execute/sync", {"script": script, "args": []})

    def until(self, script: str, limit: float = 40) -> Any:
        """Wait until a script says something true, and return that."""
        ends = time.monotonic() + limit
        while time.monotonic() < ends:
            if value := self.run(script):
                return value
            time.sleep(0.1)
        page = self.run("return document.documentElement.outerHTML")
        message = f"{script} never came true: {page}\n{self.console()}"
        raise AssertionError(message)

    def console(self) -> list[str]:
        """Return what the console said since it was last asked."""
        rows = self.call("POST", "/se/log", {"type": "browser"})
        return [row["message"] for row in rows]

    def picture(self, place: Path) -> None:
        """Keep a screenshot."""
        place.write_bytes(base64.b64decode(self.call("GET", "/screenshot")))


@contextlib.contextmanager
def browser(host: str, port: int) -> Iterator[Browser]:
    """Run a browser for which a host is a port of loopback, and nothing else exists."""
    driver = needed("chromedriver")
    binary = needed("chromium")
    rules = f"MAP {host}:443 127.0.0.1:{port}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    with tempfile.TemporaryDirectory(prefix="ch") as folder:
        listens = stage.free_port()
        log = str(Path(folder, "log"))
        process = start([driver, f"--port={listens}"], log=log)
        try:
            _up(listens)
            options = {
                "binary": binary,
                "args": [
                    *_FLAGS.split(),
                    f"--user-data-dir={folder}/profile",
                    f"--host-resolver-rules={rules}",
                ],
            }
            wanted = {
                "browserName": "chrome",
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL"},
            }
            body = {"capabilities": {"alwaysMatch": wanted}}
            made = Browser(listens).call("POST", "/session", body)
            page = Browser(listens, made["sessionId"])
            try:
                yield page
            finally:
                page.call("DELETE", "")
        finally:
            process.stop(10)


def _up(port: int) -> None:
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        with contextlib.suppress(OSError):
            if Browser(port).call("GET", "/status")["ready"]:
                return
        time.sleep(0.1)
    message = "chromedriver does not answer"
    raise AssertionError(message)
