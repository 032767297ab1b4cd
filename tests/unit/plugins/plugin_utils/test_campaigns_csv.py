# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSV files as spreadsheets export them, and every fault with its row and column."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._campaigns_csv import (
    COLUMNS,
    read_campaigns_csv,
)
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._csv_table import (
    CsvFaults,
    column_letters,
)

HEADER = "campaign_name,dynamic_dids,fallback_dynamic_dids\n"
SALES = {
    "campaign_name": "Sales",
    "dynamic_dids": "9140001001,9140001002",
    "fallback_dynamic_dids": "9140002001",
}
SUPPORT = {
    "campaign_name": "Support",
    "dynamic_dids": "9140001003",
    "fallback_dynamic_dids": "9140002002",
}


def faults_of(text: str) -> list[str]:
    with pytest.raises(CsvFaults) as refused:
        read_campaigns_csv(text)
    return refused.value.faults


FILES = {
    "commas": HEADER + 'Sales,"9140001001,9140001002",9140002001\nSupport,9140001003,9140002002\n',
    "semicolons": (
        "campaign_name;dynamic_dids;fallback_dynamic_dids\n"
        "Sales;9140001001,9140001002;9140002001\nSupport;9140001003;9140002002\n"
    ),
    "semicolons within cells": (
        "campaign_name;dynamic_dids;fallback_dynamic_dids\n"
        'Sales;"9140001001;9140001002";9140002001\nSupport;9140001003;9140002002\n'
    ),
    "tabs": (
        "campaign_name\tdynamic_dids\tfallback_dynamic_dids\n"
        "Sales\t9140001001 9140001002\t9140002001\nSupport\t9140001003\t9140002002\n"
    ),
    "a byte order mark, and the line endings of Windows": (
        "\ufeff" + HEADER.replace("\n", "\r\n") + 'Sales,"9140001001\r\n9140001002",9140002001\r\n'
        "Support,9140001003,9140002002\r\n"
    ),
    "the line endings of old Macs": (
        HEADER + "Sales,9140001001 9140001002,9140002001\nSupport,9140001003,9140002002"
    ).replace("\n", "\r"),
    "headers in words": (
        "Campaign Name,DYNAMIC DIDS, Fallback-Dynamic DIDs \n"
        "Sales,9140001001 9140001002,9140002001\nSupport,9140001003,9140002002\n"
    ),
    "another order": (
        "fallback_dynamic_dids,campaign_name,dynamic_dids\n"
        "9140002001,Sales,9140001001 9140001002\n9140002002,Support,9140001003\n"
    ),
    "blank rows": (
        f",,\n\n{HEADER},,\n\nSales,9140001001;9140001002,9140002001\n  , ,\n"
        "Support,9140001003,9140002002\n\n,,\n"
    ),
    "spaces around cells": (
        HEADER + ' Sales , "9140001001,9140001002", 9140002001 \n Support,9140001003 ,9140002002\n'
    ),
    "every cell in quotation marks": (
        '"campaign_name","dynamic_dids","fallback_dynamic_dids"\n'
        '"Sales","9140001001,9140001002","9140002001"\n"Support","9140001003","9140002002"\n'
    ),
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_a_file_that_a_spreadsheet_exports(text: str) -> None:
    assert read_campaigns_csv(text) == ([SALES, SUPPORT], [])


def test_further_columns_are_named() -> None:
    table = read_campaigns_csv(
        "Owner,campaign_name,dynamic_dids,fallback_dynamic_dids,Since,\n"
        "Ann,Sales,9140001001 9140001002,9140002001,2026,\n"
    )
    assert table == ([SALES], ['"Owner"', '"Since"'])


def test_the_separator_is_the_one_that_gives_the_columns() -> None:
    table = read_campaigns_csv(
        "campaign_name;dynamic_dids;fallback_dynamic_dids;Owner, team, city, since\n"
        "Sales;9140001001,9140001002;9140002001;\n"
    )
    assert table == ([SALES], ['"Owner, team, city, since"'])


def test_a_header_without_rows_has_no_campaigns() -> None:
    assert read_campaigns_csv(HEADER) == ([], [])


def test_a_name_with_quotation_marks_and_braces_is_kept() -> None:
    table = read_campaigns_csv(HEADER + '"The ""{{ best }}"", 2026",9140001001,9140002001\n')
    assert table.campaigns[0]["campaign_name"] == 'The "{{ best }}", 2026'


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("", ["no row that names its columns", "dynamic_dids"], id="empty"),
        pytest.param("\n ,\n", ["no row that names its columns"], id="blank"),
        pytest.param(
            "Campaign_Name;Dynamic DID;Fallback\n",
            [
                "Row 1, the header, lacks dynamic_dids, fallback_dynamic_dids.",
                'It has: "Campaign_Name", "Dynamic DID", "Fallback".',
                'Did you mean dynamic_dids by "Dynamic DID"?',
            ],
            id="other headers",
        ),
        pytest.param(
            "Sales,9140001001,9140002001\n",
            ['It has: "Sales", "9140001001", "9140002001".'],
            id="no header",
        ),
        pytest.param(
            "campaign_name,dynamic_dids,Dynamic DIDs,fallback_dynamic_dids\n",
            ["Columns B and C are both named dynamic_dids."],
            id="a column twice",
        ),
        pytest.param(
            HEADER + "\nSales,9.14E+09,9140002001\n",
            ["Row 3, column B (dynamic_dids), has '9.14E+09'"],
            id="a damaged number",
        ),
        pytest.param(
            HEADER + 'A,"9140001001\n9140001002",9140002001\nSupport,9140001003\n',
            ["Row 3, column C (fallback_dynamic_dids), is empty."],
            id="a missing cell, after one with a line break",
        ),
        pytest.param(
            HEADER + ",9140001001,9140002001\n",
            ["Row 2, column A (campaign_name), is empty."],
            id="no name",
        ),
        pytest.param(
            HEADER + "Sales,9140001001,9140001002,9140002001\n",
            ["Row 2, column D, has no header above it."],
            id="numbers that the file's separator separates",
        ),
        pytest.param(
            HEADER.strip() + ",,\nSales,9140001001,9140001002,9140002001,\n",
            ["Row 2, column D, has no header above it."],
            id="the same below an empty header",
        ),
        pytest.param(
            HEADER + "Sales,9140001001,9140002001\n\nSales,9140001002,9140002001\n",
            ['Rows 2 and 4 both name the campaign "Sales".'],
            id="a campaign twice",
        ),
        pytest.param(
            HEADER + "Sales,9140001001,9140002001\nSALES,9140001002,9140002001\n",
            ['Rows 2 and 3 name "Sales" and "SALES", which differ only in upper and lower case'],
            id="a campaign in two spellings",
        ),
        pytest.param(
            HEADER + 'Sales,9140001001,9140002001\nSupport,"9140001003,9140002002\nA,123,123\n',
            ["The row after row 2 cannot be read: a quotation mark is missing"],
            id="a quotation mark that is not closed",
        ),
        pytest.param(
            HEADER + f"Sales,{'9140001001 ' * 20_000},9140002001\n",
            ["The row after row 1 cannot be read", "more than 131,072 characters"],
            id="a cell that is too long",
        ),
        pytest.param(
            HEADER + '"Sa\nles",9140001001,9140002001\n',
            ["Row 2, column A (campaign_name), has a line break"],
            id="a name with a line break",
        ),
    ],
)
def test_a_fault_names_its_place(text: str, parts: list[str]) -> None:
    [fault] = faults_of(text)
    for part in parts:
        assert part in fault


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("Café,9140001001,9140002001".encode("latin-1"), id="Windows' own encoding"),
        pytest.param((HEADER + "Sales,9140001001,9140002001").encode("utf-16"), id="UTF-16"),
        pytest.param(HEADER.encode("utf-16-le"), id="UTF-16 without a byte order mark"),
        pytest.param(b"PK\x03\x04\x14\x00\x06\x00\x08\x00", id="a workbook"),
    ],
)
def test_what_is_not_utf_8_is_refused(data: bytes) -> None:
    for errors in ("surrogateescape", "replace"):
        [fault] = faults_of(data.decode("utf-8", errors))
        assert "CSV UTF-8" in fault


