"""Random values for every answer: legal by its grammar, nearly so, and hostile."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from hypothesis import strategies as st


if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    type Texts = SearchStrategy[str]


PIECES = (
    *(";", "{", "}", '"', "'", "`id`", "$(id)", "${HOME}", "$host", "%n", "%(x)s"),
    *("\\", "\\\n", "\n", "\r\n", "\t", "\0", "\x1b[2J", "\x7f", "\x85", "\u2028"),
    *("#", " # ", "//", "/*", "-->", "{{7*7}}", "{% x %}", "{#", "<", ">", "|", "&&"),
    *("=", ":", ",", "@", "!", "*", "?", "[", "]", "(", ")", "~", "-", "..", "."),
    *("é", "日本", "\u202e", "\u200d", "\ufeff", "\ud800", "🚀", "\u00a0", "\ufb01"),
    *("[Service]", "ExecStartPre=/bin/id", "location /", "import x", "env.HOME", "$$"),
    *("yes", "null", "0x1F", "1e3", "2026-01-01", "!!python/name:os", "&a", "- a"),
)
"""What starts, ends or expands something in one of the grammars we write."""

VISIBLE = st.characters(codec="utf-8", exclude_categories=("C", "Z"))
LINE = st.text(
    st.one_of(VISIBLE, st.just(" "), st.sampled_from("'\"#;%{}[]()&|<>=,!*?~@^")),
    min_size=1,
    max_size=40,
)
LOWER = string.ascii_lowercase
PORT = st.integers(1, 65535).map(str)
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,12}[a-z0-9])?", fullmatch=True)
DOMAIN = st.lists(LABEL, min_size=2, max_size=4).map(".".join)
UNICODE_DOMAIN = st.lists(
    st.text(st.characters(categories=("Ll", "Lo", "Lu")), min_size=1, max_size=8),
    min_size=1,
    max_size=3,
).map(lambda labels: ".".join([*labels, "example.org"]))
IP4 = st.ip_addresses(v=4, network="10.0.0.0/8").map(str)
IP6 = st.ip_addresses(v=6, network="fd00::/16").map("[{}]".format)
LOOPBACK = st.ip_addresses(v=4, network="127.0.0.0/8").map(str)
NETWORK = st.builds(
    lambda a, b, c, bits: f"{a}.{b}.{c}.0/{bits}",
    *(st.integers(1, 223), st.integers(0, 255), st.integers(0, 255)),
    st.sampled_from([24, 28, 32]),
)
SEGMENT = st.text(
    st.one_of(st.sampled_from(f"{LOWER}0189._-"), VISIBLE, st.just(" ")),
    min_size=1,
    max_size=12,
)
PLAIN = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,12}", fullmatch=True)
NAME = st.from_regex(r"[a-z][a-z0-9]{0,9}([-_][a-z0-9]{1,9}){0,2}", fullmatch=True)
UNIX = st.from_regex(r"[a-z_][a-z0-9_-]{0,31}", fullmatch=True)
PATH = st.lists(SEGMENT, min_size=1, max_size=4).map("/".join)
URL = st.lists(
    st.from_regex(r"[A-Za-z0-9~-][A-Za-z0-9._~-]{0,12}", fullmatch=True),
    min_size=1,
    max_size=3,
).map(lambda parts: f"/{'/'.join(parts)}/")
DOTTED = st.lists(
    st.from_regex(r"[a-z_][a-z0-9_]{0,12}", fullmatch=True), min_size=1, max_size=3
).map(".".join)
LOCAL = st.from_regex(r"[a-zA-Z0-9!#%&'*+/=?^_~-]{1,16}", fullmatch=True)

LEGAL: dict[str, Texts] = {
    "checks.ignore": st.from_regex(
        r"[a-z]{1,9}(\.[a-z0-9_]{1,9}){1,2}", fullmatch=True
    ),
    "environment": LINE,
    "environment name": st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True),
    "features.sse_paths": URL,
    "features.websocket_paths": URL,
    "health.path": st.lists(PLAIN, min_size=1, max_size=3).map(
        lambda parts: f"/{'/'.join(parts)}/"
    ),
    "hosting.acme_email": st.builds("{}@{}".format, LOCAL, DOMAIN),
    "hosting.bind": st.builds("{}:{}".format, LOOPBACK, PORT),
    "hosting.domains": st.one_of(DOMAIN, UNICODE_DOMAIN),
    "hosting.group": UNIX,
    "hosting.hosts": st.builds("{}:{}".format, st.one_of(IP4, IP6, DOMAIN), PORT),
    "hosting.image": st.lists(LABEL, min_size=1, max_size=3).map("/".join),
    "hosting.path_prefix": st.lists(PLAIN, min_size=1, max_size=2).map(
        lambda parts: f"/{'/'.join(parts)}"
    ),
    "hosting.proxy_addresses": NETWORK,
    "hosting.proxy_user": UNIX,
    "hosting.root": PATH.map(lambda path: f"/srv/{path}"),
    "hosting.route_class": DOMAIN,
    "hosting.tls_certificate": PATH.map(lambda path: f"/etc/ssl/{path}"),
    "hosting.tls_certificate_key": PATH.map(lambda path: f"/etc/ssl/{path}"),
    "hosting.trusted_proxies": NETWORK,
    "hosting.user": UNIX,
    "project.name": NAME,
    "project.package": DOTTED,
    "project.pages": PATH,
    "project.title": LINE,
}
"""Values by the grammar of each answer; a few of them are still refused."""

HOSTILE = st.lists(
    st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), min_size=1, max_size=5
).map("".join)


def values(name: str) -> Texts:
    """Return values for an answer: most are legal, all others have a bad piece."""
    legal = LEGAL[name]
    spoilt = st.builds(
        lambda text, piece, at: f"{text[:at]}{piece}{text[at:]}",
        legal,
        st.one_of(st.sampled_from(PIECES), st.characters()),
        st.integers(0, 30),
    )
    return st.one_of(legal, spoilt, HOSTILE)


__all__ = ["LEGAL", "PIECES", "values"]
