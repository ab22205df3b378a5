"""What a later run does to a person's edits: nextwizard and copier, the same edits.

    benchmarks/reliability.py --copier PATH

Each scenario edits one generated file, has the tool bring the project up to date with
something new for that file, and looks at what is left. A scenario is lost when bytes of
the person's are gone or changed, or a mode is wider, whatever git could bring back.
Conflict markers in the file itself lose nothing, but it is no configuration any more.
"""

from __future__ import annotations

import argparse
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable


HERE = Path(__file__).resolve().parent
SAMPLE = HERE.parent / "tests/projects/plain"
MINE = b"# mine\n"


def call(argv: list[str], cwd: Path) -> int:
    """Run a command quietly and return its exit code."""
    env = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(cwd.parent)}
    for who in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{who}_NAME": "A", f"GIT_{who}_EMAIL": "a@example.com"}
    done = subprocess.run(
        argv, cwd=cwd, env=env, capture_output=True, check=False, timeout=120
    )
    return done.returncode


def must(code: int) -> None:
    """End with a message when what has to work did not."""
    if code:
        sys.exit(f"a tool could not make its project: exit {code}")


def commit(root: Path) -> None:
    """Make the tree clean for a tool that wants that."""
    for argv in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        call(["git", *argv], root)


class Nextwizard:
    """A deployment, brought up to date with new answers."""

    name = "nextwizard"
    target, dropped = "deploy/boot.py", "deploy/nginx/notes.conf"
    fresh, private = "deploy/caddy/notes.caddy", "deploy/notes.env"
    changed = b"\nCORES = "

    def make(self, folder: Path) -> Path:
        """Return a project after its first run."""
        root = folder / "notes"
        shutil.copytree(SAMPLE, root)
        must(self.run(root, "init", "--yes", "--set", "sizing.cores=2"))
        return root

    def run(self, root: Path, command: str, *flags: str) -> int:
        """Run nextwizard."""
        argv = [sys.executable, "-m", "nextwizard", command, str(root), *flags]
        return call(argv, HERE.parent)

    def update(self, root: Path) -> int:
        """Bring it up to date: one line of the target changes, files come and go."""
        flags = ("--set", "sizing.cores=8", "--set", "hosting.proxy=caddy")
        return self.run(root, "regenerate", *flags)


class Copier:
    """A project of a template with two versions, brought up to date."""

    name = "copier"
    target, dropped, fresh, private = "boot.py", "site.conf", "site.caddy", "notes.env"
    changed = b"\nCORES = "

    def __init__(self, program: str) -> None:
        """Use this copier."""
        self.program = program

    def make(self, folder: Path) -> Path:
        """Return a committed project of the first version."""
        template = folder / "template"
        template.mkdir()
        answers = "{{ _copier_conf.answers_file }}.jinja"
        (template / answers).write_text("{{ _copier_answers|to_nice_yaml }}")
        (template / "copier.yml").write_text("name: notes\n")
        lines = [f"LINE_{number} = {number}" for number in range(20)]
        lines[10] = "CORES = 2"
        (template / "boot.py").write_text("\n".join(lines) + "\n")
        (template / "site.conf").write_text("".join(f"a{n};\n" for n in range(20)))
        (template / "notes.env").write_text("KEY=1\nOTHER=2\n")
        (template / ".gitignore").write_text("notes.env\nsite.caddy\n")
        for argv in (["init", "-q"], ["add", "-f", "-A"], ["commit", "-qm", "1"]):
            call(["git", *argv], template)
        call(["git", "tag", "v1"], template)
        root = folder / "notes"
        argv = [self.program, "copy", "--defaults", "-q", "--vcs-ref", "v1"]
        must(call([*argv, str(template), str(root)], folder))
        lines[10] = "CORES = 8"
        (template / "boot.py").write_text("\n".join(lines) + "\n")
        (template / "site.conf").unlink()
        (template / "site.caddy").write_text("new\n")
        (template / "notes.env").write_text("KEY=1\nOTHER=3\n")
        for argv in (["add", "-f", "-A"], ["commit", "-qm", "2"], ["tag", "v2"]):
            call(["git", *argv], template)
        return root

    def update(self, root: Path) -> int:
        """Bring it up to date with the second version, from a clean tree."""
        commit(root)
        argv = [self.program, "update", "--defaults", "-q", "--vcs-ref", "v2"]
        return call([*argv, str(root)], root)


type Tool = Nextwizard | Copier


