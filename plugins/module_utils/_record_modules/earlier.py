# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Which pair of lists was confirmed before a time, or before the current one: no files, no clock.

The rules look at every confirmation, not at the history that is shown. The history merges equal
neighbours and keeps the newer time, so a pair that was confirmed on Monday and again on Friday
seems to be absent on Wednesday.
"""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta, timezone

from .._failure import InvalidInput
from .._record.record import Confirmation

# In place of a time: the pair before the one that is confirmed now.
CURRENT = "current"
# A time, or CURRENT.
Before = t.Union[datetime, str]

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
# With a space in place of the T, since Ansible writes a time so that YAML has read as one.
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?",
    re.ASCII,
)
_EXAMPLES = (
    "Give a date (2027-01-15 is its start in UTC) or a time with its zone (2027-01-15T08:00:00Z or "
    "2027-01-15T13:30:00+05:30)"
)
_SHOWN_CHARACTERS = 40


class Earlier(t.NamedTuple):
    """A pair of lists that was confirmed before another one.

    Attributes:
        confirmation: the pair, and when and by whom it was applied.
        before: a time that chooses the same pair, in ISO 8601; None if there is no such time.
    """

    confirmation: Confirmation
    before: str | None


def read_time(name: str, text: str) -> datetime:
    """Return the moment that a text in ISO 8601 names, in UTC; a date is its start in UTC.

    Args:
        name: the option that holds it, which begins every message.
        text: a date, or a time with its zone.

    Raises:
        InvalidInput: it names no moment, or has no zone.
    """
    match = _TIME.fullmatch(f"{text}T00:00Z" if _DATE.fullmatch(text) else text)
    if not match:
        raise InvalidInput(f"{name} is {_format_text(text)}, which is not ISO 8601. {_EXAMPLES}.")
    *parts, fraction, zone = match.groups()
    if zone is None:
        raise InvalidInput(f"{name} is {_format_text(text)}, which has no time zone. {_EXAMPLES}.")
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in parts)
        microsecond = int((fraction or "").ljust(6, "0"))
        moment = datetime(year, month, day, hour, minute, second, microsecond, timezone.utc)
        return moment - _offset(zone)
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{name} is {_format_text(text)}, and there is no such date or time. {_EXAMPLES}."
        ) from None


def choose_earlier(
    confirmations: t.Iterable[Confirmation], confirmed: bool, before: Before
) -> Earlier | None:
    """Return the pair before a time or before the current one, or None if there is none.

    Args:
        confirmations: newest first.
        confirmed: whether the newest still holds.
        before: an aware time, or CURRENT.
    """
    if isinstance(before, str):
        return pair_before_current(confirmations, confirmed)
    found = pair_before_time(confirmations, before)
    return None if found is None else Earlier(found, _format_time(before))


def pair_before_time(
    confirmations: t.Iterable[Confirmation], before: datetime
) -> Confirmation | None:
    """Return the last pair that was confirmed strictly before a time, or None.

    Args:
        confirmations: newest first.
        before: an aware time.
    """
    found = (one for one in _of_one_campaign(confirmations) if _is_before(one, before))
    return next(found, None)


def pair_before_current(confirmations: t.Iterable[Confirmation], confirmed: bool) -> Earlier | None:
    """Return the pair before the current one or, if nothing is confirmed now, the last pair.

    Args:
        confirmations: newest first.
        confirmed: whether the newest still holds.
    """
    newer: list[Confirmation] = []
    for one in _of_one_campaign(confirmations):
        if one.lists != newer[0].lists if newer else not confirmed:
            return Earlier(one, _time_that_chooses(one, newer))
        newer.append(one)
    return None


def _time_that_chooses(pair: Confirmation, newer: list[Confirmation]) -> str | None:
    """Return a time after the pair that is not after any newer confirmation, if there is one."""
    applied_at = _time_of(pair)
    if applied_at is None:
        return None
    later = [moment for moment in map(_time_of, newer) if moment is not None]
    try:
        # Without a newer one, any later time will do, and the next second is the earliest.
        before = min(later) if later else applied_at + timedelta(seconds=1)
    except OverflowError:
        return None
    return _format_time(before) if applied_at < before else None


def _of_one_campaign(confirmations: t.Iterable[Confirmation]) -> t.Iterator[Confirmation]:
    """Yield those with the names of the newest: other spellings may be another campaign."""
    names = None
    for one in confirmations:
        names = names or one.lists.names
        if one.lists.names == names:
            yield one


def _is_before(confirmation: Confirmation, before: datetime) -> bool:
    applied_at = _time_of(confirmation)
    return applied_at is not None and applied_at < before


def _time_of(confirmation: Confirmation) -> datetime | None:
    try:
        return read_time("applied_at", confirmation.applied_at)
    except InvalidInput:
        # A record says so that another program wrote. It is before no time.
        return None


def _offset(zone: str) -> timedelta:
    """Return how much a zone is ahead of UTC.

    Raises:
        ValueError: there is no such zone.
    """
    if zone == "Z":
        return timedelta(0)
    hours, minutes = int(zone[1:3]), int(zone[4:])
    if hours > 23 or minutes > 59:
        raise ValueError
    offset = timedelta(hours=hours, minutes=minutes)
    return offset if zone[0] == "+" else -offset


def _format_time(moment: datetime) -> str:
    return f"{moment.replace(tzinfo=None).isoformat()}Z"


def _format_text(text: str) -> str:
    cut = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
    return ascii(cut)
