# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""From the options of a module to its result; the one place where a failure becomes fail_json."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import UpdateFailure
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.client import (
    Exchange,
    HttpClient,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Deadline
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.session import (
    REQUESTS_IMPORT_ERROR,
    SessionCache,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.watchdog import Watchdog
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._open_record import (
    OpenRecord,
    RecordedUpdate,
    open_record,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import (
    Campaign,
    Connection,
    input_warnings,
    read_campaign,
    read_connection,
    read_record_options,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record import SAME
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._result import (
    Result,
    campaign_diff,
    confirmed_result,
    empty_result,
    failed_result,
    input_result,
    mask_secret_in,
    predicted_result,
    skipped_result,
    unforeseen_result,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._server_text import mask_secret
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._update import update_campaign

_CLIENT = HttpClient(SessionCache(), Watchdog())


def run(module: t.Any, client: HttpClient = _CLIENT) -> None:
    """Update one campaign as the module's options say, and end the module with the result.

    Args:
        module: an AnsibleModule, or what has its ``params``, ``check_mode``, ``_diff``, ``warn``,
            ``exit_json`` and ``fail_json``.
        client: the HTTP helper.
    """
    if REQUESTS_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    result = empty_result(module.params["campaign_name"])
    failure = _fill_result(result, module, client)
    shown = mask_secret_in(result, module.params["api_key"] or "")
    # Outside of any except, so that Ansible adds no traceback of the exception.
    if failure:
        module.fail_json(**shown)
    module.exit_json(**shown)


def _fill_result(result: Result, module: t.Any, client: HttpClient) -> bool:
    """Put all that comes of the update into the result, and tell whether that is a failure."""
    try:
        _update(result, module, client)
    except UpdateFailure as failure:
        result.update(failed_result(failure))
        return True
    except Exception as error:  # noqa: BLE001  # Ansible would show its text, maybe with the API key.
        result.update(unforeseen_result(error))
        return True
    return False


def _update(result: Result, module: t.Any, client: HttpClient) -> None:
    connection = read_connection(module.params, os.environ)
    deadline = Deadline(client.clock, connection.timeout)
    campaign = read_campaign(module.params)
    options = read_record_options(module.params, os.environ)
    result.update(input_result(connection.endpoint, campaign))

    def warn(warning: str) -> None:
        # Ansible before 2.22 shows warnings without masking what is secret.
        module.warn(mask_secret(warning, connection.api_key))

    for warning in input_warnings(connection, campaign):
        warn(warning)
    update = RecordedUpdate(connection, campaign, deadline, client.clock, module.check_mode)
    with open_record(options, update, warn) as record:
        result["changed_basis"] = record.basis
        if module.check_mode:
            result.update(predicted_result(campaign, record.basis))
        elif options.skip_unchanged and record.basis == SAME:
            result.update(skipped_result(campaign))
        else:
            exchange = _send(record, client, connection, campaign, deadline)
            result.update(confirmed_result(campaign, exchange, record.basis))
    if module._diff:
        result["diff"] = campaign_diff(connection.endpoint, campaign, record.basis, record.last)


def _send(
    record: OpenRecord,
    client: HttpClient,
    connection: Connection,
    campaign: Campaign,
    deadline: Deadline,
) -> Exchange:
    """Send the update; from before it until its confirmation, no run can trust the record."""
    record.withdraw()
    try:
        exchange = update_campaign(client, connection, campaign, deadline)
    except UpdateFailure as failure:
        record.settle(failure.leaves_lists_alone)
        raise
    except BaseException:
        record.settle(leaves_lists_alone=False)
        raise
    record.confirm()
    return exchange
