# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of several runs that share one record in a database, explored completely.

It shows that the rules are enough for the claim and, with one rule left out at a time, what each of
them prevents:

    A result that says ``changed: false`` means that this run did not change the server's lists, as
    long as no request takes effect after one that was sent later has taken effect.

What may happen in the model:

* A run crashes, at any step.
* A session is lost, and with it the lock, at any moment. So nothing may depend on the lock, and the
  model has none: each step of a run may come between any two steps of another.
* A statement does not arrive, arrives at any later time, or takes effect and its answer is lost. A
  run that reads its own token back knows as much as one that got the answer.
* The database restarts, and has lost writes that were not committed durably.
* A request takes effect at once, late or never, and is answered or not. There are retries.
* In any state one more run, with nothing going wrong, asks for the lists that the record names. It
  must not say ``changed: false`` and change the lists.

There is one campaign. The updates of a batch share their statements, but each row is compared, and
found written or not, by itself. So whatever can happen to one campaign of a batch can happen here.

    python tests/properties/record_model.py --writers 3 --attempts 1
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
import typing as t
from collections import deque

# --- The rules ----------------------------------------------------------------------------------

EVERY_BASIS = frozenset(("first_seen", "same", "differs", "unconfirmed", "unavailable"))


class Rules(t.NamedTuple):
    """The rules of the record in a database; each can be left out.

    Attributes:
        marked: the bases with which a run marks the record before it sends.
        mark_expects_token: a mark is written only over what was read.
        mark_is_durable: a mark outlasts a restart of the database.
        mark_keeps_time: a mark never shortens the time of a mark that is open.
        mark_is_certain: a run that does not know whether its mark was written does not send.
        each_row_counts: a run does not send if its mark was written for others of its batch only.
        stops_in_time: no attempt begins once the run's mark has run out.
        respects_marks: a run that found another one's mark open does not confirm.
        settles_own_mark: what a run writes after its request is written only over its own mark.
        takes_new_tokens: each write has a new token, also one that puts back what was there.
        leaves_others_time: after its request, a run ends its own mark and no other one.
        unchanged_is_certain: ``changed: false`` only if the confirmation is known to be written.
        withdraws_if_overtaken: a run that does not find its mark withdraws what it finds.
    """

    marked: frozenset[str] = EVERY_BASIS
    mark_expects_token: bool = True
    mark_is_durable: bool = True
    mark_keeps_time: bool = True
    mark_is_certain: bool = True
    each_row_counts: bool = True
    stops_in_time: bool = True
    respects_marks: bool = True
    settles_own_mark: bool = True
    takes_new_tokens: bool = True
    leaves_others_time: bool = True
    unchanged_is_certain: bool = True
    withdraws_if_overtaken: bool = True


# --- The state ----------------------------------------------------------------------------------

# Lists are numbers. These are the server's before any run sent some.
OTHER_LISTS = 9
NO_LISTS = -1
# Where there is no row, that of the row at the beginning, and of a write over whatever is there.
NO_TOKEN, FIRST_TOKEN, ANY_TOKEN = 0, 1, -1
# The writes of a run, for their tokens.
MARK, MARK_AGAIN, SETTLE, WITHDRAW = range(4)


class Row(t.NamedTuple):
    """The record in the database.

    Attributes:
        token: each write has another one.
        confirmed: the lists are confirmed.
        lists: what was confirmed last.
        marks: the runs whose mark is open.
    """

    token: int = NO_TOKEN
    confirmed: bool = False
    lists: int = NO_LISTS
    marks: frozenset[int] = frozenset()


class Write(t.NamedTuple):
    """A statement that writes the row, if that is as expected.

    Attributes:
        expected: the token that the row must have, or ANY_TOKEN.
        token: the new token.
        confirmed: whether the lists are confirmed afterwards.
        lists: what is confirmed, or NO_LISTS to leave that.
        mark: what becomes of the run's own mark: opened (1), ended (-1) or left (0).
        durable: it is committed durably.
    """

    expected: int
    token: int
    confirmed: bool = False
    lists: int = NO_LISTS
    mark: int = 0
    durable: bool = False


