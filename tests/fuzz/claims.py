# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The claim: what the results say, against what the server knows."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _failure
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import (
    CONNECTION_FAILED,
    NOT_APPLIED,
    PROXY_FAILED,
    TIMED_OUT,
    TLS_FAILED,
    UNKNOWN,
)
from ansible_collections.ozonetel.cloudagent.tests.fuzz.answers import (
    EFFECTS,
    NUMBER_BITS,
    number_in,
)
from ansible_collections.ozonetel.cloudagent.tests.fuzz.plays import Step, Update
from ansible_collections.ozonetel.cloudagent.tests.fuzz.server import NOTHING, Entry, Pair

Result = t.Dict[str, t.Any]

REASONS = {
    *(value for name, value in vars(_failure).items() if name.isupper() and isinstance(value, str)),
    *(CONNECTION_FAILED, PROXY_FAILED, TIMED_OUT, TLS_FAILED),
} - {NOT_APPLIED}
UNEXPECTED = "Unexpected error in the collection"
# What a machine that is busy may make of any update.
FOR_LACK_OF_TIME = (TIMED_OUT, _failure.RECORD_FAILED)
# How much longer than its timeout a run may take before it counts as hanging.
MARGIN_SECONDS = 120.0


class Task(t.NamedTuple):
    """A task that was run: one update, or all those of a task in bulk.

    Attributes:
        result: None when its process was killed.
        ended_at: seconds of ``time.monotonic``; None when its process was killed.
        seconds: how long it took, where that was measured.
        alone: no other process ran at the same time.
        unlocked: with ``record: false``, and its process began without a folder to lock in. Until
            it has ended, others can't know of what it sends; nor later, when it warned of that.
    """

    step: Step
    updates: list[Update]
    result: Result | None
    ended_at: float | None
    seconds: float | None
    alone: bool
    unlocked: bool


class Lie(t.NamedTuple):
    """A claim that is not true.

    Attributes:
        kind: the same for all finds of one kind.
        told: what was claimed and what is true, for a person.
        update: the update that it is about, if it is about one.
    """

    kind: str
    told: str
    update: Update | None = None


class Truth:
    """What the server's log says, and who sent what."""

    def __init__(self, minds_case: bool, log: list[Entry], tasks: list[Task]) -> None:
        self._minds_case = minds_case
        self._log = log
        self._owners = {update.key: task for task in tasks for update in task.updates}

    def requests_of(self, update: Update) -> list[Entry]:
        """Return the requests of this update that were not dropped."""
        own = (update.key, update.campaign)
        return [
            entry for entry in self._log if (entry.key, entry.campaign) == own and not entry.dropped
        ]

    def lists_of(self, campaign: str, at: float) -> Pair:
        """Return the lists that the server had at that time."""
        place = campaign if self._minds_case else campaign.casefold()
        found = [entry for entry in self._log if entry.place == place and entry.at <= at]
        return found[-1].after if found else NOTHING

    def could_not_be_known(self, change: Entry) -> bool:
        """Tell whether what a request replaced came from somebody whom the record did not see."""
        earlier = [
            entry
            for entry in self._log[: change.number]
            if entry.place == change.place and entry.before != entry.after
        ]
        owner = self._owners.get(earlier[-1].key) if earlier else None
        return owner is not None and self.is_unseen(owner, change.at)

    def last_is_unseen(self, campaign: str, at: float) -> bool:
        """Tell whether the lists of a campaign came from somebody whom the record did not see."""
        place = campaign if self._minds_case else campaign.casefold()
        found = [
            entry
            for entry in self._log
            if entry.place == place and entry.at <= at and entry.before != entry.after
        ]
        owner = self._owners.get(found[-1].key) if found else None
        return owner is not None and self.is_unseen(owner, at)

    @staticmethod
    def is_unseen(task: Task, at: float) -> bool:
        """Tell whether a task had no lock, and had not yet withdrawn what it had overtaken."""
        if not task.unlocked:
            return False
        if task.result is None or task.ended_at is None or task.ended_at > at:
            return True
        return bool(task.result.get("warnings"))


def lies_of(task: Task, truth: Truth) -> t.Iterator[Lie]:
    """Yield what is not true of what a task said."""
    if task.result is None:
        return
    yield from _wrong_form(task, task.result)
    if not task.step.bulk:
        yield from _lies_of_update(task, task.updates[0], task.result, truth)
        return
    entries = task.result.get("results", [])
    yield from _wrong_numbers(task, task.result, entries)
    for update, entry in zip(task.updates, entries):
        yield from _lies_of_update(task, update, entry, truth)


def _wrong_form(task: Task, result: Result) -> t.Iterator[Lie]:
    message = result.get("msg")
    if not isinstance(message, str) or not message:
        yield Lie("no msg", f"a result without msg: {_told(result)}")
    elif UNEXPECTED in message:
        yield Lie("unexpected", f"an unexpected error: {_told(result)}")
    if result.get("failed"):
        yield from _wrong_failure(result)
    if task.seconds is not None:
        limit = task.step.timeout * len(task.updates) + MARGIN_SECONDS
        if task.seconds > limit:
            yield Lie("too long", f"{task.seconds:.0f} s, with a timeout of {task.step.timeout} s")


