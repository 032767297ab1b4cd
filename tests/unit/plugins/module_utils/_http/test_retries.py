# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a request is sent again, and what a Retry-After header asks for."""

from __future__ import annotations

import time
import typing as t
from email.utils import formatdate

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import (
    AFTER_BACKOFF,
    AFTER_RATE_LIMIT,
    NEVER,
    ONCE,
    UNKNOWN,
    Attempt,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.retries import (
    read_retry_after,
    seconds_before_retry,
)

# Sun, 06 Nov 1994 08:49:37 GMT, the date that RFC 9110 shows in each of its forms.
RFC_DATE = 784111777.0

property_settings = settings(
    deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)


class Drawn(t.NamedTuple):
    """How long to wait, and the bounds between which that was drawn by chance."""

    seconds: float | None
    bounds: list[tuple[float, float]]


def attempt_with(rule: str) -> Attempt:
    wait = (15.0, 20.0) if rule == AFTER_RATE_LIMIT else None
    return Attempt("server_error", UNKNOWN, rule, wait=wait)


def draw(rules: list[str], retries: int, retry_after: float | None = None) -> Drawn:
    """Return the wait after attempts with these rules; chance always takes the middle."""
    bounds: list[tuple[float, float]] = []

    def uniform(least: float, most: float) -> float:
        bounds.append((least, most))
        return (least + most) / 2

    attempts = [attempt_with(rule) for rule in rules]
    attempts[-1] = attempts[-1]._replace(retry_after=retry_after)
    return Drawn(seconds_before_retry(attempts, retries, uniform), bounds)


@pytest.mark.parametrize(
    ("attempts", "most"), [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 8.0), (10, 8.0)]
)
def test_the_wait_grows_to_eight_seconds(attempts: int, most: float) -> None:
    assert draw([AFTER_BACKOFF] * attempts, 10) == (most / 2, [(0.0, most)])


@pytest.mark.parametrize(
    ("rules", "retries", "wait"),
    [
        pytest.param([NEVER], 10, None, id="a final answer"),
        pytest.param([AFTER_BACKOFF, NEVER], 10, None, id="a final answer to the second attempt"),
        pytest.param([AFTER_BACKOFF], 0, None, id="no retries wanted"),
        pytest.param([ONCE], 0, None, id="no retries wanted after 500"),
        pytest.param([AFTER_RATE_LIMIT], 0, None, id="no retries wanted after a rate limit"),
        pytest.param([AFTER_BACKOFF] * 2, 1, None, id="used up"),
        pytest.param([AFTER_BACKOFF] * 3, 2, None, id="used up by the default"),
        pytest.param([AFTER_BACKOFF] * 11, 10, None, id="used up by the most"),
        pytest.param([ONCE], 10, (0.0, 1.0), id="500"),
        pytest.param([ONCE, ONCE], 10, None, id="500 twice"),
        pytest.param([ONCE, AFTER_BACKOFF], 10, (0.0, 2.0), id="500, then 503"),
        pytest.param([AFTER_BACKOFF, ONCE], 10, (0.0, 2.0), id="503, then 500"),
        pytest.param([ONCE, AFTER_BACKOFF, ONCE], 10, None, id="500 again after 503"),
        pytest.param([AFTER_RATE_LIMIT], 1, (15.0, 20.0), id="rate limit"),
        pytest.param([AFTER_RATE_LIMIT] * 5, 10, (15.0, 20.0), id="rate limit throughout"),
        pytest.param([AFTER_BACKOFF, AFTER_RATE_LIMIT], 2, (15.0, 20.0), id="503, then rate limit"),
        pytest.param([AFTER_RATE_LIMIT, AFTER_BACKOFF], 2, (0.0, 2.0), id="rate limit, then 503"),
    ],
)
def test_the_schedule(rules: list[str], retries: int, wait: tuple[float, float] | None) -> None:
    if wait is None:
        assert draw(rules, retries) == (None, [])
    else:
        assert draw(rules, retries) == (sum(wait) / 2, [wait])


