# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for AnsibleModule: the same options, messages and masking."""

from __future__ import annotations

import contextlib
import copy
import datetime
import gc
import typing as t
from importlib.util import find_spec

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import (
    api_argument_spec,
    campaign_argument_spec,
)
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils import _in_process_module
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._in_process_module import (
    OBJECTS_BETWEEN_COLLECTIONS,
    InProcessModule,
    Result,
    plain,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import API_KEY

SPEC = {**api_argument_spec(), **campaign_argument_spec()}
OPTIONS: dict[str, t.Any] = {
    "username": "acme",
    "api_key": API_KEY,
    "campaign_name": "Sales",
    "dynamic_dids": [9140001001],
    "fallback_dynamic_dids": "9140002001",
}


def run(
    run_module: t.Callable[[InProcessModule], None],
    spec: dict[str, dict[str, t.Any]] | None = None,
    **options: t.Any,
) -> Result:
    """Return the result of this code with these options beside the usual ones."""
    module = InProcessModule("ozonetel_dynamic_dids", {**OPTIONS, **options}, spec or SPEC)
    return module.run(run_module)


def masked(text: str, key: str = API_KEY) -> str:
    """Return a text of a result as the ansible-core in use wants it.

    From 2.22 on, Ansible masks the secrets that were registered when it shows the result.
    """
    if find_spec("ansible.module_utils.secrets"):
        return text
    return "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" if text == key else text.replace(key, "********")


def never(_module: InProcessModule) -> t.NoReturn:
    raise AssertionError("this code must not run")


def test_options_are_converted_and_get_their_defaults() -> None:
    seen: dict[str, t.Any] = {}

    def take(module: InProcessModule) -> None:
        seen.update(module.params)
        module.exit_json(changed=False)

    assert run(take, timeout="1.5", validate_certs="no") == {"changed": False}
    assert seen == {
        **OPTIONS,
        "region": None,
        "api_url": None,
        "ca_path": None,
        "validate_certs": False,
        "timeout": 1.5,
        "retries": 2,
    }


def test_the_key_is_read_from_the_environment_and_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OZONETEL_API_KEY", "from-the-environment")
    options = {name: value for name, value in OPTIONS.items() if name != "api_key"}
    module = InProcessModule("ozonetel_dynamic_dids", options, SPEC)
    result = module.run(lambda module: module.exit_json(key=module.params["api_key"] + "!"))
    assert result == {"key": masked("from-the-environment!", key="from-the-environment")}


@pytest.mark.parametrize(
    ("options", "msg"),
    [
        ({"campaign": "Sales"}, "Unsupported parameters for (ozonetel_dynamic_dids) module: "),
        ({"region": "nowhere"}, "value of region must be one of: domestic, international, got"),
        ({"retries": "some"}, "argument 'retries' is of type "),
    ],
)
def test_invalid_options_fail_with_the_message_of_ansible(
    options: dict[str, t.Any], msg: str
) -> None:
    result = run(never, **options)
    assert result.pop("msg").startswith(msg)
    assert result == {"failed": True}


def test_a_missing_account_option_gets_a_hint() -> None:
    options = {name: value for name, value in OPTIONS.items() if name != "username"}
    result = InProcessModule("x", options, SPEC).run(never)
    assert result["msg"].startswith("missing required arguments: username. Set it in the task")


def test_a_failure_about_options_does_not_repeat_the_key() -> None:
    result = run(never, region=f"at {API_KEY}")
    assert result["failed"] is True
    assert result["msg"].endswith(masked(f"got: at {API_KEY}"))


def test_the_key_is_masked_in_texts_and_other_values_are_unchanged() -> None:
    result = run(
        lambda module: module.exit_json(
            changed=True, nothing=None, attempts=1, names=[API_KEY, f"x {API_KEY}"]
        ),
    )
    assert result == {
        "changed": True,
        "nothing": None,
        "attempts": 1,
        "names": [masked(API_KEY), masked(f"x {API_KEY}")],
    }


def test_a_key_equal_to_true_leaves_changed_and_failed_unmasked() -> None:
    result = run(lambda module: module.fail_json(msg="It failed.", changed=False), api_key="True")
    assert result == {"failed": True, "changed": False, "msg": "It failed."}


def test_warnings_are_returned_with_the_key_masked() -> None:
    def warn(module: InProcessModule) -> None:
        module.warn(f"first {API_KEY}")
        module.warn("second")
        module.fail_json(msg="It failed.")

    assert run(warn)["warnings"] == [masked(f"first {API_KEY}"), "second"]


def test_warnings_and_deprecations_of_ansible_are_returned() -> None:
    old = {"type": "str", "aliases": ["older"], "removed_in_version": "9.0.0"}
    old["removed_from_collection"] = "ozonetel.cloudagent"
    result = run(
        lambda module: module.exit_json(), spec={**SPEC, "old": old}, old="value", older="value"
    )
    assert result["warnings"] == ["Both option old and its alias older are set."]
    assert [entry["version"] for entry in result["deprecations"]] == ["9.0.0"]


def test_check_mode_and_diff_mode_reach_the_module() -> None:
    module = InProcessModule("x", OPTIONS, SPEC, check_mode=True, diff=True)
    assert module.run(lambda module: module.exit_json(modes=[module.check_mode, module._diff])) == {
        "modes": [True, True]
    }


def test_progress_is_passed_on_if_there_is_a_callback() -> None:
    def work(module: InProcessModule) -> None:
        module.progress("half of it")
        module.exit_json()

    lines: list[str] = []
    InProcessModule("x", OPTIONS, SPEC, progress=lines.append).run(work)
    assert lines == ["half of it"]
    assert InProcessModule("x", OPTIONS, SPEC).run(work) == {}


def test_code_that_neither_exits_nor_fails_raises_an_error() -> None:
    with pytest.raises(AssertionError, match="did not end"):
        run(lambda module: None)


def test_except_exception_does_not_catch_exit_json() -> None:
    def hold_on(module: InProcessModule) -> None:
        try:
            module.exit_json(first=True)
        except Exception as error:
            raise AssertionError from error

    assert run(hold_on) == {"first": True}


def test_an_interruption_is_not_caught() -> None:
    def interrupt(_module: InProcessModule) -> t.NoReturn:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(interrupt)


def test_the_key_is_registered_as_a_secret_if_ansible_can_mask_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registered: list[str] = []
    monkeypatch.setattr(_in_process_module, "register_secrets", registered.extend)
    result = run(never, region=f"at {API_KEY}")
    assert registered == [API_KEY]
    # The same as that of a module: masked when it is shown.
    assert result["msg"].endswith(f"got: at {API_KEY}")


class MarkedText(str):
    """Stands for the strings of ansible-core that know where they come from."""

    __slots__ = ()


class MarkedNumber(int):
    """Stands for such numbers."""


class Encrypted:
    """Stands for a vault's text, which is decrypted when it is looked at."""

    def __str__(self) -> str:
        return "decrypted"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (MarkedText("text"), "text"),
        (MarkedNumber(7), 7),
        (1.5, 1.5),
        (Encrypted(), "decrypted"),
        ((MarkedText("a"), [MarkedNumber(1)]), ["a", [1]]),
        ({MarkedText("a"): Encrypted()}, {"a": "decrypted"}),
        (datetime.date(2026, 11, 23), "2026-11-23"),
        (datetime.datetime(2026, 11, 23, 9, 30), "2026-11-23T09:30:00"),
    ],
)
def test_tagged_and_encrypted_values_become_plain_ones(value: object, expected: object) -> None:
    # Ansible's check of the options looks at such a copy.
    result = copy.deepcopy(plain(value))
    assert result == expected
    assert [type(result)] == [type(expected)]
    if isinstance(result, list):
        assert [type(entry) for entry in (result[0], result[1][0])] == [str, int]
    if isinstance(result, dict):
        assert [type(key) for key in result] == [str]


