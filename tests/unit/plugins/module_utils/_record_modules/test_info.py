# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the records tell: the filter, the order, the history, and records that can't be used."""

from __future__ import annotations

import itertools
import os
import pathlib
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import InvalidInput
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import read_api_settings
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines.lines import (
    confirmation_line,
    header_line,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import (
    Confirmation,
    Lists,
    Record,
    record_key,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.store import Kept
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record_modules.filter import (
    RecordFilter,
    lists_with,
    read_record_filter,
    read_update_filter,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record_modules.info import (
    format_campaign,
    names_of,
    show_records,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    API_KEY,
    NO_ANSWER,
    OPTIONS,
    Ended,
    ModuleDouble,
)

DOMESTIC = "https://in1-ccaas-api.ozonetel.com"
INTERNATIONAL = "https://api.ccaas.ozonetel.com"
PARTNER = "https://cc.partner.example"


def confirmation(
    number: str, at: str = "2027-01-15T08:00:00Z", names: tuple[str, str] = ("acme", "Sales")
) -> Confirmation:
    return Confirmation(Lists(*names, [number], ["333"]), at, "deploy@runner", f"job of {number}")


def record(endpoint: str = DOMESTIC, names: tuple[str, str] = ("acme", "Sales")) -> Record:
    return Record(endpoint, True, confirmation("111", names=names))


def keep(directory: pathlib.Path, kept: Record, *before: Confirmation) -> pathlib.Path:
    """Write a record's file, with confirmations from before, oldest first."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{record_key(kept.endpoint, *kept.last.lists.names)}.record"
    lines = [confirmation_line(one) for one in (*before, kept.last)]
    if not kept.confirmed:
        lines[-1] = b"-" + lines[-1][1:]
    path.write_bytes(header_line(kept.endpoint) + b"".join(lines))
    return path


def show(directory: object, **options: t.Any) -> ModuleDouble:
    """Return the ended module that was asked for all records but for what the options filter."""
    nothing = dict.fromkeys(("username", "campaign_name", "did", "before"))
    given = {**nothing, "as_update": False, "history_limit": 10, "record_dir": directory, **options}
    module = ModuleDouble(**given)
    with pytest.raises(Ended):
        show_records(module)
    return module


# --- Pure: the filter and what is shown ---------------------------------------------------------

NO_OPTIONS = dict.fromkeys(("username", "campaign_name", "region", "api_url", "did", "api_key"))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, RecordFilter()),
        ({"username": "acme"}, RecordFilter(username="acme")),
        ({"campaign_name": "Sales"}, RecordFilter(campaign_name="Sales")),
        ({"region": "domestic"}, RecordFilter(DOMESTIC)),
        ({"api_url": "HTTPS://CC.Partner.example:443/"}, RecordFilter(PARTNER)),
        ({"did": "9140001001"}, RecordFilter(did="9140001001")),
        ({"did": " \u200b+9140001001 "}, RecordFilter(did="+9140001001")),
        ({"did": 9140001001}, RecordFilter(did="9140001001")),
        ({"did": ["9140001001"]}, RecordFilter(did="9140001001")),
        ({"did": "0091400"}, RecordFilter(did="0091400")),
    ],
)
def test_the_filter_comes_from_options_and_not_from_the_environment(
    options: dict[str, t.Any], expected: RecordFilter, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The environment says where to send, and not what is asked for.
    monkeypatch.setenv("OZONETEL_USERNAME", "globex")
    monkeypatch.setenv("OZONETEL_API_URL", PARTNER)
    monkeypatch.setenv("OZONETEL_REGION", "international")
    assert read_record_filter({**NO_OPTIONS, **options}) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"region": "domestic", "api_url": PARTNER}, "given together"),
        ({"did": ["111", "222"]}, "^did takes one number. Give one, or leave it out.$"),
        ({"did": "111,222"}, "^did takes one number."),
        ({"did": ""}, "^did is empty"),
        ({"did": []}, "^did is an empty list"),
        ({"did": "12"}, "^did, item 1, is '12': a DID has 3 to 17 digits."),
        ({"did": True}, "^did is the boolean true"),
        ({"did": "a-key", "api_key": "a-key"}, r"^did, item 1, is '\*+'"),
    ],
)
def test_an_invalid_filter_is_refused(options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_record_filter({**NO_OPTIONS, **options})


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        ({"username": "acme"}, {}, RecordFilter(DOMESTIC, "acme")),
        ({}, {"OZONETEL_USERNAME": "globex"}, RecordFilter(DOMESTIC, "globex")),
        (
            {"username": "acme"},
            {"OZONETEL_USERNAME": "globex", "OZONETEL_REGION": "international"},
            RecordFilter(INTERNATIONAL, "acme"),
        ),
        (
            {"username": "acme"},
            {"OZONETEL_API_URL": f"{PARTNER}/", "OZONETEL_REGION": "international"},
            RecordFilter(PARTNER, "acme"),
        ),
        (
            {"username": "acme", "region": "domestic", "did": "9140001001"},
            {"OZONETEL_API_URL": PARTNER},
            RecordFilter(DOMESTIC, "acme", did="9140001001"),
        ),
        (
            {"username": "acme", "api_url": PARTNER, "campaign_name": "Sales"},
            {"OZONETEL_REGION": "international"},
            RecordFilter(PARTNER, "acme", "Sales"),
        ),
    ],
)
def test_the_filter_of_an_update(
    options: dict[str, t.Any], environment: dict[str, str], expected: RecordFilter
) -> None:
    given = {**NO_OPTIONS, **options}
    assert read_update_filter(given, environment) == expected
    # What an update uses itself.
    api = read_api_settings(
        {**OPTIONS, **given, "username": given["username"] or "globex", "api_key": "a-key"},
        environment,
    )
    assert (api.endpoint, api.username) == (expected.endpoint, expected.username)


@pytest.mark.parametrize(
    ("options", "environment", "message"),
    [
        ({}, {}, "^Which account is meant is not known. .* OZONETEL_USERNAME "),
        ({}, {"OZONETEL_USERNAME": ""}, "^username is empty"),
        ({"username": " "}, {"OZONETEL_USERNAME": "acme"}, "^username is empty"),
        ({"username": "acme"}, {"OZONETEL_REGION": "mars"}, "^OZONETEL_REGION has to be one of"),
        ({"username": "acme", "region": "domestic", "api_url": PARTNER}, {}, "given together"),
    ],
)
def test_a_filter_of_an_update_that_is_refused(
    options: dict[str, t.Any], environment: dict[str, str], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_update_filter({**NO_OPTIONS, **options}, environment)


RECORDS = [
    record(PARTNER),
    record(names=("acme", "sales")),
    record(names=("globex", "Sales")),
    record(names=("acme", "Support")),
    record(names=("acme", "Sales")),
]
IN_ORDER = [RECORDS[0], RECORDS[4], RECORDS[3], RECORDS[1], RECORDS[2]]


def identities(shown: t.Iterable[t.Mapping[str, t.Any]]) -> list[tuple[str, str, str]]:
    return [(one["endpoint"], one["username"], one["campaign_name"]) for one in shown]


def kept_of(one: Record, *before: Confirmation) -> Kept:
    """Return a record as a store finds it, with confirmations from before, newest first."""
    return Kept("0" * 32, one, iter([one.last, *before]))


def test_records_are_shown_in_one_order_whatever_order_they_are_found_in() -> None:
    expected = [(one.endpoint, *one.last.lists.names) for one in IN_ORDER]
    for records in itertools.permutations(RECORDS):
        shown: list[dict[str, t.Any]] = [format_campaign(kept_of(one), 10) for one in records]
        shown.sort(key=names_of)
        assert identities(shown) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (RecordFilter(), [0, 1, 2, 3, 4]),
        (RecordFilter(PARTNER), [0]),
        (RecordFilter(username="globex"), [4]),
        (RecordFilter(campaign_name="sales"), [3]),
        (RecordFilter(campaign_name="Sales"), [0, 1, 4]),
        (RecordFilter(DOMESTIC, "acme", "Sales"), [1]),
        (RecordFilter(username=""), []),
        (RecordFilter(campaign_name="SALES"), []),
        (RecordFilter(did="111"), [0, 1, 2, 3, 4]),
        (RecordFilter(did="333", username="globex"), [4]),
        (RecordFilter(did="444"), []),
    ],
)
def test_the_filter_selects_records(wanted: RecordFilter, expected: list[int]) -> None:
    assert [place for place, one in enumerate(IN_ORDER) if wanted.wants(one)] == expected


@pytest.mark.parametrize(
    ("did", "found_in"),
    [
        ("9140001001", ["dynamic_dids"]),
        ("9140002001", ["fallback_dynamic_dids"]),
        ("9140003001", ["dynamic_dids", "fallback_dynamic_dids"]),
        # Compared as text, as it was sent.
        ("+9140001001", []),
        ("09140001001", []),
        ("914000100", []),
        ("140001001", []),
    ],
)
def test_found_in_names_the_lists_that_hold_a_number(did: str, found_in: list[str]) -> None:
    lists = Lists("acme", "Sales", ["9140001001", "9140003001"], ["9140003001", "9140002001"])
    one = Record(DOMESTIC, False, Confirmation(lists, "x", "y"))
    assert lists_with(did, one) == found_in
    assert RecordFilter(did=did).wants(one) is bool(found_in)


def shown_confirmation(number: str, at: str) -> dict[str, t.Any]:
    return {
        "applied_at": at,
        "applied_by": "deploy@runner",
        "note": f"job of {number}",
        "dynamic_dids": [number],
        "fallback_dynamic_dids": ["333"],
    }


def test_a_record_is_shown_with_all_its_values_and_its_history() -> None:
    newest = confirmation("222", "2027-01-16T08:00:00Z")
    kept = kept_of(Record(DOMESTIC, False, newest), confirmation("111"))
    shown = {
        "endpoint": DOMESTIC,
        "username": "acme",
        "campaign_name": "Sales",
        "confirmed": False,
        **shown_confirmation("222", "2027-01-16T08:00:00Z"),
        "history": [
            shown_confirmation("222", "2027-01-16T08:00:00Z"),
            shown_confirmation("111", "2027-01-15T08:00:00Z"),
        ],
    }
    assert format_campaign(kept, 10) == shown
    kept = kept_of(Record(DOMESTIC, False, newest), confirmation("111"))
    assert format_campaign(kept, 1, "222") == {
        **shown,
        "history": shown["history"][:1],
        "found_in": ["dynamic_dids"],
    }


def test_the_history_shows_only_the_newest_spelling_and_no_pair_twice_in_a_row() -> None:
    other = ("acme", "SALES")
    before = [
        confirmation("222", "4", other),
        confirmation("111", "3"),
        confirmation("222", "2"),
        confirmation("111", "1"),
    ]
    shown = format_campaign(kept_of(Record(DOMESTIC, True, confirmation("111", "5")), *before), 10)
    kept = [(entry["applied_at"], entry["dynamic_dids"]) for entry in shown["history"]]
    assert kept == [("5", ["111"]), ("2", ["222"]), ("1", ["111"])]


# --- From the options to the result ---------------------------------------------------------------


def test_all_records_are_shown_and_no_file_is_changed(tmp_path: pathlib.Path) -> None:
    for kept in RECORDS:
        keep(tmp_path, kept)
    for name in ("0" * 32 + ".lock", "0" * 32 + ".tmp", "other.record", "x" + "0" * 32 + ".record"):
        (tmp_path / name).write_text("no record", encoding="ascii")
    before = sorted(os.listdir(tmp_path))
    module = show(str(tmp_path))
    assert module.warnings == []
    # "Sales" and "sales" of one account share a file.
    assert len(module.result["campaigns"]) == 4
    assert module.result["changed"] is False
    assert sorted(os.listdir(tmp_path)) == before


def test_a_missing_directory_has_no_records_and_is_not_created(tmp_path: pathlib.Path) -> None:
    records = str(tmp_path / "records")
    module = show(records)
    assert module.result == {"changed": False, "campaigns": [], "records": records}
    assert module.warnings == []
    assert list(tmp_path.iterdir()) == []


def test_the_history_is_cut_at_history_limit(tmp_path: pathlib.Path) -> None:
    before = [confirmation(f"{200 + place}", f"{place}") for place in range(12)]
    keep(tmp_path, Record(DOMESTIC, True, confirmation("111", "12")), *before)
    for limit, count in ((0, 0), (1, 1), (10, 10), (100, 13)):
        (campaign,) = show(str(tmp_path), history_limit=limit).result["campaigns"]
        times = [entry["applied_at"] for entry in campaign["history"]]
        assert times == [str(place) for place in range(12, -1, -1)][:count]
    module = show(str(tmp_path), history_limit=-1)
    assert module.result["msg"] == "history_limit must be 0 or greater."
    assert module.result["failure"]["reason"] == "invalid_input"


def test_did_shows_only_campaigns_whose_last_lists_hold_it(tmp_path: pathlib.Path) -> None:
    for one in RECORDS:
        keep(tmp_path, one)
    # It was in its lists before, and is not in those that were confirmed last.
    keep(tmp_path, Record(DOMESTIC, True, confirmation("222")), confirmation("111"))
    found = show(str(tmp_path), did="111").result["campaigns"]
    assert [(one["username"], one["campaign_name"]) for one in found] == [
        ("acme", "Sales"),
        ("acme", "Support"),
        ("globex", "Sales"),
    ]
    assert [one["found_in"] for one in found] == [["dynamic_dids"]] * 3
    assert found[0]["applied_at"] == "2027-01-15T08:00:00Z"
    (campaign,) = show(str(tmp_path), did="222").result["campaigns"]
    assert campaign["endpoint"] == DOMESTIC
    assert "found_in" not in show(str(tmp_path)).result["campaigns"][0]


def test_the_pair_to_put_back(tmp_path: pathlib.Path) -> None:
    first, second = confirmation("111", "2027-01-14T08:00:00Z"), confirmation("222")
    keep(tmp_path, Record(DOMESTIC, True, second), first)
    keep(tmp_path, Record(DOMESTIC, True, confirmation("111", names=("acme", "Support"))))
    told = {**shown_confirmation("111", "2027-01-14T08:00:00Z"), "before": "2027-01-15T08:00:00Z"}
    for before in ("current", "2027-01-15T08:00:00Z", "2027-01-15T13:30:00+05:30"):
        # The pairs that are shown are others than those that are chosen from.
        for limit in (0, 1, 10):
            campaigns = show(str(tmp_path), before=before, history_limit=limit).result["campaigns"]
            assert [campaign["earlier"] for campaign in campaigns] == [told, None]
            assert len(campaigns[0]["history"]) == min(limit, 2)
    assert "earlier" not in show(str(tmp_path)).result["campaigns"][0]
    keep(tmp_path, Record(DOMESTIC, False, second), first)
    (campaign, _support) = show(str(tmp_path), before="current").result["campaigns"]
    assert campaign["earlier"]["dynamic_dids"] == ["222"]
    module = show(str(tmp_path), before="2027-01-15T08:00:00")
    assert module.result["msg"].startswith(
        "before is '2027-01-15T08:00:00', which has no time zone."
    )
    assert module.result["failure"]["reason"] == "invalid_input"


def test_what_is_told_of_the_account_of_an_update(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in RECORDS:
        keep(tmp_path, one)
    keep(tmp_path, Record(DOMESTIC, False, confirmation("222", names=("acme", "Callbacks"))))
    monkeypatch.setenv("OZONETEL_USERNAME", "acme")
    monkeypatch.delenv("OZONETEL_API_URL", raising=False)
    monkeypatch.delenv("OZONETEL_REGION", raising=False)
    account = {
        "username": "acme",
        "endpoint": DOMESTIC,
        "records": str(tmp_path),
        "campaigns": 3,
        "unconfirmed": ["Callbacks"],
    }
    for options, names in (
        ({}, ["Callbacks", "Sales", "Support"]),
        ({"campaign_name": "Sales"}, ["Sales"]),
        ({"did": "222"}, ["Callbacks"]),
    ):
        result = show(str(tmp_path), as_update=True, **options).result
        assert result["account"] == account
        assert [campaign["campaign_name"] for campaign in result["campaigns"]] == names
    result = show(str(tmp_path), as_update=True, username="Acme").result
    assert (result["campaigns"], result["account"]["campaigns"]) == ([], 0)
    assert "account" not in show(str(tmp_path)).result
    monkeypatch.delenv("OZONETEL_USERNAME")
    module = show(str(tmp_path), as_update=True)
    assert module.result["failure"]["reason"] == "invalid_input"


@pytest.mark.parametrize(
    "options",
    [
        {"record": False, "skip_unchanged": True},
        {"timeout": -1.0, "retries": 99, "ca_path": "/nowhere"},
        {"record_note": "x" * 500},
    ],
)
def test_options_of_the_group_without_a_use_here_are_ignored(
    tmp_path: pathlib.Path, options: dict[str, t.Any]
) -> None:
    """A play may give it to all modules of the group."""
    keep(tmp_path, record())
    assert len(show(str(tmp_path), **options).result["campaigns"]) == 1


def test_the_record_directory_is_read_from_the_environment(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path, record())
    monkeypatch.setenv("OZONETEL_RECORD_DIR", str(tmp_path))
    assert len(show(None).result["campaigns"]) == 1


def test_without_a_home_directory_nothing_is_shown_but_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    module = show(None)
    assert module.result["campaigns"] == []
    assert module.warnings == ["No last-applied records can be read: there is no home directory."]


def test_a_record_dir_that_is_not_a_directory_causes_a_warning(tmp_path: pathlib.Path) -> None:
    place = tmp_path / "records"
    place.write_text("", encoding="ascii")
    module = show(str(place))
    assert module.result["campaigns"] == []
    assert module.warnings == [f"No last-applied records can be read in {place}: Not a directory."]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is damaged"),
        (header_line(DOMESTIC), "is damaged"),
        (b'{"version": 1, "history": []}', "is damaged"),
        (b"[" * 100_000, "is damaged"),
        (b'#3009184c {"version": 3}\n', "was written by a newer version of the collection"),
    ],
)
def test_an_unusable_record_is_left_out_with_one_warning(
    tmp_path: pathlib.Path, content: bytes, fault: str
) -> None:
    keep(tmp_path, record(PARTNER))
    path = keep(tmp_path, record())
    path.write_bytes(content)
    module = show(str(tmp_path))
    assert identities(module.result["campaigns"]) == [(PARTNER, "acme", "Sales")]
    assert module.warnings == [f"The last-applied record {path} {fault}. It is left out."]


def test_a_symbolic_link_in_place_of_a_record_is_left_out(tmp_path: pathlib.Path) -> None:
    path = keep(tmp_path, record())
    (tmp_path / ("f" * 32 + ".record")).symlink_to(path)
    module = show(str(tmp_path))
    assert len(module.result["campaigns"]) == 1
    assert [warning.split(" ", 4)[-1] for warning in module.warnings] == [
        "is a symbolic link. It is left out."
    ]


def test_a_record_that_vanishes_meanwhile_is_left_out(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "listdir", lambda _path: ["0" * 32 + ".record"])
    module = show(str(tmp_path))
    assert (module.result["campaigns"], module.warnings) == ([], [])


def test_the_key_is_masked_in_warnings_and_messages(tmp_path: pathlib.Path) -> None:
    place = tmp_path / API_KEY
    keep(place, record()).write_text("", encoding="ascii")
    (warning,) = show(str(place)).warnings
    assert API_KEY not in warning
    assert "********" in warning
    module = show(f"{API_KEY}\0")
    assert API_KEY not in module.result["msg"]


def test_an_unusable_api_url_fails_with_invalid_input(tmp_path: pathlib.Path) -> None:
    module = show(str(tmp_path), api_url="http://cc.partner.example")
    assert module.result.pop("msg").startswith("api_url has to begin with https://")
    assert module.result == {
        "failed": True,
        "changed": False,
        "failure": {"reason": "invalid_input", "outcome": "not_applied", **NO_ANSWER},
    }
