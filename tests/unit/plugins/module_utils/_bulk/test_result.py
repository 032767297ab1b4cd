# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is returned of many campaigns: the sentences, the reason of a stop, a few warnings."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk import stop
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.result import (
    CHANGED,
    FAILED,
    NOT_SENT,
    SKIPPED,
    UNCHANGED,
    CampaignResult,
    bulk_result,
    bulk_warnings,
    campaign_done,
    campaign_failed,
    campaign_not_sent,
    why_stopped,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import (
    DIFFERS,
    FIRST_SEEN,
    UNAVAILABLE,
    UNCONFIRMED,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._warned import Warned

WHOLE: dict[str, t.Any] = {
    "campaign_name": "Sales",
    "dynamic_dids": ["111"],
    "fallback_dynamic_dids": ["333"],
    "endpoint": "https://cc.partner.example",
    "changed": True,
    "changed_basis": "differs",
    "sent": True,
    "attempts": 1,
    "api_message": "Dynamic DIDs updated successfully",
    "http_status": 200,
    "msg": "Updated.",
}


def campaign_result(
    kind: str, name: str = "Sales", reason: str | None = None, basis: str = FIRST_SEEN
) -> CampaignResult:
    entry: dict[str, t.Any] = {
        "campaign_name": name,
        "changed_basis": basis,
        "msg": f"About {name}.",
    }
    if reason is not None:
        entry["failure"] = {"reason": reason}
    return CampaignResult(kind, entry)


# --- One campaign -------------------------------------------------------------------------------

KEPT = {
    "campaign_name": "Sales",
    "changed": True,
    "changed_basis": "differs",
    "sent": True,
    "attempts": 1,
}


@pytest.mark.parametrize(
    ("basis", "attempts", "skip", "kind", "entry"),
    [
        ("differs", 1, False, CHANGED, KEPT),
        (
            "same",
            1,
            False,
            UNCHANGED,
            {**KEPT, "changed": False, "changed_basis": "same"},
        ),
        (
            "same",
            0,
            True,
            SKIPPED,
            {**KEPT, "changed": False, "changed_basis": "same", "sent": False, "attempts": 0},
        ),
    ],
)
def test_a_successful_update_becomes_a_short_entry(
    basis: str, attempts: int, skip: bool, kind: str, entry: dict[str, t.Any]
) -> None:
    warnings = [Warned("a kind", "A warning.")]
    diff = {"before": "", "after": ""}
    kept = campaign_done("Sales", basis, attempts, skip, warnings, diff)
    assert kept == CampaignResult(kind, entry, warnings, diff if kind == CHANGED else None)


def test_the_entry_of_a_failed_update_has_its_message_and_lists() -> None:
    warnings = [Warned("a kind", "A warning.")]
    failed = {"changed": False, "failed": True, "failure": {"reason": "timed_out"}}
    lists = {key: WHOLE[key] for key in ("dynamic_dids", "fallback_dynamic_dids")}
    assert campaign_failed({**WHOLE, **failed}, warnings) == CampaignResult(
        FAILED, {**KEPT, **failed, **lists, "msg": "Updated."}, warnings
    )


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        (stop.ACCOUNT_REFUSED, "the account was refused for another campaign"),
        (stop.CAMPAIGN_FAILED, "another campaign failed (stop_on_failure)"),
        (stop.LONG_BREAK, "the server asked for a pause that is longer than the timeout"),
        (stop.ABANDONED, "Ansible's main process has ended"),
        (stop.ERROR, "of an error in the collection"),
        (None, "of an error in the collection"),
    ],
)
def test_a_campaign_that_was_not_sent_says_why(reason: str | None, why: str) -> None:
    assert why_stopped(reason) == why
    assert campaign_not_sent("Sales", why) == CampaignResult(
        NOT_SENT,
        {
            "campaign_name": "Sales",
            "changed": False,
            "changed_basis": None,
            "sent": False,
            "attempts": 0,
            "msg": f"Not sent, because {why}.",
        },
    )


ONE_CHANGED = 'Changed: "Sales" (1 with no record before). The records are in /records.'

