# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The last-applied records around updates: from before they are sent until their results are known.

No run may ever find a confirmation of lists that are not the server's. So the confirmation is
withdrawn before other lists are sent, and a new one is written after the server confirmed them. A
crash in between leaves none. Lists that are equal to the confirmed ones can be sent without that:
whatever happens to the request, the server has these lists afterwards.

All of this is for several updates at a time; a single one is a batch of one.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone
from itertools import zip_longest

from .._failure import RECORD_FAILED, UpdateFailure
from .._http.clock import Clock, Deadline
from .._warned import Warned
from .messages import (
    NO_PLACE,
    record_in_the_way,
    record_locked,
    record_not_settled,
    record_not_withdrawn,
    record_not_written,
    record_unusable,
    store_unavailable,
    update_too_late,
)
from .record import SAME, UNAVAILABLE, Confirmation, Lists, basis_of, record_key
from .store import Change, Found, Marked, Store

FIRST_PAUSE_SECONDS = 0.001
LONGEST_PAUSE_SECONDS = 0.05

# The result of an update, as far as its record is concerned.
CONFIRMED = "confirmed"
LEFT_ALONE = "left alone"
UNKNOWN = "unknown"


class KeptUpdate:
    """An update, and what its record says about it.

    Attributes:
        key: the key of its record.
        endpoint: the normalised base URL.
        lists: what is sent, in the record's terms.
        timeout: seconds that the update may take.
        deadline: its end.
        basis: what ``changed`` rests on.
        last: what the server last confirmed, or None when that is not known.
        warnings: what the user should know.
        refusal: why nothing may be sent, if so.
        spare: seconds for which a mark lasts longer than the update may take, for waits that are
            no time of its own.
        mark: what was left in the record before it is sent, in a store whose locks can be lost.
        mark_ends: until when that allows an attempt to begin, in seconds since the machine started.
        came: its result: ``confirmed``, ``left alone`` when it is certain that the server still
            has the lists that it had before, else ``unknown``.
    """

    def __init__(self, endpoint: str, lists: Lists, timeout: float, clock: Clock) -> None:
        self.key = record_key(endpoint, *lists.names)
        self.endpoint = endpoint
        self.lists = lists
        self.timeout = timeout
        self.deadline = Deadline(clock, timeout)
        self.basis = UNAVAILABLE
        self.last: Confirmation | None = None
        self.warnings: list[Warned] = []
        self.refusal: UpdateFailure | None = None
        self.came = LEFT_ALONE
        self.spare = 0.0
        self.mark: Marked | None = None
        self.mark_ends = 0.0
        self.found = Found()
        self.is_locked = False
        self.is_withdrawn = False

    @property
    def holds(self) -> bool:
        """Tell whether the confirmed lists are those that are sent."""
        return basis_of(self.found.record, self.endpoint, self.lists) == SAME

    @property
    def may_stay_confirmed(self) -> bool:
        """Tell whether the confirmation may stay while the lists are sent."""
        return self.basis == SAME or (not self.is_locked and self.holds)

    @property
    def is_to_be_confirmed(self) -> bool:
        """Tell whether there is something new to keep."""
        return self.came == CONFIRMED and self.basis not in (SAME, UNAVAILABLE)

    @property
    def is_to_be_put_back(self) -> bool:
        """Tell whether a confirmation was withdrawn that still holds."""
        was_confirmed = self.found.record is not None and self.found.record.confirmed
        return self.came == LEFT_ALONE and self.is_locked and self.is_withdrawn and was_confirmed

    @property
    def is_in_doubt(self) -> bool:
        """Tell whether a confirmation that stayed may not hold any more."""
        return self.came == UNKNOWN and self.basis == SAME


