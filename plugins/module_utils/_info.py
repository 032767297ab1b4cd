# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What the last-applied records tell: from a module's options to the campaigns that it shows."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._endpoint import choose_endpoint
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import UpdateFailure
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._masking import (
    mask_secret,
    masking,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import (
    Params,
    choose_record_dir,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record import (
    Confirmation,
    Record,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record_messages import (
    record_left_out,
    records_unreadable,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record_store import (
    reason_of,
    stores_in,
)

Shown = t.Dict[str, t.Any]
Warn = t.Callable[[str], None]


class Filter(t.NamedTuple):
    """Which campaigns are wanted; None stands for any."""

    endpoint: str | None = None
    username: str | None = None
    campaign_name: str | None = None


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
        wanted = read_filter(module.params)
        directory = choose_record_dir(module.params["record_dir"], os.environ)
    except UpdateFailure as error:
        failure = error
    # Outside of any except, so that Ansible adds no traceback of the exception.
    if failure is not None:
        message = mask_secret(failure.message, secret)
        module.fail_json(msg=message, changed=False, failure=failure.details)
    module.exit_json(changed=False, campaigns=shown_campaigns(_read_all(directory, warn), wanted))


def read_filter(params: Params) -> Filter:
    """Return what the options themselves ask for; the environment is no filter.

    Raises:
        InvalidInput: they name an endpoint that can't be.
    """
    region, api_url = params["region"], params["api_url"]
    any_endpoint = region is None and api_url is None
    return Filter(
        endpoint=None if any_endpoint else choose_endpoint(region, api_url, {}),
        username=params["username"],
        campaign_name=params["campaign_name"],
    )


def shown_campaigns(records: t.Iterable[Record], wanted: Filter) -> list[Shown]:
    """Return the wanted ones of these records as plain dictionaries, sorted by their names."""
    shown = [_shown_campaign(record) for record in records if _is_wanted(record, wanted)]
    names = ("endpoint", "username", "campaign_name")
    return sorted(shown, key=lambda campaign: [campaign[name] for name in names])


def _is_wanted(record: Record, wanted: Filter) -> bool:
    found = Filter(record.endpoint, *record.last.lists.names)
    return all(value in (None, there) for value, there in zip(wanted, found))


def _shown_campaign(record: Record) -> Shown:
    username, campaign_name = record.last.lists.names
    return {
        "endpoint": record.endpoint,
        "username": username,
        "campaign_name": campaign_name,
        "confirmed": record.confirmed,
        **_shown_confirmation(record.last),
        "history": [_shown_confirmation(confirmation) for confirmation in _same_names(record)],
    }


def _shown_confirmation(confirmation: Confirmation) -> Shown:
    return {
        "applied_at": confirmation.applied_at,
        "dynamic_dids": confirmation.lists.dynamic_dids,
        "fallback_dynamic_dids": confirmation.lists.fallback_dynamic_dids,
    }


def _same_names(record: Record) -> list[Confirmation]:
    """Return the history under the newest spelling; the others may be another campaign's."""
    kept: list[Confirmation] = []
    for confirmation in record.history:
        if confirmation.lists.names != record.last.lists.names:
            continue
        if not kept or kept[-1].lists != confirmation.lists:
            kept.append(confirmation)
    return kept


def _read_all(directory: str | None, warn: Warn) -> t.Iterator[Record]:
    """Yield the records that can be used, with a warning for each of the others."""
    if directory is None:
        warn(records_unreadable(None, "there is no home directory"))
        return
    try:
        stores = stores_in(directory)
    except OSError as error:
        warn(records_unreadable(directory, reason_of(error)))
        return
    for store in stores:
        found = store.read()
        if found.fault is not None:
            warn(record_left_out(store.path, found.fault))
        elif found.record is not None:
            yield found.record
