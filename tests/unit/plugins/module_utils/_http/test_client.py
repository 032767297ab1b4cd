# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP helper: how often a request goes out, with which waits, and what is left of faults."""

from __future__ import annotations

import typing as t

import pytest
import requests
import responses
from responses.registries import OrderedRegistry

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http import client as client_file
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import (
    AFTER_BACKOFF,
    AFTER_RATE_LIMIT,
    APPLIED,
    NEVER,
    ONCE,
    UNEXPECTED_ERROR,
    Attempt,
    Exchange,
    HttpAnswer,
    HttpRequest,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.client import (
    HttpClient,
    Judge,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Deadline
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.session import SessionCache
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.watchdog import Watchdog
from ansible_collections.ozonetel.cloudagent.tests.unit.support import ClockDouble, longest

URL = "https://cc.partner.example/update"
REQUEST = HttpRequest(url=URL, headers={"User-Agent": "tests"}, body=b"{}")
RULES = {200: NEVER, 404: NEVER, 429: AFTER_RATE_LIMIT, 500: ONCE, 503: AFTER_BACKOFF}


def judge(answer: HttpAnswer) -> Attempt:
    if answer.status == 200:
        return Attempt(None, APPLIED)
    rule = RULES[answer.status]
    wait = (15.0, 20.0) if rule == AFTER_RATE_LIMIT else None
    return Attempt("server_error", "unknown", rule, http_status=answer.status, wait=wait)


class Sent(t.NamedTuple):
    exchange: Exchange
    waits: list[float]
    calls: int


Answer = t.Union[int, t.Tuple[int, t.Dict[str, str]], Exception]


def send(
    answers: list[Answer], retries: int = 2, timeout: float = 60.0, judge: Judge = judge
) -> Sent:
    """Send the request against these answers, exactly as many and in this order."""
    clock = ClockDouble()
    client = HttpClient(SessionCache(), Watchdog(), clock, longest)
    with responses.RequestsMock(registry=OrderedRegistry) as mock:
        for answer in answers:
            if isinstance(answer, Exception):
                mock.post(URL, body=answer)
            else:
                status, headers = answer if isinstance(answer, tuple) else (answer, {})
                mock.post(URL, status=status, headers=headers, body=b"{}")
        exchange = client.post(REQUEST, judge, retries, Deadline(clock, timeout))
        return Sent(exchange, clock.waits, len(mock.calls))


@pytest.mark.parametrize(
    ("answers", "retries", "waits"),
    [
        pytest.param([200], 2, [], id="success at once"),
        pytest.param([404], 2, [], id="a final answer is not retried"),
        pytest.param([503, 200], 2, [1.0], id="503 then success"),
        pytest.param([503, 503, 503], 2, [1.0, 2.0], id="503 throughout"),
        pytest.param([503] * 6, 5, [1.0, 2.0, 4.0, 8.0, 8.0], id="the wait grows to 8 seconds"),
        pytest.param([503], 0, [], id="no retries wanted"),
        pytest.param([500, 500], 10, [1.0], id="500 is retried once"),
        pytest.param([500, 503, 500], 10, [1.0, 2.0], id="500 is retried once among others"),
        pytest.param([500], 0, [], id="500 is not retried without retries"),
        pytest.param([429, 200], 2, [20.0], id="rate limit without Retry-After"),
        pytest.param([(429, {"Retry-After": "1"}), 200], 2, [1.0], id="Retry-After in seconds"),
        pytest.param([(503, {"Retry-After": "3"}), 200], 2, [3.0], id="Retry-After of a 503"),
        pytest.param(
            [(429, {"Retry-After": "Fri, 15 Jan 2027 08:00:07 GMT"}), 200], 2, [7.0], id="a date"
        ),
        pytest.param([(429, {"Retry-After": "soon"}), 200], 2, [20.0], id="Retry-After of no use"),
        pytest.param([(500, {"Retry-After": "9"}), 200], 2, [1.0], id="500 keeps its own wait"),
        pytest.param([requests.ConnectionError(), 200], 2, [1.0], id="a fault, then success"),
    ],
)
def test_requests_and_waits(answers: list[Answer], retries: int, waits: list[float]) -> None:
    sent = send(answers, retries)
    assert sent.calls == len(answers)
    assert sent.waits == waits
    assert len(sent.exchange.attempts) == len(answers)
    assert sent.exchange.refused_wait is None


@pytest.mark.parametrize(
    ("answers", "timeout", "refused_wait"),
    [
        pytest.param([(429, {"Retry-After": "120"})], 60.0, 120.0, id="the server asks too much"),
        pytest.param([429], 20.0, 20.0, id="a wait as long as the time left"),
        pytest.param([503], 0.5, 1.0, id="a backoff that does not fit"),
    ],
)
def test_a_wait_that_does_not_fit_is_not_begun(
    answers: list[Answer], timeout: float, refused_wait: float
) -> None:
    sent = send(answers, timeout=timeout)
    assert sent.exchange.refused_wait == refused_wait
    assert sent.waits == []


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([200], "applied"),
        ([503, 200], "applied"),
        ([429, 429, 429], "unknown_is_told_by_the_judge"),
        ([requests.ReadTimeout(), 404], "unknown"),
        (
            [requests.ConnectTimeout(), requests.ConnectTimeout(), requests.ConnectTimeout()],
            "not_applied",
        ),
    ],
)
def test_outcome_over_all_attempts(answers: list[Answer], outcome: str) -> None:
    def refusing_judge(answer: HttpAnswer) -> Attempt:
        if answer.status == 404:
            return Attempt("campaign_not_found", "not_applied")
        if answer.status == 429:
            return Attempt("rate_limited", "unknown_is_told_by_the_judge", AFTER_RATE_LIMIT)
        return judge(answer)

    assert send(answers, judge=refusing_judge).exchange.outcome == outcome


