# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model server: it knows the lists of every campaign, and which request changed them.

It runs in a process of its own, so that the process that starts the scenes stays without threads
and can fork. A request is applied as soon as it has been read, under one lock. One whose sender is
already gone is dropped: the claim says nothing of requests that take effect late.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import multiprocessing
import select
import socket
import threading
import time
import typing as t

from ansible_collections.ozonetel.cloudagent.tests.fuzz.answers import (
    CLOSING,
    DECEITFUL,
    EFFECTS,
    INTERIM,
    NO_ANSWER,
    Answer,
    answer_bytes,
)

Pair = t.Tuple[str, str]
# The answers that the requests of one API key for one campaign meet, in order; then all are "ok".
Plan = t.Dict[t.Tuple[str, str], t.Tuple[Answer, ...]]

FORK = multiprocessing.get_context("fork")
NOTHING: Pair = ("", "")
POLL_SECONDS = 0.02
# Linux holds the last bytes back (send(2)), and sends them with the end of the connection, so that
# no request gets in between.
WITH_END = getattr(socket, "MSG_MORE", 0)
# Only for a fuzzer that is broken itself.
SETTLE_SECONDS = 300.0


@dataclasses.dataclass
class Entry:
    """One request in the server's log.

    Attributes:
        at: seconds of ``time.monotonic`` when it was applied.
        place: the name under which the server keeps the lists of the campaign.
        sent: the lists in the request.
        dropped: its sender was gone before it was applied.
        answered: all of the answer went out.
    """

    number: int
    at: float
    key: str
    campaign: str
    place: str
    sent: Pair
    answer: Answer
    before: Pair
    after: Pair
    dropped: bool = False
    answered: bool = False


class _State:
    """The lists, the log and the plan; every method may be called from any thread."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self._changed = threading.Condition()
        self._connections = 0
        self.begin_story(True, 0.0)

    def begin_story(self, minds_case: bool, moment: float) -> None:
        with self._changed:
            self.moment = moment
            self._minds_case = minds_case
            self._lists: dict[str, Pair] = {}
            self._log: list[Entry] = []
            self._plan: Plan = {}
            self._met: dict[tuple[str, str], int] = {}

    def plan(self, plan: Plan) -> None:
        with self._changed:
            self._plan.update(plan)
        self.released.clear()

    def apply(self, content: dict[str, str], is_gone: t.Callable[[], bool]) -> Entry:
        """Apply a request and return its entry in the log."""
        key, campaign = content["apiKey"], content["campaignName"]
        place = campaign if self._minds_case else campaign.casefold()
        sent = (content["dynamicDIDs"], content["fallbackDynamicDIDs"])
        with self._changed:
            before = self._lists.get(place, NOTHING)
            dropped = is_gone()
            met = self._met.get((key, campaign), 0)
            answers = self._plan.get((key, campaign), ())
            answer = answers[met] if met < len(answers) else Answer()
            if not dropped:
                self._met[key, campaign] = met + 1
                stores = EFFECTS[answer.effect].stores
                self._lists[place] = t.cast(Pair, sent[:stores] + before[stores:])
            after = self._lists.get(place, NOTHING)
            number, at = len(self._log), time.monotonic()
            entry = Entry(
                number, at, key, campaign, place, sent, answer, before, after, dropped=dropped
            )
            self._log.append(entry)
        return entry

    @contextlib.contextmanager
    def connection(self) -> t.Iterator[None]:
        """Count a connection as open inside of the context."""
        with self._changed:
            self._connections += 1
        try:
            yield
        finally:
            with self._changed:
                self._connections -= 1
                self._changed.notify_all()

    def settle(self) -> list[Entry]:
        """Wait until no connection is open, and return the story's log."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._connections, SETTLE_SECONDS):
                raise TimeoutError("a connection of a scene that has ended is still open")
            return list(self._log)


Notice = t.Callable[[Entry], None]


