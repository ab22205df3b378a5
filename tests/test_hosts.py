"""Several application hosts behind one proxy: decided, and two of them served."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import re
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from live import Live, served
from support import needed, planned, project, signal

from nextwizard import stage
from nextwizard.errors import InputError
from nextwizard.render import render


if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextwizard.values import Signal


TWO = 'hosting.hosts=["10.0.0.11:8000", "10.0.0.12:8000"]'
SHARED = (TWO, "data.database=postgresql", "data.cache=redis")


def refused(*pairs: str, found: tuple[Signal, ...] = ()) -> str:
    with pytest.raises(InputError) as error:
        planned(*pairs, found=project(*found))
    return str(error.value)


def files(*pairs: str) -> dict[str, str]:
    return {file.path: file.data.decode() for file in render(planned(*pairs))}


def test_each_host_has_units_that_listen_on_its_own_address() -> None:
    made = files(*SHARED)
    for host in ("10.0.0.11", "10.0.0.12"):
        socket = made[f"deploy/hosts/{host}-8000/notes.socket"]
        assert f"ListenStream={host}:8000\n" in socket
        assert f"deploy/hosts/{host}-8000/notes.service" in made
    assert not [path for path in made if path.startswith("deploy/systemd/")]


def test_a_server_that_binds_by_itself_gets_the_address_of_each_host() -> None:
    made = files(*SHARED, "hosting.server=granian")
    for host in ("10.0.0.11", "10.0.0.12"):
        unit = made[f"deploy/hosts/{host}-8000/notes.service"]
        assert f"--host {host} --port 8000" in unit


def test_one_bind_for_all_makes_one_unit() -> None:
    made = files(*SHARED, "hosting.bind=0.0.0.0:8000")
    assert "ListenStream=0.0.0.0:8000\n" in made["deploy/systemd/notes.socket"]
    said = refused(*SHARED, "hosting.bind=0.0.0.0:9000")
    assert "hosting.hosts, hosting.bind" in said
    assert "10.0.0.11:8000" in said


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
def test_a_release_waits_until_the_proxy_asks_a_host_again(proxy: str) -> None:
    made = files(*SHARED, f"hosting.proxy={proxy}")
    plan = planned(*SHARED, f"hosting.proxy={proxy}")
    away, settle = plan["proxy.away"], plan["proxy.settle"]
    assert isinstance(away, int)
    assert isinstance(settle, int)
    assert settle > away
    assert re.search(
        rf"; do sleep 1; done\nsleep {settle}   # until", made["deploy/README.md"]
    )


def test_a_host_by_name_listens_everywhere_on_its_port() -> None:
    pairs = ("data.database=postgresql", "data.cache=redis")
    made = files('hosting.hosts=["app1.internal:8000"]', *pairs)
    socket = made["deploy/hosts/app1.internal-8000/notes.socket"]
    assert "ListenStream=0.0.0.0:8000\n" in socket
    assert "server app1.internal:8000 max_fails" in made["deploy/nginx/notes.conf"]


def test_only_the_proxy_gets_in_once_it_is_named() -> None:
    named = (*SHARED, "hosting.proxy_addresses=10.0.0.2")
    socket = files(*named)["deploy/hosts/10.0.0.11-8000/notes.socket"]
    assert "IPAddressDeny=any\nIPAddressAllow=localhost 10.0.0.2/32" in socket
    assert planned(*named)["server.trust"] == "10.0.0.2"
    assert "hosts.open" not in {note.id for note in planned(*named).notes}
    assert "hosts.open" in {note.id for note in planned(*SHARED).notes}
    assert planned(*SHARED)["server.trust"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("broker.local", "LISTEN/NOTIFY"),
        ("router.reload", "version of the routes"),
        ("session.file", "cached_db"),
        ("wizard.cache", "session backend"),
    ],
)
def test_what_a_process_keeps_to_itself_is_refused_with_place_and_fix(
    kind: str, words: str
) -> None:
    held = signal(kind, "notes/live.py:7")
    pairs = (TWO, "data.database=postgresql")
    said = refused(*pairs, found=(held,))
    assert "notes/live.py:7" in said
    assert words in said
    accepted = f"checks.ignore={kind}"
    assert planned(*pairs, accepted, found=project(held))["hosts.on"] is True


def test_a_database_in_a_file_is_refused_unless_answered() -> None:
    said = refused(TWO)
    assert "config/settings.py:80, hosting.hosts: SQLite" in said
    told = planned(TWO, "data.database=sqlite").notes
    assert "hosts.sqlite" in {note.id for note in told}


@pytest.mark.parametrize("kind", ["session.cache", "session.cached_db"])
def test_sessions_in_a_cache_of_each_host_are_refused(kind: str) -> None:
    local = signal("cache.local", "config/settings.py:4")
    held = signal(kind, "config/settings.py:8")
    pairs = (TWO, "data.database=postgresql")
    said = refused(*pairs, found=(local, held))
    assert "config/settings.py:8, hosting.hosts" in said
    planned(*pairs, "data.cache=redis", found=project(local, held))


def test_a_cache_of_each_host_is_told() -> None:
    local = signal("cache.default", "config/settings.py:4")
    plan = planned(TWO, "data.database=postgresql", found=project(local))
    said = next(note for note in plan.notes if note.id == "cache.local")
    assert "hosts do not share" in said.message


def test_redis_must_be_named_where_every_host_would_have_its_own() -> None:
    made = files(*SHARED)
    assert '_secret("REDIS_URL"' in made["config/settings/prod.py"]
    alone = files("data.database=postgresql", "data.cache=redis")
    assert 'os.environ.get("REDIS_URL"' in alone["config/settings/prod.py"]


def test_uploads_and_static_files_of_one_host_are_told() -> None:
    media = signal("media.used", "notes/models.py:3")
    plan = planned(*SHARED, "data.static=whitenoise", found=project(media))
    ids = {note.id for note in plan.notes}
    assert {"hosts.media", "hosts.static"} <= ids


def test_connections_are_counted_over_all_hosts() -> None:
    assert str(planned(*SHARED)["data.sum"]).startswith("2 hosts x 2 workers")
    many = ",".join(f'"10.0.0.{n}:8000"' for n in range(1, 10))
    said = refused(f"hosting.hosts=[{many}]", *SHARED[1:])
    assert "data.max_connections" in said


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (("hosting.proxy=none",), "hosting.hosts, hosting.proxy"),
        (('hosting.hosts=["10.0.0.1"]',), "hosting.hosts"),
        (('hosting.hosts=["10.0.0.1:0"]',), "hosting.hosts"),
        (('hosting.hosts=["10.0.0.1:8000; include /etc/passwd"]',), "hosting.hosts"),
        (('hosting.hosts=["a b:8000"]',), "hosting.hosts"),
        (('hosting.hosts=["../../etc:8000"]',), "hosting.hosts"),
        (('hosting.hosts=["fd00::1:8000"]',), "hosting.hosts"),
        (('hosting.hosts=["unix:/run/x.sock"]',), "hosting.hosts"),
        (('hosting.hosts=["$host:8000"]',), "hosting.hosts"),
        (('hosting.proxy_addresses=["0.0.0.0/0"]',), "hosting.proxy_addresses"),
        (('hosting.proxy_addresses=["10.0.0.2 any"]',), "hosting.proxy_addresses"),
    ],
)
def test_hosts_without_a_meaning_are_refused(
    pairs: tuple[str, ...], words: str
) -> None:
    base = [pair for pair in SHARED if "hosts=" not in pairs[0] or pair != TWO]
    assert words in refused(*base, *pairs)


# Two hosts really served, on one machine and one SQLite file.
ON_LOOPBACK = (
    'hosting.hosts=["127.0.0.11:8000", "127.0.0.12:8000"]',
    "data.database=sqlite",
    "sizing.workers=1",
)


@contextlib.contextmanager
def two(proxy: str) -> Iterator[tuple[Live, stage.Fleet]]:
    pairs = (*ON_LOOPBACK, f"hosting.proxy={proxy}")
    with served("sse_async", *pairs, program=needed(proxy)) as live:
        assert isinstance(live.app, stage.Fleet)
        yield live, live.app


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
def test_a_visitor_does_not_notice_that_a_host_died(proxy: str) -> None:
    with two(proxy) as (live, fleet):
        assert {live.get("/").status for _ in range(6)} == {200}
        fleet.members[0].close()
        answers = [live.get("/").status for _ in range(8)]
        assert answers == [200] * 8
        assert live.get("/healthz/", tls=False).status == 200
        by_address = live.get("/healthz/", tls=False, headers={"Host": "127.0.0.1"})
        assert by_address.status == 200


@dataclass
class Load:
    """Visitors who ask again and again, one who listens, and what they were told."""

    live: Live
    answered: int = 0
    failed: list[str] = field(default_factory=list)
    events: list[float] = field(default_factory=list)
    broken: int = 0
    path: str = "/live/?gap=1&count=50"
    over: threading.Event = field(default_factory=threading.Event)

    def visit(self) -> None:
        while not self.over.is_set():
            try:
                status = self.live.get("/").status
                if status == 200:
                    self.answered += 1
                else:
                    self.failed.append(str(status))
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))

    def listen(self) -> None:
        """Listen as a browser does: when the stream breaks, come back for more."""
        while not self.over.is_set():
            path = self.path
            connection = self.live.connection(timeout=20)
            seen = 0
            broke = (OSError, http.client.HTTPException)
            with contextlib.closing(connection), contextlib.suppress(*broke):
                headers = {"Host": self.live.host, "Accept": "text/event-stream"}
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                while self.wanted(path) and (line := answer.readline()):
                    if line.startswith(b"data:"):
                        json.loads(line[5:])
                        seen += 1
                        self.events.append(time.monotonic())
            self.broken += seen < 50 and self.wanted(path)

    def wanted(self, path: str) -> bool:
        """Whether this is still the stream to listen to."""
        return not self.over.is_set() and path == self.path

    @contextlib.contextmanager
    def running(self, visitors: int = 4) -> Iterator[None]:
        tasks = [self.listen, *[self.visit] * visitors]
        threads = [threading.Thread(target=task) for task in tasks]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join(60)


@pytest.mark.proof
@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
def test_hosts_killed_and_restarted_under_load(
    proxy: str, request: pytest.FixtureRequest
) -> None:
    with two(proxy) as (live, fleet):
        load = Load(live)
        with load.running():
            time.sleep(2)
            # The stream outlasts both: whichever host has it is killed once.
            for member in fleet.members:
                member.close()
                time.sleep(3)
                member.start()
                time.sleep(fleet.settle)  # the proxy asks it again
            broken = load.broken
            load.path = "/live/?gap=0.2&count=50"
            killed = len(load.failed)
            fleet.restart()
            time.sleep(2)
        request.node.user_properties += [
            ("requests answered", load.answered),
            ("failed while a host was killed", killed),
            ("failed while a host was restarted", len(load.failed) - killed),
            ("streams broken and taken up again", load.broken),
        ]
        pauses = [after - before for before, after in itertools.pairwise(load.events)]
        assert load.answered > 200
        # What the dead process had begun is lost: at most one request of each visitor.
        assert killed <= 2 * 4, load.failed
        assert len(load.failed) == killed, load.failed[killed:]
        assert broken >= 1
        assert max(pauses) < 10
