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

import pytest

HERE = pathlib.Path(__file__).parent
ROLES = HERE.parent / "integration" / "targets"
PLAYBOOK = """\
- hosts: localhost
  gather_facts: false
  roles: [ozonetel_dynamic_dids, ozonetel_dynamic_dids_info]
"""
# The way is the subject of these, so they run once.
ONE_WAY = ("/files/ways.yml", "/files/no_requests.yml", "/ozonetel_dynamic_dids_info/")
# What Ansible itself adds to a result.
ANSIBLE_KEYS = ("invocation", "exception", "failed_when_suppressed_exception", "timedout")
CHANCE = re.compile(r"a wait of \d+ seconds")
# When a record was written, and by which way: each has a directory of its own.
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
WAY = re.compile(r"records (in process|as a module)")

Result = t.Dict[str, t.Any]
Kept = t.Dict[str, t.List[Result]]


@pytest.fixture(name="kept", scope="module")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Return the results of all cases by the place of their task, in the order of their coming."""
    folder = tmp_path_factory.mktemp("both_ways")
    playbook, results = folder / "playbook.yml", folder / "results"
    playbook.write_text(PLAYBOOK, encoding="utf-8")
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
            kept[task].append({"outcome": entry["outcome"], **entry["result"]})
    return kept


def halves(results: list[Result]) -> t.Iterator[tuple[Result, Result]]:
    """Pair the results of the first run, in process, with those of the second, as a module."""
    assert len(results) % 2 == 0
    middle = len(results) // 2
    return zip(results[:middle], results[middle:])


def ours(result: Result) -> Result:
    """Return a result without what Ansible itself adds, and with the same chance."""
    left = {
        key: value
        for key, value in result.items()
        if key not in ANSIBLE_KEYS and not key.startswith(("ansible_", "_ansible_"))
    }
    text = CHANCE.sub("a wait of 15 to 20 seconds", json.dumps(left, sort_keys=True))
    return t.cast(Result, json.loads(WAY.sub("records", TIME.sub("a time", text))))


def test_both_ways_were_taken(kept: Kept) -> None:
    pairs = [pair for results in kept.values() for pair in halves(results)]
    ways = collections.Counter(
        ("invocation" in first, "invocation" in second) for first, second in pairs
    )
    # Tasks that were not run, or ended by Ansible, have none. Some are modules in any case.
    assert ways.pop((False, True)) > 50
    assert sum(ways.values()) < 25, ways


def test_the_results_are_equal(kept: Kept) -> None:
    differing = [
        (task, ours(first), ours(second))
        for task, results in kept.items()
        for first, second in halves(results)
        if ours(first) != ours(second)
    ]
    assert differing == []
