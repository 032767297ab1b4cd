# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record around an update, through the code that runs the module; the server is a mock."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import pathlib
import typing as t

import pytest
import requests
import responses

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _run
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.client import HttpClient
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Deadline
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.session import SessionCache
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.watchdog import Watchdog
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record import record_name
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record_store import RecordStore
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    API_KEY,
    ClockDouble,
    Ended,
    ModuleDouble,
    longest,
)

ENDPOINT = "https://in1-ccaas-api.ozonetel.com"
URL = f"{ENDPOINT}/APIServices/dynamic/did/update"
NAME = record_name(ENDPOINT, "acme", "Sales")

SUCCESS = "Dynamic DIDs updated successfully"
NOT_FOUND = "Campaign not found."
REFUSED_DIDS = "Please enter the valid FallbackDIDs assigned to the account"
A: dict[str, t.Any] = {"dynamic_dids": ["111"], "fallback_dynamic_dids": ["333"]}
B: dict[str, t.Any] = {"dynamic_dids": ["222"], "fallback_dynamic_dids": ["333"]}
LISTED_A = "dynamic_dids:\n  111\nfallback_dynamic_dids:\n  333\n"

Answer = t.Union[str, BaseException, t.Callable[[], t.Any]]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OZONETEL_API_URL", "OZONETEL_REGION", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


class Ran(t.NamedTuple):
    """What came of a run."""

    result: dict[str, t.Any]
    warnings: list[str]
    requests: int

    @property
    def told(self) -> tuple[bool, str | None]:
        return self.result["changed"], self.result["changed_basis"]

    @property
    def reason(self) -> str:
        return str(self.result["failure"]["reason"])


class Runner:
    """Runs updates of one campaign with one directory of records."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.path = directory / f"{NAME}.json"
        self.clock = ClockDouble()

    def __call__(self, *answers: Answer, check_mode: bool = False, **options: t.Any) -> Ran:
        options = {"record_dir": str(self.directory), "retries": 0, **options}
        module = ModuleDouble(check_mode=check_mode, diff=True, **options)
        client = HttpClient(SessionCache(), Watchdog(), self.clock, longest)
        with responses.RequestsMock() as mock:
            for answer in answers:
                if isinstance(answer, str):
                    mock.post(URL, json={"Message": answer})
                else:
                    mock.add_callback(responses.POST, URL, _callback(answer))
            with pytest.raises(Ended):
                _run.run(module, client)
            assert API_KEY not in self.text()
            return Ran(module.result, module.warnings, len(mock.calls))

    def text(self) -> str:
        return self.path.read_text("ascii") if self.path.is_file() else ""

    def confirmed(self) -> bool | None:
        """Tell whether a run would trust the record; None when there is none."""
        return bool(json.loads(self.text())["confirmed"]) if self.text() else None

    def predict(self, **options: t.Any) -> tuple[bool, str | None]:
        return self(check_mode=True, **options).told

    def names(self) -> list[str]:
        if not self.directory.exists():
            return []
        return sorted(path.name for path in self.directory.iterdir())


def _callback(answer: BaseException | t.Callable[[], t.Any]) -> t.Callable[[t.Any], t.Any]:
    def answer_request(_request: t.Any) -> t.Any:
        if isinstance(answer, BaseException):
            raise answer
        return answer()

    return answer_request


@pytest.fixture(name="run")
def _run_fixture(tmp_path: pathlib.Path) -> Runner:
    return Runner(tmp_path / "records")


def lost() -> BaseException:
    """Return what a request meets whose answer does not come."""
    return ConnectionResetError()


def never_sent() -> BaseException:
    """Return what a request meets that does not even get a connection."""
    return requests.ConnectTimeout()


def fail(number: int) -> t.Callable[..., t.NoReturn]:
    def failing(*_arguments: t.Any, **_options: t.Any) -> t.NoReturn:
        raise OSError(number, "no")

    return failing


def not_writable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the directory read-only, for root as well, who runs the tests in containers."""
    monkeypatch.setattr(os, "access", lambda _path, mode: not mode & os.W_OK)
    for step in ("unlink", "replace", "makedirs"):
        monkeypatch.setattr(os, step, fail(errno.EROFS))


