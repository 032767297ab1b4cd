# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What went wrong with PostgreSQL, in our own words, with the next step.

No text of a library or of the server is shown. What refuses a connection has no code, only a text,
so that known texts are looked for in it; servers that speak another language get a general message.
"""

from __future__ import annotations

import typing as t
from functools import partial

from ...store import StoreUnavailable
from .schema import SCHEMA

_SEE_GUIDE = "The SQL for it is in the collection's guide to the record in PostgreSQL."
_LOOK_AT_SERVER = "Check record_url, and that the server runs and can be reached from here."


class ConnectionLost(StoreUnavailable):
    """The connection broke, so that it is not known whether the last statement was executed."""


class LocksExhausted(StoreUnavailable):
    """There is no room for as many locks as were wanted."""


def not_in_time() -> StoreUnavailable:
    """Return the fault of a server that does not answer."""
    return StoreUnavailable(*_NOT_IN_TIME)


def lost(timed_out: bool) -> ConnectionLost:
    """Return the fault of a connection that broke, or that was broken at the end of the time."""
    cause = (
        "PostgreSQL did not answer in time" if timed_out else "the connection to PostgreSQL broke"
    )
    return ConnectionLost(cause, _LOOK_AT_SERVER, may_pass=True)


def not_a_url() -> StoreUnavailable:
    """Return the fault of a URL that libpq does not understand."""
    return StoreUnavailable(
        "record_url is not a connection URI that PostgreSQL's client library understands",
        "Write it as postgresql://user@host:5432/database, with %-escapes for special characters, "
        "and with parameters that this version of the library knows. A service that it names has "
        "to be in the service file.",
    )


def connection_fault(error: t.Any) -> StoreUnavailable:
    """Return why there is no connection.

    Args:
        error: psycopg's OperationalError.
    """
    text = str(error)
    for parts, (cause, advice, may_pass) in _REFUSALS:
        if all(part in text for part in parts):
            return StoreUnavailable(cause, advice, may_pass)
    pgconn = getattr(error, "pgconn", None)
    if pgconn is not None and pgconn.needs_password:
        return StoreUnavailable(*_NO_PASSWORD)
    if pgconn is not None and pgconn.used_password:
        # Trying again and again might lock the role.
        return StoreUnavailable(
            "PostgreSQL refused the connection",
            "Check the role, its password and the database that record_url names; the server's log "
            "has the reason.",
        )
    return StoreUnavailable("PostgreSQL can't be reached", _LOOK_AT_SERVER, may_pass=True)


def statement_fault(error: t.Any, timed_out: bool) -> StoreUnavailable:
    """Return why a statement failed.

    Args:
        error: psycopg's error.
        timed_out: the connection was shut down at the end of the time.
    """
    code = error.sqlstate
    # Class 08 and the ends of a session: https://www.postgresql.org/docs/current/errcodes-appendix.html
    if (
        timed_out
        or code is None
        or code[:2] == "08"
        or code in ("57P01", "57P02", "57P03", "57P05")
    ):
        return lost(timed_out)
    if code == "53200":
        return LocksExhausted(*_CODES[code])
    if code in _CODES:
        return StoreUnavailable(*_CODES[code])
    return StoreUnavailable(
        f"PostgreSQL reported error {code}", "The server's log has its text.", code[:2] == "40"
    )


_NO_PASSWORD = (
    "PostgreSQL asks for a password, and none was given",
    "Give it with PGPASSWORD, PGPASSFILE or a service file where the update runs.",
    False,
)
_WRONG_PASSWORD = (
    "PostgreSQL did not accept the role with this password",
    "Check both; repeated attempts may lock the role.",
    False,
)
_NO_ROLE = (
    "PostgreSQL has no such role, or it may not log in",
    "Check the user in record_url, or have the role created. " + _SEE_GUIDE,
    False,
)
_NO_DATABASE = (
    "there is no such database",
    "Check the database in record_url, or have it created. " + _SEE_GUIDE,
    False,
)
_NOT_ALLOWED = (
    "PostgreSQL does not allow this host, role and database together with this kind of connection",
    "Look at the server's pg_hba.conf, and at sslmode in record_url.",
    False,
)
_NO_CONNECT = (
    "the role may not connect to this database",
    "Have CONNECT granted to it. " + _SEE_GUIDE,
    False,
)
_FULL = (
    "PostgreSQL has no room for another connection",
    "Use fewer runs at a time, or have max_connections raised.",
    True,
)
_NOT_VERIFIED = (
    "the certificate of PostgreSQL could not be verified",
    "In record_url, name the file of its authority with sslrootcert, and the host as it is named there.",
    False,
)
_NO_ROOT_FILE = (
    "the file with the authorities that PostgreSQL's certificate is verified with can't be read",
    "Name an existing file with sslrootcert in record_url, or sslrootcert=system.",
    False,
)
_NO_TLS = (
    "PostgreSQL does not speak TLS there, and record_url asks for it",
    "Check host and port. Only where the network itself can be trusted, change sslmode.",
    False,
)
_READ_ONLY = (
    "the server accepts no writes: it is a replica, or read-only",
    "Name the primary server in record_url; several hosts can be given with commas.",
    False,
)
_POOLER = (
    (
        "a connection pooler changes the session between two statements (its mode is transaction or "
        "statement), and locks don't work there"
    ),
    "Name PostgreSQL itself in record_url, or a pool of the pooler in session mode.",
    False,
)
_NOT_IN_TIME = ("PostgreSQL did not answer in time", _LOOK_AT_SERVER, True)
_STARTING = ("PostgreSQL is starting up or shutting down", "Run it again in a moment.", True)

# The parts of the texts of libpq and of the server (in its sources: postinit.c, auth.c, crypt.c,
# fe-connect.c, fe-secure-openssl.c), in which names come in between.
_REFUSALS: list[tuple[tuple[str, ...], tuple[str, str, bool]]] = [
    (("no password supplied",), _NO_PASSWORD),
    (("password authentication failed",), _WRONG_PASSWORD),
    (("no pg_hba.conf entry",), _NOT_ALLOWED),
    (("pg_hba.conf rejects",), _NOT_ALLOWED),
    (('role "', "does not exist"), _NO_ROLE),
    (("is not permitted to log in",), _NO_ROLE),
    (('database "', "does not exist"), _NO_DATABASE),
    (("permission denied for database",), _NO_CONNECT),
    (("too many clients already",), _FULL),
    (("remaining connection slots",), _FULL),
    (("too many connections for",), _FULL),
    (("certificate verify failed",), _NOT_VERIFIED),
    (("does not match host name",), _NOT_VERIFIED),
    (("root certificate file",), _NO_ROOT_FILE),
    (("could not read root certificate",), _NO_ROOT_FILE),
    (("does not support SSL",), _NO_TLS),
    (("session is read-only",), _READ_ONLY),
    (("is in hot standby mode",), _READ_ONLY),
    (("the database system is",), _STARTING),
    # libpq and psycopg wait by themselves, as long as we do.
    (("timeout expired",), _NOT_IN_TIME),
]

_CODES = {
    "25006": _READ_ONLY,
    # A prepared statement of another session is there, or its own is not.
    "26000": _POOLER,
    "42P05": _POOLER,
    "42501": (
        f"the role may not read or write the tables in the schema {SCHEMA}",
        "Have the rights granted to it. " + _SEE_GUIDE,
        False,
    ),
    "42P01": (
        f"a table in the schema {SCHEMA} is missing",
        "Have all of them created. " + _SEE_GUIDE,
        False,
    ),
    "42703": (
        f"a column of the tables in the schema {SCHEMA} is missing",
        "Have the tables created anew. " + _SEE_GUIDE,
        False,
    ),
    "53100": ("the disk of PostgreSQL is full", "Free some space there.", False),
    "53200": (
        "PostgreSQL has no memory left for another lock",
        "Lower concurrency, or have max_locks_per_transaction raised.",
        True,
    ),
}

replica = partial(StoreUnavailable, *_READ_ONLY)
pooler = partial(StoreUnavailable, *_POOLER)
too_old = partial(StoreUnavailable, "this PostgreSQL is older than version 12", "Use a newer one.")
not_utf8 = partial(
    StoreUnavailable,
    "the encoding of this database is not UTF8",
    "Have a database with ENCODING 'UTF8' created.",
)
newer = partial(
    StoreUnavailable,
    "the tables were made by a newer version of the collection, and may mean something else",
    "Update the collection here.",
)


def may_not_create(role: str) -> StoreUnavailable:
    """Return the fault of a role that finds no tables and can't make them."""
    return StoreUnavailable(
        f"the tables in the schema {SCHEMA} do not exist yet, and the role {role} may not create them",
        "Have them created, or have CREATE on the database granted to it. " + _SEE_GUIDE,
    )


def may_not_use(role: str, what: str) -> StoreUnavailable:
    """Return the fault of a role that lacks the right to do this, such as ``write``."""
    return StoreUnavailable(
        f"the role {role} may not {what} the tables in the schema {SCHEMA}",
        "Have the rights granted to it. " + _SEE_GUIDE,
    )


def foreign_owner(role: str, name: str, owner: str) -> StoreUnavailable:
    """Return the fault of a table whose owner might have code executed as this role."""
    return StoreUnavailable(
        f"{name} in PostgreSQL belongs to the role {owner}, whose triggers would be executed with the "
        f"rights of {role}",
        f"Use the role {owner}, or make {role} a member of it, or have a role named {SCHEMA} own the "
        "schema and its tables. " + _SEE_GUIDE,
    )
