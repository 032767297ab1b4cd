# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The playbook take_out: from its variables and the records to the lists that are sent."""

from __future__ import annotations

import re
import typing as t

from ..module_utils._did_lists import read_did_list
from ..module_utils._failure import InvalidInput
from ._plan import (
    Plan,
    Shown,
    entry,
    format_campaigns,
    format_count,
    format_numbers,
    plan,
    refusal,
    require_records,
)

_LISTS = ("dynamic_dids", "fallback_dynamic_dids")


class _Change(t.NamedTuple):
    """A campaign, and its lists without the number.

    Attributes:
        name: the campaign's.
        changed: the options whose lists had the number.
        lists: both lists as they must become, by their options.
    """

    name: str
    changed: list[str]
    lists: dict[str, list[str]]


def plan_take_out(recorded: Shown, did: object, at_least: object, replacement: object) -> Plan:
    """Return what is sent to take a number out.

    Args:
        recorded: what the info module returned for ``as_update`` and the same ``did``.
        did: the variable ``cloudagent_did``, or None.
        at_least: the variable ``cloudagent_at_least``: how many numbers a changed list must have.
        replacement: the variable ``cloudagent_replacement``, the number in its place, or None.
    """
    try:
        if did is None:
            raise InvalidInput("Name the number to take out, such as -e cloudagent_did=9140001001.")
        number = _read_number("cloudagent_did", did)
        least = _read_at_least(at_least)
        other = None if replacement is None else _read_number("cloudagent_replacement", replacement)
        if other == number:
            raise InvalidInput("cloudagent_replacement is the number that is taken out.")
        require_records(recorded["account"])
        changes = [_change(one, number, other) for one in recorded["campaigns"]]
        _require_numbers(changes, number, least)
        lines = _lines(recorded, changes, number, other)
        return plan((entry(one.name, *one.lists.values()) for one in changes), lines)
    except InvalidInput as error:
        return refusal(error.message)


def without_number(numbers: t.Sequence[str], number: str, replacement: str | None) -> list[str]:
    """Return the numbers of a list without one, or with another one in its place.

    Each number stays where it is. The replacement is not added to a list that has it.
    """
    wanted = replacement is not None and replacement not in numbers
    kept: list[str] = []
    for one in numbers:
        if one != number:
            kept.append(one)
        elif wanted and replacement not in kept:
            kept.append(t.cast(str, replacement))
    return kept


def _read_number(name: str, value: object) -> str:
    numbers = read_did_list(name, value).numbers
    if len(numbers) > 1:
        raise InvalidInput(f"{name} takes one number.")
    return numbers[0]


def _read_at_least(value: object) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,8}", str(value), re.ASCII):
        raise InvalidInput("cloudagent_at_least has to be a whole number from 1.")
    return int(str(value))


def _change(campaign: Shown, number: str, replacement: str | None) -> _Change:
    lists = {name: without_number(campaign[name], number, replacement) for name in _LISTS}
    return _Change(campaign["campaign_name"], list(campaign["found_in"]), lists)


def _require_numbers(changes: t.Sequence[_Change], number: str, least: int) -> None:
    short = [
        f"{change.name} ({name})"
        for change in changes
        for name in change.changed
        if len(set(change.lists[name])) < least
    ]
    if not short:
        return
    left = "would be empty" if least == 1 else f"would have fewer than {least} numbers"
    lists = "this list" if len(short) == 1 else "these lists"
    raise InvalidInput(
        f"Nothing was sent, because without {number} {lists} {left}: {', '.join(short)}. Give another "
        "number with -e cloudagent_replacement=NUMBER, or update these campaigns first."
    )


def _lines(
    recorded: Shown, changes: t.Sequence[_Change], number: str, replacement: str | None
) -> list[str]:
    account = recorded["account"]
    names = {change.name for change in changes}
    uncertain = [name for name in account["unconfirmed"] if name in names]
    unknown = [name for name in account["unconfirmed"] if name not in names]
    lines = _changed_lines(account, changes, number, replacement)
    if uncertain:
        lines.append(
            "Not certain, because the last update was not confirmed: "
            f"{', '.join(uncertain)}. The lists that were confirmed last are sent without the number."
        )
    if unknown:
        lines.append(
            f"Left alone, although {number} may be in use, because the last update was not confirmed: "
            f"{', '.join(unknown)}."
        )
    lines.append("Campaigns that were never updated through this record are not seen.")
    return lines


def _changed_lines(
    account: Shown, changes: t.Sequence[_Change], number: str, replacement: str | None
) -> list[str]:
    if not changes:
        other = number[1:] if number.startswith("+") else f"+{number}"
        said = (
            f"No campaign of {account['username']} at {account['endpoint']} has {number} in the lists "
            f"that were confirmed last. Numbers are compared as text, so {other} is another number."
        )
        return [said]
    what = f"take {number} out of"
    if replacement is not None:
        what = f"replace {number} with {replacement} in"
    return [
        f"To {what} {format_count(len(changes))}:",
        *format_campaigns([(change.name, _format(change)) for change in changes]),
    ]


def _format(change: _Change) -> str:
    return "; ".join(
        f"{name} becomes {format_numbers(change.lists[name])}" for name in change.changed
    )
