# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an update is sent: what counts before what, one spelling of a URL, and refused URLs."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._endpoint import (
    choose_endpoint,
    host_of,
    is_loopback_host,
    normalise_api_url,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import (
    INVALID_INPUT,
    InvalidInput,
)

DOMESTIC = "https://in1-ccaas-api.ozonetel.com"
INTERNATIONAL = "https://api.ccaas.ozonetel.com"
PARTNER = "https://cc.partner.example"
OTHER = "https://other.partner.example"
EXAMPLE = "Give a base URL such as https://cc.partner.example"


def url_environment(url: str | None, region: str | None) -> dict[str, str]:
    given_variables = {"OZONETEL_API_URL": url, "OZONETEL_REGION": region}
    return {name: value for name, value in given_variables.items() if value is not None}


@pytest.mark.parametrize(
    ("region", "api_url", "environment_url", "environment_region", "endpoint"),
    [
        (None, None, None, None, DOMESTIC),
        (None, None, "", "", DOMESTIC),
        (None, None, None, "domestic", DOMESTIC),
        (None, None, None, "international", INTERNATIONAL),
        (None, None, "", "international", INTERNATIONAL),
        (None, None, OTHER, None, OTHER),
        (None, None, OTHER, "international", OTHER),
        ("domestic", None, None, None, DOMESTIC),
        ("domestic", None, None, "international", DOMESTIC),
        ("domestic", None, OTHER, None, DOMESTIC),
        ("domestic", None, OTHER, "international", DOMESTIC),
        ("international", None, None, None, INTERNATIONAL),
        ("international", None, OTHER, "domestic", INTERNATIONAL),
        (None, PARTNER, None, None, PARTNER),
        (None, PARTNER, None, "international", PARTNER),
        (None, PARTNER, OTHER, None, PARTNER),
        (None, PARTNER, OTHER, "international", PARTNER),
        # What does not count is not looked at.
        ("domestic", None, "not a URL", "nowhere", DOMESTIC),
        (None, PARTNER, "not a URL", "nowhere", PARTNER),
        (None, None, OTHER, "nowhere", OTHER),
    ],
)
def test_options_of_the_task_override_the_environment(
    region: str | None,
    api_url: str | None,
    environment_url: str | None,
    environment_region: str | None,
    endpoint: str,
) -> None:
    environment = url_environment(environment_url, environment_region)
    assert choose_endpoint(region, api_url, environment) == endpoint


