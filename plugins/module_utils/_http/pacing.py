# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""When the request of a single update may go out."""

from __future__ import annotations

from .attempt import Attempt
from .clock import Clock, Deadline


class Pace:
    """The pace of a single update: it is sent at once, and its waits concern no other."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def wait_for_turn(self, deadline: Deadline) -> None:
        """Wait until an update's first request may go, which moves its deadline.

        Raises:
            Stopped: no request is wanted any more.
        """

    def note(self, attempt: Attempt) -> None:
        """Take note of the result of a request."""

    def has_time_for(self, _failed: Attempt, seconds: float, deadline: Deadline) -> bool:
        """Tell whether a wait before the next attempt is worth beginning."""
        return seconds < deadline.remaining()

    def wait_before_retry(self, _failed: Attempt, seconds: float, _deadline: Deadline) -> bool:
        """Wait before the next attempt, and return whether it is still wanted."""
        self._clock.sleep(seconds)
        return True
