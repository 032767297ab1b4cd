# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What the last-applied records tell: from a module's options to the campaigns that it shows."""

from __future__ import annotations

import itertools
import os
import typing as t

from .._failure import InvalidInput, UpdateFailure
from .._masking.secret import mask_secret, masking
from .._options import Params, checked_timeout, choose_record_place
from .._record.marking import out_of_reach
from .._record.messages import NO_PLACE, record_left_out, records_unreadable
from .._record.opening import open_store, prepare_module
from .._record.record import Confirmation, Record, history_of
from .._record.store import Kept, Store, StoreUnavailable, UnreadableStore, Unusable
from .._warned import Warn
from .earlier import CURRENT, Before, Earlier, choose_earlier, read_time
from .filter import RecordFilter, lists_with, read_record_filter, read_update_filter

Shown = t.Dict[str, t.Any]


class Wanted(t.NamedTuple):
    """What the options ask for.

    Attributes:
        filter: which campaigns.
        as_update: it is the account and the endpoint of an update, about which something is told.
        history_limit: how many pairs to show of each at most.
        before: which pair to choose of each: the one before this time or before the current one.
    """

    filter: RecordFilter
    as_update: bool
    history_limit: int
    before: Before | None


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
        wanted = _read_wanted(module.params)
        place = choose_record_place(module.params, os.environ)
        prepare_module(module, place)
        # Files have no use for it, and it comes from the defaults of the action group.
        seconds = checked_timeout(module.params["timeout"]) if place.url else 0.0
        store = open_store(place, writes=False, seconds=seconds)
        result = _result(store, wanted, warn)
    except UpdateFailure as error:
        failure = error
    # Outside of any except, as AnsibleModule.fail_json in ansible/module_utils/basic.py may add the
    # traceback of the exception that is being handled.
    if failure is not None:
        message = mask_secret(failure.message, secret)
        module.fail_json(msg=message, changed=False, failure=failure.details)
    module.exit_json(changed=False, **result)


def _result(store: Store | None, wanted: Wanted, warn: Warn) -> Shown:
    """Return what is shown.

    Raises:
        UpdateFailure: the records are on another machine that can't be used.
    """
    account = _Account(wanted.filter, store)
    result: Shown = {"campaigns": [], "records": store.name if store else None}
    try:
        result["campaigns"] = sorted(_format_wanted(store, wanted, account, warn), key=names_of)
    except UnreadableStore as error:
        warn(records_unreadable(store.name if store else None, error.reason))
    except StoreUnavailable as fault:
        raise out_of_reach(store.name if store else "", fault) from None
    if wanted.as_update:
        result["account"] = account.format()
    return result


def _read_wanted(params: Params) -> Wanted:
    as_update = params["as_update"]
    return Wanted(
        filter=read_update_filter(params, os.environ) if as_update else read_record_filter(params),
        as_update=as_update,
        history_limit=read_history_limit(params),
        before=None if params["before"] is None else _read_before(params["before"]),
    )


def _read_before(text: str) -> Before:
    return CURRENT if text == CURRENT else read_time("before", text)


class _Account:
    """What is told of all records of an account, whichever of its campaigns are shown."""

    def __init__(self, wanted: RecordFilter, store: Store | None) -> None:
        self.filter = RecordFilter(wanted.endpoint, wanted.username)
        self._store = store
        self._campaigns = 0
        self._unconfirmed: list[str] = []

    def add(self, record: Record) -> None:
        """Count a record of the account."""
        self._campaigns += 1
        if not record.confirmed:
            self._unconfirmed.append(record.last.lists.campaign_name)

    def format(self) -> Shown:
        """Return it as a plain dictionary."""
        return {
            "username": self.filter.username,
            "endpoint": self.filter.endpoint,
            "records": self._store.name if self._store else None,
            "campaigns": self._campaigns,
            "unconfirmed": sorted(self._unconfirmed),
        }


def _format_wanted(
    store: Store | None, wanted: Wanted, account: _Account, warn: Warn
) -> t.Iterator[Shown]:
    searched = account.filter if wanted.as_update else wanted.filter
    for kept in wanted_records(store, searched, warn):
        account.add(kept.record)
        if wanted.filter.wants(kept.record):
            yield _format_chosen(kept, wanted)


def _format_chosen(kept: Kept, wanted: Wanted) -> Shown:
    if wanted.before is None:
        return format_campaign(kept, wanted.history_limit, wanted.filter.did)
    # Reading them is what takes time, so each is read only when it is needed.
    for_history, for_choosing = itertools.tee(kept.confirmations)
    shown = format_campaign(
        kept._replace(confirmations=for_history), wanted.history_limit, wanted.filter.did
    )
    earlier = choose_earlier(for_choosing, kept.record.confirmed, wanted.before)
    return {**shown, "earlier": earlier and _format_earlier(earlier)}


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


def _format_earlier(earlier: Earlier) -> Shown:
    return {**_format_confirmation(earlier.confirmation), "before": earlier.before}


def _format_confirmation(confirmation: Confirmation) -> Shown:
    return {
        "applied_at": confirmation.applied_at,
        "applied_by": confirmation.applied_by,
        "note": confirmation.note,
        "dynamic_dids": confirmation.lists.dynamic_dids,
        "fallback_dynamic_dids": confirmation.lists.fallback_dynamic_dids,
    }
