from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import nodes
from support import planned, project, signal

from nextwizard.catalog import every, wanted
from nextwizard.catalog.new import NEW
from nextwizard.quoting import FILTERS
from nextwizard.render import context, environment, render, templates_dir, text


TEMPLATES = sorted(Path(templates_dir()).rglob("*.jinja"))
PURE = {"deploy/_machine.jinja"}
"""Plain Python that deploy/boot.py includes; host.py compiles it."""

ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Filter,
    nodes.Name,
    nodes.Getattr,
    nodes.Const,
    nodes.If,
    nodes.For,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Include,
    nodes.Tuple,
)


def names(path: Path) -> str:
    return path.relative_to(templates_dir()).as_posix()


@pytest.mark.parametrize("path", TEMPLATES, ids=names)
def test_a_template_branches_and_never_computes(path: Path) -> None:
    tree = environment().parse(path.read_text(encoding="utf-8"))
    for node in tree.find_all(nodes.Node):
        assert isinstance(node, ALLOWED), (type(node).__name__, node.lineno)
    for compared in tree.find_all(nodes.Operand):
        assert compared.op in {"eq", "ne", "in", "notin", "gt"}, compared.lineno
    for pair in tree.find_all(nodes.Tuple):
        assert pair.ctx == "store", pair.lineno


@pytest.mark.parametrize("path", TEMPLATES, ids=names)
def test_every_value_goes_through_the_filter_of_its_grammar(path: Path) -> None:
    tree = environment().parse(path.read_text(encoding="utf-8"))
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            if isinstance(node, nodes.TemplateData):
                continue
            assert isinstance(node, nodes.Filter), (path.name, output.lineno)
            assert node.name in FILTERS
            assert isinstance(node.node, nodes.Name | nodes.Getattr)


def test_every_output_has_a_template_and_every_template_an_output() -> None:
    used = {f"{output.template}.jinja" for output in (*every(), *NEW)}
    used |= {"answers.toml.jinja"}
    there = {names(path) for path in TEMPLATES}
    included = {name for name in there if name.rpartition("/")[2].startswith("_")}
    assert used - there == set()
    assert there - used - included == {"deploy/_machine.jinja"} - included
    assert included >= PURE


def test_a_mark_names_the_decision_of_the_lines_below_it() -> None:
    plan = planned()
    unit = next(file for file in render(plan) if file.key == "service")
    lines = unit.data.decode().splitlines()
    told = {lines[number - 1]: key for number, key in unit.why.items()}
    assert told["Type=notify"] == "server.unit_type"
    assert told["KillMode=mixed"] == "timing.stop"
    assert "{#" not in unit.data.decode()
    assert "\x01" not in unit.data.decode()


def test_every_mark_names_a_decision() -> None:
    cluster = planned("hosting.target=kubernetes", "data.database=postgresql")
    platform = planned("hosting.target=procfile", "data.database=postgresql")
    pushed = planned("ci.provider=github")
    plans = (planned(), planned("hosting.target=compose"), cluster, platform, pushed)
    keys = {key for plan in plans for key in plan.decisions}
    for path in TEMPLATES:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip().startswith("{# why: "):
                assert line.split()[2] in keys, (path.name, line)


def test_a_secret_file_is_empty_until_it_is_written() -> None:
    files = {file.key: file for file in render(planned())}
    assert files["env"].data == b""
    assert files["env"].mode == 0o600


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert render(planned()) == render(planned())


def test_streams_and_websockets_only_where_they_are_used() -> None:
    plain = {file.key: file.data.decode() for file in render(planned())}
    assert "proxy_buffering off" not in plain["nginx"]
    assert "Upgrade" not in plain["nginx"]
    assert "nginx_ws" not in plain
    found = project(signal("sse.async"), signal("ws.consumer"))
    pairs = (
        "features.sse=async",
        "features.sse_paths=/live/",
        "features.websockets=true",
    )
    rich = {
        file.key: file.data.decode() for file in render(planned(*pairs, found=found))
    }
    assert "location /live/ {" in rich["nginx"]
    assert "proxy_buffering off" in rich["nginx"]
    assert "Upgrade" in rich["nginx_ws"]


def test_no_template_shows_a_name_that_is_no_decision() -> None:
    tree = context(planned())
    body, _ = text("nginx/site.conf", tree)
    assert "upstream notes_app" in body


def test_two_projects_share_no_name_of_the_proxy() -> None:
    def shared(name: str) -> set[str]:
        files = render(planned(f"project.name={name}"))
        body = next(file.data.decode() for file in files if file.key == "nginx")
        words = {word for word in body.split() if word.startswith(("$", "shared:"))}
        own = {word for word in words if name.replace("-", "_") in word}
        assert own
        return own

    assert not shared("notes") & shared("my-shop")


def test_every_wanted_output_is_rendered() -> None:
    plan = planned()
    assert [file.key for file in render(plan)] == [row.key for row in wanted(plan)]
