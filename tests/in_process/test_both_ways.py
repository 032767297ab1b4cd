# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every integration case in process and as a module, and compares what comes of them."""

from __future__ import annotations

import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t
from concurrent import futures

import pytest

HERE = pathlib.Path(__file__).parent
ROLES = HERE.parent / "integration" / "targets"
# What is run at the same time: the ways, and the roles.
RUNS = {
    "in process": [
        "ozonetel_dynamic_dids",
        "ozonetel_dynamic_dids_info",
        "playbook_report",
        "playbook_update_dynamic_dids",
        "playbooks_put_back_and_take_out",
    ],
    "as a module": ["ozonetel_dynamic_dids", "playbooks_put_back_and_take_out"],
}
# The way is the subject of these, so they run once, or they look at the way themselves.
ONE_WAY = (
    "/files/ways.yml",
    "/files/no_requests.yml",
    "/ozonetel_dynamic_dids_info/",
    "/playbook_report/",
    "/playbook_update_dynamic_dids/",
    "/playbooks_put_back_and_take_out/",
)
# What Ansible itself adds to a result.
ANSIBLE_KEYS = ("invocation", "exception", "failed_when_suppressed_exception", "timedout")
# What differs between two runs of any kind, and what stands for it.
CHANGING = {
    re.compile(r"have to wait \d+ seconds"): "have to wait 15 to 20 seconds",
    re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"): "a time",
    re.compile(r"records (in process|as a module)"): "records",
    re.compile(r"(127\.0\.0\.1|localhost):\d+"): "a sandbox",
    re.compile(r"[^ \"]*/ansible\.\w+\.cloudagent\b"): "a folder",
}

Result = t.Dict[str, t.Any]
Kept = t.Dict[str, t.List[Result]]


@pytest.fixture(name="kept", scope="module")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> list[Kept]:
    """Return the results of all cases in process, and those as a module."""
    folder = tmp_path_factory.mktemp("both_ways")
    with futures.ThreadPoolExecutor() as side_by_side:
        return list(side_by_side.map(lambda way: run_cases(folder / way, way), RUNS))


def run_cases(folder: pathlib.Path, way: str) -> Kept:
    """Return the results of all cases by the place of their task, in the order of their coming."""
    folder.mkdir()
    playbook, results = folder / "playbook.yml", folder / "results"
    play = {"hosts": "localhost", "gather_facts": False, "roles": RUNS[way]}
    playbook.write_text(json.dumps([{**play, "vars": {"cloudagent_ways": [way]}}]), "utf-8")
    environment = {
        **os.environ,
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "keep_results",
        # By this, a result shows which way it came.
        "ANSIBLE_INJECT_INVOCATION": "true",
        "ANSIBLE_ROLES_PATH": str(ROLES),
        "CLOUDAGENT_RESULTS": str(results),
        # Every case names a directory for its records, so this one has to stay empty.
        "OZONETEL_RECORD_DIR": str(folder / "records"),
        "PATH": os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]),
    }
    command = ["ansible-playbook", str(playbook)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert not (folder / "records").exists()
    kept: Kept = collections.defaultdict(list)
    for line in results.read_text("utf-8").splitlines():
        entry = json.loads(line)
        task = entry["task"] or "ad hoc"
        if task.startswith(str(ROLES)) and not any(name in task for name in ONE_WAY):
            kept[task].append({"event": entry["event"], **entry["result"]})
    return kept


Pairs = t.List[t.Tuple[str, Result, Result]]


@pytest.fixture(name="pairs")
def _pairs(kept: list[Kept]) -> Pairs:
    """Return the place of each task with a result in process, and the same one as a module."""
    first, second = kept
    assert first.keys() == second.keys()
    pairs: Pairs = []
    for task in first:
        assert len(first[task]) == len(second[task]), task
        pairs += [(task, *both) for both in zip(first[task], second[task])]
    return pairs


def ours(result: Result) -> Result:
    """Return a result without what Ansible itself adds, nor what differs between any two runs."""
    left = {
        key: value
        for key, value in result.items()
        if key not in ANSIBLE_KEYS and not key.startswith(("ansible_", "_ansible_"))
    }
    text = json.dumps(left, sort_keys=True)
    for pattern, constant in CHANGING.items():
        text = pattern.sub(constant, text)
    return t.cast(Result, json.loads(text))


def test_the_cases_ran_in_process_and_as_a_module(pairs: Pairs) -> None:
    ways = collections.Counter(
        ("invocation" in first, "invocation" in second) for _task, first, second in pairs
    )
    # Tasks that were not run, or ended by Ansible, have none. Some are modules in any case.
    assert ways.pop((False, True)) > 50
    assert sum(ways.values()) < 25, ways


def test_results_in_process_equal_those_as_a_module(pairs: Pairs) -> None:
    differing = [
        (task, ours(first), ours(second))
        for task, first, second in pairs
        if ours(first) != ours(second)
    ]
    assert differing == []
