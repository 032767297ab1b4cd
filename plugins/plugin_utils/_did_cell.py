# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""A cell of a spreadsheet that holds DIDs, and what the spreadsheet may have done to them."""

from __future__ import annotations

import re
import typing as t

from ..module_utils._did_lists import read_did_list
from ..module_utils._failure import InvalidInput

# Where every number has so many digits, nothing that is looked for below can be in the cell.
_PLAIN = re.compile(r"\+?[0-9]{7,17}(?:[,;\s]+\+?[0-9]{7,17})*")
_SEPARATORS = re.compile(r"[,;\s]+")
_SHOWN_CHARACTERS = 40


class _Damage(t.NamedTuple):
    """What a spreadsheet makes of a number, or a person in a spreadsheet, and what to do."""

    pattern: str
    advice: str


_AS_TEXT = "Format the column as text, enter the numbers again, and export the file again."
_SHORTENED = _Damage(
    r"[0-9]{1,20}(?:[.,][0-9]{1,20})?[eE][+-]?[0-9]{1,3}",
    f"a spreadsheet has shortened the number, and its last digits may be lost. {_AS_TEXT}",
)
_DECIMAL = _Damage(
    r"[0-9]{3,20}\.0{1,2}(?![0-9])|[0-9]{7,20},0{1,2}(?![0-9])",
    f"a spreadsheet has turned the number into a decimal number. {_AS_TEXT}",
)
_GROUPED = _Damage(
    r"(?<![0-9])[0-9]{1,3}(?:[,.][0-9]{2,3}){2,6}(?![0-9])",
    "this looks like one number whose digits a spreadsheet has grouped. Format the column as text, "
    "and enter the number without punctuation. If these are several numbers, put a space after each.",
)
_FORMULA = _Damage(
    r'="?[^"]*"?',
    "this is a formula, which some people use to keep a zero. Format the column as text, and enter "
    "only the number.",
)
_APOSTROPHE = _Damage(
    "['`\u2018\u2019][+0-9]+",
    "an apostrophe, which tells a spreadsheet to keep a number as text, has become part of the "
    "number. Remove it.",
)
_SPACED = _Damage(
    r"(?<![0-9])[0-9]{1,6}[^\S\r\n]+[0-9]{1,20}|[0-9]{1,20}[^\S\r\n]+[0-9]{1,6}(?![0-9])",
    "this may be one number with spaces in it, or several. Remove spaces within a number, and "
    "separate short numbers with semicolons.",
)
_DAMAGES = [
    (re.compile(damage.pattern), damage.advice)
    for damage in (_SHORTENED, _DECIMAL, _GROUPED, _FORMULA, _APOSTROPHE, _SPACED)
]


def read_did_cell(place: str, cell: str) -> str:
    """Return the DIDs of a cell as one text with commas, in their order.

    In the cell, commas, semicolons, spaces or line breaks separate them.

    Args:
        place: row and column; it begins every message.
        cell: the text of the cell.

    Raises:
        InvalidInput: the cell is empty, or what it holds is no list of DIDs.
    """
    numbers = ",".join(filter(None, _SEPARATORS.split(cell)))
    if _PLAIN.fullmatch(cell.strip()):
        return numbers
    if not numbers:
        raise InvalidInput(f"{place}, is empty. Give at least one DID.")
    for pattern, advice in _DAMAGES:
        found = pattern.search(cell)
        if found:
            raise InvalidInput(f"{place}, has {_format_text(found.group())}: {advice}")
    read_did_list(place, numbers)
    return numbers


def _format_text(text: str) -> str:
    return ascii(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}...")
