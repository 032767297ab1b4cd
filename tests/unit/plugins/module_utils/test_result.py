# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a result, whole dictionaries compared."""

from __future__ import annotations

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._did_lists import DidList
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import (
    InvalidInput,
    UpdateFailure,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import (
    AFTER_BACKOFF,
    APPLIED,
    TIMED_OUT,
    UNKNOWN,
    Attempt,
    Exchange,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import Campaign
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import (
    DIFFERS,
    FIRST_SEEN,
    SAME,
    UNAVAILABLE,
    UNCONFIRMED,
    Confirmation,
    Lists,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._result import (
    campaign_diff,
    confirmed_result,
    empty_result,
    failed_result,
    input_result,
    predicted_result,
    skipped_result,
)

ENDPOINT = "https://cc.partner.example"


def campaign_of(dynamic: int, fallback: int) -> Campaign:
    """Return a campaign with so many numbers in its lists."""
    return Campaign(
        "Sales",
        DidList([str(9140001001 + place) for place in range(dynamic)], False, []),
        DidList([str(9140002001 + place) for place in range(fallback)], False, []),
    )


CAMPAIGN = campaign_of(2, 1)


def test_an_empty_result_has_every_key() -> None:
    assert empty_result("Sales") == {
        "changed": False,
        "campaign_name": "Sales",
        "dynamic_dids": None,
        "fallback_dynamic_dids": None,
        "endpoint": None,
        "sent": False,
        "changed_basis": None,
        "api_message": None,
        "http_status": None,
        "attempts": 0,
    }


def test_the_options_give_lists_and_endpoint_of_the_result() -> None:
    assert input_result(ENDPOINT, CAMPAIGN) == {
        "campaign_name": "Sales",
        "dynamic_dids": ["9140001001", "9140001002"],
        "fallback_dynamic_dids": ["9140002001"],
        "endpoint": ENDPOINT,
    }


@pytest.mark.parametrize(
    ("dynamic", "fallback", "counted"),
    [
        (1, 1, "1 dynamic DID, 1 fallback dynamic DID"),
        (2, 1, "2 dynamic DIDs, 1 fallback dynamic DID"),
        (1, 10_000, "1 dynamic DID, 10000 fallback dynamic DIDs"),
    ],
)
def test_the_message_counts_the_numbers(dynamic: int, fallback: int, counted: str) -> None:
    campaign = campaign_of(dynamic, fallback)
    exchange = Exchange([Attempt(None, APPLIED)])
    why = "The lists differ from those confirmed last, according to the record in /records."
    assert predicted_result(campaign, DIFFERS, "/records") == {
        "changed": True,
        "msg": f'Would update campaign "Sales": {counted}. {why} Nothing was sent.',
    }
    updated = confirmed_result(campaign, exchange, DIFFERS, "/records")
    assert updated["msg"] == f'Updated campaign "Sales": {counted}. {why}'


def test_the_same_lists_are_reported_as_unchanged() -> None:
    exchange = Exchange([Attempt(None, APPLIED)])
    counted = "2 dynamic DIDs, 1 fallback dynamic DID"
    why = "These are the lists confirmed last, according to the record in /records."
    assert predicted_result(CAMPAIGN, SAME, "/records") == {
        "changed": False,
        "msg": f'Campaign "Sales" would be unchanged: {counted}. {why} Nothing was sent.',
    }
    assert skipped_result(CAMPAIGN, "/records") == {
        "changed": False,
        "msg": f'Campaign "Sales" is unchanged: {counted}. {why} Nothing was sent '
        "(skip_unchanged).",
    }
    sent_again = confirmed_result(CAMPAIGN, exchange, SAME, "/records")
    assert sent_again["changed"] is False
    assert sent_again["msg"] == f'Campaign "Sales" is unchanged: {counted}, sent again. {why}'


@pytest.mark.parametrize(
    ("basis", "why"),
    [
        (FIRST_SEEN, "No earlier update of the campaign is recorded in /{records}."),
        (DIFFERS, "The lists differ from those confirmed last, according to the record in"),
        (UNCONFIRMED, "not certain: the record in /{records} is not confirmed."),
        (UNAVAILABLE, "No record was used, so nothing is known of the lists before."),
    ],
)
def test_every_other_basis_counts_as_changed_and_is_explained(basis: str, why: str) -> None:
    exchange = Exchange([Attempt(None, APPLIED)])
    for result in (
        predicted_result(CAMPAIGN, basis, "/{records}"),
        confirmed_result(CAMPAIGN, exchange, basis, "/{records}"),
    ):
        assert result["changed"] is True
        assert why in result["msg"]


def test_a_confirmed_update_reports_its_last_attempt() -> None:
    exchange = Exchange(
        [
            Attempt("server_error", UNKNOWN, AFTER_BACKOFF, "", 503, "Service Unavailable"),
            Attempt(
                None, APPLIED, http_status=200, api_message="Dynamic DIDs updated successfully"
            ),
        ]
    )
    assert confirmed_result(CAMPAIGN, exchange, UNAVAILABLE, None) == {
        "changed": True,
        "msg": 'Updated campaign "Sales": 2 dynamic DIDs, 1 fallback dynamic DID. No record was '
        "used, so nothing is known of the lists before.",
        "sent": True,
        "api_message": "Dynamic DIDs updated successfully",
        "http_status": 200,
        "attempts": 2,
    }


def test_a_failure_is_reported_in_the_result_and_in_its_failure() -> None:
    failure = UpdateFailure(TIMED_OUT, "No answer.", UNKNOWN, 408, "Request Timeout", 3, sent=True)
    assert str(failure) == "No answer."
    assert failed_result(failure) == {
        "changed": False,
        "msg": "No answer.",
        "sent": True,
        "http_status": 408,
        "api_message": "Request Timeout",
        "attempts": 3,
        "failure": {
            "reason": "timed_out",
            "outcome": "unknown",
            "http_status": 408,
            "api_message": "Request Timeout",
            "attempts": 3,
        },
    }


def test_refused_input_is_reported_as_not_applied() -> None:
    assert failed_result(InvalidInput("dynamic_dids is empty."))["failure"] == {
        "reason": "invalid_input",
        "outcome": "not_applied",
        "http_status": None,
        "api_message": None,
        "attempts": 0,
    }


AFTER = "dynamic_dids:\n  9140001001\n  9140001002\nfallback_dynamic_dids:\n  9140002001\n"
AFTER_HEADER = f'campaign "Sales" at {ENDPOINT}'


def confirmation_of(campaign: Campaign, name: str = "Sales") -> Confirmation:
    lists = Lists("acme", name, campaign.dynamic.numbers, campaign.fallback.numbers)
    return Confirmation(lists, "2027-01-15T08:00:00Z", "deploy@runner")


@pytest.mark.parametrize(
    ("basis", "why"),
    [(FIRST_SEEN, "nothing was recorded before"), (UNAVAILABLE, "no record is used")],
)
def test_the_diff_says_why_the_previous_lists_are_not_known(basis: str, why: str) -> None:
    assert campaign_diff(ENDPOINT, CAMPAIGN, basis, None) == {
        "before_header": f'campaign "Sales" at {ENDPOINT}',
        "before": f"Not known: CloudAgent can't be asked, and {why}.\n",
        "after_header": AFTER_HEADER,
        "after": AFTER,
    }


@pytest.mark.parametrize(
    ("basis", "last", "before"),
    [
        (SAME, CAMPAIGN, AFTER),
        (
            DIFFERS,
            campaign_of(1, 2),
            "dynamic_dids:\n  9140001001\nfallback_dynamic_dids:\n  9140002001\n  9140002002\n",
        ),
    ],
)
def test_the_diff_shows_the_lists_that_were_confirmed(
    basis: str, last: Campaign, before: str
) -> None:
    assert campaign_diff(ENDPOINT, CAMPAIGN, basis, confirmation_of(last)) == {
        "before_header": f'campaign "Sales" at {ENDPOINT}',
        "before": before,
        "after_header": AFTER_HEADER,
        "after": AFTER,
    }


@pytest.mark.parametrize(
    ("last", "before"),
    [
        (campaign_of(1, 1), AFTER.replace("  9140001002\n", "")),
        # Ansible shows nothing of a diff without a difference: CallbackBase._get_diff in its
        # plugins/callback/__init__.py.
        (CAMPAIGN, f"Not certain to hold:\n{AFTER}"),
    ],
)
def test_the_diff_labels_lists_that_are_not_certain(last: Campaign, before: str) -> None:
    confirmation = confirmation_of(last, "SALES")
    assert campaign_diff(ENDPOINT, CAMPAIGN, UNCONFIRMED, confirmation) == {
        "before_header": f'campaign "SALES" at {ENDPOINT}, as last confirmed at '
        "2027-01-15T08:00:00Z; not certain to hold",
        "before": before,
        "after_header": AFTER_HEADER,
        "after": AFTER,
    }


def test_a_filled_result_keeps_every_key_that_is_always_there() -> None:
    keys = set(empty_result("Sales")) | {"msg"}
    filled = {**empty_result("Sales"), **input_result(ENDPOINT, CAMPAIGN)}
    assert {*filled, *predicted_result(CAMPAIGN, SAME, "/records")} == keys
    assert {*filled, *skipped_result(CAMPAIGN, "/records")} == keys
    confirmed = confirmed_result(CAMPAIGN, Exchange([Attempt(None, APPLIED)]), SAME, "/records")
    assert {*filled, *confirmed} == keys
    assert {*filled, *failed_result(InvalidInput("No."))} == {*keys, "failure"}
