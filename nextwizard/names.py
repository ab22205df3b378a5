"""Names: what cannot be seen, what is taken, and how hosts and mailboxes are named."""

from __future__ import annotations

import re


MAX_DOMAIN = 253
MAX_LOCAL = 64
MAX_PORT = 65535
MAX_ENV_NAME = 128
MAX_ENV_VALUE = 4096

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_LOCAL = re.compile(r"[A-Za-z0-9!#%&'*+/=?^_~-]+(?:\.[A-Za-z0-9!#%&'*+/=?^_~-]+)*")
"""A mailbox before its @: RFC 5322's dot-atom without what caddy expands."""
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PORT = re.compile(r"[1-9][0-9]{0,4}")


_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")
"""Invisible, but Persian, Hindi and many emoji cannot be spelled without them."""

TAKEN_NAMES = frozenset(
    "aux apache2 avahi-daemon bind9 caddy con containerd cron crond dbus default "
    "docker exim4 getty gunicorn init kubelet mariadb memcached mysql mysqld "
    "networking nginx nul ntp polkit postfix postgres postgresql prn redis "
    "redis-server root rsyslog snapd ssh sshd sudo supervisor supervisord syslog "
    "systemd udev uvicorn".split()
)
"""Names that already mean a service on a Debian host, or a device on Windows."""

SYSTEM_ACCOUNTS = frozenset(
    "adm backup bin caddy daemon dhcpcd ftp games gnats http irc list lp mail man "
    "messagebus mysql news nginx nobody operator postgres proxy redis root sshd sync "
    "sys syslog uucp www-data".split()
)
"""Accounts a host has before us; an application must not share one by accident."""

SYSTEM_DIRECTORIES = (
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr/bin",
    "/usr/lib",
    "/usr/sbin",
)
BARE_DIRECTORIES = frozenset("/ /home /media /mnt /opt /srv /tmp /usr /var".split())

LOADER_NAMES = frozenset("BASH_ENV ENV HOME IFS PATH SHELL SHELLOPTS USER".split())
LOADER_PREFIXES = ("DYLD_", "GCONV_", "LD_", "PYTHON")
HARMLESS_NAMES = frozenset(
    "PYTHONDONTWRITEBYTECODE PYTHONFAULTHANDLER PYTHONHASHSEED PYTHONMALLOC "
    "PYTHONOPTIMIZE PYTHONUNBUFFERED PYTHONUTF8".split()
)
"""Names that share a prefix with those that load code, and load none."""

SHADOWED = frozenset("django next nextwizard test".split())
"""Packages besides the standard library's that an application must not hide."""

OURS = frozenset(
    "DATABASE_URL DJANGO_SETTINGS_MODULE EMAIL_PASSWORD GUNICORN_CMD_ARGS "
    "LISTEN_FDNAMES LISTEN_FDS LISTEN_PID MAINPID NOTIFY_SOCKET REDIS_URL SECRET_KEY "
    "SECRET_KEY_FALLBACKS STATE_DIRECTORY".split()
)


def plain(value: str) -> str:
    """Return the value when every character can be seen, else ValueError."""
    if value.isascii() and value.isprintable():
        return value
    import unicodedata

    for at, char in enumerate(value):
        joins = char in _JOINERS and at and not value[at - 1].isascii()
        if unicodedata.category(char) in _HIDDEN and not joins:
            msg = f"holds the invisible character U+{ord(char):04X} at {at + 1}"
            raise ValueError(msg)
    return value


def domain(value: str) -> tuple[str, tuple[str, ...]]:
    """Name one host as DNS does; other scripts become their A-label, and say so."""
    text = value.strip(" ")
    plain(text)
    said: tuple[str, ...] = ()
    if not text.isascii():
        text, said = _a_label(text)
    host = text.lower().removesuffix(".")
    labels = host.split(".")
    if not host or len(host) > MAX_DOMAIN or not all(map(_LABEL.fullmatch, labels)):
        msg = "is no host name"
        raise ValueError(msg)
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        msg = "is a number or an address, not a host name"
        raise ValueError(msg)
    if host != value and not said:
        said = (f"is used as {host}",)
    if len(labels) == 1 and host != "localhost":
        said = (*said, "is a bare top-level label; browsers rarely reach one")
    return host, said


