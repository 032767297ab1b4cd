# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Working through a list with several threads, which nothing has to wait for."""

from __future__ import annotations

import collections
import queue
import threading
import time
import typing as t

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.threads import (
    start_daemon,
)

Item = t.TypeVar("Item")
Outcome = t.TypeVar("Outcome")

# For so many ticks the first item may be alone.
PATIENCE_TICKS = 2
# Items that wait for less than this, for an answer or a disk, keep the interpreter busy with two
# threads; further ones would only take it from one another.
BRIEF_SECONDS = 0.005
_FEW = 2


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
            taken two ticks, so that what fails for all is not tried by all. There are two as long
            as items wait for less than a few milliseconds.
        stop: once it is set, no further item is begun.
        tick_seconds: after how long a list is yielded, even if it is empty.
    """
    shared = _SharedWork(items, work, stop)
    most = min(workers, len(items))
    started = running = shared.start(min(1, most))
    ticks = 0
    try:
        while running:
            event = shared.next_event(tick_seconds)
            come = shared.come()
            ticks = 0 if come else ticks + (event == _TICK)
            wanted = started
            if event == _ENDED:
                running -= 1
            elif event == _WAITED or ticks >= PATIENCE_TICKS:
                wanted = most
            elif event == _FIRST:
                wanted = min(_FEW, most)
            if wanted > started and not stop.is_set():
                running += shared.start(wanted - started)
                started = wanted
            yield come
    finally:
        stop.set()


# What the main thread is told: the first item is done and was brief, items wait for longer, a
# worker has ended, nothing for a while.
_FIRST, _WAITED, _ENDED, _TICK = "first", "waited", "ended", "tick"


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
            were_brief = True
            position = self._next_position()
            while position is not None:
                was_brief = self._do(position)
                if position == 0:
                    self._events.put(_FIRST if was_brief else _WAITED)
                elif not (was_brief or were_brief):
                    # Once may be chance, and twice in a row hardly.
                    self._events.put(_WAITED)
                were_brief = was_brief
                position = self._next_position()
        finally:
            self._events.put(_ENDED)

    def _do(self, position: int) -> bool:
        """Do one item, and return whether it kept the interpreter busy all the time."""
        begin, busy = time.monotonic(), time.thread_time()
        self._outcomes.append((position, self._work(self._items[position])))
        busy = time.thread_time() - busy
        return time.monotonic() - begin - busy < BRIEF_SECONDS

    def _next_position(self) -> int | None:
        with self._lock:
            return None if self._stop.is_set() else next(self._positions, None)
