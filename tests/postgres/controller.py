# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the modules in this process, as controllers that share a database."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _run
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.run import run_bulk
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.client import HttpClient
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.session import SessionCache
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.watchdog import Watchdog
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record_modules.changes import (
    change_records,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record_modules.info import (
    show_records,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    HANG_SECONDS,
    Ended,
    ModuleDouble,
    bulk_module,
)

A: dict[str, t.Any] = {"dynamic_dids": ["111"], "fallback_dynamic_dids": ["333"]}
B: dict[str, t.Any] = {"dynamic_dids": ["222"], "fallback_dynamic_dids": ["333"]}

Result = t.Dict[str, t.Any]

_numbers = itertools.count(1)


class Controller:
    """A controller of its own, which keeps nothing at home.

    Attributes:
        module: the one that ran last, with its warnings.
    """

    def __init__(self, url: str, database: str) -> None:
        # Sessions are kept by their URLs, so that each controller has one of its own.
        database += f"&application_name=controller{next(_numbers)}"
        self._options = {"api_url": url, "record_url": database, "timeout": HANG_SECONDS}
        self._client = HttpClient(SessionCache(), Watchdog())
        self.module = ModuleDouble()

    def update(self, check_mode: bool = False, diff: bool = False, **options: t.Any) -> Result:
        """Update one campaign."""
        module = ModuleDouble(check_mode, diff, **{**self._options, **options})
        return self._run(module, lambda: _run.run(module, self._client))

    def update_all(self, campaigns: object, check_mode: bool = False, **options: t.Any) -> Result:
        """Update many campaigns."""
        module = bulk_module(campaigns, **{**self._options, **options})
        module.check_mode = check_mode
        return self._run(module, lambda: run_bulk(module, self._client))

    def show(self, **options: t.Any) -> Result:
        """Return what the info module shows."""
        module = self._module_about_records(
            **{"history_limit": 10, "as_update": False, "before": None, **options}
        )
        return self._run(module, lambda: show_records(module))

    def change(self, state: str, check_mode: bool = False, **options: t.Any) -> Result:
        """Change records by hand."""
        module = self._module_about_records(**{"state": state, "all": True, **options})
        module.check_mode = check_mode
        return self._run(module, lambda: change_records(module))

    def _module_about_records(self, **options: t.Any) -> ModuleDouble:
        filters = dict.fromkeys(("username", "campaign_name", "did", "api_url"))
        return ModuleDouble(**{**self._options, **filters, **options})

    def _run(self, module: ModuleDouble, run: t.Callable[[], None]) -> Result:
        self.module = module
        with pytest.raises(Ended):
            run()
        return module.result
