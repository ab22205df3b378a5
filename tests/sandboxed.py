"""A view that a test adds to a sample project: what its own process may do."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from pathlib import Path


VIEW = """
import errno
import os
import time
from pathlib import Path

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import JsonResponse


def tried(path):
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write("x")
        os.unlink(path)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "ok"


def probe(request):
    time.sleep(float(request.GET.get("sleep", "0")))
    state = os.environ.get("STATE_DIRECTORY", "")
    session = SessionStore()
    session["visits"] = 1
    session.save()
    name = default_storage.save("probe.txt", ContentFile(b"kept"))
    places = {
        "code": Path(settings.BASE_DIR, "probe"),
        "static": Path(settings.STATIC_ROOT, "probe"),
        "etc": "/etc/probe",
        "tmp": "/tmp/probe",
        "state": f"{state}/probe",
        "home": "/home/probe",
        "root": "/root/probe",
    }
    return JsonResponse(
        {
            "pid": os.getpid(),
            "uid": os.geteuid(),
            "database": str(settings.DATABASES["default"]["NAME"]),
            "session": SessionStore(session.session_key)["visits"],
            "media": default_storage.path(name),
            "url": default_storage.url(name),
            "writes": {key: tried(path) for key, path in places.items()},
            "homes": sorted(os.listdir("/home")) if os.access("/home", 4) else None,
            "secret": os.access(f"/etc/{request.GET.get('name', '')}/env", 4),
        }
    )
"""
MEDIA = '\nMEDIA_ROOT = BASE_DIR / "media"\nMEDIA_URL = "media/"\n'


def add(root: Path) -> None:
    """Give a sample project the view at /probe/, and uploads."""
    package = root / "config"
    (package / "probe.py").write_text(VIEW.lstrip(), encoding="utf-8")
    urls = package / "urls.py"
    text = urls.read_text(encoding="utf-8")
    text = text.replace(
        "urlpatterns = [",
        'from config.probe import probe\n\nurlpatterns = [\n    path("probe/", probe),',
        1,
    )
    if "import path" not in text:
        text = text.replace("import include", "import include, path", 1)
    urls.write_text(text, encoding="utf-8")
    with (package / "settings.py").open("a", encoding="utf-8") as file:
        file.write(MEDIA)


__all__ = ["add"]
