# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What the user is told when an update was not confirmed: the cause and the next step."""

from __future__ import annotations

import typing as t

from . import _failure
from ._answer import CONTRADICTION
from ._did_lists import DidList
from ._endpoint import host_of
from ._http.attempt import (
    CONNECTION_FAILED,
    NO_MORE_THREADS,
    NO_TLS,
    NOT_VALID_HTTP,
    NOT_VALID_NOW,
    OTHER_HOST,
    PROXY_FAILED,
    TIMED_OUT,
    TLS_FAILED,
    TOO_MANY_FILES,
    UNEXPECTED_ERROR,
    UNKNOWN,
    Attempt,
    Exchange,
)
from ._http.proxies import format_proxy
from ._options import ApiSettings, Campaign

_MOST_SHOWN_DIDS = 20
_LOOK_IT_UP = "Look the campaign up in CloudAgent, and check api_url."
_SAFE_TO_REPEAT = "it is safe to run it again, because it always sends the whole lists."


# By the kind of the fault.
_CERTIFICATE_STEPS = {
    NOT_VALID_NOW: "Have it renewed, and check the clock of the machine that runs the update. ",
    OTHER_HOST: "Check the host in api_url. ",
}


class Situation(t.NamedTuple):
    """All that a message may speak of; the API key is not part of it by intent."""

    username: str
    endpoint: str
    timeout: float
    proxy: str | None
    campaign: Campaign
    exchange: Exchange

    @property
    def last(self) -> Attempt:
        """Return the attempt that decides."""
        return self.exchange.last

    @property
    def host(self) -> str:
        """Return the host that the request was for."""
        return host_of(self.endpoint)


def failure_message(situation: Situation) -> str:
    """Return the sentences for the reason of the last attempt."""
    reason = situation.last.reason or _failure.UNEXPECTED_ANSWER
    sentences = [_CAUSES[reason](situation)]
    if situation.exchange.refused_wait is not None:
        sentences.append(_refused_wait(situation, situation.exchange.refused_wait))
    if situation.last.outcome == UNKNOWN:
        sentences.append(f"Whether the update was applied is not known; {_SAFE_TO_REPEAT}")
    elif situation.exchange.outcome == UNKNOWN:
        sentences.append(f"An earlier attempt may have been applied; {_SAFE_TO_REPEAT}")
    return " ".join(sentences)


def situation_of(
    api: ApiSettings, campaign: Campaign, proxy: str | None, exchange: Exchange
) -> Situation:
    """Return the situation without the API key."""
    return Situation(api.username, api.endpoint, api.timeout, proxy, campaign, exchange)


def _authentication_failed(situation: Situation) -> str:
    return (
        f'CloudAgent at {situation.host} rejected the account name "{situation.username}" or the '
        "API key. Check username and api_key, and that region or api_url is the account's; "
        "repeated attempts may lock the account."
    )


def _campaign_not_found(situation: Situation) -> str:
    return (
        f'The account "{situation.username}" has no campaign named "{situation.campaign.name}". '
        "Check the spelling of campaign_name, including upper and lower case."
    )


def _invalid_dids(situation: Situation) -> str:
    return _not_assigned("dynamic_dids", situation.campaign.dynamic, situation)


def _invalid_fallback_dids(situation: Situation) -> str:
    return _not_assigned("fallback_dynamic_dids", situation.campaign.fallback, situation)


def _not_assigned(name: str, dids: DidList, situation: Situation) -> str:
    quoting = (
        " Quote the numbers: some were given without quotes, and YAML reads an unquoted 04440123456"
        " as 612411182."
        if dids.held_integers
        else ""
    )
    return (
        f'At least one number in {name} is not assigned to the account "{situation.username}". '
        f"The numbers sent were: {_format_dids(dids)}. Correct the list, or have the number assigned to the account.{quoting}"
    )


def _dids_required(situation: Situation) -> str:
    return _not_seen("dynamic_dids", situation.campaign.dynamic)


def _fallback_dids_required(situation: Situation) -> str:
    return _not_seen("fallback_dynamic_dids", situation.campaign.fallback)


def _not_seen(name: str, dids: DidList) -> str:
    return (
        f"CloudAgent answered that {name} is missing, although these numbers were sent: "
        f"{_format_dids(dids)}. Check that they belong to the account."
    )


def _rate_limited(situation: Situation) -> str:
    return (
        f"CloudAgent at {situation.host} is limiting the rate of requests{_attempts(situation)}. Run "
        "it again in a minute or later, with fewer updates at a time."
    )


def _server_error(situation: Situation) -> str:
    status = situation.last.http_status
    if status in (502, 503, 504):
        return (
            f"CloudAgent at {situation.host} is not available (HTTP {status}{_attempts(situation)}). "
            "Run it again later."
        )
    return (
        f"CloudAgent at {situation.host} answered with an internal error "
        f"(HTTP {status}{_attempts(situation)}). It gives this answer for a fault of its own, and "
        "also for a request that it does not understand, such as one without the field for the API "
        "key. Run it again later; if the error persists, check api_url and contact the vendor."
    )


def _unexpected_answer(situation: Situation) -> str:
    last = situation.last
    if last.kind == UNEXPECTED_ERROR:
        return _unexpected_error(situation)
    seen = last.detail or "an undocumented answer"
    text = f': "{last.api_message}"' if last.api_message else ""
    return (
        f"{situation.host} sent {seen}{text} (HTTP {last.http_status}). "
        + _unexpected_answer_step(situation)
    )