# --- Each row of the table ----------------------------------------------------------------------


def test_run_and_run_again(run: Runner) -> None:
    assert run.predict(**A) == (True, "first_seen")
    assert run.names() == []
    first = run(SUCCESS, **A)
    assert (first.told, first.requests, first.warnings) == ((True, "first_seen"), 1, [])
    assert run.names() == [f"{NAME}.json", f"{NAME}.lock"]
    assert run.predict(**A) == (False, "same")
    text, written = run.text(), run.path.stat().st_mtime_ns
    second = run(SUCCESS, **A)
    assert (second.told, second.requests) == ((False, "same"), 1)
    assert second.result["sent"] is True
    assert (run.text(), run.path.stat().st_mtime_ns) == (text, written)
    third = run(SUCCESS, **B)
    assert (third.told, third.requests) == ((True, "differs"), 1)
    assert third.result["diff"]["before"] == LISTED_A


def test_the_order_of_a_list_counts(run: Runner) -> None:
    run(SUCCESS, dynamic_dids=["111", "222"])
    assert run(SUCCESS, dynamic_dids=["222", "111"]).told == (True, "differs")


def test_what_is_kept(run: Runner) -> None:
    run(SUCCESS, **A)
    run.clock.sleep(3600)
    run(SUCCESS, **B)
    names = {"username": "acme", "campaign_name": "Sales"}
    assert json.loads(run.text()) == {
        "version": 1,
        "endpoint": ENDPOINT,
        "confirmed": True,
        "history": [
            {"applied_at": "2027-01-15T09:00:00Z", **names, **B},
            {"applied_at": "2027-01-15T08:00:00Z", **names, **A},
        ],
    }


def test_an_unknown_outcome_leaves_no_confirmation(run: Runner) -> None:
    run(SUCCESS, **A)
    failed = run(lost(), **B)
    assert failed.told == (False, "differs")
    assert failed.result["failure"]["outcome"] == "unknown"
    assert run.confirmed() is False
    assert run.predict(**A) == (True, "unconfirmed")
    again = run(SUCCESS, **A)
    assert again.told == (True, "unconfirmed")
    assert again.result["diff"]["before_header"] == (
        f'campaign "Sales" at {ENDPOINT}, as last confirmed at 2027-01-15T08:00:00Z; '
        "not certain to hold"
    )
    assert again.result["diff"]["before"] == f"Not certain to hold:\n{LISTED_A}"
    assert run(SUCCESS, **A).told == (False, "same")


def test_an_unknown_outcome_of_the_same_lists(run: Runner) -> None:
    run(SUCCESS, **A)
    assert run(lost(), **A).told == (False, "same")
    assert run.confirmed() is False


@pytest.mark.parametrize(
    ("answers", "stays"),
    [
        pytest.param([NOT_FOUND], True, id="campaign not found"),
        pytest.param(["Authentication failed"], True, id="account refused"),
        pytest.param(["Max limit exceeded", NOT_FOUND], True, id="refused twice"),
        pytest.param([never_sent(), never_sent()], True, id="not sent"),
        pytest.param([never_sent(), NOT_FOUND], True, id="not sent, then campaign not found"),
        pytest.param([never_sent(), lost()], False, id="not sent, then the answer lost"),
        pytest.param([REFUSED_DIDS], False, id="numbers refused"),
        pytest.param(["DIDs is required"], False, id="list missing"),
        pytest.param(["Something else"], False, id="not documented"),
        pytest.param([lost(), NOT_FOUND], False, id="the first answer lost, then refused"),
        pytest.param(["Max limit exceeded", REFUSED_DIDS], False, id="numbers refused later"),
    ],
)
@pytest.mark.parametrize("lists", [A, B])
def test_which_failures_leave_the_confirmation(
    run: Runner, answers: list[Answer], stays: bool, lists: dict[str, t.Any]
) -> None:
    run(SUCCESS, **A)
    text = run.text()
    failed = run(*answers, retries=1, **lists)
    assert failed.requests == len(answers)
    assert failed.told == (False, "same" if lists == A else "differs")
    assert run.confirmed() is stays
    assert (run.text() == text) is stays
    # A record that was withdrawn before stays so.
    run.path.write_text(text.replace('"confirmed": true', '"confirmed": false'), "ascii")
    run(NOT_FOUND, **lists)
    assert run.confirmed() is False


