# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""The options of the modules: their argument specs, and reading them with a check of each."""

from __future__ import annotations

import math
import os
import typing as t
import unicodedata

from ansible.module_utils.basic import env_fallback

from ._did_lists import DidList, read_did_list, repeated_did_warnings
from ._endpoint import REGION_ENDPOINTS, choose_endpoint
from ._failure import InvalidInput
from ._warned import Warned

MOST_RETRIES = 10
# The environment variables that stand in for an account option.
ACCOUNT_VARIABLES = {"username": "OZONETEL_USERNAME", "api_key": "OZONETEL_API_KEY"}
AUTHORITIES_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
RECORD_DIR_VARIABLE = "OZONETEL_RECORD_DIR"
RECORD_URL_VARIABLE = "OZONETEL_RECORD_URL"
RECORD_NOTE_VARIABLE = "OZONETEL_RECORD_NOTE"
# Those of libpq: https://www.postgresql.org/docs/current/libpq-connect.html
RECORD_URL_SCHEMES = ("postgresql://", "postgres://")
LONGEST_NOTE = 200
# What the module for records can make of them.
UNCONFIRMED, ABSENT = RECORD_STATES = ("unconfirmed", "absent")
# A kind of warnings.
KEY_IN_INPUT = "key_in_input"

Params = t.Mapping[str, t.Any]
Environment = t.Mapping[str, str]


def api_argument_spec() -> dict[str, dict[str, t.Any]]:
    """Return the options that every module of the action group takes."""
    return {
        "username": {
            "type": "str",
            "required": True,
            "fallback": (env_fallback, [ACCOUNT_VARIABLES["username"]]),
        },
        "api_key": {
            "type": "str",
            "required": True,
            "no_log": True,
            "fallback": (env_fallback, [ACCOUNT_VARIABLES["api_key"]]),
        },
        # No default and no fallback, so that choose_endpoint can see what the task itself gave.
        "region": {"type": "str", "choices": list(REGION_ENDPOINTS)},
        "api_url": {"type": "str"},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
        "timeout": {"type": "float", "default": 60},
        "retries": {"type": "int", "default": 2},
    }


def update_argument_spec() -> dict[str, dict[str, t.Any]]:
    """Return all options of the module for one campaign."""
    return {**api_argument_spec(), **record_argument_spec(), **campaign_argument_spec()}


def record_filter_argument_spec() -> dict[str, dict[str, t.Any]]:
    """Return the options of a module that sends nothing, and still fits the group's defaults."""
    spec = {**api_argument_spec(), **record_argument_spec()}
    # Nothing is required, and no environment variable stands in: what is given is a filter.
    spec["username"] = {"type": "str"}
    spec["api_key"] = {"type": "str", "no_log": True}
    spec["record_note"] = {"type": "str"}
    spec["campaign_name"] = {"type": "str"}
    spec["did"] = {"type": "raw"}
    return spec


def info_argument_spec() -> dict[str, dict[str, t.Any]]:
    """Return the options of the module that shows records."""
    return {
        **record_filter_argument_spec(),
        "as_update": {"type": "bool", "default": False},
        "before": {"type": "str"},
        "history_limit": {"type": "int", "default": 10},
    }


def record_changes_argument_spec() -> dict[str, dict[str, t.Any]]:
    """Return the options of the module that changes records."""
    return {
        **record_filter_argument_spec(),
        "state": {"type": "str", "required": True, "choices": list(RECORD_STATES)},
        "all": {"type": "bool", "default": False},
    }


def campaign_argument_spec() -> dict[str, dict[str, t.Any]]:
    """Return the options that name one campaign and its lists."""
    return {
        "campaign_name": {"type": "str", "required": True},
        "dynamic_dids": {"type": "raw", "required": True},
        "fallback_dynamic_dids": {"type": "raw", "required": True},
    }


def record_argument_spec() -> dict[str, dict[str, t.Any]]:
    """Return the options of the last-applied record."""
    return {
        "record": {"type": "bool", "default": True},
        # No default and no fallback: the home directory is that of the place of the update.
        "record_dir": {"type": "path"},
        # No fallback: the variable counts only where the task gives no record_dir.
        "record_url": {"type": "str", "no_log": True},
        "record_note": {"type": "str", "fallback": (env_fallback, [RECORD_NOTE_VARIABLE])},
        "skip_unchanged": {"type": "bool", "default": False},
    }


class ApiSettings(t.NamedTuple):
    """An account, and how its endpoint is reached.

    Attributes:
        endpoint: a normalised base URL without a trailing slash.
        verify: False, True, or the path of a file or directory of authorities.
        timeout: seconds for the update of one campaign.
        retries: how many retries are made after a fault that may be temporary.
    """

    username: str
    api_key: str
    endpoint: str
    verify: bool | str
    timeout: float
    retries: int


