# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many campaigns from options to result, whole results compared; the server is a mock."""

from __future__ import annotations

import json
import pathlib
import re
import threading
import typing as t

import pytest
import responses

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import (
    _progress,
    _run,
    _run_bulk,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.client import HttpClient
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Clock
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.session import SessionCache
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.watchdog import Watchdog
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    API_KEY,
    HANG_SECONDS,
    ClockDouble,
    Ended,
    ModuleDouble,
    bulk_module,
    longest,
)

URL = "https://in1-ccaas-api.ozonetel.com/APIServices/dynamic/did/update"
ENDPOINT = "https://in1-ccaas-api.ozonetel.com"
SUCCESS = "Dynamic DIDs updated successfully"
NO_SUMMARY = dict.fromkeys(("total", "changed", "unchanged", "skipped", "failed", "not_sent"), 0)
LISTS = {
    "dynamic_dids": ["9140001001", "9140001002"],
    "fallback_dynamic_dids": ["9140002001"],
}
NOT_TRIED = {"changed": False, "changed_basis": None, "sent": False, "attempts": 0}

Answers = t.Dict[str, str]
Entry = t.Dict[str, t.Any]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OZONETEL_API_URL", "OZONETEL_REGION", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def run(module: ModuleDouble, **messages: str) -> list[str]:
    """Run against a server with a message for each campaign, and return the names it was sent."""
    return run_at(ClockDouble(), module, **messages)


def run_at(clock: Clock, module: ModuleDouble, **messages: str) -> list[str]:
    """Run with this clock."""
    client = HttpClient(SessionCache(), Watchdog(), clock, longest)
    sent: list[str] = []

    def answer(request: t.Any) -> tuple[int, dict[str, str], str]:
        name = json.loads(request.body)["campaignName"]
        sent.append(name)
        return 200, {}, json.dumps({"Message": messages.get(name.replace(" ", "_"), SUCCESS)})

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback(responses.POST, URL, answer)
        with pytest.raises(Ended):
            _run_bulk.run_bulk(module, client)
    return sent


def applied(name: str, basis: str = "first_seen") -> Entry:
    changed = basis != "same"
    return {
        "campaign_name": name,
        "changed": changed,
        "changed_basis": basis,
        "sent": True,
        "attempts": 1,
    }


def not_found(name: str) -> Entry:
    answer = {"http_status": 200, "api_message": "Campaign not found.", "attempts": 1}
    return {
        **applied(name),
        **LISTS,
        "changed": False,
        "sent": False,
        "failed": True,
        "msg": f'The account "acme" has no campaign named "{name}". Check campaign_name letter by '
        "letter, upper and lower case included.",
        "failure": {"reason": "campaign_not_found", "outcome": "not_applied", **answer},
    }


def summary(**counts: int) -> dict[str, int]:
    return {**NO_SUMMARY, "total": sum(counts.values()), **counts}


def test_all_are_applied_and_come_back_in_their_order() -> None:
    names = [f"Campaign {number}" for number in range(40)]
    module = bulk_module(names)
    assert sorted(run(module)) == sorted(names)
    assert module.result == {
        "changed": True,
        "msg": "Of 40 campaigns: 40 changed.",
        "endpoint": ENDPOINT,
        "results": [applied(name) for name in names],
        "summary": summary(changed=40),
    }
    assert (module.warnings, module.lines) == ([], [])


def test_nothing_to_do() -> None:
    module = bulk_module([])
    assert run(module) == []
    assert module.result == {
        "changed": False,
        "msg": "There are no campaigns to update.",
        "endpoint": ENDPOINT,
        "results": [],
        "summary": NO_SUMMARY,
    }


def test_sent_again_and_skipped(tmp_path: pathlib.Path) -> None:
    place = {"record_dir": str(tmp_path / "records")}
    run(bulk_module(["A", "B"], **place))
    again = bulk_module(["A", "B", "C"], **place)
    assert sorted(run(again)) == ["A", "B", "C"]
    assert again.result["results"] == [applied("A", "same"), applied("B", "same"), applied("C")]
    assert again.result["summary"] == summary(changed=1, unchanged=2)
    assert again.result["msg"] == "Of 3 campaigns: 1 changed, 2 unchanged."
    skipping = bulk_module(["A", "B", "D"], skip_unchanged=True, **place)
    assert run(skipping) == ["D"]
    skipped = {"changed": False, "changed_basis": "same", "sent": False, "attempts": 0}
    assert skipping.result["results"] == [
        {"campaign_name": "A", **skipped},
        {"campaign_name": "B", **skipped},
        applied("D"),
    ]
    assert skipping.result["summary"] == summary(changed=1, skipped=2)


