# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""A session of PostgreSQL, which holds locks, and whose statements end in time."""

from __future__ import annotations

import contextlib
import os
import secrets
import typing as t

from ...._http.watchdog import Guard, Watchdog, twin_of
from . import faults, schema, statements
from .connecting import Place, connect
from .schema import Part

# Where it is missing, the module ends with the words for that before anything is used here.
with contextlib.suppress(ImportError):
    from psycopg import Error

OLDEST_SERVER = 120000

Rows = t.List[t.Tuple[t.Any, ...]]

_WATCHDOG = Watchdog()


class Session:
    """A connection that one thread uses at a time; after any error it is not used again.

    Attributes:
        held: the keys whose locks it has.
        is_open: it can be used.
        has_tables: there are tables; those that only read make none.
    """

    def __init__(self, connection: t.Any) -> None:
        self.held: set[str] = set()
        self.is_open = True
        self.has_tables = True
        self._connection = connection
        self._twin = twin_of(connection.pgconn.socket)
        self._process = os.getpid()
        self._name = secrets.token_hex(16)

    @property
    def is_usable(self) -> bool:
        """Tell whether this process may use it."""
        return self.is_open and self._process == os.getpid()

    def execute(self, statement: str, seconds: float, /, **parameters: t.Any) -> Rows:
        """Return the rows of a statement.

        Args:
            statement: with the parameters in psycopg's form.
            seconds: how long it may take.

        Raises:
            StoreUnavailable: it failed, and the session has ended.
        """
        guard = Guard(seconds)
        try:
            with _WATCHDOG.watching(guard):
                guard.attach(self._twin)
                # Without parameters, % is no special character and several statements are one.
                given = {**parameters, "session": self._name} if "%(" in statement else None
                # To read also works through a pooler, which may know no prepared statements.
                prepare = None if "%(session)s" in statement else False
                cursor = self._connection.execute(statement, given, prepare=prepare)
                rows: Rows = cursor.fetchall() if cursor.description else []
                return rows
        except Error as error:
            self.close()
            raise faults.statement_fault(error, guard.expired) from None
        except BaseException:
            # What a signal has interrupted may still be executed.
            self.close()
            raise

    def execute_here(self, statement: str, seconds: float, /, **parameters: t.Any) -> Rows:
        """Do the same with a statement that checks the session, and leave out what it returns about that.

        Raises:
            StoreUnavailable: it failed, or another session has executed it.
        """
        rows = self.execute(statement, seconds, **parameters)
        found = [row for row in rows if row[0] is not None]
        if len(found) == len(rows):
            self.close()
            raise faults.pooler()
        return found

    def close(self) -> None:
        """End it, and with it its locks."""
        self.is_open = False
        self.held.clear()
        self._twin.close()
        # psycopg does not end what another process has opened.
        with contextlib.suppress(Exception):
            self._connection.close()


def open_session(url: str, place: Place, writes: bool, remaining: t.Callable[[], float]) -> Session:
    """Return a new session in which the tables can be used.

    Args:
        url: where to.
        place: what read_url says of it.
        writes: the tables are made if they are missing, and must be writable.
        remaining: tells how many seconds are left.

    Raises:
        StoreUnavailable: there is none.
    """
    session = Session(connect(url, place, writes, remaining()))
    try:
        role = _set_up(session, writes, remaining)
        _look_at_tables(session, role, writes, remaining)
    except BaseException:
        session.close()
        raise
    return session


def _set_up(session: Session, writes: bool, remaining: t.Callable[[], float]) -> str:
    """Check and prepare it, and return the name of its role."""
    _path, is_new, is_read_only, version, is_utf8, role = session.execute(
        statements.LOOK_AT_SESSION, remaining()
    )[0]
    if not is_new:
        raise faults.pooler()
    if version < OLDEST_SERVER:
        raise faults.too_old()
    if not is_utf8:
        raise faults.not_utf8()
    if writes and is_read_only:
        raise faults.replica()
    session.execute(statements.SET_UP_SESSION, remaining())
    return str(role)


def _look_at_tables(
    session: Session, role: str, writes: bool, remaining: t.Callable[[], float]
) -> None:
    parts = schema.read_parts(session.execute(schema.LOOK, remaining()))
    _check_owners(parts, role)
    if not all(parts[name].is_there for name in schema.TABLES):
        if not writes:
            session.has_tables = False
            return
        _create_tables(session, parts, role, remaining)
        parts = schema.read_parts(session.execute(schema.LOOK, remaining()))
        _check_owners(parts, role)
    tables = [parts[name] for name in schema.TABLES]
    if not parts["schema"].may_use or not all(table.may_use for table in tables):
        raise faults.may_not_use(role, "read")
    newest = session.execute(schema.READ_VERSION, remaining())[0][0]
    if newest is not None and newest > schema.VERSION:
        raise faults.newer()
    if writes and not (parts["campaigns"].may_write and parts["history"].may_write):
        raise faults.may_not_use(role, "write")


def _check_owners(parts: dict[str, Part], role: str) -> None:
    for name, part in parts.items():
        if part.owner is not None and not part.is_trusted:
            what = f"the schema {schema.SCHEMA}" if name == "schema" else f"{schema.SCHEMA}.{name}"
            raise faults.foreign_owner(role, what, part.owner)


def _create_tables(
    session: Session, parts: dict[str, Part], role: str, remaining: t.Callable[[], float]
) -> None:
    """Make what is missing, in one transaction."""
    place = parts["schema"] if parts["schema"].is_there else parts["database"]
    if not place.may_write:
        raise faults.may_not_create(role)
    made = [] if parts["schema"].is_there else [schema.CREATE_SCHEMA]
    session.execute(";\n".join([schema.LOCK_CREATION, *made, schema.CREATE_TABLES]), remaining())
