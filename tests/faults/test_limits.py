# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the system refuses: threads, and memory for them."""

from __future__ import annotations

import json
import pathlib
import sys
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    CONFIRMED,
    AcceptedConnection,
    RawServer,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import run_python

# What the action plugin does, in a process of its own that may have so many more bytes.
TASK = """
import json, resource, sys

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.options import (
    bulk_argument_spec,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.run import run_bulk
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._in_process_module import (
    InProcessModule,
)

options = {
    "username": "acme",
    "api_key": "a-key",
    "api_url": sys.argv[1],
    "record_dir": sys.argv[2],
    "campaigns": [
        {
            "campaign_name": f"Campaign {number}",
            "dynamic_dids": "9140001001",
            "fallback_dynamic_dids": "9140002001",
        }
        for number in range(100)
    ],
    "concurrency": 64,
}
module = InProcessModule("ozonetel_dynamic_dids_bulk", options, bulk_argument_spec())
with open("/proc/self/statm") as statm:
    size = int(statm.read().split()[0]) * resource.getpagesize()
more = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_AS, (size + more, size + more))
print(json.dumps(module.run(run_bulk)))
"""

MEGABYTE = 1024 * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads its size from /proc")
@pytest.mark.parametrize("megabytes", [64, 128])
def test_a_bulk_task_completes_with_the_threads_that_memory_allows(
    tmp_path: pathlib.Path, megabytes: int
) -> None:
    def behave(connection: AcceptedConnection) -> None:
        # Whatever waits for an answer gets all threads that there may be.
        while connection.read_request() and not connection.stopping.wait(0.05):
            connection.send(CONFIRMED)

    with RawServer(behave) as server:
        arguments = (server.url, str(tmp_path / "records"), str(megabytes * MEGABYTE))
        result: dict[str, t.Any] = json.loads(run_python(TASK, *arguments).stdout)
        assert 1 <= server.connections < 64
        assert len(server.requests) == 100
    assert result["summary"]["changed"] == 100, result["msg"]
    assert len(result["results"]) == 100
