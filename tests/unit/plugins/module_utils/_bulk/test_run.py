# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many campaigns from options to result, whole results compared; the server is a mock."""

from __future__ import annotations

import errno
import json
import os
import pathlib
import re
import threading
import typing as t

import pytest
import responses

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _run, _update
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk import run as bulk_run
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk import (
    updates as bulk_updates,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk import workers
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.options import BulkOptions
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.pacing import SharedPace
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.progress import (
    ProgressTimes,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import Exchange
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.client import (
    HttpClient,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Clock
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.threads import (
    NoThread,
    start_daemon,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import Campaign
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines.files import Files
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.keeping import (
    Keeper,
    KeptUpdate,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import record_key
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.store import Found, Locks
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._update import Settings, send
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    API_KEY,
    HANG_SECONDS,
    NO_ANSWER,
    ClockDouble,
    Ended,
    ModuleDouble,
    bulk_module,
    new_client,
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

Entry = t.Dict[str, t.Any]


def leave_alone(_name: str) -> None:
    """Do nothing."""


def run(
    module: ModuleDouble,
    clock: Clock | None = None,
    on_its_way: t.Callable[[str], object] = leave_alone,
    **messages: str,
) -> list[str]:
    """Run against a server with a message for each campaign, and return the names it was sent.

    Args:
        clock: else time stands still.
        on_its_way: is called with the campaign's name before each answer.
    """
    client = new_client(clock)
    sent: list[str] = []

    def answer(request: t.Any) -> tuple[int, dict[str, str], str]:
        name = json.loads(request.body)["campaignName"]
        sent.append(name)
        on_its_way(name)
        return 200, {}, json.dumps({"Message": messages.get(name.replace(" ", "_"), SUCCESS)})

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback(responses.POST, URL, answer)
        with pytest.raises(Ended):
            bulk_run.run_bulk(module, client)
    return sent


def refusing(names: list[str]) -> dict[str, t.Any]:
    """Return messages that refuse the account for each campaign."""
    return {name.replace(" ", "_"): "Authentication failed." for name in names}


class Records:
    """A directory of records."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.option = {"record_dir": str(directory)}

    def key(self, name: str) -> str:
        return record_key(ENDPOINT, "acme", name)

    def path(self, name: str) -> pathlib.Path:
        return self.directory / f"{self.key(name)}.record"

    def lock(self, names: t.Iterable[str]) -> Files:
        """Return a store that holds the locks of these campaigns, as another run does."""
        other = Files(str(self.directory))
        keys = [self.key(name) for name in names]
        assert other.lock(keys).obtained == set(keys)
        return other

    def locked(self, names: t.Iterable[str]) -> list[str]:
        """Return which of these campaigns are locked now."""
        probe = Files(str(self.directory))
        obtained = probe.lock([self.key(name) for name in names]).obtained
        probe.unlock(obtained)
        return [name for name in names if self.key(name) not in obtained]

    def state(self, name: str) -> tuple[bool, list[str]]:
        """Return whether a confirmation holds, and of which dynamic DIDs it is."""
        record = Files(str(self.directory)).read([self.key(name)])[self.key(name)].record
        assert record is not None
        return record.confirmed, record.last.lists.dynamic_dids


def earlier(names: t.Iterable[str]) -> list[Entry]:
    """Return entries for these campaigns with other lists than usual."""
    return [{"campaign_name": name, "dynamic_dids": ["111"]} for name in names]


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
        "sent": True,
        "failed": True,
        "msg": f'The account "acme" has no campaign named "{name}". Check the spelling of '
        "campaign_name, including upper and lower case.",
        "failure": {"reason": "campaign_not_found", "outcome": "not_applied", **answer},
    }


def summary(**counts: int) -> dict[str, int]:
    return {**NO_SUMMARY, "total": sum(counts.values()), **counts}


def test_all_campaigns_are_updated_and_returned_in_their_order() -> None:
    names = [f"Campaign {number}" for number in range(40)]
    module = bulk_module(names)
    assert sorted(run(module)) == sorted(names)
    named = ", ".join(f'"{name}"' for name in names[:20])
    assert module.result == {
        "changed": True,
        "msg": f"Of 40 campaigns: 40 changed. Changed: {named}, and 20 more (40 with no record before). "
        f"The records are in {module.params['record_dir']}.",
        "endpoint": ENDPOINT,
        "results": [applied(name) for name in names],
        "summary": summary(changed=40),
    }
    assert (module.warnings, module.lines) == ([], [])


def test_an_empty_list_of_campaigns_sends_nothing() -> None:
    module = bulk_module([])
    assert run(module) == []
    assert module.result == {
        "changed": False,
        "msg": "There are no campaigns to update.",
        "endpoint": ENDPOINT,
        "results": [],
        "summary": NO_SUMMARY,
    }


def test_unchanged_campaigns_are_sent_again_or_skipped(tmp_path: pathlib.Path) -> None:
    place = {"record_dir": str(tmp_path / "records")}
    run(bulk_module(["A", "B"], **place))
    again = bulk_module(["A", "B", "C"], **place)
    assert sorted(run(again)) == ["A", "B", "C"]
    assert again.result["results"] == [applied("A", "same"), applied("B", "same"), applied("C")]
    assert again.result["summary"] == summary(changed=1, unchanged=2)
    assert again.result["msg"] == (
        'Of 3 campaigns: 1 changed, 2 unchanged. Changed: "C" (1 with no record before). The records '
        f"are in {place['record_dir']}."
    )
    skipping = bulk_module(["A", "B", "D"], skip_unchanged=True, **place)
    assert run(skipping) == ["D"]
    skipped = {"changed": False, "changed_basis": "same", "sent": False, "attempts": 0}
    assert skipping.result["results"] == [
        {"campaign_name": "A", **skipped},
        {"campaign_name": "B", **skipped},
        applied("D"),
    ]
    assert skipping.result["summary"] == summary(changed=1, skipped=2)


def test_a_failed_campaign_does_not_stop_the_others(tmp_path: pathlib.Path) -> None:
    place = {"record_dir": str(tmp_path / "records")}
    names = ["A", "B", "C", "D", "E"]
    module = bulk_module(names, **place)
    assert len(run(module, C="Campaign not found.")) == 5
    expected = not_found("C")
    assert module.result == {
        "failed": True,
        "changed": True,
        "msg": '1 of 5 campaigns failed: "C" (campaign_not_found). Of the others: 4 changed. '
        'Changed: "A", "B", "D", "E" (4 with no record before). The records are in '
        f'{place["record_dir"]}. "C": {expected["msg"]}',
        "endpoint": ENDPOINT,
        "results": [applied("A"), applied("B"), expected, applied("D"), applied("E")],
        "summary": summary(changed=4, failed=1),
        "failure": expected["failure"],
    }
    again = bulk_module(names, skip_unchanged=True, **place)
    assert run(again) == ["C"]
    assert again.result["summary"] == summary(changed=1, skipped=4)


def test_stop_on_failure_sends_no_further_campaign() -> None:
    module = bulk_module(["A", "B", "C", "D"], stop_on_failure=True, concurrency=1)
    assert run(module, B="Campaign not found.") == ["A", "B"]
    not_sent = {**NOT_TRIED, "msg": "Not sent, because another campaign failed (stop_on_failure)."}
    assert module.result["results"] == [
        applied("A"),
        not_found("B"),
        {"campaign_name": "C", **not_sent},
        {"campaign_name": "D", **not_sent},
    ]
    assert module.result["summary"] == summary(changed=1, failed=1, not_sent=2)
    assert (
        "2 campaigns not sent, because another campaign failed (stop_on_failure)."
        in (module.result["msg"])
    )


@pytest.mark.parametrize("concurrency", [1, 64])
def test_a_refused_account_is_tried_once(concurrency: int) -> None:
    names = [f"Campaign {number}" for number in range(100)]
    module = bulk_module(names, concurrency=concurrency)
    sent = run(module, **refusing(names))
    assert sent == ["Campaign 0"]
    assert module.result["summary"] == summary(failed=1, not_sent=99)
    assert module.result["changed"] is False
    assert module.result["failure"]["reason"] == "authentication_failed"
    assert module.result["results"][1]["msg"] == (
        "Not sent, because the account was refused for another campaign."
    )


def test_a_refused_account_is_reported_rather_than_an_earlier_failure() -> None:
    module = bulk_module(["A", "B", "C"], concurrency=1)
    run(module, A="Campaign not found.", B="Authentication failed.")
    assert module.result["failure"]["reason"] == "authentication_failed"
    assert module.result["msg"].startswith(
        '2 of 3 campaigns failed: "A" (campaign_not_found), "B" (authentication_failed). 1 campaign '
        'not sent, because the account was refused for another campaign. "B": CloudAgent at '
    )


def test_a_very_long_pause_asked_for_by_the_server_ends_the_task() -> None:
    module = bulk_module(["A", "B", "C"], concurrency=1)
    with responses.RequestsMock() as mock:
        mock.post(URL, status=429, headers={"Retry-After": "3600"})
        with pytest.raises(Ended):
            bulk_run.run_bulk(module, new_client())
        assert len(mock.calls) == 1
    assert module.result["summary"] == summary(failed=1, not_sent=2)
    assert "The server asked to wait 3600 seconds, which is more" in module.result["msg"]
    assert (
        "because the server asked for a pause that is longer than the timeout"
        in module.result["msg"]
    )


@pytest.mark.parametrize(
    ("campaigns", "options", "begin"),
    [
        ([*"ABC", {"campaign_name": "D", "dynamic_dids": ["914", True]}], {}, "campaigns, item 4"),
        (["A", "B", "A"], {}, "campaigns, items 1 and 3 both name"),
        (["A"], {"concurrency": 0}, "concurrency must be"),
        (["A"], {"timeout": 0.0}, "timeout must be"),
        (["A"], {"username": None}, "username is empty"),
        (["A"], {"record": False, "skip_unchanged": True}, "skip_unchanged and record: false"),
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
        "failure": {"reason": "invalid_input", "outcome": "not_applied", **NO_ANSWER},
    }
    assert not pathlib.Path(module.params["record_dir"]).exists()


def test_check_mode_predicts_and_writes_nothing(tmp_path: pathlib.Path) -> None:
    place = {"record_dir": str(tmp_path / "records")}
    run(bulk_module(["A"], **place))
    files = sorted(tmp_path.rglob("*"))
    module = bulk_module(["A", "B"], check_mode=True, diff=True, **place)
    assert run(module) == []
    assert module.result["changed"] is True
    assert module.result["msg"] == (
        'Of 2 campaigns: 1 changed, 1 unchanged. Changed: "B" (1 with no record before). The records '
        f"are in {place['record_dir']}. This is a prediction, and nothing was sent."
    )
    assert [entry["changed_basis"] for entry in module.result["results"]] == ["same", "first_seen"]
    assert [diff["after_header"] for diff in module.result["diff"]] == [
        f'campaign "B" at {ENDPOINT}'
    ]
    assert sorted(tmp_path.rglob("*")) == files


def test_a_diff_for_each_changed_campaign() -> None:
    module = bulk_module(["A", "B", "C"], diff=True)
    run(module, B="Campaign not found.")
    headers = [diff["before_header"] for diff in module.result["diff"]]
    assert headers == [f'campaign "{name}" at {ENDPOINT}' for name in "AC"]
    assert "diff" not in module.result["results"][0]


def test_a_thousand_similar_warnings_become_six() -> None:
    module = bulk_module(
        [
            {"campaign_name": f"C{number}", "dynamic_dids": [1000 + number] * 2}
            for number in range(1000)
        ]
    )
    run(module)
    assert module.warnings == [
        *(
            f'campaigns, item {number + 1} (campaign "C{number}"): dynamic_dids repeats '
            f"{1000 + number} (items 1, 2). The list is sent as it is."
            for number in range(5)
        ),
        'There are 995 more warnings like the one about campaigns, item 1 (campaign "C0").',
    ]


def test_warnings_of_one_kind_with_different_texts_become_six() -> None:
    others = [str(9140001001 + place) for place in range(500)]
    module = bulk_module(
        [
            {"campaign_name": f"C{number}", "dynamic_dids": [*others[:number], "914\u200b"]}
            for number in range(500)
        ]
    )
    run(module)
    assert len(module.warnings) == 6
    for number, warning in enumerate(module.warnings[:5]):
        assert warning.startswith(
            f'campaigns, item {number + 1} (campaign "C{number}"): dynamic_dids: invisible '
            f"characters were removed from item {number + 1}. "
        )
    assert module.warnings[5] == (
        'There are 495 more warnings like the one about campaigns, item 1 (campaign "C0").'
    )


def test_an_unusable_store_is_warned_about_once(tmp_path: pathlib.Path) -> None:
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


def test_an_unexpected_error_in_sending_fails_each_campaign() -> None:
    module = bulk_module(["A", "B"])
    with pytest.raises(Ended):
        bulk_run.run_bulk(module, new_client(kind=BrokenClient))
    assert module.result["summary"] == summary(failed=2)
    told = module.result["failure"]
    assert (told["reason"], told["outcome"]) == ("unexpected_answer", "unknown")
    assert module.result["msg"].startswith(
        '2 of 2 campaigns failed: "A" (unexpected_answer), "B" (unexpected_answer). "A": '
        "Unexpected error in the collection: SpeakingError in post, line "
    )
    assert API_KEY not in repr(module.result)


class BrokenProgress(ModuleDouble):
    """A module whose screen is gone."""

    def progress(self, text: str) -> None:
        raise BrokenPipeError(API_KEY)


def always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProgressTimes, "is_due", lambda _times, _elapsed: True)


def test_applied_campaigns_are_returned_despite_an_unexpected_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    always_due(monkeypatch)
    module = bulk_module(["A", "B", "C"], concurrency=1)
    module.__class__ = BrokenProgress
    sent = run(module)
    results = module.result["results"]
    assert [entry["sent"] for entry in results] == [name in sent for name in ("A", "B", "C")]
    assert (module.result["changed"], module.result["failed"]) == (bool(sent), True)
    assert module.result["summary"] == {
        **summary(changed=len(sent), not_sent=3 - len(sent)),
    }
    assert re.match(
        r"(Of 3 campaigns: 1 changed\. .* )?[23] campaigns not sent, because of an error in the "
        r"collection\. Unexpected error in the collection: BrokenPipeError",
        module.result["msg"],
    )
    assert API_KEY not in repr(module.result)


def test_a_request_under_way_at_an_unexpected_error_is_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    always_due(monkeypatch)
    is_broken = threading.Event()

    class BrokenMeanwhile(ModuleDouble):
        def progress(self, text: str) -> None:
            if not on_its_way.is_set():
                return
            is_broken.set()
            raise BrokenPipeError

    on_its_way = threading.Event()

    def hold_back(_name: str) -> None:
        on_its_way.set()
        assert is_broken.wait(HANG_SECONDS)

    module = bulk_module(["A", "B"], concurrency=1)
    module.__class__ = BrokenMeanwhile
    assert run(module, on_its_way=hold_back) == ["A"]
    assert module.result["summary"] == summary(changed=1, not_sent=1)
    assert module.result["results"][0] == applied("A")


@pytest.mark.parametrize("step", ["take", "withdraw", "finish"])
def test_an_error_around_the_records_ends_the_task(
    step: str, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    place = {"record_dir": str(tmp_path / "records")}

    def fail(_keeper: Keeper, _updates: object) -> t.NoReturn:
        raise SpeakingError(API_KEY)

    module = bulk_module(["A", "B", "C"], **place)
    with monkeypatch.context() as patched:
        patched.setattr(Keeper, step, fail)
        sent = run(module)
    assert sent == (["A"] if step == "finish" else [])
    assert module.result["failed"] is True
    assert module.result["summary"] == {
        **summary(changed=len(sent), not_sent=3 - len(sent)),
    }
    assert (
        "Unexpected error in the collection: SpeakingError in fail, line " in module.result["msg"]
    )
    assert API_KEY not in repr(module.result)
    if step != "finish":
        again = bulk_module(["A", "B", "C"], **place)
        assert len(run(again)) == 3
        assert again.result["summary"] == summary(changed=3)


@pytest.mark.parametrize("error", [MemoryError, SystemExit])
@pytest.mark.parametrize("place", ["send", "turn"])
def test_an_error_that_ends_a_worker_fails_its_campaign(
    error: type[BaseException], place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    record_dir = str(tmp_path / "records")
    run(bulk_module(["A", "B", "C"], record_dir=record_dir))

    def die(*_arguments: object) -> t.NoReturn:
        raise error

    module = bulk_module(["A", "B", "C"], record_dir=record_dir, concurrency=1)
    with monkeypatch.context() as patched:
        if place == "send":
            patched.setattr(_update, "send_update", die)
        else:
            patched.setattr(SharedPace, "wait_for_turn", die)
        assert run(module) == []
    assert module.result["summary"] == summary(failed=3)
    assert module.result["changed"] is False
    for entry in module.result["results"]:
        assert f"Unexpected error in the collection: {error.__name__} in die, line " in entry["msg"]
        assert "Whether the update was applied is not known" in entry["msg"]
    again = bulk_module(["A", "B", "C"], record_dir=record_dir)
    run(again)
    basis = {"send": "unconfirmed", "turn": "same"}[place]
    assert [entry["changed_basis"] for entry in again.result["results"]] == [basis] * 3


def allow_threads(count: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have the system start so many workers, and return a list that gets each attempt."""
    attempts: list[str] = []

    def start(name: str, target: t.Callable[[], None]) -> threading.Thread:
        attempts.append(name)
        if len(attempts) > count:
            raise NoThread
        return start_daemon(name, target)

    monkeypatch.setattr(workers, "start_daemon", start)
    return attempts


@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_all_campaigns_are_updated_with_fewer_threads(
    allowed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    attempts = allow_threads(allowed, monkeypatch)
    names = [f"Campaign {number}" for number in range(43)]
    module = bulk_module(names, record_dir=str(tmp_path / "records"))
    sent = run(module)
    assert (sent if allowed == 0 else sorted(sent, key=names.index)) == names
    assert module.result["summary"] == summary(changed=43)
    # What failed once is not tried again.
    assert len(attempts) == allowed + 1


def test_without_threads_a_refused_account_is_tried_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    allow_threads(0, monkeypatch)
    names = [f"Campaign {number}" for number in range(43)]
    module = bulk_module(names)
    assert run(module, Campaign_1="Authentication failed.") == names[:2]
    assert module.result["summary"] == summary(changed=1, failed=1, not_sent=41)


def test_without_threads_an_interruption_is_not_caught(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    records = Records(tmp_path / "records")
    run(bulk_module(earlier("ABC"), **records.option))
    allow_threads(0, monkeypatch)
    monkeypatch.setattr(bulk_updates, "PATIENCE_SECONDS", 0.0)

    def interrupt(name: str) -> None:
        if name == "B":
            raise KeyboardInterrupt

    module = bulk_module(["A", "B", "C"], **records.option)
    with pytest.raises(KeyboardInterrupt):
        run(module, on_its_way=interrupt)
    assert module.result == {}
    assert records.locked("ABC") == []
    assert records.state("A") == (True, LISTS["dynamic_dids"])
    assert records.state("B") == (False, ["111"])
    assert records.state("C") == (True, ["111"])


def test_the_threads_end_with_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible's process may run many tasks in a loop."""
    threads: list[threading.Thread] = []

    def start(name: str, target: t.Callable[[], None]) -> threading.Thread:
        threads.append(start_daemon(name, target))
        return threads[-1]

    monkeypatch.setattr(workers, "start_daemon", start)
    run(bulk_module([f"Campaign {number}" for number in range(20)], concurrency=4))
    assert threads
    for thread in threads:
        thread.join(HANG_SECONDS)
    assert [thread for thread in threads if thread.is_alive()] == []


def test_after_an_interruption_the_request_under_way_is_recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    always_due(monkeypatch)
    records = Records(tmp_path / "records")
    run(bulk_module(earlier("ABCD"), **records.option))
    on_its_way, go_on, is_finished = threading.Event(), threading.Event(), threading.Event()
    finish = Keeper.finish

    def finish_and_tell(keeper: Keeper, updates: t.Sequence[KeptUpdate]) -> None:
        finish(keeper, updates)
        if any(update.lists.campaign_name == "A" for update in updates):
            is_finished.set()

    def hold_back(_name: str) -> None:
        on_its_way.set()
        assert go_on.wait(HANG_SECONDS)

    class InterruptedMeanwhile(ModuleDouble):
        def progress(self, text: str) -> None:
            if on_its_way.is_set():
                raise KeyboardInterrupt

    monkeypatch.setattr(Keeper, "finish", finish_and_tell)
    # The others are locked, too, and wait for the only worker.
    monkeypatch.setattr(bulk_updates, "PATIENCE_SECONDS", 0.0)
    module = bulk_module(["A", "B", "C", "D"], concurrency=1, **records.option)
    module.__class__ = InterruptedMeanwhile
    with pytest.raises(KeyboardInterrupt):
        run(module, on_its_way=hold_back)
    assert module.result == {}
    # What no worker has begun is as it was before, and so is the lock of it.
    assert [records.state(name) for name in "BCD"] == [(True, ["111"])] * 3
    assert records.locked("ABCD") == ["A"]
    go_on.set()
    assert is_finished.wait(HANG_SECONDS)
    assert records.state("A") == (True, LISTS["dynamic_dids"])
    assert records.locked("ABCD") == []


def test_an_interruption_while_withdrawing_leaves_no_lock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    records = Records(tmp_path / "records")
    run(bulk_module(earlier("AB"), **records.option))
    monkeypatch.setattr(bulk_updates, "PATIENCE_SECONDS", 0.0)
    withdraw = Keeper.withdraw

    def withdraw_and_be_interrupted(keeper: Keeper, updates: t.Sequence[KeptUpdate]) -> None:
        withdraw(keeper, updates)
        assert [records.state(name) for name in "AB"] == [(False, ["111"])] * 2
        raise KeyboardInterrupt

    monkeypatch.setattr(Keeper, "withdraw", withdraw_and_be_interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(bulk_module(["A", "B"], **records.option))
    assert records.locked("AB") == []
    assert [records.state(name) for name in "AB"] == [(True, ["111"])] * 2


class Abandoned(ModuleDouble):
    """A module whose result nobody gets any more, as the main thread or a worker finds out first.

    Attributes:
        by_worker: who finds out.
        asked: it was asked, and said so.
    """

    by_worker = False

    def __init__(self, *arguments: t.Any, **options: t.Any) -> None:
        super().__init__(*arguments, **options)
        self.on_its_way = threading.Event()
        self.asked = threading.Event()

    def is_abandoned(self) -> bool:
        is_worker = threading.current_thread() is not threading.main_thread()
        if not self.on_its_way.is_set() or is_worker is not self.by_worker:
            return False
        self.asked.set()
        return True


@pytest.mark.parametrize("by_worker", [False, True])
def test_nothing_more_is_sent_once_the_main_process_of_ansible_has_ended(
    by_worker: bool, tmp_path: pathlib.Path
) -> None:
    records = Records(tmp_path / "records")
    double = bulk_module(["A", "B", "C"], concurrency=1, **records.option)
    module = Abandoned(**double.params)
    module.by_worker = by_worker

    def abandon(_name: str) -> None:
        module.on_its_way.set()
        assert by_worker or module.asked.wait(HANG_SECONDS)

    assert run(module, on_its_way=abandon) == ["A"]
    assert module.asked.is_set()
    assert module.result["summary"] == summary(changed=1, not_sent=2)
    why = "because Ansible's main process has ended."
    assert module.result["msg"].startswith("Of 3 campaigns: 1 changed. ")
    assert module.result["msg"].endswith(f" 2 campaigns not sent, {why}")
    assert module.result["results"][2]["msg"] == f"Not sent, {why}"
    assert records.state("A") == (True, LISTS["dynamic_dids"])


# --- The records of many campaigns ----------------------------------------------------------------


def test_at_most_twice_the_concurrency_is_locked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    stores: list[Files] = []
    held: list[int] = []
    is_full = threading.Event()
    lock = Files.lock

    def lock_and_count(store: Files, keys: t.Sequence[str]) -> Locks:
        locks = lock(store, keys)
        stores.append(store)
        held.append(len(store._locks))
        if held[-1] == 6:
            is_full.set()
        return locks

    def wait(name: str) -> None:
        # The first one is alone.
        assert name == "Campaign 0" or is_full.wait(HANG_SECONDS)

    monkeypatch.setattr(Files, "lock", lock_and_count)
    names = [f"Campaign {number}" for number in range(40)]
    module = bulk_module(names, concurrency=3, record_dir=str(tmp_path / "records"))
    run(module, on_its_way=wait)
    assert module.result["summary"] == summary(changed=40)
    assert held[0] == 1
    assert max(held) == 6
    assert len({id(store) for store in stores}) == 1
    assert stores[0]._locks == {}


@pytest.mark.parametrize(("per_minute", "count", "most"), [(600, 12, 10), (119, 2, 1)])
def test_no_more_is_locked_than_is_sent_in_a_second(
    per_minute: int,
    count: int,
    most: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
) -> None:
    held: list[int] = []
    lock = Files.lock

    def lock_and_count(store: Files, keys: t.Sequence[str]) -> Locks:
        locks = lock(store, keys)
        held.append(len(store._locks))
        return locks

    monkeypatch.setattr(Files, "lock", lock_and_count)
    names = [f"Campaign {number}" for number in range(count)]
    place = {"record_dir": str(tmp_path / "records")}
    module = bulk_module(names, requests_per_minute=per_minute, concurrency=64, **place)
    run(module, Clock())
    assert module.result["summary"] == summary(changed=count)
    assert max(held) == most


def test_campaigns_not_begun_before_a_stop_are_put_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    names = ["A", "B", "C", "D", "E"]
    records = Records(tmp_path / "records")
    run(bulk_module(earlier(names), **records.option))
    locked: list[str] = []
    lock = Files.lock

    def lock_and_note(store: Files, keys: t.Sequence[str]) -> Locks:
        locked.extend(keys)
        return lock(store, keys)

    module = bulk_module(names, concurrency=1, **records.option)
    with monkeypatch.context() as patched:
        patched.setattr(Files, "lock", lock_and_note)
        assert run(module, B="Authentication failed.") == ["A", "B"]
    assert module.result["summary"] == summary(changed=1, failed=1, not_sent=3)
    # After the stop nothing more is locked, be it to be put back.
    assert locked == [records.key(name) for name in "ABC"]
    assert records.state("A") == (True, LISTS["dynamic_dids"])
    assert [records.state(name) for name in "BCDE"] == [(True, ["111"])] * 4
    assert records.locked("ABCDE") == []


class JumpingClock(Clock):
    """The machine's clock, with jumps as a test makes them."""

    def __init__(self) -> None:
        self.jumped = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.jumped


def after_finish(
    monkeypatch: pytest.MonkeyPatch, action: t.Callable[[], object], *names: str
) -> None:
    """Do this once after the updates of these campaigns are finished."""
    finish, left = Keeper.finish, set(names)

    def finish_and_act(keeper: Keeper, updates: t.Sequence[KeptUpdate]) -> None:
        finish(keeper, updates)
        had_some = bool(left)
        left.difference_update(update.lists.campaign_name for update in updates)
        if had_some and not left:
            action()

    monkeypatch.setattr(Keeper, "finish", finish_and_act)


@pytest.mark.parametrize("most_in_hand", [1, 16])
def test_a_lock_held_by_another_run_delays_no_other_and_fails_at_the_timeout(
    most_in_hand: int, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.setattr(BulkOptions, "most_in_hand", most_in_hand)
    records = Records(tmp_path / "records")
    other = records.lock("A")
    clock = JumpingClock()
    # The others are done long before its timeout.
    after_finish(monkeypatch, lambda: setattr(clock, "jumped", 61.0), "B", "C")
    module = bulk_module(["A", "B", "C"], timeout=60.0, **records.option)
    assert sorted(run(module, clock)) == ["B", "C"]
    first, second, third = module.result["results"]
    assert (second, third) == (applied("B"), applied("C"))
    holder = f"process {os.getpid()} on host {os.uname().nodename}"
    assert first == {
        **LISTS,
        "campaign_name": "A",
        "changed": False,
        "changed_basis": "unavailable",
        "sent": False,
        "attempts": 0,
        "failed": True,
        "msg": f'Another run ({holder}) is updating campaign "A" and holds the lock of the '
        f"last-applied record {records.path('A')}. The whole timeout (60 s) was spent waiting for "
        "it, and nothing was sent. Run it again later, or raise timeout; for one campaign over "
        "many hosts, use run_once.",
        "failure": {"reason": "record_failed", "outcome": "not_applied", **NO_ANSWER},
    }
    assert module.result["summary"] == summary(changed=2, failed=1)
    other.unlock([records.key("A")])


def test_a_lock_released_by_another_run_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    records = Records(tmp_path / "records")
    other = records.lock("AC")
    after_finish(monkeypatch, lambda: other.unlock(map(records.key, "AC")), "B", "D")
    module = bulk_module(["A", "B", "C", "D"], concurrency=1, **records.option)
    sent = run(module, Clock())
    assert (sent[:2], sorted(sent[2:])) == (["B", "D"], ["A", "C"])
    assert module.result["results"] == [applied(name) for name in "ABCD"]


def test_stop_on_failure_applies_to_a_lock_held_by_another_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    records = Records(tmp_path / "records")
    other = records.lock("A")
    clock = JumpingClock()
    # B has finished, and no more than one is in hand.
    after_finish(monkeypatch, lambda: setattr(clock, "jumped", 61.0), "B")
    monkeypatch.setattr(BulkOptions, "most_in_hand", 1)
    module = bulk_module(["A", "B", "C"], stop_on_failure=True, concurrency=1, **records.option)
    assert run(module, clock) == ["B"]
    assert module.result["summary"] == summary(changed=1, failed=1, not_sent=1)
    assert module.result["results"][2]["msg"] == (
        "Not sent, because another campaign failed (stop_on_failure)."
    )
    other.unlock([records.key("A")])


def test_stop_on_failure_applies_to_a_record_that_cannot_be_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    records = Records(tmp_path / "records")
    run(bulk_module(["A", "B", "C"], **records.option))
    records.path("B").unlink()
    records.path("B").write_bytes(b'#3009184c {"version": 3}\n')
    unlink = os.unlink

    def unlink_others(path: str) -> None:
        if path == str(records.path("B")):
            raise OSError(errno.EACCES, "no")
        unlink(path)

    monkeypatch.setattr(os, "unlink", unlink_others)
    module = bulk_module(["A", "B", "C"], stop_on_failure=True, concurrency=1, **records.option)
    assert run(module) == ["A"]
    assert module.result["summary"] == summary(unchanged=1, failed=1, not_sent=1)
    assert module.result["failure"]["reason"] == "record_failed"


def test_skip_unchanged_locks_only_campaigns_that_differ(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.setattr(bulk_updates, "LOOK_AT_ONCE", 3)
    names = [f"Campaign {number}" for number in range(8)]
    records = Records(tmp_path / "records")
    run(bulk_module(names, **records.option))
    # Another run that holds a lock keeps no look back.
    other = records.lock(names[:1])
    looks: list[int] = []
    locked: list[str] = []
    read, lock = Files.read, Files.lock

    def read_and_count(store: Files, keys: t.Iterable[str]) -> dict[str, Found]:
        keys = list(keys)
        looks.append(len(keys))
        return read(store, keys)

    def lock_and_count(store: Files, keys: t.Sequence[str]) -> Locks:
        locked.extend(keys)
        return lock(store, keys)

    monkeypatch.setattr(Files, "read", read_and_count)
    monkeypatch.setattr(Files, "lock", lock_and_count)
    module = bulk_module(names, skip_unchanged=True, **records.option)
    assert run(module) == []
    assert module.result["summary"] == summary(skipped=8)
    assert (looks, locked) == ([3, 3, 2], [])
    differs = [*names[:7], {"campaign_name": names[7], "dynamic_dids": "111"}]
    module = bulk_module(differs, skip_unchanged=True, **records.option)
    assert run(module) == [names[7]]
    assert module.result["summary"] == summary(skipped=7, changed=1)
    assert locked == [records.key(names[7])]
    other.unlock([records.key(names[0])])


def test_lists_confirmed_by_another_run_after_the_look_are_sent_and_unchanged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    place = {"record_dir": str(tmp_path / "records")}
    look = Keeper.look

    def look_and_be_overtaken(keeper: Keeper, updates: t.Sequence[KeptUpdate]) -> None:
        look(keeper, updates)
        monkeypatch.setattr(Keeper, "look", look)
        keeper.wait_and_take(updates[0])
        updates[0].came = "confirmed"
        keeper.finish(updates)

    monkeypatch.setattr(Keeper, "look", look_and_be_overtaken)
    module = bulk_module(["A"], skip_unchanged=True, **place)
    assert run(module) == ["A"]
    (entry,) = module.result["results"]
    assert (entry["changed"], entry["changed_basis"], entry["sent"]) == (False, "same", True)


def test_a_slow_first_campaign_delays_the_others_only_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bulk_updates, "PATIENCE_SECONDS", 0.0)
    second_is_there = threading.Event()

    def wait(name: str) -> None:
        if name == "B":
            second_is_there.set()
        assert second_is_there.wait(HANG_SECONDS)

    module = bulk_module(["A", "B"])
    run(module, on_its_way=wait)
    assert module.result["summary"] == summary(changed=2)


def test_the_first_campaign_is_sent_alone_even_after_a_long_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, look = ClockDouble(), Keeper.look

    def look_for_long(keeper: Keeper, updates: t.Sequence[KeptUpdate]) -> None:
        look(keeper, updates)
        clock.sleep(10.0)

    monkeypatch.setattr(Keeper, "look", look_for_long)
    names = [f"Campaign {number}" for number in range(20)]
    module = bulk_module(names, skip_unchanged=True)
    assert run(module, clock, **refusing(names)) == ["Campaign 0"]


def test_waiting_for_a_worker_does_not_use_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ClockDouble()
    left: list[float] = []

    def send_for_long(settings: Settings, campaign: Campaign, update: KeptUpdate) -> Exchange:
        left.append(update.deadline.remaining())
        exchange = send(settings, campaign, update)
        clock.sleep(400.0)
        return exchange

    monkeypatch.setattr(bulk_updates, "send", send_for_long)
    monkeypatch.setattr(bulk_updates, "PATIENCE_SECONDS", 0.0)
    module = bulk_module(["A", "B", "C"], concurrency=1, timeout=500.0)
    run(module, clock)
    assert module.result["summary"] == summary(changed=3)
    assert left == [500.0, 500.0, 500.0]


def test_a_missing_requests_library_fails_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run, "REQUESTS_IMPORT_ERROR", "Traceback: no requests")
    module = bulk_module(["A"])
    assert run(module) == []
    assert module.result["exception"] == "Traceback: no requests"


def test_requests_per_minute_spaces_the_requests() -> None:
    clock = ClockDouble()
    monkey = pytest.MonkeyPatch()
    # The stop is what the pace waits on.
    monkey.setattr(threading.Event, "wait", lambda _event, seconds=None: clock.sleep(seconds or 0))
    try:
        module = bulk_module(["A", "B", "C"], requests_per_minute=6, concurrency=1, timeout=5.0)
        sent = run(module, clock)
    finally:
        monkey.undo()
    assert sent == ["A", "B", "C"]
    assert [wait for wait in clock.waits if wait] == [10.0, 10.0]
    assert module.result["summary"] == summary(changed=3)
    assert module.lines
    assert all(re.match(r"[123] of 3 campaigns done, .* left$", line) for line in module.lines)