class Campaign(t.NamedTuple):
    """One campaign with the lists that it must get."""

    name: str
    dynamic: DidList
    fallback: DidList


class RecordPlace(t.NamedTuple):
    """Where the last-applied records are.

    Attributes:
        directory: an absolute path, or None when there is no home directory to put it in.
        url: of a PostgreSQL that is used in place of the directory, or None.
    """

    directory: str | None
    url: str | None = None


class RecordOptions(t.NamedTuple):
    """What to do about the last-applied record.

    Attributes:
        keep: compare with the record and write it.
        directory: an absolute path, or None when there is no home directory to put it in.
        note: kept in the history with what is confirmed, or None.
        skip_unchanged: send nothing when the record says that these lists were applied last.
        url: of a PostgreSQL that is used in place of the directory, or None.
    """

    keep: bool
    directory: str | None
    note: str | None
    skip_unchanged: bool
    url: str | None = None

    @property
    def place(self) -> RecordPlace:
        """Return where the records are."""
        return RecordPlace(self.directory, self.url)


def read_api_settings(params: Params, environment: Environment) -> ApiSettings:
    """Return the checked connection options.

    Raises:
        InvalidInput: an option can't be used.
    """
    return ApiSettings(
        username=_checked_text("username", params["username"]),
        api_key=_checked_text("api_key", params["api_key"]),
        endpoint=choose_endpoint(params["region"], params["api_url"], environment),
        verify=_choose_verify(params, environment),
        timeout=checked_timeout(params["timeout"]),
        retries=_checked_retries(params["retries"]),
    )


def choose_username(params: Params, environment: Environment) -> str:
    """Return the account that an update would use.

    Raises:
        InvalidInput: there is none, or it can't be used.
    """
    variable = ACCOUNT_VARIABLES["username"]
    username = params["username"]
    if username is None and variable not in environment:
        raise InvalidInput(
            f"Which account is meant is not known. Give username, or set {variable} in the "
            "environment of the host and user that run the task."
        )
    return _checked_text("username", environment[variable] if username is None else username)


def read_campaign(params: Params) -> Campaign:
    """Return the checked campaign and its lists.

    Raises:
        InvalidInput: the name or a DID can't be used.
    """
    name = _checked_text("campaign_name", params["campaign_name"])
    lists = (
        read_did_list(option, params[option], secret=params["api_key"])
        for option in ("dynamic_dids", "fallback_dynamic_dids")
    )
    return Campaign(name, *lists)


def read_record_options(params: Params, environment: Environment) -> RecordOptions:
    """Return the checked options of the last-applied record.

    Raises:
        InvalidInput: an option can't be used.
    """
    if params["skip_unchanged"] and not params["record"]:
        raise InvalidInput(
            "skip_unchanged and record: false are both given, but only the record tells what is "
            "unchanged. Leave one of them out."
        )
    place = choose_record_place(params, environment)
    return RecordOptions(
        keep=params["record"],
        directory=place.directory,
        note=_checked_note(params["record_note"]),
        skip_unchanged=params["skip_unchanged"],
        url=place.url,
    )


def choose_record_place(params: Params, environment: Environment) -> RecordPlace:
    """Return where the records are: what the task gives, then what the environment names.

    Raises:
        InvalidInput: what names the place can't be used, or the task gives two.
    """
    record_dir, record_url = params["record_dir"], params["record_url"]
    if record_dir is not None and record_url is not None:
        raise InvalidInput(
            "record_dir and record_url are both given, but records are kept in one place. Leave one "
            "of them out; a default of module_defaults can be left out with omit."
        )
    if record_url is not None:
        return RecordPlace(None, _checked_record_url("record_url", record_url))
    if record_dir is None and environment.get(RECORD_URL_VARIABLE):
        name = f"The environment variable {RECORD_URL_VARIABLE}"
        return RecordPlace(None, _checked_record_url(name, environment[RECORD_URL_VARIABLE]))
    return RecordPlace(choose_record_dir(record_dir, environment))


def choose_record_dir(record_dir: str | None, environment: Environment) -> str | None:
    """Return the absolute path of the directory of the records, or None without a home directory.

    Raises:
        InvalidInput: what names the directory can't be used.
    """
    if record_dir is not None:
        return _checked_record_dir("record_dir", record_dir)
    if environment.get(RECORD_DIR_VARIABLE):
        path = os.path.expanduser(os.path.expandvars(environment[RECORD_DIR_VARIABLE]))
        return _checked_record_dir(f"The environment variable {RECORD_DIR_VARIABLE}", path)
    # From the XDG Base Directory Specification, which also says that a relative path is ignored.
    state_home = environment.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state_home):
        state_home = os.path.expanduser("~/.local/state")
    return os.path.join(state_home, "ozonetel.cloudagent") if os.path.isabs(state_home) else None


