"""Stand-ins for the base images that no registry here has, made of Debian's packages.

They carry the official names, so the generated files are built and run unchanged.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import judges
from support import missing, needed


if TYPE_CHECKING:
    from engine import Engine


CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PACKAGES = (
    "ca-certificates,curl,libbz2-1.0,libexpat1,libffi8,liblzma5,libncursesw6,"
    "libreadline8,libsqlite3-0,libssl3,libuuid1,netbase,nginx,zlib1g"
)
NGINX = """\
user www-data;
pid /run/nginx.pid;
error_log /dev/stderr notice;
events {}
http {
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path /var/cache/nginx/body;
    proxy_temp_path /var/cache/nginx/proxy;
    fastcgi_temp_path /var/cache/nginx/fastcgi;
    scgi_temp_path /var/cache/nginx/scgi;
    uwsgi_temp_path /var/cache/nginx/uwsgi;
    include /etc/nginx/conf.d/*.conf;
}
"""
"""The official image's nginx.conf, as far as it matters."""

FIRST_START = """\
#!/bin/sh
set -eu
data=/var/lib/postgresql/data
as() { setpriv --reuid postgres --regid postgres --clear-groups -- "$@"; }
install -d -m 0700 -o postgres -g postgres "$data"
install -d -m 0755 -o postgres -g postgres /run/postgresql
if [ ! -s "$data/PG_VERSION" ]; then
    echo "$POSTGRES_PASSWORD" | install -m 0600 -o postgres /dev/stdin /tmp/password
    as initdb -D "$data" -U "$POSTGRES_USER" --pwfile /tmp/password \\
        -A scram-sha-256 -E UTF8 --locale C.UTF-8 --no-sync >/dev/null
    rm /tmp/password
    echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
    echo "CREATE DATABASE \\"$POSTGRES_DB\\";" |
        as postgres --single -D "$data" postgres >/dev/null
fi
exec setpriv --reuid postgres --regid postgres --clear-groups -- \\
    postgres -D "$data" -c "listen_addresses=*"
"""
"""What the official image of PostgreSQL does at its start, as far as it matters."""

FIRST_START_MYSQL = """\
#!/bin/sh
set -eu
data=/var/lib/mysql
install -d -m 0700 -o mysql -g mysql "$data"
install -d -m 0755 -o mysql -g mysql /run/mysqld
as() { setpriv --reuid mysql --regid mysql --clear-groups -- "$@"; }
if [ ! -d "$data/mysql" ]; then
    as mariadb-install-db --no-defaults --basedir=/usr --datadir="$data" \\
        --auth-root-authentication-method=normal --skip-test-db >/dev/null
    as mariadbd --no-defaults --datadir="$data" --bootstrap <<END
FLUSH PRIVILEGES;
CREATE DATABASE $MYSQL_DATABASE CHARACTER SET utf8mb4;
CREATE USER '$MYSQL_USER'@'%' IDENTIFIED BY '$MYSQL_PASSWORD';
GRANT ALL ON $MYSQL_DATABASE.* TO '$MYSQL_USER'@'%';
END
fi
exec setpriv --reuid mysql --regid mysql --clear-groups -- \\
    mariadbd --no-defaults --datadir="$data" --socket=/run/mysqld/mysqld.sock \\
        --character-set-server=utf8mb4 --skip-log-bin
"""
"""What the official image of MySQL does at its start, as far as it matters."""


def base(on: Engine, *names: str) -> None:
    """Make the stand-in of the official images of Python, and of nginx."""
    root = on.folder / "base"
    on.run(
        *("debootstrap", "--variant=minbase", f"--include={PACKAGES}"),
        *("bookworm", root, _mirror()),
        timeout=500,
    )
    prefix = Path(sys.base_prefix)
    shutil.copytree(
        prefix,
        root / "usr" / "local",
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("__pycache__", "test", "tests", "idlelib", "*.a"),
        symlinks=True,
    )
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    bin_ = root / "usr" / "local" / "bin"
    for name in ("python", "python3"):
        (bin_ / name).unlink(missing_ok=True)
        (bin_ / name).symlink_to(f"python{minor}")
    if CERTIFICATES.exists():
        shutil.copy(CERTIFICATES, root / "etc/ssl/certs/ca-certificates.crt")
    _settings_of_pip(root)
    on.run("chroot", root, "ldconfig")
    (root / "etc" / "nginx" / "nginx.conf").write_text(NGINX, encoding="utf-8")
    for heavy in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc"):
        shutil.rmtree(root / heavy, ignore_errors=True)
    on.imported(root, *names)
    shutil.rmtree(root)


def _mirror() -> str:
    """Return where apt of this machine gets Debian from."""
    done = judges.run("apt-get", "indextargets", "--format", "$(REPO_URI)")
    found = [line for line in done.stdout.split() if line.endswith("/debian/")]
    if not found:
        missing("a Debian mirror in apt's sources")
    return found[0]


def _settings_of_pip(root: Path) -> None:
    """Let pip inside trust and ask whom it trusts and asks on this machine."""
    lines = ["[global]", "cert = /etc/ssl/certs/ca-certificates.crt"]
    asked = judges.run(sys.executable, "-m", "pip", "config", "get", "global.index-url")
    if asked.returncode == 0:
        lines.append(f"index-url = {asked.stdout.strip()}")
    (root / "etc" / "pip.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")


def postgresql(on: Engine, start: str, *names: str) -> None:
    """Make the stand-in of the official image of PostgreSQL from this machine's."""
    folder = on.folder / "postgresql"
    servers = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not servers:
        missing("postgresql")
    home = servers[-1].parents[1]
    wanted = ("initdb", "postgres", "psql", "pg_dump", "pg_isready")
    libraries = [one for one in home.glob("lib/*.so") if "llvm" not in one.name]
    _borrow(folder, *(home / "bin" / name for name in wanted), *libraries)
    share = Path("/usr/share/postgresql", home.name)
    shutil.copytree(share, _below(folder, share), dirs_exist_ok=True)
    path = f"ENV PATH={home}/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    lines = [f"FROM {start}", path, "STOPSIGNAL SIGINT"]
    _database(on, folder, [*lines, *_account("postgres")], FIRST_START, names)


def mysql(on: Engine, start: str, *names: str) -> None:
    """Make the stand-in of the official image of MySQL from this machine's MariaDB.

    Debian has no MySQL. Both take the same variables, clients and protocol here.
    """
    folder = on.folder / "mysql"
    server = needed("mariadbd", "/usr/sbin/mariadbd")
    parts = ("mariadb-install-db", "my_print_defaults", "resolveip", "mariadb")
    client = needed("mysqladmin")
    _borrow(folder, *map(Path, (server, client, *map(needed, parts))))
    share = Path("/usr/share/mysql")
    shutil.copytree(share, _below(folder, share), dirs_exist_ok=True)
    (folder / "usr/bin/mysql").symlink_to("mariadb")
    lines = [f"FROM {start}", "ENV PATH=/usr/bin:/bin:/usr/sbin:/sbin"]
    _database(on, folder, [*lines, *_account("mysql")], FIRST_START_MYSQL, names)


def _account(name: str) -> list[str]:
    return [f"RUN groupadd --gid 999 {name} && useradd --uid 999 --gid 999 {name}"]


def _database(
    on: Engine, folder: Path, lines: list[str], first: str, names: tuple[str, ...]
) -> None:
    """Build the image of a database that is set up when it is first started."""
    (folder / "start").write_text(first, encoding="utf-8")
    (folder / "start").chmod(0o755)
    _made(on, folder, [*lines, "COPY . /", 'ENTRYPOINT ["/start"]'], names)


def redis(on: Engine, start: str, *names: str) -> None:
    """Make the stand-in of the official image of Redis from this machine's."""
    folder = on.folder / "redis"
    _borrow(folder, *(Path(needed(f"redis-{name}")) for name in ("server", "cli")))
    _made(on, folder, [f"FROM {start}", "COPY . /", "WORKDIR /data"], names)


def caddy(on: Engine, start: str, *names: str) -> None:
    """Make the stand-in of the official image of Caddy from the pinned wheel's."""
    folder = on.folder / "caddy"
    (folder / "usr/bin").mkdir(parents=True)
    shutil.copy(judges.beside("caddy"), folder / "usr/bin/caddy")
    wget = folder / "usr/bin/wget"
    # There busybox has it: wget -q -O FILE URL
    wget.write_text('#!/bin/sh\nexec curl -fsS -o "$3" "$4"\n')
    wget.chmod(0o755)
    config = ["--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
    lines = [
        f"FROM {start}",
        "ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data",
        "COPY . /",
        f"CMD {json.dumps(['caddy', 'run', *config])}",
    ]
    _made(on, folder, lines, names)


def _made(on: Engine, folder: Path, lines: list[str], names: tuple[str, ...]) -> None:
    """Build the image of a directory, and take the directory away."""
    file = on.folder / f"{folder.name}.dockerfile"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name in names:
        on.bud(folder, f"localhost/{name}", file)
    shutil.rmtree(folder)


def _borrow(folder: Path, *programs: Path) -> None:
    """Copy programs of this machine, and the libraries that each is linked to."""
    found = {path.resolve(): path for path in programs}
    said = judges.run("ldd", *found).stdout
    for name in re.findall(r"=> (/\S+)", said):
        if not name.endswith(("/libc.so.6", "/libm.so.6")):
            found[Path(name).resolve()] = Path(name)
    for real, path in found.items():
        place = _below(folder, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(real, place)


def _below(folder: Path, path: Path) -> Path:
    """Return a path of this machine below another root; /lib is a link to /usr/lib."""
    text = str(path).removeprefix("/")
    return folder / (text if text.startswith("usr/") else f"usr/{text}")


__all__ = ["base", "caddy", "mysql", "postgresql", "redis"]
