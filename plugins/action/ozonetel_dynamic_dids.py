# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name in process, where that is possible."""

from __future__ import annotations

from ..module_utils._options import update_argument_spec
from ..module_utils._run import run
from ..plugin_utils._in_process_action import InProcessAction
from ..plugin_utils._in_process_module import ArgumentSpec, InProcessModule


class ActionModule(InProcessAction):
    """Update the lists of one campaign."""

    def argument_spec(self) -> ArgumentSpec:
        """Return the options of the module."""
        return update_argument_spec()

    def run_module(self, module: InProcessModule) -> None:
        """Update the lists of one campaign."""
        run(module)
