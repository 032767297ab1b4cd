# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What a playbook prints after the update of many campaigns: what failed, and what changed."""

from __future__ import annotations

import typing as t

_MOST_SHOWN = 20

Result = t.Mapping[str, t.Any]


class BulkReport(t.NamedTuple):
    """The result of the update.

    Attributes:
        failed: whether the play must fail.
        lines: what to print.
    """

    failed: bool
    lines: list[str]


def report_update(result: Result, check_mode: bool) -> BulkReport:
    """Return what to print about a result of ``ozonetel_dynamic_dids_bulk``.

    Args:
        result: the registered result; one that Ansible itself made has no ``summary``.
        check_mode: nothing was sent.
    """
    summary = result.get("summary", {})
    if summary and not summary["failed"] and "failure" not in result:
        return BulkReport(False, [result["msg"]])
    if not summary.get("total"):
        # Nothing was begun, so that the message says it all.
        return BulkReport(True, [result.get("msg", "The task returned no result.")])
    entries = result["results"]
    failed = [entry for entry in entries if entry.get("failed")]
    changed = [entry["campaign_name"] for entry in entries if entry["changed"]]
    lines = [_counts(summary, check_mode), *_failures(failed)]
    if not failed:
        # An error that is about no single campaign.
        lines.append(result["msg"])
    return BulkReport(True, [*lines, *_not_sent(entries), *_changes(changed, check_mode)])


def _counts(summary: t.Mapping[str, int], check_mode: bool) -> str:
    kinds = ("failed", "changed", "unchanged", "skipped", "not_sent")
    words = {"not_sent": "not sent"}
    if check_mode:
        words.update(changed="would be changed", unchanged="would be unchanged")
    counts = [f"{summary[kind]:,} {words.get(kind, kind)}" for kind in kinds if summary[kind]]
    total = summary["total"]
    return f"{total:,} {'campaign' if total == 1 else 'campaigns'}: {', '.join(counts)}."


def _failures(entries: list[Result]) -> list[str]:
    lines = [f"{entry['campaign_name']} failed. {entry['msg']}" for entry in entries[:_MOST_SHOWN]]
    others = [entry["campaign_name"] for entry in entries[_MOST_SHOWN:]]
    return [*lines, f"Also failed: {', '.join(others)}."] if others else lines


def _not_sent(entries: t.Iterable[Result]) -> list[str]:
    """Return why campaigns were not sent, which is the same for all of them."""
    reasons = (entry["msg"] for entry in entries if "msg" in entry and not entry.get("failed"))
    return [*dict.fromkeys(reasons)]


def _changes(names: list[str], check_mode: bool) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - _MOST_SHOWN:,} more" if len(names) > _MOST_SHOWN else ""
    words = "Would be changed" if check_mode else "Changed"
    return [f"{words}: {', '.join(names[:_MOST_SHOWN])}{more}."]
