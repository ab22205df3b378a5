from __future__ import annotations

import pytest

from nextwizard.adopt import split_settings
from nextwizard.errors import InputError


REFUSED = [
    ("A = 1\nif not A:\n    __file__ = 'x'", 3, "`__file__` gets a value"),
    ("try:\n    __file__\nexcept NameError:\n    __file__ = 1", 4, "`__file__` gets"),
    ("def f(__file__):\n    return __file__", 1, "`__file__` gets"),
    ("import os as __name__", 1, "`__name__` gets"),
    ("\nclass A:\n    __file__ = 1", 3, "`__file__` gets"),
    ("for __package__ in ():\n    pass", 1, "`__package__` gets"),
    ("try:\n    A\nexcept E as __spec__:\n    pass", 3, "`__spec__` gets"),
    ("match 1:\n    case __file__:\n        pass", 2, "`__file__` gets"),
    ("def f():\n    global __file__", 2, "`__file__` gets"),
    ("__path__ = ['x']", 1, "`__path__` gets"),
    ("A = __spec__.name", 1, "`__spec__` is read"),
    ("A = 1; B = __loader__", 1, "`__loader__` is read"),
    ("A = __cached__", 1, "`__cached__` is read"),
    ("import pkgutil\nA = list(pkgutil.iter_modules(__path__))", 2, "`__path__`"),
    ("class A:\n    B = __module__", 2, "`__module__` is read"),
    ("A = 1\nexec(open('x').read())", 2, "`exec` cannot be proven"),
    ("run = exec", 1, "`exec` cannot be proven"),
    ("A = eval(compile('1', 'x', 'eval'))", 1, "`compile` cannot be proven"),
    ("A = eval('__file__ + 1')", 1, "`__file__` is read by `eval`"),
    ("import sys\nA = sys._getframe().f_code.co_filename", 2, "`sys._getframe`"),
    ("import inspect\nA = inspect.stack()[0].filename", 2, "`inspect.stack`"),
    ("from inspect import currentframe as c\nA = c()", 2, "`inspect.currentframe`"),
    ("from split_settings.tools import include", 1, "split_settings"),
    ("import dynaconf", 1, "dynaconf"),
    ("from configurations import Configuration", 1, "configurations"),
    ("import environ\nenv = environ.Env()\nenv.read_env()", 3, "without an argument"),
    ("from importlib import resources\nA = resources.files()", 2, "without an arg"),
    ("import config.settings", 1, "the settings import `config.settings`"),
    ("import os, config.settings as s", 1, "the settings import"),
    ("def f():\n    from config.settings import A", 2, "the settings import"),
    ("from config.settings.local import *", 1, "the settings import"),
    ("from config import urls, settings", 1, "the settings import"),
    ("from . import settings", 1, "the settings import"),
    ("from .settings import A", 1, "the settings import"),
    ("from ..config.settings import A", 1, "the settings import"),
    ("import config.parts\nA = config.settings.B", 2, "the settings import"),
    ("from importlib import import_module as i\ni('config.settings')", 2, "import"),
    ("import importlib as i\ni.import_module('.settings', __package__)", 2, "import"),
    ("import sys\nA = sys.modules['config.settings']", 2, "the settings import"),
    ("import importlib\nA = importlib.import_module(__name__)", 2, "module name"),
    ("import pkgutil\nA = pkgutil.get_data(__name__, 'x')", 2, "module name"),
    ("A = dict(app=__name__)", 1, "module name"),
    ("A = made()(__name__)", 1, "module name"),
    ("for k in list(globals().items()):\n    pass", 1, "all their own names"),
    ("A = {k: v for k, v in vars().items()}", 1, "all their own names"),
    ("A = [n for n in dir() if n.isupper()]", 1, "all their own names"),
    ("import django_heroku\ndjango_heroku.settings(locals())", 2, "own names"),
    ("A = 1\nspace = globals()\nshow(space)", 3, "all their own names"),
    ("A = globals()['__file__']", 1, "all their own names"),
    ("globals().update({'__file__': 1})", 1, "all their own names"),
    ("import shared\nglobals().update(vars(shared))", 2, "all their own names"),
    ("import shared\nglobals().update(shared.__dict__)", 2, "all their own names"),
    ("import runpy\nglobals().update(runpy.run_path('x'))", 2, "own names"),
    ("A = {}[globals()]", 1, "all their own names"),
    ("A = globals() in [1]", 1, "all their own names"),
    ("A = '__file__' in globals()", 1, "all their own names"),
    ("A = globals().get('__file__')", 1, "all their own names"),
    ("A = globals().copy()", 1, "all their own names"),
    ("A = globals().values", 1, "all their own names"),
    ("def f(a=list(vars())):\n    return a", 1, "all their own names"),
    ("import sys\nsetattr(A, 'x', sys.modules[__name__])", 2, "own names"),
    ("import sys\nsetattr(A, sys.modules[__name__], 1)", 2, "own names"),
    ("g = globals", 1, "`globals` gets another name"),
    ("import sys\nA = vars(sys.modules[__name__])", 2, "all their own names"),
    ("import sys\nme = sys.modules[__name__]\nA = me.__file__", 3, "own names"),
    ("import sys\nA = getattr(sys.modules[__name__], '__file__')", 2, "own names"),
    ("__all__ = ['A']", 1, "`__all__` decides"),
    ("def __getattr__(name):\n    return 1", 1, "`__getattr__` decides"),
    ("def __dir__():\n    return []", 1, "`__dir__` decides"),
    ("A = open(__file__).read()", 1, "their own file"),
    ("import os\nA = os.path.getmtime(__file__)", 2, "their own file"),
    ("HERE = __file__\nwith open(file=HERE) as f:\n    A = f.read()", 2, "own file"),
    ("from pathlib import Path\nA = Path(__file__).read_text()", 2, "their own file"),
    ("from pathlib import Path\np = Path(__file__)\nA = p.stat()", 3, "own file"),
    (
        "from pathlib import Path\nA = Path(__file__).resolve(strict=True)",
        2,
        "own file",
    ),
    ("import os\nA = os.path.realpath(__file__, strict=True)", 2, "their own file"),
    (
        "import os\nif (p := os.path.abspath(__file__)):\n    A = os.stat(p)",
        3,
        "own file",
    ),
    ("A = f'{__file__=}'", 1, "prints its own source"),
    ("A = f'{ (__file__) = !r:>10}'", 1, "prints its own source"),
    ("A = f'{__name__ + \"x\"=}'", 1, "prints its own source"),
    (
        "from pathlib import Path\nA = f'{Path(__file__).parent=}'",
        2,
        "prints its own source",
    ),
    ("def f(): pass\nA = 'config.' 'settings.f'", 2, "which moves"),
    ("def f(): pass\nA = 'config.settings\\x2ef'", 2, "which moves"),
]

