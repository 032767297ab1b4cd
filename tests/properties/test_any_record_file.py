# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever bytes are in the place of a record: no confirmation that was not written, and no error.

The same for the rows of a database is in tests/postgres/test_any_row.py.
"""

from __future__ import annotations

import json
import pathlib
import tempfile
import typing as t
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines.lines import (
    FORMAT_VERSION,
    confirmation_line,
    header_line,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import (
    Confirmation,
    Lists,
    record_key,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record_modules.info import (
    show_records,
)
from ansible_collections.ozonetel.cloudagent.tests.properties.support import (
    CONFIRMED,
    examples,
    run,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import Ended, ModuleDouble

ENDPOINT = "https://in1-ccaas-api.ozonetel.com"
KEY = record_key(ENDPOINT, "acme", "Sales")
NUMBERS = ["111", "222", "333"]
LISTS = {number: {"dynamic_dids": [number], "fallback_dynamic_dids": ["444"]} for number in NUMBERS}


def line(number: str, campaign: str = "Sales") -> bytes:
    """Return the line of a confirmation that holds."""
    lists = Lists("acme", campaign, [number], ["444"])
    return confirmation_line(Confirmation(lists, "2027-01-15T08:00:00Z", "deploy@runner", None))


def entry(number: str) -> dict[str, t.Any]:
    """Return what the info module shows of a confirmation."""
    return {
        "applied_at": "2027-01-15T08:00:00Z",
        "applied_by": "deploy@runner",
        "note": None,
        **LISTS[number],
    }


def withdrawn(whole: bytes) -> bytes:
    return b"-" + whole[1:]


class File(t.NamedTuple):
    """A file as the collection writes it.

    Attributes:
        numbers: what was confirmed, oldest first; all but the last one were withdrawn.
        holds: the last one holds.
    """

    numbers: list[str]
    holds: bool

    @property
    def lines(self) -> list[bytes]:
        lines = [withdrawn(line(number)) for number in self.numbers[:-1]]
        last = line(self.numbers[-1])
        return [header_line(ENDPOINT), *lines, last if self.holds else withdrawn(last)]

    @property
    def confirmed(self) -> set[str]:
        """Return what a run may find confirmed."""
        return {self.numbers[-1]} if self.holds else set()


whole_files = st.builds(
    File, st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=4), st.booleans()
)


def checksummed(kind: bytes, text: bytes) -> bytes:
    return b"%s%08x %s\n" % (kind, zlib.crc32(text), text)


# Lines whose checksum is right, with anything in them.
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=4,
)
fields = ["username", "campaign_name", "dynamic_dids", "fallback_dynamic_dids"]
fields += ["applied_at", "applied_by", "note", "version", "endpoint"]
contents = st.fixed_dictionaries(
    {}, optional={name: anything | st.lists(st.text(max_size=5), max_size=2) for name in fields}
)
odd_lines = st.builds(
    checksummed,
    st.sampled_from([b"#", b"+", b"-", b"*"]),
    (contents | anything).map(lambda content: json.dumps(content).encode())
    | st.binary(max_size=20),
)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[File, bytes]:
    """Draw a file, and what is left of it after some bytes came to harm."""
    file = draw(whole_files)
    data = b"".join(file.lines)
    for _harm in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        harm = draw(st.sampled_from(["bit", "cut", "insert", "zeros", "remove"]))
        if harm == "bit":
            bit = bytes([data[place] ^ 1 << draw(st.integers(0, 7))]) if data else b""
            data = data[:place] + bit + data[place + 1 :]
        elif harm == "cut":
            data = data[:place]
        elif harm == "insert":
            data = data[:place] + draw(st.binary(max_size=5)) + data[place:]
        elif harm == "zeros":
            # What some file systems leave after a loss of power.
            length = draw(st.integers(1, 200))
            data = data[:place] + bytes(length) + data[place + length :]
        else:
            data = data[:place] + data[place + draw(st.integers(1, 200)) :]
    return file, data


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[File, bytes]:
    """Draw a file, and its lines in another order, some twice or not at all, beside odd ones."""
    file = draw(whole_files)
    other = st.sampled_from([line("999", campaign="Other"), header_line("https://other.example")])
    lines = draw(st.lists(st.sampled_from(file.lines) | odd_lines | other, max_size=6))
    return file, b"".join(lines)


class Place:
    """A directory with the record of one campaign."""

    def __init__(self, data: bytes) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="cloudagent-any-")
        self.path = pathlib.Path(self._directory.name, f"{KEY}.record")
        self.path.write_bytes(data)

    def options(self, number: str) -> dict[str, t.Any]:
        return {"record_dir": self._directory.name, **LISTS[number]}

    def believed(self) -> set[str]:
        """Return the lists that a run would call unchanged."""
        predicted = {number: run(check_mode=True, **self.options(number)) for number in NUMBERS}
        assert not any(ran.has_failed for ran in predicted.values())
        return {number for number, ran in predicted.items() if not ran.result["changed"]}

    def shown(self) -> list[dict[str, t.Any]]:
        """Return what the info module shows."""
        options: dict[str, t.Any] = dict.fromkeys(
            ("username", "campaign_name", "did", "api_url", "before")
        )
        module = ModuleDouble(
            **options, record_dir=self._directory.name, history_limit=100, as_update=False
        )
        with pytest.raises(Ended):
            show_records(module)
        json.dumps(module.result, ensure_ascii=False).encode("utf-8")
        return list(module.result["campaigns"])

    def check(self, file: File, may_be_believed: set[str]) -> None:
        """See that only this is believed, that all is shown, and that an update puts it right."""
        assert self.believed() <= may_be_believed
        for campaign in self.shown():
            if campaign["confirmed"] and campaign["campaign_name"] == "Sales":
                confirmed = {name: campaign[name] for name in entry("111")}
                assert confirmed in [entry(number) for number in may_be_believed]
        sent = run(CONFIRMED, **self.options("111"))
        assert not sent.has_failed
        assert sent.result["changed"] or "111" in may_be_believed
        assert self.believed() == {"111"}

    def remove(self) -> None:
        self._directory.cleanup()


def check(file: File, data: bytes, may_be_believed: set[str]) -> None:
    place = Place(data)
    try:
        place.check(file, may_be_believed)
    finally:
        place.remove()


@examples(100)
@given(whole_files)
def test_a_whole_file_is_believed(file: File) -> None:
    place = Place(b"".join(file.lines))
    try:
        assert place.believed() == file.confirmed
        assert place.shown()[0]["confirmed"] is file.holds
    finally:
        place.remove()


@examples(500)
@given(damaged())
def test_what_is_left_of_a_file_confirms_nothing_that_did_not_hold(
    drawn: tuple[File, bytes],
) -> None:
    file, data = drawn
    check(file, data, file.confirmed)


@examples(300)
@example((File(["111"], holds=True), checksummed(b"#", b'{"version": 1e999, "endpoint": 1}')))
@example((File(["111"], holds=True), checksummed(b"#", b'{"version": %d}' % (FORMAT_VERSION + 1))))
@given(shuffled())
def test_lines_in_any_order_confirm_nothing_that_did_not_hold(drawn: tuple[File, bytes]) -> None:
    file, data = drawn
    check(file, data, file.confirmed)


@examples(150)
@given(st.binary(max_size=200) | st.lists(odd_lines, max_size=3).map(b"".join))
def test_any_bytes_confirm_nothing(data: bytes) -> None:
    check(File([], holds=False), data, set())
