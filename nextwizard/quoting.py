"""Grammar by grammar, how a value is written so that it arrives as exactly itself.

The filters of the templates. Each raises ValueError for what its grammar cannot carry;
`grammar` has refused those answers before, so here it means a bug of ours.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable


_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_NGINX_BARE = re.compile(r"[A-Za-z0-9_./:@%+=,~*?!\[\]^|()<>&-]+")
_CADDY_BARE = re.compile(r"[A-Za-z0-9_./:@%+=,~*?!\[\]-]+")
_SYSTEMD_BARE = re.compile(r"[A-Za-z0-9_./:@+=,~*?!\[\]{}-]+")
_SHELL_BARE = re.compile(r"[A-Za-z0-9_./:@%+=,-]+")


def _line(value: object) -> str:
    """Return the value as text that stays on one line, else ValueError."""
    text = str(value)
    if _CONTROL.search(text):
        msg = f"{text!r} does not fit on one line"
        raise ValueError(msg)
    return text


def nginx(value: object) -> str:
    """Quote one nginx parameter; `$` and a backslash have no safe escape there."""
    text = _line(value)
    if "$" in text or "\\" in text:
        msg = f"{text!r} holds a character that nginx expands"
        raise ValueError(msg)
    if _NGINX_BARE.fullmatch(text):
        return text
    return '"' + text.replace('"', '\\"') + '"'


def nginx_regex(value: object) -> str:
    """Escape a literal for use inside an nginx regular expression."""
    return re.sub(r"([.^$*+?()\[\]{}|\\])", r"\\\1", _line(value))


def caddy(value: object) -> str:
    """Quote one Caddyfile token; braces are escaped, or Caddy reads a placeholder."""
    text = _line(value)
    if "\\" in text:
        msg = f"{text!r} holds a backslash, which caddy keeps doubled in quotes"
        raise ValueError(msg)
    if _CADDY_BARE.fullmatch(text):
        return text
    text = text.replace('"', '\\"')
    return '"' + text.replace("{", "\\{").replace("}", "\\}") + '"'


def systemd(value: object) -> str:
    """Quote one word of a command line or list in a unit."""
    text = _line(value).replace("%", "%%")
    bare = _SYSTEMD_BARE.fullmatch(text.replace("%%", "") or "-")
    if text and bare:
        return text
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("$", "$$") + '"'


def systemd_line(value: object) -> str:
    """Write a value that a unit takes to the end of the line, specifiers escaped."""
    text = _line(value)
    if text.endswith("\\") or text != text.strip():
        msg = f"{text!r} cannot end a line of a unit"
        raise ValueError(msg)
    return text.replace("%", "%%")


def systemd_text(value: object) -> str:
    """Write free text into the middle of a unit's line, specifiers escaped."""
    return _line(value).replace("%", "%%")


def systemd_env(value: object) -> str:
    """Quote the value of Environment=NAME=value; `$` is plain text there."""
    text = _line(value).replace("%", "%%")
    return text.replace("\\", "\\\\").replace('"', '\\"')


