from __future__ import annotations

from pathlib import Path

import lively
import pytest
from browser import Browser, browser
from live import Live, served
from support import needed
from test_edge import media


pytestmark = pytest.mark.proof

MODES = [
    pytest.param("nginx", "strict"),
    pytest.param("caddy", "enforce"),
    pytest.param("nginx", "enforce", marks=pytest.mark.lab),
    pytest.param("caddy", "strict", marks=pytest.mark.lab),
]


def complaints(page: Browser) -> list[str]:
    """Return what the browser complained of; a missing favicon is not one."""
    return [line for line in page.console() if "favicon.ico" not in line]


def clean(page: Browser) -> None:
    """Nothing the page did was against its policy."""
    assert complaints(page) == []


def enforced(live: Live) -> None:
    """The policy is enforced, not only reported."""
    headers = live.get("/").headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize(("proxy", "mode"), MODES)
def test_every_kind_of_page_keeps_to_its_policy(
    proxy: str, mode: str, tmp_path: Path
) -> None:
    pairs = (f"hosting.proxy={proxy}", f"security.csp={mode}")
    with (
        served("plain", *pairs, program=needed(proxy), edit=lively.add) as live,
        browser(live.host, live.on.https) as page,
    ):
        enforced(live)
        notes(live, page)
        page.picture(tmp_path / "notes.png")
        page.open(f"https://{live.host}/lively/")
        in_place(page)
        page.picture(tmp_path / "lively.png")
        clean(page)
        forbidden(live, page)


def notes(live: Live, page: Browser) -> None:
    """A form, a component with its style and script, navigation: no violation."""
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
    page.run("document.querySelectorAll('header a')[1].click()")
    page.until("return document.querySelector('h1').textContent === 'About'")
    page.run("history.back()")
    page.until("return !!document.querySelector('.note-card')")
    page.run("document.querySelector('.note-card h2 a').click()")
    page.until("return document.querySelector('h1').textContent === 'Milk'")
    clean(page)


def in_place(page: Browser) -> None:
    """A poll, a submit and a consent change the page without loading it again."""
    page.run("window.kept = true")
    for _ in range(2):
        text = page.run("return document.querySelector('#clock').textContent")
        page.until(f"return document.querySelector('#clock').textContent !== '{text}'")
    page.run(
        "document.querySelector('[name=number]').value = '77';"
        "document.querySelector('form.guess button').click()"
    )
    page.until("return document.querySelector('.guess .errorlist')")
    assert page.run("return document.querySelector('[name=number]').value") == "77"
    assert page.run("return window.counted") is None
    page.run("Next.consent.acceptAll()")
    page.until("return window.counted")
    assert page.run("return window.kept") is True
    page.call("POST", "/refresh", {})
    page.until("return document.querySelector('#granted')")
    page.until("return window.counted")


def forbidden(live: Live, page: Browser) -> None:
    """What the policy does not allow is stopped, and is seen here."""
    page.open(f"https://{live.host}/inline/")
    assert page.run("return window.foreign") is None
    color = "getComputedStyle(document.querySelector('.red')).color"
    assert page.run(f"return {color}") == "rgb(0, 0, 0)"
    said = complaints(page)
    for kind in ("script-src", "style-src"):
        assert [line for line in said if kind in line and "blocked" in line], said


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


TRY = "document.documentElement.setAttribute('data-ran', 'yes')"
UPLOADS = {
    "a.svg": f'<svg xmlns="http://www.w3.org/2000/svg" width="9"><script>{TRY}</script>'
    "</svg>",
    "a.html": f'<p>up</p><script>{TRY}</script><img src="no" onerror="{TRY}">',
}


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
def test_no_script_of_an_upload_runs(proxy: str) -> None:
    pair = f"hosting.proxy={proxy}"
    with (
        served("plain", pair, program=needed(proxy), edit=media) as live,
        browser(live.host, live.on.https) as page,
    ):
        folder = Path(live.on.place("state", "media"))
        folder.mkdir(exist_ok=True)
        for name, text in UPLOADS.items():
            (folder / name).write_text(text)
            page.open(f"https://{live.host}/media/{name}")
            root = "document.documentElement"
            shown = page.run(f"return {root}.outerHTML")
            assert "<script>" in shown
            assert page.run(f"return {root}.getAttribute('data-ran')") is None
            assert [line for line in complaints(page) if "script-src" in line]
        # As a picture of a page the same file goes on working.
        page.open(f"https://{live.host}/")
        page.run("window.seen = new Image(); window.seen.src = '/media/a.svg'")
        page.until("return window.seen.complete && window.seen.naturalWidth === 9")
