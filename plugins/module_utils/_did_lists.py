# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Reading a list of DIDs from a task: every rule, each error with its position and value."""

from __future__ import annotations

import re
import typing as t

from ._failure import InvalidInput
from ._masking.secret import mask_secret
from ._warned import Warned

# Kinds of warnings.
INVISIBLE_CHARACTERS = "invisible_characters"
REPEATED_DIDS = "repeated_dids"
DIDS_IN_BOTH_LISTS = "dids_in_both_lists"

_DID = re.compile(r"\+?[0-9]{3,17}", re.ASCII)
_PLAIN_DIDS = re.compile(r"\+?[0-9]{3,17}(?:,\+?[0-9]{3,17})*", re.ASCII)
_SPREADSHEET_NUMBER = re.compile(r"[0-9]+([.,][0-9]+)?[eE][+]?[0-9]+|[0-9]+\.0+", re.ASCII)
# A decimal comma, as some spreadsheets write 9,14E+09, stands between no two numbers.
_SEPARATOR = re.compile(r"(?<=[0-9][0-9]),|,(?!\s*[0-9]+[eE]\+?[0-9])", re.ASCII)
# Zero-width characters and direction marks, which come along with text from documents.
_INVISIBLE_MARKS = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_OMIT_PLACEHOLDER = "__omit_place_holder__"
_SHOWN_CHARACTERS = 40
_QUOTE = 'Quote the numbers in YAML, such as "9140001001".'


class DidList(t.NamedTuple):
    """One list of DIDs as it will be sent.

    Attributes:
        numbers: strings in the user's order.
        held_integers: at least one number was given without quotes.
        notices: what the user should know about what was changed.
    """

    numbers: list[str]
    held_integers: bool
    notices: list[Warned]


def read_did_list(name: str, value: object, secret: str = "") -> DidList:
    """Return the DIDs that an option holds.

    Args:
        name: the option, such as ``dynamic_dids``; it begins every message.
        value: a list of strings and integers, one string with commas, or one integer.
        secret: the API key, which is masked where a value is shown.

    Raises:
        InvalidInput: the value or one of its items is no DID; with the position, from 1.
    """
    items = _split_items(name, value)
    if _are_plain(items):
        return DidList(t.cast("list[str]", items), held_integers=False, notices=[])
    numbers: list[str] = []
    marked: list[int] = []
    held_integers = False
    for position, item in enumerate(items, start=1):
        number, had_marks = _read_item(f"{name}, item {position}", item, secret)
        numbers.append(number)
        held_integers = held_integers or isinstance(item, int)
        if had_marks:
            marked.append(position)
    notices: list[Warned] = []
    if marked:
        notices.append(
            Warned(
                INVISIBLE_CHARACTERS,
                f"{name}: invisible characters were removed from {_items(marked)}. They often come "
                "along when text is pasted from documents and web pages.",
            )
        )
    return DidList(numbers, held_integers, notices)


def repeated_did_warnings(dynamic: list[str], fallback: list[str]) -> list[Warned]:
    """Return a warning for each list that holds a number twice, and one for numbers in both.

    The lists are sent as they are, since the vendor does not say that a repetition is wrong.
    """
    warnings: list[Warned] = []
    if len({*dynamic, *fallback}) == len(dynamic) + len(fallback):
        return warnings
    for name, numbers in (("dynamic_dids", dynamic), ("fallback_dynamic_dids", fallback)):
        repeated = {
            number: places for number, places in _places(numbers).items() if len(places) > 1
        }
        if repeated:
            text = f"{name} repeats {_format_repeats(repeated)}. The list is sent as it is."
            warnings.append(Warned(REPEATED_DIDS, text))
    in_dynamic, in_fallback = _places(dynamic), _places(fallback)
    in_both = [number for number in in_dynamic if number in in_fallback]
    if in_both:
        shown = [
            f"{number} (dynamic_dids {_items(in_dynamic[number])}, "
            f"fallback_dynamic_dids {_items(in_fallback[number])})"
            for number in in_both[:5]
        ]
        text = (
            f"In both lists: {_joined(shown, len(in_both))}. A fallback number of the same trunk "
            "does not help when that trunk is down. The lists are sent as given."
        )
        warnings.append(Warned(DIDS_IN_BOTH_LISTS, text))
    return warnings