@pytest.mark.parametrize("rule", [AFTER_BACKOFF, AFTER_RATE_LIMIT])
@pytest.mark.parametrize("retry_after", [0.0, 0.5, 1.0, 86400.0])
def test_what_the_server_asks_for_counts_before_chance(rule: str, retry_after: float) -> None:
    assert draw([rule], 1, retry_after) == (retry_after, [])


@pytest.mark.parametrize(("rules", "retries"), [([NEVER], 10), ([AFTER_BACKOFF], 0)])
def test_what_the_server_asks_for_is_no_permission(rules: list[str], retries: int) -> None:
    assert draw(rules, retries, 1.0) == (None, [])


@property_settings
@given(
    st.lists(st.sampled_from([AFTER_BACKOFF, AFTER_RATE_LIMIT, ONCE, NEVER]), min_size=1),
    st.integers(0, 10),
    st.floats(0, 1),
)
def test_any_wait_is_within_its_bounds(rules: list[str], retries: int, chance: float) -> None:
    attempts = [attempt_with(rule) for rule in rules]
    wait = seconds_before_retry(
        attempts, retries, lambda least, most: least + chance * (most - least)
    )
    if wait is not None:
        assert len(attempts) <= retries
        assert (15 if rules[-1] == AFTER_RATE_LIMIT else 0) <= wait <= 20


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("0", 0.0, id="at once"),
        pytest.param("1", 1.0, id="one second"),
        pytest.param(" 120 ", 120.0, id="spaces"),
        pytest.param("007", 7.0, id="zeros in front"),
        pytest.param("999999999", 999999999.0, id="thirty years"),
        pytest.param("99999999999", 99999999999.0, id="three thousand years"),
        pytest.param("Sun, 06 Nov 1994 08:50:37 GMT", 60.0, id="date"),
        pytest.param("Sunday, 06-Nov-94 08:50:37 GMT", 60.0, id="date of RFC 850"),
        pytest.param("Sun, 06 Nov 1994 10:50:37 +0200", 60.0, id="date of another zone"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 GMT", 0.0, id="now"),
        pytest.param("Sun, 06 Nov 1994 08:00:00 GMT", 0.0, id="past"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 GMT", 252618189022.0, id="end of time"),
    ],
)
def test_a_header_that_asks_for_a_wait(value: str, seconds: float) -> None:
    assert read_retry_after(value, RFC_DATE) == seconds


@pytest.mark.parametrize("zone", ["UTC0", "IST-5:30", "EST5EDT"])
@pytest.mark.parametrize("value", ["Sun Nov  6 08:50:37 1994", "Sun, 06 Nov 1994 08:50:37 -0000"])
def test_a_date_without_a_zone_is_utc_wherever_it_is_read(
    monkeypatch: pytest.MonkeyPatch, zone: str, value: str
) -> None:
    # RFC 9110, section 5.6.7: the form of asctime is to be read, and as UTC.
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        seconds = read_retry_after(value, RFC_DATE)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert seconds == 60.0


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        " ",
        "-1",
        "+1",
        "1.5",
        "1e3",
        "0x10",
        "\u0661",
        "1 second",
        "soon",
        "nan",
        "inf",
        "Sun, 06 Nov",
        "Sun, 99 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 99999 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 +9999999999",
        "1" * 5000,
    ],
)
def test_a_header_that_is_of_no_use(value: str | None) -> None:
    assert read_retry_after(value, RFC_DATE) is None


@property_settings
@given(st.one_of(st.text(), st.text("0123456789 +-:,.JanSuGMT")), st.floats(0, 4e9))
def test_any_header_is_a_wait_or_of_no_use(value: str, now: float) -> None:
    seconds = read_retry_after(value, now)
    assert seconds is None or seconds >= 0


@property_settings
@given(st.integers(0, 4_000_000_000), st.integers(0, 1_000_000))
def test_a_date_is_as_good_as_seconds(now: int, wait: int) -> None:
    date = formatdate(now + wait, usegmt=True)
    assert read_retry_after(date, float(now)) == read_retry_after(str(wait), float(now)) == wait
