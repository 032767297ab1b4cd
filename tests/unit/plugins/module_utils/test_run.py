# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options to result, whole results compared; the server is a mock."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
import responses

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _run
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.client import HttpClient
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    API_KEY,
    NO_ANSWER,
    Ended,
    ModuleDouble,
    new_client,
)

URL = "https://in1-ccaas-api.ozonetel.com/APIServices/dynamic/did/update"
LISTS = {
    "campaign_name": "Sales",
    "dynamic_dids": ["9140001001", "9140001002"],
    "fallback_dynamic_dids": ["9140002001"],
    "endpoint": "https://in1-ccaas-api.ozonetel.com",
}


def run(module: ModuleDouble, *messages: str, status: int = 200) -> list[t.Any]:
    """Run against answers with these messages and return the bodies that were sent."""
    with responses.RequestsMock() as mock:
        for message in messages:
            mock.post(URL, json={"Message": message}, status=status)
        with pytest.raises(Ended):
            _run.run(module, new_client())
        return [json.loads(call.request.body or b"") for call in mock.calls]


def test_a_confirmed_update_returns_the_whole_result() -> None:
    module = ModuleDouble()
    assert run(module, "Dynamic DIDs updated successfully") == [
        {
            "username": "acme",
            "campaignName": "Sales",
            "apiKey": API_KEY,
            "dynamicDIDs": "9140001001,9140001002",
            "fallbackDynamicDIDs": "9140002001",
        }
    ]
    assert module.result == {
        **LISTS,
        "changed": True,
        "msg": 'Updated campaign "Sales": 2 dynamic DIDs, 1 fallback dynamic DID. No earlier '
        f"update of the campaign is recorded in {module.params['record_dir']}.",
        "sent": True,
        "changed_basis": "first_seen",
        "api_message": "Dynamic DIDs updated successfully",
        "http_status": 200,
        "attempts": 1,
    }
    assert module.warnings == []


def test_check_mode_sends_nothing_and_predicts_a_change() -> None:
    module = ModuleDouble(check_mode=True)
    assert run(module) == []
    assert module.result == {
        **LISTS,
        **NO_ANSWER,
        "changed": True,
        "msg": 'Would update campaign "Sales": 2 dynamic DIDs, 1 fallback dynamic DID. No '
        f"earlier update of the campaign is recorded in {module.params['record_dir']}. Nothing was sent.",
        "sent": False,
        "changed_basis": "first_seen",
    }


def test_check_mode_refuses_invalid_input() -> None:
    module = ModuleDouble(check_mode=True, fallback_dynamic_dids=[True])
    assert run(module) == []
    assert module.result["failure"]["reason"] == "invalid_input"


@pytest.mark.parametrize("check_mode", [True, False])
def test_the_diff_names_the_campaign_and_has_one_number_per_line(check_mode: bool) -> None:
    module = ModuleDouble(check_mode=check_mode, diff=True)
    run(module, *([] if check_mode else ["Dynamic DIDs updated successfully"]))
    assert module.result["diff"] == {
        "before_header": 'campaign "Sales" at https://in1-ccaas-api.ozonetel.com',
        "before": "Not known: CloudAgent can't be asked, and nothing was recorded before.\n",
        "after_header": 'campaign "Sales" at https://in1-ccaas-api.ozonetel.com',
        "after": "dynamic_dids:\n  9140001001\n  9140001002\nfallback_dynamic_dids:\n  9140002001\n",
    }


def test_a_refused_update_returns_the_failure() -> None:
    module = ModuleDouble(diff=True)
    assert len(run(module, "Campaign not found.", status=404)) == 1
    answer = {"api_message": "Campaign not found.", "http_status": 404, "attempts": 1}
    assert module.result == {
        **LISTS,
        **answer,
        "failed": True,
        "changed": False,
        "sent": True,
        "changed_basis": "first_seen",
        "msg": 'The account "acme" has no campaign named "Sales". Check the spelling of '
        "campaign_name, including upper and lower case.",
        "failure": {"reason": "campaign_not_found", "outcome": "not_applied", **answer},
    }