class Run(t.NamedTuple):
    """A run.

    Attributes:
        at: its next step, or how it ended.
        seen: the row as it read it.
        token: of its mark.
        may_confirm: it may confirm and put back.
        attempts: how many requests it sent.
        all_refused: the server refused each of them.
        heard: its latest request took effect.
        changed: one of its requests changed the server's lists.
        expired: its mark has run out.
        late: a statement that may still arrive.
    """

    at: str = "begin"
    seen: Row = Row()
    token: int = NO_TOKEN
    may_confirm: bool = True
    attempts: int = 0
    all_refused: bool = True
    heard: bool = False
    changed: bool = False
    expired: bool = False
    late: Write | None = None


class State(t.NamedTuple):
    """All that there is.

    Attributes:
        server: the lists of the campaign at the server.
        row: the record.
        older: the rows that a restart of the database may bring back, oldest first.
        flying: the requests that may still take effect, in the order in which they were sent: the
            run, and whether it waits for the answer.
        runs: what the runs know and do.
    """

    server: int
    row: Row
    older: tuple[Row, ...]
    flying: tuple[tuple[int, bool], ...]
    runs: tuple[Run, ...]

    def having(self, number: int, **changes: t.Any) -> State:
        """Return the state in which this is different of one run."""
        run = self.runs[number]._replace(**changes)
        return self._replace(runs=(*self.runs[:number], run, *self.runs[number + 1 :]))


class Writer(t.NamedTuple):
    """What is asked of a run: its lists, and whether it keeps a record."""

    lists: int
    record: bool


Step = t.Tuple[str, State]
ENDED = ("end", "said unchanged")


# --- What may happen ----------------------------------------------------------------------------


