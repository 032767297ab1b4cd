# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin has the options of the module, and runs the same code."""

from __future__ import annotations

from unittest import mock

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.action import (
    ozonetel_dynamic_dids_bulk as action_plugin,
)
from ansible_collections.ozonetel.cloudagent.plugins.modules import (
    ozonetel_dynamic_dids_bulk as module,
)


@pytest.fixture(name="action")
def _action() -> action_plugin.ActionModule:
    parts = [mock.MagicMock() for _part in range(6)]
    return action_plugin.ActionModule(*parts)


def test_the_options_are_the_module_s(
    action: action_plugin.ActionModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = mock.MagicMock()
    monkeypatch.setattr(module, "CloudAgentModule", made)
    monkeypatch.setattr(module, "run_bulk", mock.MagicMock())
    module.main()
    arguments = dict(made.call_args.kwargs)
    assert arguments.pop("argument_spec") == action.argument_spec()
    # A rule for several options would have to be added to the stand-in for AnsibleModule.
    assert arguments == {"supports_check_mode": True}


def test_the_code_is_the_module_s(action: action_plugin.ActionModule) -> None:
    given = mock.MagicMock()
    with mock.patch.object(action_plugin, "run_bulk") as run:
        action.run_module(given)
    run.assert_called_once_with(given)
    assert vars(action_plugin)["run_bulk"] is vars(module)["run_bulk"]
