# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data of a record: what it says about lists, its key, and its history."""

from __future__ import annotations

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import (
    DIFFERS,
    FIRST_SEEN,
    SAME,
    UNCONFIRMED,
    Confirmation,
    Lists,
    Record,
    basis_of,
    history_of,
    record_key,
)

ENDPOINT = "https://cc.partner.example"
LISTS = Lists("acme", "Sales", ["111", "222"], ["333"])


def confirmation(lists: Lists = LISTS, hour: int = 8) -> Confirmation:
    return Confirmation(lists, f"2027-01-15T{hour:02}:00:00Z", "deploy@runner", "job 7")


RECORD = Record(ENDPOINT, True, confirmation())


@pytest.mark.parametrize(
    ("record", "basis"),
    [
        pytest.param(None, FIRST_SEEN, id="no record"),
        pytest.param(RECORD, SAME, id="equal"),
        pytest.param(RECORD._replace(confirmed=False), UNCONFIRMED, id="withdrawn"),
        pytest.param(RECORD._replace(endpoint="https://x"), UNCONFIRMED, id="another endpoint"),
        *(
            pytest.param(Record(ENDPOINT, True, confirmation(LISTS._replace(**other))), basis)
            for other, basis in (
                ({"dynamic_dids": ["222", "111"]}, DIFFERS),
                ({"dynamic_dids": ["111", "222", "222"]}, DIFFERS),
                ({"dynamic_dids": ["+111", "222"]}, DIFFERS),
                ({"fallback_dynamic_dids": ["444"]}, DIFFERS),
                ({"dynamic_dids": ["333"], "fallback_dynamic_dids": ["111", "222"]}, DIFFERS),
                ({"campaign_name": "SALES"}, UNCONFIRMED),
                ({"username": "Acme"}, UNCONFIRMED),
            )
        ),
    ],
)
def test_changed_basis_follows_from_record_and_lists(record: Record | None, basis: str) -> None:
    assert basis_of(record, ENDPOINT, LISTS) == basis


def test_another_time_or_user_is_not_a_difference() -> None:
    other = Confirmation(LISTS, "2020-01-01T00:00:00Z", "somebody@else", None)
    assert basis_of(Record(ENDPOINT, True, other), ENDPOINT, LISTS) == SAME


@pytest.mark.parametrize(
    ("username", "campaign_name"),
    [
        ("acme", "SALES"),
        ("ACME", "sales"),
        ("acme", " Sales "),
        ("acme", "\uff33ales"),
    ],
)
def test_other_spellings_of_the_names_share_a_key(username: str, campaign_name: str) -> None:
    shared = record_key(ENDPOINT, "acme", "Sales")
    assert record_key(ENDPOINT, username, campaign_name) == shared


def test_another_endpoint_account_or_campaign_has_another_key() -> None:
    identities = [
        (ENDPOINT, "acme", "Sales"),
        (f"{ENDPOINT}/prefix", "acme", "Sales"),
        (ENDPOINT, "globex", "Sales"),
        (ENDPOINT, "acme", "Support"),
        (ENDPOINT, "acmeS", "ales"),
        (ENDPOINT, 'acme", "Sales', ""),
    ]
    keys = {record_key(*identity) for identity in identities}
    assert len(keys) == len(identities)
    assert all(len(key) == 32 and key.isalnum() for key in keys)


def test_the_key_of_a_record_never_changes() -> None:
    """Another key would forget what was confirmed, or trust it later."""
    assert record_key(ENDPOINT, "acme", "B\u00fccher") == "593ae4e38bef0d8995521613fb3ffb58"
    assert record_key(ENDPOINT, "acme", "Cold  Calls") == "7a3dbe6e689a200aa228cf42c4851815"


# --- The history --------------------------------------------------------------------------------


def hours(history: list[Confirmation]) -> list[int]:
    return [int(one.applied_at[11:13]) for one in history]


OTHER = LISTS._replace(dynamic_dids=["444"])


def test_the_history_has_every_pair_that_differs_from_the_one_before() -> None:
    kept = [confirmation(LISTS, 10), confirmation(OTHER, 9), confirmation(LISTS, 8)]
    assert history_of(kept, 10) == kept


def test_the_same_lists_again_are_one_entry_with_the_newest_time() -> None:
    kept = [confirmation(LISTS, 11), confirmation(LISTS, 10), confirmation(OTHER, 9)]
    assert hours(history_of(kept, 10)) == [11, 9]


@pytest.mark.parametrize(("limit", "found"), [(0, []), (1, [19]), (10, list(range(19, 9, -1)))])
def test_the_history_is_cut_at_its_limit(limit: int, found: list[int]) -> None:
    kept = [
        confirmation(LISTS._replace(dynamic_dids=[f"{hour + 100}"]), hour)
        for hour in range(19, 0, -1)
    ]
    assert hours(history_of(kept, limit)) == found


def test_no_more_confirmations_are_read_than_shown() -> None:
    kept = iter([confirmation(LISTS, 10), confirmation(OTHER, 9), confirmation(LISTS, 8)])
    assert hours(history_of(kept, 2)) == [10, 9]
    # The third was looked at at most.
    assert hours(list(kept)) in ([8], [])


def test_the_history_has_only_the_newest_spelling_and_no_pair_twice_in_a_row() -> None:
    spelled = LISTS._replace(campaign_name="SALES", dynamic_dids=["444"])
    kept = [
        confirmation(LISTS, 5),
        confirmation(spelled, 4),
        confirmation(LISTS, 3),
        confirmation(OTHER, 2),
        confirmation(LISTS, 1),
    ]
    assert hours(history_of(kept, 10)) == [5, 2, 1]
