# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let plain pytest import the collection from this checkout, and say what the run left out."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Generator

import pytest

ROOT = Path(__file__).resolve().parents[1]
COLLECTION = Path("ansible_collections", "ozonetel", "cloudagent")


def pytest_configure(config: pytest.Config) -> None:
    """Install Ansible's import of collections, unless ansible-test did."""
    if any(type(finder).__name__ == "_AnsibleCollectionFinder" for finder in sys.meta_path):
        return
    from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

    tree = tempfile.TemporaryDirectory(prefix="cloudagent-")
    config.add_cleanup(tree.cleanup)
    link = Path(tree.name) / COLLECTION
    link.parent.mkdir(parents=True)
    link.symlink_to(ROOT, target_is_directory=True)
    # For tests that start Ansible's own commands.
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = tree.name
    _AnsibleCollectionFinder(paths=[tree.name])._install()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter,
) -> Generator[None, None, None]:
    """Say just above the closing line what could not be run on this machine."""
    yield
    not_run = os.environ.get("CLOUDAGENT_NOT_RUN")
    if not_run:
        terminalreporter.section("not run")
        terminalreporter.line(not_run)
