# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Working through a list with several threads, which nothing has to wait for."""

from __future__ import annotations

import collections
import queue
import threading
import typing as t

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.threads import (
    start_daemon,
)

Item = t.TypeVar("Item")
Outcome = t.TypeVar("Outcome")

# What the main thread is told: the first item is done, a worker has ended, nothing for a while.
_FIRST, _ENDED, _TICK = "first", "ended", "tick"
# For so many ticks the first item may be alone.
PATIENCE_TICKS = 2


def work_through(
    items: t.Sequence[Item],
    work: t.Callable[[Item], Outcome],
    workers: int,
    stop: threading.Event,
    tick_seconds: float,
) -> t.Iterator[list[tuple[int, Outcome]]]:
    """Yield the positions and outcomes that have come, at least once in a tick.

    It ends when all items that were begun are done. Whoever ends it earlier, also by an exception
    of a signal handler, leaves the threads to themselves; they begin no further item.

    Args:
        items: what is to be done.
        work: does it; it must not raise.
        workers: how many threads there may be. There is one until the first item is done, or has
            taken two ticks, so that what fails for all is not tried by all.
        stop: once it is set, no further item is begun.
        tick_seconds: after how long a list is yielded, even if it is empty.
    """
    shared = _SharedWork(items, work, stop)
    try:
        running = shared.start(min(1, len(items)))
        further = min(workers, len(items)) - running
        ticks = 0
        while running:
            event = shared.next_event(tick_seconds)
            ticks += event == _TICK
            if event == _ENDED:
                running -= 1
            elif not stop.is_set() and (event == _FIRST or ticks >= PATIENCE_TICKS):
                running += shared.start(further)
                further = 0
            yield shared.come()
    finally:
        stop.set()


class _SharedWork(t.Generic[Item, Outcome]):
    """The items that are left, and the outcomes that nobody has taken yet."""

    def __init__(
        self, items: t.Sequence[Item], work: t.Callable[[Item], Outcome], stop: threading.Event
    ) -> None:
        self._items = items
        self._work = work
        self._stop = stop
        self._positions = iter(range(len(items)))
        self._lock = threading.Lock()
        self._outcomes: collections.deque[tuple[int, Outcome]] = collections.deque()
        # To wake the main thread for every outcome would take the interpreter from the workers.
        self._events: queue.SimpleQueue[str] = queue.SimpleQueue()

    def start(self, count: int) -> int:
        """Start so many workers, and return how many."""
        for _number in range(count):
            start_daemon("cloudagent worker", self._run)
        return count

    def next_event(self, seconds: float) -> str:
        """Return what happens next, a tick after so many seconds; a signal interrupts it."""
        try:
            return self._events.get(timeout=seconds)
        except queue.Empty:
            return _TICK

    def come(self) -> list[tuple[int, Outcome]]:
        """Take the outcomes that have come."""
        return [self._outcomes.popleft() for _outcome in range(len(self._outcomes))]

    def _run(self) -> None:
        try:
            position = self._next_position()
            while position is not None:
                self._outcomes.append((position, self._work(self._items[position])))
                if position == 0:
                    self._events.put(_FIRST)
                position = self._next_position()
        finally:
            self._events.put(_ENDED)

    def _next_position(self) -> int | None:
        with self._lock:
            return None if self._stop.is_set() else next(self._positions, None)
