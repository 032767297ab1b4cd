# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Ozonetel CloudAgent, to try playbooks without touching a real campaign.

It knows the one call "Update Dynamic DIDs", keeps accounts, numbers and campaigns in memory, and
gives every answer that the vendor documents. It listens on this machine only and needs nothing
beyond Python's standard library.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import datetime
import http
import http.server
import ipaddress
import json
import math
import os
import pathlib
import signal
import socket
import socketserver
import ssl
import sys
import textwrap
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

UPDATE_PATH = "/APIServices/dynamic/did/update"
HIDDEN = "(hidden)"

BODY_LIMIT = 1024 * 1024  # bytes of one request's body
DISCARD_LIMIT = 64 * BODY_LIMIT  # bytes read and dropped so that a sender still sees the 413
LOG_REQUESTS = 10_000
LOG_BYTES = 64 * 1024 * 1024
QUEUE_LIMIT = 10_000
DELAY_LIMIT = 600.0  # seconds
NESTING_LIMIT = 50
IDLE_SECONDS = 300.0


# --- Accounts -----------------------------------------------------------------------------------


@dataclass
class Campaign:
    """The two lists that a campaign holds."""

    dynamic_dids: list[str]
    fallback_dynamic_dids: list[str]


@dataclass
class Account:
    """One CloudAgent account: its key, the numbers it owns, its campaigns by name."""

    username: str
    api_key: str = field(repr=False)
    numbers: list[str]
    campaigns: dict[str, Campaign]
    owned: frozenset[str] = field(init=False, repr=False)  # the numbers, to look them up

    def __post_init__(self) -> None:
        self.owned = frozenset(self.numbers)


class AccountsError(ValueError):
    """The accounts file can't be used; the text says where and why, and never holds a key."""


# The numbers of acme are those of the vendor's own samples. Those of globex are set aside for
# fiction: 555-0100 to 555-0199 in North America, 020 7946 0000 to 0999 in London (Ofcom).
BUILT_IN: dict[str, Any] = {
    "accounts": [
        {
            "username": "acme",
            "api_key": "acme-sandbox-key",
            "numbers": [
                *(str(number) for number in range(9140001001, 9140001009)),
                *(str(number) for number in range(9140002001, 9140002005)),
            ],
            "campaigns": {
                "Sales": {
                    "dynamic_dids": ["9140001001", "9140001002"],
                    "fallback_dynamic_dids": ["9140002001"],
                },
                "Support": {
                    "dynamic_dids": ["9140001003"],
                    "fallback_dynamic_dids": ["9140002002"],
                },
                "Renewals South": {
                    "dynamic_dids": ["9140001004", "9140001005"],
                    "fallback_dynamic_dids": ["9140002003"],
                },
            },
        },
        {
            "username": "globex",
            "api_key": "globex-sandbox-key",
            "numbers": [
                *(f"+{number}" for number in range(14155550100, 14155550106)),
                *(f"+{number}" for number in range(442079460001, 442079460007)),
            ],
            "campaigns": {
                "US Outreach": {
                    "dynamic_dids": ["+14155550100", "+14155550101"],
                    "fallback_dynamic_dids": ["+14155550104"],
                },
                "UK Support": {
                    "dynamic_dids": ["+442079460001"],
                    "fallback_dynamic_dids": ["+442079460005"],
                },
            },
        },
    ]
}


def _expect(value: Any, kind: type, where: str) -> Any:
    if not isinstance(value, kind):
        names: dict[type, str] = {dict: "an object", list: "a list", str: "a string"}
        raise AccountsError(f"{where} must be {names[kind]}")
    return value


def _text(value: Any, where: str) -> str:
    text: str = _expect(value, str, where)
    if not text.strip():
        raise AccountsError(f"{where} must not be empty")
    return text


def _members(value: Any, names: Sequence[str], where: str) -> list[Any]:
    """Return the members of an object that has exactly these names, in this order."""
    members: dict[str, Any] = _expect(value, dict, where)
    missing = [name for name in names if name not in members]
    unknown = [name for name in members if name not in names]
    if missing:
        raise AccountsError(f"{where} lacks {', '.join(missing)}")
    if unknown:
        raise AccountsError(
            f"{where} has {len(unknown)} unknown member(s); known are {', '.join(names)}"
        )
    return [members[name] for name in names]


