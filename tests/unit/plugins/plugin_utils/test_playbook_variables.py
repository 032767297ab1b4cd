# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the shipped playbooks: each is passed on, and mistyped ones are found."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.options import (
    bulk_argument_spec,
)
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._playbook_variables import (
    PLAYBOOK_VARIABLES,
    RECORD_OPTIONS,
    mistyped_variable_faults,
)

ROOT = pathlib.Path(__file__).resolve().parents[4]
# The demo has its own campaigns, and takes no variables.
PLAYBOOKS = [path for path in sorted(ROOT.glob("playbooks/*.yml")) if path.stem != "demo"]


def all_of(key: str, part: t.Any) -> t.Iterator[t.Any]:
    """Yield the values that this key has anywhere in a part of a playbook."""
    if isinstance(part, list):
        for item in part:
            yield from all_of(key, item)
    if isinstance(part, dict):
        if key in part:
            yield part[key]
        for value in part.values():
            yield from all_of(key, value)


@pytest.mark.parametrize("path", PLAYBOOKS, ids=[path.stem for path in PLAYBOOKS])
def test_a_playbook_reads_the_variables_that_are_known(path: pathlib.Path) -> None:
    text = yaml.safe_dump(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert set(re.findall(r"(?<![\w.])cloudagent_\w+", text)) == PLAYBOOK_VARIABLES[path.stem]


def test_the_guide_has_a_row_for_each_variable_of_update_dynamic_dids() -> None:
    guide = (ROOT / "docs" / "docsite" / "rst" / "guide_playbook.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^   \* - ``(cloudagent_\w+)``$", guide, re.MULTILINE)
    assert sorted(rows) == sorted(PLAYBOOK_VARIABLES["update_dynamic_dids"])


@pytest.mark.parametrize("playbook", ["put_back", "take_out"])
def test_the_guide_has_a_row_for_each_variable_that_only_this_playbook_has(playbook: str) -> None:
    guide = ROOT / "docs" / "docsite" / "rst" / f"guide_{playbook}.rst"
    rows = re.findall(
        r"^   \* - ``(cloudagent_\w+)``$", guide.read_text(encoding="utf-8"), re.MULTILINE
    )
    common = PLAYBOOK_VARIABLES["update_dynamic_dids"]
    assert sorted(rows) == sorted(PLAYBOOK_VARIABLES[playbook] - common)
    # The guide says so of the others.
    assert common - PLAYBOOK_VARIABLES[playbook] == {"cloudagent_campaigns", "cloudagent_csv"}


@pytest.mark.parametrize("path", PLAYBOOKS, ids=[path.stem for path in PLAYBOOKS])
def test_no_extra_variable_replaces_one_of_the_playbook(path: pathlib.Path) -> None:
    playbook = yaml.safe_load(path.read_text(encoding="utf-8"))
    own = [name for variables in all_of("vars", playbook) for name in variables]
    own += [*all_of("register", playbook), *all_of("loop_var", playbook)]
    own += [name for facts in all_of("ansible.builtin.set_fact", playbook) for name in facts]
    assert own
    assert [name for name in own if not name.startswith(("_cloudagent_", "ansible_"))] == []


def test_the_guide_has_a_row_for_each_variable_of_report() -> None:
    guide = (ROOT / "docs" / "docsite" / "rst" / "guide_report.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^   \* - (``cloudagent_.*)$", guide, re.MULTILINE)
    named = re.findall(r"``(cloudagent_\w+)``", " ".join(rows))
    assert sorted(named) == sorted(PLAYBOOK_VARIABLES["report"])


def test_the_report_gives_each_variable_to_its_option() -> None:
    [play] = yaml.safe_load((ROOT / "playbooks" / "report.yml").read_text("utf-8"))
    options = {
        **play["module_defaults"]["group/ozonetel.cloudagent.cloudagent"],
        **next(all_of("ozonetel.cloudagent.ozonetel_dynamic_dids_info", play)),
    }
    names = (*RECORD_OPTIONS, "history_limit")
    assert options == {name: f"{{{{ cloudagent_{name} | default(omit) }}}}" for name in names}


SENDING = [path for path in PLAYBOOKS if path.stem != "report"]


@pytest.mark.parametrize("path", SENDING, ids=[path.stem for path in SENDING])
def test_a_playbook_gives_each_variable_to_its_option(path: pathlib.Path) -> None:
    [play] = yaml.safe_load(path.read_text("utf-8"))
    options = {
        **play["module_defaults"]["group/ozonetel.cloudagent.cloudagent"],
        **next(all_of("ozonetel.cloudagent.ozonetel_dynamic_dids_bulk", play)),
    }
    assert options.pop("campaigns").startswith("{{ _cloudagent_")
    assert options == {
        name: f"{{{{ cloudagent_{name} | default(omit) }}}}"
        for name in bulk_argument_spec()
        if name != "campaigns"
    }


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("cloudagent_recrod", "cloudagent_record"),
        ("cloudagent_concurency", "cloudagent_concurrency"),
        ("cloudagent_skip_unchange", "cloudagent_skip_unchanged"),
        ("cloudagentcsv", "cloudagent_csv"),
    ],
)
def test_a_mistyped_variable_is_found(name: str, meant: str) -> None:
    assert mistyped_variable_faults(["ansible_version", name], "update_dynamic_dids") == [
        f"The variable {name} is not known. Did you mean {meant}?"
    ]


def test_a_variable_of_another_playbook_is_left_alone() -> None:
    # One letter from cloudagent_campaigns.
    assert mistyped_variable_faults(["cloudagent_campaign"], "update_dynamic_dids") == []
    # Two letters from each other.
    assert mistyped_variable_faults(["cloudagent_report"], "update_dynamic_dids") == []
    assert mistyped_variable_faults(["cloudagent_record"], "report") == []


def test_a_name_between_two_variables_is_that_of_the_playbook() -> None:
    [fault] = mistyped_variable_faults(["cloudagent_recort"], "report")
    assert fault.endswith("Did you mean cloudagent_report?")
    [fault] = mistyped_variable_faults(["cloudagent_recort"], "put_back")
    assert fault.endswith("Did you mean cloudagent_record?")


@pytest.mark.parametrize("playbook", PLAYBOOK_VARIABLES)
def test_the_playbook_s_own_variables_are_left_alone(playbook: str) -> None:
    own = [f"_{name}" for name in PLAYBOOK_VARIABLES[playbook]]
    assert mistyped_variable_faults([*PLAYBOOK_VARIABLES[playbook], *own], playbook) == []
