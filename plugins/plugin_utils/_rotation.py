# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Which numbers of a pool each campaign gets in a week."""

from __future__ import annotations

import collections
import datetime
import typing as t

from ..module_utils._did_lists import read_did_list
from ..module_utils._failure import InvalidInput


def rotate(campaigns: object, pool: object, each: object, day: object) -> list[dict[str, t.Any]]:
    """Return the campaigns with the numbers that they get in the week of a day.

    From one week to the next, every campaign moves on by one number of the pool.

    Args:
        campaigns: a list of mappings; all that they hold is kept, except ``dynamic_dids``.
        pool: the numbers, as a list or as one text with commas.
        each: how many numbers each campaign gets, from 1.
        day: a date, or its text in ISO 8601 format; None is today in UTC.

    Raises:
        InvalidInput: one of them cannot be used.
    """
    if not isinstance(campaigns, (list, tuple)) or not all(
        isinstance(campaign, t.Mapping) for campaign in campaigns
    ):
        raise InvalidInput("rotate_weekly needs a list of campaigns, each with its campaign_name.")
    if not isinstance(each, int) or isinstance(each, bool) or each < 1:
        raise InvalidInput("each has to be a whole number from 1.")
    numbers = _read_pool(pool)
    if len(numbers) < each:
        raise InvalidInput(f"The pool has {len(numbers)} numbers, but each campaign gets {each}.")
    week = _number_of_week(_read_day(day))
    return [
        {**campaign, "dynamic_dids": ",".join(_share(numbers, week + position * each, each))}
        for position, campaign in enumerate(campaigns)
    ]


def _read_pool(pool: object) -> list[str]:
    read = read_did_list("pool", pool)
    # YAML may have changed them, and what CloudAgent refuses would no longer be known as such.
    if read.held_integers:
        raise InvalidInput('Quote the numbers of the pool in YAML, such as "9140001001".')
    counts = collections.Counter(read.numbers)
    repeated = [number for number, count in counts.items() if count > 1]
    if repeated:
        raise InvalidInput(f"The pool has numbers more than once: {', '.join(repeated)}.")
    return read.numbers


def _read_day(day: object) -> datetime.date:
    if day is None:
        return datetime.datetime.now(datetime.timezone.utc).date()
    if isinstance(day, datetime.date):
        return day
    try:
        return datetime.date.fromisoformat(t.cast(str, day))
    except (TypeError, ValueError):
        raise InvalidInput("day has to be a date such as 2027-01-04.") from None


def _number_of_week(day: datetime.date) -> int:
    """Return how many Mondays there were before; the weeks of a calendar begin anew each year."""
    # Day 1 is a Monday: https://docs.python.org/3/library/datetime.html#datetime.date.toordinal
    return (day.toordinal() - 1) // 7


def _share(numbers: t.Sequence[str], first: int, count: int) -> t.Iterator[str]:
    return (numbers[(first + offset) % len(numbers)] for offset in range(count))
