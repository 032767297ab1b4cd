# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options: what Ansible makes of them, what each may hold, and the warnings."""

from __future__ import annotations

import os
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.options import (
    bulk_argument_spec,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._did_lists import DidList
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import (
    INVALID_INPUT,
    InvalidInput,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import (
    ApiSettings,
    Campaign,
    RecordOptions,
    api_argument_spec,
    campaign_argument_spec,
    info_argument_spec,
    input_warnings,
    read_api_settings,
    read_campaign,
    read_record_options,
    record_argument_spec,
    record_changes_argument_spec,
    update_argument_spec,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._warned import Warned
from ansible_collections.ozonetel.cloudagent.tests.unit.support import API_KEY, OPTIONS

REQUIRED = {"username": "acme", "api_key": API_KEY}


class Validated(t.NamedTuple):
    params: dict[str, t.Any]
    errors: list[str]
    secrets: set[str]


def validate(spec: dict[str, dict[str, t.Any]], params: dict[str, t.Any]) -> Validated:
    """Return what Ansible makes of the params, as a module and an action plugin get them."""
    result = ArgumentSpecValidator(spec).validate(params)
    return Validated(
        result.validated_parameters, list(result.error_messages), result._no_log_values
    )


def refusal(read: t.Callable[[], object]) -> str:
    with pytest.raises(InvalidInput) as caught:
        read()
    assert caught.value.reason == INVALID_INPUT
    return caught.value.message


def test_the_api_options_have_their_defaults() -> None:
    assert validate(api_argument_spec(), dict(REQUIRED)) == (
        {
            "username": "acme",
            "api_key": API_KEY,
            "region": None,
            "api_url": None,
            "validate_certs": True,
            "ca_path": None,
            "timeout": 60.0,
            "retries": 2,
        },
        [],
        {API_KEY},
    )


def test_ansible_converts_the_api_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/acme")
    options = {
        "username": 7,
        "api_key": 123456,
        "region": "international",
        "api_url": "https://cc.partner.example",
        "validate_certs": "no",
        "ca_path": "~/own.pem",
        "timeout": "2.5",
        "retries": "3",
    }
    assert validate(api_argument_spec(), options) == (
        {
            **options,
            "username": "7",
            "api_key": "123456",
            "validate_certs": False,
            "ca_path": "/home/acme/own.pem",
            "timeout": 2.5,
            "retries": 3,
        },
        [],
        {"123456"},
    )


def test_the_account_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OZONETEL_USERNAME", "globex")
    monkeypatch.setenv("OZONETEL_API_KEY", "from-the-environment")
    params, errors, secrets = validate(api_argument_spec(), {})
    assert errors == []
    assert (params["username"], params["api_key"]) == ("globex", "from-the-environment")
    assert secrets == {"from-the-environment"}
    params, _errors, _secrets = validate(api_argument_spec(), {"username": "acme"})
    assert params["username"] == "acme"


def test_region_and_api_url_of_the_environment_are_not_option_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OZONETEL_API_URL", "https://cc.partner.example")
    monkeypatch.setenv("OZONETEL_REGION", "international")
    params = validate(api_argument_spec(), dict(REQUIRED)).params
    assert (params["region"], params["api_url"]) == (None, None)


@pytest.mark.parametrize("missing", ["username", "api_key"])
def test_the_account_is_required(missing: str) -> None:
    params = {name: value for name, value in REQUIRED.items() if name != missing}
    errors = validate(api_argument_spec(), params).errors
    assert errors == [f"missing required arguments: {missing}"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"region": "nowhere"}, "value of region must be one of: domestic, international"),
        ({"timeout": "soon"}, "argument 'timeout' is of type"),
        ({"retries": "2.5"}, "argument 'retries' is of type"),
        ({"validate_certs": "maybe"}, "argument 'validate_certs' is of type"),
    ],
)
def test_ansible_refuses_invalid_api_options(options: dict[str, t.Any], error: str) -> None:
    errors = validate(api_argument_spec(), {**REQUIRED, **options}).errors
    assert len(errors) == 1
    assert error in errors[0]