def _split_items(name: str, value: object) -> list[object]:
    if isinstance(value, str):
        if not _without_marks(value).strip():
            raise InvalidInput(f"{name} is empty. Give at least one DID.")
        items: list[object] = list(_SEPARATOR.split(value))
        return (
            items[:-1] if len(items) > 1 and not _without_marks(str(items[-1])).strip() else items
        )
    if isinstance(value, (list, tuple)):
        if not value:
            raise InvalidInput(f"{name} is an empty list. Give at least one DID.")
        return list(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return [value]
    raise InvalidInput(
        f"{name} is {_type_name(value)}, where a list of DIDs or one string with commas is needed. "
        + _QUOTE
    )


def _are_plain(items: list[object]) -> bool:
    """Tell at once of the common case that there is nothing to convert, of 500,000 numbers."""
    if set(map(type, items)) != {str}:
        return False
    joined = ",".join(t.cast("list[str]", items))
    return joined.count(",") == len(items) - 1 and _PLAIN_DIDS.fullmatch(joined) is not None


def _read_item(place: str, item: object, secret: str) -> tuple[str, bool]:
    if isinstance(item, str):
        return _read_text(place, item, secret)
    if isinstance(item, bool) or not isinstance(item, int):
        raise InvalidInput(f"{place}, is {_type_name(item)}, which is not a DID. {_QUOTE}")
    number = format(item, "d") if abs(item) < 10**40 else "a very large integer"
    if item < 0:
        raise InvalidInput(f"{place}, is {number}: a negative number is not a DID. {_QUOTE}")
    if not _DID.fullmatch(number):
        raise InvalidInput(
            f"{place}, is {number}: a DID has 3 to 17 digits. YAML reads an unquoted number its "
            f"own way, 04440123456 as 612411182. {_QUOTE}"
        )
    return number, False


def _read_text(place: str, item: str, secret: str) -> tuple[str, bool]:
    _refuse_placeholder(place, item)
    visible = _without_marks(item)
    number = visible.strip()
    if _DID.fullmatch(number):
        return number, visible != item
    raise InvalidInput(f"{place}, is {_format_text(item, secret)}: {_what_is_wrong(number)}")


def _what_is_wrong(number: str) -> str:
    if not number:
        return "it is empty. Look for an extra comma."
    if _SPREADSHEET_NUMBER.fullmatch(number):
        return (
            "a spreadsheet has turned the number into this form, and its last digits may be "
            "lost. Format the column as text and export it again."
        )
    if "," in number:
        return "a list item holds one DID, and this one has a comma in it. Split it into items."
    if re.fullmatch(r"\+?[0-9]+", number, re.ASCII):
        return "a DID has 3 to 17 digits."
    if re.search(r"[0-9]{7}[^0-9]+[0-9]{7}", number, re.ASCII):
        return "these look like several DIDs. Separate them with commas, or give a list."
    return (
        "a DID has only the digits 0 to 9, with at most a + before them. "
        "Remove everything else, including spaces and punctuation."
    )


def _refuse_placeholder(place: str, text: str) -> None:
    if text.strip().startswith(_OMIT_PLACEHOLDER):
        raise InvalidInput(
            f"{place}, is an unresolved omit: Ansible resolves omit only for whole options. "
            "Leave the item out in another way, for example with the select filter."
        )


def _without_marks(text: str) -> str:
    return _INVISIBLE_MARKS.sub("", text)


def _places(numbers: list[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for position, number in enumerate(numbers, start=1):
        places.setdefault(number, []).append(position)
    return places


def _format_repeats(repeated: dict[str, list[int]]) -> str:
    shown = [f"{number} ({_items(places)})" for number, places in list(repeated.items())[:5]]
    return _joined(shown, len(repeated))


def _joined(shown: list[str], total: int) -> str:
    more = f" and {total - len(shown)} more" if total > len(shown) else ""
    return ", ".join(shown) + more


def _items(positions: list[int]) -> str:
    word = "item" if len(positions) == 1 else "items"
    return f"{word} {_joined([str(position) for position in positions[:10]], len(positions))}"


def _type_name(value: object) -> str:
    if value is None:
        return "null (nothing was given)"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, float):
        return f"the decimal number {value!r}"
    if isinstance(value, dict):
        return "a dictionary"
    if isinstance(value, (list, tuple)):
        return "a list within the list"
    return "of a type that holds no number"


def _format_text(text: str, secret: str) -> str:
    # Masked before it is cut or escaped, as Ansible's own masking finds only the whole key:
    # remove_values in ansible/module_utils/common/parameters.py.
    masked = mask_secret(text, secret)
    cut = masked if len(masked) <= _SHOWN_CHARACTERS else masked[:_SHOWN_CHARACTERS] + "..."
    return ascii(str(cut))
