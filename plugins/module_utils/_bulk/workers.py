# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Threads that do the work they are given, and for which nothing has to wait."""

from __future__ import annotations

import collections
import contextlib
import queue
import typing as t

from .._http.threads import NoThread, start_daemon

Item = t.TypeVar("Item")

# So many finished items wake the main thread: to wake it for each would take the interpreter from
# the workers.
MANY_DONE = 16


class Workers(t.Generic[Item]):
    """Threads that end with the process.

    Attributes:
        running: how many there are.
    """

    def __init__(self, work: t.Callable[[Item], None]) -> None:
        self.running = 0
        self._work = work
        self._handed: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._done: collections.deque[Item] = collections.deque()
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._finish: t.Callable[[Item], None] | None = None

    def start(self, count: int) -> bool:
        """Start threads until there are so many; return False where the system starts no more."""
        while self.running < count:
            try:
                start_daemon("cloudagent worker", self._run)
            except NoThread:
                self._leave_room()
                return False
            self.running += 1
        return True

    def hand_over(self, items: t.Iterable[Item]) -> None:
        """Have the items done; by the calling thread if there is no other."""
        for item in items:
            self._handed.put(item)
        while not self.running and not self._handed.empty():
            self._do_next()

    def take_back(self) -> list[Item]:
        """Return the items that no thread has begun, which none will begin any more."""
        items = []
        with contextlib.suppress(queue.Empty):
            while True:
                items.append(self._handed.get_nowait())
        return [item for item in items if item is not None]

    def take_done(self, seconds: float) -> list[Item]:
        """Return what was done, after some time or once it is worth it; a signal interrupts it."""
        with contextlib.suppress(queue.Empty):
            self._wake.get(timeout=seconds)
            while True:
                self._wake.get_nowait()
        return list(self._all_done())

    def leave(self, finish: t.Callable[[Item], None]) -> None:
        """Let the threads go; what is still being done they finish themselves, as nobody takes it."""
        self._finish = finish
        self._finish_all()
        self._handed.put(None)

    def _leave_room(self) -> None:
        """Let one thread go where no more can be started: each new connection needs one shortly."""
        if self.running > 1:
            self.running -= 1
            self._handed.put(None)

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            # What the work raises, it has noted; the thread is needed for what comes next.
            with contextlib.suppress(BaseException):
                goes_on = self._do_next()

    def _do_next(self) -> bool:
        """Do an item, once there is one, and return whether there may be more for this thread."""
        item = self._handed.get()
        if item is None:
            if self._finish is not None:
                # For the next thread.
                self._handed.put(None)
            return False
        try:
            self._work(item)
        finally:
            self._done.append(item)
            self._finish_all()
            if len(self._done) >= MANY_DONE or self._handed.empty():
                self._wake.put(None)
        return True

    def _finish_all(self) -> None:
        if self._finish is not None:
            for item in self._all_done():
                self._finish(item)

    def _all_done(self) -> t.Iterator[Item]:
        """Take what is done; several threads may do so at a time."""
        with contextlib.suppress(IndexError):
            while True:
                yield self._done.popleft()
