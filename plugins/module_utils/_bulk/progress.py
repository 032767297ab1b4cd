# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What is said of long work, and when: no clock, no screen."""

from __future__ import annotations

FIRST_SECONDS = 2.0
# How far apart the lines are until so many seconds have passed: close enough for a person who has
# begun to wait, and few enough for the log of a long run.
_INTERVALS = ((20.0, 5.0), (120.0, 15.0))
_LAST_INTERVAL = 60.0


class ProgressTimes:
    """Tells when the next line is due; all times are seconds since the work began."""

    def __init__(self) -> None:
        self._due = FIRST_SECONDS

    def is_due(self, elapsed: float) -> bool:
        """Tell whether a line is due, and if so, not before the next interval again."""
        if elapsed < self._due:
            return False
        self._due = elapsed + _interval(elapsed)
        return True


def progress_line(total: int, done: int, failed: int, elapsed: float) -> str:
    """Return the line for work on campaigns of which so many are done, failed ones included."""
    parts = [f"{done:,} of {total:,} campaigns done"]
    if failed:
        parts.append(f"{failed:,} failed")
    if done and elapsed > 0:
        rate = done / elapsed
        parts.append(_format_rate(rate))
        parts.append(f"about {_format_seconds((total - done) / rate)} left")
    return ", ".join(parts)


def _interval(elapsed: float) -> float:
    for until, interval in _INTERVALS:
        if elapsed < until:
            return interval
    return _LAST_INTERVAL


def _format_rate(rate: float) -> str:
    if rate >= 10:
        return f"{rate:,.0f} per second"
    return f"{rate:.1f} per second" if rate >= 1 else f"{rate * 60:.1f} per minute"


def _format_seconds(seconds: float) -> str:
    whole = int(seconds + 0.5)
    if whole < 120:
        return f"{whole} s"
    minutes = int(seconds / 60 + 0.5)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