@pytest.mark.parametrize(
    "value", [9140001001, 9.5, True, "9140001001", ["9140001001", 9140001002], [None], {"a": 1}]
)
def test_ansible_leaves_the_lists_as_they_were_given(value: t.Any) -> None:
    options = {"campaign_name": "Sales", "dynamic_dids": value, "fallback_dynamic_dids": value}
    params, errors, _secrets = validate(campaign_argument_spec(), options)
    assert errors == []
    assert params == options
    assert type(params["dynamic_dids"]) is type(value)


def test_a_campaign_needs_a_name_and_both_lists() -> None:
    assert validate(campaign_argument_spec(), {}).errors == [
        "missing required arguments: campaign_name, dynamic_dids, fallback_dynamic_dids"
    ]


def api_settings_with(environment: dict[str, str], **options: t.Any) -> ApiSettings:
    return read_api_settings({**OPTIONS, **options}, environment)


def test_api_settings_are_read_from_the_options() -> None:
    assert api_settings_with({}) == ApiSettings(
        username="acme",
        api_key=API_KEY,
        endpoint="https://in1-ccaas-api.ozonetel.com",
        verify=True,
        timeout=60.0,
        retries=2,
    )


@pytest.mark.parametrize(
    ("options", "environment", "endpoint"),
    [
        ({}, {"OZONETEL_REGION": "international"}, "https://api.ccaas.ozonetel.com"),
        ({"region": "international"}, {}, "https://api.ccaas.ozonetel.com"),
        ({"api_url": "https://cc.partner.example/"}, {}, "https://cc.partner.example"),
    ],
)
def test_the_endpoint_comes_from_options_or_environment(
    options: dict[str, t.Any], environment: dict[str, str], endpoint: str
) -> None:
    assert api_settings_with(environment, **options).endpoint == endpoint


