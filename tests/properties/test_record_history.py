# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No history makes the record lie: real code, a model of the server and of the disk, any order.

The claim, for a run that did not fail: ``changed: false`` only if this run did not change the
server's lists. The server may mind case or not, store the first list before it refuses the second,
and apply a request whose answer is lost. A run may be killed before and after every step that it
takes on the disk and around its request, the machine may lose its power, and the disk may refuse.
Other runs may come while a run waits before a retry, or between its last look at the record and
its request.
"""

from __future__ import annotations

import itertools
import json
import os
import pathlib
import shutil
import tempfile
import typing as t
from functools import partial

import pytest
import requests
import urllib3
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _run, _update
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import HttpRequest
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.client import HttpClient
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.watchdog import (
    Watchdog,
    current_guard,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._options import Campaign
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.engines import (
    files,
    lines,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.keeping import (
    Keeper,
    KeptUpdate,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import Confirmation
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.store import Change, Kept
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._update import Settings
from ansible_collections.ozonetel.cloudagent.tests.properties.disk import (
    NONE,
    READ_ONLY,
    Disk,
    Killed,
    Trouble,
    Troubles,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    ClockDouble,
    Ended,
    ModuleDouble,
    longest,
)

Pair = t.Tuple[str, str]
Value = t.TypeVar("Value")

SUCCESS = "Dynamic DIDs updated successfully"
NOTHING: Pair = ("", "")
WATCHDOG = Watchdog()


# --- The server ---------------------------------------------------------------------------------


class Behaviour(t.NamedTuple):
    """What one request meets: which lists are stored, and then an answer or none."""

    stores: int = 0
    message: str | None = None
    status: int = 200
    fault: str | None = None


BEHAVIOURS = {
    "ok": Behaviour(2, SUCCESS),
    "second refused, first stored": Behaviour(
        1, "Please enter the valid FallbackDIDs assigned to the account"
    ),
    "first refused": Behaviour(0, "Please enter the valid DIDs assigned to the account"),
    "account refused": Behaviour(0, "Authentication failed"),
    "campaign refused": Behaviour(0, "Campaign not found"),
    "too many": Behaviour(0, "Max limit exceeded"),
    "applied, answer lost": Behaviour(2, fault="lost"),
    "first stored, answer lost": Behaviour(1, fault="lost"),
    "no effect, no answer": Behaviour(0, fault="lost"),
    "unreachable": Behaviour(0, fault="unreachable"),
    "applied, HTTP 500": Behaviour(2, status=500),
    "no effect, HTTP 503": Behaviour(0, status=503),
    "applied, success with HTTP 500": Behaviour(2, SUCCESS, status=500),
    "applied, error of ours": Behaviour(2, fault="ours"),
    "killed before": Behaviour(0, fault="killed"),
    "killed after": Behaviour(2, fault="killed"),
    "killed half-way": Behaviour(1, fault="killed"),
}


class Server:
    """Keeps the lists of campaigns, whose names it may compare with or without case."""

    def __init__(self, minds_case: bool) -> None:
        self._minds_case = minds_case
        self._lists: dict[str, Pair] = {}
        self.requests = 0

    def lists_of(self, campaign: str) -> Pair:
        return self._lists.get(self._key(campaign), NOTHING)

    def store(self, body: bytes, count: int) -> bool:
        """Store the first of the lists, or both, and return whether that changed anything."""
        content = json.loads(body)
        key = self._key(content["campaignName"])
        sent = (content["dynamicDIDs"], content["fallbackDynamicDIDs"])
        old = self._lists.get(key, NOTHING)
        self._lists[key] = t.cast(Pair, sent[:count] + old[count:])
        return self._lists[key] != old

    def _key(self, campaign: str) -> str:
        return campaign if self._minds_case else campaign.casefold()


class Answer:
    """Has what the HTTP helper uses of an answer of requests."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.status_code = behaviour.status
        self.headers: dict[str, str] = {}
        text = "" if behaviour.message is None else json.dumps({"Message": behaviour.message})
        self._body = text.encode()
        self.raw = self

    def read(self, _size: int, decode_content: bool) -> bytes:
        assert not decode_content
        body, self._body = self._body, b""
        return body

    @property
    def closed(self) -> bool:
        return not self._body

    def close(self) -> None:
        pass


