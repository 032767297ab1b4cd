# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is where: rooms that the guide names, an HTTP helper that stands alone, guides by their files."""

from __future__ import annotations

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULE_UTILS = ROOT / "plugins" / "module_utils"
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# The only file outside of the HTTP helper that it uses; it knows nothing of CloudAgent.
COMMON = "from .._unexpected import describe_unexpected"
# Those of collections; Ansible's requirements for its package allow no others.
FOLDERS = {
    *("action", "become", "cache", "callback", "cliconf", "connection", "doc_fragments", "filter"),
    *("httpapi", "inventory", "lookup", "module_utils", "modules", "netconf", "plugin_utils"),
    *("shell", "strategy", "sub_plugins", "terminal", "test", "vars"),
}


def section_about(folder: str) -> str:
    """Return the guide's part about a room, or about the files that have none."""
    heading = rf"### [^\n]*`{folder}/`[^\n]*\n" if folder else "## One way through\n"
    found = re.search(heading + r"(.*?)\n##", GUIDE, re.DOTALL)
    assert found, f"CONTRIBUTING.md has no part about {folder or 'module_utils'}"
    return found.group(1)


@pytest.mark.parametrize(
    "path", sorted(path.relative_to(MODULE_UTILS).as_posix() for path in MODULE_UTILS.rglob("*.py"))
)
def test_the_guide_has_a_row_for_each_file(path: str) -> None:
    room, _slash, name = path.partition("/")
    section = section_about(room if name else "")
    assert f"| `{path}` |" in section or f"| `{name}` |" in section


@pytest.mark.parametrize(
    "path", sorted((MODULE_UTILS / "_http").glob("*.py")), ids=lambda path: path.name
)
def test_the_http_helper_uses_nothing_of_cloudagent(path: pathlib.Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    outside = [line for line in lines if re.match(r"\s*(from|import) (\.\.|ansible)", line)]
    assert set(outside) <= {COMMON}


def test_a_reference_to_a_guide_names_its_file() -> None:
    # ansible-doc can't open the reference itself.
    reference = re.compile(r"- ref: [\w.]+\.docsite\.(guide_\w+)\n\s+description: (.*\n.*)\n")
    documented = [*ROOT.glob("plugins/modules/*.py"), *ROOT.glob("plugins/filter/*")]
    texts = [path.read_text(encoding="utf-8") for path in documented if path.is_file()]
    found = [match.groups() for text in texts for match in reference.finditer(text)]
    assert found
    for guide, description in found:
        path = f"docs/docsite/rst/{guide}.rst"
        assert f"C({path})" in description
        assert (ROOT / path).is_file()


def test_plugins_hold_only_folders_that_ansible_gives_a_meaning() -> None:
    folders = {path.name for path in MODULE_UTILS.parent.iterdir() if path.name != "__pycache__"}
    assert folders <= FOLDERS


@pytest.mark.parametrize("folder", ["module_utils", "plugin_utils"])
def test_utilities_are_private(folder: str) -> None:
    names = {path.name for path in (ROOT / "plugins" / folder).iterdir()}
    assert all(name.startswith("_") for name in names)


def test_only_the_demo_uses_files_outside_of_plugins_and_playbooks() -> None:
    # What others call by its full name has to work with these folders alone.
    public = [*ROOT.glob("plugins/**/*.py"), *ROOT.glob("playbooks/**/*.yml")]
    outside = re.compile(r"\}\}/\.\./|__file__|\.parents?\b")
    found = {path.name for path in public if outside.search(path.read_text(encoding="utf-8"))}
    assert found <= {"demo.yml"}
