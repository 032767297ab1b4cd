# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a story: its plays one after the other on one server and one folder, each result checked."""

from __future__ import annotations

import os
import pathlib
import shutil
import typing as t
from multiprocessing.connection import wait

from ansible_collections.ozonetel.cloudagent.tests.fuzz.claims import (
    Lie,
    Result,
    Task,
    Truth,
    lies_of,
)
from ansible_collections.ozonetel.cloudagent.tests.fuzz.plays import (
    A_FILE,
    AS_IT_IS,
    READ_ONLY,
    REMOVED,
    Play,
    Step,
    Story,
    probe,
)
from ansible_collections.ozonetel.cloudagent.tests.fuzz.server import Entry, ModelServer


class Place(t.NamedTuple):
    """Where a process works.

    Attributes:
        scratch: a folder of its own.
        alone: no other process of the play runs at the same time.
    """

    url: str
    records: pathlib.Path
    scratch: pathlib.Path
    alone: bool


class ItemResult(t.NamedTuple):
    """What came of a task, with the positions of its step and of its update in it."""

    step: int
    update: int
    result: Result
    ended_at: float
    seconds: float | None


class Process(t.Protocol):
    """A process that works through steps."""

    @property
    def news(self) -> t.Any:
        """Return what becomes readable when there is something to take."""

    def take(self) -> bool:
        """Take what has come, and return whether more may come."""

    def kill(self) -> None:
        """Kill it and all that it started."""

    def end(self) -> tuple[list[ItemResult], str]:
        """Return all outcomes and all that it showed; it must have ended.

        Raises:
            Crash: it neither did all of its work nor was killed.
        """


Start = t.Callable[[t.List[Step], Place], Process]


class Crash(Exception):
    """A process ended by itself before its work was done."""


class Finds(t.NamedTuple):
    """What came of a story, and of how many of its plays."""

    lies: list[Lie]
    log: list[Entry]
    plays: int
    results: int


class Stage:
    """A story's server, folder and tasks so far."""

    def __init__(self, server: ModelServer, folder: pathlib.Path, story: Story) -> None:
        self._server = server
        self._folder = folder
        self._records = folder / "records"
        self._minds_case = story.minds_case
        self._tasks: list[Task] = []
        self._processes = 0
        self.results = 0
        self.log: list[Entry] = []
        server.begin_story(story.minds_case, story.lane.moment)

    def play(self, play: Play, start: Start) -> list[Lie]:
        """Run a play, and return what its results say that is not true."""
        set_up(self._records, play.folder)
        self._server.plan(play.plan())
        cast = _Cast(self._server, play, lambda steps: self._begin(play, steps, start))
        try:
            cast.perform()
            ends = [process.end() for process in cast.processes]
        except Crash as crash:
            return [Lie("crash", str(crash))]
        finally:
            self.log = self._server.settle()
            tidy_up(self._records, play.folder)
        alone = len(ends) == 1
        tasks = [
            task
            for steps, (outcomes, _shown), lockable in zip(play.processes, ends, cast.lockable)
            for task in _tasks(steps, outcomes, alone, lockable)
        ]
        self._tasks += tasks
        self.results += sum(task.result is not None for task in tasks)
        truth = Truth(self._minds_case, self.log, self._tasks)
        lies = [lie for task in tasks for lie in lies_of(task, truth)]
        return lies + self._shown_keys(tasks, "\n".join(shown for _outcomes, shown in ends))

    def _begin(self, play: Play, steps: list[Step], start: Start) -> tuple[Process, bool]:
        """Start a process, and return whether there was a folder to lock in, too."""
        scratch = self._folder / f"process {self._processes}"
        self._processes += 1
        lockable = self._records.is_dir() and os.access(self._records, os.W_OK)
        place = Place(self._server.url, self._records, scratch, len(play.processes) == 1)
        return start(steps, place), lockable

    def _shown_keys(self, tasks: list[Task], shown: str) -> list[Lie]:
        paths = [path for path in self._records.glob("*") if path.is_file()]
        texts = [shown, *(path.read_text("utf-8", "replace") for path in paths)]
        keys = {update.key for task in tasks for update in task.updates}
        found = sorted(key for key in keys if any(key in text for text in texts))
        return [Lie("key shown", f"the API key {key} is shown or kept") for key in found]


