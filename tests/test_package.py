from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest
from golden_cases import CASES, make, tree
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder


ROOT = Path(__file__).parents[1]
TEMPLATES = {
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "templates").rglob("*")
    if path.is_file()
}


@pytest.mark.parametrize("builder", [SdistBuilder, WheelBuilder])
def test_every_template_is_packed(builder: type[WheelBuilder]) -> None:
    packed = {
        Path(file.path).relative_to(ROOT).as_posix()
        for file in builder(str(ROOT)).recurse_included_files()
    }
    assert len(TEMPLATES) > 20
    assert packed >= TEMPLATES
    assert "nextwizard/py.typed" in packed
    assert not any("__pycache__" in name for name in packed)


def test_no_template_can_be_mistaken_for_python() -> None:
    assert all(name.endswith(".jinja") for name in TEMPLATES)
    assert not (ROOT / "nextwizard" / "templates").exists()


def test_an_installed_wheel_makes_the_same_bytes(tmp_path: Path) -> None:
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path / "dist")))
    place = tmp_path / "env"
    venv.create(place, with_pip=False, symlinks=True)
    site = next(place.glob("lib/python*/site-packages"))
    for path in (wheel, *_dependencies()):
        (site / f"{len(list(site.iterdir()))}.pth").write_text(f"{path}\n")
    _unpack(Path(wheel), site)
    case = next(case for case in CASES if case.path.name == "plain-caddy")
    here, _ = make(case, tmp_path / "checkout")
    there, _ = make(case, tmp_path / "wheel")
    _reset(there, case.source)
    done = subprocess.run(
        [
            *(str(place / "bin" / "python"), "-m", "nextwizard", "init", str(there)),
            *("--answers", str(case.path / "answers.toml")),
            *("--set", "sizing.cores=2", "--set", "sizing.memory_mb=2048"),
            *("--set", "hosting.proxy_version=2.6.2"),
        ],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    left, right = _shown(here), _shown(there)
    assert left.keys() == right.keys()
    for path, data in left.items():
        if path != "nextwizard.toml":
            assert data == right[path], path


def _dependencies() -> list[str]:
    """Return where this interpreter finds the packages the wheel depends on."""
    return [path for path in sys.path if path.endswith("site-packages")]


def _unpack(wheel: Path, site: Path) -> None:
    import zipfile

    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)


def _reset(root: Path, source: Path) -> None:
    import shutil

    shutil.rmtree(root)
    shutil.copytree(source, root)


def _shown(root: Path) -> dict[str, bytes]:
    return {
        path: data
        for path, data in tree(root).items()
        if not path.startswith(".nextwizard/") and not path.endswith(".env")
    }