UNREADABLE = [
    (b"A = 1\nB = '\xff'\n", 2, "no UTF-8"),
    (b"A = 1\r\n\r\nB = '\xe9'\r\n", 3, "no UTF-8"),
    (b"# coding: latin-1\nA = 1\n", 1, "encoding latin-1"),
    (b"# coding: latin-1\n\nA = '\xe9'\n", 1, "encoding latin-1"),
    (b"#!/usr/bin/python\n# -*- coding: cp1252 -*-\nA = 1\n", 2, "encoding cp1252"),
    (b"\xef\xbb\xbf# vim: fileencoding=koi8-r\n", 1, "encoding koi8-r"),
    (b"A = 1\n\nB = (\n", 3, "does not parse"),
    (b"print 'x'\n", 1, "does not parse"),
    (b"A = 1\n\tB = 2\n", 2, "does not parse"),
    (b"A = 1\rB = = 2\r", 2, "does not parse"),
    (b"A = 1\nB = '\0'\n", 2, "NUL"),
    ("A = 1\n".encode("utf-16"), 1, "no UTF-8"),
    (b"A = " + b"(" * 5000, 1, "does not parse"),
]

FINE = [
    "# exec and __file__ = 1\nA = '__spec__', 'exec'\n",
    "from config.settings_local import *\nimport config.settingsx\n",
    "from django import conf\nA = conf.settings, conf.config.settings\n",
    "import re\nA = re.compile('x')\nfrom re import compile\nB = compile('y')\n",
    "class A:\n    __all__ = 1\n    def __getattr__(self, name):\n        return 1\n",
    "def f():\n    return locals(), vars(), dir()\n",
    "A = vars(object), dir(object)\nB = lambda: (locals(), dir())\n",
    "import sys\nme = sys.modules[__name__]\nme.__x = 1\nme.x__ = 2\n",
    "from dotenv import load_dotenv\nload_dotenv()\nimport decouple\n",
    "from environs import Env\nenv = Env()\nenv.read_env()\n",
    "import environ\nenviron.Env.read_env('/x/.env')\n",
    "def exec(x):\n    return x\nA = exec(1)\n",
    "A = eval('1 + 1')\n",
    "# \xe9\n\n# coding: latin-1\nA = 1\n",
]


