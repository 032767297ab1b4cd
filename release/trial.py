# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trying a tarball as a user would: in an empty place, without any setting of this machine."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

COLLECTION = "ozonetel.cloudagent"


def try_tarball(tarball: Path) -> None:
    """Install the tarball into an empty place, verify it, read its documentation, run its demo.

    Raises:
        subprocess.CalledProcessError: one of these failed; it has said why.
    """
    with tempfile.TemporaryDirectory() as place:
        install = ["ansible-galaxy", "collection", "install", "--offline", "-p", place]
        for command in (
            [*install, str(tarball)],
            ["ansible-galaxy", "collection", "verify", "--offline", "-p", place, COLLECTION],
            ["ansible-doc", "--type", "module", f"{COLLECTION}.ozonetel_dynamic_dids", "--json"],
            ["ansible-playbook", f"{COLLECTION}.demo"],
        ):
            print("$", *command, flush=True)
            quiet = subprocess.DEVNULL if "--json" in command else None
            subprocess.run(command, cwd=place, env=environment(place), stdout=quiet, check=True)


def environment(place: str) -> dict[str, str]:
    """Return an environment in which Ansible finds only what is in this place."""
    ours = ("ANSIBLE_", "OZONETEL_", "PYTHON", "XDG_")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_COLLECTIONS_PATH": place,
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOWS": "true",
        "HOME": place,
    }
