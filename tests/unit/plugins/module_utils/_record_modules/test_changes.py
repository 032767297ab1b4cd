# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Withdrawing and forgetting records by hand: what is chosen, the locks, and what fails."""

from __future__ import annotations

import errno
import os
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
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record_modules import changes
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record_modules.changes import (
    change_records,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    API_KEY,
    NO_ANSWER,
    ClockDouble,
    Ended,
    ModuleDouble,
)

DOMESTIC = "https://in1-ccaas-api.ozonetel.com"
PARTNER = "https://cc.partner.example"
NOT_CHANGED = (
    "The last-applied record {} could not be changed ({}). Run this as the user who runs the "
    "updates, and check the directory and the disk."
)


class Campaign(t.NamedTuple):
    """A campaign of the tests."""

    name: str
    username: str = "acme"
    endpoint: str = DOMESTIC

    @property
    def key(self) -> str:
        return record_key(self.endpoint, self.username, self.name)

    def shown(self, confirmed: bool = True, number: str = "111") -> dict[str, t.Any]:
        """Return what the result tells of it."""
        return {
            "endpoint": self.endpoint,
            "username": self.username,
            "campaign_name": self.name,
            "confirmed": confirmed,
            "applied_at": "2027-01-15T08:00:00Z",
            "applied_by": "deploy@runner",
            "note": "job 7",
            "dynamic_dids": [number],
            "fallback_dynamic_dids": ["333"],
        }


SALES, SUPPORT = Campaign("Sales"), Campaign("Support")
ELSEWHERE, OTHERS = Campaign("Sales", endpoint=PARTNER), Campaign("Sales", "globex")


