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
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.session import (
    REQUESTS_IMPORT_ERROR,
    SessionCache,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.watchdog import Watchdog
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._masking import masking
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import (
    input_warnings,
    read_campaign,
    read_connection,
    read_record_options,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._recorded_update import (
    Task,
    update_with_record,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._result import (
    Result,
    empty_result,
    failed_result,
    input_result,
    mask_secret_in,
    unforeseen_result,
)

Work = t.Callable[[], None]
FailedResult = t.Callable[[UpdateFailure], Result]

CLIENT = HttpClient(SessionCache(), Watchdog())


def run(module: t.Any, client: HttpClient = CLIENT) -> None:
    """Update one campaign as the module's options say, and end the module with the result.

    Args:
        module: an AnsibleModule, or what has its ``params``, ``check_mode``, ``_diff``, ``warn``,
            ``exit_json`` and ``fail_json``.
        client: the HTTP helper.
    """
    result = empty_result(module.params["campaign_name"])
    end_with_result(module, result, lambda: _update(result, module, client))


def end_with_result(
    module: t.Any, result: Result, work: Work, failed: FailedResult = failed_result
) -> None:
    """Do the work, which fills the result, and end the module with what came of it."""
    if REQUESTS_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    add_failure(result, work, failed)
    shown = mask_secret_in(result, module.params["api_key"] or "")
    # Outside of any except, so that Ansible adds no traceback of the exception.
    if shown.pop("failed", False):
        module.fail_json(**shown)
    module.exit_json(**shown)


def add_failure(result: Result, work: Work, failed: FailedResult = failed_result) -> None:
    """Do the work, and put the failure that comes of it into the result, if one does."""
    try:
        work()
    except UpdateFailure as failure:
        result.update(failed(failure), failed=True)
    except Exception as error:  # noqa: BLE001  # Ansible would show its text, maybe with the API key.
        result.update(unforeseen_result(error), failed=True)


def _update(result: Result, module: t.Any, client: HttpClient) -> None:
    connection = read_connection(module.params, os.environ)
    campaign = read_campaign(module.params)
    options = read_record_options(module.params, os.environ)
    result.update(input_result(connection.endpoint, campaign))
    warn = masking(module.warn, connection.api_key)
    for warning in input_warnings(connection, campaign):
        warn(warning)
    task = Task(connection, options, client, module.check_mode, module._diff)
    update_with_record(result, task, campaign, warn)
