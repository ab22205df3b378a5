"""Decides, each time the service starts, how many workers and threads it gets.

    from boot import plan                        gunicorn's configuration does this
    python deploy/boot.py [--] PROGRAM ARG...    starts any other server
    python deploy/boot.py --explain              prints the sum and starts nothing

WEB_CONCURRENCY wins, then the number in the answers, then the rule of the server on
the CPUs and memory this process may really use. A container or a systemd unit often
gets less than the machine has, which os.cpu_count() does not see.

As a script it replaces the arguments {workers} and {threads} by the numbers and then
becomes PROGRAM under the same pid. Standard library only; written by nextwizard.
"""
# ruff: noqa: INP001

import contextlib
import math
import os
import re
import resource
import signal
import sys
from collections.abc import Mapping, MutableMapping
from typing import NamedTuple


SERVER = "granian"
INTERFACE = "asgi"
WORKER_CLASS = ""
# The machine as answered, memory in MiB. The rule never takes more than this.
CORES = 2
MEMORY_MB = 2048
# WORKERS 0 lets the rule decide, WORKERS_MAX 0 is no limit. A limit of 1 stands where
# the code keeps state in its process: a second process would not share it.
WORKERS = 0
WORKERS_MIN = 1
WORKERS_MAX = 0
# MiB of the server without workers, and of each worker.
BASE_MB = 45
WORKER_MB = 95
# Threads of each worker, and the open streams expected to hold some of them.
THREADS = 1
STREAMS = 0
# Mean response time and peak rate as measured, 0 where nobody measured.
REQUEST_MS = 0
REQUESTS_PER_SECOND = 0
# Read when something other than systemd starts the service; "" is no file.
ENV_FILE = "/etc/notes/env"
# What tells the processes of this program from all others.
KNOWN_BY = ["SUPERVISOR_SERVER_URL", "SUPERVISOR_GROUP_NAME", "SUPERVISOR_PROCESS_NAME"]
# Set where nobody has, for a manager whose own file cannot carry every value.
ENVIRONMENT: dict[str, str] = {}

# Requests do not arrive evenly: with 1.5 times the need, two thirds are in use.
HEADROOM = 1.5
FILES = 65536  # may be open: each stream is one, and most systems allow 1024 unasked
MIB = 1024 * 1024
# An entry of a systemd EnvironmentFile: its value is quoted parts, joined, then bare
# text where a quote is a letter. A match without a name is a comment or nothing.
QUOTED = re.compile(r"""(?s)'([^']*+)'?|"((?:\\.|[^"\\])*+)\\?"?""")
ENTRY = re.compile(
    r"""(?sx) [#;] [^\r\n]*+ | (?P<name> \S [^=\r\n]*+ ) = [ \t]*+
    (?P<quoted> (?: (?: '[^']*+'? | "(?:\\.|[^"\\])*+\\?"? ) [ \t]*+ )*+ )
    (?P<bare> (?: \\. | [^ \t\r\n\\] | [ \t]++ (?! [\r\n] | \Z ) )*+ )
    | \S [^\r\n]*+"""
)


class Sizing(NamedTuple):
    """How many workers to start, the threads of each, and the sum in words."""

    workers: int
    threads: int
    why: str