@pytest.mark.parametrize(
    ("region", "api_url", "environment", "message"),
    [
        pytest.param(
            "domestic",
            PARTNER,
            {},
            "region and api_url are both given, but only one of them can say where to send the "
            "update. Leave one out; a default of module_defaults can be left out with omit.",
            id="both options",
        ),
        pytest.param(
            "nowhere",
            None,
            {},
            "region must be one of domestic, international. For a partner's own URL use api_url.",
            id="unknown region",
        ),
        pytest.param(
            None,
            None,
            {"OZONETEL_REGION": "nowhere"},
            "OZONETEL_REGION must be one of domestic, international. "
            "For a partner's own URL use api_url.",
            id="unknown region in the environment",
        ),
        pytest.param(
            None,
            None,
            {"OZONETEL_API_URL": "https://"},
            f"OZONETEL_API_URL has no host name that can be used. {EXAMPLE}.",
            id="bad URL in the environment",
        ),
        pytest.param(
            None,
            "",
            {"OZONETEL_API_URL": OTHER},
            f"api_url has no host name that can be used. {EXAMPLE}.",
            id="an empty api_url is not one that was left out",
        ),
    ],
)
def test_contradictory_or_unknown_choices_are_refused(
    region: str | None, api_url: str | None, environment: dict[str, str], message: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        choose_endpoint(region, api_url, environment)
    assert caught.value.reason == INVALID_INPUT
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("api_url", "endpoint"),
    [
        ("https://cc.partner.example", PARTNER),
        ("https://cc.partner.example/", PARTNER),
        ("https://cc.partner.example///", PARTNER),
        ("HTTPS://CC.Partner.Example", PARTNER),
        ("https://cc.partner.example:443", PARTNER),
        ("https://cc.partner.example:0443/", PARTNER),
        ("https://cc.partner.example:", PARTNER),
        ("https://IN1-ccaas-api.ozonetel.com:443/", DOMESTIC),
        ("https://cc.partner.example:8443", f"{PARTNER}:8443"),
        ("https://cc.partner.example:80", f"{PARTNER}:80"),
        ("https://cc.partner.example/Cloud/Agent/", f"{PARTNER}/Cloud/Agent"),
        ("https://cc.partner.example/a%2Fb;c=1,(d)", f"{PARTNER}/a%2Fb;c=1,(d)"),
        ("https://cc.partner.example/a.b/..c", f"{PARTNER}/a.b/..c"),
        ("https://cc.partner.example/APIServices", f"{PARTNER}/APIServices"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://cloud_agent", "https://cloud_agent"),
        (
            f"https://{'.'.join(['a' * 63] * 3)}.{'a' * 61}",
            f"https://{'.'.join(['a' * 63] * 3)}.{'a' * 61}",
        ),
        ("https://192.0.2.7", "https://192.0.2.7"),
        ("https://[2001:DB8:0:0::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://LOCALHOST:80/", "http://localhost"),
        ("http://localhost:443", "http://localhost:443"),
        ("http://[0:0:0:0:0:0:0:1]:8000", "http://[::1]:8000"),
    ],
)
def test_a_url_is_normalised_to_one_spelling(api_url: str, endpoint: str) -> None:
    assert normalise_api_url(api_url, "api_url") == endpoint


CHARACTERS = (
    "api_url contains a space, a control character, a backslash or a character outside ASCII. "
    f"{EXAMPLE}, with an international host name in its xn-- form."
)
CREDENTIALS = (
    "api_url contains a user name or a password, which CloudAgent does not use. "
    f"{EXAMPLE}; the account goes into username and api_key."
)
QUERY = f"api_url contains a query (?) or a fragment (#). {EXAMPLE}."
UNREADABLE = f"api_url is not a URL that can be read. {EXAMPLE}."
HOST = f"api_url has no host name that can be used. {EXAMPLE}."
IPV6 = "api_url contains an IPv6 address that can't be read. Give a base URL such as https://cc.partner.example."
SCHEME = (
    "api_url must begin with https://, because the API key is sent with the request. Plain "
    "http:// is accepted only for the loopback addresses of this machine."
)
PORT = "api_url has a port that is not a number from 1 to 65535."
PATH = f"api_url has a path that can't be used as it is. {EXAMPLE}/prefix."
BASE_ALONE = (
    "api_url must be only the base URL: leave out /APIServices/dynamic/did/update, "
    "which is added to it."
)


@pytest.mark.parametrize(
    ("api_url", "messages"),
    [
        pytest.param(" https://cc.partner.example", [CHARACTERS], id="space in front"),
        pytest.param("https://cc.partner.example/\n", [CHARACTERS], id="line break behind"),
        pytest.param("https://cc.partner.example/a b", [CHARACTERS], id="space in the path"),
        pytest.param("https://cc.part\tner.example", [CHARACTERS], id="tab in the host"),
        pytest.param("https://cc.partner.example\x00", [CHARACTERS], id="NUL"),
        pytest.param("https://cc.partner.example\x7f", [CHARACTERS], id="DEL"),
        pytest.param("https://cc.partner.example\\@evil", [CHARACTERS], id="backslash"),
        pytest.param("https://b\u00fccher.example", [CHARACTERS], id="not ASCII"),
        pytest.param("https://cc.partner.example\uff0fevil", [CHARACTERS], id="wide slash"),
        pytest.param("https://cc\ud800.partner.example", [CHARACTERS], id="lone surrogate"),
        pytest.param("https://user@cc.partner.example", [CREDENTIALS], id="user"),
        pytest.param("https://user:s3cret@cc.partner.example", [CREDENTIALS], id="password"),
        pytest.param("https://:s3cret@cc.partner.example", [CREDENTIALS], id="password alone"),
        pytest.param("https://@cc.partner.example", [CREDENTIALS], id="empty user"),
        pytest.param("http://user:s3cret@127.0.0.1", [CREDENTIALS], id="password, loopback"),
        pytest.param(
            "https://user:s3/cret@cc.partner.example", [PORT, CREDENTIALS], id="slash in a password"
        ),
        pytest.param(
            "https://user:12/34@cc.partner.example", [CREDENTIALS], id="looks like a port"
        ),
        pytest.param("https://user:/secret@cc.partner.example", [CREDENTIALS], id="slash in front"),
        pytest.param("https://cc.partner.example?a=1", [QUERY], id="query"),
        pytest.param("https://cc.partner.example/a?", [QUERY], id="empty query"),
        pytest.param("https://cc.partner.example#a", [QUERY], id="fragment"),
        pytest.param("https://cc.partner.example/#", [QUERY], id="empty fragment"),
        pytest.param("https://[::1", [UNREADABLE], id="open bracket"),
        # Newer versions of Python see it when they split the URL, older ones leave it to us.
        pytest.param(
            "https://[::1]evil.example", [UNREADABLE, HOST, IPV6], id="text after bracket"
        ),
        pytest.param("https://[v1.a]", [UNREADABLE, IPV6], id="future address"),
        pytest.param("https://[127.0.0.1]", [UNREADABLE, IPV6], id="IPv4 in brackets"),
        pytest.param("https://[::g]", [UNREADABLE, IPV6], id="bad IPv6"),
        pytest.param("https://a[::1]", [UNREADABLE, HOST], id="text before bracket"),
        pytest.param("https://::1", [HOST, PORT], id="IPv6 without brackets"),
        pytest.param("", [HOST], id="empty"),
        pytest.param("https://", [HOST], id="scheme alone"),
        pytest.param("https:///path", [HOST], id="path without host"),
        pytest.param("https:cc.partner.example", [HOST], id="no slashes"),
        pytest.param("cc.partner.example", [HOST], id="no scheme"),
        pytest.param("cc.partner.example:8443", [HOST], id="port and no scheme"),
        pytest.param("https://.partner.example", [HOST], id="empty label"),
        pytest.param("https://cc..example", [HOST], id="empty label inside"),
        pytest.param("https://cc.partner.example.", [HOST], id="full stop behind"),
        pytest.param("https://cc,partner.example", [HOST], id="comma in the host"),
        pytest.param("https://cc%2epartner.example", [HOST], id="escape in the host"),
        pytest.param(f"https://{'a' * 64}.example", [HOST], id="label of 64"),
        pytest.param(f"https://{'.'.join(['a' * 63] * 3)}.{'a' * 62}", [HOST], id="name of 254"),
        pytest.param("http://cc.partner.example", [SCHEME], id="plain http"),
        pytest.param("http://in1-ccaas-api.ozonetel.com", [SCHEME], id="plain http, vendor"),
        pytest.param("http://0.0.0.0", [SCHEME], id="plain http, any address"),
        pytest.param("http://192.168.0.1", [SCHEME], id="plain http, private network"),
        pytest.param("http://localhost.evil.example", [SCHEME], id="http, name like loopback"),
        pytest.param("http://127.0.0.1.evil.example", [SCHEME], id="http, address as a name"),
        pytest.param("http://[2001:db8::1]", [SCHEME], id="plain http, IPv6"),
        pytest.param("ftp://127.0.0.1", [SCHEME], id="ftp"),
        pytest.param("//cc.partner.example", [SCHEME], id="slashes and no scheme"),
        pytest.param("https://cc.partner.example:0", [PORT], id="port 0"),
        pytest.param("https://cc.partner.example:65536", [PORT], id="port too large"),
        pytest.param("https://cc.partner.example:-1", [PORT], id="negative port"),
        pytest.param("https://cc.partner.example:https", [PORT], id="port as a word"),
        pytest.param("https://[::1]:x", [PORT], id="port as a letter after IPv6"),
        pytest.param("https://cc.partner.example/a/../b", [PATH], id="two dots in the path"),
        pytest.param("https://cc.partner.example/./a", [PATH], id="dot in the path"),
        pytest.param("https://cc.partner.example/..", [PATH], id="two dots at the end"),
        pytest.param("https://cc.partner.example/%2e%2E/a", [PATH], id="escaped dots"),
        pytest.param("https://cc.partner.example/a%zz", [PATH], id="bad escape"),
        pytest.param("https://cc.partner.example/{{x}}", [PATH], id="template"),
        pytest.param("https://cc.partner.example/<a>", [PATH], id="angle brackets"),
        pytest.param(
            "https://cc.partner.example/APIServices/dynamic/did/update",
            [BASE_ALONE],
            id="whole URL",
        ),
        pytest.param(
            "https://cc.partner.example/x/apiservices/dynamic/DID/update/",
            [BASE_ALONE],
            id="whole URL in other letters",
        ),
    ],
)
def test_an_unusable_url_is_refused(api_url: str, messages: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        normalise_api_url(api_url, "api_url")
    assert caught.value.message in messages


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("::1", True),
        ("128.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("", False),
    ],
)
def test_loopback_hosts_are_recognised(host: str, expected: bool) -> None:
    assert is_loopback_host(host) is expected


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        (DOMESTIC, "in1-ccaas-api.ozonetel.com"),
        (f"{PARTNER}:8443/x", "cc.partner.example"),
        ("http://[::1]:8000", "::1"),
        ("", ""),
    ],
)
def test_the_host_is_taken_from_the_endpoint(endpoint: str, host: str) -> None:
    assert host_of(endpoint) == host


