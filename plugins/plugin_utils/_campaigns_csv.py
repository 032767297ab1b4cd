# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""From the text of a CSV file, as spreadsheets export it, to campaigns."""

from __future__ import annotations

import csv
import re
import typing as t
import unicodedata

from ..module_utils._failure import InvalidInput
from ..module_utils._options import campaign_argument_spec
from ..module_utils._record.record import folded_name
from ._csv_table import CsvFaults, Header, column_letters, find_header, format_cell, rows_of
from ._did_cell import read_did_cell

CampaignTexts = t.Dict[str, str]

NAME = "campaign_name"
COLUMNS = tuple(campaign_argument_spec())
_NOT_UTF_8 = (
    'The file is not UTF-8 text. In the spreadsheet, export it again as "CSV UTF-8" (in LibreOffice: '
    'as "Text CSV" with the character set UTF-8).'
)


class CampaignTable(t.NamedTuple):
    """What a CSV file holds.

    Attributes:
        campaigns: each with the keys of a campaign; its lists are texts with commas.
        ignored: the headers of the columns that are not used, fit for a message.
    """

    campaigns: list[CampaignTexts]
    ignored: list[str]


def read_campaigns_csv(text: str) -> CampaignTable:
    """Return the campaigns of a CSV file.

    Args:
        text: the whole file; commas, semicolons or tabs separate its cells.

    Raises:
        CsvFaults: the file cannot be used, with every fault that was found.
    """
    # What cannot be decoded arrives as lone surrogates or as U+FFFD; UTF-16 has null characters.
    if re.search("[\0\ufffd\ud800-\udfff]", text):
        raise CsvFaults(_NOT_UTF_8)
    text = text.removeprefix("\ufeff")
    header = find_header(text, COLUMNS)
    used = {at for places in header.places.values() for at in places}
    others = [cell.strip() for at, cell in enumerate(header.cells) if at not in used]
    return CampaignTable(
        campaigns=_read_rows(text, header),
        ignored=[format_cell(other) for other in others if other],
    )


def _read_rows(text: str, header: Header) -> list[CampaignTexts]:
    campaigns: list[CampaignTexts] = []
    faults: list[str] = []
    first_rows: dict[str, tuple[int, str]] = {}
    row = header.row
    try:
        for row, cells in rows_of(text, header.delimiter):
            if row == header.row:
                continue
            campaign, row_faults = _read_row(row, cells, header)
            campaigns.append(campaign)
            faults += row_faults
            earlier, name = first_rows.setdefault(
                folded_name(campaign[NAME]), (row, campaign[NAME])
            )
            if campaign[NAME] and earlier != row:
                faults.append(_repeated_name(earlier, name, row, campaign[NAME]))
    except csv.Error:
        faults.append(_unreadable_row(row))
    if faults:
        raise CsvFaults(*faults)
    return campaigns


def _read_row(row: int, cells: list[str], header: Header) -> tuple[CampaignTexts, list[str]]:
    """Return the campaign of a row, and the faults of the row."""
    campaign = dict.fromkeys(COLUMNS, "")
    beyond = _first_beyond(cells, header)
    if beyond is not None:
        return campaign, [_shifted_row(row, beyond)]
    faults = []
    for column in COLUMNS:
        [at] = header.places[column]
        place = f"Row {row}, column {column_letters(at)} ({column})"
        read = _read_name if column == NAME else read_did_cell
        try:
            campaign[column] = read(place, cells[at] if at < len(cells) else "")
        except InvalidInput as fault:
            faults.append(fault.message)
    return campaign, faults


def _first_beyond(cells: list[str], header: Header) -> int | None:
    """Return the first cell that no header is above, from 0, which shows that the row shifted."""
    if len(cells) > len(header.cells):
        return len(header.cells)
    headers = zip(cells, header.cells)
    beyond = (at for at, (cell, name) in enumerate(headers) if cell.strip() and not name.strip())
    return next(beyond, None)


def _read_name(place: str, cell: str) -> str:
    name = cell.strip()
    if not name:
        raise InvalidInput(f"{place}, is empty. Give the name of the campaign.")
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise InvalidInput(f"{place}, has a line break or another control character. Remove it.")
    return name


def _shifted_row(row: int, beyond: int) -> str:
    return (
        f"Row {row}, column {column_letters(beyond)}, has no header above it. If a cell of the row has "
        "several numbers in it, put the cell in quotation marks, or separate the numbers with spaces."
    )


def _repeated_name(earlier: int, earlier_name: str, row: int, name: str) -> str:
    if earlier_name == name:
        return (
            f"Rows {earlier} and {row} both name the campaign {format_cell(name)}. Keep one row, "
            "with all its numbers."
        )
    return (
        f"Rows {earlier} and {row} name {format_cell(earlier_name)} and {format_cell(name)}, which differ "
        "only in upper and lower case or spaces. CloudAgent may take them for one campaign. Keep one."
    )


def _unreadable_row(last: int) -> str:
    return (
        f"The row after row {last} cannot be read: a quotation mark is missing, or one too many, or a "
        f"cell has more than {csv.field_size_limit():,} characters. Within a cell in quotation marks, "
        'write a quotation mark twice ("").'
    )
