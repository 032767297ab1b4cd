# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one run of a module took: seconds, and memory at its peak."""

from __future__ import annotations

import glob
import json
import os
import time


class Measure:
    """Begins with the process, or where it is made."""

    def __init__(self, begin: float | None = None) -> None:
        self._begin = time.monotonic() if begin is None else begin
        self._waited = _waited_for_cpu() if begin is None else 0.0
        self._memory = _memory("VmRSS")

    def end(self, case: str, kind: str) -> None:
        """Write a line about the run of this case."""
        line = {
            "case": case,
            "kind": kind,
            "seconds": time.monotonic() - self._begin,
            "waited": _waited_for_cpu() - self._waited,
            "memory_before": self._memory,
            "memory_peak": _memory("VmHWM"),
        }
        with open(os.environ["CLOUDAGENT_MEASURES"], "a", encoding="utf-8") as kept:
            kept.write(json.dumps(line) + "\n")


def seconds_since_start() -> float:
    """Return how long this process has been running, or 0 where that can't be told."""
    try:
        with open("/proc/self/stat", encoding="ascii") as stat:
            ticks = int(stat.read().rpartition(")")[2].split()[19])
    except OSError:
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def _waited_for_cpu() -> float:
    """Return for how many seconds the threads of this process were ready and had no processor.

    So that a busy machine is not taken for slow code:
    https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
    """
    nanoseconds = 0
    for path in glob.glob("/proc/self/task/*/schedstat"):
        try:
            with open(path, encoding="ascii") as schedstat:
                nanoseconds += int(schedstat.read().split()[1])
        except OSError:
            # The thread has just ended.
            continue
    return nanoseconds / 1e9


def _memory(field: str) -> int:
    """Return bytes: VmRSS is what the process has, VmHWM the most that it had; 0 if not known.

    A new program begins with a peak of its own, which the one of getrusage(2) does not.
    """
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            values = [line.split()[1] for line in status if line.startswith(field + ":")]
    except OSError:
        return 0
    return int(values[0]) * 1024
