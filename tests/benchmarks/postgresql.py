# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures many campaigns with their records in PostgreSQL, beside files and bare sessions.

python tests/benchmarks/postgresql.py                     # how it grows with several controllers
python tests/benchmarks/postgresql.py --campaigns 200     # the same in a few seconds

PostgreSQL is on the same machine, in the folder for temporary files, and waits for that disk.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import typing as t

from ansible_collections.ozonetel.cloudagent.tests.benchmarks.bulk import (
    TASK,
    Campaigns,
    Measured,
    Sizes,
    bare_sessions,
    made_up_campaigns,
)
from ansible_collections.ozonetel.cloudagent.tests.benchmarks.goals import Goal, Medians
from ansible_collections.ozonetel.cloudagent.tests.benchmarks.local_server import (
    Server as HttpServer,
)
from ansible_collections.ozonetel.cloudagent.tests.benchmarks.local_server import running_server
from ansible_collections.ozonetel.cloudagent.tests.benchmarks.server import SLOW_SECONDS
from ansible_collections.ozonetel.cloudagent.tests.postgres.server import Server, why_no_server

FIRST_SEEN = "{compared} first seen, PostgreSQL"
BARE = "{compared}, bare sessions beside PostgreSQL"
SKIPPED = "{largest} skipped, PostgreSQL"
SKIPPED_FILES = "{largest} skipped, files beside PostgreSQL"
GOALS = (
    Goal(
        "throughput / bare sessions: first seen, PostgreSQL",
        lambda medians, sizes: medians[BARE.format(**sizes)] / medians[FIRST_SEEN.format(**sizes)],
        at_least=0.55,
    ),
    Goal(
        "{largest} skipped: PostgreSQL / files",
        lambda medians, sizes: (
            medians[SKIPPED.format(**sizes)] / medians[SKIPPED_FILES.format(**sizes)]
        ),
        at_most=1.0,
    ),
)

# Environment variables that say where the records are.
Place = t.Dict[str, str]

MILLION = 1_000_000
SAMPLE_SECONDS = 0.02
CONNECTIONS_AND_LOCKS = """\
SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = '{0}'),
  (SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE locktype = 'advisory' AND datname = '{0}')"""
SIZES = """\
SELECT relname, count, pg_total_relation_size(relid) / 1e6
FROM (
  SELECT 'campaigns' AS relname, count(*), 'ozonetel_cloudagent.campaigns'::regclass AS relid
  FROM ozonetel_cloudagent.campaigns
  UNION ALL SELECT 'history', count(*), 'ozonetel_cloudagent.history'::regclass
  FROM ozonetel_cloudagent.history
) AS tables"""


def in_database(server: HttpServer, sizes: Sizes) -> Measured:
    """Yield what each case takes inside of the plugin, if there is a PostgreSQL here.

    Args:
        server: that the updates are sent to.
        sizes: how many campaigns.
    """
    if why_no_server() is not None:
        return
    many, workers = made_up_campaigns(sizes["largest"]), sizes["workers"]
    few = many[: sizes["compared"]]
    with running_database() as database, _fresh_directory() as directory:
        yield BARE.format(**sizes), bare_sessions(server, few, workers)
        place = _in_tables(database.url(database.new_database()))
        yield FIRST_SEEN.format(**sizes), task_seconds(server.url, few, workers, place)
        places = {SKIPPED: place, SKIPPED_FILES: {"OZONETEL_RECORD_DIR": directory}}
        for name, one in places.items():
            task_seconds(server.url, many, workers, one)
            skipped = task_seconds(server.url, many, workers, one, skip_unchanged=True)
            yield name.format(**sizes), skipped


def goals(medians: Medians, sizes: Sizes) -> tuple[Goal, ...]:
    """Return the figures to reach, if they were measured."""
    return GOALS if FIRST_SEEN.format(**sizes) in medians else ()


@contextlib.contextmanager
def running_database() -> t.Iterator[Server]:
    """Run a PostgreSQL that waits for the disk, as it does by default."""
    database = Server("fsync = on\nmax_connections = 100\n")
    try:
        yield database
    finally:
        database.remove()


def _fresh_directory() -> tempfile.TemporaryDirectory[str]:
    """Return a directory where records are for users: elsewhere may be no disk."""
    return tempfile.TemporaryDirectory(prefix=".cloudagent-", dir=pathlib.Path.home())


# --- Tasks --------------------------------------------------------------------------------------


def _in_tables(url: str) -> Place:
    # Given by the environment, as in pipelines, it has Ansible's main process load the library.
    return {"OZONETEL_RECORD_URL": url}


