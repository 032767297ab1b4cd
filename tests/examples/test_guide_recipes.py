# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide with recipes: its commands, what they print, and what it says of other cases."""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import shlex
import subprocess
import threading
from pathlib import Path
from typing import Any, Iterator, Mapping

import pytest

from ansible_collections.ozonetel.cloudagent.tests.examples.test_examples import (
    ACME_KEY,
    BLOCKS,
    ROOT,
    Machine,
    record_what_was_applied,
    run_block,
    run_command,
    running_machine,
)

GUIDE = (ROOT / "docs" / "docsite" / "rst" / "guide_recipes.rst").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROTATE, REFUSE, DAY, PROVE, ACCOUNTS = (
    block for block in BLOCKS if block.name.startswith("guide_recipes ")
)
COMMANDS = re.findall(r"^    \$ (.*)$", GUIDE, re.M)
README_LOOKS = re.findall(r"^(ansible localhost .* (?:did|campaign_name)=\S+) +#", README, re.M)
LOOK_AHEAD, ROTATE_COMMAND, SHOWN_BY, APPLIED, PROVE_COMMAND = COMMANDS
PARTNER = "https://cc.partner.example"


@pytest.fixture(name="machine", scope="module")
def _machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with running_machine(tmp_path_factory.mktemp("machine")) as made:
        yield made


@pytest.fixture(autouse=True)
def _empty_log(machine: Machine) -> None:
    machine.sandbox.control("DELETE", "requests")


