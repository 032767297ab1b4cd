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
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._info import (
    Filter,
    read_filter,
    show_records,
    shown_campaigns,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record import (
    Confirmation,
    Lists,
    Record,
    record_name,
    write_record,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    API_KEY,
    Ended,
    ModuleDouble,
)

DOMESTIC = "https://in1-ccaas-api.ozonetel.com"
PARTNER = "https://cc.partner.example"


def confirmation(
    number: str, at: str = "2027-01-15T08:00:00Z", names: tuple[str, str] = ("acme", "Sales")
) -> Confirmation:
    return Confirmation(at, Lists(*names, [number], ["333"]))


def record(endpoint: str = DOMESTIC, names: tuple[str, str] = ("acme", "Sales")) -> Record:
    return Record(endpoint, True, [confirmation("111", names=names)])


def keep(directory: pathlib.Path, kept: Record) -> pathlib.Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{record_name(kept.endpoint, *kept.last.lists.names)}.json"
    path.write_text(write_record(kept), encoding="ascii")
    return path


def show(directory: object, **options: t.Any) -> ModuleDouble:
    """Return the ended module that was asked for all records but for what the options filter."""
    given = {"username": None, "campaign_name": None, "record_dir": directory, **options}
    module = ModuleDouble(**given)
    with pytest.raises(Ended):
        show_records(module)
    return module


# --- Pure: the filter and what is shown ---------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, Filter()),
        ({"username": "acme"}, Filter(username="acme")),
        ({"campaign_name": "Sales"}, Filter(campaign_name="Sales")),
        ({"region": "domestic"}, Filter(DOMESTIC)),
        ({"api_url": "HTTPS://CC.Partner.example:443/"}, Filter(PARTNER)),
    ],
)
def test_the_filter(
    options: dict[str, t.Any], expected: Filter, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The environment says where to send, and not what is asked for.
    monkeypatch.setenv("OZONETEL_USERNAME", "globex")
    monkeypatch.setenv("OZONETEL_API_URL", PARTNER)
    monkeypatch.setenv("OZONETEL_REGION", "international")
    names = ("username", "campaign_name", "region", "api_url")
    assert read_filter({**dict.fromkeys(names), **options}) == expected


def test_a_region_beside_a_url_is_refused() -> None:
    params = {"region": "domestic", "api_url": PARTNER, "username": None, "campaign_name": None}
    with pytest.raises(InvalidInput, match="given together"):
        read_filter(params)


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


def test_every_order_of_the_records_gives_one_order() -> None:
    expected = [(one.endpoint, *one.last.lists.names) for one in IN_ORDER]
    for records in itertools.permutations(RECORDS):
        assert identities(shown_campaigns(records, Filter())) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(PARTNER), [0]),
        (Filter(username="globex"), [4]),
        (Filter(campaign_name="sales"), [3]),
        (Filter(campaign_name="Sales"), [0, 1, 4]),
        (Filter(DOMESTIC, "acme", "Sales"), [1]),
        (Filter(username=""), []),
        (Filter(campaign_name="SALES"), []),
    ],
)
def test_what_the_filter_leaves(wanted: Filter, expected: list[int]) -> None:
    everything = shown_campaigns(RECORDS, Filter())
    assert shown_campaigns(RECORDS, wanted) == [everything[place] for place in expected]


def test_all_that_is_shown() -> None:
    history = [confirmation("222", "2027-01-16T08:00:00Z"), confirmation("111")]
    newest, before = (
        {"applied_at": at, "dynamic_dids": [number], "fallback_dynamic_dids": ["333"]}
        for at, number in (("2027-01-16T08:00:00Z", "222"), ("2027-01-15T08:00:00Z", "111"))
    )
    assert shown_campaigns([Record(DOMESTIC, False, history)], Filter()) == [
        {
            "endpoint": DOMESTIC,
            "username": "acme",
            "campaign_name": "Sales",
            "confirmed": False,
            **newest,
            "history": [newest, before],
        }
    ]


