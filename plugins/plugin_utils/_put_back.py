# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The playbook put_back: from its variables and the records to the lists that are sent."""

from __future__ import annotations

import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils._failure import InvalidInput
from ..module_utils._record_modules.earlier import CURRENT
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

_EXAMPLE = "-e cloudagent_before=2027-01-15T08:00:00Z"


def plan_put_back(recorded: Shown, campaign: object, everything: object, before: object) -> Plan:
    """Return what is put back.

    Args:
        recorded: what the info module returned for ``as_update`` and the same ``before``.
        campaign: the variable ``cloudagent_campaign``, a name or a list of names, or None.
        everything: the variable ``cloudagent_all``.
        before: the variable ``cloudagent_before``, or None.
    """
    try:
        names = _read_names(campaign, everything)
        has_time = before not in (None, CURRENT)
        _require_time(names, has_time)
        require_records(recorded["account"])
        return _plan(recorded, names, f"before {before}" if has_time else None)
    except InvalidInput as error:
        return refusal(error.message)


def _read_names(campaign: object, everything: object) -> list[str] | None:
    """Return the campaigns that are asked for; None stands for all."""
    try:
        is_all = boolean(everything)
    except TypeError:
        raise InvalidInput("cloudagent_all has to be true or false.") from None
    if is_all and campaign is not None:
        raise InvalidInput(
            "cloudagent_campaign and cloudagent_all are given together. Leave one of them out."
        )
    if is_all:
        return None
    if campaign is None:
        raise InvalidInput(
            "Name the campaign with -e cloudagent_campaign=NAME. To put all campaigns of the account "
            f"back, give -e cloudagent_all=true and a time, such as {_EXAMPLE}."
        )
    names = [campaign] if isinstance(campaign, str) else campaign
    if not isinstance(names, list) or not names:
        raise InvalidInput(
            "cloudagent_campaign has to be the name of a campaign or a list of names."
        )
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise InvalidInput(
                "cloudagent_campaign has a name that is empty or not a text. Quote names that look "
                "like numbers."
            )
    return list(dict.fromkeys(names))


def _require_time(names: list[str] | None, has_time: bool) -> None:
    if not has_time and (names is None or len(names) > 1):
        raise InvalidInput(
            "To put several campaigns back, give the time before which their lists were confirmed, "
            f"such as {_EXAMPLE}."
        )


def _plan(recorded: Shown, names: list[str] | None, when: str | None) -> Plan:
    campaigns = recorded["campaigns"]
    chosen = [one for one in campaigns if names is None or one["campaign_name"] in names]
    found = [one for one in chosen if one["earlier"]]
    reasons = [
        *_without_pair([one["campaign_name"] for one in chosen if not one["earlier"]], when),
        *_without_record(recorded["account"], chosen, names or []),
    ]
    if not found:
        raise InvalidInput(f"Nothing can be put back, because {', and '.join(reasons)}.")
    lines = [
        f"To put {format_count(len(found))} back:",
        *format_campaigns([(one["campaign_name"], _format(one["earlier"])) for one in found]),
        *(f"Left alone, because {reason}." for reason in reasons),
    ]
    if when is None:
        lines.append(_format_repetition(found[0]["earlier"]["before"]))
    return plan((_entry(one) for one in found), lines)


def _without_pair(names: list[str], when: str | None) -> list[str]:
    """Return why campaigns are left alone; completes a sentence."""
    which = f"confirmed {when}" if when else "before the current one"
    return [f"the record has no pair of lists {which}: {', '.join(names)}"] if names else []


def _without_record(account: Shown, chosen: t.Sequence[Shown], names: list[str]) -> list[str]:
    recorded = {one["campaign_name"] for one in chosen}
    missing = [name for name in names if name not in recorded]
    if not missing:
        return []
    where = f"{account['username']} at {account['endpoint']} in {account['records']}"
    return [
        f"no record of {where} has exactly this name (upper and lower case matter): "
        + ", ".join(missing)
    ]


def _entry(campaign: Shown) -> Shown:
    earlier = campaign["earlier"]
    return entry(
        campaign["campaign_name"], earlier["dynamic_dids"], earlier["fallback_dynamic_dids"]
    )


def _format(earlier: Shown) -> str:
    dynamic = format_numbers(earlier["dynamic_dids"])
    fallback = format_numbers(earlier["fallback_dynamic_dids"])
    note = f" ({earlier['note']})" if earlier["note"] else ""
    return (
        f"{dynamic}; fallback {fallback}; confirmed at {earlier['applied_at']} by "
        f"{earlier['applied_by']}{note}"
    )


def _format_repetition(before: str | None) -> str:
    if before is None:
        return (
            "No cloudagent_before chooses this pair again, because the pair after it was confirmed in "
            "the same second."
        )
    return f"To repeat this, add -e cloudagent_before={before}"