def _numbers(value: Any, where: str, owned: frozenset[str] | None = None) -> list[str]:
    numbers: list[str] = _expect(value, list, where)
    for index, number in enumerate(numbers):
        if not isinstance(number, str):
            raise AccountsError(f"{where}[{index}] must be a string: put the number in quotes")
        if not number or "," in number or number != number.strip():
            raise AccountsError(f"{where}[{index}] must be one number, with no comma or space")
        if owned is not None and number not in owned:
            raise AccountsError(f"{where}[{index}] is not among the account's numbers: {number}")
    return list(numbers)


def _account(value: Any, where: str) -> Account:
    username, api_key, numbers, campaigns = _members(
        value, ("username", "api_key", "numbers", "campaigns"), where
    )
    account = Account(
        username=_text(username, f"{where}.username"),
        api_key=_text(api_key, f"{where}.api_key"),
        numbers=_numbers(numbers, f"{where}.numbers"),
        campaigns={},
    )
    for name, lists in _expect(campaigns, dict, f"{where}.campaigns").items():
        spot = f"{where}.campaigns[{_text(name, f'a name in {where}.campaigns')!r}]"
        dynamic, fallback = _members(lists, ("dynamic_dids", "fallback_dynamic_dids"), spot)
        account.campaigns[name] = Campaign(
            _numbers(dynamic, f"{spot}.dynamic_dids", account.owned),
            _numbers(fallback, f"{spot}.fallback_dynamic_dids", account.owned),
        )
    return account


def build_accounts(document: Any) -> list[Account]:
    """Turn a document of the accounts file's form into accounts.

    :raises AccountsError: with the place and the reason.
    """
    (entries,) = _members(document, ("accounts",), "the file")
    if not _expect(entries, list, "accounts"):
        raise AccountsError("accounts must hold at least one account")
    accounts: dict[str, Account] = {}
    for index, entry in enumerate(entries):
        account = _account(entry, f"accounts[{index}]")
        if account.username in accounts:
            raise AccountsError(f"accounts[{index}].username is there twice: {account.username}")
        accounts[account.username] = account
    return list(accounts.values())


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise AccountsError("an object has the same name twice, such as two campaigns of one name")
    return members


