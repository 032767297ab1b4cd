# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each action plugin has the options of its module, and runs the same code."""

from __future__ import annotations

import typing as t
from unittest import mock

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.action import (
    ozonetel_dynamic_dids as action_for_one,
)
from ansible_collections.ozonetel.cloudagent.plugins.action import (
    ozonetel_dynamic_dids_bulk as action_for_many,
)
from ansible_collections.ozonetel.cloudagent.plugins.modules import (
    ozonetel_dynamic_dids as module_for_one,
)
from ansible_collections.ozonetel.cloudagent.plugins.modules import (
    ozonetel_dynamic_dids_bulk as module_for_many,
)

# The action plugin, the module, and the name of the code that both run.
each_pair = pytest.mark.parametrize(
    ("action_plugin", "module", "code"),
    [
        pytest.param(action_for_one, module_for_one, "run", id="one campaign"),
        pytest.param(action_for_many, module_for_many, "run_bulk", id="many campaigns"),
    ],
)


def made(action_plugin: t.Any) -> t.Any:
    """Return the action plugin, with stand-ins for what Ansible gives it."""
    return action_plugin.ActionModule(*(mock.MagicMock() for _part in range(6)))


@each_pair
def test_an_action_plugin_has_the_options_of_its_module(
    action_plugin: t.Any, module: t.Any, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ansible_module = mock.MagicMock()
    monkeypatch.setattr(module, "CloudAgentModule", ansible_module)
    monkeypatch.setattr(module, code, mock.MagicMock())
    module.main()
    arguments = dict(ansible_module.call_args.kwargs)
    assert arguments.pop("argument_spec") == made(action_plugin).argument_spec()
    # A rule for several options would have to be added to the stand-in for AnsibleModule.
    assert arguments == {"supports_check_mode": True}


@each_pair
def test_an_action_plugin_runs_the_code_of_its_module(
    action_plugin: t.Any, module: t.Any, code: str
) -> None:
    given = mock.MagicMock()
    with mock.patch.object(action_plugin, code) as run:
        made(action_plugin).run_module(given)
    run.assert_called_once_with(given)
    assert vars(action_plugin)[code] is vars(module)[code]
