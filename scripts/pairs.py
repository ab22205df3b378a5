"""Chooses golden cases so that every allowed pair of answers occurs in one of them.

    python scripts/pairs.py            prints the cases and the pairs left out, and why
    python scripts/pairs.py --write    writes tests/golden/pair-*/{answers,host}.toml

The product itself says what is allowed: a combination is left out when `decide` refuses
it, with the reason it gave.
"""

from __future__ import annotations

import itertools
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING


ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support import planned, project  # noqa: E402

from nextwizard.errors import InputError  # noqa: E402


if TYPE_CHECKING:
    from collections.abc import Callable


GOLDEN = ROOT / "tests" / "golden"
AXES: dict[str, tuple[str, ...]] = {
    "target": ("systemd", "supervisor"),
    "server": ("gunicorn", "uvicorn", "uwsgi", "granian", "hypercorn", "daphne"),
    "proxy": ("nginx", "caddy", "none"),
    "tls": ("acme", "files", "internal", "upstream"),
    "sse": ("none", "async", "sync"),
    "websockets": ("false", "true"),
    "static": ("proxy", "whitenoise", "servestatic"),
    "database": ("keep", "postgresql", "mysql"),
    "release": ("old", "new"),
}
VERSIONS = {
    ("nginx", "old"): "1.22.1",
    ("nginx", "new"): "1.31.3",
    ("caddy", "old"): "2.6.2",
    ("caddy", "new"): "2.11.7",
}

type Choice = dict[str, str]
type Pair = tuple[tuple[str, str], tuple[str, str]]


def answers(choice: Choice) -> dict[str, str]:
    """Return the answers of a choice, as --set takes them."""
    said = {
        "hosting.target": choice["target"],
        "hosting.server": choice["server"],
        "hosting.proxy": choice["proxy"],
        "hosting.tls": choice["tls"],
        "hosting.domains": "site.example.org",
        "features.sse": choice["sse"],
        "features.websockets": choice["websockets"],
        "data.static": choice["static"],
        "data.database": choice["database"],
    }
    if choice["proxy"] != "none":
        said["hosting.proxy_version"] = VERSIONS[choice["proxy"], choice["release"]]
    if choice["tls"] == "files":
        said["hosting.tls_certificate"] = "/etc/ssl/site/chain.pem"
        said["hosting.tls_certificate_key"] = "/etc/ssl/site/key.pem"
    if choice["tls"] == "upstream":
        said["hosting.trusted_proxies"] = "10.0.0.0/8"
    if choice["proxy"] == "none":
        said["hosting.bind"] = "127.0.0.1:8000"
    return said


def refusal(choice: Choice) -> str:
    """Return why decide refuses a choice, nothing when it does not."""
    if choice["proxy"] == "none" and choice["release"] == "new":
        return "without a proxy there is no release of it"
    try:
        planned(*(f"{key}={value}" for key, value in answers(choice).items()))
    except InputError as error:
        return str(error.problems[0])
    return ""


def pairs(choice: Choice) -> set[Pair]:
    """Return every pair of axis values of a choice."""
    return set(itertools.combinations(choice.items(), 2))


def chosen() -> tuple[list[Choice], dict[Pair, str]]:
    """Return few allowed choices that cover every pair, and the pairs none can."""
    allowed: list[tuple[Choice, set[Pair]]] = []
    why: dict[Pair, str] = {}
    for values in itertools.product(*AXES.values()):
        choice = dict(zip(AXES, values, strict=True))
        reason = refusal(choice)
        if reason:
            for pair in pairs(choice):
                why[pair] = max(why.get(pair, ""), reason, key=_names(pair))
        else:
            allowed.append((choice, pairs(choice)))
    left = set().union(*(found for _, found in allowed))
    out = {pair: reason for pair, reason in why.items() if pair not in left}
    cases = []
    while left:
        choice, found = max(allowed, key=lambda row: len(row[1] & left))
        cases.append(choice)
        left -= found
    return cases, out


def _names(pair: Pair) -> Callable[[str], int]:
    """Return how well a reason fits a pair: the more of its two axes it names."""
    return lambda reason: sum(f".{axis}" in reason for axis, _ in pair)


def sample(choice: Choice) -> str:
    """Return the sample project that has what a choice keeps open."""
    if choice["websockets"] == "true":
        return "channels_ws"
    return {"none": "plain", "async": "sse_async", "sync": "sse_sync"}[choice["sse"]]


def toml(choice: Choice) -> str:
    """Return a choice as an answers file."""
    sections: dict[str, list[str]] = {}
    for key, value in answers(choice).items():
        section, _, leaf = key.partition(".")
        text = value if value in {"true", "false"} else f'"{value}"'
        if leaf in {"domains", "trusted_proxies"}:
            text = f"[{text}]"
        sections.setdefault(section, []).append(f"{leaf} = {text}")
    bodies = (f"\n[{name}]\n" + "\n".join(rows) for name, rows in sections.items())
    return "schema = 1\n" + "\n".join(bodies) + "\n"


def write(cases: list[Choice]) -> None:
    """Write the cases' inputs; `make golden` records what they give."""
    for old in GOLDEN.glob("pair-*"):
        shutil.rmtree(old)
    for number, choice in enumerate(cases, 1):
        words = "-".join(choice[axis] for axis in ("target", "server", "proxy", "tls"))
        place = GOLDEN / f"pair-{number:02}-{words}"
        place.mkdir(parents=True)
        (place / "answers.toml").write_text(toml(choice), encoding="utf-8")
        (place / "host.toml").write_text(
            f'# Made by scripts/pairs.py.\nproject = "{sample(choice)}"\n'
            'name = "site"\ncores = 2\nmemory_mb = 2048\n'
            '\n[versions]\nnginx = "1.22.1"\ncaddy = "2.6.2"\n',
            encoding="utf-8",
        )


def main() -> int:
    """Print the cases and what is left out; with --write, write them."""
    project()
    cases, out = chosen()
    for choice in cases:
        print(" ".join(choice.values()))
    print(f"\n{len(cases)} cases. Left out, because the product refuses it:")
    for pair, reason in sorted(out.items()):
        names = " with ".join(f"{axis} {value}" for axis, value in pair)
        print(f"  {names}: {reason}")
    if "--write" in sys.argv:
        write(cases)
    return 0


if __name__ == "__main__":
    sys.exit(main())
