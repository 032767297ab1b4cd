# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changed means where several controllers share their records in PostgreSQL."""

from __future__ import annotations

import threading
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.clock import Clock
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record import marking
from ansible_collections.ozonetel.cloudagent.tests.postgres.cloudagent import CloudAgent
from ansible_collections.ozonetel.cloudagent.tests.postgres.controller import A, B, Controller
from ansible_collections.ozonetel.cloudagent.tests.postgres.relay import (
    CUT_AFTER,
    CUT_BEFORE,
    FORWARD,
    SILENCE,
    Relay,
)
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import Server
from ansible_collections.ozonetel.cloudagent.tests.unit.support import wait_for

ROW = "SELECT confirmed, sending_until > now(), dynamic_dids FROM ozonetel_cloudagent.campaigns"


@pytest.fixture(name="controllers")
def _controllers(server: Server, database: str, cloudagent: CloudAgent) -> list[Controller]:
    return [Controller(cloudagent.url, server.url(database)) for _number in range(2)]


def what(result: dict[str, t.Any]) -> tuple[bool, str | None]:
    assert "failed" not in result, result
    return result["changed"], result["changed_basis"]


# --- In turns ---


def test_a_job_with_an_empty_home_knows_what_another_one_applied(
    controllers: list[Controller],
) -> None:
    first, second = controllers
    assert what(first.update(**A)) == (True, "first_seen")
    assert what(second.update(**A)) == (False, "same")
    assert what(second.update(**B)) == (True, "differs")
    assert what(first.update(**B)) == (False, "same")
    assert first.module.warnings == second.module.warnings == []


def test_an_unchanged_update_is_sent_unless_it_is_to_be_skipped(
    controllers: list[Controller], cloudagent: CloudAgent
) -> None:
    first, second = controllers
    first.update(**A)
    second.update(**A)
    assert second.update(**A, skip_unchanged=True)["sent"] is False
    assert len(cloudagent.sent) == 2


def test_the_diff_shows_what_another_controller_applied(controllers: list[Controller]) -> None:
    first, second = controllers
    first.update(**A)
    assert "111" in second.update(**B, diff=True)["diff"]["before"]


def test_without_keeping_the_confirmation_is_withdrawn(controllers: list[Controller]) -> None:
    first, second = controllers
    first.update(**A)
    assert what(second.update(**B, record=False)) == (True, "unavailable")
    assert what(first.update(**A)) == (True, "unconfirmed")


def test_the_same_lists_without_keeping_withdraw_it_as_well(controllers: list[Controller]) -> None:
    first, second = controllers
    first.update(**A)
    second.update(**A, record=False)
    assert what(first.update(**A)) == (True, "unconfirmed")


@pytest.mark.parametrize(
    ("message", "basis"),
    [
        # Refused as a whole, so that what was confirmed still holds.
        ("Campaign not found.", "same"),
        ("DIDs not available for this user", "unconfirmed"),
    ],
)
def test_what_holds_after_a_refusal(
    controllers: list[Controller], cloudagent: CloudAgent, message: str, basis: str
) -> None:
    first, second = controllers
    first.update(**A)
    cloudagent.message, success = message, cloudagent.message
    assert first.update(**B)["failed"]
    cloudagent.message = success
    assert second.update(**A)["changed_basis"] == basis


# --- Check mode, and reading only ---


def test_check_mode_writes_nothing_and_makes_no_tables(
    server: Server, database: str, controllers: list[Controller], cloudagent: CloudAgent
) -> None:
    first, second = controllers
    assert what(first.update(**A, check_mode=True)) == (True, "first_seen")
    assert first.show()["campaigns"] == []
    assert first.change("absent", check_mode=True)["changed"] is False
    assert server.execute("SELECT to_regnamespace('ozonetel_cloudagent')", database) == [(None,)]
    second.update(**A)
    before = server.execute("SELECT * FROM ozonetel_cloudagent.campaigns", database)
    assert what(first.update(**A, check_mode=True)) == (False, "same")
    assert what(first.update(**B, check_mode=True)) == (True, "differs")
    assert server.execute("SELECT * FROM ozonetel_cloudagent.campaigns", database) == before
    assert len(cloudagent.sent) == 1


