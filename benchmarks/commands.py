"""Rows P1 to P8: whole commands of nextwizard beside those of its peers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import expressed
from expressed import NAME, Set
from measure import PAIRS, Command, Row, environment, in_turn, peak


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from peers import Environments


EXTENSIONS = "py,conf,inc,service,socket,txt,md,example"
FLEET = 20


@dataclass(frozen=True, slots=True)
class Bench:
    """The scratch directory in memory, the environments, and the set of templates."""

    scratch: Path
    env: Environments
    found: Set

    def target(self, tool: str) -> Path:
        """Return the directory a tool writes to; its name is the project's."""
        return self.scratch / "out" / tool / NAME

    def fresh(self, tool: str) -> Callable[[], None]:
        """Return what puts a fresh copy of the sample project there."""
        return lambda: expressed.project(self.target(tool))

    @property
    def extension(self) -> Mapping[str, str]:
        """What a peer's process needs to find the filters."""
        return {"PYTHONPATH": str(self.scratch / "filters"), **IDENTITY}


IDENTITY = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "bench",
    "GIT_AUTHOR_EMAIL": "bench@example.org",
    "GIT_COMMITTER_NAME": "bench",
    "GIT_COMMITTER_EMAIL": "bench@example.org",
}


def prepare(bench: Bench) -> None:
    """Write the templates of every peer."""
    place = bench.scratch
    (place / "filters").mkdir()
    (place / "answers.toml").write_text(expressed.ANSWERS)
    expressed.filters(place / "filters")
    expressed.for_copier(place / "copier", bench.found)
    expressed.for_cookiecutter(place / "cookiecutter", bench.found)
    expressed.for_startproject(place / "startproject", bench.found)
    expressed.for_floor(place / "floor", bench.found)


def init(bench: Bench) -> Command:
    """Return `nextwizard init --answers` on a fresh project."""
    target, answers = bench.target("own"), bench.scratch / "answers.toml"
    argv = [bench.env.ours(), "init", str(target), "--answers", str(answers)]
    return Command("nextwizard init --answers", argv, bench.fresh("own"))


def copier(bench: Bench) -> Command:
    """Return `copier copy` of the same templates onto a fresh project."""
    place = bench.scratch
    argv = [bench.env.theirs("copier"), "copy", "--trust", "--defaults", "-q", "-f"]
    argv += ["--data-file", str(place / "copier-data.yml")]
    argv += [str(place / "copier"), str(bench.target("copier"))]
    return Command("copier copy", argv, bench.fresh("copier"), env=bench.extension)


def cookiecutter(bench: Bench) -> Command:
    """Return `cookiecutter --no-input` of the same templates onto a fresh project."""
    out = bench.target("cookiecutter").parent
    argv = [bench.env.theirs("cookiecutter"), "--no-input", "-f", "-o", str(out)]
    argv.append(str(bench.scratch / "cookiecutter"))
    env = {**bench.extension, "HOME": str(bench.scratch)}
    return Command("cookiecutter", argv, bench.fresh("cookiecutter"), env=env)


def startproject(bench: Bench) -> Command:
    """Return Django's `startproject --template` into an empty directory."""
    target = bench.target("startproject")

    def empty() -> None:
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)

    argv = [bench.env.theirs("django-admin"), "startproject", "-e", EXTENSIONS]
    argv += ["--template", str(bench.scratch / "startproject"), NAME, str(target)]
    return Command("django-admin startproject", argv, empty)


def floor(bench: Bench) -> Command:
    """Return the bare jinja2 script on a fresh project."""
    place = bench.scratch / "floor"
    argv = [bench.env.ours("python"), str(place / "floor.py"), str(place)]
    argv.append(str(bench.target("floor")))
    return Command("a bare jinja2 script", argv, bench.fresh("floor"))


def equal(bench: Bench, tool: str, command: Command) -> None:
    """Run once and hold what was written against ours, byte for byte."""
    command.run()
    for path, data in bench.found.rendered.items():
        there = (bench.target(tool) / path).read_bytes()
        if there != data:
            message = f"{command.name} writes another {path}"
            (bench.scratch / "differs").write_bytes(there)
            raise AssertionError(message)


