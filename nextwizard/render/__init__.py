"""Plan to files in memory: one Jinja environment, one pass, nothing is computed."""

from __future__ import annotations

import os
import re
from functools import cache
from typing import TYPE_CHECKING, override

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from nextwizard import quoting
from nextwizard.catalog import destination, wanted
from nextwizard.quoting import FILTERS
from nextwizard.values import RenderedFile

from .kept import kept


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nextwizard.values import Plan


_MARK = re.compile(r"^[ \t]*\{# why: ([a-z0-9_.]+) #\}\n", re.MULTILINE)
_PLACED = re.compile(r"\x01([a-z0-9_.]+)\x01\n")
_BLANKS = re.compile(r"\n{4,}")

type Branch = dict[str, "Branch | object"]


def templates_dir() -> str:
    """Return the templates: those of the installed package, else the checkout's."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    packaged = os.path.join(package, "templates")
    if os.path.isdir(packaged):
        return packaged
    return os.path.join(os.path.dirname(package), "templates")


class _Loader(FileSystemLoader):
    """Loads a template with its `why` marks turned into text that survives."""

    @override
    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        """Return the template's text, marked."""
        source, path, fresh = super().get_source(environment, template)
        return _MARK.sub("\x01\\1\x01\n", source), path, fresh


@cache
def environment() -> Environment:
    """Return the one environment: strict, unescaped (no markup), newline kept."""
    env = Environment(  # noqa: S701 - configuration files are no HTML
        loader=_Loader(templates_dir()),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        bytecode_cache=kept((__file__, quoting.__file__)),
    )
    env.filters.update(FILTERS)
    return env


def context(plan: Plan) -> dict[str, object]:
    """Return the plan as the templates see it: a branch for each dot of a key."""
    tree: Branch = {}
    for key, decision in plan.decisions.items():
        *parents, leaf = key.split(".")
        branch = tree
        for parent in parents:
            below = branch.setdefault(parent, {})
            if not isinstance(below, dict):
                msg = f"decision {key} lies below another one"
                raise TypeError(msg)
            branch = below
        value = decision.value
        if isinstance(value, (str, int, tuple)):
            branch[leaf] = value
        else:
            branch[leaf] = tuple(value.items())
    return tree


def text(template: str, values: Mapping[str, object]) -> tuple[str, dict[int, str]]:
    """Return one rendered template and which decision put each line there."""
    marked = environment().get_template(f"{template}.jinja").render(values)
    return _unmarked(_BLANKS.sub("\n\n\n", marked))


def _unmarked(marked: str) -> tuple[str, dict[int, str]]:
    """Take the marks out; each holds until a blank line or the next mark."""
    lines: list[str] = []
    why: dict[int, str] = {}
    key = ""
    for line in marked.splitlines(keepends=True):
        placed = _PLACED.fullmatch(line)
        if placed:
            key = placed[1]
            continue
        key = "" if not line.strip() else key
        lines.append(line)
        if key:
            why[len(lines)] = key
    return "".join(lines), why


def render(plan: Plan) -> tuple[RenderedFile, ...]:
    """Return every file of the plan; a secret one is empty until it is written."""
    values = context(plan)
    hosts = [(own, context(own)) for own in plan.each()] if plan.variants else []
    files = []
    for output in wanted(plan):
        for own, known in hosts if output.each and hosts else [(plan, values)]:
            body, why = (
                ("", {})
                if output.ownership == "secret"
                else text(output.template, known)
            )
            files.append(
                RenderedFile(
                    destination(output, own),
                    body.encode(),
                    output.mode,
                    output.ownership,
                    output.checker,
                    output.key,
                    why,
                )
            )
    return tuple(files)


def secret(plan: Plan) -> bytes:
    """Return a fresh secret file; nothing else ever holds what is in it."""
    fresh = {
        "secret_key": os.urandom(40).hex(),
        "database_password": os.urandom(24).hex(),
    }
    values = {**context(plan), **fresh}
    return text("deploy/env", values)[0].encode()


__all__ = ["context", "environment", "render", "secret", "templates_dir", "text"]