def test_a_failure_does_not_keep_the_others_back(tmp_path: pathlib.Path) -> None:
    place = {"record_dir": str(tmp_path / "records")}
    names = ["A", "B", "C", "D", "E"]
    module = bulk_module(names, **place)
    assert len(run(module, C="Campaign not found.")) == 5
    expected = not_found("C")
    assert module.result == {
        "failed": True,
        "changed": True,
        "msg": '1 of 5 campaigns failed: "C" (campaign_not_found). Of the others: 4 changed. '
        f'"C": {expected["msg"]}',
        "endpoint": ENDPOINT,
        "results": [applied("A"), applied("B"), expected, applied("D"), applied("E")],
        "summary": summary(changed=4, failed=1),
        "failure": expected["failure"],
    }
    again = bulk_module(names, skip_unchanged=True, **place)
    assert run(again) == ["C"]
    assert again.result["summary"] == summary(changed=1, skipped=4)


def test_stop_on_failure() -> None:
    module = bulk_module(["A", "B", "C", "D"], stop_on_failure=True, concurrency=1)
    assert run(module, B="Campaign not found.") == ["A", "B"]
    not_sent = {**NOT_TRIED, "msg": "Not sent, as another campaign failed (stop_on_failure)."}
    assert module.result["results"] == [
        applied("A"),
        not_found("B"),
        {"campaign_name": "C", **not_sent},
        {"campaign_name": "D", **not_sent},
    ]
    assert module.result["summary"] == summary(changed=1, failed=1, not_sent=2)
    assert (
        "2 campaigns not sent, as another campaign failed (stop_on_failure)."
        in (module.result["msg"])
    )


