from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support import planned, project, signal

import nextwizard
from nextwizard.errors import InputError
from nextwizard.findings import FINDINGS
from nextwizard.render import render
from nextwizard.values import Evidence, Fact, Host, PageRoot, Project


ASYNC = project(
    signal("sse.async"),
    detected={"features.sse": Fact("async", (Evidence("a.py", 3),))},
)
SYNC = project(
    signal("sse.sync"), detected={"features.sse": Fact("sync", (Evidence("a.py", 3),))}
)
CHANNELS = project(
    signal("ws.consumer", "chat/consumers.py:7"),
    detected={"features.websockets": Fact(value=True)},
)


def refused(*pairs: str, **more: object) -> str:
    with pytest.raises(InputError) as caught:
        planned(*pairs, **more)  # type: ignore[arg-type]
    return str(caught.value)


def reason(plan: object, key: str) -> str:
    return plan.decisions[key].reason  # type: ignore[attr-defined,no-any-return]


def test_nothing_held_open_means_wsgi_with_gunicorn() -> None:
    plan = planned()
    assert plan["server.interface"] == "wsgi"
    assert plan["server.kind"] == "gunicorn"
    assert plan["server.worker_class"] == "gthread"
    assert "short-lived" in reason(plan, "server.interface")


def test_an_async_source_means_asgi_and_names_the_line() -> None:
    plan = planned(found=ASYNC)
    assert (plan["server.interface"], plan["server.kind"]) == ("asgi", "uvicorn")
    assert "notes/pages/live/page.py:12" in reason(plan, "server.interface")
    assert "500 under WSGI" in reason(plan, "server.interface")


def test_a_sync_source_means_wsgi_with_a_thread_for_each_stream() -> None:
    plan = planned(found=SYNC)
    assert plan["server.interface"] == "wsgi"
    assert (plan["sizing.planned"], plan["sizing.threads"]) == (1, 40)


def test_websockets_mean_asgi() -> None:
    plan = planned(found=CHANNELS)
    assert plan["server.interface"] == "asgi"
    assert plan["ws.everywhere"] is True


def test_soft_reasons_yield_with_a_warning() -> None:
    found = project(
        signal("view.async", "notes/views.py:4"),
        signal("stream.file", "notes/views.py:40"),
        detected={"features.async_views": Fact(value=True)},
    )
    plan = planned(found=found)
    assert plan["server.interface"] == "wsgi"
    assert any("notes/views.py:4" in note.message for note in plan.notes)


def test_async_views_alone_mean_asgi() -> None:
    found = project(
        signal("view.async", "notes/views.py:4"),
        detected={"features.async_views": Fact(value=True)},
    )
    assert planned(found=found)["server.interface"] == "asgi"


def test_both_stream_kinds_are_refused_with_both_places() -> None:
    found = project(
        signal("sse.async", "a/page.py:3"),
        signal("sse.sync", "b/page.py:5"),
        detected={"features.sse": Fact("mixed")},
    )
    message = refused(found=found)
    assert "a/page.py:3" in message
    assert "b/page.py:5" in message
    assert "no single server works" in message


def test_a_sync_stream_under_an_asgi_server_is_refused() -> None:
    message = refused("hosting.server=uvicorn", found=SYNC)
    assert "hosting.server" in message
    assert "notes/pages/live/page.py:12" in message


def test_a_forced_interface_against_the_code_is_refused() -> None:
    assert "hosting.interface" in refused("hosting.interface=wsgi", found=ASYNC)


def test_an_unresolved_source_is_not_guessed() -> None:
    found = project(signal("sse.unknown"))
    message = refused(found=found)
    assert "notes/pages/live/page.py:12" in message
    assert "--set features.sse=async" in message
    assert planned("features.sse=async", found=found)["server.interface"] == "asgi"


@pytest.mark.parametrize(
    "kind", ["next.async_render", "next.async_context", "next.async_action"]
)
def test_an_unsupported_async_hook_is_refused_unless_accepted(kind: str) -> None:
    found = project(signal(kind))
    message = refused(found=found)
    assert "notes/pages/live/page.py:12" in message
    assert f'checks.ignore = ["{kind}"]' in message
    assert planned(f"checks.ignore={kind}", found=found)["server.interface"] == "wsgi"


