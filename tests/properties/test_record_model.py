# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the record in a database are enough, and each of them is needed.

What is printed for each rule that is left out shows what it prevents: ``pytest -rP`` shows that.
"""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.tests.properties.record_model import (
    EVERY_BASIS,
    FIRST_TOKEN,
    KEEPING,
    NOT_KEEPING,
    OTHER_LISTS,
    Case,
    Model,
    Row,
    Rules,
    cases,
    explore,
    shown,
)

RULES = Rules()
CONFIRMED = Row(FIRST_TOKEN, confirmed=True, lists=0)
ZERO, ONE = KEEPING
TWO = Case((ZERO, ONE), 0, CONFIRMED)
NEW = Case((ZERO, ONE), OTHER_LISTS, Row())
WITHOUT_RECORD = Case((ZERO, NOT_KEEPING[1]), 0, CONFIRMED)
THREE = Case((ONE, ZERO, ZERO), 0, CONFIRMED)
# What leads to a mark of A that B does not respect, so that C comes in time to be deceived.
A_MARKS = ("A reads: differs", "A marks")
B_MARKS = ("B reads: unconfirmed", "B marks")
B_IS_REFUSED = ("B sends the lists 0", "B is refused", "B writes to put back")


@pytest.mark.parametrize("case", cases(2, (*KEEPING, *NOT_KEEPING)), ids=shown)
def test_no_history_of_two_runs_makes_one_lie(case: Case) -> None:
    found = explore(Model(case.writers, RULES, most_attempts=1), case.server, case.row)
    assert found.lie == []
    assert found.states > 5_000


def test_no_history_of_two_runs_that_retry_makes_one_lie() -> None:
    found = explore(Model(TWO.writers, RULES, most_attempts=2), TWO.server, TWO.row)
    assert found.lie == []
    assert found.states > 50_000


class Omission(t.NamedTuple):
    """A rule that is left out, and where a lie comes of that.

    Attributes:
        rules: the others.
        case: what the runs are to do.
        way: how it begins.
    """

    rules: Rules
    case: Case = TWO
    way: tuple[str, ...] = ()


OMISSIONS = {
    "same lists are sent without a mark": Omission(RULES._replace(marked=EVERY_BASIS - {"same"})),
    "other lists are sent without a mark": Omission(
        RULES._replace(marked=EVERY_BASIS - {"differs"})
    ),
    "lists are sent without a mark where no record is": Omission(
        RULES._replace(marked=EVERY_BASIS - {"first_seen"}), NEW
    ),
    "lists are sent without a mark where nothing is confirmed": Omission(
        RULES._replace(marked=EVERY_BASIS - {"unconfirmed"})
    ),
    "record: false sends without a mark": Omission(
        RULES._replace(marked=EVERY_BASIS - {"unavailable"}), WITHOUT_RECORD
    ),
    "a mark is written over what was not read": Omission(RULES._replace(mark_expects_token=False)),
    "a mark may be lost in a restart": Omission(RULES._replace(mark_is_durable=False)),
    "a mark shortens another one": Omission(
        RULES._replace(mark_keeps_time=False),
        THREE,
        (*A_MARKS, *B_MARKS, "the mark of B runs out"),
    ),
    "a mark that is in doubt is taken for written": Omission(RULES._replace(mark_is_certain=False)),
    "one mark of a batch is taken for all": Omission(RULES._replace(each_row_counts=False)),
    "an attempt begins after the mark has run out": Omission(RULES._replace(stops_in_time=False)),
    "a run confirms in spite of another one's mark": Omission(RULES._replace(respects_marks=False)),
    "a run confirms over what is not its mark": Omission(RULES._replace(settles_own_mark=False)),
    "a token comes back": Omission(RULES._replace(takes_new_tokens=False)),
    "a run that is through ends another one's mark": Omission(
        RULES._replace(leaves_others_time=False), THREE, (*A_MARKS, *B_MARKS, *B_IS_REFUSED)
    ),
    "a confirmation in doubt is taken for written": Omission(
        RULES._replace(unchanged_is_certain=False)
    ),
}


@pytest.mark.parametrize("omission", OMISSIONS.values(), ids=OMISSIONS)
def test_without_a_rule_there_is_a_lie(omission: Omission) -> None:
    case = omission.case
    # Three runs with retries have too many histories.
    model = Model(case.writers, omission.rules, most_attempts=1 if omission.way else 2)
    found = explore(model, case.server, case.row, omission.way)
    print("\n".join(found.lie))
    assert found.lie, "nothing goes wrong without it"
    assert found.lie[-1].endswith(("and changes them", "and changed the lists"))


def test_every_rule_is_left_out_once_but_the_one_that_no_history_needs() -> None:
    omitted = {
        name
        for omission in OMISSIONS.values()
        for name in Rules._fields
        if getattr(omission.rules, name) != getattr(RULES, name)
    }
    assert omitted == {*Rules._fields} - {"withdraws_if_overtaken"}


def test_a_run_that_is_overtaken_need_not_withdraw() -> None:
    # It is done in spite of that, in case a process stood still for longer than the margin.
    rules = RULES._replace(withdraws_if_overtaken=False)
    for case in cases(2, KEEPING):
        model = Model(case.writers, rules, most_attempts=1)
        assert explore(model, case.server, case.row).lie == []