@pytest.fixture(name="paths")
def _paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the paths that the tables call by short names."""
    folder = tmp_path_factory.mktemp("authorities")
    paths = {"folder": str(folder), "missing": str(folder / "missing.pem")}
    for name in ("own.pem", "bundle.pem", "curl.pem"):
        (folder / name).write_text("", encoding="utf-8")
        paths[name] = str(folder / name)
    return paths


@pytest.mark.parametrize(
    ("validate_certs", "ca_path", "environment", "verify"),
    [
        (True, None, {}, True),
        (True, None, {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""}, True),
        (True, None, {"REQUESTS_CA_BUNDLE": "bundle.pem"}, "bundle.pem"),
        (True, None, {"CURL_CA_BUNDLE": "curl.pem"}, "curl.pem"),
        (True, None, {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "curl.pem"}, "curl.pem"),
        (
            True,
            None,
            {"REQUESTS_CA_BUNDLE": "bundle.pem", "CURL_CA_BUNDLE": "curl.pem"},
            "bundle.pem",
        ),
        (True, "own.pem", {"REQUESTS_CA_BUNDLE": "bundle.pem"}, "own.pem"),
        (True, "own.pem", {"REQUESTS_CA_BUNDLE": "missing"}, "own.pem"),
        (True, "folder", {}, "folder"),
        # Without verification no file of authorities is looked at.
        (False, None, {}, False),
        (False, "own.pem", {"REQUESTS_CA_BUNDLE": "bundle.pem"}, False),
        (False, "missing", {}, False),
        (False, None, {"REQUESTS_CA_BUNDLE": "missing"}, False),
    ],
)
def test_ca_path_overrides_the_environment(
    paths: dict[str, str],
    validate_certs: bool,
    ca_path: str | None,
    environment: dict[str, str],
    verify: bool | str,
) -> None:
    api = api_settings_with(
        {name: paths.get(value, value) for name, value in environment.items()},
        validate_certs=validate_certs,
        ca_path=None if ca_path is None else paths[ca_path],
    )
    assert api.verify == (paths[verify] if isinstance(verify, str) else verify)


@pytest.mark.parametrize(
    ("ca_path", "environment", "subject"),
    [
        ("missing", {"REQUESTS_CA_BUNDLE": "own.pem"}, "ca_path"),
        (None, {"REQUESTS_CA_BUNDLE": "missing"}, "The environment variable REQUESTS_CA_BUNDLE"),
        (None, {"CURL_CA_BUNDLE": "missing"}, "The environment variable CURL_CA_BUNDLE"),
    ],
)
def test_a_missing_file_of_authorities_is_refused(
    paths: dict[str, str], ca_path: str | None, environment: dict[str, str], subject: str
) -> None:
    message = refusal(
        lambda: api_settings_with(
            {name: paths[value] for name, value in environment.items()},
            ca_path=None if ca_path is None else paths[ca_path],
        )
    )
    missing = paths["missing"]
    assert message == (
        f"{subject} names a file or directory that can't be read here: {missing}. Check the path, and "
        "the rights of the user who runs the update."
    )


def test_an_unreadable_file_of_authorities_is_refused(
    paths: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def may_not_read(path: str, mode: int) -> bool:
        return not mode & os.R_OK

    # The tests may run as root, who may read everything.
    monkeypatch.setattr("os.access", may_not_read)
    message = refusal(lambda: api_settings_with({}, ca_path=paths["own.pem"]))
    assert message.startswith("ca_path names a file or directory that can't be read here")


@pytest.mark.parametrize("ca_path", ["/etc/ssl\0.pem", "/etc/ssl/\ud800.pem"])
def test_an_invalid_path_of_authorities_is_refused(ca_path: str) -> None:
    message = refusal(lambda: api_settings_with({}, ca_path=ca_path))
    assert message.startswith("ca_path ")
    assert message.isprintable()


CONTROL = (
    "contains a control character, such as a line break, as character {}. "
    "Check where the value comes from."
)


@pytest.mark.parametrize("name", ["username", "api_key", "campaign_name"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param("", "is empty.", id="empty"),
        pytest.param(" \t\n", "is empty.", id="blank"),
        pytest.param("\u00a0", "is empty.", id="no-break space"),
        pytest.param("s3cret\n", CONTROL.format(7), id="line break at the end"),
        pytest.param("\x00s3cret", CONTROL.format(1), id="NUL"),
        pytest.param("s3\x1b[31mcret", CONTROL.format(3), id="escape code"),
        pytest.param("s3\x85cret", CONTROL.format(3), id="next line"),
        pytest.param("s3\ud800cret", "is not valid UTF-8 text: see character 3.", id="surrogate"),
    ],
)
def test_empty_texts_and_control_characters_are_refused(
    name: str, value: str, message: str
) -> None:
    def read() -> None:
        api_settings_with({}, **{name: value})
        read_campaign({**OPTIONS, name: value})

    if message == "is empty." and name == "campaign_name":
        message += " Give the name of the campaign."
    elif message == "is empty.":
        message += (
            " Check where it comes from: the task, module_defaults, or the environment variable "
            f"OZONETEL_{name.upper()} where the update runs."
        )
    assert refusal(read) == f"{name} {message}"


@pytest.mark.parametrize(
    "name", ["Sales", " Sales ", "B\u00fccher \U0001f4de", "{{ x }}", "a,b", "0"]
)
def test_names_are_kept_exactly(name: str) -> None:
    assert read_campaign({**OPTIONS, "campaign_name": name}).name == name
    api = api_settings_with({}, username=name, api_key=name)
    assert (api.username, api.api_key) == (name, name)


@given(st.text(st.characters(), min_size=1).map(lambda text: f"Pa55{text}"))
def test_a_refused_key_is_not_in_the_message(api_key: str) -> None:
    try:
        assert api_settings_with({}, api_key=api_key).api_key == api_key
    except InvalidInput as refused:
        assert "Pa55" not in refused.message


@pytest.mark.parametrize("timeout", [0.001, 0.5, 60.0, 86400.0, 1e300])
def test_valid_timeouts_are_accepted(timeout: float) -> None:
    assert api_settings_with({}, timeout=timeout).timeout == timeout


@pytest.mark.parametrize("timeout", [0.0, -0.0, -1.0, float("inf"), float("-inf"), float("nan")])
def test_invalid_timeouts_are_refused(timeout: float) -> None:
    message = refusal(lambda: api_settings_with({}, timeout=timeout))
    assert message == "timeout must be a number of seconds greater than 0."


@pytest.mark.parametrize("retries", [0, 1, 10])
def test_valid_retries_are_accepted(retries: int) -> None:
    assert api_settings_with({}, retries=retries).retries == retries


@pytest.mark.parametrize("retries", [-1, 11, 1000])
def test_invalid_retries_are_refused(retries: int) -> None:
    message = refusal(lambda: api_settings_with({}, retries=retries))
    assert message == "retries must be from 0 to 10."


def test_the_record_options_have_their_defaults() -> None:
    params, errors, _secrets = validate(record_argument_spec(), {})
    assert errors == []
    assert params == {
        "record": True,
        "record_dir": None,
        "record_url": None,
        "record_note": None,
        "skip_unchanged": False,
    }


@pytest.mark.parametrize(
    ("record_dir", "environment", "directory"),
    [
        (None, {}, "/home/acme/.local/state/ozonetel.cloudagent"),
        (None, {"XDG_STATE_HOME": "/state"}, "/state/ozonetel.cloudagent"),
        (None, {"XDG_STATE_HOME": "state"}, "/home/acme/.local/state/ozonetel.cloudagent"),
        (None, {"XDG_STATE_HOME": ""}, "/home/acme/.local/state/ozonetel.cloudagent"),
        (None, {"XDG_STATE_HOME": "/state", "OZONETEL_RECORD_DIR": "/records"}, "/records"),
        (
            None,
            {"XDG_STATE_HOME": "/state", "OZONETEL_RECORD_DIR": ""},
            "/state/ozonetel.cloudagent",
        ),
        (None, {"OZONETEL_RECORD_DIR": "~/records"}, "/home/acme/records"),
        (None, {"OZONETEL_RECORD_DIR": "$HOME/records"}, "/home/acme/records"),
        ("/given", {"XDG_STATE_HOME": "/state", "OZONETEL_RECORD_DIR": "/records"}, "/given"),
        ("/given/../other/", {}, "/other"),
    ],
)
def test_record_dir_overrides_the_environment_and_the_default(
    monkeypatch: pytest.MonkeyPatch,
    record_dir: str | None,
    environment: dict[str, str],
    directory: str,
) -> None:
    monkeypatch.setenv("HOME", "/home/acme")
    params = {**OPTIONS, "record_dir": record_dir}
    assert read_record_options(params, environment) == RecordOptions(True, directory, None, False)


URL = "postgresql://deploy:s3cr3t@db.example/records"


@pytest.mark.parametrize(
    ("given", "environment", "url"),
    [
        ({"record_url": URL}, {}, URL),
        ({"record_url": "postgres://db.example"}, {}, "postgres://db.example"),
        ({"record_url": URL}, {"OZONETEL_RECORD_DIR": "/records"}, URL),
        ({"record_url": URL}, {"OZONETEL_RECORD_URL": "postgresql://other"}, URL),
        ({}, {"OZONETEL_RECORD_URL": URL}, URL),
        ({}, {"OZONETEL_RECORD_URL": URL, "OZONETEL_RECORD_DIR": "/records"}, URL),
        ({"record_dir": "/records"}, {"OZONETEL_RECORD_URL": URL}, None),
        ({}, {"OZONETEL_RECORD_URL": ""}, None),
    ],
)
def test_when_the_records_are_in_a_database(
    given: dict[str, str], environment: dict[str, str], url: str | None
) -> None:
    options = read_record_options({**OPTIONS, **given}, environment)
    assert options.place.url == url
    assert (options.place.directory is None) is (url is not None)


@pytest.mark.parametrize("record_url", [" ", "mysql://deploy:s3cr3t@db", f" {URL}", f"{URL}\n"])
@pytest.mark.parametrize("way", ["option", "environment"])
def test_a_url_that_can_not_be_used(record_url: str, way: str) -> None:
    params = {**OPTIONS, "record_url": record_url if way == "option" else None}
    with pytest.raises(InvalidInput) as caught:
        read_record_options(params, {"OZONETEL_RECORD_URL": record_url})
    assert "s3cr3t" not in caught.value.message
    name = "record_url" if way == "option" else "The environment variable OZONETEL_RECORD_URL"
    assert caught.value.message.startswith(name)


def test_records_are_in_one_place() -> None:
    params = {**OPTIONS, "record_dir": "/records", "record_url": URL}
    with pytest.raises(InvalidInput, match="record_dir and record_url are both given"):
        read_record_options(params, {})


def note_of(record_note: str | None) -> str | None:
    return read_record_options({**OPTIONS, "record_note": record_note}, {}).note


@pytest.mark.parametrize(
    ("given", "note"),
    [
        (None, None),
        ("", None),
        (" \t\n ", None),
        ("https://ci.example/job/7?a=b#c", "https://ci.example/job/7?a=b#c"),
        (" B\u00fccher \U0001f4de ", " B\u00fccher \U0001f4de "),
        ("x" * 200, "x" * 200),
        ("\U0001f4de" * 200, "\U0001f4de" * 200),
    ],
)
def test_a_note_is_kept_unless_it_is_blank(given: str | None, note: str | None) -> None:
    assert note_of(given) == note


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("x" * 201, "record_note has 201 characters; at most 200 are kept. Shorten it."),
        (
            "job 7\nmain",
            "record_note contains a control character, such as a line break, as character 6. Check "
            "where the value comes from.",
        ),
        (
            "\x1b[31m7",
            "record_note contains a control character, such as a line break, as character 1. Check "
            "where the value comes from.",
        ),
        ("job \ud800", "record_note is not valid UTF-8 text: see character 5."),
    ],
)
def test_invalid_notes_are_refused(given: str, message: str) -> None:
    assert refusal(lambda: note_of(given)) == message


def test_the_note_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OZONETEL_RECORD_NOTE", "https://ci.example/job/7")
    assert validate(record_argument_spec(), {}).params["record_note"] == "https://ci.example/job/7"
    given = {"record_note": "by hand"}
    assert validate(record_argument_spec(), given).params["record_note"] == "by hand"


# --- The options of the modules that send nothing -------------------------------------------------

DEFAULTS_WITHOUT_SENDING: dict[str, t.Any] = {
    "username": None,
    "api_key": None,
    "region": None,
    "api_url": None,
    "validate_certs": True,
    "ca_path": None,
    "timeout": 60.0,
    "retries": 2,
    "record": True,
    "record_dir": None,
    "record_url": None,
    "record_note": None,
    "skip_unchanged": False,
    "campaign_name": None,
    "did": None,
}


def test_the_info_module_ignores_the_account_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Of an account, only what is given is a filter.
    monkeypatch.setenv("OZONETEL_USERNAME", "globex")
    monkeypatch.setenv("OZONETEL_API_KEY", "from-the-environment")
    params, errors, secrets = validate(info_argument_spec(), {})
    assert errors == []
    others = {"as_update": False, "before": None, "history_limit": 10}
    assert params == {**DEFAULTS_WITHOUT_SENDING, **others}
    assert secrets == set()
    assert validate(info_argument_spec(), {"api_key": "a-key"}).secrets == {"a-key"}


def test_the_record_module_requires_a_state_and_ignores_the_account_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OZONETEL_USERNAME", "globex")
    monkeypatch.setenv("OZONETEL_API_KEY", "from-the-environment")
    params, errors, secrets = validate(record_changes_argument_spec(), {"state": "absent"})
    assert errors == []
    assert params == {**DEFAULTS_WITHOUT_SENDING, "state": "absent", "all": False}
    assert secrets == set()
    assert validate(record_changes_argument_spec(), {}).errors == [
        "missing required arguments: state"
    ]
    errors = validate(record_changes_argument_spec(), {"state": "present"}).errors
    assert errors == ["value of state must be one of: unconfirmed, absent, got: present"]


@pytest.mark.parametrize("value", [9140001001, "9140001001", ["9140001001"], "04440123456"])
def test_ansible_leaves_did_as_it_was_given(value: t.Any) -> None:
    params, errors, _secrets = validate(info_argument_spec(), {"did": value})
    assert errors == []
    assert params["did"] == value
    assert type(params["did"]) is type(value)


@pytest.mark.parametrize("spec", [update_argument_spec, bulk_argument_spec])
def test_every_module_accepts_all_options_of_the_group(
    spec: t.Callable[[], dict[str, dict[str, t.Any]]],
) -> None:
    group = {*api_argument_spec(), *record_argument_spec()}
    assert group <= set(spec())
    assert group <= set(info_argument_spec())
    assert group <= set(record_changes_argument_spec())


def test_a_user_without_a_home_has_no_record_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert read_record_options(OPTIONS, {}).directory is None


@pytest.mark.parametrize(
    ("options", "environment", "message"),
    [
        (
            {"record": False, "skip_unchanged": True},
            {},
            "skip_unchanged and record: false are both given, but only the record tells what is "
            "unchanged. Leave one of them out.",
        ),
        (
            {"record_dir": ""},
            {},
            "record_dir is empty. Give the absolute path of a directory, or leave it out.",
        ),
        ({"record_dir": "/x\0"}, {}, "record_dir is '/x\\x00', which is not a valid path."),
        (
            {},
            {"OZONETEL_RECORD_DIR": "/x\ud800"},
            "The environment variable OZONETEL_RECORD_DIR is '/x\\ud800', which is not a valid path.",
        ),
    ],
)
def test_invalid_record_options_are_refused(
    options: dict[str, t.Any], environment: dict[str, str], message: str
) -> None:
    assert refusal(lambda: read_record_options({**OPTIONS, **options}, environment)) == message


def test_a_campaign_is_read_from_the_options() -> None:
    assert read_campaign({**OPTIONS, "fallback_dynamic_dids": 9140002001}) == Campaign(
        name="Sales",
        dynamic=DidList(["9140001001", "9140001002"], held_integers=False, notices=[]),
        fallback=DidList(["9140002001"], held_integers=True, notices=[]),
    )


@pytest.mark.parametrize(
    "given", ["records", "./records", "~nobody-here/records", "$UNSET/records", 5, ["/records"]]
)
@pytest.mark.parametrize("way", ["option", "environment"])
def test_a_record_dir_that_is_not_absolute_is_refused(
    given: object, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UNSET", raising=False)
    options = {"record_dir": given} if way == "option" else {}
    # As Ansible reads a path.
    params, errors, _secrets = validate(record_argument_spec(), options)
    assert errors == []
    environment = {"OZONETEL_RECORD_DIR": str(given)} if way == "environment" else {}
    name = "record_dir" if way == "option" else "The environment variable OZONETEL_RECORD_DIR"
    assert refusal(lambda: read_record_options(params, environment)) == (
        f"{name} is {str(given)!a}, which is not an absolute path. Give one that begins with /. A ~ "
        "or a variable at its beginning must exist where the update runs."
    )


@pytest.mark.parametrize("name", ["dynamic_dids", "fallback_dynamic_dids"])
def test_a_refused_list_is_named_by_its_option(name: str) -> None:
    message = refusal(lambda: read_campaign({**OPTIONS, name: []}))
    assert message == f"{name} is an empty list. Give at least one DID."


MASKED = (
    "The API key also occurs in {}. Ansible masks it there in what it shows; "
    "the request holds the true values."
)


@pytest.mark.parametrize(
    ("options", "warnings"),
    [
        pytest.param({}, [], id="nothing to warn of"),
        pytest.param({"api_key": "acme"}, [MASKED.format("username")], id="key is the user"),
        pytest.param({"api_key": "ale"}, [MASKED.format("campaign_name")], id="in the campaign"),
        pytest.param({"api_key": "ALE"}, [], id="other letters are another key"),
        pytest.param({"api_key": "0001001"}, [MASKED.format("dynamic_dids")], id="in a DID"),
        pytest.param(
            {"api_key": "914000"},
            [MASKED.format("dynamic_dids, fallback_dynamic_dids")],
            id="in both lists",
        ),
        pytest.param(
            {"api_key": "1", "username": "u1", "campaign_name": "c1"},
            [MASKED.format("username, campaign_name, dynamic_dids, fallback_dynamic_dids")],
            id="everywhere",
        ),
    ],
)
def test_a_key_that_occurs_in_the_input_causes_a_warning(
    options: dict[str, t.Any], warnings: list[str]
) -> None:
    found = input_warnings(api_settings_with({}, **options), read_campaign({**OPTIONS, **options}))
    assert found == [Warned("key_in_input", warning) for warning in warnings]


def test_all_kinds_of_warnings_in_order() -> None:
    options = {
        "api_key": "acme",
        "dynamic_dids": "9140001001\u200b,9140001001",
        "fallback_dynamic_dids": ["\u200b9140001001"],
    }
    found = input_warnings(api_settings_with({}, **options), read_campaign({**OPTIONS, **options}))
    assert [(warned.kind, warned.text.split(" ")[:2]) for warned in found] == [
        ("invisible_characters", ["dynamic_dids:", "invisible"]),
        ("invisible_characters", ["fallback_dynamic_dids:", "invisible"]),
        ("repeated_dids", ["dynamic_dids", "repeats"]),
        ("dids_in_both_lists", ["In", "both"]),
        ("key_in_input", ["The", "API"]),
    ]
