# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines about long work, and when they come."""

from __future__ import annotations

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.progress import (
    ProgressTimes,
    progress_line,
)


def test_progress_lines_come_at_growing_intervals() -> None:
    times = ProgressTimes()
    due = [second for second in range(400) if times.is_due(float(second))]
    assert due == [2, 7, 12, 17, 22, 37, 52, 67, 82, 97, 112, 127, 187, 247, 307, 367]


def test_work_under_two_seconds_shows_no_progress() -> None:
    assert not ProgressTimes().is_due(1.99)


@pytest.mark.parametrize(
    ("total", "done", "failed", "elapsed", "line"),
    [
        (
            10000,
            1200,
            3,
            2.93,
            "1,200 of 10,000 campaigns done, 3 failed, 410 per second, about 21 s left",
        ),
        (500, 0, 0, 2.0, "0 of 500 campaigns done"),
        (500, 12, 0, 4.0, "12 of 500 campaigns done, 3.0 per second, about 3 min left"),
        (500, 1, 1, 4.0, "1 of 500 campaigns done, 1 failed, 15.0 per minute, about 33 min left"),
        (9000, 10, 0, 60.0, "10 of 9,000 campaigns done, 10.0 per minute, about 14 h 59 min left"),
        (5, 5, 0, 10.0, "5 of 5 campaigns done, 30.0 per minute, about 0 s left"),
    ],
)
def test_a_progress_line_shows_counts_rate_and_time_left(
    total: int, done: int, failed: int, elapsed: float, line: str
) -> None:
    assert progress_line(total, done, failed, elapsed) == line
