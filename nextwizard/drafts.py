"""Unfinished answers, kept under the user's state directory until they are written."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Mapping

    from .values import Value


FORMAT = 1
MAX_BYTES = 64 * 1024
"""No draft is larger; a larger one was not written here."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What was said before a walk ended early, and the step it ended at."""

    said: Mapping[str, Value] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)
    step: int = 0


def place(root: str) -> str:
    """Return the file of a project's draft, by XDG_STATE_HOME."""
    home = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(home):
        home = os.path.join(os.path.expanduser("~"), ".local", "state")
    name = hashlib.sha256(os.fsencode(root)).hexdigest()[:32]
    return os.path.join(home, "nextwizard", "drafts", f"{name}.json")


def load(root: str) -> Draft | None:
    """Return a project's draft; None when there is none that can be read."""
    try:
        with open(place(root), "rb") as file:
            document = json.loads(file.read(MAX_BYTES))
        if document["format"] != FORMAT or document["root"] != root:
            return None
        said = {str(key): _value(raw) for key, raw in document["said"].items()}
        choices = {str(k): str(v) for k, v in document["choices"].items()}
        return Draft(said, choices, int(document["step"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _value(raw: object) -> Value:
    """Return a value as a session holds it; TypeError when it is none."""
    if isinstance(raw, (str, int)):
        return raw
    if isinstance(raw, list):
        return tuple(str(item) for item in raw)
    if isinstance(raw, dict):
        return {str(name): str(text) for name, text in raw.items()}
    msg = "is no answer"
    raise TypeError(msg)


def save(root: str, draft: Draft) -> bool:
    """Keep a draft, readable by its owner alone; False when the disk refuses.

    Without anything said there is nothing to keep.
    """
    if not draft.said and not draft.choices:
        drop(root)
        return True
    document = {
        "format": FORMAT,
        "root": root,
        "step": draft.step,
        "choices": dict(draft.choices),
        "said": {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in draft.said.items()
        },
    }
    data = json.dumps(document, ensure_ascii=True).encode()
    path = place(root)
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        _replace(path, data)
    except OSError:
        return False
    return True


def _replace(path: str, data: bytes) -> None:
    """Put the file there whole, or leave the one that stands."""
    beside = f"{path}.{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    handle = os.open(beside, flags, 0o600)
    with open(handle, "wb") as file:
        file.write(data)
    os.replace(beside, path)


def drop(root: str) -> None:
    """Forget a project's draft."""
    try:
        os.unlink(place(root))
    except OSError:
        return


__all__ = ["Draft", "drop", "load", "place", "save"]
