# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for a store whose locks can be lost, with a store in memory; tests/postgres has a real one."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._failure import UpdateFailure
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.keeping import (
    CONFIRMED,
    LEFT_ALONE,
    UNKNOWN,
    KeptUpdate,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.marking import (
    MARGIN_SECONDS,
    MarkingKeeper,
    StoreOutOfReach,
    out_of_reach,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.record import (
    Confirmation,
    Lists,
    Record,
)
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.store import (
    Change,
    Found,
    Kept,
    Locks,
    Mark,
    Marked,
    StoreUnavailable,
    Unusable,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import ClockDouble

ENDPOINT = "https://cc.example"
A = Lists("acme", "Sales", ["111"], ["333"])
B = Lists("acme", "Sales", ["222"], ["333"])
SUPPORT = Lists("acme", "Support", ["111"], ["333"])
TIMEOUT = 60.0
US, THEM = "deploy@runner", "deploy@laptop"
GONE = StoreUnavailable("it is gone", "Bring it back.")
RESTARTING = StoreUnavailable("it restarts", "Wait for it.", may_pass=True)
OUT_OF_REACH = (
    "The last-applied records in the database can't be used: it is gone. Nothing was sent. "
    "Bring it back."
)


class SuspendedClock(ClockDouble):
    """A clock that stands still, on a machine that may be suspended."""

    suspended = 0.0

    def since_boot(self) -> float:
        return 50.0 + sum(self.waits) + self.suspended


class Row(t.NamedTuple):
    """What the database has of a campaign."""

    revision: int
    confirmation: Confirmation | None = None
    confirmed: bool = False
    sending_until: float = 0.0
    by: str = ""


class Database:
    """Rows and locks that several runs share."""

    def __init__(self, clock: ClockDouble) -> None:
        self.clock = clock
        self.rows: dict[str, Row] = {}
        self.locks: dict[str, object] = {}
        self.tokens = itertools.count(1)

    def put(self, key: str, row: Row) -> None:
        """Write a row, always with a new token."""
        self.rows[key] = row._replace(revision=next(self.tokens))

    def row_of(self, key: str) -> Row:
        return self.rows.get(key, Row(0))


class Session:
    """The database as one run has it: all its answers are true, but it may be gone.

    Attributes:
        asked: what was asked of it, in order.
        troubles: what is raised in place of an answer.
        before: what somebody else does just before an answer.
    """

    name = "the database"
    locks_can_be_lost = True

    def __init__(self, database: Database) -> None:
        self.database = database
        self.asked: list[t.Any] = []
        self.troubles: dict[str, StoreUnavailable] = {}
        self.before: dict[str, t.Callable[[], object]] = {}

    def _ask(self, name: str, *what: object) -> None:
        self.asked.append((name, *what))
        self.before.pop(name, lambda: None)()
        if name in self.troubles:
            raise self.troubles[name]

    def questions(self, name: str) -> list[t.Any]:
        """Return what was asked by this name."""
        return [what[0] if len(what) == 1 else what for asked, *what in self.asked if asked == name]

    def obstacle(self) -> str | None:
        return None

    def place_of(self, key: str) -> str:
        return f"of {key[:4]}"

    def allow(self, seconds: float, patience: float | None = None) -> None:
        self.asked.append(("allow", seconds, patience))

    def lock(self, keys: t.Sequence[str]) -> Locks:
        self._ask("lock", list(keys))
        obtained = {key for key in keys if self.database.locks.setdefault(key, self) is self}
        return Locks(obtained, {})

    def unlock(self, keys: t.Iterable[str]) -> None:
        for key in keys:
            if self.database.locks.get(key) is self:
                del self.database.locks[key]

    def may_be_locked(self, key: str) -> bool:
        return key in self.database.locks

    def holder_of(self, key: str) -> str | None:
        self._ask("holder_of", key)
        return THEM

    def read(self, keys: t.Iterable[str]) -> dict[str, Found]:
        keys = list(keys)
        self._ask("read", keys)
        return {key: self._found(key) for key in keys}

    def _found(self, key: str) -> Found:
        row = self.database.rows.get(key)
        if row is None:
            return Found()
        kept = row.confirmation
        record = None if kept is None else Record(ENDPOINT, row.confirmed, kept)
        return Found(record, revision=row.revision)

    def mark(self, marks: t.Sequence[Mark], by: str) -> dict[str, Marked]:
        self._ask("mark", list(marks))
        now, made = self.database.clock.now(), {}
        for mark in marks:
            row = self.database.row_of(mark.key)
            if (mark.found.revision or 0) != row.revision:
                continue
            until = max(row.sending_until, now + mark.seconds)
            self.database.put(mark.key, row._replace(confirmed=False, sending_until=until, by=by))
            is_open = row.sending_until > now and row.by != by
            revision = self.database.rows[mark.key].revision
            others = ("soon", row.by) if is_open else (None, None)
            made[mark.key] = Marked(revision, *others)
        return made

    def write(self, changes: t.Sequence[Change], durable: bool) -> dict[str, str]:
        self._ask("write", list(changes), durable)
        lost = {}
        for change in changes:
            row = self.database.row_of(change.key)
            if row.revision != change.found.revision:
                lost[change.key] = "it is another one's"
                continue
            kept = change.confirmation or row.confirmation
            self.database.put(change.key, Row(0, kept, change.confirmed))
        return lost

    def withdraw(self, keys: t.Sequence[str]) -> None:
        self._ask("withdraw", list(keys))
        for key in keys:
            self.database.put(key, self.database.row_of(key)._replace(confirmed=False))

    def forget(self, keys: t.Sequence[str]) -> dict[str, str]:
        raise NotImplementedError

    def find(self) -> t.Iterator[Kept | Unusable]:
        raise NotImplementedError


class Stage:
    """One run, with what it shares with others."""

    def __init__(self) -> None:
        self.clock = SuspendedClock()
        self.database = Database(self.clock)
        self.session = Session(self.database)
        self.keeper = self.new_keeper()

    def new_keeper(
        self, session: Session | None = None, keep: bool = True, by: str = US
    ) -> MarkingKeeper:
        return MarkingKeeper(session or self.session, keep, by, "a note", self.clock)

    def update(self, lists: Lists = A, timeout: float = TIMEOUT) -> KeptUpdate:
        return KeptUpdate(ENDPOINT, lists, timeout, self.clock)

    def confirmed_before(self, lists: Lists = A, holds: bool = True) -> None:
        """Have an earlier run's confirmation."""
        self.database.put(self.update(lists).key, Row(0, confirmation(lists, THEM), holds))

    def other_run_comes(self, lists: Lists = B) -> None:
        """Have another run that holds no lock leave its mark, and send for a long time."""
        other = self.new_keeper(Session(self.database), by=THEM)
        update = self.update(lists, timeout=10 * TIMEOUT)
        held = self.database.locks.pop(update.key, None)
        assert other.take([update]) == [update]
        self.database.locks.pop(update.key)
        if held is not None:
            self.database.locks[update.key] = held

    def taken(self, lists: Lists = A, keep: bool = True) -> KeptUpdate:
        """Return an update that was taken, and may be sent."""
        self.keeper = self.new_keeper(keep=keep)
        update = self.update(lists)
        assert self.keeper.take([update]) == [update]
        assert update.refusal is None
        return update

    def finish(self, update: KeptUpdate, came: str) -> Row:
        update.came = came
        self.keeper.finish([update])
        return self.database.rows[update.key]


def confirmation(lists: Lists = A, by: str = US) -> Confirmation:
    return Confirmation(lists, "", by, "a note")


@pytest.fixture(name="stage")
def _stage() -> Stage:
    return Stage()


def check_out_of_reach(failure: UpdateFailure | None) -> None:
    assert isinstance(failure, StoreOutOfReach)
    assert (failure.reason, str(failure)) == ("record_failed", OUT_OF_REACH)
    assert failure.leaves_lists_alone


# --- Looking ------------------------------------------------------------------------------------


def test_looking_leaves_no_trace(stage: Stage) -> None:
    stage.confirmed_before()
    rows = dict(stage.database.rows)
    update = stage.update()
    other = stage.update(SUPPORT, timeout=5.0)
    stage.keeper.look([update, other])
    assert (update.basis, update.last) == ("same", confirmation(A, THEM))
    assert (other.basis, other.last) == ("first_seen", None)
    # What looks at several has the time of the one that ends first.
    assert stage.session.asked == [("allow", 5.0, None), ("read", [update.key, other.key])]
    assert (stage.database.rows, stage.database.locks) == (rows, {})


def test_a_store_out_of_reach_is_not_asked_again_by_looking(stage: Stage) -> None:
    stage.session.troubles["read"] = GONE
    assert not stage.keeper.is_out_of_reach
    updates = [stage.update(), stage.update(SUPPORT)]
    for update in updates:
        stage.keeper.look([update])
        check_out_of_reach(update.refusal)
    assert stage.keeper.is_out_of_reach
    assert len(stage.session.questions("read")) == 1


def test_nothing_to_look_at_is_no_error(stage: Stage) -> None:
    stage.keeper.look([])
    assert stage.session.asked == [("allow", 0.0, None), ("read", [])]


# --- Rule 1: a mark before each request ---------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "basis"),
    [(None, "first_seen"), (A, "same"), (B, "differs"), ("withdrawn", "unconfirmed")],
)
@pytest.mark.parametrize("keep", [True, False])
def test_each_update_is_marked_before_it_is_sent(
    stage: Stage, before: t.Any, basis: str, keep: bool
) -> None:
    if before is not None:
        lists = A if before == "withdrawn" else before
        stage.confirmed_before(lists, holds=before != "withdrawn")
    update = stage.taken(keep=keep)
    assert update.basis == (basis if keep else "unavailable")
    row = stage.database.rows[update.key]
    assert not row.confirmed
    assert (row.by, row.sending_until) == (US, stage.clock.now() + TIMEOUT + MARGIN_SECONDS)
    # What comes between taking and sending where locks can't be lost.
    asked = list(stage.session.asked)
    stage.keeper.withdraw([update])
    assert stage.session.asked == asked
    assert stage.database.rows[update.key] == row


def test_a_mark_names_the_campaign_and_what_was_read(stage: Stage) -> None:
    stage.confirmed_before()
    read = stage.database.rows[stage.update().key].revision
    update = stage.update()
    update.spare = 7.0
    stage.clock.sleep(20.0)
    assert stage.keeper.take([update]) == [update]
    assert stage.session.asked[0] == ("allow", 40.0, None)
    ((mark,),) = stage.session.questions("mark")
    assert mark[:3] == (update.key, ENDPOINT, ("acme", "Sales"))
    assert mark.found.revision == read
    assert mark.seconds == 40.0 + 7.0 + MARGIN_SECONDS


def test_what_somebody_else_wrote_meanwhile_is_not_marked(stage: Stage) -> None:
    stage.confirmed_before()
    update, other = stage.update(), stage.update(SUPPORT)
    stage.session.before["mark"] = stage.other_run_comes
    assert stage.keeper.take([update, other]) == [other]
    assert not update.is_locked
    assert other.is_locked
    assert stage.database.row_of(update.key).by == THEM
    assert set(stage.database.locks) == {other.key}
    # It is read again at the next try.
    assert stage.keeper.take([update]) == [update]
    assert update.basis == "unconfirmed"


def test_what_is_locked_elsewhere_is_not_marked(stage: Stage) -> None:
    update, other = stage.update(), stage.update(SUPPORT)
    stage.database.locks[update.key] = "another run"
    assert stage.keeper.take([update, other]) == [other]
    ((mark,),) = stage.session.questions("mark")
    assert mark.key == other.key
    assert stage.keeper.take([update]) == []
    assert len(stage.session.questions("mark")) == 1


@pytest.mark.parametrize("question", ["lock", "read", "mark"])
def test_nothing_is_sent_without_the_store(stage: Stage, question: str) -> None:
    updates = [stage.update(), stage.update(SUPPORT)]
    stage.session.troubles[question] = GONE
    assert stage.keeper.take(updates) == updates
    for update in updates:
        check_out_of_reach(update.refusal)
        assert not update.is_locked
    assert stage.database.locks == {}
    assert stage.keeper.is_out_of_reach


@pytest.mark.parametrize("question", ["lock", "read", "mark"])
def test_a_store_that_may_come_back_is_tried_again(stage: Stage, question: str) -> None:
    update = stage.update()
    stage.session.troubles[question] = RESTARTING
    assert stage.keeper.take([update]) == []
    assert (update.refusal, update.is_locked, stage.database.locks) == (None, False, {})
    assert stage.keeper.is_out_of_reach
    stage.session.troubles.clear()
    assert stage.keeper.take([update]) == [update]
    assert not stage.keeper.is_out_of_reach
    stage.keeper.look([update])
    assert update.refusal is None


# --- Waiting for a lock, or for the store -------------------------------------------------------


def test_a_lock_is_waited_for(stage: Stage) -> None:
    update = stage.update()
    stage.database.locks[update.key] = "another run"

    def let_go_at_the_next_try() -> None:
        stage.session.before["lock"] = stage.database.locks.clear

    stage.session.before["lock"] = let_go_at_the_next_try
    stage.keeper.wait_and_take(update)
    assert stage.clock.waits == [0.25]
    assert update.is_locked


def test_a_lock_that_is_not_free_in_time_fails_the_update_and_names_its_holder(
    stage: Stage,
) -> None:
    update = stage.update(timeout=0.6)
    stage.database.locks[update.key] = "another run"
    with pytest.raises(UpdateFailure) as caught:
        stage.keeper.wait_and_take(update)
    assert not isinstance(caught.value, StoreOutOfReach)
    assert str(caught.value).startswith(
        f'Another run ({THEM}) is updating campaign "Sales" and holds the lock of the last-applied '
        f"record of {update.key[:4]}. The whole timeout (0.6 s) was spent waiting for it"
    )
    # With a last try at the deadline, and time for the question who has it.
    assert stage.clock.waits == pytest.approx([0.25, 0.25, 0.1])
    assert len(stage.session.questions("lock")) == 4
    assert stage.session.asked[-2:] == [("allow", 2.0, None), ("holder_of", update.key)]
    assert stage.database.rows == {}


def test_a_store_that_does_not_come_back_in_time_fails_the_update(stage: Stage) -> None:
    stage.session.troubles["lock"] = RESTARTING
    with pytest.raises(StoreOutOfReach, match=r"it restarts\. Nothing was sent\. Wait for it\."):
        stage.keeper.wait_and_take(stage.update(timeout=0.5))
    assert stage.clock.waits == [0.25, 0.25]
    assert stage.session.questions("holder_of") == []


def test_what_only_reads_a_store_out_of_reach_does_not_say_what_was_sent() -> None:
    failure = out_of_reach("the database", GONE)
    assert str(failure) == OUT_OF_REACH.replace("Nothing was sent. ", "")


def test_a_store_that_will_not_come_back_is_not_waited_for(stage: Stage) -> None:
    stage.session.troubles["lock"] = GONE
    with pytest.raises(StoreOutOfReach) as caught:
        stage.keeper.wait_and_take(stage.update())
    check_out_of_reach(caught.value)
    assert stage.clock.waits == []


# --- Rule 2: no attempt begins after the mark's time --------------------------------------------


@pytest.mark.parametrize(
    ("suspended", "may"), [(0.0, True), (1.0, True), (1.1, False), (TIMEOUT, False)]
)
def test_nothing_is_sent_once_the_machine_was_suspended(
    stage: Stage, suspended: float, may: bool
) -> None:
    update = stage.taken()
    # Time that the deadline counts as well does not matter.
    stage.clock.sleep(20.0)
    stage.clock.suspended = suspended
    assert stage.keeper.may_send(update) is may
    assert stage.keeper.may_retry(update) is may


def test_an_update_whose_time_is_over_says_so(stage: Stage) -> None:
    failure = stage.keeper.too_late(stage.update())
    assert (failure.reason, failure.leaves_lists_alone) == ("record_failed", True)
    assert str(failure).startswith(
        'The time in which the update of campaign "Sales" could begin is over'
    )


def test_waits_that_do_not_count_have_time_of_their_own(stage: Stage) -> None:
    update = stage.update()
    update.spare = 30.0
    stage.keeper.take([update])
    stage.clock.sleep(30.0)
    update.deadline.extend(30.0)
    assert stage.keeper.may_send(update)
    update.deadline.extend(2.0)
    assert not stage.keeper.may_send(update)


def test_a_renewed_mark_lasts_longer(stage: Stage) -> None:
    stage.confirmed_before()
    update = stage.taken()
    stage.clock.sleep(20.0)
    update.deadline.extend(20.0)
    assert not stage.keeper.may_send(update)
    stage.keeper.renew([update])
    assert update.refusal is None
    assert stage.keeper.may_send(update)
    until = stage.clock.now() + TIMEOUT + MARGIN_SECONDS
    assert stage.database.rows[update.key].sending_until == until
    assert stage.session.asked[-2] == ("allow", TIMEOUT, None)
    # It is this run's own mark, and what it read before still says what to put back.
    assert stage.finish(update, LEFT_ALONE).confirmed


def test_a_mark_that_is_gone_cannot_be_renewed(stage: Stage) -> None:
    update, other = stage.taken(), stage.update(SUPPORT)
    stage.keeper.take([other])
    stage.other_run_comes()
    stage.keeper.renew([update, other])
    assert str(update.refusal) == str(stage.keeper.too_late(update))
    assert other.refusal is None


def test_a_mark_over_another_runs_that_is_gone_cannot_be_renewed(stage: Stage) -> None:
    stage.other_run_comes()
    update = stage.taken()
    stage.other_run_comes()
    stage.keeper.renew([update])
    assert str(update.refusal) == str(stage.keeper.too_late(update))


def test_no_mark_is_renewed_without_the_store(stage: Stage) -> None:
    update = stage.taken()
    stage.session.troubles["mark"] = GONE
    stage.keeper.renew([update])
    check_out_of_reach(update.refusal)


# --- Rule 3: another run's mark whose time is not over ------------------------------------------


@pytest.mark.parametrize("renewed", [False, True])
@pytest.mark.parametrize(
    ("came", "warned"), [(CONFIRMED, True), (LEFT_ALONE, False), (UNKNOWN, False)]
)
@pytest.mark.parametrize("keep", [True, False])
def test_nothing_is_confirmed_while_another_run_may_still_send(
    stage: Stage, came: str, warned: bool, renewed: bool, keep: bool
) -> None:
    stage.confirmed_before()
    stage.other_run_comes()
    update = stage.taken(keep=keep)
    if renewed:
        stage.keeper.renew([update])
    assert not stage.finish(update, came).confirmed
    texts = [warning.text for warning in update.warnings]
    assert texts == (
        [
            f'A run of {THEM} was interrupted while it updated campaign "Sales", and may send until '
            "soon. So this update counts as changed, and its record stays unconfirmed. Run it again "
            "after that time."
        ]
        if warned and keep
        else []
    )


def test_another_runs_mark_makes_the_same_lists_count_as_changed(stage: Stage) -> None:
    stage.confirmed_before()
    key = stage.update().key
    row = stage.database.rows[key]
    # As a store may have it whose rows were put in order by hand.
    stage.database.put(key, row._replace(sending_until=stage.clock.now() + 1, by=THEM))
    update = stage.taken()
    assert update.basis == "same"
    stage.finish(update, CONFIRMED)
    assert (update.basis, len(update.warnings)) == ("unconfirmed", 1)


def test_a_mark_whose_time_is_over_is_nobodys(stage: Stage) -> None:
    stage.other_run_comes()
    stage.clock.sleep(11 * TIMEOUT)
    update = stage.taken()
    assert stage.finish(update, CONFIRMED).confirmed
    assert update.warnings == []


# --- Rule 4: what came of it is written only over the run's own mark ------------------------------


class Closing(t.NamedTuple):
    """What is written after a request.

    Attributes:
        before: the lists that were confirmed before, if any.
        came: what came of the request for A.
        keep: records are kept.
        confirmed: the newest confirmation holds afterwards.
        kept: the newest confirmation.
    """

    before: Lists | None
    came: str
    keep: bool
    confirmed: bool
    kept: Confirmation | None


@pytest.mark.parametrize(
    "closing",
    [
        Closing(None, CONFIRMED, True, True, confirmation()),
        Closing(None, LEFT_ALONE, True, False, None),
        Closing(None, UNKNOWN, True, False, None),
        Closing(A, CONFIRMED, True, True, confirmation(A, THEM)),
        Closing(A, LEFT_ALONE, True, True, confirmation(A, THEM)),
        Closing(A, UNKNOWN, True, False, confirmation(A, THEM)),
        Closing(B, CONFIRMED, True, True, confirmation()),
        Closing(B, LEFT_ALONE, True, True, confirmation(B, THEM)),
        Closing(B, UNKNOWN, True, False, confirmation(B, THEM)),
        Closing(None, CONFIRMED, False, False, None),
        Closing(A, CONFIRMED, False, False, confirmation(A, THEM)),
        Closing(B, LEFT_ALONE, False, True, confirmation(B, THEM)),
        Closing(B, UNKNOWN, False, False, confirmation(B, THEM)),
    ],
)
def test_what_came_of_a_request_closes_the_mark(stage: Stage, closing: Closing) -> None:
    if closing.before is not None:
        stage.confirmed_before(closing.before)
    update = stage.taken(keep=closing.keep)
    basis, marked = update.basis, stage.database.rows[update.key]
    row = stage.finish(update, closing.came)
    assert (row.confirmed, row.confirmation) == (closing.confirmed, closing.kept)
    assert row.sending_until == 0.0
    assert row.revision > marked.revision
    assert (update.basis, update.warnings, update.mark) == (basis, [], None)
    ((changes, durable),) = stage.session.questions("write")
    new = confirmation() if closing.kept == confirmation() else None
    assert changes[0].confirmation == new
    assert (changes[0].endpoint, durable) == (ENDPOINT, False)
    assert stage.database.locks == {}


def test_a_withdrawn_confirmation_is_not_put_back(stage: Stage) -> None:
    stage.confirmed_before(holds=False)
    assert not stage.finish(stage.taken(), LEFT_ALONE).confirmed


@pytest.mark.parametrize(
    ("came", "keep", "warns"),
    [
        (CONFIRMED, True, True),
        (CONFIRMED, False, False),
        (LEFT_ALONE, True, False),
        (UNKNOWN, True, False),
    ],
)
def test_what_somebody_else_wrote_over_the_mark_is_withdrawn(
    stage: Stage, came: str, keep: bool, warns: bool
) -> None:
    stage.confirmed_before()
    update = stage.taken(keep=keep)
    stage.confirmed_before(B)
    row = stage.finish(update, came)
    assert (row.confirmed, row.confirmation) == (False, confirmation(B, THEM))
    assert stage.session.questions("withdraw") == [[update.key]]
    texts = [warning.text for warning in update.warnings]
    assert texts == (
        [
            f'While campaign "Sales" was updated, the last-applied record of {update.key[:4]} was '
            "written by somebody else, because this run had lost its lock. So the update counts as "
            "changed, and the record is unconfirmed. Run it again."
        ]
        if warns
        else []
    )
    if keep:
        assert update.basis == ("unconfirmed" if warns else "same")
    else:
        assert update.basis == "unavailable"


def test_only_what_somebody_else_wrote_is_withdrawn(stage: Stage) -> None:
    update, other = stage.update(), stage.update(SUPPORT)
    stage.keeper.take([update, other])
    stage.confirmed_before(B)
    update.came = other.came = CONFIRMED
    stage.keeper.finish([update, other])
    assert stage.session.questions("withdraw") == [[update.key]]
    assert stage.database.rows[other.key].confirmed
    assert (update.basis, len(update.warnings)) == ("first_seen", 1)
    assert (other.basis, other.warnings) == ("first_seen", [])


def test_nothing_is_withdrawn_when_all_marks_are_there(stage: Stage) -> None:
    stage.finish(stage.taken(), CONFIRMED)
    assert stage.session.questions("withdraw") == []


def test_what_was_closed_is_not_closed_again(stage: Stage) -> None:
    update = stage.taken()
    row = stage.finish(update, CONFIRMED)
    assert stage.finish(update, UNKNOWN) == row
    assert len(stage.session.questions("write")) == 1


def test_what_was_not_marked_is_only_unlocked(stage: Stage) -> None:
    update = stage.update()
    stage.session.lock([update.key])
    update.is_locked = True
    stage.keeper.finish([update])
    assert (stage.session.questions("write"), stage.database.locks) == ([], {})
    assert not update.is_locked


@pytest.mark.parametrize(
    ("used", "other_used", "seconds"),
    [(0.0, 0.0, 10.0), (55.0, 55.0, 5.0), (60.0, 60.0, 2.0), (60.0, 55.0, 5.0)],
)
def test_closing_has_what_is_left_of_the_timeout_within_limits(
    stage: Stage, used: float, other_used: float, seconds: float
) -> None:
    update, other = stage.update(), stage.update(SUPPORT)
    stage.keeper.take([update, other])
    stage.clock.sleep(60.0)
    update.deadline.extend(60.0 - used)
    other.deadline.extend(60.0 - other_used)
    stage.session.asked.clear()
    stage.keeper.finish([update, other])
    assert stage.session.asked[0] == ("allow", seconds, 2.0)


# --- Rule 5: what is not known to be written is not written --------------------------------------


@pytest.mark.parametrize("question", ["write", "withdraw"])
@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(
    ("came", "what", "which"),
    [
        (CONFIRMED, "was confirmed", "this run and the next one count"),
        (LEFT_ALONE, "is over", "the next run counts"),
        (UNKNOWN, "is over", "the next run counts"),
    ],
)
def test_what_could_not_be_closed_counts_as_changed(
    stage: Stage, question: str, keep: bool, came: str, what: str, which: str
) -> None:
    stage.confirmed_before()
    update = stage.taken(keep=keep)
    if question == "withdraw":
        stage.confirmed_before(B)
    stage.session.troubles[question] = GONE
    stage.finish(update, came)
    texts = [warning.text for warning in update.warnings]
    assert update.basis == ("unconfirmed" if keep else "unavailable")
    assert texts == (
        [
            f'The update of campaign "Sales" {what}, but its last-applied record in the database '
            f"could not be written: it is gone. So {which} as changed. Bring it back."
        ]
        if keep
        else []
    )
    assert (update.mark, stage.database.locks) == (None, {})


def test_another_basis_than_the_same_stays_when_nothing_could_be_written(stage: Stage) -> None:
    stage.confirmed_before(B)
    update = stage.taken()
    stage.session.troubles["write"] = GONE
    stage.finish(update, CONFIRMED)
    assert update.basis == "differs"


def test_an_interruption_while_closing_leaves_no_lock(stage: Stage) -> None:
    update = stage.taken()

    def interrupt() -> t.NoReturn:
        raise KeyboardInterrupt

    stage.session.before["write"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        stage.finish(update, CONFIRMED)
    assert (update.is_locked, stage.database.locks) == (False, {})


@pytest.mark.parametrize("may_wait", [True, False])
def test_nothing_is_to_be_caught_up_with(stage: Stage, may_wait: bool) -> None:
    update = stage.taken()
    update.came = UNKNOWN
    stage.session.asked.clear()
    stage.keeper.catch_up(update, may_wait)
    assert stage.session.asked == []
