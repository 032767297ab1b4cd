# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run every example as it is printed, with the real ansible-playbook, and nothing beyond this machine.

The examples are the blocks of YAML in README.md and in the guides, and the EXAMPLES of each module and filter. What a
block is shows in its content:

- a list of plays is run as a playbook;
- a list of tasks is run by a play that imports it;
- a mapping is a variables file for the blocks after it; one with cloudagent_campaigns is also
  handed to the collection's playbook update_dynamic_dids.

Every host that an example names is played by the sandbox: https_proxy leads to a proxy that
connects all of them to it, and a private authority vouches for it under their names.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any, Iterator, Mapping, NamedTuple

import pytest
import trustme
import yaml

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines.files import (
    Files,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import (
    Confirmation,
    Lists,
    record_key,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.store import Change

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 600  # Only a command that hangs takes so long, however busy the machine is.

# How many requests each block sends. What is not listed here, or sends another number, fails.
REQUESTS = {
    "filter bulk_report": 1,
    "filter campaigns_from_csv": 2,
    "filter mistyped_variables": 0,
    "filter put_back_plan": 0,
    "filter report_page": 1,
    "filter report_plan": 0,
    "filter rotate_weekly": 2,
    "filter take_out_plan": 0,
    "filter update_input": 0,
    "module ozonetel_dynamic_dids": 9,
    "module ozonetel_dynamic_dids_bulk": 11,
    "module ozonetel_dynamic_dids_info": 3,
    "module ozonetel_dynamic_dids_record": 0,
    "README 1": 1,
    "README 2": 2,
    "guide_bulk 1": 2,
    "guide_bulk 2": 2,
    "guide_bulk 3": 2,
    "guide_bulk 4": 1,
    "guide_changed 1": 1,
    "guide_changed 2": 2,
    "guide_failures 1": 1,
    "guide_getting_started 1": 1,
    "guide_getting_started 2": 2,
    "guide_numbers 1": 1,
    "guide_playbook 1": 2,
    "guide_playbook 2": 2,
    "guide_put_back 1": 3,
    "guide_recipes 1": 2,
    "guide_recipes 2": 1,
    "guide_recipes 3": 0,
    "guide_recipes 4": 1,
    "guide_recipes 5": 2,
    "guide_report 1": 1,
    "guide_take_out 1": 0,
}

# Their blocks are executed by tests/postgres/test_guide.py.
NEED_A_DATABASE = ("guide_shared_record",)

HOSTS = ("in1-ccaas-api.ozonetel.com", "api.ccaas.ozonetel.com", "cc.partner.example")
ACME_KEY = "acme-key-of-the-examples"
GLOBEX_KEY = "globex-key-of-the-examples"
ACCOUNTS: dict[str, Any] = {
    "accounts": [
        {
            "username": "acme",
            "api_key": ACME_KEY,
            "numbers": [*map(str, range(9140001001, 9140001006)), "9140002001", "9140002002"],
            "campaigns": {
                "Sales": {"dynamic_dids": [], "fallback_dynamic_dids": []},
                "Support": {"dynamic_dids": [], "fallback_dynamic_dids": []},
            },
        },
        {
            "username": "globex",
            "api_key": GLOBEX_KEY,
            "numbers": ["+14155550100", "+14155550101", "+14155550104"],
            "campaigns": {"US Outreach": {"dynamic_dids": [], "fallback_dynamic_dids": []}},
        },
    ]
}
# What the examples keep in a vault.
VAULT = {
    "vault_cloudagent_api_key": ACME_KEY,
    "vault_cloudagent_international_api_key": GLOBEX_KEY,
}


# What the examples read.
CSV = """\
campaign_name,dynamic_dids,fallback_dynamic_dids
Sales,"9140001001,9140001002",9140002001
Support,9140001003,9140002002
"""
CAMPAIGNS = {
    "sales": {
        "campaign_name": "Sales",
        "dynamic_dids": ["9140001001", "9140001002"],
        "fallback_dynamic_dids": ["9140002001"],
    },
    "support": {
        "campaign_name": "Support",
        "dynamic_dids": "9140001003",
        "fallback_dynamic_dids": "9140002002",
    },
}


# --- The examples -------------------------------------------------------------------------------


class Block(NamedTuple):
    """One block of YAML, and the variables files among the blocks before it."""

    name: str
    text: str
    variables: tuple[str, ...] = ()


def plugin_blocks() -> Iterator[Block]:
    for kind in ("module", "filter"):
        folder = {"module": "modules"}.get(kind, kind)
        for path in sorted(ROOT.glob(f"plugins/{folder}/*.py")):
            source = path.read_text(encoding="utf-8")
            examples = re.search(r'^EXAMPLES = r"""(.*?)"""$', source, re.MULTILINE | re.DOTALL)
            assert examples, path
            yield Block(f"{kind} {path.stem}", examples.group(1))


def readme_blocks() -> Iterator[Block]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    variables: tuple[str, ...] = ()
    texts = re.findall(r"^```ya?ml\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    for number, text in enumerate(texts, start=1):
        yield Block(f"README {number}", text, variables)
        if isinstance(yaml.safe_load(text), dict):
            variables += (text,)


def guide_blocks() -> Iterator[Block]:
    for path in sorted(ROOT.glob("docs/docsite/rst/*.rst")):
        if path.stem in NEED_A_DATABASE:
            continue
        texts = re.findall(
            r"^\.\. code-block:: yaml\n\n((?:    .*\n|\n)+)", path.read_text("utf-8"), re.MULTILINE
        )
        # tests/examples/test_install.py installs what files for ansible-galaxy name.
        run_here = [text for text in texts if not text.startswith("    collections:")]
        for number, text in enumerate(run_here, start=1):
            yield Block(f"{path.stem} {number}", textwrap.dedent(text))


BLOCKS = [*plugin_blocks(), *readme_blocks(), *guide_blocks()]


# --- The network --------------------------------------------------------------------------------


class Tunnel(socketserver.StreamRequestHandler):
    """Connects whoever asks for port 443 of any host to the sandbox."""

    def handle(self) -> None:
        method, target, _version = self.rfile.readline().decode("ascii").split()
        while self.rfile.readline().strip():
            pass
        if method != "CONNECT" or not target.endswith(":443"):
            self.wfile.write(b"HTTP/1.1 403 Only the examples' hosts\r\n\r\n")
            return
        assert isinstance(self.server, TunnelServer)
        with socket.create_connection(self.server.sandbox_address) as sandbox:
            self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            back = threading.Thread(target=copy_bytes, args=(sandbox, self.connection))
            back.start()
            copy_bytes(self.connection, sandbox)
            back.join()


class TunnelServer(socketserver.ThreadingTCPServer):
    """The proxy, which knows where the sandbox is."""

    daemon_threads = True

    def __init__(self, sandbox_address: tuple[str, int]) -> None:
        self.sandbox_address = sandbox_address
        super().__init__(("127.0.0.1", 0), Tunnel)


def copy_bytes(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def running_proxy(sandbox_port: int) -> Iterator[str]:
    with TunnelServer(("127.0.0.1", sandbox_port)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


class Sandbox(NamedTuple):
    """The sandbox over HTTPS, with a certificate for the hosts of the examples."""

    url: str
    port: int
    authority: Path

    def control(self, method: str, path: str, document: Any = None) -> Any:
        data = None if document is None else json.dumps(document).encode("ascii")
        request = urllib.request.Request(f"{self.url}/sandbox/{path}", data, method=method)
        tls = ssl.create_default_context(cafile=str(self.authority))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls)
        )
        with opener.open(request, timeout=SECONDS) as answer:
            return json.load(answer)


@contextlib.contextmanager
def running_sandbox(folder: Path) -> Iterator[Sandbox]:
    names = ("authority.pem", "certificate.pem", "key.pem", "accounts.json", "ready.json")
    authority, certificate, key, accounts, ready = (folder / name for name in names)
    ca = trustme.CA()
    issued = ca.issue_cert(*HOSTS, "127.0.0.1")
    ca.cert_pem.write_to_path(authority)
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    accounts.write_text(json.dumps(ACCOUNTS), encoding="utf-8")
    # The time after which it ends by itself is for the case that this process is killed.
    command = [sys.executable, str(ROOT / "sandbox" / "cloudagent.py"), "--stop-after", "7200"]
    command += ["--certificate", str(certificate), "--private-key", str(key)]
    command += ["--accounts", str(accounts), "--ready-file", str(ready)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + SECONDS
            while not ready.exists():
                assert process.poll() is None, "the sandbox ended at once"
                assert time.monotonic() < until, "the sandbox does not start"
                time.sleep(0.05)
            place = json.loads(ready.read_text(encoding="utf-8"))
            yield Sandbox(place["url"], place["port"], authority)
        finally:
            process.terminate()


# --- A user's machine ---------------------------------------------------------------------------


class Machine(NamedTuple):
    """What a user of the examples has: an environment, a vault, an authority's certificate."""

    sandbox: Sandbox
    environment: dict[str, str]
    vault: Path


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with running_machine(tmp_path_factory.mktemp("machine")) as made:
        yield made


@contextlib.contextmanager
def running_machine(folder: Path) -> Iterator[Machine]:
    password, vault = folder / "password", folder / "vault.yml"
    password.write_text("only for the examples", encoding="utf-8")
    vault.write_text(yaml.safe_dump(VAULT), encoding="utf-8")
    with running_sandbox(folder) as sandbox, running_proxy(sandbox.port) as proxy:
        environment = {
            **without_settings(os.environ),
            # tests/conftest.py has made a tree in which this checkout is the collection.
            "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            "ANSIBLE_HOME": str(folder / "ansible"),
            # In which tests/conftest.py looks for deprecations.
            "ANSIBLE_LOG_PATH": os.environ["ANSIBLE_LOG_PATH"],
            "ANSIBLE_VAULT_PASSWORD_FILE": str(password),
            "HOME": str(folder),
            "OZONETEL_USERNAME": "acme",
            "OZONETEL_API_KEY": ACME_KEY,
            "REQUESTS_CA_BUNDLE": str(sandbox.authority),
            "https_proxy": proxy,
        }
        ended = run_command(["ansible-vault", "encrypt", str(vault)], environment, folder)
        assert ended.returncode == 0, ended.stdout
        assert ACME_KEY not in vault.read_text(encoding="utf-8")
        yield Machine(sandbox, environment, vault)


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without settings of Ansible; tests/conftest.py removed the others."""
    return {name: value for name, value in environment.items() if not name.startswith("ANSIBLE_")}


def run_command(
    command: list[str], environment: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run a command of the Ansible that belongs to this Python; all output is in stdout."""
    return subprocess.run(
        [str(Path(sys.executable).parent / command[0]), *command[1:]],
        check=False,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=SECONDS,
    )


class Run(NamedTuple):
    """What came of a block; the bodies of its requests."""

    exit_status: int
    output: str
    requests: list[dict[str, str]]


def run_block(block: Block, machine: Machine, folder: Path) -> Run:
    """Lay the block and all that it needs into the folder, and run it there."""
    (folder / "group_vars" / "all").mkdir(parents=True)
    (folder / "files").mkdir()
    for place in ("vault.yml", "group_vars/all/vault.yml"):
        shutil.copy(machine.vault, folder / place)
    shutil.copy(machine.sandbox.authority, folder / "files" / "partner-authority.pem")
    (folder / "files" / "campaigns.csv").write_text(CSV, encoding="utf-8")
    numbers = "\n".join(ACCOUNTS["accounts"][0]["numbers"])
    (folder / "files" / "numbers.txt").write_text(numbers, encoding="utf-8")
    hosts = {name: {"cloudagent_campaign": campaign} for name, campaign in CAMPAIGNS.items()}
    inventory = folder / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"campaigns": {"hosts": hosts}}), encoding="utf-8")
    for number, text in enumerate(block.variables):
        (folder / "group_vars" / "all" / f"{number}.yml").write_text(text, encoding="utf-8")

    machine.sandbox.control("DELETE", "requests")
    command = ["ansible-playbook", "-vvv", "-i", str(inventory), *arguments(block.text, folder)]
    # No block may see what another one has recorded.
    environment = {**machine.environment, "OZONETEL_RECORD_DIR": str(folder / "records")}
    ended = run_command(command, environment, folder)
    requests = machine.sandbox.control("GET", "requests")["requests"]
    return Run(ended.returncode, ended.stdout, [request["body"] for request in requests])


def arguments(text: str, folder: Path) -> list[str]:
    """Write the block into the folder, and return what ansible-playbook is to be given."""
    content = yaml.safe_load(text)
    block = folder / "block.yml"
    block.write_text(text, encoding="utf-8")
    if isinstance(content, dict):
        assert "cloudagent_campaigns" in content, "not known how to run this block"
        return ["ozonetel.cloudagent.update_dynamic_dids", "-e", f"@{block}"]
    if all("hosts" in entry for entry in content):
        return [str(block)]
    playbook = folder / "playbook.yml"
    task = {"ansible.builtin.import_tasks": block.name}
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [task]}
    playbook.write_text(yaml.safe_dump([play]), encoding="utf-8")
    return [str(playbook)]


