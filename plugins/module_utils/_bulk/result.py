# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What is returned of many campaigns: an entry for each, their numbers, and plain sentences."""

from __future__ import annotations

import collections
import typing as t

from .._failure import AUTHENTICATION_FAILED, UpdateFailure
from .._record.record import DIFFERS, FIRST_SEEN, SAME, UNAVAILABLE, UNCONFIRMED
from .._result import Result, failed_result
from .._warned import Warned
from .options import name_entry
from .stop import (
    ABANDONED,
    ACCOUNT_REFUSED,
    CAMPAIGN_FAILED,
    ERROR,
    LONG_BREAK,
    RECORD_OUT_OF_REACH,
)

# The result of a campaign, in the words of the summary.
CHANGED = "changed"
UNCHANGED = "unchanged"
SKIPPED = "skipped"
FAILED = "failed"
NOT_SENT = "not_sent"

_ALWAYS = ("campaign_name", "changed", "changed_basis", "sent", "attempts")
_OF_A_FAILURE = ("failed", "msg", "failure", "dynamic_dids", "fallback_dynamic_dids")
_MOST_SHOWN = 5
_MOST_NAMES = 20


class CampaignResult(t.NamedTuple):
    """The result of one campaign.

    Attributes:
        kind: one of the words above.
        entry: what is returned of it.
        warnings: what the user should know about it.
        diff: its lists before and after, when that is wanted.
    """

    kind: str
    entry: Result
    warnings: t.Sequence[Warned] = ()
    diff: dict[str, str] | None = None

    @property
    def reason(self) -> str | None:
        """Return the reason of a failure, if there is one that is known."""
        reason: str | None = self.entry.get("failure", {}).get("reason")
        return reason


def campaign_done(
    campaign_name: str,
    basis: str,
    attempts: int,
    skip_unchanged: bool,
    warnings: t.Sequence[Warned],
    diff: dict[str, str] | None,
) -> CampaignResult:
    """Return what is kept of an update that did not fail; with no attempts, nothing was sent."""
    entry = {
        "campaign_name": campaign_name,
        "changed": basis != SAME,
        "changed_basis": basis,
        "sent": attempts > 0,
        "attempts": attempts,
    }
    if basis != SAME:
        return CampaignResult(CHANGED, entry, warnings, diff)
    return CampaignResult(SKIPPED if skip_unchanged else UNCHANGED, entry, warnings)


def campaign_failed(result: Result, warnings: t.Sequence[Warned]) -> CampaignResult:
    """Return what is kept of the whole result of an update that failed."""
    kept = (*_ALWAYS, *_OF_A_FAILURE)
    return CampaignResult(FAILED, {key: result[key] for key in kept if key in result}, warnings)


def campaign_not_sent(campaign_name: str, why: str) -> CampaignResult:
    """Return what is kept of a campaign that was not tried."""
    entry = {
        "campaign_name": campaign_name,
        "changed": False,
        "changed_basis": None,
        "sent": False,
        "attempts": 0,
        "msg": f"Not sent, because {why}.",
    }
    return CampaignResult(NOT_SENT, entry)


def why_stopped(stop: str | None) -> str:
    """Return why no further campaign was begun; completes a sentence."""
    return _WHY_STOPPED[stop or ERROR]


_WHY_STOPPED = {
    ACCOUNT_REFUSED: "the account was refused for another campaign",
    CAMPAIGN_FAILED: "another campaign failed (stop_on_failure)",
    RECORD_OUT_OF_REACH: "the last-applied records can't be used",
    LONG_BREAK: "the server asked for a pause that is longer than the timeout",
    ABANDONED: "Ansible's main process has ended",
    ERROR: "of an error in the collection",
}


def empty_bulk_result() -> Result:
    """Return a result of which nothing is known yet."""
    return {
        "changed": False,
        "endpoint": None,
        "results": [],
        "summary": _summary([]),
    }


def failed_bulk_result(failure: UpdateFailure) -> Result:
    """Return the part that a failure adds which is about no single campaign."""
    whole = failed_result(failure)
    return {key: whole[key] for key in ("changed", "msg", "failure")}


def bulk_result(
    campaign_results: t.Sequence[CampaignResult], why: str, check_mode: bool, place: str | None
) -> Result:
    """Return the part of the result that all campaigns make together.

    Args:
        campaign_results: one for each campaign, in the order of the option.
        why: why no further campaign was begun, if any was not.
        check_mode: nothing was sent.
        place: where the records are, or None where none are used.
    """
    summary = _summary(campaign_results)
    result: Result = {
        "changed": summary[CHANGED] > 0,
        "results": [one.entry for one in campaign_results],
        "summary": summary,
    }
    if summary[FAILED]:
        deciding = _deciding_failure(campaign_results)
        msg = _failure_message(campaign_results, summary, deciding, why, place)
        result.update(failed=True, msg=msg)
        if "failure" in deciding.entry:
            result["failure"] = deciding.entry["failure"]
    else:
        result["msg"] = _message(campaign_results, summary, why, check_mode, place)
    return result


