# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The rows of a CSV file, and its header: what separates the cells, and where the columns are."""

from __future__ import annotations

import csv
import io
import re
import string
import typing as t

from ._spelling import closest_names

_DELIMITERS = ",;\t"
# A row of commas is blank also when it is read with semicolons.
_TEXT = re.compile(r"[^\s,;]")
_SHOWN_CHARACTERS = 60
_MOST_SHOWN = 20


class CsvFaults(Exception):
    """A CSV file that cannot be used.

    Attributes:
        faults: a sentence or two for each fault, with row and column where there are any.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__(*faults)
        self.faults = list(faults)


class Header(t.NamedTuple):
    """The row that names the columns.

    Attributes:
        row: its number, from 1.
        cells: the headers as they are spelled.
        delimiter: what separates the cells of the file.
        places: the positions, from 0, of the columns that are needed.
    """

    row: int
    cells: list[str]
    delimiter: str
    places: dict[str, list[int]]


def rows_of(text: str, delimiter: str) -> t.Iterator[tuple[int, list[str]]]:
    """Yield the number, from 1, and the cells of each row that is not blank.

    Raises:
        csv.Error: the quotation marks of the next row make no sense.
    """
    # Not strict, an open quotation mark would make one cell of all that follows.
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    for row, cells in enumerate(reader, start=1):
        if any(map(_TEXT.search, cells)):
            yield row, cells


def find_header(text: str, columns: t.Sequence[str]) -> Header:
    """Return the header, which has each of the columns once.

    Raises:
        CsvFaults: there is no such header.
    """
    found = (_read_header(text, delimiter, columns) for delimiter in _DELIMITERS)
    headers = [header for header in found if header]
    if not headers:
        raise CsvFaults(f"The file has no row that names its columns. {_needed(columns)}")
    header = max(headers, key=lambda header: (len(header.places), len(header.cells)))
    missing = [column for column in columns if column not in header.places]
    if missing:
        raise CsvFaults(_missing_columns(header, missing, columns))
    repeated = [column for column in columns if len(header.places[column]) > 1]
    if repeated:
        raise CsvFaults(*(_repeated_column(header, column) for column in repeated))
    return header


def column_letters(position: int) -> str:
    """Return the letters that a spreadsheet shows above a column, given from 0."""
    letters = ""
    number = position + 1
    while number:
        number, letter = divmod(number - 1, len(string.ascii_uppercase))
        letters = string.ascii_uppercase[letter] + letters
    return letters


def format_cell(text: str) -> str:
    """Return the text in quotation marks, cut, and fit for a message."""
    cut = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
    return f'"{cut}"' if cut.isprintable() else ascii(cut)


def few_faults(faults: list[str]) -> list[str]:
    """Return the first ones of many, and how many more there are."""
    more = len(faults) - _MOST_SHOWN
    return [*faults[:_MOST_SHOWN], f"There are {more:,} more."] if more > 0 else faults


def _read_header(text: str, delimiter: str, columns: t.Sequence[str]) -> Header | None:
    try:
        first = next(rows_of(text, delimiter), None)
    except csv.Error:
        # With another delimiter, the quotation marks may make sense.
        return None
    if first is None:
        return None
    row, cells = first
    folded = {_fold(column): column for column in columns}
    places: dict[str, list[int]] = {}
    for at, cell in enumerate(cells):
        if _fold(cell) in folded:
            places.setdefault(folded[_fold(cell)], []).append(at)
    return Header(row, cells, delimiter, places)


def _fold(header: str) -> str:
    return re.sub(r"[\s_-]+", "", header).casefold()


def _needed(columns: t.Sequence[str]) -> str:
    return f"It needs the columns {', '.join(columns)}, separated by commas, semicolons or tabs."


def _missing_columns(header: Header, missing: list[str], columns: t.Sequence[str]) -> str:
    seen = [cell.strip() for cell in header.cells if cell.strip()]
    folded = {_fold(column): column for column in missing}
    sentences = [
        f"Row {header.row}, the header, lacks {', '.join(missing)}.",
        f"It has: {', '.join(map(format_cell, seen))}.",
    ]
    for cell in seen:
        meant = [folded[name] for name in closest_names(_fold(cell), folded)]
        sentences += [f"Did you mean {column} by {format_cell(cell)}?" for column in meant]
    return " ".join([*sentences, _needed(columns)])


def _repeated_column(header: Header, column: str) -> str:
    letters = " and ".join(map(column_letters, header.places[column]))
    return f"Columns {letters} are both named {column}. Rename one of them."
