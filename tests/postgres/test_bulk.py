# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many campaigns in one task, with their records in PostgreSQL."""

from __future__ import annotations

import itertools
import socket
import threading
import typing as t

import psycopg
import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record import marking
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.keeping import KeptUpdate
from ansible_collections.ozonetel.cloudagent.tests.postgres.cloudagent import CloudAgent
from ansible_collections.ozonetel.cloudagent.tests.postgres.controller import Controller
from ansible_collections.ozonetel.cloudagent.tests.postgres.relay import Relay
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import Server

NAMES = [f"Campaign {number:03}" for number in range(60)]


def counts(result: dict[str, t.Any]) -> dict[str, int]:
    """Return the numbers of the summary that are not 0."""
    return {kind: count for kind, count in result["summary"].items() if count and kind != "total"}


def test_what_one_controller_applied_is_unchanged_for_another(
    server: Server, database: str, cloudagent: CloudAgent
) -> None:
    first, second = (Controller(cloudagent.url, server.url(database)) for _number in range(2))
    assert counts(first.update_all(NAMES)) == {"changed": 60}
    assert counts(second.update_all(NAMES, check_mode=True)) == {"unchanged": 60}
    assert counts(second.update_all(NAMES)) == {"unchanged": 60}
    assert len(cloudagent.sent) == 120
    assert counts(second.update_all([*NAMES, "New"], skip_unchanged=True)) == {
        "changed": 1,
        "skipped": 60,
    }
    assert len(cloudagent.sent) == 121
    assert second.module.warnings == []


def test_a_batch_takes_one_statement_of_each_kind(
    database: str, relay: Relay, cloudagent: CloudAgent
) -> None:
    controller = Controller(cloudagent.url, relay.url(database))
    controller.update_all(["First"])
    relay.statements.clear()
    controller.update_all(NAMES, skip_unchanged=True)
    marks = sum("earlier_sending_until = before.until" in text for text in relay.statements)
    assert marks < len(NAMES) / 2
    relay.statements.clear()
    controller.update_all(NAMES, skip_unchanged=True)
    assert len(relay.statements) == 1


def test_two_controllers_at_once_with_the_same_campaigns(
    server: Server, database: str, cloudagent: CloudAgent
) -> None:
    results: list[dict[str, t.Any]] = []

    def update() -> None:
        controller = Controller(cloudagent.url, server.url(database))
        results.append(controller.update_all(NAMES))

    others = [threading.Thread(target=update) for _number in range(2)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    total = {"changed": 0, "unchanged": 0}
    for result in results:
        total = {kind: total[kind] + result["summary"][kind] for kind in total}
    assert total == {"changed": 60, "unchanged": 60}


def test_a_restart_of_the_server_in_the_middle(own_server: Server, cloudagent: CloudAgent) -> None:
    def restart(campaign: str) -> None:
        if campaign == NAMES[30]:
            own_server.kill()
            own_server.start()

    cloudagent.before = restart
    controller = Controller(cloudagent.url, own_server.url())
    assert counts(controller.update_all(NAMES)) == {"changed": 60}
    cloudagent.before = lambda _campaign: None
    # Confirmations that did not wait for the disk may be lost; none is wrong.
    again = counts(controller.update_all(NAMES, skip_unchanged=True))
    assert set(again) <= {"skipped", "changed"} and again["skipped"] >= 20


def test_nothing_more_is_begun_once_the_database_is_out_of_reach(
    database: str, relay: Relay, cloudagent: CloudAgent
) -> None:
    def stop(campaign: str) -> None:
        if campaign == NAMES[20]:
            relay.stop()

    cloudagent.before = stop
    controller = Controller(cloudagent.url, relay.url(database))
    result = controller.update_all(NAMES, timeout=2.0, concurrency=2)
    assert result["failure"]["reason"] == "record_failed"
    assert "PostgreSQL can't be reached" in result["msg"]
    assert "not sent, because the last-applied records can't be used" in result["msg"]
    # What was on its way came to its end, and counts as changed.
    assert 21 <= result["summary"]["changed"] <= 24
    assert result["summary"]["not_sent"] > 20
    assert len(cloudagent.sent) == result["summary"]["changed"]
    assert any("could not be written" in warning for warning in controller.module.warnings)


def test_a_database_that_can_not_be_used_at_all(server: Server, cloudagent: CloudAgent) -> None:
    controller = Controller(cloudagent.url, server.url("nowhere"))
    result = controller.update_all(NAMES)
    assert result["failure"]["reason"] == "record_failed"
    assert counts(result) == {"failed": 1, "not_sent": 59}
    assert cloudagent.sent == []


def test_check_mode_without_the_database(server: Server, cloudagent: CloudAgent) -> None:
    result = Controller(cloudagent.url, server.url("nowhere")).update_all(NAMES, check_mode=True)
    assert counts(result) == {"failed": 60}


def test_a_database_that_never_answers_is_asked_once(cloudagent: CloudAgent) -> None:
    names = [f"Campaign {number}" for number in range(1200)]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"postgresql://127.0.0.1:{listener.getsockname()[1]}/records?sslmode=disable"
        controller = Controller(cloudagent.url, url)
        result = controller.update_all(names, check_mode=True, timeout=0.5)
        assert counts(result) == {"failed": 1200}
        assert "PostgreSQL did not answer in time" in result["msg"]
        listener.accept()[0].close()
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_marks_that_end_too_soon_are_renewed(
    server: Server, database: str, cloudagent: CloudAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[str] = []
    may_send = marking.MarkingKeeper.may_send

    def may_send_the_second_time(keeper: marking.MarkingKeeper, update: KeptUpdate) -> bool:
        if update.lists.campaign_name not in late:
            late.append(update.lists.campaign_name)
            update.mark_ends = 0.0
        return may_send(keeper, update)

    monkeypatch.setattr(marking.MarkingKeeper, "may_send", may_send_the_second_time)
    controller = Controller(cloudagent.url, server.url(database))
    assert counts(controller.update_all(NAMES)) == {"changed": 60}
    assert sorted(late) == NAMES
    assert counts(controller.update_all(NAMES)) == {"unchanged": 60}
    assert controller.module.warnings == []


@pytest.fixture(name="few_locks")
def _few_locks() -> t.Iterator[Server]:
    server = Server("max_locks_per_transaction = 10\nmax_connections = 10")
    yield server
    server.remove()


def test_fewer_locks_are_held_where_the_server_has_no_room(
    few_locks: Server, cloudagent: CloudAgent
) -> None:
    with psycopg.connect(few_locks.url("template1"), autocommit=True) as other:
        take_all_locks(other)
        for number in range(60):
            other.execute("SELECT pg_advisory_unlock(%s)", [number])
        controller = Controller(cloudagent.url, few_locks.url())
        names = [f"Campaign {number}" for number in range(150)]
        # The first one goes alone, and then 128 are wanted at a time.
        assert counts(controller.update_all(names, concurrency=64)) == {"changed": 150}


def take_all_locks(connection: psycopg.Connection[t.Any]) -> None:
    for number in itertools.count():
        try:
            connection.execute("SELECT pg_advisory_lock(%s)", [number])
        except psycopg.errors.OutOfMemory:
            return
