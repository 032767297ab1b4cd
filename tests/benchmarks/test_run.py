# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark runs; its figures are no matter of tests."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

from ansible_collections.ozonetel.cloudagent.tests.benchmarks.publish import with_figures

GUIDES = pathlib.Path(__file__).parents[2] / "docs" / "docsite" / "rst"
PUBLISHED = pathlib.Path(__file__).with_name("results.json")


def test_a_small_run_measures_everything_and_publishes_it(tmp_path: pathlib.Path) -> None:
    written, guide = tmp_path / "results.json", tmp_path / "guide_speed.rst"
    guide.write_text((GUIDES / guide.name).read_text("utf-8"), encoding="utf-8")
    command = [sys.executable, str(pathlib.Path(__file__).with_name("run.py")), "--small"]
    command += ["--json", str(written), "--guides", str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]}
    printed = subprocess.check_output(command, env=env, text=True)
    results = json.loads(written.read_text("utf-8"))
    chart = (tmp_path / "benchmark.svg").read_text("utf-8")
    for way in ("debug", "in process", "as a module", "uri"):
        for case in ("one task", "loop of 2", "loop of 4", "4 hosts"):
            assert len(results["times"][f"{case}, {way}"]) == 1
        assert way in printed
        assert way in chart
    assert [goal["name"] for goal in results["goals"]] == [
        "loop, per item: in process / uri",
        "loop, per item: in process / debug",
        "hosts: in process / debug",
        "one task: in process / uri",
        "loop, per item: as a module / uri",
        "record, unchanged: milliseconds",
        "record, changed: milliseconds",
    ]
    assert "* - 4 hosts, 2 forks\n" in guide.read_text("utf-8")


def test_the_guide_shows_the_published_results() -> None:
    guide = (GUIDES / "guide_speed.rst").read_text("utf-8")
    assert with_figures(guide, json.loads(PUBLISHED.read_text("utf-8"))) == guide