def check(block: Block, run: Run) -> None:
    assert run.exit_status == 0, run.output
    assert len(run.requests) == REQUESTS.get(block.name), f"see REQUESTS\n{run.output}"
    for line in run.output.splitlines():
        assert ACME_KEY not in line
        assert GLOBEX_KEY not in line


# --- The tests ----------------------------------------------------------------------------------


@pytest.mark.parametrize("block", BLOCKS, ids=[block.name for block in BLOCKS])
def test_an_example_runs_and_sends_the_expected_requests(
    block: Block, machine: Machine, tmp_path: Path
) -> None:
    check(block, run_block(block, machine, tmp_path))


# The examples that put earlier lists back.
ROLLBACKS = [block for block in BLOCKS if "Put the earlier lists back" in block.text]
FIRST = {"dynamicDIDs": "9140001001,9140001002", "fallbackDynamicDIDs": "9140002001"}
SECOND = {"dynamicDIDs": "9140001003", "fallbackDynamicDIDs": "9140002002"}


@pytest.mark.parametrize("block", ROLLBACKS, ids=[block.name for block in ROLLBACKS])
def test_a_rollback_restores_the_first_lists(
    block: Block, machine: Machine, tmp_path: Path
) -> None:
    sent = run_block(block, machine, tmp_path).requests
    assert [{key: body[key] for key in FIRST} for body in sent] == [FIRST, SECOND, FIRST]