def bulk_warnings(warnings: t.Iterable[tuple[int, str, Warned]]) -> list[str]:
    """Return a few warnings for many, the first ones of each kind.

    Args:
        warnings: position from 1 and name of a campaign, and a warning about it.
    """
    kinds: dict[str, list[tuple[int, str, str]]] = {}
    for position, name, warned in warnings:
        kinds.setdefault(warned.kind, []).append((position, name, warned.text))
    return [line for found in kinds.values() for line in _few(found)]


def _few(found: list[tuple[int, str, str]]) -> t.Iterator[str]:
    texts = {text for _position, _name, text in found}
    if len(texts) == 1 and len(found) > 1:
        yield f"For {len(found):,} campaigns: {texts.pop()}"
        return
    for position, name, text in found[:_MOST_SHOWN]:
        yield f"{name_entry(position, name)}: {text}"
    if len(found) > _MOST_SHOWN:
        more = len(found) - _MOST_SHOWN
        yield f"There are {more:,} more warnings like the one about {name_entry(*found[0][:2])}."


def _summary(campaign_results: t.Sequence[CampaignResult]) -> dict[str, int]:
    counts = {"total": len(campaign_results), **dict.fromkeys(_KINDS, 0)}
    for one in campaign_results:
        counts[one.kind] += 1
    return counts


_KINDS = (CHANGED, UNCHANGED, SKIPPED, FAILED, NOT_SENT)


def _deciding_failure(campaign_results: t.Sequence[CampaignResult]) -> CampaignResult:
    """Return the failure that stands for all: a refused account, else the first one."""
    failed = [one for one in campaign_results if one.kind == FAILED]
    refused = (one for one in failed if one.reason == AUTHENTICATION_FAILED)
    return next(refused, failed[0])


def _message(
    campaign_results: t.Sequence[CampaignResult],
    summary: dict[str, int],
    why: str,
    check_mode: bool,
    place: str | None,
) -> str:
    if not summary["total"]:
        return "There are no campaigns to update."
    kinds = _counts(summary, (CHANGED, UNCHANGED, SKIPPED))
    sentences = [f"Of {_campaigns(summary['total'])}: {', '.join(kinds)}."] if kinds else []
    sentences += _changed(campaign_results, place)
    if summary[NOT_SENT]:
        sentences.append(_not_sent(summary, why))
    if check_mode:
        sentences.append("This is a prediction, and nothing was sent.")
    return " ".join(sentences)


def _changed(campaign_results: t.Sequence[CampaignResult], place: str | None) -> list[str]:
    """Return the sentences about which campaigns changed, and what that rests on."""
    changed = [one.entry for one in campaign_results if one.kind == CHANGED]
    sentences = []
    if changed:
        names = [f'"{entry["campaign_name"]}"' for entry in changed[:_MOST_NAMES]]
        if len(changed) > _MOST_NAMES:
            names.append(f"and {len(changed) - _MOST_NAMES:,} more")
        bases = collections.Counter(entry["changed_basis"] for entry in changed)
        reasons = [f"{bases[basis]:,} {text}" for basis, text in _REASONS.items() if bases[basis]]
        sentences = [f"Changed: {', '.join(names)} ({', '.join(reasons)})."]
    if any(one.kind in (CHANGED, UNCHANGED, SKIPPED) for one in campaign_results):
        sentences.append(f"The records are in {place}." if place else "No records were used.")
    return sentences


_REASONS = {
    FIRST_SEEN: "with no record before",
    DIFFERS: "with other lists before",
    UNCONFIRMED: "not confirmed before",
    UNAVAILABLE: "with no record used",
}


def _not_sent(summary: dict[str, int], why: str) -> str:
    return f"{_campaigns(summary[NOT_SENT])} not sent, because {why}."


def _failure_message(
    campaign_results: t.Sequence[CampaignResult],
    summary: dict[str, int],
    deciding: CampaignResult,
    why: str,
    place: str | None,
) -> str:
    failed = [one for one in campaign_results if one.kind == FAILED]
    shown = [f'"{one.entry["campaign_name"]}" ({one.reason})' for one in failed[:_MOST_SHOWN]]
    if len(failed) > _MOST_SHOWN:
        shown.append(f"and {len(failed) - _MOST_SHOWN:,} more")
    sentences = [f"{len(failed):,} of {_campaigns(summary['total'])} failed: {', '.join(shown)}."]
    others = _counts(summary, (CHANGED, UNCHANGED, SKIPPED))
    if others:
        sentences.append(f"Of the others: {', '.join(others)}.")
    sentences += _changed(campaign_results, place)
    if summary[NOT_SENT]:
        sentences.append(_not_sent(summary, why))
    sentences.append(f'"{deciding.entry["campaign_name"]}": {deciding.entry["msg"]}')
    return " ".join(sentences)


def _counts(summary: dict[str, int], kinds: t.Sequence[str]) -> list[str]:
    return [f"{summary[kind]:,} {kind}" for kind in kinds if summary[kind]]


def _campaigns(count: int) -> str:
    return f"{count:,} campaign" if count == 1 else f"{count:,} campaigns"
