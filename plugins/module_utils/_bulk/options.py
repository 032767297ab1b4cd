# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The options of many campaigns in one task: their argument spec, and reading them."""

from __future__ import annotations

import typing as t

from .._failure import InvalidInput
from .._options import (
    Campaign,
    Params,
    api_argument_spec,
    campaign_argument_spec,
    read_campaign,
    record_argument_spec,
)
from .._record.record import folded_name

MOST_WORKERS = 64
_SHOWN_CHARACTERS = 60


def bulk_argument_spec() -> dict[str, dict[str, t.Any]]:
    """Return all options of the module for many campaigns."""
    return {
        **api_argument_spec(),
        **record_argument_spec(),
        "campaigns": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": campaign_argument_spec(),
        },
        "concurrency": {"type": "int", "default": 8},
        "requests_per_minute": {"type": "int"},
        "stop_on_failure": {"type": "bool", "default": False},
    }


class BulkOptions(t.NamedTuple):
    """How the campaigns are worked through.

    Attributes:
        concurrency: how many are updated at the same time.
        seconds_apart: the least time between two requests, 0 for none.
        stop_on_failure: begin no further update after one that failed.
    """

    concurrency: int
    seconds_apart: float
    stop_on_failure: bool

    @property
    def most_in_hand(self) -> int:
        """Return how many may be locked at a time: on their way, and to be sent next."""
        return 2 * self.concurrency

    @property
    def most_waiting(self) -> int:
        """Return how many of them may wait to be sent: no more than go in a second."""
        if not self.seconds_apart:
            return self.most_in_hand
        return max(1, int(1 / self.seconds_apart))


def read_bulk_options(params: Params) -> BulkOptions:
    """Return the checked options of many campaigns.

    Raises:
        InvalidInput: an option can't be used.
    """
    concurrency, per_minute = params["concurrency"], params["requests_per_minute"]
    if not 1 <= concurrency <= MOST_WORKERS:
        raise InvalidInput(f"concurrency must be from 1 to {MOST_WORKERS}.")
    if per_minute is not None and per_minute < 1:
        raise InvalidInput("requests_per_minute has to be at least 1. Leave it out for no limit.")
    return BulkOptions(
        concurrency, 60 / per_minute if per_minute else 0.0, params["stop_on_failure"]
    )


def read_campaigns(params: Params) -> list[Campaign]:
    """Return the checked campaigns, in the order of the option.

    Raises:
        InvalidInput: an entry can't be used, or two are for one campaign; with the positions.
    """
    if not isinstance(params["campaigns"], list):
        raise InvalidInput("campaigns is null (nothing was given). Give a list of campaigns.")
    campaigns: list[Campaign] = []
    places: dict[str, int] = {}
    for position, entry in enumerate(params["campaigns"], start=1):
        campaign = _read_entry(position, entry, params["api_key"])
        earlier = places.setdefault(folded_name(campaign.name), position)
        if earlier != position:
            raise InvalidInput(
                _repeated(earlier, campaigns[earlier - 1].name, position, campaign.name)
            )
        campaigns.append(campaign)
    return campaigns


def name_entry(position: int, name: object) -> str:
    """Return the words for an entry, which begin every message about it."""
    if not isinstance(name, str) or not name.strip():
        return f"campaigns, item {position}"
    return f"campaigns, item {position} (campaign {_format_name(name)})"


def _read_entry(position: int, entry: dict[str, t.Any], api_key: str) -> Campaign:
    try:
        return read_campaign({**entry, "api_key": api_key})
    except InvalidInput as error:
        place = name_entry(position, entry["campaign_name"])
        raise InvalidInput(f"{place}: {error.message}") from None


def _repeated(earlier: int, earlier_name: str, position: int, name: str) -> str:
    if name == earlier_name:
        return (
            f"campaigns, items {earlier} and {position} both name the campaign {_format_name(name)}. Its "
            "lists are sent whole, so keep one entry, with all its numbers."
        )
    return (
        f"campaigns, items {earlier} and {position} name {_format_name(earlier_name)} and {_format_name(name)}, "
        "which differ in upper and lower case or spaces alone, and CloudAgent may take them for one "
        "campaign. Keep one of them, or update them in two tasks."
    )


def _format_name(name: str) -> str:
    cut = name if len(name) <= _SHOWN_CHARACTERS else f"{name[:_SHOWN_CHARACTERS]}..."
    return f'"{cut}"' if cut.isprintable() else ascii(cut)