def test_a_role_that_may_only_read_checks_and_shows(
    server: Server, database: str, controllers: list[Controller], cloudagent: CloudAgent
) -> None:
    controllers[0].update(**A)
    server.execute(
        f"CREATE ROLE reads_{database} LOGIN; "
        f"ALTER ROLE reads_{database} SET default_transaction_read_only = on; "
        f"GRANT USAGE ON SCHEMA ozonetel_cloudagent TO reads_{database}; "
        f"GRANT SELECT ON ALL TABLES IN SCHEMA ozonetel_cloudagent TO reads_{database}",
        database,
    )
    reader = Controller(cloudagent.url, server.url(database, role=f"reads_{database}"))
    try:
        assert what(reader.update(**A, check_mode=True)) == (False, "same")
        assert len(reader.show()["campaigns"]) == 1
    finally:
        server.execute(f"DROP OWNED BY reads_{database}; DROP ROLE reads_{database}", database)


# --- At the same time ---


def test_one_waits_for_the_other(controllers: list[Controller], cloudagent: CloudAgent) -> None:
    first, second = controllers
    results: list[dict[str, t.Any]] = []
    other = threading.Thread(target=lambda: results.append(second.update(**A)))

    def begin_the_other(_campaign: str) -> None:
        cloudagent.before = lambda _campaign: None
        other.start()

    cloudagent.before = begin_the_other
    assert what(first.update(**A)) == (True, "first_seen")
    other.join()
    assert what(results[0]) == (False, "same")


def test_who_gives_up_names_the_holder(
    server: Server, database: str, controllers: list[Controller], cloudagent: CloudAgent
) -> None:
    first, second = controllers
    given_up: list[dict[str, t.Any]] = []

    def try_meanwhile(_campaign: str) -> None:
        given_up.append(second.update(**B, timeout=0.5))

    cloudagent.before = try_meanwhile
    first.update(**A)
    assert given_up[0]["failure"]["reason"] == "record_failed"
    assert given_up[0]["sent"] is False
    message = given_up[0]["msg"]
    assert "Another run (of " in message
    assert ", sending since 20" in message and "; process " in message
    assert ", connected since 20" in message
    assert len(cloudagent.sent) == 1


# --- Lost sessions ---


