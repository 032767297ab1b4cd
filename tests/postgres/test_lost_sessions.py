# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No session that is lost, at any statement of an update, makes a result lie.

The code itself and a real server; tests/properties/record_model.py explores the rules. The stand-in
for CloudAgent knows the truth: ``changed: false`` only if the requests of that run changed nothing.
"""

from __future__ import annotations

import itertools
import threading
import time
import typing as t
from functools import partial

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record import marking
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines.postgresql import (
    store,
)
from ansible_collections.ozonetel.cloudagent.tests.postgres.cloudagent import SUCCESS, CloudAgent
from ansible_collections.ozonetel.cloudagent.tests.postgres.controller import (
    A,
    B,
    Controller,
    Result,
)
from ansible_collections.ozonetel.cloudagent.tests.postgres.relay import (
    CUT_AFTER,
    CUT_BEFORE,
    FORWARD,
    SILENCE,
    Relay,
)
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import Server
from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS, wait_for

# A role whose sessions go through the relay, and can be ended without those of others.
RELAYED = "relayed"
PAIRS = {"A": ("111", "333"), "B": ("222", "333")}
# What a run may be asked for, where A is confirmed.
RUNS: dict[str, dict[str, t.Any]] = {
    "A": A,
    "B": B,
    "A, record: false": {**A, "record": False},
    "B, record: false": {**B, "record": False},
}
# Two looks at the session, at the tables and their version, and then lock, read, mark, write with unlock.
LEAST_STATEMENTS = 8

Action = t.Callable[[], object]


def do_nothing() -> None:
    """Do nothing."""


def break_off() -> t.NoReturn:
    """Have the stand-in for CloudAgent break the connection."""
    raise ConnectionError


class World:
    """One campaign after the other, and the runs that update it."""

    def __init__(self, server: Server, database: str, relay: Relay, cloudagent: CloudAgent) -> None:
        self.server = server
        self.database = database
        self.cloudagent = cloudagent
        self.relay = relay
        self._relayed = relay.url(database, RELAYED)
        self._numbers = itertools.count(1)
        self._errors: list[BaseException] = []
        self.campaign = ""
        # Nothing happens to the sessions of these two.
        self.second, self.third = (
            Controller(cloudagent.url, server.url(database)) for _number in range(2)
        )

    def begin(self) -> None:
        """Take another campaign, for which A is confirmed."""
        self._calm_down()
        self.server.execute(f"ALTER ROLE {RELAYED} LOGIN")
        self.campaign = f"Campaign {next(self._numbers)}"
        assert self.run(self.second, A)["changed"] is True
        assert self.run(self.second, A)["changed"] is False

    def victim(self) -> Controller:
        """Return a controller that connects through the relay, and has no session yet."""
        return Controller(self.cloudagent.url, self._relayed)

    def run(self, controller: Controller, lists: dict[str, t.Any], **options: t.Any) -> Result:
        """Update the campaign, and check what the result says."""
        key = f"key-{next(self._numbers)}"
        options = {"campaign_name": self.campaign, "api_key": key, "retries": 0, **options}
        result = controller.update(**{**options, **lists})
        if not result.get("failed") and not result["changed"]:
            mine = [one for one in self.cloudagent.requests if one.api_key == key]
            assert all(one.before == one.after for one in mine), f"it changed the lists: {result}"
        return result

    def raise_error(self) -> None:
        """Raise what was raised elsewhere, if anything was."""
        if self._errors:
            raise self._errors.pop()

    def check(self) -> None:
        """Check that no later run says what is not so."""
        self.raise_error()
        self._calm_down()
        for name, pair in PAIRS.items():
            predicted = self.run(self.second, RUNS[name], check_mode=True)
            if not predicted["changed"]:
                assert self.cloudagent.lists[self.campaign] == pair, "a run would lie"
        self.run(self.third, A)
        self.run(self.second, B)

    def _calm_down(self) -> None:
        self.relay.on_statement = lambda _statement: FORWARD
        self.cloudagent.before = self.cloudagent.after = lambda _campaign: None
        self.cloudagent.message = SUCCESS

    def elsewhere(self, action: Action) -> None:
        """Do something in a thread of a server, and have what it raises fail the test."""
        try:
            action()
        except BaseException as error:  # noqa: BLE001  # The main thread raises it.
            self._errors.append(error)

    def end_sessions(self) -> None:
        """End the sessions behind the relay in the server."""
        theirs = f"FROM pg_stat_activity WHERE usename = '{RELAYED}'"
        self.server.execute(f"SELECT pg_terminate_backend(pid) {theirs}")
        wait_for(lambda: self.server.execute(f"SELECT count(*) {theirs}") == [(0,)])

    def lock_out(self) -> None:
        """End the sessions behind the relay, and have no more of them: for their run, this is final.

        It can write nothing more, as if it were killed.
        """
        self.server.execute(f"ALTER ROLE {RELAYED} NOLOGIN")
        self.end_sessions()


class Harm:
    """What is done to a run at one of its statements.

    Attributes:
        is_done: the run had that statement.

    Args:
        world: where the run is.
        action: what becomes of the statement.
        before: is done before that.
        later: is done before the next statement, which is in another session.
    """

    def __init__(
        self,
        world: World,
        action: str = FORWARD,
        before: Action = do_nothing,
        later: Action = do_nothing,
    ) -> None:
        self._world = world
        self._action = action
        self._before = before
        self._later = later
        self._lock = threading.Lock()
        self._places: t.Iterator[int] = iter(())
        self.is_done = False

    def start(self, place: int) -> None:
        """Wait for the statement in this place, counted from 0."""
        self._places = itertools.count(-place)
        self.is_done = False
        self._world.relay.on_statement = self._at

    def stop(self) -> None:
        self._world.relay.on_statement = lambda _statement: FORWARD

    def _at(self, _statement: str) -> str:
        with self._lock:
            place = next(self._places)
        if place == 0:
            self.is_done = True
            self._world.elsewhere(self._before)
            return self._action
        if place == 1:
            self._world.elsewhere(self._later)
        return FORWARD


@pytest.fixture(name="_quick", autouse=True)
def _quick_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the pauses between two tries away, which add nothing here but time."""
    monkeypatch.setattr(marking, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(store, "PAUSE_SECONDS", 0.01)


# One for all tests, each of whose runs has a campaign of its own.
@pytest.fixture(name="world", scope="module")
def _world(server: Server) -> t.Iterator[World]:
    database, relay, cloudagent = server.new_database(), Relay(server.socket_folder), CloudAgent()
    server.execute(f"CREATE ROLE {RELAYED} SUPERUSER LOGIN")
    yield World(server, database, relay, cloudagent)
    relay.stop()
    cloudagent.stop()
    server.execute(f"DROP DATABASE {database} WITH (FORCE)")
    server.execute(f"DROP ROLE {RELAYED}")


def harm_at_every_statement(
    world: World,
    harm: Harm,
    lists: dict[str, t.Any],
    prepare: Action = do_nothing,
    may_fail: bool = False,
) -> int:
    """Run an update once for each of its statements, and return how many there are."""
    for place in range(100):
        world.begin()
        victim = world.victim()
        prepare()
        harm.start(place)
        result = world.run(victim, lists)
        harm.stop()
        world.raise_error()
        assert may_fail or not result.get("failed"), result
        world.check()
        world.relay.cut()
        if not harm.is_done:
            return place
    raise AssertionError("it has no end")


# --- Cut ---


@pytest.mark.parametrize("action", [CUT_BEFORE, CUT_AFTER])
@pytest.mark.parametrize("lists", RUNS.values(), ids=RUNS)
def test_cut_at_every_statement(world: World, lists: dict[str, t.Any], action: str) -> None:
    assert harm_at_every_statement(world, Harm(world, action), lists) >= LEAST_STATEMENTS


@pytest.mark.parametrize("action", [CUT_BEFORE, CUT_AFTER])
@pytest.mark.parametrize("lists", [A, B], ids=["A", "B"])
def test_cut_at_every_statement_around_a_refusal(
    world: World, lists: dict[str, t.Any], action: str
) -> None:
    def refuse() -> None:
        world.cloudagent.message = "Campaign not found."

    harm = Harm(world, action)
    count = harm_at_every_statement(world, harm, lists, refuse, may_fail=True)
    assert count >= LEAST_STATEMENTS


@pytest.mark.parametrize("action", [CUT_BEFORE, CUT_AFTER])
@pytest.mark.parametrize("lists", [A, B], ids=["A", "B"])
def test_cut_at_every_statement_around_a_lost_answer(
    world: World, lists: dict[str, t.Any], action: str
) -> None:
    def lose_answer() -> None:
        world.cloudagent.after = lambda _campaign: break_off()

    harm = Harm(world, action)
    count = harm_at_every_statement(world, harm, lists, lose_answer, may_fail=True)
    assert count >= LEAST_STATEMENTS


@pytest.mark.parametrize("is_executed", [False, True])
@pytest.mark.parametrize("lists", RUNS.values(), ids=RUNS)
def test_locked_out_at_every_statement(
    world: World, lists: dict[str, t.Any], is_executed: bool
) -> None:
    if is_executed:
        harm = Harm(world, CUT_AFTER, later=world.lock_out)
    else:
        harm = Harm(world, before=world.lock_out)
    assert harm_at_every_statement(world, harm, lists, may_fail=True) >= LEAST_STATEMENTS


# --- Another run in between ---


@pytest.mark.parametrize("comes_back", [True, False], ids=["comes back", "stays away"])
@pytest.mark.parametrize("theirs", [A, B], ids=["A comes between", "B comes between"])
@pytest.mark.parametrize("lists", RUNS.values(), ids=RUNS)
def test_another_run_comes_before_every_statement(
    world: World, lists: dict[str, t.Any], theirs: dict[str, t.Any], comes_back: bool
) -> None:
    def lose_session_to_another_run() -> None:
        (world.end_sessions if comes_back else world.lock_out)()
        world.run(world.second, theirs)

    harm = Harm(world, before=lose_session_to_another_run)
    count = harm_at_every_statement(world, harm, lists, may_fail=not comes_back)
    assert count >= LEAST_STATEMENTS


@pytest.mark.parametrize("theirs", [A, B], ids=["A comes between", "B comes between"])
@pytest.mark.parametrize("lists", RUNS.values(), ids=RUNS)
def test_another_run_comes_before_a_lost_answer_is_looked_for(
    world: World, lists: dict[str, t.Any], theirs: dict[str, t.Any]
) -> None:
    harm = Harm(world, CUT_AFTER, later=lambda: world.run(world.second, theirs))
    assert harm_at_every_statement(world, harm, lists) >= LEAST_STATEMENTS


@pytest.mark.parametrize("afterwards", ["answered", "not answered", "locked out"])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("lists", RUNS.values(), ids=RUNS)
def test_another_run_comes_while_the_request_is_on_its_way(
    world: World, lists: dict[str, t.Any], moment: str, afterwards: str
) -> None:
    def another_run(theirs: dict[str, t.Any] | None, _campaign: str) -> None:
        world.cloudagent.before = world.cloudagent.after = lambda _campaign: None
        world.end_sessions()
        if theirs is not None:
            world.elsewhere(lambda: world.run(world.second, theirs))
        if afterwards == "not answered":
            world.cloudagent.after = lambda _campaign: break_off()
            if moment == "after":
                break_off()
        if afterwards == "locked out":
            # So that it can't withdraw what the other run confirmed.
            world.lock_out()

    for theirs in (*RUNS.values(), None):
        world.begin()
        setattr(world.cloudagent, moment, partial(another_run, theirs))
        result = world.run(world.victim(), lists)
        if afterwards == "not answered":
            assert result["failed"]
        elif theirs is not None or afterwards == "locked out":
            assert result["changed"] is True
        world.check()
        world.relay.cut()


def test_a_mark_is_left_only_over_what_was_read(world: World) -> None:
    def change_by_hand(statement: str) -> str:
        if "sending_since = clock_timestamp()" in statement:
            world.relay.on_statement = lambda _statement: FORWARD
            world.cloudagent.lists[world.campaign] = PAIRS["B"]
            world.server.execute(
                "UPDATE ozonetel_cloudagent.campaigns SET confirmed = false, revision = revision + 1 "
                f"WHERE campaign_name = '{world.campaign}'",
                world.database,
            )
        return FORWARD

    world.begin()
    world.relay.on_statement = change_by_hand
    result = world.run(world.victim(), A)
    assert (result["changed"], result["changed_basis"]) == (True, "unconfirmed")
    world.check()


def test_three_runs_of_which_two_lose_their_sessions(world: World) -> None:
    """The third runs at each statement of the second, while the request of the first is on its way."""

    def third_run() -> None:
        world.end_sessions()
        world.run(world.third, A)

    def second_run(place: int, _campaign: str) -> None:
        world.cloudagent.before = lambda _campaign: None
        world.end_sessions()
        harm.start(place)
        world.elsewhere(lambda: world.run(world.victim(), A))
        harm.stop()

    harm = Harm(world, before=third_run)
    places = itertools.count()
    for place in places:
        world.begin()
        first = world.victim()
        world.cloudagent.before = partial(second_run, place)
        world.run(first, B)
        world.check()
        world.relay.cut()
        if not harm.is_done:
            break
    assert next(places) > LEAST_STATEMENTS


# --- The server ---


@pytest.mark.parametrize("lists", [A, B], ids=["A", "B"])
def test_killed_and_restarted_at_every_statement(
    own_server: Server, cloudagent: CloudAgent, lists: dict[str, t.Any]
) -> None:
    def restart() -> None:
        own_server.kill()
        own_server.start()

    own_server.execute(f"CREATE ROLE {RELAYED} SUPERUSER LOGIN")
    relay = Relay(own_server.socket_folder)
    world = World(own_server, "postgres", relay, cloudagent)
    before = harm_at_every_statement(world, Harm(world, before=restart), lists)
    after = harm_at_every_statement(world, Harm(world, CUT_AFTER, later=restart), lists)
    relay.stop()
    assert min(before, after) >= LEAST_STATEMENTS


def test_a_server_that_falls_silent_at_any_statement_is_waited_for_until_the_timeout(
    world: World,
) -> None:
    harm = Harm(world, SILENCE)
    places = itertools.count()
    for place in places:
        world.begin()
        harm.start(place)
        begin = time.monotonic()
        world.run(world.victim(), B, timeout=0.5)
        assert time.monotonic() - begin < HANG_SECONDS / 2
        harm.stop()
        world.relay.cut()
        world.check()
        if not harm.is_done:
            break
    assert next(places) > LEAST_STATEMENTS
