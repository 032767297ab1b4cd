# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the last-applied record adds to an update."""

from __future__ import annotations

import statistics
import time
import typing as t

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._did_lists import read_did_list
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Clock
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import (
    RecordOptions,
    info_argument_spec,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.keeping import (
    CONFIRMED,
    Keeper,
    KeptUpdate,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.opening import new_keeper
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import Lists
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record_modules.info import (
    show_records,
)
from ansible_collections.ozonetel.cloudagent.tests.benchmarks.commands import fresh_directory

ENDPOINT = "https://cc.partner.example"


def record_seconds(count: int) -> dict[str, float]:
    """Return the median seconds of the record for an unchanged and for a changed update.

    The files are in the home directory, where they are for users: another place might be a file
    system in memory, which writes faster than a disk.
    """
    directory = fresh_directory()
    options = RecordOptions(keep=True, directory=directory, note=None, skip_unchanged=False)
    _update(options, 0)
    return {
        "record, unchanged": _median(lambda _number: _update(options, 0), count),
        "record, changed": _median(lambda number: _update(options, number + 1), count),
    }


def info_seconds(count: int) -> float:
    """Return the seconds of the info module for so many records of four numbers, without Ansible."""
    directory = fresh_directory()
    options = RecordOptions(keep=True, directory=directory, note=None, skip_unchanged=False)
    keeper = new_keeper(options, Clock())
    for number in range(count):
        numbers = [f"914{number:05}{place:02}" for place in range(4)]
        lists = Lists("acme", f"Campaign {number}", numbers[:3], numbers[3:])
        _confirm(keeper, lists)
    module = _Module(directory)
    begin = time.perf_counter()
    show_records(module)
    seconds = time.perf_counter() - begin
    assert len(module.campaigns) == count
    return seconds


class _Module:
    """Has what the info module's code uses of an AnsibleModule."""

    def __init__(self, directory: str) -> None:
        given = {"record_dir": directory, "as_update": False, "history_limit": 10}
        self.params = {**dict.fromkeys(info_argument_spec()), **given}
        self.campaigns: list[object] = []

    def warn(self, warning: str) -> None:
        raise AssertionError(warning)

    def exit_json(self, campaigns: list[object], **_result: object) -> None:
        self.campaigns = campaigns


def _median(action: t.Callable[[int], None], count: int) -> float:
    times = []
    for number in range(count):
        begin = time.perf_counter()
        action(number)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def _update(options: RecordOptions, number: int) -> None:
    """Do all that is done around a request that is confirmed."""
    dynamic = read_did_list("dynamic_dids", [f"914{number:07}", "9140001002"], secret="a-key")
    fallback = read_did_list("fallback_dynamic_dids", "9140002001", secret="a-key")
    lists = Lists("acme", "Sales", dynamic.numbers, fallback.numbers)
    _confirm(new_keeper(options, Clock()), lists)


def _confirm(keeper: Keeper, lists: Lists) -> None:
    update = KeptUpdate(ENDPOINT, lists, 60.0, Clock())
    keeper.wait_and_take(update)
    keeper.withdraw([update])
    update.came = CONFIRMED
    keeper.finish([update])
    assert (update.warnings, update.refusal) == ([], None)