@pytest.mark.parametrize("texts", [[MarkedText("a"), "b"], (MarkedText("a"), "b")])
def test_a_copy_of_texts_is_a_plain_list_of_its_own(texts: t.Sequence[str]) -> None:
    first = plain(texts)
    second = copy.deepcopy(first)
    assert second == first == ["a", "b"]
    assert second is not first
    assert (type(second), {*map(type, second)}) == (list, {str})


def test_what_is_in_a_list_is_copied_once() -> None:
    options = [{"campaign_name": "Sales", "dynamic_dids": ["111", "222"]}]
    first = plain(options)
    second = copy.deepcopy(first)
    assert second == first == options
    assert (type(second), second is first, second[0] is first[0]) == (list, False, True)
    assert first[0] is not options[0]


@pytest.mark.parametrize("interrupted", [False, True])
def test_garbage_is_collected_rarely_while_the_module_runs(interrupted: bool) -> None:
    before = gc.get_threshold()
    inside: list[tuple[int, int, int]] = []

    def look(module: InProcessModule) -> None:
        inside.append(gc.get_threshold())
        if interrupted:
            raise KeyboardInterrupt
        module.exit_json(changed=False)

    with contextlib.suppress(KeyboardInterrupt):
        run(look)
    assert inside == [(OBJECTS_BETWEEN_COLLECTIONS, *before[1:])]
    assert gc.get_threshold() == before


def test_a_collector_that_is_turned_off_stays_off() -> None:
    before = gc.get_threshold()
    inside: list[int] = []

    def look(module: InProcessModule) -> None:
        inside.append(gc.get_threshold()[0])
        module.exit_json(changed=False)

    gc.set_threshold(0)
    try:
        run(look)
        assert inside == [0]
        assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)
