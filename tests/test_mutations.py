from __future__ import annotations

import shutil
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from mutations import BOOTED, EDGE, SILENT, STACKS, STATIC, Row
from smoked import failed, made, probed, program

from nextwizard import stage, stageproxy
from nextwizard.errors import ToolError
from nextwizard.smoke import PROBES, Options
from nextwizard.smoke.recorder import Recorder
from nextwizard.smoke.site import Site, ground
from nextwizard.workflow import inspect, propose


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nextwizard.outcomes import Outcome


pytestmark = pytest.mark.lab

ASK = {probe.key: probe for probe in PROBES}


def _slow_stream(root: Path) -> None:
    """Make the sample's stream last longer than any graceful timeout."""
    place = root / "pulse" / "screens" / "live" / "page.py"
    text = place.read_text()
    place.write_text(text.replace('get("gap"), 0.3', 'get("gap"), 5.0'))


@pytest.fixture(scope="module")
def deployments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Make each stack's deployment once; a row takes its line out of a copy."""
    found = {}
    for name, stack in STACKS.items():
        edit = _slow_stream if name == "slow-stop" else None
        pairs = (f"hosting.proxy={stack.proxy}", *stack.pairs)
        folder = tmp_path_factory.mktemp(name)
        found[name] = made(folder, stack.kind, *pairs, edit=edit)
    return found


def taken_out(root: Path, row: Row) -> None:
    """Take the row's line out of its file, or fail when it is not there."""
    place = root / row.file
    lines = place.read_text().splitlines(keepends=True)
    found = [at for at, line in enumerate(lines) if line.strip() == row.line]
    assert len(found) > row.nth, f"{row.file} has no line {row.line!r} any more"
    del lines[found[row.nth]]
    place.write_text("".join(lines))


@contextmanager
def mutated(deployments: dict[str, Path], row: Row, folder: Path) -> Iterator[Path]:
    root = folder / "site"
    shutil.copytree(deployments[row.stack], root)
    taken_out(root, row)
    yield root


def at_the_edge(root: Path, row: Row, scratch: Path) -> Outcome | str:
    """Start the proxy before a stand-in and ask one probe."""
    site = ground(propose(inspect(str(root))), str(scratch), Options())
    binary = program(STACKS[row.stack].proxy)
    try:
        proxy = stageproxy.proxy(site.on, binary)
    except ToolError as error:
        return f"proxy: {error}"
    with ExitStack() as stack:
        stack.callback(proxy.stop, 10)
        site.recorder = stack.enter_context(Recorder(site.on))
        stage.wait(lambda: _listens(site), proxy, "the proxy")
        return ASK[row.probe].run(site) if row.probe in ASK else "started"


def _listens(site: Site) -> bool:
    try:
        with closing(site.visitor.connect(tls=False)) as connection:
            connection.connect()
    except OSError:
        return False
    return True


def noticed(found: Outcome | str, row: Row) -> None:
    """Fail unless the row's probe is what noticed."""
    if isinstance(found, str):
        assert row.probe == "proxy", found
        assert found != "started"
    else:
        assert found.verdict == "failed", f"{row.line!r} is gone, yet {found}"


@pytest.mark.parametrize("row", EDGE, ids=lambda row: row.name)
def test_a_line_of_the_proxy_is_missed(
    row: Row, deployments: dict[str, Path], tmp_path: Path
) -> None:
    with mutated(deployments, row, tmp_path) as root:
        noticed(at_the_edge(root, row, tmp_path / "s"), row)


@pytest.mark.parametrize("row", SILENT, ids=lambda row: row.name)
def test_a_line_is_missed_after_a_silence(
    row: Row, deployments: dict[str, Path], tmp_path: Path
) -> None:
    with mutated(deployments, row, tmp_path) as root:
        noticed(at_the_edge(root, row, tmp_path / "s"), row)


@pytest.mark.parametrize("row", STATIC, ids=lambda row: row.name)
def test_a_line_about_static_files_is_missed(
    row: Row, deployments: dict[str, Path], tmp_path: Path
) -> None:
    with mutated(deployments, row, tmp_path) as root:
        proxy = program(STACKS[row.stack].proxy)
        found = probed(root, row.probe, proxy=proxy)
        assert failed(found).keys() == {row.probe}, found


@pytest.mark.parametrize("row", BOOTED, ids=lambda row: row.name)
def test_a_line_of_the_server_is_missed(
    row: Row, deployments: dict[str, Path], tmp_path: Path
) -> None:
    asked = row.probe if row.probe in ASK else "health.live"
    with mutated(deployments, row, tmp_path) as root:
        proxy = program(STACKS[row.stack].proxy)
        found = probed(root, asked, proxy=proxy)
        assert row.probe in failed(found), found


@pytest.mark.parametrize("name", STACKS)
def test_with_every_line_in_place_the_same_probes_pass(
    name: str, deployments: dict[str, Path], tmp_path: Path
) -> None:
    rows = [row for row in (*EDGE, *STATIC, *BOOTED) if row.stack == name]
    asked = {row.probe for row in rows if row.probe in ASK}
    root = tmp_path / "site"
    shutil.copytree(deployments[name], root)
    found = probed(root, *asked, proxy=program(STACKS[name].proxy))
    assert failed(found) == {}
    assert {found[key].verdict for key in asked} == {"ok"}


def test_at_least_thirty_lines_are_guarded() -> None:
    rows = (*EDGE, *SILENT, *STATIC, *BOOTED)
    assert len(rows) >= 100
    assert len({row.probe for row in rows}) >= 20
