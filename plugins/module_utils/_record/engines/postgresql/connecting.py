# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Connecting to PostgreSQL within a number of seconds."""

from __future__ import annotations

import math
import os
import queue
import threading
import traceback
import typing as t

from ...._http.threads import NoThread, start_daemon
from ...store import StoreUnavailable
from .faults import connection_fault, not_a_url, not_in_time

# It is optional, and its import fails also where libpq is missing.
try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict
except ImportError:
    PSYCOPG_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    PSYCOPG_IMPORT_ERROR = None

# libpq accepts no less: https://www.postgresql.org/docs/current/libpq-connect.html
SHORTEST_CONNECT_SECONDS = 2
LONGEST_NAME_BYTES = 63


class Place(t.NamedTuple):
    """What a URL says without its secrets.

    Attributes:
        words: for messages.
        password: to be masked, or None.
        parameters: of libpq, as the URL gives them.
    """

    words: str
    password: str | None
    parameters: dict[str, t.Any]


def read_url(url: str) -> Place:
    """Return what the URL says.

    Raises:
        StoreUnavailable: libpq does not understand it.
    """
    try:
        parameters = conninfo_to_dict(url)
    except psycopg.Error:
        raise not_a_url() from None
    database = parameters.get("dbname") or parameters.get("user")
    host = parameters.get("host") or parameters.get("hostaddr")
    words = f"database {database}" if database else "the database"
    if parameters.get("service"):
        words += f" of the service {parameters['service']}"
    elif host:
        words += f" on {host}"
    password = parameters.get("password")
    return Place(f"PostgreSQL ({words})", None if password is None else str(password), parameters)


def connect(url: str, place: Place, writes: bool, seconds: float) -> t.Any:
    """Return a new connection of psycopg, each of whose statements is a transaction.

    Args:
        url: where to.
        place: what read_url says of it.
        writes: a server that refuses writes is not the right one.
        seconds: how long it may take; looking names up has no end of its own.

    Raises:
        StoreUnavailable: there is none.
    """
    parameters = _parameters(place, writes, seconds)
    attempt = _Attempt(url, parameters)
    try:
        start_daemon("cloudagent postgresql", attempt.run)
        return attempt.wait(seconds)
    except NoThread:
        raise StoreUnavailable(
            "the system starts no further thread", "Raise the limit of processes.", may_pass=True
        ) from None
    finally:
        attempt.abandon()


def _parameters(place: Place, writes: bool, seconds: float) -> dict[str, t.Any]:
    """Return what the connection needs, and what the URL leaves open."""
    chosen = {**place.parameters}
    shortest = max(SHORTEST_CONNECT_SECONDS, math.ceil(seconds))
    # A forked process must not use Kerberos on macOS.
    defaults = [("gssencmode", "PGGSSENCMODE", "disable"), ("connect_timeout", None, str(shortest))]
    if writes:
        defaults.append(("target_session_attrs", "PGTARGETSESSIONATTRS", "read-write"))
    has_service = bool(chosen.get("service") or os.environ.get("PGSERVICE"))
    wanted = {
        name: value
        for name, variable, value in defaults
        if name not in chosen and not has_service and not os.environ.get(variable or "")
    }
    return {**wanted, "application_name": _application_name(), "client_encoding": "utf8"}


def _application_name() -> str:
    """Return what other sessions see of this one; longer names would be cut."""
    name = f"process {os.getpid()} on host {os.uname().nodename}"
    return name.encode("ascii", "replace")[:LONGEST_NAME_BYTES].decode("ascii")


class _Attempt:
    """A thread that connects, for somebody who may not wait until it is through."""

    def __init__(self, url: str, parameters: dict[str, t.Any]) -> None:
        self._url = url
        self._parameters = parameters
        self._found: queue.SimpleQueue[t.Any] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_abandoned = False
        self._connection: t.Any = None

    def run(self) -> None:
        """Connect."""
        try:
            connection = psycopg.connect(self._url, autocommit=True, **self._parameters)
        except Exception as error:  # noqa: BLE001  # It is judged where it is waited for.
            self._found.put(error)
            return
        with self._lock:
            if not self._is_abandoned:
                self._connection = connection
                self._found.put(None)
                return
        connection.close()

    def wait(self, seconds: float) -> t.Any:
        """Return the connection."""
        try:
            error = self._found.get(timeout=seconds)
        except queue.Empty:
            raise not_in_time() from None
        if isinstance(error, psycopg.OperationalError):
            raise connection_fault(error) from None
        if isinstance(error, psycopg.Error):
            raise not_a_url() from None
        if error is not None:
            raise error
        connection, self._connection = self._connection, None
        return connection

    def abandon(self) -> None:
        """Have the connection closed, if nobody took it."""
        with self._lock:
            self._is_abandoned = True
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
