"""One-line edits: the settings module that tests name, and what git ignores."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from nextwizard.errors import InputError, Problem

from .names import names_of
from .source import BOM, NEWLINE, VARIABLE, Splice, decode, eol_of, read, splice


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .names import Names


type Span = tuple[int, int]
"""Byte offsets of the old module: where it begins and where it ends."""

type Keys = tuple[str | int, ...]
"""The way to a value in a TOML document."""

_COMMENT = b"# nextwizard: secrets and build output stay out of git"
_INI_KEY = re.compile(rb"([^\s=:#;\[][^=:\r\n]*?)[ \t]*[=:]")
_INI_COMMENT = re.compile(rb"(?:^|(?<=\s))[#;]")
_INI_OPTIONS = frozenset((b"addopts", b"commands", b"commands_post", b"commands_pre"))
_INI_ENVIRONMENT = frozenset((b"env", b"set_env", b"setenv"))
_OPTION = re.compile(rb"(?:^|[\s\"'])--ds(?:=|[ \t]+)[\"']?\Z")
_ASSIGNMENT = re.compile(rb"(?i)\bdjango_settings_module[ \t]*=[ \t]*[\"']?\Z")

_TOML_LINE = re.compile(r"at line (\d+)")
_TOML_PYTEST = (("tool", "pytest", "ini_options"), ("tool", "pytest"), ("pytest",))
_TOML_OTHERS = (("tool", "django-stubs"), ("tool", "pytest_env"))


def whole_word(module: str) -> re.Pattern[bytes]:
    """Return what finds a dotted module that is no part of a longer one."""
    return re.compile(rb"(?<![\w.])" + re.escape(module.encode()) + rb"(?![\w.])")


def ini_places(data: bytes, path: str, old: str) -> Iterator[Span]:
    """Yield where an ini file names the old module as the settings to take."""
    decode(data, path)
    word = whole_word(old)
    for key, start, end in _ini_values(data):
        for found in word.finditer(data, start, end):
            if _ini_decides(key, data[start : found.start()]):
                yield found.span()


def toml_places(data: bytes, path: str, old: str, new: str) -> Iterator[Span]:
    """Yield where a TOML file names it; each place is proven by parsing again."""
    text = decode(data, path)
    before = _toml(text, path)
    for found in whole_word(old).finditer(data):
        span = found.span()
        try:
            after = _toml(splice(data, [Splice(*span, new.encode())]).decode(), path)
        except InputError:
            continue
        is_option = _OPTION.search(data, 0, span[0]) is not None
        if _toml_decides(_changed(before, after), after, is_option=is_option):
            yield span


def _ini_decides(key: bytes, before: bytes) -> bool:
    if key.decode().upper() == VARIABLE:
        return not before.strip(b" \t\r\n\"'")
    if key in _INI_OPTIONS:
        return _OPTION.search(before) is not None
    return key in _INI_ENVIRONMENT and _ASSIGNMENT.search(before) is not None


def _ini_values(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield every line's key and the span of its value, comments left out."""
    key = b""
    start = len(BOM) if data.startswith(BOM) else 0
    for end in (*(found.end() for found in NEWLINE.finditer(data)), len(data)):
        begin = start
        if found := _INI_KEY.match(data, start, end):
            key, begin = found.group(1), found.end()
        elif data[start:end].lstrip().startswith(b"["):
            key = b""
        comment = _INI_COMMENT.search(data, begin, end)
        yield key, begin, comment.start() if comment else end
        start = end


def _toml(text: str, path: str) -> object:
    import tomllib

    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        found = _TOML_LINE.search(str(error))
        line = found.group(1) if found else text.count("\n") + 1
        what = f"the file is no TOML: {error}"
        fix = "Mend it, then run again."
        raise InputError(Problem(f"{path}:{line}", what, fix)) from None


def _toml_decides(keys: Keys, document: object, *, is_option: bool) -> bool:
    """Return whether the value at these keys names the settings to take."""
    match keys:
        case (*table, str(key)) if key.upper() == VARIABLE:
            return tuple(table) in _TOML_PYTEST + _TOML_OTHERS
        case (*table, "addopts") if tuple(table) in _TOML_PYTEST:
            return is_option
        case (*table, "addopts", int(number)) if tuple(table) in _TOML_PYTEST:
            previous = _at(document, (*table, "addopts", number - 1))
            return is_option or (number > 0 and previous == "--ds")
    return False