def test_nothing_sent_leaves_the_confirmation(run: Runner) -> None:
    run(SUCCESS, **A)
    failed = run(api_url="https://in1-ccaas-api.ozonetel.com", ca_path="/nowhere", **B)
    assert failed.reason == "invalid_input"
    assert failed.result["changed_basis"] is None
    assert run.confirmed() is True


def test_an_unforeseen_error_leaves_the_record_withdrawn(run: Runner) -> None:
    run(SUCCESS, **A)
    for lists in (B, A):
        failed = run(ZeroDivisionError(), **lists)
        assert "did not foresee: ZeroDivisionError" in failed.result["msg"]
        assert run.confirmed() is False
        run(SUCCESS, **A)


@pytest.mark.parametrize("lists", [A, B])
def test_an_interruption_leaves_no_confirmation_and_no_lock(
    run: Runner, lists: dict[str, t.Any]
) -> None:
    run(SUCCESS, **A)
    with pytest.raises(KeyboardInterrupt):
        run(KeyboardInterrupt(), **lists)
    assert run.confirmed() is False
    assert run(SUCCESS, **A).told == (True, "unconfirmed")
    assert run.clock.waits == []


@pytest.mark.parametrize("second", ["SALES", " sales"])
def test_another_spelling_is_unconfirmed(run: Runner, second: str) -> None:
    run(SUCCESS, **A)
    text = run.text()
    assert run(NOT_FOUND, campaign_name=second, **A).told == (False, "unconfirmed")
    assert run.text() == text
    assert run(SUCCESS, campaign_name=second, **A).told == (True, "unconfirmed")
    assert run(SUCCESS, campaign_name=second, **A).told == (False, "same")
    assert run(SUCCESS, **A).told == (True, "unconfirmed")
    assert len(run.names()) == 2


def test_region_and_its_url_are_one(run: Runner) -> None:
    run(SUCCESS, region="domestic", **A)
    url = "HTTPS://in1-ccaas-api.OZONETEL.com:443/"
    assert run(SUCCESS, api_url=url, **A).told == (False, "same")


# --- skip_unchanged and record: false -----------------------------------------------------------


def test_nothing_is_sent_when_unchanged(run: Runner) -> None:
    assert run(SUCCESS, skip_unchanged=True, **A).told == (True, "first_seen")
    skipped = run(skip_unchanged=True, **A)
    assert skipped.requests == 0
    diff = skipped.result.pop("diff")
    assert diff["before"] == diff["after"] == LISTED_A
    assert skipped.result == {
        "changed": False,
        "changed_basis": "same",
        "msg": 'Campaign "Sales" is unchanged: 1 dynamic DID, 1 fallback dynamic DID. Nothing was '
        "sent, as these are the lists that the server confirmed last (skip_unchanged).",
        "campaign_name": "Sales",
        **A,
        "endpoint": ENDPOINT,
        "sent": False,
        "api_message": None,
        "http_status": None,
        "attempts": 0,
    }
    assert run.predict(skip_unchanged=True, **A) == (False, "same")
    assert run(SUCCESS, skip_unchanged=True, **B).told == (True, "differs")


