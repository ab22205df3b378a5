from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import judges
import pytest
from live import Live, served
from support import needed


if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


WHO = """
from django.http import HttpRequest, JsonResponse


def render(request: HttpRequest) -> JsonResponse:
    names = ("REMOTE_ADDR", "HTTP_HOST", "HTTP_FORWARDED", "SCRIPT_NAME")
    said = {name: request.META.get(name, "") for name in names}
    said |= {
        key: value
        for key, value in request.META.items()
        if key.startswith(("HTTP_X_FORWARDED", "HTTP_X_REAL"))
    }
    return JsonResponse({**said, "secure": request.is_secure()})
"""
FORGED = {
    "Forwarded": "for=6.6.6.6;proto=http",
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Protocol": "http",
    "X-Forwarded-Ssl": "off",
    "X-Real-IP": "6.6.6.6",
    "SCRIPT_NAME": "/evil",
    "X_Forwarded_For": "6.6.6.6",
    "X_Forwarded_Proto": "http",
    "X_Real_IP": "6.6.6.6",
}
TREES = {"plain": "notes/pages", "sse_async": "ticker/pages"}
STACKS = [
    pytest.param("gunicorn", "plain", "nginx"),
    pytest.param("uvicorn", "sse_async", "caddy"),
    pytest.param("gunicorn", "plain", "caddy", marks=pytest.mark.proof),
    pytest.param("uvicorn", "sse_async", "nginx", marks=pytest.mark.proof),
    pytest.param("uwsgi", "plain", "nginx", marks=pytest.mark.proof),
    pytest.param("granian", "sse_async", "caddy", marks=pytest.mark.proof),
]
# Two servers that spell X_Forwarded_For as WSGI spells the real one.
ALIKE = [
    pytest.param("granian", "plain", "caddy"),
    pytest.param("uwsgi", "plain", "caddy", marks=pytest.mark.proof),
    pytest.param("granian", "plain", "caddy 2.11.7", marks=pytest.mark.proof),
]


def who(kind: str) -> Any:
    def edit(root: Path) -> None:
        place = root / TREES[kind] / "who" / "page.py"
        place.parent.mkdir()
        place.write_text(WHO)

    return edit


