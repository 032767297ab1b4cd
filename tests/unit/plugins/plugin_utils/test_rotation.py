# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which numbers of a pool a campaign gets, and when that changes."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import InvalidInput
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._rotation import rotate

POOL = ["9140001001", "9140001002", "9140001003", "9140001004", "9140001005"]
SALES = {"campaign_name": "Sales", "fallback_dynamic_dids": ["9140002001"]}
SUPPORT = {"campaign_name": "Support", "fallback_dynamic_dids": "9140002002"}
MONDAY = datetime.date(2027, 1, 4)
WEEK = datetime.timedelta(days=7)


def places(day: object, campaigns: object = (SALES,), each: int = 1) -> list[list[int]]:
    """Return the places in the pool that each campaign gets."""
    found = rotate(campaigns, POOL, each, day)
    return [[POOL.index(number) for number in one["dynamic_dids"].split(",")] for one in found]


def test_campaigns_get_numbers_one_after_the_other() -> None:
    [[first, second], [third, fourth]] = places(MONDAY, [SALES, SUPPORT], each=2)
    assert [(number - first) % 5 for number in (second, third, fourth)] == [1, 2, 3]


def test_all_but_the_numbers_is_kept() -> None:
    named = {**SALES, "dynamic_dids": ["9140009999"]}
    [sales, support] = rotate([named, SUPPORT], POOL, 1, MONDAY)
    assert sales == {**SALES, "dynamic_dids": sales["dynamic_dids"]}
    assert support["fallback_dynamic_dids"] == "9140002002"
    assert named["dynamic_dids"] == ["9140009999"]


def test_the_pool_begins_again_at_its_end() -> None:
    found = places(MONDAY, [SALES] * 3, each=2)
    assert len({number for one in found for number in one}) == 5
    assert found[2][1] == found[0][0]


def test_every_day_of_a_week_has_the_same_lists() -> None:
    days = [MONDAY + datetime.timedelta(days=number) for number in range(7)]
    assert len({str(places(day)) for day in days}) == 1


# 2026 has an ISO week 53, which 2024 and 2025 have not; 2027-01-01 is in it.
@pytest.mark.parametrize("sunday", ["2024-12-29", "2025-12-28", "2026-12-27", "2027-01-03"])
def test_the_week_after_a_sunday_moves_on_by_one(sunday: str) -> None:
    day = datetime.date.fromisoformat(sunday)
    assert day.weekday() == 6
    [[before]], [[after]] = places(day), places(day + datetime.timedelta(days=1))
    assert (after - before) % 5 == 1


def test_every_week_of_a_century_moves_on_by_one() -> None:
    weeks = [places(MONDAY + WEEK * number)[0][0] for number in range(52 * 100)]
    assert all((after - before) % 5 == 1 for before, after in zip(weeks, weeks[1:]))


def test_the_day_may_be_text_a_date_or_a_time() -> None:
    time = datetime.datetime(2027, 1, 4, 23, 59)
    assert places("2027-01-04") == places(MONDAY) == places(time) != places("2027-01-03")


def test_without_a_day_it_is_today_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Clock(datetime.datetime):
        """A clock on a Sunday in America, when it is Monday in UTC."""

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> t.Any:
            """Return the time."""
            asked.append(tz)
            return datetime.datetime(2027, 1, 4, 2, 0, tzinfo=datetime.timezone.utc)

    monkeypatch.setattr(f"{rotate.__module__}.datetime.datetime", Clock)
    assert places(None) == places(MONDAY)
    assert asked == [datetime.timezone.utc]


def test_the_pool_may_be_one_text() -> None:
    assert rotate([SALES], ",".join(POOL), 2, MONDAY) == rotate([SALES], POOL, 2, MONDAY)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({"campaigns": "Sales"}, "needs a list of campaigns", id="one name"),
        pytest.param({"campaigns": ["Sales"]}, "needs a list of campaigns", id="names"),
        pytest.param({"pool": None}, "pool", id="no pool"),
        pytest.param({"pool": []}, "pool is an empty list", id="empty pool"),
        pytest.param({"pool": ["914", "x"]}, "pool, item 2", id="no number"),
        pytest.param({"pool": [9140001001]}, "Quote the numbers", id="unquoted"),
        pytest.param({"pool": "914,915,914"}, "more than once: 914.", id="twice"),
        pytest.param(
            {"each": 6}, "has 5 numbers, but each campaign gets 6", id="more than there are"
        ),
        pytest.param({"each": 0}, "each has to be", id="none"),
        pytest.param({"each": True}, "each has to be", id="true"),
        pytest.param({"each": "2"}, "each has to be", id="text"),
        pytest.param({"day": "4.1.2027"}, "day has to be", id="another form of date"),
        pytest.param({"day": 2027}, "day has to be", id="a number"),
    ],
)
def test_what_cannot_be_used_is_refused(given: dict[str, t.Any], message: str) -> None:
    arguments = {"campaigns": [SALES], "pool": POOL, "each": 1, "day": MONDAY, **given}
    with pytest.raises(InvalidInput) as refused:
        rotate(**arguments)
    assert message in refused.value.message
