# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""From the options of many campaigns to their result: check all, update each, put together."""

from __future__ import annotations

import os
import typing as t

from .._ending import end_with_result, failure_in
from .._http.client import HttpClient
from .._masking.secret import mask_secret
from .._options import Campaign, input_warnings, read_api_settings, read_record_options
from .._result import (
    Result,
    campaign_diff,
    empty_result,
    failed_result,
    input_result,
    mask_secret_in,
    unexpected_result,
)
from .._run import CLIENT, require_requests, settings_of
from .._update import Settings
from .._warned import Warned
from .options import read_bulk_options, read_campaigns
from .pacing import SharedPace
from .progress import ProgressTimes, progress_line
from .result import (
    FAILED,
    CampaignResult,
    bulk_result,
    bulk_warnings,
    campaign_done,
    campaign_failed,
    campaign_not_sent,
    empty_bulk_result,
    failed_bulk_result,
    why_stopped,
)
from .stop import Stop
from .updates import BulkUpdate, BulkUpdates


def run_bulk(module: t.Any, client: HttpClient = CLIENT) -> None:
    """Update many campaigns as the module's options say, and end the module with the result.

    Args:
        module: as for one campaign, and with ``progress``.
        client: the HTTP helper.
    """
    require_requests(module)
    result = empty_bulk_result()
    with failure_in(result, failed_bulk_result):
        _update_all(result, module, client)
    end_with_result(module, result)


def _update_all(result: Result, module: t.Any, client: HttpClient) -> None:
    api = read_api_settings(module.params, os.environ)
    options = read_bulk_options(module.params)
    record = read_record_options(module.params, os.environ)
    campaigns = read_campaigns(module.params)
    result["endpoint"] = api.endpoint

    stop = Stop()
    pace = SharedPace(client.clock, stop, options.seconds_apart, api.timeout, client.uniform)
    settings = settings_of(module, api, record, client.at_pace(pace))
    updates = BulkUpdates(campaigns, settings, options, stop, module.is_abandoned)
    campaign_results = _CampaignResults(campaigns, settings, module.progress)
    try:
        updates.run(campaign_results.add, campaign_results.show_progress)
        unexpected: Result = {}
    except Exception as error:  # noqa: BLE001  # What was applied is told, whatever went wrong.
        unexpected = unexpected_result(error)
    why = why_stopped(stop.reason)
    found = campaign_results.all(why)
    result.update(bulk_result(found, why, module.check_mode, settings.keeper.place))
    if unexpected:
        msg = f"{result['msg']} {unexpected['msg']}"
        result.update({**unexpected, "changed": result["changed"], "msg": msg}, failed=True)
    for warning in bulk_warnings(_warnings(found)):
        module.warn(warning)
    if module._diff:
        result["diff"] = [campaign_result.diff for campaign_result in found if campaign_result.diff]


class _CampaignResults:
    """The results of the campaigns so far, and the lines that show the progress."""

    def __init__(
        self,
        campaigns: list[Campaign],
        settings: Settings,
        progress: t.Callable[[str], None],
    ) -> None:
        self._campaigns = campaigns
        self._settings = settings
        self._progress = progress
        self._found: list[CampaignResult | None] = [None] * len(campaigns)
        self._done = self._failed = 0
        self._times = ProgressTimes()
        self._begin = settings.client.clock.monotonic()

    def add(self, updates: t.Sequence[BulkUpdate]) -> None:
        """Take note of what is over; what no worker began is not sent."""
        for update in updates:
            if update.is_over:
                campaign_result = _campaign_result_of(update, self._settings)
                self._found[update.position] = campaign_result
                self._done += 1
                self._failed += campaign_result.kind == FAILED

    def show_progress(self) -> None:
        """Show a line when one is due."""
        elapsed = self._settings.client.clock.monotonic() - self._begin
        if self._times.is_due(elapsed):
            self._progress(progress_line(len(self._found), self._done, self._failed, elapsed))

    def all(self, why_not_sent: str) -> list[CampaignResult]:
        """Return the result of each campaign."""
        api_key = self._settings.api.api_key
        return [
            campaign_result or _masked(campaign_not_sent(campaign.name, why_not_sent), api_key)
            for campaign, campaign_result in zip(self._campaigns, self._found)
        ]


def _campaign_result_of(update: BulkUpdate, settings: Settings) -> CampaignResult:
    """Return what is kept of an update that is over."""
    campaign, api, record = update.campaign, settings.api, update.update
    warnings = [*input_warnings(api, campaign), *record.warnings]
    told = _failure_of(update)
    if told:
        result = {**empty_result(campaign.name), **input_result(api.endpoint, campaign)}
        result.update(told, changed_basis=record.basis)
        return _masked(campaign_failed(result, warnings), api.api_key)
    diff = None
    if settings.diff:
        diff = campaign_diff(api.endpoint, campaign, record.basis, record.last)
    attempts = len(update.exchange.attempts) if update.exchange else 0
    campaign_result = campaign_done(
        campaign.name, record.basis, attempts, settings.skip_unchanged, warnings, diff
    )
    return _masked(campaign_result, api.api_key)


def _failure_of(update: BulkUpdate) -> Result:
    """Return the part of a result that a failure adds; an empty one if there is none."""
    if update.error is not None:
        return {**unexpected_result(update.error), "failed": True, "sent": update.has_its_turn}
    if update.failure is not None:
        return {**failed_result(update.failure), "failed": True}
    return {}


def _masked(campaign_result: CampaignResult, api_key: str) -> CampaignResult:
    """Return the campaign_result with the key masked in its texts; the lists are Ansible's to mask."""
    return CampaignResult(
        campaign_result.kind,
        mask_secret_in(campaign_result.entry, api_key),
        [Warned(kind, mask_secret(text, api_key)) for kind, text in campaign_result.warnings],
        mask_secret_in(campaign_result.diff, api_key) if campaign_result.diff else None,
    )


def _warnings(campaign_results: list[CampaignResult]) -> t.Iterator[tuple[int, str, Warned]]:
    for position, campaign_result in enumerate(campaign_results, start=1):
        for warned in campaign_result.warnings:
            yield position, campaign_result.entry["campaign_name"], warned
