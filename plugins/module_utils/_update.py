# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""One campaign from its checked lists to its result: record, request, answer, record."""

from __future__ import annotations

import typing as t
from functools import partial

from ._failure import UpdateFailure
from ._http.attempt import Exchange
from ._http.client import HttpClient
from ._options import ApiSettings, Campaign
from ._record.keeping import CONFIRMED, LEFT_ALONE, UNKNOWN, Keeper, KeptUpdate
from ._record.record import SAME, Lists
from ._request import send_update
from ._result import Result, campaign_diff, confirmed_result, predicted_result, skipped_result
from ._warned import Warn


class Settings(t.NamedTuple):
    """What the updates of one task have in common."""

    api: ApiSettings
    keeper: Keeper
    skip_unchanged: bool
    client: HttpClient
    check_mode: bool
    diff: bool

    def begin(self, campaign: Campaign) -> KeptUpdate:
        """Return the update of a campaign for the record's side; its time begins to count."""
        lists = Lists(
            self.api.username,
            campaign.name,
            campaign.dynamic.numbers,
            campaign.fallback.numbers,
        )
        timeout = self.api.timeout
        return KeptUpdate(self.api.endpoint, lists, timeout, self.client.clock)


def update_campaign(result: Result, settings: Settings, campaign: Campaign, warn: Warn) -> None:
    """Put the update's result together, each part as soon as it is known.

    Raises:
        UpdateFailure: the update was not confirmed.
    """
    if settings.skip_unchanged and not settings.check_mode:
        update = settings.begin(campaign)
        settings.keeper.look([update])
        if update.basis == SAME:
            result.update(skipped(settings, campaign, update))
            return
    update = settings.begin(campaign)
    try:
        if settings.check_mode:
            settings.keeper.look([update])
            result.update(predicted(settings, campaign, update))
        else:
            settings.keeper.wait_and_take(update)
            result.update(changed_basis=update.basis, sent=True)
            result.update(_update(settings, campaign, update))
    finally:
        for warned in update.warnings:
            warn(warned)


def predicted(settings: Settings, campaign: Campaign, update: KeptUpdate) -> Result:
    """Return what check mode says of an update whose record was looked at.

    Raises:
        UpdateFailure: the update would fail.
    """
    if update.refusal is not None:
        raise update.refusal
    return {
        **predicted_result(campaign, update.basis, settings.keeper.place),
        **told(settings, campaign, update),
    }


def skipped(settings: Settings, campaign: Campaign, update: KeptUpdate) -> Result:
    """Return what is said of an update that is not needed."""
    return {**skipped_result(campaign, settings.keeper.place), **told(settings, campaign, update)}


def confirmed(
    settings: Settings, campaign: Campaign, update: KeptUpdate, exchange: Exchange
) -> Result:
    """Return what is said of an update that the server confirmed."""
    return {
        **confirmed_result(campaign, exchange, update.basis, settings.keeper.place),
        **told(settings, campaign, update),
    }


def told(settings: Settings, campaign: Campaign, update: KeptUpdate) -> Result:
    """Return what the record says of an update: what ``changed`` rests on, and the diff."""
    shown: Result = {"changed_basis": update.basis}
    if settings.diff:
        endpoint = settings.api.endpoint
        shown["diff"] = campaign_diff(endpoint, campaign, update.basis, update.last)
    return shown


def send(settings: Settings, campaign: Campaign, update: KeptUpdate) -> Exchange:
    """Send an update whose confirmation was withdrawn, and note the result.

    Raises:
        UpdateFailure: it was not confirmed.
    """
    keeper = settings.keeper
    if not keeper.may_send(update):
        raise keeper.too_late(update)
    update.came = UNKNOWN
    try:
        exchange = send_update(
            settings.client,
            settings.api,
            campaign,
            update.deadline,
            partial(keeper.may_retry, update),
        )
    except UpdateFailure as failure:
        if failure.leaves_lists_alone:
            update.came = LEFT_ALONE
        keeper.catch_up(update)
        raise
    except BaseException as error:
        # Ctrl-C and a task's "timeout" must end the task at once. The latter raises a
        # BaseException in the handler of SIGALRM: TaskTimeoutError, see
        # ansible/executor/task_executor.py.
        keeper.catch_up(update, may_wait=isinstance(error, Exception))
        raise
    update.came = CONFIRMED
    keeper.catch_up(update)
    return exchange


def _update(settings: Settings, campaign: Campaign, update: KeptUpdate) -> Result:
    """Send the update; from before it until its confirmation, no run can trust the record."""
    try:
        settings.keeper.withdraw([update])
        if update.refusal is not None:
            raise update.refusal
        exchange = send(settings, campaign, update)
    finally:
        settings.keeper.finish([update])
    return confirmed(settings, campaign, update, exchange)
