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

import pytest

from ansible_collections.ozonetel.cloudagent.tests.benchmarks.bulk import (
    disk_alone,
    made_up_campaigns,
    with_texts,
)
from ansible_collections.ozonetel.cloudagent.tests.benchmarks.goals import Goal, per_item
from ansible_collections.ozonetel.cloudagent.tests.benchmarks.publish import (
    with_figures,
    with_goals,
)
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import why_no_server

GUIDES = pathlib.Path(__file__).parents[2] / "docs" / "docsite" / "rst"
README = pathlib.Path(__file__).with_name("README.md")
PUBLISHED = pathlib.Path(__file__).with_name("results.json")


def test_a_small_run_measures_everything_and_publishes_it(tmp_path: pathlib.Path) -> None:
    written, guide, readme = (
        tmp_path / name for name in ("results.json", "guide_speed.rst", "README.md")
    )
    guide.write_text((GUIDES / guide.name).read_text("utf-8"), encoding="utf-8")
    readme.write_text(README.read_text("utf-8"), encoding="utf-8")
    command = [sys.executable, str(pathlib.Path(__file__).with_name("run.py")), "--small"]
    command += ["--json", str(written), "--guides", str(tmp_path), "--readme", str(readme)]
    env = {**os.environ, "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]}
    printed = subprocess.check_output(command, env=env, text=True)
    results = json.loads(written.read_text("utf-8"))
    chart = (tmp_path / "benchmark.svg").read_text("utf-8")
    for way in ("debug", "in process", "as a module", "uri"):
        for case in ("one task", "loop", "4 hosts"):
            assert len(results["times"][f"{case}, {way}"]) == 1
            if way != "debug":
                assert len(results["times"][f"{case}, {way}, https"]) == 1
        assert way in printed
        assert way in chart
    assert [goal["name"] for goal in results["goals"]] == [
        "hosts: in process / debug",
        "hosts: in process / debug, https",
        "loop, per item: in process / uri",
        "loop, per item: in process / uri, https",
        "loop, per item: in process / debug",
        "loop, per item: as a module / uri",
        "loop, per item: as a module / uri, https",
        "one task: in process / uri",
        "one task: in process / uri, https",
        "record, unchanged: milliseconds",
        "record, changed: milliseconds",
        "20 first seen: times faster than uri",
        "20 sent again: times faster than uri",
        "20 first seen: the same, start of Ansible included",
        "throughput / bare sessions: without a record",
        "throughput / bare sessions: sent again",
        "throughput / bare sessions: first seen",
        "throughput / bare sessions: first seen, https",
        "throughput / possible: slow server",
        "40 skipped / 20 requests of a bare session",
        "40 records, info: seconds",
        "40 as texts, whole run: megabytes",
        *("throughput / bare sessions: first seen, PostgreSQL", "40 skipped: PostgreSQL / files"),
    ][: None if why_no_server() is None else -2]
    for case in ("* - 4 hosts, 2 forks, https\n", "* - 40\n", "* - 40, unchanged, as texts\n"):
        assert case in guide.read_text("utf-8")
    assert "| 40 records, info: seconds |" in readme.read_text("utf-8")


def test_goals_tell_what_is_to_reach() -> None:
    sizes = {"workers": 8}
    most = Goal("{workers} in a row", lambda medians, _sizes: medians["x"], at_most=1 / 25)
    assert most.result({"x": 0.1}, sizes) == {
        "name": "8 in a row",
        "reached": 0.1,
        "bound": "at most 0.04",
    }
    assert most._replace(at_most=None, at_least=150).result({"x": 0.1}, sizes)["bound"] == (
        "at least 150"
    )
    assert most._replace(at_most=None).result({"x": 0.1}, sizes)["bound"] == ""


def test_a_loop_is_extrapolated_from_what_an_item_adds() -> None:
    medians = {"one task, uri, https": 1.0, "loop, uri, https": 1.0 + 39 * 0.3}
    assert per_item(medians, {"items": {"uri": 40}}, "uri, https") == pytest.approx(0.3)


def test_texts_hold_the_same_numbers_as_lists() -> None:
    (campaign,) = made_up_campaigns(1)
    (with_text,) = with_texts([campaign])
    assert len(campaign["dynamic_dids"] + campaign["fallback_dynamic_dids"]) == 50
    assert with_text["dynamic_dids"].split(",") == campaign["dynamic_dids"]


def test_a_record_on_the_bare_disk_leaves_no_temporary_file(tmp_path: pathlib.Path) -> None:
    assert disk_alone(str(tmp_path), made_up_campaigns(3)) > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.bare", "1.bare", "2.bare"]


def test_the_guide_shows_the_published_results() -> None:
    guide = (GUIDES / "guide_speed.rst").read_text("utf-8")
    assert with_figures(guide, json.loads(PUBLISHED.read_text("utf-8"))) == guide


def test_the_readme_shows_the_published_goals() -> None:
    readme = README.read_text("utf-8")
    assert with_goals(readme, json.loads(PUBLISHED.read_text("utf-8"))) == readme
