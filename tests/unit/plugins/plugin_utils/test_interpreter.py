# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When an interpreter is the one that Ansible itself runs in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._interpreter import is_this_python


@pytest.mark.parametrize("word", ["auto", "auto_legacy", "auto_silent", "auto_legacy_silent"])
def test_the_auto_values_of_ansible_are_this_python(word: str) -> None:
    assert is_this_python(word)


def test_this_python_is_recognised_by_its_path() -> None:
    assert is_this_python(sys.executable)


def test_this_python_is_recognised_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable))
    assert is_this_python(os.path.basename(sys.executable))


def test_this_python_is_recognised_through_a_linked_folder(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.symlink_to(os.path.dirname(sys.executable))
    assert is_this_python(str(folder / os.path.basename(sys.executable)))


def test_another_name_in_the_same_folder_is_this_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python3.99"
    python.symlink_to(sys.executable)
    (tmp_path / "python").symlink_to(python)
    monkeypatch.setattr(sys, "executable", str(python))
    assert is_this_python(str(tmp_path / "python"))


def test_a_virtual_environment_is_another_python(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    assert not is_this_python(str(python))


@pytest.mark.parametrize("interpreter", ["/usr/bin/env", "/no/such/python", "no-such-python", ""])
def test_anything_else_is_another_python(interpreter: str) -> None:
    assert not is_this_python(interpreter)
