"""The ground of a smoke test: interpreter, scratch directory, data, what runs."""

from __future__ import annotations

import glob
import os
import sqlite3
import sys
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nextwizard import stage
from nextwizard.errors import InputError, Problem, ToolError
from nextwizard.exact import interpreters
from nextwizard.tools import find, run

from .visitor import Visitor


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nextwizard.tools import Server
    from nextwizard.workflow import Proposal

    from .recorder import Recorder


BOOTABLE = ("systemd", "supervisor")
"""The targets whose generated files a stage can run without root."""

_LARGEST_COPY = 512 * 1024 * 1024
"""Bytes of a SQLite file that is still copied; a larger one is left where it is."""

_NOWHERE = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": "9"}
"""Mail goes to the discard port of loopback: a probe must not write to anybody."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a smoke test was asked: all fields have a default.

    `only` are keys of probes, or their part before the dot; `slow` adds those that wait
    for more than ten seconds; `database` is the URL of a database that may be migrated
    and written to; `python` and `proxy` name programs other than those that are found.
    """

    slow: bool = False
    only: tuple[str, ...] = ()
    database: str = ""
    python: str = ""
    proxy: str = ""

    def wants(self, key: str) -> bool:
        """Whether a probe is asked for."""
        return not self.only or key in self.only or key.partition(".")[0] in self.only


@dataclass
class Site:
    """The staged deployment, and what of it is up right now.

    `stood` names the variables of a database that nobody set: a file stands in.
    """

    on: stage.Stage
    options: Options
    placeholder: bool = False
    data: str = ""
    stood: tuple[str, ...] = ()
    proxy: Server | None = None
    app: stage.Service | None = None
    recorder: Recorder | None = None
    visitor: Visitor = field(init=False)

    def __post_init__(self) -> None:
        """Stand for a visitor of this stage."""
        self.visitor = Visitor(self.on, proxied=self.on.text("proxy.kind") != "none")

    @property
    def kind(self) -> str:
        """The proxy: nginx, caddy or none."""
        return self.on.text("proxy.kind")

    @property
    def service(self) -> stage.Service:
        """The running application; ToolError before it runs."""
        if self.app is None:
            raise ToolError(Problem("the server", "is not running", ""))
        return self.app

    @property
    def stand_in(self) -> Recorder:
        """What stands where the application will; ToolError when it does not."""
        if self.recorder is None:
            raise ToolError(Problem("the stand-in", "is not running", ""))
        return self.recorder


def ground(proposal: Proposal, scratch: str, options: Options) -> Site:
    """Return the deployment's site in a scratch directory; nothing is started.

    InputError when nothing was generated, or for a target that has no process here.
    """
    plan, root = proposal.plan, proposal.inspection.root
    target = str(plan["hosting.target"])
    if proposal.inspection.record is None:
        fix = f"Run `nextwizard init {root}` first."
        raise InputError(Problem(root, "has no generated deployment", fix))
    if target not in BOOTABLE:
        what = f'"{target}" is booted by its own runtime, not by smoke'
        fix = (
            'Follow "Smoke test" in deploy/README.md; smoke boots systemd, supervisor.'
        )
        raise InputError(Problem("hosting.target", what, fix))
    own = plan["server.unix"] is True or plan["hosts.on"] is True
    on = stage.Stage(
        root,
        scratch,
        plan,
        interpreter(root, options),
        stage.free_port(),
        stage.free_port(),
        0 if own else stage.free_port(),
    )
    names = {note.id for note in plan.notes}
    return Site(on, options, placeholder="hosting.placeholder" in names)


def interpreter(root: str, options: Options) -> str:
    """Return the project's own interpreter: the first place that has Django.

    InputError names where was looked.
    """
    places = (options.python,) if options.python else interpreters(root)
    found = [place for place in places if os.path.exists(place)]
    for place in found:
        if not run([place, "-c", "import django"], timeout=30).code:
            return place
    where = ", ".join(found or places)
    fix = "Install the project's packages there, or name another: --python PATH."
    raise InputError(Problem("the project's Python", f"no Django in {where}", fix))


def program(site: Site) -> str:
    """Return the proxy's program: as asked, installed, or beside the interpreter."""
    if site.options.proxy:
        return site.options.proxy
    beside = [
        os.path.join(os.path.dirname(python), site.kind)
        for python in (site.on.python, sys.executable)
    ]
    return find(site.kind) or next(filter(os.path.exists, beside), "")