class Model:
    """Several runs under the same rules.

    Args:
        writers: what is asked of each.
        rules: what they keep to.
        most_attempts: how many requests each may send.
    """

    def __init__(self, writers: t.Sequence[Writer], rules: Rules, most_attempts: int = 2) -> None:
        self.writers = writers
        self.rules = rules
        self._most_attempts = most_attempts
        self._next = {
            "begin": self._read,
            "mark": self._mark,
            "send": self._send,
            "wait": self._wait,
            "confirm": self._settle,
            "put back": self._settle,
            "settle": self._settle,
            "withdraw": self._withdraw,
        }

    def steps(self, state: State) -> t.Iterator[Step]:
        """Yield all that may happen next, each with the state that it leads to."""
        for number, run in enumerate(state.runs):
            if run.at not in ENDED:
                for text, following in self._next[run.at](state, number, run):
                    yield f"{name(number)} {text}", following
                if run.at != "begin":
                    yield f"{name(number)} crashes", state.having(number, at="end")
            if not run.expired and (number in state.row.marks or run.at not in (*ENDED, "begin")):
                yield f"the mark of {name(number)} runs out", _expire(state, number)
            if run.late:
                after = self._written(state.having(number, late=None), number, run.late)
                yield f"a statement of {name(number)} arrives late", after
        for place, (number, _waits) in enumerate(state.flying):
            yield self._take_effect(state, place, number)
        for count, row in enumerate(state.older):
            back = state._replace(row=row, older=state.older[:count])
            yield "the database restarts, and has lost the latest writes", back

    # --- Before the request ---

    def _read(self, state: State, number: int, run: Run) -> t.Iterator[Step]:
        basis = self._basis(number, state.row)
        seen = state.having(number, at="mark", seen=state.row)
        if basis in self.rules.marked:
            yield f"reads: {basis}", seen
        else:
            yield f"reads: {basis}, and does not mark", self._ready(seen, number, state.row.token)

    def _basis(self, number: int, row: Row) -> str:
        lists, record = self.writers[number]
        if not record:
            return "unavailable"
        if row.token == NO_TOKEN:
            return "first_seen"
        if not row.confirmed:
            return "unconfirmed"
        return "same" if row.lists == lists else "differs"

    def _mark(self, state: State, number: int, run: Run) -> t.Iterator[Step]:
        expected = run.seen.token if self.rules.mark_expects_token else ANY_TOKEN
        yield from self._write_mark(state, number, expected, token_of(number, MARK))

    def _mark_again(self, state: State, number: int, run: Run) -> t.Iterator[Step]:
        """Give an update that waited in a batch its full time."""
        state = state.having(number, expired=False)
        yield from self._write_mark(state, number, run.token, token_of(number, MARK_AGAIN))

    def _write_mark(self, state: State, number: int, expected: int, token: int) -> t.Iterator[Step]:
        write = Write(expected, token, mark=1, durable=self.rules.mark_is_durable)
        after = self._written(state, number, write)
        if after.row.token == token:
            yield "marks", self._ready(after, number, token)
        elif self.rules.each_row_counts:
            yield "can't mark what it did not read, and fails", after.having(number, at="end")
        else:
            yield "marks others of its batch", self._ready(after, number, token)
        stuck = state.having(number, late=write)
        if self.rules.mark_is_certain:
            yield "does not know whether it marked, and fails", stuck.having(number, at="end")
        else:
            yield "does not know whether it marked, and goes on", self._ready(stuck, number, token)

    def _ready(self, state: State, number: int, token: int) -> State:
        """Return the state in which a run that marked may send."""
        seen = state.runs[number].seen
        may_confirm = not (seen.marks - {number} and self.rules.respects_marks)
        return state.having(number, at="send", token=token, may_confirm=may_confirm)

    # --- The request ---

    def _send(self, state: State, number: int, run: Run) -> t.Iterator[Step]:
        if run.token == token_of(number, MARK) and not run.attempts:
            yield from self._mark_again(state, number, run)
        if run.expired and self.rules.stops_in_time:
            at = "settle" if run.attempts else "put back"
            yield "has no time left to send", state.having(number, at=at)
            return
        flying = tuple((sender, waits and sender != number) for sender, waits in state.flying)
        sent = state.having(number, at="wait", attempts=run.attempts + 1, heard=False)
        text = f"sends the lists {self.writers[number].lists}"
        yield text, sent._replace(flying=(*flying, (number, True)))

    def _take_effect(self, state: State, place: int, number: int) -> Step:
        run, lists = state.runs[number], self.writers[number].lists
        changed = run.changed or state.server != lists
        heard = run.heard or state.flying[place][1]
        after = state.having(number, changed=changed, heard=heard)
        # Those that were sent before are too late now.
        after = after._replace(server=lists, flying=state.flying[place + 1 :])
        return f"the server takes the lists {lists} of {name(number)}", after

    def _wait(self, state: State, number: int, run: Run) -> t.Iterator[Step]:
        may_retry = run.attempts < self._most_attempts
        if run.heard:
            yield "is told that it succeeded", state.having(number, at="confirm")
        if (number, True) in state.flying:
            gone = tuple(one for one in state.flying if one != (number, True))
            refused = state._replace(flying=gone)
            at = "put back" if run.all_refused else "settle"
            yield "is refused", refused.having(number, at=at)
            if may_retry:
                yield "is told to come again", refused.having(number, at="send")
        at = "send" if may_retry else "settle"
        yield "gets no answer", state.having(number, at=at, all_refused=False)

    # --- After the request ---

    def _settle(self, state: State, number: int, run: Run) -> t.Iterator[Step]:
        write = self._settling(state, number, run)
        if write is None:
            yield "ends", state.having(number, at="end")
            return
        unchanged = run.at == "confirm" and self.may_say_unchanged(number, run)
        said = "said unchanged" if unchanged else "end"
        after = self._written(state, number, write)
        if after.row.token == write.token:
            yield f"writes to {run.at}", after.having(number, at=said)
        elif not self.rules.unchanged_is_certain:
            yield f"writes to {run.at} in vain", after.having(number, at=said)
        elif self.rules.withdraws_if_overtaken:
            yield f"writes to {run.at} in vain", after.having(number, at="withdraw")
        else:
            yield f"writes to {run.at} in vain", after.having(number, at="end")
        yield (
            f"does not know whether it wrote to {run.at}",
            state.having(number, at="end" if self.rules.unchanged_is_certain else said, late=write),
        )

    def _settling(self, state: State, number: int, run: Run) -> Write | None:
        lists, record = self.writers[number]
        if not record and "unavailable" not in self.rules.marked:
            return None
        expected = run.token if self.rules.settles_own_mark else ANY_TOKEN
        token = token_of(number, SETTLE)
        if run.at == "confirm" and record and run.may_confirm:
            return Write(expected, token, confirmed=True, lists=lists, mark=-1)
        if not self.rules.takes_new_tokens:
            token = run.seen.token
        confirmed = run.at == "put back" and run.seen.confirmed and run.may_confirm
        return Write(expected, token, confirmed, mark=-1)

    def may_say_unchanged(self, number: int, run: Run) -> bool:
        """Tell whether the run says ``changed: false`` once its confirmation is written."""
        return run.may_confirm and self._basis(number, run.seen) == "same"

    def _withdraw(self, state: State, number: int, _run: Run) -> t.Iterator[Step]:
        write = Write(ANY_TOKEN, token_of(number, WITHDRAW))
        yield "withdraws", self._written(state, number, write).having(number, at="end")
        late = state.having(number, at="end", late=write)
        yield "does not know whether it withdrew", late

    # --- The database ---

    def _written(self, state: State, number: int, write: Write) -> State:
        """Return what comes of a statement once it arrives."""
        row = state.row
        if write.expected not in (ANY_TOKEN, row.token):
            return state
        marks = row.marks
        if write.mark > 0:
            mine = frozenset() if state.runs[number].expired else frozenset((number,))
            marks = (marks | mine) if self.rules.mark_keeps_time else mine
        elif write.mark < 0:
            marks = marks - {number} if self.rules.leaves_others_time else frozenset()
        lists = row.lists if write.lists == NO_LISTS else write.lists
        new = Row(write.token, write.confirmed, lists, marks)
        return state._replace(row=new, older=() if write.durable else (*state.older, row))

    # --- The claim ---

    def lie(self, state: State) -> str | None:
        """Return what is wrong in this state, or None."""
        for number, run in enumerate(state.runs):
            if run.at == "said unchanged" and run.changed:
                return f'{name(number)} said "changed: false", and changed the lists'
        row = state.row
        is_trusted = row.confirmed and not (row.marks and self.rules.respects_marks)
        if is_trusted and state.server != row.lists:
            return (
                f'one more run, with the lists {row.lists}, says "changed: false", and changes them'
            )
        return None


