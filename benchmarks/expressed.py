"""One set of templates, expressed for each tool.

The templates of the plain sample project's deployment are given to copier, cookiecutter
and a bare jinja2 script as they are (the same loops, branches and filters), and to
startproject as finished text with the project's name left to fill in, which is less
work. What each one writes is held against ours byte for byte before anything is timed.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextwizard.catalog import destination, wanted
from nextwizard.document import read_document
from nextwizard.render import context, render, templates_dir
from nextwizard.workflow import inspect, propose


if TYPE_CHECKING:
    from collections.abc import Mapping


ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "tests" / "projects" / "plain"
ANSWERS = 'schema = 1\n[hosting]\ndomains = ["notes.example.org"]\n'
NAME = "notes"

_WHY = re.compile(r"^[ \t]*\{# why: [a-z0-9_.]+ #\}\n", re.MULTILINE)
_INCLUDE = re.compile(r'\{% include "([^"]+)" %\}\n?')
_TAG = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
_TRIM = {"trim_blocks": True, "lstrip_blocks": True}
_JINJA = {**_TRIM, "keep_trailing_newline": True}

QUOTED = '''"""The filters of the templates for values that come from a document."""

from quoting import FILTERS


def of(quote):
    return lambda value: quote(tuple(value) if type(value) is list else value)


QUOTED = {name: of(quote) for name, quote in FILTERS.items()}
'''

GRAMMAR = '''"""The same filters as an extension of jinja2."""

from jinja2.ext import Extension
from quoted import QUOTED


class Grammar(Extension):
    def __init__(self, environment):
        super().__init__(environment)
        environment.filters.update(QUOTED)
'''

FLOOR = '''"""The least that renders these files: jinja2, a loop, no check, no fsync."""

import json
import os
import sys

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from quoted import QUOTED

source, target = sys.argv[1:]
with open(os.path.join(source, "values.json")) as file:
    values = json.load(file)
tree = os.path.join(source, "templates")
env = Environment(
    loader=FileSystemLoader(tree), undefined=StrictUndefined, **values.pop("_jinja")
)
env.filters.update(QUOTED)
for path in values.pop("_paths"):
    place = os.path.join(target, path)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    text = env.get_template(path).render(values)
    with open(place, "w", newline="") as file:
        file.write(text)
'''


@dataclass(frozen=True, slots=True)
class Set:
    """The templates with their includes filled in, the values, and what comes out."""

    sources: Mapping[str, str]
    values: Mapping[str, Any]
    rendered: Mapping[str, bytes]


def project(target: Path) -> None:
    """Put a fresh copy of the sample project where there may be one already."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(SAMPLE, target, ignore=shutil.ignore_patterns("__pycache__"))


def read(scratch: Path) -> Set:
    """Return the set of one deployment: every file that comes from a template."""
    place = scratch / NAME
    project(place)
    answers = read_document(ANSWERS.encode(), "answers.toml", "file")
    plan = propose(inspect(str(place)), [answers]).plan
    known = [output for output in wanted(plan) if output.ownership != "secret"]
    sources = {destination(o, plan): _source(f"{o.template}.jinja") for o in known}
    files = {file.path: file.data for file in render(plan)}
    values = json.loads(json.dumps(context(plan)))
    return Set(sources, values, {path: files[path] for path in sources})


def _source(template: str) -> str:
    """Return a template as one text: no marks, nothing left to include."""
    text = Path(templates_dir(), template).read_text(encoding="utf-8")
    filled = _INCLUDE.sub(lambda hit: _source(hit[1]), text)
    return _WHY.sub("", filled)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8", newline="")


def filters(folder: Path) -> None:
    """Write the filters where a peer can import them."""
    _write(folder, {"grammar.py": GRAMMAR, "quoted.py": QUOTED})
    shutil.copy(ROOT / "nextwizard" / "quoting.py", folder / "quoting.py")


def for_copier(folder: Path, found: Set) -> None:
    """Write a copier template, one question a branch of the values."""
    head = {
        "_templates_suffix": ".jinja",
        "_envops": _JINJA,
        "_jinja_extensions": ["grammar.Grammar"],
        **{name: {"type": "json"} for name in found.values},
    }
    files = {f"{path}.jinja": text for path, text in found.sources.items()}
    answers = "{{ _copier_answers | to_nice_yaml }}"
    record = {"{{ _copier_conf.answers_file }}.jinja": answers}
    _write(folder, {**files, **record, "copier.yml": json.dumps(head)})
    _write(folder.parent, {"copier-data.yml": json.dumps(found.values)})


def for_cookiecutter(folder: Path, found: Set) -> None:
    """Write a cookiecutter template; private variables, which it does not render."""
    head = {
        "project": NAME,
        "_extensions": ["grammar.Grammar"],
        "_jinja2_env_vars": _TRIM,
        **{f"_{name}": value for name, value in found.values.items()},
    }
    names = "|".join(found.values)
    pattern = re.compile(rf"(?<![\w.\"/])({names})(?=\.)|(?<= in )({names})\b")
    inside = "{{cookiecutter.project}}"
    files = {
        f"{inside}/{path}": _TAG.sub(
            lambda hit: pattern.sub(lambda m: f"cookiecutter._{m[0]}", hit[0]), text
        )
        for path, text in found.sources.items()
    }
    _write(folder, {**files, "cookiecutter.json": json.dumps(head)})


def for_startproject(folder: Path, found: Set) -> None:
    """Write a startproject template: finished text, the project's name left open."""
    files = {}
    for path, data in found.rendered.items():
        parts = data.decode().split(NAME)
        kept = [f"{{% verbatim %}}{part}{{% endverbatim %}}" for part in parts]
        files[_named(path)] = "{{ project_name }}".join(kept)
    _write(folder, files)


def _named(path: str) -> str:
    return path.replace(NAME, "project_name")


def for_floor(folder: Path, found: Set) -> None:
    """Write the bare script, its templates and its values."""
    values = {**found.values, "_jinja": _JINJA, "_paths": list(found.sources)}
    files = {f"templates/{path}": text for path, text in found.sources.items()}
    _write(folder, {**files, "values.json": json.dumps(values), "floor.py": FLOOR})
    filters(folder)
