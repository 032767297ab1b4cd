# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of what was applied: what is on it, what is escaped, and where it is written."""

from __future__ import annotations

import html
import html.parser
import os
import pathlib
import re
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.filter import report_page as page_filter
from ansible_collections.ozonetel.cloudagent.plugins.filter import report_plan as plan_filter
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._report import page as page_file

report_page = page_filter.FilterModule().filters()["report_page"]
report_plan = plan_filter.FilterModule().filters()["report_plan"]

ENDPOINT = "https://cc.partner.example"


def pair(
    dynamic: str,
    fallback: str = "9140002001",
    at: str = "2027-01-15T08:00:00Z",
    by: str = "deploy@runner",
    note: str | None = None,
) -> dict[str, t.Any]:
    lists = {"dynamic_dids": dynamic.split(), "fallback_dynamic_dids": fallback.split()}
    return {"applied_at": at, "applied_by": by, "note": note, **lists}


def campaign(
    name: str,
    *history: dict[str, t.Any],
    confirmed: bool = True,
    username: str = "acme",
    endpoint: str = ENDPOINT,
) -> dict[str, t.Any]:
    return {
        "endpoint": endpoint,
        "username": username,
        "campaign_name": name,
        "confirmed": confirmed,
        **history[0],
        "history": list(history),
    }


def recorded(*campaigns: dict[str, t.Any], **others: t.Any) -> dict[str, t.Any]:
    return {"campaigns": list(campaigns), "records": "/records", **others}


SALES = campaign(
    "Sales",
    pair("9140001001 9140001002", at="2027-01-16T08:00:00Z", note="https://ci.example/jobs/4711"),
    pair("9140001003", "9140002002", at="2027-01-14T08:00:00Z", by="priya@laptop", note="Ticket 1"),
)
SUPPORT = campaign("Support", pair("9140001003 9140001002"), confirmed=False)