def name(number: int) -> str:
    """Return a run's name."""
    return "ABCD"[number]


def token_of(number: int, write: int) -> int:
    """Return the token of a run's write."""
    return 10 * (number + 1) + write


def _expire(state: State, number: int) -> State:
    def without(row: Row) -> Row:
        return row._replace(marks=row.marks - {number}) if number in row.marks else row

    runs = tuple(run._replace(seen=without(run.seen)) for run in state.runs)
    older = tuple(without(row) for row in state.older)
    state = state._replace(row=without(state.row), older=older, runs=runs)
    return state.having(number, expired=True)


# --- Exploring ----------------------------------------------------------------------------------


class Found(t.NamedTuple):
    """What came of exploring: how many states, and how a lie comes about, if there is one."""

    states: int
    lie: list[str]


def explore(model: Model, server: int, row: Row, way: t.Sequence[str] = ()) -> Found:
    """Visit every state that can be reached, nearest first, until one is a lie.

    Args:
        model: the runs and their rules.
        server: the campaign's lists at the beginning.
        row: its record then.
        way: steps that are taken first; only what may follow these is visited.
    """
    state = State(server, row, (), (), tuple(Run() for _writer in model.writers))
    for text in way:
        state = canonical(model, dict(model.steps(state))[text])
    before: dict[State, tuple[State, str] | None] = {state: None}
    waiting = deque([state])
    while waiting:
        state = waiting.popleft()
        lie = model.lie(state)
        if lie is not None:
            return Found(len(before), [*way, *_way_to(state, before), lie])
        for text, after in model.steps(state):
            following = canonical(model, after)
            if following not in before:
                before[following] = state, text
                waiting.append(following)
    return Found(len(before), [])


def count_states(model: Model, server: int, row: Row) -> int:
    """Do the same for so many states that only their hashes fit into memory.

    Raises:
        AssertionError: one of them is a lie.
    """
    first = State(server, row, (), (), tuple(Run() for _writer in model.writers))
    seen = {hash(first)}
    waiting = [first]
    while waiting:
        state = waiting.pop()
        assert model.lie(state) is None, state
        for _text, after in model.steps(state):
            following = canonical(model, after)
            if hash(following) not in seen:
                seen.add(hash(following))
                waiting.append(following)
    return len(seen)


