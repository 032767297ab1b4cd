# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A short run of the fuzzer, what it found before, and that it finds lies that are planted."""

from __future__ import annotations

import itertools
import pathlib
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._record.keeping import Keeper
from ansible_collections.ozonetel.cloudagent.tests.fuzz.answers import DECEITFUL, Answer
from ansible_collections.ozonetel.cloudagent.tests.fuzz.command_line import CommandLineProcess
from ansible_collections.ozonetel.cloudagent.tests.fuzz.fast import FastProcess
from ansible_collections.ozonetel.cloudagent.tests.fuzz.run import parsed, report, tell_story
from ansible_collections.ozonetel.cloudagent.tests.fuzz.server import ModelServer
from ansible_collections.ozonetel.cloudagent.tests.fuzz.stage import Finds, Start, run_story
from ansible_collections.ozonetel.cloudagent.tests.fuzz.stories import (
    AS_IT_IS,
    COMMAND_LINE,
    FAST,
    Lane,
    Scene,
    Step,
    Story,
    Update,
    make_story,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

SEED = 2
A, B = ["9140001001"], ["9140001002"]


@pytest.fixture(name="server", scope="module")
def _server() -> t.Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


def kinds(finds: Finds) -> set[str]:
    return {lie.kind for lie in finds.lies}


# A number of stories, not of seconds: a busy machine takes longer, and does the same.
@pytest.mark.parametrize(("lane", "stories"), [(FAST, 50), (COMMAND_LINE, 2)])
def test_random_stories_contain_no_lie(server: ModelServer, lane: Lane, stories: int) -> None:
    for number in range(stories):
        finds = tell_story(server, SEED, lane, number)
        assert not finds.lies, report(SEED, lane, number, finds)


# --- What was found before ----------------------------------------------------------------------

keys = (f"k3y{number:012x}" for number in itertools.count())


def update(dynamic: list[str], *answers: Answer, campaign: str = "Sales") -> Update:
    return Update(next(keys), campaign, dynamic, ["9140002001"], answers)


def tell(
    server: ModelServer, folder: pathlib.Path, start: Start, *scenes: list[list[Step]]
) -> Finds:
    story = Story(COMMAND_LINE, True, [Scene(AS_IT_IS, processes) for processes in scenes])
    return run_story(server, folder, story, start, FastProcess)


@pytest.mark.parametrize("start", [FastProcess, CommandLineProcess])
@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("status", [102, 103, 199])
def test_an_interim_answer_does_not_give_a_success_to_another_campaign(
    server: ModelServer, tmp_path: pathlib.Path, start: Start, bulk: bool, status: int
) -> None:
    first = update(A, Answer("ok", f"after {status}"))
    second = update(A, Answer("campaign refused"), campaign="Support")
    key = first.key if bulk else second.key
    finds = tell(server, tmp_path, start, [[Step([first, second._replace(key=key)], bulk=bulk)]])
    assert not finds.lies, finds.lies


@pytest.mark.parametrize("start", [FastProcess, CommandLineProcess])
def test_a_run_without_a_record_does_not_overlap_one_with_a_record(
    server: ModelServer, tmp_path: pathlib.Path, start: Start
) -> None:
    without = Step([update(B, Answer("HTTP 503", "held"))], record=False, retries=1)
    finds = tell(server, tmp_path, start, [[without], [Step([update(A)])]])
    assert not finds.lies, finds.lies


@pytest.mark.parametrize(
    "answer", [Answer("ok", "chunked with a length"), Answer("HTTP 304")], ids=str
)
def test_a_whole_answer_is_understood(
    server: ModelServer, tmp_path: pathlib.Path, answer: Answer
) -> None:
    finds = tell(server, tmp_path, FastProcess, [[Step([update(A, answer, answer, answer)])]])
    assert not finds.lies, finds.lies


# --- It finds what is planted -------------------------------------------------------------------


def test_the_fuzzer_finds_a_confirmation_that_is_not_withdrawn(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Keeper, "withdraw", lambda _keeper, _updates: None)
    monkeypatch.setattr(Keeper, "_settle", lambda _keeper, _updates, confirmed: confirmed)
    planted = {"a false prediction", "a false unchanged", "a false skip"}
    for number in range(200):
        if planted & kinds(tell_story(server, SEED, FAST, number)):
            return
    raise AssertionError("nothing was found")


@pytest.mark.parametrize("start", [FastProcess, CommandLineProcess])
@pytest.mark.parametrize("bulk", [False, True])
def test_the_fuzzer_finds_a_success_that_belongs_to_another_campaign(
    server: ModelServer, tmp_path: pathlib.Path, start: Start, bulk: bool
) -> None:
    first = update(A, Answer("ok", DECEITFUL))
    second = update(A, Answer("campaign refused"), campaign="Support")
    key = first.key if bulk else second.key
    finds = tell(server, tmp_path, start, [[Step([first, second._replace(key=key)], bulk=bulk)]])
    assert "somebody else's success" in kinds(finds)


def test_the_fuzzer_finds_a_swapped_success_even_if_both_succeed(
    server: ModelServer, tmp_path: pathlib.Path
) -> None:
    updates = [update(A, Answer("ok", DECEITFUL)), update(B)]
    finds = tell(server, tmp_path, FastProcess, [[Step(updates)]])
    assert kinds(finds) == {"somebody else's answer"}


# --- The same seed, the same story --------------------------------------------------------------


def test_the_same_seed_gives_the_same_story() -> None:
    assert make_story(7, FAST, 3) == make_story(7, FAST, 3)
    assert make_story(7, FAST, 3) != make_story(8, FAST, 3)


def test_a_story_gives_the_same_log_each_time(server: ModelServer, tmp_path: pathlib.Path) -> None:
    stories = (make_story(SEED, FAST, number) for number in itertools.count())
    story = next(filter(_has_one_thread, stories))
    logs = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        finds = run_story(server, tmp_path / name, story, FastProcess, FastProcess)
        logs.append([(entry.key, entry.answer, entry.before, entry.after) for entry in finds.log])
    assert len(logs[0]) > 5
    assert logs[0] == logs[1]


def _has_one_thread(story: Story) -> bool:
    """Tell whether nothing in a story depends on which of two is faster."""
    steps = [step for scene in story.scenes for steps in scene.processes for step in steps]
    answers = [answer for step in steps for update in step.updates for answer in update.answers]
    return (
        len(steps) > 5
        # Only on Linux does the end of a connection come with the last bytes.
        and not any(answer.delivery == "closing unsaid" for answer in answers)
        and all(len(scene.processes) == 1 for scene in story.scenes)
        and not any(step.bulk or step.timeout < 60 for step in steps)
    )


def test_a_find_is_reported_with_the_command_that_repeats_it(
    server: ModelServer, tmp_path: pathlib.Path
) -> None:
    updates = [update(A, Answer("ok", DECEITFUL)), update(B)]
    told = report(7, FAST, 3, tell(server, tmp_path, FastProcess, [[Step(updates)]]))
    assert "seed 7, lane fast, story 3" in told
    assert "* somebody else's answer: scene 0: " in told
    arguments = told.splitlines()[-1].partition(" -- ")[2].split()
    again = parsed(arguments)
    assert (again.seed, again.lane, again.story) == (7, "fast", 3)
