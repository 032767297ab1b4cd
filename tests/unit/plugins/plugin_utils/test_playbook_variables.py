# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the shipped playbooks: each is passed on, and mistyped ones are found."""

from __future__ import annotations


import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._bulk.options import (
    bulk_argument_spec,
)
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._playbook_variables import (
    PLAYBOOK_VARIABLES,
    mistyped_variable_faults,
)


def test_every_option_of_the_bulk_module_is_a_variable() -> None:
    options = {f"cloudagent_{option}" for option in bulk_argument_spec()}
    assert options < PLAYBOOK_VARIABLES["update_dynamic_dids"]


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


@pytest.mark.parametrize("playbook", PLAYBOOK_VARIABLES)
def test_the_playbook_s_own_variables_are_left_alone(playbook: str) -> None:
    own = [f"_{name}" for name in PLAYBOOK_VARIABLES[playbook]]
    assert mistyped_variable_faults([*PLAYBOOK_VARIABLES[playbook], *own], playbook) == []
