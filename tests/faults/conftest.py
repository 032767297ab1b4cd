# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests of this folder share: an authority that issues certificates."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

if t.TYPE_CHECKING:
    from ansible_collections.ozonetel.cloudagent.tests.faults.authority import (
        Authority as AuthorityType,
    )
    from ansible_collections.ozonetel.cloudagent.tests.faults.authority import (
        Loading as LoadingType,
    )


@pytest.fixture(name="authority")
def _authority(tmp_path: pathlib.Path) -> AuthorityType:
    # Pytest may load this file before the collection can be imported.
    from ansible_collections.ozonetel.cloudagent.tests.faults.authority import Authority

    return Authority(tmp_path)


@pytest.fixture(name="loading")
def _loading(monkeypatch: pytest.MonkeyPatch) -> LoadingType:
    from ansible_collections.ozonetel.cloudagent.tests.faults.authority import Loading

    return Loading(monkeypatch)
