# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads that do what they are handed: none is waited for, and none is left behind."""

from __future__ import annotations

import signal
import threading
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk import (
    workers as bulk_workers,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.workers import (
    MANY_DONE,
    Workers,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.threads import (
    NoThread,
    start_daemon,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS, wait_for

Work = t.Callable[[int], None]
Make = t.Callable[[Work], Workers[int]]


class System:
    """Starts threads, up to a number.

    Attributes:
        threads: those that were started.
        most: how many there may be.
    """

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.most = 1000

    def start(self, name: str, target: t.Callable[[], None]) -> threading.Thread:
        if len(self.threads) >= self.most:
            raise NoThread
        self.threads.append(start_daemon(name, target))
        return self.threads[-1]

    def wait_for_their_end(self) -> None:
        for thread in self.threads:
            thread.join(HANG_SECONDS)
        assert [thread for thread in self.threads if thread.is_alive()] == []


@pytest.fixture(name="system")
def _system(monkeypatch: pytest.MonkeyPatch) -> System:
    system = System()
    monkeypatch.setattr(bulk_workers, "start_daemon", system.start)
    return system


@pytest.fixture(name="workers_for")
def _workers_for(system: System) -> t.Iterator[Make]:
    """Return what makes workers, the threads of which are let go after the test."""
    made: list[Workers[int]] = []

    def make(work: Work) -> Workers[int]:
        made.append(Workers(work))
        return made[-1]

    yield make
    for workers in made:
        workers.leave(nothing)


def take_all(workers: Workers[int], count: int) -> list[int]:
    """Return what is done, once it is so many."""
    done: list[int] = []
    # Each item wakes who waits once at most, and that for nothing if it was taken before.
    for _time in range(count + 1):
        if len(done) == count:
            break
        done += workers.take_done(HANG_SECONDS)
    return done


def nothing(_item: int) -> None:
    """Do nothing."""


# --- The work -----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3, 64])
def test_every_item_is_done_once(workers_for: Make, count: int) -> None:
    workers = workers_for(nothing)
    assert workers.start(count)
    workers.hand_over(range(60))
    workers.hand_over(range(60, 100))
    assert sorted(take_all(workers, 100)) == list(range(100))
    assert workers.take_done(0.0) == workers.take_back() == []


@pytest.mark.parametrize("count", [1, 3, 64])
def test_as_many_items_are_done_at_once_as_threads_were_started(
    workers_for: Make, count: int, system: System
) -> None:
    # They all have to be there for any to go on.
    together = threading.Barrier(count)

    def work(_item: int) -> None:
        together.wait(HANG_SECONDS)

    workers = workers_for(work)
    assert workers.start(count)
    workers.hand_over(range(count * 2))
    assert len(take_all(workers, count * 2)) == count * 2
    assert len(system.threads) == workers.running == count


def test_only_missing_threads_are_started(workers_for: Make, system: System) -> None:
    workers = workers_for(nothing)
    for wanted, running in ((0, 0), (2, 2), (1, 2), (2, 2), (5, 5)):
        assert workers.start(wanted)
        assert len(system.threads) == workers.running == running


def test_items_not_yet_begun_can_be_taken_back(workers_for: Make) -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    def work(_item: int) -> None:
        begun.release()
        go_on.wait(HANG_SECONDS)

    workers = workers_for(work)
    workers.start(2)
    workers.hand_over(range(10))
    for _thread in range(2):
        assert begun.acquire(timeout=HANG_SECONDS)
    assert workers.take_back() == list(range(2, 10))
    assert workers.take_back() == []
    go_on.set()
    assert sorted(take_all(workers, 2)) == [0, 1]


@pytest.mark.parametrize("error", [ValueError, MemoryError, SystemExit, KeyboardInterrupt])
def test_an_error_in_the_work_does_not_end_its_thread(
    workers_for: Make, error: type[BaseException], system: System
) -> None:
    def work(item: int) -> None:
        if item % 2:
            raise error

    workers = workers_for(work)
    workers.start(2)
    workers.hand_over(range(20))
    assert sorted(take_all(workers, 20)) == list(range(20))
    assert [thread.is_alive() for thread in system.threads] == [True, True]


# --- Being told ---------------------------------------------------------------------------------


def test_the_last_item_wakes_the_waiting_thread(workers_for: Make) -> None:
    workers = workers_for(nothing)
    workers.start(1)
    workers.hand_over([7])
    assert workers.take_done(HANG_SECONDS) == [7]


def test_many_items_wake_the_waiting_thread_before_all_are_done(workers_for: Make) -> None:
    go_on = threading.Semaphore(0)

    def work(item: int) -> None:
        if item in (0, MANY_DONE):
            assert go_on.acquire(timeout=HANG_SECONDS)

    workers = workers_for(work)
    workers.start(1)
    workers.hand_over(range(MANY_DONE + 2))
    # All are handed over before the first is done.
    go_on.release()
    assert workers.take_done(HANG_SECONDS) == list(range(MANY_DONE))
    go_on.release()
    assert sorted(take_all(workers, 2)) == [MANY_DONE, MANY_DONE + 1]


def test_items_done_are_returned_when_the_wait_is_over(workers_for: Make) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(item: int) -> None:
        if item == 2:
            begun.set()
            go_on.wait(HANG_SECONDS)

    workers = workers_for(work)
    workers.start(1)
    workers.hand_over(range(4))
    assert begun.wait(HANG_SECONDS)
    # Two are too few to wake anybody while there is more to do.
    assert workers.take_done(0.01) == [0, 1]
    assert workers.take_done(0.01) == []
    go_on.set()


class Interrupted(BaseException):
    pass


def test_a_signal_interrupts_the_waiting_thread(workers_for: Make) -> None:
    """Ansible's ``timeout`` and Ctrl-C are signals."""
    waiter, is_over = threading.get_ident(), threading.Event()

    def interrupt(_signal: int, _frame: object) -> None:
        if not is_over.is_set():
            is_over.set()
            raise Interrupted

    def send() -> None:
        # Again and again, as the first may come before the wait has begun.
        while not is_over.wait(0.01):
            signal.pthread_kill(waiter, signal.SIGUSR1)

    workers = workers_for(nothing)
    before = signal.signal(signal.SIGUSR1, interrupt)
    sender = threading.Thread(target=send)

    def wait() -> None:
        sender.start()
        workers.take_done(HANG_SECONDS)

    try:
        with pytest.raises(Interrupted):
            wait()
    finally:
        is_over.set()
        sender.join()
        signal.signal(signal.SIGUSR1, before)


# --- Too few threads ----------------------------------------------------------------------------


@pytest.mark.parametrize("allowed", [0, 1, 2, 5])
def test_all_items_are_done_with_fewer_threads_than_wanted(
    workers_for: Make, allowed: int, system: System
) -> None:
    system.most = allowed
    seen: set[int] = set()
    workers = workers_for(lambda _item: seen.add(threading.get_ident()))
    assert not workers.start(8)
    # One is let go where there is another, since each new connection needs one shortly.
    assert workers.running == (allowed - 1 if allowed > 1 else allowed)
    workers.hand_over(range(60))
    assert sorted(take_all(workers, 60)) == list(range(60))
    assert len(seen) <= max(1, allowed)
    assert (threading.get_ident() in seen) is (allowed == 0)


def test_one_thread_is_released_if_no_further_one_starts(workers_for: Make, system: System) -> None:
    system.most = 3
    workers = workers_for(nothing)
    assert not workers.start(8)
    wait_for(lambda: sum(thread.is_alive() for thread in system.threads) == 2)
    workers.hand_over(range(30))
    assert sorted(take_all(workers, 30)) == list(range(30))
    assert workers.start(2)
    assert len(system.threads) == 3


def test_an_interruption_without_threads_loses_no_item(workers_for: Make, system: System) -> None:
    system.most = 0

    def work(item: int) -> None:
        if item == 2:
            raise Interrupted

    workers = workers_for(work)
    assert not workers.start(1)
    with pytest.raises(Interrupted):
        workers.hand_over(range(5))
    assert workers.take_done(0.0) == [0, 1, 2]
    assert workers.take_back() == [3, 4]


# --- The end ------------------------------------------------------------------------------------


def test_worker_threads_are_daemons(workers_for: Make, system: System) -> None:
    workers = workers_for(nothing)
    workers.start(3)
    assert {thread.daemon for thread in system.threads} == {True}


@pytest.mark.parametrize("allowed", [3, 8])
def test_threads_end_after_they_are_left(workers_for: Make, allowed: int, system: System) -> None:
    """Ansible's process may run many tasks in a loop."""
    system.most = allowed
    workers = workers_for(nothing)
    workers.start(8)
    workers.hand_over(range(20))
    take_all(workers, 20)
    workers.leave(nothing)
    system.wait_for_their_end()


def test_a_thread_released_while_items_are_taken_back_ends(
    workers_for: Make, system: System
) -> None:
    go_on, begun = threading.Event(), threading.Semaphore(0)

    def work(_item: int) -> None:
        begun.release()
        go_on.wait(HANG_SECONDS)

    workers = workers_for(work)
    workers.start(2)
    workers.hand_over(range(2))
    for _thread in range(2):
        assert begun.acquire(timeout=HANG_SECONDS)
    system.most = 0
    assert not workers.start(3)
    workers.take_back()
    go_on.set()
    workers.leave(nothing)
    system.wait_for_their_end()


def test_an_item_under_way_is_finished_by_its_thread(workers_for: Make, system: System) -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()
    finished: list[tuple[int, int]] = []

    def work(item: int) -> None:
        if item:
            begun.release()
            go_on.wait(HANG_SECONDS)

    workers = workers_for(work)
    workers.start(3)
    workers.hand_over(range(4))
    for _item in range(3):
        assert begun.acquire(timeout=HANG_SECONDS)
    workers.leave(lambda item: finished.append((item, threading.get_ident())))
    # What was done before is finished at once.
    assert finished == [(0, threading.get_ident())]
    go_on.set()
    system.wait_for_their_end()
    assert sorted(item for item, _thread in finished) == [0, 1, 2, 3]
    assert threading.get_ident() not in [thread for _item, thread in finished[1:]]


def test_each_item_is_taken_or_finished_exactly_once(workers_for: Make, system: System) -> None:
    """Whoever leaves while all threads are at it."""
    for _time in range(20):
        finished: list[int] = []
        workers = workers_for(nothing)
        workers.start(4)
        workers.hand_over(range(200))
        taken = workers.take_done(HANG_SECONDS)
        taken += workers.take_back()
        workers.leave(finished.append)
        system.wait_for_their_end()
        assert sorted(taken + finished) == list(range(200))