def test_no_record_makes_no_file(run: Runner) -> None:
    for _time in range(2):
        ran = run(SUCCESS, record=False, **A)
        assert (ran.told, ran.warnings) == ((True, "unavailable"), [])
        assert run.predict(record=False, **A) == (True, "unavailable")
    assert run.names() == []
    assert ran.result["diff"]["before"].startswith("Not known")


def test_no_record_still_takes_the_lock_in_a_directory_that_is_there(run: Runner) -> None:
    run.directory.mkdir()
    held = RecordStore(str(run.directory), NAME)
    with held.locked(Deadline(run.clock, 1.0), run.clock):
        assert run(record=False, timeout=1.0, **A).reason == "record_failed"
    assert run(SUCCESS, record=False, **A).told == (True, "unavailable")
    assert run.names() == [f"{NAME}.lock"]


@pytest.mark.parametrize("lists", [A, B])
def test_no_record_withdraws_a_confirmation(run: Runner, lists: dict[str, t.Any]) -> None:
    run(SUCCESS, **A)
    run(NOT_FOUND, record=False, **lists)
    assert run.confirmed() is True
    assert run.predict(record=False, **lists) == (True, "unavailable")
    assert run.confirmed() is True
    assert run(SUCCESS, record=False, **lists).told == (True, "unavailable")
    assert run.confirmed() is False
    assert run(SUCCESS, record=False, **lists).told == (True, "unavailable")
    assert run(SUCCESS, **A).told == (True, "unconfirmed")


def test_no_record_removes_what_can_not_be_read(run: Runner) -> None:
    run(SUCCESS, **A)
    run.path.write_text('{"version": 2}', "ascii")
    assert run(SUCCESS, record=False, **A).warnings == []
    assert run.confirmed() is None


# --- What is in the record's place --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "is damaged"),
        ('{"version": 7}', "was written by a newer version of the collection"),
    ],
)
def test_what_can_not_be_used_counts_as_absent(run: Runner, text: str, fault: str) -> None:
    run(SUCCESS, **A)
    run.path.write_text(text, "ascii")
    warning = (
        f"The last-applied record {run.path} {fault}. It counts as absent, and the next confirmed "
        "update replaces it."
    )
    predicted = run(check_mode=True, **A)
    assert (predicted.told, predicted.warnings) == ((True, "first_seen"), [warning])
    assert run.text() == text
    ran = run(SUCCESS, **A)
    assert (ran.told, ran.warnings) == ((True, "first_seen"), [warning])
    assert run(SUCCESS, **A).told == (False, "same")


def test_a_link_is_replaced_and_its_target_left_alone(run: Runner, tmp_path: pathlib.Path) -> None:
    run(SUCCESS, **A)
    target = tmp_path / "target"
    run.path.rename(target)
    run.path.symlink_to(target)
    text = target.read_text("ascii")
    ran = run(SUCCESS, **B)
    assert ran.told == (True, "first_seen")
    assert "is a symbolic link" in ran.warnings[0]
    assert not run.path.is_symlink()
    assert target.read_text("ascii") == text
    assert run(SUCCESS, **B).told == (False, "same")


def test_what_another_version_may_trust_is_gone_before_the_request(run: Runner) -> None:
    run(SUCCESS, **A)
    run.path.write_text('{"version": 7}', "ascii")
    run(lambda: (500, {}, str(run.names())), **B)
    assert run.names() == [f"{NAME}.lock"]


def test_the_confirmation_is_gone_while_other_lists_are_on_their_way(run: Runner) -> None:
    run(SUCCESS, **A)
    seen = []

    def look() -> tuple[int, dict[str, str], str]:
        seen.append(run.confirmed())
        return 200, {}, json.dumps({"Message": SUCCESS})

    run(look, **B)
    run(look, **B)
    assert seen == [False, True]


