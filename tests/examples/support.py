# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the files in examples/ share: the sandbox, a clone, machines that know nothing of the tests."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import typing as t
import urllib.request

from ansible_collections.ozonetel.cloudagent.tests.unit.support import HANG_SECONDS, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
COLLECTION_URL = "https://example.com/ozonetel.cloudagent"

# Both lists of each campaign, as they were sent.
Table = t.Dict[str, t.Tuple[str, str]]


class Sandbox:
    """The sandbox in a process of its own.

    Attributes:
        url: where it listens.
    """

    def __init__(self, folder: pathlib.Path, *accounts: dict[str, t.Any]) -> None:
        """Start it in an empty folder, with its own accounts or with the ones given."""
        ready = folder / "ready.json"
        command = [sys.executable, str(ROOT / "sandbox" / "cloudagent.py"), "--stop-after", "7200"]
        command += ["--ready-file", str(ready)]
        if accounts:
            file = folder / "accounts.json"
            file.write_text(json.dumps({"accounts": accounts}), encoding="utf-8")
            command += ["--accounts", str(file)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for(ready.exists)
        self.url = json.loads(ready.read_text(encoding="utf-8"))["url"]

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def take_sent(self) -> list[str]:
        """Return the campaigns of the requests since the last call, which must all have succeeded."""
        requests = self._control("GET", "requests")["requests"]
        self._control("DELETE", "requests")
        assert {request["http_status"] for request in requests} <= {200}
        return [request["body"]["campaignName"] for request in requests]

    def lists(self) -> Table:
        """Return what the campaigns of all accounts hold."""
        return {
            name: (",".join(lists["dynamic_dids"]), ",".join(lists["fallback_dynamic_dids"]))
            for account in self._control("GET", "state")["accounts"]
            for name, lists in account["campaigns"].items()
        }

    def _control(self, method: str, path: str) -> t.Any:
        request = urllib.request.Request(f"{self.url}/sandbox/{path}", method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=HANG_SECONDS) as answer:
            return json.load(answer)


def clean_environment(home: pathlib.Path) -> dict[str, str]:
    """Return the environment of a machine that knows nothing of the project or of its tests."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANSIBLE_", "OZONETEL_", "PG", "PIP_", "XDG_"))
        and not name.endswith("_proxy")
    }
    # In which tests/conftest.py looks for deprecations.
    kept["ANSIBLE_LOG_PATH"] = os.environ["ANSIBLE_LOG_PATH"]
    kept["PATH"] = os.pathsep.join([str(pathlib.Path(sys.executable).parent), kept["PATH"]])
    kept["HOME"] = str(home)
    return kept


def without_network(clone: pathlib.Path) -> dict[str, str]:
    """Return the variables with which commands that install something find it on this machine."""
    return {
        # What pip would download is found among what is installed for the tests.
        "PIP_NO_INDEX": "1",
        "PYTHONPATH": sysconfig.get_path("purelib"),
        # https://git-scm.com/docs/git-config#Documentation/git-config.txt-urlbaseinsteadOf
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{clone}.insteadOf",
        "GIT_CONFIG_VALUE_0": COLLECTION_URL,
    }


def make_clone(clone: pathlib.Path) -> pathlib.Path:
    """Make a repository of what git knows or would add, without the tests, and return its folder."""
    listed = subprocess.check_output(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, text=True
    )
    for name in filter(None, listed.split("\0")):
        if name.startswith("tests/") or not (ROOT / name).is_file():
            continue
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, clone / name)
    person = ("-c", "user.name=Tests", "-c", "user.email=tests@example.com")
    for command in (("init", "--quiet"), ("add", "--all"), (*person, "commit", "--message=All")):
        subprocess.check_output(["git", *command], cwd=clone)
    return clone
