"""Takes a next.dj project to production: asks, decides with reasons, writes, proves."""

from __future__ import annotations


__version__ = "0.1.0"

__all__ = ["__version__"]
