# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The clock that the HTTP helper is given, and the one deadline of an update."""

from __future__ import annotations

import time

# Linux leaves suspension out of CLOCK_MONOTONIC; macOS, which has no CLOCK_BOOTTIME, counts it there:
# https://man7.org/linux/man-pages/man2/clock_gettime.2.html
_SINCE_BOOT: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock:
    """The machine's clocks; a test hands over one of its own instead."""

    def monotonic(self) -> float:
        """Return seconds that only grow, for deadlines."""
        return time.monotonic()

    def since_boot(self) -> float:
        """Return seconds that only grow, also while the machine is suspended."""
        return time.clock_gettime(_SINCE_BOOT)

    def now(self) -> float:
        """Return seconds since the epoch, to read a date in a ``Retry-After`` header."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds."""
        time.sleep(seconds)


class Deadline:
    """The moment at which an update must be over, whatever it is doing."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds left, 0 when it has passed."""
        return max(0.0, self._end - self._clock.monotonic())

    def extend(self, seconds: float) -> None:
        """Put the moment off by a time that does not count."""
        self._end += seconds
