# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The last-applied record around one update: from before it until what came of it is known.

No run may ever find a confirmation of lists that are not the server's. So the confirmation is
withdrawn before other lists are sent, and a new one is written after the server confirmed them. A
crash in between leaves none. Lists that are equal to the confirmed ones can be sent without that:
whatever comes of the request, the server has these lists afterwards.
"""

from __future__ import annotations

import contextlib
import typing as t
from datetime import datetime, timezone

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import (
    RECORD_FAILED,
    UpdateFailure,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import (
    Clock,
    Deadline,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import (
    Campaign,
    Connection,
    RecordOptions,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record import (
    SAME,
    UNAVAILABLE,
    Confirmation,
    Lists,
    basis_of,
    record_name,
    with_confirmation,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record_messages import (
    record_in_the_way,
    record_locked,
    record_not_settled,
    record_not_withdrawn,
    record_not_written,
    record_unusable,
    store_unavailable,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record_store import (
    Found,
    LockedElsewhere,
    RecordStore,
    reason_of,
)

NOT_WRITABLE = "the directory can't be written to"

Warn = t.Callable[[str], None]


class RecordedUpdate(t.NamedTuple):
    """The update that a record is opened for."""

    connection: Connection
    campaign: Campaign
    deadline: Deadline
    clock: Clock
    check_mode: bool

    @property
    def lists(self) -> Lists:
        """Return what is sent, in the record's terms."""
        return Lists(
            self.connection.username,
            self.campaign.name,
            self.campaign.dynamic.numbers,
            self.campaign.fallback.numbers,
        )


class OpenRecord:
    """No record at all: there is nothing to compare with, and nothing is kept.

    Attributes:
        basis: what ``changed`` rests on.
        last: the lists that the server last confirmed, or None when none are known.
    """

    basis: str = UNAVAILABLE
    last: Confirmation | None = None

    def withdraw(self) -> None:
        """See to it that no run trusts the record while other lists are sent.

        Raises:
            UpdateFailure: that is not possible, so nothing may be sent.
        """

    def confirm(self) -> None:
        """Keep what the server confirmed."""

    def may_retry(self) -> bool:
        """Tell whether the same lists may be sent once more, as far as the record goes."""
        return True

    def settle(self, leaves_lists_alone: bool, may_wait: bool = True) -> None:
        """Put the confirmation back after a failed update, or see to it that there is none.

        Args:
            leaves_lists_alone: it is certain that the server still has the lists it had before.
            may_wait: there is time to wait for a lock.
        """


class _LockedRecord(OpenRecord):
    """The record of a campaign whose lock this process holds."""

    def __init__(
        self, store: RecordStore, found: Found, update: RecordedUpdate, keep: bool, warn: Warn
    ) -> None:
        self._store = store
        self._found = found
        self._update = update
        self._keep = keep
        self._warn = warn
        if keep:
            self.basis = basis_of(found.record, update.connection.endpoint, update.lists)
            self.last = found.record.last if found.record else None

    def withdraw(self) -> None:
        if self.basis == SAME:
            return
        try:
            self._withdraw()
        except OSError as error:
            if _may_be_trusted(self._found):
                raise _failure(record_in_the_way(self._store.path, reason_of(error))) from None

    def confirm(self) -> None:
        if not self._keep or self.basis == SAME:
            return
        endpoint = self._update.connection.endpoint
        confirmation = Confirmation(_utc(self._update.clock.now()), self._update.lists)
        try:
            self._store.write(with_confirmation(self._found.record, endpoint, confirmation))
        except OSError as error:
            self._warn(record_not_written(self._store.path, reason_of(error)))

    def settle(self, leaves_lists_alone: bool, may_wait: bool = True) -> None:
        was_withdrawn = self.basis != SAME
        try:
            if leaves_lists_alone and was_withdrawn:
                self._put_back()
            elif not leaves_lists_alone and not was_withdrawn:
                self._withdraw()
        except OSError as error:
            self._warn(record_not_settled(self._store.path, reason_of(error)))

    def _withdraw(self) -> None:
        record = self._found.record
        if self._found.fault is not None:
            self._store.remove()
        elif record is None or not record.confirmed:
            # A run may have been killed before what it withdrew was certain to last.
            if not self._store.is_new:
                self._store.sync()
        else:
            try:
                self._store.write(record._replace(confirmed=False))
            except OSError:
                # Removing it takes no space on the disk.
                self._store.remove()

    def _put_back(self) -> None:
        record = self._found.record
        if record is not None and record.confirmed:
            self._store.write(record)


