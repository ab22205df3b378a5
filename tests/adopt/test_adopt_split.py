from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from adopt_oracle import Oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from nextwizard.adopt import Edit, split_settings


if TYPE_CHECKING:
    from collections.abc import Iterator


_SHAPES = (Path(__file__).parent / "shapes.txt").read_text().split("==== ")[1:]
SHAPES = dict(shape.split("\n", 1) for shape in _SHAPES)
STOCK = SHAPES["stock"]
FAILING = {"error", "error of import"}


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    with Oracle(tmp_path_factory.mktemp("split")) as running:
        yield running


def encodings(text: str) -> Iterator[bytes]:
    """Yield one text as every kind of file that Python reads the same."""
    data = text.encode()
    yield data
    yield data.replace(b"\n", b"\r\n")
    yield b"\xef\xbb\xbf" + data
    yield data.removesuffix(b"\n")
    yield data.replace(b"\n", b"\r")
    yield b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n").removesuffix(b"\r\n")


@pytest.mark.parametrize("shape", SHAPES)
def test_every_value_stays(oracle: Oracle, shape: str) -> None:
    for data in encodings(SHAPES[shape]):
        values, _ = oracle.judge(data)
        assert ("!" in values) == (shape in FAILING)


def test_a_module_without_a_package(oracle: Oracle) -> None:
    text = (
        "import os\nfrom pathlib import Path\nA = Path(__file__).parent\n"
        "B = os.path.dirname(__file__)\nC = __name__, __package__\n"
        "try:\n    from .shared import SHARED\nexcept ImportError:\n    D = 'alone'\n"
    )
    values, split = oracle.judge(text.encode(), "settings")
    assert values["C"] == "('settings', '')"
    assert values["D"] == "'alone'"
    assert b"from ..shared" in split.base


def test_a_module_of_another_name(oracle: Oracle) -> None:
    text = b"import os\nA = __file__\nB = __name__\nfrom .env import ENV_NAME\n"
    values, _ = oracle.judge(text, "config.conf")
    assert values["A"].endswith("config/conf.py'")
    assert values["B"] == "'config.conf'"
    values, _ = oracle.judge(text.replace(b".env", b"..env"), "config.parts.conf")
    assert values["ENV_NAME"] == "'env'"
    values, _ = oracle.judge(text, "config.base")
    assert values["A"].endswith("config/base.py'")


def split(text: str | bytes) -> tuple[str, tuple[Edit, ...]]:
    data = text if isinstance(text, bytes) else text.encode()
    made = split_settings(data, path="config/settings.py", module="config.settings")
    return made.base.decode(), made.changes


def test_the_stock_file_changes_in_one_line() -> None:
    base, changes = split(STOCK)
    assert base == STOCK.replace("parent.parent\n", "parent.parent.parent\n")
    assert [change.line for change in changes] == [8]


def test_the_old_path_is_defined_behind_docstring_and_future() -> None:
    text = (
        '"""Doc."""\n\nfrom __future__ import annotations  # first\nimport os\n'
        "A = os.path.dirname(__file__)\n"
    )
    base, changes = split(text)
    assert base == (
        '"""Doc."""\n\nfrom __future__ import annotations  # first\n\n'
        "# This file moved one folder down; the paths made from its place did not.\n"
        '_SETTINGS_FILE = __file__[: -len("/base.py")] + ".py"\n\nimport os\n'
        "A = os.path.dirname(_SETTINGS_FILE)\n"
    )
    assert [change.line for change in changes] == [4, 5]
    assert "`__file__` becomes `_SETTINGS_FILE`" in changes[1].what


def test_nothing_to_change_is_every_byte_as_it_was() -> None:
    data = b"\xef\xbb\xbf# __file__\r\nA = '__file__'  \t\r\n\x0c\r\nB = 'from .x'"
    made = split_settings(data, path="config/settings.py", module="config.settings")
    assert made.base == data
    assert made.changes == ()


