# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module for many campaigns: what passes through Ansible's own checks of its options."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.modules import ozonetel_dynamic_dids_bulk
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    RunModule,
    module_runner,
)

ACCOUNT = {"username": "acme", "api_key": "a-key"}
ENTRY = {
    "campaign_name": "Sales",
    "dynamic_dids": "9140001001",
    "fallback_dynamic_dids": ["9140002001"],
}


@pytest.fixture(name="run_module")
def _run_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> RunModule:
    monkeypatch.setenv("OZONETEL_RECORD_DIR", str(tmp_path / "records"))
    return module_runner(ozonetel_dynamic_dids_bulk.main, monkeypatch, capsys)


def test_without_options_the_missing_ones_are_named(run_module: RunModule) -> None:
    msg = run_module()["msg"]
    assert msg.startswith("missing required arguments: api_key, campaigns, username. Set them in")


@pytest.mark.parametrize("missing", sorted(ENTRY))
def test_a_missing_option_of_a_campaign_is_named_with_its_position(
    missing: str, run_module: RunModule
) -> None:
    incomplete = {name: value for name, value in ENTRY.items() if name != missing}
    result = run_module(**ACCOUNT, campaigns=[ENTRY, ENTRY, incomplete, incomplete])
    assert result["failed"] is True
    assert result["msg"] == (
        f"missing required arguments: {missing} found in campaigns: look at item 3."
    )


@pytest.mark.parametrize("value", [9140001001, "9140001001", ["9140001001"], [9140001001]])
def test_every_accepted_form_of_a_list_passes_the_checks_of_ansible(
    value: object, run_module: RunModule
) -> None:
    entry = {**ENTRY, "dynamic_dids": value}
    result = run_module(**ACCOUNT, campaigns=[entry], _ansible_check_mode=True, _ansible_diff=True)
    assert "dynamic_dids:\n  9140001001\n" in result["diff"][0]["after"]
    assert result["summary"]["changed"] == 1


@pytest.mark.parametrize("value", [True, 9140001001.0, {"a": 1}, [[1]], "", []])
def test_an_unusable_list_is_refused_by_our_own_check(value: object, run_module: RunModule) -> None:
    result = run_module(**ACCOUNT, campaigns=[{**ENTRY, "dynamic_dids": value}])
    assert result["failure"]["reason"] == "invalid_input"
    assert result["msg"].startswith('campaigns, item 1 (campaign "Sales"): dynamic_dids')
    assert result["results"] == []


def test_a_campaign_name_of_null_is_refused(run_module: RunModule) -> None:
    result = run_module(**ACCOUNT, campaigns=[{**ENTRY, "campaign_name": None}])
    assert result["failed"] is True
    assert "campaign_name" in result["msg"]


def test_an_unknown_column_is_named_and_refused(run_module: RunModule) -> None:
    result = run_module(**ACCOUNT, campaigns=[{**ENTRY, "remark": "old"}])
    assert "campaigns.remark" in result["msg"]
