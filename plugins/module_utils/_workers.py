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
    NoThread,
    start_daemon,
)

Item = t.TypeVar("Item")
Outcome = t.TypeVar("Outcome")

# For so many ticks the first item may be alone.
PATIENCE_TICKS = 2
# What an item counts for with every further one, so that about the last fifty decide.
_KEPT = 0.98
# Clocks may be too coarse to see how long an item keeps the interpreter busy.
_SHORTEST_SECONDS = 1e-6


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
            taken two ticks, so that what fails for all is not tried by all. From then on there
            are as many as keep the interpreter busy while others wait for an answer or a disk:
            more would only take it from one another. Where the system starts no further thread, the
            work goes on with those that there are; where it starts none, in the calling thread.
        stop: once it is set, no further item is begun.
        tick_seconds: after how long a list is yielded, even if it is empty.
    """
    shared = _SharedWork(items, work, min(workers, len(items)), stop)
    running = shared.start(min(1, shared.most))
    ticks = 0
    try:
        if not running:
            yield from shared.work_here()
        while running:
            event = shared.next_event(tick_seconds)
            come = shared.come()
            ticks = 0 if come else ticks + (event == _TICK)
            running -= event == _ENDED
            useful = shared.most if ticks >= PATIENCE_TICKS else shared.useful_threads()
            if not stop.is_set():
                running += shared.start(useful - shared.started)
            yield come
    finally:
        stop.set()


# What the main thread is told: more threads would be of use, a worker has ended, nothing for a
# while.
_MORE, _ENDED, _TICK = "more", "ended", "tick"


class _SharedWork(t.Generic[Item, Outcome]):
    """The items that are left, and the outcomes that nobody has taken yet.

    Attributes:
        most: how many workers there may be.
        started: how many were started so far.
    """

    def __init__(
        self,
        items: t.Sequence[Item],
        work: t.Callable[[Item], Outcome],
        most: int,
        stop: threading.Event,
    ) -> None:
        self.most = most
        self.started = 0
        self._items = items
        self._work = work
        self._stop = stop
        self._positions = iter(range(len(items)))
        self._lock = threading.Lock()
        self._outcomes: collections.deque[tuple[int, Outcome]] = collections.deque()
        # To wake the main thread for every outcome would take the interpreter from the workers.
        self._events: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._seconds = self._busy_seconds = 0.0
        self._surplus = 0

    def start(self, count: int) -> int:
        """Start so many workers, as far as the system lets them start, and return how many."""
        for number in range(count):
            try:
                start_daemon("cloudagent worker", self._run)
            except NoThread:
                self._leave_room()
                return number
            self.started += 1
        return max(0, count)

    def work_here(self) -> t.Iterator[list[tuple[int, Outcome]]]:
        """Work through what is left in this thread."""
        position = self._next_position()
        while position is not None:
            self._do(position)
            yield self.come()
            position = self._next_position()

    def _leave_room(self) -> None:
        """Start no more workers, and let one go: each new connection needs a thread for a moment."""
        self.most = self.started
        if self.started > 1:
            with self._lock:
                self._surplus = 1

    def next_event(self, seconds: float) -> str:
        """Return what happens next, a tick after so many seconds; a signal interrupts it."""
        try:
            return self._events.get(timeout=seconds)
        except queue.Empty:
            return _TICK

    def come(self) -> list[tuple[int, Outcome]]:
        """Take the outcomes that have come."""
        return [self._outcomes.popleft() for _outcome in range(len(self._outcomes))]

    def useful_threads(self) -> int:
        """Return how many threads keep the interpreter busy, as the last items were."""
        # Waiting for the other threads that there are makes an item as many times longer.
        return min(self.most, int(self._seconds / max(self._busy_seconds, _SHORTEST_SECONDS)))

    def _run(self) -> None:
        try:
            position = self._next_position()
            while position is not None:
                self._do(position)
                position = self._next_position()
        finally:
            self._events.put(_ENDED)

    def _do(self, position: int) -> None:
        begin, busy_begin = time.monotonic(), time.thread_time()
        self._outcomes.append((position, self._work(self._items[position])))
        busy = time.thread_time() - busy_begin
        seconds = time.monotonic() - begin
        with self._lock:
            self._seconds = self._seconds * _KEPT + seconds
            self._busy_seconds = self._busy_seconds * _KEPT + busy
        if self.useful_threads() > self.started:
            self._events.put(_MORE)

    def _next_position(self) -> int | None:
        with self._lock:
            if self._surplus:
                self._surplus = 0
                return None
            return None if self._stop.is_set() else next(self._positions, None)