def furnish(site: Site) -> None:
    """Make what the server needs: secrets, static files, a database of its own.

    The secret file is copied and then overruled: no probe reaches the database, the
    mail server or the key of the real deployment. Raises ToolError.
    """
    on, options = site.on, site.options
    stage.copy_secrets(on)
    engine = on.text("data.engine")
    url = options.database or stage.PLACEHOLDERS.get(engine, "")
    said = {"SECRET_KEY": os.urandom(40).hex(), **_NOWHERE}
    addresses = _addresses(site)
    said |= addresses
    if on.plan["data.url"] is True:
        said["DATABASE_URL"] = url
    with open(on.place("env"), "a", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in said.items())
    stage.manage(on, "collectstatic", "--noinput", **on.building)
    if engine == "sqlite":
        _copy_sqlite(site)
        stage.manage(on, "migrate", "--noinput")
        site.data = "scratch"
    elif options.database and on.plan["data.url"] is True:
        stage.manage(on, "migrate", "--noinput")
        site.data = "given"
    elif addresses:
        _migrate(site, addresses)
        site.data = "given" if options.database else "scratch"
    elif on.plan["data.url"] is not True:
        site.data = "settings"
    if on.text("cache.kind") == "database" and site.data in {"scratch", "given"}:
        stage.manage(on, "createcachetable")


def needs(site: Site, name: str) -> str:
    """Return what to do about a service that readiness misses and smoke was not given.

    `name` is readiness's own: database, migrations or cache.
    """
    secrets = f"deploy/{site.on.text('project.name')}.env"
    if name == "cache":
        return "Start Redis here, or set REDIS_URL to a throw-away one."
    if name == "migrations":
        return f"It is left as it is: migrate it, or set another one in {secrets}."
    if site.data == "settings":
        return (
            f"Start the one that your settings name, or set another one in {secrets}."
        )
    return "Name one that may be written to: --database URL."


def _addresses(site: Site) -> dict[str, str]:
    """Return the addresses of a database that the settings read by a name of their own.

    `--database` overrules what they are; one that nobody set gets a file of the trial.
    ToolError where `--database` would reach nobody.
    """
    on, given = site.on, site.options.database
    if on.text("data.engine") == "sqlite" or on.plan["data.url"] is True:
        return {}
    rows = [word.partition("=") for word in on.items("settings.built")]
    names = [name for name, _, stand_in in rows if stand_in.startswith("sqlite:")]
    if given and not names:
        what = "reaches nobody: your settings read no address of a database"
        fix = f"Set what they read in deploy/{on.text('project.name')}.env instead."
        raise ToolError(Problem("--database", what, fix))
    now = stage.secrets(on)
    own = f"sqlite:///{on.place('state', 'trial.sqlite3')}"
    stand_ins = {name: value for name, _, value in rows}
    unset = [name for name in names if now.get(name) == stand_ins[name]]
    site.stood = () if given else tuple(unset)
    return dict.fromkeys(names, given) if given else dict.fromkeys(unset, own)


def _migrate(site: Site, addresses: Iterable[str]) -> None:
    """Migrate the database of these variables; ToolError says what to set instead."""
    try:
        stage.manage(site.on, "migrate", "--noinput")
    except ToolError as error:
        if site.options.database:
            raise
        names, what = ", ".join(addresses), error.problems[0].what
        what = f"is not set, and in the SQLite file that stands in {what}"
        fix = "Name a database that may be written to: --database URL."
        raise ToolError(Problem(names, what, fix)) from error


def _copy_sqlite(site: Site) -> None:
    """Copy the project's SQLite files into the state directory, consistently."""
    for path in _sqlite_files(site.on.root):
        target = site.on.place("state", os.path.basename(path))
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)


def _sqlite_files(root: str) -> Iterator[str]:
    for pattern in ("*.sqlite3", "*.db", "*.sqlite"):
        for path in glob.glob(os.path.join(glob.escape(root), pattern)):
            if os.path.isfile(path) and os.path.getsize(path) <= _LARGEST_COPY:
                yield path


__all__ = [
    "BOOTABLE",
    "Options",
    "Site",
    "furnish",
    "ground",
    "interpreter",
    "needs",
    "program",
]
