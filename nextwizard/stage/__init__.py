"""The generated deployment on loopback: its own text, with paths and ports of a stage.

Nothing else is changed: the unit's command line is parsed and run, its socket is opened
the way systemd would, supervisor is the real one, and the proxy loads the generated
files through a wrapper.
"""

from __future__ import annotations

from .fleet import Fleet
from .place import Stage, certificate, free_port
from .run import (
    PLACEHOLDERS,
    copy_secrets,
    environment,
    manage,
    prepare,
    secrets,
    serve,
)
from .service import BOOT_S, Service, Stopped, last_words, wait


__all__ = [
    "BOOT_S",
    "PLACEHOLDERS",
    "Fleet",
    "Service",
    "Stage",
    "Stopped",
    "certificate",
    "copy_secrets",
    "environment",
    "free_port",
    "last_words",
    "manage",
    "prepare",
    "secrets",
    "serve",
    "wait",
]
