# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Records in PostgreSQL, for the runs of several machines.

A session may end at any time, and then its locks are free; what is right does not depend on them.
One thread uses it at a time.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import secrets
import threading
import time
import typing as t

from ...record import DAMAGED, Confirmation, Record, checked_confirmation
from ...store import (
    Change,
    Found,
    Kept,
    Locks,
    Mark,
    Marked,
    StoreUnavailable,
    Unusable,
)
from . import faults, statements
from .connecting import read_url
from .schema import SCHEMA
from .session import Rows, Session, open_session

# Also a statement that has no time left gets some, so that a server that answers is asked once more.
SHORTEST_SECONDS = 0.5
READ_AT_ONCE = 1000
PAUSE_SECONDS = 0.25

_CHANGED_MEANWHILE = "another run has written it meanwhile"
_MAY_BE_SENT = (
    "a run that was interrupted may still send an update of this campaign; it is over at the end of "
    "that run's timeout at the latest"
)


class Revision(t.NamedTuple):
    """By what a state of a row is known again.

    Attributes:
        token: is new with each write.
        is_mark: this run has left it.
    """

    token: int
    is_mark: bool = False


# Of this process: they are kept from one item of a loop to the next.
_sessions: dict[tuple[str, bool], Session] = {}


class PostgreSql:
    """The tables that a URL leads to."""

    locks_can_be_lost = True

    def __init__(self, url: str, writes: bool) -> None:
        """Connect to nothing yet.

        Args:
            url: a connection URI.
            writes: make the tables if they are missing, and use no server that refuses writes.

        Raises:
            StoreUnavailable: libpq does not understand the URL.
        """
        self._url = url
        self._writes = writes
        self._place = read_url(url)
        self.name = self._place.words
        self.password = self._place.password
        self._end = self._patience_ends = 0.0
        self._turn = threading.Lock()
        # None: as many as are wanted.
        self._most_locks: int | None = None

    def allow(self, seconds: float, patience: float | None = None) -> None:
        """Let all that is asked from now on take so many seconds together.

        Args:
            seconds: how many.
            patience: for how many of them an answer that got lost is asked for again.
        """
        now = time.monotonic()
        self._end = now + seconds
        self._patience_ends = now + min(seconds, seconds if patience is None else patience)

    def obstacle(self) -> str | None:
        """Return None: whatever stands in the way is told when it is met."""
        return None

    def place_of(self, key: str) -> str:
        """Return the place of a record, for messages."""
        return f"{key} in {self.name}"

    # --- Locks ---

    def lock(self, keys: t.Sequence[str]) -> Locks:
        """Take the locks that can be had at once, by one statement; the others are not waited for."""
        with self._my_turn():
            session = self._session()
            new = [key for key in keys if key not in session.held]
            if self._most_locks is not None:
                new = new[: max(0, self._most_locks - len(session.held))]
            session = self._try_locks(session, new)
            return Locks(session.held.intersection(keys), {})

    def _try_locks(self, session: Session, keys: list[str]) -> Session:
        try:
            rows = session.execute(statements.LOCK, self._remaining(), **_locks(keys))
        except faults.LocksExhausted:
            self._most_locks = max(1, (len(session.held) + len(keys)) // 2)
            raise
        if any(obtained is None for _key, obtained in rows):
            session.close()
            raise faults.pooler()
        session.held.update(key for key, obtained in rows if obtained)
        return session

    def unlock(self, keys: t.Iterable[str]) -> None:
        """Let go of locks; those of a session that has ended are free in any case."""
        wanted = set(keys)
        with contextlib.suppress(StoreUnavailable), self._my_turn():
            session = _sessions.get((self._url, self._writes))
            if session is None or not session.is_usable or not session.held & wanted:
                return
            mine = sorted(session.held & wanted)
            rows = session.execute(statements.UNLOCK, self._remaining(), **_locks(mine))
            session.held.difference_update(mine)
            if any(done is None for _key, done in rows):
                session.close()

    def may_be_locked(self, _key: str) -> bool:
        """Return True: other machines may be at work."""
        return True

    def holder_of(self, key: str) -> str | None:
        """Return who holds the lock, in words, or None when that is not known."""
        with contextlib.suppress(StoreUnavailable):
            holders = self._read_rows(statements.HOLDER, lock=_lock_number(key))
            senders = self._read_rows(statements.SENDER, key=bytes.fromhex(key))
            return _holder(holders[0] if holders else None, senders[0] if senders else None)
        return None

    # --- Reading ---

    def read(self, keys: t.Iterable[str]) -> dict[str, Found]:
        """Return what is there, without histories."""
        wanted = list(keys)
        found = {key: Found() for key in wanted}
        for key, token, *record in self._read_rows(statements.READ, keys=_binary(wanted)):
            found[key] = _found(record, Revision(token))
        return found

    def find(self) -> t.Iterator[Kept | Unusable]:
        """Yield all records; histories are read only when somebody looks at them."""
        after = b""
        while True:
            rows = self._read_rows(statements.READ_ALL, after=after, count=READ_AT_ONCE)
            histories = _Histories(self, [row[0] for row in rows])
            for key, token, *record in rows:
                found = _found(record, Revision(token))
                if found.record is not None:
                    yield Kept(key, found.record, histories.of(key))
                elif found.fault is not None:
                    yield Unusable(key, found.fault)
            if len(rows) < READ_AT_ONCE:
                return
            after = bytes.fromhex(rows[-1][0])

    def read_histories(self, keys: t.Sequence[str]) -> dict[str, list[Confirmation]]:
        """Return the confirmations of campaigns, newest first."""
        rows = self._read_rows(statements.READ_HISTORY, keys=_binary(keys))
        grouped = itertools.groupby(rows, key=lambda row: t.cast(str, row[0]))
        return {key: list(_usable(row[1:] for row in found)) for key, found in grouped}

    # --- Writing ---

    def mark(self, marks: t.Sequence[Mark], by: str) -> dict[str, Marked]:
        """Leave marks, and return those that were left; a lost answer is asked for again."""
        tokens = {mark.key: _new_token() for mark in marks}
        revisions = [mark.found.revision for mark in marks]
        with self._my_turn():
            try:
                rows = self._session().execute_here(
                    statements.MARK,
                    self._remaining(),
                    keys=_binary(tokens),
                    endpoints=[mark.endpoint for mark in marks],
                    usernames=[mark.names[0] for mark in marks],
                    campaign_names=[mark.names[1] for mark in marks],
                    seen=[revision and revision.token for revision in revisions],
                    renews=[bool(revision and revision.is_mark) for revision in revisions],
                    tokens=list(tokens.values()),
                    seconds=[mark.seconds for mark in marks],
                    by=by,
                )
            except faults.ConnectionLost:
                rows = self._read_back(tokens)
        return {
            key: Marked(Revision(tokens[key], is_mark=True), until, name)
            for key, until, name in rows
        }

    def write(self, changes: t.Sequence[Change], durable: bool) -> dict[str, str]:
        """Write new states over those that are expected; the keys of the others are returned."""
        known = [change for change in changes if change.found.revision is not None]
        tokens = {change.key: _new_token() for change in known}
        with self._my_turn():
            written = self._write(known, tokens, durable) if known else set()
        return {key: _CHANGED_MEANWHILE for key in tokens if key not in written}

    def _write(self, changes: list[Change], tokens: dict[str, int], durable: bool) -> set[str]:
        try:
            return self._write_once(changes, tokens, durable)
        except faults.ConnectionLost:
            written = {row[0] for row in self._read_back(tokens)}
            left = [change for change in changes if change.key not in written]
            # With the same tokens, so that it is right if the first one is executed after all.
            return written | self._write_once(left, tokens, durable) if left else written

    def _write_once(self, changes: list[Change], tokens: dict[str, int], durable: bool) -> set[str]:
        """Write, and let go of the locks of those whose marks this ends; that saves a statement."""
        session = self._session()
        through = {c.key for c in changes if c.found.revision.is_mark} & session.held
        rows = session.execute_here(
            statements.WRITE,
            self._remaining(),
            **_states(changes, tokens),
            locks=[_lock_number(c.key) if c.key in through else None for c in changes],
            durable=durable,
        )
        session.held.difference_update(through)
        return {row[0] for row in rows}

    def withdraw(self, keys: t.Sequence[str]) -> None:
        """Withdraw whatever confirmations are there, so that nobody's mark is known again."""
        tokens = {key: _new_token() for key in keys}
        with self._my_turn():
            self._session().execute_here(
                statements.WITHDRAW,
                self._remaining(),
                keys=_binary(tokens),
                tokens=list(tokens.values()),
            )

    def forget(self, keys: t.Sequence[str]) -> dict[str, str]:
        """Remove records with their histories, but for those that somebody may still send."""
        with self._my_turn():
            kept = self._session().execute_here(
                statements.FORGET, self._remaining(), keys=_binary(keys)
            )
        return {key: _MAY_BE_SENT for (key,) in kept}

    def _read_back(self, tokens: dict[str, int]) -> Rows:
        """Return the rows of those that were written although the answer got lost.

        Raises:
            StoreUnavailable: that is not known.
        """
        while True:
            try:
                rows = self._session().execute(
                    statements.READ_MARKS, self._remaining(), keys=_binary(tokens)
                )
            except StoreUnavailable as fault:
                if not fault.may_pass or time.monotonic() + PAUSE_SECONDS >= self._patience_ends:
                    raise
                time.sleep(PAUSE_SECONDS)
                continue
            return [(key, *others) for key, token, *others in rows if token == tokens[key]]

    # --- The session ---

    def _read_rows(self, statement: str, **parameters: t.Any) -> Rows:
        """Return the rows of a statement that only reads, where there are tables.

        Nothing is known of a session that was kept; so a lost one is replaced once.
        """
        with self._my_turn():
            for is_last in (False, True):
                session = self._session()
                if not session.has_tables:
                    return []
                try:
                    return session.execute(statement, self._remaining(), **parameters)
                except faults.ConnectionLost:
                    if is_last or not self._has_time():
                        raise
        raise AssertionError

    def _session(self) -> Session:
        key = (self._url, self._writes)
        session = _sessions.get(key)
        if session is None or not session.is_usable or not session.has_tables:
            session = open_session(self._url, self._place, self._writes, self._remaining)
            _sessions[key] = session
        return session

    @contextlib.contextmanager
    def _my_turn(self) -> t.Iterator[None]:
        """Keep other threads away: those of a task that was interrupted finish by themselves."""
        if not self._turn.acquire(timeout=self._remaining()):
            raise faults.not_in_time()
        try:
            yield
        finally:
            self._turn.release()

    def _has_time(self) -> bool:
        return time.monotonic() < self._end

    def _remaining(self) -> float:
        return max(self._end - time.monotonic(), SHORTEST_SECONDS)


class _Histories:
    """The histories of some campaigns, which are read together once one of them is wanted."""

    def __init__(self, store: PostgreSql, keys: list[str]) -> None:
        self._store = store
        self._keys = keys
        self._read: dict[str, list[Confirmation]] | None = None

    def of(self, key: str) -> t.Iterator[Confirmation]:
        """Yield the confirmations of a campaign, newest first."""
        if self._read is None:
            self._read = self._store.read_histories(self._keys)
        yield from self._read.get(key, [])


def _new_token() -> int:
    """Return a number that nobody had before."""
    return secrets.randbits(64) - 2**63


def _binary(keys: t.Iterable[str]) -> list[bytes]:
    return [bytes.fromhex(key) for key in keys]


def _locks(keys: list[str]) -> dict[str, t.Any]:
    return {"keys": keys, "locks": [_lock_number(key) for key in keys]}


def _lock_number(key: str) -> int:
    digest = hashlib.sha256(f"{SCHEMA} {key}".encode("ascii")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _found(columns: t.Sequence[t.Any], revision: Revision) -> Found:
    """Return what a row says; one that only has marks is no record."""
    endpoint, confirmed, *confirmation = columns
    _username, _campaign_name, *applied = confirmation
    if all(value is None for value in applied):
        return Found(revision=revision)
    try:
        record = Record(endpoint, confirmed, checked_confirmation(*confirmation))
    except TypeError:
        # A person can write what the columns take: nulls, arrays of arrays, a time without an end.
        return Found(fault=DAMAGED, revision=revision)
    return Found(record, revision=revision)


def _usable(rows: t.Iterable[t.Sequence[t.Any]]) -> t.Iterator[Confirmation]:
    for row in rows:
        with contextlib.suppress(TypeError):
            yield checked_confirmation(*row)


def _states(changes: list[Change], tokens: dict[str, int]) -> dict[str, t.Any]:
    """Return the parameters of the statement that writes."""
    new = [change.confirmation for change in changes]
    lists = [confirmation and confirmation.lists for confirmation in new]
    return {
        "keys": _binary(change.key for change in changes),
        "seen": [change.found.revision.token for change in changes],
        "closes": [change.found.revision.is_mark for change in changes],
        "tokens": [tokens[change.key] for change in changes],
        "endpoints": [change.endpoint for change in changes],
        "confirmed": [change.confirmed for change in changes],
        "confirms": [confirmation is not None for confirmation in new],
        "usernames": [pair and pair.username for pair in lists],
        "campaign_names": [pair and pair.campaign_name for pair in lists],
        # PostgreSQL has no arrays of arrays that differ in length.
        "dids": [pair and ",".join(pair.dynamic_dids) for pair in lists],
        "fallback_dids": [pair and ",".join(pair.fallback_dynamic_dids) for pair in lists],
        "applied_by": [confirmation and confirmation.applied_by for confirmation in new],
        "notes": [confirmation and confirmation.note for confirmation in new],
    }


def _holder(session: t.Sequence[str] | None, sender: t.Sequence[str] | None) -> str | None:
    parts = []
    if sender is not None:
        parts.append(f"of {sender[0]}, sending since {sender[1]}")
    if session is not None:
        began = f", connected since {session[1]}" if session[1] else ""
        parts.append(f"{session[0]}{began}")
    return "; ".join(parts) or None
