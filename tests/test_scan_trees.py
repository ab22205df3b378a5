"""The scan on trees that mean no good, on noise, and on the sample projects."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_scan import HERE, QUIET, shown, split, write

from nextwizard.errors import InputError
from nextwizard.scan import scan


if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def project(tmp_path: Path) -> Path:
    _, parts = split((HERE / "skeleton.txt").read_text("utf-8"))
    return write(tmp_path / "site", {name: body for name, _, body in parts})


def kinds(root: Path) -> list[str]:
    return [signal.kind for signal in scan(root).signals if signal.kind not in QUIET]


OPENED: list[str] = []
WATCHING: list[bool] = []


def watch(event: str, arguments: tuple[object, ...]) -> None:
    if WATCHING and event in ("open", "os.scandir", "os.listdir"):
        path = arguments[0]
        if not isinstance(path, int):
            OPENED.append(str(path))


sys.addaudithook(watch)


@pytest.fixture
def opened() -> Iterator[list[str]]:
    OPENED.clear()
    WATCHING.append(True)
    yield OPENED
    WATCHING.clear()


def test_nothing_outside_the_root_is_opened(
    project: Path, tmp_path: Path, opened: list[str]
) -> None:
    outside = write(
        tmp_path / "outside", {"views.py": "async def view(request): ...\n"}
    )
    (project / "notes" / "linked").symlink_to(outside)
    (project / "notes" / "views.py").symlink_to(outside / "views.py")
    (project / "loop").symlink_to(project)
    (project / "config" / "settings.py").write_text(
        (project / "config" / "settings.py").read_text()
        + "NEXT_FRAMEWORK = {'PAGE_BACKENDS': [{'BACKEND': 'x', 'APP_DIRS': True,"
        "'DIRS': ['/etc', '../outside', BASE_DIR / '..' / 'outside'],"
        "'PAGES_DIR': '../../outside', 'OPTIONS': {}}]}\nMEDIA_ROOT = '/etc'\n"
    )
    opened.clear()
    assert "view.async" not in kinds(project)
    inside = str(project)
    assert opened
    assert [p for p in opened if not (p == inside or p.startswith(f"{inside}/"))] == []
    assert [path for path in opened if "linked" in path or "loop" in path] == []


def test_a_weird_tree_is_survived(project: Path) -> None:
    notes = os.fsencode(project / "notes")
    deep = project / "notes"
    for _ in range(120):
        deep /= "d"
    deep.mkdir(parents=True)
    (deep / "views.py").write_text("async def view(request): ...\n")
    os.mkfifo(project / "notes" / "pipe.py")
    os.symlink("self", project / "notes" / "self")
    os.symlink("nowhere", project / "notes" / "gone.py")
    (project / "notes" / "large.py").write_bytes(b"# async def\n" * 200_000)
    (project / "notes" / "pages" / "large.djx").write_bytes(b"<" * (2 << 20))
    (project / "notes" / "nul.py").write_bytes(b"async def f(request):\0 ...\n")
    (project / "notes" / "latin.py").write_bytes(
        b"# caf\xe9\nasync def f(request): ...\n"
    )
    (project / "notes" / "nested.py").write_bytes(
        b"async def f(request): return " + b"(" * 5000 + b")" * 5000
    )
    (project / "notes" / "chain.py").write_bytes(
        b"async def f(request): return " + b"+".join([b"1"] * 3000)
    )
    with Path(os.fsdecode(notes + b"/n\xff.py")).open("wb") as file:
        file.write(b"async def view(request): ...\n")
    (project / "notes" / "pages" / "bad.djx").write_bytes(b"<p style='\xff'>")
    found = {(s.kind, s.evidence.path) for s in scan(project).signals}
    assert {path for kind, path in found if kind == "file.unparsable"} == {
        "notes/chain.py",
        "notes/nul.py",
        "notes/latin.py",
        "notes/nested.py",
    }
    assert {path for kind, path in found if kind == "file.unreadable"} == {
        "notes/large.py",
        "notes/pages/bad.djx",
        "notes/pages/large.djx",
    }
    assert ("view.async", "notes/n\\udcff.py") in found
    assert not any("d/d/d" in path for _, path in found)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_a_warning(project: Path) -> None:
    hidden = write(project, {"notes/hidden.py": "x = 1\n"}) / "notes" / "hidden.py"
    hidden.chmod(0)
    assert kinds(project) == ["file.unreadable"]


@pytest.mark.parametrize("name", ["manage.py", "config/settings.py", "config/urls.py"])
def test_a_symlink_the_layout_needs_is_refused_by_name(
    project: Path, name: str
) -> None:
    target = project / f"{name}.real"
    (project / name).rename(target)
    (project / name).symlink_to(target)
    with pytest.raises(InputError, match=f"^{re.escape(name)}: is a symlink"):
        scan(project)


def test_the_root_itself_may_be_a_symlink(project: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(project)
    linked, plain = scan(link), scan(project)
    assert linked.root == str(link)
    assert (linked.signals, linked.detected) == (plain.signals, plain.detected)


@pytest.mark.parametrize("name", ["absent", "file"])
def test_a_root_that_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be read"):
        scan(tmp_path / name)


def test_a_wrong_root_is_left_early(tmp_path: Path, opened: list[str]) -> None:
    write(tmp_path, {"a/b/c/d/e/f/g/manage.py": "DJANGO_SETTINGS_MODULE"})
    opened.clear()
    with pytest.raises(InputError, match="holds no Django project"):
        scan(tmp_path)
    assert not any(path.endswith("/f/g") for path in opened)


def test_settings_in_another_encoding_need_their_cookie(project: Path) -> None:
    path = project / "config" / "settings.py"
    body = path.read_bytes()
    path.write_bytes(b"# caf\xe9\n" + body)
    with pytest.raises(InputError, match=r"^config/settings\.py:1"):
        scan(project)
    path.write_bytes(b"# -*- coding: latin-1 -*-\n# caf\xe9\n" + body)
    assert kinds(project) == []
    path.write_bytes(b"\xef\xbb\xbf" + body.replace(b"\n", b"\r\n"))
    assert scan(project).layout.settings.lines["DEBUG"] == 5


def test_secrets_are_not_taken_along(project: Path) -> None:
    path = project / "config" / "settings.py"
    path.write_text(
        path.read_text()
        + "SECRET_KEY_FALLBACKS = ['hush-1']\nMAIL_TOKEN = 'hush-2'\n"
        + "DATABASES['default']['PASSWORD'] = 'hush-3'\n"
    )
    found = scan(project)
    assert "hush" not in repr(found)
    assert "django-insecure" not in repr(found)
    assert found.layout.settings.lines["SECRET_KEY"] == 4


def test_the_scan_is_light() -> None:
    program = (
        "import sys; from nextwizard.scan import scan; from pathlib import Path;"
        f"scan(Path({str(HERE.parent / 'projects' / 'plain')!r}));"
        "print(*sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(run.stdout.split())
    assert loaded.isdisjoint("asyncio django jinja2 subprocess tomlkit".split())
    assert "nextwizard.scan.streams" not in loaded


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("plain", ("none", (), (), "notes/pages")),
        ("sse_async", ("async", ("/live/",), (), "ticker/pages")),
        ("sse_sync", ("sync", ("/live/",), (), "pulse/screens")),
        ("channels_ws", ("none", (), ("/ws/echo/",), "chat/pages")),
    ],
)
def test_the_sample_projects(name: str, wanted: tuple[object, ...]) -> None:
    keys = ("features.sse", "features.sse_paths", "features.websocket_paths")
    found = scan(HERE.parent / "projects" / name).detected
    assert tuple(found[key].value for key in (*keys, "project.pages")) == wanted
    assert found["features.websockets"].value is bool(wanted[2])


def refusal(root: Path) -> str:
    try:
        scan(root)
    except InputError as refused:
        return str(refused)
    return ""


PYTHON = st.lists(
    st.sampled_from(
        [
            "async def view(request):\n    yield 1\n",
            "from next.partial import PatchEventStream as P\n",
            "x = P(None, x)\n",
            "def f(a, b=f): return P(a, b(a))\n",
            "class A(A): pass\n",
            "class B(A):\n    def __iter__(self): return self.x\n",
            "x = B().x\nB.x = x\n",
            "from .views import *\n",
            "from notes.views import x as y\n",
            "y = lambda: y()\n",
            "P(*x)\n",
            "urlpatterns = urlpatterns + [path('', include('notes.views'))]\n",
            "f(f)(f)\n",
            "x = [x] * 10 ** 9\n",
            "from channels.routing import URLRouter\nx = URLRouter([path('a', x)])\n",
        ]
    ),
    max_size=12,
).map("".join)
WORDS = (
    "< > \" ' = { } % # / script style <script> <!-- url( onclick src //x {%if~debug%} "
    "{%endif%} {%~#use_style~%} {%~comment~%}"
)
MARKUP = st.lists(st.sampled_from(WORDS.split()), max_size=60).map(
    lambda words: "".join(words).replace("~", " ")
)


@settings(deadline=None, max_examples=60)
@given(python=PYTHON, urls=PYTHON, markup=MARKUP, noise=st.binary(max_size=200))
def test_no_file_of_the_site_stops_the_scan(
    python: str, urls: str, markup: str, noise: bytes
) -> None:
    _, parts = split((HERE / "skeleton.txt").read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        root = write(Path(folder), {name: body for name, _, body in parts})
        write(
            root,
            {
                "notes/views.py": python,
                "config/urls.py": urls,
                "notes/pages/template.djx": markup,
                "notes/pages/page.py": urls,
            },
        )
        (root / "notes" / "noise.py").write_bytes(b"async def x" + noise)
        (root / "notes" / "pages" / "noise.djx").write_bytes(noise)
        (root / "uv.lock").write_bytes(noise)
        quick, thorough = scan(root), scan(root, everything=True)
        assert quick.layout.package == "config"
        sure, all_of_it = shown(quick.signals), shown(thorough.signals)
        assert {
            s for s in sure ^ all_of_it if not s[1].startswith("notes/noise")
        } == set()


@settings(deadline=None, max_examples=60)
@given(
    body=st.one_of(PYTHON, st.binary(max_size=300).map(lambda b: b.decode("latin-1")))
)
def test_no_settings_end_in_another_error(body: str) -> None:
    _, parts = split((HERE / "skeleton.txt").read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        root = write(Path(folder), {name: text for name, _, text in parts})
        path = root / "config" / "settings.py"
        path.write_bytes(path.read_bytes() + body.encode("latin-1"))
        refused = refusal(root)
        assert not refused or refused.startswith("config/settings.py")
