# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cell of a spreadsheet may hold, and what is said of numbers that it damaged."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._did_lists import read_did_list
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import InvalidInput
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._did_cell import read_did_cell

PLACE = "Row 2, column B (dynamic_dids)"
NUMBERS = st.from_regex(r"\+?[0-9]{7,17}", fullmatch=True)
SEPARATORS = st.sampled_from([",", ";", " ", "\n", "\r\n", ", ", " ; ", ",,", "\u00a0", "\t"])


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("9140001001", "9140001001"),
        ("9140001001,9140001002", "9140001001,9140001002"),
        ("9140001001;9140001002;", "9140001001,9140001002"),
        (" 9140001001 9140001002 ", "9140001001,9140001002"),
        ("9140001001\r\n9140001002", "9140001001,9140001002"),
        ("9140001001\u00a09140001002", "9140001001,9140001002"),
        ("+14155550100, +14155550101", "+14155550100,+14155550101"),
        ("100; 101, 102", "100,101,102"),
        ("100\n101\n102", "100,101,102"),
        ("100,101", "100,101"),
        ("04440123456", "04440123456"),
        # The module removes invisible marks, and says so.
        ("\u202d9140001001\u202c,9140001002", "\u202d9140001001\u202c,9140001002"),
    ],
)
def test_a_cell_holds_numbers(cell: str, numbers: str) -> None:
    assert read_did_cell(PLACE, cell) == numbers


@pytest.mark.parametrize(
    ("cell", "shown", "said"),
    [
        ("9.14E+09", "9.14E+09", "shortened"),
        ("9,14E+09", "9,14E+09", "shortened"),
        ("9140001001,9E9", "9E9", "shortened"),
        ("9140001001.0", "9140001001.0", "decimal"),
        ("9140001001,0", "9140001001,0", "decimal"),
        ("9140001001,00;9140001002,00", "9140001001,00", "decimal"),
        ("9,140,001,001", "9,140,001,001", "grouped"),
        ("919,140,001,001", "919,140,001,001", "grouped"),
        ("9.140.001.001", "9.140.001.001", "grouped"),
        ("9,14,00,01,001", "9,14,00,01,001", "grouped"),
        ('="0444"', '="0444"', "formula"),
        ("=9140001001", "=9140001001", "formula"),
        ("'9140001001", "'9140001001", "apostrophe"),
        ("9140001001,\u20199140001002", "\\u20199140001002", "apostrophe"),
        ("0444 012 3456", "0444 012", "spaces in it"),
        ("0444\u00a0012\u00a03456", "0444\\xa0012", "spaces in it"),
        ("+91 9140001001", "91 9140001001", "spaces in it"),
        ("91400 01001", "91400 01001", "spaces in it"),
        ("044-40123456", "044-40123456", "only the digits 0 to 9"),
        ("9140001001,12", "'12'", "3 to 17 digits"),
        ("\u0669\u0661\u0664\u0660\u0660\u0660\u0661", "\\u0669", "only the digits 0 to 9"),
        ("", None, "is empty"),
        (" ,; ", None, "is empty"),
    ],
)
def test_a_cell_that_cannot_be_used(cell: str, shown: str | None, said: str) -> None:
    with pytest.raises(InvalidInput) as failure:
        read_did_cell(PLACE, cell)
    assert failure.value.message.startswith(PLACE)
    assert said in failure.value.message
    assert shown is None or shown in failure.value.message


@given(numbers=st.lists(NUMBERS, min_size=1, max_size=8), data=st.data())
def test_the_numbers_of_a_cell_keep_their_order(numbers: list[str], data: st.DataObject) -> None:
    cell = "".join(number + data.draw(SEPARATORS) for number in numbers)
    assert read_did_cell(PLACE, cell) == ",".join(numbers)


@given(cell=st.text("0123456789+,;. \n\u00a0'=\"eE-", max_size=40) | st.text(max_size=40))
def test_any_cell_is_used_whole_or_refused(cell: str) -> None:
    try:
        numbers = read_did_cell(PLACE, cell)
    except InvalidInput as refused:
        assert refused.message.startswith(PLACE)
    else:
        assert read_did_list("dynamic_dids", numbers).numbers
        # No digit is lost, and none is added.
        assert re.findall("[0-9]", numbers) == re.findall("[0-9]", cell)


@pytest.mark.parametrize("text", ["1", "1,", "12,", "123 ", "1.", "=", "'", "1e", "9140001001 "])
def test_a_huge_cell_is_read_in_no_time(text: str) -> None:
    # With a pattern that looks at each digit again from each digit, this would not end.
    with pytest.raises(InvalidInput):
        read_did_cell(PLACE, text * (500_000 // len(text)) + "x")
