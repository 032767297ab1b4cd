# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates in processes that may open hardly any files."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _run
from ansible_collections.ozonetel.cloudagent.tests.faults.authority import Authority
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import (
    RawServer,
    answer,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.test_faults import REFUSED

# An update in a child for each limit.
CHILDREN = """
import contextlib, ctypes, json, os, resource, sys

sys.path.insert(0, sys.argv[1])
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import (
    update_argument_spec,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._run import run
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._in_process_module import (
    InProcessModule,
)

# Where a thread ends, Python 3.8 loads this library, and the process is aborted if it can't.
with contextlib.suppress(OSError):
    ctypes.CDLL("libgcc_s.so.1")

open_files = len(os.listdir("/proc/self/fd" if sys.platform == "linux" else "/dev/fd"))
for further in range(-2, 16):
    options = {**json.loads(sys.argv[2]), "campaign_name": f"Campaign {further}"}
    child = os.fork()
    if child == 0:
        module = InProcessModule("ozonetel_dynamic_dids", options, update_argument_spec())
        limit = open_files + further
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        print(json.dumps(module.run(run)), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.parametrize("record", [True, False])
@pytest.mark.parametrize("message", [None, REFUSED])
def test_every_result_is_true(
    message: dict[str, str] | None, record: bool, tmp_path: pathlib.Path
) -> None:
    authority = Authority(tmp_path)
    with RawServer(answer(message), tls=authority.context("localhost")) as server:
        options = {
            "username": "acme",
            "api_key": "a/key",
            "api_url": f"https://localhost:{server.port}",
            "ca_path": authority.path,
            "dynamic_dids": ["9140001001"],
            "fallback_dynamic_dids": ["9140002001"],
            "retries": 0,
            "record": record,
            "record_dir": str(tmp_path / "records"),
        }
        tree = str(pathlib.Path(_run.__file__).parents[5])
        command = [sys.executable, "-c", CHILDREN, tree, json.dumps(options)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    results = [json.loads(line) for line in run.stdout.splitlines()]
    asked = {
        json.loads(request.partition(b"\r\n\r\n")[2])["campaignName"] for request in server.requests
    }
    assert len(results) == 18
    # Neither a thread's exception nor a warning of Python.
    assert run.stderr == ""
    assert [result for result in results if not _is_true(result, asked, message)] == []
    # The least of them was too little, and the most enough.
    assert results[0]["failure"]["reason"] == "connection_failed"
    assert results[-1]["campaign_name"] in asked


def _is_true(result: dict[str, t.Any], asked: set[str], message: dict[str, str] | None) -> bool:
    was_asked = result["campaign_name"] in asked
    if not result.get("failed"):
        return was_asked and message is None
    if "Unexpected error in the collection" in result["msg"]:
        return False
    outcome = result["failure"]["outcome"]
    return outcome == "unknown" or not was_asked or message is not None
