# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook take_out sends, what it leaves alone, and what it refuses."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.filter.take_out_plan import FilterModule
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._take_out import without_number

take_out_plan = FilterModule().filters()["take_out_plan"]

ACCOUNT = {
    "username": "acme",
    "endpoint": "https://cc.partner.example",
    "records": "/records",
    "campaigns": 3,
    "unconfirmed": [],
}
NOT_SEEN = "Campaigns that were never updated through this record are not seen."


def campaign(name: str, dynamic: str, fallback: str, did: str = "9140001001") -> dict[str, t.Any]:
    lists = {"dynamic_dids": dynamic.split(), "fallback_dynamic_dids": fallback.split()}
    found_in = [option for option, numbers in lists.items() if did in numbers]
    return {"campaign_name": name, **lists, "found_in": found_in}


def recorded(*campaigns: dict[str, t.Any], **account: object) -> dict[str, t.Any]:
    return {"account": {**ACCOUNT, **account}, "campaigns": list(campaigns)}


SALES = campaign("Sales", "9140001001 9140001002 9140001001", "9140002001")
SUPPORT = campaign("Support", "9140001003 9140001001", "9140001001 9140002001 9140001004")


# --- One list -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "replacement", "expected"),
    [
        ("111 222", None, "222"),
        ("111 222 111 333", None, "222 333"),
        ("111", None, ""),
        ("222 111 333", "444", "222 444 333"),
        ("111 222 111", "444", "444 222"),
        ("111 222 333", "333", "222 333"),
        ("222 333", "444", "222 333"),
        ("+111 111", None, "+111"),
    ],
)
def test_a_list_without_a_number(numbers: str, replacement: str | None, expected: str) -> None:
    assert without_number(numbers.split(), "111", replacement) == expected.split()


NUMBERS = st.lists(st.sampled_from(["111", "222", "333", "444"]), max_size=6)


@given(NUMBERS, st.none() | st.sampled_from(["222", "333", "555"]))
def test_nothing_but_the_number_goes_and_nothing_moves(
    numbers: list[str], replacement: str | None
) -> None:
    kept = without_number(numbers, "111", replacement)
    others = [number for number in numbers if number != "111"]
    assert "111" not in kept
    assert [number for number in kept if number in others] == others
    added = [number for number in kept if number not in others]
    assert len(added) <= 1
    if "111" in numbers and replacement is not None:
        assert replacement in kept
        # In the place of the first one.
        assert not added or kept.index(replacement) == numbers.index("111")
    else:
        assert not added
    # Running it again changes nothing.
    assert without_number(kept, "111", replacement) == kept


# --- The plan -------------------------------------------------------------------------------------


def test_the_number_is_taken_out_of_both_lists_of_all_campaigns() -> None:
    assert take_out_plan(recorded(SALES, SUPPORT), "9140001001") == {
        "refusal": "",
        "campaigns": [
            {
                "campaign_name": "Sales",
                "dynamic_dids": "9140001002",
                "fallback_dynamic_dids": "9140002001",
            },
            {
                "campaign_name": "Support",
                "dynamic_dids": "9140001003",
                "fallback_dynamic_dids": "9140002001,9140001004",
            },
        ],
        "lines": [
            "To take 9140001001 out of 2 campaigns:",
            "Sales: dynamic_dids becomes 9140001002",
            "Support: dynamic_dids becomes 9140001003; fallback_dynamic_dids becomes 9140002001, 9140001004",
            NOT_SEEN,
        ],
    }


@pytest.mark.parametrize(
    "replacement", ["9140001004", 9140001004, " 9140001004\u200b", ["9140001004"]]
)
def test_another_number_takes_its_place(replacement: object) -> None:
    plan = take_out_plan(recorded(SALES, SUPPORT), "9140001001", replacement=replacement)
    assert [(one["dynamic_dids"], one["fallback_dynamic_dids"]) for one in plan["campaigns"]] == [
        ("9140001004,9140001002", "9140002001"),
        ("9140001003,9140001004", "9140002001,9140001004"),
    ]
    assert plan["lines"][0] == "To replace 9140001001 with 9140001004 in 2 campaigns:"


