# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clocks of the machine, and the one deadline of an update."""

from __future__ import annotations

import time

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Clock, Deadline
from ansible_collections.ozonetel.cloudagent.tests.unit.support import ClockDouble


@pytest.mark.parametrize(
    ("seconds", "waits", "remaining"),
    [
        (60.0, [], 60.0),
        (60.0, [20.0], 40.0),
        (60.0, [20.0, 39.5], 0.5),
        (60.0, [60.0], 0.0),
        (60.0, [60.0, 1000.0], 0.0),
        (0.0, [], 0.0),
    ],
)
def test_the_time_left_shrinks_with_each_wait_and_never_below_zero(
    seconds: float, waits: list[float], remaining: float
) -> None:
    clock = ClockDouble()
    deadline = Deadline(clock, seconds)
    for wait in waits:
        clock.sleep(wait)
    assert deadline.remaining() == remaining


def test_a_deadline_is_not_moved_by_setting_the_system_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.monotonic", lambda: 5000.0)
    deadline = Deadline(Clock(), 60.0)
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert deadline.remaining() == 60.0


def test_the_clock_returns_the_times_of_the_system_and_sleeps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    clock = Clock()
    before = time.monotonic(), time.time()
    monotonic, now = clock.monotonic(), clock.now()
    clock.sleep(1.5)
    after = time.monotonic(), time.time()
    assert before[0] <= monotonic <= after[0]
    assert before[1] <= now <= after[1]
    assert waits == [1.5]
