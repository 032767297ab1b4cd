# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The one request of an update, and its result.

URL, headers and body are as the vendor's reference page gives them.
"""

from __future__ import annotations

import json
from functools import partial

from . import _failure
from ._answer import judge_answer
from ._endpoint import UPDATE_PATH, host_of, is_loopback_host
from ._failure import UpdateFailure
from ._failure_messages import failure_message, situation_of
from ._http.attempt import (
    NOT_APPLIED,
    PROXY_FAILED,
    UNEXPECTED_ERROR,
    UNKNOWN,
    Attempt,
    Exchange,
    HttpAnswer,
    HttpRequest,
)
from ._http.client import HttpClient, MayRetry
from ._http.clock import Deadline
from ._http.proxies import proxy_for
from ._options import ApiSettings, Campaign
from ._unexpected import describe_unexpected
from ._version import VERSION

HEADERS = {
    "Accept": "application/json",
    # The answer is read as it comes, so that a small one can't unpack into a large one.
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
    "User-Agent": f"ozonetel.cloudagent/{VERSION} (Ansible collection)",
}

_REFUSED_AS_A_WHOLE = (
    _failure.AUTHENTICATION_FAILED,
    _failure.CAMPAIGN_NOT_FOUND,
    _failure.RATE_LIMITED,
)


def send_update(
    client: HttpClient,
    api: ApiSettings,
    campaign: Campaign,
    deadline: Deadline,
    may_retry: MayRetry,
) -> Exchange:
    """Send the update of one campaign and return the exchange that confirmed it.

    Args:
        may_retry: is asked right before each retry.

    Raises:
        UpdateFailure: the update was not confirmed.
    """
    request = _request_of(api, campaign)
    judge = partial(_judge, api_key=api.api_key)
    exchange = client.post(request, judge, api.retries, deadline, may_retry)
    if exchange.last.reason is None:
        return exchange
    raise UpdateFailure(
        reason=exchange.last.reason,
        message=failure_message(situation_of(api, campaign, request.proxy, exchange)),
        outcome=exchange.outcome,
        http_status=exchange.last.http_status,
        api_message=exchange.last.api_message,
        attempts=len(exchange.attempts),
        sent=any(map(_may_have_arrived, exchange.attempts)),
        leaves_lists_alone=all(map(_leaves_lists_alone, exchange.attempts)),
    )


def _judge(answer: HttpAnswer, api_key: str) -> Attempt:
    """Return what the answer says; that there was one must not be lost in an error of our own."""
    try:
        return judge_answer(answer, api_key)
    except Exception as error:  # noqa: BLE001
        return Attempt(
            _failure.UNEXPECTED_ANSWER,
            UNKNOWN,
            detail=describe_unexpected(error),
            http_status=answer.status,
            kind=UNEXPECTED_ERROR,
        )


def _may_have_arrived(attempt: Attempt) -> bool:
    """Tell whether this attempt may have reached the server, and not only the proxy before it."""
    answered = attempt.http_status is not None and attempt.reason != PROXY_FAILED
    return answered or attempt.outcome == UNKNOWN


def _leaves_lists_alone(attempt: Attempt) -> bool:
    """Tell whether it is certain that this attempt changed neither list.

    Nobody documents that a refusal of numbers comes before the first of the lists is stored.
    """
    if attempt.outcome != NOT_APPLIED:
        return False
    was_sent = attempt.http_status is not None
    return not was_sent or attempt.reason in _REFUSED_AS_A_WHOLE


def _request_of(api: ApiSettings, campaign: Campaign) -> HttpRequest:
    url = update_url(api.endpoint)
    return HttpRequest(
        url=url,
        headers=HEADERS,
        body=update_body(
            api.username,
            api.api_key,
            campaign.name,
            campaign.dynamic.numbers,
            campaign.fallback.numbers,
        ),
        verify=api.verify,
        proxy=proxy_for(url, is_loopback_host(host_of(api.endpoint))),
    )


def update_url(endpoint: str) -> str:
    """Return the URL of the update call below a normalised endpoint."""
    return endpoint + UPDATE_PATH


def update_body(
    username: str, api_key: str, campaign_name: str, dynamic: list[str], fallback: list[str]
) -> bytes:
    """Return the JSON body with its five mandatory fields."""
    return json.dumps(
        {
            "username": username,
            "campaignName": campaign_name,
            "apiKey": api_key,
            "dynamicDIDs": ",".join(dynamic),
            "fallbackDynamicDIDs": ",".join(fallback),
        }
    ).encode("ascii")
