"""Row P9: the scan beside a walk through the syntax tree of every file."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import expressed
from measure import environment


if TYPE_CHECKING:
    from pathlib import Path

    from peers import Environments


FILES = 1000
_TURNS = """
import ast, json, os, sys, time, warnings
from nextwizard.scan import scan
warnings.simplefilter("ignore")
root = sys.argv[1]

def walk():
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith(".py"):
                with open(os.path.join(folder, name), "rb") as file:
                    for _ in ast.walk(ast.parse(file.read())):
                        pass

def cost(act):
    began = time.process_time()
    act()
    return time.process_time() - began

def everything():
    return scan(root, everything=True)

equal = scan(root).signals == everything().signals
turns = [(cost(lambda: scan(root)), cost(walk)) for _ in range(9)]
print(json.dumps({"equal": equal, "turns": turns, "found": len(scan(root).signals)}))
"""


def run(scratch: Path, env: Environments) -> dict[str, Any]:
    """Scan a project of 1,000 Python files, most of them Django's own source."""
    root = scratch / expressed.NAME
    expressed.project(root)
    source = next(env.peers.glob("lib/python*/site-packages/django"))
    copied = shutil.ignore_patterns("__pycache__", "*.pyc", "*.mo", "*.po")
    shutil.copytree(source, root / "shop", ignore=copied)
    lacking = FILES - len(list(root.rglob("*.py")))
    more = sorted((root / "shop" / "db").rglob("*.py"))[:lacking]
    for number, path in enumerate(more):
        place = root / "notes" / "more" / f"part{number}.py"
        place.parent.mkdir(exist_ok=True)
        shutil.copy(path, place)
    argv = [env.ours("python"), "-c", _TURNS, str(root)]
    plain = environment({})
    done = subprocess.run(argv, check=True, capture_output=True, env=plain)
    found: dict[str, Any] = json.loads(done.stdout)
    if not found["equal"]:
        message = "the scan of the suspicious files finds something else"
        raise RuntimeError(message)
    return {**found, "files": len(list(root.rglob("*.py")))}