@pytest.mark.parametrize(
    ("cores", "memory", "workers"),
    [(1, 2048, 2), (2, 2048, 2), (4, 2048, 4), (8, 512, 6), (64, 256, 2)],
)
def test_wsgi_workers_follow_cores_within_memory(
    cores: int, memory: int, workers: int
) -> None:
    plan = planned(f"sizing.cores={cores}", f"sizing.memory_mb={memory}")
    assert plan["sizing.planned"] == workers


def test_asgi_workers_are_one_a_core_and_two_where_one_cannot_reload() -> None:
    assert planned("sizing.cores=4", found=ASYNC)["sizing.planned"] == 4
    assert planned("sizing.cores=1", found=ASYNC)["sizing.planned"] == 2
    pair = ("sizing.cores=1", "hosting.server=gunicorn")
    assert planned(*pair, found=ASYNC)["sizing.planned"] == 1


@pytest.mark.parametrize(
    ("server", "reloads"), [("uvicorn", False), ("gunicorn", True)]
)
def test_one_worker_is_what_was_answered_and_reloads_where_it_can(
    server: str, *, reloads: bool
) -> None:
    one = ("hosting.interface=asgi", f"hosting.server={server}", "sizing.workers=1")
    plan = planned(*one)
    assert (plan["sizing.planned"], plan["server.reload"]) == (1, reloads)


def test_supervisor_restarts_uvicorn_process_by_process_and_never_by_a_signal() -> None:
    plan = planned("hosting.target=supervisor", "hosting.server=uvicorn")
    assert (plan["supervisor.processes"], plan["server.reload"]) == (2, False)
    assert plan["server.handover"] is False
    plan = planned("hosting.target=supervisor", "hosting.server=gunicorn")
    assert (plan["supervisor.processes"], plan["server.reload"]) == (1, True)
    assert plan["server.handover"] is True
    assert planned("hosting.server=gunicorn")["server.handover"] is False


def test_measured_load_asks_for_more_workers() -> None:
    plan = planned("sizing.request_ms=200", "sizing.requests_per_second=100")
    assert plan["sizing.planned"] == 8


@pytest.mark.parametrize("kind", ["broker.local", "router.reload", "wizard.cache"])
def test_process_local_state_keeps_one_process(kind: str) -> None:
    plan = planned(found=project(signal(kind, "notes/broker.py:8")))
    assert plan["sizing.workers_max"] == 1
    assert "notes/broker.py:8" in reason(plan, "sizing.workers_max")


def test_connections_are_counted_and_refused_when_they_cannot_fit() -> None:
    pairs = ("data.database=postgresql", "sizing.cores=16", "sizing.memory_mb=16000")
    assert "2 x" not in refused(*pairs)
    message = refused(*pairs)
    assert "16 workers x 4 threads = 64 connections (128 while reloading)" in message
    plan = planned("data.database=postgresql")
    assert plan["data.sum"] == (
        "2 workers x 4 threads = 8 connections (16 while reloading) of 92"
    )


def test_persistent_connections_under_wsgi_and_a_pool_under_asgi() -> None:
    wsgi = planned("data.database=postgresql")
    asgi = planned("data.database=postgresql", found=ASYNC)
    assert (wsgi["data.max_age"], wsgi["data.pool"]) == (60, 0)
    assert (asgi["data.max_age"], asgi["data.pool"]) == (0, 4)


@pytest.mark.parametrize(
    ("version", "directive"), [("1.22", False), ("1.25.0", False), ("1.25.1", True)]
)
def test_http2_depends_on_the_declared_nginx(version: str, directive: bool) -> None:  # noqa: FBT001
    plan = planned(f"hosting.proxy_version={version}")
    assert plan["proxy.http2_directive"] is directive


