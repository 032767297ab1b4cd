# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""From the options of many campaigns to their result: check all, update each, put together."""

from __future__ import annotations

import os
import threading
import typing as t

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk_options import (
    BulkOptions,
    read_bulk_options,
    read_campaigns,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk_result import (
    FAILED,
    Outcome,
    bulk_result,
    bulk_warnings,
    empty_bulk_result,
    failed_bulk_result,
    interrupted_outcome,
    not_sent_outcome,
    outcome_of,
    why_stopped,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import (
    AUTHENTICATION_FAILED,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.client import HttpClient
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Clock
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.shared_pacing import (
    SharedPace,
    Stopped,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._masking import mask_secret
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import (
    Campaign,
    input_warnings,
    read_connection,
    read_record_options,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._progress import (
    ProgressTimes,
    progress_line,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._recorded_update import (
    Task,
    update_with_record,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._result import (
    Result,
    empty_result,
    input_result,
    mask_secret_in,
    unforeseen_result,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._run import (
    CLIENT,
    add_failure,
    end_with_result,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._workers import work_through

TICK_SECONDS = 1.0


def run_bulk(module: t.Any, client: HttpClient = CLIENT) -> None:
    """Update many campaigns as the module's options say, and end the module with the result.

    Args:
        module: as for one campaign, with ``progress`` besides.
        client: the HTTP helper.
    """
    result = empty_bulk_result()
    end_with_result(module, result, lambda: _update_all(result, module, client), failed_bulk_result)


def _update_all(result: Result, module: t.Any, client: HttpClient) -> None:
    connection = read_connection(module.params, os.environ)
    bulk = read_bulk_options(module.params)
    record = read_record_options(module.params, os.environ)
    campaigns = read_campaigns(module.params)
    result["endpoint"] = connection.endpoint

    stop = threading.Event()
    pace = SharedPace(client.clock, stop, bulk.seconds_apart, connection.timeout, client.uniform)
    task = Task(connection, record, client.at_pace(pace), module.check_mode, module._diff)
    found: list[Outcome | None] = [None] * len(campaigns)
    try:
        _work_through(found, campaigns, task, bulk, stop, module)
        unforeseen: Result = {}
    except Exception as error:  # noqa: BLE001  # What was applied is told, whatever went wrong.
        unforeseen = unforeseen_result(error)
    why = why_stopped([outcome for outcome in found if outcome], bulk.stop_on_failure)
    outcomes = [
        outcome or _masked(not_sent_outcome(campaign.name, why), connection.api_key)
        for campaign, outcome in zip(campaigns, found)
    ]
    result.update(bulk_result(outcomes, why, module.check_mode))
    if unforeseen:
        msg = f"{result['msg']} {unforeseen['msg']}"
        result.update({**unforeseen, "changed": result["changed"], "msg": msg}, failed=True)
    for warning in bulk_warnings(_warnings(outcomes)):
        module.warn(warning)
    if module._diff:
        result["diff"] = [outcome.diff for outcome in outcomes if outcome.diff]


def _work_through(
    found: list[Outcome | None],
    campaigns: list[Campaign],
    task: Task,
    bulk: BulkOptions,
    stop: threading.Event,
    module: t.Any,
) -> None:
    """Update the campaigns, and put what comes of each into its place; None for what is not sent."""

    def work(position: int) -> Outcome | None:
        if module.is_abandoned():
            stop.set()
            return None
        # For whatever ends this thread, or the main one, before more is known.
        found[position] = interrupted_outcome(campaigns[position].name)
        outcome = _update_one(campaigns[position], task)
        found[position] = outcome
        if outcome and _ends_the_task(outcome, bulk):
            # From the worker itself, so that it takes nothing up in between.
            stop.set()
        return outcome

    try:
        come = work_through(range(len(campaigns)), work, bulk.concurrency, stop, TICK_SECONDS)
        _watch(come, len(campaigns), task.client.clock, stop, module)
    finally:
        # Ansible's "timeout" and Ctrl-C may interrupt this anywhere.
        stop.set()


def _watch(
    come: t.Iterator[list[tuple[int, Outcome | None]]],
    total: int,
    clock: Clock,
    stop: threading.Event,
    module: t.Any,
) -> None:
    """Show how far the work has come, until it is done."""
    done = failed = 0
    times, begin = ProgressTimes(), clock.monotonic()
    try:
        for outcomes in come:
            done += sum(outcome is not None for _position, outcome in outcomes)
            failed += sum(outcome is not None and outcome.kind == FAILED for _, outcome in outcomes)
            elapsed = clock.monotonic() - begin
            if module.is_abandoned():
                stop.set()
            elif times.is_due(elapsed):
                module.progress(progress_line(total, done, failed, elapsed))
    except Exception:
        stop.set()
        # What is on its way comes to its end first.
        list(come)
        raise


def _ends_the_task(outcome: Outcome, bulk: BulkOptions) -> bool:
    """Tell whether no further campaign may be begun; a refused account may become locked."""
    if outcome.kind != FAILED:
        return False
    return bulk.stop_on_failure or outcome.reason == AUTHENTICATION_FAILED


def _update_one(campaign: Campaign, task: Task) -> Outcome | None:
    """Return what came of one campaign, or None when no request was wanted any more."""
    result = {
        **empty_result(campaign.name),
        **input_result(task.connection.endpoint, campaign),
    }
    warnings = input_warnings(task.connection, campaign)
    wanted = True

    def update() -> None:
        nonlocal wanted
        try:
            update_with_record(result, task, campaign, warnings.append)
        except Stopped:
            wanted = False

    add_failure(result, update)
    if not wanted:
        return None
    outcome = outcome_of(result, task.record.skip_unchanged, warnings)
    return _masked(outcome, task.connection.api_key)


def _masked(outcome: Outcome, api_key: str) -> Outcome:
    """Return the outcome with the key masked in its texts; the lists are Ansible's to mask."""
    return Outcome(
        outcome.kind,
        mask_secret_in(outcome.entry, api_key),
        [mask_secret(warning, api_key) for warning in outcome.warnings],
        mask_secret_in(outcome.diff, api_key) if outcome.diff else None,
    )


def _warnings(outcomes: list[Outcome]) -> t.Iterator[tuple[int, str, str]]:
    for position, outcome in enumerate(outcomes, start=1):
        for warning in outcome.warnings:
            yield position, outcome.entry["campaign_name"], warning
