# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module itself: it ends well with no options at all, and with those that it needs."""

from __future__ import annotations

import json
import pathlib
import typing as t
from importlib.util import find_spec

import pytest
import responses

from ansible_collections.ozonetel.cloudagent.plugins.modules import ozonetel_dynamic_dids
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    RunModule,
    module_runner,
)

LISTS = {
    "campaign_name": "Sales",
    "dynamic_dids": "9140001001",
    "fallback_dynamic_dids": ["9140002001"],
}


@pytest.fixture(name="run_module")
def _run_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> RunModule:
    monkeypatch.setenv("OZONETEL_RECORD_DIR", str(tmp_path / "records"))
    return module_runner(ozonetel_dynamic_dids.main, monkeypatch, capsys)


def test_without_options_the_missing_ones_are_named_with_a_hint(run_module: RunModule) -> None:
    result = run_module()
    assert result["failed"] is True
    assert result["msg"].startswith(
        "missing required arguments: api_key, campaign_name, dynamic_dids, fallback_dynamic_dids, "
        "username. Set them in the task or in module_defaults, or set OZONETEL_API_KEY and "
        "OZONETEL_USERNAME in the environment of the host and user that run the update."
    )
    assert "{{ lookup('ansible.builtin.env', 'OZONETEL_API_KEY') }}" in result["msg"]


def test_other_missing_options_keep_the_message_of_ansible(run_module: RunModule) -> None:
    options = {name: value for name, value in LISTS.items() if name != "campaign_name"}
    assert run_module(username="acme", api_key="a-key", **options)["msg"] == (
        "missing required arguments: campaign_name"
    )


def test_account_and_url_are_read_from_the_environment(
    run_module: RunModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OZONETEL_USERNAME", "acme")
    monkeypatch.setenv("OZONETEL_API_KEY", "key-of-the-environment")
    monkeypatch.setenv("OZONETEL_API_URL", "https://cc.partner.example/prefix/")
    url = "https://cc.partner.example/prefix/APIServices/dynamic/did/update"
    with responses.RequestsMock() as mock:
        mock.post(url, json={"Message": "Dynamic DIDs updated successfully"})
        result = run_module(**LISTS)
        sent = json.loads(t.cast(bytes, mock.calls[0].request.body))
    assert (sent["username"], sent["apiKey"]) == ("acme", "key-of-the-environment")
    assert result["changed"] is True
    assert result["endpoint"] == "https://cc.partner.example/prefix"
    if find_spec("ansible.module_utils.secrets"):
        # From ansible-core 2.22 on, the module tells the controller what to mask.
        assert result.pop("_ansible_new_secrets") == ["key-of-the-environment"]
    assert "key-of-the-environment" not in json.dumps(result)


@pytest.mark.parametrize("value", [9140001001, "9140001001", ["9140001001"], [9140001001]])
def test_every_accepted_form_of_a_list_passes_the_checks_of_ansible(
    value: object, run_module: RunModule
) -> None:
    options = {**LISTS, "dynamic_dids": value, "_ansible_check_mode": True}
    result = run_module(username="acme", api_key="a-key", **options)
    assert result["dynamic_dids"] == ["9140001001"]


@pytest.mark.parametrize("value", [None, True, 9140001001.0, {"a": 1}, [[1]], "", []])
def test_an_unusable_list_is_refused_by_our_own_check(value: object, run_module: RunModule) -> None:
    result = run_module(username="acme", api_key="a-key", **{**LISTS, "dynamic_dids": value})
    assert result["failure"]["reason"] == "invalid_input"
    assert result["msg"].startswith("dynamic_dids")
