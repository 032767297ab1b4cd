# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbooks print at their end."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._bulk_report import report_update


def result_of(*entries: dict[str, t.Any], **others: t.Any) -> dict[str, t.Any]:
    """Return a registered result with these entries, as far as the report reads it."""
    failed = sum("failed" in entry for entry in entries)
    changed = sum(entry["changed"] for entry in entries)
    not_sent = sum("msg" in entry and "failed" not in entry for entry in entries)
    summary = {
        "total": len(entries),
        "changed": changed,
        "unchanged": len(entries) - changed - failed - not_sent,
        "skipped": 0,
        "failed": failed,
        "not_sent": not_sent,
    }
    return {"results": list(entries), "summary": summary, "msg": "All of it.", **others}


def changed(name: str) -> dict[str, t.Any]:
    return {"campaign_name": name, "changed": True}


def unchanged(name: str) -> dict[str, t.Any]:
    return {"campaign_name": name, "changed": False}


def failed(name: str) -> dict[str, t.Any]:
    return {"campaign_name": name, "changed": False, "failed": True, "msg": f"See {name}."}


def not_sent(name: str) -> dict[str, t.Any]:
    return {"campaign_name": name, "changed": False, "msg": "Not sent, because of a storm."}


def test_without_a_failure_the_message_is_printed() -> None:
    report = report_update(result_of(changed("Sales"), unchanged("Support")), False)
    assert report == (False, ["All of it."])


def test_in_check_mode() -> None:
    entries = (changed("Sales"), unchanged("IVR"), failed("Support"))
    assert report_update(result_of(*entries, failure={}), True).lines == [
        "3 campaigns: 1 failed, 1 would be changed, 1 would be unchanged.",
        "Support failed. See Support.",
        "Would be changed: Sales.",
    ]


def test_what_failed_comes_before_what_changed() -> None:
    report = report_update(result_of(changed("Sales"), failed("Support"), failure={}), False)
    assert report == (
        True,
        [
            "2 campaigns: 1 failed, 1 changed.",
            "Support failed. See Support.",
            "Changed: Sales.",
        ],
    )


def test_a_campaign_that_failed_for_no_known_reason_fails_the_play() -> None:
    assert report_update(result_of(failed("Sales")), False).failed


def test_many_failures_and_changes() -> None:
    entries = [failed(f"F{number}") for number in range(22)]
    entries += [changed(f"C{number}") for number in range(1022)]
    lines = report_update(result_of(*entries, failure={}), False).lines
    assert lines[0] == "1,044 campaigns: 22 failed, 1,022 changed."
    assert lines[1:21] == [f"F{number} failed. See F{number}." for number in range(20)]
    assert lines[21] == "Also failed: F20, F21."
    assert lines[22].startswith("Changed: C0, C1, ")
    assert lines[22].endswith(", C19 and 1,002 more.")
    assert len(lines) == 23


def test_what_was_not_sent_is_explained_once() -> None:
    entries = (failed("Sales"), not_sent("Support"), not_sent("IVR"))
    assert report_update(result_of(*entries, failure={}), False).lines == [
        "3 campaigns: 1 failed, 2 not sent.",
        "Sales failed. See Sales.",
        "Not sent, because of a storm.",
    ]


def test_an_error_besides_the_campaigns_is_told() -> None:
    report = report_update(result_of(changed("Sales"), failure={}), False)
    assert report == (True, ["1 campaign: 1 changed.", "All of it.", "Changed: Sales."])


@pytest.mark.parametrize(
    ("result", "failed_as_a_whole"),
    [
        pytest.param(result_of(msg="Bad options.", failure={}), True, id="options"),
        pytest.param({"msg": "Bad options."}, True, id="a result of Ansible itself"),
        pytest.param(result_of(msg="Bad options."), False, id="no campaigns"),
    ],
)
def test_nothing_was_begun(result: dict[str, t.Any], failed_as_a_whole: bool) -> None:
    assert report_update(result, False) == (failed_as_a_whole, ["Bad options."])


def test_a_result_without_a_message() -> None:
    assert report_update({}, False) == (True, ["The task returned no result."])