def load_accounts(path: str) -> list[Account]:
    """Read an accounts file.

    :raises AccountsError: when it can't be read, is no JSON, or does not have the right form.
    """
    try:
        raw = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise AccountsError(f"can't be read: {error.strerror}") from error
    try:
        document = json.loads(raw, object_pairs_hook=_no_name_twice)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise AccountsError(f"is not JSON: {error.msg}, {place}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise AccountsError("is not JSON in UTF-8, or is nested too deep") from error
    return build_accounts(document)


# --- State --------------------------------------------------------------------------------------


@dataclass
class Request:
    """The head of a request, as it came."""

    method: str
    target: str
    headers: list[tuple[str, str]]


@dataclass
class Answer:
    """One HTTP answer; *body* is sent as it is when bytes or text, else as JSON."""

    http_status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0  # seconds


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


class RequestLog:
    """The latest update requests, each kept as JSON, with no key in any of them."""

    def __init__(self, keys: Iterable[str], public: str) -> None:
        self.keys = frozenset(keys)
        self.public = public  # a dummy key that is part of this text is no secret
        self.entries: collections.deque[bytes] = collections.deque()
        self.size = 0  # bytes
        self.numbered = 0

    def append(self, request: Request, body: Any, answer: Answer) -> None:
        """Add a request, whose *body* is parsed already, and drop the oldest beyond the limits."""
        self.numbered += 1
        secrets = {
            form
            for key in (*self.keys, *sent_key(body))
            if key not in self.public
            for form in (key, urllib.parse.quote(key, safe="", errors="replace"))
        }
        shown, other_fields = loggable_body(body)
        entry = {
            "number": self.numbered,
            "method": request.method,
            "path": without(loggable_target(request.target), secrets),
            "headers": without(loggable_headers(request.headers), secrets),
            "body": shown and {name: without(value, secrets) for name, value in shown.items()},
            "other_fields": without(other_fields, secrets),
            "http_status": answer.http_status,
            "answer": without(answer.body, secrets),
        }
        encoded = json.dumps(entry).encode("ascii")
        self.entries.append(encoded)
        self.size += len(encoded)
        while len(self.entries) > LOG_REQUESTS or (self.size > LOG_BYTES and len(self.entries) > 1):
            self.size -= len(self.entries.popleft())

    def clear(self) -> int:
        """Empty the log; return how many requests it had. The numbering continues."""
        count = len(self.entries)
        self.entries.clear()
        self.size = 0
        return count


class State:
    """What the sandbox remembers: accounts, the request log, and answers waiting in a queue."""

    def __init__(
        self,
        accounts: Iterable[Account],
        clock: Callable[[], datetime.datetime] = _now,
    ) -> None:
        self.accounts = {account.username: account for account in accounts}
        self.clock = clock
        self.queue: collections.deque[Answer] = collections.deque()
        self.log = RequestLog(
            keys=(account.api_key for account in self.accounts.values()),
            public="\n".join(
                text
                for account in self.accounts.values()
                for text in (account.username, *account.numbers, *account.campaigns)
            ),
        )
        self.lock = threading.Lock()

    def view(self) -> dict[str, Any]:
        """Return accounts, numbers and campaigns, without keys."""
        with self.lock:
            return {
                "accounts": [
                    {
                        "username": account.username,
                        "numbers": list(account.numbers),
                        "campaigns": {
                            name: {
                                "dynamic_dids": campaign.dynamic_dids,
                                "fallback_dynamic_dids": campaign.fallback_dynamic_dids,
                            }
                            for name, campaign in account.campaigns.items()
                        },
                    }
                    for account in self.accounts.values()
                ]
            }

    def update(self, request: Request, raw: bytes) -> Answer:
        """Answer one update request, store its lists if it is accepted, and log it."""
        body = parse_json(raw)
        with self.lock:
            if self.queue:
                answer = self.queue.popleft()
            else:
                answer = Answer(*answer_update(self, body))
                if answer.body == UPDATED:
                    store_lists(self, body)
            self.log.append(request, body, answer)
        return answer

    def refuse(self, request: Request, answer: Answer) -> None:
        """Log an update request whose body was not read."""
        with self.lock:
            self.log.append(request, None, answer)

    def logged(self) -> bytes:
        """Return the log as JSON, oldest request first."""
        with self.lock:
            entries = list(self.log.entries)
        return b'{"requests": [' + b", ".join(entries) + b"]}"

    def clear_log(self) -> int:
        """Empty the log; return how many requests it held."""
        with self.lock:
            return self.log.clear()

    def enqueue(self, answers: Sequence[Answer]) -> int:
        """Add answers for the next update requests; return how many wait now.

        :raises ValueError: when that would be too many.
        """
        with self.lock:
            if len(self.queue) + len(answers) > QUEUE_LIMIT:
                raise ValueError(f"more than {QUEUE_LIMIT} answers can't wait")
            self.queue.extend(answers)
            return len(self.queue)

    def clear_queue(self) -> int:
        """Drop the answers that wait; return how many there were."""
        with self.lock:
            count = len(self.queue)
            self.queue.clear()
        return count


# --- Answers ------------------------------------------------------------------------------------

UPDATED = {"Message": "Dynamic DIDs updated successfully"}
LISTS = (
    (
        "dynamicDIDs",
        "DIDs is required",
        "Please enter the Valid DIDs assigned to the account.",
    ),
    (
        "fallbackDynamicDIDs",
        "fallbackDIDs is required",
        "Please enter the Valid FallbackDIDs assigned to the account.",
    ),
)
FIELDS = ("username", "campaignName", "apiKey", "dynamicDIDs", "fallbackDynamicDIDs")


def spring_error(state: State, status: int, path: str = UPDATE_PATH) -> tuple[int, dict[str, Any]]:
    """Return what Spring Boot answers on an error, as in the vendor's sample."""
    now = state.clock()
    return status, {
        "timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}+0000",
        "status": status,
        "error": http.HTTPStatus(status).phrase,
        "path": path,
    }


def answer_update(state: State, body: Any) -> tuple[int, dict[str, Any]]:
    """Decide the answer to an update; changes nothing.

    *body* is the request's parsed JSON, None where it is no JSON. The texts are the vendor's. Not
    documented, so chosen here: HTTP 200 with every Message, the order of the checks, names and
    numbers compared as they are, and what comes of a body that is no object or of a value that is
    no string (the error of an uncaught exception, as for the missing key).
    """
    if not isinstance(body, dict) or body.get("apiKey") is None:
        return spring_error(state, 500)
    values = {name: "" if body.get(name) is None else body[name] for name in FIELDS}
    if not all(isinstance(value, str) for value in values.values()):
        return spring_error(state, 500)
    refusal = find_refusal(state, values)
    return 200, {"Message": refusal} if refusal else UPDATED


def find_refusal(state: State, values: dict[str, str]) -> str | None:
    """Return the Message that refuses an update of five texts, or None."""
    account = state.accounts.get(values["username"])
    if account is None or values["apiKey"] != account.api_key:
        return "Authentication failed."
    if values["campaignName"] not in account.campaigns:
        return "Campaign not found."
    for name, missing, invalid in LISTS:
        if not values[name].strip():
            return missing
        if not account.owned.issuperset(values[name].split(",")):
            return invalid
    return None


def store_lists(state: State, body: dict[str, str]) -> None:
    """Replace both lists of the campaign, in full, by those of an update that was accepted."""
    state.accounts[body["username"]].campaigns[body["campaignName"]] = Campaign(
        body["dynamicDIDs"].split(","), body["fallbackDynamicDIDs"].split(",")
    )


def parse_json(raw: bytes) -> Any:
    """Return the JSON of a request's body, or None where it is none."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def parse_answers(document: Any) -> list[Answer]:
    """Check what was posted to /sandbox/answers.

    :raises ValueError: with the place and the reason.
    """
    if not isinstance(document, dict) or not isinstance(document.get("answers"), list):
        raise ValueError('send a JSON object like {"answers": [{"http_status": 503}]}')
    return [_queued(entry, f"answers[{index}]") for index, entry in enumerate(document["answers"])]


def _queued(entry: Any, where: str) -> Answer:
    if not isinstance(entry, dict):
        raise ValueError(f"{where} must be an object")
    known = {"http_status", "body", "headers", "delay"}
    if not known.issuperset(entry):
        raise ValueError(f"{where} knows only {', '.join(sorted(known))}")
    status, delay = entry.get("http_status", 200), entry.get("delay", 0)
    if not isinstance(status, int) or not 200 <= status <= 599:
        raise ValueError(f"{where}.http_status must be a whole number from 200 to 599")
    if not isinstance(delay, (int, float)) or not 0 <= delay <= DELAY_LIMIT:
        raise ValueError(f"{where}.delay must be seconds from 0 to {DELAY_LIMIT:g}")
    headers = entry.get("headers", {})
    if not isinstance(headers, dict) or not all(map(_is_header, headers.items())):
        raise ValueError(
            f"{where}.headers must be an object of one-line texts, "
            "without Connection, Content-Length and Transfer-Encoding"
        )
    body = entry.get("body", "")
    if not _is_shallow(body, NESTING_LIMIT):
        raise ValueError(f"{where}.body must not be nested deeper than {NESTING_LIMIT} levels")
    return Answer(status, body, headers, float(delay))


def _is_shallow(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return True
    return levels > 0 and all(_is_shallow(item, levels - 1) for item in value)


def _is_header(item: tuple[str, Any]) -> bool:
    name, value = item
    return (
        name.replace("-", "").isalnum()
        and name.isascii()
        and name.lower() not in ("connection", "content-length", "transfer-encoding")
        and isinstance(value, str)
        and value.isascii()
        and (value.isprintable() or not value)
    )


# --- What the log may hold ----------------------------------------------------------------------


def loggable_body(body: Any) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the documented fields without the key's value, and the names of the other fields.

    Only text is kept: anything else could hold the key under another name.
    """
    if not isinstance(body, dict):
        return None, []
    shown: dict[str, Any] = {}
    for name in FIELDS:
        if name in body:
            value = body[name]
            is_plain = value is None or isinstance(value, str)
            shown[name] = value if is_plain else f"({type(value).__name__})"
    if "apiKey" in shown:
        shown["apiKey"] = HIDDEN
    return shown, [name for name in body if name not in FIELDS]


def loggable_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return headers by name, repeated ones joined, without the values that carry credentials."""
    shown: dict[str, str] = {}
    for name, value in headers:
        if name.lower() in ("authorization", "cookie", "proxy-authorization"):
            shown[name] = HIDDEN
        else:
            shown[name] = f"{shown[name]}, {value}" if name in shown else value
    return shown


def loggable_target(target: str) -> str:
    """Return the request's path; a query is only hinted at."""
    path, mark, _query = target.partition("?")
    return f"{path}?{HIDDEN}" if mark else path


def sent_key(body: Any) -> set[str]:
    """Return the key that a request sent, right or wrong, as a set of at most one text."""
    key = body.get("apiKey") if isinstance(body, dict) else None
    return {key} if isinstance(key, str) and key else set()


def without(value: Any, secrets: Iterable[str]) -> Any:
    """Return the value with the secrets masked in every text and every name."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, HIDDEN)
        return value
    if isinstance(value, dict):
        return {without(name, secrets): without(item, secrets) for name, item in value.items()}
    if isinstance(value, list):
        return [without(item, secrets) for item in value]
    return value


# --- HTTP ---------------------------------------------------------------------------------------


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """The listening socket, and one daemon thread per connection.

    Not http.server's own class: that one looks up the host's full name, which can take seconds.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, state: State, tls: ssl.SSLContext | None) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.state = state
        self.tls = tls
        self.stopping = False
        super().__init__((host, port), Handler)
        self.port: int = self.server_address[1]
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection, in its own thread, so that a slow handshake delays no other."""
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(IDLE_SECONDS)
        with self.tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that hang up or fail the handshake; tell anything else."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Refused(Exception):
    """A request that is answered without reading its body; holds the HTTP status."""

    def __init__(self, http_status: int) -> None:
        super().__init__(http_status)
        self.http_status = http_status


class Handler(http.server.BaseHTTPRequestHandler):
    """Reads a request, finds who answers it, and writes the answer at one go."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True

    def answer_request(self) -> None:
        """Handle one request of any method."""
        path = self.path.partition("?")[0]
        try:
            raw = self.read_body()
        except Refused as refused:
            answer = Answer(*spring_error(self.server.state, refused.http_status, path))
            if self.command == "POST" and path.endswith(UPDATE_PATH):
                self.server.state.refuse(self.head(), answer)
        else:
            answer = self.find_answer(path, raw)
        if answer.delay:
            time.sleep(answer.delay)
        self.wfile.write(self.encode(answer))
        if (self.command, path) == ("POST", "/sandbox/stop"):
            self.server.stopping = True

    # The names that http.server looks for.
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer_request

    def head(self) -> Request:
        """Return the head of the request."""
        return Request(self.command, self.path, self.headers.items())

    def find_answer(self, path: str, raw: bytes) -> Answer:
        """Return the answer to a request that was read in full."""
        state = self.server.state
        if path.endswith(UPDATE_PATH):
            if self.command != "POST":
                return Answer(*spring_error(state, 405, path))
            return state.update(self.head(), raw)
        controls: dict[tuple[str, str], Callable[[], Any]] = {
            ("GET", "/sandbox/state"): state.view,
            ("GET", "/sandbox/requests"): state.logged,
            ("DELETE", "/sandbox/requests"): lambda: {"removed": state.clear_log()},
            ("POST", "/sandbox/answers"): lambda: {
                "waiting": state.enqueue(parse_answers(parse_json(raw)))
            },
            ("DELETE", "/sandbox/answers"): lambda: {"removed": state.clear_queue()},
            ("POST", "/sandbox/stop"): lambda: {"stopping": True},
        }
        control = controls.get((self.command, path))
        if control is None:
            return Answer(*spring_error(state, 404, path))
        try:
            return Answer(200, control())
        except ValueError as error:
            return Answer(400, {"error": str(error)})

    def read_body(self) -> bytes:
        """Return the request's body.

        :raises Refused: when its length is not given, not a number, or over the limit.
        :raises ConnectionError: when the client hangs up before the end.
        """
        text = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not text.isdecimal() or len(text) > 15:
            self.close_connection = True  # nobody knows where the next request begins
            raise Refused(411 if "Transfer-Encoding" in self.headers else 400)
        length = int(text)
        if length > BODY_LIMIT:
            self.discard(length)
            raise Refused(413)
        raw = self.rfile.read(length)
        if len(raw) < length:
            raise ConnectionAbortedError("the request ends before its body does")
        return raw

    def discard(self, length: int) -> None:
        """Read a body and drop it: who is cut off while sending may never see the answer."""
        self.close_connection = self.close_connection or length > DISCARD_LIMIT
        left = min(length, DISCARD_LIMIT)
        while left:
            piece = self.rfile.read(min(left, 65536))
            if not piece:
                raise ConnectionAbortedError("the request ends before its body does")
            left -= len(piece)

    def encode(self, answer: Answer) -> bytes:
        """Return head and body as the one piece of bytes to write."""
        body, kind = encode_body(answer.body)
        headers = {
            "Date": self.date_time_string(),
            "Server": self.version_string(),
            "Content-Type": kind,
        }
        given = {name.lower() for name in answer.headers}
        headers = {name: value for name, value in headers.items() if name.lower() not in given}
        headers.update(answer.headers)
        if answer.http_status in (204, 304):
            body = b""
        else:
            headers["Content-Length"] = str(len(body))
        if self.close_connection:
            headers["Connection"] = "close"
        head = [f"HTTP/1.1 {answer.http_status} {phrase(answer.http_status)}"]
        head.extend(f"{name}: {value}" for name, value in headers.items())
        head.extend(("", ""))
        return "\r\n".join(head).encode("latin-1") + (b"" if self.command == "HEAD" else body)

    def version_string(self) -> str:
        """Return what the header Server says."""
        return "CloudAgentSandbox"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on the screen: GET /sandbox/requests shows what came."""


def encode_body(body: Any) -> tuple[bytes, str]:
    """Return the bytes of an answer's body and their content type."""
    if isinstance(body, str):
        return body.encode("utf-8", "replace"), "text/plain;charset=UTF-8"
    if not isinstance(body, bytes):
        body = json.dumps(body).encode("ascii")
    return body, "application/json;charset=UTF-8"


