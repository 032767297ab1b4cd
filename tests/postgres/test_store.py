# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store in PostgreSQL by itself: locks, marks, and what only a real server tells."""

from __future__ import annotations

import os
import threading
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines.postgresql import (
    store as engine,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import (
    Confirmation,
    Lists,
    record_key,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.store import (
    Change,
    Found,
    Kept,
    Mark,
    Marked,
    StoreUnavailable,
    Unusable,
)
from ansible_collections.ozonetel.cloudagent.tests.postgres.relay import (
    CUT_AFTER,
    FORWARD,
    SILENCE,
    Relay,
)
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import Server
from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS

ENDPOINT = "https://cc.example"
KEYS = [record_key(ENDPOINT, "acme", name) for name in ("Sales", "Support")]
LISTS = Lists("acme", "Sales", ["111", "+222"], ["333"])


def new_store(url: str, number: int = 1, seconds: float = HANG_SECONDS) -> engine.PostgreSql:
    """Return a store with a session of its own, for each number."""
    store = engine.PostgreSql(f"{url}&application_name=store{number}", writes=True)
    store.allow(seconds)
    return store


@pytest.fixture(name="url")
def _url(server: Server, database: str) -> str:
    return server.url(database)


def mark(store: engine.PostgreSql, found: Found, seconds: float = 60.0) -> Marked | None:
    marks = [Mark(KEYS[0], ENDPOINT, LISTS.names, found, seconds)]
    return store.mark(marks, "deploy@runner").get(KEYS[0])


def confirm(store: engine.PostgreSql, marked: Marked | None) -> dict[str, str]:
    assert marked is not None
    found = Found(revision=marked.revision)
    confirmation = Confirmation(LISTS, "", "deploy@runner", "a note")
    return store.write([Change(KEYS[0], ENDPOINT, found, True, confirmation)], durable=False)


def test_a_lock_is_one_sessions_until_it_lets_go(url: str) -> None:
    first, second = new_store(url, 1), new_store(url, 2)
    assert first.lock(KEYS).obtained == set(KEYS)
    assert second.lock(KEYS) == (set(), {})
    first.unlock(KEYS[:1])
    assert second.lock(KEYS).obtained == set(KEYS[:1])
    first.unlock(KEYS)
    assert second.lock(KEYS).obtained == set(KEYS)


def test_what_ends_a_mark_lets_go_of_its_lock_and_of_no_other(url: str) -> None:
    first, second = new_store(url, 1), new_store(url, 2)
    first.lock(KEYS)
    confirm(first, mark(first, Found()))
    assert second.lock(KEYS).obtained == set(KEYS[:1])
    by_hand = Change(KEYS[0], ENDPOINT, second.read(KEYS)[KEYS[0]], confirmed=False)
    assert second.write([by_hand], durable=True) == {}
    assert first.lock(KEYS).obtained == set(KEYS[1:])
    second.unlock(KEYS)
    assert first.lock(KEYS).obtained == set(KEYS)


def test_a_record_is_read_as_it_was_confirmed(url: str) -> None:
    store = new_store(url)
    assert store.read(KEYS) == {key: Found() for key in KEYS}
    assert confirm(store, mark(store, Found())) == {}
    record = new_store(url, 2).read(KEYS)[KEYS[0]].record
    assert record is not None and record.confirmed and record.endpoint == ENDPOINT
    assert record.last._replace(applied_at="") == (LISTS, "", "deploy@runner", "a note")


def test_only_one_leaves_the_first_mark(url: str) -> None:
    first, second = new_store(url, 1), new_store(url, 2)
    made = mark(first, Found())
    assert mark(second, Found()) is None
    assert confirm(first, made) == {}


def test_a_mark_is_left_only_over_what_was_read(url: str) -> None:
    first, second = new_store(url, 1), new_store(url, 2)
    confirm(first, mark(first, Found()))
    found = first.read(KEYS)[KEYS[0]]
    made = mark(second, second.read(KEYS)[KEYS[0]])
    assert mark(first, found) is None
    assert confirm(second, made) == {}
    assert mark(first, found) is None


def test_a_later_mark_tells_of_the_one_before_while_that_lasts(url: str) -> None:
    first, second = new_store(url, 1), new_store(url, 2)
    mark(first, Found())
    made = mark(second, second.read(KEYS)[KEYS[0]])
    assert made is not None and made.others_name == "deploy@runner"
    assert made.others_until is not None
    # What closes the second one leaves the first one open.
    closed = Change(KEYS[0], ENDPOINT, Found(revision=made.revision), confirmed=False)
    assert second.write([closed], durable=False) == {}
    again = mark(second, second.read(KEYS)[KEYS[0]])
    assert again is not None and again.others_until == made.others_until


def test_a_mark_that_is_renewed_is_no_other_runs(url: str) -> None:
    store = new_store(url)
    made = mark(store, Found(), seconds=1.0)
    assert made is not None
    renewed = mark(store, Found(revision=made.revision))
    assert renewed is not None and renewed.others_until is None
    assert list(confirm(store, made)) == [KEYS[0]]
    assert confirm(store, renewed) == {}


def test_a_mark_whose_time_is_over_is_nobodys(url: str) -> None:
    store = new_store(url)
    mark(store, Found(), seconds=-1.0)
    made = mark(store, store.read(KEYS)[KEYS[0]])
    assert made is not None and made.others_until is None


def test_a_row_that_only_has_marks_is_no_record(url: str) -> None:
    store = new_store(url)
    mark(store, Found())
    assert store.read(KEYS)[KEYS[0]].record is None
    assert list(store.find()) == []


@pytest.mark.parametrize(
    "change",
    [
        "fallback_dynamic_dids = NULL",
        "dynamic_dids = '{111,NULL}'",
        "dynamic_dids = '{{111},{222}}'",
        "applied_at = 'infinity'",
        "applied_by = NULL",
    ],
)
def test_a_row_that_was_damaged_by_hand_is_told_of_and_replaced(
    server: Server, database: str, url: str, change: str
) -> None:
    store = new_store(url)
    confirm(store, mark(store, Found()))
    server.execute(f"UPDATE ozonetel_cloudagent.campaigns SET {change}", database)
    server.execute(
        "UPDATE ozonetel_cloudagent.history SET dynamic_dids = '{{111},{222}}'", database
    )
    found = store.read(KEYS)[KEYS[0]]
    assert (found.record, found.fault) == (None, "is damaged")
    assert list(store.find()) == [Unusable(KEYS[0], "is damaged")]
    assert confirm(store, mark(store, found)) == {}
    (kept,) = store.find()
    assert isinstance(kept, Kept)
    assert kept.record.confirmed
    # What was damaged in the history as well is left out.
    assert [one.lists for one in kept.confirmations] == [LISTS]


def test_the_answer_of_a_mark_that_got_lost_is_asked_for_again(database: str, relay: Relay) -> None:
    store = new_store(relay.url(database))
    confirm(store, mark(store, Found()))
    cuts = iter([CUT_AFTER])
    relay.on_statement = lambda text: next(cuts, FORWARD) if "added AS" in text else FORWARD
    made = mark(store, store.read(KEYS)[KEYS[0]])
    assert made is not None and made.others_until is None
    assert confirm(store, made) == {}


def test_the_holder_is_named_also_for_another_role(server: Server, database: str, url: str) -> None:
    holder = new_store(url)
    holder.lock(KEYS)
    mark(holder, Found())
    role = f"other_{database}"
    server.execute(
        f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA ozonetel_cloudagent TO {role}; "
        f"GRANT ALL ON ALL TABLES IN SCHEMA ozonetel_cloudagent TO {role}",
        database,
    )
    try:
        other = new_store(server.url(database, role=role), 2)
        assert other.lock(KEYS[:1]).obtained == set()
        named = other.holder_of(KEYS[0])
        assert named is not None and named.startswith("of deploy@runner, sending since 20")
        # When the session began is not shown to other roles.
        assert named.endswith(f"; process {os.getpid()} on host {os.uname().nodename}")
    finally:
        server.execute(f"DROP OWNED BY {role}; DROP ROLE {role}", database)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_has_a_session_of_its_own(url: str) -> None:
    store = new_store(url)
    store.lock(KEYS)
    child = os.fork()
    if not child:
        try:
            here = new_store(url)
            os._exit(0 if here.lock(KEYS).obtained == set() and here.read(KEYS) else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    # The end of the child has not ended it.
    assert store.lock(KEYS).obtained == set(KEYS)
    assert new_store(url, 2).lock(KEYS).obtained == set()


@pytest.mark.parametrize("ask", ["lock", "read", "mark"])
def test_a_silent_server_is_left_in_time(database: str, relay: Relay, ask: str) -> None:
    store = new_store(relay.url(database))
    store.lock(KEYS[:1])
    relay.on_statement = lambda _text: SILENCE
    store.allow(0.5)
    asked: dict[str, t.Callable[[], object]] = {
        "lock": lambda: store.lock(KEYS),
        "read": lambda: store.read(KEYS),
        "mark": lambda: mark(store, Found()),
    }
    with pytest.raises(StoreUnavailable) as caught:
        asked[ask]()
    assert caught.value.cause == "PostgreSQL did not answer in time"
    assert caught.value.may_pass


def test_a_stopped_server_is_left_in_time(own_server: Server) -> None:
    store = new_store(own_server.url())
    store.lock(KEYS)
    go_on = own_server.pause()
    try:
        store.allow(0.5)
        with pytest.raises(StoreUnavailable, match="did not answer in time"):
            store.read(KEYS)
    finally:
        go_on()


def test_records_are_found_in_parts(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "READ_AT_ONCE", 3)
    store = new_store(url)
    names = [f"Campaign {number}" for number in range(10)]
    for name in names:
        lists = LISTS._replace(campaign_name=name)
        key = record_key(ENDPOINT, *lists.names)
        made = store.mark([Mark(key, ENDPOINT, lists.names, Found(), 60.0)], "me")[key]
        change = Change(
            key, ENDPOINT, Found(revision=made.revision), True, Confirmation(lists, "", "me")
        )
        store.write([change], durable=False)
    found = [kept for kept in store.find() if isinstance(kept, Kept)]
    assert sorted(kept.record.last.lists.campaign_name for kept in found) == names
    assert [len(list(kept.confirmations)) for kept in found] == [1] * 10


def test_tables_are_made_by_one_of_many_at_once(url: str) -> None:
    failures: list[BaseException] = []
    ready = threading.Barrier(6)

    def begin(number: int) -> None:
        store = new_store(url, number)
        ready.wait()
        try:
            store.lock(KEYS)
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
