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


class Outcome(t.NamedTuple):
    """What came of a task, with the positions of its step and of its update in it."""

    step: int
    update: int
    result: Result
    ended_at: float
    seconds: float | None


class Process(t.Protocol):
    """A process that works through steps."""

    def fileno(self) -> int:
        """Return what becomes readable when there is something to take."""

    def take(self) -> bool:
        """Take what has come, and return whether more may come."""

    def kill(self) -> None:
        """Kill it and all that it started."""

    def end(self) -> tuple[list[Outcome], str]:
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
        lockable = self._records.is_dir() and os.access(self._records, os.W_OK)
        self._server.plan(play.plan())
        try:
            played, shown = self._run(play, start)
        except Crash as crash:
            return [Lie("crash", str(crash))]
        finally:
            self.log = self._server.settle()
            tidy_up(self._records, play.folder)
        tasks = [
            task
            for steps, outcomes in zip(play.processes, played)
            for task in _tasks(steps, outcomes, len(played) == 1, lockable)
        ]
        self._tasks += tasks
        self.results += sum(task.result is not None for task in tasks)
        truth = Truth(self._minds_case, self.log, self._tasks)
        lies = [lie for task in tasks for lie in lies_of(task, truth)]
        return lies + self._shown_keys(tasks, shown)

    def _run(self, play: Play, start: Start) -> tuple[list[list[Outcome]], str]:
        """Run the processes of a play to their end."""
        processes = []
        for steps in play.processes:
            scratch = self._folder / f"process {self._processes}"
            self._processes += 1
            place = Place(self._server.url, self._records, scratch, len(play.processes) == 1)
            processes.append(start(steps, place))
        owners = {
            update.key: process
            for steps, process in zip(play.processes, processes)
            for step in steps
            for update in step.updates
        }
        running = list(processes)
        while running:
            for ready in wait([self._server.notices, *running]):
                if ready is self._server.notices:
                    # A notice may come late, when the process has already ended.
                    owner = owners.get(self._server.notices.recv())
                    if owner in running:
                        owner.kill()
                elif not t.cast(Process, ready).take():
                    running.remove(t.cast(Process, ready))
                    if ready is processes[-1]:
                        self._server.release()
        ends = [process.end() for process in processes]
        return [outcomes for outcomes, _shown in ends], "\n".join(shown for _, shown in ends)

    def _shown_keys(self, tasks: list[Task], shown: str) -> list[Lie]:
        paths = [path for path in self._records.glob("*") if path.is_file()]
        texts = [shown, *(path.read_text("utf-8", "replace") for path in paths)]
        keys = {update.key for task in tasks for update in task.updates}
        found = sorted(key for key in keys if any(key in text for text in texts))
        return [Lie("key shown", f"the API key {key} is shown or kept") for key in found]


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
    false = {lie.told.split()[0] for lie in lies if lie.kind == "a false prediction"}
    steps = [
        step._replace(check=False, updates=[update._replace(key=f"{update.key}f")])
        for step in questions.processes[0]
        for update in step.updates
        if update.key in false
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
    steps: list[Step], outcomes: list[Outcome], alone: bool, lockable: bool
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
