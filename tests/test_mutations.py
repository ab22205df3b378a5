from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from live import served
from mutations import (
    BOOTED,
    EDGE,
    SILENT,
    STACKS,
    STATIC,
    SURVIVED,
    Row,
    first_of_each,
)
from smoked import ASK, at_the_edge, failed, made, probed, program

from nextwizard.errors import ToolError


if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.mark import ParameterSet

    from nextwizard.outcomes import Outcome


QUICK = first_of_each((*STATIC, *BOOTED))
PLAIN = [name for name in STACKS if any(row.stack == name for row in (*EDGE, *BOOTED))]


def row_of(row: Row) -> ParameterSet:
    mark = pytest.mark.proof if row in QUICK else pytest.mark.lab
    return pytest.param(row, id=row.name, marks=mark)


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


def mutated(whole: Path, row: Row, folder: Path) -> Path:
    """Return a copy of a deployment without the row's line, which must be there."""
    root = folder / "site"
    shutil.copytree(whole, root)
    place = root / row.file
    lines = place.read_text().splitlines(keepends=True)
    found = [at for at, line in enumerate(lines) if line.strip() == row.line]
    assert len(found) > row.nth, f"{row.file} has no line {row.line!r} any more"
    del lines[found[row.nth]]
    place.write_text("".join(lines))
    return root


def asked(root: Path, row: Row) -> Outcome | str:
    """Start the proxy before a stand-in and ask the row's probe."""
    try:
        with at_the_edge(root, program(STACKS[row.stack].proxy)) as site:
            return ASK[row.probe].run(site) if row.probe in ASK else "started"
    except ToolError as error:
        return f"proxy: {error}"


def noticed(found: Outcome | str, row: Row) -> None:
    """Fail unless the row's probe is what noticed."""
    if isinstance(found, str):
        assert row.probe == "proxy", found
        assert found != "started"
    else:
        assert found.verdict == "failed", f"{row.line!r} is gone, yet {found}"


@pytest.mark.proof
@pytest.mark.parametrize("row", EDGE, ids=lambda row: row.name)
def test_a_line_of_the_proxy_is_missed(
    row: Row, deployments: dict[str, Path], tmp_path: Path
) -> None:
    root = mutated(deployments[row.stack], row, tmp_path)
    noticed(asked(root, row), row)


@pytest.mark.proof
def test_silence_is_survived_and_each_line_for_it_is_missed(
    deployments: dict[str, Path], tmp_path: Path
) -> None:
    """All of them are silent at the same time, so a minute and a half is enough."""
    streams = (("sse_async", "nginx"), ("sse_async", "caddy"), ("sse_sync", "nginx"))
    with ExitStack() as stack, ThreadPoolExecutor(16) as pool:
        whole, less, real = {}, {}, {}
        for name, key in SURVIVED:
            binary = program(STACKS[name].proxy)
            site = stack.enter_context(at_the_edge(deployments[name], binary))
            whole[name, key] = pool.submit(ASK[key].run, site)
        for number, row in enumerate(SILENT):
            root = mutated(deployments[row.stack], row, tmp_path / str(number))
            binary = program(STACKS[row.stack].proxy)
            site = stack.enter_context(at_the_edge(root, binary))
            less[row] = pool.submit(ASK[row.probe].run, site)
        for kind, proxy in streams:
            binary = program(proxy)
            pair = f"hosting.proxy={proxy}"
            live = stack.enter_context(served(kind, pair, program=binary))
            real[kind, proxy] = pool.submit(live.events, "/live/?gap=91&count=2")
        for case, survived in whole.items():
            assert survived.result().verdict == "ok", (case, survived.result())
        for row, missed in less.items():
            noticed(missed.result(), row)
        for events in real.values():
            (first, _), (second, _) = events.result()
            assert second - first > 90


@pytest.mark.parametrize("row", [row_of(row) for row in STATIC])
def test_a_line_about_static_files_is_missed(
    row: Row, deployments: dict[str, Path], tmp_path: Path
) -> None:
    root = mutated(deployments[row.stack], row, tmp_path)
    found = probed(root, row.probe, proxy=program(STACKS[row.stack].proxy))
    assert failed(found).keys() == {row.probe}, found


@pytest.mark.parametrize("row", [row_of(row) for row in BOOTED])
def test_a_line_of_the_server_is_missed(
    row: Row, deployments: dict[str, Path], tmp_path: Path
) -> None:
    key = row.probe if row.probe in ASK else "health.live"
    root = mutated(deployments[row.stack], row, tmp_path)
    found = probed(root, key, proxy=program(STACKS[row.stack].proxy))
    assert row.probe in failed(found), found


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=pytest.mark.lab if name == "slow-stop" else pytest.mark.proof
        )
        for name in PLAIN
    ],
)
def test_with_every_line_in_place_the_same_probes_pass(
    name: str, deployments: dict[str, Path], tmp_path: Path
) -> None:
    rows = [row for row in (*EDGE, *STATIC, *BOOTED) if row.stack == name]
    keys = {row.probe for row in rows if row.probe in ASK}
    root = tmp_path / "site"
    shutil.copytree(deployments[name], root)
    found = probed(root, *keys, proxy=program(STACKS[name].proxy))
    assert failed(found) == {}
    assert {found[key].verdict for key in keys} == {"ok"}


def test_at_least_thirty_lines_are_guarded() -> None:
    rows = (*EDGE, *SILENT, *STATIC, *BOOTED)
    assert len(rows) >= 100
    assert len({row.probe for row in rows}) >= 20
    assert len(EDGE) + len(QUICK) >= 36
