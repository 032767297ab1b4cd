# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays random stories for some minutes, and tells of every result that is not true.

python tests/fuzz/run.py                                        # ten minutes, a seed by chance
python tests/fuzz/run.py --minutes 1 --seed 7
python tests/fuzz/run.py --seed 7 --lane fast --story 123       # one story again

The same seed gives the same stories. What comes of a story is the same each time in the fast lane,
unless something in it depends on which of two is faster: two processes at once, the threads of a
task in bulk, a timeout of less than a second. Such a find may take a few tries to come again.
"""

from __future__ import annotations

import argparse
import collections
import pathlib
import random
import sys
import tempfile
import time
import typing as t

from ansible_collections.ozonetel.cloudagent.tests.fuzz.command_line import CommandLineProcess
from ansible_collections.ozonetel.cloudagent.tests.fuzz.fast import FastProcess
from ansible_collections.ozonetel.cloudagent.tests.fuzz.server import Entry, ModelServer
from ansible_collections.ozonetel.cloudagent.tests.fuzz.stage import Finds, Start, run_story
from ansible_collections.ozonetel.cloudagent.tests.fuzz.stories import (
    COMMAND_LINE,
    FAST,
    Lane,
    described,
    make_story,
)

LANES = {FAST.name: FAST, COMMAND_LINE.name: COMMAND_LINE}
STARTS: dict[str, Start] = {FAST.name: FastProcess, COMMAND_LINE.name: CommandLineProcess}
LINE_SECONDS = 5.0


def tell_story(server: ModelServer, seed: int, lane: Lane, number: int) -> Finds:
    """Run the story of this number."""
    with tempfile.TemporaryDirectory(prefix="cloudagent-fuzz-") as folder:
        story = make_story(seed, lane, number)
        start = STARTS[lane.name]
        return run_story(server, pathlib.Path(folder), story, start, FastProcess)


def report(seed: int, lane: Lane, number: int, finds: Finds) -> str:
    """Return all that a person needs of a find, and the command that repeats it."""
    return "\n".join(
        [
            f"A find with seed {seed}, lane {lane.name}, story {number}:",
            *(f"* {lie.kind}: {lie.told}" for lie in finds.lies),
            "What was played:",
            *(f"  {line}" for line in described(make_story(seed, lane, number), finds.scenes)),
            "What the server saw:",
            *(f"  {_shown(entry)}" for entry in finds.log),
            "Once more:",
            f"  .venv/bin/nox -s fuzz -- --seed {seed} --lane {lane.name} --story {number}",
        ]
    )


def _shown(entry: Entry) -> str:
    end = "dropped" if entry.dropped else f"{entry.before} -> {entry.after}"
    return f"{entry.number} {entry.key} {entry.campaign}: {entry.sent}: {entry.answer}: {end}"


class Totals:
    """What was played so far, and the seconds that each lane had."""

    def __init__(self) -> None:
        self.begin = time.monotonic()
        self.seconds = dict.fromkeys(LANES, 0.0)
        self.stories = dict.fromkeys(LANES, 0)
        self.scenes = dict.fromkeys(LANES, 0)
        self.results = dict.fromkeys(LANES, 0)
        self.finds: collections.Counter[str] = collections.Counter()

    def add(self, lane: str, seconds: float, finds: Finds) -> None:
        self.seconds[lane] += seconds
        self.stories[lane] += 1
        self.scenes[lane] += finds.scenes
        self.results[lane] += finds.results
        self.finds.update({lie.kind for lie in finds.lies})

    def line(self) -> str:
        """Return how far it has come."""
        lanes = "; ".join(
            f"{lane}: {self.stories[lane]:,} stories, {self.scenes[lane]:,} scenes, "
            f"{self.results[lane]:,} results"
            for lane in LANES
        )
        finds = ", ".join(f"{kind} ({count})" for kind, count in self.finds.items()) or "none"
        return f"{time.monotonic() - self.begin:.0f} s; {lanes}; finds: {finds}"


def fuzz(
    server: ModelServer, arguments: argparse.Namespace, say: t.Callable[[str], None]
) -> Totals:
    """Run stories until the time is over, or until the first find."""
    totals, said = Totals(), time.monotonic()
    end = said + 60 * arguments.minutes
    lanes = [arguments.lane] if arguments.lane else list(LANES)
    while time.monotonic() < end and (arguments.keep_going or not totals.finds):
        lane = min(lanes, key=totals.seconds.__getitem__)
        number = totals.stories[lane] if arguments.story is None else arguments.story
        begin = time.monotonic()
        finds = tell_story(server, arguments.seed, LANES[lane], number)
        if finds.lies and not {lie.kind for lie in finds.lies} <= totals.finds.keys():
            say(report(arguments.seed, LANES[lane], number, finds))
        totals.add(lane, time.monotonic() - begin, finds)
        if time.monotonic() - said > LINE_SECONDS:
            said = time.monotonic()
            say(totals.line())
        if arguments.story is not None:
            break
    return totals


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the arguments of the command."""
    parser = argparse.ArgumentParser(description="Look for results that are not true.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--lane", choices=list(LANES), help="only this one")
    parser.add_argument("--story", type=int, help="only the one of this number; needs --lane")
    parser.add_argument("--keep-going", action="store_true", help="after a find, too")
    found = parser.parse_args(arguments)
    if found.story is not None and found.lane is None:
        parser.error("--story needs --lane")
    return found


def main() -> int:
    """Return the exit status: 1 after a find."""
    arguments = parsed(sys.argv[1:])
    print(f"seed {arguments.seed}", flush=True)
    with ModelServer() as server:
        totals = fuzz(server, arguments, lambda text: print(text, flush=True))
    print(totals.line())
    return 1 if totals.finds else 0


if __name__ == "__main__":
    sys.exit(main())
