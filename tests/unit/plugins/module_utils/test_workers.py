# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Working through a list with threads."""

from __future__ import annotations

import threading
import time
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _workers
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.threads import (
    NoThread,
    start_daemon,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._workers import work_through
from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS, wait_for

Found = t.List[t.Tuple[int, t.Any]]


@pytest.fixture(name="started")
def _started(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """Return the threads that are started, in their order."""
    threads: list[threading.Thread] = []

    def start(name: str, target: t.Callable[[], None]) -> threading.Thread:
        threads.append(start_daemon(name, target))
        return threads[-1]

    monkeypatch.setattr(_workers, "start_daemon", start)
    return threads


def work_on(
    items: t.Sequence[t.Any],
    work: t.Callable[[t.Any], t.Any],
    workers: int = 4,
    stop: threading.Event | None = None,
    tick_seconds: float = HANG_SECONDS,
) -> Found:
    found = work_through(items, work, workers, stop or threading.Event(), tick_seconds)
    return [outcome for come in found for outcome in come]


def test_every_item_once() -> None:
    found = work_on(range(100), lambda item: item * 2)
    assert sorted(found) == [(item, item * 2) for item in range(100)]


def test_nothing_to_do() -> None:
    assert work_on([], lambda item: item) == []


@pytest.mark.parametrize("workers", [1, 3, 64])
def test_so_many_at_the_same_time(workers: int) -> None:
    # After the first item, which is alone, they all have to be there for any to go on.
    together = threading.Barrier(workers)
    found = work_on(
        range(workers * 2 + 1),
        lambda item: item and together.wait(HANG_SECONDS),
        workers,
        tick_seconds=0.1,
    )
    assert len(found) == workers * 2 + 1


class MadeUpClocks(threading.local):
    """The clocks of a thread, which go on as an item says."""

    def __init__(self) -> None:
        self.seconds = self.busy_seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def thread_time(self) -> float:
        return self.busy_seconds


@pytest.mark.parametrize(
    ("busy", "waiting", "threads"), [(0.7, 0.1, 1), (0.7, 0.6, 1), (0.7, 1.5, 3), (0.7, 100.0, 8)]
)
def test_as_many_threads_as_keep_the_interpreter_busy(
    busy: float,
    waiting: float,
    threads: int,
    monkeypatch: pytest.MonkeyPatch,
    started: list[threading.Thread],
) -> None:
    clocks = MadeUpClocks()
    monkeypatch.setattr(_workers, "time", clocks)
    # So many have to be there for any to go on.
    together = threading.Barrier(threads)

    def work(item: int) -> None:
        clocks.seconds += busy + waiting
        clocks.busy_seconds += busy
        if item:
            together.wait(HANG_SECONDS)

    assert len(work_on(range(1 + 7 * threads), work, workers=8)) == 1 + 7 * threads
    assert len(started) == threads


def test_items_that_begin_to_wait_get_all_threads(
    monkeypatch: pytest.MonkeyPatch, started: list[threading.Thread]
) -> None:
    clocks = MadeUpClocks()
    monkeypatch.setattr(_workers, "time", clocks)
    before: set[int] = set()
    together = threading.Barrier(8)

    def work(item: int) -> None:
        clocks.seconds += 0.001
        clocks.busy_seconds += 0.001
        if item > 10:
            together.wait(HANG_SECONDS)
            return
        before.add(threading.get_ident())
        if item == 10:
            clocks.seconds += 1.0

    assert len(work_on(range(11 + 16), work, workers=8)) == 11 + 16
    assert (len(before), len(started)) == (1, 8)


def test_the_first_item_is_alone(started: list[threading.Thread]) -> None:
    first_may_end, together = threading.Event(), threading.Barrier(8)

    def work(item: int) -> None:
        if item:
            together.wait(HANG_SECONDS)
        else:
            first_may_end.wait(HANG_SECONDS)

    outcomes = work_through(range(9), work, 8, threading.Event(), 0.1)
    assert next(outcomes) == []
    assert len(started) == 1
    first_may_end.set()
    assert len([outcome for come in outcomes for outcome in come]) == 9
    assert len(started) == 8


def test_a_first_item_that_takes_long_keeps_the_others_back_for_two_ticks(
    started: list[threading.Thread],
) -> None:
    second_began = threading.Event()

    def work(item: int) -> bool:
        if item:
            second_began.set()
        return second_began.wait(HANG_SECONDS)

    outcomes = work_through(range(2), work, 4, threading.Event(), 0.1)
    threads_after_each_tick = []
    for _tick in range(2):
        assert next(outcomes) == []
        threads_after_each_tick.append(len(started))
    assert threads_after_each_tick == [1, 2]
    assert sorted(outcome for come in outcomes for outcome in come) == [(0, True), (1, True)]


def allow_threads(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the system start so many threads, and no further ones."""
    started: list[str] = []

    def start_or_refuse(name: str, target: t.Callable[[], None]) -> threading.Thread:
        if len(started) == count:
            raise NoThread
        started.append(name)
        return start_daemon(name, target)

    monkeypatch.setattr(_workers, "start_daemon", start_or_refuse)


@pytest.mark.parametrize("allowed", [0, 1, 2, 5])
def test_the_threads_that_there_are_do_all_of_the_work(
    allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow_threads(allowed, monkeypatch)
    seen: set[int] = set()

    def work(item: int) -> int:
        seen.add(threading.get_ident())
        # What waits gets all threads that there may be.
        time.sleep(0.01)
        return item

    assert sorted(work_on(range(60), work, workers=8)) == [(item, item) for item in range(60)]
    assert len(seen) <= max(1, allowed)
    assert (threading.get_ident() in seen) is (allowed == 0)


def test_one_thread_is_let_go_where_no_further_one_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    allow_threads(3, monkeypatch)
    left = threading.Event()
    workers: list[threading.Thread] = []

    def work(item: int) -> bool:
        workers.append(threading.current_thread())
        if item < 10:
            time.sleep(0.01)
            return True
        # One of the three ends, and so no three are ever here again.
        wait_for(lambda: sum(worker.is_alive() for worker in set(workers)) == 2)
        return left.is_set()

    work_on(range(30), work, workers=8)
    assert len(set(workers)) == 3


def test_who_waits_hears_every_tick() -> None:
    may_end = threading.Event()
    outcomes = work_through([HANG_SECONDS], may_end.wait, 1, threading.Event(), 0.1)
    assert [next(outcomes) for _tick in range(4)] == [[]] * 4
    may_end.set()
    assert [outcome for come in outcomes for outcome in come] == [(0, True)]


def test_nothing_is_begun_after_the_stop() -> None:
    stop = threading.Event()

    def work(item: int) -> int:
        if item == 3:
            stop.set()
        return item

    found = work_on(range(100), work, workers=1, stop=stop)
    assert found == [(item, item) for item in range(4)]


def test_whoever_leaves_early_waits_for_nobody(started: list[threading.Thread]) -> None:
    stop, second_began, leave = threading.Event(), threading.Event(), threading.Event()
    begun: list[int] = []
    done: list[int] = []

    def work(item: int) -> None:
        begun.append(item)
        if item:
            second_began.set()
            leave.wait(HANG_SECONDS)
        done.append(item)

    outcomes = work_through(range(50), work, 4, stop, 0.1)
    while next(outcomes) != [(0, None)]:
        pass
    assert second_began.wait(HANG_SECONDS)
    t.cast(t.Generator[None, None, None], outcomes).close()
    assert stop.is_set()
    assert done == [0]
    leave.set()
    for thread in started:
        thread.join()
    # What nobody has begun when it stops is not begun afterwards.
    assert begun[0] == 0
    assert len(begun) <= 1 + len(started) <= 5


def test_workers_end_with_the_process() -> None:
    threads: list[threading.Thread] = []
    work_on(range(3), lambda _item: threads.append(threading.current_thread()))
    assert {thread.daemon for thread in threads} == {True}