def _changed(before: object, after: object) -> Keys:
    """Return the way to the first value that differs."""
    pairs: list[tuple[str | int, object, object]] = []
    if isinstance(before, dict) and isinstance(after, dict):
        pairs = [(key, before.get(key), value) for key, value in after.items()]
    elif isinstance(before, list) and isinstance(after, list):
        both = zip(before, after, strict=True)
        pairs = [(number, *pair) for number, pair in enumerate(both)]
    for key, one, other in pairs:
        if one != other:
            return (key, *_changed(one, other))
    return ()


def _at(document: object, keys: Keys) -> object:
    for key in keys:
        if isinstance(document, dict):
            document = document.get(key)
        elif isinstance(document, list) and isinstance(key, int):
            document = document[key]
    return document


def repoint(data: bytes, *, path: str, old: str, new: str) -> bytes:
    """Return the file with `new` where it names `old` as the settings to take.

    The name of the file says how it is read: `.py`, `.toml`, everything else as ini.
    InputError when it cannot be read.
    """
    if not whole_word(old).search(data):
        return data
    spans = _places(data, path, old, new)
    return splice(data, {Splice(*span, new.encode()) for span in spans})


@lru_cache(maxsize=8)
def _places(data: bytes, path: str, old: str, new: str) -> frozenset[Span]:
    """Return where a file names `old`, read once for all the previews of it."""
    if path.endswith(".py"):
        return frozenset(_in_python(data, path, old))
    if path.endswith(".toml"):
        return frozenset(toml_places(data, path, old, new))
    return frozenset(ini_places(data, path, old))


def _in_python(data: bytes, path: str, old: str) -> Iterator[tuple[int, int]]:
    source = read(data, path)
    names = names_of(source.tree)
    for node, text in names.texts():
        span = source.inside_quotes(node)
        if span is None or not _names_settings(names, node, text, old):
            continue
        begin = len(source.mark) + span[1] - len(old.encode())
        yield begin, begin + len(old.encode())


def _names_settings(names: Names, node: ast.Constant, text: str, old: str) -> bool:
    if text == f"--ds={old}":
        return True
    return text == old and _decides(names, node)


def _decides(names: Names, inner: ast.AST) -> bool:
    """Return whether a string is the value that is given to the variable."""
    outer = names.parent(inner)
    while isinstance(outer, ast.IfExp | ast.BoolOp | ast.NamedExpr):
        inner, outer = outer, names.parent(outer)
    match outer:
        case ast.Call(args=arguments):
            return any(_is_key(argument) for argument in arguments)
        case ast.keyword(arg=str(name)):
            return _is_variable(name)
        case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
            return _is_target(target)
        case ast.Dict(keys=keys, values=values) if inner in values:
            return _is_key(keys[values.index(inner)])
    return False


def _is_target(target: ast.expr) -> bool:
    match target:
        case ast.Subscript(slice=key):
            return _is_key(key)
        case ast.Name(id=name):
            return _is_variable(name)
        case ast.Attribute(attr=name):
            return _is_variable(name) or name == "ds"
    return False


def _is_key(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value == VARIABLE


def _is_variable(name: str) -> bool:
    return name.upper() == VARIABLE


def add_ignores(data: bytes | None, patterns: Sequence[str]) -> bytes:
    """Return .gitignore with these lines; None stands for a file that is not there.

    A line that a later `!line` takes back counts as missing. InputError for a file
    that is no text git could read.
    """
    old = data or b""
    if b"\0" in old:
        what = "the file holds NUL bytes, so git does not read it"
        raise InputError(Problem(".gitignore", what, "Save it as UTF-8 text."))
    lines = [line.rstrip(b" ") for line in NEWLINE.split(old.removeprefix(BOM))]
    wanted = dict.fromkeys(pattern.encode() for pattern in patterns)
    missing = [line for line in wanted if not _stands(lines, line)]
    return _with_block(old, lines, missing) if missing else old


def _stands(lines: list[bytes], wanted: bytes) -> bool:
    """Return whether the last word on a pattern is the pattern itself."""
    said = [line for line in lines if line in (wanted, b"!" + wanted)]
    return bool(said) and said[-1] == wanted


def _with_block(old: bytes, lines: list[bytes], missing: list[bytes]) -> bytes:
    eol = eol_of(old)
    before = old + eol if old and not old.endswith((b"\n", b"\r")) else old
    if _COMMENT not in _last_block(lines):
        gap = [b""] if old.strip() and lines[-2:] != [b"", b""] else []
        missing = [*gap, _COMMENT, *missing]
    return before + b"".join(line + eol for line in missing)


def _last_block(lines: list[bytes]) -> list[bytes]:
    """Return the lines behind the last blank one."""
    block: list[bytes] = []
    for line in reversed(lines[:-1] if lines[-1] == b"" else lines):
        if not line:
            break
        block.insert(0, line)
    return block


__all__ = ["add_ignores", "repoint"]
