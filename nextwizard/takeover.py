"""What becomes of the files a project already has: which edit each of them gets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from . import adopt
from .catalog import ANSWERS_FILE, templates_dir
from .document import SCHEMA, read_document
from .errors import Problem
from .questions import KEPT, QUESTIONS
from .render import context, text
from .values import MADE, Change, RenderedFile


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .document import Layer
    from .scan import Tree
    from .state import Disk, Record
    from .values import Answer, Answers, Plan, Project, Status, Value


_ENTRYPOINTS: dict[str, Literal["wsgi", "asgi"]] = {"wsgi": "wsgi", "asgi": "asgi"}
_POINTERS = ("manage.py", "conftest.py", "pytest.ini", "tox.ini", "setup.cfg")
_PROBED = ("/page.py", "/health.py")


def lost(tree: Tree, disk: Disk) -> Iterator[str]:
    """Yield the settings and the health pages of an init whose record is lost.

    For the settings their __init__.py tells, which holds no value and so is the
    template itself; a page or view that answers probes says in its head who made it.
    """
    made = None
    probed = _PROBED if disk.read(ANSWERS_FILE) is not None else ()
    for path in tree.files:
        if f"/{path}".endswith("/settings/__init__.py"):
            made = made or _template("django", "settings", "__init__.py.jinja")
            if (disk.read(path) or b"").split() == made:
                yield f"{path.removesuffix('__init__.py')}prod.py"
        elif path.endswith(probed) and MADE in (disk.read(path) or b"")[:400]:
            yield path


def _template(*names: str) -> list[bytes]:
    with open(os.path.join(templates_dir(), *names), "rb") as file:
        return file.read().split()


def entrypoints(
    files: Sequence[RenderedFile], plan: Plan, disk: Disk, record: Record
) -> tuple[list[RenderedFile], dict[str, str]]:
    """Return the files, and which of the user's are replaced: startproject's own.

    Of a wsgi.py or asgi.py with a setdefault everything but its literal stays; any
    other is left for `hold` to call a conflict.
    """
    found: list[RenderedFile] = []
    taken: dict[str, str] = {}
    for file in files:
        now = disk.read(file.path)
        if file.key not in _ENTRYPOINTS or now is None or file.path in record.files:
            found.append(file)
            continue
        kind = adopt.entrypoint(now, _ENTRYPOINTS[file.key], path=file.path)
        if kind == "adoptable":
            module = str(plan["settings.prod"])
            data = adopt.adopt_entrypoint(now, module, path=file.path)
            found.append(_adopted(file.path, data))
            continue
        if kind == "stock":
            taken[file.path] = "take"
        found.append(file)
    return found, taken


def _adopted(path: str, data: bytes) -> RenderedFile:
    return RenderedFile(path, data, 0o644, "adopted")


def files(project: Project, plan: Plan, disk: Disk) -> list[RenderedFile]:
    """Return the anchored edits of the user's files, and the moved settings."""
    found = [*_moved(project, plan, disk), *_pointed(plan, disk)]
    if plan["health.via"] == "urls":
        path = project.layout.urlconf
        now = disk.read(path)
        if now is not None:
            found.append(_adopted(path, _routed(now, path, plan)))
    secret = f"/deploy/{plan['project.name']}.env"
    ignored = adopt.add_ignores(disk.read(".gitignore"), (secret, "/staticfiles/"))
    return [*found, _adopted(".gitignore", ignored)]


def _routed(now: bytes, path: str, plan: Plan) -> bytes:
    entries = [(str(plan["health.route"]), "healthz")]
    if plan["health.ready"]:
        entries.append(("readyz/", "readyz"))
    module = str(plan["module.health"])
    from .adopt.urls import add_health_urls

    return add_health_urls(now, module=module, entries=entries, path=path)


def _moved(project: Project, plan: Plan, disk: Disk) -> list[RenderedFile]:
    """Return settings/base.py, made from settings.py while that still stands."""
    if not plan["settings.split"]:
        return []
    settings = project.layout.settings
    now = disk.read(settings.path)
    if now is None:
        return []
    split = adopt.split_settings(now, path=settings.path, module=settings.module)
    path = f"{plan['settings.folder']}/base.py"
    return [RenderedFile(path, split.base, 0o644, "moved", origin=settings.path)]


def _pointed(plan: Plan, disk: Disk) -> list[RenderedFile]:
    """Return manage.py and the test configuration, pointing to the dev settings."""
    if not plan["settings.ours"]:
        return []
    old, new = str(plan["settings.package"]), str(plan["settings.dev"])
    manage = str(plan["paths.manage_here"])
    folder = manage.rpartition("/")[0]
    below = [f"{folder}/{name}" for name in _POINTERS] if folder else []
    found = []
    for path in dict.fromkeys((manage, *_POINTERS, *below, "pyproject.toml")):
        now = disk.read(path)
        if now is None:
            continue
        data = adopt.repoint(now, path=path, old=old, new=new)
        if data != now or path == manage:
            found.append(_adopted(path, data))
    return found