def test_all_faults_are_found() -> None:
    faults = faults_of(HEADER + "A,1,\nB,123,123\nC,'9140001001,12\n")
    assert [fault[:17] for fault in faults] == [
        "Row 2, column B (",
        "Row 2, column C (",
        "Row 4, column B (",
        "Row 4, column C (",
    ]


@pytest.mark.parametrize(
    ("position", "letters"),
    [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (701, "ZZ"), (702, "AAA")],
)
def test_columns_have_the_letters_of_a_spreadsheet(position: int, letters: str) -> None:
    assert column_letters(position) == letters


# --- For any file -------------------------------------------------------------------------------

TEXTS = st.text(max_size=60) | st.text("abc019,;\t\r\n\"'= .\ufeff\0\ud800", max_size=60).map(
    HEADER.__add__
)


@given(text=TEXTS)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        table = read_campaigns_csv(text)
    except CsvFaults as refused:
        assert refused.faults and all(refused.faults)
    else:
        for campaign in table.campaigns:
            assert tuple(campaign) == COLUMNS and all(campaign.values())


NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffd"), min_size=1
).filter(str.strip)
LISTS = st.lists(st.from_regex(r"\+?[0-9]{7,17}", fullmatch=True), min_size=1, max_size=4)


@given(
    campaigns=st.lists(
        st.tuples(NAMES, LISTS, LISTS), max_size=5, unique_by=lambda row: row[0].casefold()
    ),
    delimiter=st.sampled_from(",;\t"),
    between=st.sampled_from([",", ";", " ", "\n"]),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_what_python_writes_is_read_back(
    campaigns: list[tuple[str, list[str], list[str]]],
    delimiter: str,
    between: str,
    ending: str,
    mark: str,
) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(
        [name, between.join(one), between.join(other)] for name, one, other in campaigns
    )
    try:
        table = read_campaigns_csv(mark + file.getvalue().replace("\n", ending))
    except CsvFaults as refused:
        # Names that differ only in ways that CloudAgent may not see.
        assert all(fault.startswith("Rows ") for fault in refused.faults)
        return
    assert [tuple(campaign.values()) for campaign in table.campaigns] == [
        (name.strip(), ",".join(one), ",".join(other)) for name, one, other in campaigns
    ]
