# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The records around updates, in a store whose locks can be lost while a request is on its way.

A run that has lost its lock may still send, or may have sent, while another one is at work. So

1. each run that sends leaves a mark first: nothing is confirmed from then on, and until when the run
   may still begin to send;
2. no attempt begins after that time;
3. a run that finds another one's mark whose time is not over neither confirms nor puts back;
4. the result of a request is written only over the run's own mark, which closes it. Where that is gone,
   whatever is there is withdrawn. Only what was written so can be unchanged;
5. what is not known to be written is not written.

A model of several runs that crash and lose their sessions at every step was explored for these rules.
What it takes for granted: no run stands still for longer than MARGIN_SECONDS between looking at the
clock and sending.
"""

from __future__ import annotations

import typing as t

from .._failure import RECORD_FAILED, UpdateFailure
from .._http.clock import Clock
from .keeping import CONFIRMED, LEFT_ALONE, Keeper, KeptUpdate
from .messages import (
    mark_of_another_run,
    record_not_closed,
    record_taken_over,
    store_out_of_reach,
)
from .record import SAME, UNCONFIRMED, Confirmation
from .store import Change, Found, Mark, Marked, MarkedStore, StoreUnavailable

POLL_SECONDS = 0.25
MARGIN_SECONDS = 10.0
# How exactly two clocks are compared; a small part of the margin.
TOLERANCE_SECONDS = 1.0
# What is left of the timeout may be used after the request, but no less and no more than this.
LEAST_CLOSING_SECONDS = 2.0
MOST_CLOSING_SECONDS = 10.0
HOLDER_SECONDS = 2.0


class StoreOutOfReach(UpdateFailure):
    """The store can't be used, by no update."""