def test_the_request_is_what_was_given_and_no_more() -> None:
    with responses.RequestsMock() as mock:
        mock.post(URL)
        client = HttpClient(SessionCache(), Watchdog(), ClockDouble(), longest)
        client.post(REQUEST, judge, 0, Deadline(ClockDouble(), 60.0))
        call = mock.calls[0].request
    assert call.body == b"{}"
    assert dict(call.headers) == {"User-Agent": "tests", "Content-Length": "2"}


@pytest.mark.parametrize(
    ("timeout", "retries", "connect", "read"),
    [(60.0, 2, 10.0, 20.0), (60.0, 0, 10.0, 60.0), (6.0, 2, 2.0, 2.0), (1e12, 0, 10.0, 86400.0)],
)
def test_an_attempt_gets_its_share_of_the_time(
    timeout: float, retries: int, connect: float, read: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[t.Any] = []
    real_send = requests.Session.send

    def send(self: requests.Session, *args: t.Any, **kwargs: t.Any) -> requests.Response:
        seen.append(kwargs["timeout"])
        return real_send(self, *args, **kwargs)

    monkeypatch.setattr(requests.Session, "send", send)
    with responses.RequestsMock() as mock:
        mock.post(URL)
        clock = ClockDouble()
        client = HttpClient(SessionCache(), Watchdog(), clock, longest)
        client.post(REQUEST, judge, retries, Deadline(clock, timeout))
    assert seen == [(connect, read)]


@pytest.mark.parametrize(
    ("size", "too_large", "kept"), [(65536, False, 65536), (65537, True, 65536)]
)
def test_an_answer_is_read_up_to_its_limit(size: int, too_large: bool, kept: int) -> None:
    answers: list[HttpAnswer] = []

    def keep(answer: HttpAnswer) -> Attempt:
        answers.append(answer)
        return Attempt(None, APPLIED)

    with responses.RequestsMock() as mock:
        mock.post(URL, body=b"x" * size, content_type="Text/HTML", headers={"Retry-After": "5"})
        client = HttpClient(SessionCache(), Watchdog(), ClockDouble(), longest)
        client.post(REQUEST, keep, 0, Deadline(ClockDouble(), 60.0))
    assert [len(answer.body) for answer in answers] == [kept]
    assert answers[0]._replace(body=b"") == HttpAnswer(200, b"", "text/html", "5", too_large)


def test_a_redirect_is_an_answer_like_any_other() -> None:
    statuses: list[int] = []

    def keep(answer: HttpAnswer) -> Attempt:
        statuses.append(answer.status)
        return Attempt("redirected", "unknown")

    with responses.RequestsMock() as mock:
        mock.post(URL, status=307, headers={"Location": "https://elsewhere.example/"})
        client = HttpClient(SessionCache(), Watchdog(), ClockDouble(), longest)
        client.post(REQUEST, keep, 2, Deadline(ClockDouble(), 60.0))
        assert len(mock.calls) == 1
    assert statuses == [307]


def test_a_session_is_kept_for_a_server_its_tls_setting_and_its_proxy() -> None:
    cache = SessionCache()
    same = cache.session_for(REQUEST)
    assert cache.session_for(REQUEST._replace(url=f"{URL}/other")) is same
    for other in (
        REQUEST._replace(url="https://other.example/update"),
        REQUEST._replace(verify=False),
        REQUEST._replace(verify="/authorities.pem"),
        REQUEST._replace(proxy="http://proxy.example:3128"),
    ):
        assert cache.session_for(other) is not same


def test_an_error_of_the_libraries_ends_the_attempts_and_is_told() -> None:
    last = send([ZeroDivisionError()]).exchange.last
    assert (last.reason, last.outcome) == ("connection_failed", "unknown")
    assert last.kind == UNEXPECTED_ERROR
    assert last.detail.startswith("ZeroDivisionError in ")


def test_where_no_watchdog_can_be_had_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: t.Any) -> t.NoReturn:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", fail)
    last = send([]).exchange.last
    assert (last.reason, last.outcome) == ("connection_failed", "not_applied")


def test_an_interruption_passes() -> None:
    def interrupted(_answer: HttpAnswer) -> Attempt:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send([200], judge=interrupted)


def test_a_deadline_that_has_passed_still_allows_a_first_short_attempt() -> None:
    assert client_file._share(0.0, 3) == client_file.SHORTEST_ATTEMPT_SECONDS