def _unexpected_answer_step(situation: Situation) -> str:
    last = situation.last
    if last.kind == CONTRADICTION:
        return _LOOK_IT_UP
    if last.http_status in (401, 403):
        return "Something in front of CloudAgent refused the request: check api_url and the proxy."
    if last.http_status == 413:
        return (
            "The request is too large for the server, or for a proxy in front of it: send fewer numbers, "
            "or have its limit raised."
        )
    if last.http_status in (404, 405):
        return "This is not the API: check api_url, including its path."
    if last.api_message is None:
        return "This does not look like the API: check api_url and the proxy."
    return _LOOK_IT_UP


def _redirected(situation: Situation) -> str:
    return (
        f"{situation.host} answered with a redirect (HTTP {situation.last.http_status}), which is "
        "not followed, because the API key would go to another address. Give the final address in "
        "api_url, and check the proxy."
    )


def _unexpected_error(situation: Situation) -> str:
    return (
        f"Unexpected error in the collection: {situation.last.detail}{_attempts(situation)}. "
        "Please report this message."
    )


def _connection_failed(situation: Situation) -> str:
    kind, detail = situation.last.kind, situation.last.detail
    if kind == UNEXPECTED_ERROR:
        return _unexpected_error(situation)
    if kind == NOT_VALID_HTTP:
        return (
            f"No usable answer from {situation.host}: {detail}{_attempts(situation)}. Check api_url, "
            "including its port, and the proxy."
        )
    if kind == NO_MORE_THREADS:
        return (
            f"No connection to {situation.host}: {detail}{_attempts(situation)}. Raise its limit of "
            "processes or of memory, or lower concurrency."
        )
    if kind == TOO_MANY_FILES:
        return (
            f"No connection to {situation.host}: {detail}{_attempts(situation)}. Raise the limit of "
            "open files (ulimit -n) there."
        )
    return (
        f"No answer from {situation.host}: {detail}{_attempts(situation)}. Check the network, the "
        "host and the port in api_url, and whether a proxy is needed."
    )


def _tls_failed(situation: Situation) -> str:
    if situation.last.kind == NO_TLS:
        return (
            f"No trusted connection to {situation.host}: {situation.last.detail}. Check that the "
            "port is one for https, and that ca_path, if given, names certificates in PEM format."
        )
    step = _CERTIFICATE_STEPS.get(situation.last.kind, "")
    return (
        f"No trusted connection to {situation.host}: {situation.last.detail}. {step}If the server has "
        "a certificate of a private authority, name that authority's file in ca_path."
    )


def _proxy_failed(situation: Situation) -> str:
    proxy = f" {format_proxy(situation.proxy)}" if situation.proxy else ""
    detail = situation.last.detail or "it asks for a user and a password"
    if situation.last.kind == UNEXPECTED_ERROR:
        return f"The proxy{proxy} on the way to {situation.host} failed. {_unexpected_error(situation)}"
    return (
        f"The proxy{proxy} on the way to {situation.host} failed: {detail}. Check the environment "
        "variables https_proxy and no_proxy where the update runs."
    )


def _timed_out(situation: Situation) -> str:
    if situation.last.http_status is not None:
        return (
            f"{situation.host} gave up waiting for the request (HTTP {situation.last.http_status}"
            f"{_attempts(situation)}). Check the network, or run it again."
        )
    return (
        f"{situation.host} did not answer within the timeout of {_seconds(situation.timeout)}"
        f"{_attempts(situation)}. Check the network, or raise timeout."
    )


def _refused_wait(situation: Situation, seconds: float) -> str:
    who = (
        "The server asked to wait"
        if situation.last.retry_after is not None
        else "The next attempt would have to wait"
    )
    return (
        f"{who} {_seconds(seconds)}, which is more than is left of the timeout of "
        f"{_seconds(situation.timeout)}."
    )


def _seconds(seconds: float) -> str:
    rounded = f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.3g}"
    return f"{rounded} second" if rounded == "1" else f"{rounded} seconds"


def _attempts(situation: Situation) -> str:
    count = len(situation.exchange.attempts)
    return f", after {count} attempts" if count > 1 else ""


def _format_dids(dids: DidList) -> str:
    shown = ", ".join(dids.numbers[:_MOST_SHOWN_DIDS])
    more = len(dids.numbers) - _MOST_SHOWN_DIDS
    return f"{shown} and {more:,} more" if more > 0 else shown


_CAUSES: dict[str, t.Callable[[Situation], str]] = {
    _failure.AUTHENTICATION_FAILED: _authentication_failed,
    _failure.CAMPAIGN_NOT_FOUND: _campaign_not_found,
    _failure.INVALID_DIDS: _invalid_dids,
    _failure.INVALID_FALLBACK_DIDS: _invalid_fallback_dids,
    _failure.DIDS_REQUIRED: _dids_required,
    _failure.FALLBACK_DIDS_REQUIRED: _fallback_dids_required,
    _failure.RATE_LIMITED: _rate_limited,
    _failure.SERVER_ERROR: _server_error,
    _failure.UNEXPECTED_ANSWER: _unexpected_answer,
    _failure.REDIRECTED: _redirected,
    CONNECTION_FAILED: _connection_failed,
    TLS_FAILED: _tls_failed,
    PROXY_FAILED: _proxy_failed,
    TIMED_OUT: _timed_out,
}