def plan() -> Sizing:
    """Size the server, log the sum, and raise the limit of open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, FILES)), hard))
    sizing = size(os.environ, effective_cpus(), memory_limit())
    say(sizing.why)
    return sizing


def size(environ: Mapping[str, str], cpus: float, memory: int) -> Sizing:
    """Size the server for these CPUs and bytes of memory; 0 bytes is not known.

    A number somebody fixed stands even where memory allows less, and the sum says so.
    """
    room, memory_sum = memory_room(memory)
    workers, winner, sums = fixed(environ)
    if not workers:
        workers, winner, steps = ruled(cpus)
        sums += steps
        if workers > room:
            workers, winner = room, "memory"
        if workers < WORKERS_MIN:
            workers, winner = WORKERS_MIN, f"the floor of {WORKERS_MIN}"
    if 0 < WORKERS_MAX < workers:
        winner = f"the limit of {WORKERS_MAX}, not {workers} by {winner}"
        workers = WORKERS_MAX
    sums.append(memory_sum if workers <= room else f"{memory_sum}, so it may run out")
    if STREAMS and INTERFACE == "wsgi":
        held = f"of which {STREAMS} may be held by open streams"
        sums.append(f"{THREADS} threads a worker, {held}")
    shape = "1 worker" if workers == 1 else f"{workers} workers"
    shape += f" x {THREADS} threads" if THREADS > 1 else ""
    return Sizing(workers, THREADS, f"boot: {shape} by {winner}: {', '.join(sums)}")


def fixed(environ: Mapping[str, str]) -> tuple[int, str, list[str]]:
    """Return the number of workers somebody fixed or 0, who did, and a remark."""
    if workers := positive(environ.get("WEB_CONCURRENCY", "")):
        return workers, "WEB_CONCURRENCY", []
    remark = "WEB_CONCURRENCY ignored (not a whole number above 0)"
    return WORKERS, "the answers", [remark] if "WEB_CONCURRENCY" in environ else []


def ruled(cpus: float) -> tuple[int, str, list[str]]:
    """Return the workers by rule, the rule that won, and the steps of the sum.

    Threads or asyncio keep a core busy from one process; where a worker serves one
    request at a time it takes 2 x cores + 1. Little's law: rate x time are served at
    once, by the threads of all workers, while one ASGI worker serves many.
    """
    cores = min(CORES, cpus)
    steps = [f"cores min({CORES} answered, {cpus:.4g} effective) = {cores:.4g}"]
    name = "ASGI" if INTERFACE == "asgi" else WORKER_CLASS or SERVER
    if INTERFACE == "asgi" or WORKER_CLASS == "gthread" or THREADS > 1:
        workers = max(WORKERS_MIN, math.floor(cores))
        steps.append(f"{name} rule max({WORKERS_MIN}, {math.floor(cores)}) = {workers}")
    else:
        workers = max(2, math.floor(2 * cores + 1))
        steps.append(f"{name} rule max(2, 2 x {cores:.4g} + 1) = {workers}")
    if REQUEST_MS and REQUESTS_PER_SECOND:
        load = f"{REQUESTS_PER_SECOND}/s x {REQUEST_MS} ms x {HEADROOM}"
        needed = math.ceil(REQUESTS_PER_SECOND * REQUEST_MS * HEADROOM / 1000)
        steps.append(f"Little's law {load} = {needed} at once")
        by_load = math.ceil(needed / THREADS)
        if INTERFACE == "wsgi" and by_load > workers:
            steps[-1] += f" / {THREADS} a worker = {by_load}"
            return by_load, "Little's law", steps
    return workers, f"the {name} rule", steps


def memory_room(memory: int) -> tuple[int, str]:
    """Return how many workers fit into the memory, at least 1, and the sum."""
    smaller = min(MEMORY_MB, memory // MIB) if memory else MEMORY_MB
    found = f"{memory // MIB} effective" if memory else "unknown here"
    room = max(1, (smaller - BASE_MB) // WORKER_MB)
    words = f"min({MEMORY_MB} answered, {found}) = {smaller} MiB"
    return room, f"memory {words} allows {room}"


# The period of a CPU quota that stands alone in cpu.max, in microseconds.
PERIOD = "100000"
MOUNT = re.compile(r"(?m)^\d+ \d+ \S+ (\S+) (\S+) .*?- cgroup(?:2 .*| .* (\S+))$")
MEMBER = re.compile(r"(?m)^\d+:([^:\n]*):(/.*)$")


def effective_cpus(root: str = "/") -> float:
    """Return the CPUs this process may use: affinity, cpuset, quota; half is 0.5."""
    bound = hasattr(os, "sched_getaffinity")
    cpus = len(os.sched_getaffinity(0)) if bound else os.cpu_count() or 1
    limits = [cpu_quota(group) for group in cgroups(root, "cpu")]
    limits += [cpuset_size(group) for group in cgroups(root, "cpuset")]
    return min([cpus, *(limit for limit in limits if limit > 0)])


def memory_limit(root: str = "/") -> int:
    """Return the bytes of memory this process may use, 0 when nothing says."""
    files = ("memory.max", "memory.high", "memory.limit_in_bytes")
    groups = cgroups(root, "memory")
    limits = [positive(read(f"{group}/{name}")) for group in groups for name in files]
    # Not /proc/meminfo, which a unit with ProcSubset=pid does not have.
    with contextlib.suppress(OSError, ValueError):
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min((limit for limit in limits if limit > 0), default=0)


def cpu_quota(group: str) -> float:
    """Return the CPUs a cgroup may use on average, 0 for no quota."""
    version_1 = [read(f"{group}/cpu.cfs_{name}_us") for name in ("quota", "period")]
    words = read(f"{group}/cpu.max").split() or version_1
    quota, period = map(positive, [*words, PERIOD][:2])
    return quota / period if period else 0


def cpuset_size(group: str) -> int:
    """Return how many CPUs the list of a cgroup names, as in 0-3,8; 0 for no list."""
    files = ("cpuset.cpus.effective", "cpuset.effective_cpus")
    text = "".join(read(f"{group}/{name}") for name in files)
    ends = [part.partition("-") for part in text.split(",")]
    try:
        return sum(int(last or first) - int(first) + 1 for first, _, last in ends)
    except ValueError:
        return 0


def cgroups(root: str, controller: str) -> list[str]:
    """Return the directories whose limits this process is under, its own first.

    Version 2 is one tree without a name, version 1 a tree for each controller, and a
    hybrid machine has both. In a container the path may be the host's or lead out of
    the namespace: then the mount point itself is the cgroup.
    """
    mounts = read(f"{root}/proc/self/mountinfo").replace(r"\134", "\\")
    found: list[str] = []
    for names, path in MEMBER.findall(read(f"{root}/proc/self/cgroup")):
        tree = controller if names else ""
        if tree not in names.split(","):
            continue
        tops = [mount for mount in MOUNT.findall(mounts) if tree in mount[2].split(",")]
        inside = [mount for mount in tops if below(path, mount[0]) is not None]
        for top, point, _ in inside or tops[:1]:
            steps = (below(path, top) or []) if inside else []
            depth = 0 if ".." in steps else len(steps)
            base = root + point
            found += ["/".join([base, *steps[:n]]) for n in range(depth, -1, -1)]
    return found


def below(path: str, top: str) -> list[str] | None:
    """Return the steps from one directory down to another, None when not below it."""
    steps, above = ([step for step in text.split("/") if step] for text in (path, top))
    return steps[len(above) :] if steps[: len(above)] == above else None


def read(path: str) -> str:
    """Return a file's text, "" when it cannot be read: what is not said is no limit."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""