def mostly_urls() -> st.SearchStrategy[str]:
    """Return texts near enough to a URL that many of them are one."""
    hosts = st.one_of(
        st.sampled_from(["localhost", "127.0.0.1", "[::1]", "[2001:DB8::0:1]", "CC.Example", ""]),
        st.from_regex(r"[A-Za-z0-9_.-]{1,20}", fullmatch=True),
    )
    return st.tuples(
        st.sampled_from(["https://", "HTTPS://", "http://", "//", "ftp://", ""]),
        st.sampled_from(["", "", "", "", "user@", "user:pass@"]),
        hosts,
        st.one_of(st.just(""), st.integers(0, 70000).map(lambda port: f":{port}"), st.text("0:9")),
        st.one_of(st.just(""), st.text("/aB.%25;@?#[] ", max_size=12).map(lambda path: f"/{path}")),
    ).map("".join)


@given(mostly_urls())
def test_normalising_twice_equals_once(api_url: str) -> None:
    try:
        endpoint = normalise_api_url(api_url, "api_url")
    except InvalidInput:
        return
    assert normalise_api_url(endpoint, "api_url") == endpoint
    assert not endpoint.endswith("/")
    assert endpoint.startswith("https://") or is_loopback_host(host_of(endpoint))


@given(st.one_of(st.text(), st.text("https:/[]@.%0a1?#"), mostly_urls()))
def test_any_text_is_a_url_or_a_refusal(api_url: str) -> None:
    try:
        normalise_api_url(api_url, "api_url")
    except InvalidInput as refused:
        assert refused.message.startswith("api_url ")


@example("https", "12/", "cc.partner.example")
@given(
    st.sampled_from(["https", "http", "ftp"]),
    st.text(st.characters(codec="ascii")),
    st.sampled_from(["cc.partner.example", "127.0.0.1", "[::1]:8000/x"]),
)
def test_a_password_never_shows_up_in_the_message(scheme: str, secret: str, host: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        normalise_api_url(f"{scheme}://user:{secret}Pa55@{host}", "api_url")
    assert "Pa55" not in caught.value.message
