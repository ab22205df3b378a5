"""Chooses golden cases so that every allowed pair of answers occurs in one of them.

    python scripts/pairs.py            prints the cases and the pairs left out, and why
    python scripts/pairs.py --write    writes tests/golden/pair-*/{answers,host}.toml

The product itself says what is allowed: a combination is left out when `decide` refuses
it, with the reason it gave. Where containers run, the cases made by hand count as
well: what they lack is added.
"""

from __future__ import annotations

import itertools
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING


ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from golden_cases import CASES  # noqa: E402
from support import planned, project  # noqa: E402

from nextwizard.document import read_document  # noqa: E402
from nextwizard.errors import InputError  # noqa: E402
from nextwizard.workflow import inspect, propose  # noqa: E402


if TYPE_CHECKING:
    from collections.abc import Callable


GOLDEN = ROOT / "tests" / "golden"
AXES: dict[str, tuple[str, ...]] = {
    "target": ("systemd", "supervisor", "compose", "kubernetes", "procfile"),
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

ON_HOSTS = ("systemd", "supervisor")
"""The targets whose cases all come from here."""

OWN_EDGE = ("kubernetes", "procfile")
"""The targets that bring the proxy, and so have no answer for it."""

OLD = ("", "1.22", "1.22.1", "2.6", "2.6.2")
"""The versions of the older generation; without a proxy there is none."""

type Choice = dict[str, str]
type Pair = tuple[tuple[str, str], tuple[str, str]]


def answers(choice: Choice) -> dict[str, str]:
    """Return the answers of a choice, as --set takes them."""
    edge = choice["target"] not in OWN_EDGE
    said = {"hosting.target": choice["target"], "hosting.server": choice["server"]}
    if edge or choice["proxy"] != "none":
        said["hosting.proxy"] = choice["proxy"]
    if choice["target"] != "procfile" or choice["tls"] != "upstream":
        said["hosting.tls"] = choice["tls"]
    said |= {
        "hosting.domains": "site.example.org",
        "features.sse": choice["sse"],
        "features.websockets": choice["websockets"],
        "data.static": choice["static"],
        "data.database": choice["database"],
    }
    if edge and choice["proxy"] != "none":
        said["hosting.proxy_version"] = VERSIONS[choice["proxy"], choice["release"]]
    if choice["tls"] == "files":
        said["hosting.tls_certificate"] = "/etc/ssl/site/chain.pem"
        said["hosting.tls_certificate_key"] = "/etc/ssl/site/key.pem"
    if choice["tls"] == "upstream" and choice["target"] != "procfile":
        said["hosting.trusted_proxies"] = "10.0.0.0/8"
    if choice["proxy"] == "none" and choice["target"] in ON_HOSTS:
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
                why[pair] = max(why.get(pair, reason), reason, key=_names(pair))
        else:
            allowed.append((choice, pairs(choice)))
    every = set().union(*(found for _, found in allowed))
    out = {pair: reason for pair, reason in why.items() if pair not in every}
    of_hosts = [row for row in allowed if row[0]["target"] in ON_HOSTS]
    others = [row for row in allowed if row[0]["target"] not in ON_HOSTS]
    cases = _cover(of_hosts, set())
    known = set().union(*map(pairs, cases), *map(pairs, by_hand()))
    return cases + _cover(others, known), out


def _cover(rows: list[tuple[Choice, set[Pair]]], known: set[Pair]) -> list[Choice]:
    """Return few of the choices that have all their pairs but those known already."""
    left = set().union(*(found for _, found in rows)) - known
    cases = []
    while left:
        choice, found = max(rows, key=lambda row: len(row[1] & left))
        cases.append(choice)
        left -= found
    return cases


def by_hand() -> list[Choice]:
    """Return the choice that each case made by hand comes to, where it is one."""
    found = []
    for case in CASES:
        if case.path.name.startswith("pair-") or case.new:
            continue
        answers = (case.path / "answers.toml").read_bytes()
        layer = read_document(answers, "answers.toml", "file")
        proposal = propose(inspect(str(case.source), case.host), [layer])
        plan, said = proposal.plan, proposal.answers.items
        version = str(plan["proxy.version"]) if plan["proxy.kind"] != "none" else ""
        choice = {
            "target": plan["hosting.target"],
            "server": plan["server.kind"],
            "proxy": plan["proxy.kind"],
            "tls": plan["tls.kind"],
            "sse": said["features.sse"].value,
            "websockets": str(said["features.websockets"].value).lower(),
            "static": plan["static.kind"],
            "database": plan["data.choice"],
            "release": "old" if version in OLD else "new",
        }
        if all(choice[axis] in values for axis, values in AXES.items()):
            found.append({axis: str(value) for axis, value in choice.items()})
    return found


def _names(pair: Pair) -> Callable[[str], int]:
    """Return how well a reason fits a pair: it names both axes, or the narrower one."""
    (first, _), (second, _) = pair
    return lambda reason: (f".{first}" in reason) + 2 * (f".{second}" in reason)


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
