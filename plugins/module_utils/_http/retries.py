# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""When the same request is sent again, and after how long: no network, no clock."""

from __future__ import annotations

import re
import typing as t
from datetime import timezone
from email.utils import parsedate_to_datetime

from .attempt import NEVER, ONCE, Attempt

LONGEST_BACKOFF_SECONDS = 8.0

Uniform = t.Callable[[float, float], float]


def seconds_before_retry(
    attempts: t.Sequence[Attempt], retries: int, uniform: Uniform
) -> float | None:
    """Return how long to wait before the next attempt, or None if there must be none.

    Args:
        attempts: the attempts so far, the last one failed.
        retries: how many retries the user allows.
        uniform: draws a number between two, such as ``random.uniform``.
    """
    last = attempts[-1]
    if last.retry == NEVER or len(attempts) > retries:
        return None
    if last.retry == ONCE and sum(attempt.retry == ONCE for attempt in attempts) > 1:
        return None
    named = named_wait(last, uniform)
    if named is not None:
        return named
    return uniform(0.0, min(LONGEST_BACKOFF_SECONDS, 2.0 ** (len(attempts) - 1)))


def named_wait(attempt: Attempt, uniform: Uniform) -> float | None:
    """Return the seconds that the server asked for, else those that the attempt names, or None.

    Args:
        attempt: one that failed.
        uniform: draws a number between two.
    """
    if attempt.retry_after is not None or attempt.wait is None:
        return attempt.retry_after
    return uniform(*attempt.wait)


def read_retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, or None if it is no use.

    Args:
        value: seconds or an HTTP date (RFC 9110, section 10.2.3).
        now: seconds since the epoch.
    """
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
        # The oldest of the three forms of a date names no zone, and is UTC: RFC 9110, section
        # 5.6.7.
        date = date.replace(tzinfo=date.tzinfo or timezone.utc)
        return max(0.0, date.timestamp() - now)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
