# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random stories: what is run, in which order, and how the server treats each request.

A story is a server, a folder for its records, and a few scenes on them. A scene is one or two
processes, of which each runs its steps one after the other; a step is a task. The same seed, lane
and number give the same story.
"""

from __future__ import annotations

import random
import typing as t

from ansible_collections.ozonetel.cloudagent.tests.fuzz.answers import (
    DELIVERIES,
    EFFECTS,
    INTERIM,
    NO_ANSWER,
    Answer,
)
from ansible_collections.ozonetel.cloudagent.tests.fuzz.server import Plan

# Two that differ in case only: CloudAgent may take them for one campaign.
CAMPAIGNS = ("Sales", "sales", "Support")
DYNAMIC = (["9140001001"], ["9140001002", "9140001003"])
FALLBACK = (["9140002001"], ["9140002002"])
# What becomes of the folder of the records before a scene.
AS_IT_IS, REMOVED, A_FILE, READ_ONLY = "as it is", "removed", "a file", "read-only"
FOLDERS = (AS_IT_IS,) * 12 + (REMOVED, REMOVED, A_FILE, READ_ONLY)
NOT_SENT = ("nothing", "first stored")
# A wait that is real in bulk, so it is rare.
SLOW = "HTTP 429, wait 1"
EFFECTS_WITH_ANSWER = tuple(name for name in EFFECTS if name not in (*NOT_SENT, SLOW))
AFTER_WHICH_IT_GOES_ON = ("HTTP 500", "HTTP 502", "HTTP 503", "HTTP 502, applied")


class Update(t.NamedTuple):
    """One campaign of a step, and how its requests are treated."""

    key: str
    campaign: str
    dynamic: list[str]
    fallback: list[str]
    answers: tuple[Answer, ...]


class Step(t.NamedTuple):
    """One task.

    Attributes:
        updates: in bulk they share one API key; else each has its own.
        timeout: seconds.
        as_module: Ansible runs it as a module, not in process.
    """

    updates: list[Update]
    bulk: bool = False
    check: bool = False
    skip: bool = False
    record: bool = True
    retries: int = 0
    timeout: float = 60.0
    concurrency: int = 1
    as_module: bool = False

    @property
    def module(self) -> str:
        """Return the name of the module."""
        return f"ozonetel_dynamic_dids{'_bulk' if self.bulk else ''}"

    def options(self, update: Update) -> dict[str, t.Any]:
        """Return the module's options but for those that say where; bulk takes any update."""
        options: dict[str, t.Any] = {
            "username": "acme",
            "api_key": update.key,
            "timeout": self.timeout,
            "retries": self.retries,
            "record": self.record,
            "skip_unchanged": self.skip,
        }
        if self.bulk:
            entries = [_entry(update) for update in self.updates]
            return {**options, "campaigns": entries, "concurrency": self.concurrency}
        return {**options, **_entry(update)}


class Scene(t.NamedTuple):
    """Processes that run at the same time.

    When the server holds back the answer to the first request of the first process, the second one
    begins in that moment, and the answer comes when it has ended.
    """

    folder: str
    processes: list[list[Step]]

    @property
    def begins_held(self) -> bool:
        """Return whether the second process begins during the first request of the first."""
        answers = self.processes[0][0].updates[0].answers
        return answers != () and answers[0].delivery == "held"

    def plan(self) -> Plan:
        """Return how the server has to treat the requests of this scene."""
        return {
            (update.key, update.campaign): update.answers
            for steps in self.processes
            for step in steps
            for update in step.updates
        }


class Story(t.NamedTuple):
    """Plays on one server and one folder, which does not exist at the beginning."""

    lane: Lane
    minds_case: bool
    scenes: list[Scene]


class Lane(t.NamedTuple):
    """A way to run stories, and what its stories are like.

    Attributes:
        scenes: the most scenes of a story.
        steps: the most steps of a process that is alone.
        modules: the share of steps that Ansible runs as modules.
        patience: the timeout, in seconds, of what may have to wait for another process.
        moment: how many seconds a server's answer comes later, when it comes a moment later.
    """

    name: str
    scenes: int
    steps: int
    modules: float
    patience: float
    moment: float


FAST = Lane("fast", scenes=5, steps=6, modules=0.0, patience=0.2, moment=0.005)
COMMAND_LINE = Lane("command-line", scenes=3, steps=10, modules=0.1, patience=1.0, moment=0.03)


def make_story(seed: int, lane: Lane, number: int) -> Story:
    """Return the story of this number."""
    chance = random.Random(f"{seed} {lane.name} {number}")
    scenes = [_scene(chance, lane, number) for number in range(chance.randint(2, lane.scenes))]
    return Story(lane, chance.random() < 0.5, scenes)


def probe(seed: object) -> Scene:
    """Return a scene that asks for all lists of all campaigns whether they would be unchanged."""
    chance = random.Random(f"probe {seed}")
    # One key, as these send nothing.
    key = _key(chance)
    steps = [
        Step([Update(key, campaign, dynamic, fallback, ())], check=True)
        for campaign in CAMPAIGNS
        for dynamic in DYNAMIC
        for fallback in FALLBACK
    ]
    return Scene(AS_IT_IS, [steps])


