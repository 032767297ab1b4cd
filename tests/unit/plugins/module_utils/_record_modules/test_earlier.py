# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pair to put back: exact times, ties, clocks that were set back, and putting back twice."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import InvalidInput
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import (
    Confirmation,
    Lists,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record_modules.earlier import (
    CURRENT,
    Earlier,
    choose_earlier,
    pair_before_current,
    pair_before_time,
    read_time,
)

BEGIN = datetime(2027, 1, 15, 8, tzinfo=timezone.utc)


def moment(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def spelled(seconds: float) -> str:
    return moment(seconds).isoformat().replace("+00:00", "Z")


def confirmation(number: str, seconds: float, campaign: str = "Sales") -> Confirmation:
    lists = Lists("acme", campaign, [number], ["333"])
    return Confirmation(lists, spelled(seconds), "deploy@runner")


def number_of(found: Confirmation | None) -> str | None:
    return found and found.lists.dynamic_dids[0]


# --- Times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2027-01-15", datetime(2027, 1, 15)),
        ("2027-01-15T08:00Z", datetime(2027, 1, 15, 8)),
        ("2027-01-15T08:00:59Z", datetime(2027, 1, 15, 8, 0, 59)),
        ("2027-01-15T08:00:59.5Z", datetime(2027, 1, 15, 8, 0, 59, 500000)),
        ("2027-01-15T08:00:59.000001Z", datetime(2027, 1, 15, 8, 0, 59, 1)),
        ("2027-01-15T08:00:59+00:00", datetime(2027, 1, 15, 8, 0, 59)),
        ("2027-01-15T05:00:00+05:30", datetime(2027, 1, 14, 23, 30)),
        ("2027-01-15T20:00-08:00", datetime(2027, 1, 16, 4)),
        ("2028-02-29", datetime(2028, 2, 29)),
        (str(datetime(2027, 1, 15, 8, tzinfo=timezone.utc)), datetime(2027, 1, 15, 8)),
    ],
)
def test_a_time_is_read(text: str, expected: datetime) -> None:
    read = read_time("before", text)
    assert (read, read.utcoffset()) == (expected.replace(tzinfo=timezone.utc), timedelta(0))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not ISO 8601"),
        ("yesterday", "not ISO 8601"),
        ("15.01.2027", "not ISO 8601"),
        ("2027-1-15", "not ISO 8601"),
        ("20270115", "not ISO 8601"),
        ("2027-01-15  08:00:00Z", "not ISO 8601"),
        ("2027-01-15T08Z", "not ISO 8601"),
        ("2027-01-15T08:00:00z", "not ISO 8601"),
        ("2027-01-15T08:00:00 UTC", "not ISO 8601"),
        ("2027-01-15T08:00:00+0530", "not ISO 8601"),
        ("2027-01-15T08:00:00Z\n", "not ISO 8601"),
        ("\uff12027-01-15", "not ISO 8601"),
        ("2027-01-15T08:00:00", "no time zone"),
        ("2027-01-15T08:00", "no time zone"),
        ("2027-01-15 08:00:00", "no time zone"),
        ("2027-02-29", "no such date or time"),
        ("2027-13-01", "no such date or time"),
        ("0000-01-01", "no such date or time"),
        ("0001-01-01T00:00+00:01", "no such date or time"),
        ("2027-01-15T24:00Z", "no such date or time"),
        ("2027-01-15T08:60Z", "no such date or time"),
        ("2027-01-15T08:00:60Z", "no such date or time"),
        ("2027-01-15T08:00:00+24:00", "no such date or time"),
        ("2027-01-15T08:00:00+05:60", "no such date or time"),
    ],
)
def test_what_is_no_exact_time_is_refused(text: str, told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_time("before", text)
    assert caught.value.message.startswith(f"before is {text!a}, ")
    assert told in caught.value.message
    assert "2027-01-15T13:30:00+05:30" in caught.value.message


@given(st.text() | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}[+-][0-9]{2}:\d\d"))
def test_any_text_is_a_time_or_is_refused(text: str) -> None:
    try:
        assert read_time("before", text).utcoffset() == timedelta(0)
    except InvalidInput as error:
        assert re.match(r"before is ['\"]", error.message)


# --- Before a time --------------------------------------------------------------------------------

HISTORY = [confirmation("333", 20), confirmation("222", 10), confirmation("111", 0)]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(21, "333"), (20, "222"), (10.5, "222"), (10, "111"), (0.5, "111"), (0, None), (-1, None)],
)
def test_the_last_pair_strictly_before_a_time(seconds: float, expected: str | None) -> None:
    assert number_of(pair_before_time(HISTORY, moment(seconds))) == expected
    chosen = choose_earlier(HISTORY, True, moment(seconds))
    assert number_of(chosen and chosen.confirmation) == expected
    assert chosen is None or read_time("before", chosen.before or "") == moment(seconds)


