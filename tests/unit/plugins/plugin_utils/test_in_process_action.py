# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way a task takes, and the hand-over to the module; Ansible's parts are stand-ins."""

from __future__ import annotations

import sys
import typing as t
from unittest import mock

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils import _in_process_action
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._in_process_action import (
    InProcessAction,
)
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._in_process_module import (
    ArgumentSpec,
    InProcessModule,
)


class Action(InProcessAction):
    """Answers a greeting."""

    def argument_spec(self) -> ArgumentSpec:
        return {"name": {"type": "str", "required": True}}

    def run_module(self, module: InProcessModule) -> None:
        module.progress("half of the greeting")
        module.exit_json(greeting=f"Hello {module.params['name']}", check_mode=module.check_mode)


class Way(t.NamedTuple):
    """What came of a task."""

    result: dict[str, t.Any]
    shown: str
    executed: mock.Mock
    lines: list[str]


Take = t.Callable[..., Way]


@pytest.fixture(name="take")
def _take(monkeypatch: pytest.MonkeyPatch) -> Take:
    def take(variables: dict[str, t.Any] | None = None, **changes: t.Any) -> Way:
        task = mock.MagicMock(
            action="polite.words.greet",
            args={"name": "you"},
            check_mode=False,
            diff=False,
            async_val=changes.get("async_val", 0),
            environment=changes.get("environment", []),
            delegate_to=changes.get("delegate_to"),
            no_log=changes.get("no_log", False),
        )
        connection = mock.MagicMock(
            transport=changes.get("transport", "local"), become=changes.get("become")
        )
        connection._shell.tmpdir = "the temporary directory"
        templar = mock.MagicMock()
        templar.template.side_effect = lambda value: {} if value == "{{ {} }}" else value
        action = Action(task, connection, mock.MagicMock(), mock.MagicMock(), templar, None)
        execute = mock.MagicMock(return_value={"by": "module"})
        monkeypatch.setattr(action, "_execute_module", execute)
        monkeypatch.setattr(action, "_remove_tmp_path", execute.remove)
        display = mock.MagicMock()
        monkeypatch.setattr(_in_process_action, "display", display)
        result = action.run(None, {"inventory_hostname": "here", **(variables or {})})
        display.vv.assert_called_once_with(mock.ANY, host="here")
        lines = [call.args[0] for call in display.display.call_args_list]
        return Way(result, display.vv.call_args.args[0], execute, lines)

    return take


@pytest.mark.parametrize(
    ("changes", "variables"),
    [
        ({}, {}),
        ({"environment": [{}]}, {}),
        ({"environment": ["{{ {} }}"]}, {}),
        ({}, {"ansible_python_interpreter": sys.executable}),
        ({}, {"ansible_python_interpreter": "auto_silent"}),
        (
            {"delegate_to": "there"},
            {
                "ansible_python_interpreter": "/no/such/python",
                "ansible_delegated_vars": {"there": {"ansible_python_interpreter": "auto"}},
            },
        ),
    ],
)
def test_a_local_task_with_the_python_of_ansible_runs_in_process(
    take: Take, changes: dict[str, t.Any], variables: dict[str, t.Any]
) -> None:
    way = take(variables, **changes)
    assert way.result == {"greeting": "Hello you", "check_mode": False}
    assert way.shown == "polite.words.greet: in process"
    way.executed.assert_not_called()


@pytest.mark.parametrize(
    ("changes", "variables", "because"),
    [
        ({"transport": "ssh"}, {}, "its connection is ssh, not local"),
        ({"become": mock.MagicMock()}, {}, "it has become"),
        ({"environment": [{}, {"a": "b"}]}, {}, "it has an environment"),
        ({"async_val": 30}, {}, "it has async"),
        (
            {},
            {"ansible_python_interpreter": "/no/such/python"},
            "its Python is not Ansible's own but /no/such/python",
        ),
        (
            {"delegate_to": "there"},
            {"ansible_delegated_vars": {"there": {"ansible_python_interpreter": "/x/python"}}},
            "its Python is not Ansible's own but /x/python",
        ),
    ],
)
def test_a_task_that_cannot_run_in_process_runs_as_a_module(
    take: Take, changes: dict[str, t.Any], variables: dict[str, t.Any], because: str
) -> None:
    way = take(variables, **changes)
    assert way.result == {"by": "module"}
    assert way.shown == f"polite.words.greet: as a module, because {because}"
    way.executed.assert_called_once_with(
        task_vars={"inventory_hostname": "here", **variables},
        wrap_async=changes.get("async_val", 0),
    )
    # What runs on in the background still needs its directory.
    assert way.executed.remove.called is not ("async_val" in changes)


def test_a_task_runs_as_a_module_if_the_python_of_ansible_has_no_requests(
    take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_in_process_action, "REQUESTS_IMPORT_ERROR", "Traceback")
    way = take()
    assert way.result == {"by": "module"}
    assert (
        way.shown == "polite.words.greet: as a module, because Ansible's own Python has no requests"
    )


@pytest.mark.parametrize(
    ("no_log", "lines"), [(False, ["greet: half of the greeting"]), (True, [])]
)
def test_progress_is_one_line_with_the_short_name_of_the_module(
    take: Take, no_log: bool, lines: list[str]
) -> None:
    assert take(no_log=no_log).lines == lines
