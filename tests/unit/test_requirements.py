# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every place names the same oldest version of requests, which is the one that is tested."""

from __future__ import annotations

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = re.compile(r"\brequests[`,]* ?(?:[>=]=)? ?(\d+\.\d+\.\d+)")


@pytest.mark.parametrize(
    ("path", "times"),
    [
        ("requirements.txt", 1),
        ("tests/oldest_libraries.txt", 1),
        ("meta/ee-requirements.txt", 1),
        ("README.md", 2),
        ("docs/docsite/rst/guide_getting_started.rst", 1),
        ("plugins/doc_fragments/connection.py", 1),
    ],
)
def test_every_file_names_the_same_oldest_version_of_requests(path: str, times: int) -> None:
    assert VERSION.findall((ROOT / path).read_text(encoding="utf-8")) == ["2.25.1"] * times