def add(path: Path, data: bytes) -> None:
    """Append to a file, made when it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(data)


def meet(path: Path) -> None:
    """Change the very line that the update changes."""
    path.write_bytes(path.read_bytes().replace(b"\nCORES = 2", b"\nCORES = 3"))


def crlf(path: Path) -> None:
    """Give a file the other line ends, and one line more."""
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + b"# mine\r\n")


def mixed(data: bytes) -> bool:
    """Tell whether both line ends stand in a file."""
    return 0 < data.count(b"\r\n") < data.count(b"\n")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the matrix: its number there, its words, the edit, what must hold."""

    number: int
    words: str
    edit: Callable[[Path, Tool], object]
    kept: Callable[[Path, Tool, int], bool]


def _held(where: str, data: bytes) -> Callable[[Path, Tool, int], bool]:
    """Return whether a file still ends with what the person wrote."""
    return lambda root, tool, _: (
        (root / getattr(tool, where)).is_file()
        and (root / getattr(tool, where)).read_bytes().endswith(data)
    )


def _wide(root: Path, tool: Tool, _code: int) -> bool:
    mode = stat.S_IMODE((root / tool.target).stat().st_mode)
    return mode == 0o600  # noqa: PLR2004 - what the edit set


def _same_line(root: Path, tool: Tool, code: int) -> bool:
    """Hold the person's line, no markers in place, and a code that says so."""
    data = (root / tool.target).read_bytes()
    return b"\nCORES = 3" in data and b"<<<<<<<" not in data and code != 0


def _even(root: Path, tool: Tool, _code: int) -> bool:
    data = (root / tool.target).read_bytes()
    return b"# mine" in data and not mixed(data) and b"<<<<<<<" not in data


SCENARIOS = (
    Scenario(
        3,
        "edit on a far line",
        lambda r, t: add(r / t.target, MINE),
        _held("target", MINE),
    ),
    Scenario(4, "edit on the same line", lambda r, t: meet(r / t.target), _same_line),
    Scenario(
        7,
        "file deleted",
        lambda r, t: (r / t.target).unlink(),
        lambda r, t, _: not (r / t.target).exists(),
    ),
    Scenario(
        9,
        "edited, and no longer made",
        lambda r, t: add(r / t.dropped, MINE),
        _held("dropped", MINE),
    ),
    Scenario(
        13,
        "an ignored file where one is to come",
        lambda r, t: add(r / t.fresh, MINE),
        _held("fresh", MINE),
    ),
    Scenario(
        14,
        "an ignored secret, edited",
        lambda r, t: add(r / t.private, MINE),
        _held("private", MINE),
    ),
    Scenario(15, "CRLF", lambda r, t: crlf(r / t.target), _even),
    Scenario(
        17,
        "bytes that are not UTF-8",
        lambda r, t: add(r / t.target, b"# \xe9\xff\n"),
        _held("target", b"# \xe9\xff\n"),
    ),
    Scenario(
        19,
        "file emptied",
        lambda r, t: (r / t.target).write_bytes(b""),
        lambda r, t, _: (r / t.target).read_bytes() == b"",
    ),
    Scenario(22, "mode 0600", lambda r, t: (r / t.target).chmod(0o600), _wide),
)


def verdict(row: Scenario, root: Path, tool: Tool, code: int) -> str:
    """Return what became of the person's edit, in a word or two."""
    if row.kept(root, tool, code):
        return "kept"
    path = root / tool.target
    marked = path.is_file() and b"<<<<<<<" in path.read_bytes()
    return "markers in the file" if marked else "lost"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copier", default=shutil.which("copier") or "")
    options = parser.parse_args()
    tools: list[Tool] = [Nextwizard()]
    if options.copier:
        tools.append(Copier(options.copier))
    print("| # | scenario |", " | ".join(tool.name for tool in tools), "|")
    print("|---|---|", "---|" * len(tools), sep="")
    lost = dict.fromkeys((tool.name for tool in tools), 0)
    for row in SCENARIOS:
        cells = []
        for tool in tools:
            with tempfile.TemporaryDirectory() as folder:
                root = tool.make(Path(folder))
                row.edit(root, tool)
                code = tool.update(root)
                word = verdict(row, root, tool, code)
            lost[tool.name] += word == "lost"
            cells.append(f"{word}, exit {code}")
        print(f"| {row.number} | {row.words} |", " | ".join(cells), "|")
    print(
        "| | lost |", " | ".join(f"{n} of {len(SCENARIOS)}" for n in lost.values()), "|"
    )


if __name__ == "__main__":
    main()
