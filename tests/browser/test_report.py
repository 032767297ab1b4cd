# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the playbook report, in a browser."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.filter.report_page import FilterModule
from ansible_collections.ozonetel.cloudagent.tests.browser.chromium import Pages

if t.TYPE_CHECKING:
    from playwright.sync_api import Page

report_page = FilterModule().filters()["report_page"]

# Each of these sets a title if it is more than text.
HOSTILE = [
    "<script>document.title = 'hostile'</script>",
    "</script><script>document.title = 'hostile'</script>",
    "</style><img src=x onerror=\"document.title = 'hostile'\">",
    "'\"><svg onload=\"document.title = 'hostile'\">",
    "--><iframe srcdoc='<script>parent.document.title = 1</script>'></iframe>",
    "\u202e\u2066 right to left \u200f",
    "{{ 1 + 1 }}",
    "javascript:document.title='hostile'",
]


def campaign(name: str, *numbers: str, **others: t.Any) -> dict[str, t.Any]:
    lists = {"dynamic_dids": list(numbers), "fallback_dynamic_dids": ["9140002001"]}
    applied = {"applied_at": "2027-01-15T08:00:00Z", "applied_by": "deploy@runner", "note": None}
    now = {**applied, **lists, **others}
    before = {**now, "applied_at": "2027-01-14T08:00:00Z", "dynamic_dids": ["9140009999"]}
    return {
        "endpoint": "https://cc.partner.example",
        "username": "acme",
        "campaign_name": name,
        "confirmed": True,
        **now,
        "history": [now, before],
    }


def write(folder: pathlib.Path, *campaigns: dict[str, t.Any]) -> pathlib.Path:
    path = folder / "report.html"
    path.write_text(report_page({"campaigns": campaigns, "records": "/records"}), encoding="utf-8")
    return path


@pytest.fixture(name="path")
def _path(tmp_path: pathlib.Path) -> pathlib.Path:
    return write(
        tmp_path,
        campaign("Sales", "9140001001", "9140001002", note="https://ci.example/jobs/4711"),
        campaign("Support", "9140001003", "9140001002", note="Ticket 17"),
        campaign("Winter Sale", "9140001004", confirmed=False),
        campaign("US Outreach", "+14155550100", username="globex", note="\uff34icket"),
    )


def shown(page: Page) -> list[str]:
    """Return the campaigns that are shown."""
    names = page.locator(".campaigns > li > h4:visible").all_text_contents()
    return [name.removesuffix(" Not confirmed") for name in names]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("sales", ["Sales"]),
        ("  SALE winter ", ["Winter Sale"]),
        ("9140001002", ["Sales", "Support"]),
        ("ticket", ["Support", "US Outreach"]),
        ("jobs/4711", ["Sales"]),
        ("not confirmed", ["Winter Sale"]),
        ("2027-01-15 +1415", ["US Outreach"]),
        # In the history and in the labels only.
        ("9140009999", []),
        ("fallback dynamic", []),
        (".*", []),
        ("", ["Sales", "Support", "Winter Sale", "US Outreach"]),
    ],
)
def test_the_search_finds_as_you_type(
    pages: Pages, path: pathlib.Path, text: str, names: list[str]
) -> None:
    page = pages.open(path)
    page.get_by_role("searchbox", name="Search").press_sequentially(text)
    assert shown(page) == names
    assert page.get_by_role("status").inner_text() == (
        f"{len(names)} of 4 campaigns" if text else ""
    )
    # An account without any hit is not shown at all.
    assert page.locator("h2", has_text="globex").is_visible() is ("US Outreach" in names)


def test_a_search_that_is_cleared_shows_everything_again(pages: Pages, path: pathlib.Path) -> None:
    page = pages.open(path)
    search = page.get_by_role("searchbox", name="Search")
    search.fill("support")
    assert shown(page) == ["Support"]
    search.press("Escape")
    assert len(shown(page)) == 4


def test_the_search_also_finds_numbers_of_several_campaigns(
    pages: Pages, path: pathlib.Path
) -> None:
    page = pages.open(path)
    numbers = page.locator(".shared h4")
    assert numbers.all_inner_texts() == ["9140002001", "9140001002"]
    page.get_by_role("searchbox", name="Search").fill("9140001002")
    assert page.locator(".shared h4:visible").all_inner_texts() == ["9140001002"]


def test_a_history_unfolds_by_keyboard(pages: Pages, path: pathlib.Path) -> None:
    page = pages.open(path)
    before = page.locator("#c1 td").first
    assert not before.is_visible()
    page.locator("#c1 summary").focus()
    page.keyboard.press("Enter")
    assert before.is_visible()
    assert before.inner_text() == "9140009999"


