"""The twelve points of the page nextwizard grew from, each held by one test."""

from __future__ import annotations

import pytest
from support import planned, project, signal

from nextwizard.render import render
from nextwizard.values import Evidence, Fact, Plan, Signal


def rendered(plan: Plan) -> dict[str, str]:
    return {file.key: file.data.decode() for file in render(plan)}


def reason(plan: Plan, key: str) -> str:
    return plan.decisions[key].reason


def found(*signals: Signal, **facts: object) -> Plan:
    detected = {
        key.replace("__", "."): Fact(value, (Evidence("a.py", 1),))  # type: ignore[arg-type]
        for key, value in facts.items()
    }
    return planned(found=project(*signals, detected=detected))


def test_point_1_wsgi_is_the_default() -> None:
    assert planned()["server.interface"] == "wsgi"


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("sse.async", "features__sse", "async"),
        ("ws.consumer", "features__websockets", True),
        ("view.async", "features__async_views", True),
        ("stream.async", "features__streaming", "async"),
    ],
)
def test_point_2_asgi_when_something_is_held_open(
    kind: str, key: str, value: object
) -> None:
    assert found(signal(kind), **{key: value})["server.interface"] == "asgi"


def test_point_3_both_run_the_same_pipeline() -> None:
    files = rendered(planned())
    assert "get_wsgi_application" in files["wsgi"]
    assert "get_asgi_application" in files["asgi"]


def test_point_4_the_deployed_process_defaults_to_prod() -> None:
    files = rendered(planned())
    for key in ("wsgi", "asgi"):
        assert '"DJANGO_SETTINGS_MODULE", "config.settings.prod"' in files[key]


@pytest.mark.parametrize("server", ["gunicorn", "uwsgi"])
def test_point_5_wsgi_servers(server: str) -> None:
    plan = planned(f"hosting.server={server}")
    assert (plan["server.kind"], plan["server.interface"]) == (server, "wsgi")


def test_point_6_counts_come_from_flags_environment_and_cores() -> None:
    boot = rendered(planned("sizing.cores=4"))["boot"]
    assert "CORES = 4" in boot
    assert "WEB_CONCURRENCY" in boot
    assert "2 * cores + 1" in boot


@pytest.mark.parametrize("server", ["daphne", "uvicorn"])
def test_point_7_asgi_servers(server: str) -> None:
    plan = planned(f"hosting.server={server}")
    assert (plan["server.kind"], plan["server.interface"]) == (server, "asgi")


def test_point_8_wsgi_blocks_and_asgi_multiplexes() -> None:
    wsgi = planned("sizing.request_ms=500", "sizing.requests_per_second=40")
    pairs = ("hosting.interface=asgi", "sizing.request_ms=500")
    asgi = planned(*pairs, "sizing.requests_per_second=40")
    assert wsgi["sizing.planned"] == 8
    assert (asgi["sizing.planned"], asgi["sizing.planned_threads"]) == (2, 1)


@pytest.mark.parametrize(
    ("proxy", "key"), [("nginx", "nginx"), ("caddy", "caddy"), ("none", "")]
)
def test_point_9_a_proxy_ends_tls_in_front(proxy: str, key: str) -> None:
    files = rendered(planned(f"hosting.proxy={proxy}"))
    assert {"nginx", "caddy"} & files.keys() == ({key} if key else set())


def test_point_10_a_pure_health_page_answers_at_healthz() -> None:
    files = rendered(planned())
    assert 'JsonResponse({"status": "ok"})' in files["healthz"]
    assert "def render(request: HttpRequest) -> JsonResponse:" in files["healthz"]
    assert "location = /healthz/" in files["nginx"]


def test_point_11_a_reload_reaches_the_whole_process_group() -> None:
    files = rendered(planned())
    assert "ExecReload=/bin/kill -HUP $MAINPID" in files["service"]
    assert "routes and components in" in files["runbook"]
    plan = found(signal("router.reload", "shop/admin.py:9"))
    assert plan["sizing.workers_max"] == 1
    assert "shop/admin.py:9" in reason(plan, "sizing.workers_max")


def test_point_12_the_deployment_checklist_is_in_the_runbook() -> None:
    runbook = rendered(planned())["runbook"]
    for words in ("collectstatic", "migrate --plan", "check --deploy", "Smoke test"):
        assert words in runbook
    assert runbook.count("curl -fsS") == 3
    prod = rendered(planned())["settings_prod"]
    for setting in ("STRICT_CONTEXT", "STRICT_LOADING", "LAZY_COMPONENT_MODULES"):
        assert setting in prod