def test_a_pair_that_was_confirmed_again_was_there_in_between() -> None:
    # The history shows one pair for both, with the newer time.
    again = [confirmation("222", 20), confirmation("222", 10), confirmation("111", 0)]
    assert number_of(pair_before_time(again, moment(15))) == "222"


def test_of_two_pairs_in_one_second_the_newer_is_the_last() -> None:
    tie = [confirmation("222", 10), confirmation("111", 10)]
    assert number_of(pair_before_time(tie, moment(11))) == "222"
    assert pair_before_time(tie, moment(10)) is None


def test_another_spelling_may_be_another_campaign() -> None:
    mixed = [HISTORY[0], confirmation("999", 15, "SALES"), *HISTORY[1:]]
    assert number_of(pair_before_time(mixed, moment(20))) == "222"
    found = pair_before_current(mixed, confirmed=True)
    assert found and number_of(found.confirmation) == "222"


def test_a_time_that_cannot_be_read_is_before_no_time() -> None:
    strange = [HISTORY[0]._replace(applied_at="last week"), *HISTORY[1:]]
    assert number_of(pair_before_time(strange, moment(99))) == "222"
    found = pair_before_current(strange, confirmed=False)
    assert found == Earlier(strange[0], None)


def test_no_time_chooses_a_pair_of_the_last_second_that_there_is() -> None:
    last = confirmation("111", 0)._replace(applied_at="9999-12-31T23:59:59Z")
    assert pair_before_current([last], confirmed=False) == Earlier(last, None)


# --- Before the current pair ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "confirmed", "expected", "before"),
    [
        ("222 111", True, "111", spelled(1)),
        ("222 222 111", True, "111", spelled(1)),
        ("111 222 111", True, "222", spelled(2)),
        ("222 111", False, "222", spelled(2)),
        ("111", False, "111", spelled(1)),
        ("111", True, None, None),
        ("111 111", True, None, None),
    ],
)
def test_the_pair_before_the_current_one(
    numbers: str, confirmed: bool, expected: str | None, before: str | None
) -> None:
    numbered = reversed(list(enumerate(reversed(numbers.split()))))
    found = choose_earlier(
        (confirmation(number, second) for second, number in numbered), confirmed, CURRENT
    )
    assert number_of(found and found.confirmation) == expected
    assert (found and found.before) == before


def test_no_time_tells_two_pairs_of_one_second_apart() -> None:
    tie = [confirmation("222", 10), confirmation("111", 10)]
    assert pair_before_current(tie, confirmed=True) == Earlier(tie[1], None)


# Few seconds and few lists, so that ties, repetitions and clocks that were set back are usual.
SECONDS = st.integers(0, 4)
HISTORIES = st.lists(
    st.builds(confirmation, st.sampled_from(["111", "222", "333"]), SECONDS), max_size=6
)
# Every time that could choose differently from another one.
TIMES = [moment(half / 2) for half in range(-1, 13)]


@given(HISTORIES, st.sampled_from(TIMES), SECONDS, st.integers(1, 7))
def test_putting_back_twice_changes_nothing(
    history: list[Confirmation], before: datetime, now: int, kept: int
) -> None:
    chosen = pair_before_time(history, before)
    if chosen is None:
        return
    # What was put back is the newest, whatever the clock says, and the oldest may be dropped.
    after = [chosen._replace(applied_at=spelled(now)), *history][:kept]
    again = pair_before_time(after, before)
    assert again is None or again.lists == chosen.lists
    assert again is not None or len(after) <= len(history)


@given(HISTORIES, st.booleans(), SECONDS)
def test_the_time_that_is_told_chooses_the_same_pair(
    history: list[Confirmation], confirmed: bool, now: int
) -> None:
    found = pair_before_current(history, confirmed)
    if found is None:
        assert len({tuple(one.lists.dynamic_dids) for one in history}) <= 1
        assert confirmed or not history
        return
    pair = found.confirmation
    if confirmed:
        assert pair.lists != history[0].lists
    else:
        assert pair is history[0]
    if found.before is None:
        assert not any(pair_before_time(history, before) is pair for before in TIMES)
        return
    before = read_time("before", found.before)
    assert pair_before_time(history, before) is pair
    put_back = [pair._replace(applied_at=spelled(now)), *history]
    again = pair_before_time(put_back, before)
    assert again is not None and again.lists == pair.lists


def test_only_what_is_needed_is_read() -> None:
    def endless() -> t.Iterator[Confirmation]:
        yield from HISTORY
        raise AssertionError("read too far")

    assert number_of(pair_before_time(endless(), moment(5))) == "111"
    found = pair_before_current(endless(), confirmed=True)
    assert found and number_of(found.confirmation) == "222"
