# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""When a request may go out: in turn with the requests of other threads."""

from __future__ import annotations

import threading

from .._http.attempt import AFTER_RATE_LIMIT, Attempt
from .._http.clock import Clock, Deadline
from .._http.pacing import Pace
from .._http.retries import Uniform, named_wait
from .stop import LONG_BREAK, Stop

# A server that wants a longer break, and one longer than the timeout, is not waited for.
LONGEST_BREAK_SECONDS = 300.0


class Stopped(Exception):
    """No further request is wanted; raised before an update's first one."""


class SharedPace(Pace):
    """The pace of several threads: requests evenly apart, and a break of one is a break of all."""

    def __init__(
        self, clock: Clock, stop: Stop, seconds_apart: float, timeout: float, uniform: Uniform
    ) -> None:
        super().__init__(clock)
        self._stop = stop
        self._seconds_apart = seconds_apart
        self._longest_break = max(timeout, LONGEST_BREAK_SECONDS)
        self._uniform = uniform
        self._lock = threading.Lock()
        self._next_turn = clock.monotonic()
        self._break_ends = self._next_turn

    def wait_for_turn(self, deadline: Deadline) -> None:
        """Wait for the next moment that no other thread has; that time is not part of the update's."""
        begin = self._clock.monotonic()
        turn = self._take_turn()
        while True:
            if self._stop.wait(max(0.0, turn - self._clock.monotonic())):
                raise Stopped
            # A break that began meanwhile is over before anybody's turn comes.
            if turn >= self._break_ends:
                break
            turn = self._take_turn()
        deadline.extend(self._clock.monotonic() - begin)

    def note(self, attempt: Attempt) -> None:
        """Pause all threads when the server limits the rate of requests."""
        if attempt.retry != AFTER_RATE_LIMIT:
            return
        seconds = named_wait(attempt, self._uniform) or 0.0
        if seconds > self._longest_break:
            self._stop.because(LONG_BREAK)
            return
        with self._lock:
            self._break_ends = max(self._break_ends, self._clock.monotonic() + seconds)

    def has_time_for(self, failed: Attempt, seconds: float, deadline: Deadline) -> bool:
        """Tell whether a wait is worth beginning; a break of all is no time of the update's own."""
        if failed.retry == AFTER_RATE_LIMIT:
            return seconds <= self._longest_break
        return super().has_time_for(failed, seconds, deadline)

    def wait_before_retry(self, failed: Attempt, seconds: float, deadline: Deadline) -> bool:
        """Wait, then for a turn, and return whether the attempt is still wanted."""
        if failed.retry != AFTER_RATE_LIMIT and self._stop.wait(seconds):
            return False
        try:
            self.wait_for_turn(deadline)
        except Stopped:
            return False
        return True

    def _take_turn(self) -> float:
        with self._lock:
            turn = max(self._clock.monotonic(), self._next_turn, self._break_ends)
            self._next_turn = turn + self._seconds_apart
            return turn
