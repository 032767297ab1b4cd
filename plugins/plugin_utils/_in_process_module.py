# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""What a module's code is given in process, in place of an AnsibleModule."""

from __future__ import annotations

import collections.abc
import contextlib
import datetime
import gc
import os
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

from ..module_utils._module import explained, register_secrets

Result = t.Dict[str, t.Any]
ArgumentSpec = t.Dict[str, t.Dict[str, t.Any]]
Progress = t.Callable[[str], None]
# With the usual 700 or 2,000, what Python allocates for 10,000 campaigns is looked through 136 times.
OBJECTS_BETWEEN_COLLECTIONS = 50_000

RunModule = t.Callable[["InProcessModule"], None]


class _Ended(BaseException):
    """The module ended; a BaseException, as SystemExit is, so that no code in between catches it."""


class _Copied(t.List[t.Any]):
    """Was copied with all that is in it, which Ansible's check of the options need not do again."""

    def __deepcopy__(self, _memo: object) -> list[t.Any]:
        return list(self)


class InProcessModule:
    """Has the surface of AnsibleModule that the collection uses, and its masking of secrets.

    Attributes:
        params: the checked options, in plain types.
        check_mode: nothing may be changed.
    """

    def __init__(
        self,
        name: str,
        options: t.Mapping[str, t.Any],
        argument_spec: ArgumentSpec,
        check_mode: bool = False,
        diff: bool = False,
        progress: Progress | None = None,
        parent: int | None = None,
    ) -> None:
        self.params: dict[str, t.Any] = {}
        self.check_mode = check_mode
        self._diff = diff
        self._name = name
        self._progress = progress
        self._parent = parent or os.getppid()
        self._options = options
        self._argument_spec = argument_spec
        self._secret_values: set[str] = set()
        self._warnings: list[str] = []
        self._deprecations: list[dict[str, t.Any]] = []
        self._result: Result = {}

    def run(self, run_module: RunModule) -> Result:
        """Return the result with which the module's code ends."""
        try:
            with _rare_collections():
                if self.is_abandoned():
                    self.fail_json(msg="Ansible's main process has ended, so nothing was sent.")
                self._check_options()
                run_module(self)
        except _Ended:
            return self._result
        raise AssertionError("the module's code did not end with exit_json or fail_json")

    def warn(self, warning: str) -> None:
        """Show a warning with the result."""
        self._warnings.append(warning)

    def hide(self, secret: str) -> None:
        """Have a secret masked that no option is."""
        self._secret_values.add(secret)
        if register_secrets:
            register_secrets({secret})

    def progress(self, text: str) -> None:
        """Show the progress of long work, where that is wanted."""
        if self._progress:
            self._progress(text)

    def is_abandoned(self) -> bool:
        """Tell whether Ansible's main process is gone, so that nobody gets the result."""
        # Whose parent is gone is given another one: getppid(2).
        return os.getppid() != self._parent

    def exit_json(self, **result: t.Any) -> t.NoReturn:
        """End well."""
        self._end(result)

    def fail_json(self, msg: str, **result: t.Any) -> t.NoReturn:
        """End with a failure."""
        self._end({**result, "failed": True, "msg": explained(msg, self.params)})

    def _end(self, result: Result) -> t.NoReturn:
        if self._warnings:
            result["warnings"] = self._warnings
        if self._deprecations:
            result["deprecations"] = self._deprecations
        self._result = _masked(result, self._secret_values)
        raise _Ended

    def _check_options(self) -> None:
        options = {key: plain(value) for key, value in self._options.items()}
        checked = ArgumentSpecValidator(self._argument_spec).validate(options)
        self.params = checked.validated_parameters
        self._secret_values = checked._no_log_values
        if register_secrets:
            register_secrets(self._secret_values)
        for aliased in checked._warnings:
            self.warn("Both option {option} and its alias {alias} are set.".format(**aliased))
        self._deprecations = checked._deprecations
        if checked.error_messages:
            self.fail_json(msg=self._message(checked.errors))

    def _message(self, errors: t.Any) -> str:
        if isinstance(errors[0], UnsupportedError):
            return f"Unsupported parameters for ({self._name}) module: {errors.msg}"
        return str(errors.msg)


@contextlib.contextmanager
def _rare_collections() -> t.Iterator[None]:
    """Have Python look for garbage less often, which the options of many campaigns don't hold."""
    first, *others = before = gc.get_threshold()
    # Nothing is collected with a threshold of 0, which somebody may have chosen.
    if first:
        gc.set_threshold(max(first, OBJECTS_BETWEEN_COLLECTIONS), *others)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _masked(result: Result, secrets: set[str]) -> Result:
    """Return the result as Ansible's AnsibleModule would hand it over.

    From ansible-core 2.22 on that is unmasked, as the registered secrets are masked when shown.
    """
    if register_secrets:
        return result
    # ansible-core 2.25 removes it.
    from ansible.module_utils.common.parameters import remove_values

    # AnsibleModule keeps these at the top, whatever the secret is.
    kept = {key: value for key, value in result.items() if value is None or isinstance(value, bool)}
    return {**remove_values(result, secrets), **kept}


def plain(value: t.Any) -> t.Any:
    """Return the value in the types that a module would get, without Ansible's marks on it.

    Strings and numbers carry their origin in ansible-core 2.19 and later, and some are encrypted
    until they are looked at. Dates come from YAML, and reach a module as ISO 8601.
    """
    # Half a million numbers are usual, so the most frequent come first.
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (list, tuple)):
        if all(issubclass(kind, str) for kind in set(map(type, value))):
            return _Copied(map(str, value))
        return _Copied(plain(entry) for entry in value)
    if isinstance(value, collections.abc.Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)