def rows(bench: Bench) -> Iterator[Row]:
    """Yield P1 to P8."""
    own = init(bench)
    peers = {
        "copier": copier(bench),
        "cookiecutter": cookiecutter(bench),
        "startproject": startproject(bench),
        "floor": floor(bench),
    }
    for tool, command in {"own": own, **peers}.items():
        equal(bench, tool, command)
    count = len(bench.found.rendered)
    what = f"the same {count} files"
    yield in_turn("P1", what, ">= 4", own, peers["copier"])
    yield in_turn("P2", what, ">= 2.5", own, peers["cookiecutter"])
    yield in_turn("P3", what, ">= 0.67", own, peers["floor"])
    yield in_turn("-", f"{what}, finished text", "", own, peers["startproject"])
    yield from helps(bench)
    yield again(bench)
    yield from fleets(bench)
    try:
        yield changed(bench)
    except RuntimeError as error:
        print(f"bench: P7 is not measured: {error}", file=sys.stderr)


def helps(bench: Bench) -> Iterator[Row]:
    """Yield P5: the help beside copier's, and beside an interpreter alone."""
    own = Command("nextwizard --help", [bench.env.ours(), "--help"])
    peer = Command("copier --help", [bench.env.theirs("copier"), "--help"])
    bare = Command("python -c pass", [bench.env.ours("python"), "-c", "pass"])
    yield in_turn("P5", "the help", ">= 9", own, peer)
    yield in_turn("P5", "an interpreter that does nothing", ">= 0.33", own, bare)


def _git(folder: Path, *words: str) -> None:
    argv = ["git", "-C", str(folder), *words]
    env = environment(IDENTITY)
    subprocess.run(argv, check=True, capture_output=True, env=env)


def _repository(folder: Path, tag: str = "") -> None:
    """Commit everything in a folder, and tag it."""
    if not (folder / ".git").is_dir():
        _git(folder, "init", "-q", "-b", "main")
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "--allow-empty", "-m", tag or "all")
    if tag:
        _git(folder, "tag", tag)


def again(bench: Bench) -> Row:
    """Return P6: nothing has changed since the last run."""
    init(bench).run()
    argv = [bench.env.ours(), "regenerate", str(bench.target("own"))]
    own = Command("nextwizard regenerate", argv)
    _repository(bench.scratch / "copier", "v1.0.0")
    copier(bench).run()
    target = str(bench.target("copier"))
    argv = [bench.env.theirs("copier"), "recopy", "--trust", "-f", "-q", target]
    peer = Command("copier recopy", argv, env=bench.extension)
    return in_turn("P6", "nothing to do", ">= 10", own, peer)


EDITED = "config/settings/prod.py"
_MINE = "\nPEOPLE_EDIT_THIS = True\n"
_NEWS = "# A line that the next release of the templates brings.\n"


def changed(bench: Bench) -> Row:
    """Return P7: one file changed on both sides, merged three ways."""
    newer = bench.scratch / "newer"
    package = next(bench.env.own.glob("lib/python*/site-packages/nextwizard"))
    shutil.copytree(package, newer / "nextwizard")
    template = newer / "nextwizard/templates/django/settings/prod.py.jinja"
    _prepend(template)
    compiled = [bench.env.ours("python"), "-m", "compileall", "-q", str(newer)]
    subprocess.run(compiled, check=True)
    init(bench).run()
    kept = _edited(bench, "own")
    argv = [bench.env.ours(), "regenerate", str(bench.target("own"))]
    path = {"PYTHONPATH": str(newer)}
    own = Command("nextwizard regenerate", argv, _back(bench, "own", kept), env=path)
    copier(bench).run()
    theirs = _edited(bench, "copier")
    _repository(theirs)
    _prepend(bench.scratch / "copier" / f"{EDITED}.jinja")
    _repository(bench.scratch / "copier", "v2.0.0")
    argv = [bench.env.theirs("copier"), "update", "--trust", "--defaults", "-q"]
    back = _back(bench, "copier", theirs)
    where = str(bench.target("copier"))
    peer = Command("copier update", argv, back, where, bench.extension)
    row = in_turn("P7", "one file changed on both sides", ">= 8", own, peer)
    for tool in ("own", "copier"):
        text = (bench.target(tool) / EDITED).read_text()
        if _MINE not in text or _NEWS not in text:
            message = f"{tool} did not merge {EDITED}"
            raise AssertionError(message)
    return row


