"""The front page: what its template shows."""

from next.pages import context


metadata = {"title": "Notes"}


@context("name")
def name() -> str:
    """Return what the page is called."""
    return "Notes"
