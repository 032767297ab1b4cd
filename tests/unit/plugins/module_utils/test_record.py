# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data of a record: what it says about lists, its history, and its text."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record import (
    DIFFERS,
    FIRST_SEEN,
    SAME,
    UNCONFIRMED,
    Confirmation,
    Lists,
    NewerRecord,
    Record,
    UnusableRecord,
    basis_of,
    read_record,
    record_name,
    with_confirmation,
    write_record,
)

ENDPOINT = "https://cc.partner.example"
LISTS = Lists("acme", "Sales", ["111", "222"], ["333"])


def confirmation(lists: Lists = LISTS, hour: int = 8) -> Confirmation:
    return Confirmation(f"2027-01-15T{hour:02}:00:00Z", lists)


RECORD = Record(ENDPOINT, True, [confirmation()])


@pytest.mark.parametrize(
    ("record", "basis"),
    [
        pytest.param(None, FIRST_SEEN, id="no record"),
        pytest.param(RECORD, SAME, id="equal"),
        pytest.param(RECORD._replace(confirmed=False), UNCONFIRMED, id="withdrawn"),
        pytest.param(RECORD._replace(endpoint="https://x"), UNCONFIRMED, id="another endpoint"),
        *(
            pytest.param(Record(ENDPOINT, True, [confirmation(LISTS._replace(**other))]), basis)
            for other, basis in (
                ({"dynamic_dids": ["222", "111"]}, DIFFERS),
                ({"dynamic_dids": ["111", "222", "222"]}, DIFFERS),
                ({"dynamic_dids": ["+111", "222"]}, DIFFERS),
                ({"fallback_dynamic_dids": ["444"]}, DIFFERS),
                ({"dynamic_dids": ["333"], "fallback_dynamic_dids": ["111", "222"]}, DIFFERS),
                ({"campaign_name": "SALES"}, UNCONFIRMED),
                ({"username": "Acme"}, UNCONFIRMED),
            )
        ),
    ],
)
def test_what_changed_rests_on(record: Record | None, basis: str) -> None:
    assert basis_of(record, ENDPOINT, LISTS) == basis


def test_only_the_newest_confirmation_counts() -> None:
    other = confirmation(LISTS._replace(dynamic_dids=["444"]))
    assert basis_of(Record(ENDPOINT, True, [other, confirmation()]), ENDPOINT, LISTS) == DIFFERS


@pytest.mark.parametrize(
    ("username", "campaign_name"),
    [
        ("acme", "SALES"),
        ("ACME", "sales"),
        ("acme", " Sales "),
        ("acme", "\uff33ales"),
    ],
)
def test_spellings_share_a_name(username: str, campaign_name: str) -> None:
    shared = record_name(ENDPOINT, "acme", "Sales")
    assert record_name(ENDPOINT, username, campaign_name) == shared


def test_what_is_different_has_another_name() -> None:
    identities = [
        (ENDPOINT, "acme", "Sales"),
        (f"{ENDPOINT}/prefix", "acme", "Sales"),
        (ENDPOINT, "globex", "Sales"),
        (ENDPOINT, "acme", "Support"),
        (ENDPOINT, "acmeS", "ales"),
        (ENDPOINT, 'acme", "Sales', ""),
    ]
    names = {record_name(*identity) for identity in identities}
    assert len(names) == len(identities)
    assert all(len(name) == 32 and name.isalnum() for name in names)


def test_the_name_stays_the_same_for_ever() -> None:
    """Another name would forget what was confirmed, or trust it later."""
    assert record_name(ENDPOINT, "acme", "B\u00fccher") == "593ae4e38bef0d8995521613fb3ffb58"


def test_the_history_grows_when_the_lists_differ() -> None:
    other = LISTS._replace(dynamic_dids=["444"])
    record = with_confirmation(None, ENDPOINT, confirmation())
    assert record == RECORD
    record = with_confirmation(record, ENDPOINT, confirmation(other, 9))
    record = with_confirmation(record, ENDPOINT, confirmation(LISTS, 10))
    assert record.history == [confirmation(LISTS, 10), confirmation(other, 9), confirmation()]
    assert record.last == confirmation(LISTS, 10)


def test_the_same_lists_again_are_no_new_entry() -> None:
    withdrawn = RECORD._replace(confirmed=False)
    assert with_confirmation(withdrawn, ENDPOINT, confirmation(LISTS, 9)) == Record(
        ENDPOINT, True, [confirmation(LISTS, 9)]
    )


def test_the_history_holds_ten() -> None:
    record = None
    for hour in range(12):
        lists = LISTS._replace(dynamic_dids=[f"{hour + 100}"])
        record = with_confirmation(record, ENDPOINT, confirmation(lists, hour))
    assert record is not None
    assert [entry.applied_at[11:13] for entry in record.history] == [
        f"{hour:02}" for hour in range(11, 1, -1)
    ]


def test_the_text_of_a_record() -> None:
    assert json.loads(write_record(RECORD)) == {
        "version": 1,
        "endpoint": ENDPOINT,
        "confirmed": True,
        "history": [
            {
                "applied_at": "2027-01-15T08:00:00Z",
                "username": "acme",
                "campaign_name": "Sales",
                "dynamic_dids": ["111", "222"],
                "fallback_dynamic_dids": ["333"],
            }
        ],
    }


texts = st.text(st.characters(exclude_categories=["Cs"]))
lists_of_any_kind = st.builds(Lists, texts, texts, st.lists(texts), st.lists(texts))


@settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.builds(
        Record,
        texts,
        st.booleans(),
        st.lists(st.builds(Confirmation, texts, lists_of_any_kind), min_size=1, max_size=3),
    )
)
def test_what_was_written_can_be_read(record: Record) -> None:
    text = write_record(record)
    assert text.isascii()
    assert read_record(text.encode("ascii")) == record


def damaged(**changes: t.Any) -> bytes:
    return json.dumps({**json.loads(write_record(RECORD)), **changes}).encode()


ENTRY = json.loads(write_record(RECORD))["history"][0]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"[" * 100_000,
        b"{}",
        write_record(RECORD).encode()[:-3],
        damaged(version=0),
        damaged(version="1"),
        damaged(version=None),
        damaged(endpoint=None),
        damaged(confirmed=1),
        damaged(confirmed="true"),
        damaged(history=[]),
        damaged(history=None),
        damaged(history={}),
        damaged(history=["x"]),
        damaged(history=[{}]),
        *(damaged(history=[{**ENTRY, key: None}]) for key in ENTRY),
        damaged(history=[{**ENTRY, "dynamic_dids": [111]}]),
        damaged(history=[{**ENTRY, "dynamic_dids": "111"}]),
        damaged(history=[ENTRY, {**ENTRY, "applied_at": 7}]),
        damaged(endpoint="\ud800"),
        *(damaged(history=[{**ENTRY, key: "\udfff"}]) for key in ("username", "applied_at")),
        damaged(history=[{**ENTRY, "dynamic_dids": ["111", "\ud800"]}]),
    ],
)
def test_a_text_that_is_no_record(text: bytes) -> None:
    with pytest.raises(UnusableRecord, match="is damaged") as caught:
        read_record(text)
    assert not isinstance(caught.value, NewerRecord)


@pytest.mark.parametrize("text", [b'{"version": 2}', damaged(version=2, endpoint=None)])
def test_a_record_of_a_newer_version(text: bytes) -> None:
    with pytest.raises(NewerRecord, match="newer version"):
        read_record(text)
