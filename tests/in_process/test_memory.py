# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory stays flat over a long loop."""

from __future__ import annotations

import pathlib

from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import RawServer, answer
from ansible_collections.ozonetel.cloudagent.tests.unit.support import run_python

ITEMS = 10_000
# The first items fill caches and pools, which then stay as they are.
WARM_UP = 1_000

# What the action plugin does for each item of a loop, in a process of its own.
LOOP = """
import os, subprocess, sys

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import update_argument_spec
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._run import run
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._in_process_module import (
    InProcessModule,
)


def memory():
    # The peak that "resource" knows would be that of the process that started this one.
    if os.path.exists("/proc/self/statm"):
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(os.getpid())]))


url, warm_up, items = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
spec = update_argument_spec()
for number in range(items):
    options = {
        "username": "acme",
        "api_key": "a-key",
        "api_url": url,
        "campaign_name": f"Campaign {number}",
        "dynamic_dids": [f"914{number:07}"],
        "fallback_dynamic_dids": "9140002001",
        "record_dir": sys.argv[4],
    }
    result = InProcessModule("ozonetel_dynamic_dids", options, spec, diff=True).run(run)
    assert result["sent"] is True, result
    if number == warm_up:
        before = memory()
print(memory() - before)
"""


def test_a_loop_of_ten_thousand_items_needs_no_more_memory_than_one_thousand(
    tmp_path: pathlib.Path,
) -> None:
    with RawServer(answer()) as server:
        arguments = (server.url, str(WARM_UP), str(ITEMS), str(tmp_path / "records"))
        grown = int(run_python(LOOP, *arguments).stdout)
        assert server.connections == 1
    assert grown < 1024  # kibibytes