Action = t.Callable[[], None]


def leave_alone() -> None:
    """Do nothing."""


class Others(t.NamedTuple):
    """What other runs do meanwhile.

    Attributes:
        waiting: while this run waits before a retry.
        before: after the last look of this run at the record, before its first request.
        during: while a request of this run is on its way, after it took effect.
    """

    waiting: Action = leave_alone
    before: Action = leave_alone
    during: Action = leave_alone


NOBODY = Others()


class WaitingClock(ClockDouble):
    """A clock whose waits are used by other runs."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: Action = leave_alone

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        waiting, self.waiting = self.waiting, leave_alone
        waiting()


class Sessions:
    """Stands in for the session cache and for its sessions: each request meets a behaviour.

    Attributes:
        changed: a request of this run changed the server's lists.
    """

    def __init__(self, server: Server, behaviours: list[str], others: Others) -> None:
        self._server = server
        self._behaviours = iter(behaviours)
        self._before = others.before
        self._during = others.during
        self.changed = False

    def session_for(self, _request: object) -> Sessions:
        return self

    def post_bytes(self, request: HttpRequest, timeout: object) -> Answer:
        """Answer as the behaviour whose turn it is; there is no waiting."""
        guard = current_guard()
        assert guard is not None
        behaviour = BEHAVIOURS[next(self._behaviours, "ok")]
        if behaviour.fault == "unreachable":
            connection = urllib3.connection.HTTPConnection("127.0.0.1")
            raise requests.ConnectionError(
                urllib3.exceptions.NewConnectionError(connection, "refused")
            )
        guard.connected = guard.request_started = True
        before, self._before = self._before, leave_alone
        before()
        self._server.requests += 1
        self.changed |= self._server.store(request.body, behaviour.stores)
        self._during()
        if behaviour.fault == "lost":
            raise requests.ReadTimeout
        if behaviour.fault == "killed":
            raise Killed
        if behaviour.fault == "ours":
            raise RuntimeError
        return Answer(behaviour)


# --- The histories ------------------------------------------------------------------------------

CAMPAIGNS = ["Sales", "SALES"]
DYNAMIC = ["111", "222"]
FALLBACK = ["333", "444"]
DAMAGES = [
    b"",
    b"{",
    b"#00000000 {}\n",
    lines._line(b"#", {"version": 99}),
    lines.header_line("https://in1-ccaas-api.ozonetel.com"),
]

single_troubles = st.builds(
    Trouble,
    st.integers(0, 14),
    st.sampled_from(["killed before", "killed after", "ENOSPC", "EROFS", "EIO", "passes"]),
)
troubles = st.one_of(
    st.just(NONE),
    st.lists(single_troubles, min_size=1, max_size=2).map(lambda found: tuple(sorted(found))),
    st.sampled_from([READ_ONLY, *((Trouble(step, "EIO"),) for step in (0, 1))]),
)
behaviours = st.lists(st.sampled_from(list(BEHAVIOURS)), max_size=3)


class Histories(RuleBasedStateMachine):
    """Runs one after the other, each with its own lists, options, answers and troubles."""

    def __init__(self) -> None:
        super().__init__()
        self.home = tempfile.mkdtemp(prefix="cloudagent-history-")
        self.directory = os.path.join(self.home, "records")
        self.disk = Disk(self.directory)
        self.patches = pytest.MonkeyPatch()
        self.patches.setattr(files, "os", self.disk)
        self.server = Server(minds_case=True)
        self.clock = WaitingClock()
        self.second_that_ran: object = None
        self.lies: list[object] = []

    def teardown(self) -> None:
        self.patches.undo()
        shutil.rmtree(self.home)

    @initialize(minds_case=st.booleans(), has_directory=st.booleans())
    def begin(self, minds_case: bool, has_directory: bool) -> None:
        self.server = Server(minds_case)
        if has_directory:
            os.mkdir(self.directory)

    @rule(
        campaign=st.sampled_from(CAMPAIGNS),
        dynamic=st.sampled_from(DYNAMIC),
        fallback=st.sampled_from(FALLBACK),
        answers=behaviours,
        trouble=troubles,
        record=st.sampled_from([True, True, True, False]),
        skip=st.booleans(),
        retries=st.integers(0, 2),
        others=st.sampled_from(["none", "second", "waiting", "before"]),
        their_dynamic=st.sampled_from(DYNAMIC),
    )
    def run_once(
        self,
        campaign: str,
        dynamic: str,
        fallback: str,
        answers: list[str],
        trouble: Troubles,
        record: bool,
        skip: bool,
        retries: int,
        others: str,
        their_dynamic: str = DYNAMIC[0],
    ) -> None:
        options = {
            "campaign_name": campaign,
            "dynamic_dids": [dynamic],
            "fallback_dynamic_dids": [fallback],
            "record": record,
            "skip_unchanged": skip and record,
            "retries": retries,
        }
        may_be_killed = any("killed" in kind for kind in [*answers, *(one.kind for one in trouble)])
        if others == "before" and may_be_killed:
            # Who has no lock, and is killed after another run came at the last moment, can't withdraw
            # what that run confirmed. Only a lock helps against that.
            others = "none"
        predicted = self.predict(options)
        self.disk.start(trouble)
        result = self.finish(options, answers, self.others(others, campaign, their_dynamic))
        self.disk.start(NONE)
        if result is None or result.get("failed"):
            return
        if trouble == NONE and others == "none" and "changed_basis" in predicted:
            told = ("changed", "changed_basis")
            assert [result[key] for key in told] == [predicted[key] for key in told]

    def others(self, others: str, campaign: str, dynamic: str) -> Others:
        """Return what other runs do while a run is going on."""
        lists = {"dynamic_dids": [dynamic], "fallback_dynamic_dids": [FALLBACK[0]]}
        options = {"campaign_name": campaign, "timeout": 1.0, **lists}

        def run_recording() -> None:
            self.aside(lambda: self.finish(options, []))

        def run_twice() -> None:
            # The second of them may take the first one's confirmation for what the server has.
            run_recording()
            run_recording()

        by_name = {
            "none": Others(),
            "second": Others(during=self.run_a_second),
            "waiting": Others(waiting=run_twice, during=run_recording),
            "before": Others(before=run_recording),
        }
        return by_name[others]

    @rule(campaign=st.sampled_from(CAMPAIGNS), dynamic=st.sampled_from(DYNAMIC))
    def run_in_peace(self, campaign: str, dynamic: str) -> None:
        """Run with nothing going wrong, so that confirmations are not rare."""
        self.run_once(campaign, dynamic, FALLBACK[0], [], NONE, True, False, 0, "none")

    @rule(
        fallback=st.sampled_from(FALLBACK),
        answers=st.lists(st.sampled_from(list(BEHAVIOURS)), min_size=1, max_size=2),
        trouble=st.one_of(st.just(NONE), troubles),
    )
    def run_over_a_confirmation(self, fallback: str, answers: list[str], trouble: Troubles) -> None:
        """Send other lists than those that were just confirmed."""
        self.run_in_peace(CAMPAIGNS[0], DYNAMIC[0])
        retries = len(answers) - 1
        self.run_once(
            CAMPAIGNS[0], DYNAMIC[1], fallback, answers, trouble, True, False, retries, "none"
        )

    @rule(seed=st.integers(0, 99))
    def lose_power(self, seed: int) -> None:
        # A disk that failed to store what it was told to is beyond the claim.
        if not self.disk.failed_to_sync:
            self.disk.lose_power(seed)

    @rule(
        fallback=st.sampled_from(FALLBACK),
        trouble=troubles,
        seed=st.integers(0, 99),
        time_passes=st.booleans(),
    )
    def lose_power_soon_after_a_run(
        self, fallback: str, trouble: Troubles, seed: int, time_passes: bool
    ) -> None:
        self.run_in_peace(CAMPAIGNS[0], DYNAMIC[0])
        if time_passes:
            self.disk.let_time_pass()
        history, requests = self.history(), self.server.requests
        self.run_once(CAMPAIGNS[0], DYNAMIC[1], fallback, [], trouble, True, False, 0, "none")
        # Withdrawing, before a request, makes the history last as well.
        lasts = time_passes or self.server.requests > requests
        self.lose_power(seed)
        # Where the disk refuses, the record may have had to go.
        if lasts and all(one.kind.startswith("killed") for one in trouble):
            assert self.history()[-len(history) :] == history, "a history was lost"

    def history(self) -> list[Confirmation]:
        """Return all that is kept of the campaign's confirmations, newest first."""
        found = files.Files(self.directory).find()
        return [one for kept in found if isinstance(kept, Kept) for one in kept.confirmations]

    @rule(
        their_dynamic=st.sampled_from(DYNAMIC),
        others=st.sampled_from(["waiting", "before"]),
        trouble=st.sampled_from([NONE, (Trouble(0, "EIO"),)]),
        record=st.booleans(),
    )
    def run_beside_others_without_a_lock(
        self, their_dynamic: str, others: str, trouble: Troubles, record: bool
    ) -> None:
        """Run without a lock, as far as that happens, while others run with one."""
        self.disk.remove_all()
        answers = ["no effect, HTTP 503", "ok"]
        self.run_once(
            *(CAMPAIGNS[0], DYNAMIC[1], FALLBACK[0], answers, trouble, record, False, 1),
            others,
            their_dynamic,
        )

    @rule()
    def remove_the_records(self) -> None:
        self.disk.remove_all()

    @rule(damage=st.sampled_from(DAMAGES))
    def damage_the_records(self, damage: bytes) -> None:
        self.disk.damage(damage)

    @invariant()
    def no_more_files_than_needed(self) -> None:
        # Both spellings share one record: itself, its lock, and what a killed run left.
        assert len(list(pathlib.Path(self.directory).glob("*"))) <= 3

    @invariant()
    def no_next_run_would_lie(self) -> None:
        """Ask for all lists that the next run may bring whether it would call them unchanged."""
        for campaign, dynamic, fallback in itertools.product(CAMPAIGNS, DYNAMIC, FALLBACK):
            if self.server.lists_of(campaign) == (dynamic, fallback):
                continue
            lists = {"dynamic_dids": [dynamic], "fallback_dynamic_dids": [fallback]}
            predicted = self.predict({"campaign_name": campaign, **lists})
            assert predicted.get("failed") or predicted["changed"], "a false unchanged"

    @invariant()
    def no_run_lied(self) -> None:
        assert self.lies == [], "a false unchanged"

    @invariant()
    def no_run_gets_in_between(self) -> None:
        assert self.second_that_ran is None

    def predict(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return what check mode says, which leaves no trace."""
        sent = self.server.requests
        self.disk.start(NONE)
        result = self.finish(options, [], check_mode=True)
        assert result is not None
        assert (self.disk.writes, self.server.requests) == (0, sent)
        return result

    def run_a_second(self) -> None:
        """Let another run wait for the same campaign, whose lock is held where there is one."""
        sent = self.server.requests
        has_trouble = self.disk.has_trouble
        for options in ({}, {"record": False}, {"campaign_name": "sales"}):
            is_locked = any(pathlib.Path(self.directory).glob("*.lock")) and not has_trouble
            if not is_locked:
                return
            result = self.aside(partial(self.finish, {"timeout": 1.0, **options}, []))
            failure = (result or {}).get("failure", {})
            if failure.get("reason") != "record_failed" or self.server.requests != sent:
                # An exception would end up in the result of the run that is going on.
                self.second_that_ran = result

    def aside(self, run: t.Callable[[], Value]) -> Value:
        """Return what comes of another run, which does not see this one's trouble."""
        standing = self.disk.set_aside()
        self.disk.start(NONE)
        try:
            return run()
        finally:
            self.disk.go_on(standing)

    def finish(
        self,
        options: dict[str, t.Any],
        answers: list[str],
        others: Others = NOBODY,
        check_mode: bool = False,
    ) -> dict[str, t.Any] | None:
        """Return the result of a run, or None when it was killed."""
        module = ModuleDouble(check_mode=check_mode, **options)
        module.params["record_dir"] = self.directory
        fake = Sessions(self.server, answers, others)
        sessions: t.Any = fake
        self.clock.waiting = others.waiting
        client = HttpClient(sessions, WATCHDOG, self.clock, longest)
        try:
            _run.run(module, client)
        except Killed:
            return None
        except Ended:
            # Only the error that a behaviour makes: with any other, nothing here would be tested.
            unexpected = "Unexpected error in the collection" in module.result["msg"]
            assert not unexpected or "RuntimeError in post_bytes" in module.result["msg"]
            self._check(module, fake)
            return module.result
        finally:
            self.clock.waiting = leave_alone
        raise AssertionError("the run did not end")

    def _check(self, module: ModuleDouble, sessions: Sessions) -> None:
        """Compare what a run claims with the truth, and do what it asks for."""
        claims_unchanged = not module.result.get("failed") and not module.result["changed"]
        if claims_unchanged and sessions.changed:
            # An exception would end up in the result of the run that is going on.
            self.lies.append(module.result)
        if any("remove it before the next run" in warning for warning in module.warnings):
            self.disk.remove_all()


def find_counterexample(examples: int, steps: int, shrink: bool = True) -> None:
    phases = [Phase.generate, *([Phase.shrink] if shrink else [])]
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=True,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_no_history_makes_the_record_lie() -> None:
    find_counterexample(examples=150, steps=20)


def find_a_lie(or_else: str = "a false unchanged") -> None:
    with pytest.raises(AssertionError, match=f"a false unchanged|{or_else}"):
        find_counterexample(examples=500, steps=20, shrink=False)


def test_a_lie_is_found_if_confirmations_of_other_runs_are_not_withdrawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Withdraw nothing when there was no lock, and the same test finds such a history."""

    def catch_up(_keeper: Keeper, _update: KeptUpdate, _may_wait: bool = True) -> None:
        return None

    monkeypatch.setattr(Keeper, "_catch_up", catch_up)
    find_a_lie()


def test_a_lie_is_found_if_the_request_is_sent_before_the_withdrawal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Swap them, and the same test finds a history that makes the record lie."""

    def send_first(settings: Settings, campaign: Campaign, update: KeptUpdate) -> t.Any:
        exchange = _update.send(settings, campaign, update)
        settings.keeper.withdraw([update])
        settings.keeper.finish([update])
        return _update.confirmed(settings, campaign, update, exchange)

    monkeypatch.setattr(_update, "_update", send_first)
    find_a_lie()


def test_a_lie_is_found_if_a_withdrawal_does_not_wait_for_the_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = files.Files.write

    def write_without_waiting(
        store: files.Files, changes: t.Sequence[Change], durable: bool
    ) -> dict[str, str]:
        return write(store, changes, durable=False)

    monkeypatch.setattr(files.Files, "write", write_without_waiting)
    find_a_lie(or_else="a history was lost")