@pytest.mark.parametrize(
    ("pairs", "keys"),
    [
        (("hosting.proxy=none", "hosting.tls=acme"), "hosting.tls, hosting.proxy"),
        (("hosting.tls=files",), "hosting.tls, hosting.tls_certificate"),
        (("hosting.tls=upstream",), "hosting.tls, hosting.trusted_proxies"),
        (("hosting.proxy=none", "data.static=proxy"), "data.static, hosting.proxy"),
        (("hosting.proxy_version=2.6",), "hosting.proxy_version, hosting.proxy"),
        (("hosting.server=uvicorn", "hosting.interface=wsgi"), "hosting.server"),
        (("features.sse=sync", "sizing.threads=8"), "sizing.threads, sizing.streams"),
    ],
)
def test_a_combination_with_no_meaning_names_both_keys(
    pairs: tuple[str, ...], keys: str
) -> None:
    assert keys in refused(*pairs)


def test_csp_is_enforced_only_when_the_templates_are_clean() -> None:
    assert planned()["csp.mode"] == "enforce"
    found = project(signal("csp.inline_script", "notes/pages/layout.djx:4"))
    plan = planned(found=found)
    assert plan["csp.mode"] == "report"
    assert "notes/pages/layout.djx:4" in reason(plan, "csp.mode")
    old = project(versions={"django": "5.2.1", "next.dj": "0.10.0"})
    assert planned(found=old)["csp.mode"] == "off"


@pytest.mark.parametrize(
    ("kind", "via"),
    [
        ("auth.login_required", "urls"),
        ("urls.i18n", "urls"),
        ("next.missing", "urls"),
        ("health.present", "present"),
        ("urls.catch_all", "page"),
    ],
)
def test_health_lands_where_it_answers(kind: str, via: str) -> None:
    found = project(signal(kind, "config/settings.py:44"))
    assert planned(found=found)["health.via"] == via


def test_health_below_a_mount_gets_an_entry_of_its_own() -> None:
    assert planned(found=project(mount="app/"))["health.via"] == "urls"
    roots = (PageRoot("web/screens", "app", "web.screens", 3),)
    fact = {"project.pages": Fact("web/screens", (Evidence("web/screens/page.py", 1),))}
    plan = planned(found=project(page_roots=roots, detected=fact))
    assert plan["health.page"] == "web/screens/healthz/page.py"


def test_settings_that_are_a_package_already_are_not_split() -> None:
    assert planned()["settings.split"] is True
    plan = planned(found=project(shape="environ"))
    assert plan["settings.split"] is False
    assert plan["settings.prod"] == "config.settings_prod"
    assert plan["settings.file"] == "config/settings_prod.py"


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ("file", "config/settings.py is split into base, dev and prod"),
        ("split", "the settings are split into base, dev and prod already"),
        ("package", "config/settings.py is kept; prod adds what it lacks"),
    ],
)
def test_the_split_is_said_as_it_is(shape: str, words: str) -> None:
    plan = planned(found=project(shape=shape))
    assert plan.decisions["settings.split"].reason == words


def test_files_of_a_cdn_have_its_path_here_and_its_origin_in_the_policy() -> None:
    far: dict[str, object] = {"STATIC_URL": "https://cdn.example.org/assets/"}
    far["MEDIA_URL"] = "//m.test/"
    plan = planned(
        "hosting.path_prefix=/sub", found=project(signal("media.used"), literals=far)
    )
    assert plan["static.url"] == "/assets/"
    assert plan["static.set_url"] is False
    assert plan["media.url"] == "/media/"
    assert plan["csp.origins"] == ("https://cdn.example.org", "https://m.test")
    (prod,) = (f for f in render(plan) if f.path == "config/settings/prod.py")
    assert b'"script-src": [CSP.SELF, CSP.NONCE, "https://cdn.example.org"' in prod.data
    assert planned()["csp.origins"] == ()


