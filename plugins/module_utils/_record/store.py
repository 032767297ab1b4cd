# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What the rest of the collection knows of the place where records are kept."""

from __future__ import annotations

import typing as t

from .record import Confirmation, Record


class Found(t.NamedTuple):
    """What is in the place of a record.

    Attributes:
        record: the record, or None when there is none that can be used.
        fault: why what is there can't be used; completes a sentence that begins with its place.
        may_be_trusted: a confirmation may be in what can't be used here, and be used by another
            version of the collection, by another user, or once the fault has passed.
        revision: by what the store knows this state again; nobody else looks into it.
    """

    record: Record | None = None
    fault: str | None = None
    may_be_trusted: bool = False
    revision: t.Any = None

    @property
    def is_in_the_way(self) -> bool:
        """Tell whether a later run may trust a confirmation that is there."""
        return self.may_be_trusted or (self.record is not None and self.record.confirmed)


class Change(t.NamedTuple):
    """A new state of one record.

    Attributes:
        key: the campaign's.
        endpoint: the campaign's.
        found: what was read; a store in which a lock can be lost writes only over that.
        confirmed: whether the newest confirmation holds from now on. Where it does not, nothing
            that is in the record's place can be trusted afterwards, whatever it is.
        confirmation: what was confirmed just now, if anything.
    """

    key: str
    endpoint: str
    found: Found
    confirmed: bool
    confirmation: Confirmation | None = None

    @property
    def removes(self) -> bool:
        """Tell whether what can't be used must be removed, because somebody else might trust it."""
        return self.found.fault is not None and self.confirmation is None


class Locks(t.NamedTuple):
    """The result of trying several locks: those in use are neither taken nor impossible.

    Attributes:
        obtained: the keys whose lock this run holds now.
        impossible: the keys for which there can be no lock, and why.
    """

    obtained: set[str]
    impossible: dict[str, str]


class Kept(t.NamedTuple):
    """A record as :meth:`Store.find` yields it.

    Attributes:
        key: the campaign's.
        record: what is known of it.
        confirmations: all that is kept, newest first, to be gone through once; read as they come.
    """

    key: str
    record: Record
    confirmations: t.Iterable[Confirmation]


class Unusable(t.NamedTuple):
    """What is in the place of a record, but is none that can be used."""

    key: str
    fault: str


class UnreadableStore(Exception):
    """The place itself can't be read.

    Attributes:
        reason: why; completes a sentence.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StoreUnavailable(Exception):
    """A place whose locks can be lost can't be used now.

    Attributes:
        cause: completes a sentence.
        advice: a sentence: what to do about it.
        may_pass: it may be worth trying again.
    """

    def __init__(self, cause: str, advice: str, may_pass: bool = False) -> None:
        super().__init__(cause)
        self.cause = cause
        self.advice = advice
        self.may_pass = may_pass


class Mark(t.NamedTuple):
    """What a run leaves in a record before it sends: nothing there is confirmed any more.

    Attributes:
        key: the campaign's.
        endpoint: the campaign's.
        names: the account's name and the campaign's, as they are sent.
        found: what was read, or for a mark that is made to last longer, what that one is known by.
        seconds: for how long the run may still begin to send.
    """

    key: str
    endpoint: str
    names: tuple[str, str]
    found: Found
    seconds: float


class Marked(t.NamedTuple):
    """A mark that was made.

    Attributes:
        revision: by what the store knows it again.
        others_until: until when the run of an earlier mark may still send (UTC, ISO 8601), or None.
        others_name: who that is, if that is known.
    """

    revision: t.Any
    others_until: str | None = None
    others_name: str | None = None


class Store(t.Protocol):
    """Where the records are kept; it takes several campaigns at a time.

    Attributes:
        name: the place, for messages; never with a password.
        locks_can_be_lost: another run may have the lock, and write, while this one believes to
            have it.
    """

    name: str
    locks_can_be_lost: bool

    def obstacle(self) -> str | None:
        """Return why nothing can be written here, or None; the question leaves no trace."""

    def place_of(self, key: str) -> str:
        """Return the place of a record, for messages."""

    def lock(self, keys: t.Sequence[str]) -> Locks:
        """Take the locks that can be had at once; it never waits."""

    def unlock(self, keys: t.Iterable[str]) -> None:
        """Let go of locks that this run holds."""

    def may_be_locked(self, key: str) -> bool:
        """Tell whether another run may hold the lock."""

    def holder_of(self, key: str) -> str | None:
        """Return who holds the lock, in words, or None when that is not known."""

    def read(self, keys: t.Iterable[str]) -> dict[str, Found]:
        """Return what is there, without histories; nothing that is there makes this fail."""

    def write(self, changes: t.Sequence[Change], durable: bool) -> dict[str, str]:
        """Write new states, and return the keys of those that failed, each with its reason.

        Args:
            changes: of campaigns whose locks this run holds, where there can be locks.
            durable: they must survive a loss of power once this returns.
        """

    def forget(self, keys: t.Sequence[str]) -> dict[str, str]:
        """Remove records with their histories for good, and return what failed, as for write."""

    def find(self) -> t.Iterator[Kept | Unusable]:
        """Yield all that is there, in no particular order.

        Raises:
            UnreadableStore: it is not known what is there.
        """


class MarkedStore(Store, t.Protocol):
    """A store whose locks can be lost, so that each run leaves a mark before it sends.

    Everything but ``place_of``, ``unlock`` and ``holder_of`` raises StoreUnavailable when the place
    can't be used. ``write`` names those whose revision is not the expected one any more.
    """

    def allow(self, seconds: float, patience: float | None = None) -> None:
        """Let all that is asked from now on take so many seconds together.

        Args:
            seconds: how many.
            patience: for how many of them an answer that got lost is asked for again; None for all.
        """

    def mark(self, marks: t.Sequence[Mark], by: str) -> dict[str, Marked]:
        """Leave marks that outlast a loss of power, and return those that were left.

        No mark is left where the revision is not the expected one any more.
        """

    def withdraw(self, keys: t.Sequence[str]) -> None:
        """Withdraw whatever confirmations are there."""
