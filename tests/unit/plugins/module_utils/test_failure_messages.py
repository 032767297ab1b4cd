# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exact sentences of every failure: the cause, the next step, and no secret."""

from __future__ import annotations

import re

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _failure
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._answer import CONTRADICTION
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._did_lists import DidList
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import (
    AUTHENTICATION_FAILED,
    CAMPAIGN_NOT_FOUND,
    DIDS_REQUIRED,
    FALLBACK_DIDS_REQUIRED,
    INVALID_DIDS,
    INVALID_FALLBACK_DIDS,
    RATE_LIMITED,
    REDIRECTED,
    SERVER_ERROR,
    UNEXPECTED_ANSWER,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure_messages import (
    failure_message,
    situation_of,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import (
    CONNECTION_FAILED,
    NO_TLS,
    NOT_APPLIED,
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
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import (
    ApiSettings,
    Campaign,
)

API_KEY = "s3cret-key"
PROXY = "http://user:Pa55@proxy.example:3128"
QUOTED = DidList(["9140001001", "9140001002"], held_integers=False, notices=[])
FALLBACK = DidList(["9140002001"], held_integers=False, notices=[])
INTEGERS = DidList(["612411182"], held_integers=True, notices=[])
MANY = DidList([str(9140001001 + place) for place in range(23)], False, [])
OUTCOME_UNKNOWN = (
    "Whether the update was applied is not known; it is safe to run it again, because it always sends "
    "the whole lists."
)
# Those that come before a request is sent have messages of their own.
OURS = {
    reason
    for name, reason in vars(_failure).items()
    if name.isupper() and name not in ("INVALID_INPUT", "RECORD_FAILED", "NOT_APPLIED")
}
REASONS = sorted({*OURS, CONNECTION_FAILED, PROXY_FAILED, TIMED_OUT, TLS_FAILED})


def message_of(
    *attempts: Attempt,
    refused_wait: float | None = None,
    dynamic: DidList = QUOTED,
    fallback: DidList = FALLBACK,
    timeout: float = 60.0,
    proxy: str | None = None,
) -> str:
    """Return what the user is told after these attempts."""
    api = ApiSettings(
        "acme", API_KEY, "https://cc.partner.example:8443/x", True, timeout, retries=2
    )
    exchange = Exchange(list(attempts), refused_wait)
    campaign = Campaign("Sales", dynamic, fallback)
    return failure_message(situation_of(api, campaign, proxy, exchange))


def refused(reason: str) -> Attempt:
    return Attempt(reason, NOT_APPLIED, http_status=200, api_message="Text of the server.")


SERVER_500 = Attempt(SERVER_ERROR, UNKNOWN, http_status=500)
SERVER_503 = Attempt(SERVER_ERROR, UNKNOWN, http_status=503)
UNANSWERED = Attempt(TIMED_OUT, UNKNOWN)
NOT_REACHED = Attempt(CONNECTION_FAILED, NOT_APPLIED, detail="the connection was refused")


@pytest.mark.parametrize(
    ("attempts", "message"),
    [
        pytest.param(
            [refused(AUTHENTICATION_FAILED)],
            'CloudAgent at cc.partner.example rejected the account name "acme" or the API key. '
            "Check username and api_key, and that region or api_url is the account's; "
            "repeated attempts may lock the account.",
            id="account refused",
        ),
        pytest.param(
            [refused(CAMPAIGN_NOT_FOUND)],
            'The account "acme" has no campaign named "Sales". '
            "Check the spelling of campaign_name, including upper and lower case.",
            id="campaign unknown",
        ),
        pytest.param(
            [refused(INVALID_DIDS)],
            'At least one number in dynamic_dids is not assigned to the account "acme". The numbers sent were: '
            "9140001001, 9140001002. Correct the list, or have the number assigned to the account.",
            id="DIDs refused",
        ),
        pytest.param(
            [refused(INVALID_FALLBACK_DIDS)],
            'At least one number in fallback_dynamic_dids is not assigned to the account "acme". '
            "The numbers sent were: 9140002001. Correct the list, or have the number assigned to the account.",
            id="fallback DIDs refused",
        ),
        pytest.param(
            [refused(DIDS_REQUIRED)],
            "CloudAgent answered that dynamic_dids is missing, although these numbers were sent: 9140001001, "
            "9140001002. Check that they belong to the account.",
            id="DIDs not seen",
        ),
        pytest.param(
            [refused(FALLBACK_DIDS_REQUIRED)],
            "CloudAgent answered that fallback_dynamic_dids is missing, although these numbers were sent: "
            "9140002001. Check that they belong to the account.",
            id="fallback DIDs not seen",
        ),
        pytest.param(
            [Attempt(CONNECTION_FAILED, UNKNOWN, detail="not HTTP", kind=NOT_VALID_HTTP)],
            "No usable answer from cc.partner.example: not HTTP. Check api_url, "
            f"including its port, and the proxy. {OUTCOME_UNKNOWN}",
            id="not HTTP",
        ),
        pytest.param(
            [
                Attempt(
                    CONNECTION_FAILED,
                    NOT_APPLIED,
                    detail="too many files are open",
                    kind=TOO_MANY_FILES,
                )
            ]
            * 2,
            "No connection to cc.partner.example: too many files are open, "
            "after 2 attempts. Raise the limit of open files (ulimit -n) there.",
            id="too many files",
        ),
        pytest.param(
            [
                Attempt(
                    CONNECTION_FAILED,
                    UNKNOWN,
                    detail="KeyError in x, line 1",
                    kind=UNEXPECTED_ERROR,
                )
            ],
            "Unexpected error in the collection: KeyError in x, line 1. Please "
            f"report this message. {OUTCOME_UNKNOWN}",
            id="an error in the exchange",
        ),
        pytest.param(
            [
                UNANSWERED,
                Attempt(
                    UNEXPECTED_ANSWER,
                    UNKNOWN,
                    detail="KeyError in x, line 1",
                    kind=UNEXPECTED_ERROR,
                ),
            ],
            "Unexpected error in the collection: KeyError in x, line 1, after 2 "
            f"attempts. Please report this message. {OUTCOME_UNKNOWN}",
            id="an error in judging",
        ),
        pytest.param(
            [
                Attempt(
                    PROXY_FAILED, NOT_APPLIED, detail="KeyError in x, line 1", kind=UNEXPECTED_ERROR
                )
            ],
            "The proxy on the way to cc.partner.example failed. "
            "Unexpected error in the collection: KeyError in x, line 1. Please report this message.",
            id="an error at the proxy",
        ),
        pytest.param(
            [
                Attempt(
                    UNEXPECTED_ANSWER,
                    UNKNOWN,
                    detail="a web page instead of an answer",
                    http_status=413,
                )
            ],
            "cc.partner.example sent a web page instead of an answer (HTTP 413). The request is too "
            "large for the server, or for a proxy in front of it: send fewer numbers, or have its limit "
            f"raised. {OUTCOME_UNKNOWN}",
            id="a request that is too large",
        ),
        pytest.param(
            [refused(RATE_LIMITED)],
            "CloudAgent at cc.partner.example is limiting the rate of requests. Run it again in a "
            "minute or later, with fewer updates at a time.",
            id="rate limit",
        ),
        pytest.param(
            [SERVER_500],
            "CloudAgent at cc.partner.example answered with an internal error (HTTP 500). It "
            "gives this answer for a fault of its own, and also for a request that it does not "
            "understand, such as one without the field for the API key. Run it again later; if the "
            f"error persists, check api_url and contact the vendor. {OUTCOME_UNKNOWN}",
            id="internal error",
        ),
        pytest.param(
            [SERVER_500, SERVER_500],
            "CloudAgent at cc.partner.example answered with an internal error (HTTP 500, after 2 "
            "attempts). It gives this answer for a fault of its own, and also for a request that it does "
            "not understand, such as one without the field for the API key. Run it again later; "
            f"if the error persists, check api_url and contact the vendor. {OUTCOME_UNKNOWN}",
            id="internal error twice",
        ),
        pytest.param(
            [SERVER_503, SERVER_503, SERVER_503],
            "CloudAgent at cc.partner.example is not available (HTTP 503, after 3 attempts). "
            f"Run it again later. {OUTCOME_UNKNOWN}",
            id="not available",
        ),
        pytest.param(
            [Attempt(REDIRECTED, UNKNOWN, http_status=307)],
            "cc.partner.example answered with a redirect (HTTP 307), which is not followed, because the "
            "API key would go to another address. Give the final address in api_url, and check the "
            f"proxy. {OUTCOME_UNKNOWN}",
            id="redirect",
        ),
        pytest.param(
            [NOT_REACHED],
            "No answer from cc.partner.example: the connection was refused. Check the network, "
            "the host and the port in api_url, and whether a proxy is needed.",
            id="not reached",
        ),
        pytest.param(
            [NOT_REACHED, NOT_REACHED, NOT_REACHED],
            "No answer from cc.partner.example: the connection was refused, after 3 attempts. "
            "Check the network, the host and the port in api_url, and whether a proxy is needed.",
            id="not reached thrice",
        ),
        pytest.param(
            [Attempt(TLS_FAILED, NOT_APPLIED, detail="the certificate is self-signed")],
            "No trusted connection to cc.partner.example: the certificate is self-signed. If the "
            "server has a certificate of a private authority, name that authority's file in "
            "ca_path.",
            id="certificate",
        ),
        pytest.param(
            [Attempt(TLS_FAILED, NOT_APPLIED, detail="it has expired", kind=NOT_VALID_NOW)],
            "No trusted connection to cc.partner.example: it has expired. Have it renewed, and check "
            "the clock of the machine that runs the update. If the server has a certificate of a "
            "private authority, name that authority's file in ca_path.",
            id="expired certificate",
        ),
        pytest.param(
            [Attempt(TLS_FAILED, NOT_APPLIED, detail="it is of another host", kind=OTHER_HOST)],
            "No trusted connection to cc.partner.example: it is of another host. Check the host in "
            "api_url. If the server has a certificate of a private authority, name that authority's "
            "file in ca_path.",
            id="certificate of another host",
        ),
        pytest.param(
            [Attempt(TLS_FAILED, NOT_APPLIED, detail="no agreement", kind=NO_TLS)],
            "No trusted connection to cc.partner.example: no agreement. Check that the port is "
            "one for https, and that ca_path, if given, names certificates in PEM format.",
            id="no agreement on TLS",
        ),
        pytest.param(
            [UNANSWERED],
            "cc.partner.example did not answer within the timeout of 60 seconds. Check the network, "
            "or raise timeout. " + OUTCOME_UNKNOWN,
            id="no answer",
        ),
        pytest.param(
            [UNANSWERED, UNANSWERED, UNANSWERED],
            "cc.partner.example did not answer within the timeout of 60 seconds, after 3 attempts. "
            "Check the network, or raise timeout. " + OUTCOME_UNKNOWN,
            id="no answer thrice",
        ),
        pytest.param(
            [UNANSWERED, refused(CAMPAIGN_NOT_FOUND)],
            'The account "acme" has no campaign named "Sales". Check the spelling of '
            "campaign_name, including upper and lower case. An earlier attempt may have been applied; "
            "it is safe to run it again, because it always sends the whole lists.",
            id="no answer, then a refusal",
        ),
        pytest.param(
            [NOT_REACHED, refused(RATE_LIMITED)],
            "CloudAgent at cc.partner.example is limiting the rate of requests, after 2 attempts. Run it again in a "
            "minute or later, with fewer updates at a time.",
            id="not reached, then a refusal",
        ),
    ],
)
def test_each_reason_has_its_message(attempts: list[Attempt], message: str) -> None:
    assert message_of(*attempts) == message


NOT_THE_API = "This does not look like the API: check api_url and the proxy."
LOOK_UP = "Look the campaign up in CloudAgent, and check api_url."
SUCCESS = "Dynamic DIDs updated successfully"
OPPOSITE = "the text of a success with the status of an error"


@pytest.mark.parametrize(
    ("status", "detail", "api_message", "message"),
    [
        (200, "an empty answer", None, f"sent an empty answer (HTTP 200). {NOT_THE_API}"),
        (
            200,
            "a web page instead of an answer",
            None,
            f"sent a web page instead of an answer (HTTP 200). {NOT_THE_API}",
        ),
        (
            200,
            "an answer larger than 64 KiB",
            None,
            f"sent an answer larger than 64 KiB (HTTP 200). {NOT_THE_API}",
        ),
        (
            200,
            'an undocumented answer: "[]"',
            None,
            f'sent an undocumented answer: "[]" (HTTP 200). {NOT_THE_API}',
        ),
        (
            200,
            "",
            "Something new.",
            f'sent an undocumented answer: "Something new." (HTTP 200). {LOOK_UP}',
        ),
        (
            200,
            'an undocumented answer: "{x}"',
            "",
            f'sent an undocumented answer: "{{x}}" (HTTP 200). {LOOK_UP}',
        ),
        (
            401,
            "an empty answer",
            None,
            "sent an empty answer (HTTP 401). Something in front of CloudAgent refused the request: "
            "check api_url and the proxy.",
        ),
        (
            403,
            "a web page instead of an answer",
            None,
            "sent a web page instead of an answer (HTTP 403). Something in front of CloudAgent refused the "
            "request: check api_url and the proxy.",
        ),
        (
            404,
            "an undocumented answer",
            "Not Found",
            'sent an undocumented answer: "Not Found" (HTTP 404). This is not the API: '
            "check api_url, including its path.",
        ),
        (
            405,
            "an empty answer",
            None,
            "sent an empty answer (HTTP 405). This is not the API: check api_url, including "
            "its path.",
        ),
    ],
)
def test_an_unexpected_answer_is_described_with_a_next_step(
    status: int, detail: str, api_message: str | None, message: str
) -> None:
    attempt = Attempt(
        UNEXPECTED_ANSWER, UNKNOWN, detail=detail, http_status=status, api_message=api_message
    )
    assert message_of(attempt) == f"cc.partner.example {message} {OUTCOME_UNKNOWN}"


@pytest.mark.parametrize("status", [401, 403, 404, 405, 500])
def test_a_success_text_with_an_error_status_is_called_a_contradiction(status: int) -> None:
    attempt = Attempt(
        UNEXPECTED_ANSWER,
        UNKNOWN,
        detail=OPPOSITE,
        http_status=status,
        api_message=SUCCESS,
        kind=CONTRADICTION,
    )
    assert message_of(attempt) == (
        f'cc.partner.example sent {OPPOSITE}: "{SUCCESS}" (HTTP {status}). {LOOK_UP} '
        f"{OUTCOME_UNKNOWN}"
    )


@pytest.mark.parametrize(
    ("proxy", "detail", "message"),
    [
        (
            PROXY,
            "the connection was refused",
            "The proxy http://proxy.example:3128 on the way to cc.partner.example failed: the "
            "connection was refused. Check the environment variables https_proxy and no_proxy "
            "where the update runs.",
        ),
        (
            PROXY,
            "",
            "The proxy http://proxy.example:3128 on the way to cc.partner.example failed: it asks "
            "for a user and a password. Check the environment variables https_proxy and no_proxy "
            "where the update runs.",
        ),
        (
            None,
            "",
            "The proxy on the way to cc.partner.example failed: it asks for a user and a password. "
            "Check the environment variables https_proxy and no_proxy where the update runs.",
        ),
    ],
)
def test_a_proxy_failure_names_the_proxy_without_its_password(
    proxy: str | None, detail: str, message: str
) -> None:
    assert message_of(Attempt(PROXY_FAILED, NOT_APPLIED, detail=detail), proxy=proxy) == message


QUOTING = (
    " Quote the numbers: some were given without quotes, and YAML reads an unquoted 04440123456 as "
    "612411182."
)


@pytest.mark.parametrize(
    ("reason", "dynamic", "fallback", "has_hint"),
    [
        (INVALID_DIDS, INTEGERS, FALLBACK, True),
        (INVALID_DIDS, QUOTED, INTEGERS, False),
        (INVALID_FALLBACK_DIDS, QUOTED, INTEGERS, True),
        (INVALID_FALLBACK_DIDS, INTEGERS, FALLBACK, False),
        (CAMPAIGN_NOT_FOUND, INTEGERS, INTEGERS, False),
    ],
)
def test_the_hint_to_quote_is_given_only_for_a_refused_list_with_integers(
    reason: str, dynamic: DidList, fallback: DidList, has_hint: bool
) -> None:
    message = message_of(refused(reason), dynamic=dynamic, fallback=fallback)
    assert message.endswith(QUOTING) is has_hint
    assert ("612411182." in message) is has_hint


@pytest.mark.parametrize("reason", [INVALID_DIDS, DIDS_REQUIRED])
@pytest.mark.parametrize(
    ("count", "end"),
    [(19, "1018, 9140001019. "), (20, "1019, 9140001020. "), (21, "1019, 9140001020 and 1 more. ")],
)
def test_at_most_twenty_numbers_are_shown(reason: str, count: int, end: str) -> None:
    dynamic = DidList(MANY.numbers[:count], held_integers=False, notices=[])
    message = message_of(refused(reason), dynamic=dynamic)
    assert ": 9140001001, 9140001002, " in message
    assert end in message


@pytest.mark.parametrize(
    ("attempt", "refused_wait", "sentence"),
    [
        (
            Attempt(RATE_LIMITED, NOT_APPLIED, http_status=429, retry_after=120.0),
            120.0,
            "The server asked to wait 120 seconds, which is more than is left of the timeout of "
            "60 seconds.",
        ),
        (
            Attempt(RATE_LIMITED, NOT_APPLIED, http_status=200),
            17.4,
            "The next attempt would have to wait 17 seconds, which is more than is left of the "
            "timeout of 60 seconds.",
        ),
    ],
)
def test_a_wait_longer_than_the_time_left_is_named(
    attempt: Attempt, refused_wait: float, sentence: str
) -> None:
    assert message_of(attempt, refused_wait=refused_wait) == f"{message_of(attempt)} {sentence}"


def test_the_refused_wait_comes_before_the_unknown_outcome() -> None:
    message = message_of(SERVER_503._replace(retry_after=90.0), refused_wait=90.0)
    assert message == (
        "CloudAgent at cc.partner.example is not available (HTTP 503). Run it again later. "
        "The server asked to wait 90 seconds, which is more than is left of the "
        f"timeout of 60 seconds. {OUTCOME_UNKNOWN}"
    )


@pytest.mark.parametrize(
    ("refused_wait", "shown"),
    [
        (0.04, "0.04 seconds"),
        (0.3333, "0.333 seconds"),
        (1.0, "1 second"),
        (7.5, "7.5 seconds"),
        (10.4, "10 seconds"),
        (86400.0, "86400 seconds"),
    ],
)
def test_a_wait_is_shown_in_rounded_seconds(refused_wait: float, shown: str) -> None:
    message = message_of(SERVER_503, refused_wait=refused_wait, timeout=0.02)
    assert f"The next attempt would have to wait {shown}, which" in message


@pytest.mark.parametrize("status", [502, 503, 504])
def test_http_502_503_and_504_mean_not_available(status: int) -> None:
    message = message_of(Attempt(SERVER_ERROR, UNKNOWN, http_status=status))
    assert f"CloudAgent at cc.partner.example is not available (HTTP {status})." in message


@pytest.mark.parametrize(
    ("timeout", "shown"),
    [
        (60.0, "60 seconds"),
        (0.5, "0.5 seconds"),
        (2.25, "2.25 seconds"),
        (1.0, "1 second"),
        (86400.0, "86400 seconds"),
        (2_000_000.0, "2000000 seconds"),
    ],
)
def test_the_timeout_is_shown_in_plain_seconds(timeout: float, shown: str) -> None:
    message = message_of(UNANSWERED, timeout=timeout)
    assert f"within the timeout of {shown}." in message


def test_http_408_is_not_reported_as_no_answer() -> None:
    assert message_of(Attempt(TIMED_OUT, UNKNOWN, http_status=408)) == (
        "cc.partner.example gave up waiting for the request (HTTP 408). Check the network, or run "
        f"it again. {OUTCOME_UNKNOWN}"
    )


NEXT_STEP = re.compile(r"(Check|check|Run|run|Look|Give|Correct|name that authority)\b")


@pytest.mark.parametrize("outcome", [NOT_APPLIED, UNKNOWN])
@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_a_message_with_a_next_step_and_no_secret(
    reason: str, outcome: str
) -> None:
    attempt = Attempt(reason, outcome, detail="the connection was refused", http_status=200)
    message = message_of(attempt, attempt, proxy=PROXY)
    assert message.endswith(".")
    assert NEXT_STEP.search(message)
    assert (OUTCOME_UNKNOWN in message) is (outcome == UNKNOWN)
    assert API_KEY not in message
    assert "Pa55" not in message


def test_the_situation_does_not_contain_the_key() -> None:
    api = ApiSettings("acme", API_KEY, "https://cc.partner.example", True, 60.0, 2)
    campaign = Campaign("Sales", QUOTED, FALLBACK)
    situation = situation_of(api, campaign, PROXY, Exchange([UNANSWERED]))
    assert API_KEY not in repr(situation)


def test_no_reason_is_added_or_removed() -> None:
    assert REASONS == [
        "authentication_failed",
        "campaign_not_found",
        "connection_failed",
        "dids_required",
        "fallback_dids_required",
        "invalid_dids",
        "invalid_fallback_dids",
        "proxy_failed",
        "rate_limited",
        "redirected",
        "server_error",
        "timed_out",
        "tls_failed",
        "unexpected_answer",
    ]
