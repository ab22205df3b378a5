from __future__ import annotations

import pytest

from nextwizard.adopt import split_settings


def signals(text: str, **more: frozenset[str]) -> list[tuple[str, int, str]]:
    made = split_settings(
        text.encode(),
        path="config/settings.py",
        module="config.settings",
        **more,
    )
    assert all(each.evidence.path == "config/settings.py" for each in made.warnings)
    return [
        (each.kind.removeprefix("settings."), each.evidence.line, each.confidence)
        for each in made.warnings
    ]


WARNED = [
    ("DEBUG = True\nif DEBUG:\n    A = 1\n", [("debug_read", 2), ("mutated", 3)]),
    ("DEBUG = 1\nA = {'debug': DEBUG}\n", [("debug_read", 2)]),
    ("DEBUG = 1\ndef f():\n    return not DEBUG\n", [("debug_read", 3)]),
    ("SECRET_KEY = 'x'\nJWT = {'KEY': SECRET_KEY}\n", [("prod_leak", 2)]),
    ("A = f'{STATIC_URL}x'\n", [("prod_leak", 1)]),
    ("MIDDLEWARE = []\nMIDDLEWARE.append('x')\n", [("mutated", 2)]),
    ("TEMPLATES[0]['DIRS'].insert(0, 'x')\n", [("mutated", 1)]),
    ("DATABASES['default']['X'] = 1\n", [("mutated", 1)]),
    ("if 'x' in MIDDLEWARE:\n    MIDDLEWARE = []\n", [("prod_leak", 1)]),
    ("for MIDDLEWARE in MIDDLEWARE: pass\n", [("prod_leak", 1)]),
    ("del CACHES['default']\n", [("mutated", 1)]),
    (
        "DEBUG = 1\nif DEBUG:\n    MIDDLEWARE.append('x')\n    APPS += ['y']\n",
        [("debug_read", 2), ("mutated", 3), ("mutated", 4)],
    ),
    ("_SECRET = 1\ndef _f(): pass\n", [("private_name", 1), ("private_name", 2)]),
    ("if True:\n    _A, (b, [_C]) = 1, (2, [3])\n", [("private_name", 2)] * 2),
    ("A = load(__file__)\n", [("file_passed", 1)]),
    ("A = run(['git', 'log', __file__])\n", [("file_passed", 1)]),
    ("globals()['A'] = 1\n", [("dynamic", 1)]),
    ("A = eval(B)\n", [("dynamic", 1)]),
    ("A = ['config.settings']\n", [("self_reference", 1)]),
    ("import os\nA = os.environ['DJANGO_SETTINGS_MODULE']\n", [("self_reference", 2)]),
    ("def f(): pass\nA = __name__ + '.f'\n", [("self_reference", 2)]),
]

SILENT = [
    "DEBUG = True\nDEBUG = False\n",
    "MIDDLEWARE = []\nMIDDLEWARE = ['x'] + MIDDLEWARE\n",
    "INSTALLED_APPS = []\nINSTALLED_APPS += ['x']\n",
    "a = {}\na[KEYS] = 1\nadd = APPS.append\nfirst = APPS.index('x')\n",
    "A = 'DEBUG', 'SECRET_KEY'  # DEBUG\n",
    "import os as _os\nfrom x import y as _y\nfor _ in ():\n    pass\n",
    "A = [_x for _x in ()]\nB = lambda _y: _y\ndef f(_z):\n    _q = 1\n__x__ = 1\n",
    "import os\nA = os.path.join(__file__, 'x'), str(__file__), len(__file__)\n",
    "A = '{}'.format(__file__), dict(a=__file__), [__file__], '/'.join([__file__])\n",
    '"""config.settings"""\nA = "config.settings_x", "my.config.settings"\n',
]


@pytest.mark.parametrize(("text", "expected"), WARNED)
def test_a_hazard_is_told_by_line(text: str, expected: list[tuple[str, int]]) -> None:
    assert [(kind, line) for kind, line, _ in signals(text)] == expected


@pytest.mark.parametrize("text", SILENT)
def test_what_is_harmless_is_not_told(text: str) -> None:
    assert signals(text) == []


def test_only_what_is_sure_is_called_certain() -> None:
    text = (
        "MIDDLEWARE.append('x')\nif DEBUG:\n    MIDDLEWARE.append('y')\n_A = _b = 1\n"
    )
    assert signals(text) == [
        ("mutated", 1, "likely"),
        ("debug_read", 2, "certain"),
        ("mutated", 3, "certain"),
        ("private_name", 4, "certain"),
        ("private_name", 4, "likely"),
    ]


def test_what_production_overrides_is_the_callers_word() -> None:
    text = "A = ORIGIN, SECRET_KEY\n"
    found = signals(text, overridden=frozenset({"ORIGIN"}))
    assert found == [("prod_leak", 1, "certain")]
