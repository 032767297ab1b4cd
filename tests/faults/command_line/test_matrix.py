# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault by the real command line, both ways: what comes of it, in which time, and no leak."""

from __future__ import annotations

import os
import pathlib
import re
import resource
import typing as t
from concurrent import futures

import pytest

from ansible_collections.ozonetel.cloudagent.tests.faults.command_line import messages
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.case import (
    UPDATE,
    Case,
    Fails,
    Secrets,
    Works,
)
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.leaks import find_leaks
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.matrix import ALL_CASES
from ansible_collections.ozonetel.cloudagent.tests.faults.command_line.playing import (
    AS_A_MODULE,
    IN_PROCESS,
    PROXY_PASSWORD,
    Outcome,
    Played,
    new_secrets,
    play_all,
    start_postgres,
)
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import why_no_server

WAYS = (IN_PROCESS, AS_A_MODULE)
NO_SERVER = why_no_server()
PLAYED = [case for case in ALL_CASES if not (case.has_database and NO_SERVER)]
# Beside timeout: what a run takes before and after it.
MORE_SECONDS = 1.0
MOST_BYTES = 50_000_000
# Ansible has modules hand over the traceback of a library that is missing.
MISSING_LIBRARY = re.compile(
    r"Traceback \(most recent call last\)(?:(?!Traceback).)*ImportError: not here", re.DOTALL
)
# There is a server for each case.
OPEN_FILES = 4096


class Matrix:
    """The plays, each once it is wanted; those that are wanted at all run side by side."""

    def __init__(
        self, folder: pathlib.Path, ways: t.Iterable[str], cases: t.Sequence[Case]
    ) -> None:
        self.secrets = new_secrets()
        self._postgres = None if NO_SERVER else start_postgres(self.secrets)
        self._threads = futures.ThreadPoolExecutor()
        self._plays = {
            way: self._threads.submit(
                play_all, folder / way, cases, way, self.secrets, self._postgres
            )
            for way in ways
        }

    def played(self, way: str) -> Played:
        """Return what came of a play."""
        return self._plays[way].result()

    def close(self) -> None:
        """Wait for the plays, and stop the database."""
        self._threads.shutdown()
        if self._postgres:
            self._postgres.remove()


@pytest.fixture(name="matrix", scope="module")
def _matrix(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> t.Iterator[Matrix]:
    ways, cases = chosen_by(request.session.items)
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before, wanted), most))
    matrix = Matrix(tmp_path_factory.mktemp("matrix"), ways, cases)
    yield matrix
    matrix.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


def chosen_by(items: list[pytest.Item]) -> tuple[list[str], list[Case]]:
    """Return the ways and the cases that the session's tests are about."""
    here = [item for item in items if item.path == pathlib.Path(__file__)]
    chosen = [item.callspec.params if hasattr(item, "callspec") else {} for item in here]
    ways = [way for way in WAYS if any(params.get("played", way) == way for params in chosen)]
    hosts = {params["case"].host if "case" in params else "" for params in chosen}
    return ways, [case for case in PLAYED if case.host in hosts or "" in hosts]


@pytest.fixture(name="played", scope="module", params=WAYS, ids=WAYS)
def _played(request: pytest.FixtureRequest, matrix: Matrix) -> Played:
    played = matrix.played(request.param)
    # Where the other tests look for deprecations.
    with open(os.environ["ANSIBLE_LOG_PATH"], "a", encoding="utf-8") as log:
        log.write(played.texts["the log"])
    return played


@pytest.fixture(name="outcome")
def _outcome(played: Played, case: Case) -> Outcome:
    if case.host not in played.outcomes:
        pytest.skip(f"tests/postgres: {NO_SERVER}")
    return played.outcomes[case.host]


each_case = pytest.mark.parametrize("case", ALL_CASES, ids=lambda case: case.host)


@each_case
def test_what_comes_of_a_case(case: Case, outcome: Outcome) -> None:
    result = outcome.result
    failure = result.get("failure") or {}
    if isinstance(case.ends, Works):
        assert not outcome.failed, result.get("msg")
        assert result["changed"] is case.ends.changed
        assert not failure
    else:
        assert outcome.failed, result
        assert failure.get("reason") == case.ends.reason
        if case.ends.reason:
            assert failure["outcome"] == case.ends.outcome
            assert result["changed"] is bool((case.summary or {}).get("changed"))
    assert len(outcome.requests) == case.requests
    if case.module == UPDATE and not (isinstance(case.ends, Fails) and not case.ends.reason):
        assert result["sent"] is (bool(case.requests) if case.sent is None else case.sent)
    if case.summary is not None:
        counts = {name: count for name, count in result["summary"].items() if count}
        counts.pop("total", None)
        assert counts == case.summary
    for request in outcome.requests:
        head = request.partition(b"\r\n\r\n")[0].lower()
        assert b"\r\nauthorization:" not in head and b"\r\ncookie:" not in head
    if case.check:
        assert not any(outcome.place.folder.glob("*/*.lock"))


@each_case
def test_the_message_of_a_case(
    case: Case, outcome: Outcome, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--write-messages", default=False):
        pytest.skip("it is written anew")
    # Lines, so that pytest shows which of them differ.
    told = messages.body(case, messages.shown(outcome)).splitlines()
    assert told == messages.read_told()[messages.heading_of(case)].splitlines()


@each_case
def test_a_case_ends_within_its_timeout(case: Case, outcome: Outcome) -> None:
    measure = outcome.measure
    # Waiting for a processor is not the collection's time.
    assert measure["seconds"] - measure["waited"] < case.timeout + MORE_SECONDS


def test_no_case_takes_much_memory(played: Played) -> None:
    by_kind: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for case in PLAYED:
        measure = played.outcomes[case.host].measure
        taken = measure["memory_peak"]
        if measure["kind"] == "action":
            # Of a worker that was forked with all that Ansible has.
            taken -= measure["memory_before"]
        kind = (case.module + str(case.has_database), measure["kind"])
        by_kind.setdefault(kind, []).append((taken, case.host))
    for found in by_kind.values():
        (least, _host), (most, host) = min(found), max(found)
        assert most - least < MOST_BYTES, host


def test_there_is_no_traceback(played: Played) -> None:
    for place, text in played.texts.items():
        others = MISSING_LIBRARY.sub("", text)
        assert "Traceback (most recent call last)" not in others, place
        assert "Unexpected error in the collection" not in others, place


def test_no_secret_is_to_be_seen(played: Played, matrix: Matrix) -> None:
    assert find_leaks(played.texts, named(matrix.secrets)) == set()
    assert all(PROXY_PASSWORD not in text for text in played.texts.values())
    # There was something to be searched.
    assert all(played.texts[place] for place in ("the screen", "the log", "the results"))
    assert all(played.texts[place] for place in ("syslog", "the records"))
    assert NO_SERVER or played.texts["the database"]


def named(secrets: Secrets) -> dict[str, str]:
    return {"the API key": secrets.api_key, "the database's password": secrets.database_password}


def test_the_file_has_the_messages_of_all_cases(
    matrix: Matrix, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--write-messages", default=False):
        assert not NO_SERVER, NO_SERVER
        outcomes = matrix.played(IN_PROCESS).outcomes
        told = {host: messages.shown(outcome) for host, outcome in outcomes.items()}
        messages.FILE.write_text(messages.render(told), "utf-8")
    assert list(messages.read_told()) == [messages.heading_of(case) for case in ALL_CASES]