def test_the_history_shows_the_newest_spelling_alone_and_no_pair_twice_in_a_row() -> None:
    other = ("acme", "SALES")
    history = [
        confirmation("111", "5"),
        confirmation("222", "4", other),
        confirmation("111", "3"),
        confirmation("222", "2"),
        confirmation("111", "1"),
    ]
    (shown,) = shown_campaigns([Record(DOMESTIC, True, history)], Filter())
    kept = [(entry["applied_at"], entry["dynamic_dids"]) for entry in shown["history"]]
    assert kept == [("5", ["111"]), ("2", ["222"]), ("1", ["111"])]


# --- From the options to the result ---------------------------------------------------------------


def test_what_is_kept_is_shown_and_nothing_is_touched(tmp_path: pathlib.Path) -> None:
    for kept in RECORDS:
        keep(tmp_path, kept)
    for name in ("0" * 32 + ".lock", "0" * 32 + ".tmp", "other.json", "x" + "0" * 32 + ".json"):
        (tmp_path / name).write_text("no record", encoding="ascii")
    before = sorted(os.listdir(tmp_path))
    module = show(str(tmp_path))
    assert module.warnings == []
    # "Sales" and "sales" of one account share a file.
    assert len(module.result["campaigns"]) == 4
    assert module.result["changed"] is False
    assert sorted(os.listdir(tmp_path)) == before


def test_a_missing_directory_holds_nothing_and_is_not_made(tmp_path: pathlib.Path) -> None:
    module = show(str(tmp_path / "records"))
    assert (module.result, module.warnings) == ({"changed": False, "campaigns": []}, [])
    assert list(tmp_path.iterdir()) == []


def test_the_environment_names_the_directory(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path, record())
    monkeypatch.setenv("OZONETEL_RECORD_DIR", str(tmp_path))
    assert len(show(None).result["campaigns"]) == 1


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OZONETEL_RECORD_DIR", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    module = show(None)
    assert module.result["campaigns"] == []
    assert module.warnings == ["No last-applied records can be read: there is no home directory."]


def test_a_directory_that_is_none(tmp_path: pathlib.Path) -> None:
    place = tmp_path / "records"
    place.write_text("", encoding="ascii")
    module = show(str(place))
    assert module.result["campaigns"] == []
    assert module.warnings == [f"No last-applied records can be read in {place}: Not a directory."]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "is damaged"),
        ('{"version": 1, "history": []}', "is damaged"),
        ("[" * 100_000, "is damaged"),
        ('{"version": 2}', "was written by a newer version of the collection"),
    ],
)
def test_what_can_t_be_used_is_left_out_with_one_warning(
    tmp_path: pathlib.Path, content: str, fault: str
) -> None:
    keep(tmp_path, record(PARTNER))
    path = keep(tmp_path, record())
    path.write_text(content, encoding="ascii")
    module = show(str(tmp_path))
    assert identities(module.result["campaigns"]) == [(PARTNER, "acme", "Sales")]
    assert module.warnings == [f"The last-applied record {path} {fault}. It is left out."]


def test_a_link_in_a_record_s_place_is_left_out(tmp_path: pathlib.Path) -> None:
    path = keep(tmp_path, record())
    (tmp_path / ("f" * 32 + ".json")).symlink_to(path)
    module = show(str(tmp_path))
    assert len(module.result["campaigns"]) == 1
    assert [warning.split(" ", 4)[-1] for warning in module.warnings] == [
        "is a symbolic link. It is left out."
    ]


def test_a_record_that_vanishes_meanwhile_is_none(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "listdir", lambda _path: ["0" * 32 + ".json"])
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


def test_an_option_that_can_t_be_used(tmp_path: pathlib.Path) -> None:
    module = show(str(tmp_path), api_url="http://cc.partner.example")
    assert module.result.pop("msg").startswith("api_url has to begin with https://")
    assert module.result == {
        "failed": True,
        "changed": False,
        "failure": {
            "reason": "invalid_input",
            "outcome": "not_applied",
            "http_status": None,
            "api_message": None,
            "attempts": 0,
        },
    }