def problems_of(data: bytes) -> list[tuple[str, str, str]]:
    with pytest.raises(InputError) as caught:
        split_settings(data, path="config/settings.py", module="config.settings")
    return [(each.where, each.what, each.fix) for each in caught.value.problems]


@pytest.mark.parametrize(("text", "line", "what"), REFUSED)
def test_what_cannot_be_proven_is_refused_by_line(
    text: str,
    line: int,
    what: str,
) -> None:
    for data in (
        text.encode(),
        b"\xef\xbb\xbf" + text.encode().replace(b"\n", b"\r\n"),
    ):
        found = problems_of(data)
        assert f"config/settings.py:{line}" in [where for where, _, _ in found]
        assert any(what in said for _, said, _ in found)
        assert all(fix for _, _, fix in found)


@pytest.mark.parametrize(("data", "line", "what"), UNREADABLE)
def test_what_cannot_be_read_is_refused_by_line(
    data: bytes,
    line: int,
    what: str,
) -> None:
    [(where, said, fix)] = problems_of(data)
    assert where == f"config/settings.py:{line}"
    assert what in said
    assert fix


@pytest.mark.parametrize("text", FINE)
def test_what_only_looks_dangerous_is_split(text: str) -> None:
    made = split_settings(
        text.encode(),
        path="config/settings.py",
        module="config.settings",
    )
    assert made.base == text.encode()


def test_every_problem_is_named_and_the_way_by_hand_once() -> None:
    found = problems_of(b"A = __spec__\nexec('')\n__all__ = []\n")
    assert [where.rpartition(":")[2] for where, _, _ in found] == ["1", "2", "3"]
    assert ["git mv" in fix for _, _, fix in found] == [False, False, True]
    assert "`git mv config/settings.py config/settings/base.py`" in found[-1][2]


def test_a_text_in_a_message_cannot_leave_its_line() -> None:
    text = "def f(): pass\nA = 'config.settings.f.' '\\x1b[31m\\n'\n"
    [(_, said, _)] = problems_of(text.encode())
    assert said.isprintable()


DEEP = {
    "sum": "A = " + " + ".join(["__file__"] * 1010),
    "attributes": "A = __file__" + ".x" * 1010,
    "elif": "if 0:\n    A = 1\n" + "elif __file__:\n    B = 1\n" * 300,
    "ternary": "A = " + "1 if 2 else " * 1010 + "__file__",
    "brackets": "A = " + "(" * 190 + "__file__" + ")" * 190,
    "not": "A = " + "not " * 900 + "__file__",
    "targets": "A" + " = A" * 1010 + " = __file__",
    "calls": "from pathlib import Path\nA = Path(__file__)" + ".resolve()" * 1010,
}


@pytest.mark.parametrize("shape", DEEP)
def test_deep_nesting_is_split_or_refused_but_never_fails(shape: str) -> None:
    data = DEEP[shape].encode()
    try:
        made = split_settings(data, path="config/settings.py", module="config.settings")
    except InputError:
        return
    assert made.base.count(b"_SETTINGS_FILE") == 1 + data.count(b"__file__")
