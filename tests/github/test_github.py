# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files for GitHub: each fits its schema, and they name what noxfile.py and others name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
# For each pattern, schemas that check-jsonschema brings along.
SCHEMAS = {
    "actions/*/action.yml": ["vendor.github-actions"],
    "dependabot.yml": ["vendor.dependabot"],
    "ISSUE_TEMPLATE/config.yml": ["vendor.github-issue-config"],
    "ISSUE_TEMPLATE/[!c]*.yml": ["vendor.github-issue-forms"],
    "workflows/*.yml": ["vendor.github-workflows", "custom.github-workflows-require-timeout"],
}


@pytest.mark.parametrize(
    ("pattern", "schema"),
    [(pattern, schema) for pattern, schemas in SCHEMAS.items() for schema in schemas],
)
def test_files_fit_their_schema(pattern: str, schema: str) -> None:
    files = [str(path) for path in GITHUB.glob(pattern)]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files]
    checked = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_every_yaml_file_has_a_schema() -> None:
    checked = {path for pattern in SCHEMAS for path in GITHUB.glob(pattern)}
    assert checked == {*GITHUB.rglob("*.yml"), *GITHUB.rglob("*.yaml")}


def test_the_pythons_are_those_of_the_noxfile() -> None:
    action = yaml.safe_load((GITHUB / "actions" / "set-up" / "action.yml").read_text("utf-8"))
    pythons = action["runs"]["steps"][0]["with"]["python-version"].split()
    noxfile = (ROOT / "noxfile.py").read_text("utf-8")
    targets = re.search(r"^TARGETS = range\((\d+), (\d+)\)$", noxfile, re.MULTILINE)
    assert targets
    expected = {f"3.{minor}" for minor in range(*map(int, targets.groups()))}
    assert set(pythons) == expected


@pytest.mark.parametrize(
    "path", [*GITHUB.glob("workflows/*.yml"), *GITHUB.glob("actions/*/*.yml")], ids=lambda p: p.name
)
def test_every_action_has_a_version_or_is_our_own(path: Path) -> None:
    used = re.findall(r"uses: (\S+)", path.read_text("utf-8"))
    assert used
    for action in used:
        ours = action.startswith("./") and (ROOT / action / "action.yml").is_file()
        assert ours or re.fullmatch(r"[\w.-]+/[\w.-]+@v\d+", action)