def test_a_name_leads_to_its_campaign(pages: Pages, path: pathlib.Path) -> None:
    page = pages.open(path)
    page.locator("section.alert a", has_text="Winter Sale").click()
    assert page.locator(".campaigns > :target h4").inner_text() == "Winter Sale Not confirmed"
    assert page.locator(".campaigns > :target").bounding_box()["y"] >= 0  # type: ignore[index]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_screen(
    pages: Pages, tmp_path: pathlib.Path, width: int, dark: bool
) -> None:
    path = write(
        tmp_path,
        campaign("N" * 200, *(["9140001001"] * 50), note="x" * 200),
        campaign("Sales", "9140001001", note=f"https://ci.example/{'y' * 180}", confirmed=False),
    )
    page = pages.open(path, width=width, dark=dark)
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    # Nor is anything cut off within a row.
    too_wide = page.locator("p:not(.head), h4:visible, dd:visible, td, .names > li").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.outerHTML)"
    )
    assert too_wide == []
    dark_ground = (
        page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 21, 27)"
    )
    assert dark_ground is dark


def test_hostile_texts_do_nothing(pages: Pages, tmp_path: pathlib.Path) -> None:
    entries = [
        campaign(text, text, username=text, applied_by=text, note=text, confirmed=False)
        for text in HOSTILE
    ]
    page = pages.open(write(tmp_path, *entries))
    for summary in page.locator(".campaigns summary").all():
        summary.click()
    page.get_by_role("searchbox", name="Search").fill("</script>")
    assert len(shown(page)) == 3
    page.get_by_role("searchbox", name="Search").fill("")
    names = page.locator(".campaigns h4").evaluate_all(
        "all => all.map(one => one.firstChild.data.trim())"
    )
    assert names == [text.strip() for text in HOSTILE]
    assert page.title() == "Caller numbers of campaigns"
    assert page.locator("iframe, img, svg, a[href^='javascript:']").count() == 0


def test_the_policy_of_the_page_stops_a_script_that_got_in(
    pages: Pages, tmp_path: pathlib.Path
) -> None:
    path = write(tmp_path, campaign("Sales", "9140001001"))
    text = path.read_text(encoding="utf-8")
    harm = "<script>document.title = 'hostile'</script><img src='https://hostile.example/a.png'>"
    path.write_text(text.replace("</main>", f"{harm}</main>"), encoding="utf-8")
    assert pages.open(path).title() == "Caller numbers of campaigns"
    assert len(pages.faults) == 2
    assert all("violates the following Content Security Policy" in fault for fault in pages.faults)
    pages.faults.clear()


def test_without_scripts_everything_is_there_but_the_search(
    pages: Pages, path: pathlib.Path
) -> None:
    page = pages.open(path, scripts=False)
    assert len(shown(page)) == 4
    assert not page.locator("#search").is_visible()
    page.locator("#c1 summary").click()
    assert page.locator("#c1 td").first.is_visible()


def test_on_paper_there_are_columns_and_no_controls(pages: Pages, path: pathlib.Path) -> None:
    page = pages.open(path, dark=True)
    page.emulate_media(media="print")
    assert not page.locator("#search").is_visible()
    assert not page.locator("#c1 summary").is_visible()
    assert page.locator(".head").first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(22, 32, 44)"
    assert page.pdf().startswith(b"%PDF")


def test_every_heading_and_label_is_there_for_screen_readers(
    pages: Pages, path: pathlib.Path
) -> None:
    tree = pages.open(path).locator("body").aria_snapshot()
    for line in (
        '- heading "Caller numbers of campaigns" [level=1]',
        '- heading "acme https://cc.partner.example" [level=2]',
        '- heading "Winter Sale Not confirmed" [level=4]',
        "- term: Fallback dynamic DIDs",
        "- searchbox",
    ):
        assert line in tree


def test_ten_thousand_campaigns(pages: Pages, tmp_path: pathlib.Path) -> None:
    campaigns = [
        campaign(
            f"Campaign {number:05} of the north",
            *(f"914{number:05}{place:02}" for place in range(3)),
            note=f"https://ci.example/jobs/{number}",
        )
        for number in range(10_000)
    ]
    for one in campaigns:
        # More than there is room for.
        one["history"] += one["history"][1:] * 8
    path = write(tmp_path, *campaigns)
    assert path.stat().st_size < 10_000_000

    page = pages.open(path, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    search = page.get_by_role("searchbox", name="Search")
    for text, count in (("09999", 1), ("0999", 11), ("", 10_000)):
        # An idle machine takes a tenth of a second; this one may be busy.
        seconds = search.evaluate(
            """(search, text) => {
                const begin = performance.now();
                search.value = text;
                search.dispatchEvent(new Event("input"));
                document.body.getBoundingClientRect();
                return (performance.now() - begin) / 1000;
            }""",
            text,
        )
        assert seconds < 20
        assert page.locator(".campaigns > li:not([hidden])").count() == count
