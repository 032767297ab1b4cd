# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hint for an account that was not given, through the real AnsibleModule."""

from __future__ import annotations

import json
import types
import typing as t
from importlib.util import find_spec

import pytest
from ansible.module_utils import basic

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _module
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._module import (
    CloudAgentModule,
    with_account_hint,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import (
    api_argument_spec,
    campaign_argument_spec,
)

GIVEN = {
    "username": "acme",
    "api_key": "s3cret-key",
    "campaign_name": "Sales",
    "dynamic_dids": "9140001001",
    "fallback_dynamic_dids": "9140002001",
}


class StartModule(t.Protocol):
    """Starts the module with these arguments."""

    def __call__(self, arguments: dict[str, t.Any]) -> CloudAgentModule:
        """Return the module, or end as it does."""


@pytest.fixture(name="start")
def _start(monkeypatch: pytest.MonkeyPatch) -> StartModule:
    def start(arguments: dict[str, t.Any]) -> CloudAgentModule:
        payload = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode("utf-8")
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", payload)
        # From ansible-core 2.19 on, a module is told the form of its input and output: see
        # _ANSIBLE_PROFILE in ansible/module_utils/basic.py.
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        return CloudAgentModule({**api_argument_spec(), **campaign_argument_spec()})

    return start


def without(*names: str) -> dict[str, t.Any]:
    return {name: value for name, value in GIVEN.items() if name not in names}


def failure(arguments: dict[str, t.Any], start: StartModule, output: t.Any) -> str:
    """Return the message with which the module ends at once."""
    with pytest.raises(SystemExit) as ended:
        start(arguments)
    assert ended.value.code == 1
    result = json.loads(output.readouterr().out)
    assert result["failed"] is True
    return str(result["msg"])


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (
            ["username"],
            "missing required arguments: username. Set it in the task or in module_defaults, or "
            "set OZONETEL_USERNAME in the environment of the host and user that run the update. "
            "To take it from the controller's environment, give "
            "\"{{ lookup('ansible.builtin.env', 'OZONETEL_USERNAME') }}\".",
        ),
        (
            ["api_key"],
            "missing required arguments: api_key. Set it in the task or in module_defaults, or "
            "set OZONETEL_API_KEY in the environment of the host and user that run the update. "
            "To take it from the controller's environment, give "
            "\"{{ lookup('ansible.builtin.env', 'OZONETEL_API_KEY') }}\".",
        ),
        (["campaign_name"], "missing required arguments: campaign_name"),
        (
            ["dynamic_dids", "fallback_dynamic_dids"],
            "missing required arguments: dynamic_dids, fallback_dynamic_dids",
        ),
    ],
)
def test_a_missing_account_option_gets_a_hint_and_others_do_not(
    start: StartModule,
    capsys: pytest.CaptureFixture[str],
    missing: list[str],
    message: str,
) -> None:
    assert failure(without(*missing), start, capsys) == message


@pytest.mark.parametrize("also_missing", [[], ["campaign_name"]])
def test_a_missing_account_gets_a_hint_for_both_options(
    start: StartModule, capsys: pytest.CaptureFixture[str], also_missing: list[str]
) -> None:
    message = failure(without("username", "api_key", *also_missing), start, capsys)
    assert message.startswith("missing required arguments: api_key, ")
    for part in (
        "set OZONETEL_API_KEY and OZONETEL_USERNAME in the environment of the host and user",
        "lookup('ansible.builtin.env', 'OZONETEL_API_KEY')",
    ):
        assert part in message


def test_other_messages_of_ansible_are_unchanged(
    start: StartModule, capsys: pytest.CaptureFixture[str]
) -> None:
    message = failure({**GIVEN, "region": "nowhere"}, start, capsys)
    assert message == "value of region must be one of: domestic, international, got: nowhere"


def test_fail_json_keeps_message_and_values_with_the_key_masked(
    start: StartModule, capsys: pytest.CaptureFixture[str]
) -> None:
    # A key of its own, as Ansible tells of each secret once in a process.
    key = "key-of-a-failure"
    module = start({**GIVEN, "api_key": key})
    with pytest.raises(SystemExit):
        module.fail_json(msg=f"It failed with {key}.", failure={"reason": "timed_out"})
    result = json.loads(capsys.readouterr().out)
    assert result["failure"] == {"reason": "timed_out"}
    if find_spec("ansible.module_utils.secrets"):
        # From ansible-core 2.22 on, the module tells the controller what to mask when it is shown.
        assert result.pop("_ansible_new_secrets") == [key]
        assert result.pop("msg") == f"It failed with {key}."
    else:
        assert result["msg"] == "It failed with ********."
    result.pop("invocation", None)
    assert key not in repr(result)


@pytest.mark.parametrize(
    ("msg", "has_hint"),
    [
        ("missing required arguments: username", True),
        ("missing required arguments: campaign_name, username", True),
        ("missing required arguments: username_of_another", False),
        ("missing required arguments: campaign_name", False),
        ("one of the following is required: username", False),
        ("Unsupported parameters for this module: colour, username", False),
        ("The account is missing required arguments: username", False),
        ("", False),
    ],
)
def test_only_the_message_about_a_missing_account_gets_the_hint(msg: str, has_hint: bool) -> None:
    hinted = with_account_hint(msg)
    assert hinted.startswith(msg)
    assert (hinted != msg) is has_hint


@pytest.mark.parametrize("has_registry", [True, False])
def test_a_hidden_secret_is_told_to_what_masks_it(
    monkeypatch: pytest.MonkeyPatch, has_registry: bool
) -> None:
    registered: list[str] = []
    registry = registered.extend if has_registry else None
    monkeypatch.setattr(_module, "register_secrets", registry)
    module: t.Any = types.SimpleNamespace(no_log_values=set())
    _module.CloudAgentModule.hide(module, "a password")
    assert (registered, module.no_log_values) == (
        (["a password"], set()) if has_registry else ([], {"a password"})
    )
