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


def test_a_small_run_measures_everything_and_draws_the_chart(tmp_path: pathlib.Path) -> None:
    written, chart = tmp_path / "results.json", tmp_path / "chart.svg"
    command = [sys.executable, str(pathlib.Path(__file__).with_name("run.py")), "--small"]
    command += ["--json", str(written), "--chart", str(chart)]
    env = {**os.environ, "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]}
    printed = subprocess.check_output(command, env=env, text=True)
    results = json.loads(written.read_text("utf-8"))
    for way in ("debug", "in process", "as a module", "uri"):
        for case in ("one task", "loop of 2", "loop of 4", "4 hosts"):
            assert len(results["times"][f"{case}, {way}"]) == 1
        assert way in printed
        assert way in chart.read_text("utf-8")
    assert [goal["name"] for goal in results["goals"]] == [
        "loop, per item: in process / uri",
        "loop, per item: in process / debug",
        "hosts: in process / debug",
        "one task: in process / uri",
        "loop, per item: as a module / uri",
    ]
