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
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.threads import NoThread
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._workers import work_through

Found = t.List[t.Tuple[int, t.Any]]


def work_on(
    items: t.Sequence[t.Any],
    work: t.Callable[[t.Any], t.Any],
    workers: int = 4,
    stop: threading.Event | None = None,
    tick_seconds: float = 5.0,
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
        range(workers * 2 + 1), lambda item: item and together.wait(20), workers, tick_seconds=0.1
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
    busy: float, waiting: float, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = MadeUpClocks()
    monkeypatch.setattr(_workers, "time", clocks)
    seen: set[int] = set()

    def work(_item: int) -> None:
        seen.add(threading.get_ident())
        clocks.seconds += busy + waiting
        clocks.busy_seconds += busy
        time.sleep(0.01)

    work_on(range(60), work, workers=8)
    assert len(seen) == threads


def test_items_that_begin_to_wait_get_all_threads() -> None:
    seen: set[int] = set()

    def work(item: int) -> None:
        if item > 10:
            seen.add(threading.get_ident())
            time.sleep(0.02)

    work_on(range(60), work, workers=8)
    assert len(seen) == 8


def test_the_first_item_is_alone() -> None:
    active: list[int] = []
    seen: list[int] = []

    def work(item: int) -> None:
        active.append(item)
        time.sleep(0.05)
        seen.append(len(active))
        active.remove(item)

    work_on(range(9), work, workers=8)
    assert seen[0] == 1
    assert max(seen) > 1


def test_a_first_item_that_takes_long_keeps_the_others_back_for_two_ticks() -> None:
    second_began = threading.Event()

    def work(item: int) -> bool:
        if item:
            second_began.set()
        return second_began.wait(20)

    begin = time.monotonic()
    assert sorted(work_on(range(2), work, tick_seconds=0.1)) == [(0, True), (1, True)]
    assert 0.2 <= time.monotonic() - begin < 5.0


def allow_threads(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the system start so many threads, and no further ones."""
    start, started = _workers.start_daemon, []

    def start_or_refuse(name: str, target: t.Callable[[], None]) -> threading.Thread:
        if len(started) == count:
            raise NoThread
        started.append(name)
        return start(name, target)

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
        wait_until(lambda: sum(worker.is_alive() for worker in set(workers)) == 2)
        return left.is_set()

    work_on(range(30), work, workers=8)
    assert len(set(workers)) == 3


def wait_until(happened: t.Callable[[], bool]) -> None:
    """Wait until this has happened; fail after a minute."""
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_who_waits_hears_every_tick() -> None:
    ticks = list(work_through([0.5], time.sleep, 1, threading.Event(), 0.1))
    assert len(ticks) >= 4
    assert [outcome for come in ticks for outcome in come] == [(0, None)]


def test_nothing_is_begun_after_the_stop() -> None:
    stop = threading.Event()

    def work(item: int) -> int:
        if item == 3:
            stop.set()
        return item

    found = work_on(range(100), work, workers=1, stop=stop)
    assert found == [(item, item) for item in range(4)]


def test_whoever_leaves_early_waits_for_nobody() -> None:
    stop, leave = threading.Event(), threading.Event()
    begun: list[int] = []

    def work(item: int) -> None:
        begun.append(item)
        if item:
            leave.wait(20)

    outcomes = work_through(range(50), work, 4, stop, 0.1)
    assert next(outcomes) == [(0, None)]
    begin = time.monotonic()
    t.cast(t.Generator[None, None, None], outcomes).close()
    assert time.monotonic() - begin < 5.0
    assert stop.is_set()
    leave.set()
    time.sleep(0.1)
    assert len(begun) <= 5


def test_workers_end_with_the_process() -> None:
    threads: list[threading.Thread] = []
    work_on(range(3), lambda _item: threads.append(threading.current_thread()))
    assert {thread.daemon for thread in threads} == {True}
