# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook update_dynamic_dids is given, and what is said when it is wrong."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._update_input import (
    UpdateInput,
    read_update_input,
)

SALES = {
    "campaign_name": "Sales",
    "dynamic_dids": ["9140001001"],
    "fallback_dynamic_dids": ["9140002001"],
}
CSV = "campaign_name,dynamic_dids,fallback_dynamic_dids\nSales,9140001001,9140002001\n"


def given_campaigns(campaigns: object) -> UpdateInput:
    return read_update_input(["cloudagent_campaigns"], campaigns, None)


def given_csv(path: object) -> UpdateInput:
    return read_update_input(["cloudagent_csv"], None, path)


def test_campaigns_are_passed_on() -> None:
    assert given_campaigns([SALES]) == ([SALES], [], ())


def test_a_csv_file_is_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaigns.csv"
    path.write_bytes(b"\xef\xbb\xbf" + CSV.replace("\n", ",Note\r\n", 1).encode())
    texts = {**SALES, "dynamic_dids": "9140001001", "fallback_dynamic_dids": "9140002001"}
    assert given_csv(str(path)) == ([texts], [], ['"Note"'])


def test_a_relative_path_counts_from_the_current_directory(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "campaigns.csv").write_text(CSV, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert given_csv("campaigns.csv").faults == []


def test_a_tilde_is_the_home_directory(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "campaigns.csv").write_text(CSV, encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert given_csv("~/campaigns.csv").faults == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nowhere.csv", "nowhere.csv, which does not exist. A relative path counts from"),
        ("/nowhere.csv", "cloudagent_csv names /nowhere.csv, which does not exist."),
        (".", "which is a directory."),
        ("x" * 5000, "which cannot be read."),
        ("a\0b", "is not a valid path."),
        ("", "is not the path of a file."),
        (["campaigns.csv"], "is not the path of a file."),
    ],
)
def test_a_path_that_leads_nowhere(path: object, said: str) -> None:
    found = given_csv(path)
    assert found.campaigns is None
    assert said in found.faults[0]


def test_the_faults_of_a_csv_file_come_after_its_path(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaigns.csv"
    path.write_bytes(CSV.encode() + b"Caf\xe9,9140001001,9140002001\n")
    found = given_csv(str(path))
    assert found.campaigns is None
    assert found.faults[0] == f"{path} cannot be used:"
    assert "CSV UTF-8" in found.faults[1]


def test_only_the_first_faults_are_shown() -> None:
    found = given_campaigns([{}] * 500)
    assert len(found.faults) == 21
    assert found.faults[20] == "There are 1,480 more."


def test_a_csv_file_without_campaigns(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaigns.csv"
    path.write_text(CSV.splitlines()[0], encoding="utf-8")
    assert given_csv(str(path)).faults == [f"{path} has no campaigns below its header."]


@pytest.mark.parametrize(
    ("campaigns", "said"),
    [
        ("campaigns.csv", "the variable is cloudagent_csv"),
        ({"Sales": []}, "cloudagent_campaigns is not a list of campaigns."),
        (5, "cloudagent_campaigns is not a list of campaigns."),
        ([], "cloudagent_campaigns is empty."),
        (None, "cloudagent_campaigns is empty."),
        (["Sales"], "Entry 1 of cloudagent_campaigns is not a campaign with the keys"),
        ([SALES, None], "Entry 2 of cloudagent_campaigns is not a campaign"),
        ([{"dynamic_dids": 1, "fallback_dynamic_dids": 2}], "lacks campaign_name."),
        (
            [{**SALES, "note": "hi"}],
            'Entry 1 of cloudagent_campaigns (campaign "Sales") has "note", which is no key',
        ),
    ],
)
def test_campaigns_that_cannot_be_used(campaigns: object, said: str) -> None:
    found = given_campaigns(campaigns)
    assert found.campaigns is None
    assert said in found.faults[0]


def test_a_missing_key_is_named_with_the_one_that_was_meant() -> None:
    support = {"campaign_name": "Support", "dynamic_did": [], "fallback_dynamic_dids": []}
    assert given_campaigns([SALES, support]).faults == [
        'Entry 2 of cloudagent_campaigns (campaign "Support") lacks dynamic_dids. Did you mean it by '
        '"dynamic_did"?'
    ]


def test_a_variable_named_campaigns() -> None:
    [fault] = read_update_input(["campaigns"], None, None).faults
    assert "reads cloudagent_campaigns. Rename it." in fault
    # Somebody else's variable does no harm.
    assert read_update_input(["campaigns", "cloudagent_campaigns"], [SALES], None).faults == []


def test_nothing_given() -> None:
    assert "Neither" in read_update_input([], None, None).faults[0]


def test_both_given() -> None:
    [fault] = read_update_input([], [SALES], "campaigns.csv").faults
    assert "Give one of them." in fault


def test_a_mistyped_variable_is_refused_before_all_else() -> None:
    found = read_update_input(["cloudagent_recrod"], [SALES], None)
    assert found.campaigns is None
    assert found.faults == [
        "The variable cloudagent_recrod is not known. Did you mean cloudagent_record?"
    ]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda some: (
        st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=20), some, max_size=3)
    ),
)


@given(names=st.lists(st.text(max_size=30)), campaigns=ANYTHING, path=st.none() | ANYTHING)
def test_whatever_is_given_is_used_or_refused(
    names: list[str], campaigns: t.Any, path: object
) -> None:
    found = read_update_input(names, campaigns, path)
    assert (found.campaigns is None) == bool(found.faults)
    assert all(isinstance(fault, str) for fault in found.faults)