@pytest.mark.parametrize("block", ROLLBACKS, ids=[block.name for block in ROLLBACKS])
def test_a_rollback_without_earlier_lists_says_so(
    block: Block, machine: Machine, tmp_path: Path
) -> None:
    first, second = '["9140001001", "9140001002"]', '["9140001003"]'
    assert first in block.text
    text = block.text.replace(second, first).replace("9140002002", "9140002001")
    run = run_block(block._replace(text=text), machine, tmp_path)
    assert (run.exit_status, len(run.requests)) == (2, 2)
    assert "that holds earlier lists, so nothing can be put back" in run.output


# --- The commands of the guides about the playbooks put_back, take_out and report -----------------

FIRST_LISTS = (["9140001001", "9140001002"], ["9140002001"])
OTHER_LISTS = (["9140001003", "9140001001"], ["9140002002"])
# What the records of a page hold: each campaign's pairs, oldest first, with their times.
APPLIED = {
    "Sales": [(FIRST_LISTS, "2027-01-14T08:00:00Z"), (OTHER_LISTS, "2027-01-15T08:00:00Z")],
    "Support": [(OTHER_LISTS, "2027-01-14T09:00:00Z"), (FIRST_LISTS, "2027-01-15T09:00:00Z")],
}
# What each command of a page, one after the other, sends to which campaigns: the dynamic DIDs.
COMMANDS: dict[str, list[dict[str, str]]] = {
    "guide_changed": [{"Sales": "9140001001,9140001002"}],
    "guide_put_back": [
        {},
        {"Sales": "9140001001,9140001002"},
        {"Sales": "9140001001,9140001002"},
        {},
        {"Sales": "9140001001,9140001002", "Support": "9140001003,9140001001"},
        {"Sales": "9140001001,9140001002", "Support": "9140001003,9140001001"},
    ],
    "guide_report": [{}, {}],
    "guide_take_out": [
        {},
        {"Sales": "9140001003", "Support": "9140001002"},
        {"Support": "9140001003"},
    ],
}