# --- All of them --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kinds", "check_mode", "msg"),
    [
        ([], False, "There are no campaigns to update."),
        ([CHANGED], False, f"Of 1 campaign: 1 changed. {ONE_CHANGED}"),
        ([SKIPPED], False, "Of 1 campaign: 1 skipped. The records are in /records."),
        (
            [CHANGED, UNCHANGED, SKIPPED, SKIPPED],
            False,
            f"Of 4 campaigns: 1 changed, 1 unchanged, 2 skipped. {ONE_CHANGED}",
        ),
        (
            [CHANGED, UNCHANGED],
            True,
            f"Of 2 campaigns: 1 changed, 1 unchanged. {ONE_CHANGED} This is a prediction, and "
            "nothing was sent.",
        ),
        (
            [CHANGED, NOT_SENT],
            False,
            f"Of 2 campaigns: 1 changed. {ONE_CHANGED} 1 campaign not sent, because the sky fell.",
        ),
        ([NOT_SENT, NOT_SENT], False, "2 campaigns not sent, because the sky fell."),
    ],
)
def test_the_message_counts_the_campaigns_of_each_kind(
    kinds: list[str], check_mode: bool, msg: str
) -> None:
    campaign_results = [campaign_result(kind) for kind in kinds]
    result = bulk_result(campaign_results, "the sky fell", check_mode, "/records")
    assert result["msg"] == msg
    assert result["changed"] is (CHANGED in kinds)
    assert result["summary"]["total"] == len(kinds)
    assert "failed" not in result


def test_the_message_names_failed_campaigns_and_explains_one() -> None:
    campaign_results = [
        campaign_result(FAILED, "A", "campaign_not_found"),
        campaign_result(CHANGED, "B"),
        campaign_result(FAILED, "C", "authentication_failed"),
        campaign_result(FAILED, "D", "timed_out"),
        campaign_result(NOT_SENT, "E"),
    ]
    result = bulk_result(campaign_results, "the sky fell", False, "/records")
    assert result["msg"] == (
        '3 of 5 campaigns failed: "A" (campaign_not_found), "C" (authentication_failed), "D" '
        '(timed_out). Of the others: 1 changed. Changed: "B" (1 with no record before). The records are '
        "in /records. 1 campaign not sent, because the sky fell. "
        '"C": About C.'
    )
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["failure"] == {"reason": "authentication_failed"}


@pytest.mark.parametrize(
    ("count", "more"), [(20, ""), (21, ", and 1 more"), (500, ", and 480 more")]
)
def test_twenty_changed_campaigns_are_named(count: int, more: str) -> None:
    campaign_results = [campaign_result(CHANGED, f"C{number}") for number in range(count)]
    msg = bulk_result(campaign_results, "", False, "/records")["msg"]
    named = ", ".join(f'"C{number}"' for number in range(20))
    assert f"Changed: {named}{more} ({count} with no record before)." in msg


def test_changed_campaigns_are_counted_by_what_changed_rests_on() -> None:
    bases = [DIFFERS, FIRST_SEEN, UNCONFIRMED, DIFFERS]
    campaign_results = [campaign_result(CHANGED, basis=basis) for basis in bases]
    msg = bulk_result(campaign_results, "", False, "/records")["msg"]
    assert "(1 with no record before, 2 with other lists before, 1 not confirmed before)." in msg


def test_without_a_record_the_message_says_so() -> None:
    msg = bulk_result([campaign_result(CHANGED, basis=UNAVAILABLE)], "", False, None)["msg"]
    assert msg.endswith('Changed: "Sales" (1 with no record used). No records were used.')


# --- A few warnings for many ----------------------------------------------------------------------


def warned(count: int, kind: str, text: str, first: int = 1) -> list[tuple[int, str, Warned]]:
    """Return warnings of a kind about so many campaigns, with their position in the text."""
    return [
        (position, f"C{position}", Warned(kind, text.format(position)))
        for position in range(first, first + count)
    ]


def test_a_single_warning_names_its_campaign() -> None:
    assert bulk_warnings(warned(1, "a", "Look out.")) == [
        'campaigns, item 1 (campaign "C1"): Look out.'
    ]


def test_the_same_warning_about_several_campaigns_is_shown_once() -> None:
    assert bulk_warnings(warned(1000, "a", "Look out.")) == ["For 1,000 campaigns: Look out."]


@pytest.mark.parametrize(("count", "lines"), [(2, 2), (5, 5), (6, 6), (500, 6)])
def test_warnings_of_one_kind_take_at_most_six_lines(count: int, lines: int) -> None:
    found = bulk_warnings(warned(count, "a", "Item {0} of campaign {0} is odd"))
    assert len(found) == lines
    assert found[0] == 'campaigns, item 1 (campaign "C1"): Item 1 of campaign 1 is odd'
    if count > 5:
        assert found[5] == (
            f"There are {count - 5} more warnings like the one about campaigns, item 1 (campaign "
            '"C1").'
        )


def test_each_kind_of_warning_is_shown_even_with_equal_texts() -> None:
    mixed = sorted(
        [*warned(300, "a", "{0}: Look out."), *warned(300, "b", "{0}: Look out.")],
        key=lambda entry: entry[0],
    )
    found = bulk_warnings(mixed)
    assert len(found) == 12
    assert found[:6] == found[6:]
    alike = [*warned(3, "a", "Look out."), *warned(2, "b", "Look out.")]
    assert bulk_warnings(alike) == ["For 3 campaigns: Look out.", "For 2 campaigns: Look out."]