def py(value: object) -> str:
    """Write a Python literal: text, number, flag, tuple or None."""
    if isinstance(value, bool) or value is None or isinstance(value, int):
        return repr(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(py(item) for item in value) + "]"
    return _json(value)


def name(value: object) -> str:
    """Write a dotted Python name, as an import takes it."""
    text = str(value)
    if not all(part.isidentifier() for part in text.split(".")):
        msg = f"{text!r} is no dotted Python name"
        raise ValueError(msg)
    return text


def toml(value: object) -> str:
    """Write a TOML value: text, number, flag or array."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return _json(value)


def yaml(value: object) -> str:
    """Write a YAML scalar or flow sequence; text is always quoted."""
    return toml(value)


def yaml_dollar(value: object) -> str:
    """Write a YAML value where `$` starts a variable: compose, a pod's command."""
    if isinstance(value, tuple):
        return "[" + ", ".join(yaml_dollar(item) for item in value) + "]"
    return yaml(value.replace("$", "$$") if isinstance(value, str) else value)


def dockerfile(value: object) -> str:
    """Quote one word of a Dockerfile's instruction, where `$` would expand."""
    text = _line(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("$", "\\$") + '"'


def docker_json(value: object) -> str:
    """Write the JSON array of an instruction's exec form; COPY expands `$` in it."""
    items = value if isinstance(value, tuple) else (value,)
    return "[" + ", ".join(_json(_line(item)) for item in items) + "]"


def docker_path(value: object) -> str:
    """Write one path of a COPY in JSON form, its `$` and backslash escaped."""
    return _json(_line(value).replace("\\", "\\\\").replace("$", "\\$"))


def docker_line(value: object) -> str:
    """Write a value that an instruction takes to the end of its line."""
    return _line(value).replace("\\", "\\\\").replace("$", "\\$")


def env_line(value: object) -> str:
    """Write the value of a line NAME=value that is taken as it stands, to its end."""
    return _line(value)


def _json(value: object) -> str:
    """Write text in double quotes with JSON's escapes; the grammars share them."""
    text = str(value)
    text.encode("utf-8")
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def shell(value: object) -> str:
    """Quote one word of a POSIX shell command."""
    text = _line(value)
    if _SHELL_BARE.fullmatch(text):
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"


def shell_words(value: object) -> str:
    """Write a command of ours, its words apart: each of them stays one word."""
    words = value if isinstance(value, tuple) else str(value).split(" ")
    return " ".join(map(shell, words))


def ini(value: object) -> str:
    """Write a value of supervisor's ini file, where `%` expands."""
    text = _line(value)
    if re.search(r"(?:^|\s)[;#]", text) or text != text.strip():
        msg = f"{text!r} would be cut short by a comment"
        raise ValueError(msg)
    return text.replace("%", "%%")


def supervisor(value: object) -> str:
    """Quote one word of a supervisor command; it splits like a shell, then expands."""
    return ini(shell(value))


def uwsgi(value: object) -> str:
    """Write a value of uWSGI's ini file; `%` expands, `@(NAME)` reads a file."""
    text = _line(value)
    if "@(" in text or "$(" in text or text != text.strip():
        msg = f"{text!r} would be expanded by uWSGI"
        raise ValueError(msg)
    return text.replace("%", "%%")


def procfile(value: object) -> str:
    """Quote one word of a Procfile's line; only a PORT at its end stays a variable."""
    text = str(value)
    if text.endswith("$PORT"):
        return f'{shell(text[:-5]) if text[:-5] else ""}"$PORT"'
    return shell(text)


def requirement(value: object) -> str:
    """Write one line of a requirements file."""
    text = str(value)
    if not re.fullmatch(r"[A-Za-z0-9._-]+(?:\[[a-z,]+\])?>=[0-9.]+", text):
        msg = f"{text!r} is no requirement"
        raise ValueError(msg)
    return text


def comment(value: object) -> str:
    """Write text into a one-line comment of any of the grammars."""
    return _line(value)


def markdown(value: object) -> str:
    """Write text into a Markdown paragraph, its marks escaped."""
    return re.sub(r"([\\`*_{}\[\]<>#|&])", r"\\\1", _line(value))


FILTERS: dict[str, Callable[[object], str]] = {
    "caddy": caddy,
    "comment": comment,
    "docker_json": docker_json,
    "docker_line": docker_line,
    "docker_path": docker_path,
    "dockerfile": dockerfile,
    "env_line": env_line,
    "ini": ini,
    "markdown": markdown,
    "name": name,
    "nginx": nginx,
    "nginx_regex": nginx_regex,
    "procfile": procfile,
    "py": py,
    "requirement": requirement,
    "shell": shell,
    "shell_words": shell_words,
    "supervisor": supervisor,
    "systemd": systemd,
    "systemd_env": systemd_env,
    "systemd_line": systemd_line,
    "systemd_text": systemd_text,
    "toml": toml,
    "uwsgi": uwsgi,
    "yaml": yaml,
    "yaml_dollar": yaml_dollar,
}
"""Every filter a template may use, by name."""


__all__ = ["FILTERS", "py", "shell", "toml"]
