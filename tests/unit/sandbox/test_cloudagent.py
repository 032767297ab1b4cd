# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the sandbox: its answers, what it remembers, and its command line."""

from __future__ import annotations

import contextlib
import datetime
import http.client
import importlib.util
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS

SCRIPT = pathlib.Path(__file__).resolve().parents[3] / "sandbox" / "cloudagent.py"
UPDATE = "/APIServices/dynamic/did/update"
KEY = "acme-sandbox-key"
WHEN = datetime.datetime(2023, 10, 18, 9, 48, 1, 703000, datetime.timezone.utc)


def load_sandbox() -> Any:
    """Load the file by its path: it belongs to no package."""
    spec = importlib.util.spec_from_file_location("cloudagent_sandbox", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


sandbox = load_sandbox()


def body(**changes: Any) -> dict[str, Any]:
    """Return the body of a good update; a change to None drops the field."""
    fields: dict[str, Any] = {
        "username": "acme",
        "campaignName": "Sales",
        "apiKey": KEY,
        "dynamicDIDs": "9140001003,9140001001",
        "fallbackDynamicDIDs": "9140002002",
    }
    fields.update(changes)
    return {name: value for name, value in fields.items() if value is not None}


def new_state() -> Any:
    return sandbox.State(sandbox.build_accounts(sandbox.BUILT_IN), clock=lambda: WHEN)


class Client:
    """One kept connection to a server that runs in this process."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=HANG_SECONDS)
        self.response: Any = None

    def send(
        self, method: str, path: str, payload: Any = None, headers: Any = None
    ) -> tuple[int, Any]:
        """Send bytes as they are and anything else as JSON; return status and parsed answer."""
        if payload is not None and not isinstance(payload, bytes):
            payload = json.dumps(payload).encode()
        self.connection.request(method, path, payload, headers or {})
        self.response = self.connection.getresponse()
        raw = self.response.read()
        try:
            return self.response.status, json.loads(raw)
        except ValueError:
            return self.response.status, raw

    def update(self, **changes: Any) -> tuple[int, Any]:
        return self.send("POST", UPDATE, body(**changes))

    def lists(self, username: str = "acme", campaign: str = "Sales") -> Any:
        _status, state = self.send("GET", "/sandbox/state")
        (account,) = [entry for entry in state["accounts"] if entry["username"] == username]
        return account["campaigns"][campaign]

    def log(self) -> Any:
        return self.send("GET", "/sandbox/requests")[1]["requests"]


@pytest.fixture(name="client")
def fixture_client() -> Any:
    server = sandbox.Server("127.0.0.1", 0, new_state(), None)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    client = Client(server)
    yield client
    client.connection.close()
    server.shutdown()
    server.server_close()
    thread.join(HANG_SECONDS)


# --- Every documented answer ---


SPRING = {
    "timestamp": "2023-10-18T09:48:01.703+0000",
    "status": 500,
    "error": "Internal Server Error",
    "path": UPDATE,
}

MESSAGES = [
    ({}, "Dynamic DIDs updated successfully"),
    ({"username": "nobody"}, "Authentication failed."),
    ({"username": None}, "Authentication failed."),
    ({"apiKey": "wrong"}, "Authentication failed."),
    ({"apiKey": ""}, "Authentication failed."),
    ({"apiKey": "globex-sandbox-key"}, "Authentication failed."),
    ({"campaignName": "Nowhere"}, "Campaign not found."),
    ({"campaignName": None}, "Campaign not found."),
    ({"dynamicDIDs": None}, "DIDs is required"),
    ({"dynamicDIDs": ""}, "DIDs is required"),
    ({"fallbackDynamicDIDs": None}, "fallbackDIDs is required"),
    ({"fallbackDynamicDIDs": " "}, "fallbackDIDs is required"),
    (
        {"dynamicDIDs": "9140001001,9999999999"},
        "Please enter the Valid DIDs assigned to the account.",
    ),
    ({"dynamicDIDs": "+14155550100"}, "Please enter the Valid DIDs assigned to the account."),
    ({"dynamicDIDs": "9140001001,"}, "Please enter the Valid DIDs assigned to the account."),
    (
        {"fallbackDynamicDIDs": "9999999999"},
        "Please enter the Valid FallbackDIDs assigned to the account.",
    ),
]


@pytest.mark.parametrize(("changes", "message"), MESSAGES)
def test_every_documented_message_has_http_200(changes: Any, message: str) -> None:
    assert sandbox.answer_update(new_state(), body(**changes)) == (200, {"Message": message})


@pytest.mark.parametrize(
    "document",
    [
        body(apiKey=None),
        {**body(apiKey=None), "apikey": KEY},
        {**body(), "apiKey": None},
        body(username="nobody", apiKey=None),
        {**body(), "dynamicDIDs": ["9140001001"]},
        {**body(), "username": 1},
        None,
        [],
        "text",
        7,
        {},
    ],
)
def test_a_malformed_request_gets_the_spring_error_with_http_500(document: Any) -> None:
    assert sandbox.answer_update(new_state(), document) == (500, SPRING)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe\xfa", b"[" * 100_000])
def test_a_body_that_is_not_json_gets_the_spring_error(client: Client, raw: bytes) -> None:
    status, answer = client.send("POST", UPDATE, raw)
    assert (status, answer) == (500, SPRING)


def test_deciding_on_an_answer_changes_no_list_and_logs_nothing() -> None:
    state = new_state()
    before = json.dumps(state.view())
    assert sandbox.answer_update(state, body())[1] == sandbox.UPDATED
    assert json.dumps(state.view()) == before
    assert state.logged() == b'{"requests": []}'


# --- What the campaigns hold ---


def test_an_update_replaces_both_lists_in_full_and_in_order(client: Client) -> None:
    assert client.lists()["dynamic_dids"] == ["9140001001", "9140001002"]
    assert client.update() == (200, {"Message": "Dynamic DIDs updated successfully"})
    assert client.lists() == {
        "dynamic_dids": ["9140001003", "9140001001"],
        "fallback_dynamic_dids": ["9140002002"],
    }
    assert client.lists(campaign="Support")["dynamic_dids"] == ["9140001003"]


@pytest.mark.parametrize("changes", [changes for changes, _message in MESSAGES if changes])
def test_a_refused_update_leaves_both_lists_alone(client: Client, changes: Any) -> None:
    before = client.lists()
    client.update(**changes)
    assert client.lists() == before


def test_international_numbers_are_stored_with_their_plus_sign(client: Client) -> None:
    status, answer = client.update(
        username="globex",
        apiKey="globex-sandbox-key",
        campaignName="UK Support",
        dynamicDIDs="+442079460002,+442079460003",
        fallbackDynamicDIDs="+14155550105",
    )
    assert (status, answer) == (200, sandbox.UPDATED)
    assert client.lists("globex", "UK Support")["fallback_dynamic_dids"] == ["+14155550105"]


def test_the_state_shows_accounts_without_their_keys(client: Client) -> None:
    _status, state = client.send("GET", "/sandbox/state")
    assert [set(account) for account in state["accounts"]] == [
        {"username", "numbers", "campaigns"}
    ] * 2
    assert "sandbox-key" not in json.dumps(state)


def test_a_path_prefix_is_accepted(client: Client) -> None:
    assert client.send("POST", f"/partner/v1{UPDATE}", body()) == (200, sandbox.UPDATED)
    assert client.lists()["dynamic_dids"] == ["9140001003", "9140001001"]


# --- HTTP ---


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/", 404, "Not Found"),
        ("POST", "/APIServices", 404, "Not Found"),
        ("POST", "/sandbox/state", 404, "Not Found"),
        ("PUT", "/elsewhere", 404, "Not Found"),
        ("GET", UPDATE, 405, "Method Not Allowed"),
    ],
)
def test_other_paths_and_methods_get_an_error_and_are_not_logged(
    client: Client, method: str, path: str, status: int, error: str
) -> None:
    assert client.send(method, path) == (
        status,
        {**SPRING, "status": status, "error": error, "path": path},
    )
    assert client.log() == []


def test_a_head_request_gets_no_body(client: Client) -> None:
    assert client.send("HEAD", "/") == (404, b"")
    assert client.send("GET", "/sandbox/requests")[0] == 200


def test_a_body_over_one_mebibyte_is_refused_and_the_connection_stays_open(client: Client) -> None:
    largest = json.dumps(body()).encode().ljust(sandbox.BODY_LIMIT)
    assert client.send("POST", UPDATE, largest) == (200, sandbox.UPDATED)
    status, answer = client.send("POST", UPDATE, largest + b" ")
    assert (status, answer["error"], answer["path"]) == (413, sandbox.phrase(413), UPDATE)
    assert client.response.getheader("Connection") is None
    assert [(entry["http_status"], entry["body"] is None) for entry in client.log()] == [
        (200, False),
        (413, True),
    ]


@pytest.mark.parametrize(
    ("headers", "status"), [({"Transfer-Encoding": "chunked"}, 411), ({"Content-Length": "x"}, 400)]
)
def test_a_body_of_unknown_length_is_refused(client: Client, headers: Any, status: int) -> None:
    assert client.send("POST", UPDATE, headers=headers)[0] == status
    assert client.response.getheader("Connection") == "close"


def test_a_client_that_hangs_up_changes_nothing(client: Client, capfd: Any) -> None:
    address = ("127.0.0.1", client.server.port)
    with socket.create_connection(address, timeout=HANG_SECONDS) as half:
        half.sendall(f"POST {UPDATE} HTTP/1.1\r\nContent-Length: 50\r\n\r\n{{".encode())
        half.shutdown(socket.SHUT_WR)
        assert half.recv(100) == b""
    assert client.log() == []
    assert capfd.readouterr().err == ""


def test_nagles_algorithm_is_off_on_every_connection(client: Client) -> None:
    served: list[socket.socket] = []
    serve = client.server.finish_request

    def keep(request: socket.socket, address: Any) -> None:
        served.append(request)
        serve(request, address)

    client.server.finish_request = keep
    for _turn in range(3):
        client.update()
    # Nagle's algorithm with delayed acknowledgements would cost about 40 ms each.
    (sock,) = served
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_forty_connections_at_once_are_all_answered_and_logged(client: Client) -> None:
    answers = []

    def work() -> None:
        answers.append(Client(client.server).update())

    threads = [threading.Thread(target=work) for _turn in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_SECONDS)
    assert answers == [(200, sandbox.UPDATED)] * 40
    assert sorted(entry["number"] for entry in client.log()) == list(range(1, 41))


# --- The request log ---


def test_the_log_shows_each_request_with_its_answer(client: Client) -> None:
    client.update(campaignName="Nowhere")
    (entry,) = client.log()
    headers = entry.pop("headers")
    assert headers["Host"] == f"127.0.0.1:{client.server.port}"
    assert entry == {
        "number": 1,
        "method": "POST",
        "path": UPDATE,
        "body": {**body(campaignName="Nowhere"), "apiKey": "(hidden)"},
        "other_fields": [],
        "http_status": 200,
        "answer": {"Message": "Campaign not found."},
    }


def test_emptying_the_log_does_not_restart_the_numbering(client: Client) -> None:
    client.update()
    client.update()
    assert client.send("DELETE", "/sandbox/requests") == (200, {"removed": 2})
    assert client.log() == []
    client.update()
    assert [entry["number"] for entry in client.log()] == [3]


@pytest.mark.parametrize("key", [KEY, "Wr0ng/key +1", 'qu"ote\\ü'])
def test_the_log_hides_the_key_everywhere(client: Client, key: str) -> None:
    quoted = key.encode("latin-1").hex("%")
    secret_headers = {
        "Authorization": f"Basic {key}",
        "cookie": f"session={key}",
        "Proxy-Authorization": key,
        "X-Api-Key": key,
    }
    headers = {name: value.encode("latin-1") for name, value in secret_headers.items()}
    known = body(apiKey=key, username=key, campaignName=f"Sales {key}", dynamicDIDs=f"1,{key}")
    client.send(
        "POST",
        f"/{sandbox.urllib.parse.quote(key, safe='')}{UPDATE}?apiKey=%{quoted}",
        known,
        headers,
    )
    client.send(
        "POST",
        UPDATE,
        {**body(apiKey=None), "apikey": "secret-one", "username": {"k": "secret-two"}},
    )
    client.send("POST", UPDATE, [key])
    client.send("POST", UPDATE, b"{apiKey: secret-three")
    client.send(
        "POST", "/sandbox/answers", {"answers": [{"body": {"Message": f"Bad {key}", key: [key]}}]}
    )
    client.update(apiKey=key)

    entries = client.log()
    text = json.dumps(entries, ensure_ascii=False) + json.dumps(entries)
    for form in (key, json.dumps(key)[1:-1], quoted, KEY, "secret-"):
        assert form not in text
    first, misspelt, no_object, no_json, queued = entries
    for name in ("Authorization", "cookie", "Proxy-Authorization", "X-Api-Key"):
        assert "(hidden)" in first["headers"][name]
    assert first["path"] == f"/(hidden){UPDATE}?(hidden)"
    assert first["body"]["campaignName"] == "Sales (hidden)"
    assert misspelt["other_fields"] == ["apikey"]
    assert misspelt["body"]["username"] == "(dict)"
    assert no_object["body"] is None and no_json["body"] is None
    assert queued["answer"] == {"Message": "Bad (hidden)", "(hidden)": ["(hidden)"]}


def test_a_key_equal_to_a_campaign_name_hides_only_the_key(client: Client) -> None:
    client.update(apiKey="Sales")
    (entry,) = client.log()
    assert entry["body"] == {**body(), "apiKey": "(hidden)"}


def test_the_log_keeps_the_latest_requests_only(monkeypatch: Any) -> None:
    monkeypatch.setattr(sandbox, "LOG_REQUESTS", 3)
    state = new_state()
    request = sandbox.Request("POST", UPDATE, [])
    for _turn in range(5):
        state.update(request, b"{}")
    numbers = [entry["number"] for entry in json.loads(state.logged())["requests"]]
    assert numbers == [3, 4, 5]
    monkeypatch.setattr(sandbox, "LOG_BYTES", 1)
    state.update(request, b"{}")
    assert len(json.loads(state.logged())["requests"]) == 1
    assert state.log.size == len(state.log.entries[0])


# --- Queued answers ---


def test_queued_answers_replace_the_next_answers(client: Client) -> None:
    queued = [
        {"http_status": 503, "body": {"error": "busy"}, "headers": {"Retry-After": "1"}},
        {"http_status": 200, "body": "<html>", "headers": {"content-type": "text/html"}},
        {"http_status": 502},
        {"http_status": 204},
        {"http_status": 599, "body": [1], "delay": 0.05},
    ]
    before = client.lists()
    assert client.send("POST", "/sandbox/answers", {"answers": queued}) == (200, {"waiting": 5})
    assert client.update() == (503, {"error": "busy"})
    assert client.response.getheader("Retry-After") == "1"
    assert client.update() == (200, b"<html>")
    assert client.response.getheader("Content-Type") == "text/html"
    assert client.update() == (502, b"")
    assert client.update() == (204, b"")
    began = time.perf_counter()
    assert client.update() == (599, [1])
    assert time.perf_counter() - began >= 0.05
    assert client.lists() == before
    assert client.update() == (200, sandbox.UPDATED)
    statuses = [entry["http_status"] for entry in client.log()]
    assert statuses == [503, 200, 502, 204, 599, 200]


def test_queued_answers_can_be_dropped(client: Client) -> None:
    client.send("POST", "/sandbox/answers", {"answers": [{}, {}]})
    assert client.send("DELETE", "/sandbox/answers") == (200, {"removed": 2})
    assert client.update() == (200, sandbox.UPDATED)


def nested(levels: int) -> Any:
    value: Any = 0
    for _level in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (None, "send a JSON object"),
        ({"answers": {}}, "send a JSON object"),
        ({"answers": [1]}, "answers[0] must be an object"),
        ({"answers": [{}, {"status": 503}]}, "answers[1] knows only body, delay,"),
        ({"answers": [{"http_status": "503"}]}, "http_status must be a whole number"),
        ({"answers": [{"http_status": True}]}, "http_status must be a whole number"),
        ({"answers": [{"http_status": 100}]}, "from 200 to 599"),
        ({"answers": [{"delay": -1}]}, "delay must be seconds"),
        ({"answers": [{"delay": float("nan")}]}, "delay must be seconds"),
        ({"answers": [{"headers": {"A": 1}}]}, "headers must be"),
        ({"answers": [{"headers": {"A": "b\r\nC: d"}}]}, "headers must be"),
        ({"answers": [{"headers": {"A b": "c"}}]}, "headers must be"),
        ({"answers": [{"headers": {"Content-length": "9"}}]}, "without Connection"),
        ({"answers": [{"body": [[{"a": [{}] * 2}]] * 2}, {"body": nested(51)}]}, "nested deeper"),
        ({"answers": [{}] * 10_001}, "more than 10000"),
    ],
)
def test_bad_queued_answers_are_refused(client: Client, document: Any, reason: str) -> None:
    status, answer = client.send("POST", "/sandbox/answers", document)
    assert status == 400
    assert reason in answer["error"]
    assert client.update() == (200, sandbox.UPDATED)


# --- Accounts files ---


def accounts_file(**changes: Any) -> dict[str, Any]:
    account: dict[str, Any] = {
        "username": "initech",
        "api_key": "s3cret-in-file",
        "numbers": ["9140001001", "9140001002"],
        "campaigns": {
            "Sales": {"dynamic_dids": ["9140001001"], "fallback_dynamic_dids": []},
        },
    }
    account.update(changes)
    return {"accounts": [{name: value for name, value in account.items() if value is not None}]}


def campaigns(lists: Any) -> dict[str, Any]:
    return accounts_file(campaigns={"Sales": lists})


def test_a_valid_accounts_file_is_loaded(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps(accounts_file()), encoding="utf-8")
    (account,) = sandbox.load_accounts(str(path))
    assert account.campaigns == {"Sales": sandbox.Campaign(["9140001001"], [])}
    assert "s3cret" not in repr(account)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "the file must be an object"),
        ({}, "the file lacks accounts"),
        ({"accounts": []}, "accounts must hold at least one account"),
        ({"accounts": [7]}, "accounts[0] must be an object"),
        (accounts_file(api_key=None), "accounts[0] lacks api_key"),
        (accounts_file(key="s3cret-in-file"), "accounts[0] has 1 unknown member(s); known are"),
        (accounts_file(api_key=5), "accounts[0].api_key must be a string"),
        (accounts_file(api_key=""), "accounts[0].api_key must not be empty"),
        (accounts_file(username=" "), "accounts[0].username must not be empty"),
        (accounts_file(numbers="1"), "accounts[0].numbers must be a list"),
        (accounts_file(numbers=["1", 2]), "accounts[0].numbers[1] must be a string: put"),
        (accounts_file(numbers=["1,2"]), "accounts[0].numbers[0] must be one number"),
        (accounts_file(campaigns=[]), "accounts[0].campaigns must be an object"),
        (accounts_file(campaigns={"": {}}), "a name in accounts[0].campaigns must not be empty"),
        (campaigns([]), "accounts[0].campaigns['Sales'] must be an object"),
        (campaigns({"dynamic_dids": []}), "campaigns['Sales'] lacks fallback_dynamic_dids"),
        (
            campaigns({"dynamic_dids": ["9"], "fallback_dynamic_dids": []}),
            "campaigns['Sales'].dynamic_dids[0] is not among the account's numbers: 9",
        ),
        (
            {"accounts": accounts_file()["accounts"] * 2},
            "accounts[1].username is there twice: initech",
        ),
    ],
)
def test_a_bad_accounts_file_is_refused_with_place_and_reason(
    tmp_path: pathlib.Path, document: Any, message: str
) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(sandbox.AccountsError) as caught:
        sandbox.load_accounts(str(path))
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"accounts":\n ]', "is not JSON: Expecting value, line 2, column 2"),
        (b"\xff\xff", "is not JSON in UTF-8"),
        (b'{"a": 1, "a": 2}', "the same name twice"),
    ],
)
def test_an_accounts_file_that_is_not_json_is_refused(
    tmp_path: pathlib.Path, raw: bytes, message: str
) -> None:
    path = tmp_path / "accounts.json"
    path.write_bytes(raw)
    with pytest.raises(sandbox.AccountsError, match=message):
        sandbox.load_accounts(str(path))


# --- Command line ---


def run(*arguments: str) -> Any:
    """Run the sandbox to its end."""
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=HANG_SECONDS,
        check=False,
    )


@contextlib.contextmanager
def started(*arguments: str) -> Any:
    """Start the sandbox and read the line that tells its URL."""
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), "--stop-after", "600", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.kill()


def test_the_ready_file_names_the_url_and_the_stop_url_stops_the_sandbox(
    tmp_path: pathlib.Path,
) -> None:
    ready = tmp_path / "ready.json"
    with started("--ready-file", str(ready)) as (process, line):
        document = json.loads(ready.read_text(encoding="utf-8"))
        assert document["pid"] == process.pid
        assert document["url"] == f"http://127.0.0.1:{document['port']}"
        assert line == f"CloudAgent sandbox: {document['url']} (port {document['port']})\n"
        connection = http.client.HTTPConnection("127.0.0.1", document["port"], timeout=HANG_SECONDS)
        connection.request("POST", "/sandbox/stop")
        assert json.loads(connection.getresponse().read()) == {"stopping": True}
        rest, errors = process.stdout.read(), process.stderr.read()
        assert (process.wait(HANG_SECONDS), errors) == (0, "")
    assert "Account acme (API key: acme-sandbox-key)" in rest
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sigterm_and_sigint_stop_the_sandbox_without_an_error(number: signal.Signals) -> None:
    with started() as (process, _line):
        process.send_signal(number)
        assert (process.stderr.read(), process.wait(HANG_SECONDS)) == ("", 0)


def test_stop_after_stops_the_sandbox_and_removes_the_ready_file(tmp_path: pathlib.Path) -> None:
    done = run("--stop-after", "0.1", "--ready-file", str(tmp_path / "ready.json"))
    assert (done.returncode, done.stderr) == (0, "")
    assert os.listdir(tmp_path) == []


def test_the_key_of_an_accounts_file_is_not_printed(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps(accounts_file()), encoding="utf-8")
    done = run("--stop-after", "0.1", "--accounts", str(path))
    assert "Account initech (API key: as in the accounts file)" in done.stdout
    assert "acme" not in done.stdout
    assert "s3cret" not in done.stdout + done.stderr


def test_help_lists_the_built_in_accounts() -> None:
    done = run("--help")
    assert "globex-sandbox-key" in done.stdout
    assert "campaign UK Support:" in done.stdout


def test_long_lists_of_numbers_and_campaigns_are_shortened() -> None:
    numbers = [str(number) for number in range(100, 150)]
    lists = {"dynamic_dids": numbers, "fallback_dynamic_dids": []}
    names = {f"Campaign {number}": lists for number in range(50)}
    accounts = sandbox.build_accounts(accounts_file(numbers=numbers, campaigns=names))
    text = sandbox.listing(accounts, show_keys=False)
    assert "and 40 more campaigns" in text
    assert "104, 105 and 44 more" in text
    assert "fallback dynamic DIDs: none" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "0.0.0.0"], "is no loopback address"),
        (["--host", "::"], "is no loopback address"),
        (["--host", "192.0.2.1"], "is no loopback address"),
        (["--host", "example.com"], "is no loopback address"),
        (["--port", "65536"], "is no port"),
        (["--port", "-1"], "is no port"),
        (["--stop-after", "0"], "is no number of seconds over 0"),
        (["--stop-after", "nan"], "is no number of seconds over 0"),
        (["--stop-after", "soon"], "is no number of seconds over 0"),
        (["--certificate", "cert.pem"], "together, or none of them"),
        (["--private-key", "key.pem"], "together, or none of them"),
        (["--certificate", "absent.pem", "--private-key", "absent.pem"], "can't be used"),
        (["--accounts", "absent.json"], "--accounts absent.json: can't be read: No such file"),
    ],
)
def test_bad_options_are_refused(capsys: Any, arguments: list[str], message: str) -> None:
    with pytest.raises(SystemExit) as caught:
        sandbox.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_loopback_addresses_are_accepted(host: str) -> None:
    expected = "127.0.0.1" if host == "localhost" else host
    assert sandbox.build_parser().parse_args(["--host", host]).host == expected


def test_a_ready_file_that_cannot_be_written_ends_with_an_error() -> None:
    done = run("--ready-file", "absent/ready.json")
    assert done.returncode == 2
    assert "--ready-file absent/ready.json: No such file" in done.stderr


def test_a_port_in_use_ends_with_an_error(client: Client, capsys: Any) -> None:
    with pytest.raises(SystemExit):
        sandbox.main(["--port", str(client.server.port)])
    assert "can't listen on 127.0.0.1" in capsys.readouterr().err