class Reader(html.parser.HTMLParser):
    """Reads what a page has as text, and which elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def row_of(page: str, name: str) -> list[str]:
    [row] = re.findall(rf"^<li id=\"c\d+\"><h4>{re.escape(name)}.*$", page, re.MULTILINE)
    return Reader(row).texts


# --- The page -------------------------------------------------------------------------------------


def test_a_row_shows_the_numbers_since_when_by_whom_the_note_and_the_history() -> None:
    labels = ("Dynamic DIDs", "Fallback dynamic DIDs", "Since", "Applied by", "Note")
    now = (
        "9140001001, 9140001002",
        "9140002001",
        "2027-01-16 08:00:00",
        "deploy@runner",
        "https://ci.example/jobs/4711",
    )
    before = ("9140001003", "9140002002", "2027-01-14 08:00:00", "priya@laptop", "Ticket 1")
    assert row_of(report_page(recorded(SALES)), "Sales") == [
        "Sales",
        *(text for entry in zip(labels, now) for text in entry),
        "1 earlier pair",
        *labels,
        *before,
    ]


def test_a_campaign_without_earlier_pairs_has_nothing_to_unfold() -> None:
    assert "<details" not in report_page(recorded(SUPPORT))


def test_what_is_not_confirmed_is_told_above_and_in_its_row() -> None:
    page = report_page(recorded(SALES, SUPPORT))
    assert "Not confirmed: 1 campaign" in page
    assert row_of(page, "Support")[:2] == ["Support", "Not confirmed"]
    assert "Not confirmed" not in row_of(page, "Sales")
    assert "Not confirmed:" not in report_page(recorded(SALES))


def test_numbers_of_several_campaigns_are_listed_with_them_the_most_used_first() -> None:
    third = campaign("Third", pair("9140002001", "9140001009"))
    page = report_page(recorded(SALES, SUPPORT, third))
    shared = page[page.index("2 numbers in several campaigns") :]
    texts = [text for text in Reader(shared[: shared.index("</section>")]).texts if text]
    assert texts[1:] == [
        *("9140002001", "Sales", "fallback", "Support", "fallback", "Third"),
        *("9140001002", "Sales", "Support"),
    ]


def test_a_number_in_two_accounts_is_not_shared() -> None:
    other = campaign("Sales", pair("9140001001"), username="globex")
    assert "in several campaigns</h3>" not in report_page(recorded(SALES, other))


def test_each_account_has_its_own_part() -> None:
    other = campaign("US", pair("+14155550100"), username="globex", endpoint="https://b.example")
    page = report_page(recorded(SALES, other))
    headings = re.findall(r"<h2 id=\"a\d\">(.*?)</h2>", page)
    assert [re.sub("<.*?>", "", heading) for heading in headings] == [
        f"acme {ENDPOINT}",
        "globex https://b.example",
    ]


def test_the_figures_above() -> None:
    facts = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", report_page(recorded(SALES, SUPPORT)))
    assert facts == [
        ("Campaigns", "2"),
        ("Different numbers", "4"),
        ("Numbers in several campaigns", "2"),
        ("Not confirmed", "1"),
        ("Latest change (UTC)", "2027-01-16 08:00:00"),
    ]


def test_the_page_says_what_it_is_not_and_where_it_comes_from() -> None:
    page = report_page(recorded(SALES))
    assert "It does not show what CloudAgent holds" in page
    assert "Read from the record in /records." in page


def test_warnings_about_records_that_were_left_out_are_on_the_page() -> None:
    page = report_page(recorded(SALES, warnings=["A record was <left> out."]))
    assert "Missing on this page" in page
    assert "<li>A record was &lt;left&gt; out." in page
    assert "Missing on this page" not in report_page(recorded(SALES))


def test_many_names_are_folded_away() -> None:
    many = [campaign(f"C{number:02}", pair("9140001001"), confirmed=False) for number in range(21)]
    assert report_page(recorded(*many)).count("<details>") == 3
    assert report_page(recorded(*many[:20])).count("<details>") == 0


def test_the_same_record_gives_the_same_page() -> None:
    assert report_page(recorded(SALES, SUPPORT)) == report_page(recorded(SALES, SUPPORT))


def test_no_campaign_gives_no_page() -> None:
    with pytest.raises(AnsibleFilterError, match="at least one campaign"):
        report_page(recorded())


def test_only_so_many_earlier_pairs_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_file, "_MOST_EARLIER", 4)
    pairs = [pair(f"914000100{number}") for number in range(5)]
    page = report_page(recorded(campaign("Sales", *pairs), campaign("Support", *pairs[:3])))
    assert "2 earlier pairs" in row_of(page, "Sales")
    assert "2 earlier pairs" in row_of(page, "Support")
    assert "only the latest 2 earlier pairs of lists can be shown" in page


# --- Hostile texts ---------------------------------------------------------------------------------

HOSTILE = "</script><script>alert(1)</script>'\"><img src=x onerror=alert(2)>{{ 1 + 1 }}{% raw %}"
TEXTS = st.text(max_size=20) | st.sampled_from(
    [HOSTILE, "<!--", "]]>", "javascript:alert(1)", "&lt;"]
)


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_texts_become_neither_elements_nor_attributes(
    name: str, note: str, by: str, account: str
) -> None:
    harmless = Reader(make("name", "note", "by", "account"))
    page = Reader(make(name, note, by, account))
    assert page.tags == harmless.tags
    assert page.attributes == harmless.attributes


def make(name: str, note: str, by: str, account: str) -> str:
    one, other = pair("1", by=by, note=note), pair("2", by=by, note=note)
    entries = [campaign(name, one, other, confirmed=False, username=account)] * 2
    return report_page(recorded(*entries, records="/r", warnings=[name]))


def test_a_hostile_text_is_shown_as_it_stands() -> None:
    page = make(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    assert HOSTILE in Reader(page).texts
    assert html.escape(HOSTILE).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page


@pytest.mark.parametrize(
    ("note", "is_link"),
    [
        ("https://ci.example/jobs/4711", True),
        ("http://ci.example/?a=1&b=2", True),
        ("see https://ci.example/jobs/4711", False),
        ("javascript:alert(1)", False),
        ("https://ci.example/\u202egnp.exe", False),
        ("HTTPS://ci.example", False),
        ("https://", False),
    ],
)
def test_only_a_note_that_is_a_url_becomes_a_link(note: str, is_link: bool) -> None:
    page = Reader(report_page(recorded(campaign("Sales", pair("1", note=note)))))
    assert (("href", note) in page.attributes) is is_link


def test_nothing_is_loaded_and_only_our_own_style_and_script_are_allowed() -> None:
    page = report_page(recorded(SALES))
    [policy] = re.findall(r'Content-Security-Policy" content="(.*?)"', page)
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy
    reader = Reader(page)
    loads = [value for name, value in reader.attributes if name in ("src", "srcset", "action")]
    assert loads == []
    assert {tag for tag in reader.tags if tag in ("script", "style")} == {"script", "style"}


@pytest.mark.parametrize("name", ["page.css", "page.js"])
def test_our_own_parts_do_not_end_their_element(name: str) -> None:
    text = (pathlib.Path(page_file.__file__).parent / name).read_text(encoding="utf-8")
    assert "</" not in text and "<!--" not in text


# --- The plan --------------------------------------------------------------------------------------


def test_the_plan(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = str(tmp_path / "report.html")
    counted = "2 campaigns of 1 account; 1 not confirmed; 2 numbers in several campaigns."
    assert report_plan(recorded(SALES, SUPPORT), "report.html") == {
        "refusal": "",
        "path": path,
        "lines": [counted, f"The page is {path}"],
    }
    assert report_plan(recorded(SALES, SUPPORT), path, check_mode=True)["lines"] == [
        counted,
        f"In check mode, nothing is written to {path}.",
    ]


def test_the_home_directory_is_expanded(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert report_plan(recorded(SALES), "~/a.html")["path"] == str(tmp_path / "a.html")


def test_the_plan_says_how_many_pairs_have_no_room(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_file, "_MOST_EARLIER", 1)
    pairs = [pair(f"914000100{number}") for number in range(4)]
    plan = report_plan(recorded(campaign("Sales", *pairs)), str(tmp_path / "a.html"))
    assert plan["lines"][2] == "2 earlier pairs of lists had no room on it."


@pytest.mark.parametrize(
    ("report", "told"),
    [
        (None, "Name the file to write, such as -e cloudagent_report=report.html."),
        ("", "cloudagent_report is not the path of a file."),
        (" ", "cloudagent_report is not the path of a file."),
        ("a\0b", "cloudagent_report is not the path of a file."),
        (["a"], "cloudagent_report is not the path of a file."),
        (
            "{folder}",
            "cloudagent_report names {folder}, which is a directory. Add the name of a file, such as "
            "report.html.",
        ),
        ("{folder}/new/", "cloudagent_report names {folder}/new, which is a directory. Add"),
        (
            "{folder}/no/report.html",
            "cloudagent_report names {folder}/no/report.html, which is in a directory that does not exist.",
        ),
        (
            "no/report.html",
            "cloudagent_report names {folder}/no/report.html, which is in a directory that does not exist. "
            "A relative path counts from the directory in which ansible-playbook was called.",
        ),
    ],
)
def test_a_path_that_cannot_be_used(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, report: object, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    given_path = report.format(folder=tmp_path) if isinstance(report, str) else report
    plan = report_plan(recorded(SALES), given_path)
    assert plan["refusal"].startswith(told.format(folder=tmp_path))
    assert (plan["path"], plan["lines"]) == ("", [])


@pytest.mark.parametrize("exists", [False, True])
def test_a_path_that_may_not_be_written(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    path = tmp_path / "report.html"
    if exists:
        path.touch()
    asked: list[tuple[str, int]] = []
    # Root may write everywhere.
    monkeypatch.setattr(os, "access", lambda place, mode: asked.append((place, mode)))
    plan = report_plan(recorded(SALES), str(path))
    assert plan["refusal"] == (
        f"cloudagent_report names {path}, which cannot be written by the user that runs the playbook."
    )
    assert asked == [(str(path if exists else tmp_path), os.W_OK)]


@pytest.mark.parametrize(
    ("records", "told"), [("/records", "in /records."), (None, "(there is no home directory).")]
)
def test_an_empty_record_replaces_no_page(
    tmp_path: pathlib.Path, records: str | None, told: str
) -> None:
    plan = report_plan({"campaigns": [], "records": records}, str(tmp_path / "a.html"))
    assert (
        f"Nothing was written, because there is no record of any such campaign {told}"
        in (plan["refusal"])
    )
