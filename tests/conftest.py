# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let plain pytest import the collection from this checkout, and say what the run left out.

No test may meet anything that ansible-core has deprecated.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Generator, Iterator

import pytest
from ansible.module_utils.common.warnings import get_deprecation_messages

ROOT = Path(__file__).resolve().parents[1]
COLLECTION = Path("ansible_collections", "ozonetel", "cloudagent")
# A user may have set these; with them, tests would use another account, record, proxy or authority.
SETTINGS_OF_USERS = re.compile("(OZONETEL|XDG)_.*|PG[A-Z]+|.*_PROXY|(REQUESTS|CURL)_CA_BUNDLE")
# In a file, as what a test starts may write in any way, or start another Ansible itself.
LOG_VARIABLE = "ANSIBLE_LOG_PATH"


def pytest_configure(config: pytest.Config) -> None:
    """Give all tests one environment, and Ansible's import of collections unless ansible-test did."""
    for name in list(os.environ):
        if SETTINGS_OF_USERS.fullmatch(name.upper()):
            del os.environ[name]
    if any(type(finder).__name__ == "_AnsibleCollectionFinder" for finder in sys.meta_path):
        return
    tree = tempfile.TemporaryDirectory(prefix="cloudagent-")
    config.add_cleanup(tree.cleanup)
    # ansible/utils/display.py reads this when it is imported. It leaves a logging that is set up
    # alone, as pytest's is in this process.
    os.environ[LOG_VARIABLE] = log = str(Path(tree.name, "ansible.log"))
    logging.getLogger("ansible").setLevel(logging.INFO)
    logging.getLogger("ansible").addHandler(logging.FileHandler(log, delay=True))
    from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

    link = Path(tree.name) / COLLECTION
    link.parent.mkdir(parents=True)
    link.symlink_to(ROOT, target_is_directory=True)
    # For tests that start Ansible's own commands.
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = tree.name
    _AnsibleCollectionFinder(paths=[tree.name])._install()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take longest, so that none of them is left over at the end."""
    items.sort(key=lambda item: "in_process" not in item.path.parts)


@pytest.fixture(autouse=True)
def _no_deprecation() -> Iterator[None]:
    """Fail after a test in which this process, or any Ansible that it started, met a deprecation."""
    yield
    assert get_deprecation_messages() == ()
    assert logged_deprecations() == []


def logged_deprecations() -> list[str]:
    """Return the lines with which an Ansible told of a deprecation since the last call."""
    log = Path(os.environ.get(LOG_VARIABLE, os.devnull))
    if not log.is_file():
        return []
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    os.truncate(log, 0)
    return [line for line in lines if "[DEPRECATION WARNING]" in line]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter,
) -> Generator[None, None, None]:
    """Say just above the closing line what could not be run on this machine."""
    yield
    from ansible_collections.ozonetel.cloudagent.tests.browser.chromium import why_no_browser
    from ansible_collections.ozonetel.cloudagent.tests.postgres.server import why_no_server

    without = {"tests/browser": why_no_browser(), "tests/postgres": why_no_server()}
    not_run = [
        os.environ.get("CLOUDAGENT_NOT_RUN"),
        *(f"{folder}: {why}" for folder, why in without.items() if why),
    ]
    if any(not_run):
        terminalreporter.section("not run")
        terminalreporter.line("\n".join(filter(None, not_run)))