def _scene(chance: random.Random, lane: Lane, number: int) -> Scene:
    folder = chance.choice(FOLDERS)
    focus = chance.choice(CAMPAIGNS)
    # While there is no folder yet, two processes at once have the most to get wrong.
    if chance.random() < (0.7 if number else 0.4):
        return Scene(folder, [_steps(chance, lane, focus, lane.steps)])
    first = _steps(chance, lane, focus, 2)
    if chance.random() < 0.7:
        first[0] = _held(chance, first[0])
        focus = first[0].updates[0].campaign
    # A second one that has to wait for a lock of the first gives up soon.
    second = [step._replace(timeout=lane.patience) for step in _steps(chance, lane, focus, 2)]
    return Scene(folder, [first, second])


def _held(chance: random.Random, step: Step) -> Step:
    """Have the server answer the first request of a step when the second process has ended."""
    first = step.updates[0]
    effect = chance.choice((*AFTER_WHICH_IT_GOES_ON, "ok", "campaign refused"))
    answers = (Answer(effect, "held"), *first.answers[1:])
    updates = [first._replace(answers=answers), *step.updates[1:]]
    record = chance.random() < 0.5
    return step._replace(
        updates=updates,
        check=False,
        skip=record and step.skip,
        record=record,
        retries=max(1, step.retries),
        timeout=60.0,
    )


def _steps(chance: random.Random, lane: Lane, focus: str, most: int) -> list[Step]:
    return [_step(chance, lane, focus) for _step_number in range(chance.randint(1, most))]


def _step(chance: random.Random, lane: Lane, focus: str) -> Step:
    bulk = chance.random() < 0.3
    retries = chance.randint(0, 2)
    key = _key(chance)
    updates = [
        _update(chance, key if bulk else _key(chance), campaign, retries)
        for campaign in _campaigns(chance, focus, bulk)
    ]
    without_answer = any(
        answer.delivery == "silent" for update in updates for answer in update.answers
    )
    record = chance.random() < 0.75
    return Step(
        updates,
        bulk=bulk,
        check=chance.random() < 0.1,
        # Without a record, that is refused.
        skip=record and chance.random() < 0.2,
        record=record,
        retries=retries,
        timeout=chance.choice((0.15, 0.3)) if without_answer else 60.0,
        concurrency=chance.choice((1, 2, 8)),
        as_module=chance.random() < lane.modules,
    )


def _campaigns(chance: random.Random, focus: str, bulk: bool) -> list[str]:
    if not bulk:
        count = chance.choice((1, 1, 2, 3))
        return [
            focus if chance.random() < 0.7 else chance.choice(CAMPAIGNS)
            for _campaign in range(count)
        ]
    # Those that differ in case only are refused in bulk.
    spelling = chance.choice(CAMPAIGNS[:2])
    others = [f"Campaign {number}" for number in range(chance.randint(0, 4))]
    names = [spelling, "Support", *others]
    chance.shuffle(names)
    return names


def _update(chance: random.Random, key: str, campaign: str, retries: int) -> Update:
    # Few pairs, so that the same lists come again.
    dynamic = DYNAMIC[chance.random() < 0.4]
    fallback = FALLBACK[chance.random() < 0.2]
    answers = tuple(_answer(chance) for _attempt in range(chance.randint(0, retries + 1)))
    return Update(key, campaign, dynamic, fallback, answers)


def _answer(chance: random.Random) -> Answer:
    if chance.random() < 0.4:
        return Answer()
    delivery = _delivery(chance)
    if delivery in NO_ANSWER:
        return Answer(chance.choice(("ok", *NOT_SENT)), delivery)
    effect = chance.choice((*EFFECTS_WITH_ANSWER, *["ok"] * 14))
    effect = SLOW if chance.random() < 0.01 else effect
    if not EFFECTS[effect].body:
        return Answer(effect)
    return Answer(effect, delivery)


def _delivery(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.2:
        return chance.choice(tuple(INTERIM))
    if kind < 0.23:
        return chance.choice(("silent", "killed"))
    return chance.choice([name for name in DELIVERIES if name not in ("held", "silent", "killed")])


def _key(chance: random.Random) -> str:
    """Return an API key that is nobody else's."""
    return f"k3y{chance.getrandbits(48):012x}"


def _entry(update: Update) -> dict[str, t.Any]:
    return {
        "campaign_name": update.campaign,
        "dynamic_dids": update.dynamic,
        "fallback_dynamic_dids": update.fallback,
    }


def described(story: Story, scenes: int) -> t.Iterator[str]:
    """Yield lines that tell the first scenes of a story to a person."""
    case = "minds" if story.minds_case else "does not mind"
    yield f"A server that {case} case, and no folder for records yet."
    for scene_number, scene in enumerate(story.scenes[:scenes]):
        yield f"scene {scene_number}; folder of the records: {scene.folder}"
        for process_number, steps in enumerate(scene.processes):
            if len(scene.processes) > 1:
                yield f"  process {process_number}, at the same time"
            for step in steps:
                yield from (f"    {line}" for line in described_step(step))


def described_step(step: Step) -> t.Iterator[str]:
    """Yield lines that tell a step to a person."""
    options = {name: getattr(step, name) for name in Step._fields if name != "updates"}
    told = [
        f"{name}={value}"
        for name, value in options.items()
        if value != Step._field_defaults.get(name)
    ]
    yield " ".join(["task", *told])
    for update in step.updates:
        lists = f"{','.join(update.dynamic)} / {','.join(update.fallback)}"
        answers = ", ".join(map(str, update.answers)) or "ok"
        yield f"  {update.key} {update.campaign}: {lists}; answers: {answers}"
