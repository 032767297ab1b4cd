# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What is returned of many campaigns: an entry for each, their numbers, and plain sentences."""

from __future__ import annotations

import typing as t

from .._failure import AUTHENTICATION_FAILED, UpdateFailure
from .._record.record import SAME
from .._result import Result, failed_result
from .._warned import Warned
from .options import place_of
from .stop import (
    ABANDONED,
    ACCOUNT_REFUSED,
    CAMPAIGN_FAILED,
    ERROR,
    LONG_BREAK,
    RECORD_OUT_OF_REACH,
)

# What became of a campaign, in the words of the summary.
CHANGED = "changed"
UNCHANGED = "unchanged"
SKIPPED = "skipped"
FAILED = "failed"
NOT_SENT = "not_sent"

_ALWAYS = ("campaign_name", "changed", "changed_basis", "sent", "attempts")
_OF_A_FAILURE = ("failed", "msg", "failure", "dynamic_dids", "fallback_dynamic_dids")
_MOST_SHOWN = 5


class Outcome(t.NamedTuple):
    """What came of one campaign.

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


def good_outcome(
    campaign_name: str,
    basis: str,
    attempts: int,
    skip_unchanged: bool,
    warnings: t.Sequence[Warned],
    diff: dict[str, str] | None,
) -> Outcome:
    """Return what is kept of an update that did not fail; with no attempts, nothing was sent."""
    entry = {
        "campaign_name": campaign_name,
        "changed": basis != SAME,
        "changed_basis": basis,
        "sent": attempts > 0,
        "attempts": attempts,
    }
    if basis != SAME:
        return Outcome(CHANGED, entry, warnings, diff)
    return Outcome(SKIPPED if skip_unchanged else UNCHANGED, entry, warnings)


def failed_outcome(result: Result, warnings: t.Sequence[Warned]) -> Outcome:
    """Return what is kept of the whole result of an update that failed."""
    kept = (*_ALWAYS, *_OF_A_FAILURE)
    return Outcome(FAILED, {key: result[key] for key in kept if key in result}, warnings)


def not_sent_outcome(campaign_name: str, why: str) -> Outcome:
    """Return what is kept of a campaign that was not tried."""
    entry = {
        "campaign_name": campaign_name,
        "changed": False,
        "changed_basis": None,
        "sent": False,
        "attempts": 0,
        "msg": f"Not sent, because {why}.",
    }
    return Outcome(NOT_SENT, entry)


def why_stopped(stop: str | None) -> str:
    """Return why no further campaign was begun; completes a sentence."""
    return _WHY_STOPPED[stop or ERROR]


_WHY_STOPPED = {
    ACCOUNT_REFUSED: "the account was refused for another campaign",
    CAMPAIGN_FAILED: "another campaign failed (stop_on_failure)",
    RECORD_OUT_OF_REACH: "the last-applied records can't be used",
    LONG_BREAK: "the server asked for a break that is too long to wait for",
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


def bulk_result(outcomes: t.Sequence[Outcome], why: str, check_mode: bool) -> Result:
    """Return the part of the result that all campaigns make together.

    Args:
        outcomes: one for each campaign, in the order of the option.
        why: why no further campaign was begun, if any was not.
        check_mode: nothing was sent.
    """
    summary = _summary(outcomes)
    result: Result = {
        "changed": summary[CHANGED] > 0,
        "results": [outcome.entry for outcome in outcomes],
        "summary": summary,
    }
    if summary[FAILED]:
        deciding = _deciding_failure(outcomes)
        result.update(failed=True, msg=_failure_message(outcomes, summary, deciding, why))
        if "failure" in deciding.entry:
            result["failure"] = deciding.entry["failure"]
    else:
        result["msg"] = _message(summary, why, check_mode)
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
        yield f"{place_of(position, name)}: {text}"
    if len(found) > _MOST_SHOWN:
        more = len(found) - _MOST_SHOWN
        yield f"There are {more:,} more warnings like the one about {place_of(*found[0][:2])}."


def _summary(outcomes: t.Sequence[Outcome]) -> dict[str, int]:
    counts = {"total": len(outcomes), **dict.fromkeys(_KINDS, 0)}
    for outcome in outcomes:
        counts[outcome.kind] += 1
    return counts


_KINDS = (CHANGED, UNCHANGED, SKIPPED, FAILED, NOT_SENT)


def _deciding_failure(outcomes: t.Sequence[Outcome]) -> Outcome:
    """Return the failure that stands for all: a refused account, else the first one."""
    failed = [outcome for outcome in outcomes if outcome.kind == FAILED]
    refused = (outcome for outcome in failed if outcome.reason == AUTHENTICATION_FAILED)
    return next(refused, failed[0])


def _message(summary: dict[str, int], why: str, check_mode: bool) -> str:
    if not summary["total"]:
        return "There are no campaigns to update."
    kinds = _counts(summary, (CHANGED, UNCHANGED, SKIPPED))
    sentences = [f"Of {_campaigns(summary['total'])}: {', '.join(kinds)}."] if kinds else []
    if summary[NOT_SENT]:
        sentences.append(_not_sent(summary, why))
    if check_mode:
        sentences.append("This is a prediction, and nothing was sent.")
    return " ".join(sentences)


def _not_sent(summary: dict[str, int], why: str) -> str:
    return f"{_campaigns(summary[NOT_SENT])} not sent, because {why}."


def _failure_message(
    outcomes: t.Sequence[Outcome], summary: dict[str, int], deciding: Outcome, why: str
) -> str:
    failed = [outcome for outcome in outcomes if outcome.kind == FAILED]
    shown = [
        f'"{outcome.entry["campaign_name"]}" ({outcome.reason})' for outcome in failed[:_MOST_SHOWN]
    ]
    if len(failed) > _MOST_SHOWN:
        shown.append(f"and {len(failed) - _MOST_SHOWN:,} more")
    sentences = [f"{len(failed):,} of {_campaigns(summary['total'])} failed: {', '.join(shown)}."]
    others = _counts(summary, (CHANGED, UNCHANGED, SKIPPED))
    if others:
        sentences.append(f"Of the others: {', '.join(others)}.")
    if summary[NOT_SENT]:
        sentences.append(_not_sent(summary, why))
    sentences.append(f'"{deciding.entry["campaign_name"]}": {deciding.entry["msg"]}')
    return " ".join(sentences)


def _counts(summary: dict[str, int], kinds: t.Sequence[str]) -> list[str]:
    return [f"{summary[kind]:,} {kind}" for kind in kinds if summary[kind]]


def _campaigns(count: int) -> str:
    return f"{count:,} campaign" if count == 1 else f"{count:,} campaigns"
