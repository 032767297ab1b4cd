# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""From the options of a module to its result; the one place where a failure becomes fail_json."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import missing_required_lib

from ._ending import end_with_result, failure_in
from ._http.client import HttpClient
from ._http.session import REQUESTS_IMPORT_ERROR, SessionCache
from ._http.watchdog import Watchdog
from ._masking.secret import mask_secret, masking
from ._options import (
    ApiSettings,
    RecordOptions,
    input_warnings,
    read_api_settings,
    read_campaign,
    read_record_options,
)
from ._record.opening import new_keeper, prepare_module
from ._result import Result, empty_result, input_result
from ._update import Settings, update_campaign

CLIENT = HttpClient(SessionCache(), Watchdog())


def run(module: t.Any, client: HttpClient = CLIENT) -> None:
    """Update one campaign as the module's options say, and end the module with the result.

    Args:
        module: an AnsibleModule, or what has its ``params``, ``check_mode``, ``_diff``, ``warn``,
            ``exit_json`` and ``fail_json``.
        client: the HTTP helper.
    """
    require_requests(module)
    result = empty_result(module.params["campaign_name"])
    with failure_in(result):
        _update(result, module, client)
    end_with_result(module, result)


def require_requests(module: t.Any) -> None:
    """End the module where the library is missing."""
    if REQUESTS_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)


def _update(result: Result, module: t.Any, client: HttpClient) -> None:
    api = read_api_settings(module.params, os.environ)
    campaign = read_campaign(module.params)
    options = read_record_options(module.params, os.environ)
    result.update(input_result(api.endpoint, campaign))
    warn = masking(module.warn, api.api_key)
    for warned in input_warnings(api, campaign):
        warn(warned)
    settings = settings_of(module, api, options, client)
    update_campaign(result, settings, campaign, warn)


def settings_of(
    module: t.Any, api: ApiSettings, options: RecordOptions, client: HttpClient
) -> Settings:
    """Return what the updates of the module's task have in common."""
    # Masking imports what this key needs now, and not once files can't be opened any more.
    mask_secret("", api.api_key)
    prepare_module(module, options.place)
    keeper = new_keeper(options, client.clock, module.check_mode)
    skip, check_mode, diff = options.skip_unchanged, module.check_mode, module._diff
    return Settings(api, keeper, skip, client, check_mode, diff)