def test_variables_that_the_settings_need_are_listed_and_stood_in_for() -> None:
    needed = ("STRIPE_KEY:text", "DB_URL:database", "SECRET_KEY:text", "PORT:number")
    fact = Fact(needed, (Evidence("config/settings.py", 7),))
    plan = planned(found=project(detected={"settings.required": fact}))
    assert plan["settings.required"] == ("STRIPE_KEY", "DB_URL", "PORT")
    files = {file.path: file.data.decode() for file in render(plan)}
    assert "\nSTRIPE_KEY=\n" in files["deploy/notes.env.example"]
    line = "BUILD=1 STRIPE_KEY=build DB_URL=sqlite://:memory: PORT=1 DJANGO_SETTINGS"
    assert files["deploy/README.md"].count(f"\n{line}") == 2


@pytest.mark.parametrize("target", ["systemd", "compose", "kubernetes", "procfile"])
def test_every_target_says_what_the_settings_need(target: str) -> None:
    fact = Fact(
        ("STRIPE_KEY:text", "PORT:number"), (Evidence("config/settings.py", 7),)
    )
    more = ("data.database=postgresql", f"hosting.target={target}")
    plan = planned(*more, found=project(detected={"settings.required": fact}))
    files = {file.path: file.data.decode() for file in render(plan)}
    assert "\nSTRIPE_KEY=\nPORT=\n" in files["deploy/notes.env.example"]
    assert "no default for `STRIPE_KEY`, `PORT`:" in files["deploy/README.md"]
    if target == "procfile":
        env = json.loads(files["app.json"])["env"]
        assert "required" not in env["STRIPE_KEY"]  # which means that it is
        assert "PORT" not in env


def test_the_jobs_of_ci_get_stand_ins_too() -> None:
    fact = Fact(
        ("STRIPE_KEY:text", "PORT:number"), (Evidence("config/settings.py", 7),)
    )
    plan = planned(
        "ci.provider=github", found=project(detected={"settings.required": fact})
    )
    given = "BUILD=1 STRIPE_KEY=build PORT=1 .venv/bin/python manage.py"
    lines = plan["ci.deploy"]
    assert isinstance(lines, tuple)
    assert all(line.startswith(given) for line in lines)


def test_static_files_that_go_away_are_sent_where_the_credentials_are() -> None:
    backend = "storages.backends.s3.S3ManifestStaticStorage"
    far = {"STORAGES": {"staticfiles": {"BACKEND": backend}}}
    fact = Fact(backend, (Evidence("config/settings.py", 7),), f"{backend} sends them")

    def rendered(target: str, *pairs: str) -> dict[str, str]:
        found = project(literals=dict(far), detected={"static.away": fact})
        plan = planned(
            f"hosting.target={target}", "data.database=postgresql", *pairs, found=found
        )
        return {file.path: file.data.decode() for file in render(plan)}

    files = rendered("systemd", "ci.provider=github")
    assert files["deploy/README.md"].count("\nmanage collectstatic --noinput\n") == 2
    assert "BUILD=1" not in files["deploy/README.md"]
    assert "collectstatic" not in files[".github/workflows/nextwizard.yml"]
    files = rendered("compose")
    assert files["deploy/README.md"].count("manage.py collectstatic --noinput") == 2
    assert "manage.py collectstatic" not in files["deploy/Dockerfile"]
    assert 'COPY --from=build ["/app/staticfiles"' not in files["deploy/Dockerfile"]
    job = rendered("kubernetes")["deploy/kubernetes/base/migrate.yaml"]
    assert '"collectstatic", "--noinput"]' in job.partition("initContainers:")[2]
    hosts = 'hosting.hosts=["10.0.0.1:8000", "10.0.0.2:8000"]'
    book = rendered("systemd", hosts)["deploy/README.md"]
    assert "of the proxy; the old ones" not in book
    assert "The host of the proxy\ngets the proxy alone.\n" in book


def test_a_page_tree_that_nothing_serves_is_told() -> None:
    def told(*pairs: str, found: Project | None = None) -> list[str]:
        notes = planned(*pairs, found=found).notes
        return [note.fix for note in notes if note.id == "project.pages"]

    assert told("project.pages=9") == ["Name one of notes/pages."]
    assert not told("project.pages=notes/pages")
    assert not told("project.pages=9", found=project(signal("router.custom")))