def _way_to(state: State, before: dict[State, tuple[State, str] | None]) -> list[str]:
    way = []
    step = before[state]
    while step is not None:
        state, text = step
        way.append(text)
        step = before[state]
    return way[::-1]


def canonical(model: Model, state: State) -> State:
    """Return the same state without what can't matter any more."""
    rows = (state.row, *state.older)
    marked = {mark for row in rows for mark in row.marks}
    tokens = {row.token for row in rows}
    senders = {number for number, _waits in state.flying}
    if not model.rules.takes_new_tokens:
        tokens |= {run.seen.token for run in state.runs}
    runs = []
    for number, run in enumerate(state.runs):
        at, seen, token, may_confirm, attempts, all_refused, heard, changed, expired, late = run
        if late and late.expected != ANY_TOKEN and late.expected not in tokens:
            late = None
        if at in ENDED:
            if at == "said unchanged" and not changed and number not in senders:
                at = "end"
            changed = changed and at != "end"
            expired = expired or (number not in marked and not late)
            runs.append(Run(at, expired=expired, late=late, changed=changed))
            continue
        if at in ("begin", "mark"):
            runs.append(run)
            continue
        changed = changed and model.may_say_unchanged(number, run)
        if at not in ("send", "wait"):
            attempts, all_refused, heard = 0, True, False
        if model.rules.takes_new_tokens:
            seen = Row(min(seen.token, FIRST_TOKEN), seen.confirmed, seen.lists, seen.marks)
        runs.append(
            Run(at, seen, token, may_confirm, attempts, all_refused, heard, changed, expired, late)
        )
    flying = tuple((number, waits and runs[number].at == "wait") for number, waits in state.flying)
    return State(state.server, state.row, state.older, flying, tuple(runs))


class Case(t.NamedTuple):
    """What is asked of the runs, and the campaign at the beginning."""

    writers: tuple[Writer, ...]
    server: int
    row: Row


def cases(count: int, kinds: t.Iterable[Writer]) -> list[Case]:
    """Return all cases that differ; neither the runs nor the lists have an order."""
    found = []
    for writers in itertools.combinations_with_replacement(kinds, count):
        if not any(writer.record for writer in writers):
            continue
        found.append(Case(writers, 0, Row(FIRST_TOKEN, confirmed=True, lists=0)))
        if writers[0].lists == 0:
            found.append(Case(writers, OTHER_LISTS, Row()))
    # Those in which the lists differ first, as most lies are there.
    return sorted(found, key=lambda case: len({writer.lists for writer in case.writers}) == 1)


KEEPING = (Writer(0, record=True), Writer(1, record=True))
NOT_KEEPING = (Writer(0, record=False), Writer(1, record=False))


def main() -> int:
    """Explore all cases under all rules, and print how many states there are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--writers", type=int, default=2, help="how many runs there are")
    parser.add_argument("--attempts", type=int, default=2, help="the most requests of each run")
    arguments = parser.parse_args()
    # With record: false a run writes what it also writes when its answer is lost, and claims nothing.
    kinds = (*KEEPING, *NOT_KEEPING) if arguments.writers == 2 else KEEPING
    begin, states = time.monotonic(), 0
    for case in cases(arguments.writers, kinds):
        model = Model(case.writers, Rules(), arguments.attempts)
        count = count_states(model, case.server, case.row)
        states += count
        print(f"{count:>12,}  {shown(case)}", flush=True)
    print(f"{states:>12,} states in {time.monotonic() - begin:.0f} s, and none of them is a lie")
    return 0


def shown(case: Case) -> str:
    """Return a case in words."""
    runs = [
        f"{name(number)} sends {writer.lists}{'' if writer.record else ' with record: false'}"
        for number, writer in enumerate(case.writers)
    ]
    return f"{', '.join(runs)}; {'0 is confirmed' if case.row.token else 'no record'}"


if __name__ == "__main__":
    sys.exit(main())
