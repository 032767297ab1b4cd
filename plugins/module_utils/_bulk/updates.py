# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Updating many campaigns: one thread owns the records, the others send.

The main thread locks, compares and withdraws a few records at a time, hands these updates over to
the workers, and confirms or puts back those that are over. Killed at any moment, it leaves at most
twice as many campaigns unconfirmed as are updated at the same time.
"""

from __future__ import annotations

import collections
import contextlib
import typing as t

from .._failure import AUTHENTICATION_FAILED, UpdateFailure
from .._http.attempt import Exchange
from .._options import Campaign
from .._record.marking import StoreOutOfReach
from .._record.record import SAME
from .._update import Settings, send
from .options import BulkOptions
from .pacing import Stopped
from .stop import (
    ABANDONED,
    ACCOUNT_REFUSED,
    CAMPAIGN_FAILED,
    ERROR,
    RECORD_OUT_OF_REACH,
    Stop,
)
from .workers import Workers

# How long only the first update may be on its way, so that what fails for all is sent once.
PATIENCE_SECONDS = 2.0
# How often the main thread looks at least: for locks that were in use, and for what is done.
PAUSE_SECONDS = 0.05
# How many records are looked at together before anything is locked.
LOOK_AT_ONCE = 500
# Waits for a turn and for a break of all campaigns are no time of an update's own; for so long at
# least, its mark in a store that others share covers them.
LEAST_SPARE_SECONDS = 60.0


class _TooLate(Exception):
    """The mark of an update must be renewed before it is sent."""


class BulkUpdate:
    """The update of one of many campaigns, of which the time counts.

    Attributes:
        position: where it stands among the campaigns, from 0.
        campaign: the campaign with the lists that it must get.
        update: the record's side of it.
        exchange: what confirmed it, or None.
        failure: why it failed, or None.
        error: an error of the collection itself, or None.
        has_its_turn: a worker sends it, or did.
        is_over: it needs no request, or a worker tried to send it.
        came_too_late: its mark does not last any more as long as it may take.
        handed_over_at: when it began to wait for a worker, by the monotonic clock.
    """

    def __init__(self, position: int, campaign: Campaign, settings: Settings) -> None:
        self.position = position
        self.campaign = campaign
        self.update = settings.begin(campaign)
        self.update.spare = max(self.update.timeout, LEAST_SPARE_SECONDS)
        self.exchange: Exchange | None = None
        self.failure: UpdateFailure | None = None
        self.error: BaseException | None = None
        self.has_its_turn = False
        self.is_over = False
        self.came_too_late = False
        self.handed_over_at = 0.0

    def refuse(self, failure: UpdateFailure) -> None:
        """Have it fail before anything was sent."""
        self.failure, self.is_over = failure, True


# Is told of each update that is over.
Done = t.Callable[[t.Sequence[BulkUpdate]], None]
Tick = t.Callable[[], None]


class BulkUpdates:
    """The updates of a task, from those that wait to those that are done."""

    def __init__(
        self,
        campaigns: t.Sequence[Campaign],
        settings: Settings,
        options: BulkOptions,
        stop: Stop,
        is_abandoned: t.Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._keeper = settings.keeper
        self._clock = settings.client.clock
        self._options = options
        self._stop = stop
        self._is_abandoned = is_abandoned
        self._waiting = collections.deque(enumerate(campaigns))
        # Those whose lock another run had, and when they are tried again.
        self._locked_out: list[BulkUpdate] = []
        self._next_poll = 0.0
        # Those that are about to be locked and handed over.
        self._taken: list[BulkUpdate] = []
        # Those that are waiting for a worker, on their way or done.
        self._in_hand: set[BulkUpdate] = set()
        self._begin = self._clock.monotonic()
        self._is_first_done = False
        self._most_workers = options.concurrency
        self._workers = Workers(self._send)

    def run(self, done: Done, tick: Tick) -> None:
        """Work through all of them.

        Args:
            done: is told of those that are over, a few at a time.
            tick: is called several times in a second.
        """
        try:
            if self._settings.check_mode or self._settings.skip_unchanged:
                self._look_at_all(done)
            self._begin = self._clock.monotonic()
            while self._has_work():
                self._begin_some(done)
                self._write_some(done)
                tick()
        except Exception:
            self._stop.because(ERROR)
            # What is on its way comes to its end first, and is told.
            self._drop_what_is_not_begun()
            while self._in_hand:
                # The first error is the one that is told.
                with contextlib.suppress(Exception):
                    self._write_some(done)
            raise
        finally:
            # A task's "timeout" (SIGALRM, see ansible/executor/task_executor.py) and Ctrl-C may
            # interrupt this anywhere.
            self._stop.set()
            self._drop_what_is_not_begun()
            self._workers.leave(lambda entry: self._keeper.finish([entry.update]))

    def _has_work(self) -> bool:
        if self._is_abandoned():
            self._stop.because(ABANDONED)
        if self._stop.is_set():
            self._drop_what_is_not_begun()
        return bool(self._waiting or self._locked_out or self._in_hand)

    def _look_at_all(self, done: Done) -> None:
        """Leave out what needs no request, with one look at all records and without a lock."""
        waiting, self._waiting = list(self._waiting), collections.deque()
        for first in range(0, len(waiting), LOOK_AT_ONCE):
            entries = [
                BulkUpdate(position, campaign, self._settings)
                for position, campaign in waiting[first : first + LOOK_AT_ONCE]
            ]
            self._keeper.look([entry.update for entry in entries])
            for entry in entries:
                entry.failure = entry.update.refusal
                entry.is_over = self._settings.check_mode or entry.update.basis == SAME
            # The others are looked at again once they are locked.
            self._waiting += [(e.position, e.campaign) for e in entries if not e.is_over]
            done([entry for entry in entries if entry.is_over])

    # --- In the main thread: before they are sent, and after ---

    def _begin_some(self, done: Done) -> None:
        # One after the other, so that a lock that is in use takes no room from those that are free.
        for next_ones in (self._locked_out_before, self._new_ones):
            self._taken = next_ones()
            if self._taken:
                self._lock_and_hand_over(self._taken, done)

    def _lock_and_hand_over(self, wanted: list[BulkUpdate], done: Done) -> None:
        taken = self._keeper.take([entry.update for entry in wanted])
        self._keeper.withdraw(taken)
        keys = {update.key for update in taken}
        self._hand_over([entry for entry in wanted if entry.update.key in keys])
        self._wait_for_locks([entry for entry in wanted if entry.update.key not in keys], done)

    def _locked_out_before(self) -> list[BulkUpdate]:
        """Return those that are tried again now."""
        now = self._clock.monotonic()
        if now < self._next_poll:
            return []
        self._next_poll = now + self._keeper.poll_seconds
        room = self._room()
        found, self._locked_out = self._locked_out[:room], self._locked_out[room:]
        return found

    def _new_ones(self) -> list[BulkUpdate]:
        """Return those that are tried now for the first time."""
        if self._keeper.is_out_of_reach and self._locked_out:
            # These find out when it can be used again; the time of the others need not begin.
            return []
        count = min(self._room(), len(self._waiting))
        return [BulkUpdate(*self._waiting.popleft(), self._settings) for _entry in range(count)]

    def _room(self) -> int:
        """Return how many more may be locked."""
        is_late = self._clock.monotonic() - self._begin >= PATIENCE_SECONDS
        if not self._is_first_done and not is_late:
            return max(0, 1 - len(self._in_hand))
        waiting = sum(not entry.has_its_turn for entry in self._in_hand)
        room = self._options.most_in_hand - len(self._in_hand)
        return max(0, min(room, self._options.most_waiting - waiting))

    def _hand_over(self, entries: list[BulkUpdate]) -> None:
        now = self._clock.monotonic()
        for entry in entries:
            entry.handed_over_at = now
        in_hand = len(self._in_hand) + len(entries)
        wanted = min(self._options.concurrency, in_hand, self._most_workers)
        if not self._workers.start(wanted):
            self._most_workers = self._workers.running
        self._taken = []
        self._in_hand.update(entries)
        self._workers.hand_over(entries)

    def _wait_for_locks(self, entries: list[BulkUpdate], done: Done) -> None:
        late = [entry for entry in entries if not entry.update.deadline.remaining()]
        for entry in late:
            entry.refuse(self._keeper.locked_elsewhere(entry.update))
            self._stop_after(entry)
        self._locked_out += [entry for entry in entries if not entry.is_over]
        done(late)

    def _renew(self, entries: list[BulkUpdate]) -> None:
        """Have those sent after all that waited for longer than their marks last."""
        if not entries:
            return
        self._keeper.renew([entry.update for entry in entries])
        for entry in entries:
            entry.came_too_late = False
        self._hand_over(entries)

    def _write_some(self, done: Done) -> None:
        entries = self._workers.take_done(PAUSE_SECONDS)
        if not entries:
            return
        self._is_first_done = True
        late = [entry for entry in entries if entry.came_too_late and not self._stop.is_set()]
        self._renew(late)
        entries = [entry for entry in entries if entry not in late]
        self._in_hand.difference_update(entries)
        try:
            self._keeper.finish([entry.update for entry in entries])
        finally:
            done(entries)

    def _drop_what_is_not_begun(self) -> None:
        self._waiting.clear()
        self._locked_out.clear()
        dropped, self._taken = self._taken, []
        taken_back = self._workers.take_back()
        self._in_hand.difference_update(taken_back)
        self._keeper.finish([entry.update for entry in (*dropped, *taken_back)])

    # --- In a worker ---

    def _send(self, entry: BulkUpdate) -> None:
        """Send one, and note the result, whatever it is."""
        try:
            entry.exchange = self._exchange(entry)
        except Stopped:
            return
        except _TooLate:
            entry.came_too_late = True
            return
        except UpdateFailure as failure:
            entry.failure = failure
        except BaseException as error:
            entry.error, entry.is_over = error, True
            # Ctrl-C and a task's "timeout", where there is no thread but the main one: Python runs
            # the handlers of signals only there, https://docs.python.org/3/library/signal.html
            if not isinstance(error, Exception):
                raise
        entry.is_over = True
        self._stop_after(entry)

    def _exchange(self, entry: BulkUpdate) -> Exchange:
        if entry.update.refusal is not None:
            raise entry.update.refusal
        entry.update.deadline.extend(self._clock.monotonic() - entry.handed_over_at)
        if self._is_abandoned():
            self._stop.because(ABANDONED)
        self._settings.client.pace.wait_for_turn(entry.update.deadline)
        if not self._keeper.may_send(entry.update):
            raise _TooLate
        entry.has_its_turn = True
        return send(self._settings, entry.campaign, entry.update)

    def _stop_after(self, entry: BulkUpdate) -> None:
        """Start nothing more after a refused account, from the worker, which then takes up nothing else."""
        if entry.failure is not None and entry.failure.reason == AUTHENTICATION_FAILED:
            self._stop.because(ACCOUNT_REFUSED)
        elif isinstance(entry.failure, StoreOutOfReach):
            self._stop.because(RECORD_OUT_OF_REACH)
        elif entry.exchange is None and self._options.stop_on_failure:
            self._stop.because(CAMPAIGN_FAILED)
