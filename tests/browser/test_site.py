# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built documentation site in a browser; the session docs of noxfile.py runs this.

Every page is opened in each width. Requests to elsewhere, and errors on the console, fail a test.
"""

from __future__ import annotations

import functools
import http.server
import os
import pathlib
import re
import threading
import typing as t
from urllib.parse import urldefrag

import pytest

if t.TYPE_CHECKING:
    from ansible_collections.ozonetel.cloudagent.tests.browser.chromium import Pages

SITE = pathlib.Path(os.environ["CLOUDAGENT_SITE"])
PAGES = sorted(SITE.rglob("*.html"))
START = SITE / "index.html"
GUIDES = pathlib.Path(__file__).parents[2] / "docs" / "docsite" / "rst"
WORDS = ("gitlab", "github", "awx", "jenkins", "rollback", "rotate", "audit", "csv", "proxy")
# What a page shows: links and anchors, what did not load, what is too wide, markup that shows raw.
LOOK = r"""() => {
    const all = selector => [...document.querySelectorAll(selector)]
    const tables = all('article table').map(table => table.getBoundingClientRect().right)
    const text = document.querySelector('article').innerText
    return {
        titles: all('article h1').length,
        links: [...document.links].map(link => link.href),
        anchors: all('[id]').map(node => node.id),
        unloaded: [...document.images].filter(image => !image.naturalWidth).map(image => image.src),
        unnamed: all('article svg[role=img]:not([aria-label*=" "])').length,
        right: Math.ceil(Math.max(document.documentElement.scrollWidth, ...tables)),
        raw: text.match(/:\w+:`|``|\b[A-Z]\((?=[a-z_]+[)=])/g) || [],
    }
}"""
# The colours of the texts in a page's diagrams, and that of the page.
COLOURS = """() => [
    [...new Set([...document.querySelectorAll('article svg text')]
        .filter(text => text.checkVisibility())
        .map(text => getComputedStyle(text).fill))],
    getComputedStyle(document.body).backgroundColor,
]"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(name="url", scope="module")
def _url() -> t.Iterator[str]:
    """Serve the site on loopback: a browser shows excerpts of pages only if a server sends them."""
    handler = functools.partial(Quiet, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_fits_the_screen_and_every_link_leads_somewhere(
    pages: Pages, width: int
) -> None:
    page = pages.open(START, within=SITE, width=width)
    seen = {}
    for path in PAGES:
        page.goto(path.as_uri())
        seen[path.as_uri()] = page.evaluate(LOOK)
    # Without a question, the page of the search is empty.
    search = seen.pop((SITE / "search.html").as_uri())

    for what in ("unloaded", "unnamed", "raw"):
        assert {address: found[what] for address, found in seen.items() if found[what]} == {}
    wide = {address: found["right"] for address, found in seen.items() if found["right"] > width}
    assert wide == {}
    assert {found["titles"] for found in (*seen.values(), search)} == {0, 1}
    links = {(address, link) for address, found in seen.items() for link in found["links"]}
    assert [link for _from, link in sorted(links) if not leads_somewhere(link, seen)] == []
    # What readers find only by searching is as good as lost.
    linked = {urldefrag(link).url for address, link in links if urldefrag(link).url != address}
    assert seen.keys() - linked == set()


def leads_somewhere(link: str, seen: dict[str, dict[str, t.Any]]) -> bool:
    """Return whether a link leads to a page of the site, and its anchor, or to another site."""
    target, anchor = urldefrag(link)
    if not target.startswith(SITE.as_uri()):
        # The project's own addresses lead nowhere yet.
        return target.startswith("https://") and "example" not in target
    return target in seen and (not anchor or anchor in seen[target]["anchors"])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("switched", [False, True])
def test_diagrams_can_be_read_in_the_colours_of_the_page(
    pages: Pages, dark: bool, switched: bool
) -> None:
    page = pages.open(START, within=SITE, dark=dark != switched)
    if switched:
        # The reader's choice, in place of that of the system.
        page.evaluate(f"localStorage.setItem('theme', '{'dark' if dark else 'light'}')")
    faint, diagrams = {}, 0
    for path in PAGES:
        if "<svg role=" not in path.read_text(encoding="utf-8"):
            continue
        page.goto(path.as_uri())
        colours, background = page.evaluate(COLOURS)
        assert (brightness(background) < 0.2) is dark
        assert colours
        diagrams += 1
        for colour in colours:
            if contrast(colour, background) < 4.5:
                faint[path.name] = colour

    assert faint == {}
    assert diagrams >= 3


def contrast(colour: str, background: str) -> float:
    """Return the contrast of two colours: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    dark, light = sorted((brightness(colour), brightness(background)))
    return (light + 0.05) / (dark + 0.05)


def brightness(colour: str) -> float:
    """Return the relative luminance, from 0 to 1, of a colour as ``rgb(31, 35, 40)``."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_search_finds_what_people_look_for(pages: Pages, url: str) -> None:
    page = pages.open(url + "index.html", within=url)
    found = {}
    for word in WORDS:
        page.locator(".sidebar-search").fill(word)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/search.html?q={word}*")
        page.locator(".search-summary").filter(has_text="found").or_(
            page.locator(".search-summary").filter(has_text="did not match")
        ).wait_for()
        found[word] = page.locator("ul.search > li").count()

    assert {word for word, count in found.items() if count == 0} == set()


def test_the_side_bar_and_the_start_page_have_every_guide(pages: Pages) -> None:
    page = pages.open(START, within=SITE)
    guides = {(SITE / "docsite" / f"{path.stem}.html").as_uri() for path in GUIDES.glob("*.rst")}
    for place in (".sidebar-tree", "article dl.entries dt"):
        links = page.locator(f"{place} a").evaluate_all("all => all.map(link => link.href)")
        assert guides <= set(links)
    lines = page.locator("article dl.entries dd").all_inner_texts()
    assert all(len(line.split()) > 2 for line in lines)
