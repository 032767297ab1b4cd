# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""From the options of the record to the store that keeps it."""

from __future__ import annotations

import functools
import os
import pwd
import typing as t

from ansible.module_utils.basic import missing_required_lib

from .._failure import InvalidInput
from .._http.clock import Clock
from .._options import RecordOptions, RecordPlace
from .engines.files import Files
from .keeping import Keeper
from .store import Store, StoreUnavailable

if t.TYPE_CHECKING:
    from .engines.postgresql.store import PostgreSql

PSYCOPG_URL = "https://www.psycopg.org/psycopg3/docs/basic/install.html"


def open_store(place: RecordPlace, writes: bool, seconds: float) -> Store | None:
    """Return the store in this place, or None when there is no place for one.

    Args:
        place: where.
        writes: records may be changed.
        seconds: how long all that is asked of a store on another machine may take together.

    Raises:
        UpdateFailure: the URL can't be used.
    """
    if place.url is not None:
        store = open_database(place.url, writes)
        store.allow(seconds)
        return store
    return None if place.directory is None else Files(place.directory)


def open_database(url: str, writes: bool) -> PostgreSql:
    """Return the store that the URL leads to.

    Raises:
        UpdateFailure: the URL can't be used.
    """
    # Only those who want it need the library.
    from .engines.postgresql.store import PostgreSql

    try:
        return PostgreSql(url, writes)
    except StoreUnavailable as fault:
        raise InvalidInput(f"{fault.cause}. {fault.advice}") from None


def prepare_module(module: t.Any, place: RecordPlace) -> None:
    """End the module where the library of the place is missing, and have the secrets masked.

    Raises:
        UpdateFailure: the URL can't be used.
    """
    if place.url is None:
        return
    from .engines.postgresql.connecting import PSYCOPG_IMPORT_ERROR

    module.hide(place.url)
    if PSYCOPG_IMPORT_ERROR is not None:
        msg = missing_required_lib("psycopg", reason="for record_url", url=PSYCOPG_URL)
        module.fail_json(msg=msg, exception=PSYCOPG_IMPORT_ERROR)
    password = open_database(place.url, writes=False).password
    if password:
        module.hide(password)


def new_keeper(options: RecordOptions, clock: Clock, check_mode: bool = False) -> Keeper:
    """Return what keeps the records of the updates of one task.

    Raises:
        UpdateFailure: the URL of the records can't be used.
    """
    keep, who, note = options.keep, applied_by(), options.note
    if options.url is not None:
        # A module compiles all that it imports, each time that it runs.
        from .marking import MarkingKeeper

        database = open_database(options.url, writes=not check_mode)
        return MarkingKeeper(database, keep, who, note, clock)
    directory = options.directory
    store = None if directory is None else Files(directory, makes_directory=keep)
    return Keeper(store, keep, who, note, clock)


@functools.lru_cache(maxsize=1)
def applied_by() -> str:
    """Return the user and the host, such as ``deploy@runner``; a user without a name as a number."""
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = str(os.geteuid())
    # A name may hold bytes that are no UTF-8.
    return f"{user}@{os.uname().nodename}".encode("utf-8", "replace").decode("utf-8")