class Keeper:
    """Keeps the records of updates in a store whose locks are never lost.

    Attributes:
        poll_seconds: how often a lock that is in use is tried again.
        is_out_of_reach: the store could not be used when it was last tried.

    Args:
        store: where they are, or None when there is no place for them.
        keep: compare with the records and keep what is confirmed; otherwise withdraw only.
        applied_by: who sends, for the history.
        note: kept in the history, or None.
        clock: tells the time, and waits.
    """

    poll_seconds = LONGEST_PAUSE_SECONDS
    is_out_of_reach = False

    def __init__(
        self, store: Store | None, keep: bool, applied_by: str, note: str | None, clock: Clock
    ) -> None:
        self._store = store
        self._keep = keep
        self._applied_by = applied_by
        self._note = note
        self._clock = clock

    @property
    def place(self) -> str | None:
        """Return where the records are, for messages; None where none are kept."""
        return self._store.name if self._store and self._keep else None

    # --- Before the request ---

    def look(self, updates: t.Sequence[KeptUpdate]) -> None:
        """Compare the updates with their records, and leave no trace."""
        obstacle = self._store.obstacle() if self._store else NO_PLACE
        self._read(updates)
        for update in updates:
            self._compare(update, obstacle)
            if obstacle is not None and update.found.is_in_the_way and not update.holds:
                self._refuse_in_the_way(update, obstacle)

    def take(self, updates: t.Sequence[KeptUpdate]) -> list[KeptUpdate]:
        """Lock the records that can be had at once, compare, and return the updates of those.

        Those for which there can be no lock are among them.
        """
        obstacles = self._lock(updates)
        taken = [update for update in updates if update.is_locked or update.key in obstacles]
        for update in taken:
            self._compare(update, obstacles.get(update.key))
        return taken

    def wait_and_take(self, update: KeptUpdate) -> None:
        """Do the same for one update, and wait for its lock until its deadline.

        Raises:
            UpdateFailure: another run had the lock all the time.
        """
        self._compare(update, self._wait_and_lock(update))

    def locked_elsewhere(self, update: KeptUpdate) -> UpdateFailure:
        """Return the failure of an update whose lock was not free before its deadline."""
        holder = self._store.holder_of(update.key) if self._store else None
        name = update.lists.campaign_name
        return _failure(record_locked(name, self._place_of(update), holder, update.timeout))

    def withdraw(self, updates: t.Sequence[KeptUpdate]) -> None:
        """See to it that no run trusts the records while other lists are sent.

        An update for which that is not possible gets a ``refusal``, and must not be sent.
        """
        others = [update for update in updates if not update.may_stay_confirmed]
        failures = self._write(others, confirmed=False)
        for update in others:
            reason = failures.get(update.key)
            update.is_withdrawn = reason is None
            if reason is not None and update.found.is_in_the_way:
                self._refuse_in_the_way(update, reason)

    # --- Right before each attempt ---

    def may_send(self, _update: KeptUpdate) -> bool:
        """Tell whether others can still rely on what was written before the update is sent."""
        return True

    def too_late(self, update: KeptUpdate) -> UpdateFailure:
        """Return the failure of an update that may not be sent any more."""
        return _failure(update_too_late(update.lists.campaign_name))

    def renew(self, _updates: t.Sequence[KeptUpdate]) -> None:
        """See to it that they may be sent again; each that may not gets a ``refusal``."""

    def may_retry(self, update: KeptUpdate) -> bool:
        """Tell whether the same lists may be sent once more, as far as the record goes."""
        try:
            self._catch_up(update)
        except UpdateFailure:
            return False
        return True

    # --- After the last attempt ---

    def catch_up(self, update: KeptUpdate, may_wait: bool = True) -> None:
        """Withdraw what another run may have confirmed, if this one had no lock.

        Args:
            update: with its result in ``came``.
            may_wait: there is time to wait for the lock.
        """
        if update.came == LEFT_ALONE:
            return
        try:
            obstacle = self._catch_up(update, may_wait)
        except UpdateFailure:
            obstacle = "it is locked, or can't be written to"
        if obstacle is not None and self._store and self._store.may_be_locked(update.key):
            name, place = update.lists.campaign_name, self._place_of(update)
            update.warnings.append(record_not_withdrawn(name, place, obstacle))

    def finish(self, updates: t.Sequence[KeptUpdate]) -> None:
        """Confirm, put back or withdraw, by the result of each, and release the locks."""
        try:
            self._confirm([update for update in updates if update.is_to_be_confirmed])
            self._settle([update for update in updates if update.is_to_be_put_back], confirmed=True)
            self._settle([update for update in updates if update.is_in_doubt], confirmed=False)
        finally:
            if self._store is not None:
                self._store.unlock(update.key for update in updates)

    def _confirm(self, updates: t.Sequence[KeptUpdate]) -> None:
        if not updates:
            return
        applied_at = _utc(self._clock.now())
        new = [
            Confirmation(update.lists, applied_at, self._applied_by, self._note)
            for update in updates
        ]
        failures = self._write(updates, confirmed=True, confirmations=new)
        for update in updates:
            if update.key in failures:
                place = self._place_of(update)
                update.warnings.append(record_not_written(place, failures[update.key]))

    def _settle(self, updates: t.Sequence[KeptUpdate], confirmed: bool) -> None:
        failures = self._write(updates, confirmed)
        for update in updates:
            if update.key in failures:
                place = self._place_of(update)
                update.warnings.append(record_not_settled(place, failures[update.key]))

    # --- Without a lock ---

    def _catch_up(self, update: KeptUpdate, may_wait: bool = True) -> str | None:
        """Withdraw what another run confirmed while this one had no lock.

        Returns:
            Why another run may still confirm more, or None.

        Raises:
            UpdateFailure: it can't be withdrawn, or another run has the lock.
        """
        if update.is_locked or self._store is None:
            return None
        obstacle = self._wait_and_lock(update, may_wait)
        self.withdraw([update])
        if update.refusal is not None:
            raise update.refusal
        # Whoever sends other lists than those that are confirmed withdraws these first.
        return None if update.holds else obstacle

    # --- The store ---

    def _lock(self, updates: t.Sequence[KeptUpdate]) -> dict[str, str]:
        """Lock and read what can be had at once, and return the obstacles to any lock."""
        if self._store is None:
            return {update.key: NO_PLACE for update in updates}
        obtained, obstacles = self._store.lock([update.key for update in updates])
        for update in updates:
            update.is_locked = update.key in obtained
        self._read([update for update in updates if update.is_locked or update.key in obstacles])
        return obstacles

    def _wait_and_lock(self, update: KeptUpdate, may_wait: bool = True) -> str | None:
        """Lock and read one record, and return the obstacle to any lock, or None."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            obstacle = self._lock([update]).get(update.key)
            if update.is_locked or obstacle is not None:
                return obstacle
            remaining = update.deadline.remaining() if may_wait else 0.0
            if not remaining:
                raise self.locked_elsewhere(update)
            self._clock.sleep(min(pause, remaining))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _read(self, updates: t.Sequence[KeptUpdate]) -> None:
        if self._store is None:
            return
        found = self._store.read([update.key for update in updates])
        for update in updates:
            update.found = found[update.key]

    def _compare(self, update: KeptUpdate, obstacle: str | None) -> None:
        """Say what ``changed`` rests on; without a lock, and without keeping, on nothing."""
        if not self._keep:
            return
        if obstacle is not None:
            name = self._store.name if self._store else None
            update.warnings.append(store_unavailable(name, obstacle))
            return
        found = update.found
        update.basis = basis_of(found.record, update.endpoint, update.lists)
        update.last = found.record.last if found.record else None
        if found.fault is not None:
            update.warnings.append(record_unusable(self._place_of(update), found.fault))

    def _write(
        self,
        updates: t.Sequence[KeptUpdate],
        confirmed: bool,
        confirmations: t.Sequence[Confirmation | None] = (),
    ) -> dict[str, str]:
        """Write a new state for each, and return why that failed, by key; only withdrawals wait."""
        if self._store is None or not updates:
            return {}
        changes = [
            Change(update.key, update.endpoint, update.found, confirmed, confirmation)
            for update, confirmation in zip_longest(updates, confirmations)
        ]
        return self._store.write(changes, durable=not confirmed)

    def _refuse_in_the_way(self, update: KeptUpdate, reason: str) -> None:
        update.refusal = _failure(record_in_the_way(self._place_of(update), reason))
        if update.came == LEFT_ALONE:
            # They tell of an update that goes on without its record.
            update.warnings.clear()

    def _place_of(self, update: KeptUpdate) -> str:
        return self._store.place_of(update.key) if self._store else ""


def _failure(message: str) -> UpdateFailure:
    return UpdateFailure(RECORD_FAILED, message, leaves_lists_alone=True)


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