def test_the_base_of_a_package_is_never_split_again() -> None:
    base = split(STOCK)[0].encode()
    for path in ("settings/base.py", "src/config/settings/base.py"):
        module = path.removesuffix(".py").replace("/", ".")
        again = split_settings(base, path=path, module=module)
        assert again.base == base
        assert again.changes == ()


@pytest.mark.parametrize(
    "text",
    [
        "def show(): pass\nA = {'x': \"config.settings.show\"}\n",
        "def show(): pass\nA = {'x': r'''config.settings.show'''}\n",
        "class show: pass\nA = {'x': __name__ + '.show'}\n",
        "class show: pass\nA = {'x': f'{__name__}.show'}\n",
        "class show: pass\nA = {'x': '%s.%s' % (__name__, 'show')}\n",
        "class show: pass\nA = {'x': '.'.join([__name__, 'show'])}\n",
        "async def show(): pass\nA = {'x': '{}.show'.format(__name__)}\n",
    ],
)
def test_a_dotted_path_of_its_own_is_found_after_the_move(text: str) -> None:
    names: dict[str, object] = {"__name__": "config.settings.base"}
    exec(split(text)[0], names)  # noqa: S102
    assert names["A"] == {"x": "config.settings.base.show"}


def test_a_dotted_path_that_is_not_its_own_stays() -> None:
    text = (
        "A = 'config.settings.other', 'config.settings_x.show', 'x.config.settings'\n"
    )
    assert split("def show(): pass\n" + text)[0].endswith(text)


SNIPPETS = (
    "{n} = __file__",
    "{n} = Path(__file__).parent",
    "{n} = Path(__file__).resolve().parent.parent / 'é'",
    "{n} = pathlib.Path(__file__).parents[1]",
    "{n} = os.path.dirname(os.path.abspath(__file__))",
    "{n} = f'é{{__file__}}é{{Path(__file__).parent}}'",
    "from .env import ENV_NAME as {n}",
    "from . import parts as {n}_; {n} = {n}_.PART",
    "from .parts.mail import *",
    "{n} = __name__, __package__",
    "{n} = (lambda p=__file__: p)()",
    "{n} = [p for p in (__file__, 'ü')]",
    "{n} = '__file__'  # Path(__file__).parent",
    "{n} = '''\n__file__ é\n'''",
    "{n} = (  # é\n    Path(__file__)  # __file__\n    .parent\n)",
    "setattr(sys.modules[__name__], '{n}', 1)",
    "globals()['{n}'] = __file__",
    "{n} = \\\n    Path(__file__) \\\n    .parent",
)
LINES = st.lists(st.sampled_from(SNIPPETS), min_size=1, max_size=8)
HEADS = st.sampled_from(
    ("", '"""Doc é."""\n', "# é\n\n", "'''a\n\nb''';", "#!/x\n# coding: utf-8\n"),
)
BLOCKS = st.sampled_from(("", "if True:\n", "try:\n", "for _ in '1':\n", "class c:\n"))


def composed(head: str, future: str, block: str, lines: list[str]) -> str:
    named = [line.format(n=f"N{number}") for number, line in enumerate(lines)]
    flat = [line for line in named if "\n" not in line and "*" not in line]
    text = head + future + "import os, pathlib, sys\nfrom pathlib import Path\n"
    text += "\n".join(named) + "\n"
    if block and flat:
        text += block + "".join(f"    {line}\n" for line in flat)
        text += "finally:\n    pass\n" if block.startswith("try") else ""
    return text


@settings(max_examples=120, deadline=None, database=None)
@given(
    HEADS,
    st.sampled_from(("", "from __future__ import annotations\n")),
    BLOCKS,
    LINES,
    st.integers(0, 5),
)
def test_any_mixture_keeps_every_value(
    oracle: Oracle,
    head: str,
    future: str,
    block: str,
    lines: list[str],
    encoding: int,
) -> None:
    text = composed(head, future, block, lines)
    values, _ = oracle.judge(list(encodings(text))[encoding])
    assert "!" not in values