def test_what_a_killed_run_removed_is_gone_for_good_before_other_lists_are_on_their_way(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def sync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", sync)

    def look() -> tuple[int, dict[str, str], str]:
        directory = run.directory.stat().st_ino
        return 200, {}, json.dumps({"Message": f"{synced.count(directory)} times"})

    def times_before_the_request() -> str:
        synced.clear()
        return str(run(look, **A).result["failure"]["api_message"])

    # Who makes the lock has nothing before him that could come back.
    assert times_before_the_request() == "0 times"
    assert times_before_the_request() == "1 times"
    run(SUCCESS, **A)
    run.path.unlink()
    assert times_before_the_request() == "1 times"


# --- What the disk refuses ----------------------------------------------------------------------


def test_a_directory_that_can_not_be_written_to(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    not_writable(monkeypatch)
    warning = (
        f"No last-applied record can be used in {run.directory}: the directory can't be written "
        "to. The update works without it, and counts as changed. Choose a record_dir that can be "
        "written to, or record: false."
    )
    predicted = run(check_mode=True, **A)
    assert (predicted.told, predicted.warnings) == ((True, "unavailable"), [warning])
    ran = run(SUCCESS, **A)
    assert (ran.told, ran.warnings) == ((True, "unavailable"), [warning])
    assert run(SUCCESS, record=False, **A).warnings == []


def test_a_confirmation_in_the_way_of_other_lists(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(SUCCESS, **A)
    not_writable(monkeypatch)
    for check_mode in (True, False):
        failed = run(check_mode=check_mode, **B)
        assert failed.reason == "record_failed"
        assert failed.result["failure"]["outcome"] == "not_applied"
        assert str(run.path) in failed.result["msg"]
        assert "Nothing was sent." in failed.result["msg"]
    # The same lists leave it right.
    assert run.predict(**A) == (True, "unavailable")
    assert run(SUCCESS, **A).told == (True, "unavailable")
    assert run.confirmed() is True


@pytest.mark.parametrize("steps", [["replace", "unlink"], ["open_temporary", "unlink"]])
def test_a_confirmation_that_can_not_be_withdrawn(
    run: Runner, monkeypatch: pytest.MonkeyPatch, steps: list[str]
) -> None:
    run(SUCCESS, **A)
    for step in steps:
        if step == "open_temporary":
            monkeypatch.setattr(RecordStore, "_open_temporary", fail(errno.EACCES))
        else:
            monkeypatch.setattr(os, step, fail(errno.EACCES))
    failed = run(**B)
    assert failed.reason == "record_failed"
    assert failed.result["changed_basis"] == "differs"
    assert "(Permission denied)" in failed.result["msg"]
    assert run.confirmed() is True


def test_a_record_that_can_be_neither_read_nor_removed(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(SUCCESS, **A)
    monkeypatch.setattr(RecordStore, "_read_bytes", fail(errno.EACCES))
    monkeypatch.setattr(os, "unlink", fail(errno.EACCES))
    assert run(**A).reason == "record_failed"
    monkeypatch.setattr(os, "unlink", os.remove)
    ran = run(SUCCESS, **A)
    assert ran.told == (True, "first_seen")
    assert "can't be read (Permission denied)" in ran.warnings[0]


def test_what_nobody_trusts_may_stay(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    run(SUCCESS, **A)
    run.path.write_text("{", "ascii")
    monkeypatch.setattr(os, "unlink", fail(errno.EACCES))
    assert run("Something else", **A).reason == "unexpected_answer"
    assert run(SUCCESS, **A).told == (True, "first_seen")
    assert run.confirmed() is True


@pytest.mark.parametrize("lists", [A, B])
def test_no_record_and_a_directory_that_can_not_be_written_to(
    run: Runner, monkeypatch: pytest.MonkeyPatch, lists: dict[str, t.Any]
) -> None:
    run(SUCCESS, **A)
    not_writable(monkeypatch)
    if lists == A:
        ran = run(SUCCESS, record=False, **lists)
        assert (ran.told, ran.warnings) == ((True, "unavailable"), [])
    else:
        assert run(record=False, **lists).reason == "record_failed"


def test_a_full_disk(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    run(SUCCESS, **A)
    monkeypatch.setattr(os, "write", fail(errno.ENOSPC))
    ran = run(SUCCESS, **B)
    assert ran.told == (True, "differs")
    assert ran.warnings == [
        f"The update was confirmed, but the last-applied record {run.path} could not be written "
        "(No space left on device), so the next run will count as changed. Look at the directory "
        "and the disk."
    ]
    assert run.names() == [f"{NAME}.lock"]
    assert run.predict(**B) == (True, "first_seen")


def test_a_full_disk_before_the_first_run(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "makedirs", fail(errno.ENOSPC))
    ran = run(SUCCESS, **A)
    assert ran.told == (True, "unavailable")
    assert len(ran.warnings) == 1
    assert "No space left on device" in ran.warnings[0]


def test_a_full_disk_after_a_failure(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    run(SUCCESS, **A)

    def fill() -> tuple[int, dict[str, str], str]:
        monkeypatch.setattr(os, "write", fail(errno.ENOSPC))
        return 200, {}, json.dumps({"Message": NOT_FOUND})

    failed = run(fill, **B)
    assert failed.reason == "campaign_not_found"
    assert failed.warnings == [
        f"The last-applied record {run.path} could not be written after the failure "
        "(No space left on device). Look at the directory and the disk."
    ]
    assert run.confirmed() is False


def test_no_locks_and_a_confirmation(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    run(SUCCESS, **A)
    monkeypatch.setattr(fcntl, "flock", fail(errno.ENOLCK))
    ran = run(SUCCESS, **B)
    assert ran.told == (True, "unavailable")
    assert "No locks available" in ran.warnings[0]
    assert run.confirmed() is None


def test_no_home_directory(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OZONETEL_RECORD_DIR", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    ran = run(SUCCESS, record_dir=None, **A)
    assert ran.told == (True, "unavailable")
    assert ran.warnings[0].startswith(
        "No last-applied record can be used: there is no home directory."
    )
    assert run(SUCCESS, record_dir=None, record=False, **A).warnings == []


def test_the_key_is_masked_in_warnings(tmp_path: pathlib.Path) -> None:
    run = Runner(tmp_path / API_KEY)
    run(SUCCESS, **A)
    run.path.write_text("{", "ascii")
    assert "********" in run(SUCCESS, **A).warnings[0]


# --- Without a lock, beside a run that has one ---------------------------------------------------


def busy() -> tuple[int, dict[str, str], str]:
    return 503, {}, ""


def then(action: t.Callable[[], object], message: str = SUCCESS) -> t.Callable[[], t.Any]:
    """Return an answer before which something else happens."""

    def answer() -> tuple[int, dict[str, str], str]:
        action()
        return 200, {}, json.dumps({"Message": message})

    return answer


def record_by_another_run(run: Runner) -> None:
    """Have another run of these tests' campaign confirm the lists A, aside from the mock."""
    record = {"version": 1, "endpoint": ENDPOINT, "confirmed": True}
    names = {"applied_at": "2027-01-15T08:00:00Z", "username": "acme", "campaign_name": "Sales"}
    run.directory.mkdir(exist_ok=True)
    run.path.write_text(json.dumps({**record, "history": [{**names, **A}]}), "ascii")
    (run.directory / f"{NAME}.lock").touch()


def test_what_was_confirmed_meanwhile_is_withdrawn_before_a_retry(run: Runner) -> None:
    seen: list[bool | None] = []

    def record_and_be_busy() -> tuple[int, dict[str, str], str]:
        record_by_another_run(run)
        return busy()

    def look() -> None:
        seen.append(run.confirmed())
        assert run(record=False, timeout=0.5, **A).reason == "record_failed"

    ran = run(record_and_be_busy, then(look), record=False, retries=1, **B)
    assert (ran.told, ran.warnings) == ((True, "unavailable"), [])
    assert seen == [False]
    assert run.confirmed() is False
    assert run(SUCCESS, **A).told == (True, "unconfirmed")


def test_what_was_confirmed_meanwhile_is_withdrawn_afterwards(run: Runner) -> None:
    ran = run(then(lambda: record_by_another_run(run)), record=False, **B)
    assert (ran.told, ran.warnings) == ((True, "unavailable"), [])
    assert run.confirmed() is False


@pytest.mark.parametrize(("refusal", "stays"), [(NOT_FOUND, True), (REFUSED_DIDS, False)])
def test_a_refused_run_without_the_lock(run: Runner, refusal: str, stays: bool) -> None:
    run(then(lambda: record_by_another_run(run), refusal), record=False, **B)
    assert run.confirmed() is stays


def test_no_retry_while_another_run_has_the_lock(run: Runner) -> None:
    with contextlib.ExitStack() as other:

        def begin_another_run() -> tuple[int, dict[str, str], str]:
            run.directory.mkdir()
            store = RecordStore(str(run.directory), NAME)
            other.enter_context(store.locked(Deadline(run.clock, 1.0), run.clock))
            return busy()

        failed = run(begin_another_run, record=False, retries=1, timeout=5.0, **B)
    assert (failed.reason, failed.requests) == ("server_error", 1)
    assert failed.warnings == [
        f'Campaign "Sales" was updated without the lock of its last-applied record {run.path}, and '
        "the record could not be withdrawn afterwards (it is locked, or can't be written to). "
        "Another run may have written it meanwhile, so it may be wrong: remove it before the next "
        "run."
    ]


def test_an_interruption_waits_for_no_lock(run: Runner) -> None:
    with contextlib.ExitStack() as other:

        def begin_another_run() -> t.NoReturn:
            run.directory.mkdir()
            store = RecordStore(str(run.directory), NAME)
            other.enter_context(store.locked(Deadline(run.clock, 1.0), run.clock))
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(begin_another_run, record=False, **B)
    assert run.clock.waits == []


def test_the_lock_is_tried_again_after_an_error(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", fail(errno.EIO))

    def recover() -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        record_by_another_run(run)

    ran = run(then(recover), **B)
    assert ran.told == (True, "unavailable")
    assert len(ran.warnings) == 1
    assert run.confirmed() is False


def test_the_confirmed_lists_need_no_withdrawal(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(SUCCESS, **A)
    not_writable(monkeypatch)
    assert len(run(SUCCESS, **A).warnings) == 1
    assert run.confirmed() is True


# --- Two at once --------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"record": False}, {"campaign_name": "SALES"}])
def test_who_waits_too_long_fails_and_sends_nothing(run: Runner, options: dict[str, t.Any]) -> None:
    run(SUCCESS, **A)
    store = RecordStore(str(run.directory), NAME)
    with store.locked(Deadline(run.clock, 1.0), run.clock):
        failed = run(timeout=2.5, **options, **B)
        assert run.predict(**B) == (True, "differs")
    assert failed.reason == "record_failed"
    assert failed.told == (False, None)
    assert failed.result["failure"]["outcome"] == "not_applied"
    assert failed.result["msg"] == (
        f"Another run (process {os.getpid()} on host {os.uname().nodename}) is updating campaign "
        f'"{options.get("campaign_name", "Sales")}" and holds the lock of the last-applied record '
        f"{run.path}. The whole timeout (2.5 s) was spent waiting for it, and nothing was sent. "
        "Run it again later, or raise timeout; for one campaign over many hosts, use run_once."
    )
    assert sum(run.clock.waits) == pytest.approx(2.5)
    assert run.confirmed() is True
