# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each claim by itself, on results and logs that are written by hand."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.tests.fuzz.answers import (
    NUMBER_BITS,
    SUCCESS,
    Answer,
    number_in,
    with_number,
)
from ansible_collections.ozonetel.cloudagent.tests.fuzz.claims import (
    MARGIN_SECONDS,
    Result,
    Task,
    Truth,
    lies_of,
)
from ansible_collections.ozonetel.cloudagent.tests.fuzz.plays import Step, Update
from ansible_collections.ozonetel.cloudagent.tests.fuzz.server import NOTHING, Entry, Pair

A: Pair = ("111", "333")
B: Pair = ("222", "333")

CHANGED: Result = {
    "msg": "Updated.",
    "changed": True,
    "changed_basis": "first_seen",
    "sent": True,
    "attempts": 1,
    "api_message": with_number(SUCCESS, 0),
}
UNCHANGED = {**CHANGED, "changed": False, "changed_basis": "same"}
SKIPPED = {**UNCHANGED, "sent": False, "attempts": 0, "api_message": None}


def failed(reason: str, outcome: str = "unknown", **other: t.Any) -> Result:
    failure = {"reason": reason, "outcome": outcome}
    return {**CHANGED, "failed": True, "changed": False, "failure": failure, **other}


def entry(answer: Answer, after: Pair = A, before: Pair = NOTHING, **other: t.Any) -> Entry:
    own = Entry(0, 1.0, "key", "Sales", "Sales", A, answer, before, after, answered=True)
    for name, value in other.items():
        setattr(own, name, value)
    return own


def task(result: Result, **other: t.Any) -> Task:
    updates = [Update("key", "Sales", ["111"], ["333"], ())]
    return Task(Step(updates), updates, result, 2.0, 0.1, True, False)._replace(**other)


def kinds(checked: Task, *log: Entry, others: t.Sequence[Task] = ()) -> list[str]:
    truth = Truth(True, list(log), [checked, *others])
    return [lie.kind for lie in lies_of(checked, truth)]


OK = Answer()
NOT_FOUND = Answer("campaign refused")


@pytest.mark.parametrize(
    ("result", "log"),
    [
        (CHANGED, [entry(OK)]),
        (UNCHANGED, [entry(OK, before=A)]),
        (SKIPPED, [entry(OK, key="another")]),
        (
            failed("campaign_not_found", "not_applied", api_message=None),
            [entry(NOT_FOUND, NOTHING)],
        ),
        # The first list may have been stored, and a busy machine may have had no time.
        (
            failed("invalid_fallback_dids", "not_applied", api_message=None),
            [entry(Answer("first stored, second refused"), ("111", ""))],
        ),
        (failed("timed_out", api_message=None), [entry(OK)]),
        # What a dropped request would have done does not matter.
        (failed("timed_out", "not_applied", api_message=None), [entry(OK, dropped=True)]),
    ],
)
def test_what_is_true_is_no_lie(result: Result, log: list[Entry]) -> None:
    assert kinds(task(result), *log) == []