def asked(live: Live, source: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """Ask who is there, from an address of loopback."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", live.on.http, timeout=15, source_address=(source, 0)
    )
    with contextlib.closing(connection):
        connection.request("GET", "/who/", headers={"Host": live.host, **headers})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            return {"status": answer.status}
        found: dict[str, Any] = json.loads(body)
        return found


@pytest.mark.parametrize(("server", "kind", "proxy"), [*STACKS, *ALIKE])
def test_what_a_visitor_forges_is_gone(server: str, kind: str, proxy: str) -> None:
    name, _, release = proxy.partition(" ")
    pairs = (f"hosting.server={server}", f"hosting.proxy={name}")
    chosen = judges.caddy_for(release) if release else needed(name)
    with served(kind, *pairs, program=chosen, edit=who(kind)) as live:
        said = json.loads(live.get("/who/", headers=FORGED).body)
        assert said.pop("secure") is True
        assert "6.6.6.6" not in said.values()
        assert "evil.example" not in said.values()
        assert "/evil" not in said.values()
        assert said["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
        assert said["HTTP_X_FORWARDED_PROTO"] == "https"
        assert said["HTTP_FORWARDED"] == ""


ROOMY = """
from django.http import HttpRequest, JsonResponse


def render(request: HttpRequest) -> JsonResponse:
    answer = JsonResponse({"came": len(request.GET.get("q", ""))})
    for number in range(3):
        answer.set_cookie(f"large{number}", "v" * 3900)
    return answer
"""


@pytest.mark.parametrize(("server", "kind", "proxy"), [*STACKS, ALIKE[1]])
def test_a_long_address_and_large_cookies_come_through(
    server: str, kind: str, proxy: str
) -> None:
    def edit(root: Path) -> None:
        place = root / TREES[kind] / "roomy" / "page.py"
        place.parent.mkdir()
        place.write_text(ROOMY)

    pairs = (f"hosting.server={server}", f"hosting.proxy={proxy}")
    with served(kind, *pairs, program=needed(proxy), edit=edit) as live:
        # nginx takes lines of 8 KiB; with its referer this is a request of 22 KiB.
        path = f"/roomy/?q={'q' * 7000}"
        headers = {"Referer": f"https://{live.host}{path}", "Cookie": "v" * 7000}
        answer = live.get(path, headers=headers)
        assert (answer.status, answer.body) == (200, b'{"came": 7000}')
        stranger = live.connection()
        with contextlib.closing(stranger):
            stranger.request("GET", "/", headers={"Host": "stranger.example"})
            assert stranger.getresponse().status == 421


RELEASES = [
    *STACKS,
    pytest.param("gunicorn", "plain", "caddy 2.11.7"),
    pytest.param("uvicorn", "sse_async", "nginx 1.31.3", marks=pytest.mark.proof),
]


@pytest.mark.parametrize(("server", "kind", "proxy"), RELEASES)
def test_only_the_balancer_says_who_the_visitor_is(
    server: str, kind: str, proxy: str
) -> None:
    name, _, release = proxy.partition(" ")
    release = release or {"nginx": "1.22.1", "caddy": "2.6.2"}[name]
    # The stage makes the first network its own address, to be the balancer itself.
    pairs = (
        f"hosting.server={server}",
        f"hosting.proxy={name}",
        f"hosting.proxy_version={release}",
        "hosting.tls=upstream",
        "hosting.trusted_proxies=192.0.2.1/32,127.0.0.3/32",
    )
    chooser = judges.nginx_for if name == "nginx" else judges.caddy_for
    with served(kind, *pairs, program=chooser(release), edit=who(kind)) as live:
        inner = "" if release == "2.6.2" else ", 127.0.0.3"
        chain = f"6.6.6.6, 203.0.113.9{inner}"
        headers = {"X-Forwarded-For": chain, "X-Forwarded-Proto": "https"}
        seen = asked(live, "127.0.0.1", headers)
        assert seen["secure"] is True
        assert seen["HTTP_X_FORWARDED_FOR"] == "203.0.113.9"
        stranger = asked(live, "127.0.0.9", headers)
        assert stranger == {"status": 301}


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
def test_limits_names_files_and_compression(proxy: str) -> None:
    pairs = (f"hosting.proxy={proxy}", "hosting.max_body_mb=1")
    names = "hosting.domains=site.example.org,www.example.org"
    with served("plain", *pairs, names, program=needed(proxy), edit=media) as live:
        assert _post(live, 1024 * 1024 + 1024) == 413
        assert _post(live, 1000) == 403
        other = live.get("/about/", headers={"Host": "www.example.org"}, tls=False)
        assert (other.status, other.headers["location"]) == (
            301,
            "https://site.example.org/about/",
        )
        asks = {"Accept-Encoding": "gzip"}
        runtime = live.get(_runtime(live), headers=asks)
        assert runtime.headers["content-encoding"] == "gzip"
        assert "Accept-Encoding" in runtime.headers["vary"]
        page = live.get("/", headers=asks)
        assert page.headers["strict-transport-security"].startswith("max-age=31536000")
        place = live.on.place("state", "media", "a.txt")
        with open(place, "w", encoding="utf-8") as file:
            file.write("uploaded")
        uploaded = live.get("/media/a.txt")
        assert uploaded.body == b"uploaded"
        assert "script-src 'none'" in uploaded.headers["content-security-policy"]
        # Pages and static files keep the policy that Django gives them, or none.
        assert "script-src 'none'" not in page.headers["content-security-policy"]
        assert "content-security-policy" not in runtime.headers


def media(root: Path) -> None:
    settings = root / "config" / "settings.py"
    text = settings.read_text()
    settings.write_text(
        f"{text}\nMEDIA_URL = 'media/'\nMEDIA_ROOT = BASE_DIR / 'media'\n"
    )


def _post(live: Live, size: int) -> int:
    connection = live.connection()
    with contextlib.closing(connection):
        headers = {
            "Host": live.host,
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": f"csrftoken={'a' * 32}",
            "Referer": f"https://{live.host}/",
        }
        connection.request("POST", "/", body=b"x" * size, headers=headers)
        return connection.getresponse().status


def _runtime(live: Live) -> str:
    page = live.get("/").body.decode()
    return next(word for word in page.split('"') if "/static/next/next.min." in word)


def test_an_address_that_asks_too_often_is_turned_away() -> None:
    with served("plain", "hosting.rate_limit=1", program=needed("nginx")) as live:
        # The front page counts as well: what it names is read before the limit is met.
        static = live.hashed()
        with ThreadPoolExecutor(8) as pool:
            answers = [*pool.map(live.get, ["/about/"] * 60)]
        assert {answer.status for answer in answers} == {200, 429}
        assert live.get(static).status == 200
        assert live.get("/healthz/").status == 200


@pytest.mark.proof
@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
def test_a_slow_client_is_cut(proxy: str) -> None:
    with served("plain", f"hosting.proxy={proxy}", program=needed(proxy)) as live:
        with socket.create_connection(("127.0.0.1", live.on.http), 40) as slow:
            begun = time.monotonic()
            slow.sendall(b"GET / HTTP/1.1\r\nHost: ")
            slow.settimeout(40)
            with contextlib.suppress(ConnectionResetError):
                while slow.recv(1024):
                    pass
            assert 5 < time.monotonic() - begun < 30
        assert live.get("/healthz/").status == 200
