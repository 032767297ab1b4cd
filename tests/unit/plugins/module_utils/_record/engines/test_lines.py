# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a record's file: the format, and every kind of damage."""

from __future__ import annotations

import json
import typing as t
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines.lines import (
    CONFIRMED,
    WITHDRAWN,
    NewerRecord,
    UnusableRecord,
    confirmation_line,
    header_line,
    read_confirmation,
    read_lines,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import (
    Confirmation,
    Lists,
    Record,
)

ENDPOINT = "https://cc.partner.example"


def confirmation(number: str, note: str | None = None) -> Confirmation:
    lists = Lists("acme", "Sales", [number], ["333"])
    return Confirmation(lists, "2027-01-15T08:00:00Z", "deploy@runner", note)


HEADER = header_line(ENDPOINT)
FIRST = confirmation_line(confirmation("111"))
SECOND = confirmation_line(confirmation("222", "job 7"))
WHOLE = HEADER + FIRST + SECOND
CONTENT = {
    "username": "acme",
    "campaign_name": "Sales",
    "dynamic_dids": ["222"],
    "fallback_dynamic_dids": ["333"],
    "applied_at": "2027-01-15T08:00:00Z",
    "applied_by": "deploy@runner",
    "note": "job 7",
}


def line(kind: bytes, content: object) -> bytes:
    """Return a line as the format has it, whatever it holds."""
    return with_checksum(kind, json.dumps(content).encode("ascii"))


def with_checksum(kind: bytes, text: bytes) -> bytes:
    return b"%s%08x %s\n" % (kind, zlib.crc32(text), text)


# --- The format ---------------------------------------------------------------------------------


def test_the_format_of_a_record_file_never_changes() -> None:
    """An older version of the collection reads it as well."""
    assert line(b"#", {"version": 2, "endpoint": ENDPOINT}) == HEADER
    assert line(b"+", CONTENT) == SECOND
    assert SECOND[:10] == b"+%08x " % zlib.crc32(SECOND[10:-1])


def test_the_last_line_of_a_file_is_its_record() -> None:
    content = read_lines(WHOLE)
    assert content.record == Record(ENDPOINT, True, confirmation("222", "job 7"))
    assert content.lines == [FIRST, SECOND]
    assert (content.last, content.end) == (len(HEADER + FIRST), len(WHOLE))
    assert WHOLE[content.last : content.last + 1] == CONFIRMED


def test_one_byte_withdraws_the_confirmation_and_keeps_the_history() -> None:
    last = len(HEADER + FIRST)
    withdrawn = read_lines(WHOLE[:last] + WITHDRAWN + WHOLE[last + 1 :])
    assert withdrawn.record == Record(ENDPOINT, False, confirmation("222", "job 7"))
    assert [read_confirmation(one) for one in withdrawn.lines] == [
        confirmation("111"),
        confirmation("222", "job 7"),
    ]


def test_only_the_mark_of_the_last_line_counts() -> None:
    assert read_lines(HEADER + WITHDRAWN + FIRST[1:] + SECOND).record.confirmed
    assert not read_lines(HEADER + FIRST + WITHDRAWN + SECOND[1:]).record.confirmed


texts = st.text(st.characters(exclude_categories=["Cs"]))
confirmations = st.builds(
    Confirmation,
    st.builds(Lists, texts, texts, st.lists(texts), st.lists(texts)),
    texts,
    texts,
    st.none() | texts,
)


@given(texts, st.lists(confirmations, min_size=1, max_size=3))
def test_any_confirmation_is_read_as_it_was_written(
    endpoint: str, kept: list[Confirmation]
) -> None:
    written = [confirmation_line(one) for one in kept]
    data = header_line(endpoint) + b"".join(written)
    assert data.isascii()
    assert data.count(b"\n") == len(kept) + 1
    content = read_lines(data)
    assert content.record == Record(endpoint, True, kept[-1])
    assert content.lines == written
    assert [read_confirmation(one) for one in content.lines] == kept


# --- Damage -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", range(1, len(SECOND)))
def test_a_torn_last_line_leaves_the_previous_one_unconfirmed(size: int) -> None:
    content = read_lines(HEADER + FIRST + SECOND[:size])
    assert content.record == Record(ENDPOINT, False, confirmation("111"))
    assert content.lines == [FIRST]
    assert content.end == len(HEADER + FIRST)


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(SECOND[:-1] + b"\0", id="no end"),
        pytest.param(b"\0" * len(SECOND), id="zeros"),
        pytest.param(b"\0" * 40 + SECOND[40:], id="zeros at its beginning"),
        pytest.param(SECOND[:40] + b"\0" * 20 + SECOND[60:], id="zeros inside"),
        pytest.param(b"\n", id="an empty line"),
        pytest.param(b"+\n", id="nothing but a mark"),
        pytest.param(b"*" + SECOND[1:], id="another mark"),
        pytest.param(b"#" + SECOND[1:], id="the mark of a header"),
        pytest.param(SECOND.replace(b'"222"', b'"999"'), id="other numbers"),
        pytest.param(b"+00000000" + SECOND[9:], id="wrong checksum"),
        pytest.param(
            SECOND[:1] + SECOND[1:9].upper() + b" " + SECOND[10:], id="checksum in capitals"
        ),
        pytest.param(b"\xff" * 30 + b"\n", id="no text"),
        pytest.param(SECOND[:30] + b"\n" + SECOND[30:], id="two halves"),
        pytest.param(SECOND[:30] + b"\n", id="a half with an end"),
    ],
)
def test_a_damaged_last_line_leaves_the_previous_one_unconfirmed(rest: bytes) -> None:
    content = read_lines(HEADER + FIRST + rest)
    assert content.record == Record(ENDPOINT, False, confirmation("111"))
    assert (content.lines, content.end) == ([FIRST], len(HEADER + FIRST))