def task_seconds(
    url: str, campaigns: Campaigns, workers: int, place: Place, **options: t.Any
) -> float:
    """Return the seconds inside of the plugin."""
    return Task(url, campaigns, workers, place, **options).seconds()


class Task:
    """What the action plugin does, in a process of its own."""

    def __init__(
        self, url: str, campaigns: Campaigns, workers: int, place: Place, **options: t.Any
    ) -> None:
        self._options = {
            "username": "acme",
            "api_key": "a-key",
            "api_url": url,
            "campaigns": campaigns,
            "concurrency": workers,
            **options,
        }
        # The folder above ansible_collections, as for run.py.
        self._process = subprocess.Popen(
            [sys.executable, "-c", TASK, os.environ["PYTHONPATH"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **place},
        )

    def seconds(self) -> float:
        """Run it to its end, and return its seconds inside of the plugin."""
        printed, _errors = self._process.communicate(json.dumps(self._options))
        if self._process.returncode:
            raise RuntimeError("a task of the benchmark failed")
        return float(json.loads(printed)["seconds"])


# --- Several controllers ------------------------------------------------------------------------


class Most:
    """The most connections and locks that a database had while this was watching."""

    def __init__(self, database: Server, name: str) -> None:
        self.connections = self.locks = 0
        self._database = database
        self._statement = CONNECTIONS_AND_LOCKS.format(name)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Most:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop watching."""
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(SAMPLE_SECONDS):
            ((connections, locks),) = self._database.execute(self._statement)
            self.connections = max(self.connections, connections)
            self.locks = max(self.locks, locks)


def measure_controllers(database: Server, url: str, campaigns: Campaigns, workers: int) -> None:
    """Print what 1, 2 and 4 controllers take that share the campaigns by slices."""
    possible = workers / SLOW_SECONDS
    print(f"{len(campaigns)} campaigns, a server that takes {SLOW_SECONDS * 1000:.0f} ms,")
    print(f"concurrency {workers} for each controller")
    print(f"{'controllers':>12} {'seconds':>8} {'per second':>11} {'of possible':>12}", end="")
    print(f" {'connections':>12} {'locks':>6}")
    for count in (1, 2, 4):
        name = database.new_database()
        place = _in_tables(database.url(name))
        # The tables are there, as in all runs but the very first one.
        task_seconds(url, made_up_campaigns(1), 1, place)
        tasks = [Task(url, campaigns[first::count], workers, place) for first in range(count)]
        with Most(database, name) as most:
            seconds = max(_all_seconds(tasks))
        rate = len(campaigns) / seconds
        print(f"{count:>12} {seconds:>8.1f} {rate:>11.0f} {rate / possible / count:>12.2f}", end="")
        print(f" {most.connections:>12} {most.locks:>6}", flush=True)


def _all_seconds(tasks: list[Task]) -> list[float]:
    found: list[float] = []
    threads = [
        threading.Thread(target=lambda task=task: found.append(task.seconds())) for task in tasks
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(found) < len(tasks):
        raise RuntimeError("a controller of the benchmark failed")
    return found


def measure_size(database: Server, url: str, campaigns: Campaigns, workers: int) -> None:
    """Print rows and megabytes, as measured and computed for a million campaigns."""
    name = database.new_database()
    place = _in_tables(database.url(name))
    changed = [{**one, "fallback_dynamic_dids": ["9150002002"]} for one in campaigns]
    print(f"\n{len(campaigns)} campaigns with 50 numbers each")
    print(f"{'':<24} {'table':<10} {'rows':>8} {'MB':>8} {'MB per million, computed':>26}")
    for title, given in (("applied once", campaigns), ("applied twice", changed)):
        task_seconds(url, given, workers, place)
        for state, statement in (("", ""), (", vacuumed", "VACUUM")):
            if statement:
                database.execute(statement, name)
            for table, rows, megabytes in database.execute(SIZES, name):
                computed = float(megabytes) * MILLION / len(campaigns)
                print(f"{title + state:<24} {table:<10} {rows:>8}", end="")
                print(f" {float(megabytes):>8.1f} {computed:>26,.0f}", flush=True)


def main() -> None:
    """Print how it grows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--campaigns", type=int, default=2000, help="shared by the controllers")
    parser.add_argument("--stored", type=int, default=10_000, help="whose size is measured")
    parser.add_argument("--concurrency", type=int, default=8)
    arguments = parser.parse_args()
    with running_database() as database:
        with running_server("slow_answer") as server:
            campaigns = made_up_campaigns(arguments.campaigns)
            measure_controllers(database, server.url, campaigns, arguments.concurrency)
        with running_server("answer") as server:
            campaigns = made_up_campaigns(arguments.stored)
            measure_size(database, server.url, campaigns, arguments.concurrency)


if __name__ == "__main__":
    main()