class MarkingKeeper(Keeper):
    """Keeps the records of updates in a store whose locks can be lost."""

    poll_seconds = POLL_SECONDS

    def __init__(
        self, store: MarkedStore, keep: bool, applied_by: str, note: str | None, clock: Clock
    ) -> None:
        super().__init__(store, keep, applied_by, note, clock)
        self._marked_store = store
        self._trouble: StoreUnavailable | None = None

    @property
    def is_out_of_reach(self) -> bool:  # type: ignore[override]
        """Tell whether the store could not be used when it was last tried."""
        return self._trouble is not None

    # --- Before the request ---

    def look(self, updates: t.Sequence[KeptUpdate]) -> None:
        """Compare the updates with their records; what can't be compared is refused.

        A store that could not be used is not asked again, as each time may take until a deadline.
        """
        if self._trouble is not None:
            self._refuse(updates, self._trouble)
            return
        try:
            self._allow(updates)
            self._read(updates)
        except StoreUnavailable as trouble:
            self._trouble = trouble
            self._refuse(updates, trouble)
            return
        for update in updates:
            self._compare(update, None)

    def take(self, updates: t.Sequence[KeptUpdate]) -> list[KeptUpdate]:
        """Lock the records that can be had at once, compare, mark, and return the updates of those.

        Those that have no hope to be marked are among them, with a ``refusal``.
        """
        try:
            self._allow(updates)
            taken = self._take(updates)
        except StoreUnavailable as trouble:
            self._trouble = trouble
            self._unlock(updates)
            if trouble.may_pass:
                return []
            self._refuse(updates, trouble)
            return list(updates)
        self._trouble = None
        return taken

    def wait_and_take(self, update: KeptUpdate) -> None:
        """Do the same for one update, and wait for its lock, or for the store, until its deadline.

        Raises:
            UpdateFailure: another run had the lock all the time, or the store could not be used.
        """
        while not self.take([update]):
            remaining = update.deadline.remaining()
            if not remaining:
                raise self.locked_elsewhere(update)
            self._clock.sleep(min(POLL_SECONDS, remaining))
        if update.refusal is not None:
            raise update.refusal

    def locked_elsewhere(self, update: KeptUpdate) -> UpdateFailure:
        """Return the failure of an update whose record could not be had before its deadline."""
        if self._trouble is not None:
            return self._out_of_reach(self._trouble)
        self._marked_store.allow(HOLDER_SECONDS)
        return super().locked_elsewhere(update)

    def withdraw(self, updates: t.Sequence[KeptUpdate]) -> None:
        """Do nothing: what was taken is marked."""

    def _take(self, updates: t.Sequence[KeptUpdate]) -> list[KeptUpdate]:
        self._lock(updates)
        locked = [update for update in updates if update.is_locked]
        self._mark(locked)
        marked = [update for update in locked if update.mark is not None]
        # A run that lost its lock has written in between; they are tried again.
        self._unlock([update for update in locked if update.mark is None])
        for update in marked:
            self._compare(update, None)
        return marked

    def _mark(self, updates: t.Sequence[KeptUpdate]) -> None:
        """Leave marks, or make those that there are last longer."""
        if not updates:
            return
        now = self._clock.since_boot()
        seconds = {update: update.deadline.remaining() + update.spare for update in updates}
        marks = [
            Mark(
                update.key,
                update.endpoint,
                update.lists.names,
                _marked(update) if update.mark else update.found,
                seconds[update] + MARGIN_SECONDS,
            )
            for update in updates
        ]
        made = self._marked_store.mark(marks, self._applied_by)
        for update in updates:
            update.mark = _together(update.mark, made.get(update.key))
            update.mark_ends = now + seconds[update]

    # --- Right before each attempt ---

    def may_send(self, update: KeptUpdate) -> bool:
        """Tell whether the mark lasts as long as the update may take."""
        left = update.mark_ends - self._clock.since_boot()
        return update.deadline.remaining() <= left + TOLERANCE_SECONDS

    def may_retry(self, update: KeptUpdate) -> bool:
        """Tell whether the same lists may be sent once more."""
        return self.may_send(update)

    def renew(self, updates: t.Sequence[KeptUpdate]) -> None:
        """Make marks last as long as the updates may take; each that is gone is refused."""
        try:
            self._allow(updates)
            self._mark(updates)
        except StoreUnavailable as trouble:
            self._refuse(updates, trouble)
            return
        for update in updates:
            if update.mark is None:
                update.refusal = self.too_late(update)

    # --- After the last attempt ---

    def catch_up(self, update: KeptUpdate, may_wait: bool = True) -> None:
        """Do nothing: nothing is sent without a mark."""

    def finish(self, updates: t.Sequence[KeptUpdate]) -> None:
        """Confirm, put back or only close the marks, by the result of each, and release the locks."""
        marked = [update for update in updates if update.mark is not None]
        try:
            if marked:
                self._close(marked)
        finally:
            self._unlock(updates)

    def _close(self, updates: t.Sequence[KeptUpdate]) -> None:
        remaining = max(update.deadline.remaining() for update in updates)
        seconds = min(max(remaining, LEAST_CLOSING_SECONDS), MOST_CLOSING_SECONDS)
        try:
            self._marked_store.allow(seconds, patience=LEAST_CLOSING_SECONDS)
            changes = [self._change_of(update) for update in updates]
            lost = self._marked_store.write(changes, durable=False)
            if lost:
                self._marked_store.withdraw(list(lost))
        except StoreUnavailable as trouble:
            for update in updates:
                self._tell_not_closed(update, trouble)
            return
        for update in updates:
            self._tell_closed(update, is_lost=update.key in lost)

    def _change_of(self, update: KeptUpdate) -> Change:
        """Return what is written over the mark."""
        record = update.found.record
        was_confirmed = record is not None and record.confirmed
        confirms = self._keep and update.came == CONFIRMED and _is_alone(update)
        puts_back = update.came == LEFT_ALONE and _is_alone(update) and was_confirmed
        new = None
        if confirms and update.basis != SAME:
            # When that is, the store's own clock tells.
            new = Confirmation(update.lists, "", self._applied_by, self._note)
        return Change(update.key, update.endpoint, _marked(update), confirms or puts_back, new)

    def _tell_closed(self, update: KeptUpdate, is_lost: bool) -> None:
        update.mark, mark = None, update.mark
        if update.came != CONFIRMED or not self._keep:
            return
        name = update.lists.campaign_name
        if is_lost:
            _count_as_changed(update)
            update.warnings.append(record_taken_over(name, self._place_of(update)))
        elif mark is not None and mark.others_until is not None:
            _count_as_changed(update)
            warned = mark_of_another_run(name, mark.others_name, mark.others_until)
            update.warnings.append(warned)

    def _tell_not_closed(self, update: KeptUpdate, trouble: StoreUnavailable) -> None:
        update.mark = None
        if not self._keep:
            return
        _count_as_changed(update)
        update.warnings.append(
            record_not_closed(
                update.lists.campaign_name,
                self._marked_store.name,
                trouble.cause,
                trouble.advice,
                is_confirmed=update.came == CONFIRMED,
            )
        )

    # --- The store ---

    def _allow(self, updates: t.Sequence[KeptUpdate]) -> None:
        remaining = [update.deadline.remaining() for update in updates]
        self._marked_store.allow(min(remaining, default=0.0))

    def _unlock(self, updates: t.Sequence[KeptUpdate]) -> None:
        self._marked_store.unlock(update.key for update in updates)
        for update in updates:
            update.is_locked = False

    def _refuse(self, updates: t.Sequence[KeptUpdate], trouble: StoreUnavailable) -> None:
        for update in updates:
            update.refusal = self._out_of_reach(trouble)

    def _out_of_reach(self, trouble: StoreUnavailable) -> UpdateFailure:
        return out_of_reach(self._marked_store.name, trouble, "Nothing was sent.")


def out_of_reach(name: str, trouble: StoreUnavailable, done: str = "") -> UpdateFailure:
    """Return the failure of what needs a store that can't be used.

    Args:
        name: of the store.
        trouble: why it can't be used.
        done: a sentence that says what was done all the same.
    """
    message = store_out_of_reach(name, trouble.cause, done, trouble.advice)
    return StoreOutOfReach(RECORD_FAILED, message, leaves_lists_alone=True)


def _is_alone(update: KeptUpdate) -> bool:
    """Tell whether no other run may still send."""
    return update.mark is not None and update.mark.others_until is None


def _marked(update: KeptUpdate) -> Found:
    """Return what is in the record's place since the mark was left."""
    return Found(revision=update.mark.revision if update.mark else None)


def _together(earlier: Marked | None, later: Marked | None) -> Marked | None:
    """Return a mark that was renewed: what was found with the first one stays true."""
    if earlier is None or later is None or earlier.others_until is None:
        return later
    return later._replace(others_until=earlier.others_until, others_name=earlier.others_name)


def _count_as_changed(update: KeptUpdate) -> None:
    """Take back that the record was known to hold."""
    if update.basis == SAME:
        update.basis = UNCONFIRMED