def phrase(http_status: int) -> str:
    """Return the status line's text, which may be empty."""
    try:
        return http.HTTPStatus(http_status).phrase
    except ValueError:
        return ""


# --- Command line -------------------------------------------------------------------------------


def listing(accounts: Sequence[Account], show_keys: bool) -> str:
    """Return what there is to try, as lines for people.

    The keys of the built-in accounts are no secrets; those of an accounts file are never shown.
    """
    lines = []
    for account in accounts[:10]:
        key = account.api_key if show_keys else "as in the accounts file"
        lines.append(f"Account {account.username} (API key: {key})")
        numbers = f"numbers: {_first(account.numbers, 12)}"
        lines += textwrap.wrap(numbers, 96, initial_indent="  ", subsequent_indent="    ")
        for name, campaign in list(account.campaigns.items())[:10]:
            lines.append(f"  campaign {name}:")
            lines.append(f"    dynamic DIDs: {_first(campaign.dynamic_dids, 6)}")
            lines.append(f"    fallback dynamic DIDs: {_first(campaign.fallback_dynamic_dids, 6)}")
        lines.extend(_more(len(account.campaigns), 10, "  ", "campaigns"))
    lines.extend(_more(len(accounts), 10, "", "accounts"))
    return "\n".join(lines)


def _first(numbers: Sequence[str], count: int) -> str:
    more = f" and {len(numbers) - count} more" if len(numbers) > count else ""
    return (", ".join(numbers[:count]) or "none") + more


