# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX as examples/awx/setup.yml sets it up: its jobs, slices and schedule, in ansible-runner, with the shared record."""

from __future__ import annotations

import json
import os
import pathlib
import typing as t
import urllib.request

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._endpoint import UPDATE_PATH
from ansible_collections.ozonetel.cloudagent.tests.awx.stand_in import Awx, Job
from ansible_collections.ozonetel.cloudagent.tests.examples.support import Sandbox
from ansible_collections.ozonetel.cloudagent.tests.postgres.installation import (
    API_KEY,
    DATABASE,
    PASSWORD,
    Installation,
)
from ansible_collections.ozonetel.cloudagent.tests.postgres.jobs import (
    ACCOUNT,
    CAMPAIGNS,
    as_csv,
    new_table,
)

WHOLE, IN_SLICES = "Update caller numbers", "Update caller numbers in slices"


class Launcher:
    """Starts jobs in an execution environment in which db.example leads to this machine."""

    def __init__(self, awx: Awx, sandbox: Sandbox, variables: dict[str, str]) -> None:
        self._awx = awx
        self.sandbox = sandbox
        self._environment = {
            "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            **variables,
        }

    def start(self, template: str, **options: t.Any) -> t.Callable[[], Job]:
        files = {"campaigns.csv": as_csv(new_table())}
        return self._awx.launch(template, files, self._environment, **options)

    def run(self, template: str, **options: t.Any) -> Job:
        return finished(self.start(template, **options))

    def run_slices(self, count: int) -> list[Job]:
        """Run all slices at the same time."""
        pieces = [(number, count) for number in range(1, count + 1)]
        waits = [self.start(IN_SLICES, piece=piece) for piece in pieces]
        return [finished(wait) for wait in waits]


def finished(wait: t.Callable[[], Job]) -> Job:
    job = wait()
    assert job.exit_status == 0, job.output[:20_000]
    assert API_KEY not in job.output
    assert PASSWORD not in job.output
    return job


@pytest.fixture(name="awx", scope="module")
def _awx(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Awx:
    authority = pathlib.Path(installation.authority).read_text(encoding="ascii")
    secrets = {"api_key": API_KEY, "record_password": PASSWORD}
    return Awx(tmp_path_factory.mktemp("awx"), authority, secrets)


@pytest.fixture(name="launcher")
def _launcher(awx: Awx, installation: Installation, tmp_path: pathlib.Path) -> t.Iterator[Launcher]:
    sandbox = Sandbox(tmp_path, ACCOUNT)
    (credential,) = awx.objects["credential"].values()
    credential["inputs"]["api_url"] = sandbox.url
    yield Launcher(awx, sandbox, installation.variables)
    sandbox.stop()
    forget = "TRUNCATE ozonetel_cloudagent.campaigns, ozonetel_cloudagent.history"
    installation.server.execute(forget, DATABASE)


def test_the_setup_shows_no_secret(awx: Awx) -> None:
    assert API_KEY in json.dumps(awx.objects) and PASSWORD in json.dumps(awx.objects)
    assert API_KEY not in awx.output and PASSWORD not in awx.output


def test_check_then_run_then_unchanged(launcher: Launcher, installation: Installation) -> None:
    asked = launcher.run(WHOLE, check=True)
    assert asked.changed == 1 and "nothing was sent" in asked.output
    assert launcher.sandbox.take_sent() == []

    assert launcher.run(WHOLE, survey={"reason": "Ticket {{ 7 * 7 }}"}).changed == 1
    assert launcher.sandbox.lists() == new_table()
    notes = "SELECT DISTINCT note FROM ozonetel_cloudagent.campaigns"
    assert installation.server.execute(notes, DATABASE) == [("AWX job 4711 Ticket {{ 7 * 7 }}",)]

    change_in_the_screens(launcher.sandbox, "Campaign 007")
    launcher.sandbox.take_sent()
    # What the schedule does every night.
    assert launcher.run(WHOLE, survey={"reason": "Every night"}).changed == 0
    assert len(launcher.sandbox.take_sent()) == CAMPAIGNS
    assert launcher.sandbox.lists() == new_table()

    assert launcher.run(WHOLE, survey={"cloudagent_skip_unchanged": "true"}).changed == 0
    assert launcher.sandbox.take_sent() == []


def test_slices_share_the_table(launcher: Launcher, awx: Awx) -> None:
    count = awx.objects["job_template"][IN_SLICES]["job_slice_count"]
    parts = len(awx.objects["host"])
    jobs = launcher.run_slices(count)
    assert [job.changed for job in jobs] == [parts // count] * count
    assert sorted(launcher.sandbox.take_sent()) == sorted(new_table())
    assert launcher.sandbox.lists() == new_table()

    # Another number of slices, one of which has more hosts, has the same parts.
    jobs = launcher.run_slices(3)
    assert [job.changed for job in jobs] == [0, 0, 0]
    assert sorted(launcher.sandbox.take_sent()) == sorted(new_table())


def test_each_slice_of_a_play_on_localhost_has_the_whole_table(launcher: Launcher) -> None:
    """This is what the guide warns of."""
    for number in (1, 2):
        finished(launcher.start(WHOLE, piece=(number, 2)))
        assert len(launcher.sandbox.take_sent()) == CAMPAIGNS


def change_in_the_screens(sandbox: Sandbox, campaign: str) -> None:
    body = {
        "username": "acme",
        "apiKey": API_KEY,
        "campaignName": campaign,
        "dynamicDIDs": "9140001020",
        "fallbackDynamicDIDs": "9140002005",
    }
    request = urllib.request.Request(
        sandbox.url + UPDATE_PATH,
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request) as answer:
        assert b"success" in answer.read()
    assert sandbox.lists()[campaign] == ("9140001020", "9140002005")
