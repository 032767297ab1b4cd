# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which known name a mistyped one is taken for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils._spelling import closest_names

KNOWN = ["cloudagent_csv", "cloudagent_record", "cloudagent_record_dir", "cloudagent_region"]
LETTERS = st.text("abc_", max_size=8)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("cloudagent_recrd", ["cloudagent_record"]),
        ("cloudagent_recrod", ["cloudagent_record"]),
        ("cloudagent_reccord", ["cloudagent_record"]),
        ("cloudagnet_csv", ["cloudagent_csv"]),
        ("cloudagent-csv", ["cloudagent_csv"]),
        ("CLOUDAGENT_CSV", ["cloudagent_csv"]),
        ("loudagent_csvs", ["cloudagent_csv"]),
        ("cloudagent_recion", ["cloudagent_region"]),
        ("cloudagent_retion", ["cloudagent_region"]),
        ("cloudagent_c", ["cloudagent_csv"]),
        ("cloudagent_", []),
        ("cloudagent_cs", ["cloudagent_csv"]),
        ("cloudagent_secret", []),
        ("ansible_version", []),
        ("", []),
    ],
)
def test_at_most_two_letters_are_wrong(name: str, meant: list[str]) -> None:
    assert closest_names(name, KNOWN) == meant


def test_all_that_differ_least_are_named() -> None:
    assert closest_names("cat", ["bat", "cut", "cart", "dog", "bit"]) == ["bat", "cut", "cart"]


def distance(one: str, other: str) -> int:
    """Return the Levenshtein distance, computed in another way than the code does."""
    row = list(range(len(other) + 1))
    for position, letter in enumerate(one, start=1):
        previous, row = row, [position]
        for place, match in enumerate(other, start=1):
            row.append(
                min(row[-1] + 1, previous[place] + 1, previous[place - 1] + (letter != match))
            )
    return row[-1]


@given(name=LETTERS, known=st.lists(LETTERS, max_size=5))
def test_the_distance_is_that_of_levenshtein(name: str, known: list[str]) -> None:
    distances = {other: distance(name, other) for other in known}
    least = min(distances.values(), default=3)
    expected = [other for other in known if distances[other] == least <= 2]
    assert closest_names(name, known) == expected
