# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What the last-applied records tell: from a module's options to the campaigns that it shows."""

from __future__ import annotations

import os
import typing as t

from .._failure import InvalidInput, UpdateFailure
from .._masking.secret import mask_secret, masking
from .._options import Params, checked_timeout, choose_record_place
from .._record.marking import out_of_reach
from .._record.messages import NO_PLACE, record_left_out, records_unreadable
from .._record.opening import open_store, prepare_module
from .._record.record import Confirmation, history_of
from .._record.store import Kept, Store, StoreUnavailable, UnreadableStore, Unusable
from .._warned import Warn
from .filter import RecordFilter, lists_with, read_record_filter

Shown = t.Dict[str, t.Any]


def show_records(module: t.Any) -> None:
    """End the module with what its options ask for.

    Args:
        module: an AnsibleModule, or what has its ``params``, ``warn``, ``exit_json`` and
            ``fail_json``.
    """
    secret = module.params["api_key"] or ""
    warn = masking(module.warn, secret)
    failure = None
    try:
        wanted = read_record_filter(module.params)
        limit = read_history_limit(module.params)
        place = choose_record_place(module.params, os.environ)
        prepare_module(module, place)
        # Files have no use for it, and it comes from the defaults of the action group.
        seconds = checked_timeout(module.params["timeout"]) if place.url else 0.0
        store = open_store(place, writes=False, seconds=seconds)
        shown = _shown(store, wanted, limit, warn)
    except UpdateFailure as error:
        failure = error
    # Outside of any except, so that Ansible adds no traceback of the exception.
    if failure is not None:
        message = mask_secret(failure.message, secret)
        module.fail_json(msg=message, changed=False, failure=failure.details)
    module.exit_json(changed=False, campaigns=sorted(shown, key=names_of))


def _shown(store: Store | None, wanted: RecordFilter, limit: int, warn: Warn) -> list[Shown]:
    """Return what is shown.

    Raises:
        UpdateFailure: the records are on another machine that can't be used.
    """
    try:
        return [
            format_campaign(kept, limit, wanted.did) for kept in wanted_records(store, wanted, warn)
        ]
    except UnreadableStore as error:
        warn(records_unreadable(store.name if store else None, error.reason))
    except StoreUnavailable as fault:
        raise out_of_reach(store.name if store else "", fault) from None
    return []


def read_history_limit(params: Params) -> int:
    """Return how many pairs are shown of each campaign.

    Raises:
        InvalidInput: it can't be so many.
    """
    limit: int = params["history_limit"]
    if limit < 0:
        raise InvalidInput("history_limit must be 0 or greater.")
    return limit


def wanted_records(store: Store | None, wanted: RecordFilter, warn: Warn) -> t.Iterator[Kept]:
    """Yield the wanted records that can be used, with a warning for each that can't be.

    Raises:
        UnreadableStore: it is not known which records there are.
    """
    if store is None:
        raise UnreadableStore(NO_PLACE)
    for kept in store.find():
        if isinstance(kept, Unusable):
            warn(record_left_out(store.place_of(kept.key), kept.fault))
        elif wanted.wants(kept.record):
            yield kept


def format_campaign(kept: Kept, history_limit: int, did: str | None = None) -> Shown:
    """Return a record as a plain dictionary; with the lists that hold a number, if one is given."""
    record = kept.record
    username, campaign_name = record.last.lists.names
    shown = {
        "endpoint": record.endpoint,
        "username": username,
        "campaign_name": campaign_name,
        "confirmed": record.confirmed,
        **_format_confirmation(record.last),
        "history": [
            _format_confirmation(confirmation)
            for confirmation in history_of(kept.confirmations, history_limit)
        ],
    }
    return shown if did is None else {**shown, "found_in": lists_with(did, record)}


def names_of(campaign: Shown) -> tuple[str, str, str]:
    """Return what campaigns are sorted by."""
    return campaign["endpoint"], campaign["username"], campaign["campaign_name"]


def _format_confirmation(confirmation: Confirmation) -> Shown:
    return {
        "applied_at": confirmation.applied_at,
        "applied_by": confirmation.applied_by,
        "note": confirmation.note,
        "dynamic_dids": confirmation.lists.dynamic_dids,
        "fallback_dynamic_dids": confirmation.lists.fallback_dynamic_dids,
    }
