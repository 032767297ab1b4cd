# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs of ansible-playbook as jobs with homes of their own, in process and as a module."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import typing as t
from importlib.util import find_spec

import pytest

from ansible_collections.ozonetel.cloudagent.tests.postgres.cloudagent import CloudAgent
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import Server
from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS

CAMPAIGN: dict[str, t.Any] = {
    "campaign_name": "Sales",
    "dynamic_dids": ["9140001001"],
    "fallback_dynamic_dids": ["9140002001"],
}
# With an environment of its own, a task runs as a module.
WAYS: dict[str, dict[str, str]] = {"in process": {}, "as a module": {"UNUSED": "1"}}
SECRET = "s3cr3t-of-the-database"
# From ansible-core 2.22 on, registered secrets are masked only when they are shown.
MASKS_WHEN_SHOWN = find_spec("ansible.module_utils.secrets") is not None


class Job:
    """A job of a pipeline, whose home is empty and thrown away."""

    def __init__(self, folder: pathlib.Path, cloudagent: CloudAgent, url: str) -> None:
        self._folder = folder
        self._options = {"api_url": cloudagent.url, "username": "acme", "api_key": "k3y-of-acme"}
        self._url = url
        self.output = ""

    def run(self, task: dict[str, t.Any], *arguments: str, **variables: str) -> dict[str, t.Any]:
        """Run one task, and return its result."""
        place = self._new_home()
        result = place / "result.json"
        copy = {"content": "{{ result | to_json }}", "dest": str(result)}
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "tasks": [
                {**task, "register": "result", "ignore_errors": True},
                {"ansible.builtin.copy": copy, "check_mode": False},
            ],
        }
        playbook = place / "playbook.yml"
        playbook.write_text(json.dumps([play]), encoding="utf-8")
        self._play(place, [str(playbook), *arguments], variables)
        return t.cast("dict[str, t.Any]", json.loads(result.read_text(encoding="utf-8")))

    def play_shipped(self, playbook: str = "update_dynamic_dids", **extra: t.Any) -> str:
        """Run a shipped playbook, and return its output."""
        place = self._new_home()
        given = {f"cloudagent_{name}": value for name, value in {**self._options, **extra}.items()}
        self._play(place, [f"ozonetel.cloudagent.{playbook}", "-e", json.dumps(given)], {})
        return self.output

    def _new_home(self) -> pathlib.Path:
        return pathlib.Path(tempfile.mkdtemp(dir=self._folder))

    def _play(self, home: pathlib.Path, arguments: list[str], variables: dict[str, str]) -> None:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OZONETEL_", "PG", "XDG_")) and not name.endswith("_proxy")
        }
        environment = {
            **kept,
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "HOME": str(home),
            "PATH": os.pathsep.join([str(pathlib.Path(sys.executable).parent), kept["PATH"]]),
            **variables,
        }
        done = subprocess.run(
            ["ansible-playbook", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=4 * HANG_SECONDS,
            check=False,
        )
        self.output = done.stdout
        # Nothing is kept at home.
        assert not (home / ".local" / "state").exists()

    def task(self, module: str, way: str, **options: t.Any) -> dict[str, t.Any]:
        """Return a task for a module of the collection."""
        name = f"ozonetel.cloudagent.{module}"
        given = {**self._options, **options}
        return {name: given, "environment": WAYS[way]}


@pytest.fixture(name="job")
def _job(server: Server, database: str, cloudagent: CloudAgent, tmp_path: pathlib.Path) -> Job:
    return Job(tmp_path, cloudagent, server.url(database))


@pytest.mark.parametrize("way", WAYS)
def test_two_jobs_with_empty_homes(job: Job, way: str) -> None:
    task = job.task("ozonetel_dynamic_dids", way, record_url=job._url, **CAMPAIGN)
    first, second = (job.run(task, "-vv") for _number in range(2))
    assert way in job.output
    assert (first["changed"], first["changed_basis"]) == (True, "first_seen")
    assert (second["changed"], second["changed_basis"]) == (False, "same")
    other_lists = {**CAMPAIGN, "dynamic_dids": ["9140001009"], "record_url": job._url}
    third = job.run(job.task("ozonetel_dynamic_dids", way, **other_lists))
    assert (third["changed"], third["changed_basis"]) == (True, "differs")
    predicted = job.run(task, "--check")
    assert (predicted["changed"], predicted["changed_basis"]) == (True, "differs")


@pytest.mark.parametrize("way", WAYS)
def test_two_jobs_at_once(job: Job, way: str, cloudagent: CloudAgent) -> None:
    """While the first one sends, one gives up, and another one waits."""
    options = {"record_url": job._url, **CAMPAIGN}
    module = "ozonetel_dynamic_dids"
    waits = job.task(module, way, **options, timeout=HANG_SECONDS)
    results: dict[str, dict[str, t.Any]] = {}
    waiting = threading.Thread(target=lambda: results.update(waited=job.run(waits)))

    def run_the_others(_campaign: str) -> None:
        cloudagent.before = lambda _campaign: None
        results["gave up"] = job.run(job.task(module, way, **options, timeout=1))
        waiting.start()

    cloudagent.before = run_the_others
    first = job.run(waits)
    waiting.join()
    assert first["changed_basis"] == "first_seen"
    assert results["gave up"]["failure"]["reason"] == "record_failed"
    assert "Another run (of " in results["gave up"]["msg"]
    assert ", connected since 20" in results["gave up"]["msg"]
    assert results["waited"]["changed"] is False
    assert len(cloudagent.sent) == 2


@pytest.mark.parametrize("way", WAYS)
def test_the_url_from_the_environment(job: Job, way: str) -> None:
    update = job.task("ozonetel_dynamic_dids_bulk", way, campaigns=[CAMPAIGN])
    assert job.run(update, OZONETEL_RECORD_URL=job._url)["changed"] is True
    show = job.task("ozonetel_dynamic_dids_info", way)
    shown = job.run(show, OZONETEL_RECORD_URL=job._url, OZONETEL_RECORD_DIR="/nowhere")
    assert "campaigns" in shown, shown
    assert shown["campaigns"][0]["campaign_name"] == "Sales"
    forget = job.task("ozonetel_dynamic_dids_record", way, state="absent", campaign_name="Sales")
    assert job.run(forget, OZONETEL_RECORD_URL=job._url)["changed"] is True
    assert job.run(update, OZONETEL_RECORD_URL=job._url)["results"][0]["changed_basis"] == (
        "first_seen"
    )


def test_the_items_of_a_loop_share_a_session(server: Server, job: Job) -> None:
    task = job.task("ozonetel_dynamic_dids", "in process", record_url=job._url, **CAMPAIGN)
    task["ozonetel.cloudagent.ozonetel_dynamic_dids"]["campaign_name"] = "Sales {{ item }}"
    server.execute("ALTER SYSTEM SET log_connections = on")
    server.execute("SELECT pg_reload_conf()")
    try:
        result = job.run({**task, "loop": [1, 2, 3, 4]})
    finally:
        server.execute("ALTER SYSTEM RESET log_connections")
        server.execute("SELECT pg_reload_conf()")
    assert [entry["changed"] for entry in result["results"]] == [True] * 4
    database = re.search(r"records_\w+", job._url)
    assert database is not None
    authorized = f"connection authorized: user=postgres database={database[0]} "
    assert server.log.count(authorized) == 1


@pytest.mark.parametrize("way", WAYS)
def test_no_password_is_shown(job: Job, way: str) -> None:
    """Not even where it says everything, with the options of a task that fails."""
    url = job._url.replace("@/", f":{SECRET}@/").replace("/records_", "/missing_")
    options = {"record_url": url, "campaign_name": f"Sales {SECRET}"}
    result = job.run(job.task("ozonetel_dynamic_dids", way, **{**CAMPAIGN, **options}), "-vvvvv")
    assert "there is no such database" in result["msg"]
    assert MASKS_WHEN_SHOWN or SECRET not in str(result)
    # A task with a literal secret is shown as it stands by Ansible; the task here has one in its name.
    shown = [line for line in job.output.splitlines() if SECRET in line]
    assert shown == []
    assert "missing_" not in job.output.replace("database missing_", "")


@pytest.mark.parametrize("way", WAYS)
def test_no_password_of_the_environment_is_shown(job: Job, way: str) -> None:
    url = job._url.replace("@/", f":{SECRET}@/").replace("/records_", "/missing_")
    options = {**CAMPAIGN, "campaign_name": f"Sales {SECRET}"}
    task = job.task("ozonetel_dynamic_dids", way, **options)
    result = job.run(task, "-vvv", OZONETEL_RECORD_URL=url)
    assert "there is no such database" in result["msg"]
    assert MASKS_WHEN_SHOWN or SECRET not in result["campaign_name"] + result["msg"]
    assert SECRET not in "".join(
        line for line in job.output.splitlines() if "campaign_name" in line
    )


@pytest.mark.parametrize("way", WAYS)
def test_two_places_are_refused(job: Job, way: str) -> None:
    options = {**CAMPAIGN, "record_url": job._url, "record_dir": "/records"}
    result = job.run(job.task("ozonetel_dynamic_dids", way, **options))
    assert result["failure"]["reason"] == "invalid_input"
    assert "record_dir and record_url are both given" in result["msg"]


def test_the_shipped_playbook(job: Job) -> None:
    options: dict[str, t.Any] = {"campaigns": [CAMPAIGN], "record_url": job._url}
    assert "Of 1 campaign: 1 changed." in " ".join(job.play_shipped(**options).split())
    assert "Of 1 campaign: 1 unchanged." in " ".join(job.play_shipped(**options).split())


def test_the_page_of_the_shipped_playbook_report(job: Job, tmp_path: pathlib.Path) -> None:
    url = job._url.replace("@/", f":{SECRET}@/")
    job.play_shipped(campaigns=[CAMPAIGN], record_url=url, record_note="Ticket <17>")
    path = tmp_path / "report.html"
    output = job.play_shipped("report", report=str(path), record_url=url)
    assert "1 campaign of 1 account; 0 not confirmed; 0 numbers in several campaigns." in output
    page = path.read_text(encoding="utf-8")
    assert "<h4>Sales</h4>" in page
    assert "<dd>Ticket &lt;17&gt;" in page
    assert "Read from the record in PostgreSQL" in page
    assert SECRET not in page + output
