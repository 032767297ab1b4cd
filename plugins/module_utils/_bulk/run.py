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
from .._options import Campaign, input_warnings, read_connection, read_record_options
from .._result import (
    Result,
    campaign_diff,
    empty_result,
    failed_result,
    input_result,
    mask_secret_in,
    unforeseen_result,
)
from .._run import CLIENT, require_requests, settings_of
from .._update import Settings
from .._warned import Warned
from .options import read_bulk_options, read_campaigns
from .pacing import SharedPace
from .progress import ProgressTimes, progress_line
from .result import (
    FAILED,
    Outcome,
    bulk_result,
    bulk_warnings,
    empty_bulk_result,
    failed_bulk_result,
    failed_outcome,
    good_outcome,
    not_sent_outcome,
    why_stopped,
)
from .stop import Stop
from .updates import BulkUpdate, BulkUpdates


def run_bulk(module: t.Any, client: HttpClient = CLIENT) -> None:
    """Update many campaigns as the module's options say, and end the module with the result.

    Args:
        module: as for one campaign, with ``progress`` besides.
        client: the HTTP helper.
    """
    require_requests(module)
    result = empty_bulk_result()
    with failure_in(result, failed_bulk_result):
        _update_all(result, module, client)
    end_with_result(module, result)


def _update_all(result: Result, module: t.Any, client: HttpClient) -> None:
    connection = read_connection(module.params, os.environ)
    options = read_bulk_options(module.params)
    record = read_record_options(module.params, os.environ)
    campaigns = read_campaigns(module.params)
    result["endpoint"] = connection.endpoint

    stop = Stop()
    pace = SharedPace(client.clock, stop, options.seconds_apart, connection.timeout, client.uniform)
    settings = settings_of(module, connection, record, client.at_pace(pace))
    updates = BulkUpdates(campaigns, settings, options, stop, module.is_abandoned)
    outcomes = _Outcomes(campaigns, settings, module.progress)
    try:
        updates.run(outcomes.add, outcomes.show_progress)
        unforeseen: Result = {}
    except Exception as error:  # noqa: BLE001  # What was applied is told, whatever went wrong.
        unforeseen = unforeseen_result(error)
    why = why_stopped(stop.reason)
    found = outcomes.all(why)
    result.update(bulk_result(found, why, module.check_mode))
    if unforeseen:
        msg = f"{result['msg']} {unforeseen['msg']}"
        result.update({**unforeseen, "changed": result["changed"], "msg": msg}, failed=True)
    for warning in bulk_warnings(_warnings(found)):
        module.warn(warning)
    if module._diff:
        result["diff"] = [outcome.diff for outcome in found if outcome.diff]


class _Outcomes:
    """What came of the campaigns so far, and the lines that say how far that is."""

    def __init__(
        self,
        campaigns: list[Campaign],
        settings: Settings,
        progress: t.Callable[[str], None],
    ) -> None:
        self._campaigns = campaigns
        self._settings = settings
        self._progress = progress
        self._found: list[Outcome | None] = [None] * len(campaigns)
        self._done = self._failed = 0
        self._times = ProgressTimes()
        self._begin = settings.client.clock.monotonic()

    def add(self, updates: t.Sequence[BulkUpdate]) -> None:
        """Take note of what is over; what no worker began is not sent."""
        for update in updates:
            if update.is_over:
                outcome = _outcome_of(update, self._settings)
                self._found[update.position] = outcome
                self._done += 1
                self._failed += outcome.kind == FAILED

    def show_progress(self) -> None:
        """Show a line when one is due."""
        elapsed = self._settings.client.clock.monotonic() - self._begin
        if self._times.is_due(elapsed):
            self._progress(progress_line(len(self._found), self._done, self._failed, elapsed))

    def all(self, why_not_sent: str) -> list[Outcome]:
        """Return what came of each campaign."""
        api_key = self._settings.connection.api_key
        return [
            outcome or _masked(not_sent_outcome(campaign.name, why_not_sent), api_key)
            for campaign, outcome in zip(self._campaigns, self._found)
        ]


def _outcome_of(update: BulkUpdate, settings: Settings) -> Outcome:
    """Return what is kept of an update that is over."""
    campaign, connection, record = update.campaign, settings.connection, update.update
    warnings = [*input_warnings(connection, campaign), *record.warnings]
    told = _failure_of(update)
    if told:
        result = {**empty_result(campaign.name), **input_result(connection.endpoint, campaign)}
        result.update(told, changed_basis=record.basis)
        return _masked(failed_outcome(result, warnings), connection.api_key)
    diff = None
    if settings.diff:
        diff = campaign_diff(connection.endpoint, campaign, record.basis, record.last)
    attempts = len(update.exchange.attempts) if update.exchange else 0
    outcome = good_outcome(
        campaign.name, record.basis, attempts, settings.skip_unchanged, warnings, diff
    )
    return _masked(outcome, connection.api_key)


def _failure_of(update: BulkUpdate) -> Result:
    """Return the part of a result that a failure adds; an empty one if there is none."""
    if update.error is not None:
        return {**unforeseen_result(update.error), "failed": True}
    if update.failure is not None:
        return {**failed_result(update.failure), "failed": True}
    return {}


def _masked(outcome: Outcome, api_key: str) -> Outcome:
    """Return the outcome with the key masked in its texts; the lists are Ansible's to mask."""
    return Outcome(
        outcome.kind,
        mask_secret_in(outcome.entry, api_key),
        [Warned(kind, mask_secret(text, api_key)) for kind, text in outcome.warnings],
        mask_secret_in(outcome.diff, api_key) if outcome.diff else None,
    )


def _warnings(outcomes: list[Outcome]) -> t.Iterator[tuple[int, str, Warned]]:
    for position, outcome in enumerate(outcomes, start=1):
        for warned in outcome.warnings:
            yield position, outcome.entry["campaign_name"], warned
