from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser import Browser, browser
from live import Live, served
from support import needed


if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.lab


def clean(page: Browser) -> None:
    """Nothing the page did was against its policy; a missing favicon is not."""
    said = [line for line in page.console() if "favicon.ico" not in line]
    assert said == []


def enforced(live: Live) -> None:
    """The policy is enforced, not only reported."""
    headers = live.get("/").headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
@pytest.mark.parametrize("mode", ["enforce", "strict"])
def test_pages_forms_components_and_navigation(
    proxy: str, mode: str, tmp_path: Path
) -> None:
    pairs = (f"hosting.proxy={proxy}", f"security.csp={mode}")
    with (
        served("plain", *pairs, program=needed(proxy)) as live,
        browser(live.host, live.on.https) as page,
    ):
        enforced(live)
        page.open(f"https://{live.host}/")
        assert page.run("return document.querySelector('h1').textContent") == "Notes"
        style = "return getComputedStyle(document.body).maxWidth"
        assert page.run(style) == "640px"
        page.run(
            "document.querySelector('[name=title]').value = 'Milk';"
            "document.querySelector('[name=body]').value = 'two bottles';"
            "document.querySelector('form.editor button').click()"
        )
        page.until("return document.querySelector('.note-card h2')?.textContent")
        card = "return getComputedStyle(document.querySelector('.note-card')).borderTop"
        assert "1px solid" in page.run(f"{card}Width + ' ' + {card[7:]}Style")
        page.run("document.querySelector('.note-card-toggle').click()")
        assert page.run("return !!document.querySelector('.note-card-folded')")
        page.picture(tmp_path / "notes.png")
        page.run("document.querySelectorAll('header a')[1].click()")
        page.until("return document.querySelector('h1').textContent === 'About'")
        page.run("history.back()")
        page.until("return !!document.querySelector('.note-card')")
        page.run("document.querySelector('.note-card h2 a').click()")
        page.until("return document.querySelector('h1').textContent === 'Milk'")
        clean(page)


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
def test_events_reach_the_page(proxy: str, tmp_path: Path) -> None:
    pair = f"hosting.proxy={proxy}"
    with (
        served("sse_async", pair, program=needed(proxy)) as live,
        browser(live.host, live.on.https) as page,
    ):
        enforced(live)
        page.open(f"https://{live.host}/")
        page.until("return document.querySelectorAll('#ticks li').length >= 3")
        page.picture(tmp_path / "ticks.png")
        clean(page)


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
def test_a_websocket_reaches_the_page(proxy: str, tmp_path: Path) -> None:
    pair = f"hosting.proxy={proxy}"
    with (
        served("channels_ws", pair, program=needed(proxy)) as live,
        browser(live.host, live.on.https) as page,
    ):
        enforced(live)
        page.open(f"https://{live.host}/")
        page.until(
            "const form = document.getElementById('say');"
            "form.elements.text.value = 'hello'; form.requestSubmit();"
            "return document.querySelector('#said li')?.textContent === 'hello'"
        )
        page.picture(tmp_path / "chat.png")
        clean(page)
