"""`nextwizard schema`: the JSON Schema of the answers file."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    import argparse


def add(command: argparse.ArgumentParser) -> None:
    """Add no argument: there is one schema."""
    command.description = "Prints the JSON Schema of the answers file."


def run(_options: argparse.Namespace) -> int:
    """Print it."""
    import json

    from nextwizard import report
    from nextwizard.schema import schema

    report.out(json.dumps(schema(), indent=2))
    return 0


__all__ = ["add", "run"]