class _Cast:
    """The processes of one play, while they run.

    Attributes:
        processes: those that have begun.
        lockable: for each of these, whether it began with a folder to lock in.
    """

    def __init__(
        self,
        server: ModelServer,
        play: Play,
        begin: t.Callable[[list[Step]], tuple[Process, bool]],
    ) -> None:
        self.processes: list[Process] = []
        self.lockable: list[bool] = []
        self._server = server
        self._play = play
        self._begin = begin
        self._running: dict[t.Any, Process] = {}
        self._owners: dict[str, Process] = {}

    def perform(self) -> None:
        """Run all processes to their ends."""
        self._begin_up_to(1 if self._play.begins_held else len(self._play.processes))
        while self._running:
            for ready in wait([self._server.notices, *self._running]):
                if ready is self._server.notices:
                    self._heed(self._server.notices.recv())
                elif not self._running[ready].take():
                    self._has_ended(self._running.pop(ready))

    def _begin_up_to(self, count: int) -> None:
        for steps in self._play.processes[len(self.processes) : count]:
            process, lockable = self._begin(steps)
            self.processes.append(process)
            self.lockable.append(lockable)
            self._running[process.news] = process
            self._owners.update({update.key: process for step in steps for update in step.updates})

    def _heed(self, entry: Entry) -> None:
        if entry.answer.delivery == "held":
            self._begin_up_to(len(self._play.processes))
            return
        owner = self._owners.get(entry.key)
        # A notice may come late, when the process has already ended.
        if owner in self._running.values():
            t.cast(Process, owner).kill()

    def _has_ended(self, process: Process) -> None:
        # The first one may have ended without a request.
        self._begin_up_to(len(self._play.processes))
        if process is self.processes[-1]:
            self._server.release()


def run_story(
    server: ModelServer, folder: pathlib.Path, story: Story, start: Start, start_probe: Start
) -> Finds:
    """Run a story up to the first play with a lie; after each, ask what the next run would say.

    Args:
        server: the server.
        folder: an empty folder.
        story: what to run.
        start: starts the processes of its plays.
        start_probe: starts the processes of the questions in between.
    """
    stage = Stage(server, folder, story)
    for number, play in enumerate(story.plays):
        lies = stage.play(play, start) or _ask(stage, number, start_probe)
        if lies:
            told = [lie._replace(told=f"play {number}: {lie.told}") for lie in lies]
            return Finds(told, stage.log, number + 1, stage.results)
    return Finds([], stage.log, len(story.plays), stage.results)


def _ask(stage: Stage, number: int, start: Start) -> list[Lie]:
    """Return the lies of check mode, and those of the real runs that it is wrong about."""
    questions = probe(number)
    lies = stage.play(questions, start)
    false = [lie.update for lie in lies if lie.kind == "a false prediction"]
    steps = [
        Step([update._replace(key=f"{update.key}x{position}")])
        for position, update in enumerate(false)
        if update is not None
    ]
    return lies + (stage.play(Play(AS_IT_IS, [steps]), start) if steps else [])


def set_up(records: pathlib.Path, state: str) -> None:
    """Bring the folder of the records into the state that a play begins with."""
    if state in (REMOVED, A_FILE) and records.exists():
        shutil.rmtree(records)
    if state == A_FILE:
        records.write_text("This is no folder.\n", encoding="utf-8")
    if state == READ_ONLY and records.exists():
        # Root may write all the same.
        records.chmod(0o500)


def tidy_up(records: pathlib.Path, state: str) -> None:
    """Take back what ``set_up`` put in the way of a record."""
    if state == A_FILE:
        records.unlink()
    if state == READ_ONLY and records.exists():
        records.chmod(0o700)


def _tasks(
    steps: list[Step], outcomes: list[ItemResult], alone: bool, lockable: bool
) -> t.Iterator[Task]:
    """Yield all tasks of a process, those that it did not come to as if killed."""
    found = {(outcome.step, outcome.update): outcome for outcome in outcomes}
    for number, step in enumerate(steps):
        unlocked = not step.record and not lockable
        parts = [step.updates] if step.bulk else [[update] for update in step.updates]
        for position, updates in enumerate(parts):
            outcome = found.get((number, position))
            yield Task(
                step,
                updates,
                outcome.result if outcome else None,
                outcome.ended_at if outcome else None,
                outcome.seconds if outcome else None,
                alone,
                unlocked,
            )
