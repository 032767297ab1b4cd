# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Working through a list with several threads, which nothing has to wait for."""

from __future__ import annotations

import queue
import threading
import typing as t

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.threads import (
    start_daemon,
)

Item = t.TypeVar("Item")
Outcome = t.TypeVar("Outcome")

_ENDED = object()


def work_through(
    items: t.Sequence[Item],
    work: t.Callable[[Item], Outcome],
    workers: int,
    stop: threading.Event,
    tick_seconds: float,
) -> t.Iterator[tuple[int, Outcome] | None]:
    """Yield the position and the outcome of each item, in the order in which they come.

    It ends when all items that were begun are done. Whoever ends it earlier, also by an exception
    of a signal handler, leaves the threads to themselves; they begin no further item.

    Args:
        items: what is to be done.
        work: does it; it must not raise.
        workers: how many threads there may be. There is one until the first item is done, or takes
            longer than a tick, so that what fails for all is not tried by all.
        stop: once it is set, no further item is begun.
        tick_seconds: after how long without an outcome None is yielded.
    """
    outcomes: queue.SimpleQueue[t.Any] = queue.SimpleQueue()
    positions = iter(range(len(items)))
    lock = threading.Lock()

    def next_position() -> int | None:
        with lock:
            return None if stop.is_set() else next(positions, None)

    def run() -> None:
        try:
            position = next_position()
            while position is not None:
                outcomes.put((position, work(items[position])))
                position = next_position()
        finally:
            outcomes.put(_ENDED)

    def start(count: int) -> int:
        for _number in range(count):
            start_daemon("cloudagent worker", run)
        return count

    try:
        running = start(min(1, len(items)))
        further = min(workers, len(items)) - running
        while running:
            try:
                outcome = outcomes.get(timeout=tick_seconds)
            except queue.Empty:
                outcome = None
            if outcome is _ENDED:
                running -= 1
                continue
            yield outcome
            if not stop.is_set():
                running += start(further)
                further = 0
    finally:
        stop.set()