def positive(text: str) -> int:
    """Return the whole number a text is, else 0; 19 digits are cgroup's "no limit"."""
    return int(text) if re.fullmatch(r"\s*\d{1,18}\s*", text) else 0


def main(arguments: list[str]) -> int:
    """Run as a script; returns an exit status when it became no other program."""
    explain = arguments == ["--explain"]
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not explain and (not command or command[0].startswith("-")):
        say("boot: name the program to start: boot.py [--] PROGRAM ARG... | --explain")
        return 2
    load_env_file(os.environ)
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if not explain:
        return become(command, plan())
    sys.stdout.write(size(os.environ, effective_cpus(), memory_limit()).why + "\n")
    return 0


def become(command: list[str], sizing: Sizing) -> int:
    """Replace this process by the program, or return the status a shell would."""
    numbers = {"{workers}": str(sizing.workers), "{threads}": str(sizing.threads)}
    words = [numbers.get(word, word) for word in command]
    os.environ["WEB_CONCURRENCY"] = str(sizing.workers)
    if SERVER == "granian":
        os.environ["GRANIAN_WORKERS"] = str(sizing.workers)
    end_leftovers(os.environ)
    try:
        # The sockets of LISTEN_FDS stay: Python closes only what it opened itself.
        os.execvp(words[0], words)  # noqa: S606
    except OSError as error:
        say(f"boot: {words[0]}: {error.strerror}: install it or write its full path")
        return 127 if isinstance(error, FileNotFoundError) else 126


def end_leftovers(environ: Mapping[str, str]) -> None:
    """End the workers of a killed predecessor, which would serve the old code on.

    systemd ends them itself. The name supervisor gave the process is ours by now.
    """
    own = {f"{name}={environ.get(name, '?')}".encode() for name in KNOWN_BY}
    pids = [pid for pid in others() if is_ours(pid, own)]
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    if pids:
        say(f"boot: ended {len(pids)} processes that outlived a killed predecessor")


def others() -> list[int]:
    """Return every process but this one; none where there is no /proc."""
    with contextlib.suppress(OSError):
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        return [pid for pid in pids if pid != os.getpid()]
    return []


def is_ours(pid: int, own: set[bytes]) -> bool:
    """Tell whether a process has these variables, wherever its release lies."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return own <= set(file.read().split(b"\0"))
    except OSError:  # another account's, or gone
        return False


def load_env_file(environ: MutableMapping[str, str]) -> None:
    """Set what ENV_FILE says and nobody has set, unless systemd has read it already."""
    # Supervisor hands the INVOCATION_ID of its own unit down to what it starts.
    by_systemd = "INVOCATION_ID" in environ and "SUPERVISOR_ENABLED" not in environ
    if by_systemd or not ENV_FILE:
        return
    try:
        with open(ENV_FILE, "rb") as file:
            text = file.read().decode(errors="surrogateescape")
    except FileNotFoundError:
        return
    except OSError as error:
        say(f"boot: {ENV_FILE}: {error.strerror}: let uid {os.getuid()} read it")
        return
    for name, value in env_entries(text).items():
        environ.setdefault(name, value)


def env_entries(text: str) -> dict[str, str]:
    """Return the variables of an EnvironmentFile; a later entry wins, as in systemd."""
    entries = {}
    for entry in ENTRY.finditer(text):
        name = (entry["name"] or "").rstrip()
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and "\0" not in entry[0]:
            quoted = QUOTED.findall(entry["quoted"])
            parts = [one + unescape(r"[\"\\`$\n]", two) for one, two in quoted]
            entries[name] = "".join(parts) + unescape(".", entry["bare"])
    return entries


def unescape(escapable: str, text: str) -> str:
    """Drop the backslash before these characters, and an escaped newline with it."""
    return re.sub(rf"(?s)\\({escapable})", lambda pair: pair[1].strip("\r\n"), text)


def say(line: str) -> None:
    """Write a line to stderr, which every process manager keeps."""
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