def test_settings_of_classes_are_refused_with_the_way_out() -> None:
    with pytest.raises(InputError, match="from classes") as refused:
        planned(found=project(shape="configurations"))
    (problem,) = refused.value.problems
    assert problem.where == "manage.py:9"
    assert "name that one in manage.py and wsgi.py" in problem.fix


def test_mail_keeps_one_style() -> None:
    assert planned()["mail.mailers"] is True
    assert (
        planned(found=project(names=frozenset({"EMAIL_HOST"})))["mail.mailers"] is False
    )
    old = project(versions={"django": "5.2.1"})
    assert planned(found=old)["mail.mailers"] is False


def test_packages_follow_the_choices() -> None:
    assert planned()["packages.lines"] == ("gunicorn>=23.0",)
    pairs = ("data.database=postgresql", "data.cache=redis", "data.static=whitenoise")
    assert planned(*pairs, found=ASYNC)["packages.lines"] == (
        "uvicorn[standard]>=0.32",
        "dj-database-url>=3.0",
        "psycopg[binary,pool]>=3.2",
        "redis>=5.0",
        "whitenoise[brotli]>=6.9",
    )


def test_every_decision_has_a_reason_and_a_source() -> None:
    for found in (project(), ASYNC, SYNC, CHANNELS):
        for decision in planned(found=found).decisions.values():
            assert decision.reason, decision.key
            assert decision.source, decision.key


def test_a_root_below_home_is_bound_back() -> None:
    assert planned("hosting.root=/home/ada/notes")["unit.home"] is True
    assert planned()["unit.home"] is False


def test_the_host_is_injected() -> None:
    host = Host(cores=3, memory_mb=1000, versions={})
    plan = planned(host=host)
    assert (plan["sizing.cores"], plan["proxy.version"]) == (3, "1.22")


def test_no_reason_tells_where_an_answer_was_given() -> None:
    """What came by --set stands in nextwizard.toml at the next run: no drift."""
    plan = planned("data.static=whitenoise")
    assert plan.decisions["static.kind"].reason == "answered: data.static"
    assert not any("--set" in row.reason for row in plan.decisions.values())


def test_what_runs_beside_the_server_has_its_command_in_the_runbook() -> None:
    found = project(
        signal("work.celery", "shop/tasks.py:1", detail="celery"),
        signal("work.queue", "config/settings.py:9", detail="django_rq"),
        signal("work.loop", "shop/management/commands/poll.py:7", detail="poll"),
    )
    plan = planned(found=found)
    assert plan["work.celery"] == ("worker", "beat")
    assert plan["work.commands"] == ("rqworker default", "poll")
    assert "shop/tasks.py" in reason(plan, "work.commands")
    assert planned()["work.found"] is False


@pytest.mark.parametrize("kind", ["session.cache", "session.cached_db"])
def test_sessions_in_a_cache_that_no_worker_shares_are_told(kind: str) -> None:
    local = signal("cache.local", "config/settings.py:4")
    held = signal(kind, "config/settings.py:8")
    said = [note.id for note in planned(found=project(local, held)).notes]
    assert "session.local" in said
    shared = planned("data.cache=redis", found=project(local, held))
    assert "session.local" not in [note.id for note in shared.notes]


def test_every_kind_the_scan_knows_is_told_or_decided_on() -> None:
    folder = Path(nextwizard.__file__).parent
    scan = "".join(path.read_text() for path in folder.glob("scan/*.py"))
    kinds = set(
        re.findall(r'"((?:next|router|session|stream|work|sse)\.[a-z_]+)"', scan)
    )
    known = "".join(
        path.read_text() for path in (*folder.glob("decide/*.py"), folder / "rules.py")
    )
    quiet = {"next.scripts", "next.urls", "session.cached_db", "session.signed"}
    quiet.add("sse.portable")  # its say is features.sse
    assert kinds > quiet
    assert not {
        kind
        for kind in kinds - quiet
        if kind not in FINDINGS and f'"{kind}"' not in known
    }


def test_no_host_at_all_is_refused_by_its_key() -> None:
    assert "hosting.domains: names no host" in refused("hosting.domains=[]")