def end_sessions(server: Server, database: str) -> None:
    server.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
    )
    wait_for(
        lambda: (
            server.execute(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'")
            == [(0,)]
        )
    )


def test_a_session_lost_during_the_request_is_replaced(
    server: Server, database: str, controllers: list[Controller], cloudagent: CloudAgent
) -> None:
    first, second = controllers
    first.update(**A)
    cloudagent.before = lambda _campaign: end_sessions(server, database)
    assert what(first.update(**A)) == (False, "same")
    cloudagent.before = lambda _campaign: None
    assert what(second.update(**A)) == (False, "same")
    assert first.module.warnings == []


def test_nobody_confirms_over_a_request_whose_run_lost_its_session(
    server: Server, database: str, controllers: list[Controller], cloudagent: CloudAgent
) -> None:
    first, second = controllers
    first.update(**A)
    of_second: list[dict[str, t.Any]] = []

    def second_meanwhile(_campaign: str) -> None:
        cloudagent.before = lambda _campaign: None
        end_sessions(server, database)
        of_second.append(second.update(**B))

    # The lists of the first arrive after those of the second.
    cloudagent.before = second_meanwhile
    last = first.update(**A)
    assert what(of_second[0]) == (True, "unconfirmed")
    assert "was interrupted" in second.module.warnings[0]
    assert what(last) == (True, "unconfirmed")
    assert "was written by somebody else" in first.module.warnings[0]
    assert server.execute(ROW, database)[0][0] is False
    assert cloudagent.lists["Sales"] == ("111", "333")
    cloudagent.before = lambda _campaign: None
    assert what(second.update(**B))[0] is True


def test_what_others_confirmed_meanwhile_is_withdrawn(
    server: Server, database: str, controllers: list[Controller], cloudagent: CloudAgent
) -> None:
    """A run stood still for so long that nobody waited for it any more, and then its lists arrived."""
    first, second = controllers
    first.update(**A)
    of_second: list[dict[str, t.Any]] = []

    def second_meanwhile(_campaign: str) -> None:
        cloudagent.before = lambda _campaign: None
        end_sessions(server, database)
        server.execute(
            "UPDATE ozonetel_cloudagent.campaigns SET sending_until = now() - interval '1s'",
            database,
        )
        of_second.append(second.update(**B))

    cloudagent.before = second_meanwhile
    assert what(first.update(**A)) == (True, "unconfirmed")
    assert what(of_second[0]) == (True, "unconfirmed")
    assert second.module.warnings == []
    # The second had confirmed its lists, which are not the server's any more.
    assert cloudagent.lists["Sales"] == ("111", "333")
    assert what(second.update(**B)) == (True, "unconfirmed")


def test_a_killed_run_leaves_its_campaign_unconfirmed_and_not_locked(
    server: Server, database: str, controllers: list[Controller], cloudagent: CloudAgent
) -> None:
    first, second = controllers
    first.update(**A)

    class Killed(BaseException):
        pass

    def kill(*_arguments: object) -> t.NoReturn:
        end_sessions(server, database)
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(marking.MarkingKeeper, "may_send", kill)
        patch.setattr(marking.MarkingKeeper, "finish", lambda *_arguments: None)
        with pytest.raises(Killed):
            first.update(**B)
    assert server.execute(ROW, database) == [(False, True, ["111"])]
    assert what(second.update(**A)) == (True, "unconfirmed")
    assert "may send until 20" in second.module.warnings[0]
    # Once its time is over, all is as usual.
    server.execute(
        "UPDATE ozonetel_cloudagent.campaigns SET sending_until = now() - interval '1s'", database
    )
    assert what(second.update(**A)) == (True, "unconfirmed")
    assert second.module.warnings == []
    assert what(second.update(**A)) == (False, "same")


def test_nothing_is_sent_after_the_time_that_the_mark_allows(
    controllers: list[Controller], cloudagent: CloudAgent
) -> None:
    first = controllers[0]
    with pytest.MonkeyPatch.context() as patch:
        since_boot = Clock.since_boot
        calls = iter(range(1000))
        # The machine is suspended between the mark and the request.
        patch.setattr(Clock, "since_boot", lambda self: since_boot(self) + 100 * next(calls))
        result = first.update(**A)
    assert result["failure"]["reason"] == "record_failed"
    assert "Maybe the machine was suspended" in result["msg"]
    assert cloudagent.sent == []
    assert what(first.update(**A)) == (True, "first_seen")


# --- Lost answers ---


def is_statement(text: str, name: str) -> bool:
    return {
        "mark": "earlier_sending_until = before.until" in text,
        "write": "pruned AS" in text,
        "lock": "pg_try_advisory_lock" in text,
        "unlock": "pg_advisory_unlock" in text,
        "read": "WHERE key = ANY" in text and "endpoint, confirmed" in text,
    }[name]


@pytest.mark.parametrize("action", [CUT_BEFORE, CUT_AFTER])
@pytest.mark.parametrize("name", ["lock", "read", "mark", "write", "unlock"])
def test_a_connection_cut_at_a_statement_costs_nothing_but_time(
    database: str, relay: Relay, cloudagent: CloudAgent, name: str, action: str
) -> None:
    controller = Controller(cloudagent.url, relay.url(database))
    controller.update(**A)
    cuts = iter([action])

    def cut_once(text: str) -> str:
        return next(cuts, FORWARD) if is_statement(text, name) else FORWARD

    relay.on_statement = cut_once
    result = controller.update(**B)
    assert next(cuts, None) is None
    assert result["changed"] is True
    assert cloudagent.lists["Sales"] == ("222", "333")
    assert controller.module.warnings == []
    assert what(controller.update(**B)) == (False, "same")


def test_an_unchanged_update_whose_confirmation_is_lost_counts_as_changed(
    database: str, relay: Relay, cloudagent: CloudAgent
) -> None:
    controller = Controller(cloudagent.url, relay.url(database))
    controller.update(**A)
    cloudagent.before = lambda _campaign: relay.stop()
    assert what(controller.update(**A)) == (True, "unconfirmed")
    assert "could not be written: PostgreSQL can't be reached." in controller.module.warnings[0]


def test_a_server_that_falls_silent_is_not_waited_for_without_an_end(
    database: str, relay: Relay, cloudagent: CloudAgent
) -> None:
    controller = Controller(cloudagent.url, relay.url(database))
    controller.update(**A)
    relay.on_statement = lambda text: SILENCE if is_statement(text, "lock") else FORWARD
    result = controller.update(**B, timeout=1.5)
    assert "PostgreSQL did not answer in time" in result["msg"]
    assert len(cloudagent.sent) == 1


def test_a_restart_of_the_server_only_costs_time(
    own_server: Server, cloudagent: CloudAgent
) -> None:
    controller = Controller(cloudagent.url, own_server.url())
    controller.update(**A)
    own_server.stop()
    restart = threading.Timer(1.0, own_server.start)
    restart.start()
    assert what(controller.update(**A)) == (False, "same")
    restart.join()


def test_a_restart_during_the_request_is_survived(
    own_server: Server, cloudagent: CloudAgent
) -> None:
    def restart(_campaign: str) -> None:
        own_server.kill()
        own_server.start()

    controller = Controller(cloudagent.url, own_server.url())
    cloudagent.before = restart
    assert what(controller.update(**A)) == (True, "first_seen")
    cloudagent.before = lambda _campaign: None
    assert what(controller.update(**A)) == (False, "same")


# --- The modules about records ---


def test_records_are_shown_with_their_history(controllers: list[Controller]) -> None:
    first, second = controllers
    for lists in (A, B, A):
        first.update(**lists, record_note="https://ci.example/1")
    first.update(**B, campaign_name="Support")
    shown = second.show()["campaigns"]
    assert [campaign["campaign_name"] for campaign in shown] == ["Sales", "Support"]
    assert [entry["dynamic_dids"] for entry in shown[0]["history"]] == [["111"], ["222"], ["111"]]
    assert shown[0]["confirmed"] is True
    assert shown[0]["note"] == "https://ci.example/1"
    assert shown[0]["applied_by"] and shown[0]["applied_at"].endswith("Z")
    assert [c["campaign_name"] for c in second.show(did="222")["campaigns"]] == ["Support"]
    assert len(second.show(username="acme")["campaigns"]) == 2
    assert second.show(username="other")["campaigns"] == []
    assert len(second.show(campaign_name="Sales", history_limit=1)["campaigns"][0]["history"]) == 1


def test_the_history_keeps_the_latest_hundred(
    server: Server, database: str, controllers: list[Controller]
) -> None:
    for number in range(103):
        controllers[0].update(dynamic_dids=[f"{number:03}"], fallback_dynamic_dids=["333"])
    kept = server.execute(
        "SELECT dynamic_dids[1] FROM ozonetel_cloudagent.history ORDER BY id", database
    )
    assert kept == [(f"{number:03}",) for number in range(3, 103)]


def test_confirmations_are_withdrawn_by_hand(controllers: list[Controller]) -> None:
    first, second = controllers
    first.update(**A)
    assert second.change("unconfirmed")["changed"] is True
    assert second.change("unconfirmed")["changed"] is False
    assert what(first.update(**A)) == (True, "unconfirmed")


def test_campaigns_are_forgotten_by_hand(
    server: Server, database: str, controllers: list[Controller]
) -> None:
    first, second = controllers
    first.update(**A)
    assert second.change("absent")["changed"] is True
    assert server.execute("SELECT count(*) FROM ozonetel_cloudagent.history", database) == [(0,)]
    assert what(first.update(**A)) == (True, "first_seen")


def test_a_campaign_that_may_still_be_sent_is_not_forgotten(
    server: Server, database: str, controllers: list[Controller]
) -> None:
    controllers[0].update(**A)
    server.execute(
        "UPDATE ozonetel_cloudagent.campaigns SET sending_until = now() + interval '1 hour'",
        database,
    )
    result = controllers[1].change("absent")
    assert result["failed"] and "may still send" in result["msg"]
    assert len(controllers[1].show()["campaigns"]) == 1