def _more(total: int, shown: int, indent: str, what: str) -> list[str]:
    return [f"{indent}and {total - shown} more {what}"] if total > shown else []


def _loopback(text: str) -> str:
    host = "127.0.0.1" if text == "localhost" else text
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no loopback address; the sandbox serves this machine only, "
            "so use 127.0.0.1, ::1 or localhost"
        )
    return host


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; use a number from 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds over 0")
    return seconds


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    built_in = listing(build_accounts(BUILT_IN), show_keys=True)
    parser = argparse.ArgumentParser(
        prog="cloudagent.py",
        description="A stand-in for Ozonetel CloudAgent, to try playbooks without a real campaign.",
        epilog=f"Without --accounts it serves these accounts, made up for it:\n\n{built_in}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    option = parser.add_argument
    option("--host", type=_loopback, default="127.0.0.1", help="loopback address (127.0.0.1)")
    option("--port", type=_port, default=0, help="port; 0, the default, takes a free one")
    option("--accounts", metavar="FILE", help="JSON file with the accounts to serve")
    option("--certificate", metavar="FILE", help="PEM certificate: serve HTTPS")
    option("--private-key", metavar="FILE", help="PEM private key of the certificate")
    option("--ready-file", metavar="FILE", help="JSON file with url, port and pid, kept while up")
    option("--stop-after", metavar="SECONDS", type=_seconds, help="end by itself after this time")
    return parser


def tls_context(certificate: str, private_key: str) -> ssl.SSLContext:
    """Return the server's TLS settings.

    :raises OSError: (which ssl.SSLError is) when the files can't be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private_key, password="")  # "": never ask on the terminal
    return context


def write_ready_file(path: str, server: Server) -> None:
    """Write the ready file at one go, so that who waits for it never sees half of it."""
    partial = f"{path}.{os.getpid()}"
    text = json.dumps({"url": server.url, "port": server.port, "pid": os.getpid()})
    pathlib.Path(partial).write_text(f"{text}\n", encoding="utf-8")
    os.replace(partial, path)


def greet(server: Server, show_keys: bool) -> None:
    """Tell on the screen where the sandbox is and what there is to try."""
    accounts = listing(list(server.state.accounts.values()), show_keys)
    text = (
        f"CloudAgent sandbox: {server.url} (port {server.port})\n\n{accounts}\n\n"
        f"Stop it with Ctrl-C or: curl -X POST {server.url}/sandbox/stop"
    )
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def stop_on_signals(server: Server) -> None:
    """Let Ctrl-C and SIGTERM end the server, from the next turn of its loop on."""

    def stop(_number: int, _frame: Any) -> None:
        server.stopping = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def serve(server: Server, stop_after: float | None) -> None:
    """Serve until somebody wants it to stop, or the time (in seconds) is over."""
    end = math.inf if stop_after is None else time.monotonic() + stop_after
    server.timeout = 0.1  # seconds; how long a wish to stop may have to wait
    while not server.stopping and time.monotonic() < end:
        server.handle_request()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox; return the exit status."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if bool(options.certificate) != bool(options.private_key):
        parser.error("give --certificate and --private-key together, or none of them")
    try:
        accounts = load_accounts(options.accounts) if options.accounts else build_accounts(BUILT_IN)
    except AccountsError as error:
        parser.error(f"--accounts {options.accounts}: {error}")
    tls = None
    if options.certificate:
        try:
            tls = tls_context(options.certificate, options.private_key)
        except OSError as error:
            parser.error(f"--certificate and --private-key can't be used: {error}")
    try:
        server = Server(options.host, options.port, State(accounts), tls)
    except OSError as error:
        parser.error(f"can't listen on {options.host}, port {options.port}: {error.strerror}")

    with server:
        stop_on_signals(server)
        if options.ready_file:
            try:
                write_ready_file(options.ready_file, server)
            except OSError as error:
                parser.error(f"--ready-file {options.ready_file}: {error.strerror}")
        try:
            greet(server, show_keys=not options.accounts)
            serve(server, options.stop_after)
        finally:
            if options.ready_file:
                with contextlib.suppress(OSError):
                    os.unlink(options.ready_file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
