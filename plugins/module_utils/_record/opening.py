# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""From the options of the record to the store that keeps it."""

from __future__ import annotations

import functools
import os
import pwd

from .._http.clock import Clock
from .._options import RecordOptions
from .engines.files import Files
from .keeping import Keeper
from .store import Store


def open_store(directory: str | None, makes_directory: bool = True) -> Store | None:
    """Return the store in this directory, or None when there is no place for one."""
    return None if directory is None else Files(directory, makes_directory)


def new_keeper(options: RecordOptions, clock: Clock) -> Keeper:
    """Return what keeps the records of the updates of one task."""
    store = open_store(options.directory, makes_directory=options.keep)
    return Keeper(store, options.keep, applied_by(), options.note, clock)


@functools.lru_cache(maxsize=1)
def applied_by() -> str:
    """Return the user and the host, such as ``deploy@runner``; a user without a name as a number."""
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = str(os.geteuid())
    return f"{user}@{os.uname().nodename}"