def _a_label(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the A-label of an international name, and what a reader must know."""
    import unicodedata

    import idna

    try:
        mapped = idna.uts46_remap(text, std3_rules=True, transitional=False)
        host = idna.encode(mapped, uts46=False).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        msg = f"is no host name in IDNA 2008 ({error})"
        raise ValueError(msg) from error
    said = [f"is used as {host}"]
    if any(_mixed(label) for label in mapped.split(".")):
        said.append("mixes scripts whose letters look alike")
    if mapped != unicodedata.normalize("NFC", text).lower().removesuffix("."):
        said.append("held characters that only look like the ones used")
    return host, tuple(said)


def _mixed(label: str) -> bool:
    """Tell whether a label mixes letters of two scripts, or looks Latin without being.

    A script's name is the first word of its letters' names; Japanese mixes its own.
    """
    import unicodedata

    scripts = {unicodedata.name(char, "?").split(" ")[0] for char in label}
    scripts -= {"DIGIT", "HYPHEN-MINUS"}
    scripts = {"CJK" if s in {"HIRAGANA", "KATAKANA"} else s for s in scripts}
    return len(scripts) > 1


def email(value: str) -> tuple[str, tuple[str, ...]]:
    """Give a mailbox for the certificate authority, or nothing."""
    if not value:
        return value, ()
    local, _, at = value.rpartition("@")
    try:
        host, said = domain(at)
    except ValueError:
        host, said = "", ()
    top = host.rpartition(".")
    if (
        not _LOCAL.fullmatch(local)
        or len(local) > MAX_LOCAL
        or not top[0]
        or len(top[2]) < 2  # noqa: PLR2004 - no top-level domain is shorter
        or at != at.strip(". ")
    ):
        msg = "is no e-mail address"
        raise ValueError(msg)
    if host == at.lower():
        return value, ()
    told = (text.replace(f"as {host}", f"as {local}@{host}") for text in said)
    return f"{local}@{host}", tuple(told)


def network(value: str) -> tuple[str, tuple[str, ...]]:
    """Name a network in CIDR notation, host bits zero."""
    import ipaddress

    try:
        net = ipaddress.ip_network(_unscoped(value), strict=True)
    except ValueError as error:
        msg = f"is no CIDR network ({error})"
        raise ValueError(msg) from error
    if net.prefixlen == 0:
        msg = "trusts every address there is"
        raise ValueError(msg)
    return str(net), () if str(net) == value else (f"is used as {net}",)


def _unscoped(value: str) -> str:
    """Return an address that means the same on every host, else ValueError."""
    if "%" in value:
        msg = "names an interface behind %, which only one host has"
        raise ValueError(msg)
    return value


def bind(value: str) -> tuple[str, tuple[str, ...]]:
    """Say where the server listens: `unix`, IP:PORT, or a port on loopback."""
    if value == "unix":
        return value, ()
    if _PORT.fullmatch(value):
        return f"127.0.0.1:{_port(value)}", (f"is used as 127.0.0.1:{value}",)
    address, _, port = value.rpartition(":")
    return f"{_address(address)}:{_port(port)}", ()


def upstream(value: str) -> tuple[str, tuple[str, ...]]:
    """Name one application host as IP:PORT or host:PORT."""
    address, _, port = value.rpartition(":")
    try:
        return f"{_address(address)}:{_port(port)}", ()
    except ValueError:
        host, said = domain(address)
        return f"{host}:{_port(port)}", said


def _port(value: str) -> str:
    """Return a port from 1 to 65535 as text."""
    if not _PORT.fullmatch(value) or int(value) > MAX_PORT:
        msg = "has no port from 1 to 65535"
        raise ValueError(msg)
    return value


def _address(value: str) -> str:
    """Return an IP address, version 6 in brackets."""
    import ipaddress

    bracketed = value.startswith("[") and value.endswith("]")
    try:
        address = ipaddress.ip_address(_unscoped(value[1:-1] if bracketed else value))
    except ValueError as error:
        msg = "is neither unix nor IP:PORT"
        raise ValueError(msg) from error
    if bracketed != (address.version == 6):  # noqa: PLR2004 - the protocol's number
        msg = "is neither unix nor IP:PORT; version 6 stands in brackets"
        raise ValueError(msg)
    return f"[{address}]" if bracketed else str(address)


def finding(value: str) -> tuple[str, tuple[str, ...]]:
    """Name a finding by its id, such as next.async_render."""
    if not re.fullmatch(r"[a-z]+(?:\.[a-z0-9_]+)+", value):
        msg = "is no finding's id such as next.async_render"
        raise ValueError(msg)
    return value, ()


def url_path(value: str) -> tuple[str, tuple[str, ...]]:
    """Name a URL path prefix such as /live/."""
    if not re.fullmatch(r"/(?:[A-Za-z0-9._~-]+/?)*", value) or "/." in value:
        msg = "is no plain URL path such as /live/"
        raise ValueError(msg)
    return value, ()


def env_name(value: str) -> tuple[str, tuple[str, ...]]:
    """Name a variable for the process: POSIX, and not one that loads other code."""
    if not _ENV_NAME.fullmatch(value) or len(value) > MAX_ENV_NAME:
        msg = "is no variable name"
        raise ValueError(msg)
    loads = value in LOADER_NAMES or value.startswith(LOADER_PREFIXES)
    if loads and value not in HARMLESS_NAMES:
        msg = "changes how the process finds or loads code"
        raise ValueError(msg)
    if value in OURS:
        msg = "is set by the deployment itself; a secret belongs in the env file"
        raise ValueError(msg)
    return value, ()


def env_value(value: str) -> tuple[str, tuple[str, ...]]:
    """Give one line of visible text, at most 4096 characters."""
    plain(value)
    if len(value) > MAX_ENV_VALUE:
        msg = f"is longer than {MAX_ENV_VALUE} characters"
        raise ValueError(msg)
    return value, ()


__all__ = [
    "BARE_DIRECTORIES",
    "SHADOWED",
    "SYSTEM_ACCOUNTS",
    "SYSTEM_DIRECTORIES",
    "TAKEN_NAMES",
    "bind",
    "domain",
    "email",
    "env_name",
    "env_value",
    "finding",
    "network",
    "plain",
    "upstream",
    "url_path",
]