def call(
    machine: Machine, folder: Path, command: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of the guide in a folder, which has the records too."""
    records = {"OZONETEL_RECORD_DIR": str(folder / "records")}
    return run_command(
        shlex.split(command), {**machine.environment, **records, **environment}, folder
    )


def sent(machine: Machine) -> list[dict[str, str]]:
    """Return the bodies of the requests since the last call."""
    found = machine.sandbox.control("GET", "requests")["requests"]
    machine.sandbox.control("DELETE", "requests")
    return [request["body"] for request in found]


def test_every_block_is_run() -> None:
    # tests/examples/test_examples.py runs those of YAML as well.
    kinds = re.findall(r"^\.\. code-block:: (\w+)", GUIDE, re.M)
    assert sorted(kinds) == ["console"] * 4 + ["yaml"] * 5


# --- Rotate a pool ------------------------------------------------------------------------------


def lists_of(machine: Machine) -> dict[str, str]:
    return {body["campaignName"]: body["dynamicDIDs"] for body in sent(machine)}


def test_a_pool_is_rotated_once_a_week(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "rotate.yml").write_text(ROTATE.text, encoding="utf-8")
    looked = call(machine, tmp_path, LOOK_AHEAD)
    assert looked.returncode == 0 and "+  9140001004" in looked.stdout, looked.stdout
    assert sent(machine) == []
    # The last day of the ISO week 53, and the first two of the week 1 after it.
    weeks = []
    for day, changed in (("2027-01-03", 1), ("2027-01-04", 1), ("2027-01-05", 0)):
        ran = call(machine, tmp_path, f"{ROTATE_COMMAND} -e day={day}")
        assert ran.returncode == 0 and f"changed={changed} " in ran.stdout, ran.stdout
        weeks.append(lists_of(machine))
    assert weeks == [
        {"Sales": "9140001002,9140001003", "Support": "9140001004,9140001005"},
        {"Sales": "9140001003,9140001004", "Support": "9140001005,9140001001"},
        {"Sales": "9140001003,9140001004", "Support": "9140001005,9140001001"},
    ]


def test_without_a_day_the_pool_is_rotated_for_today(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "rotate.yml").write_text(ROTATE.text, encoding="utf-8")
    ran = call(machine, tmp_path, ROTATE_COMMAND)
    assert ran.returncode == 0, ran.stdout
    assert lists_of(machine).keys() == {"Sales", "Support"}


# --- Refuse a number, look things up ------------------------------------------------------------


@pytest.mark.parametrize(
    "given", ['["9140001009", "9140001002"]', '"9140001009, 9140001002"'], ids=["list", "text"]
)
def test_a_number_that_is_not_in_the_file_is_refused(
    given: str, machine: Machine, tmp_path: Path
) -> None:
    assert '["9140001001", "9140001002"]' in REFUSE.text
    text = REFUSE.text.replace('["9140001001", "9140001002"]', given)
    run = run_block(REFUSE._replace(text=text), machine, tmp_path)
    assert (run.exit_status, run.requests) == (2, []), run.output
    assert "Not in numbers.txt, so nothing was sent: 9140001009" in run.output


def looked_up(ended: subprocess.CompletedProcess[str]) -> Any:
    """Return the campaigns that an ad hoc call shows."""
    assert ended.returncode == 0, ended.stdout
    return json.loads(ended.stdout.partition("SUCCESS => ")[2])["campaigns"]


def test_the_campaigns_of_a_number(machine: Machine, tmp_path: Path) -> None:
    record_what_was_applied(tmp_path / "records")
    found = looked_up(call(machine, tmp_path, SHOWN_BY))
    assert {one["campaign_name"]: one["found_in"] for one in found} == {
        "Sales": ["dynamic_dids"],
        "Support": ["dynamic_dids"],
    }


def test_what_was_applied_to_a_campaign(machine: Machine, tmp_path: Path) -> None:
    record_what_was_applied(tmp_path / "records")
    [sales] = looked_up(call(machine, tmp_path, APPLIED))
    assert [one["applied_at"] for one in sales["history"]] == [
        "2027-01-15T08:00:00Z",
        "2027-01-14T08:00:00Z",
    ]
    assert {one["applied_by"] for one in sales["history"]} == {"deploy@runner"}


def test_the_commands_of_the_readme_that_look_things_up(machine: Machine, tmp_path: Path) -> None:
    record_what_was_applied(tmp_path / "records")
    by_number, by_campaign = (looked_up(call(machine, tmp_path, one)) for one in README_LOOKS)
    assert [one["campaign_name"] for one in by_number] == ["Sales", "Support"]
    [sales] = by_campaign
    assert (sales["campaign_name"], sales["note"]) == ("Sales", "Ticket 4711")


@pytest.mark.parametrize(
    ("day", "times"),
    [
        pytest.param("2027-01-13", [], id="before the first update"),
        pytest.param("2027-01-14", ["2027-01-14T08:00:00Z"], id="day of the first update"),
        pytest.param("2027-01-15", ["2027-01-14T08:00:00Z", "2027-01-15T08:00:00Z"], id="changed"),
        pytest.param("2027-01-16", ["2027-01-15T08:00:00Z"], id="unchanged"),
    ],
)
def test_the_lists_of_a_day(day: str, times: list[str], machine: Machine, tmp_path: Path) -> None:
    record_what_was_applied(tmp_path / "records")
    run = run_block(DAY._replace(variables=(f'day: "{day}"\n',)), machine, tmp_path)
    assert (run.exit_status, run.requests) == (0, []), run.output
    assert re.findall(r"=> \(item=since (.*?)\) =>", run.output) == times
    assert run.output.count("by deploy@runner") == len(times)


def test_the_lists_of_a_day_without_a_record(machine: Machine, tmp_path: Path) -> None:
    assert run_block(DAY, machine, tmp_path).exit_status == 0


# --- Prove that CloudAgent can be reached -------------------------------------------------------


def prove(machine: Machine, folder: Path, more: str = "", **environment: str) -> tuple[int, str]:
    (folder / "prove.yml").write_text(PROVE.text, encoding="utf-8")
    ended = call(machine, folder, f"{PROVE_COMMAND} {more}", **environment)
    reason = re.search(r'"reason": "(\w+)"', ended.stdout)
    return ended.returncode, reason.group(1) if reason else ended.stdout


def test_the_way_is_proved_and_nothing_changes(machine: Machine, tmp_path: Path) -> None:
    before = machine.sandbox.control("GET", "state")
    exit_status, printed = prove(machine, tmp_path)
    assert exit_status == 0 and f"CloudAgent answered at {PARTNER}." in printed
    [body] = sent(machine)
    assert body["username"] == "not-an-account-connection-test"
    assert machine.sandbox.control("GET", "state") == before
    assert not (tmp_path / "records").exists()


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        pytest.param({"REQUESTS_CA_BUNDLE": ""}, "tls_failed", id="unknown authority"),
        # Nothing listens on this port.
        pytest.param({"https_proxy": "http://127.0.0.1:1"}, "proxy_failed", id="no proxy there"),
        pytest.param({"no_proxy": "cc.partner.example"}, "connection_failed", id="not by proxy"),
    ],
)
def test_nothing_is_proved_when_the_way_does_not_work(
    environment: Mapping[str, str], reason: str, machine: Machine, tmp_path: Path
) -> None:
    assert prove(machine, tmp_path, **environment) == (2, reason)
    assert sent(machine) == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param({"http_status": 404, "body": "<html>"}, "unexpected_answer", id="no API"),
        pytest.param(
            {"http_status": 302, "headers": {"Location": "/login"}}, "redirected", id="redirect"
        ),
        pytest.param({"http_status": 503}, "server_error", id="not available"),
        pytest.param({"http_status": 429}, "rate_limited", id="too many requests"),
    ],
)
def test_another_answer_proves_nothing(
    answer: dict[str, Any], reason: str, machine: Machine, tmp_path: Path
) -> None:
    machine.sandbox.control("POST", "answers", {"answers": [answer]})
    assert prove(machine, tmp_path) == (2, reason)


def test_check_mode_proves_nothing(machine: Machine, tmp_path: Path) -> None:
    exit_status, _printed = prove(machine, tmp_path, "--check")
    assert exit_status == 2
    assert sent(machine) == []


@contextlib.contextmanager
def running_ear() -> Iterator[tuple[str, list[bytes]]]:
    """A server that keeps whole requests; the sandbox keeps no key, so it can't tell."""
    heard: list[bytes] = []

    class Ear(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append(bytes(self.headers) + body)
            answer = b'{"Message": "Authentication failed."}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ear) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", heard
        finally:
            server.shutdown()


def test_neither_account_nor_key_is_sent_to_prove_it(machine: Machine, tmp_path: Path) -> None:
    with running_ear() as (url, heard):
        exit_status, printed = prove(machine, tmp_path, f"-e cloudagent_api_url={url}")
    assert exit_status == 0, printed
    [request] = heard
    assert b'"not-a-key"' in request
    assert ACME_KEY.encode() not in request and b'"acme"' not in request


def test_check_mode_finds_no_fault_of_the_account_or_the_way(
    machine: Machine, tmp_path: Path
) -> None:
    command = (
        "ansible localhost --check -m ozonetel.cloudagent.ozonetel_dynamic_dids "
        "-a 'campaign_name=Nowhere dynamic_dids=000 fallback_dynamic_dids=111'"
    )
    wrong = {"https_proxy": "http://127.0.0.1:1", "OZONETEL_API_KEY": "wrong"}
    ended = call(machine, tmp_path, command, **wrong)
    assert ended.returncode == 0 and '"changed": true' in ended.stdout, ended.stdout
    assert call(machine, tmp_path, command.replace("--check ", ""), **wrong).returncode == 2


# --- Several accounts, two people ---------------------------------------------------------------


def test_an_account_that_fails_does_not_keep_the_others_back(
    machine: Machine, tmp_path: Path
) -> None:
    text = ACCOUNTS.text.replace("campaign_name: Sales", "campaign_name: Nowhere")
    run = run_block(ACCOUNTS._replace(text=text), machine, tmp_path)
    assert run.exit_status == 2
    assert [body["campaignName"] for body in run.requests] == ["Nowhere", "US Outreach"]


def people(machine: Machine, folder: Path, first: str, second: str) -> list[bool]:
    """Let two people update a campaign in turn; return what each of three updates says."""
    update = (
        "ansible localhost -m ozonetel.cloudagent.ozonetel_dynamic_dids "
        "-a 'campaign_name=Sales dynamic_dids={} fallback_dynamic_dids=9140002001'"
    )
    said = []
    for records, number in ((first, "9140001001"), (second, "9140001002"), (first, "9140001001")):
        ended = call(
            machine, folder, update.format(number), OZONETEL_RECORD_DIR=str(folder / records)
        )
        assert ended.returncode == 0, ended.stdout
        said.append('"changed": true' in ended.stdout)
    return said


@pytest.mark.parametrize(
    ("second", "said"),
    [
        pytest.param("theirs", [True, True, False], id="a record each"),
        pytest.param("ours", [True, True, True], id="one record"),
    ],
)
def test_two_people_overwrite_each_other(
    second: str, said: list[bool], machine: Machine, tmp_path: Path
) -> None:
    assert people(machine, tmp_path, "ours", second) == said
    assert [body["dynamicDIDs"] for body in sent(machine)] == [
        "9140001001",
        "9140001002",
        "9140001001",
    ]