class _AcceptedConnection:
    """One accepted connection."""

    def __init__(self, sock: socket.socket, state: _State, notice: Notice) -> None:
        self._sock = sock
        self._state = state
        self._notice = notice
        self._rest = b""
        self._sent_first = b""

    def serve(self) -> None:
        """Answer request after request, until one side ends the connection."""
        with self._sock, contextlib.suppress(OSError):
            body = self._read_body()
            while body is not None and self._answer(json.loads(body)):
                body = self._read_body()

    def _read_body(self) -> bytes | None:
        """Return the body of the next request; None when the other side has closed."""
        while b"\r\n\r\n" not in self._rest:
            if not self._read_more():
                return None
        head, _separator, rest = self._rest.partition(b"\r\n\r\n")
        lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
        length = next(int(value) for name, _colon, value in lines if name == b"content-length")
        self._rest = rest
        while len(self._rest) < length:
            if not self._read_more():
                return None
        body, self._rest = self._rest[:length], self._rest[length:]
        return body

    def _read_more(self) -> bool:
        part = self._sock.recv(65536)
        self._rest += part
        return part != b""

    def _answer(self, content: dict[str, str]) -> bool:
        """Treat a request as planned, and return whether the connection may go on."""
        entry = self._state.apply(content, self._is_gone)
        if entry.dropped:
            return False
        delivery = entry.answer.delivery
        if delivery in NO_ANSWER:
            self._give_no_answer(entry)
            return False
        if delivery == "held":
            self._notice(entry)
            self._wait_for_release()
        self._sock.sendall(self._sent_first)
        self._sent_first = b""
        for status in INTERIM.get(delivery, ()):
            self._sock.sendall(f"HTTP/1.1 {status} Interim\r\n\r\n".encode())
        if delivery in INTERIM or delivery == "a moment later":
            # A client that takes the interim answer for the final one sends its next request.
            select.select([self._sock], [], [], self._state.moment)
        goes_on = delivery not in CLOSING
        self._sock.sendall(answer_bytes(entry.answer, entry.number), 0 if goes_on else WITH_END)
        entry.answered = True
        if delivery == DECEITFUL:
            self._sent_first = answer_bytes(Answer(), entry.number)
        return goes_on

    def _give_no_answer(self, entry: Entry) -> None:
        if entry.answer.delivery == "reset":
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            return
        if entry.answer.delivery == "killed":
            self._notice(entry)
        while self._read_more():
            pass

    def _wait_for_release(self) -> None:
        while not self._state.released.wait(POLL_SECONDS) and not self._is_gone():
            pass

    def _is_gone(self) -> bool:
        """Return whether the other side has closed its end."""
        try:
            return self._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


class ModelServer:
    """The model server's process, as the process that starts the scenes sees it.

    Attributes:
        url: its address.
        notices: readable when a request came whose answer is held back, or whose sender is to be
            killed; holds its entry in the log.
    """

    def __init__(self) -> None:
        self._commands, commands = FORK.Pipe()
        self.notices, notices = FORK.Pipe(duplex=False)
        self._process = FORK.Process(target=_serve, args=(commands, notices), daemon=True)
        self._process.start()
        commands.close()
        notices.close()
        self.url = f"http://127.0.0.1:{self._commands.recv()}"

    def __enter__(self) -> ModelServer:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.join()
        self._commands.close()
        self.notices.close()

    def begin_story(self, minds_case: bool, moment: float) -> None:
        """Forget everything.

        Args:
            minds_case: whether names that differ in case only are those of two campaigns.
            moment: how long, in seconds, a final answer waits behind an interim one, unless the
                client goes on without it.
        """
        self._ask("begin_story", minds_case, moment)

    def plan(self, plan: Plan) -> None:
        """Say how the requests of the next scene are treated."""
        self._ask("plan", plan)

    def release(self) -> None:
        """Let go of the answers that are held."""
        self._ask("release")

    def settle(self) -> list[Entry]:
        """Return the story's log, once the server has seen the end of every connection."""
        return t.cast("list[Entry]", self._ask("settle"))

    def _ask(self, *command: object) -> object:
        self._commands.send(command)
        return self._commands.recv()


def _serve(commands: t.Any, notices: t.Any) -> None:
    """Be the server: accept in one thread, obey in this one."""
    state, notice_lock = _State(), threading.Lock()
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    def notice(entry: Entry) -> None:
        with notice_lock:
            notices.send(entry)

    def converse(sock: socket.socket) -> None:
        with state.connection():
            _AcceptedConnection(sock, state, notice).serve()

    def accept() -> None:
        while True:
            sock, _address = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=converse, args=(sock,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    commands.send(listener.getsockname()[1])
    with contextlib.suppress(EOFError):
        while True:
            name, *arguments = commands.recv()
            method = state.released.set if name == "release" else getattr(state, name)
            commands.send(method(*arguments))
