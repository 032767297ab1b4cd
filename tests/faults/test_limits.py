# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the system refuses: threads, and memory for them."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk import run as bulk_run
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    Connection,
    RawServer,
)

# What the action plugin does, in a process of its own that may have so many more bytes.
TASK = """
import json, resource, sys

sys.path.insert(0, sys.argv[1])
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
    "api_url": sys.argv[2],
    "record_dir": sys.argv[3],
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
more = int(sys.argv[4])
resource.setrlimit(resource.RLIMIT_AS, (size + more, size + more))
print(json.dumps(module.run(run_bulk)))
"""

MEGABYTE = 1024 * 1024
SUCCESS = b'{"Message": "Dynamic DIDs updated successfully"}'
CONFIRMED = f"HTTP/1.1 200 OK\r\nContent-Length: {len(SUCCESS)}\r\n\r\n".encode() + SUCCESS


@pytest.mark.skipif(sys.platform != "linux", reason="reads its size from /proc")
@pytest.mark.parametrize("megabytes", [64, 128])
def test_a_bulk_task_completes_with_the_threads_that_memory_allows(
    tmp_path: pathlib.Path, megabytes: int
) -> None:
    tree = str(pathlib.Path(bulk_run.__file__).parents[6])

    def behave(connection: Connection) -> None:
        # Whatever waits for an answer gets all threads that there may be.
        while connection.read_request() and not connection.stopping.wait(0.05):
            connection.send(CONFIRMED)

    with RawServer(behave) as server:
        arguments = [tree, server.url, str(tmp_path / "records"), str(megabytes * MEGABYTE)]
        command = [sys.executable, "-c", TASK, *arguments]
        result: dict[str, t.Any] = json.loads(subprocess.check_output(command))
        assert 1 <= server.connections < 64
        assert len(server.requests) == 100
    assert result["summary"]["changed"] == 100, result["msg"]
    assert len(result["results"]) == 100