@pytest.mark.parametrize("concurrency", [1, 64])
def test_a_refused_account_is_tried_once(concurrency: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # The first campaign is alone for two ticks only.
    monkeypatch.setattr(_run_bulk, "TICK_SECONDS", HANG_SECONDS)
    names = [f"Campaign {number}" for number in range(100)]
    module = bulk_module(names, concurrency=concurrency)
    sent = run(module, **{name.replace(" ", "_"): "Authentication failed." for name in names})
    assert sent == ["Campaign 0"]
    assert module.result["summary"] == summary(failed=1, not_sent=99)
    assert module.result["changed"] is False
    assert module.result["failure"]["reason"] == "authentication_failed"
    assert module.result["results"][1]["msg"] == (
        "Not sent, as the account was refused for another campaign."
    )


def test_a_refused_account_decides_over_an_earlier_failure() -> None:
    module = bulk_module(["A", "B", "C"], concurrency=1)
    run(module, A="Campaign not found.", B="Authentication failed.")
    assert module.result["failure"]["reason"] == "authentication_failed"
    assert module.result["msg"].startswith(
        '2 of 3 campaigns failed: "A" (campaign_not_found), "B" (authentication_failed). 1 campaign '
        'not sent, as the account was refused for another campaign. "B": CloudAgent at '
    )


def test_a_server_that_wants_a_very_long_break_ends_the_task() -> None:
    module = bulk_module(["A", "B", "C"], concurrency=1)
    client = HttpClient(SessionCache(), Watchdog(), ClockDouble(), longest)
    with responses.RequestsMock() as mock:
        mock.post(URL, status=429, headers={"Retry-After": "3600"})
        with pytest.raises(Ended):
            _run_bulk.run_bulk(module, client)
        assert len(mock.calls) == 1
    assert module.result["summary"] == summary(failed=1, not_sent=2)
    assert "The server asked to wait 3600 seconds before the next attempt" in module.result["msg"]
    assert "as the server asked for a break that is too long to wait for" in module.result["msg"]


@pytest.mark.parametrize(
    ("campaigns", "options", "begin"),
    [
        ([*"ABC", {"campaign_name": "D", "dynamic_dids": ["914", True]}], {}, "campaigns, item 4"),
        (["A", "B", "A"], {}, "campaigns, items 1 and 3 both name"),
        (["A"], {"concurrency": 0}, "concurrency has to be"),
        (["A"], {"timeout": 0.0}, "timeout has to be"),
        (["A"], {"username": None}, "username is empty"),
        (["A"], {"record": False, "skip_unchanged": True}, "skip_unchanged is given together"),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_everything_is_checked_before_anything_is_sent(
    campaigns: list[t.Any], options: dict[str, t.Any], begin: str, check_mode: bool
) -> None:
    module = bulk_module(campaigns, check_mode=check_mode, **options)
    assert run(module) == []
    assert module.result.pop("msg").startswith(begin)
    assert module.result == {
        "failed": True,
        "changed": False,
        "endpoint": None,
        "results": [],
        "summary": NO_SUMMARY,
        "failure": {
            "reason": "invalid_input",
            "outcome": "not_applied",
            "http_status": None,
            "api_message": None,
            "attempts": 0,
        },
    }
    assert not pathlib.Path(module.params["record_dir"]).exists()


def test_check_mode_predicts_without_a_trace(tmp_path: pathlib.Path) -> None:
    place = {"record_dir": str(tmp_path / "records")}
    run(bulk_module(["A"], **place))
    files = sorted(tmp_path.rglob("*"))
    module = bulk_module(["A", "B"], check_mode=True, diff=True, **place)
    assert run(module) == []
    assert module.result["changed"] is True
    assert module.result["msg"] == (
        "Of 2 campaigns: 1 changed, 1 unchanged. This is a prediction, and nothing was sent."
    )
    assert [entry["changed_basis"] for entry in module.result["results"]] == ["same", "first_seen"]
    assert [diff["after_header"] for diff in module.result["diff"]] == [
        f'campaign "B" at {ENDPOINT}, after'
    ]
    assert sorted(tmp_path.rglob("*")) == files


def test_a_diff_for_each_changed_campaign() -> None:
    module = bulk_module(["A", "B", "C"], diff=True)
    run(module, B="Campaign not found.")
    headers = [diff["before_header"] for diff in module.result["diff"]]
    assert headers == [f'campaign "{name}" at {ENDPOINT}, before' for name in "AC"]
    assert "diff" not in module.result["results"][0]


def test_a_few_warnings_for_many() -> None:
    module = bulk_module(
        [
            {"campaign_name": f"C{number}", "dynamic_dids": [1000 + number] * 2}
            for number in range(1000)
        ]
    )
    run(module)
    assert module.warnings == [
        *(
            f'campaigns, item {number + 1} (campaign "C{number}"): dynamic_dids holds '
            f"{1000 + number} as items 1, 2. It is sent as given."
            for number in range(5)
        ),
        'There are 995 more warnings like the one about campaigns, item 1 (campaign "C0").',
    ]


def test_a_store_that_can_not_be_used_is_told_once(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    module = bulk_module(["A", "B", "C"], record_dir=str(tmp_path / "file" / "records"))
    run(module)
    (warning,) = module.warnings
    assert warning.startswith("For 3 campaigns: No last-applied record can be used in ")
    assert {entry["changed_basis"] for entry in module.result["results"]} == {"unavailable"}


def test_the_key_is_masked_everywhere() -> None:
    module = bulk_module(
        [{"campaign_name": f"x {API_KEY}", "dynamic_dids": ["914", "914"]}, "B"], diff=True
    )
    run(module, B=f"No such key: {API_KEY}")
    assert API_KEY not in repr(module.result)
    assert API_KEY not in repr(module.warnings)
    assert [entry["campaign_name"] for entry in module.result["results"]] == ["x ********", "B"]


class SpeakingError(Exception):
    """An error of a library whose text holds the key."""


class BrokenClient(HttpClient):
    """Fails in a way that nobody foresaw."""

    def at_pace(self, _pace: t.Any) -> HttpClient:
        return self

    def post(self, *_arguments: t.Any) -> t.NoReturn:
        raise SpeakingError(API_KEY)


def test_an_unforeseen_error_is_one_campaign_s() -> None:
    module = bulk_module(["A", "B"])
    with pytest.raises(Ended):
        _run_bulk.run_bulk(module, BrokenClient(SessionCache(), Watchdog(), ClockDouble()))
    assert module.result["summary"] == summary(failed=2)
    assert module.result["failure"]["reason"] == "unexpected_answer"
    assert module.result["msg"].startswith(
        '2 of 2 campaigns failed: "A" (unexpected_answer), "B" (unexpected_answer). "A": The '
        "collection met an error that it did not foresee: SpeakingError in post, line "
    )
    assert API_KEY not in repr(module.result)


def test_an_interruption_passes_and_stops_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    stops: list[threading.Event] = []

    def interrupt(_items: t.Any, _work: t.Any, _workers: int, stop: t.Any, _tick: float) -> t.Any:
        stops.append(stop)
        raise KeyboardInterrupt

    monkeypatch.setattr(_run_bulk, "work_through", interrupt)
    module = bulk_module(["A"])
    with pytest.raises(KeyboardInterrupt):
        _run_bulk.run_bulk(module)
    assert module.result == {}
    assert stops[0].is_set()


class BrokenProgress(ModuleDouble):
    """A module whose screen is gone."""

    def progress(self, text: str) -> None:
        raise BrokenPipeError(API_KEY)


def test_what_was_applied_is_told_whatever_goes_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run_bulk, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(_progress.ProgressTimes, "is_due", lambda _times, _elapsed: True)
    module = bulk_module(["A", "B", "C"], concurrency=1)
    module.__class__ = BrokenProgress
    sent = run(module)
    results = module.result["results"]
    assert [entry["sent"] for entry in results] == [name in sent for name in ("A", "B", "C")]
    assert (module.result["changed"], module.result["failed"]) == (True, True)
    assert module.result["summary"] == summary(changed=len(sent), not_sent=3 - len(sent))
    assert re.match(r"Of 3 campaigns: [123] changed\. The collection met", module.result["msg"])
    assert API_KEY not in repr(module.result)


def test_a_worker_that_dies_leaves_its_campaign_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _arguments: None)

    def die(_campaign: object, _task: object) -> t.NoReturn:
        raise MemoryError

    monkeypatch.setattr(_run_bulk, "_update_one", die)
    module = bulk_module(["A"])
    run(module)
    assert module.result["summary"] == summary(failed=1)
    assert module.result["results"][0]["failure"]["outcome"] == "unknown"
    assert "it is safe to run it again" in module.result["msg"]


class Abandoned(ModuleDouble):
    """A module whose result nobody gets any more, from the second campaign on."""

    asked = 0

    def is_abandoned(self) -> bool:
        self.asked += 1
        return self.asked > 1


def test_nothing_more_is_begun_when_nobody_gets_the_result() -> None:
    module = bulk_module(["A", "B", "C"], concurrency=1)
    module.__class__ = Abandoned
    assert run(module) == ["A"]
    assert module.result["summary"] == summary(changed=1, not_sent=2)


def test_requests_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run, "REQUESTS_IMPORT_ERROR", "Traceback: no requests")
    module = bulk_module(["A"])
    assert run(module) == []
    assert module.result["exception"] == "Traceback: no requests"


def test_requests_per_minute_spaces_them() -> None:
    clock = ClockDouble()
    monkey = pytest.MonkeyPatch()
    # Without a tick, the only line comes at the end.
    monkey.setattr(_run_bulk, "TICK_SECONDS", HANG_SECONDS)
    # The stop is what the pace waits on.
    monkey.setattr(threading.Event, "wait", lambda _event, seconds=None: clock.sleep(seconds or 0))
    try:
        module = bulk_module(["A", "B", "C"], requests_per_minute=1, concurrency=1, timeout=50.0)
        sent = run_at(clock, module)
    finally:
        monkey.undo()
    assert sent == ["A", "B", "C"]
    assert [wait for wait in clock.waits if wait] == [60.0, 60.0]
    assert module.result["summary"] == summary(changed=3)
    assert module.lines == ["3 of 3 campaigns done, 1.5 per minute, about 0 s left"]
