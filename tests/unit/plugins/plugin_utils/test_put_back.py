# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook put_back sends, what it leaves alone, and what it refuses."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.filter.put_back_plan import FilterModule

put_back_plan = FilterModule().filters()["put_back_plan"]

TIME = "2027-01-15T08:00:00Z"
ACCOUNT = {
    "username": "acme",
    "endpoint": "https://cc.partner.example",
    "records": "/records",
    "campaigns": 2,
    "unconfirmed": [],
}
EARLIER = {
    "applied_at": "2027-01-14T08:00:00Z",
    "applied_by": "deploy@runner",
    "note": "Ticket 4711",
    "dynamic_dids": ["9140001001", "9140001002"],
    "fallback_dynamic_dids": ["9140002001"],
    "before": TIME,
}
SALES = {"campaign_name": "Sales", "earlier": EARLIER}
SUPPORT = {"campaign_name": "Support", "earlier": None}
RECORDED = {"account": ACCOUNT, "campaigns": [SALES, SUPPORT]}
SALES_ENTRY = {
    "campaign_name": "Sales",
    "dynamic_dids": "9140001001,9140001002",
    "fallback_dynamic_dids": "9140002001",
}
SALES_LINE = (
    "Sales: 9140001001, 9140001002; fallback 9140002001; confirmed at 2027-01-14T08:00:00Z by "
    "deploy@runner (Ticket 4711)"
)
SUPPORT_LINE = (
    f"Left alone, because the record has no pair of lists confirmed before {TIME}: Support."
)


def with_earlier(**changes: object) -> dict[str, t.Any]:
    return {**RECORDED, "campaigns": [{**SALES, "earlier": {**EARLIER, **changes}}]}


@pytest.mark.parametrize("before", [None, "current"])
def test_one_campaign(before: str | None) -> None:
    assert put_back_plan(RECORDED, "Sales", before=before) == {
        "refusal": "",
        "campaigns": [SALES_ENTRY],
        "lines": [
            "To put 1 campaign back:",
            SALES_LINE,
            f"To repeat this, add -e cloudagent_before={TIME}",
        ],
    }


def test_a_pair_that_no_time_chooses() -> None:
    lines = put_back_plan(with_earlier(before=None, note=None), "Sales")["lines"]
    assert lines[1] == SALES_LINE.replace(" (Ticket 4711)", "")
    assert lines[2].startswith("No cloudagent_before chooses this pair again")


@pytest.mark.parametrize(
    ("campaign", "everything", "lines"),
    [
        ("Sales", False, []),
        (["Sales", "Support", "Sales"], "false", [SUPPORT_LINE]),
        (None, True, [SUPPORT_LINE]),
        (None, "true", [SUPPORT_LINE]),
        (
            ["sales", "Sales", "Winter"],
            False,
            [
                (
                    "Left alone, because no record of acme at https://cc.partner.example in /records "
                    "has exactly this name (upper and lower case matter): sales, Winter."
                )
            ],
        ),
    ],
)
def test_a_time(campaign: object, everything: object, lines: list[str]) -> None:
    plan = put_back_plan(RECORDED, campaign, everything, TIME)
    assert plan["campaigns"] == [SALES_ENTRY]
    assert plan["lines"] == ["To put 1 campaign back:", SALES_LINE, *lines]


@pytest.mark.parametrize(
    ("campaign", "everything", "before", "told"),
    [
        (None, False, None, "Name the campaign with -e cloudagent_campaign=NAME."),
        (None, False, TIME, "Name the campaign with -e cloudagent_campaign=NAME."),
        (None, True, None, "give the time before which"),
        (None, True, "current", "give the time before which"),
        (["Sales", "Support"], False, None, "give the time before which"),
        ("Sales", True, TIME, "given together"),
        ("Sales", "maybe", TIME, "cloudagent_all has to be true or false."),
        ("", False, TIME, "empty"),
        ([], False, TIME, "the name of a campaign or a list of names"),
        (["Sales", 2027], False, TIME, "Quote names that look like numbers."),
        # What an inventory has, as the guide to many campaigns shows it.
        ({"campaign_name": "Sales"}, False, TIME, "the name of a campaign or a list of names"),
        (
            "Support",
            False,
            None,
            "the record has no pair of lists before the current one: Support.",
        ),
        ("Support", False, TIME, f"no pair of lists confirmed before {TIME}: Support."),
        (["Support", "Winter"], False, TIME, "Support, and no record of acme at https://"),
        ("winter", False, None, "(upper and lower case matter): winter."),
    ],
)
def test_what_is_refused(campaign: object, everything: object, before: object, told: str) -> None:
    plan = put_back_plan(RECORDED, campaign, everything, before)
    assert told in plan["refusal"]
    assert (plan["campaigns"], plan["lines"]) == ([], [])


@pytest.mark.parametrize(
    ("records", "place"), [("/records", "in /records"), (None, "(there is no home directory)")]
)
def test_an_account_without_a_record_is_refused(records: str | None, place: str) -> None:
    account = {**ACCOUNT, "campaigns": 0, "records": records}
    plan = put_back_plan({"account": account, "campaigns": []}, "Sales")
    assert plan["refusal"].startswith(
        f"There is no record of the account acme at https://cc.partner.example {place}, "
    )


def test_what_is_shown_of_many_campaigns_and_numbers() -> None:
    numbers = [f"91400010{place:02}" for place in range(12)]
    earlier = {**EARLIER, "dynamic_dids": numbers}
    names = [f"Campaign {place}" for place in range(23)]
    campaigns = [{"campaign_name": name, "earlier": earlier} for name in names]
    plan = put_back_plan({"account": ACCOUNT, "campaigns": campaigns}, None, True, TIME)
    assert [one["campaign_name"] for one in plan["campaigns"]] == names
    assert plan["campaigns"][0]["dynamic_dids"] == ",".join(numbers)
    assert plan["lines"][0] == "To put 23 campaigns back:"
    assert plan["lines"][20].startswith("Campaign 19: 9140001000, ")
    assert "9140001009 and 2 more; fallback" in plan["lines"][20]
    assert plan["lines"][21:] == ["And 3 more: Campaign 20, Campaign 21, Campaign 22"]