def _wrong_failure(result: Result) -> t.Iterator[Lie]:
    failure = result.get("failure")
    if not isinstance(failure, dict) or failure.get("reason") not in REASONS:
        yield Lie("no failure", f"a failed result without a reason: {_told(result)}")
    elif failure.get("outcome") not in (NOT_APPLIED, UNKNOWN):
        yield Lie("no failure", f"a failure without an outcome: {_told(result)}")
    if result.get("changed") and "results" not in result:
        yield Lie("failed and changed", f"a failed update that says changed: {_told(result)}")


def _wrong_numbers(task: Task, result: Result, entries: list[Result]) -> t.Iterator[Lie]:
    names = [entry.get("campaign_name") for entry in entries]
    if names != [update.campaign for update in task.updates]:
        yield Lie("bulk: entries", f"not an entry for each campaign: {_told(result)}")
    counts = dict(result.get("summary", {}))
    total = counts.pop("total", None)
    if total != len(entries) or sum(counts.values()) != total:
        yield Lie("bulk: summary", f"the summary does not fit: {_told(result)}")
    if result["changed"] != any(entry.get("changed") for entry in entries):
        yield Lie("bulk: changed", f"changed does not fit the entries: {_told(result)}")
    for entry in entries:
        if entry.get("failed"):
            yield from _wrong_failure(entry)


def _lies_of_update(task: Task, update: Update, result: Result, truth: Truth) -> t.Iterator[Lie]:
    own = truth.requests_of(update)
    missing = {"changed", "changed_basis", "sent", "attempts"} - set(result)
    if missing:
        lies: t.Iterable[Lie] = [Lie("incomplete", f"a result without {sorted(missing)}")]
    elif result.get("failed"):
        lies = _lies_of_failed(result, own)
    elif result["sent"]:
        lies = _lies_of_sent(update, result, own, truth)
    else:
        lies = _lies_of_not_sent(task, update, result, own, truth)
    for lie in (*lies, *_strange_answers(result, own)):
        told = f"{update.key} {update.campaign}: {lie.told}\n  {_told(result)}"
        yield Lie(lie.kind, told, update)


def _lies_of_failed(result: Result, own: list[Entry]) -> t.Iterator[Lie]:
    failure = result.get("failure", {})
    if own and not result["sent"]:
        yield Lie("sent, yet it says no", f"says that nothing was sent; {len(own)} requests came")
    if failure.get("outcome") == NOT_APPLIED:
        for entry in own:
            # After a refusal of numbers, the first list may have been stored.
            refused = entry.answer.effect == "first stored, second refused"
            if EFFECTS[entry.answer.effect].stores and not refused:
                yield Lie("not applied, yet it was", "says not_applied; the server applied it")
    reason = failure.get("reason")
    if reason in FOR_LACK_OF_TIME or not _is_clear(result, own):
        return
    true_reason = EFFECTS[own[-1].answer.effect].reason
    if reason != true_reason:
        yield Lie(
            f"misread: {own[-1].answer.delivery}, HTTP {EFFECTS[own[-1].answer.effect].status}",
            f"failed with {reason}; the last answer meant {true_reason or 'success'}",
        )


def _lies_of_sent(
    update: Update, result: Result, own: list[Entry], truth: Truth
) -> t.Iterator[Lie]:
    lists = (",".join(update.dynamic), ",".join(update.fallback))
    if not any(
        entry.sent == lists
        and entry.answer.effect == "ok"
        and entry.answer.delivery != "cut short"
        and entry.answered
        for entry in own
    ):
        yield Lie(
            "somebody else's success",
            "says sent; the server did not confirm these lists to any request of this task",
        )
    if result["changed"]:
        return
    for entry in own:
        if entry.before != entry.after and not truth.could_not_be_known(entry):
            yield Lie(
                "a false unchanged",
                f"says unchanged; request {entry.number} changed {entry.before} to {entry.after}",
            )


def _lies_of_not_sent(
    task: Task, update: Update, result: Result, own: list[Entry], truth: Truth
) -> t.Iterator[Lie]:
    if own:
        yield Lie("not sent, yet it was", "says not sent; the server got a request")
    if result["changed"] or result["changed_basis"] is None or not task.alone:
        return
    assert task.ended_at is not None
    lists = (",".join(update.dynamic), ",".join(update.fallback))
    true_lists = truth.lists_of(update.campaign, task.ended_at)
    if true_lists != lists and not truth.last_is_unseen(update.campaign, task.ended_at):
        kind = "a false prediction" if task.step.check else "a false skip"
        yield Lie(kind, f"says unchanged; the server has {true_lists}")


def _strange_answers(result: Result, own: list[Entry]) -> t.Iterator[Lie]:
    text = result.get("api_message") or result.get("failure", {}).get("api_message")
    if text is None:
        return
    number = number_in(text)
    if number not in [entry.number % (1 << NUMBER_BITS) for entry in own]:
        yield Lie(
            "somebody else's answer",
            f"shows the answer to request {number}; its own are {[e.number for e in own]}",
        )


def _is_clear(result: Result, own: list[Entry]) -> bool:
    """Tell whether the last attempt got an answer that has to be understood."""
    if not own or result.get("attempts") != len(own):
        return False
    return own[-1].answer.is_clear and own[-1].answered


def _told(result: Result) -> str:
    return json.dumps(result, default=str)[:800]