def change(file: RenderedFile, disk: Disk) -> Change | None:
    """Return the change of a file that is edited in place; None for a rendering."""
    if file.ownership not in {"adopted", "answers", "moved"}:
        return None
    now = disk.read(file.path)
    status: Status = "new" if now is None else "update"
    if file.ownership == "moved":
        status = "moved"
    elif now == file.data:
        status = "same"
    elif file.ownership == "adopted" and now is not None:
        status = "adopted"
    return Change(
        file.path,
        status,
        now,
        file.data,
        file.mode,
        file.ownership,
        origin=file.origin,
    )


def answers_file(
    answers: Answers, plan: Plan, stored: Layer | None, disk: Disk
) -> RenderedFile:
    """Return nextwizard.toml: made once, then only changed keys are rewritten."""
    now = disk.read(ANSWERS_FILE)
    if now is None or stored is None:
        values = {**context(plan), "answers": _sections(answers), "schema": SCHEMA}
        data = text("answers.toml", values)[0].encode()
    else:
        data = _updated(now, answers, stored)
    return RenderedFile(ANSWERS_FILE, data, 0o644, "answers")


def _updated(now: bytes, answers: Answers, stored: Layer) -> bytes:
    """Return the user's answers file with what was said since."""
    changed: dict[str, Value] = {}
    for key, answer in answers.items.items():
        if key == "environment":
            continue
        given = stored.values.get(key)
        raw = given.raw if given else None
        same = tuple(raw) if isinstance(raw, list) else raw
        said = answer.source in {"flag", "file", "user"}
        if (said and same != answer.value) or (not answer.touched and key in KEPT):
            changed[key] = answer.value
    for name, value in dict(_table(answers)).items():
        given = stored.values.get(f"environment.{name}")
        if given is None or given.raw != value:
            changed[f"environment.{name}"] = value
    if not changed:
        return now
    from .answersfile import update

    return update(now.decode("utf-8-sig"), changed).encode()


def marked(answers: Answers) -> bool:
    """Tell whether an answer holds a mark of any grammar; without, nothing breaks."""
    import re

    plain = re.compile(r"[A-Za-z0-9_./:@=+-]*")
    texts = [text for _name, text in _table(answers)]
    for answer in answers.items.values():
        value = answer.value
        if isinstance(value, tuple):
            texts += value
        elif isinstance(value, str):
            texts.append(value)
    return not all(map(plain.fullmatch, texts)) or bool(_table(answers))


def unread(answers: Answers, files: Sequence[RenderedFile]) -> list[Problem]:
    """Return each answer that its own file would not give back as answered."""
    data = next(file.data for file in files if file.path == ANSWERS_FILE)
    given = read_document(data, ANSWERS_FILE, "stored").values
    rows: dict[str, object] = {f"environment.{k}": v for k, v in _table(answers)}
    for key, answer in answers.items.items():
        if answer.source in _SAID and key != "environment":
            rows[key] = answer.value
    raw = {key: given[key].raw for key in rows if key in given}
    read = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
    what = f"would not stand in {ANSWERS_FILE} as answered"
    return [
        Problem(key, what, "This is a bug in nextwizard. Report it.")
        for key, value in rows.items()
        if read.get(key) != value
    ]


_SAID = frozenset({"flag", "file", "user"})


def _table(answers: Answers) -> tuple[tuple[str, str], ...]:
    value = answers["environment"]
    return () if isinstance(value, (str, int, tuple)) else tuple(value.items())


def _sections(answers: Answers) -> list[dict[str, object]]:
    """Return the rows of a fresh answers file, section by section."""
    sections: dict[str, list[dict[str, object]]] = {}
    for question in QUESTIONS:
        section, _, leaf = question.key.partition(".")
        if leaf:
            row = _row(leaf, answers.items[question.key], question.key in KEPT)
            sections.setdefault(section, []).append(row)
    variables = [
        {"leaf": name, "value": value, "live": True, "remark": ""}
        for name, value in _table(answers)
    ]
    sections["environment"] = variables
    return [{"name": name, "rows": rows} for name, rows in sections.items()]


def _row(leaf: str, answer: Answer, kept: bool) -> dict[str, object]:  # noqa: FBT001
    remark = answer.reason
    if answer.source == "detected":
        remark = f"detected: {answer.where}"
    live = answer.touched or kept
    return {
        "leaf": leaf,
        "value": answer.value,
        "live": live,
        "remark": "" if answer.touched else remark,
    }


__all__ = ["answers_file", "change", "entrypoints", "files", "marked", "unread"]
