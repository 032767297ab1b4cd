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
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.client import HttpClient
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Deadline
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.session import (
    REQUESTS_IMPORT_ERROR,
    SessionCache,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.watchdog import Watchdog
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import (
    input_warnings,
    read_campaign,
    read_connection,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._result import (
    Result,
    campaign_diff,
    confirmed_result,
    empty_result,
    failed_result,
    input_result,
    predicted_result,
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
    # Outside of any except, so that Ansible adds no traceback of the exception.
    if failure is not None:
        module.fail_json(**{**result, **failed_result(failure)})
    module.exit_json(**result)


def _fill_result(result: Result, module: t.Any, client: HttpClient) -> UpdateFailure | None:
    try:
        _update(result, module, client)
    except UpdateFailure as failure:
        return failure
    return None


def _update(result: Result, module: t.Any, client: HttpClient) -> None:
    connection = read_connection(module.params, os.environ)
    deadline = Deadline(client.clock, connection.timeout)
    campaign = read_campaign(module.params)
    result.update(input_result(connection.endpoint, campaign))
    for warning in input_warnings(connection, campaign):
        # Ansible before 2.22 shows warnings without masking what is secret.
        module.warn(mask_secret(warning, connection.api_key))
    if module.check_mode:
        result.update(predicted_result(campaign))
    else:
        exchange = update_campaign(client, connection, campaign, deadline)
        result.update(confirmed_result(campaign, exchange))
    if module._diff:
        result["diff"] = campaign_diff(connection.endpoint, campaign)
