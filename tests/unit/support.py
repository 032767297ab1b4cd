# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several tests share: a stand-in for AnsibleModule, a clock, and options that are right."""

from __future__ import annotations

import json
import tempfile
import time
import typing as t

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common.text.converters import to_bytes

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Clock

API_KEY = "k3y/with+specials"

# Only what hangs takes so long, however busy the machine is.
HANG_SECONDS = 120.0

OPTIONS: dict[str, t.Any] = {
    "username": "acme",
    "api_key": API_KEY,
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
    "campaign_name": "Sales",
    "dynamic_dids": ["9140001001", "9140001002"],
    "fallback_dynamic_dids": ["9140002001"],
}


_records = tempfile.TemporaryDirectory(prefix="cloudagent-records-")


class Ended(BaseException):
    """The module ended; a BaseException, as SystemExit is, so that no code of ours catches it."""


class ModuleDouble:
    """Keeps what a module was told, in place of printing it and exiting."""

    def __init__(self, check_mode: bool = False, diff: bool = False, **options: t.Any) -> None:
        # A record of its own for each, so that none sees another's and none is in the real home.
        if not {"record_dir", "record_url"} & set(options):
            options["record_dir"] = f"{tempfile.mkdtemp(dir=_records.name)}/records"
        self.params = {**OPTIONS, **options}
        self.check_mode = check_mode
        self._diff = diff
        self.warnings: list[str] = []
        self.lines: list[str] = []
        self.hidden: list[str] = []
        self.result: dict[str, t.Any] = {}

    def warn(self, warning: str) -> None:
        self.warnings.append(warning)

    def hide(self, secret: str) -> None:
        self.hidden.append(secret)

    def progress(self, text: str) -> None:
        self.lines.append(text)

    def is_abandoned(self) -> bool:
        return False

    def exit_json(self, **result: t.Any) -> t.NoReturn:
        self.result = result
        raise Ended

    def fail_json(self, msg: str, **result: t.Any) -> t.NoReturn:
        self.result = {"failed": True, "msg": msg, **result}
        raise Ended


def bulk_module(campaigns: object, **options: t.Any) -> ModuleDouble:
    """Return the double of a module for many campaigns, each given as options or only its name."""
    bulk = {"concurrency": 8, "requests_per_minute": None, "stop_on_failure": False}
    if isinstance(campaigns, list):
        campaigns = [bulk_entry(entry) for entry in campaigns]
    return ModuleDouble(**{**bulk, "campaigns": campaigns, **options})


def bulk_entry(entry: str | dict[str, t.Any]) -> dict[str, t.Any]:
    """Return an entry for a campaign of this name, or with these options."""
    own = {"campaign_name": entry} if isinstance(entry, str) else entry
    names = ("campaign_name", "dynamic_dids", "fallback_dynamic_dids")
    return {**{name: OPTIONS[name] for name in names}, **own}


def wait_for(happened: t.Callable[[], bool]) -> None:
    """Wait until this has happened; fail when it seems that it never will."""
    end = time.monotonic() + HANG_SECONDS
    while not happened():
        assert time.monotonic() < end, "it has not happened"
        time.sleep(0.01)


class RunModule(t.Protocol):
    """Runs a whole module, through Ansible's own checks of its options."""

    def __call__(self, **options: t.Any) -> dict[str, t.Any]:
        """Run the module with these options and return its result."""


def module_runner(
    main: t.Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> RunModule:
    """Return what runs the module of this function."""

    def run(**options: t.Any) -> dict[str, t.Any]:
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": options})
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", to_bytes(arguments))
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        with pytest.raises(SystemExit):
            main()
        return t.cast(t.Dict[str, t.Any], json.loads(capsys.readouterr().out))

    return run


class ClockDouble(Clock):
    """A clock that stands still but for the waits, which it writes down."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return 1000.0 + sum(self.waits)

    def now(self) -> float:
        return 1_800_000_000.0 + sum(self.waits)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


def longest(_least: float, most: float) -> float:
    """Stand in for random.uniform."""
    return most