class _UnlockedRecord(OpenRecord):
    """The record of a campaign whose lock can't be had, so that another run may write it.

    So before each further attempt, and after the last one, the lock is tried again, to withdraw
    what another run may have confirmed meanwhile.
    """

    def __init__(
        self, store: RecordStore, update: RecordedUpdate, held: contextlib.ExitStack, warn: Warn
    ) -> None:
        self._store = store
        self._update = update
        self._held = held
        self._warn = warn
        self._locked: _LockedRecord | None = None

    def confirm(self) -> None:
        self.settle(leaves_lists_alone=False)

    def may_retry(self) -> bool:
        try:
            self._withdraw(self._update)
        except UpdateFailure:
            return False
        return True

    def settle(self, leaves_lists_alone: bool, may_wait: bool = True) -> None:
        if self._locked is not None:
            self._locked.settle(leaves_lists_alone)
        elif not leaves_lists_alone:
            self._withdraw_after_the_fact(may_wait)

    def _withdraw_after_the_fact(self, may_wait: bool) -> None:
        update = self._update
        if not may_wait:
            update = update._replace(deadline=Deadline(update.clock, 0.0))
        try:
            obstacle = self._withdraw(update)
        except UpdateFailure:
            obstacle = "it is locked, or can't be written to"
        if obstacle is not None and self._store.may_be_locked_elsewhere():
            name, path = update.campaign.name, self._store.path
            self._warn(record_not_withdrawn(name, path, obstacle))

    def _withdraw(self, update: RecordedUpdate) -> str | None:
        """Withdraw what is confirmed, and return why another run may still confirm more, if so.

        Raises:
            UpdateFailure: it can't be withdrawn, or another run has the lock.
        """
        if self._locked is not None:
            return None
        obstacle = _lock(self._held, self._store, update)
        found = self._store.read()
        if obstacle is not None:
            _remove_what_may_be_trusted(self._store, found, update)
            # Whoever sends other lists withdraws these first.
            return None if _holds_for(found, update) else obstacle
        self._locked = _LockedRecord(self._store, found, update, keep=False, warn=self._warn)
        self._locked.withdraw()
        return None


@contextlib.contextmanager
def open_record(
    options: RecordOptions, update: RecordedUpdate, warn: Warn
) -> t.Iterator[OpenRecord]:
    """Hold the campaign's record, and its lock except in check mode, inside of the context.

    Raises:
        UpdateFailure: the lock was not free in time, or there is a confirmation in the way.
    """
    if options.directory is None:
        if options.keep:
            warn(store_unavailable(None, "there is no home directory"))
        yield OpenRecord()
        return
    store = RecordStore(
        options.directory,
        record_name(update.connection.endpoint, update.connection.username, update.campaign.name),
        makes_directory=options.keep,
    )
    with contextlib.ExitStack() as held:
        obstacle = _lock(held, store, update)
        found = store.read()
        if obstacle is not None:
            _remove_what_may_be_trusted(store, found, update)
            if options.keep:
                warn(store_unavailable(options.directory, obstacle))
            yield _UnlockedRecord(store, update, held, warn)
            return
        if found.fault is not None and options.keep:
            warn(record_unusable(store.path, found.fault))
        yield _LockedRecord(store, found, update, options.keep, warn)


def _lock(held: contextlib.ExitStack, store: RecordStore, update: RecordedUpdate) -> str | None:
    """Take the lock, and return why there can be none, if so; check mode takes none."""
    if not store.is_writable():
        return NOT_WRITABLE
    if update.check_mode:
        return None
    try:
        held.enter_context(store.locked(update.deadline, update.clock))
    except OSError as error:
        return reason_of(error)
    except LockedElsewhere as error:
        message = record_locked(
            update.campaign.name, store.path, error.holder, update.connection.timeout
        )
        raise _failure(message) from None
    return None


def _remove_what_may_be_trusted(store: RecordStore, found: Found, update: RecordedUpdate) -> None:
    """Leave no confirmation of other lists where no record can be written."""
    if _holds_for(found, update):
        return
    if _may_be_trusted(found):
        if update.check_mode:
            raise _failure(record_in_the_way(store.path, NOT_WRITABLE))
        try:
            store.remove()
        except OSError as error:
            raise _failure(record_in_the_way(store.path, reason_of(error))) from None
    elif not update.check_mode:
        with contextlib.suppress(OSError):
            store.sync()


def _holds_for(found: Found, update: RecordedUpdate) -> bool:
    """Tell whether the lists that are sent are the confirmed ones."""
    return basis_of(found.record, update.connection.endpoint, update.lists) == SAME


def _may_be_trusted(found: Found) -> bool:
    return found.may_be_trusted or (found.record is not None and found.record.confirmed)


def _failure(message: str) -> UpdateFailure:
    return UpdateFailure(RECORD_FAILED, message)


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