def _prepend(template: Path) -> None:
    template.write_text(_NEWS + template.read_text())


def _edited(bench: Bench, tool: str) -> Path:
    """Edit a file by hand, and return a copy of the whole project."""
    with (bench.target(tool) / EDITED).open("a") as file:
        file.write(_MINE)
    kept = bench.scratch / f"edited-{tool}"
    shutil.copytree(bench.target(tool), kept, symlinks=True)
    return kept


def _back(bench: Bench, tool: str, kept: Path) -> Callable[[], None]:
    """Return what puts the edited project back."""

    def back() -> None:
        shutil.rmtree(bench.target(tool), ignore_errors=True)
        shutil.copytree(kept, bench.target(tool), symlinks=True)

    return back


FLEETS = {
    "own": """
import sys, time
from nextwizard.document import read_document
from nextwizard.workflow import apply, inspect, propose
answers, *places = sys.argv[1:]
with open(answers, "rb") as file:
    said = read_document(file.read(), answers, "file")
def one(place):
    apply(propose(inspect(place), [said]))
""",
    "copier": """
import sys, time, yaml
from copier import run_copy
template, data, *places = sys.argv[1:]
with open(data) as file:
    said = yaml.safe_load(file)
def one(place):
    run_copy(template, place, data=said, defaults=True, overwrite=True, quiet=True,
             unsafe=True)
""",
    "cookiecutter": """
import os, sys, time
from cookiecutter.main import cookiecutter
template, *places = sys.argv[1:]
def one(place):
    cookiecutter(template, no_input=True, overwrite_if_exists=True,
                 output_dir=os.path.dirname(place))
""",
}
"""Many projects in one process, by each tool's library."""

_LOOP = """
import json, resource
began = time.process_time()
for number, place in enumerate(places):
    one(place)
    if number == 0:
        first = time.process_time()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
last = time.process_time()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
each = (last - first) / max(1, len(places) - 1)
print(json.dumps({"each": each, "grown": peak / memory, "peak": peak / 1024}),
      file=sys.stderr)
"""


def _fleet(bench: Bench, tool: str, *before: str, count: int = FLEET) -> Command:
    """Return one process that makes many projects."""
    places = [
        str(bench.scratch / "fleet" / tool / str(number) / NAME)
        for number in range(count)
    ]

    def fresh() -> None:
        for place in places:
            expressed.project(bench.scratch.__class__(place))

    python = bench.env.ours("python") if tool == "own" else bench.env.theirs("python")
    argv = [python, "-c", FLEETS[tool] + _LOOP, *before, *places]
    return Command(f"{tool}, {count} projects", argv, fresh, env=bench.extension)


def fleets(bench: Bench) -> Iterator[Row]:
    """Yield P8: twenty projects in one process."""
    place = bench.scratch
    own = _fleet(bench, "own", str(place / "answers.toml"))
    data = str(place / "copier-data.yml")
    one = _fleet(bench, "copier", str(place / "copier"), data)
    two = _fleet(bench, "cookiecutter", str(place / "cookiecutter"))
    what, pairs = f"{FLEET} projects in one process", min(PAIRS, 3)
    yield in_turn("P8", what, ">= 20", own, one, pairs)
    yield in_turn("P8", what, ">= 6", own, two, pairs)


def peaks(bench: Bench) -> Mapping[str, float]:
    """Return P4: the MiB that each tool holds at its peak."""
    made = (init(bench), copier(bench), cookiecutter(bench))
    python = bench.env.ours("python")
    return {command.name: peak(command, python) for command in made}


def marginal(bench: Bench, count: int = 1000) -> Mapping[str, float]:
    """Return what one more project costs, and how memory grew over many."""
    command = _fleet(bench, "own", str(bench.scratch / "answers.toml"), count=count)
    command.prepare()
    env = environment(command.env or {})
    done = subprocess.run(command.argv, check=True, capture_output=True, env=env)
    found: Mapping[str, float] = json.loads(done.stderr.splitlines()[-1])
    return found
