# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""One campaign from its checked lists to its result: record, request, answer, record."""

from __future__ import annotations

import typing as t

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import UpdateFailure
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.client import (
    Exchange,
    HttpClient,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Deadline
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._open_record import (
    OpenRecord,
    RecordedUpdate,
    Warn,
    open_record,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import (
    Campaign,
    Connection,
    RecordOptions,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record import SAME
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._result import (
    Result,
    campaign_diff,
    confirmed_result,
    predicted_result,
    skipped_result,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._update import update_campaign


class Task(t.NamedTuple):
    """What the updates of one task have in common."""

    connection: Connection
    record: RecordOptions
    client: HttpClient
    check_mode: bool
    diff: bool


def update_with_record(result: Result, task: Task, campaign: Campaign, warn: Warn) -> None:
    """Put all that comes of the update into the result, each part as soon as it is known.

    Raises:
        UpdateFailure: the update was not confirmed.
        Stopped: no request is wanted any more, and none was sent.
    """
    connection, clock = task.connection, task.client.clock
    deadline = Deadline(clock, connection.timeout)
    update = RecordedUpdate(connection, campaign, deadline, clock, task.check_mode)
    with open_record(task.record, update, warn) as record:
        result["changed_basis"] = record.basis
        if task.check_mode:
            result.update(predicted_result(campaign, record.basis))
        elif task.record.skip_unchanged and record.basis == SAME:
            result.update(skipped_result(campaign))
        else:
            exchange = _send(record, task, campaign, deadline)
            result.update(confirmed_result(campaign, exchange, record.basis))
    if task.diff:
        result["diff"] = campaign_diff(connection.endpoint, campaign, record.basis, record.last)


def _send(record: OpenRecord, task: Task, campaign: Campaign, deadline: Deadline) -> Exchange:
    """Send the update; from before it until its confirmation, no run can trust the record."""
    task.client.pace.wait_for_turn(deadline)
    record.withdraw()
    try:
        exchange = update_campaign(
            task.client, task.connection, campaign, deadline, record.may_retry
        )
    except UpdateFailure as failure:
        record.settle(failure.leaves_lists_alone)
        raise
    except BaseException as error:
        # Ctrl-C and Ansible's "timeout" are to end the task at once.
        record.settle(leaves_lists_alone=False, may_wait=isinstance(error, Exception))
        raise
    record.confirm()
    return exchange
