# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module itself: with no options, with every default of the group, and without requests."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines.files import Files
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines.lines import (
    confirmation_line,
    header_line,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import (
    Confirmation,
    Lists,
    record_key,
)
from ansible_collections.ozonetel.cloudagent.plugins.modules import ozonetel_dynamic_dids_record
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    GROUP_OPTIONS,
    RunModule,
    module_runner,
    run_python,
)

ENDPOINT = "https://cc.partner.example"
KEY = record_key(ENDPOINT, "acme", "Sales")
LISTS = Lists("acme", "Sales", ["9140001001"], ["9140002001"])
CONFIRMATION = Confirmation(LISTS, "2027-01-15T08:00:00Z", "deploy@runner", "job 7")
CAMPAIGN = {
    "endpoint": ENDPOINT,
    "username": "acme",
    "campaign_name": "Sales",
    "confirmed": True,
    "applied_at": "2027-01-15T08:00:00Z",
    "applied_by": "deploy@runner",
    "note": "job 7",
    "dynamic_dids": ["9140001001"],
    "fallback_dynamic_dids": ["9140002001"],
}


@pytest.fixture(name="run_module")
def _run_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> RunModule:
    # The account of the environment is no filter.
    monkeypatch.setenv("OZONETEL_USERNAME", "globex")
    monkeypatch.setenv("OZONETEL_RECORD_DIR", str(tmp_path))
    monkeypatch.setenv("OZONETEL_RECORD_NOTE", "x" * 500)
    content = header_line(ENDPOINT) + confirmation_line(CONFIRMATION)
    (tmp_path / f"{KEY}.record").write_bytes(content)
    return module_runner(ozonetel_dynamic_dids_record.main, monkeypatch, capsys)


def confirmed(directory: pathlib.Path) -> bool | None:
    """Tell whether a run would trust the record; None when there is none."""
    record = Files(str(directory)).read([KEY])[KEY].record
    return record.confirmed if record else None


def test_without_options_the_missing_state_is_named(run_module: RunModule) -> None:
    result = run_module()
    assert (result["failed"], result["msg"]) == (True, "missing required arguments: state")


@pytest.mark.parametrize(
    "options", [{}, GROUP_OPTIONS], ids=["no options", "defaults of the group"]
)
@pytest.mark.parametrize("state", ["unconfirmed", "absent"])
def test_all_records_are_changed_only_with_all_true(
    run_module: RunModule, tmp_path: pathlib.Path, state: str, options: dict[str, t.Any]
) -> None:
    refused = run_module(state=state, **options)
    assert refused["failure"]["reason"] == "invalid_input"
    assert "all: true" in refused["msg"]
    assert confirmed(tmp_path) is True
    result = run_module(state=state, all=True, **options)
    assert (result["changed"], result["campaigns"]) == (True, [CAMPAIGN])
    assert result["msg"] == f"1 record is now {state}."
    assert confirmed(tmp_path) is {"unconfirmed": False, "absent": None}[state]
    assert run_module(state=state, all=True, **options)["changed"] is False


@pytest.mark.parametrize("did", ["9140002001", 9140002001])
def test_did_withdraws_only_campaigns_that_hold_this_number(
    run_module: RunModule, tmp_path: pathlib.Path, did: str | int
) -> None:
    assert run_module(state="unconfirmed", did="9140001002")["changed"] is False
    assert confirmed(tmp_path) is True
    assert run_module(state="unconfirmed", did=did)["campaigns"] == [CAMPAIGN]
    assert confirmed(tmp_path) is False


def test_check_mode_shows_a_diff_and_keeps_the_record(
    run_module: RunModule, tmp_path: pathlib.Path
) -> None:
    options = {"campaign_name": "Sales", "_ansible_check_mode": True, "_ansible_diff": True}
    result = run_module(state="absent", **options)
    assert (result["changed"], result["campaigns"]) == (True, [CAMPAIGN])
    assert result["msg"] == "1 record would be absent."
    assert f'campaign "Sales" of acme at {ENDPOINT}' in result["diff"]["before"]
    assert result["diff"]["after"] == ""
    assert [path.name for path in tmp_path.iterdir()] == [f"{KEY}.record"]


WITHOUT_REQUESTS = """
import json, sys

sys.modules["requests"] = None
from ansible.module_utils import basic
from ansible_collections.ozonetel.cloudagent.plugins.modules import ozonetel_dynamic_dids_record

options = {"state": "unconfirmed", "all": True, "record_dir": sys.argv[1]}
basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
basic._ANSIBLE_PROFILE = "legacy"
ozonetel_dynamic_dids_record.main()
"""


@pytest.mark.usefixtures("run_module")
def test_the_module_works_without_requests(tmp_path: pathlib.Path) -> None:
    printed = run_python(WITHOUT_REQUESTS, str(tmp_path)).stdout
    assert json.loads(printed)["msg"] == "1 record is now unconfirmed."
    assert confirmed(tmp_path) is False