def input_warnings(api: ApiSettings, campaign: Campaign) -> list[Warned]:
    """Return what the user should know about input that is used as it is."""
    return [
        *campaign.dynamic.notices,
        *campaign.fallback.notices,
        *repeated_did_warnings(campaign.dynamic.numbers, campaign.fallback.numbers),
        *_masking_warnings(api, campaign),
    ]


def _masking_warnings(api: ApiSettings, campaign: Campaign) -> list[Warned]:
    places = {
        "username": [api.username],
        "campaign_name": [campaign.name],
        "dynamic_dids": campaign.dynamic.numbers,
        "fallback_dynamic_dids": campaign.fallback.numbers,
    }
    key = api.api_key
    # Joined first, since that is quick, and almost no key occurs anywhere.
    found = [
        name
        for name, texts in places.items()
        if key in "".join(texts) and any(key in x for x in texts)
    ]
    if not found:
        return []
    text = (
        f"The API key also occurs in {', '.join(found)}. Ansible masks it there in what it shows; "
        "the request holds the true values."
    )
    return [Warned(KEY_IN_INPUT, text)]


def _checked_text(name: str, value: str | None) -> str:
    """Return the value; the messages never repeat it, as one of these options is a secret."""
    # From ansible-core 2.19 on, null passes as a value of a required option.
    if value is None or not value.strip():
        raise InvalidInput(_empty_message(name))
    return _printable(name, value)


def _checked_note(note: str | None) -> str | None:
    if note is None or not note.strip():
        return None
    if len(note) > LONGEST_NOTE:
        raise InvalidInput(
            f"record_note has {len(note)} characters; at most {LONGEST_NOTE} are kept. Shorten it."
        )
    return _printable("record_note", note)


def _printable(name: str, value: str) -> str:
    if value.isprintable():
        return value
    for position, character in enumerate(value, start=1):
        category = unicodedata.category(character)
        if category == "Cc":
            raise InvalidInput(
                f"{name} contains a control character, such as a line break, as character {position}. "
                "Check where the value comes from."
            )
        if category == "Cs":
            raise InvalidInput(f"{name} is not valid UTF-8 text: see character {position}.")
    return value


def _empty_message(name: str) -> str:
    if name not in ACCOUNT_VARIABLES:
        return f"{name} is empty. Give the name of the campaign."
    return (
        f"{name} is empty. Check where it comes from: the task, module_defaults, or the "
        f"environment variable {ACCOUNT_VARIABLES[name]} where the update runs."
    )


def _choose_verify(params: Params, environment: Environment) -> bool | str:
    if not params["validate_certs"]:
        return False
    if params["ca_path"] is not None:
        return _checked_ca_path("ca_path", params["ca_path"])
    for name in AUTHORITIES_VARIABLES:
        if environment.get(name):
            return _checked_ca_path(f"The environment variable {name}", environment[name])
    return True


def _checked_ca_path(name: str, path: str) -> str:
    if _is_readable(path):
        return path
    shown = path if path.isprintable() else ascii(path)
    raise InvalidInput(
        f"{name} names a file or directory that can't be read here: {shown}. Check the path, and the "
        "rights of the user who runs the update."
    )


def _checked_record_dir(name: str, path: str) -> str:
    if not path.strip():
        raise InvalidInput(
            f"{name} is empty. Give the absolute path of a directory, or leave it out."
        )
    try:
        spelled = os.fsencode(path)
    except UnicodeEncodeError:
        spelled = b"\0"
    if b"\0" in spelled:
        raise InvalidInput(f"{name} is {path!a}, which is not a valid path.")
    if not os.path.isabs(path):
        raise InvalidInput(
            f"{name} is {path!a}, which is not an absolute path. Give one that begins with /. A ~ or "
            "a variable at its beginning must exist where the update runs."
        )
    return os.path.normpath(path)


def _checked_record_url(name: str, url: str) -> str:
    """Return the URL; it may hold a password, so that no message repeats any of it."""
    if not url.strip():
        raise InvalidInput(f"{name} is empty. Give the URL of a PostgreSQL, or leave it out.")
    if not url.startswith(RECORD_URL_SCHEMES):
        raise InvalidInput(
            f"{name} must begin with postgresql:// (its value is not shown, because it may hold a "
            "password)."
        )
    return _printable(name, url)


def _is_readable(path: str) -> bool:
    try:
        return os.access(path, os.R_OK)
    except ValueError:
        # A null byte, or what no file system can spell.
        return False


def checked_timeout(timeout: float) -> float:
    """Return the seconds that an update may take.

    Raises:
        InvalidInput: they can't be so many.
    """
    if not math.isfinite(timeout) or timeout <= 0:
        raise InvalidInput("timeout must be a number of seconds greater than 0.")
    return timeout


def _checked_retries(retries: int) -> int:
    if not 0 <= retries <= MOST_RETRIES:
        raise InvalidInput(f"retries must be from 0 to {MOST_RETRIES}.")
    return retries