class Records:
    """A directory of records, and the module that changes them."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.clock = ClockDouble()

    def keep(self, campaign: Campaign, *numbers: str, confirmed: bool = True) -> pathlib.Path:
        """Write a record with confirmations of these numbers, oldest first."""
        self.directory.mkdir(parents=True, exist_ok=True)
        lines = []
        for number in numbers or ("111",):
            lists = Lists(campaign.username, campaign.name, [number], ["333"])
            new = Confirmation(lists, "2027-01-15T08:00:00Z", "deploy@runner", "job 7")
            lines.append(confirmation_line(new))
        if not confirmed:
            lines[-1] = b"-" + lines[-1][1:]
        path = self.path(campaign)
        path.write_bytes(header_line(campaign.endpoint) + b"".join(lines))
        return path

    def path(self, campaign: Campaign) -> pathlib.Path:
        return self.directory / f"{campaign.key}.record"

    def confirmed(self, campaign: Campaign) -> bool | None:
        """Tell whether a run would trust the record; None when there is none."""
        record = Files(str(self.directory)).read([campaign.key])[campaign.key].record
        return record.confirmed if record else None

    def change(
        self, state: str, check_mode: bool = False, diff: bool = False, **options: t.Any
    ) -> ModuleDouble:
        """Return the ended module."""
        nothing = dict.fromkeys(("username", "campaign_name", "did"))
        given = {**nothing, "all": False, "record_dir": str(self.directory), "state": state}
        module = ModuleDouble(check_mode, diff, **{**given, **options})
        with pytest.raises(Ended):
            change_records(module, self.clock)
        assert API_KEY not in repr(module.result)
        return module

    def names(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir())


@pytest.fixture(name="records")
def _records(tmp_path: pathlib.Path) -> Records:
    return Records(tmp_path / "records")


def told(module: ModuleDouble) -> tuple[bool, list[str], str]:
    result = module.result
    return result["changed"], [one["campaign_name"] for one in result["campaigns"]], result["msg"]


# --- Withdrawing --------------------------------------------------------------------------------


def test_unconfirmed_withdraws_confirmations_and_keeps_histories(records: Records) -> None:
    for campaign in (SUPPORT, SALES):
        records.keep(campaign, "222", "111")
    module = records.change("unconfirmed", all=True)
    assert module.result == {
        "changed": True,
        "campaigns": [SALES.shown(), SUPPORT.shown()],
        "msg": "2 records are now unconfirmed.",
    }
    assert module.warnings == []
    assert records.confirmed(SALES) is records.confirmed(SUPPORT) is False
    content = records.path(SALES).read_bytes()
    assert content.count(b"\n+") == content.count(b"\n-") == 1
    # No lock is left held, and no run has to wait.
    assert Files(str(records.directory)).lock([SALES.key, SUPPORT.key]).obtained == {
        SALES.key,
        SUPPORT.key,
    }
    assert records.clock.waits == []


def test_a_withdrawn_record_is_not_changed_again(records: Records) -> None:
    records.keep(SALES, confirmed=False)
    records.keep(SUPPORT)
    assert told(records.change("unconfirmed", all=True)) == (
        *(True, ["Support"]),
        "1 record is now unconfirmed.",
    )
    before = records.path(SALES).read_bytes(), records.path(SALES).stat().st_mtime_ns
    again = records.change("unconfirmed", all=True)
    assert again.result == {
        "changed": False,
        "campaigns": [],
        "msg": "There was nothing to change.",
    }
    assert (records.path(SALES).read_bytes(), records.path(SALES).stat().st_mtime_ns) == before


def test_a_withdrawal_is_synced_to_the_disk(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    records.keep(SALES, "111", "222")
    synced: list[bytes] = []

    def sync(descriptor: int) -> None:
        synced.append(os.pread(descriptor, 100_000, 0))

    monkeypatch.setattr(os, "fsync", sync)
    records.change("unconfirmed", all=True)
    assert synced == [records.path(SALES).read_bytes()]


# --- Forgetting ---------------------------------------------------------------------------------


def test_absent_removes_records_with_their_histories(records: Records) -> None:
    records.keep(SALES, "222", "111")
    records.keep(SUPPORT, confirmed=False)
    module = records.change("absent", all=True)
    assert module.result == {
        "changed": True,
        "campaigns": [SALES.shown(), SUPPORT.shown(confirmed=False)],
        "msg": "2 records are now absent.",
    }
    # A lock is never removed, as another run may be waiting for it.
    assert records.names() == sorted(f"{one.key}.lock" for one in (SALES, SUPPORT))
    assert told(records.change("absent", all=True)) == (False, [], "There was nothing to change.")


# --- What is chosen -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ({"all": True}, [ELSEWHERE, SALES, SUPPORT, OTHERS]),
        ({"campaign_name": "Support"}, [SUPPORT]),
        ({"campaign_name": "support"}, []),
        ({"campaign_name": "Sales"}, [ELSEWHERE, SALES, OTHERS]),
        ({"username": "globex", "all": True}, [OTHERS]),
        ({"region": "domestic", "all": True}, [SALES, SUPPORT, OTHERS]),
        ({"api_url": f"{PARTNER}/", "all": True}, [ELSEWHERE]),
        ({"did": "222"}, [SUPPORT]),
        ({"did": "444"}, []),
        ({"username": "acme", "region": "domestic", "campaign_name": "Sales"}, [SALES]),
        ({"username": "acme", "all": True}, [ELSEWHERE, SALES, SUPPORT]),
    ],
)
@pytest.mark.parametrize("state", ["unconfirmed", "absent"])
def test_only_what_the_filter_chooses_is_changed(
    records: Records,
    state: str,
    options: dict[str, t.Any],
    chosen: list[Campaign],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The environment is no filter.
    monkeypatch.setenv("OZONETEL_USERNAME", "initech")
    monkeypatch.setenv("OZONETEL_REGION", "international")
    everything = (SALES, SUPPORT, ELSEWHERE, OTHERS)
    for campaign in everything:
        records.keep(campaign, "444", "222" if campaign == SUPPORT else "111")
    result = records.change(state, **options).result
    assert result["changed"] is bool(chosen)
    identities = [
        (one["endpoint"], one["username"], one["campaign_name"]) for one in result["campaigns"]
    ]
    assert identities == [(one.endpoint, one.username, one.name) for one in chosen]
    changed = {"unconfirmed": False, "absent": None}[state]
    for campaign in everything:
        assert records.confirmed(campaign) is (changed if campaign in chosen else True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(
            (
                options,
                "Neither campaign_name nor did is given. Name the records by one of them, or give "
                "all: true for all that the other filters choose.",
            )
            # What may come from the action group's defaults chooses nothing.
            for options in ({}, {"username": "acme", "region": "domestic"})
        ),
        ({"did": "1"}, "did, item 1, is '1': a DID has 3 to 17 digits."),
        ({"all": True, "timeout": 0.0}, "timeout must be a number of seconds greater than 0."),
        (
            {"all": True, "record_dir": ""},
            "record_dir is empty. Give the absolute path of a directory, or leave it out.",
        ),
    ],
)
def test_invalid_options_are_refused(
    records: Records, options: dict[str, t.Any], message: str
) -> None:
    records.keep(SALES)
    module = records.change("unconfirmed", **options)
    assert module.result == {
        "failed": True,
        "changed": False,
        "campaigns": [],
        "msg": message,
        "failure": {"reason": "invalid_input", "outcome": "not_applied", **NO_ANSWER},
    }
    assert records.names() == [records.path(SALES).name]


def test_options_of_the_group_without_a_use_here_are_ignored(records: Records) -> None:
    records.keep(SALES)
    group: dict[str, t.Any] = {
        "record": False,
        "skip_unchanged": True,
        "retries": 99,
        "record_note": "x" * 500,
    }
    assert told(records.change("unconfirmed", all=True, **group))[0] is True
    assert records.confirmed(SALES) is False


# --- Check mode and diff ------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["unconfirmed", "absent"])
def test_check_mode_predicts_and_writes_nothing(records: Records, state: str) -> None:
    records.keep(SALES)
    records.keep(SUPPORT, confirmed=False)
    names, contents = records.names(), [path.read_bytes() for path in records.directory.iterdir()]
    predicted = records.change(state, check_mode=True, diff=True, all=True).result
    assert records.names() == names
    assert [path.read_bytes() for path in records.directory.iterdir()] == contents
    count = {"unconfirmed": "1 record", "absent": "2 records"}[state]
    assert predicted["msg"] == f"{count} would be {state}."
    done = records.change(state, diff=True, all=True).result
    for key in ("changed", "campaigns", "diff"):
        assert predicted[key] == done[key]


def test_the_diff_of_a_withdrawal_shows_confirmed_and_unconfirmed(records: Records) -> None:
    records.keep(SALES)
    records.keep(SUPPORT, confirmed=False)
    where = f"last-applied records in {records.directory}"
    line = f'campaign "Sales" of acme at {DOMESTIC}: '
    assert records.change("unconfirmed", diff=True, all=True).result["diff"] == {
        "before_header": where,
        "before": f"{line}confirmed\n",
        "after_header": where,
        "after": f"{line}unconfirmed\n",
    }
    nothing = records.change("unconfirmed", diff=True, all=True).result["diff"]
    assert (nothing["before"], nothing["after"]) == ("", "")


def test_the_diff_of_a_removal_shows_the_removed_records(records: Records) -> None:
    records.keep(SALES)
    records.keep(SUPPORT, confirmed=False)
    diff = records.change("absent", diff=True, all=True).result["diff"]
    assert diff["before"] == (
        f'campaign "Sales" of acme at {DOMESTIC}: confirmed\n'
        f'campaign "Support" of acme at {DOMESTIC}: unconfirmed\n'
    )
    assert diff["after"] == ""


# --- Locked elsewhere ---------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["unconfirmed", "absent"])
def test_a_locked_record_is_waited_for_and_does_not_stop_the_others(
    records: Records, state: str
) -> None:
    for campaign in (SALES, SUPPORT):
        records.keep(campaign)
    other = Files(str(records.directory))
    assert other.lock([SALES.key]).obtained == {SALES.key}
    module = records.change(state, timeout=0.22, diff=True, all=True)
    assert sum(records.clock.waits) == pytest.approx(0.22)
    assert max(records.clock.waits) == 0.05
    place = records.path(SALES)
    holder = f"process {os.getpid()} on host {os.uname().nodename}"
    assert module.result == {
        "failed": True,
        "changed": True,
        "campaigns": [SUPPORT.shown()],
        "msg": f"Another run ({holder}) holds the lock of the last-applied record {place}. Run it "
        "again later, or raise timeout. 1 record was changed.",
        "diff": module.result["diff"],
        "failure": {"reason": "record_failed", "outcome": "not_applied", **NO_ANSWER},
    }
    assert "Support" in module.result["diff"]["before"]
    assert "Sales" not in module.result["diff"]["before"]
    assert records.confirmed(SALES) is True
    assert records.confirmed(SUPPORT) is {"unconfirmed": False, "absent": None}[state]


def test_several_that_stay_locked_are_counted(records: Records) -> None:
    for campaign in (SALES, SUPPORT, OTHERS):
        records.keep(campaign)
    other = Files(str(records.directory))
    other.lock([SALES.key, SUPPORT.key, OTHERS.key])
    module = records.change("absent", timeout=0.1, all=True)
    assert module.result["msg"].endswith(
        " Run it again later, or raise timeout. The same for 2 more. No record was changed."
    )
    assert (module.result["changed"], module.result["campaigns"]) == (False, [])


def test_a_released_lock_is_taken(records: Records) -> None:
    other = Files(str(records.directory))

    class LettingGo(ClockDouble):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if len(self.waits) == 3:
                other.unlock([SALES.key])

    records.keep(SALES)
    other.lock([SALES.key])
    records.clock = LettingGo()
    assert told(records.change("unconfirmed", all=True))[:2] == (True, ["Sales"])
    assert len(records.clock.waits) == 3


def test_a_record_rewritten_during_the_wait_is_read_again(records: Records) -> None:
    """What was looked at before the lock was free is of yesterday."""
    other = Files(str(records.directory))

    class Updating(ClockDouble):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            records.keep(SALES, "111", "222", "444")
            records.path(SUPPORT).unlink()
            other.unlock([SALES.key, SUPPORT.key])

    for campaign in (SALES, SUPPORT):
        records.keep(campaign)
    other.lock([SALES.key, SUPPORT.key])
    records.clock = Updating()
    assert records.change("unconfirmed", all=True).result["changed"] is True
    assert records.confirmed(SALES) is False
    assert records.path(SALES).read_bytes().count(b"\n-") == 1
    assert records.confirmed(SUPPORT) is None


def test_only_a_limited_number_of_records_is_locked_at_once(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MOST_LOCKS", 3)
    held: list[int] = []
    write = Files.write

    def write_and_count(store: Files, changes: t.Any, durable: bool) -> dict[str, str]:
        held.append(len(store._locks))
        return write(store, changes, durable)

    monkeypatch.setattr(Files, "write", write_and_count)
    campaigns = [Campaign(f"Campaign {number}") for number in range(8)]
    for campaign in campaigns:
        records.keep(campaign)
    assert len(records.change("unconfirmed", all=True).result["campaigns"]) == 8
    assert held == [3, 3, 2]
    assert [records.confirmed(campaign) for campaign in campaigns] == [False] * 8


# --- Faults -------------------------------------------------------------------------------------


def test_a_missing_directory_has_no_records_and_is_not_created(records: Records) -> None:
    module = records.change("absent", all=True)
    assert module.result["changed"] is False
    assert not records.directory.exists()


def test_without_a_home_directory_the_task_fails(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    result = records.change("absent", all=True, record_dir=None).result
    assert result["msg"] == (
        "No last-applied records can be read: there is no home directory. Run this as the user who "
        "runs the updates, or name the directory of the records with record_dir."
    )
    assert result["failure"]["reason"] == "record_failed"


def test_an_unusable_record_is_left_out_with_a_warning(records: Records) -> None:
    records.keep(SALES)
    records.keep(SUPPORT).write_bytes(b"{")
    module = records.change("absent", all=True)
    assert told(module)[:2] == (True, ["Sales"])
    assert module.warnings == [
        f"The last-applied record {records.path(SUPPORT)} is damaged. It is left out. The next "
        "confirmed update of its campaign replaces it."
    ]
    assert records.path(SUPPORT).exists()


def test_a_read_only_directory_fails_the_task(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    for campaign in (SALES, SUPPORT):
        records.keep(campaign)
    monkeypatch.setattr(os, "access", lambda _path, mode: not mode & os.W_OK)
    result = records.change("unconfirmed", all=True).result
    reason = "the directory can't be written to"
    assert result["msg"] in {
        f"{NOT_CHANGED.format(records.path(one), reason)} The same for 1 more. No record was changed."
        for one in (SALES, SUPPORT)
    }
    assert (result["changed"], result["campaigns"]) == (False, [])
    assert result["failure"]["reason"] == "record_failed"
    assert records.clock.waits == []


@pytest.mark.parametrize("state", ["unconfirmed", "absent"])
def test_one_failed_record_does_not_stop_the_others(
    records: Records, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    for campaign in (SALES, SUPPORT):
        records.keep(campaign)
    real_open, real_unlink = os.open, os.unlink

    def open_no_record_to_write(path: str, flags: int, mode: int = 0o777) -> int:
        if path == str(records.path(SALES)) and flags & os.O_RDWR:
            raise OSError(errno.EROFS, "the system's words")
        return real_open(path, flags, mode)

    def unlink_others(path: str) -> None:
        if path == str(records.path(SALES)):
            raise OSError(errno.EACCES, "the system's words")
        real_unlink(path)

    monkeypatch.setattr(os, "open", open_no_record_to_write)
    monkeypatch.setattr(os, "unlink", unlink_others)
    result = records.change(state, all=True).result
    reason = os.strerror(errno.EACCES)
    assert (
        result["msg"] == f"{NOT_CHANGED.format(records.path(SALES), reason)} 1 record was changed."
    )
    assert (result["failed"], result["changed"]) == (True, True)
    assert [one["campaign_name"] for one in result["campaigns"]] == ["Support"]
    assert records.confirmed(SALES) is True


def test_an_unexpected_error_releases_the_locks(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    records.keep(SALES)

    def fail(_store: Files, _changes: t.Any, durable: bool) -> t.NoReturn:
        raise ZeroDivisionError(API_KEY)

    with monkeypatch.context() as patched:
        patched.setattr(Files, "write", fail)
        result = records.change("unconfirmed", all=True).result
    assert result["failed"] is True
    assert "Unexpected error in the collection: ZeroDivisionError" in result["msg"]
    assert Files(str(records.directory)).lock([SALES.key]).obtained == {SALES.key}


def test_the_key_is_masked_everywhere(tmp_path: pathlib.Path) -> None:
    records = Records(tmp_path / API_KEY)
    records.keep(SALES)
    records.keep(SUPPORT).write_bytes(b"{")
    held = Files(str(records.directory))
    held.lock([SALES.key])
    module = records.change("unconfirmed", timeout=0.1, diff=True, all=True)
    assert API_KEY not in repr(module.warnings)
    assert "********" in module.warnings[0]
    assert "********" in module.result["msg"]
