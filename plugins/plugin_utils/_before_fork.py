# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What Ansible's main process loads once, so that forked workers need not."""

from __future__ import annotations

import contextlib

# Masking imports it for a key with other characters than letters and digits.
import html.entities  # noqa: F401  # pylint: disable=unused-import
import os
import typing as t

from ..module_utils._http.authorities import default_authorities, shared_context
from ..module_utils._http.session import REQUESTS_IMPORT_ERROR
from ..module_utils._options import AUTHORITIES_VARIABLES, RECORD_URL_VARIABLE


def load_before_fork(environment: t.Mapping[str, str]) -> None:
    """Load what most tasks with this environment need.

    The authorities that a task trusts unless it names others take as long as for one host without
    it, about 30 milliseconds, and each host saves that.
    """
    if environment.get(RECORD_URL_VARIABLE):
        # With the library of PostgreSQL, if there is one; a module that uses them imports them itself.
        from ..module_utils._record import marking as _marking  # noqa: F401
        from ..module_utils._record.engines.postgresql import store as _store  # noqa: F401
    if REQUESTS_IMPORT_ERROR is not None:
        return
    if environment.get("OZONETEL_API_URL", "").startswith("http://"):
        return
    named = (environment[name] for name in AUTHORITIES_VARIABLES if environment.get(name))
    path = next(named, None) or default_authorities()
    # A task that needs them tells what is wrong with them.
    with contextlib.suppress(OSError):
        if not os.path.isdir(path):
            shared_context(path)
