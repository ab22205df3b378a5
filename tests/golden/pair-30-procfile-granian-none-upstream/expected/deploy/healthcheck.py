"""Asks the server of this container whether it answers; exits 0 or 1.

Made by nextwizard; an edit here survives `nextwizard regenerate`. The request says what
a proxy would: a name that Django answers to, and that the visitor came over https.
"""
# ruff: noqa: INP001

import http.client
import os
import sys


PORT = 8000
PATH = "/healthz/"
HOST = "site.example.org"


def host(allowed: str) -> str:
    """Return a name of ALLOWED_HOSTS, else the one that was answered."""
    first = allowed.split(",")[0].strip().lstrip(".")
    return first if first and "*" not in first else HOST


def healthy() -> bool:
    """Return whether the server says 200 within four seconds."""
    said = {"Host": host(os.environ.get("ALLOWED_HOSTS", ""))}
    said["X-Forwarded-Proto"] = "https"
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=4)
    try:
        connection.request("GET", PATH, headers=said)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if healthy() else 1)
