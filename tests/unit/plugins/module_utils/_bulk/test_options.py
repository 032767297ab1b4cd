# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of many campaigns: every message with its position."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.options import (
    BulkOptions,
    read_bulk_options,
    read_campaigns,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import InvalidInput
from ansible_collections.ozonetel.cloudagent.tests.unit.support import API_KEY, bulk_module


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, BulkOptions(8, 0.0, False)),
        ({"concurrency": 1, "stop_on_failure": True}, BulkOptions(1, 0.0, True)),
        ({"concurrency": 64, "requests_per_minute": 1}, BulkOptions(64, 60.0, False)),
        ({"requests_per_minute": 240}, BulkOptions(8, 0.25, False)),
    ],
)
def test_concurrency_spacing_and_stop_are_read_from_the_options(
    options: dict[str, t.Any], expected: BulkOptions
) -> None:
    assert read_bulk_options(bulk_module([], **options).params) == expected


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({}, 16),
        ({"concurrency": 1}, 2),
        ({"concurrency": 64}, 128),
        # No more than a second's worth, and at least one.
        ({"requests_per_minute": 1}, 1),
        ({"requests_per_minute": 60}, 1),
        ({"requests_per_minute": 119}, 1),
        ({"requests_per_minute": 240}, 4),
        ({"requests_per_minute": 960}, 16),
        ({"requests_per_minute": 6000}, 16),
        ({"requests_per_minute": 6000, "concurrency": 64}, 100),
    ],
)
def test_the_number_of_records_locked_ahead_is_limited(
    options: dict[str, t.Any], most: int
) -> None:
    read = read_bulk_options(bulk_module([], **options).params)
    assert min(read.most_in_hand, read.most_waiting) == most
    assert read.most_in_hand == 2 * read.concurrency


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concurrency": 0}, "concurrency must be from 1 to 64."),
        ({"concurrency": 65}, "concurrency must be from 1 to 64."),
        (
            {"requests_per_minute": 0},
            "requests_per_minute has to be at least 1. Leave it out for no limit.",
        ),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_bulk_options(bulk_module([], **options).params)
    assert caught.value.message == message


def test_the_campaigns_keep_their_order() -> None:
    params = bulk_module(["B", {"campaign_name": "A", "dynamic_dids": 9140001003}]).params
    campaigns = read_campaigns(params)
    assert [campaign.name for campaign in campaigns] == ["B", "A"]
    assert campaigns[1].dynamic.numbers == ["9140001003"]
    assert campaigns[1].dynamic.held_integers is True


def refused(campaigns: object) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_campaigns(bulk_module(campaigns).params)
    return caught.value.message


SPREADSHEET = (
    "a spreadsheet has turned the number into this form, and its last digits may be lost. "
    "Format the column as text and export it again."
)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"campaign_name": None},
            "campaigns, item 3: campaign_name is empty. Give the name of the campaign.",
        ),
        (
            {"campaign_name": " "},
            "campaigns, item 3: campaign_name is empty. Give the name of the campaign.",
        ),
        (
            {"campaign_name": "a\nb"},
            "campaigns, item 3 (campaign 'a\\nb'): campaign_name contains a control character, such as a "
            "line break, as character 2. Check where the value comes from.",
        ),
        (
            {"dynamic_dids": ["914", "915", "x"]},
            "campaigns, item 3 (campaign \"Sales\"): dynamic_dids, item 3, is 'x': a DID has only "
            "the digits 0 to 9, with at most a + before them. Remove everything else, including spaces "
            "and punctuation.",
        ),
        (
            {"fallback_dynamic_dids": ""},
            'campaigns, item 3 (campaign "Sales"): fallback_dynamic_dids is empty. Give at least '
            "one DID.",
        ),
        (
            {"dynamic_dids": "9.14E+09"},
            "campaigns, item 3 (campaign \"Sales\"): dynamic_dids, item 1, is '9.14E+09': "
            f"{SPREADSHEET}",
        ),
        (
            {"dynamic_dids": "9,14E+09"},
            "campaigns, item 3 (campaign \"Sales\"): dynamic_dids, item 1, is '9,14E+09': "
            f"{SPREADSHEET}",
        ),
        (
            {"dynamic_dids": "9140001001, 9,14e9"},
            "campaigns, item 3 (campaign \"Sales\"): dynamic_dids, item 2, is ' 9,14e9': "
            f"{SPREADSHEET}",
        ),
    ],
)
def test_an_invalid_entry_is_refused_with_its_position(
    entry: dict[str, t.Any], message: str
) -> None:
    assert refused(["A", "B", {"campaign_name": "Sales", **entry}]) == message


def test_a_long_name_is_cut_and_the_key_is_masked_in_a_value() -> None:
    message = refused([{"campaign_name": "x" * 500, "dynamic_dids": [API_KEY]}])
    assert message.startswith(f'campaigns, item 1 (campaign "{"x" * 60}..."): dynamic_dids, item 1')
    assert "'********'" in message
    assert API_KEY not in message


def test_a_campaign_named_twice_is_refused_with_both_positions() -> None:
    assert refused(["A", "Sales", "B", "Sales"]) == (
        'campaigns, items 2 and 4 both name the campaign "Sales". Its lists are sent whole, so keep '
        "one entry, with all its numbers."
    )


@pytest.mark.parametrize("spelling", ["sales", "Sales ", " Sales", "\uff33ales"])
def test_names_that_differ_only_in_case_or_spaces_are_refused(spelling: str) -> None:
    assert refused(["A", "Sales", spelling]) == (
        f'campaigns, items 2 and 3 name "Sales" and "{spelling}", which differ in upper and lower '
        "case or spaces alone, and CloudAgent may take them for one campaign. Keep one of them, or "
        "update them in two tasks."
    )


def test_campaigns_of_null_are_refused() -> None:
    assert refused(None).startswith("campaigns is null")


def test_an_empty_list_of_campaigns_is_accepted() -> None:
    assert read_campaigns(bulk_module([]).params) == []
