# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name in process, where that is possible."""

from __future__ import annotations

from ..module_utils._bulk.options import bulk_argument_spec
from ..module_utils._bulk.run import run_bulk
from ..plugin_utils._in_process_action import InProcessAction
from ..plugin_utils._in_process_module import ArgumentSpec, InProcessModule


class ActionModule(InProcessAction):
    """Update the lists of many campaigns."""

    def argument_spec(self) -> ArgumentSpec:
        """Return the options of the module."""
        return bulk_argument_spec()

    def run_module(self, module: InProcessModule) -> None:
        """Update the lists of many campaigns."""
        run_bulk(module)
