"""Makes docs/pictures/hero.png from features.svg with Debian's chromium.

The PNG carries the digest of the SVG, so that a test can tell when it is old.
Run by `make pictures`, after the screens were recorded.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path


PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SOURCE, HERO = PICTURES / "features.svg", PICTURES / "hero.png"


def size(svg: str) -> tuple[int, int]:
    """Return width and height of a picture in pixels, by its viewBox."""
    found = re.search(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"', svg)
    if found is None:
        sys.exit(f"pictures: {SOURCE.name} has no viewBox. Record it again.")
    return round(float(found[1])), round(float(found[2]))


def drawn(browser: str, svg: Path) -> bytes:
    """Return the picture as the browser draws it."""
    width, height = size(svg.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        png = Path(folder, "hero.png")
        subprocess.run(
            [
                *(browser, "--headless", "--no-sandbox", "--disable-gpu"),
                *("--hide-scrollbars", f"--user-data-dir={folder}/profile"),
                *(f"--window-size={width},{height}", f"--screenshot={png}"),
                svg.as_uri(),
            ],
            capture_output=True,
            check=True,
            timeout=60,
        )
        return png.read_bytes()


def marked(png: bytes, source: bytes) -> bytes:
    """Return the PNG with the digest of its source, just before its end."""
    body = b"tEXt" + b"Source\0" + hashlib.sha256(source).hexdigest().encode()
    chunk = struct.pack(">I", len(body) - 4) + body
    chunk += struct.pack(">I", zlib.crc32(body))
    end = len(png) - 12
    return png[:end] + chunk + png[end:]


def main() -> None:
    """Draw the hero and mark it."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        sys.exit("pictures: no chromium here. Run `apt install chromium`.")
    HERO.write_bytes(marked(drawn(browser, SOURCE), SOURCE.read_bytes()))
    sys.stdout.write(f"pictures: {HERO.name} is made from {SOURCE.name}\n")


main()
