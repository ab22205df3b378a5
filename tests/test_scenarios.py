"""The scenarios a regenerate must survive, by number, as root and as a plain user.

28 to 32 are about runs that are cut short, refused by the disk or not alone: they stand
in test_faults.py and test_company.py.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import unicodedata
from typing import TYPE_CHECKING

import pytest
from accounts import PROJECT, leaves
from support import needed


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from accounts import Account

    type Again = Callable[..., tuple[int, str]]


BOOT = "deploy/boot.py"
SITE = "deploy/nginx/notes.conf"
CADDY = "deploy/caddy/notes.caddy"
MORE = ("--set", "sizing.cores=8")
OLD, NEW = b"\nCORES = 2", b"\nCORES = 8"


def edit(path: Path, old: bytes, new: bytes) -> bytes:
    """Change a file as an editor would; the bytes must be there once."""
    data = path.read_bytes()
    assert data.count(old) == 1, (path, old)
    path.write_bytes(data.replace(old, new))
    return path.read_bytes()


def cores(root: Path) -> bytes:
    """Return the line the new answer changes, as it stands."""
    lines = (root / BOOT).read_bytes().split(b"\n")
    (found,) = (line for line in lines if line.startswith(b"CORES = "))
    return found


def settled(again: Again) -> None:
    """Hold that nothing is left to do."""
    for flags in (("--check",), ()):
        code, said = again(*flags)
        assert code == 0, said
        assert "nothing to do" in said


def test_01_nothing_changed_changes_nothing(notes: Path, again: Again) -> None:
    def stamps() -> dict[Path, int]:
        paths = [p for p in notes.rglob("*") if "run" not in p.parts]
        return {path: path.stat().st_mtime_ns for path in paths}

    before, times = leaves(notes), stamps()
    for _ in range(2):
        assert again()[0] == 0
    assert again("--check")[0] == 0
    assert (leaves(notes), stamps()) == (before, times)


def test_02_new_answers_update_what_nobody_edited(notes: Path, again: Again) -> None:
    before = leaves(notes, record=False)
    code, said = again(*MORE)
    assert (code, cores(notes)) == (0, b"CORES = 8")
    assert f"update   {BOOT}" in said
    assert b"\ncores = 8" in (notes / "nextwizard.toml").read_bytes()
    assert set(leaves(notes, record=False)) == set(before)
    settled(again)


def test_03_an_edit_far_away_is_joined(notes: Path, again: Again) -> None:
    mine = (notes / BOOT).read_bytes() + b"# mine\n"
    (notes / BOOT).write_bytes(mine)
    assert again("--check")[0] == 0
    code, said = again(*MORE)
    assert code == 0
    assert f"merged   {BOOT}" in said
    assert (notes / BOOT).read_bytes() == mine.replace(cores_of(mine), b"CORES = 8")
    settled(again)


def cores_of(data: bytes) -> bytes:
    (found,) = (line for line in data.split(b"\n") if line.startswith(b"CORES = "))
    return found


@pytest.mark.parametrize("where", ["same", "adjacent"])
def test_04_and_05_an_edit_that_meets_goes_beside(
    where: str, notes: Path, again: Again
) -> None:
    old = cores(notes)
    new = b"CORES = 3" if where == "same" else old + b"\nMINE = 1"
    mine = edit(notes / BOOT, old, new)
    assert again("--check")[0] == 0
    code, said = again(*MORE)
    assert code == 3
    assert f"conflict {BOOT}" in said
    assert (notes / BOOT).read_bytes() == mine
    beside = notes / f"{BOOT}.new"
    assert b"\nCORES = 8" in beside.read_bytes()
    assert b"<<<<" not in beside.read_bytes()
    stamp = beside.stat().st_mtime_ns
    assert again()[0] == 3
    assert again("--check")[0] == 5
    assert beside.stat().st_mtime_ns == stamp
    beside.unlink()
    settled(again)
    assert (notes / BOOT).read_bytes() == mine


def test_04_an_edited_new_is_not_written_over(notes: Path, again: Again) -> None:
    mine = edit(notes / BOOT, cores(notes), b"CORES = 3")
    assert again(*MORE)[0] == 3
    beside = notes / f"{BOOT}.new"
    beside.write_bytes(b"my notes\n")
    code, said = again("--set", "sizing.cores=9")
    assert code == 3
    assert "move it away" in said
    assert beside.read_bytes() == b"my notes\n"
    assert (notes / BOOT).read_bytes() == mine
    beside.unlink()
    code, _ = again()
    assert code == 3
    assert b"\nCORES = 9" in beside.read_bytes()


def test_04_a_conflict_that_is_over_takes_its_new_along(
    notes: Path, again: Again
) -> None:
    old = cores(notes)
    edit(notes / BOOT, old, b"CORES = 3")
    assert again(*MORE)[0] == 3
    edit(notes / BOOT, b"CORES = 3", b"CORES = 8")
    code, said = again()
    assert code == 0
    assert "the conflict is over" in said
    assert not (notes / f"{BOOT}.new").exists()
    settled(again)


def test_06_the_same_change_on_both_sides_is_clean(notes: Path, again: Again) -> None:
    edit(notes / BOOT, cores(notes), b"CORES = 8")
    assert again(*MORE)[0] == 0
    assert cores(notes) == b"CORES = 8"
    assert not (notes / f"{BOOT}.new").exists()
    settled(again)


def test_07_a_deleted_file_stays_deleted(notes: Path, again: Again) -> None:
    path = BOOT
    (notes / path).unlink()
    assert again("--check")[0] == 0
    code, said = again(*MORE)
    assert code == 0
    assert f"{path}   you deleted it" in said
    assert not (notes / path).exists()
    settled(again)


DEV = "config/settings/dev.py"


def test_07_what_is_made_once_stays_deleted(notes: Path, again: Again) -> None:
    (notes / DEV).unlink()
    before = leaves(notes)
    code, said = again()
    assert code == 2
    assert "manage.py:9: names the settings module config.settings.dev" in said
    assert "bring the module back" in said
    assert leaves(notes) == before
    edit(notes / "manage.py", b"config.settings.dev", b"config.settings.base")
    mine = (notes / "manage.py").read_bytes()
    assert again("--check")[0] == 0
    code, said = again(*MORE)
    assert code == 0
    assert f"{DEV}   you deleted it; it stays deleted" in said
    assert not (notes / DEV).exists()
    assert (notes / "manage.py").read_bytes() == mine
    settled(again)


def test_07_what_is_made_once_is_never_changed(notes: Path, again: Again) -> None:
    (notes / DEV).write_bytes(b"from .base import *\n")
    before = (notes / DEV).stat()
    assert again("--check")[0] == 0
    assert again(*MORE)[0] == 0
    after = (notes / DEV).stat()
    assert (notes / DEV).read_bytes() == b"from .base import *\n"
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    settled(again)


def test_08_a_renamed_file_is_not_made_again(notes: Path, again: Again) -> None:
    (notes / BOOT).rename(notes / "deploy/start.py")
    code, said = again(*MORE)
    assert code == 0
    assert "you moved it to deploy/start.py" in said
    assert not (notes / BOOT).exists()
    assert again("--check")[0] == 0


def test_09_and_10_what_is_no_longer_made(notes: Path, again: Again) -> None:
    mine = (notes / SITE).read_bytes() + b"# mine\n"
    (notes / SITE).write_bytes(mine)
    include = (notes / "deploy/nginx/notes_proxy.inc").read_bytes()
    code, said = again("--set", "hosting.proxy=caddy", "--set", "hosting.bind=unix")
    assert code == 0
    assert f"orphan   {SITE}" in said
    assert "removed  deploy/nginx/notes_proxy.inc" in said
    assert (notes / SITE).read_bytes() == mine
    assert not (notes / "deploy/nginx/notes_proxy.inc").exists()
    settled(again)
    assert again("--rollback")[0] == 0
    assert (notes / "deploy/nginx/notes_proxy.inc").read_bytes() == include
    assert (notes / SITE).read_bytes() == mine
    settled(again)


def test_11_and_34_another_name_for_the_project(notes: Path, again: Again) -> None:
    mine = (notes / SITE).read_bytes() + b"# mine\n"
    (notes / SITE).write_bytes(mine)
    secret = (notes / "deploy/notes.env").read_bytes()
    code, said = again("--set", "project.name=memo")
    assert code == 0, said
    assert (notes / SITE).read_bytes() == mine
    assert f"orphan   {SITE}" in said
    assert "removed  deploy/systemd/notes.service" in said
    assert (notes / "deploy/nginx/memo.conf").is_file()
    assert not (notes / "deploy/systemd/notes.service").exists()
    assert (notes / "deploy/notes.env").read_bytes() == secret
    assert (notes / "deploy/memo.env").read_bytes() == secret
    assert (notes / "deploy/memo.env").stat().st_mode & 0o777 == 0o600
    assert "[s] secret   deploy/notes.env → deploy/memo.env   holds what" in said
    assert b"/deploy/notes.env" in (notes / ".gitignore").read_bytes()
    settled(again)


def test_another_name_leaves_the_database_of_compose_behind(
    notes: Path, again: Again
) -> None:
    compose = ("hosting.target=compose", "data.database=postgresql")
    (notes / "deploy/notes.env").unlink()
    url = "DATABASE_URL=postgresql://notes:s3cret@database:5432/notes\n"
    code, said = again("--set", compose[0], "--set", compose[1])
    assert code == 0, said
    (notes / "deploy/notes.env").write_text(url)
    code, said = again("--set", "project.name=memo")
    assert code == 0, said
    assert "warning: project.name: DATABASE_URL in deploy/memo.env names notes" in said
    assert "Write memo for user and database there" in said
    assert "s3cret" not in said
    code, said = again("--set", "project.name=notes")
    assert "names memo" not in said


@pytest.mark.parametrize("kind", ["tracked", "ignored"])
def test_12_and_13_a_path_that_is_taken(
    kind: str, account: Account, notes: Path, again: Again
) -> None:
    (notes / CADDY).parent.mkdir()
    (notes / CADDY).write_bytes(b"# mine\n")
    account.own((notes / CADDY).parent)
    if kind == "ignored":
        with (notes / ".gitignore").open("ab") as file:
            file.write(b"/deploy/caddy/\n")
    code, said = again("--set", "hosting.proxy=caddy")
    assert code == 3
    assert f"conflict {CADDY}   a file of yours stands there" in said
    assert (notes / CADDY).read_bytes() == b"# mine\n"
    assert b"reverse_proxy" in (notes / f"{CADDY}.new").read_bytes()


def test_14_an_ignored_secret_stays_byte_for_byte(notes: Path, again: Again) -> None:
    secret = notes / "deploy/notes.env"
    mine = secret.read_bytes() + b"DATABASE_URL=postgres://notes:pw@db/notes\n"
    secret.write_bytes(mine)
    before = secret.stat()
    for value in ("caddy", "nginx"):
        assert again("--set", f"hosting.proxy={value}")[0] == 0
    assert secret.read_bytes() == mine
    after = secret.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_15_crlf_stays_crlf(notes: Path, again: Again) -> None:
    crlf = (notes / BOOT).read_bytes().replace(b"\n", b"\r\n") + b"# mine\r\n"
    (notes / BOOT).write_bytes(crlf)
    assert again(*MORE)[0] == 0
    data = (notes / BOOT).read_bytes()
    assert data.count(b"\r\n") == data.count(b"\n")
    assert data.endswith(b"# mine\r\n")
    assert b"\r\nCORES = 8\r\n" in data
    settled(again)


def test_16_no_final_newline_stays_none(notes: Path, again: Again) -> None:
    data = (notes / BOOT).read_bytes().removesuffix(b"\n")
    (notes / BOOT).write_bytes(data)
    assert again(*MORE)[0] == 0
    assert (notes / BOOT).read_bytes() == data.replace(cores_of(data), b"CORES = 8")


@pytest.mark.parametrize(
    ("tail", "code"), [(b"# caf\xe9 \x80\n", 3), (b"# caf\xc3\xa9\n", 0)]
)
def test_17_bytes_of_any_encoding_stay(
    tail: bytes, code: int, notes: Path, again: Again
) -> None:
    path = notes / SITE
    mine = path.read_bytes() + tail
    path.write_bytes(mine)
    assert again("--set", "hosting.max_body_mb=33")[0] == 0
    data = path.read_bytes()
    assert data.endswith(tail)
    assert b"33m" in data
    assert code in {0, 3}


@pytest.mark.parametrize("kind", ["bom", "utf-16", "nul"])
def test_17_and_18_what_cannot_be_joined_is_left_alone(
    kind: str, notes: Path, again: Again
) -> None:
    path = notes / SITE
    data = path.read_bytes()
    mine = {
        "bom": b"\xef\xbb\xbf" + data,
        "utf-16": data.decode().encode("utf-16"),
        "nul": data + b"\0",
    }[kind]
    path.write_bytes(mine)
    code, _ = again("--set", "hosting.max_body_mb=33")
    if kind == "bom":
        assert code == 0
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        assert b"33m" in path.read_bytes()
        return
    assert code == 3
    assert path.read_bytes() == mine
    assert b"33m" in (notes / f"{SITE}.new").read_bytes()


def test_19_an_emptied_file_stays_empty(notes: Path, again: Again) -> None:
    (notes / BOOT).write_bytes(b"")
    assert again("--check")[0] == 0
    code, said = again(*MORE)
    assert code == 0
    assert f"{BOOT}   you emptied it; it stays empty" in said
    assert (notes / BOOT).read_bytes() == b""
    settled(again)


@pytest.mark.parametrize("path", [BOOT, "deploy"])
def test_20_and_21_read_only_refuses_the_whole_run(
    path: str, account: Account, notes: Path, again: Again
) -> None:
    (notes / path).chmod(0o555 if path == "deploy" else 0o444)
    before = leaves(notes)
    code, said = again(*MORE)
    if account.uid == 0:
        assert (code, cores(notes)) == (0, b"CORES = 8")
        assert leaves(notes)[path].mode == before[path].mode
        return
    assert code == 2
    assert BOOT in said
    assert "permission" in said
    assert leaves(notes) == before


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o2755, 0o4711])
def test_22_mode_and_owner_stay(
    mode: int, account: Account, notes: Path, again: Again
) -> None:
    path = notes / BOOT
    if account.uid == 0:
        os.chown(path, 12345, 23456)
    path.chmod(mode)
    before = path.stat()
    assert again(*MORE)[0] == 0
    after = path.stat()
    assert cores(notes) == b"CORES = 8"
    assert stat.S_IMODE(after.st_mode) == mode
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert again("--rollback")[0] == 0
    assert (path.stat().st_ino, stat.S_IMODE(path.stat().st_mode)) == (
        before.st_ino,
        mode,
    )


def test_22_what_goes_beside_is_no_wider(notes: Path, again: Again) -> None:
    edit(notes / BOOT, cores(notes), b"CORES = 3")
    (notes / BOOT).chmod(0o600)
    assert again(*MORE)[0] == 3
    assert stat.S_IMODE((notes / f"{BOOT}.new").stat().st_mode) == 0o600


def test_22_what_root_makes_belongs_to_whom_the_directory_does(
    account: Account,
) -> None:
    if account.uid != 0:
        pytest.skip("a plain user makes files of its own")
    root = account.project()
    for path in (root, *root.rglob("*")):
        os.chown(path, 12345, 23456)
    assert account.run("init", str(root), "--yes").code == 0
    assert account.run("regenerate", str(root), *MORE).code == 0
    owners = {(p.lstat().st_uid, p.lstat().st_gid) for p in root.rglob("*")}
    assert owners == {(12345, 23456)}


def test_22_a_file_of_another_account_is_refused_by_name(
    account: Account, notes: Path, again: Again
) -> None:
    if account.uid == 0 or os.geteuid() != 0:
        pytest.skip("it takes root to make one, and a plain user to meet it")
    os.chown(notes / BOOT, 12345, 23456)
    (notes / BOOT).chmod(0o666)
    before = leaves(notes)
    code, said = again(*MORE)
    assert code == 2
    assert f"{BOOT}: belongs to another account" in said
    assert leaves(notes) == before


@pytest.mark.parametrize("kind", ["inside", "outside", "dangling", "parent"])
def test_23_and_24_a_symlink_is_refused_by_name(
    kind: str, account: Account, notes: Path, again: Again
) -> None:
    path, outside = notes / BOOT, account.place()
    if kind == "parent":
        path = notes / "deploy"
        shutil.move(path, outside / "deploy")
        path.symlink_to(outside / "deploy")
    else:
        target = notes / "deploy/kept.py" if kind == "inside" else outside / "kept.py"
        path.rename(target)
        path.symlink_to(target)
        if kind == "dangling":
            target.unlink()
    before, elsewhere = leaves(notes), leaves(outside)
    code, said = again(*MORE)
    assert code == 2
    assert f"{BOOT}: is or lies below a symlink" in said
    assert (leaves(notes), leaves(outside)) == (before, elsewhere)


@pytest.mark.parametrize("kind", ["directory", "fifo", "socket", "device"])
def test_25_anything_but_a_file_is_refused_by_name(
    kind: str, account: Account, notes: Path, again: Again
) -> None:
    path = notes / BOOT
    path.unlink()
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        here = socket.socket(socket.AF_UNIX)
        here.bind(str(path))
        here.close()
    elif account.uid == 0:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    else:
        pytest.skip("only root makes devices")
    before = leaves(notes)
    code, said = again(*MORE)
    assert code == 2
    assert BOOT in said
    assert leaves(notes) == before


def test_26_a_lost_record_is_refused_and_taken_over(
    account: Account, notes: Path, again: Again
) -> None:
    mine = (notes / BOOT).read_bytes() + b"# mine\n"
    (notes / BOOT).write_bytes(mine)
    shutil.rmtree(notes / ".nextwizard")
    before = leaves(notes)
    code, said = again()
    assert code == 2
    assert "nextwizard init" in said
    assert leaves(notes) == before
    done = account.run("init", str(notes), "--yes")
    assert done.code == 3, done.out
    after = leaves(notes, record=False)
    assert after.pop(f"{BOOT}.new").data + b"# mine\n" == mine
    assert after.pop(".nextwizard").kind == "directory"
    assert after == before
    (notes / f"{BOOT}.new").unlink()
    settled(again)
    assert (notes / BOOT).read_bytes() == mine
    # The health page is ours again, not one that the project happens to have.
    kept = (notes / ".nextwizard/manifest.json").read_text()
    assert '"notes/pages/healthz/page.py"' in kept


def test_26_lost_answers_are_refused_with_the_fix(notes: Path, again: Again) -> None:
    (notes / "nextwizard.toml").unlink()
    before = leaves(notes)
    for flags in ((), ("--check",), MORE):
        code, said = again(*flags)
        assert code == 2
        assert "nextwizard.toml: is missing" in said
        assert "Restore it from git" in said
    assert leaves(notes) == before


DAMAGE: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "manifest empty": (".nextwizard/manifest.json", lambda _: b""),
    "manifest cut": (".nextwizard/manifest.json", lambda data: data[:-40]),
    "manifest list": (".nextwizard/manifest.json", lambda _: b"[]"),
    "manifest deep": (".nextwizard/manifest.json", lambda _: b"[" * 100_000),
    "manifest leads out": (
        ".nextwizard/manifest.json",
        lambda data: data.replace(b'"deploy/boot.py"', b'"../boot.py"'),
    ),
    "manifest newer": (
        ".nextwizard/manifest.json",
        lambda data: data.replace(b'"format": 1', b'"format": 2'),
    ),
    "answers cut": ("nextwizard.toml", lambda data: data[:200] + b'x = "'),
    "answers binary": ("nextwizard.toml", lambda _: b"\xff\0"),
    "answers newer": (
        "nextwizard.toml",
        lambda data: data.replace(b"schema = 1", b"schema = 2"),
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_27_damage_is_one_line_and_exit_2(name: str, notes: Path, again: Again) -> None:
    path, damage = DAMAGE[name]
    (notes / path).write_bytes(damage((notes / path).read_bytes()))
    before = leaves(notes)
    for flags in ((), ("--check",), MORE):
        code, said = again(*flags)
        assert code == 2, said
        assert len(said.strip().splitlines()) == 1, said
        assert path in said
    assert leaves(notes) == before


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_27_a_damaged_base_copy_is_told_when_it_is_wanted(
    damage: str, notes: Path, again: Again
) -> None:
    (notes / BOOT).write_bytes((notes / BOOT).read_bytes() + b"# mine\n")
    manifest = json.loads((notes / ".nextwizard/manifest.json").read_bytes())
    base = notes / ".nextwizard/base" / manifest["files"][BOOT]
    if damage == "missing":
        base.unlink()
    else:
        base.write_bytes(b"x")
    before = leaves(notes)
    code, said = again(*MORE)
    assert code == 2
    assert "is missing or was changed" in said
    assert leaves(notes) == before


JOURNALS = {
    "cut": b'{"run": "00", "rows": [',
    "leads out": json.dumps(
        {
            "run": "00",
            "rows": [{"path": "../kept", "before": "", "after": "", "made": []}],
        }
    ).encode(),
    "absolute": json.dumps(
        {
            "run": "00",
            "rows": [{"path": "/etc/kept", "before": "", "after": "", "made": []}],
        }
    ).encode(),
    "run leads out": b'{"run": "../..", "rows": []}',
}


@pytest.mark.parametrize("name", JOURNALS)
def test_27_a_journal_that_is_not_ours_is_not_followed(
    name: str, account: Account, notes: Path, again: Again
) -> None:
    journal = notes / ".nextwizard/run/journal.json"
    journal.write_bytes(JOURNALS[name])
    account.own(journal)
    (notes.parent / "kept").write_bytes(b"")
    before = leaves(notes)
    code, said = again()
    assert code == 2
    assert "journal.json" in said
    assert leaves(notes) == before
    assert (notes.parent / "kept").exists()


@pytest.mark.parametrize("kind", ["dirty", "worktree", "submodule"])
def test_33_git_or_none_makes_no_difference(
    kind: str, account: Account, pristine: Path
) -> None:
    git = needed("git")
    home = account.place()
    ident = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    always = [*ident, "-c", "safe.directory=*", "-c", "protocol.file.allow=always"]

    def run(*argv: str, cwd: Path) -> None:
        env = {**os.environ, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run([git, *always, *argv], check=True, cwd=cwd, env=env)

    root = account.copy(pristine)
    run("init", "-q", ".", cwd=root)
    run("add", "-A", cwd=root)
    run("commit", "-qm", "x", cwd=root)
    if kind == "worktree":
        run("worktree", "add", "-q", str(home / "tree"), cwd=root)
        root = home / "tree"
    elif kind == "submodule":
        outer = home / "outer"
        outer.mkdir()
        run("init", "-q", ".", cwd=outer)
        run("submodule", "add", "-q", str(root), "notes", cwd=outer)
        root = outer / "notes"
    account.own(home)
    (root / BOOT).write_bytes((root / BOOT).read_bytes() + b"# mine\n")
    done = account.run("regenerate", str(root), "--check")
    assert done.code == 0, done.out
    done = account.run("regenerate", str(root), *MORE)
    assert done.code == 0, done.err
    assert cores(root) == b"CORES = 8"
    assert (root / BOOT).read_bytes().endswith(b"# mine\n")


def test_35_an_older_nextwizard_refuses(notes: Path, again: Again) -> None:
    manifest = notes / ".nextwizard/manifest.json"
    document = json.loads(manifest.read_bytes())
    document["nextwizard"] = "99.0.0"
    manifest.write_text(json.dumps(document))
    before = leaves(notes)
    code, said = again(*MORE)
    assert code == 2
    assert "written by nextwizard 99.0.0" in said
    assert leaves(notes) == before


NAMES = {
    "blank": "my notes",
    "nfc": unicodedata.normalize("NFC", "n\u00f6tes"),
    "nfd": unicodedata.normalize("NFD", "n\u00f6tes"),
    "long": "n" * 255,
    "quotes": 'it\'s "$HOME" %n; #',
}


@pytest.mark.parametrize("kind", NAMES)
def test_36_a_root_of_any_name_is_right_or_refused(kind: str, account: Account) -> None:
    root = account.project(NAMES[kind])
    before = leaves(root)
    done = account.run("init", str(root), "--yes")
    if done.code == 2:
        assert leaves(root) == before
        assert len(done.err.strip().splitlines()) >= 1
        return
    assert done.code == 0, done.err
    assert account.run("regenerate", str(root), "--check").code == 0
    done = account.run("regenerate", str(root), *MORE)
    assert (done.code, cores(root)) == (0, b"CORES = 8")


def test_36_names_that_differ_by_case_or_form_stay_apart(
    account: Account, notes: Path, again: Again
) -> None:
    extra = {
        "deploy/readme.md": b"mine\n",
        "deploy/BOOT.py": b"mine\n",
        f"deploy/{'x' * 255}": b"mine\n",
        f"notes/{NAMES['nfc']}.txt": b"nfc\n",
        f"notes/{NAMES['nfd']}.txt": b"nfd\n",
    }
    for path, data in extra.items():
        (notes / path).write_bytes(data)
    account.own(notes)
    assert again(*MORE)[0] == 0
    assert {path: (notes / path).read_bytes() for path in extra} == extra


def test_a_clone_without_the_secret_is_no_drift(
    account: Account, pristine: Path
) -> None:
    clone = account.copy(pristine)
    (clone / "deploy/notes.env").unlink()
    shutil.rmtree(clone / ".nextwizard/run")
    before = leaves(clone)
    done = account.run("regenerate", str(clone), "--check")
    assert done.code == 0, done.out
    assert leaves(clone) == before


def test_what_is_the_sample_s_is_there() -> None:
    assert (PROJECT / "manage.py").is_file()
