# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the collection, as Ansible calls them."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display

from ansible_collections.ozonetel.cloudagent.plugins.filter import (
    bulk_report,
    campaigns_from_csv,
    mistyped_variables,
    rotate_weekly,
    update_input,
)

CSV = "campaign_name;dynamic_dids;fallback_dynamic_dids;Note\nSales;9140001001 9140001002;9140002001;hi\n"
SALES = {
    "campaign_name": "Sales",
    "dynamic_dids": "9140001001,9140001002",
    "fallback_dynamic_dids": "9140002001",
}


def filter_of(module: t.Any) -> t.Callable[..., t.Any]:
    """Return the one filter of a plugin file, which has the name of the file."""
    filters = module.FilterModule().filters()
    [(name, function)] = filters.items()
    assert module.__name__.endswith(f".{name}")
    assert f"\nname: {name}\n" in module.DOCUMENTATION
    return t.cast("t.Callable[..., t.Any]", function)


@pytest.fixture(name="warnings")
def _warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the warnings that Ansible is told from now on."""
    warnings: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda _display, msg: warnings.append(msg))
    return warnings


def test_campaigns_from_csv(warnings: list[str]) -> None:
    assert filter_of(campaigns_from_csv)(CSV) == [SALES]
    assert warnings == ['Columns of the CSV file that are not used: "Note"']


def test_no_warning_without_further_columns(warnings: list[str]) -> None:
    text = CSV.replace(";Note", "").replace(";hi", "")
    assert filter_of(campaigns_from_csv)(text) == [SALES]
    assert warnings == []


def test_campaigns_from_csv_that_has_faults() -> None:
    text = CSV + "IVR;9.14E+09;9140002001;\n" * 30
    with pytest.raises(AnsibleFilterError) as refused:
        filter_of(campaigns_from_csv)(text)
    lines = str(refused.value).splitlines()
    assert lines[0] == "The CSV file cannot be used:"
    assert lines[1].startswith("Row 3, column B (dynamic_dids), has '9.14E+09'")
    # 30 numbers, and 29 names that were there before.
    assert lines[21:] == ["There are 39 more."]


@pytest.mark.parametrize("value", [None, 5, b"campaign_name", [CSV], {}])
def test_campaigns_from_csv_of_what_is_no_text(value: object) -> None:
    with pytest.raises(AnsibleFilterError, match="needs the text of a CSV file"):
        filter_of(campaigns_from_csv)(value)


def test_update_input(warnings: list[str], tmp_path: t.Any) -> None:
    path = tmp_path / "campaigns.csv"
    path.write_text(CSV, encoding="utf-8")
    found = filter_of(update_input)([], csv=str(path))
    assert found == {"campaigns": [SALES], "faults": []}
    assert warnings == ['Columns of cloudagent_csv that are not used: "Note"']
    assert filter_of(update_input)([])["campaigns"] is None


def test_mistyped_variables() -> None:
    names = ["cloudagent_record", "cloudagent_recrod"]
    assert filter_of(mistyped_variables)(names, "update_dynamic_dids") == [
        "The variable cloudagent_recrod is not known. Did you mean cloudagent_record?"
    ]


def test_mistyped_variables_of_no_playbook() -> None:
    with pytest.raises(AnsibleFilterError, match="has to be one of update_dynamic_dids, "):
        filter_of(mistyped_variables)([], "update")


def test_bulk_report() -> None:
    assert filter_of(bulk_report)({"msg": "Bad options."}) == {
        "failed": True,
        "lines": ["Bad options."],
    }


def test_rotate_weekly() -> None:
    campaigns = [{"campaign_name": "Sales"}, {"campaign_name": "Support"}]
    pool = "9140001001,9140001002,9140001003"
    this, following = (
        filter_of(rotate_weekly)(campaigns, pool, each=2, day=day)
        for day in ("2027-01-03", "2027-01-04")
    )
    assert [one["dynamic_dids"] for one in this] == [
        "9140001001,9140001002",
        "9140001003,9140001001",
    ]
    assert following[0]["dynamic_dids"] == "9140001002,9140001003"


def test_rotate_weekly_of_what_cannot_be_used() -> None:
    with pytest.raises(AnsibleFilterError, match="pool is an empty list"):
        filter_of(rotate_weekly)([{"campaign_name": "Sales"}], [])
