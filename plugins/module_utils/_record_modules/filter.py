# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Which records somebody wants to see or to change: the same options in every module."""

from __future__ import annotations

import typing as t

from .._did_lists import read_did_list
from .._endpoint import choose_endpoint
from .._failure import InvalidInput
from .._options import Environment, Params, choose_username
from .._record.record import Record


class RecordFilter(t.NamedTuple):
    """Which campaigns are wanted; None stands for any.

    Attributes:
        endpoint: the normalised base URL.
        did: a number that one of the lists holds that were confirmed last.
    """

    endpoint: str | None = None
    username: str | None = None
    campaign_name: str | None = None
    did: str | None = None

    def wants(self, record: Record) -> bool:
        """Tell whether this record is wanted."""
        found = (record.endpoint, *record.last.lists.names)
        if any(wanted not in (None, there) for wanted, there in zip(self, found)):
            return False
        return self.did is None or bool(lists_with(self.did, record))


def lists_with(did: str, record: Record) -> list[str]:
    """Return the options whose lists hold the number, of those that were confirmed last."""
    names = ("dynamic_dids", "fallback_dynamic_dids")
    return [name for name in names if did in getattr(record.last.lists, name)]


def read_record_filter(params: Params) -> RecordFilter:
    """Return what the options themselves ask for; the environment is no filter.

    Raises:
        InvalidInput: they name an endpoint or a number that can't be.
    """
    region, api_url = params["region"], params["api_url"]
    any_endpoint = region is None and api_url is None
    return RecordFilter(
        endpoint=None if any_endpoint else choose_endpoint(region, api_url, {}),
        username=params["username"],
        campaign_name=params["campaign_name"],
        did=None if params["did"] is None else _read_did(params["did"], params["api_key"] or ""),
    )


def read_update_filter(params: Params, environment: Environment) -> RecordFilter:
    """Return the filter of the account and the endpoint that an update would use.

    Raises:
        InvalidInput: there is no account, or the endpoint or the number can't be.
    """
    return read_record_filter(params)._replace(
        endpoint=choose_endpoint(params["region"], params["api_url"], environment),
        username=choose_username(params, environment),
    )


def _read_did(value: object, secret: str) -> str:
    numbers = read_did_list("did", value, secret).numbers
    if len(numbers) > 1:
        raise InvalidInput("did takes one number. Give one, or leave it out.")
    return numbers[0]
