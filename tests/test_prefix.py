from __future__ import annotations

import re

import live
import pytest
from live import served
from support import needed


STACKS = [
    pytest.param("gunicorn", "plain", "nginx"),
    pytest.param("uvicorn", "sse_async", "caddy"),
    pytest.param("gunicorn", "plain", "caddy", marks=pytest.mark.proof),
    pytest.param("uvicorn", "sse_async", "nginx", marks=pytest.mark.proof),
    pytest.param("gunicorn", "sse_async", "nginx", marks=pytest.mark.proof),
    pytest.param("granian", "plain", "nginx", marks=pytest.mark.proof),
    pytest.param("granian", "plain", "caddy", marks=pytest.mark.proof),
    pytest.param("uwsgi", "plain", "nginx", marks=pytest.mark.proof),
    pytest.param("hypercorn", "plain", "caddy", marks=pytest.mark.proof),
    pytest.param("daphne", "sse_async", "nginx", marks=pytest.mark.proof),
]


@pytest.mark.parametrize(("server", "kind", "proxy"), STACKS)
def test_a_project_below_a_path_serves_all_of_it(
    server: str, kind: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alive(site: live.Live) -> bool:
        try:
            return site.get("/sub/healthz/").body == b'{"status": "ok"}'
        except OSError:
            return False

    monkeypatch.setattr(live, "_alive", alive)
    pairs = (f"hosting.server={server}", f"hosting.proxy={proxy}")
    said = (*pairs, "hosting.path_prefix=/sub")
    with served(kind, *said, program=needed(proxy)) as site:
        page = site.get("/sub/")
        assert page.status == 200
        text = page.body.decode()
        static = re.search(r'"(/sub/static/[^"]+\.[0-9a-f]{12}\.[^"]+)"', text)
        assert static
        assert site.get(static[1]).status == 200
        assert site.get("/").status == 404
        assert site.get("/sub/readyz/").status == 200
        assert site.get("/sub/healthz/", tls=False).status == 200
        by_address = {"Host": "127.0.0.1"}
        assert site.get("/sub/healthz/", tls=False, headers=by_address).status == 200
        for action in re.findall(r'action="([^"]+)" method', text):
            assert action.startswith("/sub/_next/form/")
