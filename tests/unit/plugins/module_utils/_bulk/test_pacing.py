# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared pace: even spacing, breaks for all, and what a wait does to a deadline."""

from __future__ import annotations

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.pacing import (
    SharedPace,
    Stopped,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.stop import Stop
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import (
    AFTER_BACKOFF,
    AFTER_RATE_LIMIT,
    APPLIED,
    Attempt,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Deadline
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.pacing import Pace
from ansible_collections.ozonetel.cloudagent.tests.unit.support import ClockDouble, longest

LIMITED = Attempt("rate_limited", "not_applied", AFTER_RATE_LIMIT, wait=(15.0, 20.0))
FAULT = Attempt("connection_failed", "not_applied", AFTER_BACKOFF)


class StopDouble(Stop):
    """Waits on the clock; it is told at once, or after so many seconds of waiting."""

    def __init__(self, clock: ClockDouble, after: float = float("inf")) -> None:
        super().__init__()
        self._clock = clock
        self._end = clock.monotonic() + after

    def set(self) -> None:
        self._end = self._clock.monotonic()

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        left = max(0.0, self._end - self._clock.monotonic())
        if min(timeout, left):
            self._clock.sleep(min(timeout, left))
        return left <= timeout and self._end != float("inf")


class Paced:
    """A pace on a clock of its own."""

    def __init__(
        self, seconds_apart: float = 0.0, timeout: float = 60.0, after: float = float("inf")
    ) -> None:
        self.clock = ClockDouble()
        self.stop = StopDouble(self.clock, after)
        self.pace = SharedPace(self.clock, self.stop, seconds_apart, timeout, longest)
        self.deadline = Deadline(self.clock, 10.0)

    def turn(self) -> float:
        """Return after how many seconds the turn comes."""
        self.pace.wait_for_turn(self.deadline)
        return self.clock.monotonic() - 1000.0


def test_without_a_limit_no_request_waits() -> None:
    paced = Paced()
    assert [paced.turn() for _request in range(3)] == [0.0, 0.0, 0.0]


def test_requests_are_evenly_spaced() -> None:
    paced = Paced(seconds_apart=2.0)
    assert [paced.turn() for _request in range(4)] == [0.0, 2.0, 4.0, 6.0]


def test_an_idle_time_allows_no_burst_afterwards() -> None:
    paced = Paced(seconds_apart=2.0)
    paced.turn()
    paced.clock.sleep(100.0)
    assert [paced.turn() for _request in range(3)] == [100.0, 102.0, 104.0]


def test_waiting_for_a_turn_does_not_use_the_timeout() -> None:
    paced = Paced(seconds_apart=25.0)
    paced.turn()
    assert paced.turn() == 25.0
    assert paced.deadline.remaining() == 10.0


@pytest.mark.parametrize(("retry_after", "seconds"), [(None, 20.0), (7.0, 7.0), (300.0, 300.0)])
def test_a_rate_limit_pauses_all_without_using_the_timeout(
    retry_after: float | None, seconds: float
) -> None:
    paced = Paced()
    paced.pace.note(LIMITED._replace(retry_after=retry_after))
    assert paced.turn() == seconds
    assert paced.deadline.remaining() == 10.0


def test_the_longest_of_several_pauses_counts() -> None:
    paced = Paced(seconds_apart=2.0)
    for seconds in (30.0, 5.0):
        paced.pace.note(LIMITED._replace(retry_after=seconds))
    assert [paced.turn(), paced.turn()] == [30.0, 32.0]


def test_a_pause_that_begins_while_a_thread_waits_for_its_turn_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paced = Paced(seconds_apart=2.0)
    paced.turn()
    wait = paced.stop.wait

    def wait_and_be_limited(seconds: float) -> bool:
        monkeypatch.setattr(paced.stop, "wait", wait)
        stopped = wait(seconds)
        paced.pace.note(LIMITED._replace(retry_after=50.0))
        return stopped

    monkeypatch.setattr(paced.stop, "wait", wait_and_be_limited)
    assert paced.turn() == 52.0
    assert paced.deadline.remaining() == 10.0


@pytest.mark.parametrize(("timeout", "longest_break"), [(60.0, 300.0), (900.0, 900.0)])
def test_a_pause_that_is_too_long_stops_the_task(timeout: float, longest_break: float) -> None:
    paced = Paced(timeout=timeout)
    fits = LIMITED._replace(retry_after=longest_break)
    assert paced.pace.has_time_for(fits, longest_break, paced.deadline)
    too_long = LIMITED._replace(retry_after=longest_break + 1)
    assert not paced.pace.has_time_for(too_long, longest_break + 1, paced.deadline)
    assert paced.stop.reason is None
    paced.pace.note(too_long)
    assert paced.stop.reason == "long_break"
    with pytest.raises(Stopped):
        paced.turn()


@pytest.mark.parametrize("attempt", [FAULT, Attempt(None, APPLIED)])
def test_other_answers_cause_no_pause(attempt: Attempt) -> None:
    paced = Paced()
    paced.pace.note(attempt)
    assert paced.turn() == 0.0


def test_a_thread_that_waits_for_its_turn_is_stopped() -> None:
    paced = Paced(seconds_apart=60.0, after=5.0)
    paced.turn()
    with pytest.raises(Stopped):
        paced.turn()
    assert paced.clock.waits == [5.0]


def test_a_backoff_uses_the_timeout_but_the_turn_after_it_does_not() -> None:
    paced = Paced(seconds_apart=8.0)
    paced.turn()
    assert paced.pace.wait_before_retry(FAULT, 3.0, paced.deadline)
    assert paced.clock.waits == [3.0, 5.0]
    assert paced.deadline.remaining() == 7.0
    assert paced.pace.has_time_for(FAULT, 6.9, paced.deadline)
    assert not paced.pace.has_time_for(FAULT, 7.0, paced.deadline)


@pytest.mark.parametrize("failed", [FAULT, LIMITED])
def test_there_is_no_further_attempt_after_a_stop(failed: Attempt) -> None:
    paced = Paced(after=1.0)
    paced.pace.note(failed)
    assert not paced.pace.wait_before_retry(failed, 3.0, paced.deadline)
    assert paced.clock.waits == [1.0]


def test_a_single_update_waits_for_no_turn() -> None:
    clock = ClockDouble()
    pace, deadline = Pace(clock), Deadline(clock, 10.0)
    pace.note(LIMITED)
    pace.wait_for_turn(deadline)
    assert clock.waits == []
    assert pace.wait_before_retry(LIMITED, 4.0, deadline)
    assert clock.waits == [4.0]
    assert pace.has_time_for(LIMITED, 5.9, deadline)
    assert not pace.has_time_for(LIMITED, 6.0, deadline)