@pytest.mark.parametrize(
    ("options", "known"),
    [
        ({"api_url": "http://cc.partner.example"}, {}),
        ({"region": "international", "api_url": "https://cc.partner.example"}, {}),
        ({"timeout": 0.0}, {}),
        ({"retries": 11}, {}),
        ({"username": ""}, {}),
        ({"username": None}, {}),
        ({"api_key": None}, {}),
        ({"campaign_name": None}, {"campaign_name": None}),
        ({"campaign_name": " "}, {"campaign_name": " "}),
        ({"dynamic_dids": []}, {}),
        ({"fallback_dynamic_dids": ["x"]}, {}),
        ({"record": False, "skip_unchanged": True}, {}),
        ({"record_dir": " "}, {}),
        ({"record_dir": "/var/lib\0"}, {}),
    ],
)
def test_invalid_input_fails_before_anything_is_sent(
    options: dict[str, t.Any], known: dict[str, t.Any]
) -> None:
    module = ModuleDouble(**options)
    assert run(module) == []
    msg = module.result.pop("msg")
    assert msg.endswith(".")
    assert module.result == {
        "campaign_name": "Sales",
        "dynamic_dids": None,
        "fallback_dynamic_dids": None,
        "endpoint": None,
        **known,
        **NO_ANSWER,
        "failed": True,
        "changed": False,
        "sent": False,
        "changed_basis": None,
        "failure": {"reason": "invalid_input", "outcome": "not_applied", **NO_ANSWER},
    }


def test_warnings_about_the_input_are_passed_on_masked() -> None:
    module = ModuleDouble(
        api_key="914",
        dynamic_dids="\u202d9140001001\u202c,9140001001",
        fallback_dynamic_dids="9140001001",
    )
    sent = run(module, "Dynamic DIDs updated successfully")
    assert sent[0]["dynamicDIDs"] == "9140001001,9140001001"
    assert len(module.warnings) == 4
    assert "The API key also occurs in dynamic_dids, fallback_dynamic_dids." in module.warnings[3]
    assert "dynamic_dids repeats ********0001001 (items 1, 2)." in module.warnings[1]
    assert all("914" not in warning for warning in module.warnings)


def test_the_key_is_masked_in_what_the_server_says() -> None:
    module = ModuleDouble()
    run(module, f"\x1b[31mNo such key: {API_KEY}\u202e {{{{ x }}}}")
    assert module.result["failure"]["reason"] == "unexpected_answer"
    assert module.result["api_message"] == "No such key: ******** {{ x }}"
    assert API_KEY not in repr(module.result)


def test_a_missing_requests_library_fails_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run, "REQUESTS_IMPORT_ERROR", "Traceback: no requests")
    module = ModuleDouble()
    assert run(module) == []
    assert module.result["msg"].startswith(
        "Failed to import the required Python library (requests)"
    )
    assert module.result["exception"] == "Traceback: no requests"


KEY_FORMS = [API_KEY, API_KEY.upper(), "k3y%2Fwith%2Bspecials", "azN5L3dpdGgrc3BlY2lhbHM="]


class SpeakingError(Exception):
    """An error of a library whose text holds the key."""


class BrokenClient(HttpClient):
    """Fails in a way that nobody foresaw."""

    def post(self, *_arguments: t.Any) -> t.NoReturn:
        raise SpeakingError(" ".join(KEY_FORMS))


def test_an_unexpected_error_names_its_place_and_hides_its_text() -> None:
    module = ModuleDouble()
    with pytest.raises(Ended):
        _run.run(module, new_client(kind=BrokenClient))
    msg = module.result.pop("msg")
    assert re.match(
        r"Unexpected error in the collection: SpeakingError in post, line \d+ of "
        r"test_run\.py\. Whether the update was applied is not known\. It is safe to run it again\.",
        msg,
    )
    assert module.result == {
        **LISTS,
        **NO_ANSWER,
        "failed": True,
        "changed": False,
        "sent": True,
        "changed_basis": "first_seen",
        "failure": {"reason": "unexpected_answer", "outcome": "unknown", **NO_ANSWER},
    }


class InterruptedClient(HttpClient):
    """Is interrupted as Ansible's ``timeout`` interrupts a task."""

    def post(self, *_arguments: t.Any) -> t.NoReturn:
        raise KeyboardInterrupt


def test_an_interruption_is_not_caught() -> None:
    module = ModuleDouble()
    with pytest.raises(KeyboardInterrupt):
        _run.run(module, new_client(kind=InterruptedClient))
    assert module.result == {}


@pytest.mark.parametrize("form", KEY_FORMS)
@pytest.mark.parametrize("check_mode", [True, False])
def test_the_key_is_masked_in_input_that_is_shown(form: str, check_mode: bool) -> None:
    module = ModuleDouble(check_mode=check_mode, diff=True, campaign_name=f"x {form}")
    sent = run(module, *([] if check_mode else ["Campaign not found."]))
    assert check_mode or sent[0]["campaignName"] == f"x {form}"
    assert module.result["campaign_name"] == "x ********"
    assert form not in repr(module.result)