def record_what_was_applied(records: Path) -> None:
    """Write the records as the collection does."""
    records.mkdir(mode=0o700)
    store = Files(str(records))
    for name, pairs in APPLIED.items():
        key = record_key(f"https://{HOSTS[0]}", "acme", name)
        for lists, applied_at in pairs:
            confirmation = Confirmation(
                Lists("acme", name, *lists), applied_at, "deploy@runner", "Ticket 4711"
            )
            found = store.read([key])[key]
            change = Change(key, f"https://{HOSTS[0]}", found, True, confirmation)
            assert store.write([change], durable=False) == {}


@pytest.mark.parametrize("page", COMMANDS)
def test_the_commands_of_a_guide(page: str, machine: Machine, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "docsite" / "rst" / f"{page}.rst").read_text(encoding="utf-8")
    commands = re.findall(
        r"^    \$ (.* ozonetel\.cloudagent\.(?:put_back|take_out|report) .*)$", text, re.M
    )
    assert len(commands) == len(COMMANDS[page])
    record_what_was_applied(tmp_path / "records")
    environment = {**machine.environment, "OZONETEL_RECORD_DIR": str(tmp_path / "records")}
    for command, expected in zip(commands, COMMANDS[page]):
        machine.sandbox.control("DELETE", "requests")
        ended = run_command(shlex.split(command), environment, tmp_path)
        assert ended.returncode == 0, f"{command}\n{ended.stdout}"
        bodies = [one["body"] for one in machine.sandbox.control("GET", "requests")["requests"]]
        sent = {body["campaignName"]: body["dynamicDIDs"] for body in bodies}
        assert sent == expected, f"{command}\n{ended.stdout}"