def test_campaigns_that_are_not_confirmed_are_named() -> None:
    given_records = recorded(SALES, SUPPORT, unconfirmed=["Callbacks", "Support"])
    plan = take_out_plan(given_records, "9140001001")
    assert plan["lines"][3:] == [
        (
            "Not certain, because the last update was not confirmed: Support. The lists that were "
            "confirmed last are sent without the number."
        ),
        (
            "Left alone, although 9140001001 may be in use, because the last update was not confirmed: "
            "Callbacks."
        ),
        NOT_SEEN,
    ]


@pytest.mark.parametrize(
    ("did", "other"), [("9140001001", "+9140001001"), ("+9140001001", "9140001001")]
)
def test_nothing_has_to_be_done(did: str, other: str) -> None:
    assert take_out_plan(recorded(), did) == {
        "refusal": "",
        "campaigns": [],
        "lines": [
            (
                f"No campaign of acme at https://cc.partner.example has {did} in the lists that were "
                f"confirmed last. Numbers are compared as text, so {other} is another number."
            ),
            NOT_SEEN,
        ],
    }


SHORT = [
    campaign("Sales", "9140001001 9140001001", "9140002001"),
    campaign("Support", "9140001003", "9140001001"),
    campaign("Winter", "9140001001 9140001003 9140001003", "9140002001"),
]


def test_a_list_must_not_become_empty() -> None:
    assert take_out_plan(recorded(*SHORT), "9140001001")["refusal"] == (
        "Nothing was sent, because without 9140001001 these lists would be empty: "
        "Sales (dynamic_dids), Support (fallback_dynamic_dids). Give another number with "
        "-e cloudagent_replacement=NUMBER, or update these campaigns first."
    )


@pytest.mark.parametrize(
    ("at_least", "replacement", "refused"),
    [
        (1, "9140001004", []),
        # A number that a list has twice is one number.
        ("2", "9140001004", ["Sales (dynamic_dids)", "Support (fallback_dynamic_dids)"]),
        # Lists that do not change may be shorter.
        ("2", None, [f"{one['campaign_name']} ({one['found_in'][0]})" for one in SHORT]),
        (1, "9140001003", []),
    ],
)
def test_how_many_numbers_a_list_must_still_have(
    at_least: object, replacement: str | None, refused: list[str]
) -> None:
    plan = take_out_plan(recorded(*SHORT), "9140001001", at_least, replacement)
    assert bool(plan["refusal"]) is bool(refused)
    assert len(plan["campaigns"]) == (0 if refused else 3)
    if refused:
        assert f"would have fewer than 2 numbers: {', '.join(refused)}. " in plan["refusal"]


@pytest.mark.parametrize(
    ("did", "at_least", "replacement", "told"),
    [
        (None, 1, None, "Name the number to take out, such as -e cloudagent_did=9140001001."),
        ("", 1, None, "cloudagent_did is empty"),
        ("9140001001,9140001002", 1, None, "cloudagent_did takes one number."),
        ("9140001001", 1, "91400x", "cloudagent_replacement, item 1, is '91400x'"),
        ("9140001001", 1, "9.14E+09", "a spreadsheet has turned the number into this form"),
        ("9140001001", 1, "111,222", "cloudagent_replacement takes one number."),
        ("9140001001", 1, " 9140001001", "cloudagent_replacement is the number that is taken out."),
        ("9140001001", 0, None, "cloudagent_at_least has to be a whole number from 1."),
        ("9140001001", "-1", None, "cloudagent_at_least"),
        ("9140001001", "two", None, "cloudagent_at_least"),
        ("9140001001", True, None, "cloudagent_at_least"),
        ("9140001001", 1.5, None, "cloudagent_at_least"),
        ("9140001001", None, None, "cloudagent_at_least"),
    ],
)
def test_what_is_refused(did: object, at_least: object, replacement: object, told: str) -> None:
    plan = take_out_plan(recorded(SALES), did, at_least, replacement)
    assert told in plan["refusal"]
    assert (plan["campaigns"], plan["lines"]) == ([], [])


def test_an_account_without_a_record_is_refused() -> None:
    plan = take_out_plan(recorded(campaigns=0), "9140001001")
    assert plan["refusal"].startswith("There is no record of the account acme at ")