def test_a_damaged_earlier_line_does_not_affect_the_record() -> None:
    damaged = FIRST.replace(b"111", b"999")
    content = read_lines(HEADER + damaged + SECOND)
    assert content.record == Record(ENDPOINT, True, confirmation("222", "job 7"))
    with pytest.raises(UnusableRecord):
        read_confirmation(content.lines[0])


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_one_changed_byte_never_confirms_other_lists(place: int, byte: int) -> None:
    """But for the first line of the history, at which only the history looks."""
    data = WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :]
    try:
        record = read_lines(data).record
    except UnusableRecord:
        return
    was = Record(ENDPOINT, True, confirmation("222", "job 7"))
    assert record == was or not record.confirmed


def damaged(**changes: t.Any) -> bytes:
    return line(b"+", {**CONTENT, **changes})


@pytest.mark.parametrize(
    "text",
    [
        *(damaged(**{key: 7}) for key in CONTENT),
        *(damaged(**{key: {}}) for key in CONTENT),
        *(damaged(**{key: True}) for key in CONTENT),
        *(damaged(**{key: None}) for key in CONTENT if key != "note"),
        *(line(b"+", {k: v for k, v in CONTENT.items() if k != key}) for key in CONTENT),
        damaged(dynamic_dids=[111]),
        damaged(dynamic_dids="111"),
        damaged(dynamic_dids=["111", None]),
        # JSON can spell half of a surrogate pair: RFC 8259, section 8.2.
        *(damaged(**{key: "\udfff"}) for key in ("username", "campaign_name", "applied_at")),
        *(damaged(**{key: "x\ud800"}) for key in ("applied_by", "note")),
        damaged(dynamic_dids=["111", "\ud800"]),
        line(b"+", None),
        line(b"+", []),
        with_checksum(b"+", b"{"),
        with_checksum(b"+", b""),
        with_checksum(b"+", b"\xff\xfe"),
        with_checksum(b"+", b"[" * 100_000),
        line(b"#", CONTENT),
        line(b"*", CONTENT),
        line(b" ", CONTENT),
        b"\n",
        SECOND[:-1],
        SECOND[1:],
        b"+" + SECOND,
    ],
)
def test_an_invalid_line_is_damaged(text: bytes) -> None:
    with pytest.raises(UnusableRecord, match="is damaged"):
        read_confirmation(text)
    # The whole file is of no use when it is the only one; else the one before it is left.
    with pytest.raises(UnusableRecord, match="is damaged"):
        read_lines(HEADER + text)
    assert read_lines(HEADER + FIRST + text).record == Record(ENDPOINT, False, confirmation("111"))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"\0" * 200,
        HEADER,
        HEADER[:-1],
        FIRST,
        b'{"version": 1, "endpoint": "https://x", "confirmed": true, "history": []}',
        HEADER[1:] + FIRST,
        b"\n" + WHOLE,
        b"#00000000" + HEADER[9:] + FIRST,
        HEADER.replace(b"partner", b"other!!") + FIRST,
        HEADER[:-1] + FIRST,
        HEADER + HEADER,
        *(
            line(b"#", content) + FIRST
            for content in (
                {"version": 2},
                {"version": 2, "endpoint": None},
                {"version": 1, "endpoint": ENDPOINT},
                {"version": "2", "endpoint": ENDPOINT},
                {"version": "99", "endpoint": ENDPOINT},
                {"version": 2.5, "endpoint": ENDPOINT},
                {"version": None, "endpoint": ENDPOINT},
                {"endpoint": ENDPOINT},
                {"version": 2, "endpoint": "\ud800"},
                [2, ENDPOINT],
                None,
            )
        ),
        with_checksum(b"#", b"[" * 100_000) + FIRST,
        line(b"+", {"version": 2, "endpoint": ENDPOINT}) + FIRST,
    ],
)
def test_invalid_bytes_are_a_damaged_record(text: bytes) -> None:
    with pytest.raises(UnusableRecord, match="is damaged") as caught:
        read_lines(text)
    assert not isinstance(caught.value, NewerRecord)


@pytest.mark.parametrize(
    "text",
    [
        line(b"#", {"version": 3}),
        line(b"#", {"version": 3, "endpoint": None}) + FIRST,
        line(b"#", {"version": 3, "endpoint": ENDPOINT}) + b"something new\n",
        line(b"#", {"version": 10**20}),
    ],
)
def test_a_record_of_a_newer_version_is_recognised(text: bytes) -> None:
    with pytest.raises(NewerRecord, match="newer version"):
        read_lines(text)
