# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Four controllers share the campaigns of an account by slices, and one database.

One controller is killed on its way, and the database is killed and started again. The sandbox and
PostgreSQL are the real ones, and so is ansible-playbook, with a home of its own for each controller.
``CLOUDAGENT_FLEET=2000`` has so many campaigns.
"""

from __future__ import annotations

import collections
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.sandbox import cloudagent as sandbox
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import Server, children
from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS

COUNT = int(os.environ.get("CLOUDAGENT_FLEET", "400"))
CONTROLLERS = 4
CONCURRENCY = 8
ACCOUNT, API_KEY = "acme", "k3y-of-acme"
NUMBERS = [f"91400010{number:02}" for number in range(100)]
ROWS = """\
SELECT campaign_name, confirmed, dynamic_dids, fallback_dynamic_dids
FROM ozonetel_cloudagent.campaigns"""

Lists = t.Tuple[t.List[str], t.List[str]]


def campaign(number: int) -> dict[str, t.Any]:
    first, second = NUMBERS[number % 97], NUMBERS[(number * 7 + 1) % 97]
    return {
        "campaign_name": f"Campaign {number}",
        "dynamic_dids": sorted({first, second}),
        "fallback_dynamic_dids": [NUMBERS[97 + number % 3]],
    }


CAMPAIGNS = [campaign(number) for number in range(COUNT)]
WANTED: dict[str, Lists] = {
    one["campaign_name"]: (one["dynamic_dids"], one["fallback_dynamic_dids"]) for one in CAMPAIGNS
}
# As AWX slices a job: each takes one of four in turn.
SLICES = [CAMPAIGNS[first::CONTROLLERS] for first in range(CONTROLLERS)]
NAMES = [{one["campaign_name"] for one in part} for part in SLICES]


class Account(sandbox.State):
    """The state of the sandbox, which tells of each request.

    Attributes:
        sent: the campaigns of all requests.
        on_request: is called with the campaign's name before the request is answered.
    """

    def __init__(self) -> None:
        empty: dict[str, list[str]] = {"dynamic_dids": [], "fallback_dynamic_dids": []}
        campaigns = dict.fromkeys(WANTED, empty)
        account = {"username": ACCOUNT, "api_key": API_KEY, "numbers": NUMBERS}
        document = {"accounts": [{**account, "campaigns": campaigns}]}
        super().__init__(sandbox.build_accounts(document))
        self.sent: list[str] = []
        self.on_request: t.Callable[[str], None] = lambda _name: None

    def update(self, request: t.Any, raw: bytes) -> t.Any:
        """Answer a request."""
        name = json.loads(raw)["campaignName"]
        self.on_request(name)
        self.sent.append(name)
        return super().update(request, raw)

    @property
    def lists(self) -> dict[str, Lists]:
        """Return the lists of all campaigns."""
        campaigns = self.accounts[ACCOUNT].campaigns
        return {
            name: (one.dynamic_dids, one.fallback_dynamic_dids) for name, one in campaigns.items()
        }


class Fleet:
    """The controllers, and what they share."""

    def __init__(self, folder: pathlib.Path, url: str, database: Server) -> None:
        self.homes = folder
        self._url = url
        self.database = database
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, campaigns: list[dict[str, t.Any]]) -> subprocess.Popen[str]:
        """Start a controller with an empty home."""
        home = self.homes / f"controller{len(self.processes)}"
        home.mkdir()
        variables = home / "variables.json"
        given = {
            "cloudagent_username": ACCOUNT,
            "cloudagent_api_key": API_KEY,
            "cloudagent_api_url": self._url,
            "cloudagent_concurrency": CONCURRENCY,
            "cloudagent_skip_unchanged": True,
            "cloudagent_campaigns": campaigns,
        }
        variables.write_text(json.dumps(given), encoding="utf-8")
        process = subprocess.Popen(
            [
                str(pathlib.Path(sys.executable).parent / "ansible-playbook"),
                "ozonetel.cloudagent.update_dynamic_dids",
                *("-e", f"@{variables}"),
            ],
            env={
                **os.environ,
                "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
                "ANSIBLE_LOCALHOST_WARNING": "false",
                "HOME": str(home),
                "OZONETEL_RECORD_URL": self.database.url(),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def finish(self, process: subprocess.Popen[str]) -> str:
        """Return the output of a controller that has to succeed."""
        output = process.communicate(timeout=3 * HANG_SECONDS)[0]
        assert process.returncode == 0, output
        return output

    def kill(self, process: subprocess.Popen[str]) -> None:
        """Kill a controller with all of its workers."""
        for pid in (*children(process.pid), process.pid):
            os.kill(pid, signal.SIGKILL)

    def unconfirmed(self) -> set[str]:
        """Return the campaigns whose records say that nothing is certain."""
        return {name for name, confirmed, *_lists in self.database.execute(ROWS) if not confirmed}

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                self.kill(process)
                process.wait()


@pytest.fixture(name="account")
def _account() -> Account:
    return Account()


@pytest.fixture(name="fleet")
def _fleet(own_server: Server, account: Account, tmp_path: pathlib.Path) -> t.Iterator[Fleet]:
    server = sandbox.Server("127.0.0.1", 0, account, None)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    fleet = Fleet(tmp_path, server.url, own_server)
    yield fleet
    fleet.stop()
    server.shutdown()
    server.server_close()


def test_a_fleet_keeps_one_truth(fleet: Fleet, account: Account) -> None:
    at_risk: set[str] = set()
    lock = threading.Lock()
    requests: collections.Counter[str] = collections.Counter()

    def do_harm(name: str) -> None:
        with lock:
            requests["all"] += 1
            requests["first slice"] += name in NAMES[0]
            if requests["first slice"] == len(NAMES[0]) // 2 and name in NAMES[0]:
                fleet.kill(first)
            if requests["all"] == COUNT * 3 // 4:
                # What has no durable confirmation yet may be sent again, and so may what was marked
                # between this look and the kill.
                at_risk.update(fleet.unconfirmed())
                fleet.database.kill()
                fleet.database.start()
                at_risk.update(fleet.unconfirmed())
                restarted.set()

    restarted = threading.Event()
    account.on_request = do_harm
    first, *others = [fleet.start(part) for part in SLICES]
    first.communicate(timeout=3 * HANG_SECONDS)
    assert first.returncode == -signal.SIGKILL
    # Nobody else works on its slice. The lock is held while the server is down.
    with lock:
        at_risk.update(fleet.unconfirmed() & NAMES[0])
    # The slice is run again by a controller that knows nothing of the first one.
    others.append(fleet.start(SLICES[0]))
    for process in others:
        fleet.finish(process)
    assert restarted.is_set()
    assert account.lists == WANTED

    # No record says what is not so, and only what was on its way lacks its confirmation.
    for name, confirmed, *lists in fleet.database.execute(ROWS):
        assert not confirmed or tuple(lists) == account.lists[name]
    again = fleet.unconfirmed()
    assert again <= at_risk
    sent = collections.Counter(account.sent)
    assert set(sent) == set(WANTED)
    assert {name for name, times in sent.items() if times > 1} <= at_risk

    # One more run sends nothing else.
    account.sent.clear()
    output = fleet.finish(fleet.start(CAMPAIGNS))
    assert set(account.sent) == again and len(account.sent) == len(again)
    counts = [f"{len(again)} changed"] if again else []
    counts.append(f"{COUNT - len(again)} skipped")
    assert f"Of {COUNT} campaigns: {', '.join(counts)}." in " ".join(output.split())
    assert account.lists == WANTED
    # No controller keeps anything at home.
    assert not list(fleet.homes.glob("*/.local/state/*"))