def test_the_pages_of_the_guide_to_the_report_show_its_campaigns(
    machine: Machine, tmp_path: Path
) -> None:
    record_what_was_applied(tmp_path / "records")
    environment = {**machine.environment, "OZONETEL_RECORD_DIR": str(tmp_path / "records")}
    command = ["ansible-playbook", "ozonetel.cloudagent.report", "-e", "cloudagent_report=a.html"]
    for changed in (1, 0):
        ended = run_command(command, environment, tmp_path)
        assert f"changed={changed} " in ended.stdout, ended.stdout
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<h4>Sales</h4>" in page and "<h4>Support</h4>" in page


def test_every_example_is_listed() -> None:
    assert {block.name for block in BLOCKS} == set(REQUESTS)


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        pytest.param("campaign_name:", "campaign:", "missing required", id="misspelt option"),
        pytest.param("9140001001", "9140009999", "invalid_dids", id="number of somebody else"),
        pytest.param("  tasks:", "  check_mode: true\n  tasks:", "see REQUESTS", id="not sent"),
    ],
)
def test_a_wrong_example_is_noticed(
    right: str, wrong: str, told: str, machine: Machine, tmp_path: Path
) -> None:
    example = next(block for block in BLOCKS if block.name == "README 1")
    assert right in example.text
    block = example._replace(text=example.text.replace(right, wrong))
    with pytest.raises(AssertionError, match=told):
        check(block, run_block(block, machine, tmp_path))
