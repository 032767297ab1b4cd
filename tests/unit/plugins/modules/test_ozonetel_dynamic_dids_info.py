# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module itself: with no options, with every default of the group, and without requests."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines.lines import (
    confirmation_line,
    header_line,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import (
    Confirmation,
    Lists,
)
from ansible_collections.ozonetel.cloudagent.plugins.modules import ozonetel_dynamic_dids_info
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    GROUP_OPTIONS,
    RunModule,
    module_runner,
    run_python,
)

LISTS = Lists("acme", "Sales", ["9140001001"], ["9140002001"])
CONFIRMATION = Confirmation(LISTS, "2027-01-15T08:00:00Z", "deploy@runner", "job 7")
RECORD = header_line("https://cc.partner.example") + confirmation_line(CONFIRMATION)

GROUP = {**GROUP_OPTIONS, "timeout": -1}

APPLIED = {
    "applied_at": "2027-01-15T08:00:00Z",
    "applied_by": "deploy@runner",
    "note": "job 7",
    "dynamic_dids": ["9140001001"],
    "fallback_dynamic_dids": ["9140002001"],
}
CAMPAIGN = {
    "endpoint": "https://cc.partner.example",
    "username": "acme",
    "campaign_name": "Sales",
    "confirmed": True,
    **APPLIED,
    "history": [APPLIED],
}


@pytest.fixture(name="run_module")
def _run_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> RunModule:
    # The account of the environment is no filter.
    monkeypatch.setenv("OZONETEL_USERNAME", "globex")
    monkeypatch.setenv("OZONETEL_RECORD_DIR", str(tmp_path))
    monkeypatch.setenv("OZONETEL_RECORD_NOTE", "x" * 500)
    (tmp_path / ("0" * 32 + ".record")).write_bytes(RECORD)

    return module_runner(ozonetel_dynamic_dids_info.main, monkeypatch, capsys)


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("options", [{}, GROUP], ids=["no options", "defaults of the group"])
def test_records_are_shown_whatever_the_defaults_of_the_group(
    run_module: RunModule, options: dict[str, t.Any], check_mode: bool
) -> None:
    result = run_module(_ansible_check_mode=check_mode, **options)
    assert result["changed"] is False
    assert result["campaigns"] == [CAMPAIGN]


@pytest.mark.parametrize("did", ["9140002001", 9140002001])
def test_did_shows_only_campaigns_that_hold_this_number(
    run_module: RunModule, did: str | int
) -> None:
    result = run_module(did=did, history_limit=0)
    assert result["campaigns"] == [
        {**CAMPAIGN, "history": [], "found_in": ["fallback_dynamic_dids"]}
    ]
    assert run_module(did="9140001002")["campaigns"] == []


def test_an_unusable_option_fails_with_invalid_input(run_module: RunModule) -> None:
    result = run_module(record_dir="")
    assert result["failed"] is True
    assert result["failure"]["reason"] == "invalid_input"
    assert (
        result["msg"]
        == "record_dir is empty. Give the absolute path of a directory, or leave it out."
    )


WITHOUT_REQUESTS = """
import sys

sys.modules["requests"] = None
import ansible_collections.ozonetel.cloudagent.plugins.modules.ozonetel_dynamic_dids_info
print(sorted(name for name in sys.modules if name.endswith(("_http.session", "_http.client"))))
"""


def test_the_module_imports_neither_requests_nor_the_http_helper() -> None:
    assert run_python(WITHOUT_REQUESTS).stdout == "[]\n"
