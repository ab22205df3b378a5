from __future__ import annotations

from typing import Any

import pytest

from nextwizard.gate import Terminal, choose


def terminal(**changes: Any) -> Terminal:
    env = {"TERM": "xterm-256color", **changes.pop("env", {})}
    given = {"stdin": True, "stderr": True, "utf8": True, "columns": 80, "lines": 24}
    return Terminal(**{**given, **changes}, env=env)


@pytest.mark.parametrize(
    ("changes", "flags", "kind"),
    [
        ({}, {}, "tui"),
        ({}, {"plain": True}, "plain"),
        ({}, {"prompts": True}, "prompts"),
        ({"stdin": False}, {"plain": True}, "plain"),
        ({"env": {"CI": "true"}}, {"plain": True}, "plain"),
        ({"env": {"CI": "true"}}, {}, "refuse"),
        ({"env": {"CI": "1"}}, {}, "refuse"),
        ({"env": {"CI": "false"}}, {}, "tui"),
        ({"env": {"CI": "true"}}, {"prompts": True}, "refuse"),
        ({"stdin": False}, {}, "refuse"),
        ({"stdin": False}, {"prompts": True}, "refuse"),
        ({"env": {"ACCESSIBLE": "1"}}, {}, "plain"),
        ({"env": {"ACCESSIBLE": "0"}}, {}, "tui"),
        ({"env": {"ACCESSIBLE": "1"}}, {"prompts": True}, "prompts"),
        ({"stderr": False}, {}, "plain"),
        ({"env": {"TERM": "dumb"}}, {}, "plain"),
        ({"env": {"TERM": ""}}, {}, "plain"),
        ({"env": {"TERM": "linux"}}, {}, "tui"),
        ({"utf8": False}, {}, "plain"),
        ({"columns": 39}, {}, "plain"),
        ({"lines": 11}, {}, "plain"),
        ({"columns": 40, "lines": 12}, {}, "tui"),
    ],
)
def test_the_first_rule_that_fits_decides(
    changes: dict[str, Any], flags: dict[str, bool], kind: str
) -> None:
    found, reason = choose(terminal(**changes), **flags)
    assert found == kind
    assert reason
