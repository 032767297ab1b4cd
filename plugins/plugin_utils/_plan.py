# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What the playbooks put_back and take_out are going to do, or why they do nothing."""

from __future__ import annotations

import typing as t

from ..module_utils._failure import InvalidInput

Plan = t.Dict[str, t.Any]
Shown = t.Mapping[str, t.Any]

_MOST_IN_FULL = 20
_MOST_NUMBERS = 10


def plan(campaigns: t.Iterable[Shown], lines: t.Iterable[str]) -> Plan:
    """Return a plan.

    Args:
        campaigns: entries for the bulk module; each list is one text, which Ansible handles faster.
        lines: what the user is shown before anything is sent.
    """
    return {"refusal": "", "campaigns": list(campaigns), "lines": list(lines)}


def refusal(reason: str) -> Plan:
    """Return a plan that sends nothing."""
    return {"refusal": reason, "campaigns": [], "lines": []}


def entry(campaign_name: str, dynamic: t.Iterable[str], fallback: t.Iterable[str]) -> Shown:
    """Return an entry for the bulk module."""
    return {
        "campaign_name": campaign_name,
        "dynamic_dids": ",".join(dynamic),
        "fallback_dynamic_dids": ",".join(fallback),
    }


def require_records(account: Shown) -> None:
    """Check that anything is known of an account.

    Args:
        account: what the info module returns of it.

    Raises:
        InvalidInput: it has no record.
    """
    if account["campaigns"]:
        return
    place = format_place(account["records"])
    raise InvalidInput(
        f"There is no record of the account {account['username']} at {account['endpoint']} {place}, "
        "so its confirmed lists are not known. Use the account, the region or api_url, and the place "
        "of the records that the updates used."
    )


def format_place(records: str | None) -> str:
    """Return where the records are; completes a sentence.

    Args:
        records: the place as the info module returns it, or None without a home directory.
    """
    return f"in {records}" if records else "(there is no home directory)"


def format_campaigns(sentences: t.Sequence[tuple[str, str]]) -> list[str]:
    """Return a line for each campaign, and the names of those that are too many.

    Args:
        sentences: a campaign's name, and what is said of it.
    """
    lines = [f"{name}: {said}" for name, said in sentences[:_MOST_IN_FULL]]
    rest = [name for name, _said in sentences[_MOST_IN_FULL:]]
    return [*lines, f"And {len(rest):,} more: {', '.join(rest)}"] if rest else lines


def format_numbers(numbers: t.Sequence[str]) -> str:
    """Return the numbers of a list, the first ones if they are many."""
    shown = ", ".join(numbers[:_MOST_NUMBERS])
    rest = len(numbers) - _MOST_NUMBERS
    return f"{shown} and {rest:,} more" if rest > 0 else shown


def format_count(count: int, what: str = "campaign") -> str:
    """Return so many of them in words; ``what`` is the word for one."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
