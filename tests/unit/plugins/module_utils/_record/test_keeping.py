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
import pwd
import time
import typing as t

import pytest
import requests
import responses

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _run
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record import opening
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines.files import Files
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines.lines import (
    confirmation_line,
    header_line,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.opening import applied_by
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import (
    Confirmation,
    Lists,
    record_key,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.store import Found, Kept
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    API_KEY,
    ClockDouble,
    Ended,
    ModuleDouble,
    new_client,
)

ENDPOINT = "https://in1-ccaas-api.ozonetel.com"
URL = f"{ENDPOINT}/APIServices/dynamic/did/update"
KEY = record_key(ENDPOINT, "acme", "Sales")

SUCCESS = "Dynamic DIDs updated successfully"
NOT_FOUND = "Campaign not found."
REFUSED_DIDS = "Please enter the valid FallbackDIDs assigned to the account"
A: dict[str, t.Any] = {"dynamic_dids": ["111"], "fallback_dynamic_dids": ["333"]}
B: dict[str, t.Any] = {"dynamic_dids": ["222"], "fallback_dynamic_dids": ["333"]}
LISTED_A = "dynamic_dids:\n  111\nfallback_dynamic_dids:\n  333\n"
NEWER = b'#3009184c {"version": 3}\n'

Answer = t.Union[str, BaseException, t.Callable[[], t.Any]]


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
        self.path = directory / f"{KEY}.record"
        self.clock = ClockDouble()

    def __call__(self, *answers: Answer, check_mode: bool = False, **options: t.Any) -> Ran:
        options = {"record_dir": str(self.directory), "retries": 0, **options}
        module = ModuleDouble(check_mode=check_mode, diff=True, **options)
        client = new_client(self.clock)
        with responses.RequestsMock() as mock:
            for answer in answers:
                if isinstance(answer, str):
                    mock.post(URL, json={"Message": answer})
                else:
                    mock.add_callback(responses.POST, URL, _callback(answer))
            with pytest.raises(Ended):
                _run.run(module, client)
            assert API_KEY.encode() not in self.content()
            return Ran(module.result, module.warnings, len(mock.calls))

    def content(self) -> bytes:
        return self.path.read_bytes() if self.path.is_file() else b""

    def found(self) -> Found:
        return Files(str(self.directory)).read([KEY])[KEY]

    def confirmed(self) -> bool | None:
        """Tell whether a run would trust the record; None when there is none."""
        record = self.found().record
        return record.confirmed if record else None

    def kept(self) -> list[Confirmation]:
        """Return all confirmations that are kept, newest first."""
        found = Files(str(self.directory)).find()
        return [one for kept in found if isinstance(kept, Kept) for one in kept.confirmations]

    @contextlib.contextmanager
    def locked(self) -> t.Iterator[None]:
        """Have another run hold the lock."""
        other = Files(str(self.directory))
        assert other.lock([KEY]).obtained == {KEY}
        try:
            yield
        finally:
            other.unlock([KEY])

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
    for step in ("unlink", "replace", "makedirs", "pwrite", "ftruncate"):
        monkeypatch.setattr(os, step, fail(errno.EROFS))


# --- Each row of the table ----------------------------------------------------------------------


def test_the_first_run_is_first_seen_and_the_next_the_same(run: Runner) -> None:
    assert run.predict(**A) == (True, "first_seen")
    assert run.names() == []
    first = run(SUCCESS, **A)
    assert (first.told, first.requests, first.warnings) == ((True, "first_seen"), 1, [])
    assert run.names() == [f"{KEY}.lock", f"{KEY}.record"]
    assert run.predict(**A) == (False, "same")
    content, written = run.content(), run.path.stat().st_mtime_ns
    second = run(SUCCESS, **A)
    assert (second.told, second.requests) == ((False, "same"), 1)
    assert second.result["sent"] is True
    assert (run.content(), run.path.stat().st_mtime_ns) == (content, written)
    third = run(SUCCESS, **B)
    assert (third.told, third.requests) == ((True, "differs"), 1)
    assert third.result["diff"]["before"] == LISTED_A


def test_another_order_of_the_numbers_is_a_difference(run: Runner) -> None:
    run(SUCCESS, dynamic_dids=["111", "222"])
    assert run(SUCCESS, dynamic_dids=["222", "111"]).told == (True, "differs")


def test_a_confirmation_keeps_lists_time_user_and_note(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(SUCCESS, record_note="https://ci.example/job/7", **A)
    run.clock.sleep(3600)
    monkeypatch.setattr(opening, "applied_by", lambda: "deploy@runner")
    run(SUCCESS, record_note=" ", **B)
    record = run.found().record
    assert record is not None
    assert (record.endpoint, record.confirmed) == (ENDPOINT, True)
    me = f"{pwd.getpwuid(os.geteuid()).pw_name}@{os.uname().nodename}"
    newest = Confirmation(
        Lists("acme", "Sales", **B), "2027-01-15T09:00:00Z", "deploy@runner", None
    )
    assert record.last == newest
    assert run.kept() == [
        newest,
        Confirmation(
            Lists("acme", "Sales", **A), "2027-01-15T08:00:00Z", me, "https://ci.example/job/7"
        ),
    ]


def test_a_confirmation_has_the_time_in_utc_wherever_it_was_made(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        run(SUCCESS, **A)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert [one.applied_at for one in run.kept()] == ["2027-01-15T08:00:00Z"]


def test_the_same_lists_again_keep_the_first_confirmation(run: Runner) -> None:
    run(SUCCESS, record_note="first", **A)
    run(SUCCESS, record_note="second", **A)
    assert [one.note for one in run.kept()] == ["first"]


def test_a_user_without_a_name_is_recorded_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_number: int) -> t.NoReturn:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    applied_by.cache_clear()
    try:
        assert applied_by() == f"{os.geteuid()}@{os.uname().nodename}"
    finally:
        applied_by.cache_clear()


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


def test_an_unknown_outcome_of_the_same_lists_leaves_no_confirmation(run: Runner) -> None:
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
def test_only_failures_that_changed_nothing_keep_the_confirmation(
    run: Runner, answers: list[Answer], stays: bool, lists: dict[str, t.Any]
) -> None:
    run(SUCCESS, **A)
    content, written = run.content(), run.path.stat().st_mtime_ns
    failed = run(*answers, retries=1, **lists)
    assert failed.requests == len(answers)
    assert failed.told == (False, "same" if lists == A else "differs")
    assert run.confirmed() is stays
    assert (run.content() == content) is stays
    if stays and lists == A:
        assert run.path.stat().st_mtime_ns == written
    # A record that was withdrawn before stays so.
    run.path.write_bytes(content.replace(b"\n+", b"\n-"))
    run(NOT_FOUND, **lists)
    assert run.confirmed() is False


def test_invalid_input_keeps_the_confirmation(run: Runner) -> None:
    run(SUCCESS, **A)
    failed = run(api_url="https://in1-ccaas-api.ozonetel.com", ca_path="/nowhere", **B)
    assert failed.reason == "invalid_input"
    assert failed.result["changed_basis"] is None
    assert run.confirmed() is True


def test_an_unexpected_error_leaves_the_record_withdrawn(run: Runner) -> None:
    run(SUCCESS, **A)
    for lists in (B, A):
        failed = run(ZeroDivisionError(), **lists)
        assert "Unexpected error in the collection: ZeroDivisionError" in failed.result["msg"]
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
def test_another_spelling_of_the_name_is_unconfirmed(run: Runner, second: str) -> None:
    run(SUCCESS, **A)
    content = run.content()
    assert run(NOT_FOUND, campaign_name=second, **A).told == (False, "unconfirmed")
    assert run.content() == content
    assert run(SUCCESS, campaign_name=second, **A).told == (True, "unconfirmed")
    assert run(SUCCESS, campaign_name=second, **A).told == (False, "same")
    assert run(SUCCESS, **A).told == (True, "unconfirmed")
    assert len(run.names()) == 2


def test_a_region_and_its_url_share_a_record(run: Runner) -> None:
    run(SUCCESS, region="domestic", **A)
    url = "HTTPS://in1-ccaas-api.OZONETEL.com:443/"
    assert run(SUCCESS, api_url=url, **A).told == (False, "same")


# --- skip_unchanged and record: false -----------------------------------------------------------


def test_skip_unchanged_sends_nothing_for_the_same_lists(run: Runner) -> None:
    assert run(SUCCESS, skip_unchanged=True, **A).told == (True, "first_seen")
    skipped = run(skip_unchanged=True, **A)
    assert skipped.requests == 0
    diff = skipped.result.pop("diff")
    assert diff["before"] == diff["after"] == LISTED_A
    assert skipped.result == {
        "changed": False,
        "changed_basis": "same",
        "msg": 'Campaign "Sales" is unchanged: 1 dynamic DID, 1 fallback dynamic DID. These are the '
        f"lists confirmed last, according to the record in {run.directory}. Nothing was sent "
        "(skip_unchanged).",
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


def test_record_false_creates_no_file(run: Runner) -> None:
    for _time in range(2):
        ran = run(SUCCESS, record=False, **A)
        assert (ran.told, ran.warnings) == ((True, "unavailable"), [])
        assert run.predict(record=False, **A) == (True, "unavailable")
    assert run.names() == []
    assert ran.result["diff"]["before"].startswith("Not known")


def test_record_false_takes_the_lock_in_an_existing_directory(run: Runner) -> None:
    run.directory.mkdir()
    with run.locked():
        assert run(record=False, timeout=1.0, **A).reason == "record_failed"
    assert run(SUCCESS, record=False, **A).told == (True, "unavailable")
    assert run.names() == [f"{KEY}.lock"]


@pytest.mark.parametrize("lists", [A, B])
def test_record_false_withdraws_a_confirmation(run: Runner, lists: dict[str, t.Any]) -> None:
    run(SUCCESS, **A)
    run(NOT_FOUND, record=False, **lists)
    assert run.confirmed() is True
    assert run.predict(record=False, **lists) == (True, "unavailable")
    assert run.confirmed() is True
    assert run(SUCCESS, record=False, **lists).told == (True, "unavailable")
    assert run.confirmed() is False
    assert run(SUCCESS, record=False, **lists).told == (True, "unavailable")
    assert run(SUCCESS, **A).told == (True, "unconfirmed")


def test_record_false_removes_an_unusable_record(run: Runner) -> None:
    run(SUCCESS, **A)
    run.path.write_bytes(NEWER)
    assert run(SUCCESS, record=False, **A).warnings == []
    assert run.confirmed() is None


# --- What is in the record's place --------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"{", "is damaged"),
        (NEWER, "was written by a newer version of the collection"),
    ],
)
def test_an_unusable_record_is_ignored_with_a_warning(
    run: Runner, content: bytes, fault: str
) -> None:
    run(SUCCESS, **A)
    run.path.write_bytes(content)
    warning = (
        f"The last-applied record {run.path} {fault}. It is ignored, and the next confirmed "
        "update replaces it."
    )
    predicted = run(check_mode=True, **A)
    assert (predicted.told, predicted.warnings) == ((True, "first_seen"), [warning])
    assert run.content() == content
    ran = run(SUCCESS, **A)
    assert (ran.told, ran.warnings) == ((True, "first_seen"), [warning])
    assert run(SUCCESS, **A).told == (False, "same")


def test_a_symbolic_link_is_replaced_and_its_target_unchanged(
    run: Runner, tmp_path: pathlib.Path
) -> None:
    run(SUCCESS, **A)
    target = tmp_path / "target"
    run.path.rename(target)
    run.path.symlink_to(target)
    content = target.read_bytes()
    ran = run(SUCCESS, **B)
    assert ran.told == (True, "first_seen")
    assert "is a symbolic link" in ran.warnings[0]
    assert not run.path.is_symlink()
    assert target.read_bytes() == content
    assert run(SUCCESS, **B).told == (False, "same")


def test_a_record_of_a_newer_version_is_removed_before_the_request(run: Runner) -> None:
    run(SUCCESS, **A)
    run.path.write_bytes(NEWER)
    seen: list[list[str]] = []
    run(then(lambda: seen.append(run.names()), NOT_FOUND), **B)
    assert seen == [[f"{KEY}.lock"]]
    assert run.names() == [f"{KEY}.lock"]


def test_the_confirmation_is_withdrawn_while_other_lists_are_sent(run: Runner) -> None:
    run(SUCCESS, **A)
    seen = []

    def look() -> tuple[int, dict[str, str], str]:
        seen.append(run.confirmed())
        return 200, {}, json.dumps({"Message": SUCCESS})

    run(look, **B)
    run(look, **B)
    assert seen == [False, True]


def test_a_record_removed_by_a_killed_run_is_synced_away_before_the_request(
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


def test_only_withdrawals_wait_for_the_disk(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _descriptor: synced.append("sync"))
    send = then(lambda: synced.append("send"))
    run(send, **A)
    run(send, **A)
    assert synced == ["send", "send"]
    synced.clear()
    run(send, **B)
    # Its name, which nothing has synced so far, and then its withdrawal.
    assert synced == ["sync", "sync", "send"]
    synced.clear()
    run(send, **A)
    run(then(lambda: synced.append("refuse"), NOT_FOUND), **B)
    assert synced == ["sync", "send", "sync", "refuse"]
    assert run.confirmed() is True


# --- What the disk refuses ----------------------------------------------------------------------


def test_in_a_read_only_directory_the_update_works_with_a_warning(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    not_writable(monkeypatch)
    warning = (
        f"No last-applied record can be used in {run.directory}: the directory can't be written "
        "to. The update is sent without it, and counts as changed. Choose a record_dir that can be "
        "written to, or record: false."
    )
    predicted = run(check_mode=True, **A)
    assert (predicted.told, predicted.warnings) == ((True, "unavailable"), [warning])
    ran = run(SUCCESS, **A)
    assert (ran.told, ran.warnings) == ((True, "unavailable"), [warning])
    assert run(SUCCESS, record=False, **A).warnings == []


def test_in_a_read_only_directory_other_lists_than_the_confirmed_fail(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(SUCCESS, **A)
    not_writable(monkeypatch)
    reasons = {True: "the directory can't be written to", False: "Read-only file system"}
    for check_mode, reason in reasons.items():
        failed = run(check_mode=check_mode, **B)
        assert failed.reason == "record_failed"
        assert failed.result["failure"]["outcome"] == "not_applied"
        assert f"{run.path} can be neither withdrawn nor removed ({reason})" in failed.result["msg"]
        assert "Nothing was sent." in failed.result["msg"]
        # No warning says that the update is sent without a record.
        assert failed.warnings == []
    # The same lists leave it right.
    assert run.predict(**A) == (True, "unavailable")
    assert run(SUCCESS, **A).told == (True, "unavailable")
    assert run.confirmed() is True


@pytest.mark.parametrize("step", ["pwrite", "fsync"])
def test_a_confirmation_that_cannot_be_withdrawn_fails_the_update(
    run: Runner, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    run(SUCCESS, **A)
    run(SUCCESS, **B)
    monkeypatch.setattr(os, step, fail(errno.EROFS))
    monkeypatch.setattr(os, "unlink", fail(errno.EACCES))
    failed = run(**A)
    assert failed.reason == "record_failed"
    assert failed.result["changed_basis"] == "differs"
    assert "(Permission denied)" in failed.result["msg"]
    # The byte was written where no more than the sync failed.
    assert run.confirmed() is (step == "pwrite")


def test_a_record_that_can_be_neither_read_nor_removed_fails_the_update(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(SUCCESS, **A)
    real_open = os.open

    def open_all_but_the_record(path: str, flags: int, mode: int = 0o777) -> int:
        if path.endswith(".record"):
            raise OSError(errno.EACCES, "no")
        return real_open(path, flags, mode)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", open_all_but_the_record)
        patched.setattr(os, "unlink", fail(errno.EACCES))
        assert run(**A).reason == "record_failed"
        patched.setattr(os, "unlink", os.remove)
        ran = run(SUCCESS, **A)
    assert ran.told == (True, "first_seen")
    assert "can't be read (Permission denied)" in ran.warnings[0]
    assert run.confirmed() is True


def test_a_damaged_record_that_cannot_be_removed_does_not_stop_the_update(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(SUCCESS, **A)
    run.path.write_bytes(b"{")
    unlink = os.unlink

    def unlink_temporary(path: str) -> None:
        if path.endswith(".record"):
            raise OSError(errno.EACCES, "no")
        unlink(path)

    monkeypatch.setattr(os, "unlink", unlink_temporary)
    assert run("Something else", **A).reason == "unexpected_answer"
    assert run(SUCCESS, **A).told == (True, "first_seen")
    assert run.confirmed() is True


@pytest.mark.parametrize("lists", [A, B])
def test_record_false_in_a_read_only_directory_fails_only_for_other_lists(
    run: Runner, monkeypatch: pytest.MonkeyPatch, lists: dict[str, t.Any]
) -> None:
    run(SUCCESS, **A)
    not_writable(monkeypatch)
    if lists == A:
        ran = run(SUCCESS, record=False, **lists)
        assert (ran.told, ran.warnings) == ((True, "unavailable"), [])
    else:
        assert run(record=False, **lists).reason == "record_failed"


def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no space for anything that makes a file longer."""
    pwrite = os.pwrite

    def write(descriptor: int, data: bytes, place: int) -> int:
        if place + len(data) > os.fstat(descriptor).st_size:
            raise OSError(errno.ENOSPC, "no")
        return pwrite(descriptor, data, place)

    monkeypatch.setattr(os, "pwrite", write)


def test_a_full_disk_after_a_confirmed_update_is_a_warning(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(SUCCESS, **A)
    full(monkeypatch)
    ran = run(SUCCESS, **B)
    assert ran.told == (True, "differs")
    assert ran.warnings == [
        f"The update was confirmed, but the last-applied record {run.path} could not be written "
        "(No space left on device), so the next run will count as changed. Check the directory "
        "and the disk."
    ]
    assert run.names() == [f"{KEY}.lock", f"{KEY}.record"]
    assert run.predict(**B) == (True, "unconfirmed")
    # What was there before can still be put back.
    assert run(NOT_FOUND, **A).told == (False, "unconfirmed")
    assert [one.lists.dynamic_dids for one in run.kept()] == [["111"]]


def test_a_confirmation_is_put_back_on_a_full_disk(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(SUCCESS, **A)
    full(monkeypatch)
    failed = run(NOT_FOUND, **B)
    assert (failed.reason, failed.warnings) == ("campaign_not_found", [])
    assert run(SUCCESS, **A).told == (False, "same")


def test_a_full_disk_before_the_first_run_makes_the_record_unavailable(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "makedirs", fail(errno.ENOSPC))
    ran = run(SUCCESS, **A)
    assert ran.told == (True, "unavailable")
    assert len(ran.warnings) == 1
    assert "No space left on device" in ran.warnings[0]


def test_a_disk_error_after_a_failed_update_is_a_warning(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(SUCCESS, **A)
    failing = then(lambda: monkeypatch.setattr(os, "pwrite", fail(errno.EIO)), NOT_FOUND)
    failed = run(failing, **B)
    assert failed.reason == "campaign_not_found"
    assert failed.warnings == [
        f"The last-applied record {run.path} could not be written after the failure "
        "(Input/output error). Check the directory and the disk."
    ]
    assert run.confirmed() is False


def test_after_an_unknown_outcome_a_record_that_cannot_be_withdrawn_is_removed(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(SUCCESS, **A)

    def fail_and_be_lost() -> t.NoReturn:
        monkeypatch.setattr(os, "pwrite", fail(errno.EIO))
        raise lost()

    failed = run(fail_and_be_lost, **A)
    assert (failed.result["failure"]["outcome"], failed.warnings) == ("unknown", [])
    assert run.names() == [f"{KEY}.lock"]


def test_without_locks_a_confirmation_is_still_withdrawn(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(SUCCESS, **A)
    monkeypatch.setattr(fcntl, "flock", fail(errno.ENOLCK))
    ran = run(SUCCESS, **B)
    assert ran.told == (True, "unavailable")
    assert "No locks available" in ran.warnings[0]
    assert run.confirmed() is False
    # Nor can another run have been kept away while this one sent.
    assert ran.warnings[1:] == [
        f'Campaign "Sales" was updated without the lock of its last-applied record {run.path}, and '
        "the record could not be withdrawn afterwards (No locks available). Another run may have "
        "written it meanwhile, so it may be wrong: remove it before the next run."
    ]


def test_without_a_home_directory_the_record_is_unavailable(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    for ran in (run(check_mode=True, record_dir=None, **A), run(SUCCESS, record_dir=None, **A)):
        assert ran.told == (True, "unavailable")
        assert len(ran.warnings) == 1
        assert ran.warnings[0].startswith(
            "No last-applied record can be used: there is no home directory."
        )
    assert run(SUCCESS, record_dir=None, record=False, **A).warnings == []


def test_the_key_is_masked_in_warnings(tmp_path: pathlib.Path) -> None:
    run = Runner(tmp_path / API_KEY)
    run(SUCCESS, **A)
    run.path.write_bytes(b"{")
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
    lists = Lists("acme", "Sales", **A)
    theirs = Confirmation(lists, "2027-01-15T08:00:00Z", "deploy@runner", None)
    run.directory.mkdir(exist_ok=True)
    run.path.write_bytes(header_line(ENDPOINT) + confirmation_line(theirs))
    (run.directory / f"{KEY}.lock").touch()


def test_a_confirmation_by_another_run_is_withdrawn_before_a_retry(run: Runner) -> None:
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


def test_a_confirmation_by_another_run_is_withdrawn_after_the_update(run: Runner) -> None:
    ran = run(then(lambda: record_by_another_run(run)), record=False, **B)
    assert (ran.told, ran.warnings) == ((True, "unavailable"), [])
    assert run.confirmed() is False


class LockedForAMoment(ClockDouble):
    """Has another run hold the lock until this one begins to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.other = contextlib.ExitStack()

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if seconds == 0.001:
            self.other.close()


@pytest.mark.parametrize("retries", [0, 1])
def test_the_lock_of_another_run_is_waited_for(run: Runner, retries: int) -> None:
    run.clock = clock = LockedForAMoment()

    def lock_and_be_busy() -> tuple[int, dict[str, str], str]:
        record_by_another_run(run)
        clock.other.enter_context(run.locked())
        return busy()

    # Before a retry, or after the only attempt.
    answers: list[Answer] = [lock_and_be_busy, SUCCESS]
    ran = run(*answers[: 1 + retries], record=False, retries=retries, **B)
    assert (ran.requests, ran.warnings, run.confirmed()) == (1 + retries, [], False)
    assert clock.waits[-1] == 0.001


@pytest.mark.parametrize(("refusal", "stays"), [(NOT_FOUND, True), (REFUSED_DIDS, False)])
def test_without_the_lock_only_a_refusal_that_changed_nothing_keeps_the_confirmation(
    run: Runner, refusal: str, stays: bool
) -> None:
    run(then(lambda: record_by_another_run(run), refusal), record=False, **B)
    assert run.confirmed() is stays


def test_no_retry_while_another_run_has_the_lock(run: Runner) -> None:
    with contextlib.ExitStack() as other:

        def begin_another_run() -> tuple[int, dict[str, str], str]:
            run.directory.mkdir()
            other.enter_context(run.locked())
            return busy()

        failed = run(begin_another_run, record=False, retries=1, timeout=5.0, **B)
    assert (failed.reason, failed.requests) == ("server_error", 1)
    assert failed.warnings == [
        f'Campaign "Sales" was updated without the lock of its last-applied record {run.path}, and '
        "the record could not be withdrawn afterwards (it is locked, or can't be written to). "
        "Another run may have written it meanwhile, so it may be wrong: remove it before the next "
        "run."
    ]


def test_an_interrupted_run_does_not_wait_for_the_lock(run: Runner) -> None:
    with contextlib.ExitStack() as other:

        def begin_another_run() -> t.NoReturn:
            run.directory.mkdir()
            other.enter_context(run.locked())
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


def test_without_the_lock_the_same_lists_keep_the_confirmation(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(SUCCESS, **A)
    not_writable(monkeypatch)
    assert len(run(SUCCESS, **A).warnings) == 1
    assert run.confirmed() is True


# --- Two at once --------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"record": False}, {"campaign_name": "SALES"}])
def test_a_lock_held_for_the_whole_timeout_fails_the_update_unsent(
    run: Runner, options: dict[str, t.Any]
) -> None:
    run(SUCCESS, **A)
    with run.locked():
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
    assert run.clock.waits[:3] == [0.001, 0.002, 0.004]
    assert max(run.clock.waits) == 0.05
    assert run.confirmed() is True


def test_a_released_lock_is_taken(run: Runner) -> None:
    class LettingGo(ClockDouble):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if len(self.waits) == 3:
                other.close()

    run(SUCCESS, **A)
    run.clock = LettingGo()
    with contextlib.ExitStack() as other:
        other.enter_context(run.locked())
        assert run(SUCCESS, **B).told == (True, "differs")
    assert len(run.clock.waits) == 3
