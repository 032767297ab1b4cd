# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays of one task, one for each way that is compared, and their measurement."""

from __future__ import annotations

import json
import pathlib
import sys
import typing as t

from ansible_collections.ozonetel.cloudagent.tests.benchmarks.commands import (
    PLAYBOOK_COMMAND,
    fresh_directory,
    timed,
)
from ansible_collections.ozonetel.cloudagent.tests.benchmarks.local_server import Server

WAYS = ("debug", "in process", "as a module", "uri")
# Those that send something, over TLS.
TLS_WAYS = {f"{way}, https": way for way in WAYS[1:]}

Task = t.Dict[str, t.Any]


def play_seconds(
    way: str, server: Server, items: int | None = None, hosts: int = 1, forks: int = 5
) -> float:
    """Return the seconds of a whole ansible-playbook.

    Args:
        way: one of the ways above.
        server: where requests go.
        items: the items of the task's loop, or None for a task without a loop.
        hosts: the hosts of the play; each has campaigns of its own.
        forks: how many hosts Ansible serves at the same time.
    """
    inventory = ",".join(f"host{number}" for number in range(hosts)) + ","
    # Records that are kept from an earlier run would save this one from writing them.
    directory = fresh_directory()
    playbook = pathlib.Path(directory, "playbook.json")
    record_dir = f"{directory}/records"
    playbook.write_text(json.dumps([_play(way, server, items, record_dir)]), "utf-8")
    command = [PLAYBOOK_COMMAND, "-i", inventory, "-f", str(forks), str(playbook)]
    seconds, _printed = timed(command, env=server.env)
    return seconds


def _play(way: str, server: Server, items: int | None, record_dir: str) -> Task:
    # Further tasks that "when" skips would cost as much as "debug" does, and hide what differs.
    campaign = "Campaign of {{ inventory_hostname }}"
    task = _task(way, server, campaign if items is None else f"{campaign} {{{{ item }}}}")
    if way in ("in process", "as a module"):
        task["ozonetel.cloudagent.ozonetel_dynamic_dids"]["record_dir"] = record_dir
    if items is not None:
        task["loop"] = list(range(items))
    return {
        "name": "Measure one way",
        "hosts": "all",
        "gather_facts": False,
        "connection": "local",
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": [{"name": way, **task}],
    }


def _task(way: str, server: Server, campaign: str) -> Task:
    if way == "debug":
        return {"ansible.builtin.debug": {"msg": campaign}}
    if way == "uri":
        return {"ansible.builtin.uri": _uri_options(server, campaign)}
    update = {
        "api_url": server.url,
        "username": "acme",
        "api_key": "a-key",
        "campaign_name": campaign,
        "dynamic_dids": "9140001001,9140001002",
        "fallback_dynamic_dids": "9140002001",
    }
    task: Task = {"ozonetel.cloudagent.ozonetel_dynamic_dids": update}
    if way == "as a module":
        # One of the things that a task in process can't have.
        task["environment"] = {"CLOUDAGENT_BENCHMARK": way}
    return task


def _uri_options(server: Server, campaign: str) -> Task:
    options: Task = {
        "url": f"{server.url}/APIServices/dynamic/did/update",
        "method": "POST",
        "use_proxy": False,
        "body_format": "json",
        "body": {
            "username": "acme",
            "apiKey": "a-key",
            "campaignName": campaign,
            "dynamicDIDs": "9140001001,9140001002",
            "fallbackDynamicDIDs": "9140002001",
        },
    }
    if server.authorities:
        # It doesn't look at the environment variable that the collection's modules take them from.
        options["ca_path"] = server.authorities
    return options