@pytest.mark.parametrize(
    ("result", "log", "kind"),
    [
        (UNCHANGED, [entry(OK, before=B)], "a false unchanged"),
        (CHANGED, [entry(NOT_FOUND, NOTHING)], "somebody else's success"),
        (CHANGED, [entry(Answer("ok", "cut short"))], "somebody else's success"),
        (CHANGED, [entry(OK, sent=B)], "somebody else's success"),
        (CHANGED, [entry(OK, number=5)], "somebody else's answer"),
        (SKIPPED, [entry(OK)], "not sent, yet it was"),
        (SKIPPED, [entry(OK, B, key="another")], "a false skip"),
        (
            failed("connection_failed", "not_applied", attempts=0),
            [entry(Answer("ok", "reset"))],
            "not applied, yet it was",
        ),
        (
            failed("connection_failed", "not_applied", attempts=0),
            [entry(Answer("first stored", "reset"), ("111", ""))],
            "not applied, yet it was",
        ),
        (failed("connection_failed"), [entry(OK)], "misread: plain, HTTP 200"),
        ({**failed("timed_out"), "sent": False}, [entry(OK)], "sent, yet it says no"),
        (failed("made_up", attempts=0), [entry(OK)], "no failure"),
        (failed("timed_out", outcome="maybe"), [entry(OK)], "no failure"),
        ({**failed("timed_out"), "changed": True}, [entry(OK)], "failed and changed"),
        ({**CHANGED, "msg": ""}, [entry(OK)], "no msg"),
        (
            {**CHANGED, "msg": "Unexpected error in the collection: KeyError."},
            [entry(OK)],
            "unexpected",
        ),
        ({"msg": "Updated.", "changed": True}, [], "incomplete"),
    ],
)
def test_each_lie_is_told_by_its_name(result: Result, log: list[Entry], kind: str) -> None:
    assert kinds(task(result), *log) == [kind]


def test_a_prediction_is_held_against_the_lists() -> None:
    updates = [Update("key", "Sales", ["111"], ["333"], ())]
    asked = task(SKIPPED, step=Step(updates, check=True))
    assert kinds(asked, entry(OK, B, key="another")) == ["a false prediction"]
    assert kinds(asked, entry(OK, A, key="another")) == []


def test_a_run_that_hangs_is_told() -> None:
    assert kinds(task(CHANGED, seconds=60 + MARGIN_SECONDS + 1), entry(OK)) == ["too long"]


def test_in_bulk_each_campaign_has_an_entry_and_is_counted() -> None:
    updates = [Update("key", "Sales", ["111"], ["333"], ())]
    own = {**CHANGED, "campaign_name": "Sales"}
    whole = {
        "msg": "One.",
        "changed": True,
        "results": [own],
        "summary": {"total": 1, "changed": 1},
    }
    bulk = task(whole, step=Step(updates, bulk=True))
    assert kinds(bulk, entry(OK)) == []
    lost = {**whole, "changed": False, "results": [], "summary": {"total": 0}}
    assert kinds(bulk._replace(result=lost), entry(OK)) == ["bulk: entries"]
    miscounted = {**whole, "summary": {"total": 2, "changed": 1}}
    assert kinds(bulk._replace(result=miscounted), entry(OK)) == ["bulk: summary"]
    unsaid = {**whole, "changed": False}
    assert kinds(bulk._replace(result=unsaid), entry(OK)) == ["bulk: changed"]


@pytest.mark.parametrize(
    ("other", "known"),
    [
        ({"unlocked": False}, True),
        ({"unlocked": True, "ended_at": 1.2}, True),
        # It is still going, was killed, or could not withdraw and said so.
        ({"unlocked": True, "ended_at": 1.8}, False),
        ({"unlocked": True, "ended_at": None, "result": None}, False),
        ({"unlocked": True, "ended_at": 1.2, "result": {**CHANGED, "warnings": ["no"]}}, False),
    ],
)
def test_what_a_run_without_a_lock_sent_is_known_once_it_has_ended(
    other: dict[str, t.Any], known: bool
) -> None:
    updates = [Update("other", "Sales", ["222"], ["333"], ())]
    stranger = task(CHANGED, updates=updates)._replace(**other)
    log = [
        entry(OK, B, key="other", sent=B),
        entry(OK, A, before=B, number=1, at=1.5),
    ]
    unchanged = {**UNCHANGED, "api_message": with_number(SUCCESS, 1)}
    expected = ["a false unchanged"] if known else []
    assert kinds(task(unchanged), *log, others=[stranger]) == expected


def test_an_answer_carries_the_number_of_its_request() -> None:
    for number in (0, 1, 2, 77, (1 << NUMBER_BITS) - 1):
        told = with_number("DIDs is required", number)
        assert told.casefold() == "dids is required"
        assert number_in(told) == number
