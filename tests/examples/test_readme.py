# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first minutes of a new user: the commands of README.md's "First playbook", as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PORT = "8765"


def blocks(language: str) -> list[str]:
    """Return the blocks of the part "First playbook"."""
    part = README.partition("## First playbook\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)


def test_the_first_run_changes_and_the_second_does_not(tmp_path: Path) -> None:
    (playbook,) = blocks("yaml")
    start, updates = blocks("console")[:2]
    (tmp_path / "first.yml").write_text(playbook, encoding="utf-8")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("OZONETEL_")
    }
    environment["HOME"] = str(tmp_path)
    environment["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), environment["PATH"]])
    # A port that is free in place of the one in the text.
    command = start.replace(PORT, "0").split()
    with subprocess.Popen(
        [sys.executable, *command[1:]], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as sandbox:
        try:
            assert sandbox.stdout is not None
            found = re.search(r"\(port ([0-9]+)\)", sandbox.stdout.readline())
            assert found
            ran = subprocess.run(
                ["bash", "-e", "-c", updates.replace(PORT, found.group(1))],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        finally:
            sandbox.terminate()
    assert ran.returncode == 0, ran.stdout
    told = [int(count) for count in re.findall(r"# changed=([0-9])", updates)]
    assert [int(count) for count in re.findall(r"\bchanged=([0-9])", ran.stdout)] == told == [1, 0]
